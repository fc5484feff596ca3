"""The template's policies, and what AWS demands for each call that the function makes.

Demands: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfrontkeyvaluestore.html.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.cloudformation import RESOURCES, properties, resolved, role, statements
from tests.iam import ROLE, Request, Statement, is_allowed, policy

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "123456789012"
REGION = "eu-west-1"
STACK = "paper"
# The permissions that these parameters of a PutObject take are not modelled, as nobody needs them.
_UNKNOWN = {"ACL", "Tagging", "ObjectLockMode", "SSEKMSKeyId"}
# What a call that names an ARN needs on it, and which parameter that is.
_OF_ARNS = {
    "StartExecution": ("states:StartExecution", "stateMachineArn"),
    "DescribeMapRun": ("states:DescribeMapRun", "mapRunArn"),
    "Invoke": ("lambda:InvokeFunction", "FunctionName"),
}
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STACK}-rebuild"
TLS = ("aws:SecureTransport", "true")


class AccessDenied(BaseException):
    """A call that AWS would refuse. No handler survives it, so that its test fails at once."""


@dataclass(frozen=True)
class Deployment:
    """The names of what the template makes; by default those that it gives."""

    source_bucket: str = f"{STACK}-source-{ACCOUNT}-{REGION}"
    site_bucket: str = f"{STACK}-site-{ACCOUNT}-{REGION}"
    distribution_id: str = "EDFDVBD6EXAMPLE"
    publish_queue_url: str = ""
    media_queue_url: str = ""
    event_bus: str = "news"
    redirects_store: str = f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/{STACK}"
    function: str = "Publish"
    schedule_group: str = f"{STACK}-articles"
    schedule_role_arn: str = f"arn:aws:iam::{ACCOUNT}:role/{STACK}-schedules"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], function: str) -> Deployment:
        """The deployment that the functions' variables name."""
        return cls(
            environ["SOURCE_BUCKET"],
            environ["SITE_BUCKET"],
            environ["DISTRIBUTION_ID"],
            environ.get("QUEUE_URL", ""),
            environ.get("MEDIA_QUEUE_URL", ""),
            environ.get("EVENT_BUS") or "news",
            environ.get("REDIRECTS_STORE_ARN") or cls.redirects_store,
            function,
            environ.get("SCHEDULE_GROUP") or cls.schedule_group,
            environ.get("SCHEDULE_ROLE_ARN") or cls.schedule_role_arn,
        )

    @property
    def names(self) -> dict[str, str]:
        """What CloudFormation would put for each name in a policy."""
        arn = f"arn:aws:{{}}:{REGION}:{ACCOUNT}:{{}}"
        queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{STACK}"
        return {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": STACK,
            "Distribution": self.distribution_id,
            "SourceBucket": self.source_bucket,
            "SourceBucket.Arn": f"arn:aws:s3:::{self.source_bucket}",
            "SiteBucket": self.site_bucket,
            "SiteBucket.Arn": f"arn:aws:s3:::{self.site_bucket}",
            "PublishQueue.Arn": queue_arn(self.publish_queue_url or f"{queue}-publish"),
            "MediaQueue.Arn": queue_arn(self.media_queue_url or f"{queue}-media"),
            "PingQueue.Arn": queue_arn(f"{queue}-ping"),
            "PingRule.Arn": arn.format("events", f"rule/{self.event_bus}/{STACK}-ping"),
            "EventBus": self.event_bus,
            "RedirectsStore.Arn": self.redirects_store,
            "ScheduleGroup": self.schedule_group,
            "ScheduleGroup.Arn": arn.format("scheduler", f"schedule-group/{self.schedule_group}"),
            "ScheduleRole.Arn": self.schedule_role_arn,
            "PublishFunction.Arn": arn.format("lambda", f"function:{STACK}-publish"),
            "DeadLetterQueue.Arn": arn.format("sqs", f"{STACK}-dead-letters"),
            "PublishLogGroup.Arn": arn.format("logs", f"log-group:/aws/lambda/{STACK}-publish:*"),
            "MediaLogGroup.Arn": arn.format("logs", f"log-group:/aws/lambda/{STACK}-media:*"),
            "PingLogGroup.Arn": arn.format("logs", f"log-group:/aws/lambda/{STACK}-ping:*"),
        }

    def role(self) -> tuple[Statement, ...]:
        """What the function's role allows."""
        return _role(self)

    def of(self, name: str) -> tuple[Statement, ...]:
        """The statements of a bucket's or a queue's policy."""
        return policy(resolved(statements(name), self.names))

    def everything(self) -> tuple[Statement, ...]:
        """All policies of the template: each statement names the resources that it is about."""
        return _everything(self)

    def demand(self, request: Request) -> Request:
        """The request, if the function may make it; raises AccessDenied if not."""
        if not _permitted(self, request):
            raise AccessDenied(f"no policy of template.yaml allows the function {request}")
        return request


