"""ccmon: a live monitor of Claude Code sessions."""

__version__ = "0.1.0"
