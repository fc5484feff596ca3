"""The S3 that the tests run against, and the S3 that AWS documents: the same calls to each.

Each case of s3_cases.py is a script, what AWS says that it gives, and the page that says so. moto,
which the unit tests and the simulation use, and MiniStack carry it out. Where one of them answers
otherwise the case says how, and fails if that ever changes, in either direction.
docs/correctness.md lists these differences.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from tests.deploy import programs
from tests.deploy.programs import MINISTACK_ENVIRONMENT, ROOT
from tests.deploy.s3_cases import CASES, Buckets, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

pytestmark = [pytest.mark.deploy, pytest.mark.xdist_group("deploy")]

NUMBERS = count()


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MiniStack that asks for no signature; its URL."""
    folder = tmp_path_factory.mktemp("semantics")
    port = programs.free_port()
    environ = {
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),
    }
    command: list[Any] = [programs.program(MINISTACK_ENVIRONMENT, "ministack")]
    with programs.server(command, environ, port, folder / "ministack.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def clients(ministack: str) -> Iterator[dict[str, tuple[S3Client, SQSClient]]]:
    """Clients of each emulator."""
    credentials: Any = {
        "region_name": "eu-west-1",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    path_style = Config(s3={"addressing_style": "path"})
    with mock_aws():
        moto = boto3.client("s3", **credentials), boto3.client("sqs", **credentials)
        remote = credentials | {"endpoint_url": ministack}
        yield {
            "moto": moto,
            "MiniStack": (
                boto3.client("s3", config=path_style, **remote),
                boto3.client("sqs", **remote),
            ),
        }


@pytest.mark.parametrize("emulator", ["moto", "MiniStack"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_an_emulator_answers_as_aws_does_or_as_is_known_of_it(
    case: Case, emulator: str, clients: dict[str, tuple[S3Client, SQSClient]]
) -> None:
    s3, sqs = clients[emulator]
    found = case.script(Buckets(s3, sqs, next(NUMBERS), late=emulator == "MiniStack"))
    assert found == case.otherwise.get(emulator, case.aws)


def test_what_is_known_to_differ_does_and_stands_in_the_docs() -> None:
    docs = " ".join((ROOT / "docs" / "correctness.md").read_text(encoding="utf-8").split())
    for case in CASES:
        for emulator, found in case.otherwise.items():
            assert found != case.aws
            assert f"| {case.what} | {emulator} |" in docs
