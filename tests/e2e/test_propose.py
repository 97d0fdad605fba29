"""`update-baseline: pr` under act: jobs on the default branch, one after the other and at once."""

import os
from textwrap import dedent

import pytest

from perfgate.baselines.native import parse_baseline
from tests.e2e import projects
from tests.e2e.act import run_workflow
from tests.e2e.runner import give
from tests.fakes.github_server import BOT

TOKEN = "a-s3cret-token"
WORKFLOW = dedent(
    """\
    name: NAME
    on: push
    permissions: {}
    jobs:
      gate:
        runs-on: ubuntu-latest
        permissions:
          contents: write
          pull-requests: write
        strategy:
          fail-fast: false
          matrix:
            cases: CASES
        steps:
          - uses: actions/checkout@v5
          - uses: ./
            id: perfgate
            with:
              suite: bench/perfgate.yml
              cases: ${{ matrix.cases }}
              update-baseline: pr
              reviewers: alice
          - if: always()
            env:
              URL: ${{ steps.perfgate.outputs.baseline-url }}
            run: echo "proposed at <$URL>"
    """
)


class Branch:
    """The default branch: what is pushed to it, and the jobs that run on it."""

    def __init__(self, project, github, run):
        self.project = project
        self.github = github
        self.run = run

    def push(self, **decoding_ms):
        """Push benchmarks whose decoding takes so long."""
        for name, value in decoding_ms.items():
            self.project.file(f"bench/{name}.py", projects.bench(decoding_ms=value))
        self.project.commit("benchmarks")
        self.project.git("push", "--quiet", str(self.github.bare.path), "HEAD:main")

    def pull(self):
        self.project.git("fetch", "--quiet", str(self.github.bare.path), "main")
        self.project.git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def merge(self, pull):
        bare = self.github.bare
        tip = bare.tip(pull.head)
        bare.commit("main", "merge", files={}, parents=[bare.tip("main"), tip], tree_of=tip)
        self.github.pulls.close(pull)
        self.pull()

    def totals(self, pull):
        """The proposed end-to-end time of each case in milliseconds."""
        bare = self.github.bare
        paths = [path for path in bare.files(pull.head) if path.startswith("baselines/")]
        found = [parse_baseline(bare.text(pull.head, path), source=path) for path in paths]
        return {one.case: one.derived.metrics["end-to-end"].value for one in found}


@pytest.fixture
def branch(containers, docker_host, github, tmp_path, request):
    runs = iter(range(1, 100))
    project = projects.a_default_branch(tmp_path / "project", repository=github.repository)

    def run(*, cases=("",)):
        """A job, or for several ``cases`` one job each, at once."""
        number = next(runs)
        name = f"{request.node.name}-{os.getpid()}-{number}".replace("_", "-")
        file = tmp_path / f"{name}.yml"
        file.write_text(WORKFLOW.replace("NAME", name).replace("CASES", str(list(cases))))
        give(project.path, 0)
        return run_workflow(
            containers,
            docker_host,
            project.path,
            workflow=str(file),
            event=projects.a_push(project, tmp_path / "event.json", repository=github.repository),
            event_name="push",
            run_id=number,
            github=github,
            token=TOKEN,
        )

    return Branch(project, github, run)


def said(run):
    return {line for line in run.lines if line.startswith("proposed at ")}


def test_baselines__one_pull_request_through_its_life(branch, github):
    branch.push(wan=40, flux=40)
    run = branch.run()
    (first,) = github.pulls.open
    assert said(run) == {f"proposed at <{github.url}/octo/bench/pull/{first.number}>"}, run
    assert "2 of 2 cases" in first.title
    assert (first.draft, first.reviewers) == (False, ["alice"])
    assert "Approve workflows to run" in first.body
    branch.merge(first)

    branch.push(wan=600)
    run = branch.run()
    assert run.jobs == ["failure"], run
    (pull,) = github.pulls.open
    assert pull.draft
    assert "1 of 2 cases" in pull.title
    assert "A draft until somebody says why" in pull.body
    assert "/actions/runs/2" in pull.body
    tip = github.bare.tip(pull.head)

    run = branch.run()
    assert github.pulls.open == [pull], run
    second = github.bare.tip(pull.head)
    assert second != tip
    assert github.bare.asks("merge-base", "--is-ancestor", tip, second) is not None

    moved = github.bare.commit("main", "other work", files={"notes.md": "a\n"})
    run = branch.run()
    assert github.pulls.open == [pull], run
    third = github.bare.tip(pull.head)
    assert third != second
    assert github.bare.asks("merge-base", "--is-ancestor", moved, third) is not None
    changed = github.bare.git("diff", "--name-only", f"main...{pull.head}").split()
    assert [path.rpartition("/")[2] for path in changed] == ["wan_sleep.json"]

    branch.pull()
    branch.push(wan=40)
    run = branch.run()
    assert github.pulls.open == [], run
    assert said(run) == {f"proposed at <{github.url}/octo/bench/pull/{pull.number}>"}
    (comment,) = github.by(BOT)
    assert comment["pull_request"] == pull.number
    assert "is back at what main holds" in comment["body"]
    assert all(TOKEN not in line for line in run.lines)


def test_two_jobs_at_once__one_pull_request_with_the_figures_of_both(branch, github):
    branch.push(wan=40, flux=40)
    run = branch.run(cases=("wan_sleep", "flux_sleep"))
    (pull,) = github.pulls.open
    assert len(run.jobs) == 2, run
    assert branch.totals(pull).keys() == {"wan_sleep", "flux_sleep"}, run
    assert "2 of 2 cases" in pull.title
    assert "wan_sleep" in pull.body
    assert "flux_sleep" in pull.body
