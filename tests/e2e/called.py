"""perfgate's own repository as act can call it: actions and reusable workflows. No tests.

act does not know `$/`, the repository and commit that a workflow is of. In the copy it stands for
the name under which act is given the folder; nothing else is changed. `checkout` and
`upload-artifact` are JavaScript, which act would have to fetch: stubs take their places.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

from tests.e2e import projects
from tests.e2e.act import artifact_stub
from tests.repositories import Repository

# What was uploaded lies in ARTIFACTS, where a test names such a folder.
UPLOAD = artifact_stub(
    'test -s "$FOLDER/record.json" && echo "uploaded $NAME"'
    ' && { [ -z "${ARTIFACTS:-}" ] || cp -r "$FOLDER" "$ARTIFACTS/$NAME"; }'
)
NAME = "OWNER/perfgate"
VERSION = "v1"
CHECKOUT = dedent(
    """\
    name: checkout
    description: Copies CHECKED_OUT, where act has bound no folder, and looks at the commit there.
    inputs:
      ref: {description: x}
      fetch-depth: {description: x}
      persist-credentials: {description: x}
    runs:
      using: composite
      steps:
        - shell: bash
          env:
            REF: ${{ inputs.ref }}
            DEPTH: ${{ inputs.fetch-depth }}
          run: |
            if [ -n "${CHECKED_OUT:-}" ]; then cp -a "$CHECKED_OUT/." .; fi
            head=$(git -c safe.directory='*' rev-parse HEAD)
            test "${REF:-$head}" = "$head"
            test "$DEPTH" = "$([ -n "$REF" ] && echo 0 || echo 2)"
    """
)


def callable_perfgate(folder: Path) -> dict[str, Path]:
    """Folders that stand for perfgate and for the actions of its workflows, by name and version."""
    own = Repository(folder / "perfgate")
    projects.copy_action(own.path)
    for name in ("setup", "publish", ".github"):
        shutil.copytree(projects.ROOT / name, own.path / name)
    shutil.copy2(projects.ROOT / "publish.Dockerfile", own.path / "publish.Dockerfile")
    workflows = sorted((own.path / ".github/workflows").glob("*.yml"))
    for path in workflows:
        path.write_text(named(path.read_text(encoding="utf-8")), encoding="utf-8")
    own.commit()
    found = {f"{NAME}@{VERSION}": own.path}
    for name, text in {"upload-artifact": UPLOAD, "checkout": CHECKOUT}.items():
        stub = Repository(folder / name)
        stub.file("action.yml", text)
        stub.commit()
        found |= dict.fromkeys(_versions(name, workflows), stub.path)
    return found


def callable_command(folder: Path, stubs: Mapping[str, str], called: str) -> dict[str, Path]:
    """The same for the text of a workflow that takes nothing but perfgate's command.

    ``stubs`` are the texts of actions by name, each a stand-in for every version in ``called``.
    """
    own = Repository(folder / "perfgate")
    for name in ("pyproject.toml", "README.md", "constraints.txt"):
        shutil.copy2(projects.ROOT / name, own.path / name)
    for name in ("host", "setup", "perfgate"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(projects.ROOT / name, own.path / name, ignore=ignored)
    own.commit()
    found = {f"{NAME}@{VERSION}": own.path}
    for name, text in stubs.items():
        stub = Repository(folder / name)
        stub.file("action.yml", text)
        stub.commit()
        found |= dict.fromkeys(re.findall(rf"actions/{name}@[0-9a-f]+", called), stub.path)
    return found


def named(text: str) -> str:
    """A workflow's text with `$/` as act can read it."""
    return re.sub(r"uses: \$/(\S+)", rf"uses: {NAME}/\1@{VERSION}", text)


def _versions(name: str, workflows: list[Path]) -> Iterator[str]:
    for path in workflows:
        yield from re.findall(rf"actions/{name}@\w+", path.read_text(encoding="utf-8"))
