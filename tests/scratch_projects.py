"""The places where the documents' commands are run: a project, and stand-ins for what is far away.

A page that needs another place than ``a_project`` has its function in ``PLACES``.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.documents import ROOT, blocks, page
from tests.frameworks import NAMES, STAND_IN, free_port
from tests.migrating import write_projects
from tests.repositories import Repository, environment, perfgate
from tests.sglang_tree import COMPARISON
from tests.traces import a_trace, op, stage, steps

# A benchmark of made-up times, a hair apart: what is run are the commands, not a device. The
# DecodingStage is the one that a project makes slower.
BENCH = """\
import json, os, random, shutil

STAGES_MS = {{"TextEncodingStage": 20.0, "DenoisingStage": 100.0, "DecodingStage": {decoding_ms}}}
chance = random.Random()
requests = []
for _ in range(int(os.environ["PERFGATE_REQUESTS"])):
    steps = [
        {{"name": name, "duration_ms": ms * chance.gauss(1, 0.002)}}
        for name, ms in STAGES_MS.items()
    ]
    total_ms = sum(step["duration_ms"] for step in steps)
    requests.append({{"total_duration_ms": total_ms, "steps": steps}})
with open(os.environ["PERFGATE_REPORT"], "w") as stream:
    json.dump(requests, stream)
if trace := os.environ.get("PERFGATE_TRACE"):
    shutil.copyfile("trace.json", trace)
"""
SUITE = """\
version: 1
baselines: baselines/
gate: {budget: 5m}
cases:
  - id: wan_t2v_tiny
    backend: command
    command: $PERFGATE_PYTHON bench.py
"""
FRAMEWORKS_SUITE = """\
version: 1
cases:
  - id: fox
    backend: sglang
    model: some/model
    task: text-to-image
    request: {{prompt: a fox, width: 64, height: 48, steps: 4, seed: 42}}
    serve: {{port: {}}}
    frameworks: {{vllm-omni: {{port: {}}}}}
    requests: 1
    timeout: {{load: 20s, request: 20s, download: 10s, compile: 10s}}
"""
FRAMEWORK = """\
import os, sys
os.execv(sys.executable, [sys.executable, {!r}, {!r}, *sys.argv[1:]])
"""
# What is far away: pip would fetch perfgate, and make would make an environment.
PIP = """\
import re, sys
wanted = re.fullmatch(r"git\\+https://github\\.com/OWNER/perfgate", sys.argv[-1])
sys.exit(0 if sys.argv[1:-1] == ["install"] and wanted else f"pip cannot: {sys.argv[1:]}")
"""
MAKE = f"""\
import os, sys
os.execvp("/usr/bin/make", ["make", "--dry-run", "--directory", {str(ROOT)!r}, *sys.argv[1:]])
"""
PERFGATE = """\
import os, sys
os.execv(sys.executable, [sys.executable, "-m", "perfgate", *sys.argv[1:]])
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a reader's shell stands, with what it has in its environment."""

    folder: Path
    programs: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    def environment(self, beside: Path) -> dict[str, str]:
        """The shell's environment; the programs are written to a folder below ``beside``."""
        programs = beside / "programs"
        programs.mkdir()
        known = {"pip": PIP, "make": MAKE, "perfgate": PERFGATE, **self.programs}
        for name, text in known.items():
            program = programs / name
            program.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        home = {"HOME": str(beside), "XDG_CACHE_HOME": str(beside / "cache")}
        return environment(PATH=f"{programs}:{os.environ['PATH']}", **home, **self.environ)


def a_project(tmp_path: Path) -> Place:
    """A clone on a branch whose commits are harmless, with origin/main as its upstream."""
    return Place(folder=_project(tmp_path, decoding_ms=(40.0, 40.0)).path)


def a_slower_project(tmp_path: Path) -> Place:
    """The same, but a commit in the middle makes DecodingStage slower by a half."""
    return Place(folder=_project(tmp_path, decoding_ms=(40.0, 60.0)).path)


