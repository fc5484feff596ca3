"""Markdown to HTML that is safe: what it can say, and what nobody can make it say."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.errors import InvalidError
from broadsheet.markdown import AMPERSANDS, DEPTH, to_html

# Elements and attributes that load, run, submit, restyle or overlay something.
DANGEROUS = set(
    "script style iframe frame frameset object embed applet svg math form input button select"
    " textarea option link meta base template noscript audio video source track canvas dialog"
    " portal html head body title slot".split()
)
URLS = {"href", "src", "cite", "action", "formaction", "poster", "data", "srcset", "background"}
SCHEMES = {"http", "https", "mailto", "tel"}


# Classes that no author can give, but the renderer does.
OWN = {("class", "table"), ("class", "center"), ("class", "right")}


class Inspector(HTMLParser):
    """Notes everything in a document that could do more than show text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.dangers: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DANGEROUS:
            self.dangers.append(tag)
        for name, value in attrs:
            if (name, value) in OWN:
                continue
            if name.startswith("on") or name in {
                "style",
                "id",
                "class",
                "name",
                "srcdoc",
                "target",
            }:
                self.dangers.append(f"{tag} {name}")
            if name in URLS and not is_harmless(value or ""):
                self.dangers.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.dangers.append(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        self.dangers.append(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        self.dangers.append(f"<?{data}")


def is_harmless(url: str) -> bool:
    """Whether a browser takes a URL for a relative one or one of the schemes allowed.

    Controls and spaces before it and line breaks and tabs within do not count; and a scheme is
    a letter, and letters, digits, "+", "-" and ".": https://url.spec.whatwg.org/#url-parsing.
    """
    read = re.sub(r"^[\x00-\x20]+|[\t\n\r]", "", url)
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", read)
    return not scheme or scheme[1].lower() in SCHEMES


def dangers(html: str) -> list[str]:
    return Inspector(html).dangers


ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\n>alert(1)</script\n>",
    "<script/x>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    "text <script>alert(1)",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img/src=x/onerror=alert(1)>",
    '<img """><script>alert(1)</script>">',
    "<img src=`x` onerror=alert(1)>",
    "<b onmouseover=alert(1)>b</b>",
    '<a href="/" OnClick="alert(1)">a</a>',
    "<p onclick\n=\nalert(1)>p</p>",
    "<details open ontoggle=alert(1)>d</details>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<form action='javascript:alert(1)'><button>b</button></form>",
    "<form><input name=password><button formaction='//x.example'>b</button></form>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<title><img src=x onerror=alert(1)></title>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<style>body{display:none}</style>",
    "<style>@import '//x.example/x.css';</style>",
    "<p style='position:fixed;inset:0'>p</p>",
    "<div style='background:url(javascript:alert(1))'>d</div>",
    "<link rel=stylesheet href='//x.example/x.css'>",
    "<meta http-equiv=refresh content='0;url=//x.example'>",
    "<base href='//x.example/'>",
    "<video src=x onerror=alert(1)></video><audio src=x onerror=alert(1)></audio>",
    "<body onload=alert(1)>",
    "<html onclick=alert(1)><head><title>x</title></head></html>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><?xml version='1.0'?>",
    "<!doctype html>",
    "<p id=main name=x class=skip>clobbered</p>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<a href='javascript:alert(1)'>a</a>",
    "<a href=' &#14; javascript:alert(1)'>a</a>",
    "<a href='jav&#x09;ascript:alert(1)'>a</a>",
    "<a href='jav\tascript:alert(1)'>a</a>",
    "<a href='&#106;avascript&colon;alert(1)'>a</a>",
    "<a href='JaVaScRiPt:alert(1)' target=_blank>a</a>",
    "<a href='vbscript:x'>a</a><a href='file:///etc/passwd'>b</a><a href='blob:x'>c</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
    "<blockquote cite='javascript:alert(1)'>q</blockquote><q cite='data:,x'>q</q>",
    "<ins cite='javascript:alert(1)'>i</ins><del cite='vbscript:x'>d</del>",
    "[a](javascript:alert(1))",
    "[a](JAVASCRIPT:alert(1))",
    "[a](<javascript:alert(1)>)",
    "[a](java&#115;cript:alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](vbscript:x)",
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml;base64,PHN2Zz4=)",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "<javascript:alert(1)>",
    '[a](/ "onclick=alert(1)")',
    '[a](/x"onmouseover="alert(1))',
    '![a" onerror="alert(1)](/x)',
    '[a](/ "\\"><script>alert(1)</script>")',
    "| a |\n|---|\n| <script>alert(1)</script> |",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    '``` "><script>alert(1)</script>\nx\n```',
    "`</code><script>alert(1)</script>`",
    "# <img src=x onerror=alert(1)>",
    "> <iframe src=//x.example>",
    "- <form><input>",
    "~~<b onclick=alert(1)>~~",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\\<script>alert(1)\\</script>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_executes(attack: str) -> None:
    assert dangers(to_html(attack)) == []
    assert dangers(to_html(f"Before\n\n{attack}\n\nafter *it*")) == []


@given(
    st.lists(st.sampled_from(ATTACKS), min_size=2, max_size=4), st.sampled_from(["", " ", "\n\n"])
)
def test_nothing_executes_in_company_either(attacks: list[str], between: str) -> None:
    assert dangers(to_html(between.join(attacks))) == []


@given(st.text("<>/='\"!-[]()&#x;:`*|~ \nabijpst", max_size=80))
def test_nothing_executes_whatever_is_written(text: str) -> None:
    assert dangers(to_html(text)) == []


@given(st.lists(st.sampled_from(ATTACKS), min_size=1, max_size=3).map("\n".join))
def test_an_attack_that_was_cleaned_is_clean(text: str) -> None:
    assert dangers(to_html(to_html(text))) == []


def test_the_inspector_sees_what_it_looks_for() -> None:
    raw = "<script>x</script><b onclick=x><a href='jav\tascript:x'><img src=data:x><p style=x>"
    raw += "<!--x-->"
    assert len(dangers(raw)) == 6


@pytest.mark.parametrize("code", ["14", "x1b", "127", "xfffe", "11", "12", "0"])
def test_a_reference_to_a_character_that_no_article_may_have_is_replaced(code: str) -> None:
    assert to_html(f"a &#{code}; b") == "<p>a \ufffd b</p>\n"
    assert to_html(f'<b title="&#{code};">x</b>') == '<p><b title="\ufffd">x</b></p>\n'


def test_references_to_c1_controls_are_replaced_or_what_html_takes_them_for() -> None:
    # Outside of raw HTML it is CommonMark that reads them.
    assert to_html("&#x80;&#x85;") == "<p>\ufffd\ufffd</p>\n"
    assert to_html("<b title='&#x80;'>x</b>") == '<p><b title="€">x</b></p>\n'


@pytest.mark.parametrize("url", [":", "a;:", "\ta :", "/javascript:x", "?javascript:x", "HTTP:x"])
def test_the_inspector_takes_a_url_for_harmless_where_a_browser_does(url: str) -> None:
    assert is_harmless(url)
    assert not is_harmless(f"\x01 java\nscri\tpt:{url}")


def test_text_of_scripts_and_styles_is_gone_with_them() -> None:
    assert to_html("a <script>alert(1)</script> b <style>p{}</style> c") == "<p>a  b  c</p>\n"


def test_text_within_other_elements_that_are_not_allowed_stays() -> None:
    assert to_html("<section><form>Text</form></section>").strip() == "Text"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("A *b* **c** `d`", "<p>A <em>b</em> <strong>c</strong> <code>d</code></p>\n"),
        ("a\nb", "<p>a\nb</p>\n"),
        ("a  \nb", "<p>a<br>\nb</p>\n"),
        ("a\\\nb", "<p>a<br>\nb</p>\n"),
        ("## A", "<h2>A</h2>\n"),
        ("A\n-", "<h2>A</h2>\n"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("***", "<hr>\n"),
        ("    x < y", "<pre><code>x &lt; y\n</code></pre>\n"),
        ("[a](/b)", '<p><a href="/b">a</a></p>\n'),
        (
            "[a](https://x.example/?a=1&b=2)",
            '<p><a href="https://x.example/?a=1&amp;b=2">a</a></p>\n',
        ),
        ("[a][b]\n\n[b]: /c 'T'", '<p><a href="/c" title="T">a</a></p>\n'),
        ("<mailto:a@x.example>", '<p><a href="mailto:a@x.example">mailto:a@x.example</a></p>\n'),
        ("![a](/b.png)", '<p><img src="/b.png" alt="a"></p>\n'),
        ("~~gone~~", "<p><del>gone</del></p>\n"),
        ("a &amp; b &copy; < c", "<p>a &amp; b © &lt; c</p>\n"),
        ("H<sub>2</sub>O", "<p>H<sub>2</sub>O</p>\n"),
        ('<p lang="de" dir="ltr">x</p>', '<p lang="de" dir="ltr">x</p>\n'),
        ("https://x.example", "<p>https://x.example</p>\n"),
        ("- [ ] a", "<ul>\n<li>[ ] a</li>\n</ul>\n"),
        ("", ""),
    ],
)
def test_it_is_commonmark_with_strikethrough(text: str, html: str) -> None:
    assert to_html(text) == html


