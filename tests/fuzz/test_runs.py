"""Which pull request a run was for, and which artifacts count: none that only looks like it."""

from __future__ import annotations

from hypothesis import strategies as st

from perfgate.github.event import FinishedRun
from perfgate.github.runs import (
    MAX_ARCHIVE_BYTES,
    MAX_ARTIFACTS,
    PREFIX,
    Artifact,
    ProposedChange,
    chosen,
    pull_request_of,
    queue_base,
)
from tests.fuzz.counted import fuzz
from tests.fuzz.hostile import TEXT

SHA = st.sampled_from(["a" * 40, "b" * 40])
REPOSITORY = st.sampled_from(["mallory/bench", "Mallory/Bench", "octo/bench", "mallory/other", ""])
BRANCH = st.sampled_from(["feature", "main", "gh-readonly-queue/main/pr-7-abc"]) | TEXT
RUN = st.builds(
    FinishedRun,
    id=st.integers(1, 9),
    attempt=st.integers(1, 3),
    event=st.sampled_from(["pull_request", "merge_group"]),
    conclusion=st.sampled_from([None, "success", "failure"]),
    head_sha=SHA,
    head_branch=BRANCH,
    head_owner=st.sampled_from(["mallory", "octo", ""]),
    head_repository=REPOSITORY,
)
CHANGE = st.builds(
    ProposedChange,
    number=st.integers(1, 9),
    is_open=st.booleans(),
    head_sha=SHA,
    head_ref=BRANCH,
    head_repository=REPOSITORY,
    base_ref=BRANCH,
    base_sha=SHA,
    labels=st.just(()),
)
ARTIFACT = st.builds(
    Artifact,
    id=st.integers(1, 99),
    name=st.sampled_from(["perfgate", "perfgate-tiny", "other"]) | TEXT,
    size_bytes=st.integers(0, 2 * MAX_ARCHIVE_BYTES),
    expired=st.booleans(),
)


@fuzz(RUN, st.lists(CHANGE, max_size=4))
def test_pull_request__one_alone_whose_last_commit_was_measured(run, changes):
    found, why = pull_request_of(run, changes)
    alike = [
        one
        for one in changes
        if one.is_open
        and one.head_sha == run.head_sha
        and one.head_ref == run.head_branch
        and one.head_repository.lower() == run.head_repository.lower()
    ]
    assert (found is None) == (len(alike) != 1)
    assert found is None or found is alike[0]
    assert bool(why) == (found is None)
    assert "\n" not in why


@fuzz(RUN)
def test_merge_group__only_of_a_branch_that_github_made_here(run):
    base = queue_base(run, "octo/bench")
    assert base is None or run.head_repository.lower() == "octo/bench"
    assert base is None or run.head_branch.startswith(f"gh-readonly-queue/{base}/pr-")


@fuzz(st.lists(ARTIFACT, max_size=30))
def test_artifacts__few_of_the_right_name_and_size(found):
    kept, notes = chosen(found)
    assert len(kept) <= MAX_ARTIFACTS
    assert len({one.name for one in kept}) == len(kept)
    for one in kept:
        assert one.name.startswith(PREFIX)
        assert one.size_bytes <= MAX_ARCHIVE_BYTES
        assert not one.expired
        assert one.id == max(other.id for other in found if other.name == one.name)
    assert not [note for note in notes if "\n" in note]
