"""The comment of a suite on a pull request: one, or one a job where jobs of a run share a suite.

Works on the Protocol of perfgate.github.comments; what a body says about itself is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from perfgate.github.comments import Comment, CommentApi
from perfgate.github.keys import Job, candidates, key_for
from perfgate.github.problems import GitHubError


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What a comment says about itself; ``job`` is None where that is not known."""

    key: str
    job: Job | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a job has to say on a pull request.

    key      the one that was asked for, empty for none
    wanted   whether it is worth a comment; one that stands is brought up to date in any case
    signed   whose comment a body is, None for one that is not the suite's
    render   the body for a key and the body so far (None: there is none)
    """

    pull_request: int
    job: Job
    key: str
    wanted: bool
    signed: Callable[[str], Signature | None]
    render: Callable[[str, str | None], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where to write; ``surplus`` are comments of ours that say what another says better."""

    key: str
    known: Comment | None
    surplus: tuple[Comment, ...]


def put(api: CommentApi, result: Result) -> tuple[Comment, str] | None:
    """Write the comment and return it with its key; None where none stands and none is wanted.

    Safe to repeat after a lost answer, and beside other jobs that do the same: no job's comment is
    overwritten by another of its run, and in the end there is one of each.
    """
    place = _place(api, result)
    if place.known is None and not result.wanted:
        return None
    written = _write(api, result, place)
    if place.known is None:
        # Jobs that all found none make one each at once: who sees an earlier one then moves.
        place = _place(api, result)
        written = _write(api, result, place) if place.known else written
    for comment in place.surplus:
        api.delete(result.pull_request, comment)
    return written, place.key


def _place(api: CommentApi, result: Result) -> _Place:
    ours = list(_ours(api, result))
    first: dict[str, tuple[Comment, Signature]] = {}
    for one in ours:
        first.setdefault(one[1].key, one)
    job = result.job
    key = key_for(job, {each: found.job for each, (_, found) in first.items()}, key=result.key)
    later = [(comment, found) for comment, found in ours if first[found.key][0] is not comment]
    known_keys = candidates(job, result.key)
    mine = [one for one, found in later if job.is_again(found.job) and found.key in known_keys]
    stale = [one for one, found in later if found.key == key and not job.competes(found.job)]
    known = first[key][0] if key in first else next(iter(mine), None)
    surplus = {one.id: one for one in (*mine, *stale) if one is not known}
    return _Place(key=key, known=known, surplus=tuple(surplus.values()))


def _ours(api: CommentApi, result: Result) -> Iterator[tuple[Comment, Signature]]:
    """The suite's comments that our own account wrote, oldest first.

    Both are needed: anybody can copy a marker, and other tools write with the same account.
    """
    author = api.login()
    for comment in api.comments(result.pull_request):
        found = result.signed(comment.body) if comment.author == author else None
        if found is not None:
            yield comment, found


def _write(api: CommentApi, result: Result, place: _Place) -> Comment:
    known = place.known
    if known is not None:
        body = result.render(place.key, known.body)
        try:
            return known if known.body == body else api.edit(result.pull_request, known, body)
        except GitHubError as error:
            if error.status != 404:  # somebody deleted it since it was found
                raise
    return api.create(result.pull_request, result.render(place.key, None))
