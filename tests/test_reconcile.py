"""What becomes of the site when articles come, change, move and go."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from broadsheet import reconcile, sources
from broadsheet.visits import Visits
from tests.newsroom import (
    DONE,
    FEEDS,
    LISTINGS,
    SOURCE,
    failed,
    links,
    publish,
    refusing,
    status,
)

if TYPE_CHECKING:
    from broadsheet.visits import Visit
    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")


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
        "upload": dict(zip(("etag", "version"), newsroom.state(key), strict=True)),
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
    assert left == {"index.html", "news-sitemap.xml", *FEEDS}
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


def test_a_month_leads_to_the_topics_that_it_has_and_to_no_other(newsroom: Newsroom) -> None:
    def led_to() -> list[str]:
        found = re.findall(r'href="/(topics/[a-z]+/2026/05/)"', newsroom.page("2026/05/index.html"))
        assert {f"{folder}index.html" for folder in found} <= set(newsroom.site())
        return found

    publish(newsroom, "a", topics=["Harbour"])
    publish(newsroom, "b", topics=["Weather", "Harbour"])
    assert led_to() == ["topics/harbour/2026/05/", "topics/weather/2026/05/"]
    publish(newsroom, "b", topics=["Harbour"])
    assert led_to() == ["topics/harbour/2026/05/"]
    assert "topics/weather/2026/05/index.html" not in newsroom.site()
    newsroom.assert_converged()


def test_the_newest_articles_spelling_of_a_topic_is_shown(newsroom: Newsroom) -> None:
    publish(newsroom, "new", topics=["HARBOUR"], published_at="2026-05-05T00:00:00Z")
    publish(newsroom, "old", topics=["harbour"], published_at="2026-05-04T00:00:00Z")
    assert '<h1 class="heading">HARBOUR</h1>' in newsroom.page("topics/harbour/index.html")

    publish(newsroom, "old", topics=["harbour"], published_at="2026-05-06T00:00:00Z")
    assert '<h1 class="heading">harbour</h1>' in newsroom.page("topics/harbour/index.html")
    newsroom.assert_converged()


def test_an_article_that_did_not_change_stays_as_it_is(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", topics=["Harbour"])
    before = newsroom.site()

    assert newsroom.deliver(key, key) == DONE

    assert newsroom.site() == before
    newsroom.assert_converged()


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


@pytest.mark.parametrize("fields", [None, {"status": "draft"}, {"status": "withdrawn"}])
def test_an_article_that_goes_is_listed_nowhere(
    newsroom: Newsroom, fields: dict[str, str] | None
) -> None:
    publish(newsroom, "b", published_at="2026-04-01T00:00:00Z")
    publish(newsroom, "a", topics=["Harbour"])
    key = newsroom.upload("a", topics=["Harbour"], **fields) if fields else newsroom.delete("a")

    assert newsroom.deliver(key) == DONE

    assert links(newsroom, "a") == []
    left = set(newsroom.site()) & set(LISTINGS)
    assert left == {"index.html", "news-sitemap.xml", *FEEDS}
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
        [
            ".well-known/tdmrep.json",
            "404.html",
            "archive/index.html",
            "feed.css",
            "icon.svg",
            "index.html",
            "indexnow.txt",
            "news-sitemap.xml",
            "robots.txt",
            "search/index.html",
            "sitemap.xml",
            "theme.css",
            *FEEDS,
        ]
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


def test_a_process_reads_site_json_once_for_articles_and_hears_of_another_from_the_index(
    newsroom: Newsroom,
) -> None:
    reads: list[str] = []
    newsroom.upload_bytes("site.json", b'{"name": "First"}')
    publish(newsroom, "a")
    newsroom.gate = lambda name, params: reads.append(f"{name} {params.get('Key')}")

    publish(newsroom, "b")
    assert "GetObject site.json" not in reads

    newsroom.upload_bytes("site.json", b'{"name": "Second"}')
    remembered = dict(sources._last_site)  # noqa: SLF001 (as another process has it)
    assert newsroom.deliver("site.json", "articles/a.json", "articles/b.json") == DONE
    sources._last_site.update(remembered)  # noqa: SLF001 (a cold start's)
    publish(newsroom, "c")
    assert "Second" in newsroom.page("articles/c/index.html")
    newsroom.assert_converged()


def test_of_pages_that_are_written_a_batch_keeps_nothing(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bytes] = []
    finish = Visits.finish

    def seen(self: Visits, visit: Visit) -> None:
        if visit.upload.page:
            kept.append(visit.upload.page.body)
        finish(self, visit)

    monkeypatch.setattr(Visits, "finish", seen)
    assert newsroom.deliver(newsroom.upload("a"), newsroom.upload("b")) == DONE

    assert kept == [b"", b""]
