"""How AI's part in a text is told: the same on the page, in its data and in listings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import pytest

from broadsheet import disclosure
from broadsheet.article import Article, Disclosure, Review
from broadsheet.render import Renderer
from broadsheet.site_config import SiteConfig

if TYPE_CHECKING:
    from broadsheet.article import Status

MOMENT = datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
REVIEW = Review("Ines Callowhay", MOMENT)
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def page(kind: Disclosure, review: Review | None = None, status: Status = "published") -> str:
    article = Article(
        "a", "T", "S", "B", MOMENT, ai_disclosure=kind, human_review=review, status=status
    )
    return Renderer("https://x.example", SiteConfig()).article(article).body.decode()


@pytest.mark.parametrize(
    ("kind", "alone", "reviewed", "term"),
    [
        ("none", "", "", ""),
        ("assisted", "ai-assisted", "ai-assisted", "compositeWithTrainedAlgorithmicMedia"),
        ("rewritten", "ai-autonomous", "ai-assisted", "trainedAlgorithmicMedia"),
        ("generated", "ai-autonomous", "ai-assisted", "trainedAlgorithmicMedia"),
    ],
)
def test_machines_are_told_in_the_words_of_w3c_and_iptc(
    kind: Disclosure, alone: str, reviewed: str, term: str
) -> None:
    for review, value in ((None, alone), (REVIEW, reviewed)):
        text = page(kind, review)
        assert ('name="ai-disclosure"' in text) == bool(value)
        assert f'<meta name="ai-disclosure" content="{value}">' in text or not value
        assert (f'"digitalSourceType":"{TERMS}{term}"' in text) == bool(term)


@pytest.mark.parametrize("kind", get_args(Disclosure)[1:])
def test_readers_are_told_before_the_text_begins(kind: Disclosure) -> None:
    text = page(kind)
    assert 0 < text.index(disclosure.sentence(kind)) < text.index('<div class="body">')
    assert disclosure.label(kind)


def test_a_text_without_ai_says_nothing() -> None:
    assert "AI" not in page("none")
    assert disclosure.sentence("none") == disclosure.label("none") == ""


def test_a_review_is_told_with_its_name_and_date() -> None:
    text = page("generated", REVIEW)
    note = text.partition('<p class="note">')[2].partition("</p>")[0]
    assert "Reviewed by <bdi>Ines Callowhay</bdi> on <time" in note
    assert '"lastReviewed":"2026-05-04"' in text
    assert '"reviewedBy":{"@type":"Person","name":"Ines Callowhay"}' in text


def test_a_withdrawn_text_is_still_told() -> None:
    assert '<meta name="ai-disclosure" content="ai-autonomous">' in page(
        "generated", status="withdrawn"
    )
