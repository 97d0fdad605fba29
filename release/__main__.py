"""``python3 -m release``: what image.yml and release.yml call. Reads arguments, prints, exits."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from release import images, notes, pinning, smoke, tree
from release.doors import door_named, matrix
from release.errors import ReleaseError


def main(arguments: Sequence[str]) -> int:
    """Run one command; 1 where there can be no release, with the reason as an annotation."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except ReleaseError as error:
        text = str(error).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        # A workflow command where a step's redirections leave it: a runner reads both streams.
        print(f"::error title=release::{text}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m release", description=__doc__)
    commands = parser.add_subparsers(required=True)

    made = commands.add_parser("matrix", help="print the doors as a job's matrix")
    made.set_defaults(run=_matrix)

    made = commands.add_parser("notes", help="print a version's notes, or say why there are none")
    made.add_argument("version")
    made.set_defaults(run=_notes)

    made = commands.add_parser("moving-tag", help="print the tag that follows this version, if any")
    made.add_argument("version")
    made.set_defaults(run=_moving_tag)

    made = commands.add_parser("build", help="build a door's image")
    _of_an_image(made)
    made.set_defaults(run=_build)

    made = commands.add_parser("smoke", help="try a door's image")
    _of_an_image(made)
    made.set_defaults(run=_smoke)

    made = commands.add_parser("push", help="push a door's image and write its digest")
    _of_an_image(made)
    _of_digests(made)
    made.add_argument("--commit", required=True, help="what the image is tagged with")
    made.set_defaults(run=_push)

    made = commands.add_parser("image", help="print a pushed image by its digest")
    made.add_argument("door")
    _of_digests(made)
    made.set_defaults(run=_image)

    for name, run, help_text in (
        ("pin", _pin, "write the digests into the image lines of the doors"),
        ("check", _check, "check that HEAD changes nothing but these lines"),
    ):
        made = commands.add_parser(name, help=help_text)
        _of_digests(made)
        if run is _check:
            made.add_argument("base", help="the commit of main that HEAD must stand on")
        made.set_defaults(run=run)
    return parser


def _of_an_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("door")
    parser.add_argument("image")
    parser.add_argument("--engine", default="docker", help="the engine's command line")


def _of_digests(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repository", required=True, help="as owner/name")
    parser.add_argument("--digests", required=True, type=Path, help="a folder with a file a door")


def _matrix(_: argparse.Namespace) -> None:
    _say(json.dumps(matrix()))


def _notes(given: argparse.Namespace) -> None:
    package = Path("perfgate/__init__.py").read_text(encoding="utf-8")
    notes.check_version(given.version, package)
    changelog = Path("CHANGELOG.md").read_text(encoding="utf-8")
    _say(notes.notes_of(given.version, changelog).rstrip("\n"))


def _moving_tag(given: argparse.Namespace) -> None:
    if tag := notes.moving_tag(given.version):
        _say(tag)


def _build(given: argparse.Namespace) -> None:
    images.build(door_named(given.door), given.image, engine=given.engine, context=Path.cwd())


def _smoke(given: argparse.Namespace) -> None:
    engine = shlex.split(given.engine)
    for line in smoke.smoke(door_named(given.door), given.image, engine=engine):
        _say(line)


def _push(given: argparse.Namespace) -> None:
    digest = images.push(
        door_named(given.door),
        given.image,
        engine=given.engine,
        repository=given.repository,
        commit=given.commit,
    )
    given.digests.mkdir(parents=True, exist_ok=True)
    (given.digests / given.door).write_text(digest + "\n", encoding="utf-8")
    _say(digest)


def _image(given: argparse.Namespace) -> None:
    reference = _references(given)[door_named(given.door).dockerfile]
    _say(reference.removeprefix("docker://"))


def _pin(given: argparse.Namespace) -> None:
    for path in tree.pin(Path.cwd(), _references(given)):
        _say(path)


def _check(given: argparse.Namespace) -> None:
    for path in tree.check(Path.cwd(), given.base, _references(given)):
        _say(path)


def _references(given: argparse.Namespace) -> dict[str, str]:
    if not given.digests.is_dir():
        raise ReleaseError(
            f"{given.digests} is no folder", fix="Name the folder with a file for each door."
        )
    files = sorted(given.digests.iterdir())
    digests = {file.name: file.read_text(encoding="utf-8").strip() for file in files}
    return pinning.references(digests, repository=given.repository)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the workflow reads


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
