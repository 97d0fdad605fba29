"""Keeps a search's launches in its file, and reads them to go on; decides nothing."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from perfgate.errors import ConfigurationError
from perfgate.files import write_atomically
from perfgate.records import Fingerprint, first_problem
from perfgate.records.bisected import BisectState

STATE = "bisect.json"
_START_ANEW = "Run `perfgate bisect GOOD BAD` without --continue: it measures from the beginning."


def prepare_folder(folder: Path) -> None:
    """Make the folder before anything is measured; ConfigurationError where it cannot be written.

    What gates have left there stays. The folder ignores itself in git.
    """
    try:
        write_atomically(folder / ".gitignore", "*\n")
    except OSError as error:
        raise ConfigurationError(
            f"the search cannot be kept in {folder}: {error.strerror}",
            fix="Give a folder that can be written with --output-dir.",
        ) from error


def keep_state(path: Path, state: BisectState) -> None:
    """Replace the file; what stood there stays where that fails (OSError)."""
    write_atomically(path, state.model_dump_json(indent=1) + "\n")


def read_state(path: Path) -> BisectState:
    """The search to go on with; raises ConfigurationError where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"there is no search to go on with: {path} cannot be read", fix=_START_ANEW
        ) from error
    try:
        return BisectState.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} is no search that this perfgate reads: {first_problem(error)}",
            fix=_START_ANEW,
        ) from error


def refuse_another(state: BisectState, *, workload_hash: str, fingerprint: Fingerprint) -> None:
    """Raise ConfigurationError unless launches of now may stand beside those of the state."""
    if workload_hash != state.workload_hash:
        raise _another(f"case {state.case} computes something else now")
    then = {"hardware key": state.fingerprint.hardware_key, **state.fingerprint.must_match}
    now = {"hardware key": fingerprint.hardware_key, **fingerprint.must_match}
    for key in sorted({*then, *now}):
        if then.get(key) != now.get(key):
            was, is_ = then.get(key, "not set"), now.get(key, "not set")
            raise _another(f"another machine: {key} was {was}, it is {is_} now")


def _another(how: str) -> ConfigurationError:
    return ConfigurationError(f"cannot go on with the search: {how}", fix=_START_ANEW)
