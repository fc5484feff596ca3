"""The templates, and what they are run with.

Jinja turns a template into a module of Python, which takes longer than to run it. The layer's build
does that ahead (``compile_templates``); where nothing is compiled, as in development, it is done
when a template is first needed. So the build imports this module, on any machine: what it imports
must be Python alone.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from email.utils import format_datetime
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)
from markupsafe import Markup

from broadsheet import addresses, disclosure, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping
    from pathlib import Path

    from jinja2 import Template
    from jinja2.runtime import Macro

    from broadsheet.index import Entry

# The package of compiled templates, which is made by the layer's build alone.
COMPILED = "broadsheet.compiled"

# What decides, besides a template's source, what it is compiled to.
_OPTIONS: dict[str, Any] = {
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}
_ESCAPED = ("html", "xml", "svg")

# Languages written from right to left, and scripts that are whatever the language.
_RTL = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
_RTL_SCRIPTS = {"adlm", "arab", "hebr", "nkoo", "syrc", "thaa"}


class _Precompiled(BaseLoader):
    """Takes a template's compiled module where there is one of just this source.

    A module is found by what it was made of, so that none can be stale.
    """

    def __init__(self, sources: BaseLoader) -> None:
        self._sources = sources

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        return self._sources.get_source(environment, template)

    def list_templates(self) -> list[str]:
        return self._sources.list_templates()

    def load(
        self,
        environment: Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 (the name that Jinja gives)
    ) -> Template:
        source, filename, uptodate = self.get_source(environment, name)
        try:
            module = import_module(f"{COMPILED}.{_module_name(name, source)}")
        except ModuleNotFoundError:
            code = environment.compile(source, name, filename)
            return environment.template_class.from_code(environment, code, globals or {}, uptodate)
        return environment.template_class.from_module_dict(environment, vars(module), globals or {})


class _Environment(Environment):
    """One whose templates have what they can use in a plain dictionary.

    Jinja copies it for each page, and is slow to copy the chain of dictionaries that it makes.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


@cache
def environment() -> Environment:
    """Where templates are found, how they escape, and what they can use."""
    made = _Environment(
        loader=_Precompiled(_sources()),
        autoescape=select_autoescape(_ESCAPED, default=True),
        undefined=StrictUndefined,
        **_OPTIONS,
    )
    made.filters |= {
        "url": addresses.url_path,
        "direction": direction,
        "locale": metadata.locale,
        "ai_label": disclosure.label,
        "ai_sentence": disclosure.sentence,
        "ai_source_type": disclosure.source_type,
        "ai_value": disclosure.value,
        "news_language": metadata.news_language,
        "rfc822": lambda moment: format_datetime(moment.astimezone(UTC)),
    }
    made.globals |= {"ai_terms": disclosure.TERMS, "iptc_terms": disclosure.SOURCE_TYPES}
    made.globals |= {"anew": anew, "is_elsewhere": is_elsewhere}
    made.globals["style"] = Markup(stylesheet())  # noqa: S704 (a file of this package)
    made.globals["search"] = Markup(search_script())  # noqa: S704 (likewise)
    return made


def _sources() -> BaseLoader:
    """A template in overrides/ wins; as "default/NAME" it can extend the one that it overrides."""
    templates = PackageLoader("broadsheet")
    overrides = PackageLoader("broadsheet", "overrides")
    return ChoiceLoader([overrides, templates, PrefixLoader({"default": templates})])


def compile_templates(folder: Path) -> list[Path]:
    """Write a module for each template into a new folder, the package COMPILED; which they are."""
    jinja = environment()
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    written = []
    for name in _names():
        source, _, _ = _sources().get_source(jinja, name)
        path = folder / f"{_module_name(name, source)}.py"
        path.write_text(jinja.compile(source, name, raw=True, defer_init=True), "utf-8")
        written.append(path)
    return written


def load() -> None:
    """Load all templates that pages are made of, so that none has to wait for its own."""
    for name in _names():
        if not name.startswith("default/"):  # what one that overrides it loads itself
            environment().get_template(name)


def _names() -> list[str]:
    # Not what overrides/ says of itself.
    return environment().list_templates(filter_func=lambda name: not name.endswith(".md"))


def _module_name(name: str, source: str) -> str:
    made_of = "\0".join([jinja2.__version__, repr(_OPTIONS), repr(_ESCAPED), name, source])
    return f"t_{hashlib.sha256(made_of.encode()).hexdigest()}"


@cache
def stylesheet() -> str:
    """The style of every page, which stands in each, so that none depends on another object."""
    return re.sub(r"/\*.*?\*/|\n\s*", "", static("style.css"), flags=re.DOTALL)


@cache
def search_script() -> str:
    """The script of the search page, the only one that there is; it too stands in its page."""
    return re.sub(r"^\s*(?://.*\n)?", "", static("search.js"), flags=re.MULTILINE)


@cache
def static(name: str) -> str:
    """A file of static/, which pages have in them or beside them."""
    return files(__package__).joinpath("static", name).read_text("utf-8")


def anew(macro: Macro, entries: Iterable[Entry], *given: object) -> Markup:
    """Each entry as a macro renders it, for who has nowhere to keep that."""
    return Markup("").join(macro(entry, *of_entry(given, entry)) for entry in entries)


def of_entry(given: Iterable[object], entry: Entry) -> Iterator[object]:
    """What a macro is given with an entry: functions stand for what depends on that."""
    return (one(entry) if callable(one) else one for one in given)


def is_elsewhere(topic: str) -> Callable[[Entry], bool]:
    """Whether an entry's first topic, if it has any, is another than a list's own."""
    return lambda entry: bool(entry.topics) and entry.topics[0].slug != topic


def direction(language: str) -> str:
    """Which way a language (a BCP 47 tag) is written: "rtl" or "ltr"."""
    # What follows an "x" is private and no script.
    primary, *subtags = language.lower().partition("-x-")[0].split("-")
    if scripts := [tag for tag in subtags if re.fullmatch("[a-z]{4}", tag)]:
        return "rtl" if scripts[0] in _RTL_SCRIPTS else "ltr"
    return "rtl" if primary in _RTL else "ltr"
