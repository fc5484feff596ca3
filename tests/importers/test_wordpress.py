# ruff: noqa: E501 (what other systems write has long lines)
"""WordPress: its export, and answers of its REST API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from broadsheet.article import Author, Image
from local.importers.item import ImportFailedError
from tests.importers.shop import JPEG, Imported, dumped, put, run

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="http://wordpress.org/export/1.2/"><channel>
<title>Harbour &amp;amp; Log</title><link>https://old.example</link>
<description>News from the quay</description><language>en-GB</language>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>https://old.example</wp:base_site_url>
<wp:base_blog_url>https://old.example</wp:base_blog_url>
"""
AUTHOR = """<wp:author><wp:author_login>ines</wp:author_login>
<wp:author_display_name><![CDATA[Ines Callowhay]]></wp:author_display_name></wp:author>"""
ATTACHMENT = """<item><title>ferry</title><wp:post_id>7</wp:post_id>
<excerpt:encoded><![CDATA[The <b>ferry</b>.]]></excerpt:encoded>
<wp:post_type>attachment</wp:post_type><wp:status>inherit</wp:status>
<wp:attachment_url>https://old.example/wp-content/uploads/2026/05/ferry.jpg</wp:attachment_url>
<wp:postmeta><wp:meta_key>_wp_attachment_image_alt</wp:meta_key>
<wp:meta_value>A ferry</wp:meta_value></wp:postmeta></item>"""


def item(number: int = 1, content: str = "<p>It sails.</p>", more: str = "", **fields: str) -> str:
    """One post of an export."""
    said = {
        "post_id": str(number),
        "post_date": "2026-05-04 09:30:00",
        "post_date_gmt": "2026-05-04 07:30:00",
        "post_modified": "2026-05-05 09:30:00",
        "post_modified_gmt": "2026-05-05 07:30:00",
        "post_name": f"ferry-{number}",
        "status": "publish",
        "post_type": "post",
        "post_password": "",
    }
    title = fields.pop("title", f"Ferry {number}")
    link = fields.pop("link", f"https://old.example/2026/05/ferry-{number}/")
    excerpt = fields.pop("excerpt", "")
    tags = "".join(f"<wp:{n}><![CDATA[{v}]]></wp:{n}>" for n, v in (said | fields).items())
    return (
        f"<item><title><![CDATA[{title}]]></title><link>{link}</link><dc:creator>ines</dc:creator>"
        f"<content:encoded><![CDATA[{content}]]></content:encoded>"
        f"<excerpt:encoded><![CDATA[{excerpt}]]></excerpt:encoded>{tags}{more}</item>"
    )


def export(tmp_path: Path, *items: str, **options: Any) -> Imported:
    text = HEAD + AUTHOR + "".join(items) + "</channel></rss>"
    return run("wordpress", put(tmp_path, {"export.xml": text}) / "export.xml", **options)


def test_an_exported_post_becomes_an_article(tmp_path: Path) -> None:
    more = (
        '<category domain="category" nicename="harbour"><![CDATA[Harbour &amp; Ferries]]></category>'
        '<category domain="post_tag" nicename="tide"><![CDATA[Tide]]></category>'
        '<category domain="post_format" nicename="x"><![CDATA[Aside]]></category>'
        "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>7</wp:meta_value>"
        "</wp:postmeta>"
    )
    post = item(
        1, title="Ferry &#8220;runs&#8221; &amp;amp; sails", excerpt="Back again.", more=more
    )
    made = export(tmp_path, post, ATTACHMENT)
    article = made.article("2026/05/ferry-1")
    assert article.title == "Ferry “runs” & sails"
    assert article.summary == "Back again."
    assert article.published_at == datetime(2026, 5, 4, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    assert article.updated_at == datetime(2026, 5, 5, 7, 30, tzinfo=UTC)
    assert article.authors == (Author("Ines Callowhay"),)
    assert [topic.label for topic in article.topics] == ["Harbour & Ferries", "Tide"]
    assert article.aliases == ("/2026/05/ferry-1/",)
    address = "https://old.example/wp-content/uploads/2026/05/ferry.jpg"
    assert article.image == Image(address, "A ferry", "The ferry.")
    assert made.raw("site.json") == {
        "name": "Harbour & Log",
        "description": "News from the quay",
        "language": "en-GB",
    }
    assert made.files == ["2026/05/ferry-1.json", "site.json"]
    assert made.report.counts()["with warnings"] == 0


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("publish", "published"),
        ("future", "published"),
        ("draft", "draft"),
        ("private", "draft"),
        ("pending", "draft"),
    ],
)
def test_the_status_is_followed(tmp_path: Path, status: str, ours: str) -> None:
    assert export(tmp_path, item(status=status)).article("2026/05/ferry-1").status == ours


