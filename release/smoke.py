"""Tries an image as a runner would start it: unchanged code passes, slower code fails. No network.

On the CPU, whatever the image is for: a release is built on machines that have no other device.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.doors import Door
from release.errors import ReleaseError

_PYTHON: Final = "/opt/perfgate/venv/bin/python"
_WORKSPACE: Final = "/github/workspace"
_FILES: Final = "/github/file_commands"
_TIMEOUT_S: Final = 900
_SUITE: Final = """\
version: 1
gate: {strategy: paired, budget: 10m, margin: 50%, stage_margin: 100%}
cases:
  - id: smoke
    backend: command
    command: python3 bench.py
    requests: 1
    timeout: {load: 5m, request: 1m}
"""
# Real torch, and a stage that sleeps, so that a busy machine changes the figures little. On a
# machine without an NPU torch_npu cannot be loaded: torch is told not to try.
_BENCH: Final = """\
import json, os, time
os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
import torch

start = time.perf_counter()
assert float((torch.ones(8, 8) @ torch.ones(8, 8)).sum()) == 512
time.sleep({sleep_s})
spent_ms = (time.perf_counter() - start) * 1000
report = {"total_duration_ms": spent_ms, "steps": [{"name": "Stage", "duration_ms": spent_ms}]}
with open(os.environ["PERFGATE_REPORT"], "w") as stream:
    json.dump(report, stream)
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a container ended: its exit code, its outputs, its summary, and all that it said."""

    code: int
    outputs: Mapping[str, str]
    summary: str
    said: str


def smoke(door: Door, image: str, *, engine: Sequence[str]) -> list[str]:
    """Try an image; returns what was seen, a line each. Raises ReleaseError where it is unfit."""
    _must(engine, image, "-I", "-c", door.fact)
    seen = [f"{door.name}: {door.fact}"]
    with tempfile.TemporaryDirectory(prefix="perfgate-smoke-") as folder:
        for word, code, told in (_gates if door.measures else _publishes)(
            Path(folder), image, engine
        ):
            if told.code != code or told.outputs.get("verdict") != word or not told.summary:
                raise ReleaseError(
                    f"{image} ended with {told.code} and the verdict "
                    f"{told.outputs.get('verdict')!r}, not with {code} and {word!r}",
                    fix=f"What it said:\n{told.said[-4000:]}",
                )
            seen.append(f"{door.name}: {word}, exit code {code}")
    return seen


def _gates(folder: Path, image: str, engine: Sequence[str]) -> Iterator[tuple[str, int, Ended]]:
    """Two gates: of a change that changes nothing, and of one that sleeps five times as long."""
    for name, head_s, word, code in (
        ("same", 0.1, "passed", 0),
        ("slower", 0.5, "regressed", 1),
    ):
        project = folder / name / "project"
        _commit(project, sleep_s=0.1)
        _commit(project, sleep_s=head_s)
        inputs = {"INPUT_BASE": "HEAD~1", "INPUT_DEVICE": "cpu"}
        yield word, code, _start(folder / name, project, image, engine, inputs)


def _publishes(folder: Path, image: str, engine: Sequence[str]) -> Iterator[tuple[str, int, Ended]]:
    """A finished folder, decided by the image's own command from two dumps."""
    project = folder / "project"
    output = project / "perfgate-out"
    output.mkdir(parents=True)
    for name in ("before.json", "after.json"):
        stage = {"name": "DenoisingStage", "duration_ms": 100.0}
        dump = {"total_duration_ms": 120.0, "steps": [stage]}
        (project / name).write_text(json.dumps(dump))
    here = (f"--volume={project}:{_WORKSPACE}", f"--workdir={_WORKSPACE}")
    compare = ("-I", "-m", "perfgate", "compare", "--json", "before.json", "after.json")
    (output / "decision.json").write_text(_must(engine, image, *compare, options=here))
    yield "passed", 0, _start(folder, project, image, engine, {})


def _start(
    folder: Path, project: Path, image: str, engine: Sequence[str], inputs: Mapping[str, str]
) -> Ended:
    """Start the image's entry point with what a runner mounts and sets."""
    files, home = folder / "files", folder / "home"
    for made in (files, home):
        made.mkdir()
    for name in ("output", "summary"):
        (files / name).touch()
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": f"{_FILES}/output",
        "GITHUB_STEP_SUMMARY": f"{_FILES}/summary",
        "GITHUB_WORKSPACE": _WORKSPACE,
        "HOME": "/github/home",
        **inputs,
    }
    options = (
        *(f"--env={name}={value}" for name, value in environment.items()),
        f"--volume={project}:{_WORKSPACE}",
        f"--volume={files}:{_FILES}",
        f"--volume={home}:/github/home",
        f"--workdir={_WORKSPACE}",
    )
    done = _engine(engine, *options, image)
    return Ended(
        code=done.returncode,
        outputs=_outputs((files / "output").read_text(encoding="utf-8")),
        summary=(files / "summary").read_text(encoding="utf-8"),
        said=done.stdout + done.stderr,
    )


def _outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as a runner reads it: a name, a delimiter of its own, lines of the value."""
    entries = re.findall(r"^([^\n=<]+)<<(\S+)\n(.*?)\n?^\2$", text, re.MULTILINE | re.DOTALL)
    return {name: value.rstrip("\n") for name, _, value in entries}


def _must(engine: Sequence[str], image: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
    """What the image's own Python prints. Raises ReleaseError where it fails."""
    done = _engine(engine, *options, f"--entrypoint={_PYTHON}", image, *arguments)
    if done.returncode != 0:
        raise ReleaseError(
            f"{image}: python {' '.join(arguments)} ended with {done.returncode}",
            fix=f"What it said:\n{done.stdout[-1000:]}{done.stderr[-3000:]}",
        )
    return done.stdout


def _engine(engine: Sequence[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*engine, "run", "--rm", "--network=none", *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )


def _commit(project: Path, *, sleep_s: float) -> None:
    """Commit the benchmark with that sleep; the first time makes the repository."""
    identity = ("-c", "user.name=smoke", "-c", "user.email=smoke@example.org")
    if not project.exists():
        project.mkdir(parents=True)
        _git(project, "init", "--quiet")
        (project / "perfgate.yml").write_text(_SUITE)
    (project / "bench.py").write_text(_BENCH.replace("{sleep_s}", str(sleep_s)))
    _git(project, "add", "--all")
    _git(project, *identity, "commit", "--quiet", "--allow-empty", "--message", f"{sleep_s} s")


def _git(project: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(project), *arguments], check=True)
