"""The real template, built and deployed by SAM to MiniStack, an AWS on this machine.

MiniStack is asked to check signatures and to enforce policies (AUTH), and to serve TLS, which the
template's policies insist on. So the role, the bucket policies and the queue's policy are at work
here as they are on AWS. Where MiniStack differs from AWS, the test says so at that place.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.deploy import programs
from tests.deploy.programs import ARCH, MINISTACK_ENVIRONMENT, REGION, ROOT, SAM_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.deploy.programs import Built

pytestmark = [pytest.mark.deploy, pytest.mark.xdist_group("deploy")]

STACK = "broadsheet"
ARTICLE = "2026/11/harbour-wall-to-rise"


@dataclass(frozen=True)
class Answer:
    """What a reader's browser gets."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Stack:
    """The deployed stack: its outputs, and ways to use what they name."""

    endpoint: str
    certificate: Path
    port: int
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        return client(service, self.endpoint, self.certificate)

    @cached_property
    def s3(self) -> S3Client:
        s3: S3Client = self.client("s3")
        return s3

    def upload(self, path: str, data: bytes) -> None:
        self.s3.put_object(
            Bucket=self.outputs["SourceBucketName"], Key=f"articles/{path}.json", Body=data
        )

    def connect(self) -> http.client.HTTPSConnection:
        """A connection to MiniStack that sends nothing but what it is told to."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)

    def browse(self, path: str) -> Answer:
        """Read from the distribution, as a browser would that found its address here."""
        connection = self.connect()
        try:
            connection.request(
                "GET", path, headers={"Host": self.outputs["DistributionDomainName"]}
            )
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read().decode())
        finally:
            connection.close()

    def receipt(self, path: str) -> dict[str, Any]:
        """The receipt of an article, or nothing as long as there is none."""
        key = f"receipts/articles/{path}.json"
        try:
            answer = self.s3.get_object(Bucket=self.outputs["SourceBucketName"], Key=key)
        except self.s3.exceptions.NoSuchKey:
            return {}
        receipt: dict[str, Any] = json.load(answer["Body"])
        return receipt

    def invalidated(self) -> list[set[str]]:
        """The items of each invalidation so far, oldest first."""
        cloudfront = self.client("cloudfront")
        distribution = self.outputs["DistributionId"]
        answer = cloudfront.list_invalidations(DistributionId=distribution)
        found = [
            cloudfront.get_invalidation(DistributionId=distribution, Id=item["Id"])["Invalidation"]
            for item in answer["InvalidationList"].get("Items", [])
        ]
        found.sort(key=lambda one: one["CreateTime"])
        return [set(one["InvalidationBatch"]["Paths"]["Items"]) for one in found]

    def log(self) -> str:
        """What the function wrote, for messages of failed tests."""
        logs = self.client("logs")
        group = self.outputs["LogGroupName"]
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        return "\n".join(
            event["message"]
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"]
            )["events"]
        )

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
        """Wait until the site shows something; fail with the function's log."""
        try:
            programs.wait_until(condition, what, seconds)
        except pytest.fail.Exception as error:
            pytest.fail(f"{error}\n{self.log()}")


