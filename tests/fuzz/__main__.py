"""`python -m tests.fuzz MINUTES SEED`: fuzz.py."""

import sys

from tests.fuzz.fuzz import main

if __name__ == "__main__":
    sys.exit(main())
