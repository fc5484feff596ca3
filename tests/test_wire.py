"""Items of ninjs and JSON Feed as articles: what they make, and what is said of what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from broadsheet import markdown, wire
from broadsheet.article import Article, Author, Image, Source, Topic
from broadsheet.errors import InvalidError
from broadsheet.render import Renderer
from broadsheet.site_config import SiteConfig
from tests.fuzz.properties import check_article
from tests.recorded import FOLDER
from tests.test_schema import independent

if TYPE_CHECKING:
    from pathlib import Path

NINJS = {"name": "ninjs", "version": "3.0"}
TEXT = "<p>The ferry is back.</p><p>It sails at <em>seven</em>.</p>"


def ninjs(**fields: Any) -> dict[str, Any]:
    """A ninjs item; a field that is None is left out."""
    plain = {
        "uri": "urn:sellow:20260504:ferry",
        "standard": NINJS,
        "type": "text",
        "versionCreated": "2026-05-04T09:30:00+02:00",
        "headlines": [{"role": "main", "value": "Ferry runs again"}],
        "bodies": [{"role": "main", "contentType": "text/html", "value": TEXT}],
    }
    return {name: value for name, value in (plain | fields).items() if value is not None}


def feed(feed_fields: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A feed of one item; a field that is None is left out."""
    item = {
        "id": "https://log.example/ferry",
        "title": "Ferry runs again",
        "content_html": TEXT,
        "date_published": "2026-05-04T09:30:00+02:00",
    } | fields
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour log",
        "items": [{name: value for name, value in item.items() if value is not None}],
    } | (feed_fields or {})


def parse(document: Any) -> Article:
    return Article.parse("ferry", json.dumps(document).encode())


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(InvalidError) as caught:
        parse(document)
    return {problem.path: problem.message for problem in caught.value.problems}


def shown(document: Any) -> str:
    """The HTML of the body of an item."""
    return markdown.to_html(parse(document).body)


def test_a_ninjs_item_makes_an_article() -> None:
    assert parse(
        ninjs(
            firstCreated="2026-05-04T07:00:00Z",
            descriptions=[{"role": "summary", "value": "After a week of repairs."}],
            by="By Ines Callowhay",
            language="en-GB",
            subjects=[{"name": "Harbour"}, {"name": "Transport"}],
        )
    ) == Article(
        path="ferry",
        title="Ferry runs again",
        summary="After a week of repairs.",
        body=TEXT,
        published_at=datetime(2026, 5, 4, 7, tzinfo=UTC),
        updated_at=datetime(2026, 5, 4, 7, 30, tzinfo=UTC),
        authors=(Author("Ines Callowhay"),),
        topics=(Topic("harbour", "Harbour"), Topic("transport", "Transport")),
        language="en-GB",
        body_place="/bodies/0/value",
    )


def test_ninjs_2_has_its_names_in_lower_case() -> None:
    item = ninjs(
        standard={"name": "ninjs", "version": "2.1"},
        versionCreated=None,
        versioncreated="2026-05-04T09:30:00Z",
        pubstatus="canceled",
        bodies=[{"contenttype": "text/html", "value": TEXT}],
    )
    assert parse(item).published_at == datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    assert parse(item).status == "withdrawn"


@pytest.mark.parametrize(
    "said",
    [
        {"standard": {"name": "ninjs", "version": "3.1"}},
        {"standard": {"name": "NINJS", "version": "2"}},
        {"standard": {"name": "TTNINJS", "version": "3.0"}},
        {"standard": None, "$schema": "https://iptc.org/std/ninjs/ninjs-schema_3.0.json"},
        {"standard": None, "$schema": "http://www.iptc.org/std/ninjs/ninjs-schema_2.2.json#"},
    ],
)
def test_an_item_says_that_it_is_ninjs(said: dict[str, Any]) -> None:
    assert parse(ninjs(**said)).title == "Ferry runs again"


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"standard": {"name": "ninjs", "version": "1.5"}}, "/standard/version"),
        ({"standard": {"name": "ninjs", "version": "30"}}, "/standard/version"),
        ({"standard": {"name": "ninjs", "version": None}}, "/standard/version"),
        ({"standard": {"name": "ninjs"}}, "/standard/version"),
        ({"standard": None, "$schema": "https://iptc.org/ninjs-schema_1.6.json"}, "/$schema"),
    ],
)
def test_other_versions_of_ninjs_are_refused_by_name(said: dict[str, Any], place: str) -> None:
    assert "expected version 2 or 3 of ninjs" in problems(ninjs(**said))[place]