def client(service: str, endpoint: str, certificate: Path) -> Any:
    """A client of boto3 for MiniStack, with the credentials of its root user."""
    # Any: the service is only known when the test runs.
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        verify=str(certificate),
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106 (no secret)
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A running MiniStack: its port, and the certificate that it serves."""
    programs.on_path("openssl")  # by which MiniStack makes its certificate
    folder = tmp_path_factory.mktemp("ministack")
    port = programs.free_port()
    certificate = folder / "ministack-tls" / "server.crt"
    environ = {
        "AUTH": "true",
        "USE_SSL": "1",
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),
        # For the function, whose environment begins with that of the server.
        "AWS_CA_BUNDLE": str(certificate),
    }
    command: list[str | Path] = [programs.program(MINISTACK_ENVIRONMENT, "ministack")]
    with programs.server(command, environ, port, folder / "ministack.log"):
        yield port, certificate


@pytest.fixture(scope="module")
def stack(ministack: tuple[int, Path], built: Callable[[str], Built]) -> Stack:
    """The template, deployed as a user deploys it, with the defaults of samconfig.toml but one."""
    port, certificate = ministack
    endpoint = f"https://127.0.0.1:{port}"
    # MiniStack runs the function with its own Python.
    build = built(programs.python_version(MINISTACK_ENVIRONMENT))
    programs.run(
        [
            programs.program(SAM_ENVIRONMENT, "sam"),
            "deploy",
            "--template-file",
            build.template,
            "--config-file",
            ROOT / "samconfig.toml",
            "--stack-name",
            STACK,
            "--parameter-overrides",
            f"Arch={ARCH}",
            # MiniStack's Distributed Map knows neither batches nor results. moto runs the state
            # machine: tests/test_rebuild.py.
            "RebuildBy=queue",
        ],
        # One second between looks at the stack, not five.
        {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_CA_BUNDLE": str(certificate),
            "SAM_CLI_POLL_DELAY": "1",
        },
    )
    cloudformation = client("cloudformation", endpoint, certificate)
    (described,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
    deployed = Stack(endpoint, certificate, port, outputs)
    for function in ("FunctionName", "MediaFunctionName"):
        _point_here(deployed, outputs[function])
        _mend(deployed, outputs[function])
    return deployed


def _point_here(stack: Stack, name: str) -> None:
    """Point a function at MiniStack."""
    functions = stack.client("lambda")
    # As `sam local invoke --env-vars` would. The template's empty value means AWS, here too.
    environment = functions.get_function_configuration(FunctionName=name)["Environment"]
    environment["Variables"]["AWS_ENDPOINT_URL"] = stack.endpoint
    functions.update_function_configuration(FunctionName=name, Environment=environment)
    # Who is woken is the version at an alias, if there is one.
    for alias in functions.list_aliases(FunctionName=name)["Aliases"]:
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=version)


def _mend(stack: Stack, name: str) -> None:
    """Make up for three differences between MiniStack and AWS."""
    functions = stack.client("lambda")
    # MiniStack leaves parameters of type Number strings, which its poller can't compare.
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(
        UUID=mapping["UUID"],
        BatchSize=int(mapping["BatchSize"]),
        MaximumBatchingWindowInSeconds=int(mapping.get("MaximumBatchingWindowInSeconds", 0)),
        ScalingConfig={
            "MaximumConcurrency": int(mapping["ScalingConfig"]["MaximumConcurrency"]),
        },
    )
    # On AWS the action of a call allows the same in a batch, and there is no action of that name.
    role = functions.get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
    batches = ["sqs:SendMessageBatch", "sqs:ChangeMessageVisibilityBatch"]
    # A schedule is asked for as one of the default group, whichever its group is; a list of them
    # as everything, where AWS asks for schedule/*/*.
    default = "arn:aws:scheduler:*:*:schedule/default/*"
    statements = [
        {"Effect": "Allow", "Action": batches, "Resource": "*"},
        {"Effect": "Allow", "Action": "scheduler:*", "Resource": default},
        {"Effect": "Allow", "Action": "scheduler:ListSchedules", "Resource": "*"},
    ]
    stack.client("iam").put_role_policy(
        RoleName=role,
        PolicyName="ministack",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )


def sample(path: str) -> bytes:
    return (ROOT / "events" / "articles" / f"{path}.json").read_bytes()


def test_an_upload_becomes_a_page_on_the_site_and_a_receipt(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    article = json.loads(sample(ARTICLE))

    begin = time.monotonic()
    stack.upload(ARTICLE, sample(ARTICLE))
    stack.wait_for(lambda: stack.browse(f"/articles/{ARTICLE}/").status == 200, "the first page")
    first = time.monotonic() - begin
    stack.wait_for(lambda: bool(stack.receipt(ARTICLE)), "its receipt")

    page = stack.browse(f"/articles/{ARTICLE}/")
    assert article["title"] in page.body
    assert article["title"] in stack.browse("/").body
    assert stack.receipt(ARTICLE)["status"] == "published"
    # What is new needs no invalidation of its own; the first page of all makes the site.
    assert stack.invalidated()[-1] <= {"#site", "#listings"}

    # The same again with the function warm, and the invalidation that replaces the copy.
    article["title"] = "Harbour wall to rise by a metre"
    begin = time.monotonic()
    stack.upload(ARTICLE, json.dumps(article).encode())
    stack.wait_for(
        lambda: article["title"] in stack.browse(f"/articles/{ARTICLE}/").body, "the changed page"
    )
    again = time.monotonic() - begin
    stack.wait_for(
        lambda: stack.invalidated()[-1] == {"#listings", f"#articles/{ARTICLE}"}, "an invalidation"
    )
    with capsys.disabled():
        # T201: this time is what the test is run for.
        print(f"\nfrom upload to page: {first:.2f} s cold, {again:.2f} s warm")  # noqa: T201 (for -s)


def test_a_deleted_article_leaves_the_site(stack: Stack) -> None:
    path = "2026/11/gale-takes-the-bandstand-roof"
    title = json.loads(sample(path))["title"]
    stack.upload(path, sample(path))
    stack.wait_for(lambda: title in stack.browse("/").body, "the article on the home page")

    stack.s3.delete_object(Bucket=stack.outputs["SourceBucketName"], Key=f"articles/{path}.json")

    stack.wait_for(lambda: stack.receipt(path).get("status") == "removed", "the receipt")
    assert title not in stack.browse("/").body
    # On AWS it is 404, since the site bucket's policy lets CloudFront list it. MiniStack answers
    # 403 for every missing key of an origin, whatever the policy.
    assert stack.browse(f"/articles/{path}/").status == 403


def test_an_article_waits_for_its_time_and_its_schedule_publishes_it(stack: Stack) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=35)
    article = json.loads(sample(ARTICLE)) | {"title": "Lamps lit", "published_at": at.isoformat()}
    group = stack.outputs["ScheduleGroupName"]
    schedules = stack.client("scheduler")
    stack.upload("waits", json.dumps(article).encode())
    stack.wait_for(lambda: bool(stack.receipt("waits")), "its receipt")
    assert stack.receipt("waits")["status"] == "scheduled"
    assert stack.browse("/articles/waits/").status == 403
    assert "Lamps lit" not in stack.browse("/").body
    (schedule,) = schedules.list_schedules(GroupName=group)["Schedules"]
    assert schedule["Target"]["Arn"] == stack.outputs["QueueArn"]

    # No schedule is set for sooner than in half a minute.
    stack.wait_for(lambda: stack.receipt("waits")["status"] == "published", "its time", 90)

    assert datetime.now(UTC) >= at
    assert "Lamps lit" in stack.browse("/articles/waits/").body
    assert "Lamps lit" in stack.browse("/").body
    stack.wait_for(
        lambda: not schedules.list_schedules(GroupName=group)["Schedules"], "the schedule's end"
    )


def test_a_rejected_upload_is_explained_in_its_receipt(stack: Stack) -> None:
    stack.upload("rejected", (ROOT / "events/rejected/missing-title.json").read_bytes())

    stack.wait_for(lambda: stack.receipt("rejected").get("status") == "rejected", "the receipt")

    assert any("title" in error["message"] for error in stack.receipt("rejected")["errors"])


def test_a_picture_is_shown_by_the_article_that_names_it(stack: Stack) -> None:
    bucket = stack.outputs["SourceBucketName"]
    picture = (ROOT / "events" / "media" / "harbour.jpg").read_bytes()
    path = "2026/11/tides-and-weather-week-48"
    stack.upload(path, sample(path))
    stack.s3.put_object(Bucket=bucket, Key="media/harbour.jpg", Body=picture)

    def shown() -> list[str]:
        return re.findall(r"/media/harbour\.jpg/\S+\.webp", stack.browse(f"/articles/{path}/").body)

    stack.wait_for(lambda: bool(shown()), "the picture on the page")
    connection = stack.connect()
    connection.request("GET", shown()[0], headers={"Host": stack.outputs["DistributionDomainName"]})
    answer = connection.getresponse()

    assert answer.status == 200
    assert answer.getheader("Content-Type") == "image/webp"
    assert answer.read()[8:12] == b"WEBP"
    connection.close()


def test_a_change_of_the_site_reaches_every_page_through_the_queue(stack: Stack) -> None:
    path = "guides/how-we-report"
    stack.upload(path, sample(path))
    stack.wait_for(lambda: stack.browse(f"/articles/{path}/").status == 200, "the page")
    site = json.loads((ROOT / "events" / "site.json").read_text(encoding="utf-8"))
    site["name"] = "The Sellow Lantern"

    stack.s3.put_object(
        Bucket=stack.outputs["SourceBucketName"], Key="site.json", Body=json.dumps(site).encode()
    )

    stack.wait_for(
        lambda: site["name"] in stack.browse(f"/articles/{path}/").body, "the new name of the site"
    )


def test_what_the_schedule_sends_finds_and_repairs_a_page_that_was_lost(stack: Stack) -> None:
    path = "2026/10/harbour-ferry-timetable"
    bucket = stack.outputs["SiteBucketName"]
    stack.upload(path, sample(path))
    stack.wait_for(lambda: stack.receipt(path).get("status") == "published", "the receipt")
    schedules = stack.client("scheduler")
    (schedule,) = schedules.list_schedules()["Schedules"]
    target = schedules.get_schedule(Name=schedule["Name"])["Target"]
    attributes = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["QueueUrl"], AttributeNames=["QueueArn"]
    )
    assert target["Arn"] == attributes["Attributes"]["QueueArn"]

    stack.s3.delete_object(Bucket=bucket, Key=f"articles/{path}/index.html")
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["QueueUrl"], MessageBody=target["Input"]
    )

    stack.wait_for(lambda: stack.browse(f"/articles/{path}/").status == 200, "the page again")
    stack.wait_for(lambda: "verify objects" in stack.log(), "the end of the comparison")


def test_readers_are_led_to_pages_and_kept_out_of_the_state(stack: Stack) -> None:
    moved = stack.browse("/topics/harbour")
    assert (moved.status, moved.headers["location"]) == (301, "/topics/harbour/")
    for path in ("/_index/site.json", "/%5Frecord/articles/x.json"):
        assert stack.browse(path).status == 404, path


def test_pages_come_with_the_headers_that_protect_their_readers(stack: Stack) -> None:
    stack.upload("power-restored-sellow", sample("power-restored-sellow"))
    path = "/articles/power-restored-sellow/"
    stack.wait_for(lambda: stack.browse(path).status == 200, "the page")

    page = stack.browse(path)
    headers = page.headers
    (style,) = re.findall(r"<style>(.*?)</style>", page.body, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"]
    assert "articles/power-restored-sellow" in headers["x-amz-meta-cache-tag"].split(",")


def test_the_role_allows_what_the_function_does_and_no_more(stack: Stack) -> None:
    role = stack.client("lambda").get_function_configuration(
        FunctionName=stack.outputs["FunctionName"]
    )["Role"]
    source = f"arn:aws:s3:::{stack.outputs['SourceBucketName']}"
    site = f"arn:aws:s3:::{stack.outputs['SiteBucketName']}"
    iam = stack.client("iam")

    def allowed(action: str, resource: str) -> bool:
        (result,) = iam.simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
        )["EvaluationResults"]
        return bool(result["EvalDecision"] == "allowed")

    assert allowed("s3:GetObject", f"{source}/articles/a.json")
    assert allowed("s3:PutObject", f"{source}/receipts/articles/a.json")
    assert allowed("s3:PutObject", f"{site}/articles/a/index.html")
    for action, resource in (
        ("s3:PutObject", f"{source}/articles/a.json"),
        ("s3:PutObject", f"{source}/site.json"),
        ("s3:DeleteObject", f"{source}/articles/a.json"),
        ("s3:DeleteObject", f"{source}/receipts/articles/a.json"),
        ("s3:DeleteObjectVersion", f"{source}/articles/a.json"),
        ("s3:GetObject", "arn:aws:s3:::another/articles/a.json"),
        ("s3:PutBucketPolicy", site),
        ("cloudfront:CreateInvalidation", "arn:aws:cloudfront::000000000000:distribution/EOTHER"),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:another"),
    ):
        assert not allowed(action, resource), (action, resource)


def test_strangers_read_neither_bucket(stack: Stack) -> None:
    for bucket in ("SourceBucketName", "SiteBucketName"):
        # Without a signature there is nobody whom a policy could allow it.
        address = f"/{stack.outputs[bucket]}/site.json"
        connection = stack.connect()
        connection.request("GET", address)
        assert connection.getresponse().status == 403, bucket
        connection.close()


def test_no_message_is_left_to_be_tried_again(stack: Stack) -> None:
    def left() -> set[str]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = stack.client("sqs").get_queue_attributes(
            QueueUrl=stack.outputs["QueueUrl"], AttributeNames=names
        )
        return set(answer["Attributes"].values())

    stack.wait_for(lambda: left() == {"0"}, "the queue to be empty")
