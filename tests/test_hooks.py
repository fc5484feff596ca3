"""Events for others: what is told, when, under which id, and what is not."""

from __future__ import annotations

import json
import os
from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from jsonschema import Draft202012Validator

from broadsheet import addresses, hooks
from broadsheet.clients import clients_of
from broadsheet.hooks import MOST_BYTES, MOST_ERRORS, MOST_EVENTS, MOST_TOPICS, Change, Hooks, News
from broadsheet.settings import Settings
from broadsheet.site_config import SiteConfig
from broadsheet.sources import Outcome
from broadsheet.store import Store
from broadsheet.validation import Problem
from tests.cloudformation import ROOT
from tests.newsroom import DONE, URL, failed, publish, refused, status
from tests.test_policies import PNG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")

HUB = "https://hub.example/"
SCHEMA = Draft202012Validator(
    json.loads(files("broadsheet").joinpath("schemas", "event.schema.json").read_text("utf-8"))
)
FEEDS = [f"{URL}/{feed}" for feed in addresses.FEEDS]


@pytest.fixture(autouse=True)
def _bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_BUS", "default")


@pytest.fixture(autouse=True)
def _as_documented(newsroom: Newsroom) -> Iterator[None]:
    """Whatever a test has made the function send is as the schema says."""
    yield
    for event in newsroom.events:
        detail = {name: value for name, value in event.items() if name != "type"}
        SCHEMA.validate(detail)


def told(newsroom: Newsroom) -> list[tuple[str, str]]:
    """The kind and the key of each event, in order."""
    return [(event["type"], event["key"]) for event in newsroom.events]


def kinds(newsroom: Newsroom) -> list[str]:
    return [kind for kind, _ in told(newsroom)]


def ids(newsroom: Newsroom) -> list[str]:
    return [event["id"] for event in newsroom.events]


# What is told


