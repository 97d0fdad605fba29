"""Makes real git repositories with a benchmark in them; sleeps instead of computing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

SUITE = dedent(
    """\
    version: 1
    gate: {strategy: paired, budget: 3m}
    cases:
      - id: bench
        backend: command
        command: python3 bench.py
        requests: 1
        timeout: {load: 20s, request: 20s}
    """
)

# Real time passes in real stages, so that what is measured is a process, not a made-up number. A
# busy machine wakes sleepers late: beyond 2 % that is left out, so that gates decide there as well.
BENCH = dedent(
    """\
    import json, os, time

    STAGES_MS = {stages}
    stages = []
    for name, ms in STAGES_MS.items():
        start = time.perf_counter()
        time.sleep(ms / 1000)
        slept_ms = min((time.perf_counter() - start) * 1000, ms * 1.02)
        stages.append({{"name": name, "duration_ms": slept_ms}})
    report = {{"total_duration_ms": sum(s["duration_ms"] for s in stages), "steps": stages}}
    with open(os.environ["PERFGATE_REPORT"], "w") as stream:
        json.dump(report, stream)
    """
)

STAGES_MS = {"TextEncodingStage": 20.0, "DenoisingStage": 100.0, "DecodingStage": 40.0}


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what continuous integration says about itself."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITHUB_", "INPUT_", "RUNNER_", "GIT_"))
    }
    name = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
    committer = {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
    return {**kept, **name, **committer, "GIT_CONFIG_NOSYSTEM": "1", **more}


def bench(**stages_ms: float) -> str:
    """A benchmark whose stages take ``stages_ms``; those not named take what they usually take."""
    return BENCH.format(stages={**STAGES_MS, **stages_ms})


class Repository:
    """A git repository below ``path``; every method is what a developer would do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, **files: str) -> None:
        """Write files; ``bench_py`` is bench.py."""
        for name, text in files.items():
            self.file(name.replace("_", "."), text)

    def file(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message: str = "change", **files: str) -> str:
        self.write(**files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def clone(self, path: Path, *options: str) -> Repository:
        self.git("clone", "--quiet", *options, self.path.as_uri(), str(path))
        clone = object.__new__(Repository)
        clone.path = path
        return clone


def perfgate(cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process, with a cache of its own beside the repository."""
    return subprocess.run(
        [sys.executable, "-m", "perfgate", *arguments],
        cwd=cwd,
        env=environment(XDG_CACHE_HOME=str(cwd.parent / "cache"), **environ),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
