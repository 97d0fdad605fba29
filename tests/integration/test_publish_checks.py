"""The real client for check runs against a server on loopback: one a decision, cut anywhere."""

import pytest

from perfgate.github.check_runs import GitHubChecks
from perfgate.github.checks import Annotation, Identity, Verdict, publish_check
from perfgate.github.keys import Job
from perfgate.github.problems import GitHubError, with_retries
from tests.fakes.github_server import FakeGitHub

HEAD = "a" * 40
CHECKS = r"/check-runs"


def name_of(key):
    return "perfgate/wan" + (f"/{key}" if key else "")


def a_verdict(annotations=0, **rest):
    told = {
        "head_sha": HEAD,
        "conclusion": "failure",
        "title": "🔴 perfgate: 1 of 6 cases is slower",
        "summary": "| case | metric |",
        "run_url": "https://github.com/octo/bench/actions/runs/77",
        "annotations": tuple(
            Annotation(
                path="bench/perfgate.yml",
                line=number + 1,
                level="failure",
                title=f"case {number}",
                message="slower",
            )
            for number in range(annotations)
        ),
    }
    return Verdict(**(told | rest))


def an_identity(decision="d1", *, hardware="h100", cases="c1", run="77.1"):
    return Identity(job=Job(run=run, hardware=hardware, cases=cases), decision=decision)


@pytest.fixture
def github():
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def publish(github, pauses):
    def publish(verdict=None, identity=None, *, retry=True, key=""):
        with GitHubChecks(
            token="a-token",
            repository=github.repository,
            api_url=github.url,
            lazy=True,
            timeout_s=5,
            seconds_between_writes=0,
        ) as api:

            def once():
                return publish_check(
                    api,
                    verdict or a_verdict(),
                    name_of=name_of,
                    identity=identity or an_identity(),
                    key=key,
                )

            return with_retries(once, sleep=pauses.append) if retry else once()

    return publish


def test_made_finished__with_all_that_a_reader_needs(github, publish):
    run, key = publish(a_verdict(annotations=2))
    (made,) = github.checks.runs
    assert key == ""
    assert made["name"] == "perfgate/wan"
    assert (made["head_sha"], made["status"], made["conclusion"]) == (HEAD, "completed", "failure")
    assert made["title"] == "🔴 perfgate: 1 of 6 cases is slower"
    assert made["details_url"].endswith("/actions/runs/77")
    assert [one["start_line"] for one in made["annotations"]] == [1, 2]
    assert run.url == f"{github.url}/octo/bench/runs/{made['id']}"


@pytest.mark.parametrize("count", [0, 49, 50, 51, 120])
def test_annotations__50_a_request(github, publish, count):
    publish(a_verdict(annotations=count))
    (made,) = github.checks.runs
    assert [one["start_line"] for one in made["annotations"]] == [*range(1, count + 1)]
    assert len(github.asked("PATCH")) == max(0, -(-count // 50) - 1)


def test_annotations__counted_by_what_was_sent(github, publish):
    """An answer may be older than the request that it answers."""
    stale = {"id": 1, "name": "perfgate/wan", "external_id": "", "html_url": "x"}
    stale |= {"output": {"annotations_count": 0}}
    github.fail("PATCH", CHECKS, body=stale, times=2)
    publish(a_verdict(annotations=120))
    assert len(github.asked("PATCH")) == 2


def test_published_again__nothing_is_written(github, publish):
    publish(a_verdict(annotations=60))
    written = len(github.asked("POST")) + len(github.asked("PATCH"))
    publish(a_verdict(annotations=60))
    assert len(github.asked("POST")) + len(github.asked("PATCH")) == written
    assert len(github.checks.runs) == 1


def test_published_again_by_another_attempt_of_the_run__nothing_is_written(github, publish):
    publish(identity=an_identity(run="77.1"))
    publish(identity=an_identity(run="77.2"))
    assert len(github.checks.runs) == 1


def test_request_that_arrived_twice__the_newest_is_finished(github, publish):
    github.fail("POST", CHECKS, how="lose")
    with pytest.raises(GitHubError):
        publish(a_verdict(annotations=60), retry=False)
    (first,) = github.checks.runs
    github.checks.runs.append(
        {**first, "id": first["id"] + 1, "annotations": [*first["annotations"]]}
    )
    publish(a_verdict(annotations=60))
    assert [len(run["annotations"]) for run in github.checks.runs] == [50, 60]


def test_another_decision__a_check_run_of_its_own(github, publish):
    publish(identity=an_identity("d1"))
    publish(identity=an_identity("d2", run="77.2"))
    publish(identity=an_identity("d1", run="78.1"))
    assert [run["name"] for run in github.checks.runs] == ["perfgate/wan"] * 3


def test_found_behind_others(github, publish):
    github.checks.page_limit = 3
    for number in range(10):
        publish(identity=an_identity(f"d{number}"))
    publish(identity=an_identity("d0"))
    assert len(github.checks.runs) == 10


def test_not_ours__left_alone(github, publish):
    publish()
    for other in ("", "x/y", "/".join("abcde")):
        github.checks.runs[0]["external_id"] = other
        publish()
        assert github.checks.runs.pop()["annotations"] == []
    assert len(github.checks.runs) == 1


@pytest.mark.parametrize("how", ["lose", "truncate", "drop"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_cut_anywhere__one_check_run_with_each_annotation_once(
    github, publish, pauses, method, how
):
    github.fail(method, CHECKS, how=how)
    publish(a_verdict(annotations=120))
    (made,) = github.checks.runs
    assert [one["start_line"] for one in made["annotations"]] == [*range(1, 121)]
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("method", "how"), [("GET", "drop"), ("POST", "lose"), ("PATCH", "drop"), ("PATCH", "lose")]
)
def test_cut_for_good__the_next_publish_repairs(github, publish, method, how):
    github.fail(method, CHECKS, how=how)
    with pytest.raises(GitHubError):
        publish(a_verdict(annotations=120), retry=False)
    publish(a_verdict(annotations=120))
    (made,) = github.checks.runs
    assert [one["start_line"] for one in made["annotations"]] == [*range(1, 121)]


def test_not_granted__says_which_permission(github, publish, pauses):
    github.checks.granted = False
    with pytest.raises(GitHubError) as raised:
        publish()
    assert raised.value.status == 403
    assert "checks: write" in raised.value.fix
    assert pauses == []


def test_matrix__a_name_each_and_the_same_in_the_next_attempt(github, publish):
    jobs = [("h100", "c1"), ("a100", "c1"), ("h100", "c2")]
    for attempt, order in (("77.1", jobs), ("77.2", jobs[::-1])):
        for hardware, cases in order:
            who = an_identity(f"{attempt}{hardware}", hardware=hardware, cases=cases, run=attempt)
            publish(identity=who)
    names = [run["name"] for run in github.checks.runs]
    assert names[:3] == ["perfgate/wan", "perfgate/wan/a100", "perfgate/wan/h100-c2"]
    assert names[3:] == names[:3][::-1]


def test_key__its_own_name(publish):
    assert publish(key="nightly")[0].name == "perfgate/wan/nightly"