def test_a_published_article_is_told_with_what_lists_show_of_it(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour & Ferries"], updated_at="2026-05-05T09:30:00+02:00")

    (event,) = newsroom.events
    assert event == {
        "id": event["id"],
        "type": "ArticlePublished",
        "site": URL,
        "key": "articles/a.json",
        "status": "published",
        "url": f"{URL}/articles/a/",
        "title": "Ferry runs again",
        "topics": [{"slug": "harbour-ferries", "label": "Harbour & Ferries"}],
        "published_at": "2026-05-04T09:30:00+02:00",
        "updated_at": "2026-05-05T09:30:00+02:00",
        "feeds": [*FEEDS, *(f"{URL}/topics/harbour-ferries/{feed}" for feed in addresses.FEEDS)],
    }


def test_a_rejected_one_is_told_with_its_errors_and_where_the_good_one_is(
    newsroom: Newsroom,
) -> None:
    publish(newsroom, "a")
    publish(newsroom, "a", title="", published_at="today")

    event = newsroom.events[-1]
    assert (event["type"], event["url"]) == ("ArticleRejected", f"{URL}/articles/a/")
    assert event["errors"] == newsroom.receipt("articles/a.json")["errors"]
    assert {error["path"] for error in event["errors"]} == {"/title", "/published_at"}


def test_a_key_that_can_have_no_page_is_told_too(newsroom: Newsroom) -> None:
    newsroom.upload_bytes("articles/A B.json", b"{}")
    assert newsroom.deliver("articles/A+B.json") == DONE

    (event,) = newsroom.events
    assert (event["type"], event["key"], event["url"]) == (
        "ArticleRejected",
        "articles/A B.json",
        "",
    )


@pytest.mark.parametrize("how", ["deleted", "draft", "withdrawn"])
def test_one_that_leaves_the_lists_is_told_with_the_feeds_that_it_leaves(
    newsroom: Newsroom, how: str
) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    if how == "deleted":
        newsroom.deliver(newsroom.delete("a"))
    else:
        publish(newsroom, "a", status=how)

    event = newsroom.events[-1]
    assert event["type"] == "ArticleRemoved"
    assert event["status"] == {"deleted": "removed"}.get(how, how)
    assert event["url"] == f"{URL}/articles/a/"
    assert f"{URL}/topics/harbour/atom.xml" in event["feeds"]


def test_a_move_to_another_topic_names_the_feeds_of_both(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "a", topics=["Ferries"])

    feeds = newsroom.events[-1]["feeds"]
    assert feeds.index(f"{URL}/topics/ferries/rss.xml") < feeds.index(
        f"{URL}/topics/harbour/rss.xml"
    )


def test_what_is_held_back_until_its_time_is_told_as_scheduled() -> None:
    outcome = Outcome("articles/a.json", "scheduled")

    assert Change(outcome).kind == "ArticleScheduled"
    assert Change(outcome).concerns_others


def test_the_end_of_an_article_is_told_even_if_its_record_is_lost(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    newsroom.s3.delete_object(Bucket=newsroom.site_bucket, Key="_record/articles/a.json")
    publish(newsroom, "a", status="draft")

    assert kinds(newsroom) == ["ArticlePublished", "ArticleRemoved"]


def test_the_end_is_told_by_what_was_told_before_if_nothing_else_is_left(
    newsroom: Newsroom,
) -> None:
    publish(newsroom, "a")
    for key in ("_record/articles/a.json", "articles/a/index.html", "articles/a/card.png"):
        newsroom.s3.delete_object(Bucket=newsroom.site_bucket, Key=key)
    publish(newsroom, "a", status="draft")

    assert kinds(newsroom) == ["ArticlePublished", "ArticleRemoved"]


def test_nobody_is_told_of_a_draft_from_before_there_was_a_bus(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_BUS", "")
    publish(newsroom, "merger", status="draft")
    monkeypatch.setenv("EVENT_BUS", "default")
    publish(newsroom, "merger", status="draft", title="Merger off")

    assert told(newsroom) == []


def test_nobody_is_told_of_a_draft_that_never_was_public(newsroom: Newsroom) -> None:
    key = publish(newsroom, "merger", status="draft")
    newsroom.deliver(newsroom.delete("merger"))
    newsroom.deliver("articles/never-was.json")

    assert newsroom.events == []
    assert "merger" not in json.dumps(newsroom.events)
    publish(newsroom, "merger", status="published")
    publish(newsroom, "merger", status="draft")
    assert told(newsroom) == [("ArticlePublished", key), ("ArticleRemoved", key)]


def test_without_a_bus_nothing_is_told_nor_looked_up(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVENT_BUS")
    publish(newsroom, "a")
    heads = newsroom.calls["HeadObject"]
    monkeypatch.setenv("EVENT_BUS", "default")
    newsroom.calls.clear()
    publish(newsroom, "b")

    assert newsroom.calls["PutEvents"] == 1
    assert newsroom.calls["HeadObject"] <= heads + 1


def test_a_hub_and_a_key_are_named_where_site_json_names_them(newsroom: Newsroom) -> None:
    site = {"websub_hub": HUB, "indexnow_key": "0123-abcdEF"}
    newsroom.upload_bytes("site.json", json.dumps(site).encode())
    newsroom.deliver("site.json")
    publish(newsroom, "a")
    publish(newsroom, "b", title="")
    publish(newsroom, "c", status="draft")

    event, rejected = newsroom.events
    assert event["websub_hub"] == HUB
    assert event["indexnow_key"] == "0123-abcdEF"
    # Outside nothing has changed.
    assert not {"websub_hub", "indexnow_key", "feeds"} & set(rejected)


def test_the_key_for_search_engines_lies_where_they_are_told(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    assert newsroom.page("indexnow.txt") == ""
    for key in ("0123-abcdEF", "another-key", ""):
        site = {"indexnow_key": key} if key else {}
        newsroom.upload_bytes("site.json", json.dumps(site).encode())
        newsroom.deliver("site.json")
        assert newsroom.page("indexnow.txt") == key
    newsroom.assert_converged()


# When


def test_events_come_after_the_invalidation_and_before_the_receipts(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    order: list[str] = []
    newsroom.gate = lambda name, params: order.append(
        params["Key"].partition("/")[0] if name == "PutObject" else name
    )
    publish(newsroom, "a", title="Ferry stops again")

    assert order.index("CreateInvalidation") < order.index("PutEvents") < order.index("receipts")
    assert order[-1] == "receipts"


def test_an_event_that_was_not_taken_comes_again_under_the_same_id(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")
    sent: list[str] = []

    def lose(name: str, params: dict[str, Any]) -> None:
        if name == "PutEvents" and not sent:
            sent.extend(json.loads(e["Detail"])["id"] for e in params["Entries"])
            raise refused(name, "InternalFailure")

    newsroom.lose = lose
    assert failed(newsroom.deliver(key)) == ["0"]
    assert addresses.receipt_key(key) not in newsroom.keys("source-bucket")
    assert newsroom.deliver(key) == DONE

    assert ids(newsroom) == [sent[0], sent[0]]


def test_an_event_whose_receipt_could_not_be_written_comes_again_under_the_same_id(
    newsroom: Newsroom,
) -> None:
    key = newsroom.upload("a")
    left = 1

    def gate(name: str, params: dict[str, Any]) -> None:
        nonlocal left
        if left and name == "PutObject" and params["Key"].startswith("receipts/"):
            left -= 1
            raise refused(name, "SlowDown")

    newsroom.gate = gate
    assert failed(newsroom.deliver(key)) == ["0"]
    assert newsroom.deliver(key) == DONE

    first, second = ids(newsroom)
    assert first == second


@pytest.mark.parametrize("refusal", ["ThrottlingException", "InternalFailure"])
def test_of_a_call_that_is_taken_in_part_only_the_rest_comes_again(
    newsroom: Newsroom, refusal: str
) -> None:
    """AWS answers 200 with FailedEntryCount; no emulator does."""
    keys = [newsroom.upload(path) for path in ("a", "b", "c")]
    events = clients_of("", 1).events.meta.events

    def refuse_the_second(parsed: dict[str, Any], **_: Any) -> None:
        parsed["FailedEntryCount"] = 1
        parsed["Entries"][1] = {"ErrorCode": refusal, "ErrorMessage": "not now"}

    events.register("after-call.eventbridge.PutEvents", refuse_the_second)
    try:
        assert failed(newsroom.deliver(*keys)) == ["1"]
    finally:
        events.unregister("after-call.eventbridge.PutEvents", refuse_the_second)
    assert status(newsroom, keys[0]) == status(newsroom, keys[2]) == "published"
    assert addresses.receipt_key(keys[1]) not in newsroom.keys("source-bucket")

    assert newsroom.deliver(*keys) == DONE
    assert Counter(key for _, key in told(newsroom)) == {keys[0]: 1, keys[1]: 2, keys[2]: 1}


def test_a_bus_that_fails_holds_no_page_back(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")

    def gate(name: str, _params: dict[str, Any]) -> None:
        if name == "PutEvents":
            raise refused(name, "ThrottlingException")

    newsroom.gate = gate
    assert failed(newsroom.deliver(key)) == ["0"]

    assert "articles/a/index.html" in newsroom.site()
    assert newsroom.invalidations


# How often


def test_what_comes_twice_is_told_once(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a")
    for _ in range(2):
        assert newsroom.deliver(key, key) == DONE

    assert kinds(newsroom) == ["ArticlePublished"]


def test_a_rebuild_of_all_articles_tells_nobody(newsroom: Newsroom) -> None:
    for path in ("a", "b", "c"):
        publish(newsroom, path)
    newsroom.upload_bytes("articles/d.json", b"{")
    newsroom.deliver("articles/d.json")
    newsroom.events.clear()
    newsroom.upload_bytes("site.json", b'{"name": "The Harbour"}')
    assert newsroom.deliver("site.json") == DONE

    assert "The Harbour" in newsroom.page("articles/a/index.html")
    assert newsroom.events == []


def test_a_rebuild_tells_of_an_article_whose_event_never_came(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    key = newsroom.upload("b")
    newsroom.upload_bytes("site.json", b'{"name": "The Harbour"}')
    assert newsroom.deliver("site.json") == DONE

    assert told(newsroom)[1:] == [("ArticlePublished", key)]


def test_articles_that_were_published_before_there_was_a_bus_are_not_told_in_a_rebuild(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVENT_BUS")
    publish(newsroom, "a")
    monkeypatch.setenv("EVENT_BUS", "default")
    newsroom.upload_bytes("site.json", b'{"name": "The Harbour"}')
    assert newsroom.deliver("site.json") == DONE
    assert newsroom.events == []

    publish(newsroom, "a", title="Ferry stops again")
    assert kinds(newsroom) == ["ArticlePublished"]


def test_verifying_tells_nobody_what_they_know(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    newsroom.s3.delete_object(Bucket=newsroom.site_bucket, Key="articles/a/index.html")
    assert newsroom.deliver(event={"verify": {}}) == DONE

    assert "articles/a/index.html" in newsroom.site()
    assert kinds(newsroom) == ["ArticlePublished"]


def test_each_change_has_an_id_of_its_own(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    publish(newsroom, "b")
    publish(newsroom, "a", title="Ferry stops again")
    publish(newsroom, "a", title="")
    newsroom.deliver(newsroom.delete("a"))

    assert len(set(ids(newsroom))) == 5


def test_what_comes_back_is_news_again(newsroom: Newsroom) -> None:
    """A deletion undone brings back the very version that was told before."""
    key = publish(newsroom, "a")
    for _ in range(2):
        newsroom.deliver(newsroom.delete("a"))
        versions = newsroom.s3.list_object_versions(Bucket="source-bucket", Prefix=key)
        marker = versions["DeleteMarkers"][0]["VersionId"]
        newsroom.s3.delete_object(Bucket="source-bucket", Key=key, VersionId=marker)
        newsroom.deliver(key)

    published, removed = "ArticlePublished", "ArticleRemoved"
    assert kinds(newsroom) == [published, removed, published, removed, published]
    assert len(set(ids(newsroom))) == 5


def test_one_that_has_seen_nothing_comes_again_where_others_have_told_something_since(
    newsroom: Newsroom,
) -> None:
    """It finds the article gone, as it was before: but what its receipt remembers is another."""
    key = newsroom.delete("a")

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == f"receipts/{key}":
            newsroom.gate = None
            publish(newsroom, "a")
            assert newsroom.deliver(newsroom.delete("a")) == DONE

    newsroom.gate = gate
    assert failed(newsroom.deliver(key)) == ["0"]
    assert newsroom.deliver(key) == DONE
    publish(newsroom, "a")

    published, removed = "ArticlePublished", "ArticleRemoved"
    assert kinds(newsroom) == [published, removed, published]
    assert len(set(ids(newsroom))) == 3


def test_a_picture_that_comes_later_is_a_change(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QUEUE_URL", "MEDIA_QUEUE_URL"):
        queue = boto3.client("sqs").create_queue(QueueName=name.lower())
        monkeypatch.setenv(name, queue["QueueUrl"])
    publish(newsroom, "a", image={"src": "media/a.png", "alt": ""})
    for _ in range(2):
        newsroom.deliver_media(newsroom.upload_bytes("media/a.png", PNG))
        newsroom.work_off()

    assert kinds(newsroom) == ["ArticlePublished"] * 2
    assert len(set(ids(newsroom))) == 2


# Limits


def test_events_are_sent_in_as_few_calls_as_their_number_and_size_allow() -> None:
    small = [(str(i), {"Detail": "x" * 100}) for i in range(25)]
    large = [(str(i), {"Detail": "é" * 50_000}) for i in range(5)]

    assert [len(batch) for batch in hooks._batches(small)] == [10, 10, 5]  # noqa: SLF001 (its arithmetic)
    assert [len(batch) for batch in hooks._batches(large)] == [2, 2, 1]  # noqa: SLF001 (its arithmetic)
    assert list(hooks._batches([])) == []  # noqa: SLF001 (its arithmetic)


def test_the_worst_event_fits_into_a_call(newsroom: Newsroom) -> None:
    """As many errors as are told, each as long as may be, and with the longest key."""
    problems = tuple(
        Problem("/\N{PILE OF POO}" * 5000, "\N{PILE OF POO}" * 5000) for _ in range(99)
    )
    outcome = Outcome("articles/" + "\N{PILE OF POO}" * 250, "rejected", "", problems)
    settings = Settings.from_environment(os.environ)
    hooks_ = Hooks(Store(settings), settings, SiteConfig())

    _, entry = hooks_._entry(News(Change(outcome), "id", untold=True))  # noqa: SLF001 (its size)

    assert len(entry["Detail"].encode()) < MOST_BYTES
    assert len(json.loads(entry["Detail"])["errors"]) == MOST_ERRORS
    assert newsroom.events == []


def test_a_path_of_very_many_topics_names_the_feeds_of_some(newsroom: Newsroom) -> None:
    for first in range(0, 30, 10):
        publish(newsroom, "a", topics=[f"topic {i}" for i in range(first, first + 10)])

    feeds = newsroom.events[-1]["feeds"]
    assert len(feeds) == 3 * (1 + MOST_TOPICS)
    assert {f"{URL}/topics/topic-{i}/rss.xml" for i in range(20, 30)} < set(feeds)


def test_an_article_more_costs_one_request_more_and_ten_one_event_call(
    newsroom: Newsroom,
) -> None:
    keys = [newsroom.upload(f"a/{i}") for i in range(11)]
    assert newsroom.deliver(*keys) == DONE

    assert newsroom.calls["PutEvents"] == 2
    assert len(newsroom.events) == 11
    assert MOST_EVENTS == 10


def test_the_text_of_an_article_is_told_nobody(newsroom: Newsroom) -> None:
    publish(newsroom, "a", body="The secret of the harbour master.")

    assert "secret" not in json.dumps(newsroom.events)


# The documentation


def test_each_kind_has_an_example_that_the_schema_allows() -> None:
    text = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    examples = [json.loads(part.partition("```")[0]) for part in text.split("```json\n")[1:]]
    events = [one for one in examples if one.get("source") == hooks.SOURCE]

    assert {one["detail-type"] for one in events} == {*hooks.KINDS.values(), hooks.REMOVED}
    for one in events:
        SCHEMA.validate(one["detail"])
        outcome = Outcome(one["detail"]["key"], one["detail"]["status"])
        assert Change(outcome).kind == one["detail-type"]


def test_the_schema_allows_nothing_that_it_does_not_name() -> None:
    event = {"id": "0" * 32, "site": URL, "key": "articles/a.json", "status": "draft", "url": ""}

    assert SCHEMA.is_valid(event)
    assert not SCHEMA.is_valid(event | {"body": "text"})
    assert not SCHEMA.is_valid(event | {"status": "rejected"})
