"""Palette: three themes of our own, and fallbacks for any other Textual theme.

Rendering code names variables (``"$label"``, ``"$bright bold"``), never colours. A variable may
hold attributes as well: in the 16-colour theme ``$label`` is ``ansi_default dim``. Such variables
serve content styles only; the stylesheet uses the plain ones (background, surface, border…).
"""

from collections.abc import Mapping

from textual.color import Color
from textual.theme import Theme

from ccmon.settings import Settings

DARK = "ccmon-dark"
LIGHT = "ccmon-light"
ANSI = "ccmon-ansi"

AREA_STEPS = 24
"""Shades of an area graph: ``$area-1`` (bottom, area-low) to ``$area-24`` (top, accent)."""
STRIP_STEPS = 9
"""Grounds of the segments of the context: ``$strip-1`` (the largest) to ``$strip-9``."""

_DARK = {
    "background": "#0f1216",
    "surface": "#161a20",
    "cursor": "#1b2530",
    "border": "#2b323c",
    "border-focus": "#456f83",
    "border-alarm": "#70404a",
    "title": "#a9b2bf",
    "bright": "#f3f5f8",
    "foreground": "#d3d8e0",
    "label": "#8a94a3",
    "faint": "#767f8d",
    "track": "#20262e",
    "accent": "#6fb9d8",
    "accent-fill": "#6fb9d8",
    "accent-mid": "#3f7f9b",
    "accent-chip": "#1e3a47",
    "area-low": "#38667b",
    "strip-high": "#2c5a70",
    "strip-low": "#1b2127",
    "warning": "#e2b262",
    "warning-fill": "#e2b262",
    "warning-mid": "#b3873f",
    "warning-tint": "#241f17",
    "error": "#f4808a",
    "error-fill": "#f4808a",
    "error-tint": "#2b1a1f",
    "on-solid": "#0f1216",
    "share-new": "#8d97a6",
    "share-output": "#59626f",
}

_LIGHT = {
    "background": "#fbfbf9",
    "surface": "#f0f1ee",
    "cursor": "#e6eff3",
    "border": "#d2d5d3",
    "border-focus": "#5f95aa",
    "border-alarm": "#dba3a5",
    "title": "#4d5660",
    "bright": "#101418",
    "foreground": "#2a3138",
    "label": "#565f69",
    "faint": "#6b737c",
    "track": "#e6e8e6",
    "accent": "#0b6a8e",
    "accent-fill": "#2b83a8",
    "accent-mid": "#5397b2",
    "accent-chip": "#d3e7ef",
    "area-low": "#5f9fb8",
    "strip-high": "#bfdde8",
    "strip-low": "#eceeec",
    "warning": "#8a5a00",
    "warning-fill": "#b97611",
    "warning-mid": "#b97611",
    "warning-tint": "#fbf1de",
    "error": "#b4232f",
    "error-fill": "#cb4550",
    "error-tint": "#fbe6e6",
    "on-solid": "#ffffff",
    "share-new": "#66707a",
    "share-output": "#8a939c",
}

# Colours 0, 7 and 15 equal the ground in some schemes, and so may bright_black: it only decorates.
_ANSI = {
    "background": "ansi_default",
    "surface": "ansi_default",
    "cursor": "ansi_default",
    "border": "ansi_bright_black",
    "border-focus": "ansi_cyan",
    "border-alarm": "ansi_red",
    "title": "ansi_default dim",
    "bright": "ansi_default",
    "foreground": "ansi_default",
    "label": "ansi_default dim",
    "faint": "ansi_default dim",
    "track": "ansi_bright_black",
    "accent": "ansi_cyan",
    "accent-fill": "ansi_cyan",
    "accent-mid": "ansi_cyan",
    "accent-chip": "ansi_default",
    "warning": "ansi_yellow",
    "warning-fill": "ansi_yellow",
    "warning-mid": "ansi_yellow",
    "warning-tint": "ansi_default",
    "error": "ansi_red",
    "error-fill": "ansi_red",
    "error-tint": "ansi_default",
    "on-solid": "ansi_default",
    "share-new": "ansi_default",
    "share-output": "ansi_bright_black",
    "area-low": "ansi_cyan",
    "strip-high": "ansi_default",
    "strip-low": "ansi_default",
    "cursor-row": "bold",
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "chip-high": "ansi_red reverse bold",
    "chip-dominates": "ansi_red reverse bold",
    "chip-warning": "ansi_yellow reverse bold",
    "chip-tab": "ansi_cyan reverse bold",
    "line-dominates": "ansi_red reverse",
} | {f"area-{step}": "ansi_cyan dim" for step in range(1, AREA_STEPS + 1)}
_ANSI |= {f"strip-{step}": "ansi_default" for step in range(1, STRIP_STEPS + 1)}


def _with_compounds(palette: Mapping[str, str]) -> dict[str, str]:
    """The palette, the shades of an area graph, and styles made of several variables."""
    return {
        **palette,
        **_shades("area", palette["area-low"], palette["accent"], AREA_STEPS),
        **_shades("strip", palette["strip-high"], palette["strip-low"], STRIP_STEPS),
        "cursor-row": f"on {palette['cursor']}",
        "chip-high": f"{palette['error']} bold on {palette['error-tint']}",
        "chip-dominates": f"{palette['on-solid']} bold on {palette['error']}",
        "chip-warning": f"{palette['warning']} bold on {palette['warning-tint']}",
        "chip-tab": f"{palette['accent']} bold on {palette['accent-chip']}",
        "line-dominates": f"{palette['on-solid']} on {palette['error']}",
    }


