"""`python -m benchmarks.cold N`: how long a process takes until it can publish, and until it has.

What `sam build` makes is run by Lambda's own loop (awslambdaric) under its Runtime Interface
Emulator, N times, in turn with a function that does nothing but ``import boto3;
boto3.client("s3")``, and with builds that lack one of the measures. Init is what the emulator's
INIT REPORT says; processor time is the process's own, of all its threads, and of init what it has
taken when the module is there. AWS is a moto server on the same machine, so that of a publish the
processor time says more than the clock.

It ends with 1 where init takes more than LIMIT times what the bare client takes, by either.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from local.aws import SOURCE_BUCKET, local_aws
from local.function import environment
from local.template import ROOT, Template
from tests.deploy import programs
from tests.deploy.programs import ARCH, SAM_ENVIRONMENT
from tests.newsroom import SOURCE, sqs_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.aws import LocalAws
    from tests.deploy.programs import Built

# What init may take, as a share of what the bare client takes in the same run.
LIMIT = 0.9
IMPORTS = 15
# What is alone in an environment that Lambda's Python would have, too.
LOOP = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client*.so")
SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
BARE = (
    'import boto3\n\nboto3.client("s3")\n\n\ndef lambda_handler(event, context):\n    return {}\n'
)
# Stands before each module, and says what it took to load it.
MEASURED = """\
import os
import time
from importlib import import_module

lambda_handler = import_module(os.environ["MEASURED"]).lambda_handler
print(f"INIT PROCESSOR {time.process_time()}", flush=True)
"""
NO_EVENT = {"Event": "s3:TestEvent"}
PATH = "2015-03-31/functions/function/invocations"

ARTICLE = {
    "title": "A long way to the harbour",
    "summary": "What a process that has just started has to do.",
    "body": "It *reads*, writes and **tells**.\n\n" * 20,
    "published_at": "2026-11-20T09:30:00+00:00",
    "topics": ["Harbour", "Ferries", "Town hall"],
}


@dataclass
class Case:
    """A function to start: where its code is (as in PYTHONPATH), and what came of it.

    Seconds by the clock and of processor time, one a start.
    """

    name: str
    module: str
    folders: list[Path]
    publishes: bool = True
    init: list[float] = field(default_factory=list)
    init_cpu: list[float] = field(default_factory=list)
    publish: list[float] = field(default_factory=list)
    publish_cpu: list[float] = field(default_factory=list)


def main() -> int:
    """Read the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold")
    parser.add_argument("starts", nargs="?", type=int, default=10, help="of each (10)")
    starts = parser.parse_args().starts
    console = Console(file=sys.stdout, highlight=False)
    with tempfile.TemporaryDirectory() as name, local_aws(Template.read()) as aws:
        folder = Path(name)
        python = programs.program(SAM_ENVIRONMENT, "python")
        built = programs.build(folder / "build", programs.python_version(SAM_ENVIRONMENT))
        cases = _cases(folder, built)
        environ = _environ(aws)
        # The first publish of all makes the site.
        for number in track(range(starts + 1), console=console, transient=True):
            for case in cases:
                with _emulator(case, python, environ, folder / "log") as emulator:
                    key = f"articles/{case.name.replace(' ', '-').lower()}-{number}.json"
                    _measure(case, emulator, aws, key if case.publishes else "")
        for case in cases:
            for figures in (case.init, case.init_cpu, case.publish, case.publish_cpu):
                del figures[:1]
        console.print(_times(cases))
        console.print(_imports(python, built, environ, starts))
    return _verdict(console, *cases[:2])


