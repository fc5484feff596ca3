"""Figures as tables: on the terminal, and in pages of docs/ between markers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).parents[1] / "docs"
PERFORMANCE = DOCS / "performance.md"
PLOTS = DOCS / "performance"


@dataclass(frozen=True)
class Figures:
    """A table whose first columns, so many, are ``texts`` and all others numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1

    def rich(self) -> Table:
        """The table for a terminal."""
        table = Table(title=self.title, title_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="left" if number < self.texts else "right")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """The table for a page, without its title."""
        rule = "|".join(
            ["", *["---"] * self.texts, *["--:"] * (len(self.columns) - self.texts), ""]
        )
        head, *lines = [f"| {' | '.join(row)} |" for row in (self.columns, *self.rows)]
        return "\n".join([head, rule, *lines])


def between(text: str, name: str, made: str) -> str:
    """A page's text with what was made in place of what is between the markers of that name.

    Raises ValueError if the page does not have both, once and in order.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the page has no place for {name}: expected {begin.strip()} and {end}")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{made}\n\n{end}{rest.partition(end)[2]}"


def write(page: Path, name: str, made: str) -> None:
    """Put what was made into a page of docs/, between the markers of that name."""
    text = page.read_text(encoding="utf-8")
    page.write_text(between(text, name, made), encoding="utf-8")


def write_plot(name: str, plot: str) -> None:
    """Write a plot beside docs/performance.md."""
    PLOTS.mkdir(exist_ok=True)
    (PLOTS / f"{name}.svg").write_text(plot, encoding="utf-8")
