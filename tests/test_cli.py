"""The commands of `broadsheet` that work with a deployment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import boto3
import pytest

from local import deployment, receipts, running, uploading
from local.cli import common
from local.deployment import Target
from local.template import ROOT, Template
from tests.commands import (
    STACK,
    broadsheet,
    make_bare_stack,
    make_stack,
    meanwhile,
    of_stack,
    plain,
    work_off,
)
from tests.newsroom import SITE, SOURCE, article, publish, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.receipts import Awaited
    from tests.newsroom import Newsroom

PATIENCE = 60


@pytest.fixture
def paper(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    """A newsroom with a stack of its own; whenever a command waits, the stack does its work."""
    make_stack()
    monkeypatch.delenv("BROADSHEET_STACK", raising=False)
    working = False

    def work() -> None:
        nonlocal working
        if not working:
            working = True
            work_off(newsroom, monkeypatch)
            working = False

    with meanwhile(monkeypatch, work):
        yield newsroom


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two articles."""
    made = tmp_path / "articles"
    (made / "2026").mkdir(parents=True)
    write(made / "a.json")
    write(made / "2026" / "b.json", title="Another")
    return made


def write(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(article(**fields), indent=1))


class TestWhere:
    """Which deployment a command works with."""

    @pytest.mark.usefixtures("paper")
    def test_a_stack_tells_where_its_site_is(self) -> None:
        settings = Target(STACK).connect().settings

        assert (settings.source_bucket, settings.site_bucket) == (SOURCE, SITE)
        assert settings.queue_url.endswith("/paper-publish")
        assert settings.invalidate_by == "tags"

    @pytest.mark.usefixtures("paper")
    def test_the_environment_may_name_the_stack(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("BROADSHEET_STACK", STACK)

        assert broadsheet("list") == 0

        assert "stack paper in eu-west-1" in capsys.readouterr().err

    @pytest.mark.usefixtures("paper")
    def test_a_stack_that_is_not_there_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert broadsheet("--stack", "nope", "list") == 2

        assert capsys.readouterr().err == "error  there is no stack nope in eu-west-1\n"

    @pytest.mark.usefixtures("paper")
    def test_another_stack_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        make_bare_stack("other", {"SiteUrl": "https://other.example"})

        assert broadsheet("--stack", "other", "list") == 2

        said = capsys.readouterr().err
        assert "the stack other is none of Broadsheet's" in said
        assert "SourceBucketName" in said

    def test_without_a_stack_or_a_run_it_says_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for arguments in (["list"], ["--local", "--stack", STACK, "list"]):
            assert broadsheet(*arguments) == 2
            assert "make run" in capsys.readouterr().err

    def test_a_run_that_was_killed_is_told_from_one_that_is_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with running.announced("http://127.0.0.1:1", {"SITE_URL": "http://127.0.0.1:2"}):
            assert broadsheet("list") == 2
        assert "has ended: start it again" in capsys.readouterr().err
        assert running.find(tmp_path) is None

    def test_a_run_is_found_from_within_its_folder_and_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with running.announced("http://first", {}):
            with running.announced("http://second", {"A": "b"}):
                found = running.find(tmp_path / "articles" / "2026")
                assert found
                assert found[1].endpoint == "http://second"
            assert running.find(tmp_path) is None
        (tmp_path / "build" / "run.json").write_text("[")
        assert running.find(tmp_path) is None

    def test_missing_credentials_are_told_in_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)

        assert broadsheet("--stack", STACK, "list") == 2

        (line,) = capsys.readouterr().err.splitlines()
        assert "no AWS credentials are found" in line

    def test_an_unknown_profile_is_told_in_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "before")
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

        assert broadsheet("--stack", STACK, "--profile", "nobody", "list") == 2

        (line,) = capsys.readouterr().err.splitlines()
        assert "nobody" in line

    def test_what_is_not_allowed_is_told_in_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def connect(_: Target) -> None:
            raise refused("DescribeStacks", "AccessDenied")

        monkeypatch.setattr(Target, "connect", connect)

        assert broadsheet("--stack", STACK, "list") == 2

        (line,) = capsys.readouterr().err.splitlines()
        assert "do not allow DescribeStacks" in line


