"""Every benchmark, one after the other: ``python -m tests.bench [history|items|live|statusline]``.

Each also runs alone, as ``python -m tests.bench.history`` and so on; see there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

BENCHES = ("history", "items", "live", "statusline")


def main() -> int:
    """Run those named, all of them by default; returns the first exit code that is not 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("bench", nargs="*", help=", ".join(BENCHES))
    named = parser.parse_args().bench
    if unknown := set(named) - set(BENCHES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    for name in named or BENCHES:
        sys.stdout.write(f"\n## {name}\n\n")
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