def _cases(folder: Path, built: Built) -> list[Case]:
    """The bare client, Broadsheet, and Broadsheet without one measure each."""
    loop = _runtime(folder / "loop", LOOP, SAM_ENVIRONMENT)
    (loop / "measured.py").write_text(MEASURED)
    bare = _runtime(folder / "bare", SDK, ROOT / ".venv")
    (bare / "bare.py").write_text(BARE)
    uncompiled = folder / "uncompiled"
    shutil.copytree(bare, uncompiled, ignore=shutil.ignore_patterns("__pycache__"))
    layer = built.layer / "python"

    def without(name: str, change: Callable[[Path], None]) -> Case:
        copy = folder / name.replace(" ", "-")
        copy.mkdir()
        for part in layer.iterdir():
            (copy / part.name).symlink_to(part)
        change(copy)
        return Case(name, "app", [built.function, copy, loop])

    return [
        Case("bare", "bare", [bare, loop], publishes=False),
        Case("Broadsheet", "app", [built.function, layer, loop]),
        without("all models", lambda copy: _real(copy, "botocore", bare / "botocore")),
        without("no compiled templates", _without_templates),
        without("no bytecode", _without_bytecode),
        Case("bare no bytecode", "bare", [uncompiled, loop], publishes=False),
    ]


def _runtime(folder: Path, parts: tuple[str, ...], environment: Path) -> Path:
    """A folder of these packages of an environment, compiled as Lambda's are."""
    folder.mkdir()
    (packages,) = (environment / "lib").glob("python3.*/site-packages")
    for part in parts:
        for source in packages.glob(part):
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / source.name)
    python = programs.program(SAM_ENVIRONMENT, "python")
    programs.run([python, "-m", "compileall", "-q", folder], {})
    return folder


def _real(layer: Path, package: str, source: Path) -> None:
    (layer / package).unlink()
    shutil.copytree(source, layer / package)


def _without_templates(layer: Path) -> None:
    _real(layer, "broadsheet", (layer / "broadsheet").resolve())
    shutil.rmtree(layer / "broadsheet" / "compiled")


