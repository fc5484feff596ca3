"""Old addresses of articles: who gets them, in whatever order they are claimed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from broadsheet import addresses
from broadsheet.redirects import Claims, aliases_of
from tests.gates import crash_and_mend, interrupt_and_converge, start_anew
from tests.newsroom import DONE, STORE, Crash, Newsroom, failed, publish, refused

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("hurry")

OLD = "/2019/05/old-ferry"
PAGE = "2019/05/old-ferry/index.html"
EARLIER, LATER = "2026-05-04T09:30:00+02:00", "2026-05-05T09:30:00+02:00"


# Addresses


@pytest.mark.parametrize(
    "text",
    ["/old/", "/old", "old", "old/", "/old/index.html", "/ol%64/", "%2Fold", "/old/%69ndex.html"],
)
def test_one_old_address_has_one_path(text: str) -> None:
    assert addresses.alias_path(text) == "/old"


@pytest.mark.parametrize(
    ("text", "path", "key"),
    [
        ("/2019/05/old/", "/2019/05/old", "2019/05/old/index.html"),
        ("/articles/old", "/articles/old", "articles/old/index.html"),
        ("/2019/old.html", "/2019/old.html", "2019/old.html"),
        ("/Old_Name", "/Old_Name", "Old_Name/index.html"),
        ("/caf%C3%A9/", "/café", "café/index.html"),
        ("/2019", "/2019", "2019/index.html"),
        ("/releases/2.0/", "/releases/2.0", ""),
        ("/story.php", "/story.php", ""),
        ("/old.html", "/old.html", ""),
        ("/search/old/", "/search/old", "search/old/index.html"),
    ],
)
def test_an_old_address_has_a_page_where_the_function_may_write_one(
    text: str, path: str, key: str
) -> None:
    assert addresses.alias_path(text) == path
    assert addresses.redirect_key(path) == key
    assert addresses.aliased(addresses.alias_key(path)) == path


@pytest.mark.parametrize(
    "text",
    [
        "/",
        "index.html",
        "/index.html",
        "/rss.xml",
        "/robots.txt",
        "/404.html",
        "/ads.txt",
        "/sw.js",
        "/theme.css",
        "/.well-known/x/",
        "/archive/",
        "/search",
        "/search/",
        "/search/2026/05.idx",
        "/2019/05/",
        "/topics/sea/",
        "/topics/sea/2019/05/",
        "/topics/sea/feed.json",
        "/media/a.jpg",
        "/media/a",
        "/articles/a/card.png",
        "/_index/site.json",
        "/_x/",
        "/%5Frecord/articles/a/",
        "//example.org/a",
        "/a//b",
        "/a/../b",
        "/a/%2e%2e/b",
        "/./a",
        "/a/%0d%0aLocation:x",
        "/a%zz",
        "/%E0%A4",
        "/a%",
    ],
)
def test_what_is_the_sites_own_or_no_page_redirects_nowhere(text: str) -> None:
    assert addresses.alias_path(text) is None
    found, problems = aliases_of("a", ["/ok/", text])
    assert found == {"/ok": 0}
    assert [problem.path for problem in problems] == ["/aliases/1"]


def test_an_articles_own_address_and_one_said_twice_are_no_matter() -> None:
    assert aliases_of("a/b", ["/x/", "articles/a/b/", "/x/index.html", "/y"]) == (
        {"/x": 0, "/y": 3},
        (),
    )


def test_the_newest_article_wins_and_then_the_first_key() -> None:
    claims = Claims(articles={"b": "2026-01-02", "c": "2026-01-02", "a": "2026-01-01"})

    assert claims.won(taken=False).winner == "b"
    assert claims.won(taken=True).winner == ""
    assert claims.merged({"b": None}).won(taken=False).winner == "c"
    assert Claims.from_bytes(claims.to_bytes()) == claims


# One article


def test_an_old_address_leads_to_the_article(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=["/2019/05/old-ferry/", "/Ferry.php"])

    assert newsroom.redirects() == {OLD: "/articles/a/", "/Ferry.php": "/articles/a/"}
    page = newsroom.page(PAGE)
    assert '<link rel="canonical" href="https://news.example/articles/a/">' in page
    assert '<meta http-equiv="refresh" content="0; url=https://news.example/articles/a/">' in page
    assert '<meta name="robots" content="noindex">' in page
    assert '<a href="https://news.example/articles/a/">' in page
    assert "<script" not in page
    assert "<style" not in page
    assert "Ferry.php" not in newsroom.site()
    newsroom.assert_converged()


def test_nothing_lists_the_page_of_an_old_address(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=[OLD])

    assert [key for key, copy in newsroom.site().items() if b"old-ferry" in copy.body] == []


def test_a_new_redirect_costs_no_invalidation(newsroom: Newsroom) -> None:
    publish(newsroom, "first")
    newsroom.forget()
    publish(newsroom, "a", aliases=[OLD])

    assert newsroom.invalidations == [["#listings"]]


def test_a_publish_without_a_change_of_redirects_does_not_ask_the_store(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=[OLD])
    newsroom.forget()
    publish(newsroom, "a", aliases=[OLD], title="Ferry stops")
    publish(newsroom, "b")

    assert not {"DescribeKeyValueStore", "UpdateKeys", "GetKey"} & newsroom.calls.keys()
    assert newsroom.invalidations == [["#articles/a", "#listings"], ["#listings"]]


def test_an_alias_that_is_taken_away_leads_nowhere(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=[OLD, "/x"])
    publish(newsroom, "a", aliases=["/x"])

    assert newsroom.redirects() == {"/x": "/articles/a/"}
    assert PAGE not in newsroom.site()
    newsroom.assert_converged()


@pytest.mark.parametrize("fields", [{"status": "draft"}, None])
def test_the_aliases_of_what_has_no_page_lead_nowhere(
    newsroom: Newsroom, fields: dict[str, Any] | None
) -> None:
    publish(newsroom, "a", aliases=[OLD])
    key = newsroom.delete("a") if fields is None else newsroom.upload("a", aliases=[OLD], **fields)
    assert newsroom.deliver(key) == DONE

    assert newsroom.redirects() == {}
    newsroom.assert_converged()


def test_the_aliases_of_a_withdrawn_article_lead_to_its_notice(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=[OLD], status="withdrawn")

    assert newsroom.redirects() == {OLD: "/articles/a/"}
    newsroom.assert_converged()


def test_the_aliases_of_a_rejected_upload_stay_those_of_the_good_one(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=[OLD])
    publish(newsroom, "a", aliases=["/new"], title="")

    assert newsroom.redirects() == {OLD: "/articles/a/"}
    newsroom.assert_converged()


def test_an_alias_that_can_not_lead_on_is_told_in_the_receipt(newsroom: Newsroom) -> None:
    key = publish(newsroom, "a", aliases=["/rss.xml"])

    receipt = newsroom.receipt(key)
    assert receipt["status"] == "published"
    assert receipt["warnings"] == [
        {
            "path": "/aliases/0",
            "message": 'is "/rss.xml"; expected the path of an old page, none of the site\'s own',
        }
    ]


def test_without_a_store_pages_lead_on(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIRECTS_STORE_ARN")
    publish(newsroom, "a", aliases=[OLD])

    assert PAGE in newsroom.site()
    assert not {"DescribeKeyValueStore", "UpdateKeys"} & newsroom.calls.keys()


def test_a_store_that_comes_later_is_told_at_the_next_publish(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIRECTS_STORE_ARN", "")
    publish(newsroom, "a", aliases=[OLD])
    monkeypatch.setenv("REDIRECTS_STORE_ARN", STORE)
    publish(newsroom, "a", aliases=[OLD], title="Ferry stops")

    assert newsroom.redirects() == {OLD: "/articles/a/"}
    newsroom.assert_converged()


def test_a_full_store_leaves_it_to_the_pages(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=[OLD])
    newsroom.stores.most_bytes = 60
    publish(newsroom, "b", aliases=[OLD, "/another-old-address/of-the-ferry"], published_at=LATER)

    # What can't be replaced is taken out: it must not lead to what is no longer right.
    assert newsroom.redirects() == {}
    assert "/articles/b/" in newsroom.page(PAGE)
    assert "another-old-address/of-the-ferry/index.html" in newsroom.site()
    newsroom.stores.most_bytes = 10_000
    publish(newsroom, "b", aliases=[OLD, "/another-old-address/of-the-ferry"], published_at=LATER)
    newsroom.assert_converged()


def test_what_is_too_long_for_the_store_is_left_to_the_pages(newsroom: Newsroom) -> None:
    path = "/".join(["long" * 20] * 10)
    publish(newsroom, path, aliases=[f"/{'o' * 400}", "/x"])

    assert newsroom.redirects() == {"/x": f"/articles/{path}/"}
    newsroom.assert_converged()


def test_more_aliases_than_a_call_takes(newsroom: Newsroom) -> None:
    keys = [newsroom.upload(p, aliases=[f"/{p}/{n}" for n in range(20)]) for p in "abc"]
    assert newsroom.deliver(keys) == DONE

    assert len(newsroom.redirects()) == 60
    assert newsroom.calls["UpdateKeys"] == 2
    newsroom.assert_converged()


# Several articles


def _claim(newsroom: Newsroom, path: str, at: str = EARLIER, **fields: Any) -> str:
    return newsroom.upload(path, aliases=[OLD], published_at=at, **fields)


CLASH: list[Callable[[Newsroom], str]] = [
    lambda n: _claim(n, "b"),
    lambda n: _claim(n, "a", LATER),
    lambda n: _claim(n, "c", LATER),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_conflicting_claims_come_out_the_same_in_any_order(
    newsroom: Newsroom, order: tuple[int, ...]
) -> None:
    for n in order:
        assert newsroom.deliver(CLASH[n](newsroom)) == DONE

    assert newsroom.redirects() == {OLD: "/articles/a/"}
    newsroom.assert_converged()


def test_conflicting_claims_of_one_batch(newsroom: Newsroom) -> None:
    assert newsroom.deliver([claim(newsroom) for claim in CLASH]) == DONE

    assert newsroom.redirects() == {OLD: "/articles/a/"}
    newsroom.assert_converged()


def test_who_loses_is_told_and_to_whom(newsroom: Newsroom) -> None:
    winner = publish(newsroom, "a", aliases=["/x", OLD], published_at=LATER)
    loser = publish(newsroom, "b", aliases=[OLD])

    assert "warnings" not in newsroom.receipt(winner)
    assert newsroom.receipt(loser)["warnings"] == [
        {"path": "/aliases/0", "message": f'"{OLD}" leads to /articles/a/, not here'}
    ]


def test_when_the_winner_goes_the_next_gets_it(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=[OLD], published_at=LATER)
    publish(newsroom, "b", aliases=[OLD])
    assert newsroom.deliver(newsroom.delete("a")) == DONE

    assert newsroom.redirects() == {OLD: "/articles/b/"}
    assert "/articles/b/" in newsroom.page(PAGE)
    newsroom.assert_converged()


# Real pages


def test_an_article_at_the_address_comes_first(newsroom: Newsroom) -> None:
    publish(newsroom, "old", title="Old but here")
    key = publish(newsroom, "new", aliases=["/articles/old/"])

    assert newsroom.redirects() == {}
    assert "Old but here" in newsroom.page("articles/old/index.html")
    assert newsroom.receipt(key)["warnings"] == [
        {"path": "/aliases/0", "message": '"/articles/old" has a page of its own, not here'}
    ]
    newsroom.assert_converged()


def test_an_article_that_comes_takes_its_address_and_gives_it_back(newsroom: Newsroom) -> None:
    publish(newsroom, "new", aliases=["/articles/old/"])
    assert newsroom.redirects() == {"/articles/old": "/articles/new/"}
    publish(newsroom, "old", title="Old but back")
    assert newsroom.redirects() == {}
    assert "Old but back" in newsroom.page("articles/old/index.html")
    newsroom.assert_converged()

    assert newsroom.deliver(newsroom.delete("old")) == DONE

    assert newsroom.redirects() == {"/articles/old": "/articles/new/"}
    assert "/articles/new/" in newsroom.page("articles/old/index.html")
    newsroom.assert_converged()


@pytest.mark.parametrize("together", [True, False])
def test_a_move_leaves_an_alias_behind(newsroom: Newsroom, *, together: bool) -> None:
    publish(newsroom, "old")
    keys = [newsroom.upload("new", aliases=["/articles/old/"]), newsroom.delete("old")]
    for group in [keys] if together else keys:
        assert newsroom.deliver(group) == DONE

    assert newsroom.redirects() == {"/articles/old": "/articles/new/"}
    newsroom.assert_converged()


def test_two_articles_that_change_places_lead_nowhere(newsroom: Newsroom) -> None:
    publish(newsroom, "a", aliases=["/articles/b/"])
    publish(newsroom, "b", aliases=["/articles/a/"])

    assert newsroom.redirects() == {}
    newsroom.assert_converged()


def test_an_article_goes_after_what_leads_to_it_from_where_another_is_coming(
    newsroom: Newsroom,
) -> None:
    publish(newsroom, "a", aliases=["/articles/b/"])
    keys = [newsroom.delete("a"), newsroom.upload("b")]
    assert newsroom.deliver(*keys) == DONE

    newsroom.assert_converged()


def test_the_store_forgets_where_a_page_leads_on_before_that_goes(newsroom: Newsroom) -> None:
    """Another address may lead there, as somebody who died before telling the store has left it."""
    publish(newsroom, "b", aliases=[OLD])
    publish(newsroom, "c", aliases=[OLD, "/articles/b/"])
    assert newsroom.redirects() == {OLD: "/articles/b/"}
    key = newsroom.upload("b", status="draft")
    newsroom.gate = _die_at_update
    with suppress(Crash):
        newsroom.deliver(key)
    newsroom.gate = None
    assert "/articles/c/" in newsroom.page("articles/b/index.html")

    key = newsroom.upload("b", aliases=[OLD])
    publish(newsroom, "c", aliases=["/articles/b/"])

    assert newsroom.dangling == []
    assert newsroom.deliver(key) == DONE
    newsroom.assert_converged()


def test_a_page_that_led_on_stays_while_the_article_whose_address_it_is_is_listed(
    newsroom: Newsroom,
) -> None:
    publish(newsroom, "b")
    key = newsroom.delete("b")  # and before that is seen:
    publish(newsroom, "a", aliases=["/articles/b/"])
    publish(newsroom, "a")

    assert newsroom.dangling == []
    assert newsroom.deliver(key) == DONE
    assert "articles/b/index.html" not in newsroom.site()
    newsroom.assert_converged()


@pytest.mark.parametrize(
    "dies_at",
    [
        "search/2025/12.idx",
        "_index/2025/12.json",
        "_index/topics/harbour.json",
        "_index/site.json",
        "topics/harbour/index.html",
        "topics/harbour/rss.xml",
        "2025/12/index.html",
        "topics/harbour/2025/12/index.html",
        "sitemap-2025-12.xml",
    ],
)
def test_it_stays_while_one_list_leads_there_that_others_do_not(
    dies_at: str, newsroom: Newsroom
) -> None:
    """Who took it out of the others has died; who is about to delete it writes other lists."""
    december: dict[str, Any] = {"published_at": "2025-12-24T12:00:00Z", "topics": ["Harbour"]}
    publish(newsroom, "b", **december)
    publish(newsroom, "c", **december)
    key = newsroom.delete("b")

    def die(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"] == dies_at:
            raise Crash

    newsroom.gate = die
    with pytest.raises(Crash):
        newsroom.deliver(key)
    newsroom.gate = None
    publish(newsroom, "a", aliases=["/articles/b/"])
    publish(newsroom, "a")

    assert newsroom.dangling == []
    assert newsroom.deliver(key) == DONE
    newsroom.assert_converged()


def test_a_list_that_is_not_what_its_index_says_is_put_right_before_it_goes(
    newsroom: Newsroom,
) -> None:
    december: dict[str, Any] = {"published_at": "2025-12-24T12:00:00Z", "topics": ["Harbour"]}
    publish(newsroom, "b", **december)
    publish(newsroom, "c", **december)
    old = newsroom.page("topics/harbour/index.html")
    assert newsroom.deliver(newsroom.delete("b")) == DONE
    publish(newsroom, "a", aliases=["/articles/b/"])
    newsroom.s3.put_object(
        Bucket=newsroom.site_bucket, Key="topics/harbour/index.html", Body=old.encode()
    )
    newsroom.dangling.clear()  # for a moment it was not b's page that this led to
    publish(newsroom, "a")

    assert "articles/b/index.html" not in newsroom.site()
    assert "/articles/b/" not in newsroom.page("topics/harbour/index.html")
    assert newsroom.dangling == []
    assert "#listings" in newsroom.invalidations[-1]
    newsroom.assert_converged()


@pytest.mark.parametrize("lost", ["_index/2025/12.json", "search/2025/12.idx"])
def test_an_index_that_can_not_be_read_keeps_no_page(lost: str, newsroom: Newsroom) -> None:
    publish(newsroom, "b", published_at="2025-12-24T12:00:00Z")
    publish(newsroom, "c", published_at="2025-12-24T12:00:00Z")
    assert newsroom.deliver(newsroom.delete("b")) == DONE
    publish(newsroom, "a", aliases=["/articles/b/"])
    newsroom.s3.put_object(Bucket=newsroom.site_bucket, Key=lost, Body=b"x")
    publish(newsroom, "a")

    assert "articles/b/index.html" not in newsroom.site()


def test_the_copies_of_what_a_page_that_leads_on_replaces_go_by_their_own_tag(
    newsroom: Newsroom,
) -> None:
    publish(newsroom, "a", aliases=["/articles/b/"])
    tags = {"cache-tag": "site,articles/b"}
    newsroom.s3.put_object(
        Bucket=newsroom.site_bucket, Key="articles/b/index.html", Body=b"x", Metadata=tags
    )
    publish(newsroom, "a", aliases=["/articles/b/"], title="Changed")

    assert newsroom.invalidations[-1] == ["#articles/a", "#articles/b", "#listings", "#redirects"]


def _die_at_update(name: str, _params: dict[str, Any]) -> None:
    if name == "UpdateKeys":
        raise Crash


def test_a_file_that_somebody_has_put_there_stays(newsroom: Newsroom) -> None:
    newsroom.s3.put_object(Bucket=newsroom.site_bucket, Key="about/index.html", Body=b"About us")
    key = publish(newsroom, "a", aliases=["/about/"])

    assert newsroom.redirects() == {}
    assert newsroom.page("about/index.html") == "About us"
    assert newsroom.receipt(key)["warnings"][0]["path"] == "/aliases/0"


# Faults


def test_a_store_that_can_not_be_reached_fails_only_who_needs_it(newsroom: Newsroom) -> None:
    keys = [newsroom.upload("a", aliases=[OLD]), newsroom.upload("b")]
    newsroom.gate = _store_is_down
    assert failed(newsroom.deliver(*keys)) == ["0"]
    assert "articles/b/index.html" in newsroom.site()
    newsroom.gate = None
    assert newsroom.deliver(keys[0]) == DONE
    newsroom.assert_converged()


def _store_is_down(name: str, params: dict[str, Any]) -> None:
    if "KvsARN" in params:
        raise refused(name, "InternalServerException")


def test_the_store_is_not_told_late_of_a_claim_that_was_dropped_before(newsroom: Newsroom) -> None:
    """Neither by who has died after it, although whoever dropped it had nothing to take out."""
    key = newsroom.upload("a", aliases=[OLD])

    def drop_first(name: str, _params: dict[str, Any]) -> None:
        if name == "UpdateKeys":
            newsroom.gate = None
            publish(newsroom, "a")
            newsroom.lose = die_after

    def die_after(name: str, _params: dict[str, Any]) -> None:
        if name == "UpdateKeys":
            raise Crash

    newsroom.gate = drop_first
    with suppress(Crash):
        newsroom.deliver(key)
    newsroom.lose = None
    assert newsroom.deliver(key) == DONE

    assert newsroom.redirects() == {}
    newsroom.assert_converged()


def _first(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("a", aliases=[OLD])]


def _clash(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("b", aliases=[OLD, "/y"], published_at=LATER)]


def _winner_withdraws(newsroom: Newsroom) -> list[str]:
    return [newsroom.delete("w")]


def _alias_dropped(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("w", published_at=LATER)]


def _article_appears(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("taken")]


def _move(newsroom: Newsroom) -> list[str]:
    return [newsroom.upload("moved", aliases=["/articles/old/"]), newsroom.delete("old")]


def _calm(newsroom: Newsroom) -> None:
    """A site of which the old address leads to w, or else to l; others are there and claimed."""
    start_anew(newsroom)
    keys = [
        newsroom.upload("w", aliases=[OLD], published_at=LATER),
        newsroom.upload("l", aliases=[OLD, "/articles/taken/"], published_at=EARLIER),
        newsroom.upload("old"),
    ]
    assert newsroom.deliver(keys) == DONE


STEPS = [_first, _clash, _winner_withdraws, _alias_dropped, _article_appears, _move]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_call_is_mended_by_the_next_delivery(
    newsroom: Newsroom, step: Callable[[Newsroom], list[str]]
) -> None:
    def begin() -> list[list[str]]:
        _calm(newsroom)
        return [step(newsroom)]

    crash_and_mend(newsroom, begin, step)


@pytest.mark.parametrize(
    ("step", "other"),
    [
        (_first, _winner_withdraws),
        (_clash, _winner_withdraws),
        (_winner_withdraws, _clash),
        (_alias_dropped, _first),
        (_article_appears, _clash),
        (_clash, _article_appears),
        (_move, _article_appears),
    ],
)
def test_another_invocation_between_two_calls_changes_nothing_in_the_end(
    newsroom: Newsroom,
    step: Callable[[Newsroom], list[str]],
    other: Callable[[Newsroom], list[str]],
) -> None:
    def begin() -> list[list[str]]:
        _calm(newsroom)
        return [step(newsroom)]

    interrupt_and_converge(newsroom, begin, step, other)


# The store's signatures


def test_a_new_process_does_not_load_what_signs_for_it() -> None:
    program = (
        "import app, sys; print('awscrt' in sys.modules);"
        "from broadsheet.clients import clients_of; client = clients_of('', 1).redirects;"
        "print('awscrt' in sys.modules);"
        "events = client.meta.events;"
        "shown = lambda request, **_: sys.exit(request.headers['Authorization'].decode()[:22]);"
        "events.register('before-send', shown);"
        f"client.describe_key_value_store(KvsARN='{STORE}')"
    )
    # Without what other tests have added.
    path = [folder for folder in sys.path if not folder.endswith("/crt")]
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
    )

    assert done.stdout.split() == ["False", "True"]
    assert done.stderr.strip() == "AWS4-ECDSA-P256-SHA256"
