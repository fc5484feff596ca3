"""`python -m tests.fuzz MINUTES SEED`: fuzz.py, with the code under test where Python finds it."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "layers/broadsheet", "functions/publish")

if __name__ == "__main__":
    path = os.pathsep.join(str(ROOT / folder) for folder in FOLDERS)
    command = [sys.executable, "-m", "tests.fuzz.fuzz", *sys.argv[1:]]
    os.execve(sys.executable, command, os.environ | {"PYTHONPATH": path})  # noqa: S606 (itself)
