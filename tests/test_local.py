"""What `make run` starts: the local AWS, the pump, the CDN stand-in and the watched folder."""

import gzip
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import unquote_plus

import pytest
from moto.sqs.models import Queue

from broadsheet.errors import ConflictError
from broadsheet.settings import Settings
from broadsheet.store import Store
from local.aws import SITE_BUCKET, SOURCE_BUCKET, LocalAws, local_aws
from local.cdn import Cdn, CdnServer, Invalidations
from local.edge import Copy, Route, invalidates, is_current, route, tags_of
from local.function import environment
from local.moto_server import receive_while_others_delete
from local.pump import Handler, Invocation, Pump, failed_ids, keys_in
from local.template import ROOT, Template
from local.watch import Folder, differences, key_for
from tests.cloudformation import edge_code

PATIENCE = 60
NODE = shutil.which("node") or ""

# Address asked for -> (key read, address redirected to).
ROUTES = {
    "/": ("index.html", ""),
    "/articles/2026/a-story/": ("articles/2026/a-story/index.html", ""),
    "/articles/2026/a-story": ("", "/articles/2026/a-story/"),
    "/2026/11": ("", "/2026/11/"),
    "/rss.xml": ("rss.xml", ""),
    "/topics/sea/feed.json": ("topics/sea/feed.json", ""),
    "/Not-A-Page": ("Not-A-Page", ""),
    "//example.org/x": ("/example.org/x", ""),
    "/a//b": ("a//b", ""),
    "/f%C3%BCnf/": ("fünf/index.html", ""),
    "/_index/site.json": ("", ""),
    "/_record/": ("", ""),
    "/%5Findex/site.json": ("", ""),
}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """Give all tests one local AWS, and this process its environment back afterwards."""
    with mock.patch.dict(os.environ), local_aws(Template.read()) as running:
        yield running


@pytest.fixture
def cdn(aws: LocalAws) -> Cdn:
    """Give a test a CDN with an empty cache."""
    return Cdn(
        aws.s3, SITE_BUCKET, Invalidations(aws.cloudfront, aws.distribution_id), lambda _: {}
    )


def put_page(
    aws: LocalAws,
    key: str,
    body: str,
    tags: str = "site",
    content_type: str = "text/html; charset=utf-8",
) -> None:
    aws.s3.put_object(
        Bucket=SITE_BUCKET,
        Key=key,
        Body=body.encode(),
        ContentType=content_type,
        CacheControl="max-age=60",
        Metadata={"cache-tag": tags},
    )


def invalidate(aws: LocalAws, *items: str) -> None:
    aws.cloudfront.create_invalidation(
        DistributionId=aws.distribution_id,
        InvalidationBatch={
            "CallerReference": str(uuid.uuid4()),
            "Paths": {"Quantity": len(items), "Items": list(items)},
        },
    )


class TestRoutes:
    """Which object an address means."""

    @pytest.mark.parametrize(("path", "leads_to"), ROUTES.items())
    def test_an_address_leads_to_one_key_or_redirect(
        self, path: str, leads_to: tuple[str, str]
    ) -> None:
        assert route(path) == Route(*leads_to)

    @pytest.mark.skipif(not NODE, reason="needs Node.js to run the edge function")
    def test_the_edge_function_in_the_template_agrees(self) -> None:
        script = f"""const redirects = null;
        {edge_code()}
        Promise.all({json.dumps(list(ROUTES))}.map(async (uri) => {{
          const found = await handler({{ request: {{ uri: uri, headers: {{}} }} }});
          if (found.uri) return [decodeURIComponent(found.uri).slice(1), ''];
          return ['', found.headers.location ? found.headers.location.value : ''];
        }})).then((routes) => console.log(JSON.stringify(routes)));"""
        ran = subprocess.run(
            [NODE, "-e", script], capture_output=True, text=True, check=True, timeout=PATIENCE
        )
        assert [tuple(pair) for pair in json.loads(ran.stdout)] == list(ROUTES.values())

    def test_a_way_out_of_the_bucket_leads_nowhere(self) -> None:
        assert route("/../broadsheet-source/site.json") == Route()
        assert route("/x/%2e%2e/y/") == Route()


