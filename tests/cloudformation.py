"""`template.yaml`, read with CloudFormation's functions in their long form."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]


class CloudFormation(yaml.SafeLoader):
    """Reads CloudFormation's short functions as the long ones: `!Sub x` as {"Fn::Sub": x}."""


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise TypeError(f"!{name} of {node.tag}")
    return {name if name == "Ref" else f"Fn::{name}": value}


CloudFormation.add_multi_constructor("!", _function)
SOURCE = (ROOT / "template.yaml").read_text(encoding="utf-8")
# CloudFormation is a SafeLoader.
TEMPLATE: dict[str, Any] = yaml.load(SOURCE, Loader=CloudFormation)  # noqa: S506 (a safe loader)
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]

# How much the threads of a process allocate apart, which the C library reads before it begins.
ARENAS = "MALLOC_ARENA_MAX"


def arenas() -> dict[str, str]:
    """The environment of a process that allocates as the publish function does."""
    return {ARENAS: properties("PublishFunction")["Environment"]["Variables"][ARENAS]}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def statements(policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = properties(policy)["PolicyDocument"]["Statement"]
    return found


def role(function: str = "Publish") -> list[dict[str, Any]]:
    (policy,) = properties(f"{function}Role")["Policies"]
    # What depends on a parameter is there: it is judged with it.
    return [
        one["Fn::If"][1] if "Fn::If" in one else one
        for one in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def resolved(value: Any, names: Mapping[str, str]) -> Any:
    """A value with its Ref, Fn::GetAtt and Fn::Sub carried out; KeyError for what has no name."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": name}:
            return names[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda match: names[match[1]], text)
        case dict():
            return {name: resolved(inner, names) for name, inner in value.items()}
        case list():
            return [resolved(inner, names) for inner in value]
    return value


def notifications() -> list[tuple[str, str, str]]:
    """What of the source bucket is queued: the event's pattern, the key's prefix and suffix."""
    found = []
    for one in properties("SourceBucket")["NotificationConfiguration"]["QueueConfigurations"]:
        rules = {rule["Name"]: rule["Value"] for rule in one["Filter"]["S3Key"]["Rules"]}
        found.append((one["Event"], rules.get("prefix", ""), rules.get("suffix", "")))
    return found


def notified(event: str, key: str) -> int:
    """How many of the source bucket's notifications an event causes."""
    return sum(
        fnmatchcase(event, pattern) and key.startswith(prefix) and key.endswith(suffix)
        for pattern, prefix, suffix in notifications()
    )


def edge_code() -> str:
    """The edge function's code, but for its first line, which names the store of redirects."""
    code: str = properties("EdgeFunction")["FunctionCode"]["Fn::Join"][1][1]
    return code
