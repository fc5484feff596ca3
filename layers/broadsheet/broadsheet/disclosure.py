"""How AI's part in a text is told, to readers and to machines: one mapping for pages and feeds.

docs/ai-disclosure.md has the source of each choice and its date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broadsheet.article import Disclosure

# Where the vocabularies are: the W3C community group's, and IPTC's.
TERMS = "https://github.com/w3c-cg/ai-content-disclosure"
# https://cv.iptc.org/newscodes/digitalsourcetype/
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_SENTENCES: dict[Disclosure, str] = {
    "assisted": "This text was written with the help of AI.",
    "rewritten": "This text was rewritten with AI.",
    "generated": "This text was generated with AI.",
}
_LABELS: dict[Disclosure, str] = {
    "assisted": "AI-assisted",
    "rewritten": "AI-rewritten",
    "generated": "AI-generated",
}
_SOURCE_TYPES: dict[Disclosure, str] = {
    "assisted": "compositeWithTrainedAlgorithmicMedia",
    "rewritten": "trainedAlgorithmicMedia",
    "generated": "trainedAlgorithmicMedia",
}


def sentence(disclosure: Disclosure) -> str:
    """The notice that stands above a text; "" where there is nothing to tell."""
    return _SENTENCES.get(disclosure, "")


def label(disclosure: Disclosure) -> str:
    """The short form beside a headline; "" where there is nothing to tell."""
    return _LABELS.get(disclosure, "")


def value(disclosure: Disclosure, *, reviewed: bool) -> str:
    """The W3C community group's ``ai-disclosure``; "" where there is nothing to tell.

    What a human being wrote or reviewed is "ai-assisted", the rest "ai-autonomous".
    https://github.com/w3c-cg/ai-content-disclosure
    """
    if disclosure == "none":
        return ""
    return "ai-assisted" if reviewed or disclosure == "assisted" else "ai-autonomous"


def source_type(disclosure: Disclosure) -> str:
    """The URI of IPTC's digital source type; "" where there is nothing to tell."""
    term = _SOURCE_TYPES.get(disclosure)
    return f"{SOURCE_TYPES}{term}" if term else ""
