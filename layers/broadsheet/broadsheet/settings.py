"""The function's environment as one frozen value."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, Self, get_args

from broadsheet.errors import SettingsError

InvalidateBy = Literal["tags", "paths"]

# Calls of AWS at once, unless somebody says otherwise.
PARALLEL_CALLS = 32


class Settings(NamedTuple):
    """Where to read, where to write and how to invalidate.

    ``site_url`` has no trailing slash. ``queue_url`` is the publish function's queue; when it is
    empty a change of site.json reconciles all articles within the one invocation.
    ``media_queue_url`` is the media function's. ``event_bus`` is the name of the bus on which
    others are told; empty for none. ``redirects_store`` is the ARN of the CloudFront KeyValueStore
    that the edge function reads redirects from; empty for none. ``invalidate_by`` is "paths" in
    regions whose CloudFront has no cache tags. ``schedule_group`` is the group of the schedules,
    which send messages to the queue of ``queue_arn`` by the role ``schedule_role_arn``, and those
    that they can't to ``dead_letter_arn``; empty for none, so that nothing acts at its time.
    ``rebuild_machine`` is the ARN of the state machine that reconciles all articles; empty for
    none, so that they go through the queue.
    ``parallel_calls`` is how many AWS calls may be under way at once; with 1 they are
    made one after the other, in the caller's thread.
    """

    source_bucket: str
    site_bucket: str
    distribution_id: str
    site_url: str
    queue_url: str = ""
    media_queue_url: str = ""
    event_bus: str = ""
    redirects_store: str = ""
    schedule_group: str = ""
    schedule_role_arn: str = ""
    queue_arn: str = ""
    dead_letter_arn: str = ""
    rebuild_machine: str = ""
    invalidate_by: InvalidateBy = "tags"
    endpoint_url: str = ""
    parallel_calls: int = PARALLEL_CALLS

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings; raises SettingsError that names every variable at fault."""
        required = ("SOURCE_BUCKET", "SITE_BUCKET", "DISTRIBUTION_ID", "SITE_URL")
        if missing := [name for name in required if not environ.get(name)]:
            raise SettingsError(f"environment variables not set: {', '.join(missing)}")
        scheduling = ("SCHEDULE_GROUP", "SCHEDULE_ROLE_ARN", "QUEUE_ARN")
        missing = [name for name in scheduling if not environ.get(name)]
        if missing and scheduling[0] not in missing:
            raise SettingsError(f"SCHEDULE_GROUP is set, but not {', '.join(missing)}")
        site_url = environ["SITE_URL"].rstrip("/")
        if not re.fullmatch(r"https?://[^\s/?#\"'<>]+", site_url):
            raise SettingsError(f"SITE_URL is {site_url!r}; expected a scheme and a host only")
        invalidate_by = environ.get("INVALIDATE_BY") or "tags"
        if invalidate_by not in get_args(InvalidateBy):
            raise SettingsError(f"INVALIDATE_BY is {invalidate_by!r}; expected tags or paths")
        parallel_calls = environ.get("PARALLEL_CALLS") or str(PARALLEL_CALLS)
        if not re.fullmatch(r"[1-9]\d?", parallel_calls):
            raise SettingsError(f"PARALLEL_CALLS is {parallel_calls!r}; expected 1 to 99")
        return cls(
            source_bucket=environ["SOURCE_BUCKET"],
            site_bucket=environ["SITE_BUCKET"],
            distribution_id=environ["DISTRIBUTION_ID"],
            site_url=site_url,
            queue_url=environ.get("QUEUE_URL", ""),
            media_queue_url=environ.get("MEDIA_QUEUE_URL", ""),
            event_bus=environ.get("EVENT_BUS", ""),
            redirects_store=environ.get("REDIRECTS_STORE_ARN", ""),
            schedule_group=environ.get("SCHEDULE_GROUP", ""),
            schedule_role_arn=environ.get("SCHEDULE_ROLE_ARN", ""),
            queue_arn=environ.get("QUEUE_ARN", ""),
            dead_letter_arn=environ.get("DEAD_LETTER_ARN", ""),
            rebuild_machine=environ.get("REBUILD_MACHINE_ARN", ""),
            invalidate_by="paths" if invalidate_by == "paths" else "tags",
            endpoint_url=environ.get("AWS_ENDPOINT_URL", ""),
            parallel_calls=int(parallel_calls),
        )
