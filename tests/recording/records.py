"""Transcript lines in the shape that client 2.1.330 writes.

Moments are written as ``"@-140.250"``, seconds before the end of the recording;
the demo puts a date in their place.
"""

import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = "2.1.330"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"

Json = Mapping[str, Any]


@dataclass(slots=True)
class Batch:
    """Whole lines that the client appends in one write."""

    at: float
    path: str
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Usage:
    """The usage object of one response."""

    cache_read: int
    write_5m: int
    write_1h: int
    output: int
    thinking: int
    input: int = 2

    def as_json(self) -> Json:
        """The object as it stands in the line."""
        return {
            "input_tokens": self.input,
            "cache_creation_input_tokens": self.write_5m + self.write_1h,
            "cache_read_input_tokens": self.cache_read,
            "output_tokens": self.output,
            "output_tokens_details": {"thinking_tokens": self.thinking},
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
            "service_tier": "standard",
            "cache_creation": {
                "ephemeral_1h_input_tokens": self.write_1h,
                "ephemeral_5m_input_tokens": self.write_5m,
            },
            "inference_geo": "",
            "iterations": [],
            "speed": "standard",
            "fallback_credit": None,
        }


@dataclass(slots=True)
class Call:
    """A tool call; ``result`` is the text that came back, ``extra`` its ``toolUseResult``."""

    tool: str
    input: Json
    result: str = ""
    extra: Json = field(default_factory=dict)
    tool_use_id: str = ""


def moment(at: float) -> str:
    """The placeholder of a moment."""
    return f"@{at:.3f}"


