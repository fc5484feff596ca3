# ruff: noqa: E501 (an attack reads best on one line)
"""Uploads that try to break the publisher, its readers' browsers or its neighbours."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.cloudformation import TEMPLATE
from tests.newsroom import article

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH: int = TEMPLATE["Parameters"]["BatchSize"]["Default"]
# What a script does if one runs: a request that the server of the browser's test notes.
RUN = "fetch('/pwned')"
SCRIPT = f"<script>{RUN}</script>"
IMAGE = f"<img src=x onerror={RUN}>"
BREAKOUT = f"\"'>]]>--></title></style></script></textarea>{SCRIPT}{IMAGE}"
BIDI = "\u202e\u2066\u2067\u200f\u200b\u200d\ufeff\u2060\u00ad\u034f"
TEMPLATES = (
    "{{ 7 * 7 }}{% raw %}{{ ''.__class__.__mro__ }}{# x #}${7*7}#{7*7}<%= 7 %>"
    "{{ site.__init__.__globals__ }}%s%n{0.__class__}"
)


@dataclass(frozen=True)
class Case:
    """One upload and what must come of it.

    ``at`` are pointers that the errors of a rejected one must name. ``copies`` is how often it is
    uploaded, one version over the other.
    """

    name: str
    data: Callable[[], bytes]
    at: tuple[str, ...] = ()
    key: str = ""
    copies: int = 1
    status: str = "published"

    @property
    def source_key(self) -> str:
        """Where it is uploaded."""
        return self.key or f"articles/hostile/{self.name}.json"

    @property
    def expected(self) -> str:
        """The status that its receipt must have."""
        return "rejected" if self.at else self.status


def cases() -> list[Case]:
    """The whole corpus, each case by its own name."""
    found = [
        *_scripts(),
        *_schemes(),
        *_characters(),
        *_json_texts(),
        *_nesting(),
        *_types(),
        *_dates(),
        *_sizes(),
        *_markdown(),
        *_topics(),
        *_keys(),
        *_wire(),
    ]
    assert len({case.name for case in found}) == len(found)
    return found


def _case(name: str, *at: str, copies: int = 1, **fields: Any) -> Case:
    return Case(name, lambda: json.dumps(article(**fields)).encode(), at, copies=copies)


def _text(name: str, text: str | bytes, *at: str) -> Case:
    """An upload that is not the JSON of an article, or not JSON."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return Case(name, lambda: data, at)


def _ninjs(name: str, *at: str, **fields: Any) -> Case:
    """A ninjs item with some of its properties changed."""
    item = {
        "standard": {"name": "ninjs", "version": "3.0"},
        "uri": f"urn:x:{name}",
        "versionCreated": "2026-05-04T09:30:00Z",
        "headlines": [{"value": "Ferry runs again"}],
        "bodies": [{"contentType": "text/html", "value": "<p>The ferry runs.</p>"}],
    }
    return _text(name, json.dumps(item | fields), *at)


def _html(text: str) -> list[dict[str, str]]:
    return [{"contentType": "text/html", "value": text}]


def _with(name: str, field: str, *at: str) -> Case:
    """An article whose text ends with a field written as JSON or nearly so."""
    return _text(name, f"{json.dumps(article())[:-1]}, {field}}}", *at)


def _everywhere(text: str) -> dict[str, Any]:
    """Every field that takes free text, with this one."""
    return {
        "title": text[:300],
        "summary": text,
        "body": f"{text}\n\n`{text}`\n\n    {text}\n",
        "authors": [{"name": text[:200], "url": "https://x.example/"}],
        "topics": ["Harbour", f"x{text}"[:100]],
        "source": {
            "title": text[:300],
            "url": "https://x.example/",
            "author": text[:200],
            "publisher": text[:200],
        },
        "ai_disclosure": "rewritten",
        "image": {
            "src": "media/a.jpg",
            "alt": text,
            "caption": text,
            "credit": text[:300],
        },
        "human_review": {"by": text[:200], "at": "2026-05-05T00:00:00Z"},
        "corrections": [{"at": "2026-05-05T00:00:00Z", "text": text}],
    }


