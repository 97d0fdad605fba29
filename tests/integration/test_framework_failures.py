"""Launches of frameworks that go wrong or are cut short: each is named, and nothing is left."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfgate.backends.failures import kind_of
from perfgate.records.results import FailureKind
from tests.fakes.framework_server import FALLBACK, OUT_OF_MEMORY, RECOMPILE_LIMIT
from tests.frameworks import Frameworks, Impatient

pytestmark = pytest.mark.slow


@pytest.fixture
def frameworks(tmp_path):
    made = Frameworks(tmp_path)
    yield made
    assert made.nothing_left(), made.left()


ENDS = [
    ({"at_start": [FALLBACK]}, {}, FailureKind.FALLBACK, "Falling back to diffusers backend"),
    ({"at_start": [OUT_OF_MEMORY]}, {}, FailureKind.MEMORY, "Tried to allocate 2.00 GiB"),
    ({"at_request": [OUT_OF_MEMORY]}, {}, FailureKind.MEMORY, "Tried to allocate 2.00 GiB"),
    ({"crash": "start"}, {}, FailureKind.CRASHED, "exited with 3 before it was"),
    ({"crash": "request"}, {}, FailureKind.CRASHED, "exited with 3"),
]
ENDS_OF_SERVERS = [
    ({"healthy_after_ms": None}, {"load": 0.6}, FailureKind.UNHEALTHY, "/health answered 503"),
    ({"hang": "start"}, {"load": 0.6}, FailureKind.UNHEALTHY, "timeout.load of 0.6 s"),
    ({"hang": "request"}, {"request": 0.4}, FailureKind.TIMEOUT, "the warm-up took longer"),
    ({"status": 404}, {}, FailureKind.REFUSED, "answered 404: {"),
    ({"status": 500}, {}, FailureKind.REFUSED, "answered 500: {"),
    ({"body": "half"}, {}, FailureKind.REFUSED, "broke off"),
    ({"body": "no json"}, {}, FailureKind.REFUSED, "what is no JSON"),
    ({"body": "empty data"}, {}, FailureKind.DAMAGED, "holds no picture"),
    ({"dump": "endless"}, {}, FailureKind.DAMAGED, "what no report can hold"),
]
ENDS_OF_RUNS = [
    ({"hang": "request"}, {"load": 0.2, "request": 0.2}, FailureKind.TIMEOUT, "longer than 0.6 s"),
    ({"dump": "none"}, {}, FailureKind.DAMAGED, "no performance dump was written"),
    ({"dump": "half"}, {}, FailureKind.DAMAGED, "not whole JSON"),
]


def wait_until(holds):
    until = time.monotonic() + 30
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    assert holds()


def assert_fails(made, kind, text):
    assert made.failure is not None
    assert made.failure.startswith(f"{kind.value}: "), made.failure
    assert text in made.failure
    assert kind_of(made.failure) is kind
    assert made.reports == ()


@pytest.mark.parametrize(("acts", "timeout", "kind", "text"), [*ENDS, *ENDS_OF_SERVERS])
def test_a_server_that_fails(frameworks, acts, timeout, kind, text):
    frameworks.behaves(**acts)
    assert_fails(frameworks.launch(frameworks.case(timeout=timeout)), kind, text)


@pytest.mark.parametrize(("acts", "timeout", "kind", "text"), [*ENDS, *ENDS_OF_RUNS])
def test_a_one_shot_run_that_fails(frameworks, acts, timeout, kind, text):
    frameworks.behaves(**acts)
    case = frameworks.case(serve={"mode": "one-shot"}, timeout=timeout)
    assert_fails(frameworks.launch(case), kind, text)


@pytest.mark.parametrize(
    ("line", "bound", "text"),
    [
        ("Fetching 30 files:  10%|█", "download", "download took longer than timeout.download"),
        ("Compiling the transformer", "compile", "compile took longer than timeout.compile"),
    ],
)
def test_each_part_has_a_bound_of_its_own(frameworks, line, bound, text):
    frameworks.behaves(hang="start", at_start=[line])
    case = frameworks.case(serve={"compile": True}, timeout={"load": 30, bound: 0.3})
    assert_fails(frameworks.launch(case), FailureKind.TIMEOUT, text)


def test_a_bar_that_is_drawn_over_itself_is_seen_and_not_told(frameworks):
    frameworks.behaves(hang="start", bar="Fetching 30 files:  10%|█\r")
    made = frameworks.launch(frameworks.case(timeout={"load": 30, "download": 0.3}))
    assert_fails(made, FailureKind.TIMEOUT, "timeout.download")
    assert "Fetching" not in made.log_tail


@pytest.mark.parametrize(
    ("status", "told"),
    [("failed", "failed: the sampler gave up"), (["completed"], "['completed']")],
)
def test_video__a_job_that_failed(frameworks, status, told):
    frameworks.behaves(job=status)
    made = frameworks.launch(frameworks.case(task="text-to-video", request={"frames": 9}))
    assert_fails(made, FailureKind.REFUSED, f"the job is {told}")


def test_video__no_job_is_no_measurement(frameworks):
    frameworks.behaves(body="no id")
    made = frameworks.launch(frameworks.case(task="text-to-video", request={"frames": 9}))
    assert_fails(made, FailureKind.REFUSED, "/v1/videos answered without a job's id")


def test_a_fallback_ends_the_launch_at_once(frameworks):
    """The server would not be healthy for ten minutes more."""
    frameworks.behaves(at_start=[FALLBACK], healthy_after_ms=None)
    made = frameworks.launch(frameworks.case(timeout={"load": 600}))
    assert_fails(made, FailureKind.FALLBACK, "diffusers backend")
    assert FALLBACK in made.log_tail


def test_out_of_memory_ends_a_request_that_nobody_will_answer(frameworks):
    frameworks.behaves(at_request=[OUT_OF_MEMORY], hang="request")
    made = frameworks.launch(frameworks.case(timeout={"request": 600}), timeout_s=30)
    assert_fails(made, FailureKind.MEMORY, "Tried to allocate 2.00 GiB")


@pytest.mark.parametrize("mode", ["server", "one-shot"])
def test_not_compiled__fails_the_case_that_asks_for_it(frameworks, mode):
    frameworks.behaves(at_request=[RECOMPILE_LIMIT])
    made = frameworks.launch(frameworks.case(serve={"mode": mode, "compile": True}))
    assert_fails(made, FailureKind.NOT_COMPILED, "hit config.recompile_limit")


@pytest.mark.parametrize("mode", ["server", "one-shot"])
def test_not_compiled__is_only_told_of_an_eager_case(frameworks, mode):
    frameworks.behaves(at_request=[RECOMPILE_LIMIT])
    (report, _) = frameworks.launch(frameworks.case(serve={"mode": mode})).reports
    assert "recompile_limit" in report.extra["not_compiled"]
    assert report.extra["compiled"] is False


def test_a_framework_that_is_not_there(frameworks):
    (frameworks.tree.parent / "bin" / "sglang").unlink()
    made = frameworks.launch(frameworks.case())
    assert_fails(made, FailureKind.MISSING, "sglang cannot be started: No such file")


@pytest.mark.parametrize("offset", [0, 1, 5, 55])
def test_a_port_in_use__is_named_before_anything_starts(frameworks, offset):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", frameworks.port + offset))
        taken.listen()
        made = frameworks.launch(frameworks.case())
    assert_fails(made, FailureKind.PORT, f"{frameworks.port + offset}")
    assert "before the server was started" in made.failure
    assert frameworks.noted("processes") == []


def test_a_port_that_is_not_free_afterwards_is_told(frameworks):
    frameworks.behaves(request_ms=200)
    taken = socket.socket()

    def take_once_it_is_asked():
        wait_until(lambda: frameworks.noted("requests"))
        taken.bind(("127.0.0.1", frameworks.port + 5))
        taken.listen()

    with taken, ThreadPoolExecutor() as beside:
        taking = beside.submit(take_once_it_is_asked)
        made = frameworks.launch(frameworks.case())
        taking.result()
    assert_fails(made, FailureKind.PORT, f"{frameworks.port + 5}")
    assert made.failure.endswith("after the server was ended")


def test_this_machines_proxy_is_not_for_a_server_on_it(frameworks):
    frameworks.env |= {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    assert frameworks.launch(frameworks.case()).failure is None


@pytest.mark.parametrize("leak", ["sleeper", "port"])
@pytest.mark.parametrize("mode", ["server", "one-shot"])
def test_a_child_that_left_the_session_is_ended_too(frameworks, leak, mode):
    frameworks.behaves(leak=leak)
    made = frameworks.launch(frameworks.case(serve={"mode": mode}))
    assert made.failure is None, made.log_tail
    assert len(frameworks.noted("processes")) == (2 if mode == "server" else 4)


def test_a_server_that_will_not_end_is_killed(frameworks):
    frameworks.behaves(stubborn=True)
    assert frameworks.launch(frameworks.case()).failure is None


def test_a_launch_out_of_time_takes_everything_along(frameworks):
    frameworks.behaves(hang="request", leak="port", stubborn=True)
    made = frameworks.launch(frameworks.case(), timeout_s=2)
    assert made.failure == "the benchmark did not end within 2 s and was killed"
    assert kind_of(made.failure) is FailureKind.TIMEOUT


def test_hostile_lines_of_a_log_are_bounded_and_shown(frameworks):
    frameworks.behaves(at_start=["\x1b[31mred\x1b[0m \x07\u202eback", "x" * 100_000], crash="load")
    made = frameworks.launch(frameworks.case())
    assert "red \\x07\\u202eback" in made.log_tail
    assert max(map(len, made.log_tail.splitlines())) <= 2_000


def test_the_suites_pythonpath_is_the_frameworks_alone(frameworks):
    evil = frameworks.tree / "requests"
    evil.mkdir()
    (evil / "__init__.py").write_text("raise SystemExit('another requests was imported')")
    case = frameworks.case(env={"PYTHONPATH": str(frameworks.tree)})
    assert frameworks.launch(case).failure is None
    (command,) = frameworks.noted("commands")
    assert command["environment"]["PYTHONPATH"] == str(frameworks.tree)


def test_a_framework_does_not_find_perfgate(frameworks):
    frameworks.env.pop("PYTHONPATH", None)
    assert frameworks.launch(frameworks.case()).failure is None
    (command,) = frameworks.noted("commands")
    assert "PYTHONPATH" not in command["environment"]


GATE = """
import json, signal, sys
from pathlib import Path
from tests.frameworks import Frameworks, Impatient
from perfgate import process
from perfgate.backends.backend import SideContext
from perfgate.suite import Case

