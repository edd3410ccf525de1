"""Settings: which layer wins, and what a mistake says."""

from pathlib import Path

import platformdirs
import pytest

from ccmon.errors import CcmonError
from ccmon.settings import PriceOverride, Rates, Settings, load_settings, own_folder

EVERYTHING = """\
theme = "light"
ascii = true
unit = "share"
hours = 48
active_minutes = 0

[windows]
"claude-opus-4-6" = 200000

[prices."claude-opus-5-5"]
input = 3
read = 0.15
fast = { output = 30.5 }
"""


@pytest.fixture(autouse=True)
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for the user's configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def failure(
    environ: dict[str, str] | None = None, path: Path | None = None, **flags: object
) -> str:
    """Message and hint of the configuration error that loading must raise."""
    with pytest.raises(CcmonError) as caught:
        load_settings(environ or {}, path=path, overrides=flags)
    assert caught.value.exit_code == 2
    return f"{caught.value.message}; {caught.value.hint}"


class TestLayers:
    def test_without_any_configuration_the_defaults_hold(self) -> None:
        assert load_settings({}) == Settings()

    def test_a_file_may_set_everything(self, tmp_path: Path) -> None:
        assert load_settings({}, path=write(tmp_path / "own.toml", EVERYTHING)) == Settings(
            theme="light",
            ascii=True,
            unit="share",
            hours=48,
            active_minutes=0,
            windows={"claude-opus-4-6": 200_000},
            prices={
                "claude-opus-5-5": PriceOverride(input=3.0, read=0.15, fast=Rates(output=30.5))
            },
        )

    @pytest.mark.skipif("sys.platform != 'linux'", reason="XDG folders")
    def test_the_users_config_folder_is_looked_at_by_default(self, config_home: Path) -> None:
        write(config_home / "ccmon" / "config.toml", "hours = 7")
        assert load_settings({}).hours == 7

    def test_ccmon_config_names_another_file(self, config_home: Path, tmp_path: Path) -> None:
        write(config_home / "ccmon" / "config.toml", 'theme = "dark"\nhours = 7')
        named = write(tmp_path / "other.toml", "hours = 8")
        assert load_settings({"CCMON_CONFIG": str(named)}) == Settings(hours=8)

    def test_ccmon_config_may_begin_with_a_tilde(self, tmp_path: Path) -> None:
        write(tmp_path / "other.toml", "hours = 8")
        assert load_settings({"CCMON_CONFIG": "~/other.toml"}).hours == 8

    def test_the_environment_wins_over_the_file_and_flags_over_both(self, tmp_path: Path) -> None:
        file = write(tmp_path / "own.toml", 'theme = "light"\nunit = "tokens"\nhours = 48')
        environ = {"CCMON_UNIT": "share", "CCMON_HOURS": "12"}
        found = load_settings(environ, path=file, overrides={"hours": 6})
        assert (found.theme, found.unit, found.hours) == ("light", "share", 6)

    def test_a_flag_that_was_not_given_changes_nothing(self) -> None:
        found = load_settings({"CCMON_THEME": "dark"}, overrides={"theme": None, "ascii": None})
        assert found == Settings(theme="dark")

    @pytest.mark.parametrize(
        ("text", "value"), [("1", True), ("true", True), ("TRUE", True), ("0", False), ("", False)]
    )
    def test_switches_in_the_environment(self, text: str, value: bool) -> None:
        assert load_settings({"CCMON_ASCII": text}).ascii is value

    def test_variables_with_a_meaning_of_their_own_are_left_alone(self) -> None:
        environ = {"CCMON_POLL": "1", "CCMON_DEBUG": "x", "CCMON": "x", "HOURS": "x"}
        assert load_settings(environ) == Settings()


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "where", "nearest"),
        [
            ("hour = 3", "hour", "hours"),
            ('colour_theme = "dark"', "colour_theme", "theme"),
            ("[window]\nx = 1", "window", "windows"),
            ("[prices.m]\nimput = 1", "prices.m.imput", "input"),
            ("[prices.m.fast]\nwrite5m = 1", "prices.m.fast.write5m", "write_5m"),
        ],
    )
    def test_an_unknown_key_in_the_file_names_the_nearest_known_one(
        self, tmp_path: Path, text: str, where: str, nearest: str
    ) -> None:
        file = write(tmp_path / "own.toml", text)
        assert failure(path=file).startswith(f"{file}: {where}")
        assert f"did you mean {nearest}?" in failure(path=file)

    def test_so_does_an_unknown_variable_or_flag(self) -> None:
        assert failure({"CCMON_HOUR": "3"}) == "CCMON_HOUR: unknown setting; did you mean hours?"
        assert failure(unti="usd") == "--unti: unknown setting; did you mean unit?"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('hours = "3"', "hours: expected int, not '3'"),
            ("hours = 1.5", "hours: expected int, not 1.5"),
            ("hours = true", "hours: expected int, not True"),
            ("hours = 0", "hours: expected int >= 1, not 0"),
            ("active_minutes = -1", "active_minutes: expected int >= 0, not -1"),
            ("ascii = 1", "ascii: expected bool, not 1"),
            ('theme = "pink"', "theme: expected auto or dark or light or ansi, not 'pink'"),
            ("unit = 3", "unit: expected usd or tokens or share, not 3"),
            ("windows = 3", "windows: expected a table"),
            ("[windows]\nm = 0", "windows.m: expected int >= 1, not 0"),
            ('[windows]\nm = "big"', "windows.m: expected int, not 'big'"),
            ("prices = [1]", "prices: expected a table"),
            ("[prices]\nm = 3", "prices.m: expected a table"),
            ("[prices.m]\nread = -1", "prices.m.read: expected float >= 0.0, not -1"),
            ("[prices.m]\nread = nan", "prices.m.read: expected float >= 0.0, not nan"),
            ("[prices.m]\nread = inf", "prices.m.read: expected float <= 1000000.0, not inf"),
            ("[prices.m]\nfast = 2", "prices.m.fast: expected a table"),
            ("[prices.m.fast]\nfast = { }", "prices.m.fast.fast: unknown setting"),
        ],
    )
    def test_a_wrong_value_in_the_file_names_file_and_key(
        self, tmp_path: Path, text: str, reason: str
    ) -> None:
        file = write(tmp_path / "own.toml", text)
        assert failure(path=file).startswith(f"{file}: {reason}")

    def test_a_wrong_value_elsewhere_names_the_variable_or_the_flag(self) -> None:
        assert failure({"CCMON_HOURS": "soon"}).startswith("CCMON_HOURS: expected int, not 'soon'")
        assert failure(active_minutes="x").startswith("--active-minutes: expected int, not 'x'")

    @pytest.mark.parametrize("name", ["CCMON_PRICES", "CCMON_WINDOWS"])
    def test_tables_are_not_for_the_environment(self, name: str) -> None:
        assert failure({name: "{}"}).startswith(f"{name}: cannot be set in the environment")

    def test_a_named_file_has_to_exist(self, tmp_path: Path) -> None:
        gone = tmp_path / "gone.toml"
        assert failure({"CCMON_CONFIG": str(gone)}).startswith(f"{gone}: no such file")
        assert failure(path=gone).startswith(f"{gone}: no such file")

    @pytest.mark.parametrize("content", [b"hours = ", b"\xff\xfe", b"hours = 1\nhours = 2"])
    def test_a_file_that_is_not_toml_is_named(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "own.toml"
        file.write_bytes(content)
        assert failure(path=file).startswith(f"{file}: not a TOML file: ")

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        assert failure(path=tmp_path).startswith(f"{tmp_path}: ")


@pytest.mark.parametrize("named", [None, "", "/somewhere/else"])
def test_own_folders_are_those_of_platformdirs(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
        if named is not None:
            monkeypatch.setenv(name, named)
    assert own_folder("config") == platformdirs.user_config_path("ccmon")
    assert own_folder("cache") == platformdirs.user_cache_path("ccmon")


@pytest.mark.parametrize(("text", "expected"), [("false", False), ("true", True), ("0", False)])
def test_the_tokenizer_can_be_switched_off_in_the_environment(text: str, expected: bool) -> None:
    assert load_settings({"CCMON_TOKENIZER": text, "HOME": "/nonexistent"}).tokenizer is expected
