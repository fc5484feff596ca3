"""What IAM would decide: the part of its logic that the project's policies use.

A policy that uses anything else is refused with ValueError, never read wrongly. Sources:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Request:
    """One action on one resource (an ARN), with the condition keys that come with it."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        keys = ", ".join(f"{name} = {value!r}" for name, value in self.context)
        return f"{self.action} on {self.resource}" + (f" ({keys})" if keys else "")


@dataclass(frozen=True)
class Statement:
    """One statement of a policy.

    ``principals`` are (kind, name), as in ("Service", "s3.amazonaws.com"); None in the policy of a
    role, whose principal is the role. ``conditions`` are (operator, key, values).
    """

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    principals: tuple[tuple[str, str], ...] | None = None

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Statement:
        """Read a statement as it stands in a policy document."""
        if unknown := set(value) - _ELEMENTS:
            raise ValueError(f"not understood: {sorted(unknown)}")
        if value["Effect"] not in {"Allow", "Deny"}:
            raise ValueError(f"not understood: {value['Effect']}")
        conditions = [
            (operator, key, _texts(wanted))
            for operator, block in value.get("Condition", {}).items()
            for key, wanted in block.items()
        ]
        if unknown := {operator for operator, _, _ in conditions} - {*_OPERATORS, _NULL}:
            raise ValueError(f"not understood: {sorted(unknown)}")
        return cls(
            value.get("Sid", ""),
            value["Effect"],
            _texts(value["Action"]),
            _texts(value["Resource"]),
            tuple(conditions),
            _principals(value["Principal"]) if "Principal" in value else None,
        )

    def applies(self, request: Request, principal: tuple[str, str]) -> bool:
        """Whether the statement is about this request of this principal."""
        return (
            (self.principals is None or _concerned(self.principals, principal))
            and any(matches(p, request.action, ignore_case=True) for p in self.actions)
            and any(arn_matches(p, request.resource) for p in self.resources)
            and all(_holds(condition, request) for condition in self.conditions)
        )


# The role of the function, whose name no policy has.
ROLE = ("AWS", "role")


def policy(document: Iterable[Mapping[str, Any]]) -> tuple[Statement, ...]:
    """The statements of a policy document."""
    return tuple(Statement.parse(statement) for statement in document)


def is_allowed(
    request: Request, statements: Iterable[Statement], principal: tuple[str, str] = ROLE
) -> bool:
    """Whether a request is allowed by all policies that it meets.

    Within one account those of the principal and those of the resource add up; what none allows is
    denied, and so is what any one denies.
    """
    effects = {one.effect for one in statements if one.applies(request, principal)}
    return effects == {"Allow"}


@cache
def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a text is what a pattern with * and ? says."""
    return bool(_expression(pattern, ignore_case=ignore_case).fullmatch(text))


@cache
def arn_matches(pattern: str, arn: str) -> bool:
    """Whether an ARN is what a pattern says; no wildcard reaches beyond its part, but a mere *."""
    if pattern == "*":
        return True
    parts, wanted = arn.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(wanted) and all(map(matches, wanted, parts))


@cache
def _expression(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _principals(value: Any) -> tuple[tuple[str, str], ...]:
    if value == "*":
        return (("*", "*"),)
    return tuple((kind, name) for kind, names in value.items() for name in _texts(names))


def _concerned(principals: tuple[tuple[str, str], ...], principal: tuple[str, str]) -> bool:
    return bool({("*", "*"), (principal[0], "*"), principal} & set(principals))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": matches,
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
}
# Asks whether a key is missing, and is the only one that can hold then.
_NULL = "Null"


def _holds(condition: tuple[str, str, tuple[str, ...]], request: Request) -> bool:
    """Whether a condition holds; but for Null it does not where the request lacks its key."""
    operator, key, wanted = condition
    found = {name.lower(): value for name, value in request.context}.get(key.lower())
    if operator == _NULL:
        return str(found is None).lower() in wanted
    return found is not None and any(_OPERATORS[operator](one, found) for one in wanted)
