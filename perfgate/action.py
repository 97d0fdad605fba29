"""The action's inputs (`INPUT_*`) as the command line's own arguments. Pure: no effect.

So every door runs the same line, and the action has no behaviour of its own; which lines they are
is for perfgate.github.mode to say. Input names stay kebab-case in the environment
(`INPUT_OUTPUT-DIR`), and an unset input arrives as empty text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Final

from perfgate.errors import ConfigurationError
from perfgate.github.event import Event, read_event
from perfgate.github.keys import is_key
from perfgate.github.mode import Mode, mode_of

_PREFIX: Final = "INPUT_"
# The runner sets these two for every Docker action whose `with:` names them.
_OF_THE_RUNNER: Final = frozenset({"args", "entrypoint"})
_CASE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DURATION: Final = re.compile(r"(?=.*[1-9])[0-9]+(\.[0-9]+)? *(ms|s|m|h)")
_DEVICE: Final = re.compile(r"auto|cpu|(cuda|npu)(:[0-9]{1,4})?")
_BRANCH: Final = re.compile(r"branch:[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")
_BUCKET: Final = re.compile(r"[a-z][a-z0-9+]{0,20}://[^\s\x00-\x20\x7f<>\"`]{1,480}")
_URL: Final = re.compile(r"https?://[^\s\x00-\x20\x7f<>\"`]{1,480}")
_PERSON: Final = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9-]{0,99}(/[A-Za-z0-9._-]{1,99})?")
_MAX_KEY_CHARS: Final = 30
_MAX_SHOWN_CHARS: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the action runs: a line each that measures, explains, tells, proposes and remembers.

    ``explain`` is for what the gate calls slower. ``tell`` publishes a result or answers a comment;
    ``remember`` adds what was measured to the history. A line for which there is nothing to do is
    None; ``why`` says in a sentence what the event calls for.
    """

    working_directory: str
    output_dir: str
    why: str
    gate: tuple[str, ...] | None
    explain: tuple[str, ...] | None
    tell: tuple[str, ...] | None
    propose: tuple[str, ...] | None
    remember: tuple[str, ...] | None
    token: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One input of action.yml: its default, what it may be, and the check behind those words."""

    name: str
    default: str
    allowed: str
    valid: Callable[[str], bool]


def _one_of(*words: str) -> tuple[str, Callable[[str], bool]]:
    return " or ".join(words), lambda value: value in words


def _is_below(value: str) -> bool:
    path = PurePosixPath(value)
    return value.isprintable() and not path.is_absolute() and ".." not in path.parts


def _is_store(value: str) -> bool:
    for sign, pattern in (("branch:", _BRANCH), ("://", _BUCKET)):
        if sign in value:
            return pattern.fullmatch(value) is not None
    return _is_below(value)


def _is_ref(value: str) -> bool:
    return value.isprintable() and not value.startswith("-") and not any(c.isspace() for c in value)


def _is_key(value: str) -> bool:
    return is_key(value) and len(value) <= _MAX_KEY_CHARS


def _is_duration(value: str) -> bool:
    return _DURATION.fullmatch(value) is not None


def _is_device(value: str) -> bool:
    return _DEVICE.fullmatch(value) is not None


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_url(value: str) -> bool:
    return _URL.fullmatch(value) is not None


def _are_labels(value: str) -> bool:
    return all(one.isprintable() and len(one) <= 50 for one in _listed(value))


def _are_people(value: str) -> bool:
    return all(_PERSON.fullmatch(one) for one in _listed(value))


def _are_cases(value: str) -> bool:
    return all(_CASE_ID.fullmatch(case) for case in _listed(value))


def _input(name: str, default: str, check: tuple[str, Callable[[str], bool]]) -> Input:
    return Input(name=name, default=default, allowed=check[0], valid=check[1])


_PATH = ("a path below the workspace, without a leading / and without ..", _is_below)
_STORE = ("branch:NAME, a bucket's address, or a folder below the working directory", _is_store)
_SWITCH = _one_of("true", "false")
_POLICIES: Final = ("always", "changes", "failures", "never")
_OLD_POLICIES: Final = {"true": "always", "false": "never"}

INPUTS: Final = (
    _input("command", "auto", _one_of("auto", "gate", "publish")),
    _input("suite", "perfgate.yml", _PATH),
    _input("base", "", ("a branch, tag or commit", _is_ref)),
    _input("strategy", "", _one_of("auto", "paired", "baseline")),
    _input("cases", "", ("case ids, separated by commas or line ends", _are_cases)),
    _input("device", "auto", ("auto, cpu, cuda, npu, or one of several as in cuda:1", _is_device)),
    _input("lease-timeout", "30m", ("a duration such as 90s, 20m or 1h", _is_duration)),
    _input("output-dir", "perfgate-out", _PATH),
    _input("working-directory", ".", _PATH),
    _input("comment", "always", _one_of(*_POLICIES, *_OLD_POLICIES)),
    _input("key", "", ("30 letters, digits, dots, underscores and single hyphens", _is_key)),
    _input("strict-publish", "false", _SWITCH),
    _input("explain", "false", _SWITCH),
    _input("update-baseline", "", _one_of("pr")),
    _input("history", "", _STORE),
    _input("reason", "", ("text on one line", str.isprintable)),
    _input("issue", "", ("an address that starts with https://", _is_url)),
    _input("expires", "", ("a day such as 2026-12-31", _is_day)),
    _input("labels", "perf-baselines", ("labels, separated by commas or line ends", _are_labels)),
    _input("reviewers", "", ("accounts or teams, separated by commas or line ends", _are_people)),
    _input("github-token", "", ("a token", str.isprintable)),
)
OUTPUTS: Final = ("verdict", "regressions", "decision-path", "comment-url", "baseline-url")


def plan(
    environ: Mapping[str, str], read_text: Callable[[str], str], *, may_measure: bool = True
) -> Plan:
    """What to run for these inputs and this event.

    ``read_text`` is given the path in GITHUB_EVENT_PATH. Without ``may_measure`` an event that is
    measured elsewhere has its finished folder published. Raises ConfigurationError that lists
    every wrong input, one for a damaged event, and one where measuring would be dangerous.
    """
    given = _given(environ)
    problems = _unknown(given) + _invalid(given) + _half_given(given)
    if problems:
        count = "1 input is" if len(problems) == 1 else f"{len(problems)} inputs are"
        raise ConfigurationError(
            f"{count} wrong:" + "".join(f"\n  - {problem}" for problem in problems),
            fix="Correct the step's `with:`; perfgate's docs/action.md lists them.",
        )
    value = {each.name: given.get(each.name) or each.default for each in INPUTS}
    event = read_event(environ, read_text)
    mode = mode_of(event)
    value["key"] = _key(value, event, environ)
    measures = _measures(value["command"], mode, may_measure=may_measure)
    proposes = measures and mode.proposes and value["update-baseline"] == "pr"
    remembers = measures and mode.remembers and value["history"]
    return Plan(
        working_directory=value["working-directory"],
        output_dir=value["output-dir"],
        why=mode.why,
        gate=_gate(value) if measures else None,
        explain=_explain(value) if measures and value["explain"] == "true" else None,
        tell=_tell(value, mode),
        propose=_propose(value) if proposes else None,
        remember=_remember(value) if remembers else None,
        token=value["github-token"],
    )


def _key(value: Mapping[str, str], event: Event, environ: Mapping[str, str]) -> str:
    """A part of the cases, measured again by hand, has a check of its own.

    Else the whole suite's would turn green on the cases that somebody chose.
    """
    by_hand = environ.get("GITHUB_EVENT_NAME") == "workflow_dispatch"
    if by_hand and event.pull_request is not None and value["cases"]:
        return f"{value['key']}-rerun" if value["key"] else "rerun"
    return value["key"]


def _measures(command: str, mode: Mode, *, may_measure: bool) -> bool:
    if command == "publish":
        return False
    if command == "gate" and not may_measure:
        raise ConfigurationError(
            "command: gate measures, and this door only publishes: its image has no torch",
            fix="Use the root action, or one of those for a device; docs/doors.md lists them.",
        )
    if mode.task == "refuse" or (command == "gate" and mode.task != "measure"):
        raise ConfigurationError(
            f"nothing may be measured on this event: {mode.why}",
            fix="Measure in a workflow on pull_request, push, merge_group or schedule, and leave "
            "the input command at auto.",
        )
    return may_measure and mode.task == "measure"


def _tell(value: Mapping[str, str], mode: Mode) -> tuple[str, ...] | None:
    suite = f"--suite={value['suite']}"
    if value["command"] == "auto" and mode.task == "publish-run":
        line = ("publish-run", suite, f"--output-dir={value['output-dir']}")
        return (*line, *_how_to_publish(value))
    if value["command"] == "auto" and mode.task == "answer":
        return ("answer", suite, *_strictly(value))
    if value["command"] == "auto" and mode.task == "nothing":
        return None
    return _publish(value)


def _gate(value: Mapping[str, str]) -> tuple[str, ...]:
    line = ["gate", f"--suite={value['suite']}", f"--output-dir={value['output-dir']}"]
    line += [f"--{name}={value[name]}" for name in ("base", "strategy") if value[name]]
    line += [f"--case={case}" for case in _listed(value["cases"])]
    line += [f"--{name}={value[name]}" for name in ("device", "lease-timeout")]
    return tuple(line)


def _explain(value: Mapping[str, str]) -> tuple[str, ...]:
    line = ["explain", f"--suite={value['suite']}", f"--output-dir={value['output-dir']}"]
    line += [f"--{name}={value[name]}" for name in ("device", "lease-timeout")]
    return tuple(line)


def _publish(value: Mapping[str, str]) -> tuple[str, ...]:
    line = ["publish", f"--suite={value['suite']}", *_how_to_publish(value)]
    line += [f"--key={value['key']}"] if value["key"] else []
    return (*line, "--", value["output-dir"])


def _how_to_publish(value: Mapping[str, str]) -> tuple[str, ...]:
    policy = _OLD_POLICIES.get(value["comment"], value["comment"])
    return (f"--comment={policy}", *_strictly(value))


def _strictly(value: Mapping[str, str]) -> tuple[str, ...]:
    return ("--strict-publish",) if value["strict-publish"] == "true" else ()


def _propose(value: Mapping[str, str]) -> tuple[str, ...]:
    line = ["baseline", "propose", f"--record={value['output-dir']}/record.json"]
    line += [f"--suite={value['suite']}"]
    line += [f"--case={case}" for case in _listed(value["cases"])]
    line += [f"--{name}={value[name]}" for name in ("reason", "issue", "expires") if value[name]]
    line += [f"--label={label}" for label in _listed(value["labels"])]
    line += [f"--reviewer={person}" for person in _listed(value["reviewers"])]
    return (*line, *_strictly(value))


def _remember(value: Mapping[str, str]) -> tuple[str, ...]:
    return (
        "history",
        "add",
        f"--to={value['history']}",
        "--",
        f"{value['output-dir']}/record.json",
    )


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(_PREFIX).lower(): value.strip()
        for name, value in environ.items()
        if name.startswith(_PREFIX) and value.strip()
    }


def _unknown(given: Mapping[str, str]) -> list[str]:
    names = [each.name for each in INPUTS]
    problems = []
    for name in sorted(given.keys() - set(names) - _OF_THE_RUNNER):
        close = difflib.get_close_matches(name.replace("_", "-"), names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        problems.append(f"{_shown(name)}: unknown; {hint}allowed: {', '.join(names)}")
    return problems


def _invalid(given: Mapping[str, str]) -> list[str]:
    return [
        # A token that is wrong is a secret all the same.
        f"{each.name}: {'***' if each.name == 'github-token' else _shown(given[each.name])}: "
        f"must be {each.allowed}"
        for each in INPUTS
        if each.name in given and not each.valid(given[each.name])
    ]


def _half_given(given: Mapping[str, str]) -> list[str]:
    """What is accepted for a time needs all three of these."""
    three = ("reason", "issue", "expires")
    missing = [name for name in three if name not in given]
    if given.keys().isdisjoint({"issue", "expires"}):
        return []
    return [f"{name}: missing; reason, issue and expires go together" for name in missing]


def _listed(value: str) -> list[str]:
    return [item.strip() for item in re.split(r"[,\n]", value) if item.strip()]


def _shown(value: str) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 1] + "…"
