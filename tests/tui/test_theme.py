"""The palette keeps its contrast, follows the terminal, and holds under foreign themes."""

import pytest
from textual.color import Color
from textual.markup import parse_style
from textual.theme import BUILTIN_THEMES

from ccmon.settings import Settings
from ccmon.tui.theme import (
    ANSI,
    AREA_STEPS,
    DARK,
    LIGHT,
    STRIP_STEPS,
    THEMES,
    choose_theme,
    fallbacks,
)

TEXT = 4.5
GRAPHIC = 3.0


def colour(theme: str, name: str) -> Color:
    return Color.parse(THEMES[theme].variables[name])


def contrast(theme: str, text: str, ground: str) -> float:
    """WCAG 2 contrast of one variable on another."""
    lighter, darker = sorted(
        (_luminance(colour(theme, text)), _luminance(colour(theme, ground))), reverse=True
    )
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(value: Color) -> float:
    channels = [part / 255 for part in value.rgb]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


TINTED = ("background", "surface", "cursor", "warning-tint", "error-tint")


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("text", ["bright", "foreground", "label"])
@pytest.mark.parametrize("ground", TINTED)
def test_text_reads_on_every_ground_it_stands_on(theme: str, text: str, ground: str) -> None:
    assert contrast(theme, text, ground) >= TEXT


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("faint", "background"),
        ("title", "background"),
        ("accent", "background"),
        ("accent", "surface"),
        ("accent", "cursor"),
        ("accent", "accent-chip"),
        ("warning", "background"),
        ("warning", "warning-tint"),
        ("warning", "cursor"),
        ("error", "background"),
        ("error", "error-tint"),
        ("on-solid", "error"),
        ("bright", "strip-1"),
        ("bright", f"strip-{STRIP_STEPS}"),
    ],
)
def test_coloured_text_reads_on_its_grounds(theme: str, text: str, ground: str) -> None:
    assert contrast(theme, text, ground) >= TEXT


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize(
    "name",
    ["accent-fill", "warning-fill", "error-fill", "accent-mid", "warning-mid", "border-focus"],
)
def test_graphics_stand_out_from_the_background(theme: str, name: str) -> None:
    assert contrast(theme, name, "background") >= GRAPHIC


@pytest.mark.parametrize(
    ("theme", "name", "measured"),
    [
        (DARK, "bright", 17.2),
        (DARK, "foreground", 13.1),
        (DARK, "label", 6.1),
        (DARK, "faint", 4.6),
        (DARK, "title", 8.8),
        (DARK, "accent", 8.6),
        (DARK, "warning", 9.6),
        (DARK, "error", 7.4),
        (LIGHT, "bright", 17.9),
        (LIGHT, "foreground", 12.7),
        (LIGHT, "label", 6.3),
        (LIGHT, "faint", 4.6),
        (LIGHT, "title", 7.2),
        (LIGHT, "accent", 5.8),
        (LIGHT, "warning", 5.7),
        (LIGHT, "error", 6.3),
    ],
)
def test_contrast_is_what_the_design_measured(theme: str, name: str, measured: float) -> None:
    assert contrast(theme, name, "background") == pytest.approx(measured, abs=0.1)


def test_shades_of_the_area_run_from_low_to_accent() -> None:
    for theme in (DARK, LIGHT):
        assert colour(theme, "area-1") == colour(theme, "area-low")
        assert colour(theme, f"area-{AREA_STEPS}") == colour(theme, "accent")


def test_our_themes_define_the_same_variables() -> None:
    ansi = set(THEMES[ANSI].variables) - {"ansi-background", "ansi-foreground"}
    assert ansi == set(THEMES[DARK].variables) == set(THEMES[LIGHT].variables)


def test_the_16_colour_theme_uses_no_colour_that_may_equal_the_ground() -> None:
    for value in THEMES[ANSI].variables.values():
        assert not {"ansi_black", "ansi_white", "ansi_bright_white"} & set(value.split())


def test_a_foreign_theme_gets_every_variable_of_ours() -> None:
    ours = set(THEMES[DARK].variables)
    for theme in BUILTIN_THEMES.values():
        variables = theme.to_color_system().generate() | fallbacks(theme)
        assert ours <= set(variables), theme.name
        for name in ("label", "chip-high", "cursor-row", "area-1", "line-dominates"):
            parse_style(variables[name], {})


def test_our_own_themes_need_no_fallback() -> None:
    assert all(fallbacks(theme) == {} for theme in THEMES.values())


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        ("auto", {"TERM": "xterm-256color"}, DARK),
        ("auto", {"TERM": "xterm-256color", "COLORFGBG": "0;15"}, LIGHT),
        ("auto", {"TERM": "xterm-256color", "COLORFGBG": "15;default;0"}, DARK),
        ("auto", {"TERM": "linux"}, ANSI),
        ("auto", {"TERM": "rxvt-16color"}, ANSI),
        ("light", {"TERM": "xterm-256color"}, LIGHT),
        ("dark", {"COLORFGBG": "0;15"}, DARK),
        ("ansi", {}, ANSI),
        ("dark", {"NO_COLOR": "1"}, ANSI),
        ("light", {"TERM": "dumb"}, ANSI),
    ],
)
def test_the_theme_follows_setting_and_terminal(
    setting: str, environ: dict[str, str], expected: str
) -> None:
    settings = Settings(theme=setting)  # type: ignore[arg-type]  # a literal, from the table above
    assert choose_theme(settings, environ) == expected
