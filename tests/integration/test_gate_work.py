"""A gate over the real pipeline, of which head leaves out one prediction of eight."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from tests.repositories import Repository, perfgate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LOOP = Path("perfgate/workloads/diffusion/loop.py")
SUITE = dedent(
    """\
    version: 1
    gate: {strategy: paired, budget: 5m, max_pairs: 2}
    cases:
      - {id: flux, backend: builtin, preset: flux-tiny, requests: 1, params: {steps: 8}}
    """
)
PREDICTS = "phase.predict(latents, step)"
# What a cache of velocities does, at one step: the prediction of the step before serves again.
SKIPS = "(velocity := velocity if step == 2 else phase.predict(latents, step))"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """perfgate's own package as a project, since ``builtin`` runs each tree's own copy of it."""
    made = Repository(tmp_path / "repository")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "perfgate", made.path / "perfgate", ignore=ignored)
    made.commit("start", perfgate_yml=SUITE)
    return made


def gated(repository: Repository) -> tuple[int, dict]:
    done = perfgate(repository.path, "gate", "--base", "HEAD~1")
    assert "Traceback" not in done.stderr
    decision = json.loads((repository.path / "perfgate-out" / "decision.json").read_text())
    return done.returncode, decision["cases"][0]


def test_a_prediction_that_is_left_out__is_a_changed_output_from_its_step_on(
    repository: Repository,
) -> None:
    loop = (repository.path / LOOP).read_text()
    assert loop.count(PREDICTS) == 1
    repository.file(str(LOOP), loop.replace(PREDICTS, SKIPS))
    repository.commit("cache")
    code, case = gated(repository)
    assert (code, case["verdict"], case["output"]) == (1, "failed", "changed")
    assert case["detail"].startswith(
        "output changed: latents after the middle step is where the outputs part: cosine 0.9999"
    )
    (warning,) = [told for told in case["warnings"] if "floating-point" in told]
    assert warning.startswith("head executes ")


def test_the_same_computation__is_the_same_output(repository: Repository) -> None:
    repository.commit("nothing")
    _, case = gated(repository)
    assert case["output"] == "same"
    assert not [told for told in case["warnings"] if "floating-point" in told]
