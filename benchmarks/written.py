"""What a benchmark has measured, kept as JSON, and its tables in docs/performance.md.

So whoever draws the figures need not measure.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.figures import PERFORMANCE, Figures, write_plot
from benchmarks.figures import write as put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.plot import Series

RESULTS = Path(__file__).parent / "results"


def keep(name: str, figures: dict[str, Any]) -> None:
    """Keep what was measured, by the number of articles, beside what there is of other numbers."""
    RESULTS.mkdir(exist_ok=True)
    whole = kept(name) | figures
    ordered = dict(sorted(whole.items(), key=lambda item: int(item[0])))
    (RESULTS / f"{name}.json").write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def kept(name: str) -> dict[str, Any]:
    """What was measured last of each number of articles."""
    path = RESULTS / f"{name}.json"
    figures: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return figures


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    return Figures("", head, [[*map(str, row)] for row in rows]).markdown()


def told(what: str, places: Sequence[int], series: Sequence[Series]) -> str:
    """What a plot over numbers of articles shows, in words."""
    said = ", ".join(f"{place:,}" for place in places)
    parts = [f"{one.name} {', '.join(f'{value:,.4g}' for value in one.values)}" for one in series]
    return f"{what} at {said} articles: {'; '.join(parts)}."


def short(name: str) -> str:
    """The name of a builder, as a plot has room for it."""
    return name.replace(", lists", "")


def write(name: str, text: str) -> None:
    """Write the text into docs/performance.md, between its markers."""
    put(PERFORMANCE, name, text)


def main(
    name: str,
    measure: Callable[[int, Callable[[str], None]], dict[str, Any]],
    page: Callable[[dict[str, Any]], str],
    plots: Callable[[dict[str, Any]], dict[str, str]],
) -> int:
    """The command line of a benchmark by its number of articles; the exit status.

    ``measure`` says what it is at; ``page`` makes tables of what was measured, by that number, and
    ``plots`` makes pictures, by their names.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("articles", nargs="?", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    console = Console(highlight=False, width=120)
    figures = measure(options.articles, lambda what: console.print(what, style="dim"))
    shown = {str(options.articles): figures}
    console.print(Markdown(page(shown)))
    if options.write:
        keep(name, shown)
        write(name, page(kept(name)))
        for picture, plot in plots(kept(name)).items():
            write_plot(picture, plot)
    return 0
