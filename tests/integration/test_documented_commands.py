"""Every shell command of the documents is run, a page's blocks in order, in a scratch project."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.documents import PAGES, fences
from tests.scratch_projects import PLACES, a_project
from tests.shell_blocks import commands

# Pages whose commands another test runs, in what the page itself tells to write.
ELSEWHERE = {"docs/extending.md": "tests/integration/test_extending.py"}
RUN = {
    name: [each for each in fences(name) if each.language == "sh" and not each.only_read]
    for name in PAGES
    if name not in ELSEWHERE
}
# Says of the command before it which one it was, where it did not exit as the page says.
CHECK = """\
ended() {
    [ "$3" -eq "$2" ] || { echo "$1 exited with $3 instead of $2" >&2; exit 97; }
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, found in RUN.items() if found])
def test_commands__do_what_the_page_says(name: str, tmp_path: Path) -> None:
    place = PLACES.get(name, a_project)(tmp_path)
    lines = [CHECK]
    for fence in RUN[name]:
        for command in commands(fence.text):
            called = shlex.quote(f"{fence.place}: {command.text}")
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
