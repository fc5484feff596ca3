"""What search knows of a month: the same bytes whatever the order, and nothing lost on the way."""

from __future__ import annotations

import base64
import random
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.article import Article
from broadsheet.index import Entry
from broadsheet.segment import BLOCKS, DEK_CHARACTERS, UNIT, WORDS, Document, Segment
from broadsheet.words import indexed, words
from tests import node

START = datetime(2026, 5, 1, tzinfo=UTC)
MONTH = "2026/05"
KEY = f"/search/{MONTH}.idx"


def document(path: str, minute: int = 0, body: str = "", **fields: Any) -> Document:
    """The document of an article of May 2026."""
    values = {"title": f"Title of {path}", "summary": "The dek."} | fields
    when = values.pop("published_at", START + timedelta(minutes=minute))
    return Document.of(
        Entry.of(Article(path, body=body, published_at=when, **values), ZoneInfo("UTC")), body, 4
    )


def segment(*documents: Document) -> Segment:
    return Segment.of(documents)


DOCUMENTS = {
    "a": document("a", 1, "ferry harbour"),
    "b": document("b", 2, "ferry"),
    "c/d": document("c/d", 2, "lighthouse"),
    "e": document("e", 4, "harbour " + " ".join(f"w{i}" for i in range(400))),
}


@pytest.mark.parametrize("order", [*permutations(DOCUMENTS)])
def test_the_order_of_arrival_makes_no_difference(order: tuple[str, ...]) -> None:
    found = Segment()
    for path in order:
        found = found.merged({path: DOCUMENTS[path]})

    assert found == segment(*DOCUMENTS.values())
    assert [*found.paths] == ["e", "b", "c/d", "a"]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.none() | st.integers(0, 5), st.text(max_size=40)),
        max_size=12,
    )
)
def test_a_history_leaves_what_is_last_said_of_each_path(
    history: list[tuple[str, int | None, str]],
) -> None:
    found, wanted = Segment(), dict[str, Document]()
    for path, minute, body in history:
        new = None if minute is None else document(path, minute, body)
        found = found.merged({path: new})
        wanted.pop(path, None)
        if new:
            wanted[path] = new

    assert found == Segment.of(wanted.values())
    assert found.documents() == wanted
    assert all(found.document(path) == one for path, one in wanted.items())
    assert Segment.from_bytes(found.to_bytes()) == found


def test_several_changes_at_once_are_those_one_after_the_other() -> None:
    old = segment(DOCUMENTS["a"], DOCUMENTS["b"])
    moved = document("a", 9, "moved")

    assert old.merged({"a": moved, "b": None, "e": DOCUMENTS["e"]}) == segment(
        moved, DOCUMENTS["e"]
    )
    assert old.merged({}) == old
    assert old.document("e") is None


DAMAGE = [
    lambda _: b"",
    lambda data: data[:-1],
    lambda data: data + b" ",
    lambda data: b"BSS2" + data[4:],
    lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
    lambda _: b"<!doctype html>" * 200,
    lambda _: Segment((b"x" * UNIT,), (b"\0",) * BLOCKS).to_bytes(),
    lambda _: Segment(
        (b'[900000000000000,"../x",""]'.ljust(2 * UNIT),), (b"\0",) * BLOCKS
    ).to_bytes(),
    lambda data: Segment(
        Segment.from_bytes(data).records[::-1], Segment.from_bytes(data).blocks
    ).to_bytes(),
    lambda data: replace(Segment.from_bytes(data), blocks=(b"\0\0\0",) * BLOCKS).to_bytes(),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_no_segment_is_refused(damage: Any) -> None:
    good = segment(DOCUMENTS["a"], DOCUMENTS["b"]).to_bytes()

    with pytest.raises(ValueError, match=r"segment|subsection"):
        Segment.from_bytes(damage(good))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1000-01-01T00:00:00+00:00", "9999-01-01T00:00:00+00:00"),
        ("1969-12-31T23:59:59.998+00:00", "1969-12-31T23:59:59.999+00:00"),
        ("2026-05-04T09:30:00+02:00", "2026-05-04T08:00:00+00:00"),
    ],
)
def test_the_newest_is_first(one: str, other: str) -> None:
    older, newer = (
        document(path, published_at=datetime.fromisoformat(moment))
        for path, moment in (("a", one), ("z", other))
    )
    assert [*segment(older, newer).paths] == ["z", "a"]