@cache
def _role(deployment: Deployment) -> tuple[Statement, ...]:
    statements = policy(resolved(role(deployment.function), deployment.names))
    return tuple(replace(one, principals=(ROLE,)) for one in statements)


@cache
def _everything(deployment: Deployment) -> tuple[Statement, ...]:
    named = [name for name, one in RESOURCES.items() if one["Type"].endswith("Policy")]
    attached = [name for name in named if "PolicyDocument" in properties(name)]
    return _role(deployment) + tuple(one for name in attached for one in deployment.of(name))


@lru_cache(10_000)
def _permitted(deployment: Deployment, request: Request) -> bool:
    return is_allowed(request, deployment.everything())


def present(function: str = "Publish") -> Deployment:
    """The deployment that the environment names now, as a function meets it."""
    return Deployment.from_environment(os.environ, function)


def demands(operation: str, params: Mapping[str, Any]) -> list[Request]:
    """What a call has to be allowed, to be carried out at all.

    Raises AccessDenied for a call of which that is not known.
    """
    if operation == "PutEvents":
        return [_event(entry) for entry in params["Entries"]]
    if "KvsARN" in params:
        return [Request(f"cloudfront-keyvaluestore:{operation}", params["KvsARN"], (TLS,))]
    if operation in _OF_ARNS:
        action, name = _OF_ARNS[operation]
        return [Request(action, params[name], (TLS,))]
    if operation.endswith(("Schedule", "Schedules")):
        return _schedule(operation, params)
    return _of_objects_and_queues(operation, params)


def _of_objects_and_queues(operation: str, params: Mapping[str, Any]) -> list[Request]:
    bucket = f"arn:aws:s3:::{params.get('Bucket')}"
    key = f"{bucket}/{params.get('Key')}"
    if unknown := _UNKNOWN & set(params):
        raise AccessDenied(f"nobody knows what {operation} needs with {sorted(unknown)}")
    match operation:
        case "GetObject" | "HeadObject" if "VersionId" in params:
            needed = [("s3:GetObjectVersion", key)]
        case "GetObject" | "HeadObject":
            needed = [("s3:GetObject", key)]
        case "PutObject" | "DeleteObject" if "IfMatch" in params:
            # S3 compares the entity tag only for who may read it. AWS writes that of conditional
            # deletions, and is silent on writes.
            needed = [(f"s3:{operation}", key), ("s3:GetObject", key)]
        case "PutObject" | "DeleteObject":
            needed = [(f"s3:{operation}", key)]
        case "ListObjectsV2" | "ListObjectVersions":
            versions = "Versions" if operation == "ListObjectVersions" else ""
            needed = [(f"s3:ListBucket{versions}", bucket)]
        case "CreateInvalidation":
            arn = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{params['DistributionId']}"
            needed = [("cloudfront:CreateInvalidation", arn)]
        case "SendMessage" | "SendMessageBatch" | "ChangeMessageVisibilityBatch":
            action = operation.removesuffix("Batch")
            needed = [(f"sqs:{action}", queue_arn(params["QueueUrl"]))]
        case _:
            raise AccessDenied(f"nobody knows what {operation} needs")
    context = (TLS, ("s3:prefix", params["Prefix"])) if "Prefix" in params else (TLS,)
    return [Request(action, resource, context) for action, resource in needed]


def _event(entry: Mapping[str, Any]) -> Request:
    """What an event has to be allowed: its bus and its source."""
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{entry['EventBusName']}"
    return Request("events:PutEvents", arn, (TLS, ("events:source", entry["Source"])))


def _schedule(operation: str, params: Mapping[str, Any]) -> list[Request]:
    """What a call of Scheduler has to be allowed; who sets a schedule lends it a role."""
    # Whatever group it asks about: https://github.com/aws/aws-cdk/issues/38201.
    where = "*/*" if operation == "ListSchedules" else f"{params['GroupName']}/{params['Name']}"
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{where}"
    needed = [Request(f"scheduler:{operation}", arn, (TLS,))]
    if "Target" in params:
        lent = (TLS, ("iam:PassedToService", "scheduler.amazonaws.com"))
        needed.append(Request("iam:PassRole", params["Target"]["RoleArn"], lent))
    return needed


def demands_if_missing(params: Mapping[str, Any]) -> list[Request]:
    """What a call has to be allowed to hear 404, and not 403, where its object does not exist.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    if "Key" not in params:
        return []
    return [Request("s3:ListBucket", f"arn:aws:s3:::{params['Bucket']}", (TLS,))]


def queue_arn(url: str) -> str:
    """The ARN of a queue in REGION; the end of its URL says which."""
    account, name = urlsplit(url).path.strip("/").split("/")
    return f"arn:aws:sqs:{REGION}:{account}:{name}"
