"""The explanation in a finished folder: writes it, and reads it back beside its decision."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from perfgate.errors import ConfigurationError
from perfgate.files import write_atomically
from perfgate.records import Decision
from perfgate.records.explained import Explanation, parse_explanation

EXPLANATION: Final = "explanation.json"
TRACES: Final = "traces"
"""The folder of the captures, a folder for each case in it."""
_MOST_BYTES: Final = 8_000_000


def write_explanation(folder: Path, explanation: Explanation) -> Path:
    """Write it; returns its path."""
    path = folder / EXPLANATION
    write_atomically(path, explanation.to_json())
    return path


def read_explanation(folder: Path, decision: Decision) -> Explanation | None:
    """The explanation of the very trees that were decided about; None where there is none.

    Raises ConfigurationError for a file that cannot be read: it may come from a stranger's job.
    """
    path = folder / EXPLANATION
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            raise ConfigurationError(
                f"{path} is no plain file of at most {_MOST_BYTES} bytes",
                fix="Run `perfgate explain` again.",
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", fix="Run `perfgate explain` again."
        ) from error
    explanation = parse_explanation(text, source=str(path))
    return explanation if is_about(explanation, decision) else None


def is_about(explanation: Explanation, decision: Decision) -> bool:
    """Whether both compare the same two trees."""
    if decision.base is None or decision.head is None:
        return False
    told, decided = explanation.head, decision.head
    same_files = (told.commit, told.content) == (decided.commit, decided.content)
    return same_files and explanation.base.commit == decision.base.commit
