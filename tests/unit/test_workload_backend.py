"""How the builtin backend starts its child: unchanged on the CPU, for the sake of older bases."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perfgate.backends.backend import SideContext
from perfgate.backends.builtin import BuiltinBackend
from perfgate.errors import ConfigurationError
from perfgate.suite import Case

ROOT = Path(__file__).parents[2]
SIDE = SideContext(path=ROOT, python=Path(sys.executable), env={"PATH": "/usr/bin"})


def a_case(preset="wan-tiny", **keys):
    return Case(id="a", backend="builtin", preset=preset, **keys)


def options(case, side=SIDE):
    command = BuiltinBackend().invocation(case, side, report=Path("/tmp/report.json")).command
    return command[command.index("--preset") :]


def test_command__on_the_cpu_is_what_every_commit_of_perfgate_understands():
    assert options(a_case(params={"steps": 2})) == (
        *("--preset", "wan-tiny", "--params", '{"steps": 2}', "--requests", "2"),
        *("--threads", "1", "--report", "/tmp/report.json"),
    )


def test_command__names_the_leased_device_first_of_its_kind():
    assert options(a_case(), replace(SIDE, device="npu"))[-2:] == ("--device", "npu")


def test_check__tells_a_wrong_execution_before_any_launch():
    wrong = a_case(params={"attention": "flesh", "graph": True})
    with pytest.raises(ConfigurationError) as caught:
        BuiltinBackend().check(wrong)
    assert "did you mean flash?" in str(caught.value)
    assert "graph: unknown param, did you mean graphs?" in str(caught.value)


def test_check__more_than_one_device():
    with pytest.raises(ConfigurationError, match="builtin runs on one device, and devices is 2"):
        BuiltinBackend().check(a_case(devices=2))


def test_expected_launch__grows_with_the_request_and_is_unknown_for_device_presets():
    expected_s = BuiltinBackend().expected_launch_s
    usual_s = expected_s(a_case())
    assert expected_s(a_case(params={"steps": 8})) == usual_s
    assert expected_s(a_case(params={"steps": 16})) > 1.5 * usual_s
    assert expected_s(a_case(params={"compile": True})) is None
    assert expected_s(a_case("wan-1.3b")) is None


def test_workload_hash__of_a_case_that_names_no_execution_is_what_it_always_was():
    assert a_case().workload() == {
        "backend": "builtin",
        "preset": "wan-tiny",
        "devices": 1,
        "requests": 2,
    }
    assert a_case(params={"compile": True}).workload_hash() != a_case().workload_hash()