def test_what_is_no_article_is_told_and_left_out(tmp_path: Path) -> None:
    made = export(
        tmp_path,
        item(1, title="Gone", status="trash"),
        item(2, title="About", post_type="page"),
        item(3, title="Menu", post_type="nav_menu_item"),
        item(4, title=""),
        item(5, title="Empty", content="<!-- wp:latest-posts /-->"),
        item(6, title="Undated", post_date="", post_date_gmt="0000-00-00 00:00:00"),
        ATTACHMENT,
    )
    assert made.reasons == {
        "Gone": "is in the trash",
        "About": "is of type page",
        "Menu": "is of type nav_menu_item",
        "4": "has no title",
        "Empty": "has no text",
        "Undated": "has no date of publication",
    }
    assert made.files == ["site.json"]


def test_what_has_a_password_is_never_public(tmp_path: Path) -> None:
    made = export(tmp_path, item(post_password="tide"))  # noqa: S106 (an invented one)
    assert made.article("2026/05/ferry-1").status == "draft"
    assert "has a password" in made.warnings("2026/05/ferry-1")[0]


def test_a_draft_without_a_time_in_greenwich_has_the_time_zone_given(tmp_path: Path) -> None:
    draft = item(
        status="draft", post_date_gmt="0000-00-00 00:00:00", link="https://old.example/?p=1"
    )
    article = export(tmp_path, draft, timezone="Europe/Berlin").article("ferry-1")
    assert article.published_at == datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
    assert article.aliases == ()


def test_pictures_of_the_uploads_folder_are_carried_over(tmp_path: Path) -> None:
    more = (
        "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>7</wp:meta_value>"
        "</wp:postmeta>"
    )
    uploads = put(tmp_path / "elsewhere", {"2026/05/ferry.jpg": JPEG})
    content = (
        '<p>a <img src="https://old.example/wp-content/uploads/2026/05/ferry.jpg">'
        '<img src="https://other.example/b.jpg"><img src="/wp-content/uploads/c.jpg"></p>'
    )
    made = export(tmp_path, item(1, content, more), ATTACHMENT, media=uploads)
    assert made.article("2026/05/ferry-1").image == Image(
        "media/2026/05/ferry.jpg", "A ferry", "The ferry."
    )
    assert (made.folder / "media/2026/05/ferry.jpg").read_bytes() == JPEG
    assert 'src="https://old.example/wp-content/uploads/c.jpg"' in made.html("2026/05/ferry-1")
    [said] = made.warnings("2026/05/ferry-1")
    assert said.startswith("2 pictures (https://old.example/")
    assert "stay at the old site" in said


def test_uploads_are_found_beside_the_export(tmp_path: Path) -> None:
    put(tmp_path, {"wp-content/uploads/2026/05/ferry.jpg": JPEG})
    more = "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>7</wp:meta_value></wp:postmeta>"
    made = export(tmp_path, item(1, more=more), ATTACHMENT)
    assert "media/2026/05/ferry.jpg" in made.files


