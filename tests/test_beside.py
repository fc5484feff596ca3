"""What benchmarks/beside.py and benchmarks/bulk.py count by; they assert no times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from benchmarks import beside, builders, bulk, memory, sync, written
from benchmarks.figures import PERFORMANCE, PLOTS, between
from benchmarks.stories import NEWEST, TOPICS_OF_ONE, stories
from benchmarks.sync import File, Sync
from broadsheet.article import Article

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE = {
    "same": File(10, 100, "a"),
    "rewritten": File(10, 100, "b"),
    "other bytes": File(10, 100, "c"),
    "other size": File(10, 100, "d"),
    "gone": File(10, 100, "e"),
}
AFTER = {
    "same": File(10, 100, "a"),
    "rewritten": File(10, 200, "b"),
    "other bytes": File(10, 200, "C"),
    "other size": File(11, 200, "D"),
    "new": File(5, 50, "f"),
}


class TestFiles:
    def test_that_are_new_or_have_other_bytes_have_changed(self) -> None:
        assert {*sync.changed(BEFORE, AFTER)} == {"other bytes", "other size", "new"}

    def test_that_were_only_rewritten_are_uploaded_by_aws_s3_sync(self) -> None:
        assert {*sync.uploaded(BEFORE, AFTER)} == {"rewritten", "other bytes", "other size", "new"}

    def test_of_the_same_size_that_look_old_are_left_by_aws_s3_sync(self) -> None:
        assert sync.uploaded(BEFORE, {"other bytes": File(10, 100, "C")}) == {}

    def test_are_found_in_all_folders(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "index.html").write_bytes(b"four")
        (tmp_path / "rss.xml").write_bytes(b"")
        found = sync.files_of(tmp_path)
        assert {name: file.size for name, file in found.items()} == {
            "a/b/index.html": 4,
            "rss.xml": 0,
        }


class TestSync:
    def test_counts_requests_and_bytes(self) -> None:
        sent = sync.changed(BEFORE, AFTER)
        assert sync.sync(BEFORE, AFTER, sent) == Sync(lists=1, puts=3, deletes=1, sent=26)
        assert sync.sync(BEFORE, AFTER, sent).requests == 5

    @pytest.mark.parametrize(("there", "lists"), [(0, 1), (1, 1), (1000, 1), (1001, 2)])
    def test_lists_a_thousand_keys_a_request(self, there: int, lists: int) -> None:
        before = {str(i): File(1, 1, "") for i in range(there)}
        assert sync.sync(before, before, {}).lists == lists


class TestProcessorTime:
    def test_has_that_of_a_process_of_the_process(self, tmp_path: Path) -> None:
        child = "import os; sum(range(10**6)); print(*os.times()[:2])"
        parent = (
            "import subprocess, sys; "
            f"done = subprocess.run([sys.executable, '-c', {child!r}], capture_output=True); "
            "open('told', 'wb').write(done.stdout)"
        )
        took = builders.processor_time([sys.executable, "-c", parent], tmp_path, {})
        own = sum(map(float, (tmp_path / "told").read_text().split()))
        assert took >= own

    def test_of_what_fails_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(subprocess.CalledProcessError) as raised:
            builders.processor_time([sys.executable, "-c", "print('why'); exit(3)"], tmp_path, {})
        assert (raised.value.returncode, raised.value.output) == (3, b"why\n")

    def test_of_what_runs_is_that_of_it_and_of_those_it_waited_for(self) -> None:
        stat = "42 (a) name) S 1 42 42 0 -1 4194304 500 600 0 0 1000 200 30 4 20 0 7 0 99"
        assert builders.ticks(stat) == 1234

    def test_of_this_process_is_read(self) -> None:
        if not Path("/proc/self/stat").exists():
            pytest.skip("there is no /proc")
        with subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True
        ) as one:
            assert builders.Running(one).processor_time() >= 0
            one.communicate("")


class TestArchive:
    def test_has_articles_that_can_be_published_the_newest_last(self) -> None:
        archive = list(stories(30))
        articles = [Article.parse(story.path, story.json()) for story in archive]
        assert [*map(len, (a.topics for a in articles))] == [TOPICS_OF_ONE] * 30
        moments = [article.published_at for article in articles]
        assert moments == sorted(moments)
        assert moments[-1] == NEWEST

    def test_is_the_same_each_time(self) -> None:
        assert list(stories(3)) == list(stories(3))

    @pytest.mark.parametrize("builder", builders.BUILDERS, ids=lambda builder: builder.name)
    def test_is_given_to_each_generator(self, builder: builders.Builder, tmp_path: Path) -> None:
        (story,) = stories(1)
        folder = tmp_path / "site"
        builder.prepare(folder)
        builder.add(folder, story)
        text = (folder / f"content/articles/{story.path}.md").read_text("utf-8")
        assert all(part in text for part in (story.title, story.summary, story.body, *story.topics))
        assert not (folder / "node_modules").exists()


class TestMemory:
    def test_keeps_conditions(self) -> None:
        s3 = memory.MemoryS3()
        tag = s3.put_object(Bucket="b", Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket="b", Key="k", Body=b"2", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket="b", Key="k", Body=b"2", IfMatch='"other"')
        s3.put_object(Bucket="b", Key="k", Body=b"2", IfMatch=tag)
        assert s3.get_object(Bucket="b", Key="k")["Body"].read() == b"2"

    def test_says_what_it_lacks(self) -> None:
        with pytest.raises(ClientError, match="NoSuchKey"):
            memory.MemoryS3().head_object(Bucket="b", Key="k")

    def test_holds_the_site_of_an_archive(self) -> None:
        archive = list(stories(12))
        site = {key for bucket, key in memory.build(archive).objects if bucket == "site"}
        assert {f"articles/{story.path}/index.html" for story in archive} <= site
        assert {"index.html", "sitemap.xml", "2026/11/index.html", "search/2026/11.idx"} <= site


class TestTables:
    FIGURES: ClassVar[dict[str, Any]] = {
        "others": [
            {
                "name": "Hugo",
                "whole": 9.0,
                "again": 10.0,
                "files": 360,
                "changed": 62,
                "by_content": {"lists": 1, "puts": 62, "deletes": 0, "sent": 400_000},
                "as_sync": {"lists": 1, "puts": 360, "deletes": 0, "sent": 2_000_000},
                "really": {"ListObjectsV2": 1, "PutObject": 360},
            }
        ],
        "broadsheet": {
            "seconds": 0.05,
            "own": 0.02,
            "calls": {"PutObject": 32, "GetObject": 17, "CreateInvalidation": 1},
            "objects": 31,
            "sent": 500_000,
            "received": 100_000,
        },
    }

    def test_say_how_many_times_ours_others_take(self) -> None:
        text = beside.page({"300": self.FIGURES})
        assert "| Hugo | 10.00 | 200 | 62 | 2.0 | 63 | 400 |" in text
        assert "| Hugo | 1 | 360 | 360 | 2.0 | 12 | 62 |" in text
        assert "| **Broadsheet** | 0.050 | 1 | 31 | 1 | 49 | 500 |" in text

    def test_say_what_is_to_hold(self) -> None:
        text = beside.page({"300": self.FIGURES})
        assert "Of Hugo's processor time it is 1/200.0; to be 1/300 or less." in text
        assert "Of Hugo's objects written it is 1/2.0; to be 1/20 or less." in text

    @pytest.mark.parametrize(
        ("name", "made"), [("beside", beside.page), ("bulk", bulk.page)], ids=["beside", "bulk"]
    )
    def test_of_the_page_are_those_of_the_figures_kept(
        self, name: str, made: Callable[[dict[str, Any]], str]
    ) -> None:
        page = PERFORMANCE.read_text("utf-8")
        assert between(page, name, made(written.kept(name))) == page


class TestPlots:
    @pytest.mark.parametrize(
        ("name", "made"), [("beside", beside.plots), ("bulk", bulk.plots)], ids=["beside", "bulk"]
    )
    def test_of_the_page_are_those_of_the_figures_kept(
        self, name: str, made: Callable[[dict[str, Any]], dict[str, str]]
    ) -> None:
        page = PERFORMANCE.read_text("utf-8")
        for picture, plot in made(written.kept(name)).items():
            assert (PLOTS / f"{picture}.svg").read_text("utf-8") == plot
            assert f"](performance/{picture}.svg)" in page

    def test_have_lines_that_lie_on_one_another_once(self) -> None:
        def built(name: str, changed: int) -> dict[str, object]:
            return {"name": name, "changed": changed}

        names = [builder.name for builder in builders.BUILDERS]
        others = [built(name, 14 if "month" in name else 640) for name in names]
        kept = {"1000": {"broadsheet": {"objects": 31}, "others": others}}
        lines = beside._series(kept, "objects", "changed")  # noqa: SLF001 (what is drawn)
        assert [(line.name, line.values) for line in lines] == [
            ("Broadsheet", [31]),
            ("Hugo and 2 more", (640,)),
            ("Hugo by month", (14,)),
        ]
