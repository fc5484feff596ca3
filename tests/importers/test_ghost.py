# ruff: noqa: E501 (what other systems write has long lines)
"""Ghost: its export, its editors' formats, its redirects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from broadsheet.article import Author, Image
from local.importers import koenig
from local.importers.item import ImportFailedError
from tests.importers.shop import JPEG, Imported, dumped, put, run

if TYPE_CHECKING:
    from pathlib import Path

DATA: dict[str, Any] = {
    "users": [
        {"id": "u1", "name": "Ines Callowhay", "website": "https://ines.example"},
        {"id": "u2", "name": "Jo Marrable", "website": None},
    ],
    "tags": [
        {"id": "t1", "name": "Harbour"},
        {"id": "t2", "name": "Tide"},
        {"id": "t3", "name": "#hidden"},
    ],
    "posts_tags": [
        {"post_id": "p1", "tag_id": "t2", "sort_order": 1},
        {"post_id": "p1", "tag_id": "t1", "sort_order": 0},
        {"post_id": "p1", "tag_id": "t3", "sort_order": 2},
    ],
    "posts_authors": [
        {"post_id": "p1", "author_id": "u2", "sort_order": 1},
        {"post_id": "p1", "author_id": "u1", "sort_order": 0},
    ],
    "posts_meta": [
        {"post_id": "p1", "feature_image_alt": "A ferry", "feature_image_caption": "<b>Jo</b>'s"}
    ],
    "settings": [
        {"key": "title", "value": "Harbour log"},
        {"key": "description", "value": "News"},
        {"key": "timezone", "value": "Europe/Rome"},
        {"key": "locale", "value": "it"},
    ],
}


def post(**fields: Any) -> dict[str, Any]:
    return {
        "id": "p1",
        "title": "Ferry runs again",
        "slug": "ferry",
        "html": "<p>It sails.</p>",
        "status": "published",
        "type": "post",
        "visibility": "public",
        "created_at": "2026-05-01T00:00:00.000Z",
        "published_at": "2026-05-04T07:30:00.000Z",
        "updated_at": "2026-05-05T07:30:00.000Z",
    } | fields


def export(tmp_path: Path, *posts: dict[str, Any], **options: Any) -> Imported:
    db = [{"meta": {"version": "5.0.0"}, "data": {**DATA, "posts": list(posts)}}]
    return run("ghost", dumped(tmp_path, "export.json", {"db": db}), **options)


def test_a_post_becomes_an_article(tmp_path: Path) -> None:
    made = export(tmp_path, post(custom_excerpt="Back.", feature_image="https://x.example/a.jpg"))
    article = made.article("ferry")
    assert (article.title, article.summary, article.body) == (
        "Ferry runs again",
        "Back.",
        "It sails.",
    )
    assert article.published_at == datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
    assert article.updated_at == datetime(2026, 5, 5, 7, 30, tzinfo=UTC)
    assert article.authors == (
        Author("Ines Callowhay", "https://ines.example"),
        Author("Jo Marrable"),
    )
    assert [topic.label for topic in article.topics] == ["Harbour", "Tide"]
    assert article.image == Image("https://x.example/a.jpg", "A ferry", "Jo's")
    assert article.aliases == ("/ferry/",)
    assert made.raw("site.json") == {
        "name": "Harbour log",
        "description": "News",
        "timezone": "Europe/Rome",
        "language": "it",
    }


def test_pages_and_what_is_for_members_are_not_published(tmp_path: Path) -> None:
    made = export(
        tmp_path,
        post(id="p2", title="About", type="page"),
        post(id="p3", title="Old page", page=1),
        post(id="p4", slug="paid", visibility="paid"),
        post(id="p5", slug="draft", status="draft", published_at=None),
    )
    assert made.reasons == {"About": "is a page", "Old page": "is a page"}
    assert made.article("paid").status == "draft"
    assert "members only" in made.warnings("paid")[0]
    assert made.article("draft").status == "draft"


def test_pictures_are_found_in_content_images(tmp_path: Path) -> None:
    put(tmp_path, {"content/images/2026/05/ferry.jpg": JPEG})
    src = "__GHOST_URL__/content/images/2026/05/ferry.jpg"
    html = f'<p>a</p><img src="{src}"><a href="__GHOST_URL__/other/">b</a>'
    made = export(tmp_path, post(feature_image=src, html=html))
    assert made.article("ferry").image == Image("media/2026/05/ferry.jpg", "A ferry", "Jo's")
    assert made.files == ["ferry.json", "media/2026/05/ferry.jpg", "site.json"]
    assert made.report.site == ["where the site was is not told: give --base-url"]
    assert "are left out, without an address" in made.warnings("ferry")[0]


def test_the_address_given_completes_pictures_and_links(tmp_path: Path) -> None:
    src = "__GHOST_URL__/content/images/ferry.jpg"
    html = f'<p>a</p><img src="{src}"><a href="__GHOST_URL__/other/">b</a>'
    made = export(tmp_path, post(feature_image=src, html=html), base_url="https://old.example/")
    assert made.article("ferry").image == Image(
        "https://old.example/content/images/ferry.jpg", "A ferry", "Jo's"
    )
    assert 'src="https://old.example/content/images/ferry.jpg"' in made.html("ferry")
    assert 'href="https://old.example/other/"' in made.html("ferry")


REDIRECTS = [
    {"from": "/old-ferry/", "to": "/ferry/", "permanent": True},
    {"from": "/older", "to": "/ferry"},
    {"from": "^/post/[0-9]+/(.*)", "to": "/$1"},
    {"from": "/away", "to": "https://x.example/"},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("redirects.json", json.dumps(REDIRECTS)),
        (
            "redirects.yaml",
            "301:\n  /old-ferry/: /ferry/\n  /older: /ferry\n302:\n  ^/post/[0-9]+/(.*): /$1\n  /away: https://x.example/\n",
        ),
    ],
)
def test_redirects_become_aliases(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path, {name: text})
    made = export(tmp_path, post())
    assert made.article("ferry").aliases == ("/ferry/", "/old-ferry/", "/older")
    assert made.report.site == [
        "the redirect ^/post/[0-9]+/(.*) → /$1 is left out",
        "the redirect /away → https://x.example/ is left out",
    ]


def lexical(*nodes: dict[str, Any]) -> str:
    return json.dumps({"root": {"type": "root", "children": list(nodes)}})


def text(words: str, format_bits: int = 0) -> dict[str, Any]:
    return {"type": "extended-text", "text": words, "format": format_bits}


def test_drafts_of_the_newer_editor_are_read(tmp_path: Path) -> None:
    item = {"type": "listitem", "children": [text("one")]}
    document = lexical(
        {"type": "extended-heading", "tag": "h3", "children": [text("Head & foot")]},
        {
            "type": "paragraph",
            "children": [
                text("plain "),
                text("both", 3),
                {"type": "linebreak"},
                {"type": "link", "url": "https://x.example/", "children": [text("link")]},
            ],
        },
        {"type": "list", "listType": "number", "children": [item]},
        {"type": "extended-quote", "children": [text("quoted")]},
        {"type": "image", "src": "https://x.example/a.jpg", "alt": "A", "caption": "<i>C</i>"},
        {"type": "codeblock", "language": "python", "code": "a < b"},
        {"type": "markdown", "markdown": "*m*"},
        {"type": "html", "html": "<p>h</p>"},
        {"type": "horizontalrule"},
        {"type": "embed", "url": "https://video.example/1", "metadata": {"title": "V"}},
        {"type": "toggle", "heading": "T", "content": "<p>inside</p>"},
        {"type": "signup", "header": "Sign up"},
        {"type": "paywall"},
    )
    made = export(tmp_path, post(html=None, lexical=document, status="draft"))
    html = made.html("ferry")
    for part in (
        "Head &amp; foot</h2>",
        "plain <em><strong>both</strong></em><br>",
        '<a href="https://x.example/">link</a>',
        "<ol>\n<li>one</li>\n</ol>",
        "<blockquote>\n<p>quoted</p>\n</blockquote>",
        "<figcaption><i>C</i></figcaption>",
        "<pre><code>a &lt; b\n</code></pre>",
        "<em>m</em>",
        "<p>h</p>",
        "<hr>",
        '<a href="https://video.example/1">V</a>',
        "<summary>T</summary><p>inside</p>",
    ):
        assert part in html
    assert made.warnings("ferry") == ["the card signup is left out"]


def test_drafts_of_the_older_editor_are_read(tmp_path: Path) -> None:
    document = {
        "version": "0.3.1",
        "markups": [["strong"], ["a", ["href", "https://x.example/"]], ["blink"]],
        "atoms": [["soft-return", "", {}], ["mention", "@ines", {}]],
        "cards": [["card-markdown", {"markdown": "*m*"}], ["gallery", {"images": []}], ["map", {}]],
        "sections": [
            [1, "h2", [[0, [], 0, "Head"]]],
            [
                1,
                "p",
                [
                    [0, [0], 0, "bold "],
                    [0, [1], 1, "link"],
                    [1, [], 1, 0],
                    [0, [2], 1, "<x>"],
                    [1, [], 0, 1],
                ],
            ],
            [3, "ul", [[[0, [], 0, "one"]], [[0, [], 0, "two"]]]],
            [2, "https://x.example/a.jpg"],
            [10, 0],
            [10, 1],
            [10, 2],
        ],
    }
    made = export(tmp_path, post(html="", mobiledoc=json.dumps(document)))
    html = made.html("ferry")
    assert '<strong>bold <a href="https://x.example/">link</a>' in html
    assert "<br>\n&lt;x&gt;@ines" in html
    assert "<ul>\n<li>one</li>\n<li>two</li>\n</ul>" in html
    assert "<em>m</em>" in html
    assert 'src="https://x.example/a.jpg"' in html
    assert made.warnings("ferry") == ["the card map is left out"]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"root": 1}',
        '{"root": {"children": [{"type": 1}, 2]}}',
        '{"sections": [[1], [10, 9], 5]}',
        "[" * 5000,
        '{"sections": 1}',
    ],
)
def test_documents_that_are_none_do_no_harm(document: str) -> None:
    for read in (koenig.lexical, koenig.mobiledoc):
        assert read(document, lambda _: None) == ""


def test_a_document_nested_without_end_is_cut() -> None:
    node: dict[str, Any] = {"type": "paragraph", "children": []}
    for _ in range(300):
        node = {"type": "extended-quote", "children": [node]}
    said: list[str] = []
    assert koenig.lexical(lexical(node), said.append).count("<blockquote>") < 300
    assert set(said) == {"what is nested deeper than 100 levels is left out"}


def test_what_is_no_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="no Ghost export"):
        run("ghost", dumped(tmp_path, "x.json", {"db": []}))
