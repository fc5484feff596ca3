"""What becomes of the site when articles come, change, move, go and go wrong."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from broadsheet import reconcile
from broadsheet.store import VERSIONS
from tests.newsroom import SOURCE, refused, refusing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.newsroom import Newsroom

DONE: dict[str, Any] = {"batchItemFailures": []}
FEEDS = ("rss.xml", "atom.xml", "feed.json")
# Every listing of an article of May 2026 with the topic Harbour.
LISTINGS = [
    "index.html",
    "2026/05/index.html",
    "sitemap-2026-05.xml",
    *FEEDS,
    "topics/harbour/index.html",
    "topics/harbour/2026/05/index.html",
    *(f"topics/harbour/{feed}" for feed in FEEDS),
]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two attempts."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def publish(newsroom: Newsroom, path: str, **fields: Any) -> str:
    key = newsroom.upload(path, **fields)
    assert newsroom.deliver(key) == DONE
    return key


def links(newsroom: Newsroom, path: str) -> list[str]:
    """The public objects, other than its own page, that link to an article."""
    site = newsroom.site()
    own = f"articles/{path}/index.html"
    return sorted(key for key in site if key != own and f"/articles/{path}/" in newsroom.page(key))


def failed(answer: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def status(newsroom: Newsroom, key: str) -> str:
    value: str = newsroom.receipt(key)["status"]
    return value


# Publishing


def test_a_published_article_appears_everywhere(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", topics=["Harbour"])

    assert "The ferry <em>runs</em> again." in newsroom.page("articles/a/index.html")
    assert links(newsroom, "a") == sorted(LISTINGS)
    assert 'href="/2026/05/"' in newsroom.page("archive/index.html")
    assert "https://news.example/sitemap-2026-05.xml" in newsroom.page("sitemap.xml")
    assert newsroom.receipt(key) == {
        "status": "published",
        "key": key,
        "url": "https://news.example/articles/a/",
        "errors": [],
    }
    newsroom.assert_converged()


def test_the_first_event_of_a_site_makes_the_pages_that_every_site_has(newsroom: Newsroom) -> None:
    publish(newsroom, "a")

    assert {"404.html", "robots.txt", "index.html", "sitemap.xml"} <= set(newsroom.site())


def test_an_update_changes_every_place_that_shows_it(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "a", topics=["Harbour"], title="Ferry stops again")

    for key in set(LISTINGS) - {"sitemap-2026-05.xml"}:
        assert "Ferry stops again" in newsroom.page(key)
        assert "Ferry runs again" not in newsroom.page(key)
    newsroom.assert_converged()


def test_a_change_of_date_and_topics_leaves_nothing_behind(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "a", topics=["Weather"], published_at="2025-12-31T12:00:00Z")

    left = set(newsroom.site()) & set(LISTINGS)
    assert left == {"index.html", *FEEDS}
    assert {
        "2025/12/index.html",
        "topics/weather/2025/12/index.html",
        "sitemap-2025-12.xml",
    } <= set(links(newsroom, "a"))
    newsroom.assert_converged()


def test_a_listing_that_others_are_in_stays_when_one_leaves(newsroom: Newsroom) -> None:
    for path in "ab":
        publish(newsroom, path, topics=["Harbour"])
    publish(newsroom, "a", published_at="2025-12-31T12:00:00Z")

    assert links(newsroom, "b") == sorted(LISTINGS)
    assert "topics/harbour/index.html" not in links(newsroom, "a")
    newsroom.assert_converged()


def test_a_moved_object_is_a_moved_page(newsroom: Newsroom) -> None:
    old = publish(newsroom, "old", topics=["Harbour"])
    new = newsroom.upload("desk/new", topics=["Harbour"])
    newsroom.delete("old")

    assert newsroom.deliver(old, new) == DONE

    assert links(newsroom, "desk/new") == sorted(LISTINGS)
    assert links(newsroom, "old") == []
    assert "articles/old/index.html" not in newsroom.site()
    assert (status(newsroom, old), status(newsroom, new)) == ("removed", "published")
    newsroom.assert_converged()


def test_the_newest_articles_spelling_of_a_topic_is_shown(newsroom: Newsroom) -> None:
    publish(newsroom, "new", topics=["HARBOUR"], published_at="2026-05-05T00:00:00Z")
    publish(newsroom, "old", topics=["harbour"], published_at="2026-05-04T00:00:00Z")
    assert "<h1>HARBOUR</h1>" in newsroom.page("topics/harbour/index.html")

    publish(newsroom, "old", topics=["harbour"], published_at="2026-05-06T00:00:00Z")
    assert "<h1>harbour</h1>" in newsroom.page("topics/harbour/index.html")
    newsroom.assert_converged()


def test_an_article_that_did_not_change_stays_as_it_is(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", topics=["Harbour"])
    before = newsroom.site()

    assert newsroom.deliver(key, key) == DONE

    assert newsroom.site() == before
    newsroom.assert_converged()


# Many


@pytest.fixture
def full(newsroom: Newsroom) -> Newsroom:
    """A newsroom with 35 articles of one topic, n00 the oldest, seven a month."""
    keys = [
        newsroom.upload(
            f"n{i:02}", topics=["Harbour"], published_at=f"2026-0{i // 7 + 1}-1{i % 7}T00:00:00Z"
        )
        for i in range(35)
    ]
    assert newsroom.deliver(*keys) == DONE
    return newsroom


def test_a_long_list_shows_the_newest_and_leads_to_the_rest(full: Newsroom) -> None:
    for scope in ("", "topics/harbour/"):
        home = full.page(f"{scope}index.html")
        shown = [i for i in range(35) if f"/articles/n{i:02}/" in home]
        assert shown == list(range(5, 35))
        assert f'href="/{scope}2026/01/"' in home
        assert "/articles/n04/" in full.page(f"{scope}2026/01/index.html")
        for feed in FEEDS:
            assert "/articles/n05/" in full.page(f"{scope}{feed}")
            assert "/articles/n04/" not in full.page(f"{scope}{feed}")
    full.assert_converged()


def test_what_leaves_a_full_list_makes_room(full: Newsroom) -> None:
    assert full.deliver(full.delete("n34"), full.delete("n20")) == DONE

    for key in ("index.html", "topics/harbour/index.html", "rss.xml"):
        assert "/articles/n04/" in full.page(key)
        assert "/articles/n03/" in full.page(key)
        assert "/articles/n02/" not in full.page(key)
    full.assert_converged()


def test_what_moves_behind_a_full_list_makes_room(full: Newsroom) -> None:
    publish(full, "n34", topics=["Harbour"], published_at="2020-01-01T00:00:00Z")

    assert "/articles/n34/" not in full.page("index.html")
    assert "/articles/n04/" in full.page("index.html")
    assert "/articles/n34/" in full.page("2020/01/index.html")
    full.assert_converged()


def test_an_old_article_changes_its_month_and_not_the_home_page(full: Newsroom) -> None:
    home = full.page("index.html")
    publish(full, "older", topics=["Harbour"], published_at="2026-01-01T00:00:00Z")

    assert full.page("index.html") == home
    assert "/articles/older/" in full.page("2026/01/index.html")
    full.assert_converged()


# Going


@pytest.mark.parametrize("fields", [None, {"status": "draft"}, {"status": "withdrawn"}])
def test_an_article_that_goes_is_listed_nowhere(
    newsroom: Newsroom, fields: dict[str, str] | None
) -> None:
    publish(newsroom, "b", published_at="2026-04-01T00:00:00Z")
    publish(newsroom, "a", topics=["Harbour"])
    key = newsroom.upload("a", topics=["Harbour"], **fields) if fields else newsroom.delete("a")

    assert newsroom.deliver(key) == DONE

    assert links(newsroom, "a") == []
    assert set(newsroom.site()) & set(LISTINGS) == {"index.html", *FEEDS}
    assert "/2026/05/" not in newsroom.page("archive/index.html")
    assert status(newsroom, key) == (fields["status"] if fields else "removed")
    newsroom.assert_converged()


def test_the_page_of_a_removed_article_goes_and_its_record_stays(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    newsroom.deliver(newsroom.delete("a"))

    keys = newsroom.keys(newsroom.site_bucket)
    assert "articles/a/index.html" not in keys
    assert "_record/articles/a.json" in keys
    assert newsroom.receipt("articles/a.json")["url"] == ""


def test_a_removed_article_comes_back(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    newsroom.deliver(newsroom.delete("a"))
    publish(newsroom, "a", topics=["Harbour"], title="Ferry stops again")

    assert links(newsroom, "a") == sorted(LISTINGS)
    newsroom.assert_converged()


def test_after_the_last_article_the_site_is_empty_and_whole(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    newsroom.deliver(newsroom.delete("a"))

    assert "Nothing has been published yet." in newsroom.page("index.html")
    assert sorted(newsroom.site()) == sorted(
        ["404.html", "archive/index.html", "index.html", "robots.txt", "sitemap.xml", *FEEDS]
    )
    newsroom.assert_converged()


def test_what_never_was_is_removed_without_a_trace(newsroom: Newsroom) -> None:
    publish(newsroom, "b")
    before = newsroom.site()

    assert newsroom.deliver("articles/a.json") == DONE

    assert newsroom.site() == before
    assert "_record/articles/a.json" not in newsroom.keys(newsroom.site_bucket)
    assert status(newsroom, "articles/a.json") == "removed"


def test_a_draft_is_never_public(newsroom: Newsroom) -> None:
    written: list[str] = []

    def watch(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject":
            written.append(params["Key"])

    newsroom.gate = watch
    key = publish(newsroom, "a", topics=["Harbour"], status="draft")

    assert "articles/a/index.html" not in written
    assert links(newsroom, "a") == []
    assert newsroom.receipt(key)["url"] == ""
    newsroom.assert_converged()


def test_a_draft_is_told_what_is_wrong_with_it(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", status="draft", title="")

    assert [error["path"] for error in newsroom.receipt(key)["errors"]] == ["/title"]


def test_a_withdrawn_article_leaves_a_notice_that_nobody_indexes(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", status="withdrawn", body="Not any more.")

    page = newsroom.page("articles/a/index.html")
    assert "This article has been withdrawn." in page
    assert '<meta name="robots" content="noindex">' in page
    assert "Not any more." not in page
    assert links(newsroom, "a") == []
    assert newsroom.receipt(key)["url"] == "https://news.example/articles/a/"
    newsroom.assert_converged()


# Rejected


def test_a_rejected_upload_leaves_the_good_one_live(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    before = newsroom.site()
    key = publish(newsroom, "a", title="", published_at="soon")

    assert newsroom.site() == before
    receipt = newsroom.receipt(key)
    assert (receipt["status"], receipt["url"]) == ("rejected", "https://news.example/articles/a/")
    assert [error["path"] for error in receipt["errors"]] == ["/published_at", "/title"]
    assert all(error["message"] for error in receipt["errors"])
    newsroom.assert_converged()


def test_what_was_rejected_is_published_once_it_is_good(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", topics=["Harbour"], title="")
    assert status(newsroom, key) == "rejected"
    assert newsroom.receipt(key)["url"] == ""
    assert "articles/a/index.html" not in newsroom.site()

    publish(newsroom, "a", topics=["Harbour"])

    assert status(newsroom, key) == "published"
    assert newsroom.receipt(key)["errors"] == []
    assert links(newsroom, "a") == sorted(LISTINGS)
    newsroom.assert_converged()


def test_a_good_version_is_published_though_a_bad_one_came_before_its_turn(
    newsroom: Newsroom,
) -> None:
    newsroom.upload("a", topics=["Harbour"])
    newsroom.upload("a", summary="")
    key = publish(newsroom, "a", title="")

    assert links(newsroom, "a") == sorted(LISTINGS)
    assert status(newsroom, key) == "rejected"
    newsroom.assert_converged()


def test_a_bad_upload_after_a_deletion_brings_nothing_back(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", topics=["Harbour"])
    newsroom.delete("a")
    publish(newsroom, "a", title="")

    assert links(newsroom, "a") == []
    assert "articles/a/index.html" not in newsroom.site()
    assert status(newsroom, key) == "rejected"
    newsroom.assert_converged()


def test_a_good_version_is_looked_for_so_far_and_no_further(newsroom: Newsroom) -> None:
    newsroom.upload("a", topics=["Harbour"])
    for _ in range(VERSIONS):
        key = newsroom.upload("a", title="")
    assert newsroom.deliver(key) == DONE
    assert links(newsroom, "a") == sorted(LISTINGS)
    newsroom.assert_converged()

    before = newsroom.site()
    publish(newsroom, "a", title="")
    assert newsroom.site() == before


def test_without_versions_a_rejected_upload_leaves_what_is_live(newsroom: Newsroom) -> None:
    newsroom.s3.delete_bucket(Bucket=SOURCE)
    newsroom.s3.create_bucket(
        Bucket=SOURCE, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    publish(newsroom, "a", topics=["Harbour"])
    before = newsroom.site()
    key = publish(newsroom, "a", title="")

    assert newsroom.site() == before
    assert status(newsroom, key) == "rejected"


def test_the_neighbours_of_a_rejected_article_are_published(newsroom: Newsroom) -> None:
    good, bad, other = newsroom.upload("a"), newsroom.upload("b", title=""), newsroom.upload("c")

    assert newsroom.deliver([good, bad], [other]) == DONE

    assert "articles/a/index.html" in newsroom.site()
    assert "articles/c/index.html" in newsroom.site()
    assert status(newsroom, bad) == "rejected"
    newsroom.assert_converged()


@pytest.mark.parametrize(
    "key",
    [
        "articles/Foo Bar.json",
        "articles/../x.json",
        "articles/../../index.html",
        "articles/x.txt",
        "articles/x.json/",
        "articles/",
        "articles//x.json",
        "articles/.json",
        "articles/-x.json",
        "articles/fünf.json",
        "articles/a\n.json",
        f"articles/{'a' * 1010}.json",
        f"articles/{'é' * 505}.json",
        f"articles/{'a/' * 501}a.json",
    ],
    ids=lambda key: key[:24],
)
def test_a_key_that_has_no_url_is_rejected_and_harms_nothing(newsroom: Newsroom, key: str) -> None:
    good = newsroom.upload("a")
    newsroom.upload_bytes(key, b"{}")

    assert newsroom.deliver(_encoded(key), good) == DONE

    receipt = newsroom.receipt(key)
    assert receipt["status"] == "rejected"
    assert receipt["key"] == key
    assert "expected articles/PATH.json" in receipt["errors"][0]["message"]
    assert [page for page in newsroom.site() if page.startswith("articles/")] == [
        "articles/a/index.html"
    ]
    newsroom.assert_converged()


def _encoded(key: str) -> str:
    return key.replace(" ", "+").replace("\n", "%0A")


def test_the_longest_path_can_be_published(newsroom: Newsroom) -> None:
    path = "/".join(["a" * 99] * 10)
    publish(newsroom, path, topics=["Harbour"])

    assert links(newsroom, path) == sorted(LISTINGS)
    publish(newsroom, path, topics=["Harbour"], title="Ferry stops again")
    newsroom.assert_converged()


# The site as a whole


def upload_site(newsroom: Newsroom, **fields: Any) -> str:
    return newsroom.upload_bytes("site.json", json.dumps(fields).encode())


def test_a_change_of_site_json_makes_every_page_anew(newsroom: Newsroom) -> None:
    newsroom.deliver(*(newsroom.upload(f"a{i}", topics=["Harbour"]) for i in range(3)))

    assert newsroom.deliver(upload_site(newsroom, name="The Lantern")) == DONE

    for key, copy in newsroom.site().items():
        if copy.content_type.startswith("text/html"):
            assert "The Lantern" in newsroom.page(key), key
    assert newsroom.receipt("site.json")["status"] == "published"
    newsroom.assert_converged()


def test_inline_every_article_has_its_turn(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "KEYS_PER_LISTING", 2)
    newsroom.deliver(*(newsroom.upload(f"a{i}") for i in range(5)))

    assert newsroom.deliver(upload_site(newsroom, name="The Lantern")) == DONE

    newsroom.assert_converged()


def test_inline_what_fails_brings_site_json_back(newsroom: Newsroom) -> None:
    newsroom.deliver(*(newsroom.upload(f"a{i}") for i in range(3)))
    key = upload_site(newsroom, name="The Lantern")
    newsroom.gate = refusing("articles/a1.json")

    assert failed(newsroom.deliver(key)) == ["0"]

    newsroom.gate = None
    assert newsroom.deliver(key) == DONE
    newsroom.assert_converged()


def test_through_the_queue_every_article_has_its_turn(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "KEYS_PER_LISTING", 4)
    monkeypatch.setattr(reconcile, "KEYS_PER_MESSAGE", 2)
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="publish")["QueueUrl"]
    newsroom.deliver(*(newsroom.upload(f"a{i}", topics=["Harbour"]) for i in range(9)))
    monkeypatch.setenv("QUEUE_URL", queue)
    newsroom.calls.clear()

    assert newsroom.deliver(upload_site(newsroom, name="Lantern", timezone="Asia/Tokyo")) == DONE
    # The message of site.json itself reads no article.
    assert newsroom.calls["SendMessageBatch"] == 1
    assert status(newsroom, "site.json") == "published"

    deliveries = 0
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1).get("Messages"):
        (message,) = messages
        record = {"messageId": message["MessageId"], "body": message["Body"]}
        assert newsroom.deliver(event={"Records": [record]}) == DONE
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        deliveries += 1

    # 4 + 4 + 1 keys, two a message, and a continuation behind each four and behind the last.
    assert deliveries == 2 + 1 + 2 + 1 + 1 + 1
    newsroom.assert_converged()


def test_a_continuation_that_fails_goes_back_alone(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.upload("b")
    key = newsroom.upload("a")
    monkeypatch.setenv("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/111122223333/no-queue")
    after = json.dumps({"reconcile": {"after": "articles/a.json"}})
    keys = json.dumps({"reconcile": {"keys": [key]}})
    records = [{"messageId": name, "body": body} for name, body in (("after", after), ("a", keys))]

    assert failed(newsroom.deliver(event={"Records": records})) == ["after"]

    assert status(newsroom, key) == "published"


def test_an_invalid_site_json_is_told_and_the_last_good_one_stays(newsroom: Newsroom) -> None:
    upload_site(newsroom, name="The Lantern")
    publish(newsroom, "a")
    before = newsroom.site()
    key = upload_site(newsroom, name="", timezone="Atlantis/Capital")

    assert newsroom.deliver(key) == DONE

    receipt = newsroom.receipt(key)
    assert receipt["status"] == "rejected"
    assert [error["path"] for error in receipt["errors"]] == ["/name", "/timezone"]
    assert newsroom.site() == before
    newsroom.assert_converged()


def test_without_site_json_defaults_serve_again(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    before = newsroom.site()
    newsroom.deliver(upload_site(newsroom, name="The Lantern"))
    newsroom.s3.delete_object(Bucket=SOURCE, Key="site.json")

    assert newsroom.deliver("site.json") == DONE

    assert newsroom.site() == before
    assert status(newsroom, "site.json") == "removed"


def test_the_time_zone_decides_the_month(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"], published_at="2026-05-31T20:00:00Z")
    assert "2026/05/index.html" in newsroom.site()

    assert newsroom.deliver(upload_site(newsroom, timezone="Asia/Tokyo")) == DONE

    assert "2026/05/index.html" not in newsroom.site()
    assert "topics/harbour/2026/06/index.html" in links(newsroom, "a")
    assert "1 June 2026" in newsroom.page("articles/a/index.html")
    newsroom.assert_converged()


# Faults of AWS


@pytest.mark.parametrize(
    "key",
    [
        "articles/b.json",
        "_record/articles/b.json",
        "articles/b/index.html",
        "receipts/articles/b.json",
    ],
)
def test_a_fault_at_one_article_fails_its_message_alone(newsroom: Newsroom, key: str) -> None:
    keys = [newsroom.upload(path, topics=["Harbour"]) for path in "abc"]
    newsroom.gate = refusing(key)

    assert failed(newsroom.deliver(*keys)) == ["1"]

    for path in "ac":
        assert links(newsroom, path) == sorted(LISTINGS)
        assert status(newsroom, f"articles/{path}.json") == "published"
    newsroom.gate = None
    assert newsroom.deliver("articles/b.json") == DONE
    newsroom.assert_converged()


@pytest.mark.parametrize("operation", ["DeleteObject", "HeadObject"])
def test_a_fault_while_one_article_goes_fails_its_message_alone(
    newsroom: Newsroom, operation: str
) -> None:
    publish(newsroom, "b", topics=["Harbour"])
    key = "articles/b/index.html" if operation == "DeleteObject" else "articles/b.json"
    newsroom.gate = refusing(key, operation)

    answer = newsroom.deliver(newsroom.upload("a"), newsroom.delete("b"))

    assert failed(answer) == ["1"]
    assert status(newsroom, "articles/a.json") == "published"
    # Not "removed" yet: nothing was said of it but when it came.
    assert status(newsroom, "articles/b.json") == "published"
    newsroom.gate = None
    assert newsroom.deliver("articles/b.json") == DONE
    newsroom.assert_converged()


@pytest.mark.parametrize(
    "key", ["site.json", "_index/site.json", "_index/2026/05.json", "index.html", "rss.xml"]
)
def test_a_fault_at_what_all_share_fails_every_message(newsroom: Newsroom, key: str) -> None:
    keys = [newsroom.upload(path) for path in "ab"]
    newsroom.gate = refusing(key)

    assert failed(newsroom.deliver(*keys)) == ["0", "1"]

    newsroom.gate = None
    assert newsroom.deliver(*keys) == DONE
    newsroom.assert_converged()


def test_no_receipt_says_published_before_it_is_live(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")
    newsroom.gate = refusing("index.html")
    newsroom.deliver(key)

    assert f"receipts/{key}" not in newsroom.keys(SOURCE)


def test_a_throttled_invalidation_is_made_up_for_by_the_retry(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    keys = [newsroom.upload("a", title="Ferry stops again"), newsroom.upload("b")]
    newsroom.gate = refusing(os.environ["DISTRIBUTION_ID"], code="TooManyInvalidationsInProgress")
    newsroom.invalidations.clear()

    assert failed(newsroom.deliver(*keys)) == ["0", "1"]
    assert newsroom.invalidations == []

    newsroom.gate = None
    newsroom.calls.clear()
    state = newsroom.site()
    assert newsroom.deliver(*keys) == DONE
    assert newsroom.site() == state
    assert newsroom.invalidations == [["#articles/a", "#articles/b", "#listings"]]
    newsroom.assert_converged()


def racing(key: str, *codes: str) -> Callable[[str, dict[str, Any]], None]:
    """A gate at which the first conditional writes of a key are lost, each for another reason."""
    left = list(codes)

    def gate(name: str, params: dict[str, Any]) -> None:
        if left and params.get("Key") == key and {"IfMatch", "IfNoneMatch"} & set(params):
            raise refused(name, left.pop(0))

    return gate


@pytest.mark.parametrize(
    "key",
    [
        "_record/articles/a.json",
        "articles/a/index.html",
        "_index/2026/05.json",
        "_index/site.json",
        "_index/topics/harbour.json",
        "index.html",
        "sitemap-2026-05.xml",
    ],
)
def test_a_lost_race_is_run_again(newsroom: Newsroom, key: str) -> None:
    # S3's answers to a condition that fails, to a write at the same instant, to a key that is gone.
    newsroom.gate = racing(key, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")

    publish(newsroom, "a", topics=["Harbour"])

    assert links(newsroom, "a") == sorted(LISTINGS)
    newsroom.assert_converged()


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "NoSuchKey"])
def test_a_new_page_that_is_already_there_is_written_over(newsroom: Newsroom, code: str) -> None:
    newsroom.gate = racing("articles/a/index.html", code)

    publish(newsroom, "a")

    newsroom.assert_converged()


def test_an_index_that_keeps_changing_sends_the_messages_back(newsroom: Newsroom) -> None:
    keys = [newsroom.upload(path) for path in "ab"]
    newsroom.gate = refusing("_index/site.json", "PutObject", code="PreconditionFailed")

    assert failed(newsroom.deliver(*keys)) == ["0", "1"]
    assert newsroom.calls["PutObject"] < 100

    newsroom.gate = None
    assert newsroom.deliver(*keys) == DONE
    newsroom.assert_converged()


def test_a_source_that_keeps_changing_sends_its_message_back(newsroom: Newsroom) -> None:
    changes = iter(range(1000))

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "HeadObject" and params["Key"] == "articles/a.json":
            newsroom.upload("a", title=f"Take {next(changes)}")

    key = newsroom.upload("a")
    newsroom.gate = gate

    assert failed(newsroom.deliver(key)) == ["0"]

    newsroom.gate = None
    assert newsroom.deliver(key) == DONE
    newsroom.assert_converged()


def test_a_source_that_changes_meanwhile_is_read_again(newsroom: Newsroom) -> None:
    takes = iter([2, 3])

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "HeadObject" and params["Key"] == "articles/a.json" and (take := next(takes, 0)):
            newsroom.upload("a", title=f"Take {take}")

    key = newsroom.upload("a", title="Take 1")
    newsroom.gate = gate

    assert newsroom.deliver(key) == DONE

    assert "Take 3" in newsroom.page("index.html")
    newsroom.assert_converged()


def losing(n: int) -> Callable[[str, dict[str, Any]], None]:
    """The answer to the n-th call gets lost, after the call has been carried out."""
    seen = 0

    def lose(name: str, _params: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == n:
            raise refused(name, "InternalError")

    return lose


def test_an_answer_that_gets_lost_is_made_up_for_by_the_retry(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    for n in range(1, 1000, 4):
        key = newsroom.upload(
            "a", topics=["Harbour", "Ferries"], published_at=f"2026-0{n % 5 + 1}-01T00:00:00Z"
        )
        newsroom.lose = losing(n)
        again = failed(newsroom.deliver(key))
        newsroom.lose = None
        if not again:
            break
        assert newsroom.deliver(key) == DONE
        newsroom.assert_converged()

    assert n > 30
    newsroom.assert_converged()


# Invalidation


def test_a_new_article_needs_only_the_listings(newsroom: Newsroom) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "b", topics=["Harbour", "Ferries", "Weather"])

    assert newsroom.invalidations[-1] == ["#listings"]


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Ferry stops again"},
        {"published_at": "2025-01-01T00:00:00Z", "topics": ["Weather"]},
        {"status": "withdrawn"},
        {"status": "draft"},
        {"title": ""},
    ],
)
def test_an_article_that_was_there_needs_its_own_tag_too(
    newsroom: Newsroom, fields: dict[str, Any]
) -> None:
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "a", **fields)

    assert newsroom.invalidations[-1] == ["#articles/a", "#listings"]
    newsroom.assert_converged()


def test_a_removed_article_needs_its_own_tag_too(newsroom: Newsroom) -> None:
    publish(newsroom, "a")
    newsroom.deliver(newsroom.delete("a"))

    assert newsroom.invalidations[-1] == ["#articles/a", "#listings"]


def test_a_retry_of_a_new_article_invalidates_it(newsroom: Newsroom) -> None:
    publish(newsroom, "b")
    key = newsroom.upload("a")
    newsroom.gate = refusing("rss.xml")
    assert failed(newsroom.deliver(key)) == ["0"]
    newsroom.gate = None
    newsroom.deliver(key)

    assert newsroom.invalidations[-1] == ["#articles/a", "#listings"]


def test_many_articles_share_one_invalidation(newsroom: Newsroom) -> None:
    keys = [newsroom.upload(f"a{i:02}") for i in range(26)]
    newsroom.deliver(*keys)
    newsroom.invalidations.clear()

    newsroom.deliver(*keys[:25])
    newsroom.deliver(*keys)

    tags = [f"#articles/a{i:02}" for i in range(25)]
    assert newsroom.invalidations == [[*tags, "#listings"], ["#site"]]


def test_paths_are_invalidated_as_asked_for_and_as_stored(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVALIDATE_BY", "paths")
    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "a", topics=["Harbour"], title="Ferry stops again")

    items = set(newsroom.invalidations[-1])
    shown = {f"/{key}" for key in [*LISTINGS, "articles/a/index.html"]}
    assert shown <= items
    assert {item.removesuffix("index.html") for item in shown} <= items
    assert not any(item.startswith("#") for item in items)
    newsroom.assert_converged()


def test_by_paths_everything_goes_at_once_where_there_are_too_many(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVALIDATE_BY", "paths")
    publish(newsroom, "a")
    keys = [newsroom.upload(f"a{i:02}", topics=[f"Topic {i}"]) for i in range(25)]
    newsroom.deliver(*keys)

    assert newsroom.invalidations[-1] == ["/*"]
    newsroom.assert_converged()
