"""Frameworks compared as they would be at night: each set up, started, asked the same, and ended.

The frameworks are stand-ins: real processes behind real HTTP, found where their setup put them.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from perfgate.records import parse_results
from perfgate.records.results import Cell, FailureKind
from tests.fakes.framework_server import RECOMPILE_LIMIT
from tests.frameworks import STAND_IN, free_port, runs
from tests.repositories import Repository, bench, environment, perfgate

pytestmark = pytest.mark.slow

INSTALL = f"""\
set -e
printf '#!/bin/sh\\nexec {sys.executable} {STAND_IN} %s "$@"\\n' "$1" > "$VIRTUAL_ENV/bin/$1"
chmod +x "$VIRTUAL_ENV/bin/$1"
"""
REQUEST = {"prompt": "a fox", "width": 64, "height": 48, "steps": 4, "seed": 7}


class Night:
    """A project with one request in two frameworks, and its own benchmark beside them."""

    def __init__(self, folder: Path) -> None:
        self.project = Repository(folder / "project")
        self.project.commit("start", bench_py=bench())
        self.project.file("install.sh", INSTALL)
        self.notes = folder / "notes"
        self.ports = {"sglang": free_port(), "vllm-omni": free_port()}
        self.stderr = ""

    def run(self, *arguments: str, **behaviour: dict[str, Any]) -> int:
        """Compare them; ``behaviour`` as for :meth:`write`."""
        self.write(**behaviour)
        done = perfgate(self.project.path, "compete", "--repeats", "1", *arguments)
        self.stderr = done.stderr
        return done.returncode

    def write(self, **behaviour: dict[str, Any]) -> None:
        """The suite; ``behaviour`` is by the framework's name, vllm_omni for vllm-omni."""
        said = {name.replace("_", "-"): acts for name, acts in behaviour.items()}
        self.project.file("perfgate.yml", json.dumps(self._suite(said)))

    def _suite(self, said: dict[str, Any]) -> dict[str, Any]:
        serve = {name: {"port": port} for name, port in self.ports.items()}
        fox = {
            "id": "fox",
            "backend": "sglang",
            "model": "some/model",
            "task": "text-to-image",
            "request": REQUEST,
            "serve": serve["sglang"],
            "frameworks": {"vllm-omni": serve["vllm-omni"]},
            "timeout": {"load": 15, "request": 15, "download": 5, "compile": 5},
        }
        # A real pipeline beside the stand-ins, of a model that lies in the tree.
        boat = {
            **fox,
            "id": "boat",
            "backend": "diffusers",
            "model": "./flux",
            "serve": {},
            "frameworks": serve,
            "threads": 1,
            "timeout": {"load": 120, "request": 120, "download": 60, "compile": 120},
        }
        own = {"id": "own", "backend": "command", "command": "python3 bench.py", "requests": 1}
        installed = sysconfig.get_path("purelib")
        here = "$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')"
        diffusers = {"setup": f'echo {installed} > "{here}/installed.pth"'}
        servers = {name: self._framework(name, said.get(name, {})) for name in self.ports}
        cases = [fox, own, *([boat] if (self.project.path / "flux").exists() else [])]
        return {
            "version": 1,
            "frameworks": {**servers, "diffusers": diffusers},
            "cases": cases,
        }

    def _framework(self, name: str, acts: dict[str, Any]) -> dict[str, Any]:
        notes = self.notes / name
        notes.mkdir(parents=True, exist_ok=True)
        told = json.dumps({"notes": str(notes), **acts})
        return {"setup": f"sh install.sh {name}", "env": {"FAKE_FRAMEWORK": told}}

    def cells(self) -> dict[tuple[str, str], Cell]:
        path = self.project.path / "perfgate-out" / "results.json"
        found = parse_results(path.read_text(), source=str(path))
        return {(cell.case, cell.framework): cell for cell in found.cells}

    def kinds(self) -> dict[tuple[str, str], list[FailureKind]]:
        """Every cell with what its launches failed of."""
        return {key: [one.kind for one in cell.failures] for key, cell in self.cells().items()}

    def noted(self, framework: str, name: str) -> list[Any]:
        """What a framework was asked (requests), or ran as (processes)."""
        path = self.notes / framework / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """One for all tests: the environments that it sets up are kept between them."""
    return Night(tmp_path_factory.mktemp("night"))


