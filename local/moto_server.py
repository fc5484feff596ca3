"""The process that plays AWS: a moto server on a free port of the loopback.

It prints its port on one line, serves until its standard input closes, and so never outlives
the process that started it, however that one ends.
"""

import json
import logging
import sys
import threading
import time
from copy import copy
from functools import cache
from types import SimpleNamespace
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import FakeKey, S3Backend
from moto.s3.notifications import S3NotificationEvent, send_event
from moto.sqs import models as sqs_models
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local.kvs import PREFIX, KeyValueStores


class Handler(MotoRequestHandler):
    """Moto's request handler without the 40 ms that Nagle's algorithm adds to kept connections."""

    disable_nagle_algorithm = True


def notify_of_delete_markers() -> None:
    """Teach moto the event that S3 sends when a delete in a versioned bucket leaves a marker."""
    delete = S3Backend.delete_object

    def delete_object(
        self: S3Backend,
        bucket_name: str,
        key_name: str,
        version_id: str | None = None,
        bypass: bool = False,  # noqa: FBT001, FBT002 (the signature is moto's)
    ) -> tuple[bool, dict[str, Any]]:
        bucket = self.get_bucket(bucket_name)
        newest = bucket.keys.get(key_name)
        answer = delete(self, bucket_name, key_name, version_id, bypass)
        if version_id is None and bucket.is_versioned and isinstance(newest, FakeKey):
            event = S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
            send_event(self.account_id, event, bucket, newest)
        return answer

    # moto has no hook for this; its version is pinned and a test watches for the event.
    S3Backend.delete_object = delete_object  # type: ignore[method-assign]


def spare_time(application: DomainDispatcherApplication) -> None:
    """Make cheap what moto does for each request: most of the time of one went into it."""
    # It looks through a folder of its own for the service of a host, of which there are few.
    application.get_backend_for_host = cache(  # type: ignore[method-assign]
        application.get_backend_for_host
    )
    # A queue asks the time for each of its messages, by way of two dates.
    sqs_models.unix_time_millis = _milliseconds  # type: ignore[attr-defined,assignment]


def spare_memory() -> None:
    """Let go of objects that have been written over: moto would keep all that there ever were."""

    def new(cls: type[FakeKey], *_: Any, **__: Any) -> FakeKey:
        return object.__new__(cls)

    FakeKey.__new__ = new  # type: ignore[method-assign,assignment]


def spare_copies() -> None:
    """Let a list of versions copy what it may have in it: moto would copy the whole bucket."""
    listed = S3Backend.list_object_versions

    def list_object_versions(self: S3Backend, bucket_name: str, *args: Any, **options: Any) -> Any:
        bucket = copy(self.get_bucket(bucket_name))
        keys, prefix = bucket.keys, options.get("prefix") or ""
        bucket.keys = type(keys)()
        for key, versions in list(keys.iterlists()):
            if key.startswith(prefix):
                bucket.keys.setlist(key, versions)
        # It asks for nothing but the bucket.
        narrow: Any = SimpleNamespace(get_bucket=lambda _name: bucket)
        return listed(narrow, bucket_name, *args, **options)

    S3Backend.list_object_versions = list_object_versions  # type: ignore[method-assign]


def receive_while_others_delete() -> None:
    """Let a queue be read and emptied at once.

    moto lost what it was about to give, and took back one of two deletions, both for minutes.
    """

    def groups(self: sqs_models.Queue) -> set[str]:
        pending = tuple(self.pending_messages)
        return {message.group_id for message in pending if message.group_id is not None}

    deleted = sqs_models.Queue.delete_message

    def delete_message(self: sqs_models.Queue, receipt_handle: str) -> None:
        with self._messages_lock:
            deleted(self, receipt_handle)

    sqs_models.Queue.delete_message = delete_message  # type: ignore[method-assign]
    sqs_models.Queue.pending_message_groups = property(groups)  # type: ignore[assignment,method-assign]


def _milliseconds(_moment: None = None) -> float:
    return time.time() * 1000


def beside(application: Any) -> Any:
    """Put in front of moto what it lacks: CloudFront's KeyValueStores."""
    stores = KeyValueStores()

    def answer(environ: Any, start_response: Any) -> Any:
        # The ARN in the path is encoded, and werkzeug would decode it.
        target = environ.get("REQUEST_URI") or environ.get("RAW_URI") or environ["PATH_INFO"]
        if not target.startswith(PREFIX):
            return application(environ, start_response)
        request = Request(environ)
        headers = {"If-Match": request.headers.get("If-Match", "")}
        found = stores.answer(request.method, target, headers, request.get_data())
        response = Response(json.dumps(found.body), found.status, found.headers)
        return response(environ, start_response)

    return answer


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    notify_of_delete_markers()
    application = DomainDispatcherApplication(create_backend_app)
    spare_time(application)
    spare_memory()
    spare_copies()
    receive_while_others_delete()
    server = make_server(
        "127.0.0.1", 0, beside(application), threaded=True, request_handler=Handler
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)  # noqa: T201 (our parent reads it)
    sys.stdin.read()


if __name__ == "__main__":
    main()