def an_empty_project(tmp_path: Path) -> Place:
    """Nothing but the benchmark that docs/first-gate.md gives, and a place to push to."""
    origin = Repository(tmp_path / "origin")
    origin.git("config", "core.bare", "true")
    project = Repository(tmp_path / "my project")
    project.git("remote", "add", "origin", str(origin.path))
    (benchmark,) = blocks(page("docs/first-gate.md"), "python")
    project.file("bench.py", benchmark)
    return Place(folder=project.path)


def a_project_of_frameworks(tmp_path: Path) -> Place:
    """Its case is served by sglang and by vllm-omni, as is that of sglang's own configuration."""
    project = _project(tmp_path, decoding_ms=(40.0, 40.0))
    ports = [free_port(), free_port()]
    project.file("perfgate.yml", FRAMEWORKS_SUITE.format(*ports))
    framework = {"serve_args": "", "extra_env": {}}
    asked = {"id": "flux", "model": "m", "task": "text-to-image", "prompt": "a fox"}
    shape = {"width": 64, "height": 48, "num_inference_steps": 4, "seed": 42}
    config = {"cases": [{**asked, **shape, "frameworks": dict.fromkeys(NAMES, framework)}]}
    project.file(COMPARISON, json.dumps(config))
    notes = tmp_path / "notes"
    notes.mkdir()
    return Place(
        folder=project.path,
        programs={name: FRAMEWORK.format(str(STAND_IN), name) for name in NAMES},
        environ={"FAKE_FRAMEWORK": json.dumps({"notes": str(notes)})},
    )


def a_project_with_baselines(tmp_path: Path) -> Place:
    """One whose baselines folder holds what this machine measured."""
    project = _project(tmp_path, decoding_ms=(40.0, 40.0))
    record = ("--record", "perfgate-out/record.json", "--reason", "the first")
    for arguments in (("measure",), ("baseline", "update", *record)):
        done = perfgate(project.path, *arguments)
        assert done.returncode == 0, done.stderr
    return Place(folder=project.path)


def projects_to_migrate(tmp_path: Path) -> Place:
    """The folder above one of sglang's files and one of github-action-benchmark."""
    write_projects(tmp_path / "projects")
    return Place(folder=tmp_path / "projects")


def _project(tmp_path: Path, *, decoding_ms: tuple[float, float]) -> Repository:
    origin = Repository(tmp_path / "origin")
    origin.file("kernels/mine.py", _kernel())
    origin.file(".gitignore", "perfgate-out/\n")
    files = {"perfgate_yml": SUITE, "bench_py": BENCH.format(decoding_ms=decoding_ms[0])}
    origin.commit("start", **files, trace_json=_trace(clones=0))
    origin.git("tag", "v1.4")
    project = origin.clone(tmp_path / "a project")
    project.git("switch", "--quiet", "--create", "change", "--track", "origin/main")
    project.commit("words", README_md="A project.\n")
    slow = BENCH.format(decoding_ms=decoding_ms[1])
    project.commit("decode otherwise", bench_py=slow, trace_json=_trace(clones=1))
    project.commit("more words", README_md="A project of ours.\n")
    return project


def _kernel() -> str:
    """The kernel that docs/extending.md shows how to write."""
    examples = blocks(page("docs/extending.md"), "python")
    return next(text for text in examples if text.startswith("# kernels/mine.py"))


def _trace(*, clones: int) -> str:
    calls = [op("mm", 500.0), *[op("clone", 20.0)] * clones]
    return a_trace([stage("DenoisingStage", *steps(4, *calls))], memory=[2**20]).decode()


PLACES: dict[str, Callable[[Path], Place]] = {
    "docs/explain.md": a_slower_project,
    "docs/first-gate.md": an_empty_project,
    "docs/frameworks.md": a_project_of_frameworks,
    "docs/migrating.md": projects_to_migrate,
    "docs/nightly.md": a_project_with_baselines,
}
