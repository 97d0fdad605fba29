r"""Paths as Windows writes them: C:\… is no address, no git ref and no scheme, and \ parts folders.

Nothing here has run on Windows. Files of such names on another system show that a path is handed on
as it came, and a process without POSIX's own modules which commands could start there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import click
import pytest
from click.testing import CliRunner

from perfgate.app.keeping.earlier import OtherFile, find_earlier
from perfgate.backends.driven import is_address
from perfgate.cli import options
from perfgate.cli.group import cli
from perfgate.errors import ConfigurationError
from perfgate.history.folder import Folder
from perfgate.history.opening import open_store
from perfgate.records import to_json
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_record
from tests.repositories import Repository, environment

SUITE = "version: 1\nbaselines: {}\ncases: [{{id: a, backend: builtin, preset: wan-tiny}}]\n"
POSIX_ALONE = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
WITHOUT = f"""
import sys, warnings
import psutil  # has a part for Windows, and takes that of Linux here
warnings.filterwarnings("ignore", "only soft file lock")  # filelock's word for no fcntl
sys.modules.update(dict.fromkeys({POSIX_ALONE!r}))
"""


@pytest.mark.parametrize("written", [r"baselines\gpu", "baselines/gpu", r"'baselines\gpu'"])
def test_suite__a_backslash_parts_folders(written: str) -> None:
    suite = parse_suite(SUITE.format(written), source="perfgate.yml")
    assert suite.baselines == PureWindowsPath(r"baselines\gpu").as_posix()


@pytest.mark.parametrize(
    "written",
    [
        *(r"C:\baselines", "C:/baselines", "C:baselines", r"\\server\share"),
        *(r"\baselines", r"..\x", r"a\..\..\x"),
    ],
)
def test_suite__nothing_leads_out_of_the_tree_on_windows_either(written: str) -> None:
    with pytest.raises(ConfigurationError, match="write a path below the repository"):
        parse_suite(SUITE.format(written), source="perfgate.yml")


def test_suite__an_escape_of_yaml_is_told() -> None:
    with pytest.raises(ConfigurationError, match="control character"):
        parse_suite(SUITE.format(r'"data\baselines"'), source="perfgate.yml")


def test_option__a_suite_in_a_folder_is_named_as_in_commits() -> None:
    @click.command
    @options.suite
    def shown(suite: str) -> None:
        click.echo(suite)

    done = CliRunner().invoke(shown, ["--suite", r"perf\gpu.yml"])
    assert done.output == "perf/gpu.yml\n"


@pytest.mark.parametrize("named", [r"C:\results", "C:/results", r"\\server\results", r".\results"])
def test_history__a_drive_is_a_folder_and_no_scheme(named: str, tmp_path: Path) -> None:
    store = open_store(named, start=tmp_path, environ={}, scratch=tmp_path)
    assert isinstance(store, Folder)
    assert store.root == tmp_path / named


@pytest.mark.parametrize("image", [r"C:\pictures\in.png", "C:/in.png", r"pictures\in.png"])
def test_image__a_drive_is_no_address(image: str) -> None:
    assert not is_address(image)


def test_against__a_drive_is_a_file_and_no_ref(tmp_path: Path) -> None:
    Repository(tmp_path).commit("first")
    old = r"C:\old.json"
    (tmp_path / old).write_text("{}")
    found = find_earlier(tmp_path, environment(), old, files=1)
    assert found == OtherFile(told=old, path=tmp_path / old)


def test_compare__files_on_drives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(r"C:\my records\after.json").write_text(to_json(a_record([a_case_record()])))
    done = CliRunner().invoke(cli, ["compare", r"C:\my records\after.json", "--json"])
    assert json.loads(done.stdout)["schema"] == "perfgate.decision"


def test_commands__each_can_start_without_posix(tmp_path: Path) -> None:
    program = f"""{WITHOUT}
import click
from perfgate.cli.group import cli
def walk(group):
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group): walk(command)
walk(cli)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_compare__decides_without_posix(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(to_json(a_record([a_case_record()])))
    program = (
        f"{WITHOUT}\nfrom perfgate.cli import main\nmain(['compare', 'record.json', '--json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (json.loads(done.stdout)["exit_code"], done.stderr) == (done.returncode, "")


def test_measure__is_refused_on_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "win32")
    done = CliRunner().invoke(cli, ["measure"])
    assert isinstance(done.exception, ConfigurationError)
    assert "does not measure on Windows" in done.exception.problem
    assert "compare, publish" in done.exception.fix
