"""What a gate compares: base and head, the cases that base's suite chooses, what base keeps.

Reads git and the suite; measures and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfgate.app.measuring.selection import Change, Selection, select
from perfgate.app.measuring.trees import head_tree, read_suite_text
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.github.event import LOCAL, Event
from perfgate.records import GatePolicy, Tree
from perfgate.sides.git import Git, open_repository
from perfgate.sides.resolve import Trigger, resolve_base
from perfgate.suite import Suite, parse_suite

_MAX_BASELINE_FILES = 2000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which comparison: ``suite`` is a path below the repository that holds ``start``.

    ``base`` and ``strategy`` override what event and suite say. ``usual_base`` is base where
    neither does: what it was when this comparison began.
    """

    start: Path
    suite: str
    base: str | None = None
    strategy: str | None = None
    only: tuple[str, ...] = ()
    usual_base: str | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both trees with their suites, and the selected cases with the policy that judges them.

    ``base_suite`` is None where the base commit has no suite.
    """

    git: Git
    base: Tree
    head: Tree
    base_suite: Suite | None
    head_suite: Suite
    selection: Selection
    policy: GatePolicy


def find_comparison(asked: Asked, *, environ: Mapping[str, str], event: Event) -> Comparison:
    """What is asked for, on what ``event`` is about. Raises ConfigurationError."""
    git = open_repository(asked.start, environ)
    base, head = _trees(git, asked, event)
    base_suite, head_suite = _suites(git, asked.suite, base.commit)
    selection = _select(git, base_suite, head_suite, asked=asked, event=event, base=base)
    for note in _same_commit(base, head):
        selection = selection.noting(note)
    return Comparison(
        git=git,
        base=base,
        head=head,
        base_suite=base_suite,
        head_suite=head_suite,
        selection=selection,
        policy=policy_with(selection.policy, asked.strategy),
    )


def files_of(git: Git, commit: str, selection: Selection, hardware_key: str) -> dict[str, str]:
    """What the commit keeps of this hardware: texts by path."""
    if selection.state_folder is None:
        return {}
    folder = f"{selection.state_folder.rstrip('/')}/{hardware_key}"
    paths = git.files_below(commit, folder)[:_MAX_BASELINE_FILES]
    return git.texts_at(commit, paths)


def policy_with(policy: GatePolicy, strategy: str | None) -> GatePolicy:
    """The policy with another strategy, where one is given."""
    if strategy is None:
        return policy
    return GatePolicy.model_validate({**policy.model_dump(), "strategy": strategy})


def _trees(git: Git, asked: Asked, event: Event) -> tuple[Tree, Tree]:
    trigger = Trigger(
        name=event.name,
        head_sha=event.head_sha,
        base_sha=event.base_sha,
        base_ref=event.base_ref,
    )
    named = asked.base
    if named is None and event.name == LOCAL:
        named = asked.usual_base
    commit, found_by = resolve_base(git, trigger, base=named)
    return Tree(commit=commit, ref=found_by), head_tree(git)


def _same_commit(base: Tree, head: Tree) -> tuple[str, ...]:
    if base.commit != head.commit:
        return ()
    if head.dirty:
        return ("base is the commit that head's working tree stands on",)
    return ("base and head are the same commit: this compares a tree with itself",)


def _suites(git: Git, path: str, base_commit: str) -> tuple[Suite | None, Suite]:
    text, at_base = read_suite_text(git, path), git.file_at(base_commit, path)
    head = parse_suite(text, source=path)
    if at_base is None:
        return None, head
    if at_base == text:  # a suite of a thousand cases takes a second to read
        return head, head
    return parse_suite(at_base, source=f"{path} at base {base_commit[:12]}"), head


def _select(
    git: Git,
    base_suite: Suite | None,
    head_suite: Suite,
    *,
    asked: Asked,
    event: Event,
    base: Tree,
) -> Selection:
    changed = git.changed_paths(base.commit)
    change = Change(event=event.name, labels=event.labels, paths=changed)
    selection = select(base_suite, head_suite, change=change, only=asked.only)
    touched = sorted(
        path for path in changed if selection.keeps(path) and not path.endswith(f"/{ACCEPTED}")
    )
    if not touched:
        return selection
    more = f" and {len(touched) - 1} more" if len(touched) > 1 else ""
    return selection.noting(
        f"this pull request changes baselines ({touched[0]}{more}), without effect here"
    )
