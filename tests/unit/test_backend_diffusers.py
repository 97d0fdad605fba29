"""The process that backend diffusers starts, and what it refuses beforehand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perfgate.backends.backend import CannotServeError, SideContext
from perfgate.backends.diffusers import DiffusersBackend
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError
from perfgate.suite import Case
from perfgate.workloads.pipelines.options import Options, parse_options
from perfgate.workloads.pipelines.spec import Limits, Spec

BACKEND = DiffusersBackend()
SIDE = SideContext(path=Path("/tree"), python=Path(sys.executable), env={"A": "1"}, device="cuda")


def a_case(**more):
    request = {"prompt": "a cat", "steps": 4}
    told = {"model": "org/wan", "task": "text-to-video", "request": request}
    return Case.model_validate({"id": "wan", "backend": "diffusers", **told, **more})


def told(case):
    *command, spec = BACKEND.invocation(case, SIDE, report=Path("/scratch/r.json")).command
    return command, Spec.from_json(spec)


def test_registry__has_it():
    assert isinstance(BACKENDS["diffusers"], DiffusersBackend)


def test_invocation__the_sides_interpreter_runs_perfgates_own_starter():
    command, spec = told(
        a_case(
            serve={"compile": True, "args": "--dtype bfloat16 --dtype vae=float32 --offload model"},
            timeout={"load": "2m", "download": "1h", "compile": "3m", "request": "10s"},
        )
    )
    assert command[:2] == [sys.executable, "-P"]
    assert Path(command[2]).parts[-3:] == ("workloads", "pipelines", "start.py")
    assert spec == Spec(
        case="wan",
        model="org/wan",
        request={"prompt": "a cat", "steps": 4, "seed": 42, "extra": {}},
        requests=2,
        compile=True,
        options=Options(dtypes={"default": "bfloat16", "vae": "float32"}, offload="model"),
        device="cuda",
        limits=Limits(download_s=3600, load_s=120, compile_s=180, request_s=10),
        report=Path("/scratch/r.json"),
    )


def test_invocation__the_environment_of_case_and_framework():
    case = a_case(
        threads=3,
        env={"HF_HUB_OFFLINE": 1, "B": "of the case"},
        serve={"env": {"B": "of the framework"}},
    )
    env = BACKEND.invocation(case, SIDE, report=Path("r.json")).env
    expected = {"A": "1", "OMP_NUM_THREADS": "3", "HF_HUB_OFFLINE": "1", "B": "of the framework"}
    assert {name: env[name] for name in expected} == expected
    assert "PYTHONPATH" not in env


def test_invocation__an_environment_that_was_never_made():
    side = SideContext(path=Path("/tree"), python=Path("/nowhere/bin/python3"), env={})
    with pytest.raises(ConfigurationError, match="there is no interpreter /nowhere") as caught:
        BACKEND.invocation(a_case(), side, report=Path("r.json"))
    assert "frameworks.diffusers.setup" in caught.value.fix


def test_invocation__a_picture_that_is_not_there(tmp_path):
    (tmp_path / "python3").touch()
    side = SideContext(path=tmp_path, python=tmp_path / "python3", env={})
    case = a_case(task="image-edit", request={"prompt": "a fox", "image": "fox.png"})
    with pytest.raises(ConfigurationError, match=r"request\.image fox\.png is no file in"):
        BACKEND.invocation(case, side, report=Path("r.json"))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"devices": 2}, "runs on one device"),
        ({"serve": {"args": "--fp16"}}, "unrecognized arguments: --fp16"),
        ({"serve": {"args": "--dtype half"}}, "--dtype half is no type"),
        ({"serve": {"args": "--dtype =float16"}}, "--dtype =float16 is no type"),
        ({"serve": {"args": "--offload disk"}}, "invalid choice: 'disk'"),
        ({"serve": {"args": "--revision"}}, "expected one argument"),
    ],
)
def test_check__what_cannot_be_run_is_told_before_anything_runs(more, problem):
    with pytest.raises(ConfigurationError) as caught:
        BACKEND.check(a_case(**more))
    assert problem in str(caught.value)
    assert "\n  → " in str(caught.value)


def test_check__a_case_that_can_be_run():
    BACKEND.check(a_case())


def test_options__absent_means_what_diffusers_does():
    assert parse_options(()) == Options()


def test_server__stays_for_nobody():
    with pytest.raises(CannotServeError, match="launch: fresh"):
        BACKEND.server(a_case(), SIDE)
