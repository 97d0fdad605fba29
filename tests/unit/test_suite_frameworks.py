"""What a suite says of frameworks: one request, how each is started, and what the hash covers."""

from __future__ import annotations

import pytest

from perfgate.errors import ConfigurationError
from perfgate.suite import Case, Suite, parse_suite

REQUEST = "{prompt: a cat on grass, width: 64, height: 64, steps: 4, guidance: 3.5}"
TWICE = "{prompt: a, steps: 4, extra: {num_inference_steps: 8, seed: 1}}"
ASKED = f"model: m, task: text-to-image, request: {REQUEST}"


def suite_of(case: str, *, more: str = "") -> Suite:
    return parse_suite(f"version: 1\n{more}cases:\n  - {{id: a, {case}}}\n", source="perfgate.yml")


def case_of(keys: str, *, backend: str = "sglang", request: str = REQUEST) -> Case:
    line = f"backend: {backend}, model: m/x, task: text-to-image, request: {request}{keys}"
    return suite_of(line).cases[0]


def told(case: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        suite_of(case)
    return str(caught.value)


def test_a_framework_has_its_own_setup_and_variables() -> None:
    more = "frameworks: {sglang: {setup: pip install sglang, env: {HF_HUB_OFFLINE: 1}}}\n"
    suite = suite_of(
        f"backend: sglang, model: m/x, task: text-to-image, request: {REQUEST}", more=more
    )
    assert suite.frameworks["sglang"].setup == "pip install sglang"
    assert suite.frameworks["sglang"].env == {"HF_HUB_OFFLINE": 1}


def test_a_frameworks_variables__are_part_of_what_its_cases_compute() -> None:
    """Else a changed switch would look like a regression of the same workload."""
    line = f"backend: sglang, env: {{B: case}}, serve: {{env: {{C: serve}}}}, {ASKED}"
    line += ", frameworks: {vllm-omni: {}}"
    plain = suite_of(line).cases[0]
    more = "frameworks: {sglang: {env: {A: 1, B: 2, C: 3}}, vllm-omni: {env: {V: 1}}}\n"
    told = suite_of(line, more=more).cases[0]
    assert told.env == {"B": "case"}
    assert told.serve.env == {"A": 1, "C": "serve"}
    assert told.in_framework("vllm-omni").serve.env == {"V": 1}
    assert told.workload_hash() != plain.workload_hash()
    assert suite_of(line, more="frameworks: {diffusers: {env: {A: 1}}}\n").cases[0] == plain


def test_arguments_are_read_as_a_shell_reads_them() -> None:
    case = case_of(", serve: {args: \"--dit-layerwise-offload false --name 'a b'\"}")
    assert case.serve.args == ("--dit-layerwise-offload", "false", "--name", "a b")


def test_in_framework__the_same_request_with_each_ones_own_switches() -> None:
    case = case_of(
        ", serve: {args: --tp 2}, frameworks: {diffusers: {compile: true}, "
        "lightx2v: {command: ./serve.sh, port: 31000}}"
    )
    mine, other = case.in_framework("sglang"), case.in_framework("lightx2v")
    assert (mine.backend, mine.serve.args) == ("sglang", ("--tp", "2"))
    assert (other.backend, other.serve.command) == ("server", "./serve.sh")
    assert mine.request == other.request == case.request
    assert case.in_framework("diffusers").serve.compile
    assert not case.in_framework("diffusers", compiled=False).serve.compile


def test_in_framework__unknown() -> None:
    with pytest.raises(KeyError, match="vllm-omni"):
        case_of("").in_framework("vllm-omni")


def test_workload_hash__covers_what_is_computed_and_not_where_it_listens() -> None:
    plain = case_of("")
    assert plain.workload_hash() == case_of(", serve: {port: 31000}").workload_hash()
    hashes = {
        plain.workload_hash(),
        case_of(", serve: {args: --tp 2}").workload_hash(),
        case_of(", serve: {compile: true}").workload_hash(),
        case_of(", serve: {env: {A: 1}}").workload_hash(),
        case_of("", backend="vllm-omni").workload_hash(),
        case_of("", request="{prompt: a dog}").workload_hash(),
        case_of("", request="{prompt: a dog, seed: 1}").workload_hash(),
    }
    assert len(hashes) == 7


def test_workload_hash__of_other_backends_is_what_it_was() -> None:
    """A new key must not part every stored baseline from its case."""
    case = suite_of("backend: command, command: ./bench").cases[0]
    assert case.workload() == {"backend": "command", "command": "./bench"} | {
        "devices": 1,
        "requests": 2,
    }


def test_launch_timeout__a_framework_may_download_and_compile() -> None:
    times = "{load: 1m, request: 10s, download: 2m, compile: 5m}"
    assert case_of(f", timeout: {times}").launch_timeout_s() == 120 + 60 + 3 * 10
    compiled = case_of(f", timeout: {times}, serve: {{compile: true}}")
    assert compiled.launch_timeout_s() == 120 + 300 + 60 + 3 * 10


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("backend: sglang", "backend sglang needs the keys model, task, request"),
        (
            f"backend: sglang, model: m, task: image-edit, request: {REQUEST}",
            "task image-edit needs request.image",
        ),
        (
            f"backend: sglang, command: x, model: m, task: text-to-image, request: {REQUEST}",
            "backend sglang takes no command",
        ),
        (
            "backend: sglang, model: m, task: text-to-image, request: {prompt: a, frames: 9}",
            "task text-to-image makes a picture; frames and fps are for videos",
        ),
        (
            f"backend: sglang, model: m, task: text-to-image, request: {TWICE}",
            "extra says again what the request says: num_inference_steps, seed",
        ),
        (
            f"backend: server, {ASKED}, serve: {{command: x}}, outputs: [out.png]",
            "backend server leaves no files, and outputs names some",
        ),
        ("backend: command, command: x, model: m", "backend command takes no model"),
        ("backend: command, command: x, serve: {port: 31000}", "backend command takes no model"),
        (
            f"backend: server, model: m, task: text-to-image, request: {REQUEST}",
            "backend server needs serve.command, or serve.address",
        ),
        (
            f"backend: diffusers, {ASKED}, serve: {{mode: one-shot}}",
            "mode one-shot is for sglang alone",
        ),
        (
            f"backend: sglang, {ASKED}, serve: {{path: /x}}",
            "are for backend server",
        ),
        (
            f"backend: sglang, model: m, task: text-to-image, request: {REQUEST}, launch: resident",
            "use launch: fresh",
        ),
        (
            f'backend: sglang, {ASKED}, serve: {{args: "--a \'b"}}',
            "write arguments as a shell reads them",
        ),
        (
            f"backend: sglang, {ASKED}, serve: {{command: x, address: 'http://127.0.0.1:1'}}",
            "write command or address",
        ),
        (
            "backend: sglang, model: m, task: text-to-image, request: {prompt: a, widt: 3}",
            "cases[0].request.widt: unknown key; did you mean width?",
        ),
    ],
)
def test_what_cannot_be_meant_is_told(case: str, what: str) -> None:
    assert what in told(case)
