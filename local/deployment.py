"""Which deployment the command line works with: a stack on AWS, or a `make run`."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from broadsheet.settings import Settings
from local import running
from local.aws import point_here

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

CALLS_AT_ONCE = 16
# The outputs of a stack, and the variable of its function that has each.
OUTPUTS = {
    "SourceBucketName": "SOURCE_BUCKET",
    "SiteBucketName": "SITE_BUCKET",
    "DistributionId": "DISTRIBUTION_ID",
    "SiteUrl": "SITE_URL",
    "QueueUrl": "QUEUE_URL",
    "MediaQueueUrl": "MEDIA_QUEUE_URL",
    "QueueArn": "QUEUE_ARN",
    "ScheduleGroupName": "SCHEDULE_GROUP",
    "ScheduleRoleArn": "SCHEDULE_ROLE_ARN",
    "DeadLetterQueueArn": "DEAD_LETTER_ARN",
}
# Likewise, where the stack has them.
OPTIONAL_OUTPUTS = {
    "RedirectsStoreArn": "REDIRECTS_STORE_ARN",
    "RebuildMachineArn": "REBUILD_MACHINE_ARN",
}
# Likewise of its parameters.
PARAMETERS = {"InvalidateBy": "INVALIDATE_BY", "EventBus": "EVENT_BUS"}
_DENIED = {"AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation"}


class RefusedError(Exception):
    """What was asked for can't be done; the message says why and what can."""


@dataclass(frozen=True)
class Deployment:
    """A site and its sources, and clients for them; ``name`` is for people."""

    name: str
    settings: Settings
    s3: "S3Client"
    sqs: "SQSClient"
    states: "SFNClient"


@dataclass(frozen=True)
class Target:
    """Which deployment is asked for; with none of these, a `make run` of the folder."""

    stack: str = ""
    profile: str = ""
    region: str = ""
    local: bool = False

    def connect(self) -> Deployment:
        """Find it, and point this process at it.

        ``local`` is stronger than a stack, which may come from the environment. Raises
        RefusedError where there is none, and botocore's errors.
        """
        if self.local or not self.stack:
            return self._running()
        return self._deployed()

    def _running(self) -> Deployment:
        found = running.find(Path.cwd())
        if found is None:
            if self.local:
                raise RefusedError("no `make run` is up in this folder: start one")
            raise RefusedError(
                "no stack is named, and no `make run` is up in this folder: "
                "give --stack NAME, or set BROADSHEET_STACK, or start a `make run`"
            )
        file, run = found
        if not _answers(run.endpoint):
            raise RefusedError(f"the `make run` of {file} has ended: start it again")
        point_here(run.endpoint)
        site = run.variables.get("SITE_URL", "")
        return _deployment(
            f"make run, {site}/", {**run.variables, "AWS_ENDPOINT_URL": run.endpoint}
        )

    def _deployed(self) -> Deployment:
        if self.profile:
            os.environ["AWS_PROFILE"] = self.profile
        if region := self.region or os.environ.get("AWS_REGION", ""):
            os.environ["AWS_DEFAULT_REGION"] = region
        cloudformation = boto3.client("cloudformation", config=_config())
        where = cloudformation.meta.region_name
        try:
            stack = cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                raise RefusedError(f"there is no stack {self.stack} in {where}") from error
            raise
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
        if missing := OUTPUTS.keys() - outputs.keys():
            raise RefusedError(
                f"the stack {self.stack} is none of Broadsheet's, or an old one: "
                f"it has no output {', '.join(sorted(missing))}"
            )
        variables = {name: outputs[output] for output, name in OUTPUTS.items()}
        variables |= {name: outputs.get(one, "") for one, name in OPTIONAL_OUTPUTS.items()}
        parameters = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
        variables |= {name: parameters.get(one, "") for one, name in PARAMETERS.items()}
        variables["AWS_ENDPOINT_URL"] = os.environ.get("AWS_ENDPOINT_URL", "")
        return _deployment(f"stack {self.stack} in {where}, {outputs['SiteUrl']}/", variables)


def _deployment(name: str, variables: "Mapping[str, str]") -> Deployment:
    return Deployment(
        name=name,
        settings=Settings.from_environment(variables),
        s3=boto3.client("s3", config=_config()),
        sqs=boto3.client("sqs", config=_config()),
        states=boto3.client("stepfunctions", config=_config()),
    )


def _config() -> Config:
    return Config(
        max_pool_connections=CALLS_AT_ONCE,
        connect_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 4},
    )


def _answers(endpoint: str) -> bool:
    where = urlsplit(endpoint)
    try:
        with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=2):
            return True
    except OSError:
        return False


def explained(error: BotoCoreError | ClientError) -> str:
    """What went wrong with AWS, in a line, and what can be done."""
    if isinstance(error, NoCredentialsError):
        return "no AWS credentials are found: give --profile, or set AWS_PROFILE"
    if isinstance(error, NoRegionError):
        return "no AWS region is given: give --region, or set AWS_REGION"
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if code in _DENIED:
            return f"these credentials do not allow {error.operation_name}: {error}"
    return str(error)
