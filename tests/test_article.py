"""Article JSON: every field from both sides of its limits, and what its errors say."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from broadsheet.article import (
    BODY_BYTES,
    OBJECT_BYTES,
    Article,
    Author,
    Correction,
    Image,
    Review,
    Source,
    Topic,
    is_later,
)
from broadsheet.errors import InvalidError
from tests.newsroom import article

LONGEST_URL = "https://x.example/" + "a" * (2048 - len("https://x.example/"))


def parse(**fields: Any) -> Article:
    return Article.parse("2026/05/ferry", json.dumps(article(**fields)).encode())


def problems_of(data: bytes) -> dict[str, str]:
    with pytest.raises(InvalidError) as caught:
        Article.parse("a", data)
    found = {problem.path: problem.message for problem in caught.value.problems}
    assert all("expected" in message for message in found.values())
    return found


def problems(**fields: Any) -> dict[str, str]:
    return problems_of(json.dumps(article(**fields)).encode())


def test_four_fields_are_enough() -> None:
    assert parse() == Article(
        path="2026/05/ferry",
        title="Ferry runs again",
        summary="The ferry is back after a week of repairs.",
        body="The ferry *runs* again.",
        published_at=datetime(2026, 5, 4, 7, 30, tzinfo=UTC),
        ai_disclosure="none",
        status="published",
    )


def test_every_field_is_read() -> None:
    read = parse(
        **{"$schema": "https://news.example/article.schema.json"},
        updated_at="2026-05-04T08:00:00Z",
        authors=[{"name": "Ines"}, {"name": "Jo", "url": "https://jo.example"}],
        topics=["Harbour & Ferries", "Straße"],
        source={"title": "Log", "url": "http://x.example", "author": "A", "publisher": "P"},
        ai_disclosure="rewritten",
        human_review={"by": " Ines  Callowhay ", "at": "2026-05-04T07:00:00Z"},
        image={"src": "media/boat.jpg", "alt": "A boat", "caption": "C", "credit": "D"},
        language="pt-BR",
        corrections=[{"at": "2026-05-05T00:00:00+01:00", "text": "Not red."}],
        status="withdrawn",
        aliases=["/2012/old/", "older"],
    )
    assert read.updated_at == datetime(2026, 5, 4, 8, tzinfo=UTC)
    assert read.authors == (Author("Ines"), Author("Jo", "https://jo.example"))
    assert read.topics == (
        Topic("harbour-ferries", "Harbour & Ferries"),
        Topic("strasse", "Straße"),
    )
    assert read.source == Source("Log", "http://x.example", "A", "P")
    assert read.ai_disclosure == "rewritten"
    assert read.human_review == Review("Ines Callowhay", datetime(2026, 5, 4, 7, tzinfo=UTC))
    assert read.image == Image("media/boat.jpg", "A boat", "C", "D")
    assert read.language == "pt-BR"
    moment = datetime(2026, 5, 5, tzinfo=timezone(timedelta(hours=1)))
    assert read.corrections == (Correction(moment, "Not red."),)
    assert read.status == "withdrawn"
    assert read.aliases == ("/2012/old/", "older")


ACCEPTED: list[dict[str, Any]] = [
    {"$schema": ""},
    {"$schema": "x" * 2048},
    {"title": "x"},
    {"title": "x" * 300},
    {"title": "😀" * 300},
    {"summary": "x" * 1000},
    {"body": "x"},
    {"body": "x" * BODY_BYTES},
    {"body": "é" * (BODY_BYTES // 2)},
    {"published_at": "1000-01-01T00:00:00+23:59"},
    {"published_at": "9998-12-31T23:59:59-23:59"},
    {"published_at": "2024-02-29T00:00:00Z"},
    {"published_at": "2026-05-04t09:30:00z"},
    {"published_at": "2026-05-04T09:30:00-00:00"},
    {"published_at": "2026-05-04T09:30:00.1+05:45"},
    {"published_at": "2026-05-04T09:30:00.123456789Z"},
    {"published_at": f"2026-05-04T09:30:00.{'1' * 43}Z"},
    {"authors": []},
    {"authors": [{"name": "x" * 200, "url": LONGEST_URL}] * 50},
    {"topics": []},
    {"topics": ["x" * 100, *"abcdefghi"]},
    {"topics": ["😀"]},
    {"source": {"title": "x" * 300, "url": LONGEST_URL}},
    {"source": {"title": "x", "url": "https://x.example", "author": "x" * 200}},
    {"source": {"title": "x", "url": "https://x.example", "publisher": "x" * 200}},
    {"source": {"title": "x", "url": "https://[::1]:80/a?b=c&d=ü#e"}},
    {"image": {"src": "https://x.example/a.png", "alt": ""}},
    {"image": {"src": "media/2026/a_b.c-d.jpg", "alt": "x" * 1000}},
    {"image": {"src": "media/a", "alt": "", "width": 1, "height": 100_000}},
    {"image": {"src": "media/a", "alt": "", "caption": "x" * 1000, "credit": "x" * 300}},
    *(
        {"language": tag}
        for tag in "en de-AT zh-Hant-TW sr-Latn es-419 en-x-lantern x-y-z".split()
        if tag != "x-y-z"
    ),
    {"language": "de-DE-u-co-phonebk"},
    {"corrections": [{"at": "2020-01-01T00:00:00Z", "text": "x" * 2000}] * 100},
    *({"status": status} for status in ("published", "draft", "withdrawn")),
    *({"ai_disclosure": value} for value in ("none", "assisted", "rewritten", "generated")),
    {"aliases": ["/a/%C3%BC/", "x" * 512, *(["/a"] * 18)]},
]


@pytest.mark.parametrize("fields", ACCEPTED, ids=lambda fields: str(fields)[:50])
def test_what_is_within_the_limits_is_accepted(fields: dict[str, Any]) -> None:
    parse(**fields)


URLS = [
    "",
    "x.example",
    "//x.example",
    "/a",
    "ftp://x.example",
    "HTTP://x.example",
    "https://",
    "https:///a",
    "https://x y.example",
    "https://x.example/a b",
    "https://x.example/\n",
    'https://x.example/"',
    "https://x.example/'",
    "https://x.example/<b>",
    "https://x.example\\@evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    LONGEST_URL + "a",
]
DATES = [
    "",
    "soon",
    "2026-05-04",
    "2026-05-04T09:30:00",
    "2026-05-04 09:30:00Z",
    "2026-05-04T09:30Z",
    "2026-05-04T09:30:00,5Z",
    "2026-05-04T09:30:00.Z",
    "2026-05-04T09:30:00+0200",
    "2026-05-04T09:30:00+02",
    "2026-05-04T09:30:00+24:00",
    "2026-05-04T09:30:00+02:60",
    "2026-05-04T24:00:00Z",
    "2026-05-04T09:60:00Z",
    "2026-05-04T23:59:60Z",
    "2026-00-04T09:30:00Z",
    "2026-13-04T09:30:00Z",
    "2026-05-00T09:30:00Z",
    "2026-05-32T09:30:00Z",
    "2026-02-30T09:30:00Z",
    "2026-02-29T09:30:00Z",
    "2026-04-31T09:30:00Z",
    "0000-05-04T09:30:00Z",
    "0999-12-31T23:59:59Z",
    "9999-01-01T00:00:00Z",
    "12026-05-04T09:30:00Z",
    "26-05-04T09:30:00Z",
    "２０２６-05-04T09:30:00Z",
    "2026-05-04T09:30:00Z\n",
    " 2026-05-04T09:30:00Z",
    "20260504T093000Z",
    "2026-W19-1T09:30:00Z",
    "1777879800",
    f"2026-05-04T09:30:00.{'1' * 44}Z",
]
LANGUAGES = ["", "e", "en_GB", "en-", "-en", "en GB", "abcdefghi", "12", "en-12345678901", "en\n"]
MOMENT = "2026-05-05T00:00:00Z"

REJECTED: list[tuple[str, dict[str, Any]]] = [
    ("/$schema", {"$schema": "x" * 2049}),
    *(("/title", {"title": text}) for text in ("", " ", "\n", "\u3000", "x" * 301, "😀" * 301)),
    *(("/summary", {"summary": text}) for text in ("", " ", "x" * 1001)),
    *(("/body", {"body": text}) for text in ("", " \n", "x" * (BODY_BYTES + 1))),
    ("/body", {"body": "é" * (BODY_BYTES // 2) + "x"}),
    *(("/published_at", {"published_at": date}) for date in DATES),
    *(("/updated_at", {"updated_at": date}) for date in DATES),
    *(
        (
            "/corrections/1/at",
            {"corrections": [{"at": MOMENT, "text": "x"}, {"at": d, "text": "x"}]},
        )
        for d in DATES
    ),
    ("/corrections", {"corrections": [{"at": MOMENT, "text": "x"}] * 101}),
    ("/corrections/0/at", {"corrections": [{"text": "x"}]}),
    ("/corrections/0/text", {"corrections": [{"at": MOMENT}]}),
    ("/corrections/0/text", {"corrections": [{"at": MOMENT, "text": " "}]}),
    ("/corrections/0/text", {"corrections": [{"at": MOMENT, "text": "x" * 2001}]}),
    ("/corrections/0/by", {"corrections": [{"at": MOMENT, "text": "x", "by": "x"}]}),
    ("/authors", {"authors": [{"name": "x"}] * 51}),
    ("/authors/0/name", {"authors": [{}]}),
    ("/authors/0/name", {"authors": [{"name": ""}]}),
    ("/authors/1/name", {"authors": [{"name": "x"}, {"name": "x" * 201}]}),
    *(("/authors/0/url", {"authors": [{"name": "x", "url": url}]}) for url in URLS),
    ("/authors/0/twitter", {"authors": [{"name": "x", "twitter": "x"}]}),
    ("/topics", {"topics": list("abcdefghijk")}),
    *(("/topics/1", {"topics": ["a", label]}) for label in ("", " ", "!!!", "\u200b", "x" * 101)),
    ("/topics/0", {"topics": ["한" * 100]}),
    ("/source/title", {"source": {"url": "https://x.example"}}),
    ("/source/title", {"source": {"title": "", "url": "https://x.example"}}),
    ("/source/title", {"source": {"title": "x" * 301, "url": "https://x.example"}}),
    ("/source/url", {"source": {"title": "x"}}),
    *(("/source/url", {"source": {"title": "x", "url": url}}) for url in URLS),
    *(
        (f"/source/{name}", {"source": {"title": "x", "url": "https://x.example", name: text}})
        for name in ("author", "publisher")
        for text in ("", " ", "x" * 201)
    ),
    ("/source/date", {"source": {"title": "x", "url": "https://x.example", "date": MOMENT}}),
    ("/image/src", {"image": {"alt": ""}}),
    ("/image/alt", {"image": {"src": "media/a.jpg"}}),
    ("/image/alt", {"image": {"src": "media/a.jpg", "alt": "x" * 1001}}),
    *(("/image/src", {"image": {"src": url, "alt": ""}}) for url in URLS),
    *(
        ("/image/src", {"image": {"src": src, "alt": ""}})
        for src in ("media/", "media/../a", "media//a", "media/.a", "/media/a", "a", "media/a b")
    ),
    ("/image/caption", {"image": {"src": "media/a", "alt": "", "caption": ""}}),
    ("/image/caption", {"image": {"src": "media/a", "alt": "", "caption": "x" * 1001}}),
    ("/image/credit", {"image": {"src": "media/a", "alt": "", "credit": "x" * 301}}),
    ("/human_review/at", {"human_review": {"by": "A"}}),
    ("/human_review/by", {"human_review": {"at": "2026-05-04T07:00:00Z"}}),
    ("/human_review/by", {"human_review": {"by": " ", "at": "2026-05-04T07:00:00Z"}}),
    ("/human_review/at", {"human_review": {"by": "A", "at": "2026-02-30T07:00:00Z"}}),
    ("/human_review/on", {"human_review": {"by": "A", "at": "2026-05-04T07:00:00Z", "on": "x"}}),
    *(
        (f"/image/{side}", {"image": {"src": "media/a", "alt": "", side: value}})
        for side in ("width", "height")
        for value in (0, -1, 100_001, 1.5, "1", 10**30)
    ),
    *(("/language", {"language": tag}) for tag in LANGUAGES),
    *(("/status", {"status": status}) for status in ("", "live", "Published", "deleted")),
    *(("/ai_disclosure", {"ai_disclosure": value}) for value in ("", "None", "yes")),
    ("/aliases", {"aliases": ["/a"] * 21}),
    *(
        ("/aliases/0", {"aliases": [alias]})
        for alias in ("", "a b", "/a?b", "/a#b", "/ü", "<a>", '"', "\\a", "x" * 513)
    ),
]


@pytest.mark.parametrize(("path", "fields"), REJECTED, ids=lambda value: str(value)[:60])
def test_what_is_beyond_them_is_named_by_its_pointer_alone(
    path: str, fields: dict[str, Any]
) -> None:
    assert list(problems(**fields)) == [path]


WRONG_TYPES: list[Any] = [None, True, 0, -1.5, "x" * 4, ["x"], {"x": 1}]
TYPES = {
    "string": (str, "$schema title summary body published_at updated_at language status".split()),
    "array": (list, "authors topics corrections aliases".split()),
    "object": (dict, "source image human_review".split()),
    "one of": (str, ["ai_disclosure"]),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for kind, names in TYPES.values()
        for name in names
        for value in WRONG_TYPES
        if not isinstance(value, kind)
    ],
)
def test_a_wrong_type_is_named_where_it_stands(name: str, value: Any) -> None:
    data = json.dumps(article() | {name: value}).encode()
    (found,) = problems_of(data).items()
    assert found[0] == f"/{name}"
    assert found[1].startswith(
        (
            "is null;",
            "is a boolean;",
            "is a number;",
            "is a string;",
            "is an array;",
            "is an object;",
        )
    )


@pytest.mark.parametrize("value", [value for value in WRONG_TYPES if not isinstance(value, dict)])
@pytest.mark.parametrize("name", ["authors", "corrections"])
def test_a_wrong_type_within_a_list_is_named_by_its_place(name: str, value: Any) -> None:
    assert list(problems(**{name: [value]})) == [f"/{name}/0"]


@pytest.mark.parametrize("value", [value for value in WRONG_TYPES if not isinstance(value, str)])
@pytest.mark.parametrize(
    ("path", "wrap"),
    [
        ("/topics/0", lambda v: {"topics": [v]}),
        ("/aliases/0", lambda v: {"aliases": [v]}),
        ("/authors/0/name", lambda v: {"authors": [{"name": v}]}),
        ("/authors/0/url", lambda v: {"authors": [{"name": "x", "url": v}]}),
        ("/source/title", lambda v: {"source": {"title": v, "url": "https://x.example"}}),
        ("/source/url", lambda v: {"source": {"title": "x", "url": v}}),
        ("/image/src", lambda v: {"image": {"src": v, "alt": ""}}),
        ("/image/alt", lambda v: {"image": {"src": "media/a", "alt": v}}),
        ("/corrections/0/at", lambda v: {"corrections": [{"at": v, "text": "x"}]}),
        ("/corrections/0/text", lambda v: {"corrections": [{"at": MOMENT, "text": v}]}),
    ],
)
def test_a_wrong_type_deeper_down_likewise(path: str, wrap: Any, value: Any) -> None:
    assert list(problems(**wrap(value))) == [path]


@pytest.mark.parametrize("data", [b"null", b"true", b"1", b'"x"', b"[]", b"[{}]"])
def test_an_article_is_an_object(data: bytes) -> None:
    assert problems_of(data)[""].endswith("expected an article: one JSON object")


@pytest.mark.parametrize("name", ["title", "summary", "body", "published_at"])
def test_a_required_field_that_is_missing_is_named(name: str) -> None:
    found = problems(**{name: None})
    assert list(found) == [f"/{name}"]
    assert found[f"/{name}"].startswith("is missing; expected ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("titel", "title"),
        ("Title", "title"),
        ("sumary", "summary"),
        ("publishedAt", "published_at"),
        ("author", "authors"),
        ("tpoics", "topics"),
        ("correction", "corrections"),
        ("schema", "$schema"),
    ],
)
def test_an_unknown_field_is_told_what_was_meant(name: str, meant: str) -> None:
    message = problems(**{name: "x"})[f"/{name}"]
    assert message.startswith(f"is not a known field; did you mean {meant}?; expected one of: ")


def test_an_unknown_field_like_no_other_is_named_with_all_that_are_known() -> None:
    message = problems(qqq=1)["/qqq"]
    assert message.startswith("is not a known field; expected one of: $schema, title, summary, ")
    assert message.endswith("status, aliases")


def test_messages_say_what_is_wrong_and_what_is_expected() -> None:
    assert problems(title="x" * 301, published_at="yesterday", topics=["?"], authors=[1]) == {
        "/title": "has 301 characters; expected a title of 1 to 300 characters",
        "/published_at": 'is "yesterday"; expected an RFC 3339 date and time with an offset,'
        " such as 2026-05-04T09:30:00+02:00",
        "/topics/0": 'is "?"; expected a label whose slug has 1 to 200 letters and digits',
        "/authors/0": "is a number; expected an object with a name and, optionally, a url",
    }
    assert problems(published_at="2026-02-30T00:00:00Z") == {
        "/published_at": 'is "2026-02-30T00:00:00Z"; expected a date and time that exist'
    }
    assert problems(published_at="0999-01-01T00:00:00Z") == {
        "/published_at": 'is "0999-01-01T00:00:00Z"; expected a year from 1000 to 9998'
    }
    assert problems(body="é" * BODY_BYTES) == {
        "/body": "has 2,097,152 bytes; expected at most 1,048,576"
    }


def test_a_message_shows_long_and_dangerous_values_cut_and_escaped() -> None:
    message = problems(status="\u202e" + "x" * 10_000)["/status"]
    assert "\u202e" not in message
    assert len(message) < 200


def test_all_mistakes_are_told_at_once_in_the_order_of_their_pointers() -> None:
    data = b"""{
        "title": "", "summary": NaN, "title": "x", "published_at": "2026-02-30T00:00:00Z",
        "updated_at": "never", "topics": ["ok", "!!!", 3], "corrections": [{"at": "x"}],
        "source": {"url": "javascript:x"}, "image": [], "languag": "en", "status": "\\ud800"
    }"""
    found = list(problems_of(data))
    assert found == sorted(
        [
            "/title",
            "/summary",
            "/body",
            "/published_at",
            "/updated_at",
            "/topics/1",
            "/topics/2",
            "/corrections/0/at",
            "/corrections/0/text",
            "/source/title",
            "/source/url",
            "/image",
            "/languag",
            "/status",
        ]
    )


def test_the_error_says_all_of_them_in_one_line() -> None:
    with pytest.raises(InvalidError) as caught:
        parse(title="", summary="")
    assert str(caught.value) == (
        "/summary: is empty; expected a summary of 1 to 1,000 characters;"
        " /title: is empty; expected a title of 1 to 300 characters"
    )


class TestText:
    """What is no strict JSON is no article, however good the rest."""

    GOOD = json.dumps(article()).encode()

    def with_title(self, value: bytes) -> bytes:
        return self.GOOD.replace(b'"Ferry runs again"', value)

    @pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity"])
    def test_no_number_at_all(self, value: bytes) -> None:
        assert list(problems_of(self.with_title(value))) == ["/title"]

    @pytest.mark.parametrize("value", [b"1e999", b"-1e999", b"9" * 5000, b"-" + b"9" * 5000])
    def test_a_huge_number_is_a_number(self, value: bytes) -> None:
        assert problems_of(self.with_title(value)) == {
            "/title": "is a number; expected a title of 1 to 300 characters"
        }

    def test_a_lone_surrogate(self) -> None:
        assert list(problems_of(self.with_title(b'"\\ud800"'))) == ["/title"]

    def test_a_lone_surrogate_does_not_make_other_texts_longer(self) -> None:
        data = json.dumps(article(title="😀" * 300, summary="\ud800")).encode()
        assert list(problems_of(data)) == ["/summary"]

    def test_a_lone_surrogate_in_a_topic(self) -> None:
        assert list(problems(topics=["\udc00", "Ferries"])) == ["/topics/0"]

    def test_a_control_character(self) -> None:
        assert list(problems(body="a\x00b")) == ["/body"]

    def test_a_duplicate_key(self) -> None:
        data = self.GOOD[:-1] + b', "title": "Ferry runs again"}'
        assert problems_of(data) == {"/title": "is given more than once; expected it once"}

    def test_a_duplicate_key_deeper_down(self) -> None:
        data = self.GOOD[:-1] + b', "authors": [{"name": "x", "name": "y"}]}'
        assert list(problems_of(data)) == ["/authors/0/name"]

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
    def test_another_encoding(self, encoding: str) -> None:
        text = json.dumps(article(title="Fünf"), ensure_ascii=False)
        assert list(problems_of(text.encode(encoding))) == [""]

    def test_every_truncation(self) -> None:
        for length in range(len(self.GOOD)):
            assert list(problems_of(self.GOOD[:length])) == [""]

    @pytest.mark.parametrize("value", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000])
    def test_deep_nesting(self, value: bytes) -> None:
        assert list(problems_of(self.with_title(value))) == [""]


@pytest.mark.parametrize(
    ("published_at", "updated_at"),
    [
        ("2026-05-04T09:30:00+02:00", "2026-05-04T07:30:00Z"),
        ("2026-05-04T09:30:00+02:00", "2026-05-04T03:30:00-04:00"),
        ("2026-05-04T23:30:00-02:00", "2026-05-05T01:30:00Z"),
        ("2026-05-04T09:30:00.5Z", "2026-05-04T09:30:00.500Z"),
    ],
)
def test_updated_at_may_be_the_same_instant_by_another_clock(
    published_at: str, updated_at: str
) -> None:
    parse(published_at=published_at, updated_at=updated_at)


@pytest.mark.parametrize(
    ("published_at", "updated_at"),
    [
        ("2026-05-04T09:30:00+02:00", "2026-05-04T07:29:59Z"),
        ("2026-05-04T09:30:00Z", "2026-05-04T10:30:00+02:00"),
        ("2026-05-04T23:30:00-02:00", "2026-05-05T01:29:59.9Z"),
    ],
)
def test_updated_at_may_not_be_earlier(published_at: str, updated_at: str) -> None:
    assert problems(published_at=published_at, updated_at=updated_at) == {
        "/updated_at": f"is before published_at; expected {published_at} or later"
    }


def test_labels_of_one_slug_are_one_topic_spelt_as_the_first() -> None:
    labels = ["Crème  brûlée", "CREME BRULEE", "Ferries", "creme-brulee", "ferries!"]
    assert parse(topics=labels).topics == (
        Topic("creme-brulee", "Crème brûlée"),
        Topic("ferries", "Ferries"),
    )


def test_texts_on_one_line_have_their_white_space_collapsed() -> None:
    read = parse(
        title=" Ferry\n runs\tagain ",
        summary="a\u00a0 b",
        authors=[{"name": " Ines  C "}],
        source={"title": "a\r\nb", "url": "https://x.example", "author": " a  b "},
        image={"src": "media/a", "alt": " a  b "},
        corrections=[{"at": MOMENT, "text": "a\n\nb"}],
    )
    assert (read.title, read.summary) == ("Ferry runs again", "a b")
    assert read.authors == (Author("Ines C"),)
    assert read.source == Source("a b", "https://x.example", "a b")
    assert read.image == Image("media/a", "a b")
    assert read.corrections[0].text == "a b"


def test_the_body_is_as_it_was_uploaded() -> None:
    body = "  # A\r\n\r\n\tcode  \n\n"
    assert parse(body=body).body == body


def test_every_field_at_its_limit_fits_in_an_upload_however_it_is_escaped() -> None:
    longest: dict[str, Any] = {
        "$schema": "x" * 2048,
        "title": "😀" * 300,
        "summary": "😀" * 1000,
        "body": "x" * BODY_BYTES,
        "authors": [{"name": "😀" * 200, "url": LONGEST_URL}] * 50,
        "topics": ["x" * 100] * 10,
        "source": {"title": "😀" * 300, "url": LONGEST_URL, "author": "😀" * 200},
        "image": {"src": LONGEST_URL, "alt": "😀" * 1000, "caption": "😀" * 1000},
        "corrections": [{"at": MOMENT, "text": "😀" * 2000}] * 100,
        "aliases": ["x" * 512] * 20,
    }
    text = json.dumps(article(**longest), separators=(",", ":"))
    escaped = re.sub("(?<=[x/a-z])[xa]", lambda match: f"\\u{ord(match[0]):04x}", text)
    assert len(escaped) > 6 * BODY_BYTES
    assert len(escaped) <= OBJECT_BYTES
    assert Article.parse("a", escaped.encode()).body == longest["body"]


def test_a_moment_is_later_only_than_one_that_can_be_read() -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    late = (early + timedelta(seconds=1)).isoformat()
    assert is_later(late, early.isoformat())
    assert not is_later(late, "x")
    assert not is_later("2026-01-01T00:00:00", early.isoformat())
