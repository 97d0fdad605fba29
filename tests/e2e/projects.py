"""A project with a benchmark, its pull request, and what the runner would hand over. No tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import dedent

from tests.repositories import Repository

ROOT = Path(__file__).parents[2]
# What the Dockerfile copies, and what makes a folder an action.
_ACTION = ("action.yml", "Dockerfile", ".dockerignore", "entrypoint.py", "pyproject.toml")
_ACTION_TEXTS = ("constraints.txt", "README.md")

# Wide margins: the machine may be busy with other things, and what is planted is much slower.
SUITE = dedent(
    """\
    version: 1
    gate: {strategy: paired, budget: 5m, margin: 15%, stage_margin: 40%}
    cases:
      - id: wan_sleep
        backend: command
        command: python3 bench/bench.py
        requests: 1
        timeout: {load: 30s, request: 30s}
    """
)

# Real torch, as little of it as there can be; in a repository that holds perfgate itself.
BUILTIN_SUITE = dedent(
    """\
    version: 1
    gate: {strategy: paired, budget: 5m, margin: 100%, stage_margin: 200%, max_pairs: 4}
    cases:
      - id: wan_smallest
        backend: builtin
        preset: wan-tiny
        params: {frames: 1, height: 32, width: 32, steps: 2}
        requests: 1
        timeout: {load: 2m, request: 1m}
    """
)

# Judged by its stored launches, so that a job measures its own commit alone. Margins are as wide
# as a machine may be busy: what is planted is several times slower.
BASELINE_SUITE = dedent(
    """\
    version: 1
    baselines: baselines/
    gate: {strategy: baseline, budget: 5m, margin: 100%, stage_margin: 200%}
    imports: [perfgate]
    cases:
      - id: wan_sleep
        backend: command
        command: python3 bench/wan.py
        requests: 1
        timeout: {load: 30s, request: 30s}
      - id: flux_sleep
        backend: command
        command: python3 bench/flux.py
        requests: 1
        timeout: {load: 30s, request: 30s}
    """
)

# Sleeps instead of computing, and fails if it can see what a pull request's code must not see.
BENCH = dedent(
    """\
    import json, os, time

    seen = [name for name, value in os.environ.items() if "s3cret" in value]
    seen += [name for name in os.environ if name.startswith("INPUT_") or name == "GITHUB_OUTPUT"]
    assert not seen, seen
    print("::set-output name=verdict::forged")
    print("::error::forged")

    def stage(name, ms):
        start = time.perf_counter()
        time.sleep(ms / 1000)
        return {"name": name, "duration_ms": (time.perf_counter() - start) * 1000}

    stages = [stage("TextEncodingStage", 20), stage("DenoisingStage", 100), DECODING]
    with open(os.environ["PERFGATE_REPORT"], "w") as stream:
        total = sum(one["duration_ms"] for one in stages)
        json.dump({"total_duration_ms": total, "steps": stages}, stream)
    """
)


def bench(*, decoding_ms: int = 40) -> str:
    """The benchmark; three times the usual decoding is a slowdown that nothing hides."""
    return BENCH.replace("DECODING", f'stage("DecodingStage", {decoding_ms})')


def a_project(
    path: Path, *, head: str | None = None, with_action: bool = False, suite: str = SUITE
) -> Repository:
    """A repository on the merge commit of a pull request, as actions/checkout leaves it.

    ``head`` is the benchmark as the pull request has it; the same as base unless told.
    """
    project = Repository(path)
    if with_action:
        copy_action(path)
        if "backend: command" in suite:
            # The image has a perfgate too, so the project says which one is meant: its own.
            suite += "imports: [perfgate]\n"
    project.file("bench/perfgate.yml", suite)
    project.file("bench/bench.py", bench())
    project.commit("base")
    project.git("switch", "--quiet", "--create", "feature")
    project.file("README.txt", "a change")
    project.file("bench/bench.py", head or bench())
    project.commit("head")
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    return project


def a_default_branch(path: Path, *, repository: str) -> Repository:
    """The newest commit of main, as a job on push finds it, with the action in it."""
    project = Repository(path)
    copy_action(path)
    project.file("bench/perfgate.yml", BASELINE_SUITE)
    project.git("remote", "add", "origin", f"https://github.com/{repository}.git")
    project.commit("start")
    return project


def change(project: Repository, head: str) -> None:
    """Push another commit to the pull request, and check out its new merge commit."""
    project.git("switch", "--quiet", "feature")
    project.file("bench/bench.py", head)
    project.commit("head again")
    project.git("switch", "--quiet", "main")
    project.git("reset", "--quiet", "--hard", "main^1")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge", "feature")


def an_event(project: Repository, path: Path, *, repository: str) -> Path:
    """The payload of a pull request, written to a file."""
    payload = {
        "action": "synchronize",
        "number": 7,
        "pull_request": {
            "number": 7,
            "head": {
                "ref": "feature",
                "sha": project.git("rev-parse", "feature"),
                "repo": {"full_name": repository},
            },
            "base": {
                "ref": "main",
                "sha": project.git("rev-parse", "main^1"),
                "repo": {"full_name": repository},
            },
            "labels": [],
        },
        "repository": {"full_name": repository, "name": repository.split("/")[1]},
    }
    path.write_text(json.dumps(payload))
    return path


def a_push(project: Repository, path: Path, *, repository: str) -> Path:
    """The payload of a push to the default branch, written to a file."""
    payload = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": project.git("rev-parse", "HEAD"),
        "repository": {
            "full_name": repository,
            "name": repository.split("/")[1],
            "default_branch": "main",
        },
    }
    path.write_text(json.dumps(payload))
    return path


def copy_action(path: Path) -> None:
    """What makes a folder the action: its files, and the package."""
    for name in (*_ACTION, *_ACTION_TEXTS):
        shutil.copy2(ROOT / name, path / name)
    for name in ("perfgate", "host"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, path / name, ignore=ignored)
