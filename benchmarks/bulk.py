"""`python -m benchmarks.bulk [N]`: how many articles a second one core makes into pages.

Of an archive of N: from upload to page, and the whole rebuild, with indexes, lists, feeds and what
search needs. S3 is a dictionary (benchmarks/memory.py); templates are compiled, as on Lambda.
Beside it Hugo builds the archive in the same run; what the others took is known from
`python -m benchmarks.beside N`. Then, where the time of an article goes. ``--write`` writes
docs/performance.md.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import comrak

import broadsheet
from benchmarks import memory, written
from benchmarks.builders import BUILDERS, HUGO, OUTPUT
from benchmarks.plot import Plot, Series
from benchmarks.stories import stories
from broadsheet import markdown, templating
from broadsheet.article import Article
from broadsheet.card import drawn
from broadsheet.index import Entry, Month
from broadsheet.page import entity_tag
from broadsheet.render import Renderer
from broadsheet.segment import Document
from broadsheet.site_config import SiteConfig
from broadsheet.validation import check, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from benchmarks.stories import Story

# What is to hold: articles a second, from upload to page; and the time of a rebuild beside Hugo's.
A_SECOND, OF_HUGO = 1_500, 0.5
# Each step is taken ROUNDS times for so many articles: what counts is the fastest round.
SAMPLE, ROUNDS, CARDS = 300, 7, 20
# And everything, in turn with Hugo, so often.
TURNS = 3


@contextmanager
def as_built() -> Iterator[None]:
    """Have templates compiled ahead, as the layer's build does."""
    with tempfile.TemporaryDirectory() as name:
        templating.compile_templates(Path(name) / "compiled")
        templating.environment.cache_clear()
        broadsheet.__path__.append(name)
        try:
            templating.load()
            yield
        finally:
            broadsheet.__path__.remove(name)


def seconds(call: Callable[[Any], object], items: Iterable[Any]) -> float:
    """The processor time of a call for each of these."""
    began = time.process_time()
    for item in items:
        call(item)
    return time.process_time() - began


