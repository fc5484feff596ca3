"""What the local AWS takes from `template.yaml`, so that the two cannot drift apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent

# CloudFormation's name of a header's section -> the header's name.
SIMPLE_HEADERS = {
    "ContentSecurityPolicy": ("Content-Security-Policy", "ContentSecurityPolicy"),
    "FrameOptions": ("X-Frame-Options", "FrameOption"),
    "ReferrerPolicy": ("Referrer-Policy", "ReferrerPolicy"),
}


class _Loader(yaml.SafeLoader):
    """A YAML loader that keeps the argument of CloudFormation's short functions (`!Ref x`: x)."""


def _argument(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _argument)


@dataclass(frozen=True)
class Template:
    """The SAM template's resources, by logical name."""

    resources: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path = ROOT / "template.yaml") -> "Template":
        """Parse the template at `path`."""
        # _Loader is a SafeLoader.
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (safe)
        return cls(document["Resources"])

    def queue(self, function: str = "Publish") -> dict[str, Any]:
        """Return the properties of the queue that a function works off."""
        properties: dict[str, Any] = self.resources[f"{function}Queue"]["Properties"]
        return properties

    def timeout_seconds(self, function: str = "Publish") -> int:
        """Return how long an invocation of a function may take."""
        return int(self.resources[f"{function}Function"]["Properties"]["Timeout"])

    def notifications(self) -> list[dict[str, Any]]:
        """Return which S3 events go to which queue, as dicts of `Event`, `Filter` and `Queue`."""
        for bucket in self._properties("AWS::S3::Bucket"):
            if "NotificationConfiguration" in bucket:
                wanted: list[dict[str, Any]] = bucket["NotificationConfiguration"][
                    "QueueConfigurations"
                ]
                return wanted
        raise LookupError("the template has no bucket that notifies a queue")

    def security_headers(self, path: str = "/") -> dict[str, str]:
        """Return the headers that the distribution adds to a response for `path`."""
        (distribution,) = self._properties("AWS::CloudFront::Distribution")
        behaviors = distribution["DistributionConfig"]
        behavior = next(
            (b for b in behaviors.get("CacheBehaviors", []) if fnmatchcase(path, b["PathPattern"])),
            behaviors["DefaultCacheBehavior"],
        )
        policy = self.resources[behavior["ResponseHeadersPolicyId"]]["Properties"]
        config = policy["ResponseHeadersPolicyConfig"]
        security = config.get("SecurityHeadersConfig", {})
        headers = {
            name: security[section][field]
            for section, (name, field) in SIMPLE_HEADERS.items()
            if section in security
        }
        if "ContentTypeOptions" in security:
            headers["X-Content-Type-Options"] = "nosniff"
        if "StrictTransportSecurity" in security:
            headers["Strict-Transport-Security"] = _hsts(security["StrictTransportSecurity"])
        custom = config.get("CustomHeadersConfig", {}).get("Items", [])
        return headers | {item["Header"]: item["Value"] for item in custom}

    def _properties(self, kind: str) -> Iterator[dict[str, Any]]:
        for resource in self.resources.values():
            if resource["Type"] == kind:
                yield resource.get("Properties", {})


def _hsts(section: dict[str, Any]) -> str:
    parts = [f"max-age={section['AccessControlMaxAgeSec']}"]
    parts += ["includeSubDomains"] * bool(section.get("IncludeSubdomains"))
    parts += ["preload"] * bool(section.get("Preload"))
    return "; ".join(parts)
