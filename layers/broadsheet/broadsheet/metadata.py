"""What a page says of itself to machines: schema.org as JSON-LD, and Open Graph's locale.

https://developers.google.com/search/docs/appearance/structured-data/article has what search engines
read of a NewsArticle, https://schema.org/NewsMediaOrganization what a publisher may say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from broadsheet import disclosure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadsheet.article import Article, Author, Image, Source
    from broadsheet.site_config import SiteConfig

Node = dict[str, Any]
# Inside <script> nothing may look like a tag or a comment; the others end lines in JavaScript.
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def json_ld(*nodes: Node) -> Markup:
    """A script element of these nodes, which no text in them can leave."""
    graph = {"@context": "https://schema.org", "@graph": list(nodes)}
    text = json.dumps(graph, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)
    return Markup(f'<script type="application/ld+json">{text}</script>')  # noqa: S704 (escaped)


def locale(language: str) -> str:
    """Open Graph's name of a language with a region, en_GB of en-GB; "" of any other."""
    primary, _, region = language.partition("-")
    known = len(primary) == 2 and len(region) == 2 and region.isalpha()  # noqa: PLR2004 (ISO codes)
    return f"{primary.lower()}_{region.upper()}" if known else ""


def news_language(language: str) -> str:
    """How a news sitemap names a language: by ISO 639, but for written Chinese.

    https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap
    """
    primary, *subtags = language.lower().split("-")
    if primary == "zh":
        return "zh-tw" if {"hant", "tw", "hk", "mo"} & set(subtags) else "zh-cn"
    return primary


def news_article(article: Article, url: str, image: Node | None, site: Site) -> Node:
    """The article as a NewsArticle; ``url`` is its page's."""
    return _given(
        {
            "@type": "NewsArticle",
            "@id": f"{url}#article",
            "url": url,
            "mainEntityOfPage": _web_page(article, url),
            "headline": article.title,
            "description": article.summary,
            "datePublished": article.published_at.isoformat(),
            "dateModified": (article.updated_at or article.published_at).isoformat(),
            "inLanguage": article.language or site.config.language,
            "author": [_author(author, site.config) for author in article.authors],
            "publisher": {"@id": site.publisher_id},
            "image": image,
            "articleSection": [topic.label for topic in article.topics],
            "keywords": [topic.label for topic in article.topics],
            "isBasedOn": _work(article.source),
            "citation": _work(article.source),
            "creditText": _credit(article.source),
            "digitalSourceType": disclosure.source_type(article.ai_disclosure),
            "correction": [
                {
                    "@type": "CorrectionComment",
                    "text": correction.text,
                    "datePublished": correction.at.isoformat(),
                }
                for correction in article.corrections
            ],
        }
    )


def picture(image: Image, url: str) -> Node:
    """An article's picture as an ImageObject."""
    return _given(
        {
            "@type": "ImageObject",
            "url": url,
            "caption": image.caption or image.alt,
            "creditText": image.credit,
            "width": image.width,
            "height": image.height,
        }
    )


def breadcrumbs(steps: Sequence[tuple[str, str]]) -> Node:
    """The way from the home page: (name, URL) of each page, this one last."""
    items = [
        {"@type": "ListItem", "position": i, "name": name, "item": url}
        for i, (name, url) in enumerate(steps, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


class Site:
    """The site itself: what its pages say of it and of its publisher."""

    def __init__(self, site_url: str, config: SiteConfig) -> None:
        self.config = config
        self._url = f"{site_url}/"
        self.publisher_id = f"{self._url}#publisher"

    def publisher(self) -> Node:
        """The publisher, by the site's name where site.json names none."""
        publisher = self.config.publisher
        return _given(
            {
                "@type": "NewsMediaOrganization",
                "@id": self.publisher_id,
                "name": publisher.name if publisher else self.config.name,
                "url": publisher.url or self._url if publisher else self._url,
                "logo": publisher.logo if publisher else "",
            }
        )

    def website(self) -> Node:
        """The site as a work of its publisher."""
        return {
            "@type": "WebSite",
            "@id": f"{self._url}#site",
            "url": self._url,
            "name": self.config.name,
            "description": self.config.description,
            "inLanguage": self.config.language,
            "publisher": {"@id": self.publisher_id},
        }


def _web_page(article: Article, url: str) -> Node:
    page: Node = {"@type": "WebPage", "@id": url}
    if article.human_review:
        page["lastReviewed"] = article.human_review.at.date().isoformat()
        page["reviewedBy"] = {"@type": "Person", "name": article.human_review.by}
    return page


def _author(author: Author, config: SiteConfig) -> Node:
    """An article says only names; the publisher's and the site's own are no person's."""
    own = {config.name, config.publisher.name if config.publisher else ""}
    kind = "Organization" if author.name in own else "Person"
    return _given({"@type": kind, "name": author.name, "url": author.url})


def _work(source: Source | None) -> Node | None:
    if not source:
        return None
    return _given(
        {
            "@type": "CreativeWork",
            "name": source.title,
            "url": source.url,
            "author": {"@type": "Person", "name": source.author} if source.author else None,
            "publisher": (
                {"@type": "Organization", "name": source.publisher} if source.publisher else None
            ),
        }
    )


def _credit(source: Source | None) -> str:
    return ", ".join(filter(None, (source.author, source.publisher))) if source else ""


def _given(node: Node) -> Node:
    """A node without the properties that have no value."""
    return {name: value for name, value in node.items() if value}
