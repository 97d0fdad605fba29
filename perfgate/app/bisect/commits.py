"""Which commits a search looks at, asked of git; measures nothing."""

from __future__ import annotations

from perfgate.errors import ConfigurationError
from perfgate.records.bisected import MAX_SUBJECT_CHARS, MOST_COMMITS, Commit
from perfgate.sides.git import Git

_FIELD = "\x1f"


def commits_between(git: Git, good: str, bad: str) -> tuple[Commit, ...]:
    """The commit ``good``, then every first parent on the way to ``bad``, the oldest first.

    A merged branch is the one commit that merged it. Raises ConfigurationError where a name is
    unknown, or the first is no ancestor of the second.
    """
    first, last = _known(git, good), _known(git, bad)
    if first == last:
        raise ConfigurationError(
            f"{good} and {bad} are the same commit {first[:10]}",
            fix="Name the last commit known to be fast, then one known to be slow.",
        )
    if git.asks("merge-base", "--is-ancestor", first, last) is None:
        raise ConfigurationError(
            f"{good} is no ancestor of {bad}: no commit lies between them{_shallow(git)}",
            fix=f"Name a commit before {bad}; `git merge-base {good} {bad}` finds the last one "
            "that both have.",
        )
    listed = git("log", "--first-parent", "--reverse", f"--format=%H{_FIELD}%s", f"{first}..{last}")
    commits = [_commit(line) for line in listed.split("\n") if line]
    if len(commits) >= MOST_COMMITS:
        raise ConfigurationError(
            f"{len(commits):,} commits lie between {good} and {bad}, more than {MOST_COMMITS:,}",
            fix="Name a later commit that is known to be fast.",
        )
    start = _commit(git("log", "-1", f"--format=%H{_FIELD}%s", first).rstrip("\n"))
    return (start, *commits)


def _known(git: Git, ref: str) -> str:
    commit = git.commit_of(ref)
    if commit is None:
        raise ConfigurationError(
            f"no commit here is called {ref}{_shallow(git)}",
            fix="Name a branch, a tag or a commit of this clone; `git log --oneline` lists some.",
        )
    return commit


def _shallow(git: Git) -> str:
    fix = "; this clone is shallow, and `git fetch --unshallow` brings the rest"
    return fix if git.is_shallow() else ""


def _commit(line: str) -> Commit:
    commit, _, subject = line.partition(_FIELD)
    return Commit(id=commit, subject=subject[:MAX_SUBJECT_CHARS])
