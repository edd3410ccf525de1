"""A cache bust in a session that runs: on the Overview at once, with its cause and its price."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.terminal import terminal
from tests.homes import FIRST, ConfigHome
from tests.lines import Record, assistant, line, user

ONE_UPDATE = 0.25
"""Seconds in which one snapshot reaches every panel; the next one comes later."""


def stamped(record: Record, ago: float) -> bytes:
    """A line of the first session, written so many seconds ago."""
    moment = datetime.fromtimestamp(time.time() - ago, UTC)
    record |= {"sessionId": FIRST, "timestamp": moment.isoformat().replace("+00:00", "Z")}
    record |= {"cwd": "/home/dev/shop-api"}
    return line(record) + b"\n"


def response(number: int, ago: float, read: int, written: int, **message: object) -> bytes:
    """A response that read and wrote so much of a one-hour cache."""
    usage = {
        "input_tokens": 2,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 0,
            "ephemeral_1h_input_tokens": written,
        },
        "output_tokens": 400,
    }
    content = message.pop("content", [{"type": "text", "text": "done"}])
    message |= {"id": f"msg_{number}", "usage": usage, "content": content}
    record = assistant(message=message)
    record["requestId"] = f"req_{number}"
    return stamped(record, ago)


def test_a_bust_shows_with_its_cause_and_price_in_the_update_that_brings_it(
    tmp_path: Path,
) -> None:
    home = ConfigHome(tmp_path / "config")
    search = {"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {"query": "x"}}
    path = home.write(
        stamped(user("go"), 95),
        response(1, 90, 17_000, 120_000),
        stamped(user("on"), 65),
        response(2, 60, 137_000, 2_000),
        stamped(user("and on"), 35),
        response(3, 30, 139_000, 2_000, content=[search]),
        mtime=time.time(),
    )
    environ = {
        **os.environ,
        "CLAUDE_CONFIG_DIR": str(home.path),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }
    verdict = {"cache_miss_reason": {"type": "tools_changed"}}
    with terminal([], environ) as screen:
        screen.wait_for("141.0k")
        assert "ToolSearch loaded tools" not in "\n".join(screen.lines)
        with path.open("ab") as file:
            file.write(
                stamped(user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": ""}]), 1)
            )
            file.write(response(4, 0, 0, 143_500, diagnostics=verdict))
        screen.wait_for("143.5k")
        known = time.monotonic()
        screen.wait_for("ToolSearch rewrote 141.0k")
        # 141,000 tokens written at $8 instead of read at $0.20 a million: $1.0998.
        screen.wait_for("lost $1.10 in 1 bust")
        screen.wait_for("tools_changed")
        assert time.monotonic() - known < ONE_UPDATE
        screen.press("q")
        assert screen.wait_for_exit() == 0
    assert b"Traceback" not in screen.output
