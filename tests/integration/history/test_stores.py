"""What every place of a history does alike, in real folders, fsspec file systems and git."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfgate.errors import ConfigurationError, PublishError
from perfgate.history.append import append
from perfgate.history.names import digest_of
from perfgate.history.opening import open_store
from perfgate.history.read import read_history
from tests.result_files import NOW, a_cell, a_results
from tests.stores import GIT_ENV, Opener, a_clone, git, opened


def test_what_one_job_adds_the_next_one_reads(opener: Opener) -> None:
    assert opener().names() == ()
    append(opener(), [a_results(a_cell(1000.0 + day), day=day) for day in range(3)])
    append(opener(), [a_results(a_cell(1003.0), day=3)])

    history = read_history(opener(), now=NOW)

    assert history.problems == ()
    assert [line.values.tolist() for line in history.lines] == [[1000, 1001, 1002, 1003]]


def test_the_same_file_again_changes_nothing_and_says_so(opener: Opener) -> None:
    first = append(opener(), [a_results(day=1), a_results(day=2)])
    names = opener().names()

    again = append(opener(), [a_results(day=2), a_results(day=1), a_results(day=1)])

    assert (len(first.added), first.already) == (2, ())
    assert again.added == ()
    assert sorted(set(again.already)) == sorted(first.added)
    assert opener().names() == names


def test_another_content_of_the_same_attempt_has_a_name_of_its_own(opener: Opener) -> None:
    append(opener(), [a_results(a_cell(1000))])
    append(opener(), [a_results(a_cell(2000))])

    assert len(opener().names()) == 2


def test_a_name_that_is_taken_by_something_else_is_left_as_it_is(opener: Opener) -> None:
    (name,) = append(opener(), [a_results()]).added
    other = f"{name.rpartition('/')[0]}/2026-03-20T020000Z_1000_1_{'0' * 12}.json"

    store = opener()
    assert store.add({other: b"first"}) == (other,)
    assert opener().add({other: b"second", name: b"third"}) == ()

    with (store := opener()).files(store.names()) as folder:
        assert (folder / other).read_bytes() == b"first"
        assert digest_of((folder / name).read_bytes()).startswith(name[-17:-5])


def test_a_file_that_lost_its_end_does_not_keep_the_whole_one_out(opener: Opener) -> None:
    (name,) = append(opener(), [a_results()]).added
    store = opener()
    store.names()
    store.remove([name])
    opener().add({name: b"{"})

    (added,) = append(opener(), [a_results()]).added

    history = read_history(opener(), now=NOW)
    assert added != name
    assert [len(line) for line in history.lines] == [1]
    assert "cut short" in history.problems[0]
    assert append(opener(), [a_results()]).already == (added,)


def test_removing_takes_away_what_is_there(opener: Opener) -> None:
    names = append(opener(), [a_results(day=1), a_results(day=2)]).added

    opener().remove([names[0], "results/2026/03/not-there.json"])

    assert opener().names() == names[1:]


def test_content_comes_back_byte_by_byte(opener: Opener) -> None:
    content = bytes(range(256)) + b"\r\n\n"
    opener().add({"results/2026/03/a": content})

    with (store := opener()).files(store.names()) as folder:
        assert (folder / "results/2026/03/a").read_bytes() == content


# --- what a branch alone has to keep ---


def test_a_branch_leaves_work_tree_index_head_and_clone_alone(tmp_path: Path) -> None:
    clone = a_clone(tmp_path)
    (clone / "code.py").write_text("changed\n")
    (clone / "staged.py").write_text("x\n")
    git(clone, "add", "staged.py")
    asked = ("status --porcelain", "for-each-ref", "count-objects", "log --all --oneline")
    before = [git(clone, *words.split()) for words in asked]

    store = opened("branch:data", clone, tmp_path / "s")
    append(store, [a_results()])

    assert [git(clone, *words.split()) for words in asked] == before
    assert git(clone, "rev-parse", "--is-shallow-repository") == "false"
    origin = tmp_path / "origin.git"
    assert git(origin, "rev-list", "--count", "data") == "1"
    assert git(origin, "ls-tree", "-r", "--name-only", "data") == "\n".join(store.names())


def test_a_branch_keeps_its_other_files_and_its_history(tmp_path: Path) -> None:
    clone, origin = a_clone(tmp_path), tmp_path / "origin.git"
    git(clone, "checkout", "--quiet", "--orphan", "data")
    (clone / "chart.png").write_bytes(b"png")
    (clone / ".gitattributes").write_text("*.json text eol=crlf\n")
    git(clone, "add", "chart.png", ".gitattributes")
    git(clone, "commit", "--quiet", "-m", "a chart")
    git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/data")

    for day in range(3):
        append(opened("branch:data", clone, tmp_path / f"s{day}"), [a_results(day=day)])

    assert git(origin, "rev-list", "--count", "data") == "4"
    assert git(origin, "cat-file", "blob", "data:chart.png") == "png"
    history = read_history(opened("branch:data", clone, tmp_path / "r"), now=NOW)
    assert (history.problems, [len(line) for line in history.lines]) == ((), [3])


def test_a_branch_is_not_the_default_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="default branch"):
        append(opened("branch:main", a_clone(tmp_path), tmp_path / "s"), [a_results()])


def test_links_on_a_branch_are_no_files_of_it(tmp_path: Path) -> None:
    clone = a_clone(tmp_path)
    (name,) = append(opened("branch:data", clone, tmp_path / "s"), [a_results()]).added
    git(clone, "fetch", "--quiet", "origin", "data")
    git(clone, "checkout", "--quiet", "FETCH_HEAD")
    (clone / name).unlink()
    (clone / name).symlink_to("/etc/hostname")
    git(clone, "commit", "--quiet", "-a", "-m", "hostile")
    git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/data")

    assert opened("branch:data", clone, tmp_path / "r").names() == ()


def test_without_a_remote_the_fix_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "alone")

    with pytest.raises(ConfigurationError, match="no remote origin") as raised:
        opened("branch:data", tmp_path / "alone", tmp_path / "s").names()

    assert "git remote add" in raised.value.fix


def test_a_push_that_is_refused_is_told_with_git_s_words(tmp_path: Path) -> None:
    clone = a_clone(tmp_path)
    hook = tmp_path / "origin.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho the branch is protected >&2\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(PublishError, match="the branch is protected") as raised:
        append(opened("branch:data", clone, tmp_path / "s"), [a_results()])

    assert "contents: write" in raised.value.fix


def test_a_push_that_others_always_win_ends_with_what_to_do(tmp_path: Path) -> None:
    clone, waits = a_clone(tmp_path), []
    hook = tmp_path / "origin.git" / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho cannot lock ref >&2\nexit 1\n")
    hook.chmod(0o755)
    (scratch := tmp_path / "s").mkdir()
    store = open_store(
        "branch:data", start=clone, environ=GIT_ENV, scratch=scratch, sleep=waits.append
    )

    with pytest.raises(PublishError, match="12 times in a row") as raised:
        append(store, [a_results()])

    assert "Run the same command again" in raised.value.fix
    assert len(waits) == 12
    assert 0.25 <= waits[0] <= 0.5
    assert max(waits) <= 20


_PUSHER = """
import os, sys, time
from pathlib import Path
from perfgate.history.append import append
from perfgate.history.opening import open_store
from tests.result_files import a_results
clone, scratch, first = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
Path(scratch, "ready").touch()
while not (clone.parent / "go").exists():
    time.sleep(0.001)
