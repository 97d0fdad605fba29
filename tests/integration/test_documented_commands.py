"""Every shell command of the documents is run, a page's blocks in order, in a scratch project."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.documents import PAGES, fences, page
from tests.scratch_projects import PLACES, a_project
from tests.shell_blocks import commands

# What needs the page's own change to perfgate: that page's test makes it, and runs the command.
ELSEWHERE = {
    "perfgate compare figures.csv perfgate-out/record.json": "tests/integration/test_extending.py"
}
RUN = {
    name: [
        (each.place, command)
        for each in fences(name)
        if each.language == "sh" and not each.only_read
        for command in commands(each.text)
        if command.text not in ELSEWHERE
    ]
    for name in PAGES
}
# Says of the command before it which one it was, where it did not exit as the page says.
CHECK = """\
ended() {
    [ "$3" -eq "$2" ] || { echo "$1 exited with $3 instead of $2" >&2; exit 97; }
}
"""


@pytest.mark.parametrize("command", ELSEWHERE)
def test_a_command_that_is_run_elsewhere__is_on_the_page_that_is_read_there(command: str) -> None:
    (name,) = [name for name in PAGES if f"\n{command}\n" in page(name)]
    assert Path(name).name in page(ELSEWHERE[command])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, found in RUN.items() if found])
def test_commands__do_what_the_page_says(name: str, tmp_path: Path) -> None:
    place = PLACES.get(name, a_project)(tmp_path)
    lines = [CHECK]
    for at, command in RUN[name]:
        called = shlex.quote(f"{at}: {command.text}")
        lines.append(f"{command.text}\nended {called} {command.exit_code} $?\n")
    done = subprocess.run(
        ["bash"],
        input="".join(lines),
        cwd=place.folder,
        env=place.environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert "Traceback" not in done.stderr
