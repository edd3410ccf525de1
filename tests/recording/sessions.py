"""The stories: a coupon bug in shop-api, and two smaller sessions beside it."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.recording import figures, texts
from tests.recording.calls import Workbench
from tests.recording.figures import Row
from tests.recording.records import Batch, Call, Json, Transcript, Usage

HOME = "/home/ada"
SHOP = "4c1f9a20-6f0e-4b7d-9a51-2f6f3c1d8e77"
DOCS = "b81d02ee-58c3-4f0a-8d36-90b7a4e1c502"
BILLING = "0f77c1d4-2b95-4e68-b1f3-7c60d95e3a18"
OPUS, SONNET, FABLE = "claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-2"
AGENT = "a7e03c"

_SIGNATURE = "EqoBCkYIBxgCKkDinventedForTheDemoAndSignedByNobody" * 2

_TARGETS = {1: "src/cart.ts", 273: "src/checkout/totals.ts", 274: "src/cart.ts", 275: "src/cart.ts"}
_TARGETS |= {276: "src/checkout/flow.ts", 277: "test/cart.test.ts", 278: "coupon"}
_TARGETS |= {279: "rg --files", 280: "applyCoupon", 281: "npm test -- cart", 282: "src/cart.ts"}
_TARGETS |= {283: "src/cart.ts"}
_WHOLE = {84: "src/generated/schema.ts", 86: "src/cart.ts", 92: "package-lock.json"}


def shop_api() -> list[Batch]:
    """The main session with its sub-agent, in the order in which it was written."""
    rng = random.Random(4)
    cwd = f"{HOME}/shop-api"
    transcript = Transcript(_path(cwd, SHOP), SHOP, cwd, rng)
    bench = Workbench(cwd, rng, texts.CHARACTERS_PER_TOKEN)
    rows = figures.shop_api_rows()
    pending: list[Call] = []
    agent: list[Batch] = []
    for row, previous in zip(rows, [rows[0], *rows], strict=False):
        _lead_in(transcript, row, previous, pending, rng)
        after = rows[row.n] if row.n < len(rows) else row
        pending = _calls(bench, row, after.fresh)
        for call in pending:
            call.tool_use_id = transcript.tool_use_id()
        if row.n == figures.AGENT_CALL:
            agent = _explore(row, pending[0], after, rng)
        _say(transcript, row, pending, rng)
    return sorted([*transcript.batches, *agent], key=lambda batch: batch.at)


def _model(row: Row) -> str:
    return SONNET if row.n < figures.MODEL_SWITCH else OPUS


def _seconds_to_answer(row: Row, previous: Row) -> float:
    gap = row.at - previous.at if row.n > 1 else 60.0
    return min(1.5 + row.output / 150, gap * 0.6)


def _lead_in(
    transcript: Transcript, row: Row, previous: Row, pending: Sequence[Call], rng: random.Random
) -> None:
    """Everything between two responses: results, prompts, commands, reminders."""
    at = row.at - _seconds_to_answer(row, previous)
    transcript.batch(at)
    if pending:
        transcript.results(pending, at)
    if row.n == figures.COMPACTED:
        summary = texts.summary(9_527, rng)
        transcript.compaction(144_139, 4_630, summary, figures.NOON + 3_910)
    if row.n == figures.MODEL_SWITCH:
        transcript.command("model", "Set model to Opus 5.5", at - 12)
    if row.starts_turn:
        turn = sorted(figures.TURNS).index(row.n)
        transcript.prompt(texts.PROMPTS[turn], at, turn + 1)
        transcript.state({"type": "last-prompt", "lastPrompt": texts.PROMPTS[turn]})
    if row.n == 1:
        _opening(transcript, at)
    if row.n % 6 == 0:
        left = f"<total_tokens>{15_000_000 - row.context} tokens left</total_tokens>"
        transcript.attachment({"type": "total_tokens_reminder", "text": left}, left, at)


def _opening(transcript: Transcript, at: float) -> None:
    transcript.state({"type": "mode", "mode": "normal"})
    transcript.state({"type": "permission-mode", "permissionMode": "default"})
    transcript.state({"type": "ai-title", "aiTitle": "Fix the coupon total"})
    identity = {"modelId": SONNET, "marketingName": "Sonnet 5.5"}
    transcript.attachment({"type": "model", "identity": identity}, "Sonnet 5.5", at)
    listed = ["TaskCreate", "TaskUpdate", "WebFetch", "WebSearch"]
    transcript.attachment(
        {"type": "deferred_tools_delta", "addedNames": listed, "removedNames": []},
        "\n".join(listed),
        at,
    )


def _calls(bench: Workbench, row: Row, answered: int) -> list[Call]:
    if not row.tool:
        return []
    if row.n in _WHOLE:
        characters = int(answered * texts.CHARACTERS_PER_TOKEN)
        return [bench.whole_file(_WHOLE[row.n], characters)]
    if row.n == 280:
        length = 57_100 * figures.FLOW_GREP_TOKENS // figures.FLOW_TOKENS
        grep = bench.call("Grep", row.call, int(length / texts.CHARACTERS_PER_TOKEN), "applyCoupon")
        return [grep, bench.whole_file("src/checkout/flow.ts", 70_000)]
    target = _TARGETS.get(row.n, "")
    if row.tool == "Agent":
        call = bench.call("Agent", row.call, answered, _TASK)
        call.input = {"description": "Find double discounts", "prompt": _TASK}
        call.input |= {"subagent_type": "Explore"}
        call.extra = {
            "status": "completed",
            "agentId": AGENT,
            "agentType": "Explore",
            "resolvedModel": SONNET,
            "content": [{"type": "text", "text": call.result}],
            "prompt": _TASK,
        }
        return [call]
    return [bench.call(row.tool, row.call, answered, target)]


_TASK = "List every place outside src/cart.ts that subtracts a discount from an order total."


def _blocks(row: Row, calls: Sequence[Call], rng: random.Random, scale: float) -> list[Json]:
    blocks: list[Json] = []
    if row.thinking:
        blocks.append({"type": "thinking", "thinking": "", "signature": _SIGNATURE})
    if row.text > 8 or not calls:
        text = texts.remarks(int(row.text * scale), rng)
        blocks.append({"type": "text", "text": text})
    blocks += [
        {"type": "tool_use", "id": call.tool_use_id, "name": call.tool, "input": call.input}
        for call in calls
    ]
    return blocks


def _say(transcript: Transcript, row: Row, calls: Sequence[Call], rng: random.Random) -> None:
    transcript.batch(row.at)
    model, effort = _model(row), "high" if row.n < figures.MODEL_SWITCH else "xhigh"
    ref = transcript.request(model, effort, row.at - 1) if row.n % 20 == 1 else ""
    miss = {44: "model_changed", 205: "tools_changed"}.get(row.n)
    blocks = _blocks(row, calls, rng, texts.CHARACTERS_PER_TOKEN)
    usage = Usage(row.cache_read, 0, row.cache_write, row.output, row.thinking)
    transcript.response(model, blocks, usage, row.at, effort=effort, request_ref=ref, miss=miss)
    if row.ends_turn:
        transcript.turn_end(row.at + 1, 400.0)


def _explore(caller: Row, call: Call, after: Row, rng: random.Random) -> list[Batch]:
    """The sub-agent's own file and its description."""
    cwd = f"{HOME}/shop-api"
    folder = f"{_path(cwd, SHOP).removesuffix('.jsonl')}/subagents/agent-{AGENT}"
    transcript = Transcript(f"{folder}.jsonl", SHOP, cwd, rng, AGENT)
    meta = {
        "agentType": "Explore",
        "isBuiltIn": True,
        "description": "Find double discounts",
        "toolUseId": call.tool_use_id,
        "spawnDepth": 1,
        "model": SONNET,
        "finished": True,
    }
    described = Batch(caller.at + 0.4, f"{folder}.meta.json", [json.dumps(meta)])
    transcript.batch(caller.at + 0.5)
    transcript.prompt(_TASK, caller.at + 0.5, 1)
    rows = _explore_rows(caller.at + 3, after.at - 8)
    bench = Workbench(cwd, rng, texts.CHARACTERS_PER_TOKEN * 0.5)
    _play_rows(transcript, bench, rows, SONNET, rng, one_hour=False)
    return [described, *transcript.batches]