def test_links_between_posts_lead_to_their_new_pages(tmp_path: Path) -> None:
    content = (
        '<p><a href="https://old.example/2026/05/ferry-2#times">a</a> <a href="/2026/05/ferry-2/">b</a>'
        ' <a href="https://other.example/2026/05/ferry-2/">c</a> <a href="/about/">d</a></p>'
    )
    made = export(tmp_path, item(1, content), item(2))
    html = made.html("2026/05/ferry-1")
    assert '<a href="/articles/2026/05/ferry-2/#times">a</a>' in html
    assert '<a href="/articles/2026/05/ferry-2/">b</a>' in html
    assert '<a href="https://other.example/2026/05/ferry-2/">c</a>' in html
    assert '<a href="https://old.example/about/">d</a>' in html


def test_texts_of_the_classic_editor_have_paragraphs(tmp_path: Path) -> None:
    content = "One\nline.\n\nTwo <em>b</em>.\n<h2>Head</h2>\nThree\n\n<pre>a\n\nb</pre>\n<ul>\n<li>c</li>\n</ul>"
    html = export(tmp_path, item(1, content)).html("2026/05/ferry-1")
    assert html == (
        "<p>One<br>\nline.</p>\n<p>Two <em>b</em>.</p>\n"
        f"<h2{html.partition('<h2')[2].partition('>')[0]}>Head</h2>\n"
        "<p>Three</p>\n<pre><code>a\n\nb\n</code></pre>\n<ul>\n<li>c</li>\n</ul>\n"
    )


def test_blocks_and_shortcodes_are_followed_or_told(tmp_path: Path) -> None:
    content = (
        "<!-- wp:paragraph -->\n<p>a</p>\n<!-- /wp:paragraph -->\n\n"
        '<!-- wp:latest-posts {"postsToShow":3} /-->\n<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->\n'
        '[caption id="x" align="left"]<img src="https://x.example/a.jpg" alt="A"> The pier[/caption]\n'
        '[gallery ids="1,2"] [audio src="https://x.example/a.mp3"] [embed]https://video.example/1[/embed]\n'
        "https://video.example/2\n\n[poll id=3] [sic] [[gallery]] [box]b[/box]"
    )
    made = export(tmp_path, item(1, content))
    html = made.html("2026/05/ferry-1")
    assert "<figcaption>The pier</figcaption>" in html
    assert '<a href="https://x.example/a.mp3">' in html
    assert '<a href="https://video.example/1">' in html
    assert '<a href="https://video.example/2">' in html
    assert "[sic] [[gallery]]" in html
    assert set(made.warnings("2026/05/ferry-1")) == {
        "the block latest-posts is left out",
        "the shortcode [gallery] is left out",
        "the shortcode [audio] becomes a link",
        "the shortcode [poll] stays in the text",
        "the shortcode [box] stays in the text",
    }


def test_control_characters_of_an_export_do_no_harm(tmp_path: Path) -> None:
    made = export(tmp_path, item(1, "<p>a\x0bb\x00c\x1f</p>"))
    assert made.article("2026/05/ferry-1").body == "a b c"


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "https://x.example/rss.dtd">',
    ],
)
def test_declarations_are_refused(tmp_path: Path, declared: str) -> None:
    text = HEAD.replace("<rss", f"{declared}<rss", 1) + item() + "</channel></rss>"
    put(tmp_path, {"export.xml": text})
    with pytest.raises(ImportFailedError, match="declares types or entities"):
        run("wordpress", tmp_path / "export.xml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<rss><channel>", "is not XML"),
        ("", "is not XML"),
        ("<rss><channel><title>a</title></channel></rss>", "is no WordPress export"),
    ],
)
def test_what_is_no_export_is_told(tmp_path: Path, text: str, said: str) -> None:
    put(tmp_path, {"export.xml": text})
    with pytest.raises(ImportFailedError, match=said):
        run("wordpress", tmp_path / "export.xml")