def _without_bytecode(layer: Path) -> None:
    for part in list(layer.iterdir()):
        source = part.resolve()
        part.unlink()
        if source.is_dir():
            shutil.copytree(source, part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.suffix != ".pyc":
            shutil.copy2(source, part)


def _environ(aws: LocalAws) -> dict[str, str]:
    return {
        **environment(aws, "https://news.example.org"),
        "EVENT_BUS": "",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": "publish",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "LAMBDA_TASK_ROOT": "/var/task",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@dataclass(frozen=True)
class Emulator:
    """A running emulator, which starts the function when it is first asked."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def invoke(self, event: Any) -> tuple[float, float]:
        """Seconds until the answer, and those of the processor that the function took by now."""
        # Always http, and on this machine: `url` is made where the emulator is started.
        request = urllib.request.Request(self.url, json.dumps(event).encode())  # noqa: S310 (see above)
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (the same address)
            found = answer.read()
        seconds = time.perf_counter() - began
        if b"errorType" in found or json.loads(found).get("batchItemFailures"):
            raise RuntimeError(f"the function failed: {found.decode()}\n{self.log.read_text()}")
        return seconds, self._processor_seconds()

    @property
    def init_seconds(self) -> float:
        """What the emulator says that init has taken."""
        return self._said(r"INIT REPORT\(durationMs: ([0-9.]+)\)") / 1000

    @property
    def init_processor_seconds(self) -> float:
        """What the process had taken of the processor when its module was loaded."""
        return self._said(r"INIT PROCESSOR ([0-9.]+)")

    def _said(self, pattern: str) -> float:
        (found,) = re.findall(pattern, self.log.read_text())
        return float(found)

    def _processor_seconds(self) -> float:
        """Of all threads of the emulator's one child."""
        (child,) = (
            folder for folder in Path("/proc").glob("[0-9]*") if _parent(folder) == self.process.pid
        )
        threads = (child / "task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:  # it has ended
        return 0


@contextmanager
def _emulator(case: Case, python: Path, environ: dict[str, str], log: Path) -> Iterator[Emulator]:
    (rie,) = SAM_ENVIRONMENT.glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCH}")
    port, runtime = programs.free_port(), programs.free_port()
    command: list[str | Path] = [
        rie,
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{port}",
        "--runtime-api-address",
        f"127.0.0.1:{runtime}",
        python,
        "-S",  # nothing but the folders of the case
        "-m",
        "awslambdaric",
        "measured.lambda_handler",
    ]
    path = ":".join(map(str, case.folders))
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (no part comes from outside)
            command,
            env=programs.clean_environ() | environ | {"PYTHONPATH": path, "MEASURED": case.module},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        programs.wait_until(lambda: programs.accepts_connections(port), "the emulator")
        yield Emulator(process, f"http://127.0.0.1:{port}/{PATH}", log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _measure(case: Case, emulator: Emulator, aws: LocalAws, key: str) -> None:
    """Start a process by its first event: an article's, or for a bare client one of nothing."""
    event: dict[str, Any] = NO_EVENT
    if key:
        aws.s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=json.dumps(ARTICLE).encode())
        record = sqs_record("0", [key])
        record["body"] = record["body"].replace(SOURCE, SOURCE_BUCKET)
        event = {"Records": [record]}
    seconds, cpu = emulator.invoke(event)
    case.init.append(emulator.init_seconds)
    case.init_cpu.append(emulator.init_processor_seconds)
    if key:
        case.publish.append(seconds - case.init[-1])
        case.publish_cpu.append(cpu - case.init_cpu[-1])


def _times(cases: list[Case]) -> Table:
    table = Table("", title="Milliseconds: median (least to most)")
    for title in ("init", "beside bare", "init, processor", "first publish", "publish, processor"):
        table.add_column(title, justify="right")
    bare = cases[0]
    for case in cases:
        figures = [case.init, case.init_cpu, case.publish, case.publish_cpu]
        init, *others = [_shown(values) for values in figures]
        table.add_row(case.name, init, f"{_ratio(case.init, bare.init):.2f}", *others)
    return table


def _shown(seconds: list[float]) -> str:
    if not seconds:
        return ""
    values = (median(seconds), min(seconds), max(seconds))
    return "{:.0f} ({:.0f} to {:.0f})".format(*(1000 * value for value in values))


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Of what was measured one after the other, as other work comes and goes."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def _imports(python: Path, built: Built, environ: dict[str, str], runs: int) -> Table:
    """What packages take to be imported, each module for itself, by the best of some runs."""
    least: dict[str, int] = {}
    path = f"{built.function}:{built.layer / 'python'}"
    environ = programs.clean_environ() | environ | {"PYTHONPATH": path}
    command: list[str | Path] = [python, "-S", "-X", "importtime", "-c", "import app"]
    for _ in range(runs):
        done = subprocess.run(  # noqa: S603 (no part comes from outside)
            command, env=environ, capture_output=True, check=True, text=True
        )
        for own, module in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr):
            least[module] = min(int(own), least.get(module, sys.maxsize))
    packages: dict[str, list[int]] = defaultdict(list)
    for module, own in least.items():
        name = module.partition(".")[0]
        packages["standard library" if name in sys.stdlib_module_names else name].append(own)
    title = f"import app: {sum(least.values()) / 1000:.0f} ms, of {len(least)} modules"
    table = Table("package", title=title)
    for column in ("modules", "ms"):
        table.add_column(column, justify="right")
    for name, own in sorted(packages.items(), key=lambda item: -sum(item[1]))[:IMPORTS]:
        table.add_row(name, str(len(own)), f"{sum(own) / 1000:.1f}")
    return table


def _verdict(console: Console, bare: Case, ours: Case) -> int:
    clock, processor = _ratio(ours.init, bare.init), _ratio(ours.init_cpu, bare.init_cpu)
    good = clock <= LIMIT and processor <= LIMIT
    console.print(
        f"init takes {clock:.2f} of what the bare client takes ({processor:.2f} of its processor"
        f" time); at most {LIMIT} is asked for: "
        + ("[bold green]OK[/]" if good else "[bold red]TOO LONG[/]")
    )
    return not good


if __name__ == "__main__":
    sys.exit(main())
