"""What an import writes: paths, pictures, the report; the same each time, and nothing elsewhere."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet import addresses
from local.importers import FORMATS, paths, pictures
from local.importers.item import ImportFailedError
from local.watch import REPORT_FILE, scan
from tests.importers.shop import JPEG, dumped, put, run

if TYPE_CHECKING:
    from pathlib import Path


def feed(folder: Path, *items: dict[str, Any]) -> Path:
    plain = {"content_html": "<p>a</p>", "date_published": "2026-05-04T09:30:00Z"}
    every = [{"id": str(i), "title": "Ferry"} | plain | item for i, item in enumerate(items)]
    version = "https://jsonfeed.org/version/1.1"
    return dumped(folder, "feed.json", {"version": version, "title": "Log", "items": every})


def tree(folder: Path) -> dict[str, bytes]:
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()
    }


def test_the_same_export_gives_the_same_bytes(tmp_path: Path) -> None:
    source = feed(tmp_path, {"image": "https://x.example/a.jpg"}, {"title": ""}, {"tags": ["!"]})
    first = tree(run("jsonfeed", source, out=tmp_path / "one").folder)
    assert tree(run("jsonfeed", source, out=tmp_path / "two").folder) == first
    assert tree(run("jsonfeed", source, out=tmp_path / "one").folder) == first


def test_what_is_no_longer_in_the_export_goes_from_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("jsonfeed", feed(tmp_path, {"title": "A"}, {"title": "B", "url": "/c/d/b"}), out=out)
    assert {"a.json", "c/d/b.json"} <= tree(out).keys()
    run("jsonfeed", feed(tmp_path, {"title": "A"}), out=out)
    assert tree(out).keys() == {"a.json", "site.json", REPORT_FILE}
    assert not (out / "c").exists()


def test_who_was_published_first_has_the_path_whatever_the_order(tmp_path: Path) -> None:
    items = [
        {"id": "b", "date_published": "2026-05-04T09:00:00+02:00"},
        {"id": "c", "date_published": "2026-05-04T08:00:00Z"},
        {"id": "a", "date_published": "2026-05-04T08:00:00Z"},
        {"id": "d", "title": "Ferry 2"},
    ]
    found = set()
    for order in permutations(items):
        made = run("jsonfeed", feed(tmp_path, *order), out=tmp_path / "out")
        found.add(tuple(sorted((line.id, line.file) for line in made.report.items)))
    assert found == {
        (("a", "ferry-3.json"), ("b", "ferry.json"), ("c", "ferry-4.json"), ("d", "ferry-2.json"))
    }


def test_a_path_that_was_changed_is_told(tmp_path: Path) -> None:
    made = run("jsonfeed", feed(tmp_path, {}, {}))
    assert made.warnings("ferry-2") == ["is at ferry-2, since another article is at ferry"]


@pytest.mark.parametrize(
    ("wishes", "path"),
    [
        (("https://x.example/2026/05/Die-Fähre.html", "x"), "2026/05/die-fahre"),
        (("/%E6%97%A5%E6%9C%AC/", "x"), "riben"),
        (("../../etc/passwd", "x"), "etc/passwd"),
        (("/a/%2e%2e/%2e%2e/b", "x"), "a/b"),
        (("..\\..\\b", "x"), "b"),
        (("/a//b/index.html", "x"), "a/b"),
        (("https://x.example/", "Title & more"), "title-more"),
        (("https://x.example/?p=12", "", "Title"), "title"),
        (("!!!", "…", "7"), "7"),
        (("///", ""), ""),
        (("/site/", "x"), "site-article"),
        (("/import-report", "x"), "import-report-article"),
        (("/" + "a" * 5000, "x"), "a" * 150),
        (("/" + "a/" * 500 + "b", "x"), "a/a/a/a/a/a/a/b"),
        (("/a\x00b\n", "x"), "a-b"),
    ],
)
def test_a_path_is_made_of_what_a_path_may_have(wishes: tuple[str, ...], path: str) -> None:
    assert paths.path_of(*wishes) == path


@given(st.text(max_size=80))
def test_any_wish_makes_a_path_or_none(wish: str) -> None:
    path = paths.path_of(wish)
    assert not path or addresses.article_path(addresses.source_key(path)) == path


@given(st.text("ab/.-_ Ü日\\%", max_size=40).map(lambda stem: f"{stem}.JPG"))
def test_any_name_of_a_file_makes_a_name_of_a_picture(name: str) -> None:
    assert addresses.media_name(addresses.media_key(pictures.name_for(name)))


def test_names_of_pictures_do_not_meet() -> None:
    names = [
        "a b.jpg",
        "a-b.jpg",
        "a_b.jpg",
        "a/b.jpg",
        "ä.jpg",
        "a.jpg",
        "ae.jpg",
        "A.JPG",
        ".jpg",
    ]
    assert len({pictures.name_for(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("url", "alias"),
    [
        ("https://old.example/2026/a/", "/2026/a/"),
        ("/ü b/", "/%C3%BC%20b/"),
        ("/%C3%BC/", "/%C3%BC/"),
        ("https://old.example/", None),
        ("https://old.example/?p=1", None),
        ("/a?b", None),
        ("/" + "a" * 600, None),
        ("/<script>", "/%3Cscript%3E"),
    ],
)
def test_old_addresses_become_aliases(url: str, alias: str | None) -> None:
    assert paths.alias_of(url) == alias


def test_no_more_than_twenty_aliases_are_kept() -> None:
    kept, lost = paths.aliases_of([f"/{i}" for i in range(25)] + ["/articles/a/", "/3"], "a")
    assert len(kept) == 20
    assert lost == [f"/{i}" for i in range(20, 25)]


@pytest.mark.parametrize("url", ["../../x", "/../../x", "..\\x", "%2e%2e/%2e%2e/x", "/etc/../x"])
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, url: str) -> None:
    before = tree(tmp_path)
    source = feed(tmp_path / "in", {"url": url, "id": url, "image": f"{url}.jpg"})
    made = run("jsonfeed", source, out=tmp_path / "a/b/out")
    written = {name for name in tree(tmp_path) if name not in before and not name.startswith("in/")}
    assert all(name.startswith("a/b/out/") for name in written)
    assert made.report.counts()["written"] == 1


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    put(tmp_path / "out", {"mine.txt": "x"})
    with pytest.raises(ImportFailedError, match="no import wrote"):
        run("jsonfeed", feed(tmp_path, {}), out=tmp_path / "out")
    assert tree(tmp_path / "out") == {"mine.txt": b"x"}


@pytest.mark.parametrize("name", ["../victim.txt", "/etc/hostname", "a/../../victim.txt"])
def test_a_report_that_was_tampered_with_deletes_nothing_elsewhere(
    tmp_path: Path, name: str
) -> None:
    put(tmp_path, {"victim.txt": "x", f"out/{REPORT_FILE}": json.dumps({"files": [name]})})
    with pytest.raises(ImportFailedError, match="leads out of"):
        run("jsonfeed", feed(tmp_path, {}), out=tmp_path / "out")
    assert (tmp_path / "victim.txt").read_text() == "x"


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    source = feed(tmp_path / "in", {"url": "/c/a"})
    run("jsonfeed", source, out=tmp_path / "out")
    put(tmp_path / "elsewhere", {"a.json": "mine"})
    (tmp_path / "out/c/a.json").unlink()
    (tmp_path / "out/c").rmdir()
    (tmp_path / "out/c").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImportFailedError, match="leads out of"):
        run("jsonfeed", source, out=tmp_path / "out")
    assert tree(tmp_path / "elsewhere") == {"a.json": b"mine"}


def test_an_import_that_broke_off_can_be_repeated(tmp_path: Path) -> None:
    bad = dumped(tmp_path, "bad.json", {"version": "x"})
    with pytest.raises(ImportFailedError):
        run("jsonfeed", bad, out=tmp_path / "out")
    assert run("jsonfeed", feed(tmp_path, {}), out=tmp_path / "out").report.complete


def test_pictures_are_taken_only_from_within_the_folder_of_uploads(tmp_path: Path) -> None:
    put(tmp_path, {"uploads/a.jpg": JPEG, "uploads/b.txt": "x", "secret.jpg": JPEG})
    uploads = tmp_path / "uploads"
    (uploads / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert pictures.inside(uploads, "a.jpg") == (uploads / "a.jpg").resolve()
    assert pictures.inside(uploads, "/a.jpg") == (uploads / "a.jpg").resolve()
    for name in ("b.txt", "../secret.jpg", "link.jpg", "none.jpg", "a\x00.jpg", "", "a.jpg/b.jpg"):
        assert pictures.inside(uploads, name) is None
    assert pictures.inside(uploads, str(tmp_path / "secret.jpg")) is None


def test_a_picture_that_is_too_large_keeps_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", 3)
    post = {"slug": "a", "title": "A", "html": "<p>a</p>", "published_at": "2026-01-01T00:00:00Z"}
    src = "https://old.example/content/images/a.jpg"
    data = {"posts": [post | {"id": "1", "feature_image": src}]}
    dumped(tmp_path, "ghost.json", {"db": [{"data": data}]})
    put(tmp_path, {"content/images/a.jpg": JPEG})
    made = run("ghost", tmp_path / "ghost.json", base_url="https://old.example")
    image = made.article("a").image
    assert image
    assert image.src == src
    assert made.warnings("a") == [f"the picture {src} has more than 30 MiB"]


def test_texts_within_limits_are_kept_and_longer_ones_cut_and_told(tmp_path: Path) -> None:
    made = run(
        "jsonfeed",
        feed(
            tmp_path,
            {
                "url": "/a",
                "title": "word " * 100,
                "summary": "word " * 300,
                "language": "not a tag",
                "tags": ["x" * 101],
                "authors": [{"name": "n" * 300, "url": "javascript:x"}],
                "image": "data:image/png;base64,AAAA",
                "content_html": "<p>a\x00b\ud800c</p>",
            },
        ),
    )
    article = made.article("a")
    assert len(article.title) <= 300
    assert article.title.endswith("word…")
    assert len(article.summary) <= 1000
    assert article.authors[0].name == "n" * 200
    assert article.image is None
    assert len(made.warnings("a")) == 5


def test_the_report_is_no_article(tmp_path: Path) -> None:
    made = run("jsonfeed", feed(tmp_path, {}))
    assert scan(made.folder).keys() == {"articles/ferry.json", "site.json"}


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"[",
        b"null",
        b"5",
        b'"x"',
        b"[[[]]]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"db": [1], "items": 5, "posts": {}}',
    ],
)
def test_a_file_of_anything_is_read_or_told(tmp_path: Path, name: str, data: bytes) -> None:
    source = put(tmp_path, {"export.json": data}) / "export.json"
    try:
        made = run(name, source)
    except ImportFailedError as error:
        assert str(error)  # noqa: PT017 (either is right)
    else:
        assert made.report.counts()["written"] == 0
