"""SQS in virtual time: what a queue and its messages do, as far as it matters to a load."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.workload import Limits


@dataclass(eq=False)
class Message:
    """A message of the queue, hidden until ``visible``."""

    id: str
    key: str
    visible: float
    receives: int = 0
    done: bool = False


class Queue:
    """SQS as far as it matters here: visibility, counts of receives, and the dead."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._heap: list[tuple[float, int, Message]] = []
        self._count = 0
        # When there is a full batch; None if something has changed since that was found.
        self._full: float | None = None
        self.messages: dict[str, Message] = {}
        self.dead: list[Message] = []

    def send(self, key: str, at: float) -> None:
        """A new message, to be had from a moment on."""
        self._hide(Message(f"m{len(self.messages)}", key, 0), at)

    def next(self) -> float:
        """When there is a message to be had."""
        while self._heap and (
            self._heap[0][2].done or self._heap[0][0] != self._heap[0][2].visible
        ):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def due(self) -> float:
        """When there is a batch to be had: a full one, or the first message after the window."""
        last = self.next() + self._limits.window
        if not self._limits.window or last == math.inf:
            return last
        if self._full is None:
            moments = (at for at, _, one in self._heap if not one.done and at == one.visible)
            soonest = heapq.nsmallest(self._limits.batch, moments)
            self._full = soonest[-1] if len(soonest) == self._limits.batch else math.inf
        return min(last, self._full)

    def receive(self, now: float) -> list[Message]:
        """A batch, hidden from others; what has been received too often dies instead."""
        batch: list[Message] = []
        while len(batch) < self._limits.batch and self.next() <= now:
            message = heapq.heappop(self._heap)[2]
            if message.receives == self._limits.most_receives:
                self.delete(message)
                self.dead.append(message)
                continue
            message.receives += 1
            batch.append(message)
        for message in batch:
            self._hide(message, now + self._limits.visibility)
        return batch

    def delete(self, message: Message) -> None:
        """One that has been handled, or given up."""
        message.done = True
        self._full = None

    def counts(self, now: float) -> tuple[int, int]:
        """Messages to be had, and those received that are hidden and not done."""
        left = [message for message in self.messages.values() if not message.done]
        waiting = sum(message.visible <= now for message in left)
        return waiting, sum(message.visible > now and message.receives > 0 for message in left)

    def hide(self, message_id: str, until: float) -> None:
        """Make a message visible at another moment."""
        self._hide(self.messages[message_id], until)

    def _hide(self, message: Message, until: float) -> None:
        self._count += 1
        self._full = None
        message.visible = until
        self.messages[message.id] = message
        heapq.heappush(self._heap, (until, self._count, message))
