"""The clients of AWS: how long they try, what they check, and when they are made.

Every one is boto3's, so AWS_ENDPOINT_URL redirects it.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
import botocore.compat
import botocore.session
from botocore.auth import AUTH_TYPE_MAPS
from botocore.config import Config
from botocore.handlers import convert_body_to_file_like_object

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cloudfront_keyvaluestore import CloudFrontKeyValueStoreClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

# The longest that one call can take, in seconds: three attempts of connecting and waiting for an
# answer, with up to one and two seconds between them. No call begins with less time left, so that
# none is cut off with the function and the rest can still be handed back.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 2, 5, 3
CALL_SECONDS = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + 1 + 2
# Where the layer has awscrt, and .venv.
_CRT = ("/opt/crt", f"{sys.prefix}/crt")


@cache
def clients_of(endpoint_url: str, connections: int) -> Clients:
    """The clients of a process for so many calls at once, of AWS or of an endpoint like it."""
    return Clients(endpoint_url, connections)


class Clients:
    """What every publish calls, at once; the others when they are needed, and then once.

    A client takes a new process some time.
    """

    def __init__(self, endpoint_url: str, connections: int) -> None:
        self._endpoint_url = endpoint_url
        self._config = Config(
            max_pool_connections=connections,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # Else it is put together for each request, which takes a twentieth of a publish.
            user_agent=f"Broadsheet Boto3/{boto3.__version__}",
            # Likewise: types are checked before anything runs, and TLS sees to what is sent.
            parameter_validation=False,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"payload_signing_enabled": False},
        )
        core = botocore.session.get_session()
        # Nobody asks when an object was changed, and to parse each answer's time takes long.
        core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
        self._session = boto3.Session(botocore_session=core)
        # A session makes one client at a time, and threads call.
        self._making = Lock()
        self._made: dict[str, Any] = {}
        self.s3: S3Client = self._client("s3")
        # As a file a body would wait until S3 has seen its headers (Expect: 100-continue), which is
        # a round trip more, and then go in small pieces. It is there already, and small.
        events = self.s3.meta.events
        events.unregister("before-parameter-build.s3.PutObject", convert_body_to_file_like_object)
        self.cloudfront: CloudFrontClient = self._client("cloudfront")

    def _client(self, service: str) -> Any:
        with self._making:
            if service not in self._made:
                # Any: boto3's types know a service by its literal name.
                session: Any = self._session
                self._made[service] = session.client(service, config=self._config)
            return self._made[service]

    @property
    def sqs(self) -> SQSClient:
        """For what fails, and what is too much for one invocation."""
        sqs: SQSClient = self._client("sqs")
        return sqs

    @property
    def events(self) -> EventBridgeClient:
        """For those who have a bus."""
        events: EventBridgeClient = self._client("events")
        return events

    @property
    def redirects(self) -> CloudFrontKeyValueStoreClient:
        """For old addresses that change."""
        _sign_for_all_regions()
        redirects: CloudFrontKeyValueStoreClient = self._client("cloudfront-keyvaluestore")
        if self._endpoint_url:
            hooks = redirects.meta.events
            hooks.register("before-sign", _without_account, unique_id=_without_account.__name__)
        return redirects

    @property
    def scheduler(self) -> EventBridgeSchedulerClient:
        """For articles that have a time to wait for."""
        scheduler: EventBridgeSchedulerClient = self._client("scheduler")
        return scheduler

    @property
    def states(self) -> SFNClient:
        """For a change of site.json."""
        states: SFNClient = self._client("stepfunctions")
        return states


def _sign_for_all_regions() -> None:
    """Let botocore sign by SigV4A, which KeyValueStores demand, and for which it needs awscrt.

    The layer, like .venv, has that in a folder where Python does not look. If it did, botocore
    would load it in each new process, and sign every request by it. So it is told of it later, as
    it tells itself; its version is pinned, and a test sees that this works.
    """
    if "v4a" in AUTH_TYPE_MAPS:
        return
    sys.path += [folder for folder in _CRT if folder not in sys.path]
    for module in ("awscrt.auth", "awscrt.http"):
        import_module(module)
    botocore.compat.awscrt = import_module("awscrt")  # type: ignore[attr-defined]
    from botocore.crt.auth import CrtSigV4AsymAuth  # noqa: PLC0415 (only when a redirect changes)

    AUTH_TYPE_MAPS["v4a"] = CrtSigV4AsymAuth


def _without_account(request: Any, **_: Any) -> None:
    """Ask an endpoint of somebody's own by the name that it has.

    The service's rules put the account before it, and 123456789012.127.0.0.1 is nowhere.
    """
    request.url = re.sub(r"^(https?://)[0-9]{12}\.", r"\1", request.url)
