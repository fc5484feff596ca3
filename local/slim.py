"""Makes the layer start faster: run by its Makefile on what has been installed.

python3 local/slim.py TARGET: leaves of botocore's data what the functions use, and writes the
compiled templates. Both come out the same on any machine.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

# What the code calls; a test holds it against store.py. A client makes a method of each operation
# that its model has, used or not, which takes most of the time that it takes to make the client.
CALLS = {
    "cloudfront": {"CreateInvalidation"},
    "cloudfront-keyvaluestore": {"DescribeKeyValueStore", "GetKey", "ListKeys", "UpdateKeys"},
    "events": {"PutEvents"},
    "s3": {
        "DeleteObject",
        "GetObject",
        "HeadObject",
        "ListObjectVersions",
        "ListObjectsV2",
        "PutObject",
    },
    "scheduler": {
        "CreateSchedule",
        "DeleteSchedule",
        "GetSchedule",
        "ListSchedules",
        "UpdateSchedule",
    },
    "sqs": {"ChangeMessageVisibilityBatch", "SendMessageBatch"},
    "stepfunctions": {"StartExecution"},
}
# What others call: botocore, to find the region of a bucket that turns out to be in another one;
# and X-Ray's SDK, which makes a client without using it where it thinks that it is not on Lambda.
OF_OTHERS: dict[str, set[str]] = {"s3": {"HeadBucket"}, "xray": set()}

# What is said of a service to people only.
_PROSE = {"documentation", "documentationUrl"}


def trim_models(data: Path) -> None:
    """Leave in botocore's folder of data the services, and of these the operations, of CALLS."""
    services = CALLS.keys() | OF_OTHERS.keys()
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    for service in services:
        *older, newest = sorted((data / service).iterdir())
        for version in older:
            shutil.rmtree(version)
        calls = CALLS.get(service, set()) | OF_OTHERS.get(service, set())
        model = _read(newest / "service-2.json.gz")
        rules = _read(newest / "endpoint-rule-set-1.json.gz")
        extras = newest / "service-2.sdk-extras.json"
        for path in newest.iterdir():
            if path != extras:
                path.unlink()
        _write(newest / "service-2.json", trimmed(model, calls))
        _write(newest / "endpoint-rule-set-1.json", _without_prose(rules))
    endpoints = _read(data / "endpoints.json")
    for partition in endpoints["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(known.keys() & services)}
    _write(data / "endpoints.json", endpoints)


def trimmed(model: dict[str, Any], calls: set[str]) -> dict[str, Any]:
    """A service's model with these operations only, the shapes that they need, and no prose."""
    operations = {name: model["operations"][name] for name in sorted(calls)}
    shapes: dict[str, Any] = {}
    wanted = [name for operation in operations.values() for name in _named(operation)]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _named(shapes[name])
    return {
        **_without_prose({key: model[key] for key in model if key not in {"operations", "shapes"}}),
        "operations": {name: _without_prose(operations[name]) for name in operations},
        "shapes": {name: _without_prose(shapes[name]) for name in sorted(shapes)},
    }


def _named(value: Any) -> list[str]:
    """The shapes that an operation or a shape names, wherever in it."""
    if isinstance(value, list):
        return [name for item in value for name in _named(item)]
    if not isinstance(value, dict):
        return []
    here = [value["shape"]] if isinstance(value.get("shape"), str) else []
    return here + [name for item in value.values() for name in _named(item)]


def _without_prose(value: Any) -> Any:
    """The same with empty documentation, as botocore asks for it; a member of that name is none."""
    if isinstance(value, list):
        return [_without_prose(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "" if key in _PROSE and isinstance(item, str) else _without_prose(item)
        for key, item in value.items()
    }


def _read(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def _write(path: Path, value: Any) -> None:
    # In no other order: that of members is the order in which XML is written.
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")


def main(target: Path) -> None:
    """Do all of it to the folder into which packages have been installed."""
    trim_models(target / "botocore" / "data")
    shutil.rmtree(target / "boto3" / "data")  # models of boto3's resources, which nothing uses
    sys.path.insert(0, str(target))
    from broadsheet.templating import compile_templates  # noqa: PLC0415 (it is in the target)

    compile_templates(target / "broadsheet" / "compiled")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
