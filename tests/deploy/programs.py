"""What the deploy tests run: SAM, what it builds, and servers on the loopback."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
SAM_ENVIRONMENT = ROOT / ".venv-sam"
MINISTACK_ENVIRONMENT = ROOT / ".venv-ministack"
REGION = "us-east-1"
ARCH = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
STOP_SECONDS = 2


@dataclass(frozen=True)
class Built:
    """What `sam build` made: a template, and the folders that become /var/task and /opt.

    ``function`` is the publish function's, ``media`` and ``ping`` are those of the others.
    """

    template: Path
    function: Path
    media: Path
    ping: Path
    layer: Path


def program(environment: Path, name: str) -> Path:
    """A program of one of the environments that `make test` sets up."""
    path = environment / "bin" / name
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing: `make test` sets it up")
    return path


def python_version(environment: Path) -> str:
    """Such as "3.13": which Python's wheels the layer needs to be run by this environment."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    return run([program(environment, "python"), "-c", code], {}).strip()


def clean_environ() -> dict[str, str]:
    """This process's environment without anything of AWS, and with fake credentials."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return environ | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }


def run(command: list[str | Path], environ: Mapping[str, str]) -> str:
    """Run a program in the project's folder and return what it printed; fail if it fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environ() | dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def build(folder: Path, version: str, arch: str = ARCH) -> Built:
    """`sam build` into a folder: for a version of Python, and this machine's processor if none."""
    run(
        [
            program(SAM_ENVIRONMENT, "sam"),
            "build",
            "--build-dir",
            folder,
            "--parameter-overrides",
            f"Arch={arch}",
        ],
        {"PYTHON_VERSION": version},
    )
    return Built(
        folder / "template.yaml",
        folder / "PublishFunction",
        folder / "MediaFunction",
        folder / "PingFunction",
        folder / "BroadsheetLayer",
    )


def free_port() -> int:
    """A port of the loopback on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Return as soon as the condition holds; fail if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on a port of the loopback."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def server(
    command: list[str | Path], environ: Mapping[str, str], port: int, log: Path
) -> Iterator[None]:
    """Run a server until the block ends. Its output goes to a file, which is shown if it dies."""
    name = Path(command[0]).name
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env=clean_environ() | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:

        def ready() -> bool:
            if process.poll() is not None:
                pytest.fail(f"{name} ended with {process.returncode}:\n{log.read_text()}")
            return accepts_connections(port)

        wait_until(ready, f"{name} to listen")
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def on_path(name: str) -> str:
    """The path of a program that the machine must have."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"these tests need {name} on PATH")
    return path
