"""Everything that can go wrong, by what the caller does about it.

BroadsheetError
├── SettingsError       the function is configured wrongly: nothing can be done
├── InvalidError        what was uploaded can't be used: tell its author, never retry
├── UnavailableError    AWS did not do what it was asked: retry
│   ├── ContendedError  others kept changing the same objects: retry later
│   └── OutOfTimeError  the invocation is nearly over: leave the rest to the next
├── ConflictError       a conditional write lost its race: read again, at once
└── FullError           the store of redirects takes no more: their pages must do
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broadsheet.validation import Problem


class BroadsheetError(Exception):
    """The root of all errors that this package raises on purpose."""


class SettingsError(BroadsheetError):
    """The environment lacks a setting or holds one that makes no sense."""


class InvalidError(BroadsheetError):
    """An upload is not what it should be; ``problems`` has all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.path or '/'}: {p.message}" for p in problems))
        self.problems = problems


class UnavailableError(BroadsheetError):
    """An AWS call failed for a reason that a later attempt may not meet."""


class ContendedError(UnavailableError):
    """The same objects were changed by others in every round that was tried."""


class OutOfTimeError(UnavailableError):
    """Too little of the invocation's time is left to begin something."""


class ConflictError(BroadsheetError):
    """The object is not in the state that the conditional write named."""


class FullError(BroadsheetError):
    """The store of redirects has no room for these."""
