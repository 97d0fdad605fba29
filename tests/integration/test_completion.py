"""A shell completes the command line: the printed script in a real bash, the words by a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
version: 1
cases:
  - {id: wan_t2v_tiny, backend: builtin, preset: wan-tiny}
  - {id: wan_dual, backend: builtin, preset: wan-dual}
  - {id: flux, backend: builtin, preset: flux-tiny}
"""
PERFGATE = Path(sys.executable).with_name("perfgate")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "my project"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "perfgate.yml").write_text(SUITE)
    (folder / "other.yml").write_text(SUITE.replace("flux,", "slow,"))
    return folder


def words(line: str, folder: Path) -> list[str]:
    """What bash is offered behind a line that ends where the cursor is."""
    typed = line.split(" ")
    environ = os.environ | {
        "_PERFGATE_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(typed) - 1),
    }
    done = subprocess.run(
        [PERFGATE], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [told.partition(",")[2] for told in done.stdout.split("\n") if told]


def test_commands_and_their_subcommands(project: Path) -> None:
    assert words("perfgate ex", project) == ["explain"]
    assert {"gate", "baseline", "completion"} <= set(words("perfgate ", project))
    assert words("perfgate baseline pr", project) == ["propose"]
    assert "--continue" in words("perfgate gate --c", project)


@pytest.mark.parametrize(
    "command", ["gate", "measure", "bisect", "baseline show", "dashboard", "history query"]
)
def test_case_ids__of_the_suite_at_hand(command: str, project: Path) -> None:
    assert words(f"perfgate {command} --case wan", project) == ["wan_t2v_tiny", "wan_dual"]


def test_case_ids__from_a_folder_below_and_of_the_suite_that_is_named(project: Path) -> None:
    assert words("perfgate gate --case f", project / "deep" / "er") == ["flux"]
    assert words("perfgate gate --suite other.yml --case s", project) == ["slow"]


def test_case_ids__none_of_a_suite_that_is_wrong(project: Path) -> None:
    (project / "perfgate.yml").write_text("version: 1\ncases: [{id: '$(touch x)'}]\n")
    assert words("perfgate gate --case ", project) == []


def test_choices_and_files(project: Path) -> None:
    assert words("perfgate schema rec", project) == ["record"]
    assert words("perfgate gate --strategy p", project) == ["paired"]
    assert words("perfgate gate --suite oth", project) == ["oth"]  # bash looks for files then


def test_bash__completes_with_the_script_that_is_printed(project: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    script = """
eval "$(perfgate completion bash)"
complete -p perfgate >/dev/null
COMP_WORDS=(perfgate gate --case wan_) COMP_CWORD=3
_perfgate_completion perfgate
printf '%s\\n' "${COMPREPLY[@]}"
"""
    environ = os.environ | {"PATH": f"{PERFGATE.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.split(), done.stderr) == (["wan_t2v_tiny", "wan_dual"], "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script__asks_perfgate_in_the_words_of_the_shell(shell: str) -> None:
    done = subprocess.run(
        [PERFGATE, "completion", shell], capture_output=True, text=True, check=True
    )
    assert f"_PERFGATE_COMPLETE={shell}_complete" in done.stdout
    if known := shutil.which(shell):
        subprocess.run([known, "-n"], input=done.stdout, text=True, check=True)
