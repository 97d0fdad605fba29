"""What takes too long is ended with its name; what ends in time is left alone."""

from __future__ import annotations

import threading

import pytest

from perfgate.records.results import FailureKind
from perfgate.workloads.pipelines import failing
from perfgate.workloads.pipelines.patience import Patience


def test_patience__too_long_is_told_with_the_key_to_change():
    told, ended = [], threading.Event()

    def end(failure):
        told.append(failure)
        ended.set()

    with Patience(end).at_most(0.001, busy="loading wan", key="load"):
        assert ended.wait(timeout=60)
    (failure,) = told
    assert failure.kind == "timed out"
    assert failure.text == "loading wan took longer than timeout.load of 0.001 s"


def test_patience__in_time_nothing_is_told():
    told = []
    patience = Patience(told.append)
    for _ in range(50):
        with patience.at_most(3600, busy="loading", key="load"):
            pass
    assert told == []
    assert not [one for one in threading.enumerate() if isinstance(one, threading.Timer)]


def test_patience__an_error_is_as_good_an_end():
    told = []

    def dies():
        with Patience(told.append).at_most(3600, busy="loading", key="load"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        dies()
    assert told == []


def test_kinds__are_those_that_perfgate_knows():
    names = ("MISSING", "MEMORY", "NOT_COMPILED", "TIMEOUT", "REFUSED", "CRASHED", "UNFIT", "OTHER")
    assert {getattr(failing, name) for name in names} <= {kind.value for kind in FailureKind}


def test_failure__is_one_line_of_bounded_length():
    failure = failing.LaunchError(failing.CRASHED, "a\n  b" + "x" * 5000)
    assert failure.text.startswith("a bxxx")
    assert len(failure.text) == 1000
    assert failing.LaunchError(failing.CRASHED, MemoryError()).text == "MemoryError"