class Transcript:
    """One growing file: keeps the chain of parents and gathers lines into batches."""

    def __init__(
        self, path: str, session_id: str, cwd: str, rng: random.Random, agent_id: str = ""
    ) -> None:
        self.path = path
        self.session_id = session_id
        self.batches: list[Batch] = []
        self.leaf: str | None = None
        self._rng = rng
        self._prefix = str(uuid.UUID(int=rng.getrandbits(128), version=4))[:-5]
        self._links = 0
        self._agent = {"agentId": agent_id} if agent_id else {}
        self._prompt_id = ""
        self._envelope = {
            "session_id": session_id,
            "userType": "external",
            "entrypoint": "cli",
            "cwd": cwd,
            "sessionId": session_id,
            "version": VERSION,
            "gitBranch": "fix/coupon-total",
        }

    def batch(self, at: float) -> None:
        """What follows is appended in one write of its own."""
        self.batches.append(Batch(at, self.path))

    def state(self, record: Json) -> None:
        """A line without a place in the chain: title, mode, last prompt."""
        self._append({**record, "sessionId": self.session_id})

    def prompt(self, text: str, at: float, turn: int) -> None:
        """What a person typed (or, in an agent's file, its task)."""
        self._prompt_id = self._uuid()
        origin = {} if self._agent else {"origin": {"kind": "human"}, "promptSource": "typed"}
        position = {"turnPosition": {"promptIndex": turn, "turnIndex": turn}}
        self._chain(
            {
                "promptId": self._prompt_id,
                "type": "user",
                "message": {"role": "user", "content": text},
            },
            at,
            {**origin, "turnOrigin": "human", **position, "permissionMode": "default"},
        )

    def command(self, name: str, output: str, at: float) -> None:
        """A slash command and what it printed."""
        for content in (
            f"<command-name>/{name}</command-name>\n<command-message>{name}</command-message>\n"
            "<command-args></command-args>",
            f"<local-command-stdout>{output}</local-command-stdout>",
        ):
            self._chain({"type": "user", "message": {"role": "user", "content": content}}, at)

    def attachment(self, content: Json, rendered: str, at: float) -> None:
        """Injected context."""
        block = {"content": f"<system-reminder>\n{rendered}\n</system-reminder>"}
        self._chain(
            {"attachment": content, "type": "attachment"},
            at,
            {"rendered": [block], "renderedRole": "system"},
        )

    def request(self, model: str, effort: str, at: float) -> str:
        """The record of an attempt; gives the id that the answer refers to."""
        ref = self._uuid()
        self.state(
            {
                "type": "api-request",
                "id": ref,
                "timestamp": moment(at),
                "version": VERSION,
                "querySource": "repl_main_thread",
                "params": {
                    "model": model,
                    "max_tokens": 128_000,
                    "thinking": {"type": "adaptive", "display": "updates"},
                    "output_config": {"effort": effort},
                },
            }
        )
        return ref

    def response(
        self,
        model: str,
        blocks: Sequence[Json],
        usage: Usage,
        at: float,
        *,
        effort: str,
        request_ref: str = "",
        miss: str | None = None,
    ) -> None:
        """One message: a line for each block, all with the same id and usage."""
        stop = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
        message_id, request_id = f"msg_01{self._id()}", f"req_011C{self._id()}"
        reason = {"cache_miss_reason": {"type": miss} if miss else None}
        for index, block in enumerate(blocks):
            message = {
                "id": message_id,
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [block],
                "stop_reason": stop,
                "stop_sequence": None,
                "usage": usage.as_json(),
                "diagnostics": reason,
            }
            about = {
                "apiBlockIndex": index,
                "requestId": request_id,
                **({"requestRef": request_ref} if request_ref else {}),
                "requestedModel": model,
                "promptCacheRequested": "1h" if usage.write_1h else "5m",
                "type": "assistant",
            }
            self._chain(
                {"message": message, **about},
                at + 0.31 * index,
                {"effort": effort, "madeBy": "model"},
            )

    def results(self, calls: Sequence[Call], at: float) -> None:
        """What the tools gave back, a line for each call."""
        source = self.leaf
        for call in calls:
            block = {
                "tool_use_id": call.tool_use_id,
                "type": "tool_result",
                "content": call.result,
                "is_error": False,
            }
            self._chain(
                {
                    "promptId": self._prompt_id,
                    "type": "user",
                    "message": {"role": "user", "content": [block]},
                },
                at,
                {"toolUseResult": call.extra, "sourceToolAssistantUUID": source},
            )

    def turn_end(self, at: float, seconds: float) -> None:
        """The line that closes a turn."""
        self._chain(
            {"type": "system", "subtype": "turn_duration", "durationMs": round(seconds * 1000)},
            at,
            {"isMeta": False},
        )

    def compaction(self, before: int, after: int, summary: str, at: float) -> None:
        """A manual compaction: the boundary, the summary, the command that asked for it."""
        logical, self.leaf = self.leaf, None
        metadata = {
            "trigger": "manual",
            "preTokens": before,
            "postTokens": after,
            "cumulativeDroppedTokens": before - after,
            "durationMs": 41_204,
        }
        self._chain(
            {
                "logicalParentUuid": logical,
                "type": "system",
                "subtype": "compact_boundary",
                "content": "Conversation compacted",
                "level": "info",
                "compactMetadata": metadata,
            },
            at,
        )
        self._chain(
            {
                "type": "user",
                "message": {"role": "user", "content": summary},
                "isVisibleInTranscriptOnly": True,
                "isCompactSummary": True,
            },
            at,
        )
        self.command("compact", "Compacted", at)

    def tool_use_id(self) -> str:
        """A fresh id for a call."""
        return f"toolu_01{self._id()}"

    def _chain(self, record: Json, at: float, rest: Json | None = None) -> None:
        identity = self._uuid()
        line = {
            "parentUuid": self.leaf,
            "isSidechain": bool(self._agent),
            **self._agent,
            **record,
            "uuid": identity,
            "timestamp": moment(at),
            **(rest or {}),
            **self._envelope,
        }
        self._append(line)
        self.leaf = identity

    def _append(self, record: Json) -> None:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        self.batches[-1].lines.append(line)

    def _uuid(self) -> str:
        """The ids of a file differ only at the end, which packs far better than chance."""
        self._links += 1
        return f"{self._prefix}{self._links:05x}"

    def _id(self) -> str:
        head, tail = (self._rng.choices(_LETTERS, k=3) for _ in range(2))
        return "".join((*head, "7DemoOnlyNotReal", *tail))
