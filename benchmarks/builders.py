"""Hugo, Eleventy and Pelican: how each is given an archive, and how it builds a site of it.

What they build with lies in benchmarks/generators/, and its templates make pages of what Broadsheet
has on its own: articles, the home page, topics, a feed of each, a sitemap. The lists of all
articles are by pages of 30, as each of the three has them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from local.template import ROOT
from tests.browser.tools import node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.stories import Story

GENERATORS = Path(__file__).parent / "generators"
BENCH = ROOT / ".venv-bench"
ELEVENTY = GENERATORS / "eleventy" / "node_modules" / "@11ty" / "eleventy" / "cmd.cjs"
OUTPUT = "public"


@dataclass(frozen=True)
class Builder:
    """One way to build: from a folder with its templates and content into the folder ``public``.

    ``watching`` builds, keeps running and builds again whenever a file comes: of one that offers
    that. It says ``ready`` when it has built, and ``built`` when it has built again.
    """

    name: str
    folder: str
    command: Callable[[], list[str]]
    source: Callable[[Story], str]
    environment: Mapping[str, str] = field(default_factory=dict)
    watching: Callable[[], list[str]] | None = None
    ready: str = ""
    built: str = ""

    def prepare(self, folder: Path) -> None:
        """Put there what it builds with."""
        ignored = shutil.ignore_patterns("node_modules")
        shutil.copytree(GENERATORS / self.folder, folder, ignore=ignored)

    def add(self, folder: Path, story: Story) -> None:
        """Put an article there."""
        path = folder / f"content/articles/{story.path}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.source(story), encoding="utf-8")

    def build(self, folder: Path) -> float:
        """Build it all in a new process; the seconds of processor time."""
        return processor_time(self.command(), folder, self.environment)

    @contextmanager
    def kept_running(self, folder: Path) -> Iterator[Running]:
        """Build it all in a process that is there for what comes, for as long as this is open."""
        if self.watching is None:
            raise ValueError(f"{self.name} is not kept running")
        with subprocess.Popen(  # noqa: S603 (a program that the project pins)
            self.watching(),
            cwd=folder,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            running = Running(process)
            try:
                running.wait(self.ready)
                yield running
            finally:
                process.kill()


@dataclass(frozen=True)
class Running:
    """A builder that is kept running."""

    process: subprocess.Popen[str]

    def wait(self, said: str) -> None:
        """Until it has said so, and another second in which it may tidy up."""
        for line in self.process.stdout or ():
            if said in line:
                time.sleep(1)
                return
        raise RuntimeError(f"it ended before it said {said!r}")

    def processor_time(self) -> float:
        """What it has taken so far, in seconds."""
        return ticks(Path(f"/proc/{self.process.pid}/stat").read_text()) / os.sysconf("SC_CLK_TCK")


def ticks(stat: str) -> int:
    """Clock ticks, user and system, of a process and of those that it has waited for.

    ``stat`` is its /proc/PID/stat: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    # Its second field, the name, may have spaces and brackets in it.
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def processor_time(command: list[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Run a command to its end: seconds, user and system, of it and of all that it has waited for.

    Raises CalledProcessError if it fails.
    """
    with subprocess.Popen(  # noqa: S603 (programs that the project pins)
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        said = process.stdout.read() if process.stdout else b""
        # Of this one child; RUSAGE_CHILDREN would be of all that we ever had.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, said)
    return usage.ru_utime + usage.ru_stime


def _front_matter(story: Story) -> str:
    """JSON, which Hugo takes as it is and Eleventy as the YAML that it is too."""
    fields = {
        "title": story.title,
        "summary": story.summary,
        "date": story.published_at.isoformat(),
        "author": story.author,
        "topics": story.topics,
    }
    return json.dumps(fields, ensure_ascii=False, indent=1)


def _hugo(story: Story) -> str:
    return f"{_front_matter(story)}\n\n{story.body}\n"


def _hugo_by_month(story: Story) -> str:
    month = f"{story.published_at:%Y-%m}"
    months = [month, *(f"{topic.lower()}-{month}" for topic in story.topics)]
    fields = json.loads(_front_matter(story)) | {"months": months}
    return f"{json.dumps(fields, ensure_ascii=False, indent=1)}\n\n{story.body}\n"


def _eleventy(story: Story) -> str:
    own = json.loads(_front_matter(story))
    own |= {"layout": "article.11ty.js", "permalink": f"/articles/{story.path}/index.html"}
    return f"---json\n{json.dumps(own, ensure_ascii=False, indent=1)}\n---\n\n{story.body}\n"


def _pelican(story: Story) -> str:
    lines = {
        "Title": story.title,
        "Dek": story.summary,
        "Summary": story.summary,
        "Date": f"{story.published_at:%Y-%m-%d %H:%M:%S}",
        "Author": story.author,
        "Tags": ", ".join(story.topics),
        "Slug": story.path.replace("/", "-"),
        "URL": f"articles/{story.path}/",
        "Save_as": f"articles/{story.path}/index.html",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()) + f"\n{story.body}\n"


def _hugo_command(*arguments: str) -> list[str]:
    # The program itself, not the script of Python's that starts it.
    (program,) = (BENCH / "lib").glob("python*/site-packages/hugo/binaries/hugo")
    return [str(program), *arguments]


def _eleventy_command(*arguments: str) -> list[str]:
    return [node() or "node", str(ELEVENTY), *arguments]


def _pelican_command(*arguments: str) -> list[str]:
    return [str(BENCH / "bin" / "pelican"), "--quiet", "--settings", "pelicanconf.py", *arguments]


HUGO = Builder(
    "Hugo",
    "hugo",
    _hugo_command,
    _hugo,
    watching=partial(_hugo_command, "--watch"),
    ready="Press Ctrl+C",
    built="Total in",
)
# Its lists by month, as Broadsheet has them: nothing moves from page to page.
HUGO_BY_MONTH = Builder(
    "Hugo, lists by month",
    "hugo",
    _hugo_command,
    _hugo_by_month,
    environment={"HUGO_PARAMS_BYMONTH": "true"},
)
ELEVENTY_SITE = Builder(
    "Eleventy",
    "eleventy",
    partial(_eleventy_command, "--quiet"),
    _eleventy,
    watching=partial(_eleventy_command, "--watch", "--incremental"),
    ready="Watching",
    built="Wrote",
)
# What it has read it keeps, which its documentation recommends for large sites.
PELICAN = Builder(
    "Pelican",
    "pelican",
    partial(_pelican_command, "--extra-settings", "CACHE_CONTENT=true", "LOAD_CONTENT_CACHE=true"),
    _pelican,
)
BUILDERS = (HUGO, HUGO_BY_MONTH, ELEVENTY_SITE, PELICAN)