def _shades(name: str, first: str, last: str, steps: int) -> dict[str, str]:
    """``name-1`` … in even steps from one colour to another."""
    start, end = Color.parse(first), Color.parse(last)
    return {
        f"{name}-{step}": start.blend(end, (step - 1) / (steps - 1)).hex
        for step in range(1, steps + 1)
    }


def _textual_variables(palette: Mapping[str, str]) -> dict[str, str]:
    """Textual's own variables for the stock widgets we use: scrollbars, inputs, palette."""
    return {
        "scrollbar": palette["border"],
        "scrollbar-hover": palette["border-focus"],
        "scrollbar-active": palette["border-focus"],
        "scrollbar-background": palette["background"],
        "scrollbar-background-hover": palette["background"],
        "scrollbar-background-active": palette["background"],
        "scrollbar-corner-color": palette["background"],
        "border-blurred": palette["border"],
        "block-cursor-background": palette["cursor"],
        "block-cursor-foreground": palette["foreground"],
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": palette["cursor"],
        "block-cursor-blurred-foreground": palette["foreground"],
        "block-hover-background": palette["cursor"],
        "input-cursor-background": palette["accent"],
        "input-cursor-foreground": palette["background"],
        "input-selection-background": palette["accent-chip"],
        "footer-key-foreground": palette["foreground"],
    }


def _theme(
    name: str, palette: Mapping[str, str], *, dark: bool = True, ansi: bool = False
) -> Theme:
    variables = dict(palette) if ansi else _with_compounds(palette)
    return Theme(
        name=name,
        primary=palette["accent"],
        secondary=palette["accent"],
        accent=palette["accent"],
        success=palette["accent"],
        warning=palette["warning"],
        error=palette["error"],
        foreground=palette["foreground"],
        background=palette["background"],
        surface=palette["surface"],
        panel=palette["surface"],
        boost=palette["surface"],
        dark=dark,
        ansi=ansi,
        variables=_textual_variables(palette) | variables,
    )


THEMES: dict[str, Theme] = {
    theme.name: theme
    for theme in (
        _theme(DARK, _DARK),
        _theme(LIGHT, _LIGHT, dark=False),
        _theme(ANSI, _ANSI, ansi=True),
    )
}
"""Our own themes by name."""


def fallbacks(theme: Theme) -> dict[str, str]:
    """Values of our variables for a theme that does not define them."""
    if theme.name in THEMES:
        return {}
    if theme.ansi:
        return dict(_ANSI)
    base = {name: Color.parse(theme.to_color_system().generate()[name]) for name in _BASES}
    ground, text = base["background"], base["foreground"]
    accent, warning, error = base["accent"], base["warning"], base["error"]
    return _with_compounds(
        {
            name: color.hex
            for name, color in {
                "accent": accent,
                "cursor": ground.blend(accent, 0.14),
                "border": ground.blend(text, 0.18),
                "border-focus": ground.blend(accent, 0.55),
                "border-alarm": ground.blend(error, 0.45),
                "title": ground.blend(text, 0.8),
                "bright": text,
                "label": ground.blend(text, 0.66),
                "faint": ground.blend(text, 0.58),
                "track": ground.blend(text, 0.1),
                "accent-fill": accent,
                "accent-mid": ground.blend(accent, 0.65),
                "accent-chip": ground.blend(accent, 0.25),
                "area-low": ground.blend(accent, 0.5),
                "strip-high": ground.blend(accent, 0.35),
                "strip-low": ground.blend(text, 0.08),
                "warning": warning,
                "warning-fill": warning,
                "warning-mid": ground.blend(warning, 0.75),
                "warning-tint": ground.blend(warning, 0.1),
                "error": error,
                "error-fill": error,
                "error-tint": ground.blend(error, 0.14),
                "on-solid": ground,
                "share-new": ground.blend(text, 0.65),
                "share-output": ground.blend(text, 0.4),
            }.items()
        }
    )


_BASES = ("background", "foreground", "accent", "warning", "error")


def choose_theme(settings: Settings, environ: Mapping[str, str]) -> str:
    """The name of the theme to start with.

    To be settled before the App is built: Textual picks its colour filter in the constructor.
    ``NO_COLOR`` and terminals without colours get the 16-colour theme, whose meaning does not
    hang on colour; ``auto`` follows the ground that ``COLORFGBG`` reports, else dark.
    """
    terminal = environ.get("TERM", "")
    if environ.get("NO_COLOR") is not None or terminal == "dumb":
        return ANSI
    if settings.theme != "auto":
        return {"dark": DARK, "light": LIGHT, "ansi": ANSI}[settings.theme]
    if terminal == "linux" or terminal.endswith("-16color"):
        return ANSI
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if ground in {"7", "9", "10", "11", "12", "13", "14", "15"} else DARK
