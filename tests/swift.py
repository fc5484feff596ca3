"""Makes calls of AWS cheap in tests: what botocore and moto do at every call, they do once.

Each call still goes through boto3's client, with all that it makes of parameters and answers, and
through moto's backend; left out is only what comes out the same, or is seen by nobody.
"""

from __future__ import annotations

import gc
import io
import itertools
import os
import re
import sys
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import botocore.session
from botocore import regions, signers, useragent, utils
from moto import backend_index
from moto.backends import get_backend
from moto.core import botocore_stubber, models, responses
from moto.core.base_backend import BackendDict
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import Request, environ_key_for_header, normalize_request
from moto.iam import models as iam
from moto.s3 import models as s3_models
from moto.s3 import responses as s3
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.sansio import utils as werkzeug

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest


@cache
def apply() -> None:
    """Let it be so in this process, from its first client on."""
    _botocore()
    _moto()
    # What was imported stays, and little else goes in circles: neither is looked for all the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _botocore() -> None:
    # The model of a service is read from disk for the first of its clients, not for each.
    _replace(botocore.session, "create_loader", cache)
    # What a client says of itself is the same at each call, and nobody looks at it.
    _replace(useragent.UserAgentString, "to_string", lru_cache(1000))
    # The same text is the same time.
    _replace(utils, "_parse_timestamp_with_tzinfo", lru_cache(10_000))
    # Moto verifies no signature, but reads from it who asks for which region.
    _replace(signers.RequestSigner, "handler", _unsigned)
    # Where a bucket is depends on nothing else.
    _replace(regions.EndpointRulesetResolver, "construct_endpoint", _once_a_bucket)


def _moto() -> None:
    # Which function of moto's answers a URL, and how it is read, depends on nothing else.
    _replace(botocore_stubber.BotocoreStubber, "process_request", _looking_once)
    _replace(s3, "bucket_name_from_url", lru_cache(10_000))
    _replace(s3, "parse_region_from_url", lru_cache(10_000))
    _replace(werkzeug, "uri_to_iri", lru_cache(10_000))
    _replace(s3.S3Response, "subdomain_based_buckets", _once_a_host)
    # The builder of werkzeug can much that no request of botocore needs.
    _replace(Request, "from_values", lambda _: _request)
    # There is one account, which has no users that IAM would have to look for.
    os.environ["MOTO_ACCOUNT_ID"] = DEFAULT_ACCOUNT_ID
    _replace(iam, "mark_account_as_visited", lambda _: lambda **_: None)
    # The number of a request need not be hard to guess.
    _replace(responses, "gen_amzn_requestid_long", lambda _: _number)
    # It would keep all objects that were ever written, to close their files in the end; they are
    # closed when they go. Moto calls these two by no other name.
    s3_models.FakeKey.__new__ = lambda cls, *_, **__: object.__new__(cls)  # type: ignore[method-assign]  # (see above)
    s3_models.FakeKey.__del__ = s3_models.FakeKey.dispose  # type: ignore[method-assign]  # (see above)
    # For each test `requests` is patched by a thousand patterns, and nobody here uses that.
    models.RESPONSES_METHODS.clear()


def _replace(owner: Any, name: str, decorator: Callable[[Any], Any]) -> None:
    setattr(owner, name, decorator(getattr(owner, name)))


def _unsigned(sign: Callable[..., Any]) -> Any:
    def handler(signer: Any, operation_name: str, request: Any, **others: Any) -> None:
        if signer.signing_name not in {"s3", "cloudfront"}:
            sign(signer, operation_name, request, **others)
            return
        if "X-Amz-Trailer" in request.headers:
            request.headers["X-Amz-Content-SHA256"] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        region = request.context.get("signing", {}).get("region") or signer.region_name
        scope = f"20260101/{region}/{signer.signing_name}/aws4_request"
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=testing/{scope}, SignedHeaders=host, Signature={'0' * 64}"
        )

    return handler


def _once_a_bucket(construct: Callable[..., Any]) -> Any:
    known: WeakKeyDictionary[Any, dict[tuple[str, str], Any]] = WeakKeyDictionary()

    def construct_endpoint(
        resolver: Any, operation_model: Any, call_args: Any, request_context: Any
    ) -> Any:
        if operation_model.service_model.service_name != "s3":
            return construct(resolver, operation_model, call_args, request_context)
        by_bucket = known.setdefault(resolver, {})
        key = operation_model.name, call_args.get("Bucket", "")
        if key not in by_bucket:
            by_bucket[key] = construct(resolver, operation_model, call_args, request_context)
        # Who asks for it may change the headers.
        return by_bucket[key]._replace(headers=dict(by_bucket[key].headers))

    return construct_endpoint


def _once_a_host(function: Callable[[Any], bool]) -> Any:
    known: dict[str, bool] = {}

    def by_subdomain(request: Any) -> bool:
        host = request.headers["host"]
        if host not in known:
            known[host] = function(request)
        return known[host]

    return staticmethod(by_subdomain)


_numbers = itertools.count(1)


def _number(headers: dict[str, str]) -> str:
    headers["x-amzn-requestid"] = number = f"{next(_numbers):052}"
    return number


def _looking_once(process: Callable[[Any, AWSPreparedRequest], Any]) -> Any:
    def process_request(stubber: Any, request: AWSPreparedRequest) -> Any:
        answering = _answering(request.url.partition("?")[0])
        if answering is None:
            return process(stubber, request)
        normal = normalize_request(request)
        try:
            return answering(normal, normal.raw_url, normal.headers)
        except HTTPException as error:
            return error.code, error.get_headers(), error.get_body()

    return process_request


@lru_cache(10_000)
def _answering(url: str) -> Callable[..., Any] | None:
    for service, pattern in backend_index.backend_url_patterns:
        if pattern.match(url):
            backends = get_backend(service)  # type: ignore[call-overload]
            if not isinstance(backends, BackendDict):
                return None
            account = backends[DEFAULT_ACCOUNT_ID]
            backend = account["us-east-1" if "us-east-1" in account else "aws"]
            for path, answering in backend.urls.items():
                if re.match(path, url):
                    found: Callable[..., Any] = answering
                    return found
    return None


def _request(  # noqa: PLR0913 (what moto calls werkzeug's builder with)
    *,
    method: str,
    base_url: str,
    path: str,
    query_string: str,
    data: Any,
    headers: list[tuple[str, str]],
) -> Request:
    scheme, _, host = base_url.partition("://")
    body = data.read() if hasattr(data, "read") else data
    body = body.encode() if isinstance(body, str) else body
    uri = f"{path}?{query_string}" if query_string else path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path).encode().decode("latin-1"),
        "QUERY_STRING": query_string,
        "REQUEST_URI": uri,
        "RAW_URI": uri,
        "SERVER_NAME": host,
        "SERVER_PORT": "443" if scheme == "https" else "80",
        "HTTP_HOST": host,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = environ_key_for_header(name)
        environ[key] = f"{environ[key]}, {value}" if key in environ else value
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    request = Request(environ)
    if "form" not in environ.get("CONTENT_TYPE", ""):
        # Nothing is to be parsed, which werkzeug would take some time to find out.
        nothing: dict[str, Any] = {"form": ImmutableMultiDict(), "files": ImmutableMultiDict()}
        request.__dict__ |= nothing | {"data": body}
    return request
