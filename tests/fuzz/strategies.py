"""Input of two kinds: documents grown from the JSON Schemas, and mutated bytes of real ones."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

from broadsheet.article import Article
from broadsheet.index import Entry, Month, MonthCount, Scope
from tests import recorded
from tests.hostile.corpus import BREAKOUT, IMAGE, SCRIPT, TEMPLATES, cases
from tests.test_markdown import ATTACKS
from tests.test_schema import ecma, schema

if TYPE_CHECKING:
    from collections.abc import Callable

# Larger ones make a mutation no cleverer, only slower.
_SEED_BYTES = 20_000
_WIRE = recorded.FOLDER / "wire"
NONCHARACTERS = "\ufffe\uffff"
SNIPPETS = [SCRIPT, IMAGE, BREAKOUT, TEMPLATES, "&#0;", "\u202e", "\u200b", "\ufeff", "]]>", "-->"]
# What an article may not have is left to the mutations: its text would only be refused.
_PRINTABLE = st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs"))
_CHARACTERS = (
    _PRINTABLE
    | st.sampled_from("<>&\"'`\\/ \t\n\u2028")
    | st.characters(categories=("Cf", "Co", "Cn"), exclude_characters=NONCHARACTERS)
)
_WORDS = st.text(_CHARACTERS, max_size=20) | st.sampled_from([*SNIPPETS, "Ferry", "Ütz Straße"])
TEXTS = st.lists(_WORDS, max_size=4).map("".join)


# Markdown


def _line(prefixes: list[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda prefix, text: prefix + text, st.sampled_from(prefixes), _INLINE)


_DESTINATIONS = st.sampled_from(
    "/a https://x.example/ javascript:x JAVASCRIPT&colon;x data:text/html,x <b&#9;c> //x #x".split()
) | st.text("javscript:/&#;x<>\"'()\\ \t%0", max_size=12)
_SPANS: list[Callable[[str, str], str]] = [
    lambda text, _: text,
    lambda text, _: f"*{text}*",
    lambda text, _: f"~~{text}~~",
    lambda text, _: f"`{text}`",
    lambda text, to: f"[{text}]({to})",
    lambda text, to: f'![{text}]({to} "{text}")',
    lambda text, to: f"[{text}]\n\n[{text}]: {to} '{text}'\n\n",
    lambda _, to: f"<{to}>",
    lambda text, to: f"<a href=\"{to}\" title='{text}'>",
    lambda text, to: f"<img src={to} alt={text}>",
]
_TAGS = (
    "a p div table tr td th li ul ol h1 h2 h6 b i form math svg mtext mglyph style title template"
    " select option noscript iframe xmp textarea plaintext br hr frameset body html details ruby rt"
).split()
_MARKUP = st.builds(
    lambda name, opening, rest: f"<{opening}{name}{rest}>",
    st.sampled_from(_TAGS),
    st.sampled_from(["", "", "/"]),
    st.sampled_from(["", "", " ", "/", " onclick=x", " style=x", ' title="<b>"', " id=x", "\n"]),
)
_INLINE = st.lists(
    st.builds(lambda span, text, to: span(text, to), st.sampled_from(_SPANS), TEXTS, _DESTINATIONS)
    | _MARKUP
    | st.sampled_from(ATTACKS),
    max_size=4,
).map("".join)
_BLOCKS = _line(
    ["", "# ", "> ", "- ", "1. ", "    ", "```", "~~~ x ", "| a | ", "|-|\n| ", "***", "<!--"]
)
MARKDOWN = st.builds(
    lambda blocks, between: between.join(blocks),
    st.lists(_BLOCKS, max_size=6),
    st.sampled_from(["\n", "\n\n", "\n  ", "\r\n", "\r"]),
)


# Documents of a schema


def document(name: str) -> st.SearchStrategy[Any]:
    """Documents that follow a schema, most of which say what a schema can't check too."""
    return _of(schema(name), "")


def _of(rule: dict[str, Any], field: str) -> st.SearchStrategy[Any]:
    if "enum" in rule:
        return st.sampled_from(rule["enum"])
    if rule["type"] == "object":
        fields = {name: _of(inner, name) for name, inner in rule["properties"].items()}
        required = {name: fields.pop(name) for name in rule["required"]}
        return st.fixed_dictionaries(required, optional=fields)
    if rule["type"] == "array":
        return st.lists(_of(rule["items"], field), max_size=min(4, rule["maxItems"]))
    if rule["type"] == "boolean":
        return st.booleans()
    if rule["type"] == "integer":
        return st.integers(rule["minimum"], rule["maximum"])
    return _text_of(rule, field)


