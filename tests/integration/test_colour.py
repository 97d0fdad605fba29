"""When the command line colours and when not: on a terminal of its own, by a process."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from perfgate.records import to_json
from tests.factories import a_case_record, a_record

COLOUR = re.compile(rb"\x1b\[[0-9;]*3[0-9][0-9;]*m")
ESCAPE = b"\x1b"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record in which a case got slower, which the table shows in colour."""
    slower = a_case_record(base=[1000.0 + one for one in range(12)], head=[1300.0] * 12)
    path = tmp_path / "my record.json"
    path.write_text(to_json(a_record([slower])))
    return path


def shown(*arguments: str | Path, terminal: bool, environ: Mapping[str, str]) -> bytes:
    """Standard output of perfgate, which is a terminal or a pipe."""
    plain = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "perfgate", *map(str, arguments)]
    env = plain | {"PYTHONPATH": str(Path(__file__).parents[2])} | dict(environ)
    if not terminal:
        return subprocess.run(command, env=env, capture_output=True, check=False).stdout
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # Linux says so when the last writer is gone
        pass
    os.close(ours)
    child.wait()
    return seen


@pytest.mark.parametrize(
    ("terminal", "environ", "coloured"),
    [
        (True, {"TERM": "xterm-256color"}, True),
        (True, {"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {"TERM": "xterm-256color"}, False),
        (False, {"TERM": "xterm-256color", "FORCE_COLOR": "1"}, True),
        (False, {"TERM": "xterm-256color", "FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
    ids=["terminal", "no-color", "dumb", "pipe", "forced", "forced-and-no-color"],
)
def test_table__is_coloured_where_it_should_be(
    terminal: bool, environ: dict[str, str], coloured: bool, record: Path
) -> None:
    seen = shown("compare", record, terminal=terminal, environ=environ)
    assert b"wan_t2v_tiny" in seen
    assert bool(COLOUR.search(seen)) is coloured


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_json__and_help_have_no_escape_ever(environ: dict[str, str], record: Path) -> None:
    forced = {"TERM": "xterm-256color", "FORCE_COLOR": "1"}
    assert ESCAPE not in shown("compare", "--json", record, terminal=True, environ=forced)
    assert ESCAPE not in shown("--help", terminal=True, environ=environ)


def test_progress__is_lines_in_a_log_even_where_colour_is_forced() -> None:
    environ = {"TERM": "xterm-256color", "FORCE_COLOR": "1"}
    program = """
from perfgate.cli.progress import console_progress
from perfgate.cli.surroundings import stderr_console
with console_progress(stderr_console()) as progress:
    progress.part_started("conv", number=1, of=2)
    progress.part_ended("conv: timed", number=1, of=2, left_s=30.0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environ,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert done.stderr == "perfgate: conv: timed · 1 of 2 · about 30 s left\n".encode()
