"""Decoding agrees with the standard json on any record, however it is written."""

import json
import random
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from ccmon.entries import AssistantEntry, ChainEntry, Tokens, UserEntry
from ccmon.transcripts.decode import Decoded, decode, first_stamp

texts = st.text(max_size=20) | st.sampled_from(['"type":"user"', "}{", '{"parentUuid":', "\u2028"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
counts = st.integers(0, 2**53) | anything
usages = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": counts,
        "cache_creation_input_tokens": counts,
        "cache_read_input_tokens": counts,
        "output_tokens": counts,
        "cache_creation": anything
        | st.fixed_dictionaries(
            {"ephemeral_5m_input_tokens": counts, "ephemeral_1h_input_tokens": counts}
        ),
        "speed": anything,
        "iterations": anything,
        "server_tool_use": anything,
    },
)
messages = st.fixed_dictionaries(
    {"id": st.just("msg_1") | anything, "usage": usages | anything},
    optional={"content": anything, "model": texts | anything, "stop_reason": texts | anything},
)
kinds = st.sampled_from(["assistant", "user", "system", "progress", "attachment", "mode"])
records = st.fixed_dictionaries(
    {"type": kinds, "uuid": texts | anything},
    optional={
        "message": messages | anything,
        "parentUuid": texts | anything,
        "toolUseResult": anything,
        "snapshot": anything,
        "timestamp": anything,
        "isSidechain": anything,
    },
)


def count(value: object) -> int:
    """The reference of what a count is worth."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53
    return cast(int, value) if is_count else 0


def text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def field(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def reference_tokens(usage: object) -> Tokens:
    split = field(usage, "cache_creation")
    short = count(field(split, "ephemeral_5m_input_tokens"))
    long = count(field(split, "ephemeral_1h_input_tokens"))
    return Tokens(
        input=count(field(usage, "input_tokens")),
        cache_creation=max(count(field(usage, "cache_creation_input_tokens")), short + long),
        cache_creation_5m=short,
        cache_creation_1h=long,
        cache_read=count(field(usage, "cache_read_input_tokens")),
        output=count(field(usage, "output_tokens")),
        split_known=isinstance(split, dict),
    )


def check(value: dict[str, object], found: Decoded) -> None:
    assert found.malformed == 0
    if value["type"] == "mode":
        assert found == Decoded(skipped=True)
        return
    (entry,) = found.entries
    assert not hasattr(entry, "text")
    assert getattr(entry, "uuid", None) == text(value["uuid"])
    assert getattr(entry, "parent_uuid", None) == text(value.get("parentUuid"))
    message = value.get("message")
    if value["type"] == "assistant" and text(field(message, "id")):
        assert isinstance(entry, AssistantEntry)
        usage = field(message, "usage")
        assert (entry.usage is None) == (not isinstance(usage, dict))
        assert entry.usage is None or entry.usage.tokens == reference_tokens(usage)
        assert entry.stop_reason == text(field(message, "stop_reason"))
    else:
        assert isinstance(entry, UserEntry if value["type"] == "user" else ChainEntry)


def shuffled(value: object, order: random.Random) -> object:
    if isinstance(value, list):
        return [shuffled(item, order) for item in value]
    if not isinstance(value, dict):
        return value
    items = [(key, shuffled(item, order)) for key, item in value.items()]
    order.shuffle(items)
    return dict(items)


@given(
    value=records,
    order=st.randoms(use_true_random=False),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
    ascii_only=st.booleans(),
)
def test_any_record_in_any_writing(
    value: dict[str, object],
    order: random.Random,
    separators: tuple[str, str],
    ascii_only: bool,
) -> None:
    written = json.dumps(shuffled(value, order), separators=separators, ensure_ascii=ascii_only)
    check(json.loads(written), decode(written.encode("utf-8", "surrogatepass")))


@given(first=records, second=records, cut=st.integers(0, 200))
def test_a_cut_or_glued_line_invents_nothing(
    first: dict[str, object], second: dict[str, object], cut: int
) -> None:
    one = json.dumps(first, separators=(",", ":")).encode()
    found = decode(one[:cut] + json.dumps(second, separators=(",", ":")).encode())
    given_uuids = {text(first["uuid"]), text(second["uuid"])}
    for entry in found.entries:
        assert getattr(entry, "uuid", None) in given_uuids
    assert found.malformed <= 1


@given(st.binary(max_size=200) | texts.map(str.encode))
def test_no_bytes_do_harm(line: bytes) -> None:
    decode(line)
    first_stamp(line)
