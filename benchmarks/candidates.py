"""The libraries of benchmarks/libraries.py: what each is asked to do, and why it is used or not.

All of a job begin with the same, and do as much of what a publish asks for as they can. Run as a
program, in an environment that has them all, this measures them in turn: it reads an article at
the standard input, and writes microseconds of processor time a call, those of each candidate.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any, Literal

from broadsheet import markdown, validation

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[[], object]

# So often each is measured, in turn with all others, for at least so many seconds each time.
ROUNDS, LEAST = 15, 0.004
EXTENSIONS = ["table", "strikethrough"]
# A list of this many articles is what a template renders.
LINKS = 30


class Sample:
    """An article in the forms that the jobs begin with."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.fields: dict[str, Any] = json.loads(data)
        self.body: str = self.fields["body"]
        self.html = str(comrak(import_module("comrak"), self)())
        self.schema = validation._schema("article")[1]  # noqa: SLF001 (what a publish checks by)
        link = {"path": "2026/11/harbour", "title": "Ferries & <harbours>"}
        self.links = [link | {"summary": self.fields["summary"]}] * LINKS


# Each of these is given its module, and gives the call that is measured.


def comrak(module: Any, sample: Sample) -> Call:
    """As broadsheet/markdown.py has it."""
    extensions, rendering = module.ExtensionOptions(), module.RenderOptions()
    extensions.table = extensions.strikethrough = rendering.unsafe_ = True
    options = {"extension_options": extensions, "render_options": rendering}
    return partial(module.render_markdown, sample.body, **options)


def cmarkgfm(module: Any, sample: Sample) -> Call:
    """With the same extensions, and HTML left to the sanitiser."""
    unsafe = module.cmark.Options.CMARK_OPT_UNSAFE
    render = module.markdown_to_html_with_extensions
    return partial(render, sample.body, options=unsafe, extensions=EXTENSIONS)


def markdown_it(module: Any, sample: Sample) -> Call:
    """Likewise."""
    return partial(module.MarkdownIt("commonmark").enable(EXTENSIONS).render, sample.body)


def mistune(module: Any, sample: Sample) -> Call:
    """Likewise."""
    return partial(module.create_markdown(escape=False, plugins=EXTENSIONS), sample.body)


def nh3(_: Any, sample: Sample) -> Call:
    """The very cleaner of broadsheet/markdown.py."""
    return partial(markdown._CLEANER.clean, sample.html)  # noqa: SLF001 (what a publish calls)


def bleach(module: Any, sample: Sample) -> Call:
    """With the same tags, attributes and schemes."""
    cleaner = module.Cleaner(
        tags=markdown._TAGS,  # noqa: SLF001 (what a publish allows)
        attributes={tag: sorted(names) for tag, names in markdown._ATTRIBUTES.items()},  # noqa: SLF001 (likewise)
        protocols=("http", "https", "mailto", "tel"),
    )
    return partial(cleaner.clean, sample.html)


def lxml_html_clean(module: Any, sample: Sample) -> Call:
    """With the same tags, and the attributes of each allowed for all: it tells none apart."""
    attributes = markdown._ATTRIBUTES.values()  # noqa: SLF001 (what a publish allows)
    cleaner = module.Cleaner(
        allow_tags=markdown._TAGS,  # noqa: SLF001 (likewise)
        remove_unknown_tags=False,
        safe_attrs={name for names in attributes for name in names},
    )
    return partial(cleaner.clean_html, sample.html)


def jsonschema_rs(_: Any, sample: Sample) -> Call:
    """As a publish does it."""
    return partial(validation.check, sample.fields, "article")


def jsonschema(module: Any, sample: Sample) -> Call:
    """All that is wrong, too."""
    validator = module.Draft202012Validator(sample.schema)
    return lambda: list(validator.iter_errors(sample.fields))


