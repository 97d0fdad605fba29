"""What the rows about torch, the token and the disk say, from answers that are given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfgate.app.examining.project import TokenRights, disk_check, token_check, torch_check
from perfgate.errors import PublishError
from perfgate.github.event import Event
from perfgate.process import Finished
from perfgate.suite import parse_suite

HERE = Path("/work")
PUSH = Event(name="push", repository="octo/bench")
BUILTIN = "{id: a, backend: builtin, preset: wan-tiny}"
COMMAND = "{id: b, backend: command, command: python3 bench.py}"
NO_TORCH = {"problem": "torch is not installed in this environment", "fix": "Install it."}


def a_suite(*cases):
    return parse_suite(f"version: 1\ncases: [{', '.join(cases)}]", source="perfgate.yml")


class Child:
    """Stands for the process that imports torch; remembers how it was started."""

    def __init__(self, log_tail, *, exit_code=0, timed_out=False):
        self.finished = Finished(
            exit_code=exit_code, timed_out=timed_out, duration_s=1.0, log_tail=log_tail
        )

    def __call__(self, command, *, cwd, env, timeout_s):
        self.command, self.env = command, env
        return self.finished


def answered(**answer):
    return Child(f"noise of an import\nperfgate-doctor-torch:{json.dumps(answer)}\nmore noise")


def torch_row(child, suite=None, *, device="cuda:1", environ=None):
    return torch_check(device, suite, environ=environ or {}, run=child, folder=HERE, python="py")


def test_torch__opens_the_device():
    child = answered(torch="2.13.0", device="cuda:1", name="Tesla T4", count=2)
    found = torch_row(child)
    assert (found.state, found.seen) == ("ok", "2.13.0 opens cuda:1 (Tesla T4, 2 visible)")
    assert child.command[:3] == ("py", "-P", "-c")
    assert child.command[-1] == "cuda:1"


@pytest.mark.parametrize(
    ("cases", "state", "told"),
    [
        ((COMMAND, BUILTIN), "bad", "torch is not installed in this environment"),
        ((COMMAND,), "warning", "(no builtin case needs it here)"),
        (None, "warning", "(builtin cases need it here)"),
    ],
)
def test_torch__is_needed_by_builtin_cases_alone(cases, state, told):
    found = torch_row(answered(**NO_TORCH), a_suite(*cases) if cases else None)
    assert found.state == state
    assert found.seen.endswith(told)
    assert found.fix == "Install it."


@pytest.mark.parametrize(
    ("child", "told"),
    [
        (Child("Fatal Python error\nSegmentation fault", exit_code=-11), "killed by SIGSEGV: Seg"),
        (Child("", timed_out=True), "did not end within 120 s and was killed"),
        (Child("ImportError: libc", exit_code=1), "exited with 1: ImportError: libc"),
        (Child("perfgate-doctor-torch:{half"), "exited with 0"),
    ],
)
def test_torch__a_process_that_breaks_is_a_row(child, told):
    found = torch_row(child, a_suite(BUILTIN))
    assert found.state == "bad"
    assert told in found.seen
    assert "import torch" in found.fix


def test_torch__its_process_is_given_no_token():
    child = answered(**NO_TORCH)
    secrets = {"GITHUB_TOKEN": "a", "GH_TOKEN": "b", "INPUT_GITHUB-TOKEN": "c", "ACTIONS_X": "d"}
    torch_row(child, environ={**secrets, "PATH": "/bin"})
    assert child.env == {"PATH": "/bin"}


def may(*rights, scopes=None):
    return lambda event, token: TokenRights(rights=rights, scopes=scopes)


def nobody(event, token):
    raise AssertionError("nobody is to be asked")


def test_token__is_nothing_outside_of_actions():
    found = token_check(Event(name="local"), "a-token", ask=nobody)
    assert found.state == "not applicable"


def test_token__absent_or_of_a_fork():
    assert token_check(PUSH, "", ask=nobody).state == "warning"
    fork = Event(name="pull_request", repository="octo/bench", pull_request=7, is_fork=True)
    found = token_check(fork, "a-token", ask=nobody)
    assert (found.state, "docs/forks.md" in found.fix) == ("warning", True)


@pytest.mark.parametrize(
    ("ask", "state", "told"),
    [
        (may("pull", "push"), "ok", "reads octo/bench (rights: pull, push)"),
        (may(), "ok", "(rights: none told)"),
        (may("pull", scopes="repo, workflow"), "ok", "reads octo/bench"),
        (may("pull", scopes="gist"), "warning", "a personal token with the scopes gist"),
        (may("pull", scopes=""), "warning", "a personal token with the scopes none"),
    ],
)
def test_token__what_github_tells_of_it(ask, state, told):
    found = token_check(PUSH, "a-token", ask=ask)
    assert found.state == state
    assert told in found.seen


def test_token__a_refusal_is_a_warning_with_its_fix():
    def refuse(event, token):
        raise PublishError("GitHub answered 401", fix="Give a token.")

    found = token_check(PUSH, "a-token", ask=refuse)
    assert (found.state, found.seen, found.fix) == (
        "warning",
        "GitHub answered 401",
        "Give a token.",
    )


@pytest.mark.parametrize(
    ("mib", "state", "told"),
    [(6000, "ok", "5.9 GiB"), (4000, "warning", "3.9 GiB"), (100, "bad", "100 MiB")],
)
def test_disk__the_fullest_counts(mib, state, told):
    full = Path("/tmp/cache/of/later")
    found = disk_check(
        (Path("/"), full), usage=lambda path: 2**40 if path == Path("/") else mib * 2**20
    )
    assert found.state == state
    assert f"{told} free in {full}" in found.seen
    assert bool(found.fix) == (state != "ok")


def test_disk__a_folder_that_is_not_made_yet_is_that_around_it(tmp_path):
    asked = []
    disk_check((tmp_path / "a/b",), usage=lambda path: asked.append(path) or 0)
    assert asked == [tmp_path]
