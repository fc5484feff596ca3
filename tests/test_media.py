"""Pictures on the site: whatever the order of events, no page shows what is not there."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from PIL import Image

import media
from broadsheet import addresses
from broadsheet.errors import SettingsError
from broadsheet.manifest import Manifest
from tests.newsroom import (
    DONE,
    SITE,
    SOURCE,
    Crash,
    Newsroom,
    failed,
    publish,
    refused,
    refusing,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("hurry", "queues")

KEY = "media/2026/boat.jpg"
IMAGE = {"src": KEY, "alt": "A boat"}
PAGE = "articles/a/index.html"


@pytest.fixture
def queues(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both queues, and a site without articles; a sweep need not wait."""
    sqs = boto3.client("sqs")
    for name in ("QUEUE_URL", "MEDIA_QUEUE_URL"):
        monkeypatch.setenv(name, sqs.create_queue(QueueName=name.lower())["QueueUrl"])
    monkeypatch.setattr(media, "SWEEP_AFTER", 0)
    assert newsroom.deliver("site.json") == DONE
    newsroom.invalidations.clear()


def drawing(colour: str = "red", size: tuple[int, int] = (500, 250)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def put(newsroom: Newsroom, colour: str = "red", key: str = KEY) -> str:
    return newsroom.upload_bytes(key, drawing(colour))


def upload(newsroom: Newsroom, colour: str = "red", key: str = KEY) -> str:
    """Upload a picture, and do all that follows."""
    assert newsroom.deliver_media(put(newsroom, colour, key)) == DONE
    newsroom.work_off()
    return key


def remove(newsroom: Newsroom, key: str = KEY) -> str:
    newsroom.s3.delete_object(Bucket=SOURCE, Key=key)
    return key


def manifest(newsroom: Newsroom, key: str = KEY) -> Manifest:
    name = addresses.media_name(key)
    assert name
    answer = newsroom.s3.get_object(Bucket=SITE, Key=addresses.manifest_key(name))
    return Manifest.from_bytes(answer["Body"].read())


def variants(newsroom: Newsroom) -> set[str]:
    return {key for key in newsroom.site() if key.startswith("media/")}


def shown(newsroom: Newsroom, page: str = PAGE) -> set[str]:
    """The variants that a page names."""
    return set(re.findall(r"/(media/[^\s\"]+)", newsroom.page(page)))


# One picture


def test_an_upload_becomes_variants_that_nobody_need_ask_for_again(newsroom: Newsroom) -> None:
    upload(newsroom)
    found = manifest(newsroom)

    assert (found.width, found.height, found.widths) == (500, 250, (320, 500))
    folder = f"{KEY}/{found.digest}"
    wanted = {f"{folder}/{w}.{e}" for w in (320, 500) for e in ("avif", "webp", "jpg")}
    assert variants(newsroom) == wanted
    copy = newsroom.site()[f"{folder}/320.avif"]
    assert copy.content_type == "image/avif"
    assert copy.cache_control == "public, max-age=31536000, immutable"
    assert copy.cache_tag == KEY
    assert newsroom.receipt(KEY) == {
        "status": "published",
        "key": KEY,
        "url": f"https://news.example/{folder}/500.jpg",
        "errors": [],
        "upload": dict(zip(("etag", "version"), newsroom.state(KEY), strict=True)),
    }
    assert newsroom.invalidations == []
    newsroom.assert_converged()


def test_a_page_shows_it_in_every_format_and_with_its_size(newsroom: Newsroom) -> None:
    upload(newsroom)
    publish(newsroom, "a", image=IMAGE | {"caption": "At sea", "credit": "M. Photo"})
    page = newsroom.page(PAGE)

    assert shown(newsroom) == variants(newsroom)
    assert 'width="500" height="250" alt="A boat"' in page
    assert page.index('type="image/avif"') < page.index('type="image/webp"') < page.index("<img")
    assert re.search(r'srcset="/\S+/320\.jpg 320w, /\S+/500\.jpg 500w"', page)
    assert "At sea" in page
    assert "warnings" not in newsroom.receipt("articles/a.json")
    newsroom.assert_converged()


@pytest.mark.parametrize("first", ["article", "picture"])
def test_whichever_comes_first_the_page_shows_the_picture(newsroom: Newsroom, first: str) -> None:
    if first == "picture":
        upload(newsroom)
    publish(newsroom, "a", image=IMAGE)
    if first == "article":
        assert "<img" not in newsroom.page(PAGE)
        assert "<figure" not in newsroom.page(PAGE)
        upload(newsroom)
    newsroom.work_off()

    assert shown(newsroom) == variants(newsroom) != set()
    newsroom.assert_converged()


def test_the_receipt_of_an_article_says_what_picture_it_lacks(newsroom: Newsroom) -> None:
    publish(newsroom, "a", image=IMAGE)

    receipt = newsroom.receipt("articles/a.json")

    assert receipt["status"] == "published"
    assert receipt["errors"] == []
    assert receipt["warnings"] == [
        {
            "path": "/image/src",
            "message": f'is "{KEY}"; expected a picture that was uploaded under that key; '
            "without it the page has none",
        }
    ]


def test_a_name_that_no_picture_can_have_is_a_picture_that_is_missing(newsroom: Newsroom) -> None:
    publish(newsroom, "a", image=IMAGE | {"src": "media/boat"})

    assert "<img" not in newsroom.page(PAGE)
    assert newsroom.receipt("articles/a.json")["warnings"][0]["path"] == "/image/src"
    newsroom.assert_converged()


def test_an_image_from_elsewhere_has_the_size_that_the_article_says(newsroom: Newsroom) -> None:
    elsewhere = {"src": "https://pictures.example/a.jpg", "alt": "A boat"}
    publish(newsroom, "a", image=elsewhere | {"width": 1600, "height": 900})
    publish(newsroom, "b", image=elsewhere)

    assert 'width="1600" height="900"' in newsroom.page(PAGE)
    assert "height=" not in newsroom.page("articles/b/index.html")
    newsroom.assert_converged()


def test_all_articles_that_show_a_picture_hear_of_it(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "USES", 2)
    paths = [f"a/{i}" for i in range(5)]
    for path in paths:
        publish(newsroom, path, image=IMAGE)

    upload(newsroom)

    for path in paths:
        assert shown(newsroom, f"articles/{path}/index.html")
    newsroom.assert_converged()


def test_an_article_is_marked_once(newsroom: Newsroom) -> None:
    publish(newsroom, "a", image=IMAGE)
    written: list[str] = []
    newsroom.gate = lambda name, params: written.append(f"{name} {params.get('Key')}")

    publish(newsroom, "a", image=IMAGE, title="Another")

    assert not [call for call in written if call.startswith("PutObject _use/")]


def test_a_picture_costs_a_publish_four_requests_and_a_later_one_three(
    newsroom: Newsroom,
) -> None:
    upload(newsroom)
    cost = {}
    for path, fields in (("a", {}), ("b", {"image": IMAGE})):
        for take in ("first", "later"):
            newsroom.calls.clear()
            publish(newsroom, path, title=take, **fields)
            cost[path, take] = newsroom.calls.total()

    # Who has no picture has a card, which is written.
    assert cost["b", "first"] == cost["a", "first"] + 4 - 1
    assert cost["b", "later"] == cost["a", "later"] + 3 - 1


# Replacement and deletion


def test_a_replaced_picture_is_shown_and_what_it_was_is_gone(newsroom: Newsroom) -> None:
    upload(newsroom)
    publish(newsroom, "a", image=IMAGE)
    before = variants(newsroom)

    upload(newsroom, "blue")

    assert shown(newsroom) == variants(newsroom)
    assert not before & variants(newsroom)
    assert not [key for key in newsroom.cdn if key in before]
    newsroom.assert_converged()


def test_a_deleted_picture_leaves_its_pages_before_it_goes(newsroom: Newsroom) -> None:
    upload(newsroom)
    publish(newsroom, "a", image=IMAGE)

    assert newsroom.deliver_media(remove(newsroom)) == DONE
    assert shown(newsroom) <= variants(newsroom)
    newsroom.work_off()

    assert variants(newsroom) == shown(newsroom) == set()
    assert status(newsroom, KEY) == "removed"
    assert not [key for key in newsroom.cdn if key.startswith("media/")]
    newsroom.assert_converged()


def test_a_picture_that_comes_back_as_it_was_is_shown_again(newsroom: Newsroom) -> None:
    publish(newsroom, "a", image=IMAGE)
    for colour in ("red", "blue", "red"):
        upload(newsroom, colour)
        assert shown(newsroom) == variants(newsroom) != set()
    assert newsroom.deliver_media(remove(newsroom)) == DONE
    assert newsroom.deliver_media(put(newsroom)) == DONE
    newsroom.work_off()

    assert shown(newsroom) == variants(newsroom) != set()
    newsroom.assert_converged()


def test_a_sweep_waits_for_the_pages(newsroom: Newsroom) -> None:
    upload(newsroom)
    publish(newsroom, "a", topics=["Harbour"], image=IMAGE)
    newsroom.deliver_media(put(newsroom, "blue"))
    before = variants(newsroom)
    etag = newsroom.s3.head_object(Bucket=SITE, Key="_media/2026/boat.jpg.json")["ETag"]
    sweep = {"sweep": {"name": "2026/boat.jpg", "manifest": etag}}
    event = {"Records": [{"messageId": "1", "body": json.dumps(sweep)}]}

    assert failed(newsroom.deliver_media(event=event)) == ["1"]
    assert variants(newsroom) == before

    assert newsroom.deliver("articles/a.json") == DONE
    assert newsroom.deliver_media(event=event) == DONE
    assert variants(newsroom) == shown(newsroom) < before
    # Once more, as messages may come twice.
    assert newsroom.deliver_media(event=event) == DONE
    newsroom.work_off()
    newsroom.assert_converged()


@pytest.mark.parametrize(
    "key",
    [
        "index.html",
        "2026/05/index.html",
        "topics/harbour/index.html",
        "_index/2026/05.json",
        "_index/site.json",
        PAGE,
    ],
)
def test_a_sweep_waits_for_each_page_that_may_show_the_picture(
    newsroom: Newsroom, key: str
) -> None:
    upload(newsroom)
    digest = manifest(newsroom).digest
    publish(newsroom, "a", topics=["Harbour"], image=IMAGE)
    newsroom.deliver_media(put(newsroom, "blue"))
    newsroom.deliver("articles/a.json")
    found = newsroom.s3.get_object(Bucket=SITE, Key=key)["Body"].read()
    last = found[:-1] + b',"x":"' + digest.encode() + b'"}' if key.startswith("_") else found
    newsroom.s3.put_object(Bucket=SITE, Key=key, Body=last + digest.encode() * (last is found))
    etag = newsroom.s3.head_object(Bucket=SITE, Key="_media/2026/boat.jpg.json")["ETag"]
    event = {"sweep": {"name": "2026/boat.jpg", "manifest": etag}}
    records = [{"messageId": "1", "body": json.dumps(event)}]

    assert failed(newsroom.deliver_media(event={"Records": records})) == ["1"]
    assert digest in " ".join(variants(newsroom))


def test_nobody_begins_to_show_what_is_being_deleted(newsroom: Newsroom) -> None:
    publish(newsroom, "a", image=IMAGE)
    upload(newsroom)
    back: list[list[str]] = []

    def gate(name: str, params: dict[str, Any]) -> None:
        # Once the sweep begins to delete, the picture is as it was before again.
        if name == "DeleteObject" and params["Key"].startswith("media/") and not back:
            back.append([])
            back[0] += failed(newsroom.deliver_media(put(newsroom)))

    assert newsroom.deliver_media(put(newsroom, "blue")) == DONE
    newsroom.gate = gate
    newsroom.work_off()
    newsroom.gate = None

    assert back == [["0"]]
    assert newsroom.deliver_media(KEY) == DONE
    newsroom.work_off()
    assert shown(newsroom) == variants(newsroom) != set()
    newsroom.assert_converged()


def test_two_pictures_that_look_the_same_are_two(newsroom: Newsroom) -> None:
    other = "media/other.jpg"
    upload(newsroom)
    upload(newsroom, key=other)
    publish(newsroom, "a", image=IMAGE)
    publish(newsroom, "b", image=IMAGE | {"src": other})

    assert newsroom.deliver_media(remove(newsroom)) == DONE
    newsroom.work_off()

    assert shown(newsroom) == set()
    assert shown(newsroom, "articles/b/index.html") == variants(newsroom) != set()
    newsroom.assert_converged()


# What can't be published


def test_a_bad_upload_does_not_take_down_the_good_one(newsroom: Newsroom) -> None:
    upload(newsroom)
    publish(newsroom, "a", image=IMAGE)
    good = variants(newsroom)

    assert newsroom.deliver_media(newsroom.upload_bytes(KEY, b"<svg/>")) == DONE
    newsroom.work_off()

    assert shown(newsroom) == variants(newsroom) == good
    receipt = newsroom.receipt(KEY)
    assert receipt["status"] == "rejected"
    assert receipt["url"].endswith("/500.jpg")
    assert "SVG is never published" in receipt["errors"][0]["message"]
    newsroom.assert_converged()


def test_a_bad_upload_before_a_good_one_was_handled_leaves_the_good_one(newsroom: Newsroom) -> None:
    put(newsroom)
    newsroom.upload_bytes(KEY, b"no picture")
    assert newsroom.deliver_media(KEY) == DONE

    assert variants(newsroom)
    newsroom.assert_converged()


@pytest.mark.parametrize("body", [b"", b"<svg/>", b"x" * 100])
def test_what_was_never_good_is_not_published(newsroom: Newsroom, body: bytes) -> None:
    assert newsroom.deliver_media(newsroom.upload_bytes(KEY, body)) == DONE
    publish(newsroom, "a", image=IMAGE)

    assert variants(newsroom) == shown(newsroom) == set()
    assert status(newsroom, KEY) == "rejected"
    newsroom.assert_converged()


def test_what_is_too_large_is_refused(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "LARGEST", 100)
    assert newsroom.deliver_media(newsroom.upload_bytes(KEY, drawing() + bytes(100))) == DONE

    assert newsroom.receipt(KEY)["errors"] == [
        {"path": "", "message": "has more than 100 bytes; expected at most that"}
    ]


@pytest.mark.parametrize(
    "key",
    [
        "media/logo.svg",
        "media/boat",
        "media/boat.jpg.html",
        "media/.boat.jpg",
        "media/a.b/boat.jpg",
        "media/a b.jpg",
        "media/" + "a" * 200 + ".jpg",
        "media/ünder.jpg",
        "media/",
    ],
)
def test_a_key_that_no_picture_can_have_is_refused(newsroom: Newsroom, key: str) -> None:
    assert newsroom.deliver_media(put(newsroom, key=key)) == DONE

    receipt = newsroom.receipt(key)
    assert receipt["status"] == "rejected"
    assert "expected media/NAME.jpg" in receipt["errors"][0]["message"]
    assert variants(newsroom) == set()
    assert newsroom.deliver_media(remove(newsroom, key)) == DONE
    assert status(newsroom, key) == "removed"


def test_neither_function_answers_for_the_others_keys(newsroom: Newsroom) -> None:
    key = newsroom.upload("a")
    put(newsroom)

    assert newsroom.deliver_media(key, "site.json") == DONE
    assert newsroom.deliver(KEY) == DONE

    assert [k for k in newsroom.keys(SOURCE) if k.startswith("receipts/")] == ["receipts/site.json"]
    assert not [key for key in newsroom.site() if key.startswith(("articles/", "media/"))]


# Faults


def crashing(n: int) -> Callable[[str, dict[str, Any]], None]:
    """Dies at the n-th call."""
    seen = 0

    def gate(_name: str, _params: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == n:
            raise Crash

    return gate


def deliveries(newsroom: Newsroom) -> Iterator[str]:
    """What a newsroom does with a picture, one thing after the other."""
    yield put(newsroom)
    publish(newsroom, "a", topics=["Harbour"], image=IMAGE)
    yield put(newsroom, "blue")
    yield newsroom.upload_bytes(KEY, b"<svg/>")
    yield put(newsroom)
    yield remove(newsroom)
    yield put(newsroom, "green")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_at_any_call_is_made_up_for(newsroom: Newsroom, moment: str) -> None:
    points = 0
    for key in deliveries(newsroom):
        for n in range(1, 200):
            setattr(newsroom, "gate" if moment == "before" else "lose", crashing(n))
            try:
                newsroom.deliver_media(key)
            except Crash:
                points += 1
            else:
                break
            finally:
                newsroom.gate = newsroom.lose = None
        newsroom.work_off()
        newsroom.assert_converged()

    assert points > 50


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_at_any_call_of_a_sweep_is_made_up_for(newsroom: Newsroom, moment: str) -> None:
    publish(newsroom, "a", topics=["Harbour"], image=IMAGE)
    upload(newsroom)
    assert newsroom.deliver_media(put(newsroom, "blue")) == DONE
    assert newsroom.deliver("articles/a.json") == DONE
    etag = newsroom.s3.head_object(Bucket=SITE, Key="_media/2026/boat.jpg.json")["ETag"]
    event = {"sweep": {"name": "2026/boat.jpg", "manifest": etag}}
    for n in range(1, 100):
        setattr(newsroom, "gate" if moment == "before" else "lose", crashing(n))
        try:
            newsroom.deliver_media(event=event)
        except Crash:
            assert shown(newsroom) <= variants(newsroom)
        else:
            break
        finally:
            newsroom.gate = newsroom.lose = None
    newsroom.work_off()

    assert n > 20
    assert shown(newsroom) == variants(newsroom)
    newsroom.assert_converged()


def test_what_a_crash_left_of_a_picture_that_is_gone_is_swept(newsroom: Newsroom) -> None:
    newsroom.lose = crashing(8)
    with pytest.raises(Crash):
        newsroom.deliver_media(put(newsroom))
    newsroom.lose = None
    assert variants(newsroom)

    assert newsroom.deliver_media(remove(newsroom)) == DONE
    newsroom.work_off()

    assert variants(newsroom) == set()
    newsroom.assert_converged()


@pytest.mark.parametrize("key", [KEY, "_media/2026/boat.jpg.json", f"receipts/{KEY}"])
def test_what_fails_comes_again(newsroom: Newsroom, key: str) -> None:
    publish(newsroom, "a", image=IMAGE)
    newsroom.gate = refusing(key, times=1)

    assert failed(newsroom.deliver_media(put(newsroom))) == ["0"]

    assert newsroom.deliver_media(KEY) == DONE
    newsroom.work_off()
    assert shown(newsroom) == variants(newsroom) != set()
    newsroom.assert_converged()


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"])
def test_a_lost_race_for_the_manifest_is_run_again(newsroom: Newsroom, code: str) -> None:
    left = [code]

    def gate(name: str, params: dict[str, Any]) -> None:
        if name == "PutObject" and params["Key"].startswith("_media/") and left:
            raise refused(name, left.pop())

    newsroom.gate = gate

    assert newsroom.deliver_media(put(newsroom)) == DONE
    newsroom.assert_converged()


def test_another_upload_at_any_call_is_not_lost(newsroom: Newsroom) -> None:
    """The slower of two invocations leaves what is there now, not what it has read."""
    publish(newsroom, "a", image=IMAGE)
    colours = ("red", "green", "blue", "white")
    for n in range(1, 100):
        seen = 0

        def gate(_name: str, _params: dict[str, Any], n: int = n) -> None:
            nonlocal seen
            seen += 1
            if seen == n:
                newsroom.deliver_media(put(newsroom, colours[(n + 1) % 4]))

        newsroom.gate = gate
        again = failed(newsroom.deliver_media(put(newsroom, colours[n % 4])))
        newsroom.gate = None
        if again:
            newsroom.deliver_media(KEY)
        if seen < n:
            break
        newsroom.work_off()
        assert shown(newsroom) == variants(newsroom) != set()
        newsroom.assert_converged()

    assert n > 10


def test_a_picture_replaced_at_any_call_of_a_publish_is_shown(newsroom: Newsroom) -> None:
    for n in range(1, 100, 2):
        # Pictures and articles of their own, whose marks are not there yet.
        key = upload(newsroom, key=f"media/{n}.jpg")
        seen = 0

        def gate(_name: str, _params: dict[str, Any], n: int = n, key: str = key) -> None:
            nonlocal seen
            seen += 1
            if seen == n:
                newsroom.deliver_media(put(newsroom, "blue", key))

        newsroom.gate = gate
        publish(newsroom, f"a/{n}", image=IMAGE | {"src": key})
        newsroom.gate = None
        newsroom.work_off()
        there = {variant for variant in variants(newsroom) if variant.startswith(key)}
        assert shown(newsroom, f"articles/a/{n}/index.html") == there != set()
        if seen < n:
            break

    assert n > 20
    newsroom.assert_converged()


def test_a_deletion_at_any_call_is_not_lost(newsroom: Newsroom) -> None:
    """What is gone was gone before as well: nothing tells that it was there in between."""
    publish(newsroom, "a", image=IMAGE)
    for n in range(1, 100):
        seen = 0

        def gate(_name: str, _params: dict[str, Any], n: int = n) -> None:
            nonlocal seen
            seen += 1
            if seen == n:
                newsroom.deliver_media(remove(newsroom))

        newsroom.gate = gate
        again = failed(newsroom.deliver_media(put(newsroom)))
        newsroom.gate = None
        if again:
            newsroom.deliver_media(KEY)
        newsroom.work_off()
        if seen < n:
            break
        assert shown(newsroom) == variants(newsroom) == set()
        newsroom.assert_converged()

    assert n > 10


def test_an_unreadable_manifest_is_made_anew(newsroom: Newsroom) -> None:
    upload(newsroom)
    newsroom.s3.put_object(Bucket=SITE, Key="_media/2026/boat.jpg.json", Body=b"[")
    publish(newsroom, "a", image=IMAGE)
    assert shown(newsroom) == set()

    assert newsroom.deliver_media(KEY) == DONE
    newsroom.work_off()

    assert shown(newsroom) == variants(newsroom) != set()
    newsroom.assert_converged()


def test_a_message_that_is_none_goes_to_the_dead_letters(newsroom: Newsroom) -> None:
    event = {"Records": [{"messageId": "1", "body": '{"sweep": 1}'}]}

    assert failed(newsroom.deliver_media(event=event)) == ["1"]


def test_without_its_queues_the_function_says_so(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIA_QUEUE_URL", "")

    with pytest.raises(SettingsError, match="QUEUE_URL"):
        newsroom.deliver_media(KEY)
