"""A stranger's first ten minutes, typed as they would type it: from a clone to a blocked change.

The wheel is built from this tree and installed from the index that pip knows. A wheel does not say
which repository it is of, so that the workflows call OWNER/perfgate, which act is given this tree
for; a person replaces the name, or installs from git. The pull request itself is opened by a
payload, and measured by the workflow that `perfgate init` wrote.
"""

import re
import sys
import time
import venv

import pytest

from tests.e2e import machine, projects
from tests.e2e.act import run_workflow
from tests.e2e.called import callable_perfgate
from tests.fakes.github_server import BOT
from tests.repositories import Repository, bench, environment

TOKEN = "a-s3cret-token"
MOST_COMMANDS = 6
ALLOWED_S = 600
"""Of every command; more than the whole takes, since this machine may be busy."""


class Terminal:
    """A shell in a folder, with an environment of its own for Python: one line is one command."""

    def __init__(self, folder, home):
        venv.create(home / "venv", with_pip=True)
        self.folder, self.lines = folder, []
        path = f"{home / 'venv' / 'bin'}:{environment()['PATH']}"
        self.environ = environment(
            PATH=path, HOME=str(home), XDG_CACHE_HOME=str(home), VIRTUAL_ENV=str(home / "venv")
        )

    def type(self, line):
        self.lines.append(line)
        done = machine.run("sh", "-c", line, cwd=self.folder, env=self.environ, timeout_s=ALLOWED_S)
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    machine.run(*pip, "--wheel-dir", folder, projects.ROOT)
    (found,) = folder.glob("perfgate-*.whl")
    return found


@pytest.fixture
def origin(github):
    """What the fake GitHub has: a repository that holds nothing."""
    return github.bare.path


@pytest.fixture
def clone(origin, tmp_path):
    """A fresh clone of the empty repository, with a toy benchmark in it."""
    folder = tmp_path / "my video model"
    machine.run("git", "clone", "--quiet", origin, folder, env=environment())
    project = Repository(folder)
    project.commit("A benchmark of three stages", bench_py=bench())
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    return project


def merged(origin, folder):
    """The merge commit of the pull request, checked out as a runner does it."""
    machine.run("git", "clone", "--quiet", "--branch=main", origin, folder, env=environment())
    checkout = Repository(folder)
    checkout.git("branch", "--quiet", "feature", "origin/feature")
    checkout.git("merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    return checkout


def test_from_a_clone_to_a_blocked_change(
    wheel, clone, origin, containers, docker_host, github, tmp_path, capsys
):
    (tmp_path / "home").mkdir()
    terminal = Terminal(clone.path, tmp_path / "home")
    began = time.monotonic()

    terminal.type(f"pip install --quiet '{wheel}'")
    said = terminal.type("perfgate init")
    terminal.type(re.search(r"git add .*git push", said)[0])
    terminal.type("git switch --quiet --create feature")
    terminal.type("sed -i \"s/'DecodingStage': 40.0/'DecodingStage': 80.0/\" bench.py")
    terminal.type("git commit --quiet --all --message 'Decode better' && git push origin feature")
    typed_s = time.monotonic() - began

    checkout = merged(origin, tmp_path / "checkout")
    checkout.git("remote", "set-url", "origin", f"https://github.com/{github.repository}.git")
    run = run_workflow(
        containers,
        docker_host,
        checkout.path,
        workflow=str(checkout.path / ".github/workflows/perfgate.yml"),
        event=projects.an_event(checkout, tmp_path / "x.json", repository=github.repository),
        github=github,
        token=TOKEN,
        actions=callable_perfgate(tmp_path / "actions"),
        bind=True,
    )
    took_s = time.monotonic() - began

    assert run.exit_code == 1, run
    assert run.jobs == ["failure"], run
    (comment,) = github.by(BOT)
    assert comment["pull_request"] == 7
    first = next(line for line in comment["body"].splitlines() if line.startswith("**"))
    assert first.startswith("**bench · DecodingStage +"), comment["body"]
    (check,) = github.checks.named("perfgate/perfgate")
    assert check["conclusion"] == "failure"
    assert check["head_sha"] == clone.git("rev-parse", "feature")
    assert len(terminal.lines) <= MOST_COMMANDS
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(terminal.lines)} commands in {typed_s:.0f} s, blocked after {took_s:.0f} s\n"
        )