def _scripts() -> Iterator[Case]:
    yield _case("script-in-every-field", **_everywhere(SCRIPT))
    yield _case("closers-in-every-field", **_everywhere(BREAKOUT))
    yield _case("handler-in-every-field", **_everywhere(f'" onmouseover="{RUN}" x="'))
    yield _case("json-ld-closer", **_everywhere(f'"}}</script >{SCRIPT}<script type=module>{RUN}'))
    yield _case("cdata-closer", **_everywhere(f"]]>{SCRIPT}<![CDATA[{SCRIPT}]]>"))
    yield _case(
        "xhtml-in-feeds",
        **_everywhere(f"<x:script xmlns:x='http://www.w3.org/1999/xhtml'>{RUN}</x:script>"),
    )
    yield _case("comment-closer", **_everywhere(f"--><!--><!--->{IMAGE}<!--"))
    yield _case(
        "entities-decoded-twice",
        **_everywhere(f"&lt;img src=x onerror=&#34;{RUN}&#34;&gt;&amp;lt;script&amp;gt;"),
    )
    yield _case("template-syntax", **_everywhere(TEMPLATES))
    withdrawn = article(status="withdrawn", **_everywhere(BREAKOUT))
    yield Case("withdrawn-with-script", lambda: json.dumps(withdrawn).encode(), status="withdrawn")
    yield _case("raw-html", body="\n\n".join(_raw_html()))
    yield _case("raw-html-inline", body="x " + " x ".join(_raw_html()))
    yield _case("mutated-markup", body="\n\n".join(_mutated()))
    yield _case(
        "clobbering",
        body="<form name=body><input id=main name=attributes></form><a id=location name=defaultView href='/x'>x</a><img name=cookie>",
    )
    yield _case(
        "style",
        body=f"<style>*{{background:url(/pwned)}}</style><p style='background:url(/pwned)'>x</p><link rel=stylesheet href=/pwned>{IMAGE}",
    )
    yield _case(
        "leave-the-page",
        body="<meta http-equiv=refresh content='0;url=/pwned'><base href='/pwned/'><iframe src=/pwned></iframe><body background=/pwned onload=location='/pwned'>",
    )


def _raw_html() -> list[str]:
    return [
        SCRIPT,
        IMAGE,
        f"<svg onload={RUN}>",
        f"<svg><script>{RUN}</script></svg>",
        f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
        f"<details open ontoggle={RUN}><summary>x</summary></details>",
        f"<video src=x onerror={RUN}></video><audio src=x onerror={RUN}></audio>",
        f"<input autofocus onfocus={RUN}><select autofocus onfocus={RUN}></select>",
        f'<iframe srcdoc="{SCRIPT}"></iframe>',
        f'<iframe src="javascript:parent.{RUN}"></iframe>',
        f'<object data="data:text/html,{SCRIPT}"></object><embed src="javascript:{RUN}">',
        f'<p onclick="{RUN}" onmouseover="{RUN}" tabindex=1 onfocus="{RUN}">x</p>',
        f"<marquee onstart={RUN}>x</marquee>",
        f'<form action="javascript:{RUN}"><button autofocus onfocus={RUN}>x</button></form>',
        f"<body onload={RUN}><body onpageshow={RUN}>",
        f"<custom-x onclick={RUN} autofocus tabindex=1 onfocus={RUN}>x</custom-x>",
    ]


def _mutated() -> list[str]:
    """Markup that parsers mend into something else: the sanitiser's must agree with a browser's."""
    return [
        f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={RUN}&gt;">',
        f'<svg></p><style><a id="</style>{IMAGE}">',
        f'<noscript><p title="</noscript>{IMAGE}">',
        f"<form><math><mtext></form><form><mglyph><style></math>{IMAGE}",
        f"<select><template><style></select>{IMAGE}</style></template>",
        f"<table><td><svg><desc><b></td></table>{IMAGE}",
        f'<xmp><p title="</xmp>{IMAGE}"></xmp>',
        f'<title><p title="</title>{IMAGE}"></title>',
        f"<scr<script>ipt>{RUN}</scr</script>ipt>",
        f'<img """>{SCRIPT}">',
        f"<a title='{IMAGE}' href=x>x</a><a title=\"`{IMAGE}\">x</a>",
        f"<![CDATA[{IMAGE}]]><?xml {IMAGE}?><!doctype {IMAGE}>",
        f'<annotation-xml encoding="text/html">{IMAGE}</annotation-xml>',
    ]


