"""Tool calls that fit a number of tokens: what was asked and what came back.

A real client writes each text twice, again under ``toolUseResult``. Here that
second copy is left out: nothing counts it, and the package stays small.
"""

import random

from tests.recording import texts
from tests.recording.records import Call, Json

_COMMANDS = (
    ("npx tsc --noEmit -p .", "Check the types"),
    ("npx eslint src --max-warnings 0", "Lint the sources"),
    ("git diff --stat && git diff", "Show what changed"),
    ("rg --files src | head -40", "List the sources"),
    ("git log --oneline -20 -- src/cart.ts", "History of the cart"),
    ("node scripts/replay-cart.mjs fixtures/two-coupons.json", "Replay the reported cart"),
)
_NEEDLES = ("applyCoupon", "coupon", "orderTotal", "roundHalfEven", "discountOf", "CartLine")


class Workbench:
    """Makes calls in one project folder."""

    def __init__(self, cwd: str, rng: random.Random, characters_per_token: float) -> None:
        self.cwd = cwd
        self._rng = rng
        self._scale = characters_per_token

    def call(self, tool: str, asked: int, answered: int, target: str = "") -> Call:
        """A call of about ``asked`` tokens whose result has about ``answered``."""
        length = max(int(answered * self._scale), 8)
        size = max(int(asked * self._scale), 20)
        match tool:
            case "Read":
                return self._read(target or self._rng.choice(texts.FILES), length)
            case "Bash":
                return self._bash(target, length)
            case "Grep":
                return self._grep(target or self._rng.choice(_NEEDLES), length)
            case "Edit":
                return self._edit(target or self._rng.choice(texts.FILES[:12]), size)
            case "Write":
                return self._write(target or self._rng.choice(texts.FILES[:12]), size)
            case _:
                return self._other(tool, target, length)

    def _path(self, path: str) -> str:
        return f"{self.cwd}/{path}"

    def _read(self, path: str, length: int, *, whole: bool = False) -> Call:
        total = texts.lines_of(path)
        start = 1 if whole or length > 9_000 else self._rng.randrange(1, max(total - 400, 2), 50)
        lines = texts.source(path, start, int(length * 0.9))
        numbered = "\n".join(f"{start + i}\t{line}" for i, line in enumerate(lines))
        window = {} if start == 1 else {"offset": start, "limit": len(lines)}
        found = {
            "filePath": self._path(path),
            "numLines": len(lines),
            "startLine": start,
            "totalLines": total,
        }
        return Call(
            "Read",
            {"file_path": self._path(path), **window},
            numbered,
            {"type": "text", "file": found},
        )

    def whole_file(self, path: str, characters: int) -> Call:
        """A file read from its first line on."""
        return self._read(path, characters, whole=True)

    def _bash(self, target: str, length: int) -> Call:
        if target.startswith("npm test") or (not target and self._rng.random() < 0.26):
            command, about = target or "npm test", "Run the suite"
            output = texts.suite_run(length, self._rng)
        else:
            command, about = (target, "Look") if target else self._rng.choice(_COMMANDS)
            output = texts.changes(length, self._rng)
        extra = {
            "stderr": "",
            "interrupted": False,
            "isImage": False,
            "noOutputExpected": False,
        }
        return Call("Bash", {"command": command, "description": about}, output, extra)

    def _grep(self, needle: str, length: int) -> Call:
        hits = texts.search_hits(needle, length, self._rng)
        extra = {"mode": "content", "filenames": [], "numFiles": 0}
        asked = {"pattern": needle, "path": self.cwd, "output_mode": "content", "-n": True}
        return Call("Grep", asked, hits, extra)

    def _edit(self, path: str, size: int) -> Call:
        old = texts.source(path, self._rng.randint(1, 1500), size // 2)
        new = [line.replace("cart", "basket", 1) for line in old]
        extra: Json = {
            "filePath": self._path(path),
            "originalFile": None,
            "structuredPatch": [],
            "userModified": False,
            "replaceAll": False,
        }
        asked = {
            "file_path": self._path(path),
            "old_string": "\n".join(old),
            "new_string": "\n".join(new),
            "replace_all": False,
        }
        done = f"The file {self._path(path)} has been updated successfully."
        return Call("Edit", asked, done, extra)

    def _write(self, path: str, size: int) -> Call:
        content = "\n".join(texts.source(path, self._rng.randint(1, 1500), size))
        extra: Json = {
            "type": "update",
            "filePath": self._path(path),
            "structuredPatch": [],
            "originalFile": None,
        }
        asked = {"file_path": self._path(path), "content": content}
        return Call("Write", asked, f"The file {self._path(path)} has been updated.", extra)

    def _other(self, tool: str, target: str, length: int) -> Call:
        if tool == "ToolSearch":
            query = "select:TaskCreate,TaskUpdate"
            extra = {"matches": ["TaskCreate", "TaskUpdate"], "query": query}
            return Call(tool, {"query": query}, "TaskCreate, TaskUpdate", extra)
        if tool == "TaskCreate":
            subject = target or "Same rule for vouchers"
            asked = {"subject": subject, "description": subject + ", with a test."}
            return Call(tool, asked, f"Task #1 created: {subject}", {"task": {"id": "1"}})
        report = texts.remarks(length, self._rng)
        return Call(tool, {"prompt": target}, report, {"status": "completed"})
