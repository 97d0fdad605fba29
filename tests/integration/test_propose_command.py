"""``perfgate baseline propose`` as a process: what a job's log says, and its exit code."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfgate.records import Tree, to_json
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_record
from tests.fakes.github_server import FakeGitHub
from tests.repositories import perfgate

pytestmark = pytest.mark.slow

SUITE = """\
version: 1
baselines: baselines/
cases:
  - {id: wan, backend: command, command: python3 wan.py}
  - {id: flux, backend: command, command: python3 flux.py}
"""
TOKEN = "a-s3cret"


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git", token=TOKEN) as server:
        server.bare.commit("main", "start", files={"perfgate.yml": SUITE})
        yield server


@pytest.fixture
def propose(github, tmp_path):
    def propose(
        *arguments,
        event="push",
        ref="refs/heads/main",
        environ=(),
        launches=5,
        case="wan",
        key="cpu-test-x2",
    ):
        known = {one.id: one.workload_hash() for one in parse_suite(SUITE, source="x").cases}
        record = a_record(
            [a_case_record(id=case, base=(), head=[1000] * launches, workload_hash=known[case])],
            head=Tree(commit=github.bare.tip("main"), ref="main"),
            hardware_key=key,
        )
        Path(tmp_path / f"{key}-{case}.json").write_text(to_json(record))
        repository = {"full_name": github.repository, "default_branch": "main"}
        head = {"sha": "a" * 40, "ref": "feature", "repo": {"full_name": github.repository}}
        pull = {"number": 7, "head": head, "base": {"sha": "b" * 40, "ref": "main"}, "labels": []}
        payload = {"ref": ref, "repository": repository, "pull_request": pull}
        (tmp_path / "event.json").write_text(json.dumps(payload))
        found = {
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": github.repository,
            "GITHUB_REF": ref,
            "GITHUB_SHA": github.bare.tip("main"),
            "GITHUB_RUN_ID": "77",
            "GITHUB_ACTOR": "ann",
            "GITHUB_API_URL": github.url,
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_TOKEN": TOKEN,
            **dict(environ),
        }
        done = perfgate(
            tmp_path, "baseline", "propose", f"--record={key}-{case}.json", *arguments, **found
        )
        assert "Traceback" not in done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return done

    return propose


@pytest.mark.parametrize("what", ["two machines", "two cases"])
def test_two_jobs_at_once__nothing_is_lost(propose, github, what):
    """Real processes; two kinds of machines have a pull request each, two cases share one."""
    jobs = [{"key": "cpu-test-x2"}, {"key": "cpu-other-x4"}]
    if what == "two cases":
        jobs = [{"case": "wan"}, {"case": "flux"}]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda job: propose(**job), jobs))
    assert [one.returncode for one in done] == [0, 0], [one.stdout for one in done]
    heads = [pull.head for pull in github.pulls.open]
    held = {path for head in heads for path in github.bare.files(head) if "baselines/" in path}
    if what == "two machines":
        assert sorted(heads) == [f"perfgate/baselines/main/{job['key']}" for job in jobs][::-1]
        assert held == {f"baselines/{job['key']}/wan.json" for job in jobs}
    else:
        assert len(heads) == 1
        assert held == {f"baselines/cpu-test-x2/{job['case']}.json" for job in jobs}
        assert "2 of 2 cases" in github.pulls.open[0].title


def test_shards_on_one_kind_of_machine__one_pull_request(propose, github):
    propose(case="flux", environ={"GITHUB_TOKEN": ""})  # leaves its record
    done = propose("--record=cpu-test-x2-flux.json", "--strict-publish")
    assert done.returncode == 0, done.stdout + done.stderr
    (pull,) = github.pulls.open
    assert "2 of 2 cases" in pull.title
    assert {path for path in github.bare.files(pull.head) if "baselines/" in path} == {
        f"baselines/cpu-test-x2/{case}.json" for case in ("wan", "flux")
    }


def test_shards_on_two_kinds_of_machines__a_pull_request_each(propose, github, tmp_path):
    key = "nvidia-h100-80gb-hbm3-x1"
    propose(case="flux", key=key, environ={"GITHUB_TOKEN": ""})
    done = propose(f"--record={key}-flux.json", "--case=flux", "--case=wan", "--strict-publish")
    assert done.returncode == 0, done.stdout + done.stderr
    pulls = {pull.head: pull for pull in github.pulls.open}
    assert set(pulls) == {f"perfgate/baselines/main/{one}" for one in ("cpu-test-x2", key)}
    told = (tmp_path / "output").read_text().splitlines()
    urls = [f"{github.url}/octo/bench/pull/{pull.number}" for pull in pulls.values()]
    assert set(urls) <= set(told)
    assert all(f"::notice title=perfgate::Opened {url}" in done.stdout for url in urls)


def test_a_case_that_no_record_has__told_of_every_kind_of_machine(propose, github):
    key = "nvidia-h100-80gb-hbm3-x1"
    propose(case="flux", key=key, environ={"GITHUB_TOKEN": ""})
    done = propose(f"--record={key}-flux.json", "--case=wann")
    assert "wann" in done.stdout, done.stdout + done.stderr
    assert "the suite on main has no such case" in done.stdout
    assert not github.pulls.open


def test_opens_on_a_push_to_the_default_branch(propose, github, tmp_path):
    done = propose()
    assert done.returncode == 0, done.stderr
    (pull,) = github.pulls.open
    url = f"{github.url}/octo/bench/pull/{pull.number}"
    assert f"::notice title=perfgate::Opened {url}" in done.stdout
    assert "baseline-url<<" in (tmp_path / "output").read_text()
    assert url in (tmp_path / "output").read_text()
    assert "end-to-end" in done.stdout
    assert "/actions/runs/77" in pull.body


@pytest.mark.parametrize(
    ("event", "ref", "why"),
    [
        ("pull_request", "refs/pull/7/merge", "about a change that is not merged"),
        ("push", "refs/heads/feature", "not on the default branch"),
    ],
)
def test_nothing_for_what_is_not_on_the_default_branch(propose, github, event, ref, why):
    done = propose(event=event, ref=ref)
    assert done.returncode == 0
    assert why in done.stdout
    assert github.exchanges == []


def test_no_token(propose, github):
    done = propose(environ={"GITHUB_TOKEN": ""})
    assert done.returncode == 0
    assert "there is no token" in done.stdout
    assert propose("--strict-publish", environ={"GITHUB_TOKEN": ""}).returncode == 6


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--strict-publish",), 6)])
def test_read_only_token__a_warning_that_names_the_permission(propose, github, arguments, code):
    github.read_only = True
    done = propose(*arguments)
    assert done.returncode == code
    assert "::warning" in done.stdout
    assert "contents: write" in done.stdout


def test_too_few_launches__told(propose, github):
    done = propose(launches=1)
    assert done.returncode == 0
    assert "No baseline of wan: " in done.stdout
    assert github.pulls.all == []


def test_on_a_laptop__where_to_must_be_said(propose, github):
    done = propose(environ={"GITHUB_EVENT_NAME": ""})
    assert done.returncode == 2
    assert "--repository OWNER/NAME" in done.stderr


@pytest.mark.parametrize("given", [["--issue=https://example.org/1"], ["--expires=2099-01-01"]])
def test_half_a_reason(propose, given):
    done = propose(*given)
    assert done.returncode == 2
    assert "go together" in done.stderr