def _schemes() -> Iterator[Case]:
    urls = [
        f"javascript:{RUN}",
        f"JaVaScRiPt:{RUN}",
        f"java&#10;script:{RUN}",
        f"&#1;javascript:{RUN}",
        f"javascript&colon;{RUN}",
        f"java\\script:{RUN}",
        f"data:text/html,{SCRIPT}".replace(" ", "%20"),
        "data:text/html;base64,PHNjcmlwdD5mZXRjaCgnL3B3bmVkJyk8L3NjcmlwdD4=",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://x.example/1",
        "filesystem:https://x.example/temporary/x",
        "view-source:https://x.example/",
    ]
    links = [
        f'[x](<{url}>) ![x](<{url}>) <a href="{url}">x</a> [r{i}]\n\n[r{i}]: <{url}>'
        for i, url in enumerate(urls)
    ]
    yield _case("url-schemes-in-the-body", body="\n\n".join([*links, f"<javascript:{RUN}>"]))
    yield _case(
        "link-titles",
        body=f'[x](/a "x\' onclick={RUN} \'") ![x" onerror="{RUN}](/b \'" onerror="{RUN}\')',
    )
    yield _case(
        "code-fences", body=f'``` "onclick="{RUN}\nx\n```\n\n```html\n</code></pre>{SCRIPT}\n```'
    )
    bad = "javascript:alert(1)"
    yield _case("scheme-of-an-author", "/authors/0/url", authors=[{"name": "x", "url": bad}])
    yield _case(
        "scheme-of-the-source", "/source/url", source={"title": "x", "url": "data:text/html,x"}
    )
    yield _case("scheme-of-the-image", "/image/src", image={"src": bad, "alt": ""})
    yield _case(
        "url-that-leaves-its-quotes",
        "/source/url",
        source={"title": "x", "url": f'https://x.example/"onclick="{RUN}'},
    )
    yield _case(
        "url-with-a-line-break",
        "/source/url",
        source={"title": "x", "url": "https://x.example/\njavascript:x"},
    )
    yield _case(
        "image-with-traversal",
        "/image/src",
        image={"src": "media/../../_index/site.json", "alt": ""},
    )
    yield _case(
        "image-relative-to-the-scheme", "/image/src", image={"src": "//x.example/x.js", "alt": ""}
    )
    yield _case(
        "alias-with-a-scheme-or-header",
        "/aliases/1",
        aliases=["/ok/", "/x\r\nLocation: //x.example"],
    )
    yield _case("language-that-leaves-its-attribute", "/language", language=f'en" onclick="{RUN}')


def _characters() -> Iterator[Case]:
    yield _case("bidi-and-zero-width", **_everywhere(f"Ferry{BIDI}nowt{BIDI}"))
    yield _case("only-zero-width", **_everywhere("\u200b\u200d\u2060x"))
    yield _case("combining-marks", title="e" + "\u0301" * 299, body="Z" + "\u0335\u0489" * 100_000)
    yield _case(
        "astral-and-unassigned",
        **_everywhere("\U0001f9d1\u200d\U0001f680\U000e0041\U0010fffd\ue000\u0378"),
    )
    yield _case(
        "line-separators", **_everywhere("a\u2028b\u2029c\u000bd".replace("\u000b", "\u3000"))
    )
    yield _case(
        "controls-invalid-in-xml", "/title", "/body", title="a\u0000b", body="a\u001bb\u0008"
    )
    yield _case("c1-controls", "/summary", summary="a\u0085b\u009b31m")
    yield _case("noncharacters", "/title", title="a\ufffeb\uffff")
    yield _case("lone-surrogates", "/title", "/topics/0", title="a\ud800", topics=["\udfffx"])
    yield _with("surrogate-in-a-name", r'"\ud800\u0000": 1', "")


