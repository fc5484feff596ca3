"""Strict JSON, and errors that say where, what is wrong and what is expected."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.errors import InvalidError
from broadsheet.validation import MOST_PROBLEMS, MOST_VALUES, check, decode, pointer, shown

JSON = st.recursive(
    st.none() | st.booleans() | st.text(st.characters(codec="utf-8", categories=("L", "N", "P"))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc/~"), inner),
    max_leaves=10,
)


def refusal(data: bytes) -> str:
    """What is wrong with what is no document at all."""
    with pytest.raises(InvalidError) as caught:
        decode(data)
    (problem,) = caught.value.problems
    assert problem.path == ""
    return problem.message


def faults(data: bytes) -> dict[str, str]:
    return {problem.path: problem.message for problem in decode(data)[1]}


@given(JSON)
def test_what_is_strict_json_is_read_as_it_is(document: Any) -> None:
    assert decode(json.dumps(document).encode()) == (document, [])
    assert decode(json.dumps(document, ensure_ascii=False).encode()) == (document, [])


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(InvalidError):
        decode(data)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_refused(encoding: str) -> None:
    assert "byte order mark" in refusal('{"a": 1}'.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_an_encoding_other_than_utf_8_is_refused_without_its_mark_too(encoding: str) -> None:
    assert "expected one JSON object" in refusal('{"a": 1}'.encode(encoding))


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b'{"a": "\xff"}', 7),
        ('{"a": "é"}'.encode("latin-1"), 7),
        (b'{"a": "\xed\xa0\x80"}', 7),  # a surrogate
        (b'{"a": "\xc0\xaf"}', 7),  # an overlong slash
        (b'{"a": "\xf4\x90\x80\x80"}', 7),  # beyond Unicode
        (b"\x80", 0),
    ],
)
def test_what_is_not_utf_8_is_refused_with_its_place(data: bytes, at: int) -> None:
    assert refusal(data) == f"is not UTF-8 at byte {at}; expected JSON in UTF-8"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a": "b',
        b'{"a": "\\u12',
        b'{"a": 1',
        b'{"a": 1,',
        b'{"a": 1,}',
        b"{a: 1}",
        b"{'a': 1}",
        b'{"a": 01}',
        b'{"a": .5}',
        b'{"a": 0x1}',
        b'{"a": +1}',
        b'{"a": nan}',
        b'{"a": "\n"}',
        b'{"a": "\\x"}',
        b'{"a": 1} {"a": 1}',
        b'{"a": 1}\x00',
        b'{"a": 1} // ferry',
        b'{"a": tru}',
    ],
)
def test_what_is_not_json_is_refused_with_line_and_column(data: bytes) -> None:
    message = refusal(data)
    assert message.startswith("is not JSON: ")
    assert "at line 1, column " in message
    assert message.endswith("; expected one JSON object")


def test_the_line_is_that_of_the_mistake() -> None:
    assert "at line 3, column 3;" in refusal(b'{\n  "a": 1\n  "b": 2\n}')


@pytest.mark.parametrize("data", [b"[" * 99_999, b"[" * 99_999 + b"]" * 99_999])
@pytest.mark.parametrize("before", [b"", b'{"a": '])
def test_nesting_of_a_hundred_thousand_levels_is_refused(data: bytes, before: bytes) -> None:
    assert "nested too deeply" in refusal(before + data)


def test_nesting_of_objects_is_refused_likewise() -> None:
    assert "nested too deeply" in refusal(b'{"a":' * 100_000)


def test_nesting_has_a_limit_that_no_article_meets() -> None:
    assert decode(b"[" * 20 + b"1" + b"]" * 20)[1] == []
    assert "expected at most 20 levels" in refusal(b"[" * 21 + b"1" + b"]" * 21)
    assert "expected at most 20 levels" in refusal(b"[" * 22 + b"]" * 22)


@pytest.mark.parametrize("item", ["[0]", "[]", "{}", '{"a": 1, "b": [2]}', "0", '""', "null"])
def test_more_values_than_memory_may_be_spent_on_are_refused(item: str) -> None:
    message = "has more than 100,000 values; expected at most that"
    assert refusal(f"[{','.join([item] * (MOST_VALUES + 1))}]".encode()) == message
    # Nor does it take the end of the file to see that.
    assert refusal(f'{{"a": [{f"{item}," * (MOST_VALUES + 1)}'.encode()) == message


def test_as_many_values_as_may_be_are_read() -> None:
    for item, values in {'{"a": 1, "b": 2}': 3, "0": 1, "[0]": 2}.items():
        many = ",".join([item] * (MOST_VALUES // values))
        assert decode(f"[{many}]".encode())[1] == []
        assert "has more than 100,000 values" in refusal(f"[{many},0,0]".encode())


@pytest.mark.parametrize("text", ["[", "{,", '[\\",', "\\\\[", "\\u005b["])
def test_what_stands_in_a_text_is_no_value(text: str) -> None:
    assert decode(f'{{"a": "{text * (MOST_VALUES + 1)}"}}'.encode())[1] == []


def test_a_text_that_does_not_end_is_read_once() -> None:
    assert refusal(b'{"a": "' + b'\\"[' * 3_000_000).startswith("is not JSON: Unterminated")


def test_long_names_do_not_make_long_pointers() -> None:
    found = faults(json.dumps({"n" * 100_000: {"m" * 100_000: ["\0", "\0"]}}).encode())
    assert list(found) == [f"/{'n' * 60}…/{'m' * 60}…/{i}" for i in (0, 1)]


def test_a_deep_document_with_many_other_faults_is_refused() -> None:
    bad = b'"\\u0001",' * (2 * MOST_PROBLEMS)
    assert "nested too deeply" in refusal(b"[" + bad + b"[" * 900 + b"]" * 900 + b"]")


class TestDuplicateKeys:
    def test_a_field_given_twice_is_named(self) -> None:
        assert faults(b'{"a": 1, "b": 2, "a": 3}') == {
            "/a": "is given more than once; expected it once"
        }

    def test_even_with_the_same_value_or_escaped(self) -> None:
        assert list(faults(b'{"a": 1, "\\u0061": 1}')) == ["/a"]

    def test_at_any_depth_with_its_pointer(self) -> None:
        data = b'{"list": [{}, {"a/b": 1, "a/b": 2}], "x": {"": 1, "": 2}}'
        assert sorted(faults(data)) == ["/list/1/a~1b", "/x/"]

    def test_once_however_often_it_is_given(self) -> None:
        assert len(decode(b'{"a": 1, "a": 2, "a": 3}')[1]) == 1

    def test_every_one_of_them(self) -> None:
        assert sorted(faults(b'{"a": 1, "b": 1, "a": 1, "b": 1}')) == ["/a", "/b"]


class TestNumbers:
    @pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
    def test_what_json_does_not_have_is_named_with_its_place(self, constant: str) -> None:
        data = f'{{"a": [1, {constant}]}}'.encode()
        message = f"is {constant}, which JSON does not have; expected a JSON value"
        assert faults(data) == {"/a/1": message}

    @pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "1e999", "-1e999", "1e-999"])
    def test_any_number_is_read_as_some_number(self, number: str) -> None:
        document, problems = decode(f'{{"title": {number}}}'.encode())
        assert problems == []
        assert check(document, "site")[0].message.startswith("is not a known field")
        messages = {problem.path: problem.message for problem in check(document, "article")}
        assert messages["/title"].startswith("is a number; expected")


class TestCharacters:
    @pytest.mark.parametrize("escape", ["\\ud800", "\\uDFFF", "\\udc00\\ud800", "\\ud800x"])
    def test_a_lone_surrogate_is_named(self, escape: str) -> None:
        found = faults(f'{{"a": ["{escape}"]}}'.encode())
        assert "has a lone surrogate (U+" in found["/a/0"]

    def test_a_pair_of_surrogates_is_a_character(self) -> None:
        assert decode(b'{"a": "\\ud83d\\ude00"}') == ({"a": "😀"}, [])

    def test_an_escaped_backslash_is_no_surrogate(self) -> None:
        assert decode(rb'{"a": "\\ud800"}') == ({"a": r"\ud800"}, [])

    @pytest.mark.parametrize(
        "code", [0, 1, 8, 11, 12, 0x1B, 0x1F, 0x7F, 0x85, 0x9F, 0xFFFE, 0xFFFF]
    )
    def test_what_pages_and_feeds_cannot_carry_is_named(self, code: int) -> None:
        found = faults(f'{{"a": "12\\u{code:04x}"}}'.encode())
        assert found == {
            "/a": f"has a control character (U+{code:04X}) at character 3; expected text without it"
        }

    @pytest.mark.parametrize("text", ["\t", "\n", "\r\n", "\u00a0", "\u200f", "\ufffd", "😀"])
    def test_others_are_text(self, text: str) -> None:
        assert decode(json.dumps({"a": text}).encode()) == ({"a": text}, [])

    def test_they_are_found_in_names_too(self) -> None:
        assert list(faults(b'{"a": {"\\u0000": 1}}')) == ["/a"]

    def test_what_is_left_can_be_encoded_and_checked(self) -> None:
        document, problems = decode(
            b'{"\\ud800": "\\ud800", "n": NaN, "n\\udfff": {"\\udfff": 1, "\\udfff": 2}}'
        )
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        for problem in problems + check(document, "article"):
            (problem.path + problem.message).encode()


class TestManyMistakes:
    @pytest.mark.parametrize(
        "data",
        [
            b"[" + b",".join([b"NaN"] * 1000) + b"]",
            b"[" + b",".join([b'"\\u0000"'] * 1000) + b"]",
            b"[" + b",".join([b'{"":1,"":1}'] * 1000) + b"]",
        ],
    )
    def test_of_the_text_are_told_up_to_a_number(self, data: bytes) -> None:
        assert len(decode(data)[1]) == MOST_PROBLEMS

    @pytest.mark.parametrize(
        "document",
        [
            {f"field{i}": 1 for i in range(1000)},
            {"topics": [1] * 100_000},
            {"authors": [{"x": 1, "y": 2}] * 1000},
        ],
    )
    def test_of_the_document_likewise(self, document: Any) -> None:
        assert len(check(document, "article")) == MOST_PROBLEMS

    def test_a_long_list_is_called_that(self) -> None:
        messages = {p.path: p.message for p in check({"topics": ["a"] * 100_000}, "article")}
        assert (
            messages["/topics"] == "has more than 100 items; expected a list of at most 10 labels"
        )

    def test_a_long_name_does_not_cost_its_length_for_each_value(self) -> None:
        data = b'{"' + b"x" * 1_000_000 + b'": [' + b",".join([b"1"] * 99_000) + b"]}"
        assert decode(data)[1] == []


class TestCheck:
    def test_what_follows_the_schema_has_no_problems(self) -> None:
        assert check({}, "site") == []

    @pytest.mark.parametrize(
        ("value", "called"),
        [
            (None, "null"),
            (True, "a boolean"),
            (1, "a number"),
            (1.5, "a number"),
            ([], "an array"),
            ({}, "an object"),
        ],
    )
    def test_a_wrong_type_is_called_by_its_name_in_json(self, value: Any, called: str) -> None:
        (problem,) = check({"name": value}, "site")
        assert (problem.path, problem.message) == (
            "/name",
            f"is {called}; expected the site's name, of 1 to 100 characters",
        )

    @pytest.mark.parametrize("document", [None, True, 1, "x", []])
    def test_the_whole_document_has_the_empty_pointer(self, document: Any) -> None:
        (problem,) = check(document, "site")
        assert problem.path == ""
        assert problem.message.endswith("expected the site's configuration: one JSON object")

    def test_one_value_has_one_problem(self) -> None:
        (problem,) = check({"name": ""}, "site")
        assert problem.message == "is empty; expected the site's name, of 1 to 100 characters"

    def test_an_unknown_field_is_named_with_those_that_are_known(self) -> None:
        (problem,) = check({"zzz": 1}, "site")
        assert problem.path == "/zzz"
        assert "did you mean" not in problem.message
        assert problem.message.endswith(
            "expected one of: $schema, name, description, language, search, timezone, publisher,"
            " navigation, links, ai_policy_url, rights, tdm_reservation, websub_hub,"
            " indexnow_key, theme"
        )

    @pytest.mark.parametrize(("name", "meant"), [("Name", "name"), ("time_zone", "timezone")])
    def test_a_near_miss_is_told_what_was_meant(self, name: str, meant: str) -> None:
        (problem,) = check({name: "x"}, "site")
        assert problem.message.startswith(f"is not a known field; did you mean {meant}?; expected")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), ""),
        (("a", 0, "b"), "/a/0/b"),
        (("a/b~c",), "/a~1b~0c"),
        (("~1",), "/~01"),
        (("",), "/"),
    ],
)
def test_pointers_are_those_of_rfc_6901(steps: tuple[str | int, ...], expected: str) -> None:
    assert pointer(*steps) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ferry", '"ferry"'),
        ("fünf", '"fünf"'),
        ('"', r'"\""'),
        ("\x1b[31m\n", r'"\u001b[31m\n"'),
        ("\u202egnp", r'"\u202egnp"'),
        ("x" * 61, f'"{"x" * 60}…"'),
    ],
)
def test_a_value_is_shown_short_and_harmless(value: str, expected: str) -> None:
    assert shown(value) == expected
