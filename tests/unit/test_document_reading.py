"""How the documents are read: commands one by one, what they call, links, anchors, markers."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from tests import documents
from tests.shell_blocks import commands, every_option, options, parse

BLOCK = """\
# a comment of its own

perfgate gate --base main        # exit code 1: slower
perfgate gate; A=1 perfgate explain | tee log
perfgate history query --from s "SELECT a
  FROM points" > out.json
cat > bench.py <<'END'
it's open
END
perfgate measure \\
  --device cpu
"""


def test_commands__over_several_lines() -> None:
    found = commands(BLOCK)
    assert [command.text.split()[0] for command in found] == [
        "perfgate",
        "perfgate",
        "perfgate",
        "cat",
        "perfgate",
    ]
    assert [command.exit_code for command in found] == [1, 0, 0, 0, 0]
    assert found[3].text.endswith("\nEND")


def test_commands__that_never_end_are_none() -> None:
    with pytest.raises(ValueError, match="ends inside of a command"):
        commands('perfgate gate --base "main\n')


def test_calls__without_what_the_shell_takes() -> None:
    found = commands(BLOCK)
    assert found[0].calls("perfgate") == [["gate", "--base", "main"]]
    assert found[1].calls("perfgate") == [["gate"], ["explain"]]
    assert found[1].calls("tee") == [["log"]]
    assert found[2].calls("perfgate") == [
        ["history", "query", "--from", "s", "SELECT a\n  FROM points"]
    ]
    assert found[4].calls("perfgate") == [["measure", "--device", "cpu"]]


@pytest.mark.parametrize(
    "arguments",
    [
        ["gaet"],
        ["gate", "--bass"],
        ["gate", "--strategy", "luck"],
        ["history", "quarry"],
        ["baseline", "update", "--record", "record.json", "--because", "x"],
    ],
)
def test_parse__refuses_what_the_command_line_refuses(arguments: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parse(arguments)


def test_parse__reads_groups_and_does_nothing() -> None:
    parse(["gate", "--base", "main"])
    parse(["baseline", "update", "--record", "absent.json", "--reason", "the first"])


def test_options__of_a_call_and_of_its_command() -> None:
    named, has = options(["history", "track", "--from", "STORE", "--wet-run"])
    assert named - has == {"--wet-run"}
    assert {"--from", "--strategy", "--record"} <= every_option()


@pytest.fixture
def page(tmp_path: Path) -> str:
    path = tmp_path / "page.md"
    path.write_text(
        "# A `page`, or two\n\n## Same\n\n## Same\n\nSee [there](other.md#x) and `[no](link)`.\n\n"
        "*Only read by the tests: it needs a GPU.*\n\n```sh\nperfgate gate\n```\n\n"
        "- in a list:\n\n  ```sh\n  # a comment\n  perfgate measure\n  ```\n",
        encoding="utf-8",
    )
    return str(path)  # below the repository or not: an absolute path stays what it is


def test_a_page__anchors_as_github_makes_them(page: str) -> None:
    assert documents.anchors(page) == {"a-page-or-two", "same", "same-1"}


def test_a_page__links_outside_of_code(page: str) -> None:
    assert documents.links(page) == ["other.md#x"]


def test_a_page__blocks_with_their_marker_and_without_indentation(page: str) -> None:
    first, second = documents.fences(page)
    assert (first.place, first.only_read) == (f"{page}:11", "it needs a GPU.")
    assert (second.text, second.only_read) == ("# a comment\nperfgate measure\n", "")