def _json_texts() -> Iterator[Case]:
    plain = json.dumps(article())
    yield _text("bom", "\ufeff" + plain, "")
    yield _text("utf-16", plain.encode("utf-16"), "")
    yield _text("utf-16-without-bom", plain.encode("utf-16-le"), "")
    yield _text("utf-32", plain.encode("utf-32"), "")
    yield _text("latin-1", plain.replace("Ferry", "Fährt").encode("latin-1"), "")
    yield _text("raw-surrogates", plain.replace("Ferry", "\ud800"), "")
    yield _text("overlong-utf-8", plain.encode().replace(b"Ferry", b"\xc0\xbcscript"), "")
    yield _with("duplicate-keys", f'"title": "{SCRIPT}"', "/title")
    yield _text(
        "duplicate-keys-all-over", f"{{{', '.join([plain[1:-1]] * 20_000)}}}", "/title", "/body"
    )
    yield _with("nan", '"topics": NaN, "source": -Infinity', "/topics", "/source")
    yield _with("1e999", '"topics": 1e999', "/topics")
    yield _with("long-integer", f'"topics": {"9" * 5000}', "/topics")
    yield _with(
        "million-digit-numbers",
        f'"topics": [{"9" * 1_000_000}, -0.{"1" * 1_000_000}e{"9" * 1_000_000}]',
        "/topics/0",
    )
    yield _text("truncated", plain[:-20], "")
    yield _text("truncated-in-an-escape", plain[:12] + "\\ud8", "")
    yield _text("truncated-in-a-character", plain.encode()[:12] + "\U0001f600".encode()[:2], "")
    yield _text("empty", "", "")
    yield _text("blank", " " * 1_000_000, "")
    yield _text("nothing-but-nul", "\0" * 1_000_000, "")
    yield _text("trailing-text", plain + plain, "")
    yield _text("comments", "// x\n" + plain, "")
    yield _text(
        "not-json",
        "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>",
        "",
    )
    yield _text("gzip", bytes.fromhex("1f8b08000000000000ff") + b"x" * 100, "")


def _nesting() -> Iterator[Case]:
    yield _text("deep-arrays", "[" * 100_000 + "]" * 100_000, "")
    yield _text("deep-arrays-unclosed", "[" * 5_000_000, "")
    yield _text("deep-objects", '{"a":' * 100_000 + "1" + "}" * 100_000, "")
    yield _with("deep-in-a-field", f'"topics": {"[" * 100_000}{"]" * 100_000}', "")
    yield _with("deep-just-so", f'"topics": {"[" * 200}{"]" * 200}', "")


def _types() -> Iterator[Case]:
    fields = "title summary body published_at updated_at authors topics source ai_disclosure human_review image language corrections status aliases".split()
    for name, value in {"number": 7, "object": {"x": {}}, "array": [[None]], "null": None}.items():
        at = [f"/{field}" for field in fields]
        if name == "array":
            at = [
                f"/{f}/0" if f in {"authors", "topics", "corrections", "aliases"} else f"/{f}"
                for f in fields
            ]
        if name == "object":
            inner = {"source": "title", "image": "src", "human_review": "by"}
            at = [f"/{f}/{inner[f]}" if f in inner else f"/{f}" for f in fields]
        yield _text(f"every-field-a-{name}", json.dumps(dict.fromkeys(fields, value)), *at)
    yield _text("an-array", "[]", "")
    yield _text("a-string", f'"{SCRIPT}"', "")
    yield _text("null", "null", "")
    yield _text("true", "true", "")
    unknown: dict[str, Any] = {"__proto__": {"x": 1}, "constructor": 1, "Title": "x"}
    yield _case("unknown-fields", "/__proto__", "/constructor", "/Title", **unknown)
    yield _case("script-as-a-field", f"/{SCRIPT.replace('/', '~1')}", **{SCRIPT: 1})
    yield _case(
        "status-from-elsewhere",
        "/status",
        "/ai_disclosure",
        status="Published",
        ai_disclosure=SCRIPT,
    )


def _dates() -> Iterator[Case]:
    for name, date in {
        "without-offset": "2026-05-04T09:30:00",
        "year-0": "0000-01-01T00:00:00Z",
        "year-1": "0001-01-01T00:00:00+23:59",
        "year-9999": "9999-12-31T23:59:59-23:59",
        "year-10000": "10000-01-01T00:00:00Z",
        "30-february": "2026-02-30T00:00:00Z",
        "hour-25": "2026-05-04T25:00:00Z",
        "leap-second": "2016-12-31T23:59:60Z",
        "in-arabic-digits": "٢٠٢٦-٠٥-٠٤T٠٩:٣٠:٠٠Z",
        "as-words": "yesterday",
        "endless": "2026-05-04T09:30:00." + "1" * 1_000_000 + "Z",
    }.items():
        yield _case(f"date-{name}", "/published_at", published_at=date)
    yield _case("date-far-but-real", published_at="9998-12-31T23:59:59.999999999Z")
    yield _case("date-long-ago", published_at="1000-01-02T00:00:00+14:00")
    yield _case("updated-before-published", "/updated_at", updated_at="2026-05-04T09:29:59+02:00")


