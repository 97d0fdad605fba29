"""The runner's own protocols as text: workflow commands, output files, the job summary. Pure.

The runner reads commands from everything that a step prints, so what a pull request can influence
is escaped here when it goes into one. Formats and limits:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from typing import Final, Literal

SUMMARY_LIMIT_BYTES: Final = 1024 * 1024  # per step; a larger one is dropped whole
_MESSAGE_LIMIT_CHARS: Final = 4000  # the runner cuts at 4096
_CUT: Final = "\n\n(cut here: a job summary holds 1 MiB; decision.json has everything)\n"

Kind = Literal["notice", "warning", "error"]

MOST_ANNOTATIONS: Final = 10
"""Of each kind, from one step; GitHub drops what comes after them."""


def annotation(
    kind: Kind,
    message: str,
    *,
    title: str = "perfgate",
    place: tuple[str, int] | None = None,
) -> str:
    """One workflow command; no text in it can end it or start another.

    ``place`` is a file, from the repository's root, and a line of it, where GitHub shows the
    message among the changes.
    """
    if len(message) > _MESSAGE_LIMIT_CHARS:
        message = message[: _MESSAGE_LIMIT_CHARS - 1] + "…"
    where = f"file={_property(place[0])},line={place[1]}," if place is not None else ""
    return f"::{kind} {where}title={_property(title)}::{_data(message)}"


def output(name: str, value: str, *, delimiter: str) -> str:
    """One entry for GITHUB_OUTPUT; the caller draws ``delimiter`` at random for each.

    Raises ValueError when the delimiter occurs in the value, which a random one never does.
    """
    if delimiter in value:
        raise ValueError(f"the delimiter occurs in the output {name}")
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def summary(text: str, *, already_bytes: int = 0) -> str:
    """What may be appended to GITHUB_STEP_SUMMARY when it holds ``already_bytes``."""
    room = SUMMARY_LIMIT_BYTES - already_bytes
    encoded = text.encode("utf-8", errors="replace")
    if len(encoded) <= room:
        return encoded.decode("utf-8")
    kept = encoded[: max(0, room - len(_CUT.encode()))].decode("utf-8", errors="ignore")
    # Cutting at a line keeps a table whole up to its last row.
    return kept[: kept.rfind("\n") + 1] + _CUT if kept else ""


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
