"""Carries out the schedules of articles that wait for their time, as EventBridge Scheduler does.

moto stores schedules and never looks at the clock.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from broadsheet.schedule import moment_in

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sqs import SQSClient

# Seconds between two looks at the clock.
PAUSE = 0.5


@dataclass(frozen=True)
class Timer:
    """Sends what the schedules of a group send, once it is time by the clock ``now``."""

    scheduler: "EventBridgeSchedulerClient"
    sqs: "SQSClient"
    group: str
    queue_url: str
    now: Callable[[], datetime]

    def run(self, stop: threading.Event) -> None:
        """Go on until ``stop`` is set."""
        while not stop.wait(PAUSE):
            self.fire()

    def fire(self) -> int:
        """Carry out the schedules that are due, which are gone then; how many there were."""
        now = self.now()
        pages = self.scheduler.get_paginator("list_schedules").paginate(GroupName=self.group)
        names = [one["Name"] for page in pages for one in page["Schedules"]]
        due = [name for name in names if (at := moment_in(name)) and at <= now]
        for name in due:
            # The function may take it away just now.
            with suppress(self.scheduler.exceptions.ResourceNotFoundException):
                target = self.scheduler.get_schedule(GroupName=self.group, Name=name)["Target"]
                self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=target["Input"])
                self.scheduler.delete_schedule(GroupName=self.group, Name=name)
        return len(due)
