"""`make verify`: the comparison by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from local import verify
from tests.newsroom import SITE, publish

if TYPE_CHECKING:
    from tests.newsroom import Newsroom

pytestmark = pytest.mark.usefixtures("hurry")


@pytest.fixture
def paper(newsroom: Newsroom) -> Newsroom:
    publish(newsroom, "a", topics=["Harbour"])
    return newsroom


@pytest.mark.usefixtures("paper")
def test_a_site_as_it_should_be_is_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main([]) == 0

    said = capsys.readouterr().out
    assert "OK" in said
    assert "nothing differs" in said


def test_what_differs_is_told_and_left(paper: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
    paper.s3.put_object(Bucket=SITE, Key="topics/harbour/rss.xml", Body=b"x")

    assert verify.main([]) == 1

    assert "topics/harbour/rss.xml differs" in capsys.readouterr().out
    assert paper.page("topics/harbour/rss.xml") == "x"


def test_what_differs_is_repaired_if_asked_to(
    paper: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    before = paper.site()
    for key in ("topics/harbour/rss.xml", "articles/a/index.html", "_index/2026/05.json"):
        paper.s3.delete_object(Bucket=SITE, Key=key)

    assert verify.main(["--repair"]) == 0

    assert "all repaired" in capsys.readouterr().out
    assert paper.site() == before


@pytest.mark.usefixtures("paper")
def test_a_bucket_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SITE_BUCKET", "no-such-bucket")

    assert verify.main([]) == 2

    assert "no-such-bucket" in capsys.readouterr().out


def answering(monkeypatch: pytest.MonkeyPatch, outputs: list[dict[str, str]]) -> None:
    """AWS has one stack with these outputs, and its function this environment."""
    clients: dict[str, Any] = {
        "cloudformation": boto3.client("cloudformation"),
        "lambda": boto3.client("lambda"),
    }
    stack = {"StackName": "paper", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE"}
    answers: dict[str, tuple[str, dict[str, Any]]] = {
        "cloudformation": ("describe_stacks", {"Stacks": [stack | {"Outputs": outputs}]}),
        "lambda": (
            "get_function_configuration",
            {"Environment": {"Variables": {"SITE_BUCKET": SITE, "AWS_ENDPOINT_URL": ""}}},
        ),
    }
    for name, client in clients.items():
        stubber = Stubber(client)
        stubber.add_response(*answers[name])
        stubber.activate()
    monkeypatch.setattr(boto3, "client", clients.__getitem__)


def test_a_stack_tells_where_its_site_is(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [{"OutputKey": "FunctionName", "OutputValue": "paper-publish"}])

    assert verify.variables("paper") == {"SITE_BUCKET": SITE}


def test_another_stack_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, [])
    monkeypatch.delenv("SITE_BUCKET")

    assert verify.main(["--stack", "paper"]) == 2
    assert "paper is none of Broadsheet's" in capsys.readouterr().out