for day in range(first, first + 4):
    own = scratch / str(day)
    own.mkdir()
    store = open_store("branch:data", start=clone, environ=dict(os.environ), scratch=own)
    print(*append(store, [a_results(day=day)]).added)
"""


def test_jobs_that_push_at_once_lose_nothing(tmp_path: Path) -> None:
    clone, root = a_clone(tmp_path), Path(__file__).parents[3]

    def push(number: int) -> str:
        scratch = tmp_path / f"job {number}"
        scratch.mkdir()
        done = subprocess.run(
            (sys.executable, "-c", _PUSHER, str(clone), str(scratch), str(100 * number)),
            cwd=root,
            env={**GIT_ENV, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(push, number) for number in (0, 1)]
        while len([*tmp_path.glob("job */ready")]) < 2 and not all(job.done() for job in jobs):
            pass
        (tmp_path / "go").touch()
        said = "".join(job.result() for job in jobs).split()

    assert len(said) == 8
    assert sorted(said) == [*opened("branch:data", clone, tmp_path / "r").names()]
    assert git(tmp_path / "origin.git", "rev-list", "--count", "data") == "8"


@pytest.mark.parametrize(
    "named", ["branch:", "branch:--upload-pack=x", "branch:a..b", "branch:a b"]
)
def test_a_name_that_is_no_branch_is_refused(tmp_path: Path, named: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name of a branch"):
        opened(named, a_clone(tmp_path), tmp_path / "s")


# --- what an address has to say ---


def test_an_address_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nonsense://x cannot be opened"):
        opened("nonsense://x", tmp_path, tmp_path / "s")


def test_credentials_in_an_address_are_not_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        opened("nonsense://user:secret@x", tmp_path, tmp_path / "s")

    assert "secret" not in str(raised.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")

    with pytest.raises(ConfigurationError, match="f is no folder"):
        opened("f", tmp_path, tmp_path / "s").names()
