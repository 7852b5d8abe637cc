"""The dashboard's own themes; Textual's, and the terminal's own colours, are there besides."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="workbench-dark",
    primary="#5aa9e6",
    secondary="#7fc8a9",
    accent="#e6b455",
    warning="#e6b455",
    error="#e5646e",
    success="#6ccf8e",
    foreground="#d7dce2",
    background="#12161c",
    surface="#1a2029",
    panel="#2a3340",
    variables={"frame": "#475569"},
)

LIGHT = Theme(
    name="workbench-light",
    primary="#1f6fb2",
    secondary="#2a7f62",
    accent="#9a6700",
    warning="#9a6700",
    error="#b3261e",
    success="#1a7f37",
    foreground="#1f2328",
    background="#fbfbfa",
    surface="#f1f2f3",
    panel="#d5dae0",
    dark=False,
    variables={
        "block-cursor-foreground": "#ffffff",
        "button-color-foreground": "#ffffff",
        "footer-background": "#eceff2",
        "footer-key-foreground": "#6b4700",
        "frame": "#a8b0ba",
    },
)

HIGH_CONTRAST = Theme(
    name="workbench-high-contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff6060",
    success="#00ff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    text_alpha=1.0,
    variables={
        "frame": "#a0a0a0",
        "button-color-foreground": "#000000",
        "text-muted": "#ffffff",
        "block-cursor-background": "#ffff00",
        "block-cursor-foreground": "#000000",
        "footer-key-foreground": "#ffff00",
        "footer-background": "#000000",
    },
)

THEMES = (DARK, LIGHT, HIGH_CONTRAST)