def test_it_has_tables() -> None:
    html = to_html("| a | b |\n|:--|--:|\n| *c* | d |")
    assert re.sub(r"\s+", " ", html) == (
        '<div class="table" tabindex="0"><table> <thead> <tr> <th>a</th> <th class="right">b</th>'
        ' </tr> </thead> <tbody> <tr> <td><em>c</em></td> <td class="right">d</td> </tr> </tbody>'
        " </table></div> "
    )


def test_cells_of_raw_html_are_aligned_by_class_too() -> None:
    html = to_html(
        '<table><tr><td colspan="2" align="center">a</td><td align="char">b</td></table>'
    )
    assert '<td colspan="2" class="center">a</td><td>b</td>' in html


def test_a_header_cell_that_says_nothing_is_an_ordinary_one() -> None:
    html = to_html("| | b |\n|--|--:|\n| c | d |")
    assert html.count("<th") - html.count("<thead") == 1
    assert "<td></td>\n<th" in html


def test_tables_in_tables_are_wrapped_each() -> None:
    html = to_html("<table><tr><td><table><tr><td>x</td></tr></table></td></tr></table>")
    assert html.count('<div class="table" tabindex="0"><table>') == 2
    assert html.count("</table></div>") == 2


def test_only_one_who_describes_an_image_can_say_what_is_in_it() -> None:
    assert to_html('<img src="/b.png">').strip() == '<img alt="" src="/b.png">'