def fastest(call: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Microseconds that a call takes for one of these, in the fastest of ROUNDS."""
    return min(seconds(call, items) for _ in range(ROUNDS)) / len(items) * 1e6


def pages(archive: Iterable[Story]) -> float:
    """Seconds to parse, validate and render these articles, one after the other."""
    renderer = Renderer(memory.SETTINGS.site_url, SiteConfig())
    uploads = [(story.path, story.json()) for story in archive]
    return seconds(lambda upload: renderer.article(Article.parse(*upload)), uploads)


def rebuilt(archive: Iterable[Story]) -> float:
    """Seconds to make the whole site of an archive in an empty bucket, without drawing cards."""
    s3 = memory.MemoryS3()
    keys = memory.upload(s3, archive)
    with memory.playing_aws(s3):
        return seconds(memory.rebuild, [keys])


def steps(archive: Iterable[Story]) -> dict[str, float]:
    """Where the time of an article goes: microseconds of each step."""
    config = SiteConfig()
    renderer = Renderer(memory.SETTINGS.site_url, config)
    uploads = [(story.path, story.json()) for story in archive]
    documents = [decode(data)[0] for _, data in uploads]
    articles = [Article.parse(*upload) for upload in uploads]
    plain = [comrak.render_markdown(article.body) for article in articles]
    html = {article.body: markdown.to_html(article.body) for article in articles}
    texts = [markdown.to_text(article.body) for article in articles]
    entries = [Entry.of(article, config.timezone) for article in articles]
    made = [renderer.article(article) for article in articles]
    cards = [card for article in articles[:CARDS] if (card := renderer.card(article))]
    parse = fastest(lambda upload: Article.parse(*upload), uploads)
    read = fastest(lambda upload: decode(upload[1]), uploads)
    valid = fastest(lambda document: check(document, "article"), documents)
    commonmark = fastest(lambda article: comrak.render_markdown(article.body), articles)
    clean = fastest(markdown._CLEANER.clean, plain)  # noqa: SLF001 (a step of its own)
    body = fastest(lambda article: markdown.to_html.__wrapped__(article.body), articles)
    with patch.object(markdown, "to_html", lambda text, _="": html[text]):
        template = fastest(renderer.article, articles)
    return {
        "JSON read, strictly": read,
        "schema": valid,
        "the article's value": parse - read - valid,
        "Markdown": commonmark,
        "sanitiser": clean,
        "headings, tables, links mended": body - commonmark - clean,
        "template, JSON-LD": template,
        "entity tag": fastest(lambda page: entity_tag(page.body), made),
        "what search knows": fastest(
            lambda item: Document.of(item[0], item[1], 1), list(zip(entries, texts, strict=True))
        ),
        "its entry in an index": fastest(lambda entry: Month(entries=(entry,)).to_bytes(), entries),
        "a card, drawn once for each headline": fastest(
            lambda card: drawn.__wrapped__(card.card), cards
        ),
    }


def measure(count: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Everything, at so many articles: seconds of processor time, and microseconds of each step."""
    archive = list(stories(count))
    took: defaultdict[str, list[float]] = defaultdict(list)
    with as_built(), tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "site"
        HUGO.prepare(folder)
        for story in archive:
            HUGO.add(folder, story)
        # A process is slow at first.
        pages(archive[:SAMPLE])
        for turn in range(1, TURNS + 1):
            tell(f"turn {turn} of {TURNS}")
            took["pages"].append(pages(archive))
            took["rebuild"].append(rebuilt(archive))
            shutil.rmtree(folder / OUTPUT, ignore_errors=True)
            took[HUGO.name].append(HUGO.build(folder))
        tell("steps")
        own = steps(islice(archive, SAMPLE))
    others = {HUGO.name: min(took[HUGO.name])}
    names = {builder.name for builder in BUILDERS} - {HUGO.name}
    for row in written.kept("beside").get(str(count), {}).get("others", ()):
        if row["name"] in names:
            others[row["name"]] = row["whole"]
    return {
        "pages": min(took["pages"]),
        "rebuild": min(took["rebuild"]),
        "steps": own,
        "others": others,
    }


def page(kept: dict[str, Any]) -> str:
    """The tables, in Markdown."""
    parts = []
    for number, figures in kept.items():
        count = int(number)
        hugo = figures["others"][HUGO.name]
        took = {
            "**Broadsheet, articles' pages**": figures["pages"],
            "**Broadsheet, whole site**": figures["rebuild"],
            **figures["others"],
        }
        rows = [
            [name, f"{s:.1f}", f"{s / count * 1000:.2f}", f"{count / s:,.0f}", f"{s / hugo:.2f}"]
            for name, s in took.items()
        ]
        head = ["", "CPU s", "ms an article", "articles a second", "of Hugo's time"]
        parts += [
            f"{count:,} articles:",
            written.table(head, rows),
            " ".join(targets(count, figures)),
        ]
    last = kept[max(kept, key=int)]["steps"]
    rows = [[name, f"{microseconds:,.0f}"] for name, microseconds in last.items()]
    return "\n\n".join([*parts, written.table(["step", "microseconds an article"], rows)])


def targets(count: int, figures: dict[str, Any]) -> Iterator[str]:
    """What is reached, and what is to be."""
    reached = count / figures["pages"]
    yield f"From upload to page: {reached:,.0f} a second; to be {A_SECOND:,} or more."
    share = figures["rebuild"] / figures["others"][HUGO.name]
    yield f"The whole site: {share:.2f} of Hugo's time; to be {OF_HUGO} or less."


def plots(kept: dict[str, Any]) -> dict[str, str]:
    """Articles a second a core, by how many there are."""
    counts = [int(count) for count in kept]

    def line(name: str, took: Iterable[float]) -> Series:
        return Series(name, [n / s for n, s in zip(counts, took, strict=True)])

    series = [
        line("Broadsheet pages", [figures["pages"] for figures in kept.values()]),
        *(
            line(
                written.short(builder.name),
                [figures["others"][builder.name] for figures in kept.values()],
            )
            for builder in BUILDERS
        ),
        line("Broadsheet site", [figures["rebuild"] for figures in kept.values()]),
    ]
    plot = Plot(
        "Articles a second of processor time",
        written.told("Articles a second", counts, series),
        "articles",
        "a second",
        (A_SECOND, f"aim for pages: {A_SECOND:,}"),
    )
    return {"bulk": plot.lines(counts, series)}


if __name__ == "__main__":
    sys.exit(written.main("bulk", measure, page, plots))
