"""The command line of the workload: mistakes are told at once, without loading torch."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.errors import ExitCode
from perfgate.workloads.allocator import keep_freed_memory
from perfgate.workloads.diffusion.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--preset", "wan"], "unknown preset 'wan'"),
        (["--preset", "wan-tiny", "--params", '{"step": 8}'], "step: unknown param, did you mean"),
        (["--preset", "wan-tiny", "--params", "steps=8"], "--params is not a JSON object: steps=8"),
        (["--preset", "wan-tiny", "--params", "[8]"], "--params is not a JSON object: [8]"),
    ],
)
def test_mistake__is_told_with_its_fix_and_ends_with_2(tmp_path, capsys, arguments, told):
    report = tmp_path / "report.json"
    assert main([*arguments, "--report", str(report)]) is ExitCode.CONFIGURATION
    captured = capsys.readouterr()
    assert told in captured.err
    assert "\n  → " in captured.err
    assert captured.out == ""
    assert not report.exists()


def test_mistake__a_missing_folder_is_told_before_anything_is_measured(tmp_path, capsys):
    report = tmp_path / "absent" / "report.json"
    assert main(["--preset", "wan-tiny", "--report", str(report)]) is ExitCode.CONFIGURATION
    assert f"does not exist: {report.parent}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--requests", "--threads"])
def test_usage__counts_start_at_one(tmp_path, capsys, option):
    with pytest.raises(SystemExit) as caught:
        main(["--preset", "wan-tiny", "--report", str(tmp_path / "r"), option, "0"])
    assert caught.value.code == ExitCode.CONFIGURATION
    assert "0 is less than 1" in capsys.readouterr().err


@pytest.mark.parametrize("where", [[], ["--report", "r.json", "--resident"]])
def test_usage__a_report_or_a_stay(capsys, where):
    with pytest.raises(SystemExit) as caught:
        main(["--preset", "wan-tiny", *where])
    assert caught.value.code == ExitCode.CONFIGURATION
    assert "--resident" in capsys.readouterr().err


def test_child__tells_a_wrong_preset_without_torch(tmp_path):
    command = (sys.executable, "-X", "importtime", "-m", "perfgate.workloads.diffusion")
    options = ("--preset", "wan", "--report", str(tmp_path / "report.json"))
    done = subprocess.run((*command, *options), capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.CONFIGURATION
    assert "unknown preset 'wan'" in done.stderr
    assert "| torch" not in done.stderr


def test_child__without_torch_says_what_to_install(tmp_path):
    """``-S`` hides the installed packages; perfgate itself comes from PYTHONPATH."""
    command = (sys.executable, "-S", "-m", "perfgate.workloads.diffusion")
    options = ("--preset", "wan-tiny", "--report", str(tmp_path / "report.json"))
    done = subprocess.run(
        (*command, *options),
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.CONFIGURATION, done.stderr
    assert "torch is not installed in this environment" in done.stderr
    assert "pip install 'perfgate[torch]'" in done.stderr


def test_allocator__keeps_memory_where_the_c_library_can():
    assert keep_freed_memory() is hasattr(ctypes.CDLL(None), "mallopt")
