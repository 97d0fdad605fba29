"""What stands on a proposal's branch: perfgate's own offers, and what somebody else put there.

Only reads. Nothing here is believed: an offer whose file somebody touched is told as a conflict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perfgate.baselines.ask import MOST_ASKS, Ask
from perfgate.baselines.proposal import Offer, read_asks, read_offers
from perfgate.errors import PublishError
from perfgate.github.branches import BranchApi, PullRequest

_MOST_COMMITS = 30
"""How many of somebody else's commits on top are looked through for perfgate's own last one."""


def branch_of(base: str, hardware_key: str) -> str:
    """The branch with what is proposed for one kind of machine."""
    return f"perfgate/baselines/{base}/{hardware_key}"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The branch as it is. ``merge_base`` is where it left the base branch.

    ``files`` is what it holds besides: a blob for each path, None for what it removes; ``theirs``
    are those of them that somebody else changed. A branch whose pull request was merged or closed
    is ``over``: it holds nothing that is still offered. ``asks`` are open requests, the oldest
    first; whoever closes the pull request without merging it takes them back.
    """

    tip: str | None = None
    merge_base: str | None = None
    pull: PullRequest | None = None
    offers: Mapping[str, Offer] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    theirs: frozenset[str] = frozenset()
    asks: tuple[Ask, ...] = ()
    over: bool = False


def read_standing(api: BranchApi, *, branch: str, base: str, base_commit: str) -> Standing:
    """The branch against ``base_commit``, the newest commit of the branch ``base``.

    Raises GitHubError, and PublishError where the branch is too large to be perfgate's.
    """
    tip = api.tip(branch)
    pulls = api.pull_requests(head=branch, base=base)
    pull = next((one for one in pulls if one.is_open), None)
    if tip is None:
        return Standing(pull=pull)
    held = api.compare(base_commit, tip)
    own, offers, asks = _own(api, tip, stop=held.merge_base)
    ended = next((one for one in pulls if one.head_sha == tip), None)
    if pull is None and ended is not None:
        left = asks if ended.merged else ()
        return Standing(tip=tip, merge_base=held.merge_base, asks=left, over=True)
    ours = held if own == tip else api.compare(base_commit, own) if own else None
    if not held.whole or (ours is not None and not ours.whole):
        raise PublishError(
            f"the branch {branch} differs from {base} in more files than GitHub lists",
            fix=f"Delete the branch {branch}: the next run makes it anew.",
        )
    own_files = ours.files if ours is not None else {}
    theirs = {
        path
        for path in (*held.files, *own_files)
        if path not in held.files or path not in own_files or held.files[path] != own_files[path]
    }
    return Standing(
        tip=tip,
        merge_base=held.merge_base,
        pull=pull,
        offers={one.change.case: one for one in offers},
        files=held.files,
        theirs=frozenset(theirs),
        # What stands at the base branch's own commit was merged, and is nobody's request any more.
        asks=asks if tip != held.merge_base else (),
    )


def _own(
    api: BranchApi, tip: str, *, stop: str
) -> tuple[str | None, tuple[Offer, ...], tuple[Ask, ...]]:
    """perfgate's last commit on the branch, its offers, and what was asked for there and since.

    None where there is none near. Nothing is looked for in the base branch's own commits, from
    ``stop`` on, where what was merged earlier may stand; unless that is the tip itself, as after a
    merge.
    """
    sha: str | None = tip
    asked: list[Ask] = []
    others = 0
    for _ in range(_MOST_COMMITS + MOST_ASKS):
        commit = api.commit(sha) if sha is not None else None
        if commit is None or others == _MOST_COMMITS or (sha == stop and sha != tip):
            break
        offers = read_offers(commit.message)
        here = read_asks(commit.message)
        asked += reversed(here)
        if offers is not None:
            return commit.sha, offers, _each_once(asked)
        others += not here
        sha = commit.parents[0] if commit.parents else None
    return None, (), _each_once(asked)


def _each_once(newest_first: Sequence[Ask]) -> tuple[Ask, ...]:
    """Oldest first; of the same ask the first one, and not without end."""
    found = {one.key: one for one in newest_first}
    return tuple(reversed(found.values()))[-MOST_ASKS:]
