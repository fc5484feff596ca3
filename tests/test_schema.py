"""The published JSON Schemas: valid themselves, and saying what the validator does.

An independent validator reads them here. JSON Schema takes regular expressions in ECMA-262's
dialect, in which $ is the very end and digits and white space are fewer than in Python's; the
checker of patterns given to that validator follows it.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from broadsheet.article import Article
from broadsheet.errors import InvalidError
from broadsheet.site_config import SiteConfig
from broadsheet.validation import MOST_PROBLEMS, pointer
from tests.newsroom import article

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVENTS = Path(__file__).parent.parent / "events"
REJECTED = {
    "date-without-offset": {"/published_at"},
    "duplicate-key": {"/title"},
    "missing-title": {"/title"},
    "not-json": {""},
    "several-mistakes": {
        "/title",
        "/summary",
        "/body",
        "/published_at",
        "/updated_at",
        "/authors/0/twitter",
        "/topics",
        "/ai_disclosure",
        "/image/alt",
        "/corrections/0/text",
        "/status",
        "/source/url",
    },
    "unknown-field": {"/sumary"},
    "updated-before-published": {"/updated_at"},
    "wrong-types": {"/topics", "/authors/0"},
}
# What a schema can't say, by the end of the message.
BEYOND = (
    "expected a date and time that exist",
    "expected a year from 1000 to 9998",
    "or later",
    "expected later than ",
    "expected at most 1,048,576",
    "expected a label whose slug has 1 to 200 letters and digits",
    "expected text without it",
    "expected an IANA time zone, such as Europe/Berlin",
)
SPACE = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def schema(name: str) -> dict[str, Any]:
    text = files("broadsheet").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def ecma(pattern: str) -> re.Pattern[str]:
    """A pattern of ECMA-262 as Python writes it, as far as the schemas use any."""
    python = pattern.replace(r"\d", "[0-9]").replace(r"\S", f"[^{SPACE}]").replace(r"\s", SPACE)
    return re.compile(re.sub(r"\$(?=$|\|)", r"\\Z", python))


def check_pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not ecma(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


INDEPENDENT = validators.extend(  # type: ignore[no-untyped-call]  # its types lack this one
    Draft202012Validator, {"pattern": check_pattern}
)
VALIDATORS = {name: INDEPENDENT(schema(name)) for name in ("article", "site")}


def independent(name: str, document: Any) -> set[str]:
    """The pointers at which an independent validator finds fault."""
    found = set()
    for error in VALIDATORS[name].iter_errors(document):
        steps = list(error.absolute_path)
        if error.validator == "required":
            missing = [n for n in error.validator_value if n not in error.instance]
            found |= {pointer(*steps, n) for n in missing}
        elif error.validator == "additionalProperties":
            known = error.schema["properties"]
            found |= {pointer(*steps, n) for n in error.instance if n not in known}
        else:
            found.add(pointer(*steps))
    return found


def parse_article(data: bytes) -> object:
    return Article.parse("a", data)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "article": parse_article,
    "site": SiteConfig.parse,
}


def ours(name: str, data: bytes) -> dict[str, list[str]]:
    """The pointers at which the package finds fault, each with its messages."""
    found: dict[str, list[str]] = {}
    try:
        PARSERS[name](data)
    except InvalidError as error:
        for problem in error.problems:
            found.setdefault(problem.path, []).append(problem.message)
    return found


def agree(name: str, document: Any) -> None:
    theirs, found = independent(name, document), ours(name, json.dumps(document).encode())
    assert theirs <= set(found) or len(found) >= MOST_PROBLEMS
    for path in set(found) - theirs:
        for message in found[path]:
            assert any(expected in message for expected in BEYOND), (path, message)


# Values of every field, on both sides of every limit

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
ODD_TEXT = st.sampled_from(
    ["", " ", "\n", "\u3000", "\ufeff", "\u200b", "!!!", "x\n", "\x00", "é", "😀", "\u2028", "\x1c"]
)
WRONG = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
)


def text(longest: int) -> st.SearchStrategy[Any]:
    edges = st.sampled_from(
        ["x" * longest, "x" * (longest + 1), "😀" * longest, "é" * (longest + 1)]
    )
    return ODD_TEXT | TEXT | edges


def items(item: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    edges = st.builds(lambda value, count: [value] * count, item, st.sampled_from([most, most + 1]))
    return st.lists(item, max_size=3) | edges


def record(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    """An object that has most of its fields, some of them wrong, and now and then another one."""
    fields = {name: st.just(...) | value | value | WRONG for name, value in required.items()}
    others = {name: value | value | WRONG for name, value in optional.items()}
    unknown = st.dictionaries(st.sampled_from(["titel", "a/b~c", "", "URL"]), WRONG, max_size=1)
    whole = st.fixed_dictionaries(fields, optional=others)
    return st.builds(
        lambda known, more: {n: v for n, v in known.items() if v is not ...} | more,
        whole,
        st.just({}) | unknown,
    )


PLACES = st.sampled_from(
    ["x.example", "", "x y", "[::1]:80", "ü.example", "x\\y", "x'y", "x\n", "?"]
)
URL = st.builds(
    lambda scheme, place, rest: scheme + place + rest,
    st.sampled_from(["https://", "http://", "javascript:", "//", "", "HTTPS://", "media/", "/"]),
    PLACES,
    st.sampled_from(["", "/", "/a?b=c#d", '/"', "/<b>", "/\n", "/a b", "/ü", "/`", "/{}", "/../a"]),
) | st.sampled_from(["https://x/" + "a" * 2038, "https://x/" + "a" * 2039, "/", "media/a.jpg"])
OFFSETS = st.sampled_from(["Z", "z", "+02:00", "-23:59", "+24:00", "+00:60", "", "+0200", "Z\n"])
DATE = st.builds(
    lambda year, month, day, t, clock, part, offset: (
        f"{year}-{month}-{day}{t}{clock}{part}{offset}"
    ),
    st.sampled_from(["2026", "2024", "1000", "0999", "9998", "9999", "0000", "26", "２０２６"]),
    st.sampled_from(["01", "02", "12", "00", "13"]),
    st.sampled_from(["01", "28", "29", "30", "31", "00", "32"]),
    st.sampled_from(["T", "T", "t", " "]),
    st.sampled_from(["00:00:00", "23:59:59", "24:00:00", "23:60:00", "23:59:60", "9:00:00"]),
    st.sampled_from(["", "", ".1", ".123456789", ".", ",5", "." + "1" * 43, "." + "1" * 44]),
    OFFSETS,
) | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
LANGUAGE = st.sampled_from(
    "en de-AT zh-Hant-TW es-419 en-x-lantern de-DE-u-co-phonebk zh-cmn-Hans-CN sl-rozaj-biske"
    " de-CH-1901 e en_GB en- -en 12 abcdefghi en-a i-klingon x-y en\n".split(" ")
) | text(64)
ARTICLE = record(
    {
        "title": text(300),
        "summary": text(1000),
        "body": TEXT | ODD_TEXT,
        "published_at": DATE,
    },
    {
        "$schema": text(2048),
        "updated_at": DATE,
        "expires_at": DATE,
        "preview_until": DATE,
        "expiry": st.sampled_from(["unlist", "remove", "delete", ""]),
        "authors": items(record({"name": text(200)}, {"url": URL}), 50),
        "topics": items(text(100), 10),
        "source": record(
            {"title": text(300), "url": URL}, {"author": text(200), "publisher": text(200)}
        ),
        "ai_disclosure": st.sampled_from(["none", "assisted", "rewritten", "generated", "", "No"]),
        "human_review": record({"by": text(200), "at": DATE}, {}),
        "image": record(
            {"src": URL, "alt": text(1000)}, {"caption": text(1000), "credit": text(300)}
        ),
        "language": LANGUAGE,
        "corrections": items(record({"at": DATE, "text": text(2000)}, {}), 100),
        "status": st.sampled_from(["published", "draft", "withdrawn", "live", ""]),
        "aliases": items(
            st.sampled_from(
                ["/old/", "a%20b", "/a b", "/ü", "/a?b", "x" * 512, "x" * 513, "", "a\n"]
            ),
            20,
        ),
    },
)
SITE = record(
    {},
    {
        "$schema": text(2048),
        "name": text(100),
        "description": text(300),
        "language": LANGUAGE,
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Mars", "..", "", "x" * 64, "x" * 65]),
        "publisher": record({"name": text(200)}, {"url": URL, "logo": URL}),
        "links": items(record({"title": text(100), "url": URL}, {}), 20),
        "ai_policy_url": URL,
    },
)


@pytest.mark.parametrize("name", ["article", "site"])
def test_a_schema_is_valid_draft_2020_12(name: str) -> None:
    found = schema(name)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(found)


@pytest.mark.parametrize("name", ["article", "site"])
def test_every_rule_says_what_it_expects(name: str) -> None:
    def rules(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield rule
        for inner in [*rule.get("properties", {}).values(), *filter(None, [rule.get("items")])]:
            yield from rules(inner)

    for rule in rules(schema(name)):
        assert rule["description"]
        assert rule.get("type") != "object" or rule["additionalProperties"] is False


@settings(max_examples=150, deadline=None)
@given(ARTICLE)
@example(article())
@example(article(body="x" * 1048576))
@example(article(body="x" * 1048577))
@example(article(body="é" * 524289))
@example(article(published_at="2026-05-04T09:30:00Z", expires_at="2026-05-04T09:30:00Z"))
@example(article(title="\ufeff", published_at="2026-02-30T00:00:00Z"))
@example(article(published_at="2026-05-04T09:30:00Z\n", topics=["x"] * 101, language="en\n"))
def test_the_article_schema_and_the_validator_agree(document: Any) -> None:
    agree("article", document)


@settings(max_examples=100, deadline=None)
@given(SITE)
@example({})
def test_the_site_schema_and_the_validator_agree(document: Any) -> None:
    agree("site", document)


@pytest.mark.parametrize("name", ["article", "site"])
@given(document=WRONG | TEXT)
def test_they_agree_on_what_is_no_such_document(name: str, document: Any) -> None:
    agree(name, document)


@pytest.mark.parametrize("name", [*schema("article")["properties"]])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_they_agree_on_each_field_in_an_article_that_is_good_otherwise(
    name: str, data: st.DataObject
) -> None:
    value = data.draw(ARTICLE.filter(lambda document: name in document))[name]
    agree("article", article() | {name: value})


@pytest.mark.parametrize(
    "path", sorted((EVENTS / "articles").rglob("*.json")), ids=lambda path: str(path.stem)
)
def test_a_sample_article_is_valid_to_both(path: Path) -> None:
    assert independent("article", json.loads(path.read_bytes())) == set()
    assert ours("article", path.read_bytes()) == {}


def test_the_sample_site_is_valid_to_both() -> None:
    data = (EVENTS / "site.json").read_bytes()
    assert independent("site", json.loads(data)) == set()
    assert ours("site", data) == {}


def test_every_rejected_sample_is_known_here() -> None:
    assert {path.stem for path in (EVENTS / "rejected").iterdir()} == set(REJECTED)


@pytest.mark.parametrize(("name", "paths"), REJECTED.items())
def test_a_rejected_sample_is_rejected_for_its_mistakes(name: str, paths: set[str]) -> None:
    assert set(ours("article", (EVENTS / "rejected" / f"{name}.json").read_bytes())) == paths