class TestRedirects:
    """Old addresses, by the store that the function writes."""

    def test_what_the_store_says_is_answered(
        self, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        variables = environment(aws, "http://127.0.0.1:1") | {"AWS_ENDPOINT_URL": aws.endpoint}
        store = Store(Settings.from_environment(variables))
        invalidations = Invalidations(aws.cloudfront, aws.distribution_id)
        cdn = Cdn(
            aws.s3, SITE_BUCKET, invalidations, lambda _: {}, lambda key: store.redirect(key) or ""
        )
        tag = store.redirects_tag()
        store.update_redirects({"/2019/old": "/articles/a/", "/café": "/articles/b/"}, [], tag)

        with pytest.raises(ConflictError):
            store.update_redirects({}, ["/café"], tag)
        assert store.list_redirects() == (
            {"/2019/old": "/articles/a/", "/café": "/articles/b/"},
            "",
        )
        for target, location in [
            ("/2019/old", "/articles/a/"),
            ("/2019/old/index.html?a=b", "/articles/a/?a=b"),
            ("/caf%C3%A9/", "/articles/b/"),
        ]:
            answer = cdn.answer(target)
            assert (answer.status, answer.headers["Location"]) == (301, location)
        store.update_redirects({}, ["/café", "/2019/old"], store.redirects_tag())
        assert cdn.answer("/2019/old/").status == 404


class TestInvalidationItems:
    """Which copies an item of an invalidation concerns."""

    COPY = Copy("articles/a/index.html", b"", {}, tags_of("Site, articles/a"))

    @pytest.mark.parametrize(
        "item", ["/articles/a/index.html", "/articles/*", "/*", "#site", "#articles/A"]
    )
    def test_path_wildcard_and_tag_match(self, item: str) -> None:
        assert invalidates(item, self.COPY)

    @pytest.mark.parametrize(
        "item", ["/articles/a", "/articles/b/*", "#articles", "#articles/*", "#", "/index.html"]
    )
    def test_other_items_do_not(self, item: str) -> None:
        assert not invalidates(item, self.COPY)


class TestCdn:
    """The CloudFront stand-in, in front of a site bucket."""

    def test_a_page_is_cached_for_ever(self, aws: LocalAws, cdn: Cdn) -> None:
        put_page(aws, "cached/index.html", "old")
        first = cdn.answer("/cached/")
        put_page(aws, "cached/index.html", "new")
        second = cdn.answer("/cached/?utm_source=x")
        assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("Miss", "Hit")
        assert (first.body, second.body) == (b"old", b"old")

    @pytest.mark.parametrize(
        "item", ["/changed/index.html", "/chan*", "#articles/changed", "#ARTICLES/changed"]
    )
    def test_an_invalidation_is_obeyed_before_the_next_answer(
        self, aws: LocalAws, cdn: Cdn, item: str
    ) -> None:
        put_page(aws, "changed/index.html", "old", tags="site,articles/changed")
        cdn.answer("/changed/")
        put_page(aws, "changed/index.html", "new", tags="site,articles/changed")
        invalidate(aws, "#articles/other", item)
        answer = cdn.answer("/changed/")
        assert (answer.body, answer.headers["X-Cache"]) == (b"new", "Miss")

    def test_an_invalidation_of_something_else_keeps_the_copy(
        self, aws: LocalAws, cdn: Cdn
    ) -> None:
        put_page(aws, "kept/index.html", "old")
        cdn.answer("/kept/")
        invalidate(aws, "#listings", "/kept")
        assert cdn.answer("/kept/").headers["X-Cache"] == "Hit"

    def test_each_of_many_invalidations_is_obeyed(self, aws: LocalAws, cdn: Cdn) -> None:
        for number in range(12):
            put_page(aws, "often/index.html", str(number))
            assert cdn.answer("/often/").body == str(number).encode()
            invalidate(aws, "#site")

    def test_a_fetch_that_an_invalidation_overtakes_is_not_cached(self, aws: LocalAws) -> None:
        class Slow(Cdn):
            def _fetch(self, key: str) -> Copy | None:
                fetched = super()._fetch(key)
                put_page(aws, key, "new")
                invalidate(aws, "#site")
                return fetched

        slow = Slow(
            aws.s3, SITE_BUCKET, Invalidations(aws.cloudfront, aws.distribution_id), lambda _: {}
        )
        put_page(aws, "race/index.html", "old")
        assert slow.answer("/race/").body == b"old"
        assert slow.answer("/race/").body == b"new"

    def test_a_missing_page_is_a_404_that_is_not_cached(self, aws: LocalAws, cdn: Cdn) -> None:
        put_page(aws, "404.html", "nothing here")
        missing = cdn.answer("/later/")
        put_page(aws, "later/index.html", "here now")
        assert (missing.status, missing.body) == (HTTPStatus.NOT_FOUND, b"nothing here")
        assert cdn.answer("/later/").body == b"here now"

    def test_the_functions_own_state_is_out_of_reach(self, aws: LocalAws, cdn: Cdn) -> None:
        put_page(aws, "_index/site.json", "secret")
        answer = cdn.answer("/_index/site.json")
        assert answer.status == HTTPStatus.NOT_FOUND
        assert b"secret" not in answer.body

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ("bytes=0-3", (206, b"0123", "bytes 0-3/10")),
            ("bytes=4-", (206, b"456789", "bytes 4-9/10")),
            ("bytes=-3", (206, b"789", "bytes 7-9/10")),
            ("bytes=-30", (206, b"0123456789", "bytes 0-9/10")),
            ("bytes=9-99", (206, b"9", "bytes 9-9/10")),
            ("bytes=10-", (416, b"", "bytes */10")),
            ("bytes=-0", (416, b"", "bytes */10")),
            ("bytes=3-2", (200, b"0123456789", None)),
            ("bytes=0-1,4-5", (200, b"0123456789", None)),
            ("bytes=-", (200, b"0123456789", None)),
            ("lines=0-1", (200, b"0123456789", None)),
            ("", (200, b"0123456789", None)),
        ],
    )
    def test_a_part_is_answered(
        self, aws: LocalAws, cdn: Cdn, wanted: str, expected: tuple[int, bytes, str | None]
    ) -> None:
        aws.s3.put_object(Bucket=SITE_BUCKET, Key="part.idx", Body=b"0123456789")
        answer = cdn.answer("/part.idx").part(wanted)
        assert (answer.status, answer.body, answer.headers.get("Content-Range")) == expected
        assert answer.headers["Accept-Ranges"] == "bytes"

    def test_a_part_is_one_of_the_copy_that_is_meant(self, aws: LocalAws, cdn: Cdn) -> None:
        aws.s3.put_object(Bucket=SITE_BUCKET, Key="part.idx", Body=b"0123456789")
        answer = cdn.answer("/part.idx")
        assert answer.part("bytes=0-1", answer.headers["ETag"]).body == b"01"
        assert answer.part("bytes=0-1", '"other"').body == b"0123456789"
        assert cdn.answer("/none.idx").part("bytes=0-1").status == HTTPStatus.NOT_FOUND

    def test_what_the_browser_has_is_not_sent_again(self, aws: LocalAws, cdn: Cdn) -> None:
        put_page(aws, "etag/index.html", "same")
        etag = cdn.answer("/etag/").headers["ETag"]
        again = cdn.answer("/etag/", if_none_match=f'"other", W/{etag}')
        assert (again.status, again.body) == (HTTPStatus.NOT_MODIFIED, b"")
        assert cdn.answer("/etag/", if_none_match='"other"').status == HTTPStatus.OK
        assert is_current("*", etag)

    def test_a_broken_origin_is_a_502_that_is_not_cached(self, aws: LocalAws) -> None:
        invalidations = Invalidations(aws.cloudfront, aws.distribution_id)
        cdn = Cdn(aws.s3, "no-such-bucket", invalidations, lambda _: {})
        assert cdn.answer("/").status == HTTPStatus.BAD_GATEWAY