@pytest.mark.parametrize(
    "text", ["##", "<h3> </h3>", '[](/x "T")', '<h2 title="x"><a href="/">\n</a></h2>']
)
def test_what_nobody_can_see_nobody_comes_across(text: str) -> None:
    assert to_html(text).replace("<p></p>", "").strip() == ""


def test_markup_in_attributes_is_left_alone() -> None:
    html = to_html('<p title="<table><h1></h1><img>">x</p>')
    assert html == '<p title="&lt;table&gt;&lt;h1&gt;&lt;/h1&gt;&lt;img&gt;">x</p>\n'


@pytest.mark.parametrize("text", ["# A", "A\n=", "<h1>A</h1>"])
def test_the_title_stays_the_only_heading_of_the_first_level(text: str) -> None:
    assert to_html(text).strip() == "<h2>A</h2>"


def test_where_one_heading_moves_down_all_do() -> None:
    html = to_html("\n\n".join("#" * level + f" {level}" for level in range(1, 7)))
    assert re.findall(r"<(h\d)>(\d)</\1>", html) == [
        ("h2", "1"),
        ("h3", "2"),
        ("h4", "3"),
        ("h5", "4"),
        ("h6", "5"),
        ("h6", "6"),
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("3 3 4", "2 2 3"),
        ("2 4 4 2 3", "2 3 3 2 3"),
        ("4 2 6 1 3", "2 2 3 2 3"),
        ("2 3 4 3 2", "2 3 4 3 2"),
    ],
)
def test_no_level_of_headings_is_left_out(written: str, shown: str) -> None:
    html = to_html("\n\n".join(f"{'#' * int(level)} x" for level in written.split()))
    assert re.findall(r"<h(\d)>", html) == shown.split() == re.findall(r"</h(\d)>", html)


def test_headings_in_headings_end_as_they_began() -> None:
    html = to_html("<h2><b><h4>x</h4></b></h2>")
    assert html == "<h2><b><h3>x</h3></b></h2>\n"


def test_headings_that_begin_with_the_second_level_stay() -> None:
    assert to_html("## A\n\n### B") == "<h2>A</h2>\n<h3>B</h3>\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[to](#b) \n## B", '<a href="#b">to</a></p>\n<h2 id="b">B</h2>'),
        ("[to](#the-b-side)\n## The B *side*!", '<h2 id="the-b-side">The B <em>side</em>!</h2>'),
        ("[to](#x)\n## B {#x}", '<h2 id="x">B</h2>'),
        ("## B {#x}", "<h2>B</h2>"),
        ("[to](#straße)\n## Straße", '<h2 id="straße">Straße</h2>'),
        ("[to](#b)\n## B\n## B", '<h2 id="b">B</h2>\n<h2>B</h2>'),
        ('[to](#b)\n<h2 title="t">B</h2>', '<h2 id="b" title="t">B</h2>'),
    ],
)
def test_a_body_can_link_to_its_headings(text: str, shown: str) -> None:
    html = to_html(text)
    assert shown in html
    assert ("<a " in html) == ("](" in text)


