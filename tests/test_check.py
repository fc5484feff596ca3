"""`broadsheet check`: what is wrong with files, and where in them."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from broadsheet import addresses
from broadsheet.errors import InvalidError
from broadsheet.validation import MOST_PROBLEMS, TOO_DEEP, Problem
from local import positions
from local.inspection import understand
from local.template import ROOT
from tests.commands import broadsheet, plain
from tests.newsroom import article

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.newsroom import Newsroom

REJECTED = ROOT / "events" / "rejected"
WHOLE = article()


def findings(file: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[int, int, str, str]]:
    """What is told of a file as (line, column, path, message), first of all that it is."""
    capsys.readouterr()
    broadsheet("check", "--format", "json", str(file))
    told = json.loads(capsys.readouterr().out)
    return [(one["line"], one["column"], one["path"], one["message"]) for one in told]


def places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes | str
) -> list[tuple[int, int, str]]:
    """Where something is wrong with an article of this text."""
    file = tmp_path / "a.json"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return [(line, column, path) for line, column, path, _ in findings(file, capsys)]


class TestWhatItSays:
    def test_the_samples_are_right(self, capsys: pytest.CaptureFixture[str]) -> None:
        samples = [str(ROOT / "events" / name) for name in ("articles", "site.json", "media")]

        assert broadsheet("check", *samples) == 0

        assert "nothing wrong" in capsys.readouterr().out

    @pytest.mark.parametrize("file", sorted(REJECTED.glob("*.json")), ids=lambda file: file.stem)
    def test_it_says_what_the_function_says(
        self, file: Path, newsroom: Newsroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        key = newsroom.upload_bytes("articles/a.json", file.read_bytes())
        newsroom.deliver(key)
        receipt = [(e["path"], e["message"]) for e in newsroom.receipt(key)["errors"]]

        assert sorted((path, said) for _, _, path, said in findings(file, capsys)) == receipt

    def test_what_only_rendering_finds_is_found(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = json.dumps(article(body="<b>" * 3_000), indent=1)

        assert places(tmp_path, capsys, text) == [(4, 10, "/body")]

    def test_a_name_that_can_be_no_address_is_wrong(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "The Ferry.json"
        file.write_text(json.dumps(WHOLE))

        ((line, column, path, message),) = findings(file, capsys)

        assert (line, column, path) == (1, 1, "")
        assert 'the key "articles/The Ferry.json" has no URL' in message

    def test_site_json_is_checked_as_such(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "site.json").write_text('{\n  "name": "Paper",\n  "timezone": "Mars/Utopia"\n}')

        ((line, column, path, _),) = findings(tmp_path, capsys)

        assert (line, column, path) == (3, 15, "/timezone")

    def test_a_picture_that_is_none_is_wrong(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "media").mkdir()
        (tmp_path / "media" / "a.jpg").write_bytes(b"<svg/>")
        (tmp_path / "media" / "a.svg").write_bytes(b"<svg/>")

        told = findings(tmp_path, capsys)

        assert [(line, column) for line, column, _, _ in told] == [(1, 1), (1, 1)]
        assert "can't be a picture's" in told[1][3]

    def test_a_picture_that_is_not_there_is_only_a_warning(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "media").mkdir()
        file = tmp_path / "a.json"
        file.write_text(json.dumps(article(image={"src": "media/a.jpg", "alt": ""}), indent=1))

        assert broadsheet("check", str(file)) == 0

        assert "a.json:7:10: warning: /image/src" in capsys.readouterr().out
        (tmp_path / "media" / "a.jpg").write_bytes(
            (ROOT / "events" / "media" / "harbour.jpg").read_bytes()
        )
        assert findings(tmp_path, capsys) == []

    def test_a_file_too_large_is_not_read_to_its_end(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "a.json"
        with file.open("wb") as stream:
            stream.truncate(2**40)

        ((_, _, _, message),) = findings(file, capsys)

        assert "has more than 10,485,760 bytes" in message


class TestWhereItIs:
    """Lines, and columns in characters."""

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ('{"a": 1', (1, 8, "")),
            ('{\r\n\t"title": 1, x\r\n}', (2, 14, "")),
            ("", (1, 1, "")),
            ("  \n\n [1]", (3, 2, "")),
            ("[" * 5_000 + "]" * 5_000, (1, 22, "")),
            ("[" * 22 + "]" * 22, (1, 22, "")),
            ("[" * 5_000, (1, 22, "")),
            (codecs.BOM_UTF8 + b"{}", (1, 1, "")),
            ("{}".encode("utf-16"), (1, 1, "")),
            ("{}".encode("utf-16-le"), (1, 2, "")),
            (b'{\n "a": "\xf0\x9f\x9a\xa2\xff"}', (2, 9, "")),
            ('{"a":\x0b1}', (1, 6, "")),
        ],
        ids=str.split(
            "open-end crlf-and-tab empty array 5000-levels 22-levels 5000-open-levels bom utf-16"
            " utf-16-without-bom not-utf-8 vertical-tab"
        ),
    )
    def test_of_what_is_no_article_at_all(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        text: str | bytes,
        place: tuple[int, int, str],
    ) -> None:
        assert places(tmp_path, capsys, text)[0] == place

    def test_what_is_missing_is_at_the_object_that_lacks_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = json.dumps(article(title=None, authors=[{"url": "https://a.example"}]), indent=1)

        assert places(tmp_path, capsys, "\n" + text) == [
            (2, 1, "/title"),
            (7, 3, "/authors/0/name"),
        ]

    @pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1 " * 100_000])
    def test_no_more_is_looked_at_than_shows_it(
        self, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        looked_at: list[str] = []
        tokens = positions._TOKEN  # noqa: SLF001 (what is counted)

        def counting(text: str) -> Iterator[Any]:
            for token in tokens.finditer(text):
                looked_at.append(token[0])
                yield token

        monkeypatch.setattr(positions, "_TOKEN", SimpleNamespace(finditer=counting))
        problem = Problem("", TOO_DEEP if text[0] in "[{" else "is not JSON")

        positions.locate(text.encode(), [problem])

        assert 0 < len(looked_at) < 200

    def test_a_field_given_twice_is_at_its_second_name(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = json.dumps(WHOLE).replace('"summary"', '\n "title":"x",\n "summary"')

        assert places(tmp_path, capsys, text) == [(2, 2, "/title")]

    def test_a_value_given_twice_is_judged_and_found_where_it_is_last(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = json.dumps(WHOLE).replace(
            '"summary"', '\n "image": {"alt": 1},\n "image": 3, "summary"'
        )

        assert places(tmp_path, capsys, text) == [(3, 2, "/image"), (3, 11, "/image")]

    def test_carriage_returns_and_tabs_are_one_column_each(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = json.dumps(article(status="live"), indent="\t").replace("\n", "\r\n")

        assert places(tmp_path, capsys, text) == [(6, 12, "/status")]

    @pytest.mark.parametrize(
        "before",
        ["🚢🚢", "日本", "e\u0301", "\\ud83d\\udea2", '\\"\\\\', "{[,:]}"],
        ids=str.split("astral wide combining escaped quoted brackets"),
    )
    def test_columns_count_characters_of_any_script(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str
    ) -> None:
        text = json.dumps(WHOLE).replace("{", f'{{"language": "{before}", ', 1)
        column = text.index('"', text.index(":")) + 1

        assert places(tmp_path, capsys, text) == [(1, column, "/language")]
        assert column == 14

        text = json.dumps(WHOLE).replace(
            '{"title": "', f'{{"title": "{before}", "status": 1, "x": "', 1
        )
        assert places(tmp_path, capsys, text) == [
            (1, text.index('1, "x"') + 1, "/status"),
            (1, text.index('"x"') + 1, "/x"),
        ]

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("a/b~c", "/a~1b~0c"),
            ("", "/"),
            ("\\ud800", "/?"),
            ("\\u0041", "/A"),
            ("x" * 70, "/" + "x" * 60 + "…"),
        ],
        ids=str.split("escaped empty surrogate unescaped long"),
    )
    def test_names_of_any_kind_are_found(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, path: str
    ) -> None:
        text = json.dumps(WHOLE, indent=1).replace("{\n", f'{{\n  "{name}": 1,\n', 1)

        assert (2, 3, path) in places(tmp_path, capsys, text)

    def test_a_problem_among_many_values_is_found(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        labels = [f"label {i}" for i in range(9)] + ["!!!"]
        lines = json.dumps(article(topics=labels), indent=1).splitlines()

        assert places(tmp_path, capsys, "\n".join(lines)) == [
            (1 + lines.index('  "!!!"'), 3, "/topics/9")
        ]

    @pytest.mark.parametrize("indent", [None, 0, 3])
    def test_every_place_is_where_python_finds_the_value_too(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], indent: int | None
    ) -> None:
        """Each value of an article is made wrong in turn, and cut out where it is said to be."""
        whole = json.loads(
            (ROOT / "events/articles/2026/09/the-long-way-to-a-new-light.json").read_text()
        )
        for path, changed in wrong(whole):
            text = json.dumps(changed, indent=indent, ensure_ascii=False)
            told = [one for one in places(tmp_path, capsys, text) if one[2] == path]
            ((line, column, _),) = told
            rest = "\n".join(text.split("\n")[line - 1 :])[column - 1 :]
            assert rest.startswith('{"wrong": 1}' if indent is None else "{"), path
            assert json.JSONDecoder().raw_decode(rest)[0] == {"wrong": 1}, path


def wrong(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Copies of a document, each with one value that no field takes, and its pointer."""
    found = []
    for name, value in document.items():
        found.append((f"/{name}", {**document, name: {"wrong": 1}}))
        if isinstance(value, dict):
            found += [(f"/{name}{path}", {**document, name: inner}) for path, inner in wrong(value)]
        if isinstance(value, list):
            found += [
                (f"/{name}/{i}", {**document, name: [*value[:i], {"wrong": 1}, *value[i + 1 :]]})
                for i, item in enumerate(value)
                if isinstance(item, str)
            ]
    return [one for one in found if not one[0].startswith("/$schema")]