@pytest.mark.parametrize("standard", [None, {}, [], "ninjs", {"name": "newsml"}, {"name": 3}])
def test_what_does_not_say_so_is_read_as_an_article(standard: Any) -> None:
    assert "is not a known field" in problems(ninjs(standard=standard))["/headlines"]


def test_an_articles_own_schema_makes_it_no_wire_item() -> None:
    found = problems({"$schema": "https://news.example/article.schema.json"})
    assert {"/title", "/body"} <= found.keys()


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        (None, "published"),
        ("usable", "published"),
        ("withheld", "draft"),
        ("canceled", "withdrawn"),
    ],
)
def test_the_publication_status_is_followed(status: str | None, ours: str) -> None:
    assert parse(ninjs(pubStatus=status)).status == ours


@pytest.mark.parametrize("status", ["Usable", "", 1, [], {}, True])
def test_any_other_publication_status_is_refused(status: Any) -> None:
    found = problems(ninjs(pubStatus=status, headlines=None))
    assert "expected one of: usable, withheld, canceled" in found["/pubStatus"]
    assert "is missing" in found["/headlines"]


@pytest.mark.parametrize("name", ["embargoedUntil", "embargoed"])
def test_an_embargo_moves_the_publication_to_its_end(name: str) -> None:
    end = datetime(2027, 1, 1, tzinfo=UTC)
    for status, ours in (
        (None, "published"),
        ("usable", "published"),
        ("withheld", "draft"),
        ("canceled", "withdrawn"),
    ):
        found = parse(ninjs(pubStatus=status, **{name: end.isoformat()}))
        assert found.published_at == end
        assert found.updated_at is None
        assert found.status == ours


