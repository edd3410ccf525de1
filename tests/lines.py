"""Builders of transcript records, each ordinary but for what a test says."""

import json

SESSION = "aaaaaaaa-1111-4111-8111-111111111111"

Record = dict[str, object]


def usage(**fields: object) -> Record:
    """A usage object; counts that are not given are absent."""
    return {"input_tokens": 1, "output_tokens": 2, **fields}


def record(kind: str, /, **fields: object) -> Record:
    """A record of the message chain."""
    return {
        "parentUuid": None,
        "isSidechain": False,
        "cwd": "/home/dev/shop",
        "sessionId": SESSION,
        "version": "2.1.330",
        "uuid": "u1",
        "timestamp": "2026-11-20T09:00:00.000Z",
        "type": kind,
        **fields,
    }


def assistant(*content: Record, message: Record | None = None, **fields: object) -> Record:
    """An assistant record with these content blocks; ``message`` changes its message."""
    whole = {
        "id": "msg_1",
        "model": "claude-opus-5-5",
        "role": "assistant",
        "content": list(content),
        "stop_reason": "end_turn",
        "usage": usage(),
        **(message or {}),
    }
    return record("assistant", message=whole, **fields)


def user(content: object, **fields: object) -> Record:
    """A user record: a prompt (text) or blocks."""
    return record("user", message={"role": "user", "content": content}, **fields)


def call(name: str, /, **arguments: object) -> Record:
    """A tool_use block."""
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}


def result(content: object = "done", **fields: object) -> Record:
    """A tool_result block."""
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **fields}


def line(value: object) -> bytes:
    """A record as the client writes it, without the newline."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
