"""site.json: its defaults, its fields and their limits."""

from __future__ import annotations

import json
import zoneinfo
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broadsheet.errors import InvalidError
from broadsheet.site_config import Link, Publisher, SiteConfig, TdmReservation
from broadsheet.theme import LIGHT, Palette, Theme

SAMPLE = Path(__file__).parent.parent / "events" / "site.json"


def parse(**fields: Any) -> SiteConfig:
    return SiteConfig.parse(json.dumps(fields).encode())


def problems(**fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidError) as caught:
        parse(**fields)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_an_empty_object_is_the_default() -> None:
    assert parse() == SiteConfig()
    assert SiteConfig().timezone is UTC


def test_the_zones_are_the_pinned_packages_on_every_machine() -> None:
    zoneinfo.reset_tzpath()
    assert parse(timezone="Europe/Vienna").timezone == ZoneInfo("Europe/Vienna")
    assert zoneinfo.TZPATH == ()


def test_every_field_is_read() -> None:
    config = parse(
        **{"$schema": "https://news.example/site.schema.json"},
        name="Lantern",
        description="News of the harbour",
        language="de-AT",
        timezone="Europe/Vienna",
        publisher={"name": "Co-op", "url": "https://x.example", "logo": "https://x.example/l.png"},
        navigation=[{"title": "Sport", "url": "/topics/sport/"}],
        rights="All rights reserved",
        tdm_reservation={"policy": "https://x.example/tdm"},
        theme={
            "light": {"accent": "#7A1F1F"},
            "dark": {"paper": "#000000", "ink": "#FFFFFF", "accent": "#ffc0a0"},
            "text": "sans",
            "headings": "slab",
            "masthead": "start",
        },
        websub_hub="https://hub.example/",
        indexnow_key="0123-abcdEF",
        search=False,
        links=[{"title": "Imprint", "url": "/imprint/"}, {"title": "X", "url": "http://x.example"}],
        ai_policy_url="/articles/ai/",
    )
    assert config == SiteConfig(
        "Lantern",
        "News of the harbour",
        "de-AT",
        ZoneInfo("Europe/Vienna"),
        Publisher("Co-op", "https://x.example", "https://x.example/l.png"),
        (Link("Sport", "/topics/sport/"),),
        (Link("Imprint", "/imprint/"), Link("X", "http://x.example")),
        "/articles/ai/",
        "All rights reserved",
        TdmReservation("https://x.example/tdm"),
        Theme(
            LIGHT._replace(accent="#7A1F1F"),
            Palette("#000000", "#FFFFFF", "#ffc0a0"),
            text="sans",
            headings="slab",
            masthead="start",
        ),
        "https://hub.example/",
        "0123-abcdEF",
        search=False,
    )


def test_the_sample_is_valid() -> None:
    assert SiteConfig.parse(SAMPLE.read_bytes()).name == "The Harbour Lantern"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x" * 100},
        {"description": "x" * 300},
        {"links": [{"title": "x" * 100, "url": "/"}] * 20},
        {"publisher": {"name": "x" * 200}},
        {"timezone": "Asia/Kathmandu"},
        {"ai_policy_url": "https://x.example/ai?a=b#c"},
        {"ai_policy_url": "/ai/"},
        {"navigation": [{"title": "x" * 100, "url": "/"}] * 12},
        {"theme": {}},
        {"theme": {"dark": {"accent": "#FFFFFF"}}},
    ],
)
def test_what_is_within_the_limits_is_accepted(fields: dict[str, Any]) -> None:
    parse(**fields)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/name", {"name": ""}),
        ("/name", {"name": "x" * 101}),
        ("/name", {"name": " \t"}),
        ("/name", {"name": None}),
        ("/description", {"description": "x" * 301}),
        ("/language", {"language": "de_AT"}),
        ("/timezone", {"timezone": "Europe/Atlantis"}),
        ("/timezone", {"timezone": "Europe"}),
        ("/timezone", {"timezone": "../../etc/passwd"}),
        ("/timezone", {"timezone": "/etc/localtime"}),
        ("/timezone", {"timezone": ""}),
        ("/timezone", {"timezone": 1}),
        ("/timezone", {"timezone": "x" * 65}),
        ("/timezone", {"timezone": "UTC\u0000"}),
        ("/publisher/name", {"publisher": {}}),
        ("/publisher/url", {"publisher": {"name": "x", "url": "javascript:alert(1)"}}),
        ("/publisher/logo", {"publisher": {"name": "x", "logo": "data:image/png,"}}),
        ("/publisher/mail", {"publisher": {"name": "x", "mail": "x"}}),
        ("/links", {"links": [{"title": "x", "url": "/"}] * 21}),
        ("/links/0/title", {"links": [{"url": "/"}]}),
        ("/links/0/url", {"links": [{"title": "x", "url": "//evil.example"}]}),
        ("/links/0/url", {"links": [{"title": "x", "url": "/\\evil.example"}]}),
        ("/links/0/url", {"links": [{"title": "x", "url": "javascript:alert(1)"}]}),
        ("/ai_policy_url", {"ai_policy_url": "articles/ai/"}),
        ("/navigation", {"navigation": [{"title": "x", "url": "/"}] * 13}),
        ("/navigation/0/url", {"navigation": [{"title": "x", "url": "javascript:alert(1)"}]}),
        ("/rights", {"rights": "x" * 301}),
        ("/tdm_reservation", {"tdm_reservation": True}),
        ("/tdm_reservation/policy", {"tdm_reservation": {"policy": "javascript:alert(1)"}}),
        ("/websub_hub", {"websub_hub": "http://hub.example/"}),
        ("/websub_hub", {"websub_hub": "https://"}),
        ("/websub_hub", {"websub_hub": 'https://hub.example/"><x'}),
        ("/indexnow_key", {"indexnow_key": "0123456"}),
        ("/indexnow_key", {"indexnow_key": "0" * 129}),
        ("/indexnow_key", {"indexnow_key": "../index.html"}),
        ("/indexnow_key", {"indexnow_key": "01234567\n"}),
        ("/theme/light/ink", {"theme": {"light": {"ink": "#777777"}}}),
        ("/theme/light/ink", {"theme": {"light": {"ink": "black"}}}),
        ("/theme/light/paper", {"theme": {"light": {"paper": "#fff;}body{display:none"}}}),
        ("/theme/dark/accent", {"theme": {"dark": {"accent": "#333333"}}}),
        ("/theme/headings", {"theme": {"headings": "Comic Sans MS"}}),
        ("/theme/masthead", {"theme": {"masthead": "end"}}),
        ("/theme/font", {"theme": {"font": "serif"}}),
        ("/nme", {"nme": "Lantern"}),
    ],
)
def test_what_is_beyond_them_is_named_with_what_is_expected(
    path: str, fields: dict[str, Any]
) -> None:
    found = problems(**fields)
    assert list(found) == [path]
    assert "expected" in found[path]


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(name="", timezone="Mars/Olympus", publisher={"url": "x"}, langauge="en")
    assert sorted(found) == ["/langauge", "/name", "/publisher/name", "/publisher/url", "/timezone"]
    assert "did you mean language?" in found["/langauge"]


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'"News"', b"\xff", b"{"])
def test_it_must_be_a_json_object(data: bytes) -> None:
    with pytest.raises(InvalidError):
        SiteConfig.parse(data)