# A test run that was started in the background ignores it, and so would this.
signal.signal(signal.SIGINT, signal.default_int_handler)
told = json.loads(sys.argv[1])
case = Case.model_validate(told["case"])
side = SideContext(path=Path(told["tree"]), python=Path(sys.executable), env=told["env"])
made = Impatient(case.backend).invocation(case, side, report=Path(told["report"]))
try:
    process.run(made.command, cwd=side.path, env=made.env, timeout_s=60)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("mode", ["server", "one-shot"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted__nothing_is_left(frameworks, number, mode):
    frameworks.behaves(hang="request", leak="port", stubborn=True)
    told = {
        "case": frameworks.case(serve={"mode": mode}).model_dump(mode="json"),
        "tree": str(frameworks.tree),
        "env": frameworks.env,
        "report": str(frameworks.scratch / "report.json"),
    }
    gate = subprocess.Popen(
        [sys.executable, "-c", GATE, json.dumps(told)], cwd=Path(__file__).parents[2]
    )
    wait_until(lambda: len(frameworks.noted("processes")) == 2)
    assert len(frameworks.left()) == 2
    gate.send_signal(number)
    assert gate.wait(timeout=30) in (130, -number)
    assert frameworks.nothing_left()


def test_a_driver_that_is_killed_takes_its_framework_along(frameworks):
    frameworks.behaves(hang="request")
    report = frameworks.scratch / "report.json"
    made = Impatient("sglang").invocation(frameworks.case(), frameworks.side, report=report)
    driver = subprocess.Popen(
        made.command, cwd=frameworks.tree, env=made.env, start_new_session=True
    )
    wait_until(lambda: frameworks.noted("requests"))
    driver.kill()
    driver.wait()
    assert len(frameworks.noted("processes")) == 1
    assert frameworks.nothing_left()