@contextmanager
def serving(cdn: Cdn) -> Iterator[CdnServer]:
    with CdnServer(0) as server:
        server.cdn = cdn
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class TestHttp:
    """The stand-in over HTTP."""

    def test_who_accepts_gzip_gets_gzip_of_what_cloudfront_compresses(
        self, aws: LocalAws, cdn: Cdn
    ) -> None:
        put_page(aws, "long/index.html", "long " * 1_000)
        put_page(aws, "short/index.html", "short")
        put_page(aws, "media/long.png", "long " * 1_000, content_type="image/png")
        with serving(cdn) as server:
            answers = {}
            for path in ("/long/", "/short/", "/media/long.png"):
                request = urllib.request.Request(  # noqa: S310 (http, our own)
                    f"{server.url}{path}", headers={"Accept-Encoding": "gzip, br"}
                )
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 (ours)
                    answers[path] = answer.headers, answer.read()
        headers, body = answers["/long/"]
        assert gzip.decompress(body) == b"long " * 1_000
        assert headers["ETag"].startswith('W/"')
        assert headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in answers["/short/"][0]
        assert "Content-Encoding" not in answers["/media/long.png"][0]

    def test_get_and_head_carry_the_templates_headers(self, aws: LocalAws) -> None:
        put_page(aws, "http/index.html", "hello")
        headers_of = Template.read().security_headers
        headers = headers_of("/http/")
        invalidations = Invalidations(aws.cloudfront, aws.distribution_id)
        with serving(Cdn(aws.s3, SITE_BUCKET, invalidations, headers_of)) as server:
            port = server.server_address[1]
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            for method, body in (("GET", b"hello"), ("HEAD", b"")):
                connection.request(method, "/http/")
                answer = connection.getresponse()
                assert answer.read() == body
                assert answer.headers["Content-Length"] == "5"
                assert answer.headers["Cache-Control"] == "max-age=60"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert {name: answer.headers[name] for name in headers} == headers
            connection.request("GET", "/http")
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Location"]) == (301, "/http/")
            connection.close()


