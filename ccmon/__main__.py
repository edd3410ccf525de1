"""``python -m ccmon``."""

import sys

from ccmon.cli import main

if __name__ == "__main__":
    sys.exit(main())