def _explore_rows(first_at: float, last_at: float) -> list[Row]:
    """14 requests that end at 33,491 tokens; their sums are given."""
    rng = random.Random(14)
    outputs = [rng.randint(260, 430) for _ in range(13)]
    outputs.append(4_943 - sum(outputs))
    contexts = [8_800 + round(24_691 * step / 13) for step in range(14)]
    surplus = 268_988 - sum(contexts[:-1])
    for step in range(1, 13):
        contexts[step] += surplus // 12 + (step <= surplus % 12)
    rows = []
    for step, (context, output) in enumerate(zip(contexts, outputs, strict=True)):
        tool = ("Grep", "Read", "Read")[step % 3] if step < 13 else ""
        row = Row(step + 1, tool, 0, min(70, output) if tool else 0, 0, context=context)
        row.text = output - row.call
        row.cache_read = contexts[step - 1] - 2 if step else 6_400
        row.fresh = max(context - contexts[step - 1] - outputs[step - 1], 24) if step else 24
        row.at = first_at + (last_at - first_at) * step / 13
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A smaller session in round figures."""

    model: str
    requests: int
    first: int
    last: int
    per_turn: int
    output: int
    cached_at_start: int
    one_hour: bool


def docs_site() -> list[Batch]:
    """A session that waits for a permission, its five-minute cache about to expire."""
    sketch = _Sketch(SONNET, 24, 24_800, 88_300, 8, 1_350, 15_600, one_hour=False)
    return _small("docs-site", DOCS, "Move the guides to the new layout", sketch, -150.0, 71)


def billing() -> list[Batch]:
    """An idle session, its cache cold for two hours."""
    sketch = _Sketch(FABLE, 26, 58_400, 212_000, 9, 2_100, 17_900, one_hour=True)
    return _small("billing", BILLING, "Reconcile invoices with orders", sketch, -10_950.0, 72)


def _small(
    project: str, session_id: str, title: str, sketch: _Sketch, last_at: float, seed: int
) -> list[Batch]:
    rng = random.Random(seed)
    cwd = f"{HOME}/{project}"
    transcript = Transcript(_path(cwd, session_id), session_id, cwd, rng)
    transcript.batch(last_at - sketch.requests * 31 - 9)
    transcript.state({"type": "ai-title", "aiTitle": title})
    rows = _sketched_rows(sketch, last_at, rng)
    bench = Workbench(cwd, rng, 0.3)
    _play_rows(transcript, bench, rows, sketch.model, rng, sketch.one_hour, sketch.per_turn, title)
    return transcript.batches


def _sketched_rows(sketch: _Sketch, last_at: float, rng: random.Random) -> list[Row]:
    rows: list[Row] = []
    for n in range(1, sketch.requests + 1):
        ends = n % sketch.per_turn == 0 and n < sketch.requests
        row = Row(n, "" if ends else rng.choice(("Read", "Read", "Bash", "Grep", "Edit")))
        row.call = 0 if ends else figures.around(70, rng)
        row.thinking = rng.randint(60, 500) if rng.random() < 0.4 else 0
        row.text = figures.around(sketch.output, rng)
        row.at = last_at - (sketch.requests - n) * 31 + rng.uniform(-9, 9) * (n < sketch.requests)
        rows.append(row)
    spare = sketch.last - sketch.first - sum(row.output for row in rows[:-1])
    weights = [figures.TYPICAL_RESULT.get(row.tool, 200) * rng.uniform(0.3, 2) for row in rows[:-1]]
    rows[0].context, rows[0].cache_read = sketch.first, sketch.cached_at_start
    fresh = figures.largest_remainder(spare, weights)
    for row, before, tokens in zip(rows[1:], rows, fresh, strict=False):
        row.fresh = tokens
        row.context = before.context + before.output + tokens
        row.cache_read = before.context - 2
    return rows


def _play_rows(
    transcript: Transcript,
    bench: Workbench,
    rows: Sequence[Row],
    model: str,
    rng: random.Random,
    one_hour: bool,
    per_turn: int = 0,
    prompt: str = "",
) -> None:
    pending: list[Call] = []
    for row in rows:
        came = row.at - 4
        if row.n > 1:
            # What was called has to stand before what came back.
            came = max(came, (rows[row.n - 2].at + row.at) / 2)
        transcript.batch(came)
        if pending:
            transcript.results(pending, came)
        elif per_turn and row.n % per_turn == 1:
            transcript.prompt(f"{prompt}, step {row.n // per_turn + 1}.", came, row.n)
        after = rows[row.n] if row.n < len(rows) else row
        pending = [bench.call(row.tool, row.call, after.fresh)] if row.tool else []
        for call in pending:
            call.tool_use_id = transcript.tool_use_id()
        transcript.batch(row.at)
        blocks = _blocks(row, pending, rng, 0.3)
        write = row.cache_write
        usage = Usage(
            row.cache_read,
            0 if one_hour else write,
            write if one_hour else 0,
            row.output,
            row.thinking,
        )
        transcript.response(model, blocks, usage, row.at, effort="high")


def _path(cwd: str, session_id: str) -> str:
    slug = cwd.replace("/", "-")
    return f"projects/{slug}/{session_id}.jsonl"