def post(number: int = 1, **fields: Any) -> dict[str, Any]:
    """One post as the API answers it."""
    return {
        "id": number,
        "date": "2026-05-04T09:30:00",
        "date_gmt": "2026-05-04T13:30:00",
        "modified": "2026-05-04T09:30:00",
        "modified_gmt": "2026-05-04T13:30:00",
        "slug": f"ferry-{number}",
        "status": "publish",
        "type": "post",
        "link": f"https://old.example/ferry-{number}/",
        "title": {"rendered": f"Ferry &#8217;{number}"},
        "content": {"rendered": "<p>It sails.</p>", "protected": False},
        "excerpt": {"rendered": "<p>It sails [&hellip;]</p>\n", "protected": False},
        "author": 3,
        "featured_media": 7,
        "categories": [1, 4],
        "tags": [5],
    } | fields


EMBEDDED = {
    "author": [{"id": 3, "name": "Ines Callowhay", "url": "", "avatar_urls": {}}],
    "wp:featuredmedia": [
        {
            "id": 7,
            "media_type": "image",
            "alt_text": "A ferry",
            "caption": {"rendered": "<p>The ferry.</p>"},
            "source_url": "https://old.example/wp-content/uploads/ferry.jpg",
            "media_details": {"width": 1600, "height": 900},
        }
    ],
    "wp:term": [
        [
            {"id": 1, "name": "Uncategorized", "taxonomy": "category"},
            {"id": 4, "name": "A &amp; B", "taxonomy": "category"},
        ],
        [{"id": 5, "name": "Tide", "taxonomy": "post_tag"}],
    ],
}


def check_answered(made: Imported) -> None:
    article = made.article("ferry-1")
    assert article.title == "Ferry ’1"
    assert article.summary == "It sails…"
    assert article.published_at.isoformat() == "2026-05-04T09:30:00-04:00"
    assert article.updated_at is None
    assert article.authors == (Author("Ines Callowhay"),)
    assert [topic.label for topic in article.topics] == ["A & B", "Tide"]
    assert article.image == Image(
        "https://old.example/wp-content/uploads/ferry.jpg", "A ferry", "The ferry.", "", 1600, 900
    )
    assert article.aliases == ("/ferry-1/",)


def test_an_answer_with_all_embedded_becomes_articles(tmp_path: Path) -> None:
    check_answered(run("wordpress", dumped(tmp_path, "posts.json", [post(_embedded=EMBEDDED)])))


def test_answers_in_a_folder_complete_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    dumped(folder, "posts/1.json", [post(1), post(2)])
    dumped(folder, "posts/2.json", [post(3)])
    dumped(folder, "users.json", EMBEDDED["author"])
    dumped(folder, "media.json", EMBEDDED["wp:featuredmedia"])
    dumped(folder, "terms.json", [term for terms in EMBEDDED["wp:term"] for term in terms])  # type: ignore[attr-defined]
    root = {"name": "Log &amp; Tide", "description": "", "home": "https://old.example"}
    dumped(folder, "root.json", root | {"namespaces": ["wp/v2"], "timezone_string": "Europe/Rome"})
    made = run("wordpress", folder)
    check_answered(made)
    assert made.files == ["ferry-1.json", "ferry-2.json", "ferry-3.json", "site.json"]
    assert made.raw("site.json") == {"name": "Log & Tide", "timezone": "Europe/Rome"}


def test_what_the_api_protects_is_never_public(tmp_path: Path) -> None:
    content = {"rendered": "<p>secret</p>", "protected": True}
    made = run("wordpress", dumped(tmp_path, "posts.json", [post(content=content)]))
    assert made.article("ferry-1").status == "draft"


def test_json_of_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="no answer of WordPress"):
        run("wordpress", dumped(tmp_path, "x.json", {"a": 1}))
