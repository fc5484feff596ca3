"""A sample of what `make fuzz` does without end."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import properties, strategies

FEW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(strategies.mutated())
def test_mutated_bytes_are_an_article_or_refused_with_help(data: bytes) -> None:
    properties.check_article(data)


@FEW
@given(strategies.mutated())
def test_mutated_bytes_are_a_configuration_or_refused_with_help(data: bytes) -> None:
    properties.check_site(data)


@FEW
@given(strategies.document("article"))
def test_what_follows_the_article_schema_has_sound_pages(document: Any) -> None:
    properties.check_article(json.dumps(document).encode())


@FEW
@given(strategies.document("site"))
def test_what_follows_the_site_schema_makes_sound_pages(document: Any) -> None:
    properties.check_site(json.dumps(document).encode())


@FEW
@given(strategies.swapped("article"))
def test_values_in_wrong_places_of_an_article_are_named(data: bytes) -> None:
    properties.check_article(data)


@FEW
@given(strategies.swapped("site"))
def test_values_in_wrong_places_of_a_configuration_are_named(data: bytes) -> None:
    properties.check_site(data)


@FEW
@given(strategies.wire_items())
def test_an_item_of_a_wire_is_an_article_or_refused_with_help(document: Any) -> None:
    properties.check_article(json.dumps(document).encode())


@FEW
@given(strategies.MARKDOWN)
def test_any_markdown_shows_text_and_does_nothing_else(text: str) -> None:
    properties.check_markdown(text)


@FEW
@given(strategies.notifications())
def test_any_message_names_keys_of_the_site_or_is_not_understood(event: Any) -> None:
    properties.check_event(event)


@FEW
@given(st.text(max_size=100) | strategies.TEXTS)
def test_any_label_has_a_slug_that_is_safe_and_its_own(label: str) -> None:
    properties.check_label(label)


@FEW
@given(strategies.states())
def test_any_bytes_of_an_index_are_read_or_unreadable(data: bytes) -> None:
    properties.check_state(data)


@FEW
@given(strategies.SITE_KEYS)
def test_a_key_of_the_site_is_taken_for_what_has_it(key: str) -> None:
    properties.check_site_key(key)