def _text_of(rule: dict[str, Any], field: str) -> st.SearchStrategy[str]:
    longest = rule["maxLength"]
    pattern = rule.get("pattern", "")
    if field in _FIELDS:
        return _FIELDS[field].filter(lambda text: bool(ecma(pattern).search(text)))
    if rule.get("format") == "date-time":
        return _DATES
    if pattern in {"", r"\S"}:
        texts = TEXTS if not pattern else st.builds("{}{}".format, st.just("x"), TEXTS)
        return texts.map(lambda text: text[:longest])
    found = st.from_regex(ecma(pattern), fullmatch=True, alphabet=_PRINTABLE)
    return found.filter(lambda text: len(text) <= longest)


_EDGES = [datetime(1000, 1, 1), datetime(9998, 12, 31, 23, 59, 59, 999_999), datetime(9999, 1, 1)]  # noqa: DTZ001 (as below)
_DATES = st.builds(
    lambda moment, offset: f"{moment.isoformat()}{offset}",
    st.datetimes(min_value=datetime(999, 12, 30)) | st.sampled_from(_EDGES),  # noqa: DTZ001 (the offset follows)
    st.sampled_from(["Z", "z", "+00:00", "-00:00", "+14:00", "-12:30", "+23:59", "-23:59"]),
)


