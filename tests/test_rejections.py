"""What becomes of the site when an upload can't be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from broadsheet.store import VERSIONS
from tests.newsroom import (
    DONE,
    LISTINGS,
    SOURCE,
    article,
    links,
    publish,
    status,
)

if TYPE_CHECKING:
    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")


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
    assert [key for key in newsroom.site() if key.startswith("articles/")] == [
        "articles/a/card.png",
        "articles/a/index.html",
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


@pytest.mark.parametrize("key", ["articles/a.json", "articles/A.json", "site.json"])
def test_a_receipt_names_the_upload_that_it_is_for(newsroom: Newsroom, key: str) -> None:
    for body in (b"{}", json.dumps(article()).encode(), b"{}"):
        newsroom.upload_bytes(key, body)
        assert newsroom.deliver(key) == DONE
        etag, version = newsroom.state(key)
        assert newsroom.receipt(key)["upload"] == {"etag": etag, "version": version}

    newsroom.s3.delete_object(Bucket=SOURCE, Key=key)
    assert newsroom.deliver(key) == DONE
    assert "upload" not in newsroom.receipt(key)
