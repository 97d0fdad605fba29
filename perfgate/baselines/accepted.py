"""``accepted.yml``, the permissions to be slower: text in, values out, no effect.

Schema history:
    1  first version

The bytes follow from the values, an entry stands in the order of hardware, case and metric, so that
two pull requests that ask for different things rarely meet on a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from perfgate import strict_yaml
from perfgate.errors import BaselineError
from perfgate.records import Value, first_problem
from perfgate.verdict.acceptance import Acceptance

NAME = "accepted.yml"
_MOST_BYTES = 1_000_000
_HEAD = """\
# Permissions to be slower, each bounded and dated. Each counts once it is on the base branch.
# Written by `perfgate baseline update`, listed by `perfgate baseline debt`; reviewed like code.
"""
_RESTORE = "Restore the file from its last commit; `perfgate baseline update` writes it."


class AcceptedFile(Value):
    """The whole file."""

    # Elsewhere a newer patch release may add keys; here a key with a slip in it is a permission
    # that somebody believes to have been given.
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    accepted: tuple[Acceptance, ...] = Field(default=())


def parse_accepted(text: str, *, source: str) -> tuple[Acceptance, ...]:
    """The acceptances of a file, in its order; BaselineError names the file and what is wrong."""
    if len(text.encode("utf-8", "replace")) > _MOST_BYTES:
        raise BaselineError(f"{source} is larger than {_MOST_BYTES} bytes", fix=_RESTORE)
    try:
        data = strict_yaml.load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        told = " ".join(str(error).split())
        raise BaselineError(f"{source} is not valid YAML: {told}", fix=_RESTORE) from error
    if not isinstance(data, Mapping):
        raise BaselineError(
            f"{source} holds no mapping with the keys version and accepted", fix=_RESTORE
        )
    try:
        accepted = AcceptedFile.model_validate(data).accepted
    except ValidationError as error:
        raise BaselineError(f"{source}: {first_problem(error)}", fix=_RESTORE) from error
    keys = [one.key for one in accepted]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        hardware, case, metric = twice
        raise BaselineError(
            f"{source}: {metric} of {case} on {hardware} is accepted twice",
            fix="Keep the one that was reviewed.",
        )
    return accepted


def render_accepted(accepted: Iterable[Acceptance]) -> str:
    """The file's text: the same bytes for the same acceptances, in whichever order they come."""
    entries = [_plain(one) for one in sorted(accepted, key=lambda one: one.key)]
    data = {"version": 1, "accepted": entries}
    body: str = yaml.dump(
        data, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=_MOST_BYTES
    )
    return _HEAD + body


class _WithoutAliases(yaml.SafeDumper):
    """Writes a value wherever it stands; PyYAML would refer to the same object written before."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the same for every value
        return True


def _plain(acceptance: Acceptance) -> dict[str, object]:
    return acceptance.model_dump(mode="python")