def test_an_article_at_every_limit_fits() -> None:
    longest = document(
        "a/" * 499 + "a",
        title="𝕏" * 300,
        summary="𝕏" * 1000,
        body=" ".join(f"word{i}" for i in range(2 * WORDS)),
        language="en-" + "x" * 60,
    )
    found = segment(longest)

    assert len(longest.record) < 255 * UNIT
    assert sum(map(len, longest.blocks)) == 3 * WORDS
    assert Segment.from_bytes(found.to_bytes()).documents() == {"a/" * 499 + "a": longest}


def test_words_that_all_belong_to_one_block_do_no_harm() -> None:
    target = block_of("w0")
    same = [f"w{i}" for i in range(120_000) if block_of(f"w{i}") == target]
    found = document("a", body=" ".join(same))

    assert len(same) > 255
    assert len(found.blocks[target]) == 255 * 3
    assert Segment.from_bytes(segment(found).to_bytes()).documents() == {"a": found}


def block_of(word: str) -> int:
    return zlib.crc32(word.encode()) >> 24


def test_a_long_dek_is_cut_between_words() -> None:
    long = " ".join(["harbour"] * 50)
    assert document("a", summary=long).record.decode().count("harbour") == DEK_CHARACTERS // 8
    assert "…" in document("a", summary="長" * 500).record.decode()


# What the search page finds


def found(query: str, segments: dict[str, Segment], **job: Any) -> Any:
    objects = {f"/search/{month}.idx": encoded(one) for month, one in segments.items()}
    return node.run({"query": query, "months": [*segments], "objects": objects, **job})


def encoded(one: Segment) -> str:
    return base64.b64encode(one.to_bytes()).decode()


def test_the_page_finds_what_the_function_wrote() -> None:
    """Against a search that looks at the texts themselves."""
    rng = random.Random(5)  # noqa: S311 (no secret)
    vocabulary = [
        f"{a}{b}" for a in ("har", "fer", "東京", "ło", "w") for b in ("bour", "ry", "x", "雨")
    ]
    texts = {
        f"p{i}": [" ".join(rng.choices(vocabulary, k=rng.randint(0, 9))) for _ in range(3)]
        for i in range(60)
    }
    documents = {
        path: document(path, i, body, title=title or "-", summary=dek)
        for i, (path, (title, dek, body)) in enumerate(texts.items())
    }
    months = {MONTH: Segment.of(documents.values())}
    for query in [*vocabulary, "harbour ferry", "fery", "京ry", "雨", "Ferries ŁORY harx", "wx wx"]:
        asked = list(dict.fromkeys(words(query)))
        score = {
            path: [
                3
                if word in indexed(title)
                else 2
                if word in indexed(dek)
                else 1
                if word in indexed(body)
                else 0
                for word in asked
            ]
            for path, (title, dek, body) in texts.items()
        }
        wanted = sorted(
            (p for p in texts if all(score[p])), key=lambda p: (-sum(score[p]), -int(p[1:]))
        )
        result = found(query, months, steps=5)

        assert [
            path for step in result["steps"] for _, paths in step for path in paths
        ] == wanted, query
        assert result["ended"]


def test_a_result_has_what_is_to_be_shown() -> None:
    one = document("c/d", 61, title="Ferry “<b>”", summary="The dek & more.", language="fr")
    result = found("ferry", {MONTH: segment(one)})

    assert result["records"] == [
        [
            900_000_000_000_000 - int((START.timestamp() + 3660) * 1000),
            "c/d",
            "Ferry “<b>”",
            "The dek & more.",
            4,
            "fr",
        ]
    ]


