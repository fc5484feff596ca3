"""How far a rebuild by Step Functions has come."""

from dataclasses import dataclass
from datetime import datetime

from local.deployment import Deployment


@dataclass(frozen=True)
class Counts:
    """An execution's status, "" before there is one, and what has become of how many articles.

    While articles are still being listed ``total`` is of those found so far.
    """

    status: str = ""
    total: int = 0
    succeeded: int = 0
    failed: int = 0

    @property
    def is_running(self) -> bool:
        """Whether it is not over, or has not begun."""
        return self.status in {"", "RUNNING", "PENDING_REDRIVE"}

    @property
    def done(self) -> int:
        """How many are over, one way or the other."""
        return self.succeeded + self.failed


def counts_since(deployment: Deployment, began: datetime) -> Counts:
    """Of the newest rebuild that has begun since then, whoever asked for it."""
    states = deployment.states
    # The newest come first.
    found = states.list_executions(
        stateMachineArn=deployment.settings.rebuild_machine, maxResults=10
    )
    executions = [one for one in found["executions"] if one["startDate"] >= began]
    if not executions:
        return Counts()
    newest = max(executions, key=lambda one: one["startDate"])
    total = succeeded = failed = 0
    for run in states.list_map_runs(executionArn=newest["executionArn"])["mapRuns"]:
        items = states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
        total += items["total"]
        succeeded += items["succeeded"]
        failed += items["failed"] + items["aborted"] + items["timedOut"]
    return Counts(newest["status"], total, succeeded, failed)
