# ruff: noqa: E501 (what other systems write has long lines)
"""HTML as Markdown: what the page shows is what the HTML said."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broadsheet import wire
from broadsheet.markdown import to_html
from local.importers.markup import MOST_CHARACTERS, MOST_TAGS, TooMuchError, to_markdown


def convert(html: str) -> tuple[str, list[str]]:
    """Markdown, and what was said."""
    said: list[str] = []
    return to_markdown(html, said.append), said


def shown(html: str) -> str:
    return to_html(convert(html)[0])


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<h2>a</h2><h3>b <em>c</em></h3>", "## a\n\n### b *c*"),
        (
            "<p><strong>a</strong> <b>b</b> <em>c</em> <i>d</i> <del>e</del></p>",
            "**a** **b** *c* *d* ~~e~~",
        ),
        ('<p><a href="https://x.example/a(b)">a</a></p>', "[a](<https://x.example/a(b)>)"),
        ('<p><a href="https://x.example/a b">a</a></p>', "[a](https://x.example/a%20b)"),
        ("<p>a<br>b</p>", "a  \nb"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n  1. b\n- c"),
        ('<ol start="3"><li>a</li><li>b</li></ol>', "3. a\n4. b"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("<p><code>a`b</code></p>", "`` a`b ``"),
        (
            '<pre><code class="language-python">a\n\n  b</code></pre>',
            "```python\na\n\n  b\n```",
        ),
        ("<pre>```</pre>", "````\n```\n````"),
        (
            "<table><tr><th>a</th><th>b</th></tr><tr><td>c|d</td><td>e</td></tr></table>",
            "| a | b |\n| --- | --- |\n| c\\|d | e |",
        ),
        (
            '<p><img src="https://x.example/a.jpg" alt="a [b]"></p>',
            "![a \\[b\\]](https://x.example/a.jpg)",
        ),
        ("<hr>", "---"),
        ("<p>H<sub>2</sub>O and x<sup>2</sup></p>", "H<sub>2</sub>O and x<sup>2</sup>"),
        ("<P>a<LI>b", "a\n\n- b"),
    ],
)
def test_markdown_is_what_a_person_would_write(html: str, markdown: str) -> None:
    assert convert(html) == (markdown, [])


@pytest.mark.parametrize(
    "text",
    [
        "5 * 3 * 2",
        "a_b_c and _d_",
        "# a",
        "1. a",
        "- a",
        "+ a",
        "> a",
        "===",
        "[a](b) ![c](d) <e> `f` ~~g~~",
        "| a | b |",
        "C:\\new\\_x",
        "&copy; & &amp;",
        "https://x.example/_a_",
        "*",
        "**",
        "日本*語*",
    ],
)
def test_text_stays_text(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    assert wire.text_of(shown(f"<p>{escaped}</p>")) == text
    assert shown(f"<p>{escaped}</p>").count("<") == 2


@pytest.mark.parametrize(
    "html",
    [
        "<p>a<strong>, b.</strong>c</p>",
        "<p>“<em>a</em>” b<em>c</em>d</p>",
        "<p><strong>a:</strong> b</p>",
        "<p><em>a <strong>b</strong></em></p>",
        "<p>«<strong>!a!</strong>»x</p>",
    ],
)
def test_emphasis_is_seen_wherever_it_stands(html: str) -> None:
    assert shown(html).replace("\n", "") == html


def test_what_markdown_has_no_form_for_stays_html() -> None:
    kept = [
        '<figure><img alt="a" src="https://x.example/a.jpg"/><figcaption>b <em>c</em></figcaption></figure>',
        '<table><tbody><tr><td colspan="2">a</td></tr><tr><td>b</td><td>c</td></tr></tbody></table>',
        "<dl><dt>a</dt><dd>b</dd></dl>",
        "<details><summary>a</summary><p>b</p></details>",
    ]
    text, said = convert("\n\n".join(kept))
    assert text == "\n\n".join(kept)
    assert said == []
    assert shown(kept[0]).count("<figcaption>b <em>c</em></figcaption>") == 1


def test_wordpress_captions_become_figures() -> None:
    html = (
        '<div class="wp-caption alignleft"><img src="https://x.example/a.jpg">'
        '<p class="wp-caption-text">The pier</p></div>'
    )
    assert "<figcaption>The pier</figcaption></figure>" in shown(html)


@pytest.mark.parametrize(
    ("html", "link", "said"),
    [
        (
            '<iframe src="https://video.example/1" title="The tide"></iframe>',
            "[The tide](https://video.example/1)",
            "<iframe> of video.example becomes a link",
        ),
        (
            '<video><source src="https://x.example/a.mp4"></video>',
            "[https://x.example/a.mp4](https://x.example/a.mp4)",
            "<video> of x.example becomes a link",
        ),
        (
            '<iframe data-src="//video.example/2"></iframe>',
            "[https://video.example/2](https://video.example/2)",
            "<iframe> of video.example becomes a link",
        ),
        ("<embed src='javascript:x'>a", "a", "<embed> without a usable address is left out"),
        ("<p>a</p><script>b</script>", "a", "<script> is left out"),
        ("<form><input><input>a</form>", "a", "<input> is left out (2 times)"),
    ],
)
def test_what_is_lost_is_said(html: str, link: str, said: str) -> None:
    text, messages = convert(html)
    assert text == link
    assert said in messages


def test_an_address_alone_in_a_figure_becomes_a_link() -> None:
    html = '<figure class="wp-block-embed"><div>\nhttps://video.example/3\n</div></figure>'
    assert convert(html)[0] == "[https://video.example/3](https://video.example/3)"


def test_pictures_and_links_are_placed() -> None:
    text = to_markdown(
        '<p><img src="/a.jpg"><img src="/b.jpg"><a href="/c">c</a></p>',
        lambda _: None,
        {"/a.jpg": "https://x.example/a.jpg", "/b.jpg": ""}.__getitem__,
        lambda href: f"/new{href}",
    )
    assert text == "![](https://x.example/a.jpg)[c](/new/c)"


@pytest.mark.parametrize(
    "html",
    ["x" * (MOST_CHARACTERS + 1), "<b>" * (MOST_TAGS + 1), "<div>" * 500, "<ul><li>" * 500],
)
def test_too_much_is_refused(html: str) -> None:
    with pytest.raises(TooMuchError):
        convert(html)


WORDS = st.text("ab *_`~[]()<>&|#-+.!\\\"'=\n1", max_size=12)
HTML = st.recursive(
    WORDS.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;")),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(
            "p p p h2 ul ol li em strong del a code pre blockquote table tr td th div sup br figure"
            " figcaption dl dt dd details summary span".split()
        ),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HTML)
@example("<p>a</p><pre>\n\n</pre>")
@example("<ul><li><pre>a\n\nb</pre></li></ul>")
def test_no_word_is_lost_or_added(html: str) -> None:
    text, _ = convert(html)
    words = wire.text_of(to_html(wire.as_block(html)))
    assert "".join(filter(str.isalnum, wire.text_of(to_html(text)))) == "".join(
        filter(str.isalnum, words)
    )
