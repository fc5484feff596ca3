"""`python -m tests.browser`: see cli.py, with the code under test where Python finds it."""

import sys

from local.function import find_code

if __name__ == "__main__":
    find_code("tests.browser", sys.argv[1:])
    # It imports the code under test, which only now is where Python looks.
    from tests.browser.cli import main

    sys.exit(main(sys.argv[1:]))
