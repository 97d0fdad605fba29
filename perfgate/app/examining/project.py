"""Looks at project, software and runner for ``perfgate doctor``, each as one row.

Reads through what is passed in: git, a child process, GitHub, the disk. Changes nothing.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfgate.app.measuring.trees import read_suite
from perfgate.errors import ConfigurationError, PerfgateError
from perfgate.github.event import LOCAL, Event
from perfgate.process import Finished
from perfgate.report.doctor import Check, State
from perfgate.sides.git import Git, open_repository
from perfgate.suite import Suite

_TORCH_TIMEOUT_S: Final = 120.0
_TORCH_ANSWER: Final = "perfgate-doctor-torch:"
# In a child: a broken extension of torch ends the process that imports it, or hangs it.
_TORCH_QUESTION: Final = f"""
import json, sys
from perfgate.errors import PerfgateError
from perfgate.profile.devices.loading import import_torch
from perfgate.profile.devices.opening import open_device
try:
    device = open_device(sys.argv[1])
    answer = {{"torch": str(import_torch().__version__), "device": device.torch_device,
              "name": device.name(), "count": device.count()}}
except PerfgateError as error:
    answer = {{"problem": error.problem, "fix": error.fix}}
print("{_TORCH_ANSWER}" + json.dumps(answer))
"""
_NOT_FOR_CHILDREN: Final = ("GITHUB_TOKEN", "GH_TOKEN")
_NOT_FOR_CHILDREN_PREFIXES: Final = ("INPUT_", "ACTIONS_")

_LEAST_FREE_BYTES: Final = 200 * 2**20
_ENOUGH_FREE_BYTES: Final = 5 * 2**30
"""An environment with torch, which ``setup:`` makes for each side, takes some 5 GiB."""


@dataclass(frozen=True, kw_only=True)
class TokenRights:
    """What GitHub's API tells of a token: its account's rights on the repository, and scopes.

    ``scopes`` is None for every token but a classic personal one.
    """

    rights: tuple[str, ...]
    scopes: str | None = None


def look_at_project(
    start: Path, suite_path: str, *, environ: Mapping[str, str]
) -> tuple[tuple[Check, Check], Suite | None]:
    """The rows about git and the suite, and the suite where it can be read."""
    try:
        git = open_repository(start, environ)
    except ConfigurationError as error:
        outside = "not a git repository" in error.problem
        state: State = "warning" if outside else "bad"
        fix = "Run in a clone: base and head are commits." if outside else error.fix
        row = _row("git", state, "not inside a git repository" if outside else error.problem, fix)
        return (row, _row("suite", "not applicable", "needs a git repository")), None
    suite_row, suite = _suite(git, suite_path)
    return (_git(git), suite_row), suite


def _git(git: Git) -> Check:
    head = git.commit_of("HEAD")
    if head is None:
        return _row("git", "bad", "no commit yet", "Commit what is to be measured.")
    remote = git.asks("remote", "get-url", "origin") is not None
    parents = git.parents(head)
    seen = f"commit {head[:12]}"
    if not parents:
        if remote:
            return _row("git", "ok", f"{seen}, without a parent; --base names what to compare with")
        fix = "Commit the change on top of its base, or compare the tree with itself: --base HEAD."
        return _row("git", "bad", f"{seen}, without a parent, and no remote origin", fix)
    if git.commit_of(parents[0]) is not None:
        return _row("git", "ok", f"{seen} and its parent are here")
    missing = f"{seen} of a shallow clone; its parent {parents[0][:12]} is not here"
    if remote:
        return _row("git", "ok", f"{missing} and is fetched from origin")
    fix = "Clone with more history (actions/checkout: fetch-depth: 2, or 0 for all)."
    return _row("git", "bad", f"{missing}, and there is no remote origin", fix)


def _suite(git: Git, path: str) -> tuple[Check, Suite | None]:
    try:
        suite = read_suite(git, path)
    except ConfigurationError as error:
        absent = not (git.root / path).exists()
        return _row("suite", "warning" if absent else "bad", error.problem, error.fix), None
    kinds = [case.backend for case in suite.cases]
    told = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    cases = "1 case" if len(kinds) == 1 else f"{len(kinds)} cases"
    return _row("suite", "ok", f"{path}: {cases} ({told})"), suite


def torch_check(
    device: str,
    suite: Suite | None,
    *,
    environ: Mapping[str, str],
    run: Callable[..., Finished],
    folder: Path,
    python: str = sys.executable,
) -> Check:
    """Whether a fresh process can import torch and open the device.

    Needed where the suite has builtin cases, which run in perfgate's own environment; every other
    case brings its own, so that there it is only told.
    """
    needed = suite is not None and any(case.backend == "builtin" for case in suite.cases)
    done = run(
        (python, "-P", "-c", _TORCH_QUESTION, device),
        cwd=folder,
        env=_for_children(environ),
        timeout_s=_TORCH_TIMEOUT_S,
    )
    answer = _torch_answer(done)
    if "problem" not in answer:
        counted = f", {answer['count']} visible" if answer["device"] != "cpu" else ""
        opened = f"{answer['device']} ({answer['name']}{counted})"
        return _row("torch", "ok", f"{answer['torch']} opens {opened}")
    if needed:
        return _row("torch", "bad", answer["problem"], answer["fix"])
    why = "no builtin case needs it" if suite else "builtin cases need it"
    return _row("torch", "warning", f"{answer['problem']} ({why} here)", answer["fix"])


def _torch_answer(done: Finished) -> dict[str, str]:
    for line in reversed(done.log_tail.splitlines()):
        if line.startswith(_TORCH_ANSWER):
            try:
                told = json.loads(line.removeprefix(_TORCH_ANSWER))
            except ValueError:
                break
            return {str(key): str(value) for key, value in told.items()}
    last = next((line.strip() for line in reversed(done.log_tail.splitlines()) if line.strip()), "")
    how = done.told(timeout_s=_TORCH_TIMEOUT_S)
    return {
        "problem": f"a process that imports torch {how}" + (f": {last[:200]}" if last else ""),
        "fix": "Run `python -c 'import torch'` in this environment, and mend what it says.",
    }


def _for_children(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name not in _NOT_FOR_CHILDREN and not name.startswith(_NOT_FOR_CHILDREN_PREFIXES)
    }


def token_check(event: Event, token: str, *, ask: Callable[[Event, str], TokenRights]) -> Check:
    """What the job's token may do, as far as GitHub tells without trying."""
    if event.name == LOCAL:
        return _row("token", "not applicable", "outside of GitHub Actions")
    if not token:
        fix = "Set GITHUB_TOKEN: ${{ github.token }} in the step's env, to have results commented."
        return _row("token", "warning", "none: the verdict stands in log and job summary", fix)
    if event.is_fork:
        fix = "Publish from a second workflow (perfgate's docs/forks.md)."
        return _row("token", "warning", "that of a fork's pull request, which is read-only", fix)
    try:
        told = ask(event, token)
    except PerfgateError as error:
        return _row("token", "warning", error.problem, error.fix)
    if told.scopes is not None and "repo" not in told.scopes.replace(",", " ").split():
        seen = f"a personal token with the scopes {told.scopes or 'none'}"
        return _row("token", "warning", seen, "Give it the scope repo, or use github.token.")
    rights = ", ".join(told.rights) or "none told"
    seen = f"reads {event.repository} (rights: {rights}); GitHub tells no more before a comment"
    return _row("token", "ok", f"{seen}, which needs pull-requests: write")


def disk_check(folders: Sequence[Path], *, usage: Callable[[Path], int] | None = None) -> Check:
    """Free bytes of the file systems that work trees, environments and results go to."""
    free_of = usage or (lambda folder: shutil.disk_usage(folder).free)
    free = {folder: free_of(_existing(folder)) for folder in folders}
    seen = ", ".join(f"{_size(count)} free in {where}" for where, count in free.items())
    least = min(free.values())
    if least >= _ENOUGH_FREE_BYTES:
        return _row("disk", "ok", seen)
    fix = "Make room: each side's work tree and environment go there (TMPDIR, --cache-dir)."
    return _row("disk", "bad" if least < _LEAST_FREE_BYTES else "warning", seen, fix)


def _size(count_bytes: int) -> str:
    if count_bytes < 2**30:
        return f"{count_bytes // 2**20} MiB"
    return f"{count_bytes / 2**30:.1f} GiB"


def _existing(folder: Path) -> Path:
    """The folder, or the nearest around it where it is not made yet."""
    return next((path for path in (folder, *folder.parents) if path.exists()), folder)


def _row(name: str, state: State, seen: str, fix: str = "") -> Check:
    return Check(name=name, state=state, seen=seen, fix=fix)