@pytest.fixture
def queue(aws: LocalAws) -> str:
    """Give a test a queue of its own, whose messages are given up after three attempts."""
    name = uuid.uuid4().hex
    redrive = {
        "deadLetterTargetArn": _arn_of(aws, aws.dead_letter_url),
        "maxReceiveCount": 3,
    }
    return aws.sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(redrive)})[
        "QueueUrl"
    ]


def _arn_of(aws: LocalAws, url: str) -> str:
    answer = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def pump_for(aws: LocalAws, queue: str, handler: Handler, told: list[Invocation]) -> Pump:
    return Pump(
        sqs=aws.sqs,
        queue_url=queue,
        queue_arn="arn:aws:sqs:us-east-1:123456789012:q",
        handler=handler,
        timeout_seconds=60,
        max_receive_count=3,
        tell=told.append,
        retry_seconds=0,
    )


def send(aws: LocalAws, queue: str, *keys: str) -> None:
    for key in keys:
        body = json.dumps({"Records": [{"s3": {"object": {"key": key}}}]})
        aws.sqs.send_message(QueueUrl=queue, MessageBody=body)


class TestPump:
    """Messages from the queue to the handler and back."""

    def test_one_invocation_gets_many_messages_as_lambda_sends_them(
        self, aws: LocalAws, queue: str
    ) -> None:
        events: list[dict[str, Any]] = []

        def handler(event: dict[str, Any], context: Any) -> None:
            assert 0 < context.get_remaining_time_in_millis() <= 60_000
            events.append(event)

        send(aws, queue, *(f"articles/{number}.json" for number in range(25)))
        pump = pump_for(aws, queue, handler, [])
        assert pump.deliver()
        assert not pump.is_waiting()
        (event,) = events
        record = event["Records"][0]
        assert len(event["Records"]) == 25
        assert record["eventSource"] == "aws:sqs"
        assert record["attributes"]["ApproximateReceiveCount"] == "1"
        assert record["attributes"]["SentTimestamp"].isdigit()
        assert {"messageId", "receiptHandle", "body", "eventSourceARN"} <= record.keys()

    def test_only_the_messages_that_failed_come_again(self, aws: LocalAws, queue: str) -> None:
        seen: list[str] = []

        def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
            bad = [record for record in event["Records"] if "bad" in record["body"]]
            seen.extend(keys_in(record["body"])[0] for record in event["Records"])
            return {"batchItemFailures": [{"itemIdentifier": bad[0]["messageId"]}]}

        told: list[Invocation] = []
        send(aws, queue, "good.json", "bad.json")
        pump = pump_for(aws, queue, handler, told)
        pump.deliver()
        pump.deliver(wait_seconds=1)
        assert sorted(seen) == ["bad.json", "bad.json", "good.json"]
        assert [one.attempt for one in told[1].deliveries] == [2]

    def test_what_raises_is_tried_again_and_then_given_up(self, aws: LocalAws, queue: str) -> None:
        def handler(_: dict[str, Any], __: Any) -> None:
            raise RuntimeError("broken")

        told: list[Invocation] = []
        send(aws, queue, "articles/poison.json")
        pump = pump_for(aws, queue, handler, told)
        while pump.is_waiting():
            pump.deliver(wait_seconds=1)
        assert [one.deliveries[0].dead for one in told] == [False, False, True]
        assert isinstance(told[0].error, RuntimeError)
        letters = aws.sqs.receive_message(QueueUrl=aws.dead_letter_url)["Messages"]
        assert keys_in(letters[0]["Body"]) == ("articles/poison.json",)

    def test_an_unknown_failure_fails_the_batch(self) -> None:
        messages: list[Any] = [{"MessageId": "a"}, {"MessageId": "b"}]
        assert failed_ids(None, messages) == set()
        assert failed_ids({"batchItemFailures": []}, messages) == set()
        assert failed_ids({"batchItemFailures": [{"itemIdentifier": "b"}]}, messages) == {"b"}
        assert failed_ids({"batchItemFailures": [{"itemIdentifier": "?"}]}, messages) == {"a", "b"}

    def test_a_message_that_is_no_notification_names_no_keys(self) -> None:
        assert keys_in("plain text") == keys_in('"x"') == keys_in('{"Event": "s3:TestEvent"}') == ()
        assert keys_in('{"reconcile": {"after": "a"}}') == ()

    def test_the_keys_in_a_message_are_decoded(self) -> None:
        assert keys_in('{"reconcile": {"keys": ["articles/a.json"]}}') == ("articles/a.json",)
        assert keys_in('{"Records": [{"s3": {"object": {"key": "a%2Bb+c"}}}]}') == ("a+b c",)


