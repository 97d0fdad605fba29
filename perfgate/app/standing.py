"""What stands on a proposal's branch: perfgate's own offers, and what somebody else put there.

Only reads. Nothing here is believed: an offer whose file somebody touched is told as a conflict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perfgate.baselines.proposal import Offer, read_offers
from perfgate.errors import PublishError
from perfgate.github.branches import BranchApi, PullRequest

_MOST_COMMITS = 30
"""How many of somebody else's commits on top are looked through for perfgate's own last one."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The branch as it is. ``merge_base`` is where it left the base branch.

    ``files`` is what it holds besides: a blob for each path, None for what it removes; ``theirs``
    are those of them that somebody else changed. A branch whose pull request was merged or closed
    holds nothing that is still offered.
    """

    tip: str | None = None
    merge_base: str | None = None
    pull: PullRequest | None = None
    offers: Mapping[str, Offer] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    theirs: frozenset[str] = frozenset()


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
    if pull is None and any(one.head_sha == tip for one in pulls):
        return Standing(tip=tip, merge_base=held.merge_base)
    own, offers = _own(api, tip)
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
    )


def _own(api: BranchApi, tip: str) -> tuple[str | None, tuple[Offer, ...]]:
    """perfgate's last commit on the branch and its offers; None where there is none near."""
    sha: str | None = tip
    for _ in range(_MOST_COMMITS):
        commit = api.commit(sha) if sha is not None else None
        if commit is None:
            break
        offers = read_offers(commit.message)
        if offers is not None:
            return commit.sha, offers
        sha = commit.parents[0] if commit.parents else None
    return None, ()
