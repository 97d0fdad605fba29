"""The command line itself: help, refusals, exit codes, and what is loaded for them."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import click
import pytest

from perfgate.cli import group as command_line
from perfgate.errors import ConfigurationError, ExitCode
from tests.repositories import perfgate

README = Path(__file__).parents[2] / "README.md"


def test_help__names_every_command_and_the_exit_codes(tmp_path: Path) -> None:
    done = perfgate(tmp_path, "--help")
    assert done.returncode == 0
    for name, (_, line) in command_line.COMMANDS.items():
        assert name in done.stdout
        assert line in done.stdout
    assert "7 not decided" in " ".join(done.stdout.split())


def test_help__loads_none_of_the_rooms() -> None:
    probe = (
        "import sys; from perfgate.cli.group import run; run(['--help']);"
        "heavy = {'pydantic', 'numpy', 'rich', 'jinja2', 'github', 'torch', 'yaml'};"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: []\n")


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_help__of_every_command(tmp_path: Path, name: str) -> None:
    done = perfgate(tmp_path, name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: perfgate {name} ")


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_readme_lists_every_command(name: str) -> None:
    assert f"| `perfgate {name}" in README.read_text(encoding="utf-8")


def test_version(tmp_path: Path) -> None:
    assert perfgate(tmp_path, "--version").stdout.startswith("perfgate, version ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gaet"], "No such command 'gaet'"),
        (["gate", "--bass"], "No such option"),
        (["gate", "--strategy", "luck"], "'luck' is not one of"),
        (["compare"], "Missing argument 'BASE'"),
        (["publish", "nowhere"], "nowhere/decision.json cannot be read"),
    ],
)
def test_usage_errors_exit_with_2(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = perfgate(tmp_path, *arguments)
    assert done.returncode == ExitCode.CONFIGURATION
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_repository(tmp_path: Path) -> None:
    done = perfgate(tmp_path, "gate", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert done.returncode == ExitCode.CONFIGURATION
    assert "not a git repository" in done.stderr
    assert "→" in done.stderr


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m perfgate --help | head -c 1",
        shell=True,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""


def told(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> tuple[int, str]:
    """Exit code and message when a command ends with ``failure``."""

    @click.command()
    def command() -> None:
        raise failure

    monkeypatch.setattr(command_line, "cli", command)
    code = command_line.run([])
    return code, capsys.readouterr().err


def test_a_failure_is_its_text_and_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    failure = ConfigurationError("the suite is wrong", fix="Mend it.")
    assert told(failure, monkeypatch, capsys) == (2, "perfgate: the suite is wrong\n  → Mend it.\n")


def test_a_full_disk_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    failure = OSError(errno.ENOSPC, "No space left on device", "record.json")
    code, text = told(failure, monkeypatch, capsys)
    assert code == ExitCode.CONFIGURATION
    assert "No space left on device (record.json)" in text


@pytest.mark.parametrize(
    ("failure", "code"), [(KeyboardInterrupt(), 130), (KeyboardInterrupt("SIGTERM"), 143)]
)
def test_a_signal_is_128_and_its_number(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    failure: BaseException,
    code: int,
) -> None:
    assert told(failure, monkeypatch, capsys)[0] == code


def test_a_bug_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(ZeroDivisionError):
        told(ZeroDivisionError(), monkeypatch, capsys)