class TestText:
    def said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> list[str]:
        (tmp_path / "a.json").write_text(text, encoding="utf-8", newline="")
        assert broadsheet("check", str(tmp_path / "a.json")) == 1
        return capsys.readouterr().out.splitlines()

    @pytest.mark.parametrize(
        "before",
        ["", "\t\t", "日本🚢", "e\u0301e\u0301", "x" * 500],
        ids=str.split("plain tabs wide combining long"),
    )
    def test_the_caret_is_below_the_place(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str
    ) -> None:
        whole = json.dumps(WHOLE).replace("{", '"status": 123456, ', 1)
        text = f'{{"language":{before} "de", {whole}' if "\t" in before else whole
        text = text if "\t" in before else f'{{"$schema": "{before}", {whole}'

        said, shown, below, _ = self.said(tmp_path, capsys, text)

        assert "/status is a number" in said
        assert cell_len(shown[: shown.index("123456")]) == below.index("^")
        assert below.index("^") < 100

    def test_nothing_of_a_file_reaches_the_terminal_unharmed(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = '{"\\u001b]0;x\\u0007 [bold]\u202e": 1, "title": "\u202e\u0007"}'

        said = "\n".join(self.said(tmp_path, capsys, text))

        assert not {"\x1b", "\x07", "\u202e"} & {*said}
        assert "[bold]" in said

    def test_it_counts(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert broadsheet("check", str(REJECTED), str(REJECTED / "not-json.json")) == 1

        assert capsys.readouterr().out.splitlines()[-1] == "8 files looked at, 20 problems in 8."


class TestGitHub:
    def test_each_problem_is_an_annotation(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        file = Path("50%, a:b.json")
        file.write_text(json.dumps(article(**{"100%\r\n::error::": 1, "title": ""}), indent=1))

        assert broadsheet("check", "--format", "github", str(file)) == 1

        lines = capsys.readouterr().out.splitlines()
        name = "file=50%25%2C a%3Ab.json"
        assert lines[0].startswith(f"::error {name},line=1,col=1::the key")

    def test_no_problem_makes_two_lines(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "a.json"
        file.write_text(json.dumps(article(**{"100%\r\n::error::": 1}), indent=1))

        assert broadsheet("check", "--format", "github", str(file)) == 1

        (line,) = capsys.readouterr().out.splitlines()
        assert "col=2::/100%25%0D%0A::error:: is not a known field" in line


class TestStatus:
    def test_a_file_that_is_not_there_is_a_mistake_of_the_caller(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert broadsheet("check", str(tmp_path / "nothing.json")) == 2

        assert "does not exist" in capsys.readouterr().err

    def test_a_file_must_be_in_its_root(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "A" / "a.json"
        file.parent.mkdir()
        file.write_text(json.dumps(WHOLE))
        (tmp_path / "B").mkdir()

        assert broadsheet("check", "--root", str(tmp_path / "B"), str(file)) == 2
        assert "is not in" in plain(capsys.readouterr().err)
        assert broadsheet("check", "--root", str(tmp_path), str(file)) == 1
        assert "articles/A/a.json" in capsys.readouterr().out
        assert broadsheet("check", str(file)) == 0

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_cannot_be_read_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "a.json").touch(mode=0)

        assert broadsheet("check", str(tmp_path)) == 2

        assert "a.json: Permission denied" in capsys.readouterr().err

    def test_no_command_is_answered_with_help(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert broadsheet() == 2

        assert "check" in capsys.readouterr().out

    def test_the_program_is_beside_the_environments_python(self, tmp_path: Path) -> None:
        """As it was installed: wherever it is called from, it finds all of the code."""
        program = Path(sys.executable).parent / "broadsheet"
        ran = subprocess.run(
            [program, "check", str(ROOT / "events" / "articles")],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "nothing wrong" in ran.stdout


def test_no_more_is_told_than_the_function_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(article(**{f"field {i}": i for i in range(1_000)}))

    assert len(places(tmp_path, capsys, text)) == MOST_PROBLEMS


def test_every_sample_is_understood() -> None:
    for file in (ROOT / "events" / "articles").rglob("*.json"):
        name = file.relative_to(ROOT / "events" / "articles").as_posix()
        understand(f"articles/{name}", file.read_bytes())
    with pytest.raises(InvalidError):
        understand(addresses.SITE_JSON, b"[]")