def test_an_embargo_that_was_over_before_changes_nothing() -> None:
    item = ninjs(embargoedUntil="2026-05-04T09:00:00+02:00")
    assert parse(item).status == "published"
    assert parse(item).published_at == datetime(2026, 5, 4, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("end", ["soon", "", 5, [], "2027-01-01", "2027-01-01T00:00:00"])
def test_an_embargo_that_cannot_be_read_is_refused(end: Any) -> None:
    assert "expected an RFC 3339 date" in problems(ninjs(embargoedUntil=end))["/embargoedUntil"]


def test_what_a_model_made_is_told() -> None:
    uri = "http://cv.iptc.org/newscodes/digitalsourcetype/"
    made = ninjs(digitalSourceType={"uri": f"{uri}trainedAlgorithmicMedia"})
    helped = ninjs(digitalSourceType={"uri": f"{uri}compositeWithTrainedAlgorithmicMedia"})
    photo = ninjs(digitalSourceType={"uri": f"{uri}digitalCapture"})
    assert parse(made).ai_disclosure == "generated"
    assert parse(helped).ai_disclosure == "assisted"
    assert parse(photo).ai_disclosure == "none"


def test_the_picture_is_the_first_that_is_associated_in_a_width_that_suits() -> None:
    def rendition(width: int, href: str) -> dict[str, Any]:
        kind = {"contentType": "image/jpeg"}
        return {"href": href, "width": width, "height": width // 2, **kind}

    picture = {
        "type": "picture",
        "by": "Jo Marrable",
        "headlines": [{"value": "The ferry"}],
        "descriptions": [{"value": "The ferry leaves Sellow."}],
        "renditions": [
            rendition(200, "https://pictures.example/s.jpg"),
            rendition(1600, "https://pictures.example/m.jpg"),
            rendition(6000, "https://pictures.example/l.jpg"),
            {"href": "https://pictures.example/v.mp4", "contentType": "video/mp4", "width": 1300},
            {"href": "ftp://pictures.example/x.jpg", "contentType": "image/jpeg", "width": 1300},
        ],
    }
    item = ninjs(associations=[{"type": "video", "renditions": picture["renditions"]}, picture])
    assert parse(item).image == Image(
        "https://pictures.example/m.jpg",
        "The ferry",
        "The ferry leaves Sellow.",
        "Jo Marrable",
        1600,
        800,
    )


def test_ten_topics_are_taken_and_those_without_a_slug_are_not() -> None:
    names = ["!!!", "x" * 101, 5, None, *(f"Topic {i}" for i in range(12))]
    found = parse(ninjs(subjects=[{"name": name} for name in names]))
    assert [topic.label for topic in found.topics] == [f"Topic {i}" for i in range(10)]


def test_a_feed_of_one_item_makes_an_article() -> None:
    item = feed(
        {"language": "de", "authors": [{"name": "The desk"}]},
        summary="After a week.",
        date_modified="2026-05-05T00:00:00Z",
        authors=[{"name": "Ines", "url": "https://ines.example/"}, {"url": "https://x.example"}],
        tags=["Harbour", "Transport"],
        image="https://log.example/ferry.jpg",
        external_url="https://harbour.example/notice",
    )
    assert parse(item) == Article(
        path="ferry",
        title="Ferry runs again",
        summary="After a week.",
        body=TEXT,
        published_at=datetime(2026, 5, 4, 7, 30, tzinfo=UTC),
        updated_at=datetime(2026, 5, 5, tzinfo=UTC),
        authors=(Author("Ines", "https://ines.example/"),),
        topics=(Topic("harbour", "Harbour"), Topic("transport", "Transport")),
        source=Source("Ferry runs again", "https://harbour.example/notice"),
        image=Image("https://log.example/ferry.jpg", ""),
        language="de",
        body_place="/items/0/content_html",
    )


def test_version_1_of_json_feed_has_one_author() -> None:
    item = feed({"version": "https://jsonfeed.org/version/1"}, author={"name": "Ines"})
    assert parse(item).authors == (Author("Ines"),)
    of_the_feed = feed({"author": {"name": "The desk"}})
    assert parse(of_the_feed).authors == (Author("The desk"),)


@pytest.mark.parametrize("items", [None, [], [{}, {}], ["x"], {}])
def test_a_feed_has_exactly_one_item(items: Any) -> None:
    assert "expected exactly one item" in problems(feed({"items": items}))["/items"]


def test_a_later_json_feed_is_refused_by_name() -> None:
    found = problems(feed({"version": "https://jsonfeed.org/version/2"}))
    assert "expected JSON Feed 1 or 1.1" in found["/version"]


def test_plain_text_becomes_paragraphs_that_show_what_was_written() -> None:
    item = feed(content_html=None, content_text="1 < 2 & *three*\nnext\n\n# not a heading")
    assert "<p>1 &lt; 2 &amp; *three*<br>next</p><p># not a heading</p>" in shown(item)
    lines = ninjs(bodies=[{"contentType": "text/plain", "value": "One.\nTwo."}])
    assert "<p>One.</p><p>Two.</p>" in shown(lines)


def test_problems_are_told_at_their_places_in_the_item() -> None:
    found = problems(
        ninjs(
            headlines=[{"value": ""}, {"value": "x" * 301}],
            bodies=[{"value": 5}],
            versionCreated="2026-05-04T09:30:00",
            by=["Ines"],
            language="english!",
        )
    )
    assert found["/headlines/1/value"].startswith("has 301 characters")
    assert found["/bodies/0/value"].startswith("is a number")
    assert found["/descriptions"].startswith("is missing; expected a summary")
    assert found["/versionCreated"].startswith('is "2026-05-04T09:30:00"')
    assert found["/by"].startswith("is an array")
    assert "/language" in found


def test_problems_of_a_feed_are_told_at_their_places_in_its_item() -> None:
    found = problems(
        feed(title=None, content_html="<div>" * 3000, date_published="today", image="ferry.jpg")
    )
    assert found["/items/0/title"].startswith("is missing")
    assert found["/items/0/date_published"].startswith('is "today"')
    assert found["/items/0/image"].startswith('is "ferry.jpg"')


def test_a_body_that_cannot_be_rendered_is_told_at_its_place() -> None:
    article = parse(ninjs(bodies=[{"value": ""}, {"role": "html", "value": "<div>x" * 3000}]))
    with pytest.raises(InvalidError) as caught:
        Renderer("https://news.example", SiteConfig()).article(article)
    assert [problem.path for problem in caught.value.problems] == ["/bodies/1/value"]


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("<p>a</p>\n\n\n<p>b</p>", "<p>a</p> <p>b</p>"),
        ("<p>*a* | b</p>\n\n    <p>c</p>", "<p>*a* | b</p> <p>c</p>"),
        ("<pre>a\n\n  b</pre>\n\nx", "<pre>a\n\n  b</pre> x"),
        ("a\n\n- b\n\n# c", "<div>a - b # c</div>"),
        ("<em>a</em>\n\n<p>b</p>", "<div><em>a</em> <p>b</p></div>"),
        ("<section\n class='x'>\n\n<p>a</p>\n\n# b</section>", "<p>a</p> # b"),
        ("<pre>\n\n# a</pre>\n\n# b", "<pre>\n# a</pre> # b"),
        ("<script>\n\nalert(1)\n\n</script><p>a</p>", "<p>a</p>"),
        ("<p>a</p><!-- \n\n --><p>b</p>", "<p>a</p><p>b</p>"),
        ("<html><head><title>T</title></head><body><p>a</p></body></html>", "<p>a</p>"),
        ("<H1>Ferry  runs <b>again</b></H1><h2>a</h2>", "<h2>a</h2>"),
        ("<table><tr><td>a</td><td>b</td></tr></table>\r\n\r\n<p>c</p>", "<td>b</td>"),
    ],
)
def test_html_is_shown_as_html_whatever_its_lines(body: str, html: str) -> None:
    found = shown(ninjs(bodies=[{"contentType": "application/xhtml+xml", "value": body}]))
    assert html in found
    assert "T</title>" not in found
    assert "Ferry" not in found


