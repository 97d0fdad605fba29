"""Jobs of one run never share a key, and each finds its own again in the next run."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.github.keys import Job, key_for


def a_job(hardware="h100", cases="c1", run="77/1"):
    return Job(run=run, hardware=hardware, cases=cases)


def write(standing, job, *, key=""):
    """The job writes: what stands under its key is its own from now on."""
    chosen = key_for(job, standing, key=key)
    standing[chosen] = job
    return chosen


@pytest.mark.parametrize("key", ["", "nightly"])
def test_alone__the_key_that_was_asked_for(key):
    assert key_for(a_job(), {}, key=key) == key


def test_written_by_nobody_who_is_known():
    assert key_for(a_job(), {"": None}) == ""


def test_next_run_and_next_attempt__the_same_place():
    for earlier in ("76/1", "77/1"):
        standing = {"": a_job(run=earlier, cases="before a case was added")}
        assert key_for(a_job(run="77/2"), standing) == ""


def test_other_hardware():
    assert key_for(a_job("a100"), {"": a_job("h100")}) == "a100"
    assert key_for(a_job("a100"), {"nightly": a_job("h100")}, key="nightly") == "nightly-a100"


def test_other_cases_of_the_same_hardware():
    assert key_for(a_job(cases="c2"), {"": a_job(cases="c1")}) == "h100-c2"


def test_the_key_of_its_hardware_is_taken_too():
    standing = {"": a_job("a100"), "h100": a_job("h100", "c1")}
    assert key_for(a_job("h100", "c2"), standing) == "h100-c2"


def test_outside_of_a_run__nobody_competes():
    assert key_for(a_job("a100", run=""), {"": a_job("h100", run="")}) == ""


def test_again_in_the_same_run__its_own_place():
    standing = {"": a_job("h100"), "a100": a_job("a100")}
    assert key_for(a_job("a100"), standing) == "a100"
    assert key_for(a_job("h100"), standing) == ""


def test_matrix__every_job_has_its_place_in_any_order_and_keeps_it():
    jobs = [("h100", "c1"), ("h100", "c2"), ("a100", "c1"), ("npu", "c3")]
    for order in permutations(jobs):
        standing = {}
        first = {job: write(standing, a_job(*job)) for job in order}
        assert len(set(first.values())) == len(jobs)
        for again in (jobs, jobs[::-1]):
            assert {job: write(standing, a_job(*job, run="78/1")) for job in again} == first


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), unique=True),
    st.dictionaries(
        st.sampled_from(["", "a", "b", "a-x", "b-y"]),
        st.builds(Job, run=st.just("76/1"), hardware=st.sampled_from("ab"), cases=st.just("x")),
    ),
)
def test_any_jobs__none_overwrites_another_of_its_run(jobs, standing):
    for hardware, cases in jobs:
        write(standing, a_job(hardware, cases))
    assert {(one.hardware, one.cases) for one in standing.values() if one.run == "77/1"} == {*jobs}
