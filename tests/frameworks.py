"""Puts the stand-in frameworks on PATH and launches cases with them, as a gate would."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from perfgate import process
from perfgate.backends.backend import Invocation, SideContext
from perfgate.backends.driver.spec import Spec
from perfgate.backends.launch import LaunchPlace, launch
from perfgate.backends.registry import BACKENDS
from perfgate.records import Launch, Side
from perfgate.suite import Case
from tests.repositories import environment

STAND_IN = Path(__file__).parent / "fakes" / "framework_server.py"
NAMES = ("sglang", "vllm-omni")
OFFSETS = (0, 1, 5, 55)


def free_port() -> int:
    """A port that is free, as are those above it that sglang takes."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port + OFFSETS[-1] <= 65_535 and all(is_free(port + offset) for offset in OFFSETS):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def gated_suite(port: int, *, sglang: str = "{}") -> str:
    """A suite of one case in sglang, which two pairs decide; ``sglang`` is that framework's own."""
    return f"""\
version: 1
gate: {{strategy: paired, budget: 3m, margin: 90%, stage_margin: 90%, max_pairs: 2}}
frameworks: {{sglang: {sglang}}}
cases:
  - id: fox
    backend: sglang
    model: some/model
    task: text-to-image
    request: {{prompt: a fox, width: 64, height: 48, steps: 4}}
    serve: {{port: {port}}}
    requests: 1
    timeout: {{load: 20s, request: 20s, download: 10s}}
"""


class Impatient:
    """A backend whose frameworks are killed soon after they were asked to end."""

    proves_imports = False

    def __init__(self, name: str) -> None:
        self._backend = BACKENDS[name]
        self.must_import = self._backend.must_import

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        made = self._backend.invocation(case, side, report=report)
        spec = Spec.model_validate_json(made.command[-1])
        bounds = spec.bounds.model_copy(update={"stop_s": 0.5})
        told = spec.model_copy(update={"bounds": bounds}).model_dump_json()
        return Invocation(command=(*made.command[:-1], told), env=made.env)


class Frameworks:
    """A side's environment with the stand-ins in it, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        self.notes = folder / "notes"
        self.scratch = folder / "scratch"
        bin_folder = folder / "bin"
        for made in (self.tree, self.notes, self.scratch, bin_folder):
            made.mkdir()
        for name in NAMES:
            stub = bin_folder / name
            stub.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} {name} "$@"\n')
            stub.chmod(0o755)
        self.port = free_port()
        self.env = environment()
        self.env["PATH"] = f"{bin_folder}:{self.env['PATH']}"
        self.behaves()

    def behaves(self, **said: Any) -> None:
        self.env["FAKE_FRAMEWORK"] = json.dumps({"notes": str(self.notes), **said})

    def case(self, backend: str = "sglang", **more: Any) -> Case:
        serve = {"port": self.port, **more.pop("serve", {})}
        request = {"prompt": "a fox", "width": 64, "height": 48, "steps": 4} | more.pop(
            "request", {}
        )
        timeout = {"load": 10, "request": 10, "download": 10, "compile": 10} | more.pop(
            "timeout", {}
        )
        return Case.model_validate(
            {
                "id": "fox",
                "backend": backend,
                "model": "some/model",
                "task": "text-to-image",
                "request": request,
                "serve": serve,
                "timeout": timeout,
                **more,
            }
        )

    @property
    def side(self) -> SideContext:
        return SideContext(path=self.tree, python=Path(sys.executable), env=self.env)

    def launch(self, case: Case, *, timeout_s: float = 60) -> Launch:
        BACKENDS[case.backend].check(case)
        place = LaunchPlace(
            side=Side.HEAD, pair=0, order=3, started_at="2026-11-21", timeout_s=timeout_s
        )
        made = launch(
            case,
            backend=Impatient(case.backend),
            context=self.side,
            place=place,
            scratch=self.scratch,
            run=process.run,
        )
        assert list(self.scratch.iterdir()) == []
        return made

    def noted(self, name: str) -> list[Any]:
        path = self.notes / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def left(self) -> list[int]:
        """Processes of the stand-ins that are still there; none may be."""
        return [pid for pid in self.noted("processes") if runs(pid)]

    def nothing_left(self) -> bool:
        """Whether all processes have ended and every port is free, within some patience."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if not self.left() and all(is_free(self.port + offset) for offset in OFFSETS):
                return True
            time.sleep(0.02)
        return False


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