def test_html_is_preferred_to_text_and_the_main_body_to_others() -> None:
    text = {"contentType": "text/plain", "value": "plain"}
    other = {"role": "print", "contentType": "text/html", "value": "<p>print</p>"}
    main = {"role": "main", "contentType": "text/html", "value": "<p>main</p>"}
    markup = {"contentType": "application/xml", "value": "<nitf/>"}
    assert "main" in shown(ninjs(bodies=[markup, text, other, main]))
    assert "print" in shown(ninjs(bodies=[text, other]))
    assert "plain" in shown(ninjs(bodies=[markup, text]))
    assert "/bodies" in problems(ninjs(bodies=[markup]))


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("<p>One. Two.</p><p>Three.</p>", "One. Two."),
        ("<p> </p><p>A&amp;B <b>c</b>d</p>", "A&B cd"),
        ("no paragraphs<br>second", "no paragraphs"),
        (f"<p>{'Ab. ' * 100}</p>", ("Ab. " * 75).strip()),
        (f"<p>{'abc ' * 100}</p>", f"{'abc ' * 73}abc…"),
    ],
)
def test_without_a_summary_the_first_sentences_are_it(text: str, summary: str) -> None:
    body = [{"contentType": "text/html", "value": text}]
    assert parse(ninjs(bodies=body)).summary == summary
    assert len(summary) <= wire.SUMMARY_CHARACTERS


@pytest.mark.parametrize("value", [None, 5, True, [], {}, [[]], [{}], [None], "x", {"value": {}}])
@pytest.mark.parametrize(
    "name",
    "headlines bodies descriptions subjects associations renditions by digitalSourceType title"
    " versionCreated firstCreated language content_html content_text summary date_published"
    " date_modified tags authors author image external_url".split(),
)
def test_no_value_of_the_wrong_type_does_more_than_be_refused(name: str, value: Any) -> None:
    check_article(json.dumps(ninjs() | {name: value}).encode())
    check_article(json.dumps(feed(**{name: value})).encode())


@pytest.mark.parametrize("sample", sorted((FOLDER / "wire").iterdir()), ids=lambda path: path.stem)
def test_the_samples_make_articles_that_follow_the_schema(sample: Path) -> None:
    document = json.loads(sample.read_text("utf-8"))
    item = wire.read(document)
    assert item
    assert independent("article", item.article) == set()
    assert "<p>" in shown(document)
    assert parse(document).topics