_URL_TEXT = st.text(
    st.characters(categories=("L", "N", "P", "S"), exclude_characters="\"'<>\\^`{|}"), max_size=12
)
_URLS = st.builds(
    lambda scheme, host, rest: f"{scheme}{host}{rest}",
    st.sampled_from(["https://", "http://"]),
    st.sampled_from(["x.example", "[::1]:80", "a@b"]) | _URL_TEXT,
    st.sampled_from(["", "/", "/?a=1&b=2", "/#x", "/&lt;"]) | _URL_TEXT.map("/{}".format),
)
# Those whose pattern is too much to grow text from, again and again.
_FIELDS: dict[str, st.SearchStrategy[str]] = {
    "ai_policy_url": _URLS | _URL_TEXT.map("/x{}".format),
    "aliases": st.text("aZ0._~!$&'()*+,;=:@%/-", min_size=1, max_size=20),
    "body": MARKDOWN,
    "language": st.from_regex(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?(-x-[a-z0-9]{1,8})?\Z")
    | st.sampled_from(["ar", "az-Arab", "zh-cmn-Hans-CN", "de-DE-u-co-phonebk", "en-x-arab"]),
    "logo": _URLS,
    "src": _URLS | st.sampled_from(["media/a.jpg", "media/a/b-c_d.E"]),
    "timezone": st.sampled_from(sorted(available_timezones())),
    "url": _URLS | st.sampled_from(["/a/", "/&amp;"]),
}


# Bytes


@cache
def seeds() -> tuple[bytes, ...]:
    """Sample articles, the rejected ones, site.json, and the hostile corpus but for its giants."""
    samples = [*recorded.articles().values(), (recorded.FOLDER / "site.json").read_bytes()]
    for folder in ("rejected", "wire"):
        samples += [path.read_bytes() for path in sorted((recorded.FOLDER / folder).iterdir())]
    hostile = (case.data() for case in cases())
    return tuple(data for data in (*samples, *hostile) if len(data) <= _SEED_BYTES)


TOKENS = [
    *(b'{ } [ ] : , " \\ \\u0000 \\ud800 \\udc00 \\uffff null true NaN -Infinity 1e999 0').split(),
    *(b'-0 1.5 99999999999999999999 "" {} [] [[]] \xef\xbb\xbf \xff\xfe \x00 \xc0\xaf').split(),
    b"\xed\xa0\x80",
    b"\n",
    b" ",
    b'"title":"x",',
    b'"topics":["\\ud800"],',
    b'"a/b~c":{"":[]},',
    b'"published_at":"2026-02-30T00:00:00Z",',
    b"[" * 30,
    b'{"a":' * 30,
    b"9" * 5000,
]


def mutated() -> st.SearchStrategy[bytes]:
    """Uploads after one to six changes of a mutation fuzzer's kind."""
    return _mutated(seeds())


@st.composite
def _mutated(draw: st.DrawFn, from_: tuple[bytes, ...]) -> bytes:
    data = bytearray(draw(st.sampled_from(from_)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 1, 2, 8, 64, 1024])))
        match draw(st.sampled_from(["delete", "insert", "repeat", "flip", "cut", "splice"])):
            case "delete":
                del data[start:end]
            case "insert":
                data[start:end] = draw(st.sampled_from(TOKENS) | st.binary(max_size=4))
            case "repeat":
                data[start:start] = data[start:end] * draw(st.sampled_from([1, 2, 100]))
            case "flip" if start < len(data):
                data[start] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[start:]
            case "splice":
                other = draw(st.sampled_from(from_))
                data[start:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def swapped(name: str) -> st.SearchStrategy[bytes]:
    """Documents of a schema with some values put where others belong, as JSON."""
    return st.builds(
        lambda whole, other, picks: json.dumps(_swap(whole, other, picks)).encode(),
        document(name),
        _ANYTHING,
        st.lists(st.integers(0, 30), max_size=2),
    )


def _swap(whole: Any, other: Any, picks: list[int]) -> Any:
    """Put ``other`` in the place of the values of these numbers, counted from the outside."""
    for pick in picks:
        places = list(islice(_places(whole), pick + 1))
        if len(places) > pick:
            owner, at = places[pick]
            owner[at] = deepcopy(other)  # else it could come to hold itself
    return whole


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for at, inner in list(items):
        yield value, at
        if isinstance(inner, dict | list):
            yield from _places(inner)


# Items of other formats


def wire_items() -> st.SearchStrategy[Any]:
    """The samples of wire items with texts, dates or anything put in some of their places."""
    samples = [json.loads(path.read_text("utf-8")) for path in sorted(_WIRE.iterdir())]
    values = TEXTS | MARKDOWN | _DATES | _URLS | _ANYTHING
    return st.builds(
        lambda sample, value, picks: _swap(deepcopy(sample), value, picks),
        st.sampled_from(samples),
        values,
        st.lists(st.integers(0, 80), max_size=4),
    )


# Notifications

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_NAMES = st.sampled_from(
    "Records s3 bucket name object key eventTime Event source time detail reconcile keys after"
    " messageId body".split()
)
_VALUES = st.sampled_from(
    [
        recorded.BUCKET,
        "aws.s3",
        "s3:TestEvent",
        "2026-05-04T07:30:00.000Z",
        "0001-01-01T00:00:00+23:59",
        "articles/a.json",
        "articles/%ED%A0%80.json",
        "articles/\ud800.json",
        "articles/" + "ü" * 600,
        "site.json",
    ]
)
NOTIFICATIONS = st.recursive(
    _SCALARS | _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=20,
)


@st.composite
def notifications(draw: st.DrawFn) -> Any:
    """Recorded events with values of theirs put where others belong, or any JSON."""
    if draw(st.booleans()):
        return draw(NOTIFICATIONS)
    event = recorded.event(draw(st.sampled_from(recorded.NAMES)))
    if event.get("Records", [{}])[0].get("body"):
        body = event["Records"][0]["body"]
        event = json.loads(body) if body.startswith("{") else {"Records": body}
    picks = draw(st.lists(st.integers(0, 30), min_size=1, max_size=3))
    return _swap(event, draw(NOTIFICATIONS), picks)


# What lies in the site bucket

_ENTRY = Entry.of(Article.parse("a", next(iter(recorded.articles().values()))), ZoneInfo("UTC"))
_STATES = (
    Month(2, (_ENTRY,), {"index.html": '"0"'}).to_bytes(),
    Scope((), (_ENTRY,), {"rss.xml": '"1"'}, "x")
    .counted({_ENTRY.month: MonthCount(2, 1)})
    .to_bytes(),
    b'{"places": [["", "2026/05"], ["harbour", "2026/05"]]}',
    b"[" * 100_000,
)


def states() -> st.SearchStrategy[bytes]:
    """Indexes and records after some changes."""
    return _mutated(_STATES)


_NAMES_OF = st.sampled_from(["harbour", "a-b", "-", "a--b", "A", "a/b", "x" * 1002, ""])
_LISTED = ["index.html", "rss.xml", "feed.json", "{year}/{month}/index.html", "x", "index.html\n"]
SITE_KEYS = st.builds(
    lambda form, year, month, name: form.format(year=year, month=month, name=name),
    st.sampled_from(
        [
            *(folder + listing for folder in ("", "topics/{name}/") for listing in _LISTED),
            *("sitemap-{year}-{month}.xml", "_index/{year}/{month}.json", "_index/{name}.json"),
            *("_index/topics/{name}.json", "articles/{name}/index.html", "{name}", "sitemap.xml"),
        ]
    ),
    st.sampled_from(["2026", "0999", "٢٠٢٦", "26", "²026"]),
    st.sampled_from(["05", "12", "13", "00", "٠٥", "5"]),
    _NAMES_OF | st.text("az0-_./٠", max_size=6),
)
