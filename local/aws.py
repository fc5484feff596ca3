"""An AWS on this machine: a moto server that holds what `template.yaml` would make."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.template import ROOT, Template

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sqs import SQSClient

REGION = "us-east-1"
SOURCE_BUCKET = "broadsheet-source"
SITE_BUCKET = "broadsheet-site"
REDIRECTS_STORE = "arn:aws:cloudfront::123456789012:key-value-store/broadsheet"
SCHEDULE_GROUP = "broadsheet-articles"
# What would lead a client past the local server, or to somebody's real account.
FOREIGN_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")


class LocalAwsError(Exception):
    """The local AWS did not start."""


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS: its address, its resources, and clients for them."""

    endpoint: str
    queue_url: str
    queue_arn: str
    media_queue_url: str
    media_queue_arn: str
    dead_letter_url: str
    dead_letter_arn: str
    distribution_id: str
    s3: "S3Client"
    sqs: "SQSClient"
    cloudfront: "CloudFrontClient"
    scheduler: "EventBridgeSchedulerClient"


@contextmanager
def local_aws(template: Template) -> Iterator[LocalAws]:
    """Run a local AWS with the template's resources for as long as the context is open.

    This process and its children are pointed at it, with credentials that are none.
    Raises LocalAwsError when the server does not start.
    """
    command = [sys.executable, "-m", "local.moto_server"]
    # A session of its own: Ctrl-C reaches us alone, and the server ends when we say so.
    with subprocess.Popen(  # noqa: S603 (our own module, by our own interpreter)
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            yield _furnish(_endpoint(server), template)
        finally:
            server.kill()


def _endpoint(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None  # noqa: S101 (asked for above)
    port = server.stdout.readline().strip()
    if not port:
        raise LocalAwsError(f"the local AWS (moto) ended at once with status {server.wait()}")
    return f"http://127.0.0.1:{port}"


def point_here(endpoint: str) -> None:
    """Set this process's environment so that every boto3 client talks to `endpoint` only."""
    for name in list(os.environ):
        if name in FOREIGN_VARIABLES or name.startswith("AWS_ENDPOINT_URL"):
            del os.environ[name]
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106 (a credential that is none)
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="false",
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )


def _furnish(endpoint: str, template: Template) -> LocalAws:
    """Make the resources, in the order in which they refer to each other."""
    point_here(endpoint)
    session = boto3.Session()
    config = Config(max_pool_connections=32)
    sqs = session.client("sqs", config=config)
    s3 = session.client("s3", config=config)
    cloudfront = session.client("cloudfront", config=config)
    dead_letter_url = sqs.create_queue(QueueName="broadsheet-dead-letters")["QueueUrl"]
    dead_letter_arn = _arn(sqs, dead_letter_url)
    queue_url = _make_queue(sqs, "publish", dead_letter_arn, template.queue())
    media_queue_url = _make_queue(sqs, "media", dead_letter_arn, template.queue("Media"))
    arns = {"PublishQueue.Arn": _arn(sqs, queue_url), "MediaQueue.Arn": _arn(sqs, media_queue_url)}
    s3.create_bucket(Bucket=SITE_BUCKET)
    s3.create_bucket(Bucket=SOURCE_BUCKET)
    s3.put_bucket_versioning(Bucket=SOURCE_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    _notify(s3, arns, template.notifications())
    scheduler = session.client("scheduler", config=config)
    scheduler.create_schedule_group(Name=SCHEDULE_GROUP)
    return LocalAws(
        endpoint=endpoint,
        queue_url=queue_url,
        queue_arn=arns["PublishQueue.Arn"],
        media_queue_url=media_queue_url,
        media_queue_arn=arns["MediaQueue.Arn"],
        dead_letter_url=dead_letter_url,
        dead_letter_arn=dead_letter_arn,
        distribution_id=_make_distribution(cloudfront),
        s3=s3,
        sqs=sqs,
        cloudfront=cloudfront,
        scheduler=scheduler,
    )


def _make_queue(
    sqs: "SQSClient", name: str, dead_letter_arn: str, properties: dict[str, Any]
) -> str:
    redrive = properties["RedrivePolicy"] | {"deadLetterTargetArn": dead_letter_arn}
    answer = sqs.create_queue(
        QueueName=f"broadsheet-{name}",
        Attributes={
            "VisibilityTimeout": str(properties["VisibilityTimeout"]),
            "RedrivePolicy": json.dumps(redrive),
        },
    )
    return answer["QueueUrl"]


def _arn(sqs: "SQSClient", queue_url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def _notify(s3: "S3Client", arns: dict[str, str], wanted: list[dict[str, Any]]) -> None:
    s3.put_bucket_notification_configuration(
        Bucket=SOURCE_BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arns[notification["Queue"]],
                    "Events": [notification["Event"]],
                    "Filter": {
                        "Key": {
                            "FilterRules": [
                                {"Name": rule["Name"], "Value": rule["Value"]}
                                for rule in notification["Filter"]["S3Key"]["Rules"]
                            ]
                        }
                    },
                }
                for notification in wanted
            ]
        },
    )


def _make_distribution(cloudfront: "CloudFrontClient") -> str:
    answer = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "broadsheet-local",
            "Comment": "Broadsheet on this machine",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "site",
                        "DomainName": f"{SITE_BUCKET}.s3.{REGION}.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "site",
                "ViewerProtocolPolicy": "redirect-to-https",
            },
        }
    )
    return answer["Distribution"]["Id"]