def test_a_stack_tells_all_that_its_functions_environment_has() -> None:
    """What the template's function is given, so that a repair from here is one of the stack's."""
    resources = Template.read().resources
    given = resources["PublishFunction"]["Properties"]["Environment"]["Variables"]
    told = (deployment.OUTPUTS, deployment.OPTIONAL_OUTPUTS, deployment.PARAMETERS)
    known = {"AWS_ENDPOINT_URL", *(name for names in told for name in names.values())}
    others = {name for name in given if name.startswith(("POWERTOOLS_", "MALLOC_"))}

    assert set(given) - known == others


class TestUpload:
    def test_it_uploads_waits_and_says_what_became_of_it(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(folder / "c.json", status="draft")

        assert of_stack("upload", str(folder)) == 0

        assert "3 sent, 2 published, 1 draft; 0 were there already." in capsys.readouterr().out
        assert "articles/2026/b/index.html" in paper.site()
        paper.assert_converged()

    def test_it_says_where_previews_are_and_until_when(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        paper.now = datetime(2026, 5, 5, tzinfo=UTC)
        until = "2026-05-06T00:00:00+00:00"
        write(folder / "a.json", status="draft", preview_until=until)

        assert of_stack("upload", str(folder)) == 0

        url = paper.receipt("articles/a.json")["preview_url"]
        told = f"articles/a.json  preview at {url}  preview until {until}"
        assert told in capsys.readouterr().out

    def test_only_what_changed_is_uploaded(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        of_stack("upload", str(folder))
        before = paper.history()
        assert of_stack("upload", str(folder)) == 0
        assert paper.history() == before
        write(folder / "a.json", title="Gerry runs again")  # as long as it was

        assert of_stack("upload", str(folder)) == 0

        assert "1 sent, 1 published; 1 were there already." in capsys.readouterr().out
        assert "Gerry runs again" in paper.page("articles/a/index.html")

    def test_more_than_a_page_of_the_listing_is_compared(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for i in range(1_005):
            (folder / f"n{i}.json").write_text("{}")
            paper.upload_bytes(f"articles/n{i}.json", b"{}")

        assert of_stack("upload", "--dry-run", str(folder)) == 0

        assert len(capsys.readouterr().out.splitlines()) == 2

    def test_pictures_and_site_json_are_uploaded_too(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / "media").mkdir()
        shutil.copy(ROOT / "events/media/harbour.jpg", folder / "media" / "harbour.jpg")
        (folder / "site.json").write_text('{"name": "The Sellow Gazette"}')
        write(folder / "a.json", image={"src": "media/harbour.jpg", "alt": ""})

        assert of_stack("upload", str(folder)) == 0

        assert "4 sent, 4 published" in capsys.readouterr().out
        assert "The Sellow Gazette" in paper.page("index.html")
        assert "harbour.jpg/" in paper.page("articles/a/index.html")

    @pytest.mark.usefixtures("paper")
    def test_a_rejection_is_told_where_it_is_in_the_file(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(folder / "c.json", published_at="yesterday", sumary="")

        assert of_stack("upload", str(folder)) == 1

        said = capsys.readouterr().out
        assert "c.json:5:18: error: /published_at" in said
        assert "c.json:6:2: error: /sumary is not a known field" in said
        assert "2 published, 1 rejected" in said

    def test_a_receipt_of_an_earlier_upload_is_not_taken_for_the_new_one(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Even where it was written in the same second, or is written after the upload."""
        key = publish(paper, "a", title="An older one")
        old = paper.s3.get_object(Bucket=SOURCE, Key=f"receipts/{key}")["Body"].read()
        seen: list[str] = []

        def late(_seconds: float) -> None:
            paper.s3.put_object(Bucket=SOURCE, Key=f"receipts/{key}", Body=old)
            seen.append("late")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "sleep", late)
            ticks = iter(range(0, 10_000, 10))
            patched.setattr(time, "monotonic", lambda: next(ticks))
            assert of_stack("upload", "--timeout", "60", str(folder)) == 1

        assert len(seen) > 1
        said = capsys.readouterr().out
        assert "a.json:1:1: error: (whole file) has no receipt yet" in said
        assert "2 sent, 2 not known of yet" in said

    def test_an_upload_that_somebody_overtakes_is_followed(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        real = receipts.wait

        def overtaken(*arguments: Any) -> Any:
            paper.upload("a", title="Theirs")
            return real(*arguments)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(receipts, "wait", overtaken)
            assert of_stack("upload", str(folder)) == 0

        assert "a.json:1:1: warning: (whole file) was uploaded, and changed" in plain(
            capsys.readouterr().out
        )
        assert "Theirs" in paper.page("articles/a/index.html")

    @pytest.mark.parametrize("there", [True, False])
    def test_what_somebody_changes_before_the_upload_is_left(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str], *, there: bool
    ) -> None:
        if there:
            publish(paper, "a", title="Older")
        real = uploading.plan

        def overtaken(*arguments: Any) -> Any:
            plan = real(*arguments)
            paper.upload("a", title="Theirs")
            return plan

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(uploading, "plan", overtaken)
            assert of_stack("upload", str(folder)) == 1

        assert "changed by somebody else meanwhile, and was not uploaded" in capsys.readouterr().out
        assert "Theirs" in paper.page("articles/a/index.html")

    def test_what_is_gone_stays_unless_it_is_to_be_deleted(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "gone")
        assert of_stack("upload", str(folder)) == 0
        assert "articles/gone/index.html" in paper.site()

        assert of_stack("upload", "--delete", "--dry-run", str(folder)) == 0
        assert "delete  articles/gone.json" in capsys.readouterr().out
        assert of_stack("upload", "--delete", "--yes", str(folder)) == 0

        assert "1 sent, 1 removed; 2 were there already." in capsys.readouterr().out
        assert "articles/gone/index.html" not in paper.site()
        paper.assert_converged()

    def test_a_removal_is_not_confirmed_by_an_older_one(self, paper: Newsroom) -> None:
        publish(paper, "gone")
        paper.deliver(paper.delete("gone"))
        assert paper.receipt("articles/gone.json")["status"] == "removed"
        paper.upload("gone")
        site = Target(STACK).connect()
        change = uploading.delete(site, "articles/gone.json")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "sleep", lambda _: None)
            ticks = iter(range(1_000))
            patched.setattr(time, "monotonic", lambda: next(ticks))
            assert receipts.wait(site, {"articles/gone.json": change}, 5) == {}
        paper.deliver("articles/gone.json")
        (answer,) = receipts.wait(site, {"articles/gone.json": change}, 5).values()
        assert answer.receipt.status == "removed"

    def test_nothing_is_deleted_without_a_yes(
        self,
        paper: Newsroom,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        publish(paper, "gone")

        assert of_stack("upload", "--delete", str(folder)) == 2
        assert "give --yes" in capsys.readouterr().err
        monkeypatch.setattr(common, "is_interactive", lambda: True)
        monkeypatch.setattr("typer.confirm", lambda *_, **__: sys.exit(1))
        assert of_stack("upload", "--delete", str(folder)) == 1

        assert "articles/gone.json" in paper.keys(SOURCE)
        assert "articles/a.json" not in paper.keys(SOURCE)

    def test_an_empty_folder_deletes_nothing(
        self, paper: Newsroom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "a")
        (tmp_path / "empty").mkdir()

        assert of_stack("upload", "--delete", "--yes", str(tmp_path / "empty")) == 2

        assert "take the whole site down" in capsys.readouterr().err
        assert "articles/a.json" in paper.keys(SOURCE)

    def test_a_file_too_large_is_not_uploaded(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with (folder / "huge.json").open("wb") as stream:
            stream.truncate(2**40)

        assert of_stack("upload", str(folder)) == 1

        assert "huge.json:1:1: error: (whole file) has more than" in capsys.readouterr().out
        assert "articles/huge.json" not in paper.keys(SOURCE)

    def test_without_waiting_nothing_is_read(
        self, paper: Newsroom, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert of_stack("upload", "--no-wait", str(folder)) == 0

        assert "2 sent, 2 not known of yet" in capsys.readouterr().out
        assert paper.site() == {}


class TestStatus:
    @pytest.fixture(autouse=True)
    def _readers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The site answers readers."""
        answer = mock.MagicMock(__enter__=lambda _: mock.Mock(status=200))
        monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: answer)

    @pytest.mark.parametrize(
        "named",
        [
            "2026/a",
            "articles/2026/a.json",
            "/articles/2026/a/",
            "https://news.example/articles/2026/a/",
        ],
    )
    def test_it_says_all_that_is_known(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str], named: str
    ) -> None:
        publish(paper, "2026/a", topics=["Harbour", "Ferries"])
        capsys.readouterr()

        assert of_stack("status", named) == 0

        said = plain(capsys.readouterr().out)
        assert "status published" in said
        assert "listed in 2026/05, with the topics harbour, ferries" in said
        assert "page https://news.example/articles/2026/a/" in said
        assert paper.state("articles/2026/a.json")[1] in said

    def test_it_says_where_a_preview_is_and_until_when(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        paper.now = datetime(2026, 5, 5, tzinfo=UTC)
        publish(paper, "a", status="draft", preview_until="2026-05-06T00:00:00Z")
        url = paper.receipt("articles/a.json")["preview_url"]
        capsys.readouterr()

        assert of_stack("status", "a") == 0

        said = plain(capsys.readouterr().out)
        assert "next preview until 2026-05-06T00:00:00+00:00" in said
        assert f"preview {url} answers 200" in said

    def test_a_change_that_waits_is_told(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "a")
        paper.upload("a", title="Newer")
        capsys.readouterr()

        assert of_stack("status", "a") == 1

        assert "status waiting" in plain(capsys.readouterr().out)

    def test_errors_are_told(self, paper: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
        publish(paper, "a", title="")
        capsys.readouterr()

        assert of_stack("status", "a") == 1

        assert "error /title is empty" in plain(capsys.readouterr().out)

    @pytest.mark.usefixtures("paper")
    def test_what_never_was_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert of_stack("status", "a") == 1
        assert "there never was" in capsys.readouterr().err
        assert of_stack("status", "The Ferry") == 2
        assert "'The Ferry' names no article" in capsys.readouterr().err


class TestList:
    @pytest.fixture(autouse=True)
    def _articles(self, paper: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
        publish(paper, "a")
        publish(paper, "2026/b", title="")
        publish(paper, "2026/c", status="draft")
        publish(paper, "d")
        paper.upload("d", title="Newer")
        paper.upload("e")
        capsys.readouterr()

    def found(self, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, str]:
        assert of_stack("list", "--json", *options) == 0
        return {one["key"]: one["status"] for one in json.loads(capsys.readouterr().out)}

    def test_each_article_has_the_status_of_what_is_uploaded_now(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.found(capsys) == {
            "articles/2026/b.json": "rejected",
            "articles/2026/c.json": "draft",
            "articles/a.json": "published",
            "articles/d.json": "waiting",
            "articles/e.json": "waiting",
        }

    def test_some_are_picked(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert [*self.found(capsys, "--status", "rejected")] == ["articles/2026/b.json"]
        assert [*self.found(capsys, "--prefix", "2026/")] == [
            "articles/2026/b.json",
            "articles/2026/c.json",
        ]

    def test_people_get_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert of_stack("list") == 0

        said = capsys.readouterr()
        assert "published  articles/a.json  https://news.example/articles/a/" in said.out
        assert "5 articles: 2 waiting" in said.err

    def test_a_receipt_that_is_none_is_no_harm(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for body in (b"[]", b"{", b'{"status": "published", "upload": 3}', b"\xff"):
            paper.s3.put_object(Bucket=SOURCE, Key="receipts/articles/a.json", Body=body)
            assert self.found(capsys)["articles/a.json"] == "waiting"


class TestWithdraw:
    def test_an_article_becomes_a_notice(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "a", title="Straße «1»", topics=["Harbour"])
        capsys.readouterr()

        assert of_stack("withdraw", "a", "--reason", "It was the other ferry.") == 0

        assert "withdrawn  https://news.example/articles/a/" in capsys.readouterr().out
        page = paper.page("articles/a/index.html")
        assert "The ferry *runs* again." not in page
        assert "It was the other ferry." in page
        body = paper.s3.get_object(Bucket=SOURCE, Key="articles/a.json")["Body"].read()
        assert list(json.loads(body)) == [*article(topics=[]), "status", "corrections"]
        paper.assert_converged()

    def test_no_edit_of_somebody_else_is_lost(self, paper: Newsroom) -> None:
        publish(paper, "a")
        edits = iter(["First edit", "Second edit"])
        real = uploading.put

        def put(deployment: Any, key: str, data: bytes, replaces: str | None) -> Awaited:
            if title := next(edits, ""):
                paper.upload("a", title=title)
            return real(deployment, key, data, replaces)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("local.cli.articles.put", put)
            assert of_stack("withdraw", "a") == 0

        page = paper.page("articles/a/index.html")
        assert "Second edit" in page

    def test_what_can_be_no_withdrawn_article_is_left(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "a", title="")
        before = paper.history()
        capsys.readouterr()

        assert of_stack("withdraw", "a") == 2
        assert "/title: is empty" in capsys.readouterr().err
        assert of_stack("withdraw", "nothing") == 2
        assert "there is no articles/nothing.json" in capsys.readouterr().err
        assert of_stack("withdraw", "site.json") == 2
        publish(paper, "b")
        assert of_stack("withdraw", "b", "--reason", "x" * 2_001) == 2
        assert "/corrections/0/text" in capsys.readouterr().err
        assert paper.history() != before
        assert paper.receipt("articles/b.json")["status"] == "published"


class TestMove:
    def test_an_article_moves_and_its_old_address_leads_to_the_new(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "old", title="Ferry", aliases=["/ferry/"])
        assert of_stack("move", "old", "2026/new") == 0

        told = plain(capsys.readouterr().out)
        assert "published https://news.example/articles/2026/new/" in told
        assert "removed articles/old.json" in told
        assert paper.redirects() == {
            "/articles/old": "/articles/2026/new/",
            "/ferry": "/articles/2026/new/",
        }
        paper.assert_converged()

    def test_and_back_again(self, paper: Newsroom) -> None:
        publish(paper, "old")
        for there in (("old", "new"), ("new", "old")):
            assert of_stack("move", *there) == 0

        assert paper.redirects() == {"/articles/new": "/articles/old/"}
        paper.assert_converged()

    def test_what_was_interrupted_goes_on(
        self, paper: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish(paper, "old")
        with monkeypatch.context() as patched:
            patched.setattr("local.cli.articles.delete", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                of_stack("move", "old", "new", "--no-wait")
        work_off(paper, monkeypatch)
        assert paper.redirects() == {}

        assert of_stack("move", "old", "new", "--no-wait") == 0

        work_off(paper, monkeypatch)
        assert paper.redirects() == {"/articles/old": "/articles/new/"}

    def test_what_can_not_be_moved_is_left(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "a")
        publish(paper, "b")
        publish(paper, "bad", title="")
        publish(paper, "many", aliases=[f"/{n}/" for n in range(20)])
        paper.upload_bytes("articles/item.json", (ROOT / "events/wire/ninjs-3.json").read_bytes())
        before = paper.history()
        for old, new, why in [
            ("a", "b", "there is a articles/b.json already"),
            ("a", "a", "can't be moved to articles/a.json"),
            ("a", "A B", "names no article"),
            ("nothing", "c", "there is no articles/nothing.json"),
            ("bad", "c", "/title: is empty"),
            ("many", "c", "/aliases: has 21 items"),
            ("item", "c", "an item of a wire or feed has no aliases"),
        ]:
            capsys.readouterr()
            assert of_stack("move", old, new) == 2
            assert why in capsys.readouterr().err
        assert paper.history() == before

    def test_what_others_change_meanwhile_is_not_lost(
        self, paper: Newsroom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "old")

        def change() -> None:
            paper.upload("old", title="Changed meanwhile")
            work_off(paper, monkeypatch)

        with meanwhile(monkeypatch, change):
            assert of_stack("move", "old", "new") == 2

        assert "was changed meanwhile" in capsys.readouterr().err
        assert "Changed meanwhile" in paper.page("articles/old/index.html")

    def test_a_draft_moves_too(self, paper: Newsroom) -> None:
        publish(paper, "old", status="draft")

        assert of_stack("move", "old", "new") == 0

        assert "articles/old.json" not in paper.keys(SOURCE)
        assert paper.receipt("articles/new.json")["status"] == "draft"


class TestRebuild:
    def test_every_page_is_made_anew(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for path in ("a", "b"):
            publish(paper, path)
        before = paper.site()
        for key in (*before, "receipts/articles/a.json"):
            if key != "index.html":
                paper.s3.delete_object(Bucket=SITE, Key=key)
        paper.age_receipts()
        capsys.readouterr()

        # As if the second had passed that it waits for.
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("local.cli.site._now", lambda _: time.time() - 5)
            assert of_stack("rebuild") == 0

        assert "2 articles made anew" in capsys.readouterr().out
        assert paper.site()["articles/b/index.html"] == before["articles/b/index.html"]
        assert "robots.txt" in paper.site()

    def test_what_does_not_come_is_told(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(paper, "a")
        paper.age_receipts()
        capsys.readouterr()
        ticks = iter(range(10_000))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "sleep", lambda _: None)
            patched.setattr(time, "monotonic", lambda: next(ticks))
            assert of_stack("rebuild", "--timeout", "5") == 1

        assert "2 of 2 are not known to be made anew" in capsys.readouterr().out


class TestVerify:
    @pytest.fixture(autouse=True)
    def _article(self, paper: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
        publish(paper, "a", topics=["Harbour"])
        capsys.readouterr()

    @pytest.fixture(autouse=True)
    def _idle(self, _article: None) -> Iterator[None]:
        """The function does nothing meanwhile."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "sleep", lambda _: None)
            yield

    def test_a_site_as_it_should_be_is_ok(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert of_stack("verify") == 0

        said = capsys.readouterr().out
        assert "OK" in said
        assert "nothing differs" in said

    def test_what_differs_is_told_and_left(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        paper.s3.put_object(Bucket=SITE, Key="topics/harbour/rss.xml", Body=b"x")
        paper.s3.put_object(Bucket=SITE, Key="notes.txt", Body=b"x")

        assert of_stack("verify") == 1

        said = capsys.readouterr().out
        assert "topics/harbour/rss.xml differs" in said
        assert "1 objects are none of the site's" in said
        assert paper.page("topics/harbour/rss.xml") == "x"

    def test_what_differs_is_repaired_if_asked_to(
        self, paper: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = paper.site()
        for key in ("topics/harbour/rss.xml", "articles/a/index.html", "_index/2026/05.json"):
            paper.s3.delete_object(Bucket=SITE, Key=key)

        assert of_stack("verify", "--repair") == 0

        assert "all repaired" in capsys.readouterr().out
        assert paper.site() == before

    def test_a_bucket_that_is_not_there_is_an_error(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make_stack("lost", SiteBucketName="no-such-bucket")

        assert broadsheet("--stack", "lost", "verify") == 2

        assert "no-such-bucket" in capsys.readouterr().err


@contextmanager
def running_in(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A `make run` of a folder's empty/, once it serves; ended at the end."""
    (folder / "empty").mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "local.run", "--port", "0", "--articles", "empty"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout
            next(line for line in program.stdout if line.startswith("Stop"))
            yield program
        finally:
            program.send_signal(signal.SIGINT)
            program.communicate(timeout=PATIENCE)


def test_every_command_works_with_a_run_of_the_folder(tmp_path: Path, folder: Path) -> None:
    environment = os.environ | {"COLUMNS": "200"}

    def said(*arguments: str) -> str:
        ran = subprocess.run(
            [Path(sys.executable).parent / "broadsheet", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    with running_in(tmp_path, environment):
        assert "2 sent, 2 published" in said("upload", ".")
        assert "answers 200" in said("status", "2026/b")
        assert said("list").count("published") == 2
        assert "withdrawn" in said("withdraw", "a", "--reason", "A test.")
        assert "2 articles made anew" in said("rebuild")
        assert "nothing differs" in said("verify")
        (folder / "a.json").unlink()
        assert "1 removed" in said("upload", "--delete", "--yes", ".")
    assert not (tmp_path / "build" / "run.json").exists()
