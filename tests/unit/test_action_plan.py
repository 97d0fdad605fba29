"""INPUT_* and the event become the command line's own arguments, or an error that tells all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate import action
from perfgate.action import INPUTS
from perfgate.errors import ConfigurationError

ACCEPTED = {
    "reason": "the exact decoder",
    "issue": "https://example.org/7",
    "expires": "2026-12-31",
}


def inputs(**given):
    """As the runner sets them: every declared input, unset ones empty."""
    empty = {f"INPUT_{each.name.upper()}": "" for each in INPUTS}
    named = {f"INPUT_{name.upper().replace('_', '-')}": value for name, value in given.items()}
    return {"PATH": "/bin", **empty, **named}


def plan(environ, payload=None, **door):
    return action.plan(environ, lambda _: json.dumps(payload or {}), **door)


def on(name, **given):
    """The inputs, in a job of that event."""
    runner = {
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": "event.json",
        "GITHUB_REPOSITORY": "octo/bench",
        "GITHUB_REF": "refs/heads/main",
    }
    return inputs(**given) | runner


ON_MAIN = {"repository": {"default_branch": "main"}}
PULL_REQUEST = {
    "pull_request": {
        "number": 7,
        "head": {"sha": "a" * 40, "repo": {"full_name": "octo/bench"}},
        "base": {"sha": "b" * 40, "ref": "main"},
    }
}
FINISHED = {"workflow_run": {"id": 55, "event": "pull_request", "head_sha": "a" * 40}}
COMMENT = {
    "action": "created",
    "issue": {"number": 7, "pull_request": {"url": "x"}},
    "comment": {"id": 9, "user": {"login": "ann"}, "body": "/perfgate help"},
}


_PUBLISH = ("publish", "--suite=perfgate.yml", "--comment=always", "--", "perfgate-out")


def test_nothing_given():
    planned = plan(inputs())
    assert planned.gate == (
        *("gate", "--suite=perfgate.yml", "--output-dir=perfgate-out"),
        *("--device=auto", "--lease-timeout=30m"),
    )
    assert planned.tell == _PUBLISH
    assert planned.working_directory == "."


def test_everything_given():
    planned = plan(
        inputs(
            suite="ci/suite.yml",
            base="origin/main",
            strategy="paired",
            cases="wan_tiny, flux_tiny\nsdxl",
            device="cuda:1",
            lease_timeout="1.5 h",
            output_dir="out dir",
            working_directory="sub/größe ü",
            comment="changes",
            key="h100",
            strict_publish="true",
            github_token="s3cret",
        )
    )
    assert planned.gate == (
        "gate",
        "--suite=ci/suite.yml",
        "--output-dir=out dir",
        "--base=origin/main",
        "--strategy=paired",
        "--case=wan_tiny",
        "--case=flux_tiny",
        "--case=sdxl",
        "--device=cuda:1",
        "--lease-timeout=1.5 h",
    )
    assert planned.tell == (
        *("publish", "--suite=ci/suite.yml", "--comment=changes", "--strict-publish"),
        *("--key=h100", "--", "out dir"),
    )
    assert planned.working_directory == "sub/größe ü"
    assert planned.token == "s3cret"
    assert "s3cret" not in repr(planned)


def test_explain_is_asked_for_and_has_the_gates_suite_folder_and_device():
    assert plan(inputs()).explain is None
    planned = plan(inputs(explain="true", suite="ci.yml", output_dir="out", device="cuda:1"))
    assert planned.explain == (
        *("explain", "--suite=ci.yml", "--output-dir=out", "--device=cuda:1"),
        "--lease-timeout=30m",
    )
    assert plan(on("push", command="publish", explain="true"), ON_MAIN).explain is None


def test_publish_only():
    planned = plan(on("push", command="publish", update_baseline="pr"), ON_MAIN)
    assert planned.gate is None
    assert planned.tell == _PUBLISH
    assert planned.propose is None


def test_door_that_only_publishes__what_another_event_measures():
    planned = plan(on("push", update_baseline="pr"), ON_MAIN, may_measure=False)
    assert (planned.gate, planned.tell, planned.propose) == (None, _PUBLISH, None)
    planned = plan(on("workflow_run"), FINISHED, may_measure=False)
    assert planned.tell[0] == "publish-run"
    assert plan(on("issue_comment"), COMMENT, may_measure=False).tell[0] == "answer"


def test_door_that_only_publishes__asked_to_measure():
    with pytest.raises(ConfigurationError, match="only publishes"):
        plan(on("push", command="gate"), ON_MAIN, may_measure=False)


@pytest.mark.parametrize("command", ["", "auto", "gate"])
@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("pull_request", PULL_REQUEST),
        ("push", ON_MAIN),
        ("schedule", {}),
        ("workflow_dispatch", {}),
        ("merge_group", {"merge_group": {"head_sha": "a" * 40}}),
    ],
)
def test_events_that_are_measured(name, payload, command):
    planned = plan(on(name, command=command), payload)
    assert planned.gate is not None
    assert planned.tell is not None
    assert planned.tell[0] == "publish"


ASKED_FOR = {"inputs": {"pull-request": "7", "head": "a" * 40, "base": "main"}}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, []),
        ({"cases": "wan"}, ["--key=rerun"]),
        ({"cases": "wan", "key": "x" * 30}, ["--key=" + "x" * 30 + "-rerun"]),
    ],
)
def test_run_by_hand__a_part_of_the_cases_has_a_key_of_its_own(given, key):
    planned = plan(on("workflow_dispatch", **given), ASKED_FOR)
    assert [part for part in planned.tell if part.startswith("--key")] == key


@pytest.mark.parametrize(
    ("name", "payload"), [("pull_request", PULL_REQUEST), ("workflow_dispatch", {})]
)
def test_chosen_cases__of_other_runs_have_none(name, payload):
    assert not any("--key" in part for part in plan(on(name, cases="wan"), payload).tell)


def test_finished_run__published_without_measuring():
    planned = plan(on("workflow_run", suite="ci/suite.yml", output_dir="out"), FINISHED)
    assert planned.gate is None
    assert planned.tell == (
        *("publish-run", "--suite=ci/suite.yml", "--output-dir=out", "--comment=always"),
    )


def test_finished_run__published_as_a_folder_where_that_is_asked_for():
    planned = plan(on("workflow_run", command="publish"), FINISHED)
    assert planned.tell == _PUBLISH


def test_comment__answered_without_measuring():
    planned = plan(on("issue_comment"), COMMENT)
    assert (planned.gate, planned.tell) == (None, ("answer", "--suite=perfgate.yml"))
    strictly = plan(on("issue_comment", strict_publish="true"), COMMENT)
    assert strictly.tell == ("answer", "--suite=perfgate.yml", "--strict-publish")


def test_comment__edited_or_on_an_issue__nothing_to_do():
    for payload in (COMMENT | {"action": "edited"}, COMMENT | {"issue": {"number": 7}}):
        planned = plan(on("issue_comment"), payload)
        lines = (planned.gate, planned.tell, planned.propose, planned.remember)
        assert lines == (None, None, None, None)
        assert "answered once" in planned.why


@pytest.mark.parametrize(
    ("name", "command", "payload"),
    [
        ("pull_request_target", "auto", PULL_REQUEST),
        ("pull_request_target", "gate", PULL_REQUEST),
        ("workflow_run", "gate", FINISHED),
        ("issue_comment", "gate", COMMENT),
        ("issue_comment", "gate", COMMENT | {"issue": {"number": 7}}),
    ],
)
def test_a_token_that_may_write__nothing_is_measured(name, command, payload):
    with pytest.raises(ConfigurationError, match="nothing may be measured on this event") as raised:
        plan(on(name, command=command), payload)
    assert "pull_request" in raised.value.fix


def test_damaged_event():
    with pytest.raises(ConfigurationError, match="event payload"):
        plan(on("pull_request"), {"pull_request": 7})


def test_new_baselines():
    assert plan(on("push"), ON_MAIN).propose is None
    assert plan(on("push", update_baseline="pr"), ON_MAIN).propose == (
        *("baseline", "propose", "--record=perfgate-out/record.json", "--suite=perfgate.yml"),
        "--label=perf-baselines",
    )
    planned = plan(
        on(
            "schedule",
            update_baseline="pr",
            cases="wan",
            output_dir="out",
            **ACCEPTED,
            labels="perf, help wanted",
            reviewers="@ann\nocto/perf",
            strict_publish="true",
        )
    )
    assert planned.propose == (
        *("baseline", "propose", "--record=out/record.json", "--suite=perfgate.yml"),
        *("--case=wan", "--reason=the exact decoder", "--issue=https://example.org/7"),
        *("--expires=2026-12-31", "--label=perf", "--label=help wanted"),
        *("--reviewer=@ann", "--reviewer=octo/perf", "--strict-publish"),
    )


@pytest.mark.parametrize(
    ("name", "payload"),
    [("pull_request", PULL_REQUEST), ("push", {"repository": {"default_branch": "trunk"}})],
)
def test_new_baselines__not_from_a_change_that_is_not_merged(name, payload):
    assert plan(on(name, update_baseline="pr"), payload).propose is None


@pytest.mark.parametrize(("old", "policy"), [("true", "always"), ("false", "never")])
def test_comment__what_older_workflows_say(old, policy):
    assert plan(inputs(comment=old)).tell[2] == f"--comment={policy}"


@pytest.mark.parametrize("missing", ["reason", "issue", "expires"])
def test_accepted_for_a_time__all_three_are_needed(missing):
    three = {name: value for name, value in ACCEPTED.items() if name != missing}
    with pytest.raises(ConfigurationError, match=f"{missing}: missing"):
        plan(inputs(update_baseline="pr", **three))


def test_what_the_runner_adds_is_no_input():
    assert plan(inputs(args="x", entrypoint="y")) == plan(inputs())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("command", "rm -rf"),
        ("suite", "/etc/passwd"),
        ("suite", "../other/perfgate.yml"),
        ("output-dir", "a/../../b"),
        ("working-directory", "a\nb"),
        ("base", "--upload-pack=evil"),
        ("base", "main\n::set-output name=verdict::passed"),
        ("strategy", "fast"),
        ("update-baseline", "push"),
        ("reason", "a\nb"),
        ("issue", "javascript:x"),
        ("expires", "2026-13-01"),
        ("expires", "soon"),
        ("reviewers", "ann; rm"),
        ("cases", "ok, --help"),
        ("cases", "ok, a b"),
        ("device", "gpu"),
        ("device", "cuda:-1"),
        ("lease-timeout", "30"),
        ("lease-timeout", "0m"),
        ("comment", "yes"),
        ("key", "a b"),
        ("key", "a--b"),
        ("key", "a/b"),
        ("key", "x" * 31),
        ("strict-publish", "1"),
        ("github-token", "a\nb"),
    ],
)
def test_wrong_value(name, value):
    given = {**(ACCEPTED if name in ACCEPTED else {}), name.replace("-", "_"): value}
    with pytest.raises(ConfigurationError) as raised:
        plan(inputs(**given))
    assert raised.value.problem.startswith("1 input is wrong:\n  - " + name)
    assert "must be" in raised.value.problem
    assert "with:" in raised.value.fix


def test_all_wrong_ones_at_once__each_with_value_and_what_is_allowed():
    with pytest.raises(ConfigurationError) as raised:
        plan(inputs(strategy="fast", comment="maybe", fail_on="x", outputdir="x"))
    assert raised.value.problem.splitlines() == [
        "4 inputs are wrong:",
        "  - 'fail-on': unknown; allowed: " + ", ".join(each.name for each in INPUTS),
        "  - 'outputdir': unknown; did you mean output-dir? allowed: "
        + ", ".join(each.name for each in INPUTS),
        "  - strategy: 'fast': must be auto or paired or baseline",
        "  - comment: 'maybe': must be always or changes or failures or never or true or false",
    ]


def test_wrong_token_is_not_told():
    with pytest.raises(ConfigurationError) as raised:
        plan(inputs(github_token="s3\x00cret"))
    assert "s3" not in raised.value.problem


@given(st.dictionaries(st.sampled_from([each.name for each in INPUTS]), st.text()))
def test_any_text__a_plan_or_a_clear_error(values):
    planned, problem = outcome({f"INPUT_{name.upper()}": value for name, value in values.items()})
    assert (planned is None) == ("\n  - " in problem)
    assert "\n::" not in problem
    lines = (planned.gate or (), planned.tell or ()) if planned else ()
    assert all(part.isprintable() for line in lines for part in line)


def outcome(environ):
    try:
        return plan(environ), ""
    except ConfigurationError as error:
        return None, str(error)


@pytest.mark.parametrize("store", ["branch:perfgate-data", "s3://bucket/a", "data"])
@pytest.mark.parametrize("name", ["push", "schedule", "workflow_dispatch"])
def test_history__the_record_of_the_default_branch(name, store):
    given = {"history": store, "output_dir": "out"}
    assert plan(on(name, **given), ON_MAIN).remember == (
        *("history", "add", f"--to={store}", "--", "out/record.json"),
    )
    assert plan(on(name), ON_MAIN).remember is None


@pytest.mark.parametrize(
    ("name", "payload", "more"),
    [
        ("pull_request", PULL_REQUEST, {}),
        ("merge_group", {"merge_group": {"head_sha": "a" * 40}}, {}),
        ("push", {"repository": {"default_branch": "other"}}, {}),
        ("push", ON_MAIN, {"command": "publish"}),
        ("workflow_dispatch", ON_MAIN | ASKED_FOR, {}),
        ("workflow_run", FINISHED, {}),
        ("issue_comment", COMMENT, {}),
    ],
)
def test_history__of_nothing_else(name, payload, more):
    planned = plan(on(name, history="branch:perfgate-data", **more), payload)
    assert planned.remember is None


@pytest.mark.parametrize(
    "wrong", ["branch:", "branch:-x", "branch:a b", "/data", "../data", "s3://a b", "branch:a$(id)"]
)
def test_history__no_store(wrong):
    with pytest.raises(ConfigurationError, match="history: "):
        plan(inputs(history=wrong))
