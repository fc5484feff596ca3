"""What differs between a site and its sources is found, told and repaired; nothing else is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import media
from broadsheet import addresses, index, verify
from broadsheet.segment import BLOCKS, Segment
from broadsheet.settings import Settings
from broadsheet.store import Store
from broadsheet.verify import Verifier, Walk
from tests.gates import crash_at, some_of
from tests.newsroom import DONE, SITE, SOURCE, Crash, failed, publish, refused, status

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    from broadsheet.compare import Difference
    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")
VERIFY: dict[str, Any] = {"verify": {}}


def verifier() -> Verifier:
    settings = Settings.from_environment(os.environ)
    return Verifier(Store(settings), settings)


def differences() -> list[Difference]:
    """All that differs, found in steps as they follow each other."""
    found: list[Difference] = []
    walk: Walk | None = Walk()
    while walk:
        step = verifier().step(walk)
        found += step.differences
        walk = step.then
    return found


def told() -> set[tuple[str, str]]:
    return {(difference.key, difference.what) for difference in differences()}


@pytest.fixture
def paper(newsroom: Newsroom) -> Newsroom:
    """A site of some articles in two topics and three months, one withdrawn, one rejected."""
    newsroom.upload_bytes("site.json", b'{"name": "The Paper", "timezone": "Europe/Paris"}')
    newsroom.upload("a", topics=["Harbour", "Ferries"])
    newsroom.upload("b", topics=["Harbour"], published_at="2026-04-30T22:30:00Z")
    newsroom.upload("c/d", published_at="2025-12-01T00:00:00Z", topics=["Ferries"])
    newsroom.upload("w", status="withdrawn")
    newsroom.upload("e", status="draft")
    newsroom.upload("r", title="")
    keys = [f"articles/{path}.json" for path in ("a", "b", "c/d", "w", "e", "r")]
    assert newsroom.deliver("site.json", *keys) == DONE
    return newsroom


def repaired(paper: Newsroom, before: Any) -> bool:
    """Whether verifying by the handler brings the site back, and then finds nothing."""
    assert paper.deliver(event=VERIFY) == DONE
    return paper.site() == before and differences() == []


# What search knows


MAY = "search/2026/05.idx"


def _lost_segment(newsroom: Newsroom) -> None:
    newsroom.s3.delete_object(Bucket=SITE, Key=MAY)


def _no_segment(newsroom: Newsroom) -> None:
    newsroom.s3.put_object(Bucket=SITE, Key=MAY, Body=b"<p>defaced</p>")


def _other_headers(newsroom: Newsroom) -> None:
    body = newsroom.site()[MAY].body
    newsroom.s3.put_object(Bucket=SITE, Key=MAY, Body=body, ContentType="text/html")


def _rewritten(change: Callable[[Segment], Segment]) -> Callable[[Newsroom], None]:
    def rewrite(newsroom: Newsroom) -> None:
        body = change(Segment.from_bytes(newsroom.site()[MAY].body)).to_bytes()
        newsroom.s3.put_object(Bucket=SITE, Key=MAY, Body=body)

    return rewrite


def _with_other_words(segment: Segment) -> Segment:
    document = segment.documents()["b"]._replace(blocks=(b"\0\0\0",) * BLOCKS)
    return segment.merged({"b": document})


def _with_one_more(segment: Segment) -> Segment:
    document = segment.documents()["b"]
    return segment.merged({"x": document._replace(record=document.record.replace(b'"b"', b'"x"'))})


def _of_a_month_without_articles(newsroom: Newsroom) -> None:
    body = newsroom.site()[MAY].body
    newsroom.s3.put_object(Bucket=SITE, Key="search/2024/02.idx", Body=body)


def _of_a_month_without_articles_nor_sense(newsroom: Newsroom) -> None:
    newsroom.s3.put_object(Bucket=SITE, Key="search/2024/02.idx", Body=b"x")


@pytest.mark.parametrize(
    "break_it",
    [
        _lost_segment,
        _no_segment,
        _other_headers,
        _rewritten(lambda segment: segment.merged({"b": None})),
        _rewritten(_with_other_words),
        _rewritten(_with_one_more),
        _of_a_month_without_articles,
        _of_a_month_without_articles_nor_sense,
    ],
)
def test_what_search_knows_wrongly_is_told_and_repaired(
    paper: Newsroom, break_it: Callable[[Newsroom], None]
) -> None:
    before = paper.site()
    break_it(paper)

    assert [key for key, _ in told() if key.startswith("search/")]
    assert repaired(paper, before)


def test_what_search_knows_of_a_site_without_one_is_told_and_taken_away(paper: Newsroom) -> None:
    paper.upload_bytes("site.json", b'{"search": false}')
    assert paper.deliver("site.json") == DONE
    before = paper.site()
    for key in (MAY, addresses.SEARCH):
        paper.s3.put_object(Bucket=SITE, Key=key, Body=b"x")

    assert repaired(paper, before)


# Pictures


@pytest.fixture
def pictured(paper: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """The same with a picture."""
    for name in ("QUEUE_URL", "MEDIA_QUEUE_URL"):
        queue = boto3.client("sqs").create_queue(QueueName=name.lower())
        monkeypatch.setenv(name, queue["QueueUrl"])
    monkeypatch.setattr(media, "SWEEP_AFTER", 0)
    picture = (Path(__file__).parents[1] / "events/media/harbour.jpg").read_bytes()
    assert paper.deliver_media(paper.upload_bytes("media/p.jpg", picture)) == DONE
    publish(paper, "p", topics=["Harbour"], image={"src": "media/p.jpg", "alt": ""})
    paper.work_off()
    return paper


def test_a_site_with_a_picture_has_no_differences(pictured: Newsroom) -> None:
    assert differences() == []
    assert [key for key in pictured.site() if key.startswith("media/p.jpg/")]


def _lost_manifest(newsroom: Newsroom) -> None:
    newsroom.s3.delete_object(Bucket=SITE, Key="_media/p.jpg.json")


def _lost_event_of_an_upload(newsroom: Newsroom) -> None:
    newsroom.upload_bytes("media/p.jpg", b"<svg/>")


def _lost_event_of_a_deletion(newsroom: Newsroom) -> None:
    newsroom.s3.delete_object(Bucket=SOURCE, Key="media/p.jpg")


def _variant_of_nothing(newsroom: Newsroom) -> None:
    newsroom.s3.put_object(Bucket=SITE, Key="media/x.jpg/0123456789abcdef/320.jpg", Body=b"x")


def _variant_of_another_digest(newsroom: Newsroom) -> None:
    newsroom.s3.put_object(Bucket=SITE, Key="media/p.jpg/0123456789abcdef/320.jpg", Body=b"x")


def _lost_mark(newsroom: Newsroom) -> None:
    newsroom.s3.delete_object(Bucket=SITE, Key=addresses.use_key("p.jpg", "p"))


@pytest.mark.parametrize(
    ("break_it", "key"),
    [
        (_lost_manifest, "_media/p.jpg.json"),
        (_lost_event_of_an_upload, "_media/p.jpg.json"),
        (_lost_event_of_a_deletion, "media/p.jpg/"),
        (_variant_of_nothing, "media/x.jpg/0123456789abcdef/320.jpg"),
        (_variant_of_another_digest, "media/p.jpg/0123456789abcdef/320.jpg"),
        (_lost_mark, "_use/"),
    ],
)
def test_a_picture_out_of_step_is_told_and_repaired(
    pictured: Newsroom, break_it: Callable[[Newsroom], None], key: str
) -> None:
    break_it(pictured)

    assert [difference for difference in differences() if difference.key.startswith(key)]

    assert pictured.deliver(event=VERIFY) == DONE
    pictured.work_off()
    assert differences() == []
    pictured.assert_converged()


# Finding


def test_a_site_as_it_should_be_has_no_differences(paper: Newsroom) -> None:
    assert differences() == []
    before = paper.site()
    paper.invalidations.clear()

    assert paper.deliver(event=VERIFY) == DONE

    assert paper.site() == before
    assert paper.invalidations == []


def test_a_site_that_never_was_gets_its_home_page(newsroom: Newsroom) -> None:
    assert told() == {("_index/site.json", "is missing or can't be read")}

    assert newsroom.deliver(event=VERIFY) == DONE

    newsroom.assert_converged()
    assert "index.html" in newsroom.site()


def test_articles_that_moved_or_went_leave_nothing_to_find(paper: Newsroom) -> None:
    publish(paper, "a", topics=["Ferries"], published_at="2024-02-01T00:00:00Z")
    assert paper.deliver(paper.delete("b")) == DONE

    assert differences() == []


@pytest.mark.parametrize("newest", [1, 2, 3])
def test_landing_pages_that_hold_only_some_have_nothing_to_find(
    paper: Newsroom, newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "NEWEST", newest)
    assert paper.deliver("site.json", "articles/a.json", "articles/c/d.json") == DONE
    assert paper.deliver(event=VERIFY) == DONE

    assert differences() == []


# Every public object, every object of the function's own: lost, spoilt, and one too many


PUBLIC = [
    "articles/a/index.html",
    "articles/w/index.html",
    "index.html",
    "archive/index.html",
    "rss.xml",
    "atom.xml",
    "feed.json",
    "sitemap.xml",
    "sitemap-2026-05.xml",
    "2026/05/index.html",
    "2025/12/index.html",
    "topics/harbour/index.html",
    "topics/harbour/feed.json",
    "topics/ferries/2025/12/index.html",
    "404.html",
    "robots.txt",
    "icon.svg",
    "theme.css",
]
OWN = [
    "_record/articles/a.json",
    "_record/articles/c/d.json",
    "_index/2026/05.json",
    "_index/2025/12.json",
    "_index/topics/harbour.json",
    "_index/topics/ferries.json",
    "_index/site.json",
]


def test_public_objects_that_are_lost_are_found_and_written_again(paper: Newsroom) -> None:
    before = paper.site()
    for key in PUBLIC:
        paper.s3.delete_object(Bucket=SITE, Key=key)

    assert told() == {(key, "is missing") for key in PUBLIC}
    assert repaired(paper, before)


def test_public_objects_with_other_bytes_are_found_and_written_again(paper: Newsroom) -> None:
    before = paper.site()
    for key in PUBLIC:
        paper.s3.put_object(Bucket=SITE, Key=key, Body=b"<p>defaced</p>")

    assert told() == {(key, "differs") for key in PUBLIC}
    assert repaired(paper, before)
    assert paper.cdn == before


@pytest.mark.parametrize("header", ["ContentType", "CacheControl", "Metadata"])
def test_a_public_object_with_another_header_is_found_and_written_again(
    paper: Newsroom, header: str
) -> None:
    before = paper.site()
    key = "articles/a/index.html"
    headers: dict[str, Any] = {
        "ContentType": before[key].content_type,
        "CacheControl": before[key].cache_control,
        "Metadata": {"cache-tag": before[key].cache_tag},
    }
    headers[header] = {"cache-tag": "x"} if header == "Metadata" else "x"
    paper.s3.put_object(Bucket=SITE, Key=key, Body=before[key].body, **headers)

    assert told() == {(key, "differs")}
    assert repaired(paper, before)


@pytest.mark.parametrize("key", OWN)
def test_an_own_object_that_is_lost_is_found_and_made_again(paper: Newsroom, key: str) -> None:
    before = paper.site()
    paper.s3.delete_object(Bucket=SITE, Key=key)

    assert differences()
    assert repaired(paper, before)
    publish(paper, "a", topics=["Schools"], published_at="2025-12-03T00:00:00Z")
    assert paper.deliver(paper.delete("c/d")) == DONE
    paper.assert_converged()


@pytest.mark.parametrize("body", [b"", b'{"entries": 7, "months": [], "places": ""}'])
@pytest.mark.parametrize("key", OWN)
def test_an_own_object_that_can_not_be_read_is_found_and_made_again(
    paper: Newsroom, key: str, body: bytes
) -> None:
    before = paper.site()
    paper.s3.put_object(Bucket=SITE, Key=key, Body=body)

    assert differences()
    assert repaired(paper, before)


def test_all_own_objects_lost_at_once_are_made_again(paper: Newsroom) -> None:
    before = paper.site()
    for key in paper.keys(SITE):
        if key.startswith("_"):
            paper.s3.delete_object(Bucket=SITE, Key=key)

    assert repaired(paper, before)


def test_the_whole_site_lost_at_once_is_made_again(paper: Newsroom) -> None:
    before = paper.site()
    for key in paper.keys(SITE):
        paper.s3.delete_object(Bucket=SITE, Key=key)

    assert repaired(paper, before)


def test_pages_of_nothing_are_found_and_deleted(paper: Newsroom) -> None:
    before = paper.site()
    surplus = [
        "articles/gone/index.html",
        "1999/01/index.html",
        "sitemap-1999-01.xml",
        "topics/gone/index.html",
        "topics/gone/rss.xml",
        "topics/harbour/1999/01/index.html",
        "topics/harbour/2025/12/index.html",
    ]
    for key in surplus:
        paper.s3.put_object(Bucket=SITE, Key=key, Body=b"<p>left over</p>")

    assert told() == {(key, "should not exist") for key in surplus}
    assert repaired(paper, before)


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("index.html", b"<p>defaced</p>"),
        ("topics/harbour/1999/01/index.html", b"<p>left over</p>"),
        ("articles/a/index.html", b"<p>defaced</p>"),
    ],
)
def test_a_repair_that_dies_is_done_again_so_that_the_cdn_is_told(
    paper: Newsroom, key: str, body: bytes
) -> None:
    """What it has repaired differs no more, when its message comes again."""
    before, calls = paper.site(), paper.calls.total()
    paper.s3.put_object(Bucket=SITE, Key=key, Body=body)
    assert paper.deliver(event=VERIFY) == DONE
    calls = paper.calls.total() - calls
    for n in some_of(calls, key):
        paper.s3.put_object(Bucket=SITE, Key=key, Body=body)
        paper.cdn[key] = paper.site()[key]
        paper.gate = crash_at(n)
        with pytest.raises(Crash):
            paper.deliver(event=VERIFY)
        paper.gate = None
        assert paper.deliver(event=VERIFY) == DONE
        assert paper.site() == before
        assert [one for one, copy in paper.cdn.items() if copy != before.get(one)] == []


def test_what_lies_at_the_address_of_an_article_that_never_could_be_used_is_told_and_left(
    paper: Newsroom,
) -> None:
    """It may be the last that is left of a version which was good."""
    publish(paper, "spoilt", title="")
    keys = {addresses.page_key("spoilt"), addresses.card_key("spoilt")}
    for key in keys:
        paper.s3.put_object(Bucket=SITE, Key=key, Body=b"x")

    assert told() == {(key, "is none of the site's objects") for key in keys}
    assert paper.deliver(event=VERIFY) == DONE
    assert keys <= paper.site().keys()


def test_the_last_good_page_of_an_article_is_no_difference(paper: Newsroom) -> None:
    publish(paper, "a", title="")

    assert addresses.page_key("a") in paper.site()
    assert differences() == []


def test_what_is_none_of_the_sites_objects_is_told_and_left(paper: Newsroom) -> None:
    foreign = ["ads.txt", "articles/a/map.png", "1999/13/index.html", "articles/A/index.html"]
    for key in [*foreign, "_index/notes.txt"]:
        paper.s3.put_object(Bucket=SITE, Key=key, Body=b"x")

    what = "is none of the site's objects"
    assert told() == {(key, what) for key in [*foreign, "_index/notes.txt"]}
    assert paper.deliver(event=VERIFY) == DONE
    assert set(foreign) <= paper.site().keys()


# Entries that no source has, events that never came


@pytest.mark.parametrize("change", ["deleted", "moved", "draft", "new", "corrected"])
def test_a_change_whose_event_never_came_is_found_and_published(
    paper: Newsroom, change: str
) -> None:
    if change == "deleted":
        paper.delete("a")
    elif change == "moved":
        paper.upload("a", topics=["Schools"], published_at="2026-01-01T00:00:00Z")
    elif change == "draft":
        paper.upload("a", topics=["Harbour"], status="draft")
    elif change == "new":
        paper.upload("n", topics=["Harbour"])
    else:
        paper.upload("r", title="Right now")

    assert differences()
    assert paper.deliver(event=VERIFY) == DONE

    assert differences() == []
    paper.assert_converged()


def test_a_rejection_whose_event_never_came_is_told_to_its_author(paper: Newsroom) -> None:
    key = paper.upload("a", title="")

    assert told() == {("receipts/articles/a.json", "is missing or differs")}
    assert paper.deliver(event=VERIFY) == DONE
    assert status(paper, key) == "rejected"


def test_a_site_json_whose_event_never_came_makes_every_page_anew(paper: Newsroom) -> None:
    paper.upload_bytes("site.json", b'{"name": "Another"}')

    assert ("_index/site.json", "was made for another site.json") in told()
    assert paper.deliver(event=VERIFY) == DONE

    assert differences() == []
    paper.assert_converged()


def test_an_entry_without_a_source_or_a_record_is_found_and_taken_out(paper: Newsroom) -> None:
    paper.s3.delete_object(Bucket=SITE, Key="_record/articles/a.json")
    paper.delete("a")

    assert paper.deliver(event=VERIFY) == DONE

    assert differences() == []
    paper.assert_converged()


# Publishing goes on without a repair


def test_a_month_whose_index_was_lost_does_not_stop_publishing(paper: Newsroom) -> None:
    paper.s3.delete_object(Bucket=SITE, Key="_index/2026/05.json")

    publish(paper, "n", topics=["Harbour"])
    publish(paper, "b", topics=["Harbour"])

    before = paper.rebuilt()
    assert paper.deliver(event=VERIFY) == DONE
    assert paper.site() == before


def test_an_index_that_can_not_be_read_fails_and_is_named(
    paper: Newsroom, log: io.StringIO
) -> None:
    paper.s3.put_object(Bucket=SITE, Key="_index/2026/05.json", Body=b"{")
    key = paper.upload("n")

    assert failed(paper.deliver(key)) == ["0"]

    assert "_index/2026/05.json is no index; verify repairs it" in log.getvalue()
    assert paper.deliver(event=VERIFY) == DONE
    assert paper.deliver(key) == DONE
    paper.assert_converged()


# Looking twice


def test_what_is_on_its_way_is_no_difference(
    paper: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = paper.upload("a", title="Just now")

    def sleep(seconds: float) -> None:
        if seconds == verify.SECOND_LOOK:
            assert paper.deliver(key) == DONE

    monkeypatch.setattr(time, "sleep", sleep)

    assert verifier().step(Walk("articles")).differences == ()


# The walk


def test_a_queue_takes_each_step_and_each_repair(
    paper: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    monkeypatch.setenv("QUEUE_URL", url)
    for key in ("articles/a/index.html", "_index/2026/05.json"):
        paper.s3.delete_object(Bucket=SITE, Key=key)
    paper.s3.put_object(Bucket=SITE, Key="1999/01/index.html", Body=b"x")
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(VERIFY))
    seen = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        records = [{"messageId": m["MessageId"], "body": m["Body"]} for m in messages]
        seen += [record["body"] for record in records]
        assert paper.deliver(event={"Records": records}) == DONE
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    assert any("reconcile" in body for body in seen)
    parts = [json.loads(body)["verify"].get("part") for body in seen if "verify" in body]
    assert set(parts) == {None, *verify.PARTS}
    assert differences() == []
    monkeypatch.delenv("QUEUE_URL")
    paper.assert_converged()


def test_no_step_grows_with_the_archive(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "KEYS", dict(verify.KEYS) | {"articles": 7})
    for i in range(9):
        newsroom.upload_bytes(f"articles/{i}.json", b"x")

    step = verifier().step(Walk("articles"))

    assert step.checked == 7
    assert step.then == Walk("articles", sorted(newsroom.keys(SOURCE))[6])


def test_the_functions_own_objects_are_stepped_over(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "KEYS", dict(verify.KEYS) | {"objects": 7})
    for i in range(9):
        newsroom.s3.put_object(Bucket=SITE, Key=f"_record/articles/{i:04}.json", Body=b"x")
    newsroom.s3.put_object(Bucket=SITE, Key="articles/z/index.html", Body=b"x")

    first = verifier().step(Walk("objects"))
    assert (first.checked, first.differences) == (0, ())
    assert first.then
    second = verifier().step(first.then)
    assert [difference.key for difference in second.differences] == ["articles/z/index.html"]


@pytest.mark.parametrize(
    "walk", [{"part": "nothing", "after": ""}, {"part": "articles"}, {"after": "x"}, {"x": 1}]
)
def test_a_step_that_there_is_not_is_a_fault_of_its_message(
    newsroom: Newsroom, walk: dict[str, Any]
) -> None:
    record = {"messageId": "1", "body": json.dumps({"verify": walk})}

    assert failed(newsroom.deliver(event={"Records": [record]})) == ["1"]


def test_a_step_that_fails_comes_again_and_its_neighbours_do_not(paper: Newsroom) -> None:
    key = paper.upload("n")

    def gate(name: str, _params: dict[str, Any]) -> None:
        if name == "ListObjectsV2":
            raise refused(name, "SlowDown")

    paper.gate = gate
    body = json.dumps({"Records": [{"eventTime": "2026-05-04T07:30:00Z", "s3": _object(key)}]})
    records = [
        {"messageId": "1", "body": json.dumps(VERIFY)},
        {"messageId": "2", "body": body},
    ]

    assert failed(paper.deliver(event={"Records": records})) == ["1"]
    assert status(paper, key) == "published"


def _object(key: str) -> dict[str, Any]:
    return {"bucket": {"name": SOURCE}, "object": {"key": key}}


def test_a_repair_that_fails_is_told(paper: Newsroom) -> None:
    paper.s3.delete_object(Bucket=SITE, Key="articles/a/index.html")
    step = verifier().step(Walk("articles"))

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == "articles/a/index.html":
            raise refused(name, "SlowDown")

    paper.gate = gate
    event = {"verify": {"part": "articles", "after": ""}}
    with pytest.raises(Exception, match="could not be published"):
        paper.deliver(event=event)
    paper.gate = None
    assert step.differences
    assert repaired(paper, paper.rebuilt())


def test_each_difference_is_logged(paper: Newsroom, log: io.StringIO) -> None:
    paper.s3.delete_object(Bucket=SITE, Key="articles/a/index.html")

    assert paper.deliver(event=VERIFY) == DONE

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = [line for line in lines if line["message"] == "differs"]
    assert [(line["key"], line["what"]) for line in told] == [
        ("articles/a/index.html", "is missing")
    ]


def test_every_own_key_is_known_by_its_address() -> None:
    assert addresses.indexed_month(addresses.month_index_key("2026/05")) == "2026/05"
    assert addresses.indexed_scope(addresses.scope_index_key("")) == ""
    assert addresses.indexed_scope(addresses.scope_index_key("harbour")) == "harbour"
    assert addresses.paged_path(addresses.page_key("a/b")) == "a/b"


# Old addresses


def _put_claims(paper: Newsroom, **changed: Any) -> None:
    stored = paper.s3.get_object(Bucket=SITE, Key="_alias/old.json")["Body"].read()
    body = json.dumps(json.loads(stored) | changed).encode()
    paper.s3.put_object(Bucket=SITE, Key="_alias/old.json", Body=body)


def _lost_claims(paper: Newsroom) -> None:
    paper.s3.delete_object(Bucket=SITE, Key="_alias/old.json")


def _unreadable_claims(paper: Newsroom) -> None:
    paper.s3.put_object(Bucket=SITE, Key="_alias/old.json", Body=b"{")


def _claim_of_nobody(paper: Newsroom) -> None:
    _put_claims(paper, articles={"gone": "9999-01-01"}, winner="gone")
    paper.s3.delete_object(Bucket=SITE, Key="old/index.html")


def _another_winner(paper: Newsroom) -> None:
    _put_claims(paper, winner="b")


def _lost_page(paper: Newsroom) -> None:
    paper.s3.delete_object(Bucket=SITE, Key="old/index.html")


def _defaced_page(paper: Newsroom) -> None:
    tags = {"cache-tag": "site,redirects"}
    paper.s3.put_object(Bucket=SITE, Key="old/index.html", Body=b"x", Metadata=tags)


def _surplus_page(paper: Newsroom) -> None:
    tags = {"cache-tag": "site,redirects"}
    paper.s3.put_object(Bucket=SITE, Key="never/index.html", Body=b"x", Metadata=tags)


def _lost_redirect(paper: Newsroom) -> None:
    paper.store().entries.clear()


def _other_redirect(paper: Newsroom) -> None:
    paper.store().entries["/old"] = "/articles/b/"


def _surplus_redirect(paper: Newsroom) -> None:
    paper.store().entries["/never"] = "/articles/gone/"


def _lost_place_of_an_article(paper: Newsroom) -> None:
    paper.s3.delete_object(Bucket=SITE, Key="articles/moved/index.html")


def _defaced_place_of_an_article(paper: Newsroom) -> None:
    tags = {"cache-tag": "site,articles/moved"}
    paper.s3.put_object(Bucket=SITE, Key="articles/moved/index.html", Body=b"x", Metadata=tags)


def _forgetful_record(paper: Newsroom) -> None:
    paper.s3.put_object(Bucket=SITE, Key="_record/articles/n.json", Body=b'{"places": []}')


@pytest.mark.parametrize(
    "damage",
    [
        _lost_claims,
        _unreadable_claims,
        _claim_of_nobody,
        _another_winner,
        _lost_page,
        _defaced_page,
        _surplus_page,
        _lost_redirect,
        _other_redirect,
        _surplus_redirect,
        _lost_place_of_an_article,
        _defaced_place_of_an_article,
        _forgetful_record,
    ],
)
def test_what_is_wrong_with_an_old_address_is_told_and_repaired(
    paper: Newsroom, damage: Callable[[Newsroom], None]
) -> None:
    publish(paper, "n", aliases=["/old/", "/articles/moved/"])
    publish(paper, "o", aliases=["/old/"], published_at="2020-01-01T00:00:00Z")
    assert differences() == []
    damage(paper)

    assert differences()
    assert paper.deliver(event=VERIFY) == DONE

    assert differences() == []
    paper.cdn.clear()
    paper.assert_converged(excepted={"articles/b", "articles/gone"})


def test_a_redirect_that_can_be_none_of_the_sites_is_left_alone(paper: Newsroom) -> None:
    paper.store().entries["rss"] = "/rss.xml"

    assert [(d.key, d.foreign) for d in differences()] == [("redirect of rss", True)]
    assert paper.deliver(event=VERIFY) == DONE
    assert paper.store().entries == {"rss": "/rss.xml"}


def test_all_pages_of_the_store_are_looked_at(paper: Newsroom) -> None:
    keys = [paper.upload(p, aliases=[f"/{p}/{i}" for i in range(20)]) for p in "xyz"]
    assert paper.deliver(keys) == DONE
    paper.store().entries["/zz"] = "/articles/gone/"

    assert paper.deliver(event=VERIFY) == DONE

    assert len(paper.redirects()) == 60
