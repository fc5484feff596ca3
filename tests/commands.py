"""Runs the command line as its users do, within the tests' process."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
import pytest

from local.cli import main
from tests.newsroom import DONE, SCHEDULING, SITE, SOURCE, URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.newsroom import Newsroom

STACK = "paper"


def broadsheet(*arguments: str) -> int:
    """The exit status of a command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def of_stack(*arguments: str) -> int:
    """The exit status of a command for the tests' stack."""
    return broadsheet("--stack", STACK, *arguments)


def make_stack(name: str = STACK, **outputs: str) -> None:
    """A stack that says where the newsroom is, and its queues, and was deployed with parameters."""
    sqs = boto3.client("sqs")
    known = {
        "SourceBucketName": SOURCE,
        "SiteBucketName": SITE,
        "DistributionId": os.environ["DISTRIBUTION_ID"],
        "SiteUrl": URL,
        "QueueUrl": sqs.create_queue(QueueName=f"{name}-publish")["QueueUrl"],
        "MediaQueueUrl": sqs.create_queue(QueueName=f"{name}-media")["QueueUrl"],
        "FunctionName": f"{name}-publish",
        "QueueArn": SCHEDULING["QUEUE_ARN"],
        "ScheduleGroupName": SCHEDULING["SCHEDULE_GROUP"],
        "ScheduleRoleArn": SCHEDULING["SCHEDULE_ROLE_ARN"],
        "DeadLetterQueueArn": SCHEDULING["DEAD_LETTER_ARN"],
    }
    make_bare_stack(name, known | outputs)


def make_bare_stack(name: str, outputs: Mapping[str, str]) -> None:
    """A stack of some resource, with these outputs."""
    parameters = {"InvalidateBy": "tags", "EventBus": ""}
    template = {
        "Parameters": {n: {"Type": "String", "Default": v} for n, v in parameters.items()},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {output: {"Value": value} for output, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def work_off(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver whatever has been uploaded, or was, and what that leads to."""
    urls = [
        boto3.client("sqs").get_queue_url(QueueName=f"{STACK}-{name}")["QueueUrl"]
        for name in ("publish", "media")
    ]
    monkeypatch.setenv("QUEUE_URL", urls[0])
    monkeypatch.setenv("MEDIA_QUEUE_URL", urls[1])
    versions = newsroom.s3.list_object_versions(Bucket=SOURCE)
    keys = {
        one["Key"] for one in (*versions.get("Versions", ()), *versions.get("DeleteMarkers", ()))
    }
    articles = sorted(key for key in keys if not key.startswith(("media/", "receipts/")))
    assert newsroom.deliver(*articles) == DONE
    for key in sorted(keys):
        if key.startswith("media/"):
            assert newsroom.deliver_media(key) == DONE
    newsroom.work_off()


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> Iterator[None]:
    """Whenever the command waits, this happens in no time."""
    with monkeypatch.context() as patched:
        patched.setattr("time.sleep", lambda _seconds: happens())
        yield


def plain(text: str) -> str:
    """A text without what frames and breaks it."""
    return re.sub(r"[\s│╭╮╰╯─]+", " ", text)
