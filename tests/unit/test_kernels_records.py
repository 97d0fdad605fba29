"""The documents of kernel benchmarks: what they refuse, and when a run has failed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from perfgate.records.kernels import CallTimes, KernelResults, KernelTable, VariantTimes
from tests.timed_kernels import a_table, results_of

SIX = (10.0,) * 6


def test_documents__survive_being_written():
    results = results_of(a_table(fast=SIX, wrong="hazard", gone="not available: no triton"))
    assert KernelResults.model_validate_json(results.model_dump_json()) == results


@pytest.mark.parametrize("state", ["hazard", "failed", "not available", "out of memory"])
def test_row__that_was_not_timed_has_no_times(state):
    times = CallTimes(method="events", calls=1, samples_us=SIX)
    with pytest.raises(ValidationError, match=state):
        VariantTimes(name="a", state=state, times=times)


def test_row__that_was_timed_has_them():
    with pytest.raises(ValidationError):
        VariantTimes(name="a", state="timed")


def test_table__its_rows_took_part_in_the_same_rounds():
    with pytest.raises(ValidationError, match="different rounds"):
        a_table(fast=(10.0,) * 7)


@pytest.mark.parametrize("sample", [0.0, -1.0, float("nan"), float("inf")])
def test_samples__take_some_time(sample):
    with pytest.raises(ValidationError):
        CallTimes(method="events", calls=1, samples_us=(1.0, sample))


@pytest.mark.parametrize(
    ("tables", "failed"),
    [
        ([a_table(fast=SIX)], False),
        ([a_table(fast=SIX, gone="not available: no triton")], False),
        ([a_table(fast=SIX, huge="out of memory: asked for 3 TiB")], False),
        ([a_table(fast=SIX, wrong="hazard")], True),
        ([a_table(fast=SIX, broken="failed: TypeError")], True),
        ([a_table("failed: TypeError", fast=SIX)], True),
        ([a_table(gone="not available: no triton")], True),
        ([a_table()], False),
        ([], True),
    ],
    ids=[
        *("timed", "one is missing", "one is too large", "one is wrong", "one is broken"),
        *("the reference is broken", "the reference alone", "asked for alone", "nothing at all"),
    ],
)
def test_failed__what_is_missing_is_no_failure_but_nothing_timed_is(tables, failed):
    assert results_of(*tables).failed is failed


def skipped(**why):
    return KernelTable(kernel="conv", shape="B1", cache="warm", **why)


def test_failed__a_shape_that_does_not_fit_leaves_the_others():
    assert not results_of(a_table(fast=SIX), skipped(skipped="does not fit: 3 TiB")).failed
    assert results_of(skipped(skipped="does not fit: 3 TiB")).failed


def test_failed__a_process_that_died_or_a_file_that_could_not_be_read():
    assert results_of(a_table(fast=SIX), skipped(failure="its process was killed")).failed
    assert results_of(a_table(fast=SIX), problems=("mine.py does not import",)).failed


def test_unfit__only_where_nothing_was_measured_on_a_fit_device():
    throttled = a_table(fast=SIX).model_copy(update={"unfit": ("throttled: by heat",)})
    assert results_of(throttled).all_unfit
    assert not results_of(throttled, a_table(fast=SIX)).all_unfit
    assert not results_of().all_unfit
