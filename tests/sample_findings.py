"""The findings of the invented session."""

from ccmon.snapshot import Finding

FINDINGS = (
    Finding(
        "F1", "F1:71", "high", "compact is 15x overdue",
        "Run /compact with a focus at this break, or /clear when the task is done.",
        "carried $7.59 above 46.3k; compacting costs $0.517, pays back in 7 requests",
        1.210485, None, 0.070218, evidence=(("o", 14.6825), ("payback_requests", 7.36)),
    ),
    Finding(
        "F4", "F4:main:205", "warn", "ToolSearch rewrote 265.2k tokens",
        "Load tools early in a session, or update Claude Code.", "server: tools_changed",
        0.0, 2.0687, None, "main", 205,
        (("cause", "tools_loaded"), ("at", "2026-11-23T13:02:03Z"), ("requests_ago", 78)),
        past=True,
    ),
    Finding(
        "F4", "F4:main:44", "warn", "model switch rewrote 99.9k tokens",
        "Switch models at the start of a session or right after /compact.", "exact",
        0.0, 0.779548, None, "main", 44,
        (("cause", "model_switch"), ("at", "2026-11-23T09:34:01Z"), ("requests_ago", 239)),
        past=True,
    ),
)  # fmt: skip
"""Compacting is overdue; two busts, the newer one first."""
