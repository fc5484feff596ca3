"""`python -m tests.browser`: see cli.py."""

import sys

from tests.browser.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
