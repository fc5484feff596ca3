"""One of each kind of page, feed and sitemap, of a plain article and of a hostile one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from broadsheet.article import Article, Author, Correction, Image, Source, Topic
from broadsheet.index import Entry, Month, MonthCount, Scope, Year
from broadsheet.render import Renderer
from broadsheet.site_config import Link, Publisher, SiteConfig

if TYPE_CHECKING:
    from broadsheet.page import Page

URL = "https://news.example"
NASTY = "</title></script><script>alert(1)</script>\"'&amp;]]><b onclick='x'>--><!--"
NASTY_URL = "https://x.example/?a=1&b=2&lt;"
CONFIG = SiteConfig(
    name="The Lantern",
    description="News of the harbour",
    language="en-GB",
    timezone=ZoneInfo("Europe/Berlin"),
    publisher=Publisher("Co-op", "https://coop.example"),
    links=(Link("Imprint", "/imprint/"), Link("Tides", "https://tides.example")),
    ai_policy_url="/articles/ai/",
)
ARTICLE = Article(
    path="2026/05/ferry",
    title="Ferry runs again",
    summary="The ferry is back.",
    body="The ferry *runs* again.",
    published_at=datetime(2026, 5, 4, 7, 30, tzinfo=UTC),
    updated_at=datetime(2026, 5, 5, 22, 15, tzinfo=UTC),
    authors=(Author("Ines"), Author("Jo", "https://jo.example"), Author("Kim")),
    topics=(Topic("ferries", "Ferries"), Topic("harbour", "Harbour & Pier")),
    source=Source("The log", "https://log.example/1", "A. Writer", "The Office"),
    ai_disclosure="rewritten",
    image=Image("media/boat.jpg", "A red boat", "The boat at noon", "M. Photo"),
    corrections=(Correction(datetime(2026, 5, 6, tzinfo=UTC), "It was not blue."),),
)
HOSTILE = ARTICLE._replace(
    title=NASTY,
    summary=NASTY,
    authors=(Author(NASTY, NASTY_URL), Author(NASTY)),
    topics=(Topic("x", NASTY),),
    source=Source(NASTY, NASTY_URL, NASTY, NASTY),
    image=Image(NASTY_URL, NASTY, NASTY, NASTY),
    corrections=(Correction(ARTICLE.published_at, NASTY),),
)
HOSTILE_CONFIG = SiteConfig(
    name=NASTY,
    description=NASTY,
    publisher=Publisher(NASTY, NASTY_URL),
    links=(Link(NASTY, NASTY_URL),),
    ai_policy_url=NASTY_URL,
    websub_hub=NASTY_URL,
)


def entries(count: int, **fields: Any) -> tuple[Entry, ...]:
    return tuple(
        Entry.of(
            ARTICLE._replace(
                path=f"news/{i}",
                title=f"Number {i}",
                published_at=ARTICLE.published_at - timedelta(days=i),
                **fields,
            ),
            CONFIG.timezone,
        )
        for i in range(count)
    )


def months(count: int) -> tuple[Year, ...]:
    names = [f"{2026 - i // 12}/{12 - i % 12:02}" for i in range(count)]
    return Scope().counted({name: MonthCount(1, 1) for name in names}).years


def all_pages(
    config: SiteConfig = CONFIG, article: Article = ARTICLE, *, count: int = 3
) -> dict[str, Page]:
    """Every kind of public object there is."""
    renderer = Renderer(URL, config)
    listed = tuple(
        Entry.of(article._replace(path=f"news/{i}"), config.timezone) for i in range(count)
    )
    scope = Scope(months(14) if count else (), listed)
    topic = article.topics[0].slug
    pages: dict[str, Page | None] = {page.key: page for page in renderer.fixed()}
    pages |= renderer.scope("", scope) | renderer.scope(topic, scope)
    pages |= renderer.month("2026/05", Month(1, listed), [topic])
    page = renderer.article(article)
    return {key: found for key, found in (pages | {page.key: page}).items() if found}


def scope_page(key: str, scope: Scope, topic: str = "", config: SiteConfig = CONFIG) -> Page:
    page = Renderer(URL, config).scope(topic, scope)[key]
    assert page
    return page
