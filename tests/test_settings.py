"""The function's environment."""

from __future__ import annotations

import pytest

from broadsheet.errors import SettingsError
from broadsheet.settings import Settings

REQUIRED = {
    "SOURCE_BUCKET": "source",
    "SITE_BUCKET": "site",
    "DISTRIBUTION_ID": "E1",
    "SITE_URL": "https://news.example",
}


def test_four_variables_are_enough() -> None:
    settings = Settings.from_environment(REQUIRED)
    assert settings == Settings("source", "site", "E1", "https://news.example")
    assert settings.queue_url == ""
    assert settings.endpoint_url == ""
    assert settings.invalidate_by == "tags"
    assert settings.parallel_calls == 32


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        REQUIRED
        | {
            "QUEUE_URL": "https://sqs.example/q",
            "INVALIDATE_BY": "paths",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:5000",
            "PARALLEL_CALLS": "1",
        }
    )
    assert settings == Settings(
        "source",
        "site",
        "E1",
        "https://news.example",
        queue_url="https://sqs.example/q",
        invalidate_by="paths",
        endpoint_url="http://127.0.0.1:5000",
        parallel_calls=1,
    )


def test_an_empty_variable_counts_as_not_set() -> None:
    empty = dict.fromkeys(("QUEUE_URL", "INVALIDATE_BY", "AWS_ENDPOINT_URL", "PARALLEL_CALLS"), "")
    assert Settings.from_environment(REQUIRED | empty) == Settings.from_environment(REQUIRED)


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"SITE_BUCKET": "", "SITE_URL": "https://news.example"})
    assert str(caught.value).endswith("SOURCE_BUCKET, SITE_BUCKET, DISTRIBUTION_ID")


@pytest.mark.parametrize("url", ["https://news.example/", "https://news.example//"])
def test_the_site_has_no_trailing_slash(url: str) -> None:
    assert Settings.from_environment(REQUIRED | {"SITE_URL": url}).site_url == REQUIRED["SITE_URL"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://d111.cloudfront.net"])
def test_any_host_serves(url: str) -> None:
    assert Settings.from_environment(REQUIRED | {"SITE_URL": url}).site_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "news.example"),
        ("SITE_URL", "ftp://news.example"),
        ("SITE_URL", "https://news.example/news"),
        ("SITE_URL", "https://news.example?x"),
        ("SITE_URL", 'https://news.example"'),
        ("SITE_URL", "https://"),
        ("INVALIDATE_BY", "Tags"),
        ("INVALIDATE_BY", "everything"),
        ("PARALLEL_CALLS", "0"),
        ("PARALLEL_CALLS", "-1"),
        ("PARALLEL_CALLS", "100"),
        ("PARALLEL_CALLS", "1.5"),
        ("PARALLEL_CALLS", "many"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is .*expected"):
        Settings.from_environment(REQUIRED | {name: value})


def test_settings_do_not_change() -> None:
    settings = Settings.from_environment(REQUIRED)
    with pytest.raises(AttributeError):
        settings.site_url = "https://elsewhere.example"  # type: ignore[misc]
