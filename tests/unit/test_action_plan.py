"""INPUT_* become the command line's own arguments, or one error that tells all that is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.action import INPUTS, plan
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


def test_nothing_given():
    planned = plan(inputs())
    assert planned.gate == (
        *("gate", "--suite=perfgate.yml", "--output-dir=perfgate-out"),
        *("--device=auto", "--lease-timeout=30m"),
    )
    assert planned.publish == ("publish", "--", "perfgate-out")
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
            comment="false",
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
    assert planned.publish == ("publish", "--no-comment", "--strict-publish", "--", "out dir")
    assert planned.working_directory == "sub/größe ü"
    assert planned.token == "s3cret"
    assert "s3cret" not in repr(planned)


def test_publish_only():
    planned = plan(inputs(command="publish", update_baseline="pr"))
    assert planned.gate is None
    assert planned.propose is None


def test_new_baselines():
    assert plan(inputs()).propose is None
    assert plan(inputs(update_baseline="pr")).propose == (
        *("baseline", "propose", "--record=perfgate-out/record.json", "--suite=perfgate.yml"),
        "--label=perf-baselines",
    )
    planned = plan(
        inputs(
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
        "  - comment: 'maybe': must be true or false",
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
    lines = (planned.gate or (), planned.publish) if planned else ()
    assert all(part.isprintable() for line in lines for part in line)


def outcome(environ):
    try:
        return plan(environ), ""
    except ConfigurationError as error:
        return None, str(error)
