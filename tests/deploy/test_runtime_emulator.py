"""The built function and layer, run as Lambda runs them: by its runtime interface emulator."""

from __future__ import annotations

import json
import platform
import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.deploy import programs
from tests.deploy.programs import ARCH, REGION, ROOT, SAM_ENVIRONMENT
from tests.newsroom import make_distribution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.deploy.programs import Built

pytestmark = [
    pytest.mark.deploy,
    pytest.mark.xdist_group("deploy"),
    pytest.mark.skipif(
        platform.system() != "Linux", reason="the emulator inside SAM is a program for Linux"
    ),
]

# The bucket that the recorded events name.
SOURCE = "broadsheet-source-111122223333-eu-west-1"
SITE = "broadsheet-site-111122223333-eu-west-1"


@dataclass(frozen=True)
class Emulator:
    """A running function and the AWS that it talks to."""

    url: str
    s3: S3Client

    def invoke(self, event: Any) -> Any:
        """Return the function's answer to an event."""
        # S310: the address is this test's own, and http.
        request = urllib.request.Request(self.url, json.dumps(event).encode())  # noqa: S310 (http)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (likewise)
            return json.load(answer)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """The address of a moto server."""
    port = programs.free_port()
    command: list[str | Path] = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1"]
    with programs.server([*command, "-p", str(port)], {}, port, tmp_path / "moto.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def emulator(
    endpoint: str, built: Callable[[str], Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    s3 = boto3.client("s3", endpoint_url=endpoint)
    for bucket in (SOURCE, SITE):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
    python = programs.program(SAM_ENVIRONMENT, "python")
    version = programs.python_version(SAM_ENVIRONMENT)
    build = built(version)
    rie = next(
        (SAM_ENVIRONMENT / "lib" / f"python{version}").glob(
            f"site-packages/samcli/local/rapid/aws-lambda-rie-{ARCH}"
        )
    )
    invocations, runtime = programs.free_port(), programs.free_port()
    distribution = make_distribution(endpoint_url=endpoint)
    environ = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": "publish",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "LAMBDA_TASK_ROOT": str(build.function),
        # What Lambda's own Python does with /var/task and /opt/python.
        "PYTHONPATH": f"{build.function}:{build.layer / 'python'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        # The emulator takes no X-Ray segments.
        "POWERTOOLS_TRACE_DISABLED": "true",
        "SOURCE_BUCKET": SOURCE,
        "SITE_BUCKET": SITE,
        "SITE_URL": "https://news.example.org",
        "DISTRIBUTION_ID": distribution,
    }
    command: list[str | Path] = [
        rie,
        # Without both it listens on all addresses of the machine.
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{invocations}",
        "--runtime-api-address",
        f"127.0.0.1:{runtime}",
        python,
        "-m",
        "awslambdaric",
        "app.lambda_handler",
    ]
    with programs.server(command, environ, invocations, tmp_path / "emulator.log"):
        path = "/2015-03-31/functions/function/invocations"
        yield Emulator(f"http://127.0.0.1:{invocations}{path}", s3)


def event_of(name: str) -> Any:
    return json.loads((ROOT / "events" / name).read_text(encoding="utf-8"))


def test_the_built_function_publishes_what_a_recorded_event_names(emulator: Emulator) -> None:
    upload = ROOT / "events" / "articles" / "2026" / "11" / "harbour-wall-to-rise.json"
    article = json.loads(upload.read_text(encoding="utf-8"))
    key = "articles/2026/11/harbour-wall-to-rise"
    emulator.s3.put_object(Bucket=SOURCE, Key=f"{key}.json", Body=upload.read_bytes())

    answer = emulator.invoke(event_of("sqs-s3-put.json"))

    assert answer == {"batchItemFailures": []}
    page = emulator.s3.get_object(Bucket=SITE, Key=f"{key}/index.html")
    assert article["title"] in page["Body"].read().decode()
    assert page["Metadata"]["cache-tag"]
    receipt = emulator.s3.get_object(Bucket=SOURCE, Key=f"receipts/{key}.json")
    assert json.load(receipt["Body"])["status"] == "published"


def test_the_built_function_names_the_messages_that_failed(emulator: Emulator) -> None:
    emulator.s3.delete_bucket(Bucket=SITE)
    event = event_of("sqs-s3-put.json")
    upload = ROOT / "events" / "articles" / "2026" / "11" / "harbour-wall-to-rise.json"
    emulator.s3.put_object(
        Bucket=SOURCE,
        Key="articles/2026/11/harbour-wall-to-rise.json",
        Body=upload.read_bytes(),
    )

    answer = emulator.invoke(event)

    failed = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
    assert failed == [record["messageId"] for record in event["Records"]]
