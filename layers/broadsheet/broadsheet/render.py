"""Pages, feeds and sitemaps as bytes. Pure: the same values give the same bytes, always."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from sys import getsizeof
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from broadsheet import addresses, card, disclosure, markdown, metadata, templating
from broadsheet.card import Card
from broadsheet.kept import Kept
from broadsheet.page import (
    ATOM,
    BINARY,
    CSS,
    HTML,
    JSON,
    JSON_FEED,
    PNG,
    PREVIEW_CACHE_CONTROL,
    RSS,
    SVG,
    TEXT,
    XML,
    Drawing,
    Page,
    tags_of,
)
from broadsheet.templating import environment, static
from broadsheet.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from jinja2.runtime import Macro

    from broadsheet.article import Article, Image
    from broadsheet.index import Entry, Month, Scope
    from broadsheet.segment import Segment
    from broadsheet.site_config import SiteConfig

# Bytes of memory for items of lists, each by what has rendered it and by the line of its entry.
ITEMS_ROOM = 32 * 1024 * 1024
Item = tuple[tuple[object, ...], bytes]

# Months that the home page and a topic's page link themselves. The archive has all of them, and
# each month's page its topics.
RECENT_MONTHS = 12

# What explains the extension of JSON Feed items: https://www.jsonfeed.org/version/1.1/#extensions
ABOUT_AI = "https://cv.iptc.org/newscodes/digitalsourcetype/"

_MONTHS = (
    "January February March April May June July August September October November December".split()
)


class Renderer:
    """Renders for one site: its address and what its site.json says."""

    def __init__(self, site_url: str, config: SiteConfig) -> None:
        self._site_url = site_url
        self._config = config
        self._site = metadata.Site(site_url, config)
        self._calendar = lru_cache(maxsize=1)(self._all_months)
        self._items: Kept[Item, str] = Kept(ITEMS_ROOM, _item_size)
        self._shared = {
            "site": config,
            "site_url": site_url,
            "long_date": lambda moment: long_date(moment, config.timezone),
            "long_time": lambda moment: long_time(moment, config.timezone),
            "feed_text": self._feed_text,
            "absolute": self._absolute,
            "each": self._each,
            "rights": config.rights
            or f"© {config.publisher.name if config.publisher else config.name}",
        }

    def card(self, article: Article) -> Drawing | None:
        """What stands for an article that shows no picture; None of others."""
        if article.image or article.status != "published":
            return None
        theme = self._config.theme or Theme()
        colours = theme.light.paper, theme.light.ink, theme.light.accent
        region = card.region(article.language or self._config.language)
        shown = Card(article.title, self._config.name, *colours, theme.headings, region)
        return Drawing(article.path, shown)

    def preview(self, article: Article, token: str) -> Page:
        """The page that shows an article before it is public, to who knows its address.

        It says so, asks not to be indexed or quoted, and tells machines nothing.
        """
        page = self.article(article, preview=True)
        return replace(
            page,
            key=addresses.preview_key(token),
            cache_control=PREVIEW_CACHE_CONTROL,
            made_from=addresses.source_key(article.path),
        )

    def article(self, article: Article, *, unlisted: bool = False, preview: bool = False) -> Page:
        """An article's page, a notice in place of a withdrawn one.

        One that is ``unlisted`` asks not to be indexed, and leads to no topic: it may have been the
        last of it.
        Raises InvalidError where its body can't be rendered.
        """
        if unlisted:
            article = article._replace(topics=())
        key = addresses.page_key(article.path)
        url = self._site_url + addresses.url_path(key)
        drawing = self.card(article)
        image = drawing.image if drawing else article.image
        image_url = self._absolute(image) if image else ""
        is_shown = article.status != "withdrawn"
        body = markdown.to_html(article.body, article.body_place) if is_shown else ""
        return self._page(
            key,
            "article.html",
            addresses.article_tag(article.path),
            article=article,
            unlisted=unlisted,
            preview=preview,
            body=Markup(body),  # noqa: S704 (sanitised)
            language=article.language or self._config.language,
            url=url,
            image=image,
            image_url=image_url,
            image_type=PNG if drawing else "",
            disclosed=disclosure.value(article.ai_disclosure, reviewed=bool(article.human_review)),
            json_ld=self._article_data(article, url, image, image_url),
        )

    def moved(self, key: str, article: str) -> Page:
        """The page at an old address of an article. It depends on nothing but where that is.

        At one that is another article's it has that one's tag as well: who publishes there writes
        over it, and invalidates no more than an article's own.
        """
        there = addresses.paged_path(key)
        own = [addresses.article_tag(there)] if there else []
        url = self._site_url + addresses.url_path(addresses.page_key(article))
        return self._page(key, "moved.html", ",".join([addresses.TAG_REDIRECTS, *own]), url=url)

    def _tdm_policy(self) -> Page:
        """What is reserved as to text and data mining; nothing where site.json says nothing.

        https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/
        """
        rules: list[dict[str, Any]] = []
        if reservation := self._config.tdm_reservation:
            rules.append({"location": "/", "tdm-reservation": 1})
            if reservation.policy:
                rules[0]["tdm-policy"] = reservation.policy
        return Page(addresses.TDM_POLICY, json.dumps(rules).encode(), JSON, tags_of(""))

    def _article_data(
        self, article: Article, url: str, image: Image | None, image_url: str
    ) -> Markup:
        picture = metadata.picture(image, image_url) if image else None
        steps = [(topic.label, self._url(f"topics/{topic.slug}/")) for topic in article.topics[:1]]
        return metadata.json_ld(
            metadata.news_article(article, url, picture, self._site),
            self._breadcrumbs(*steps, (article.title, url)),
            self._site.publisher(),
        )

    def _breadcrumbs(self, *steps: tuple[str, str]) -> metadata.Node:
        return metadata.breadcrumbs([(self._config.name, self._url("")), *steps])

    def _absolute(self, image: Image) -> str:
        own = image.address.startswith("/")
        return f"{self._site_url}{image.address}" if own else image.address

    def _url(self, path: str) -> str:
        return f"{self._site_url}/{path}"

    def fixed(self) -> list[Page]:
        """The pages that depend on the site's configuration alone."""
        theme = self._config.theme or Theme()
        initial = self._config.name.strip()[:1].upper()
        return [
            self._page(addresses.NOT_FOUND, "404.html", ""),
            self._page(addresses.ROBOTS, "robots.txt", "", TEXT),
            Page(addresses.FEED_STYLE, static("feed.css").encode(), CSS, tags_of("")),
            self._tdm_policy(),
            Page(addresses.INDEXNOW, self._config.indexnow_key.encode(), TEXT, tags_of("")),
            self._page(addresses.ICON, "icon.svg", "", SVG, initial=initial, colours=theme.light),
            Page(addresses.THEME, theme.stylesheet().encode(), CSS, tags_of("")),
        ]

    def segment(self, month: str, segment: Segment) -> Page:
        """What search knows of a month. Its type is one that the CDN does not compress.

        A range of bytes of a compressed copy would be another.
        """
        key = addresses.segment_key(month)
        return Page(key, segment.to_bytes(), BINARY, tags_of(addresses.TAG_LISTINGS))

    def month(self, month: str, index: Month, topics: Iterable[str]) -> dict[str, Page | None]:
        """The listings of a month by key: its page and sitemap, and its page of each topic given.

        None stands for one that has nothing to list and must not exist.
        """
        sitemap = addresses.month_sitemap(month)
        pages: dict[str, Page | None] = {sitemap: None}
        if index.entries:
            pages[sitemap] = self._listing(sitemap, "sitemap.xml", XML, entries=index.entries)
        by_topic = [
            (f"{addresses.folder(topic)}{month}/", label, count)
            for topic, label, count in index.topics()
        ]
        for topic in ("", *topics):
            key = f"{addresses.folder(topic)}{month}/index.html"
            entries = index.of(topic)
            values: dict[str, Any] = {
                "month": month_name(month),
                "topic": topic,
                "topics": [] if topic else by_topic,
                "entries": entries,
                "json_ld": self._month_data(key, month, topic, entries),
            }
            pages[key] = self._listing(key, "month.html", **values) if entries else None
        return pages

    def _month_data(self, key: str, month: str, topic: str, entries: Sequence[Entry]) -> Markup:
        steps = [(month_name(month), self._site_url + addresses.url_path(key))]
        if topic and entries:
            steps.insert(0, (entries[0].label(topic), self._url(addresses.folder(topic))))
        return metadata.json_ld(self._breadcrumbs(*steps))

    def scope(self, topic: str, index: Scope) -> dict[str, Page | None]:
        """The landing page and feeds of a topic or, for the empty topic, of the site, by key.

        None stands for one that must not exist; the site's own always do.
        """
        folder, months = addresses.folder(topic), index.listed_months()
        label = index.newest[0].label(topic) if topic and index.newest else ""
        values: dict[str, Any] = {
            "topic": topic,
            "folder": folder,
            "label": label,
            "title": f"{label} – {self._config.name}" if topic else self._config.name,
            "entries": index.shown,
            "updated": max(
                (e.modified_at for e in index.shown), default=datetime(1970, 1, 1, tzinfo=UTC)
            ),
            "months": _named(months[:RECENT_MONTHS]),
            "json_ld": self._scope_data(folder, label),
        }
        home, feed = f"{folder}index.html", f"{folder}feed.json"
        pages: dict[str, Page | None] = {
            home: self._listing(home, "scope.html", **values),
            f"{folder}rss.xml": self._listing(f"{folder}rss.xml", "rss.xml", RSS, **values),
            f"{folder}atom.xml": self._listing(f"{folder}atom.xml", "atom.xml", ATOM, **values),
            feed: self._json_feed(feed, values),
        }
        if not topic:
            news = addresses.NEWS_SITEMAP
            pages[news] = self._listing(news, "news-sitemap.xml", XML, entries=index.news)
            pages |= self._calendar(tuple(months))
        elif not index.newest:
            return dict.fromkeys(pages)
        return pages

    def _all_months(self, months: tuple[str, ...]) -> dict[str, Page | None]:
        """The pages that follow from which months there are, and are the same until one begins."""
        archive, sitemap, search = addresses.ARCHIVE, addresses.SITEMAP, addresses.SEARCH
        named = _named(months)
        years = [
            (year, [(month, name.split()[0]) for month, name in ours])
            for year, ours in groupby(named, lambda month: month[0][:4])
        ]
        sitemaps = [(m, name, addresses.month_sitemap(m)) for m, name in named]
        searchable = self._config.search
        return {
            archive: self._listing(archive, "archive.html", years=years),
            sitemap: self._listing(sitemap, "sitemap-index.xml", XML, months=sitemaps),
            search: self._listing(search, "search.html", months=named) if searchable else None,
        }

    def _scope_data(self, folder: str, label: str) -> Markup:
        if label:
            return metadata.json_ld(self._breadcrumbs((label, self._url(folder))))
        return metadata.json_ld(self._site.publisher(), self._site.website())

    def _listing(self, key: str, template: str, content_type: str = HTML, **values: Any) -> Page:
        return self._page(key, template, addresses.TAG_LISTINGS, content_type, **values)

    def _page(
        self, key: str, template: str, tag: str, content_type: str = HTML, **values: Any
    ) -> Page:
        text = environment().get_template(template).render(**self._shared, key=key, **values)
        return Page(key, text.encode(), content_type, tags_of(tag))

    def _each(self, macro: Macro, entries: Iterable[Entry], *given: object) -> Markup:
        """Each entry as a macro renders it, which depends on what it is given and the site alone.

        Macros are told apart by their names.
        """
        items = [
            self._item(macro, entry, tuple(templating.of_entry(given, entry))) for entry in entries
        ]
        return Markup("".join(items))  # noqa: S704 (of markup)

    def _item(self, macro: Macro, entry: Entry, given: tuple[object, ...]) -> str:
        made_of = ((macro.name, *given), entry.line)
        return self._items.get(made_of) or self._items.put(made_of, macro(entry, *given))

    def _json_feed(self, key: str, values: Mapping[str, Any]) -> Page:
        """JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/."""
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": values["title"],
            "home_page_url": self._site_url + addresses.url_path(f"{values['folder']}index.html"),
            "feed_url": f"{self._site_url}/{key}",
            "description": self._config.description,
            "language": self._config.language,
            "items": [],
        }
        if self._config.websub_hub:
            feed["hubs"] = [{"type": "WebSub", "url": self._config.websub_hub}]
        items = ",".join(self._feed_item_text(entry) for entry in values["entries"])
        text = json.dumps(feed, ensure_ascii=False, indent=1)
        if items:
            text = text.replace('\n "items": []', f'\n "items": [{items}\n ]')
        return Page(key, text.encode(), JSON_FEED, tags_of(addresses.TAG_LISTINGS))

    def _feed_text(self, entry: Entry) -> str:
        """What feeds say of an article: the part of AI in it, its dek, and what was corrected."""
        corrections = [
            f"Correction, {long_date(one.at, self._config.timezone)}: {one.text}"
            for one in entry.corrections
        ]
        notice = disclosure.sentence(entry.ai_disclosure)
        return " ".join(filter(None, (notice, entry.summary, *corrections)))

    def _feed_item_text(self, entry: Entry) -> str:
        made_of = (("feed.json",), entry.line)
        if item := self._items.get(made_of):
            return item
        text = json.dumps([self._feed_item(entry)], ensure_ascii=False, indent=1)
        # What stands between the brackets, and one further in.
        return self._items.put(made_of, text[1:-2].replace("\n", "\n "))

    def _feed_item(self, entry: Entry) -> dict[str, Any]:
        url = self._site_url + addresses.url_path(addresses.page_key(entry.path))
        notice = disclosure.sentence(entry.ai_disclosure)
        item: dict[str, Any] = {
            "id": url,
            "url": url,
            "title": entry.title,
            "content_text": self._feed_text(entry),
            "summary": entry.summary,
            "date_published": entry.published_at.isoformat(),
        }
        if entry.corrections or entry.updated_at:
            item["date_modified"] = entry.modified_at.isoformat()
        if entry.source:
            item["external_url"] = entry.source.url
        if entry.authors:
            item["authors"] = [
                {"name": a.name, "url": a.url} if a.url else {"name": a.name} for a in entry.authors
            ]
        if entry.topics:
            item["tags"] = [topic.label for topic in entry.topics]
        if entry.language:
            item["language"] = entry.language
        if entry.image:
            item["image"] = self._absolute(entry.image)
        if notice:
            item["_ai"] = {
                "about": ABOUT_AI,
                "disclosure": disclosure.value(entry.ai_disclosure, reviewed=entry.reviewed),
                "digital_source_type": disclosure.source_type(entry.ai_disclosure),
            }
        return item


def _item_size(made_of: Item, item: str) -> int:
    return getsizeof(item) + len(made_of[1]) + 250  # and what keeps them together, as measured


def _named(months: Iterable[str]) -> list[tuple[str, str]]:
    return [(month, month_name(month)) for month in months]


def month_name(month: str) -> str:
    """A month's name: "May 2026" of 2026/05."""
    year, number = month.split("/")
    return f"{_MONTHS[int(number) - 1]} {year}"


def long_date(moment: datetime, timezone: tzinfo) -> str:
    """A date as the site's readers see it on the wall: 4 May 2026."""
    local = moment.astimezone(timezone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year:04}"


def long_time(moment: datetime, timezone: tzinfo) -> str:
    """A date with its time and zone: 4 May 2026, 09:30 CEST."""
    local = moment.astimezone(timezone)
    return f"{long_date(moment, timezone)}, {local:%H:%M %Z}"