ARCHIVE = {
    f"20{year}/{month:02}": Segment.of(
        document(
            f"{year}/{month}/{i}", i, f"ferry {'rare' if (year, month, i) == (21, 1, 0) else ''}"
        )
        for i in range(15)
    )
    for year in range(26, 20, -1)
    for month in range(12, 0, -1)
}


def test_a_common_word_is_looked_for_no_further_than_a_page_of_results() -> None:
    result = found("ferry", ARCHIVE, steps=2)

    assert [[len(paths) for _, paths in step] for step in result["steps"]] == [[15, 5], [10, 10]]
    assert [month for step in result["steps"] for month, _ in step] == [*ARCHIVE][:2] + [*ARCHIVE][
        1:3
    ]
    assert {url for url, _, _ in result["asked"]} == {f"/search/{m}.idx" for m in [*ARCHIVE][:3]}


@pytest.mark.parametrize(("word", "steps"), [("rare", 3), ("nowhere", 3)])
def test_one_step_looks_through_two_years_at_most(word: str, steps: int) -> None:
    result = found(word, ARCHIVE, steps=steps)
    first = found(word, ARCHIVE)

    assert len({url for url, _, _ in first["asked"]}) == 24
    assert len(first["asked"]) == 48
    assert not first["ended"]
    assert result["ended"]
    assert [p for step in result["steps"] for _, paths in step for p in paths] == (
        ["21/1/0"] if word == "rare" else []
    )


LARGE = Segment.of(
    document(f"p{i}", i, f"ferry {'rare' if i in {3, 900, 1900} else ''} w{i}") for i in range(2000)
)


def test_of_a_large_segment_little_is_asked_for() -> None:
    result = found("rare", {MONTH: LARGE})

    assert result["steps"] == [[[MONTH, ["p1900", "p900", "p3"]]]]
    assert sum(size for _, _, size in result["asked"]) < len(LARGE.to_bytes()) / 20
    assert len(result["asked"]) == 6  # beginning, block, lengths, and three records


def test_a_server_without_ranges_serves_too() -> None:
    assert (
        found("rare", {MONTH: LARGE}, whole=True)["steps"] == found("rare", {MONTH: LARGE})["steps"]
    )


SMALL = Segment.of(document(f"p{i}", i, "ferry") for i in range(3))


@pytest.mark.parametrize("moment", range(1, 4))
@pytest.mark.parametrize("now", ["more", "fewer", "none", "longer"])
def test_a_segment_that_changes_meanwhile_is_begun_anew(moment: int, now: str) -> None:
    """Of whichever version, but of one: what is shown is what it says."""
    after = {
        "more": SMALL.merged({"new": document("new", 9, "ferry")}),
        "fewer": SMALL.merged({"p1": None}),
        "none": None,
        "longer": SMALL.merged(
            {"p2": document("p2", 0, "ferry " + " ".join(map(str, range(900))))}
        ),
    }[now]
    changes = {str(moment): {KEY: encoded(after) if after else ""}}
    result = found("ferry", {MONTH: SMALL}, changes=changes)

    shown = [path for step in result["steps"] for _, paths in step for path in paths]
    old = found("ferry", {MONTH: SMALL})["steps"][0][0][1]
    new = found("ferry", {MONTH: after})["steps"][0][0][1] if after else []
    assert shown == (old if moment >= 3 else new)
    assert result["ended"]


def test_more_of_a_month_that_has_changed_since_goes_on_in_the_new_one() -> None:
    before = Segment.of(document(f"p{i:02}", i, "ferry") for i in range(50))
    after = before.merged({"p49": None})
    calls = len(found("ferry", {MONTH: before})["asked"])
    result = found("ferry", {MONTH: before}, steps=3, changes={str(calls): {KEY: encoded(after)}})

    paths = [path for step in result["steps"] for _, paths in step for path in paths]
    # One has moved up into what was shown already, as on any page of lists.
    assert paths == [f"p{i:02}" for i in range(49, 29, -1)] + [
        f"p{i:02}" for i in range(28, -1, -1)
    ]
    assert result["ended"]
