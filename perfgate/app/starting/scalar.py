"""Writes a text as a YAML scalar, for the files that `perfgate init` makes; does no I/O."""

from __future__ import annotations

import yaml


def scalar(text: str) -> str:
    """One YAML scalar on one line, quoted where it has to be."""
    style = None if text.isprintable() else '"'
    written: str = yaml.safe_dump([text], allow_unicode=True, width=10**9, default_style=style)
    return written.removeprefix("- ").rstrip("\n")