@pytest.mark.parametrize(
    "text",
    [
        "[to](#b)",
        "[to](#b)\n## C {#c}",
        "[to](#B)\n## {#B}",
        '[to](#b)\n<p id="b">x</p>',
        '[to]("A title")',
        "[to]((https://example.org))",
    ],
)
def test_a_link_that_leads_nowhere_is_only_text(text: str) -> None:
    html = to_html(text)
    assert "to" in html
    assert "<a" not in html
    assert "id=" not in html


@pytest.mark.parametrize("name", ["main", "corrections"])
def test_no_heading_takes_the_name_of_a_part_of_the_page(name: str) -> None:
    html = to_html(f"[to](#{name})\n## {name}")
    assert "id=" not in html
    assert f'href="#{name}"' in html


def test_no_heading_leaves_its_attribute() -> None:
    html = to_html("[to](<#\"onclick='x'>)\n<h2>&quot;onclick='x'</h2>")
    assert 'id="&quot;onclick=&#x27;x&#x27;">' in html


def test_code_that_shows_a_heading_is_left_alone() -> None:
    assert "<code>&lt;h1&gt;</code>" in to_html("# A\n\n`<h1>`")


@pytest.mark.parametrize("open_tag", ["<div>", "<b>", "<ul><li>", "<font>", "<blockquote>"])
def test_nesting_without_end_is_refused_at_the_body(open_tag: str) -> None:
    with pytest.raises(InvalidError) as caught:
        to_html(open_tag * 5000 + "x")
    (problem,) = caught.value.problems
    assert problem.path == "/body"
    assert f"nested deeper than {DEPTH} levels" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "<b x='" * 20_000,
        "<!--" * 50_000,
        "<svg><style>" + "<div>" * 20_000,
        "".join(f"<b title={i}>" for i in range(99)) + "<p>" * 20_000,
        '<b title="</b>">' * 20_000,
        '<div title="a>' * 20_000,
        "<p>" + "<b></p>" * 20_000,
    ],
    ids=["quotes", "comments", "raw text", "reopened", "attributes", "unclosed", "crossed"],
)
def test_what_only_mending_makes_a_document_is_refused_or_stays_small(text: str) -> None:
    try:
        html = to_html(text)
    except InvalidError as error:
        (problem,) = error.problems
        assert problem.path == "/body"
    else:
        assert len(html) < 10 * len(text)


def test_many_plain_tags_are_fine() -> None:
    assert to_html("*a* **b** <i>c</i> <br>\n\n" * 5000).count("<strong>b</strong>") == 5000


def test_nesting_by_markdown_is_refused_likewise() -> None:
    with pytest.raises(InvalidError):
        to_html(">" * 5000 + " x")


@pytest.mark.parametrize("character", ["&", "\u00a0", "¨", "¿"])
def test_more_of_what_the_sanitiser_is_slow_to_escape_than_may_be_is_refused(
    character: str,
) -> None:
    assert to_html(character * AMPERSANDS)
    with pytest.raises(InvalidError) as caught:
        to_html(character * (AMPERSANDS + 1))

    (problem,) = caught.value.problems
    assert problem.path == "/body"
    assert problem.message == (
        'has 100,001 characters that are "&" or between U+0080 and U+00BF; expected at most 100,000'
    )


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("row", ["| x", "x", "| x \u2028"])
def test_a_table_that_a_few_lines_make_huge_is_refused(row: str, end: str) -> None:
    lines = ["| a" * 2000, "|---" * 2000, *[row] * 1000]
    for mark in ("", "> "):
        with pytest.raises(InvalidError) as caught:
            to_html(f"Text{end}{end}" + end.join(mark + line for line in lines))
        (problem,) = caught.value.problems
        assert problem.path == "/body"
        assert problem.message == "has tables of more than 100,000 cells; expected at most that"


def test_many_such_tables_are_refused_likewise() -> None:
    with pytest.raises(InvalidError):
        to_html(("| a" * 3000 + "\n" + "|---" * 3000 + "\nx\nx\n\n") * 20)


def test_large_tables_are_fine() -> None:
    table = "| a | b | c |\n|---|---|---|\n" + "| 1 | 2 | 3 |\n" * 5000
    assert to_html(f"{table}\n{table}").count("<td>") == 30_000


def test_a_long_article_that_is_not_deep_is_fine() -> None:
    html = to_html("- *a* <b>b</b><br>\n" * 5000 + "\n\n<p>Closed.</p>\n\n" * 2000)
    assert html.count("<em>a</em>") == 5000


@given(st.text())
def test_any_text_is_rendered_the_same_way_twice(text: str) -> None:
    assert to_html.__wrapped__(text) == to_html.__wrapped__(text)