class TestNotifications:
    """What the local source bucket sends to the queue."""

    def test_uploads_and_deletes_of_articles_are_sent_and_receipts_are_not(
        self, aws: LocalAws
    ) -> None:
        aws.sqs.purge_queue(QueueUrl=aws.queue_url)
        for key in ("articles/a.json", "site.json", "receipts/articles/a.json", "else.json"):
            aws.s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=b"{}")
        aws.s3.delete_object(Bucket=SOURCE_BUCKET, Key="articles/a.json")
        aws.s3.delete_objects(Bucket=SOURCE_BUCKET, Delete={"Objects": [{"Key": "site.json"}]})
        messages = aws.sqs.receive_message(QueueUrl=aws.queue_url, MaxNumberOfMessages=10)
        records = [
            record
            for message in messages["Messages"]
            for record in json.loads(message["Body"]).get("Records", [])
        ]
        assert [
            (one["eventName"], unquote_plus(one["s3"]["object"]["key"])) for one in records
        ] == [
            ("ObjectCreated:Put", "articles/a.json"),
            ("ObjectCreated:Put", "site.json"),
            ("ObjectRemoved:DeleteMarkerCreated", "articles/a.json"),
            ("ObjectRemoved:DeleteMarkerCreated", "site.json"),
        ]


class TestFolder:
    """The watched folder."""

    def test_a_files_name_is_its_key(self) -> None:
        assert key_for("2026/11/a-story.json") == "articles/2026/11/a-story.json"
        assert key_for("site.json") == "site.json"
        assert key_for("2026/site.json") == "articles/2026/site.json"

    def test_only_what_changed_is_a_difference(self) -> None:
        old = {"same": (1, 1, 1), "changed": (1, 1, 1), "gone": (1, 1, 1)}
        new = {"same": (1, 1, 1), "changed": (2, 1, 1), "new": (1, 1, 1)}
        assert differences(old, new) == {"changed": (2, 1, 1), "new": (1, 1, 1), "gone": None}

    def test_the_bucket_follows_saves_renames_and_deletes(
        self, aws: LocalAws, tmp_path: Path
    ) -> None:
        folder = Folder(tmp_path, aws.s3, SOURCE_BUCKET)
        for name in ("2026/a.json", "2026/b.json", "notes.txt", ".hidden.json", ".git/x.json"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("{}")
        folder.sync()
        assert _articles(aws) == ["articles/2026/a.json", "articles/2026/b.json"]
        (tmp_path / "2026").rename(tmp_path / "2027")
        (tmp_path / "2027" / "b.json").unlink()
        folder.sync()
        assert _articles(aws) == ["articles/2027/a.json"]

    def test_a_folder_that_is_gone_takes_no_article_down(
        self, aws: LocalAws, tmp_path: Path
    ) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "stays.json").write_text("{}")
        folder = Folder(tmp_path / "in", aws.s3, SOURCE_BUCKET)
        folder.sync()
        shutil.rmtree(tmp_path / "in")
        folder.sync()
        assert "articles/stays.json" in _articles(aws)


def _articles(aws: LocalAws) -> list[str]:
    listed = aws.s3.list_objects_v2(Bucket=SOURCE_BUCKET, Prefix="articles/")
    return [found["Key"] for found in listed.get("Contents", [])]