def together() -> dict[str, list[Case]]:
    """What is delivered at once: the ten that cost most, one of many versions, and a whole batch.

    Its articles are as large as may be.
    """
    worst = """
        10-mb-of-empty-texts as-many-values-as-may-be many-objects-of-many-fields
        700000-unknown-fields long-names-of-many-faults 90000-bad-characters
        body-of-20-mb 20-mb-of-brackets attributes body-of-1-mib
        """.split()
    by_name = {case.name: case for case in cases()}
    versions = replace(by_name["10-mb-of-empty-texts"], name="20-versions", copies=21)
    largest = by_name["body-of-1-mib"]
    batch = [replace(largest, key=f"articles/hostile/large-{i}.json") for i in range(BATCH)]
    return {
        "the-ten-worst-at-once": [by_name[name] for name in worst],
        "20-earlier-versions-as-bad": [versions],
        "a-batch-of-the-largest": batch,
    }


def _sizes() -> Iterator[Case]:
    yield Case("body-of-20-mb", lambda: json.dumps(article(body="x " * 10_000_000)).encode(), ("",))
    yield Case(
        "body-over-1-mib", lambda: json.dumps(article(body="é" * 600_000)).encode(), ("/body",)
    )
    yield Case(
        "body-of-1-mib",
        lambda: json.dumps(article(body="Words of all sorts.\n\n" * 49_900)).encode(),
    )
    yield Case(
        "a-million-ampersands",
        lambda: json.dumps(article(body="&" * 1024 * 1024)).encode(),
        ("/body",),
    )
    yield Case(
        "500000-diaereses", lambda: json.dumps(article(body="¨" * 512 * 1024)).encode(), ("/body",)
    )
    yield Case(
        "ampersands-just-below-the-limit",
        lambda: json.dumps(article(body="&" * 100_000 + "a" * 900_000)).encode(),
    )
    yield Case("20-mb-of-brackets", lambda: b"[[]," * 5_000_000, ("",))
    for values, unit in {
        "empty-arrays": "[]",
        "empty-objects": "{}",
        "arrays": "[0]",
        "numbers": "0",
        "empty-texts": '""',
        "bad-characters": r'"\u0000"',
    }.items():
        yield Case(f"10-mb-of-{values}", partial(_ten_megabytes, unit), ("",))
    yield Case(
        "as-many-values-as-may-be",
        lambda: _padded('"topics": [' + "[0]," * 49_980 + "[]]"),
        ("/topics",),
    )
    yield Case(
        "many-objects-of-many-fields",
        lambda: _padded(
            '"authors": ['
            + ",".join(["{" + ",".join(f'"q{i}":1' for i in range(10_000)) + "}"] * 90)
            + "]"
        ),
        ("",),
    )
    yield Case(
        "700000-unknown-fields",
        lambda: _padded(",".join(f'"f{i}":1' for i in range(700_000))),
        ("",),
    )
    yield Case(
        "long-names-of-many-faults",
        lambda: json.dumps({"a" * 5_000_000: {"b" * 4_000_000: ["\0"] * 500}}).encode(),
        ("/title",),
    )
    yield Case(
        "90000-bad-characters",
        lambda: _padded('"topics": [' + r'"\u0000",' * 90_000 + "1]"),
        ("/topics/0",),
    )
    yield _case("20000-topics", "/topics", topics=[f"Topic {i}" for i in range(20_000)])
    yield _case(
        "20000-authors",
        "/authors",
        authors=[{"name": f"A{i}", "url": "javascript:x"} for i in range(20_000)],
    )
    yield _case(
        "every-list-too-long",
        "/aliases",
        "/corrections",
        aliases=["/a"] * 5000,
        corrections=[{"at": "x", "text": ""}] * 5000,
    )
    yield _case("title-of-a-million", "/title", title="x" * 1_000_000)
    yield _case(
        "url-of-a-million",
        "/source/url",
        source={"title": "x", "url": "https://x.example/" + "a/" * 500_000},
    )
    yield _case("language-of-a-million", "/language", language="a-" * 500_000)
    # Small, since moto copies all versions for each listing of them.
    yield _case("versions-as-bad", "/body", copies=25, body="<div>" * 20_000)