def fastjsonschema(module: Any, sample: Sample) -> Call:
    """Without the one "$" within a character class: it takes each for an end, and fails."""
    schema = json.loads(json.dumps(sample.schema).replace("~!$&", "~!&"))
    return partial(module.compile(schema), sample.fields)


def msgspec_struct(module: Any, sample: Sample) -> Call:
    """By structs that are made of the schema."""
    record = partial(module.defstruct, "Record", forbid_unknown_fields=True, kw_only=True)
    none: tuple[()] = ()
    model = _model(
        sample.schema,
        module.Meta,
        lambda fields: record(
            [(n, kind, *(none if must else (None,))) for n, kind, must in fields]
        ),
    )
    return partial(module.convert, sample.fields, model)


def pydantic(module: Any, sample: Sample) -> Call:
    """By models that are made of the schema."""
    config = module.ConfigDict(extra="forbid", strict=True)
    numbers = count()
    model = _model(
        sample.schema,
        module.Field,
        lambda fields: module.create_model(
            f"Record{next(numbers)}",
            __config__=config,
            **{name: (kind, ... if must else None) for name, kind, must in fields},
        ),
    )
    return partial(model.model_validate, sample.fields)


_LIMITS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "maxItems": "max_length",
    "minimum": "ge",
    "maximum": "le",
    "pattern": "pattern",
}


def _model(
    rule: dict[str, Any],
    limited: Callable[..., Any],
    record: Callable[[list[tuple[str, Any, bool]]], Any],
) -> Any:
    """The type of a rule of the schema, with its limits.

    ``record`` makes that of an object of fields, each with its name, type and whether it must be.
    """
    # They are made, not written: to mypy they are values.
    annotated: Any = Annotated
    literal: Any = Literal
    if "enum" in rule:
        return literal[tuple(rule["enum"])]
    if rule["type"] == "object":
        fields = rule["properties"].items()
        return record(
            [
                (name, _model(inner, limited, record), name in rule["required"])
                for name, inner in fields
                if name.isidentifier()  # "$schema" is none
            ]
        )
    kinds: dict[str, Any] = {"string": str, "integer": int}
    kind = kinds.get(rule["type"]) or list[_model(rule["items"], limited, record)]  # type: ignore[misc]  # likewise
    return annotated[
        kind, limited(**{to: rule[name] for name, to in _LIMITS.items() if name in rule})
    ]


def json_strictly(_: Any, sample: Sample) -> Call:
    """As a publish does it: what a parser leaves to its reader is an error, at its place."""
    return partial(validation.decode, sample.data)


def loads(module: Any, sample: Sample) -> Call:
    """As it comes."""
    return partial(module.loads, sample.data)


def msgspec_json(module: Any, sample: Sample) -> Call:
    """As it comes."""
    return partial(module.json.decode, sample.data)


def jinja2(module: Any, sample: Sample) -> Call:
    """With the options of broadsheet/templating.py that say how to render."""
    environment = module.Environment(autoescape=True, undefined=module.StrictUndefined)
    template = environment.from_string(
        '<ul>{% for link in links %}<li><a href="/{{ link["path"] }}/">{{ link["title"] }}'
        '</a><p>{{ link["summary"] }}</p></li>{% endfor %}</ul>'
    )
    return partial(template.render, links=sample.links)


def mako(module: Any, sample: Sample) -> Call:
    """Escaped, and strict, by options."""
    template = module.Template(
        '<ul>\\\n% for link in links:\n<li><a href="/${link["path"]}/">${link["title"]}</a>'
        '<p>${link["summary"]}</p></li>\\\n% endfor\n</ul>',
        default_filters=["h"],
        strict_undefined=True,
    )
    return partial(template.render, links=sample.links)


def chameleon(module: Any, sample: Sample) -> Call:
    """Which escapes, and is strict, by itself."""
    template = module.PageTemplate(
        """<ul><li tal:repeat="link links"><a href="/${link['path']}/">${link['title']}</a>"""
        """<p>${link['summary']}</p></li></ul>"""
    )
    return partial(template.render, links=sample.links)


