"""Writes the text of a new perfgate.yml, with comments, from what was found; does no I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import PurePosixPath
from textwrap import dedent, indent
from typing import Final

from perfgate.app.starting.draft import Draft
from perfgate.app.starting.looking import Found, Script
from perfgate.app.starting.origin import schema_address
from perfgate.app.starting.scalar import scalar

_CPU_GATE: Final = """\
gate:
  margin: 10%            # a request slower by this much must be caught; quiet devices decide 3%
  stage_margin: 20%      # the same of each stage, such as DecodingStage
  budget: 30m            # device minutes that one job may spend
"""
_DEVICE_GATE: Final = """\
gate:
  margin: 3%             # a request slower by this much must be caught
  stage_margin: 10%      # the same of each stage, such as DecodingStage
  budget: 30m            # device minutes that one job may spend
"""
_SETUP: Final = (
    "setup: SETUP   # makes an environment for each side, base and head, in its own tree"
)
_NO_SETUP: Final = """\
# Makes an environment for each side, base and head, in its own tree. Without this line both run
# in the environment that perfgate was started from:
# setup: pip install -e .
"""
_MORE: Final = """\
    # timeout: {load: 20m, request: 10m}   # a launch that takes longer has failed
    # outputs: [out.png]                   # files whose content must stay the same
    # when: {paths: ["src/**"]}            # measured for changes of these files alone
"""
_REPORT: Final = """\
  # One launch of it has to load, warm up, serve $PERFGATE_REQUESTS requests, and write what they
  # took to $PERFGATE_REPORT, as JSON:
  # {"total_duration_ms": 2261.4,
  #  "steps": [{"name": "DenoisingStage", "duration_ms": 1498.2},
  #            {"name": "DecodingStage", "duration_ms": 346.1}]}
"""
_TEMPLATE: Final = f"  # No benchmark was found: put yours in the place of bench.py.\n{_REPORT}"
_NO_REPORT: Final = f"  # This file does not name PERFGATE_REPORT yet.\n{_REPORT}"


def suite_text(draft: Draft, *, on_device: bool, repository: str) -> str:
    """The whole file; ``on_device`` says that a GPU or NPU is measured."""
    parts = [
        f"# yaml-language-server: $schema={schema_address('suite', repository)}",
        "# What perfgate measures here, and what it calls slower.",
        "version: 1",
        _key("baselines", draft.baselines),
        (_DEVICE_GATE if on_device else _CPU_GATE).rstrip(),
        dedent(draft.sections).strip("\n"),
        _key("cases", "\n" + draft.cases),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _key(name: str, value: str) -> str:
    """``name: value``, or the value's lines below the name."""
    if "\n" not in value.strip("\n") and not value.startswith("\n"):
        return f"{name}: {value.strip()}"
    return f"{name}:\n{indent(dedent(value.strip(chr(10))), '  ')}"


def from_benchmarks(found: Found, command: str | None) -> Draft:
    """A suite of the project's own benchmark: ``command``, else the scripts that were found."""
    return Draft(
        baselines="baselines/   # launches, by kind of machine; changed by reviewed pull requests",
        sections=_SETUP.replace("SETUP", found.setup) if found.setup else _NO_SETUP,
        cases=_cases(found.scripts, command),
    )


def _cases(scripts: Sequence[Script], command: str | None) -> str:
    if command is not None:
        return _case(_id_of(_script_in(command), ()), command)
    if not scripts:
        return _TEMPLATE + _case("my_benchmark", "python3 bench.py")
    taken: list[str] = []
    for script in scripts:
        taken.append(_id_of(script.path, taken))
    cases = [_case(name, one.command) for name, one in zip(taken, scripts, strict=True)]
    return ("" if scripts[0].reports else _NO_REPORT) + "".join(cases)


def _case(case_id: str, command: str) -> str:
    return (
        f"  - id: {case_id}\n"
        "    backend: command\n"
        f"    command: {scalar(command)}   # in the side's tree, a fresh process each time\n"
        f"{_MORE}"
    )


def _script_in(command: str) -> str:
    """What a shell line seems to start; ``benchmark`` where it names no script."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return next((word for word in words if word.endswith((".py", ".sh"))), "benchmark")


def _id_of(path: str, taken: Collection[str]) -> str:
    """The name of a script as a case's id that is not taken."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(path).stem).strip("._-")[:60]
    bare = stem or "benchmark"
    more = (f"{bare}_{number}" for number in count(2))
    return bare if bare not in taken else next(one for one in more if one not in taken)
