"""A framework's own environment: made by its own setup, and found by what runs in it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from perfgate.app.measuring.trees import head_tree, one_side, read_suite
from perfgate.errors import BenchmarkError
from perfgate.records import Side
from perfgate.sides.git import open_repository
from tests.competing import edges_in
from tests.frameworks import STAND_IN, free_port, gated_suite
from tests.repositories import Repository, perfgate

pytestmark = pytest.mark.slow

INSTALL = r"printf '#!/bin/sh\n' > $VIRTUAL_ENV/bin/sglang; chmod +x $VIRTUAL_ENV/bin/sglang"
SUITE = dedent(
    """\
    version: 1
    frameworks:
      sglang: {{setup: {setup}}}
      vllm-omni: {{setup: none}}
    cases: [{{id: bench, backend: command, command: "true"}}]
    """
)


def a_side(tmp_path: Path, *frameworks: str, setup: str = INSTALL):  # type: ignore[no-untyped-def]
    project = Repository(tmp_path / "project")
    project.commit("start", perfgate_yml=SUITE.format(setup=f'"{setup}"'.replace("\\", "\\\\")))
    edges = edges_in(tmp_path)
    git = open_repository(project.path, edges.environ)
    return one_side(
        Side.HEAD,
        tree=head_tree(git),
        suite=read_suite(git, "perfgate.yml"),
        path=git.root,
        frameworks=frameworks,
        git=git,
        edges=edges,
    )


def test_what_its_setup_installs_is_found_there_and_nowhere_else(tmp_path: Path) -> None:
    with a_side(tmp_path, "sglang", "vllm-omni") as side:
        own = side.environment("sglang")
        found = shutil.which("sglang", path=own.env["PATH"])
        assert found is not None
        assert Path(found).parent == own.python.parent
        assert Path(own.env["VIRTUAL_ENV"]).name.startswith("head-sglang-")
        for other in ("", "vllm-omni"):
            assert shutil.which("sglang", path=side.environment(other).env["PATH"]) != found


def test_a_framework_that_no_case_needs_is_not_set_up(tmp_path: Path) -> None:
    with a_side(tmp_path, "vllm-omni", setup="exit 7") as side:
        assert side.frameworks == {}
        assert side.environment("vllm-omni").python == side.python


def test_a_setup_that_fails_names_its_framework(tmp_path: Path) -> None:
    with (
        pytest.raises(BenchmarkError, match="setup of sglang at head exited with 7"),
        a_side(tmp_path, "sglang", setup="exit 7"),
    ):
        pytest.fail("it must not get here")


INSTALL_STAND_IN = f"""\
stub="$VIRTUAL_ENV/bin/sglang"
printf '#!/bin/sh\\necho "$0" >> "$PLACES"\\n' > "$stub"
printf 'exec {sys.executable} {STAND_IN} sglang "$@"\\n' >> "$stub"
chmod +x "$stub"
"""


def test_a_gate_runs_each_side_in_an_environment_of_its_own(tmp_path: Path) -> None:
    places, notes = tmp_path / "places", tmp_path / "notes"
    notes.mkdir()
    env = json.dumps({"PLACES": str(places), "FAKE_FRAMEWORK": json.dumps({"notes": str(notes)})})
    project = Repository(tmp_path / "project")
    suite = gated_suite(free_port(), sglang=f"{{setup: sh install.sh, env: {env}}}")
    project.commit("base", perfgate_yml=suite, install_sh=INSTALL_STAND_IN)
    project.commit("head")
    done = perfgate(project.path, "gate", "--base", "HEAD~1")
    assert done.returncode in (0, 7), done.stderr
    ran = {Path(line).parents[1].name.rpartition("-")[0] for line in places.read_text().split()}
    assert ran == {"base-sglang", "head-sglang"}
