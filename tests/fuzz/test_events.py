"""Whatever payload, environment or inputs hold: a plan, or an error that says what to do."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import PurePosixPath

from hypothesis import strategies as st

from perfgate.action import INPUTS, Plan, plan
from perfgate.github.event import Event, read_event
from perfgate.github.mode import mode_of
from tests.fuzz.counted import fuzz
from tests.fuzz.hostile import JSON, LONG, TEXT, damaged
from tests.fuzz.payloads import PAYLOADS, SHA
from tests.fuzz.refusals import unless_refused

COMMANDS = {"gate", "publish", "publish-run", "answer", "baseline", "propose"}
PRIVILEGED = ("workflow_run", "issue_comment", "pull_request_target")
GIVEN = {
    "GITHUB_REPOSITORY": "octo/bench",
    "GITHUB_EVENT_PATH": "event.json",
    "GITHUB_SHA": SHA,
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_RUN_ID": "30433642",
    "GITHUB_RUN_ATTEMPT": "1",
}
PAYLOAD = st.sampled_from(sorted(PAYLOADS)).flatmap(
    lambda name: st.tuples(st.just(name), st.just(PAYLOADS[name]) | damaged(PAYLOADS[name]))
)
ANY_PAYLOAD = st.tuples(st.sampled_from([*PAYLOADS, "release"]), JSON)
VARIABLES = st.dictionaries(
    st.sampled_from([*GIVEN, "GITHUB_EVENT_NAME", "GITHUB_SERVER_URL", "GITHUB_API_URL"]),
    TEXT | st.sampled_from(["", "local", "https://ghe.example/api/v3", "refs/heads/x"]),
    max_size=3,
)
VALID = {
    "command": ["auto", "gate", "publish"],
    "suite": ["perfgate.yml", "a/b.yml"],
    "base": ["main"],
    "cases": ["a,b\nc", "wan_t2v_tiny"],
    "device": ["cuda:1", "cpu"],
    "lease-timeout": ["30m"],
    "strategy": ["paired"],
    "output-dir": ["out"],
    "working-directory": ["a/b"],
    "strict-publish": ["true"],
    "update-baseline": ["pr"],
    "reason": ["new sampler"],
    "issue": ["https://github.com/o/r/issues/7"],
    "expires": ["2026-12-31"],
    "reviewers": ["octo/perf, alice"],
}
NAMES = sorted(each.name for each in INPUTS)
SLY = st.sampled_from(["..", "../x", "a/../../x", "/etc", "-x", "--base", "cpu,../x", "a\n-x"])


@st.composite
def inputs(draw):
    """Inputs as a step's `with:` may give them: all as they should be, but for two at most."""
    given = {name: draw(st.sampled_from(values)) for name, values in VALID.items()}
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
        given[name] = draw(SLY | TEXT | LONG)
    if draw(st.integers(0, 9)) == 0:
        given[draw(TEXT)] = draw(TEXT)
    return {f"INPUT_{name.upper()}": value for name, value in given.items()}


def read(name, payload, variables) -> Event:
    environ = {**GIVEN, "GITHUB_EVENT_NAME": name, **variables}
    return read_event(environ, lambda _: json.dumps(payload))


@fuzz(PAYLOAD | ANY_PAYLOAD, VARIABLES)
def test_event__read_as_it_is_or_refused(given, variables):
    event = unless_refused(lambda: read(*given, variables))
    if event is None:
        return
    assert event.pull_request is None or 0 < event.pull_request < 2**53
    for sha in (event.head_sha, event.base_sha, event.finished and event.finished.head_sha):
        assert sha is None or re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", sha)
    assert event.repository is None or re.fullmatch(r"[\w-]+/[\w.-]+", event.repository)
    for address in (event.run_url, event.api_url, event.server_url):
        assert address is None or not re.search(r"[\s\x00-\x1f]", address)


@fuzz(PAYLOAD | ANY_PAYLOAD, VARIABLES)
def test_mode__code_of_others_and_a_token_that_writes_never_meet(given, variables):
    event = unless_refused(lambda: read(*given, variables))
    if event is None:
        return
    mode = mode_of(event)
    assert mode.why
    if event.name in PRIVILEGED:
        assert mode.task != "measure"
        assert not mode.proposes
    if event.is_fork:
        assert not mode.proposes


@fuzz(st.binary(max_size=200) | LONG.map(lambda text: text.encode("utf-8", "replace")))
def test_event__of_a_file_that_holds_anything(data):
    environ = {**GIVEN, "GITHUB_EVENT_NAME": "pull_request"}
    assert unless_refused(lambda: read_event(environ, lambda _: data.decode("utf-8"))) is None


@fuzz(inputs(), PAYLOAD)
def test_inputs__become_options_of_known_names_or_are_refused(given, about):
    name, payload = about
    environ = {**GIVEN, **given, "GITHUB_EVENT_NAME": name}
    planned = unless_refused(lambda: plan(environ, lambda _: json.dumps(payload)))
    if planned is None:
        return
    assert is_below(planned.working_directory)
    assert is_below(planned.output_dir)
    for line in lines(planned):
        named = {word for word in line if not word.startswith("-")}
        assert named <= COMMANDS | {planned.output_dir}
        # `--` stands before what begins with a hyphen and is no option.
        options = itertools.takewhile(lambda word: word != "--", line)
        assert all(re.fullmatch(r"[^-].*|--[a-z-]+(=.*)?", word) for word in options)
        assert not [word for word in line if re.search(r"[\x00-\x1f]", word)]
    if name in PRIVILEGED:
        assert planned.gate is None


def lines(planned: Plan) -> list[tuple[str, ...]]:
    return [line for line in (planned.gate, planned.tell, planned.propose) if line is not None]


def is_below(path: str) -> bool:
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