def test_each_is_asked_the_same__and_tells_its_own_time_beside_the_clients(night: Night) -> None:
    assert night.run("--case", "fox", "--case", "own") == 0, night.stderr
    cells = night.cells()
    assert set(cells) == {("fox", "sglang"), ("fox", "vllm-omni"), ("own", "command")}
    for framework in night.ports:
        metrics = {one.name: one.samples for one in cells["fox", framework].metrics}
        assert len(metrics["e2e"]) == 2
        assert all(
            client > server > 0
            for client, server in zip(metrics["e2e"], metrics["server"], strict=True)
        )
        sent = night.noted(framework, "requests")[0]["fields"]
        assert (sent["prompt"], str(sent["seed"]), sent["size"]) == ("a fox", "7", "64x48")
    assert {one.name for one in cells["fox", "sglang"].metrics} >= {"DenoisingStage", "step"}
    assert len({cell.workload_hash for cell in cells.values()}) == 3


def test_one_crashes__the_others_have_their_numbers(night: Night) -> None:
    assert night.run("--case", "fox", "--case", "own", vllm_omni={"crash": "request"}) == 4
    assert night.kinds() == {
        ("fox", "sglang"): [],
        ("fox", "vllm-omni"): [FailureKind.CRASHED],
        ("own", "command"): [],
    }
    assert "the device went away" in night.stderr


def test_a_port_that_another_holds(night: Night) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", night.ports["sglang"]))
        other.listen()
        assert night.run("--case", "fox") == 4
    assert night.kinds() == {
        ("fox", "sglang"): [FailureKind.PORT],
        ("fox", "vllm-omni"): [],
    }


def test_eager_and_compiled_by_one_command__compiling_fell_back(night: Night) -> None:
    arguments = ("--framework", "sglang", "--compile", "both")
    assert night.run(*arguments, sglang={"at_request": [RECOMPILE_LIMIT]}) == 4
    assert night.kinds() == {
        ("fox", "sglang"): [],
        ("fox", "sglang-compiled"): [FailureKind.NOT_COMPILED],
    }


def test_an_interrupt_in_the_middle__no_framework_is_left_behind(night: Night) -> None:
    night.write(sglang={"hang": "request", "stubborn": True})
    asked, started = len(night.noted("sglang", "requests")), night.noted("sglang", "processes")
    with subprocess.Popen(
        [sys.executable, "-m", "perfgate", "compete", "--case", "fox", "--repeats", "1"],
        cwd=night.project.path,
        env=environment(XDG_CACHE_HOME=str(night.project.path.parent / "cache")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        until = time.monotonic() + 60
        while len(night.noted("sglang", "requests")) == asked and time.monotonic() < until:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert night.cells() == {}
    left = [pid for pid in night.noted("sglang", "processes") if pid not in started]
    assert left
    assert ended(left), told


def test_a_real_pipeline_beside_servers__one_of_them_broken(night: Night) -> None:
    pytest.importorskip("diffusers")
    subprocess.run(
        [sys.executable, "-m", "tests.tiny_pipelines", night.project.path, "flux"],
        cwd=Path(__file__).parents[2],
        env=environment(HF_HUB_OFFLINE="1"),
        capture_output=True,
        check=True,
    )
    assert night.run("--case", "boat", "--device", "cpu", vllm_omni={"crash": "load"}) == 4
    assert night.kinds() == {
        ("boat", "diffusers"): [],
        ("boat", "sglang"): [],
        ("boat", "vllm-omni"): [FailureKind.CRASHED],
    }, night.stderr
    diffusers = night.cells()["boat", "diffusers"]
    names = {one.name for one in diffusers.metrics}
    assert names >= {"e2e", "TextEncodingStage", "DenoisingStage", "DecodingStage", "load"}
    assert diffusers.framework_version == version("diffusers")


def ended(pids: list[int]) -> bool:
    """Whether all of them end, within some patience."""
    until = time.monotonic() + 20
    while any(runs(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(runs(pid) for pid in pids)