def _padded(field: str) -> bytes:
    return f"{json.dumps(article())[:-1]}, {field}}}".encode()


def _ten_megabytes(value: str) -> bytes:
    many = f"{value}," * (10_300_000 // (len(value) + 1))
    return _padded(f'"topics": [{many}{value}]')


def _markdown() -> Iterator[Case]:
    yield _case("reference-bomb", body="[a]" * 20_000 + "\n\n[a]: /" + "u" * 20_000)
    yield _case(
        "reference-definitions", body="\n".join(f"[r{i}]: /x" for i in range(40_000)) + "\n\n[r1]"
    )
    yield _case("entity-bomb", body="&lt;&Aopf;&#x10ffff;" * 33_000)
    yield _case("nested-quotes", "/body", body=">" * 100_000 + " x")
    yield _case("nested-quotes-lazy", body=("> " * 90 + "x\n") * 200)
    yield _case("nested-lists", "/body", body="".join(" " * (2 * i) + "- x\n" for i in range(1000)))
    yield _case("nested-list-markers", body="- " * 50_000 + "x")
    yield _case(
        "table-of-5000-columns", body="|a" * 5000 + "|\n" + "|-" * 5000 + "|\n" + "|b" * 5000 + "|"
    )
    yield _case(
        "table-completed-without-end",
        "/body",
        body="|a" * 5000 + "|\n" + "|-" * 5000 + "|\n" + "x\n" * 5000,
    )
    yield _case("brackets", body="[" * 100_000)
    yield _case("bracket-pairs", body="[]" * 50_000 + "![" * 50_000 + "](" * 50_000)
    yield _case("emphasis", body="*a **a " * 50_000)
    yield _case("emphasis-closed-never", body="_*" * 100_000)
    yield _case("strikethrough", body="~~a " * 100_000)
    yield _case("backticks", body="".join("e" + "`" * i for i in range(1, 1400)))
    yield _case("link-openers", body="[a](<b" * 50_000)
    yield _case("html-openers", "/body", body="<!A " * 10_000 + "<?" * 10_000 + "<!--" * 10_000)
    yield _case("nested-html", "/body", body="<div>" * 100_000)
    yield _case("unclosed-html", "/body", body="<b>x\n\n" * 20_000)
    yield _case("crossed-html", "/body", body="<p>" + "<b></p>" * 20_000)
    yield _case("html-just-below-the-limit", body="<font><b>" * 900 + "<table><td>" * 90)
    yield _case("attributes", body="<b " + "".join(f"a{i}=x " for i in range(50_000)) + ">x</b>")


def _topics() -> Iterator[Case]:
    yield _case(
        "topics-that-slug-to-nothing",
        "/topics/0",
        "/topics/1",
        topics=["..", "\u200b/…/\u3002", "Harbour"],
    )
    yield _case(
        "topics-that-are-paths",
        topics=["../../articles/x", "_index/site", "harbour/index.html", "%2e%2e%2f"],
    )
    yield _case(
        "topics-that-are-the-same",
        topics=["Harbour", "HARBOUR", "ＨＡＲＢＯＵＲ", " harbour ", "h\u00adarbour"],
    )
    yield _case("topics-that-grow", "/topics/0", topics=["\ufdfa" * 100, "㍿" * 10])
    yield _case(
        "topics-of-dates", topics=["2026/05", "2026", "index.html", "rss.xml", "con", "nul"]
    )


def _keys() -> Iterator[Case]:
    plain = json.dumps(article()).encode()
    for name, key in {
        "with-traversal": "articles/../site.json",
        "with-traversal-within": "articles/a/../../x.json",
        "percent-encoded": "articles/%2e%2e%2fx.json",
        "percent-encoded-nul": "articles/x%00.json",
        "with-plus-and-space": "articles/a+b c.json",
        "with-an-empty-segment": "articles//x.json",
        "that-is-a-folder": "articles/x/",
        "without-a-name": "articles/.json",
        "in-capitals": "articles/X.JSON",
        "of-script": f"articles/{SCRIPT}.json",
        "with-full-width-letters": "articles/\uff41.json",
        "with-bidi": "articles/\u202ex.json",
        "with-backslashes": "articles/..\\..\\x.json",
        "with-line-breaks": "articles/a\nb.json",
        "of-1024-bytes": "articles/" + "é" * 505 + ".json",
        "of-1024-plain-bytes": "articles/" + "a" * 1010 + ".json",
        "of-state": "articles/_index/site.json",
    }.items():
        yield Case(f"key-{name}", lambda: plain, ("",), key)
    yield Case("key-as-long-as-may-be", lambda: plain, (), "articles/" + "a/" * 500 + "b.json")
    yield Case("key-of-a-page", lambda: plain, (), "articles/x/index/html.json")


def _wire() -> Iterator[Case]:
    yield _ninjs(
        "wire-with-scripts-everywhere",
        headlines=[{"contentType": "text/html", "value": f"x{BREAKOUT}"}],
        descriptions=[{"value": BREAKOUT}],
        bodies=_html(f"<p>x</p>{BREAKOUT}\n\n{BREAKOUT}<pre>\n\n{BREAKOUT}"),
        by=BREAKOUT[:200],
        subjects=[{"name": BREAKOUT[:100]}, {"name": IMAGE}],
    )
    yield _ninjs(
        "wire-that-leaves-its-block", bodies=_html(f"</div>\n\n# x\n\n[x](javascript:{RUN})")
    )
    yield _ninjs(
        "wire-with-the-picture-of-a-script",
        associations=[
            {
                "type": "picture",
                "renditions": [{"href": f"javascript:{RUN}", "contentType": "image/jpeg"}],
            }
        ],
    )
    yield _ninjs(
        "wire-picture-that-leaves-its-quotes",
        "/renditions/0/href",
        renditions=[{"href": f'https://x.example/"onerror="{RUN}', "contentType": "image/png"}],
    )
    for name, part in {
        "pre": "<pre>",
        "comments": "<!--",
        "scripts": "<script>",
        "heads": "<head ",
        "titles": "<h1>",
    }.items():
        yield _ninjs(
            f"wire-of-open-{name}",
            "/bodies/0/value",
            bodies=_html(part * (900_000 // len(part))),
            descriptions=[{"value": "x"}],
        )
    yield _ninjs("wire-of-blank-lines", bodies=_html("<p>x</p>" + "\n \t" * 300_000))
    yield _ninjs("wire-of-lines", bodies=[{"contentType": "text/plain", "value": "x\n" * 1000}])
    yield _ninjs(
        "wire-with-everything-wrong",
        "/pubStatus",
        "/headlines/1/value",
        "/bodies/0/value",
        "/versionCreated",
        "/by",
        "/language",
        pubStatus=[{}],
        headlines=[{"value": {}}, {"value": [1]}],
        bodies=[{"value": 7}],
        versionCreated=1e9,
        by={"x": 1},
        language=5,
    )
    yield _ninjs(
        "wire-of-20000-of-each",
        "",
        **{
            n: [{"value": "x", "name": f"{i}", "type": "picture"} for i in range(20_000)]
            for n in ("headlines", "subjects", "associations", "descriptions")
        },
    )
    yield _ninjs("wire-embargoed-in-words", "/embargoedUntil", embargoedUntil="until noon")
    yield _ninjs(
        "wire-of-a-version-to-come",
        "/standard/version",
        standard={"name": "ninjs", "version": "9" * 100_000},
    )
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": BREAKOUT}
    item = {"id": 1, "title": "x", "date_published": "2026-05-04T09:30:00Z"}
    yield _text(
        "feed-with-scripts",
        json.dumps(
            feed
            | {
                "items": [
                    item
                    | {"content_html": BREAKOUT + "x", "summary": BREAKOUT, "tags": [BREAKOUT[:90]]}
                ]
            }
        ),
    )
    yield _text(
        "feed-of-scripts-as-text",
        json.dumps(feed | {"items": [item | {"content_text": f"{BREAKOUT}\n\n    {BREAKOUT}"}]}),
    )
    yield _text("feed-of-40000-items", json.dumps(feed | {"items": [{}] * 40_000}), "/items")
    yield _text(
        "feed-within-a-feed",
        json.dumps(feed | {"items": [feed]}),
        "/items/0/content_html",
    )