def run(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "local.run", "--port", "0", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class TestRun:
    """The whole program."""

    def test_once_publishes_the_samples_and_ends_well(self, tmp_path: Path) -> None:
        with run("--once", cwd=tmp_path) as program:
            said, _ = program.communicate(timeout=PATIENCE)
        assert program.returncode == 0, said
        assert "published" in said
        assert "The home page answers 200 OK." in said

    def test_once_explains_a_rejected_article_and_ends_badly(self, tmp_path: Path) -> None:
        with run(
            "--once", "--articles", str(ROOT / "events" / "rejected"), cwd=tmp_path
        ) as program:
            said, _ = program.communicate(timeout=PATIENCE)
        assert program.returncode == 1, said
        assert "missing-title.json" in said

    def test_once_says_where_the_preview_of_a_draft_is(self, tmp_path: Path) -> None:
        sample = ROOT / "events" / "articles" / "power-restored-sellow.json"
        article = json.loads(sample.read_text("utf-8"))
        article |= {"status": "draft", "preview_until": "2099-01-01T00:00:00Z"}
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "draft.json").write_text(json.dumps(article), "utf-8")
        with run("--once", "--articles", "in", cwd=tmp_path) as program:
            said, _ = program.communicate(timeout=PATIENCE)
        assert re.search(r"preview +http://\S+/previews/[a-z2-7]{32}/  until 2099-01-01", said), (
            said
        )

    def test_a_saved_article_is_live_until_it_is_deleted(self, tmp_path: Path) -> None:
        articles = tmp_path / "articles"
        articles.mkdir()
        with run("--articles", str(articles), cwd=tmp_path) as program:
            site = _site(program)
            story = articles / "a-story.json"
            shutil.copy(ROOT / "events" / "articles" / "power-restored-sellow.json", story)
            _wait(lambda: _status(f"{site}articles/a-story/") == HTTPStatus.OK)
            story.unlink()
            _wait(lambda: _status(f"{site}articles/a-story/") == HTTPStatus.NOT_FOUND)
            program.send_signal(signal.SIGINT)
            said, _ = program.communicate(timeout=PATIENCE)
        assert program.returncode == 0, said
        assert "Traceback" not in said

    def test_a_port_that_is_taken_is_said_clearly(self, tmp_path: Path) -> None:
        with (
            CdnServer(0) as taken,
            run("--port", taken.url.rsplit(":")[-1], cwd=tmp_path) as program,
        ):
            said, _ = program.communicate(timeout=PATIENCE)
        assert program.returncode == 1
        assert "in use" in said
        assert "Traceback" not in said


def _site(program: subprocess.Popen[str]) -> str:
    """Return the address that the program prints once it serves."""
    assert program.stdout
    for line in program.stdout:
        if line.startswith("Site"):
            return line.split()[1]
    raise AssertionError("the program ended before it served")


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 (http, our own)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _wait(reached: Callable[[], bool]) -> None:
    """Wait until something is so; that it ever is, not how soon, is what counts."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def calm_queue(monkeypatch: pytest.MonkeyPatch) -> type[Queue]:
    """Give a test moto's queue as the local AWS has it, and moto its own back afterwards."""
    for name in ("pending_message_groups", "delete_message"):
        monkeypatch.setattr(Queue, name, getattr(Queue, name))
    receive_while_others_delete()
    return Queue


def test_a_queue_can_be_read_while_others_empty_it(calm_queue: Any) -> None:
    class Message:
        @property
        def group_id(self) -> str:
            pending.clear()
            return "deleted meanwhile"

    pending = {Message(), Message()}

    queue = SimpleNamespace(pending_messages=pending)
    assert calm_queue.pending_message_groups.fget(queue) == {"deleted meanwhile"}


def test_two_may_delete_from_a_queue_at_once(calm_queue: Any) -> None:
    class Message:
        def __init__(self, handle: str) -> None:
            self.all_receipt_handles = {handle}

        def had_receipt_handle(self, handle: str) -> bool:
            asked.append(handle)
            if len(asked) == 2:  # it is known to be there, and about to be taken out
                other.start()
                other.join(0.2)
            return handle in self.all_receipt_handles

    asked: list[str] = []

    queue = SimpleNamespace(
        _messages=[Message("a"), Message("b")],
        _messages_lock=threading.Condition(),
        pending_messages=set(),
        deleted_messages=set(),
    )
    other = threading.Thread(target=calm_queue.delete_message, args=(queue, "b"))
    calm_queue.delete_message(queue, "a")
    other.join()

    assert queue._messages == []  # noqa: SLF001 (moto's)
