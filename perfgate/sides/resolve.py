"""Which commit is base, by event. Asks git for facts, changes nothing but fetched objects."""

from __future__ import annotations

from dataclasses import dataclass

from perfgate.errors import ConfigurationError
from perfgate.sides.git import Git

_FIRST_PARENT_EVENTS = frozenset({"push", "schedule", "workflow_dispatch"})


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What the event says about the comparison; ``name`` is ``local`` outside GitHub Actions.

    A pull request without ``base_sha`` was asked for by hand: ``head_sha`` and ``base_ref`` say it.
    """

    name: str
    head_sha: str | None = None
    base_sha: str | None = None
    base_ref: str | None = None


def resolve_base(git: Git, trigger: Trigger, *, base: str | None) -> tuple[str, str]:
    """Commit id of base and the words for how it was found.

    ``--base`` wins; otherwise pull_request: first parent of the checked-out merge commit, or the
    merge base when the head commit itself is checked out, which it has to be where a run was asked
    for by hand; merge_group: its base; push and the rest: the first parent; on a laptop: the merge
    base with the upstream.
    """
    head = git("rev-parse", "HEAD").strip()
    if base is not None:
        return _named(git, base), base
    if trigger.name == "pull_request":
        return _of_pull_request(git, trigger, head=head)
    if trigger.name == "merge_group" and trigger.base_sha:
        return _present(git, trigger.base_sha), "the merge group's base"
    if trigger.name == "local":
        return _of_laptop(git)
    if trigger.name in _FIRST_PARENT_EVENTS:
        return _first_parent(git, head), "the first parent"
    raise ConfigurationError(
        f"the event {trigger.name} does not say what to compare with",
        fix="Give --base REF (input base).",
    )


def _named(git: Git, ref: str) -> str:
    commit = git.commit_of(ref) or _deepened(git, ref)
    if commit is None:
        raise ConfigurationError(
            f"the base {ref} does not exist in this repository",
            fix="Name a branch, tag or commit that is here; `git branch --all` lists branches.",
        )
    return commit


def _deepened(git: Git, ref: str) -> str | None:
    """Find a ref that a shallow clone or a single-branch clone does not hold yet."""
    if ref in ("HEAD~1", "HEAD~", "HEAD^", "HEAD^1"):
        parents = git.parents("HEAD")
        return _present(git, parents[0]) if parents else None
    if git.asks("remote", "get-url", "origin") is None:
        return None
    for wanted in (ref, ref.removeprefix("origin/")):
        fetched = git.asks("fetch", "--no-tags", "--quiet", "--depth=1", "origin", "--", wanted)
        if fetched is not None:
            return git.commit_of("FETCH_HEAD")
    return None


def _of_pull_request(git: Git, trigger: Trigger, *, head: str) -> tuple[str, str]:
    if trigger.base_sha is None and trigger.base_ref is not None:
        return _asked_for(git, trigger, head=head, base_ref=trigger.base_ref)
    if head != trigger.head_sha and len(git.parents(head)) > 1:
        return _first_parent(git, head), "the first parent of the merge commit"
    target = trigger.base_sha
    if target is None:
        raise ConfigurationError(
            "the pull request event names no base commit", fix="Give --base REF (input base)."
        )
    return _merge_base(git, _present(git, target), head), "the merge base"


def _asked_for(git: Git, trigger: Trigger, *, head: str, base_ref: str) -> tuple[str, str]:
    """The base of exactly the commit that was asked for: no other may pass for the pull request."""
    if head != trigger.head_sha:
        raise ConfigurationError(
            f"this job checked out {head[:12]}, but {str(trigger.head_sha)[:12]} is to be measured",
            fix="Give actions/checkout `ref: ${{ inputs.head }}` (perfgate's docs/commands.md).",
        )
    target = git.commit_of(f"refs/remotes/origin/{base_ref}") or _deepened(git, base_ref)
    if target is None:
        raise ConfigurationError(
            f"the branch {base_ref}, which the pull request goes to, is not in this clone",
            fix="Give actions/checkout `fetch-depth: 0`.",
        )
    return _merge_base(git, target, head), f"the merge base with {base_ref}"


def _merge_base(git: Git, target: str, head: str) -> str:
    found = git.asks("merge-base", target, head)
    if found is None and git.is_shallow():
        git.fetch("--unshallow", "origin")
        found = git.asks("merge-base", target, head)
    if found is None:
        raise ConfigurationError(
            f"the checked-out commit {head[:12]} shares no history with the base {target[:12]}",
            fix="Check out the pull request's merge commit (the default of actions/checkout).",
        )
    return found


def _of_laptop(git: Git) -> tuple[str, str]:
    upstream = git.asks("rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")
    found = git.asks("merge-base", "HEAD", upstream) if upstream else None
    if found is None:
        raise ConfigurationError(
            "this branch has no upstream to compare with",
            fix="Give --base REF, for example --base main or --base HEAD~1.",
        )
    return found, f"the merge base with {upstream}"


def _first_parent(git: Git, commit: str) -> str:
    parents = git.parents(commit)
    if not parents:
        raise ConfigurationError(
            f"the commit {commit[:12]} has no parent to compare with",
            fix="Give --base REF; --base HEAD compares the tree with itself.",
        )
    return _present(git, parents[0])


def _present(git: Git, commit: str) -> str:
    """The commit, fetched alone when this clone is too shallow to hold it."""
    if git.commit_of(commit) is None:
        git.fetch("--depth=1", "origin", commit)
    return commit
