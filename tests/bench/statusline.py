"""What one status line costs, beside a bare Python of the same minute.

``python -m tests.bench.statusline [TRANSCRIPT]`` copies a transcript (default: one made of 200
requests and 4 MB) into a scratch config home, runs
``ccmon statusline`` on it and ``python -c pass`` in turn, and prints medians and their ratio.
Bytecode is cached in the scratch folder, as it is for an installed package.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import items

RUNS = 25
_UNCACHED = "PYTHONDONTWRITEBYTECODE"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        folder = home / ".claude" / "projects" / "bench"
        folder.mkdir(parents=True)
        given = Path(sys.argv[1]) if sys.argv[1:] else items.write(home / "made", 200, 20_000)
        transcript = Path(shutil.copy(given, folder))
        told = json.dumps({"session_id": "bench", "transcript_path": str(transcript)}).encode()
        environ = {name: value for name, value in os.environ.items() if name != _UNCACHED}
        environ |= {
            "HOME": scratch,
            "CLAUDE_CONFIG_DIR": str(home / ".claude"),
            "CCMON_CACHE": str(home / "cache"),
            "PYTHONPYCACHEPREFIX": str(home / "bytecode"),
        }
        line = [sys.executable, "-m", "ccmon", "statusline"]
        bare = [sys.executable, "-c", "pass"]
        _milliseconds(line, told, environ)
        pairs = [
            (_milliseconds(bare, b"", environ), _milliseconds(line, told, environ))
            for _ in range(RUNS)
        ]
    python, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    sys.stdout.write(f"python -c pass {python:.1f} ms, line {ours:.1f} ms, {ours / python:.2f}x\n")


def _milliseconds(command: list[str], stdin: bytes, environ: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, input=stdin, env=environ, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
