"""What the user chose: defaults < config.toml < ``CCMON_*`` environment < flags."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from ccmon.errors import CcmonError

PREFIX = "CCMON_"
NOT_SETTINGS = frozenset({"cache", "config", "poll", "debug"})
"""``CCMON_*`` variables that have a meaning but are not settings."""

Usd = Annotated[float, Meta(ge=0, le=1e6)]
"""USD per million tokens (web search: per request)."""
Tokens = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class Rates(Struct, frozen=True, forbid_unknown_fields=True):
    """A user's own prices of one model, USD per million tokens; None keeps the table's.

    ``web_search`` is USD per request.
    """

    input: Usd | None = None
    write_5m: Usd | None = None
    write_1h: Usd | None = None
    read: Usd | None = None
    output: Usd | None = None
    web_search: Usd | None = None


class PriceOverride(Rates, frozen=True, forbid_unknown_fields=True):
    """Own prices of one model; ``fast`` holds those of its fast mode."""

    fast: Rates | None = None


class Settings(Struct, frozen=True):
    """Every setting with its default.

    ``prices`` and ``windows`` (tokens) are keyed by model id. ``hours`` is how
    far back sessions are shown; a transcript that no running process claims
    counts as active for ``active_minutes`` after its last line. ``bell`` and
    ``desktop`` repeat each notice as a terminal bell or a desktop notification; a
    cache bust is a notice from ``bust_usd`` of avoidable cost on. ``tokenizer`` has texts that came
    into a context together counted in tokens; without it their characters tell their shares.
    """

    theme: Literal["auto", "dark", "light", "ansi"] = "auto"
    ascii: bool = False
    unit: Literal["usd", "tokens", "share"] = "usd"
    prices: dict[str, PriceOverride] = {}
    windows: dict[str, Tokens] = {}
    hours: Annotated[int, Meta(ge=1, le=876_000)] = 24
    active_minutes: Annotated[int, Meta(ge=0, le=525_600)] = 5
    bell: bool = False
    desktop: bool = False
    bust_usd: Annotated[float, Meta(ge=0, le=1e6)] = 0.25
    tokenizer: bool = True


def load_settings(
    environ: Mapping[str, str],
    *,
    path: Path | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Settings of all layers; the later layer wins, key by key.

    The file is ``path``, else ``CCMON_CONFIG``, else ``config.toml`` in the
    user's configuration folder; only the last may be missing. ``overrides``
    are flags, None meaning not given. Raises CcmonError, which names where the
    offending key stands and the nearest known one.
    """
    chosen: dict[str, object] = {}
    file, required = _config_file(environ, path)
    for key, value in _read(file, required=required).items():
        chosen[key] = _checked(key, value, f"{file}: {key}")
    for name, text in sorted(environ.items()):
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and text and key not in NOT_SETTINGS:
            chosen[key] = _from_environment(key, text, name)
    for key, value in (overrides or {}).items():
        if value is not None:
            chosen[key] = _checked(key, value, f"--{key.replace('_', '-')}")
    return msgspec.convert(chosen, Settings)


def _config_file(environ: Mapping[str, str], path: Path | None) -> tuple[Path, bool]:
    """The file to read, and whether it has to exist."""
    if path is not None:
        return path, True
    if named := environ.get("CCMON_CONFIG"):
        return Path(named).expanduser(), True
    return own_folder("config") / "config.toml", False


def folder_around(path: str | Path, folders: Iterable[str]) -> str | None:
    """The first of ``folders`` that a path lies in, or is; links are followed on both sides."""
    real = Path(os.path.realpath(path))
    inside = (each for each in folders if real.is_relative_to(os.path.realpath(each)))
    return next(inside, None)


def own_folder(kind: Literal["config", "cache"]) -> Path:
    """ccmon's own folder of a kind, where platformdirs says that it is.

    On Linux that is two lines of the XDG specification, and loading platformdirs for them would
    take a tenth of the time in which the status line has to be printed.
    """
    system = sys.platform
    if system == "linux":
        named = os.environ.get(f"XDG_{kind.upper()}_HOME", "")
        base = Path(named) if named.startswith("/") else Path.home() / f".{kind}"
        return base / "ccmon"
    from platformdirs import user_cache_path, user_config_path

    return user_config_path("ccmon") if kind == "config" else user_cache_path("ccmon")


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if not required:
            return {}
        raise CcmonError(f"{file}: no such file") from error
    except OSError as error:
        raise CcmonError(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CcmonError(f"{file}: not a TOML file: {error}") from error
    import tomllib  # not before there is something to read: the status line is in a hurry

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CcmonError(f"{file}: not a TOML file: {error}") from error


def _from_environment(key: str, text: str, name: str) -> object:
    if key in ("prices", "windows"):
        raise CcmonError(f"{name}: cannot be set in the environment", "set it in config.toml")
    return _checked(key, text.strip().lower(), name, strict=False)


def _checked(key: str, value: object, where: str, *, strict: bool = True) -> object:
    """``value`` as the type of setting ``key``; ``where`` names it to the user."""
    _known(key, Settings.__struct_fields__, where)
    if key == "prices":
        return {
            model: _override(PriceOverride, rates, f"{where}.{model}")
            for model, rates in _table(value, where).items()
        }
    if key == "windows":
        return {
            model: _converted(tokens, Tokens, f"{where}.{model}")
            for model, tokens in _table(value, where).items()
        }
    return _converted(value, _TYPES[key], where, strict=strict)


def _override(kind: type[Rates], value: object, where: str) -> Rates:
    rates: dict[str, object] = {}
    for key, rate in _table(value, where).items():
        _known(key, kind.__struct_fields__, f"{where}.{key}")
        if key == "fast":
            rates[key] = _override(Rates, rate, f"{where}.{key}")
        else:
            rates[key] = _converted(rate, Usd, f"{where}.{key}")
    return msgspec.convert(rates, kind)


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise CcmonError(f"{where}: expected a table, keyed by model id")
    return value


def _known(key: str, names: Iterable[str], where: str) -> None:
    if key in names:
        return
    import difflib  # a mistake may take its time

    nearest = difflib.get_close_matches(key, names, n=1, cutoff=0.0)
    raise CcmonError(f"{where}: unknown setting", f"did you mean {nearest[0]}?")


def _converted(value: object, kind: object, where: str, *, strict: bool = True) -> object:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        if get_origin(kind) is Literal:
            expected = "expected " + " or ".join(get_args(kind))
        else:
            expected = str(error).partition(", got ")[0].replace("`", "").lower()
        raise CcmonError(f"{where}: {expected}, not {value!r}") from error


_TYPES = get_type_hints(Settings, include_extras=True)