@dataclass(frozen=True)
class Candidate:
    """A library for a job: the module that is imported, what is called, and why it is used or not.

    The first of each job is what is used.
    """

    job: str
    name: str
    module: str
    call: Callable[[Any, Sample], Call]
    why: str

    @property
    def package(self) -> str:
        """Its name at the package index, "" for what Python has itself."""
        return "" if self.module in sys.stdlib_module_names else self.name.partition(",")[0]


_ROWS: dict[str, list[tuple[str, str, Callable[[Any, Sample], Call], str]]] = {
    "Markdown to HTML": [
        ("comrak", "comrak", comrak, "the fastest of these; Rust, so that no text overruns memory"),
        ("cmarkgfm", "cmarkgfm", cmarkgfm, "as good otherwise, but C, and released once a year"),
        ("markdown-it-py", "markdown_it", markdown_it, "0.3 s for a body of 1 MiB; slow to import"),
        ("mistune", "mistune", mistune, "likewise"),
    ],
    "HTML sanitised": [
        ("nh3", "nh3", nh3, "only what is allowed passes; made for untrusted input, and kept up"),
        ("bleach", "bleach", bleach, "the same HTML, but since 5 June 2026 no longer maintained"),
        (
            "lxml-html-clean",
            "lxml_html_clean",
            lxml_html_clean,
            "says itself that it is not for where security matters, and points to nh3",
        ),
    ],
    "An article validated": [
        (
            "jsonschema-rs",
            "jsonschema_rs",
            jsonschema_rs,
            "the published schema is the validator; tells all mistakes, as data, with their places",
        ),
        (
            "jsonschema",
            "jsonschema",
            jsonschema,
            "the same, but slow, and to import, too; it checks ours in the tests",
        ),
        (
            "fastjsonschema",
            "fastjsonschema",
            fastjsonschema,
            "tells the first mistake only, and fails at `$` in a character class, which ours has",
        ),
        (
            "msgspec, structs",
            "msgspec",
            msgspec_struct,
            "tells the first mistake only; types are a second schema, to be kept in step",
        ),
        ("pydantic", "pydantic", pydantic, "tells all mistakes, but is a second schema, too"),
    ],
    "JSON read": [
        (
            "json, strictly",
            "json",
            json_strictly,
            "json with hooks, then a walk: names given twice, NaN, lone surrogates are told",
        ),
        ("json", "json", loads, "takes all of these, and says nothing"),
        ("orjson", "orjson", loads, "of names given twice it takes the last, and nobody hears"),
        ("msgspec", "msgspec", msgspec_json, "likewise"),
    ],
    f"A template of {LINKS} links": [
        (
            "jinja2",
            "jinja2",
            jinja2,
            "escapes, and fails at what is undefined, by options; who brings a theme knows it",
        ),
        ("mako", "mako.template", mako, "the same by options, and as fast; fewer know it"),
        ("chameleon", "chameleon", chameleon, "the same by itself; slower in all"),
    ],
}
CANDIDATES = [Candidate(job, *row) for job, rows in _ROWS.items() for row in rows]


def _microseconds(call: Call) -> float:
    """The processor time of a call, by as many as fill LEAST seconds."""
    began = time.process_time()
    for calls in count(1):
        call()
        if (took := time.process_time() - began) >= LEAST:
            return took / calls * 1e6
    raise AssertionError("unreachable: it counts on")


def main(rounds: int) -> None:
    """Measure all."""
    sample = Sample(sys.stdin.buffer.read())
    calls = [one.call(import_module(one.module), sample) for one in CANDIDATES]
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(1 + rounds):
        for times, call in zip(took, calls, strict=True):
            times.append(_microseconds(call))
    # The first is slow.
    json.dump([times[1:] for times in took], sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
