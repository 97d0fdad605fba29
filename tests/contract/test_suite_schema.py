"""The schema of the suite against its reader: they agree on every suite, but on what is named here.

The reader alone refuses: two cases of one id, a path's glob, and whatever JSON Schema has no words
for. The schema alone refuses numbers written as text, which nothing here draws.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from perfgate.app.schemas import schema_text
from perfgate.suite import Suite, parse_suite
from perfgate.suite.kinds import Margin, Milliseconds, Minutes, Ratio, RelativePath, Seconds
from tests.documents import PAGES, ROOT, blocks, page

VALIDATOR = Draft202012Validator(json.loads(schema_text("suite")))


def reads(suite: object) -> bool:
    """Whether the reader takes it."""
    try:
        Suite.model_validate(suite)
    except ValidationError:
        return False
    return True


def allows(suite: object) -> bool:
    """Whether the schema does."""
    return VALIDATOR.is_valid(suite)


def documented() -> list[Any]:
    """The suites of the repository and those in its documents."""
    files = [ROOT / "perfgate.yml", *sorted((ROOT / "benchmarks").glob("*.yml"))]
    texts = [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in files]
    texts += [(name, text) for name in PAGES for text in blocks(page(name), "yaml")]
    return [
        pytest.param(text, id=f"{index}-{name}")
        for index, (name, text) in enumerate(texts)
        if isinstance(data := yaml.safe_load(text), dict) and {"version", "cases"} <= data.keys()
    ]


@pytest.mark.parametrize("text", documented())
def test_suites_in_use_and_in_documents_are_valid(text: str) -> None:
    parse_suite(text, source="perfgate.yml")
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text))) == []


NUMBERS = st.sampled_from(
    ["", "0", "00", "0.0", "1", "3", "07", "99.9", "100", "500", "500.1", "-1"]
)
UNITS = st.sampled_from(["", "%", " %", "ms", "s", " m", "h", "d", "s ", "% "])
WRITTEN = st.builds(lambda front, number, unit: front + number + unit, st.sampled_from(["", " "]),
                    NUMBERS, UNITS)  # fmt: skip
FIGURES = st.one_of(WRITTEN, st.sampled_from([0, 1, 5, 5.1, 0.5, -1, 30, [], {}]))


@pytest.mark.parametrize("kind", [Ratio, Margin, Seconds, Milliseconds, Minutes])
@given(value=FIGURES)
def test_figures__as_texts_and_numbers(kind: Any, value: object) -> None:
    agree(kind, value)


@given(
    path=st.lists(
        st.sampled_from(["..", ".", "a", "C:", "b.json", "...", "a..", "\b", "a\nb"]), max_size=4
    ).flatmap(
        lambda parts: st.sampled_from(["/".join(parts), "\\".join(parts), "/" + "/".join(parts)])
    )
)
def test_paths__below_the_repository(path: str) -> None:
    agree(RelativePath, path)


def agree(kind: Any, value: object) -> None:
    adapter = TypeAdapter(kind)
    try:
        adapter.validate_python(value)
        read = True
    except ValidationError:
        read = False
    assert Draft202012Validator(adapter.json_schema()).is_valid(value) is read


def few_of(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Up to three of the keys: with all of them hardly a suite would be a good one."""
    return st.sets(st.sampled_from(sorted(keys)), max_size=3).flatmap(
        lambda chosen: st.fixed_dictionaries({key: keys[key] for key in sorted(chosen)})
    )


REQUESTS = st.fixed_dictionaries(
    {"prompt": st.just("a cat")},
    optional={
        "image": st.sampled_from(["in.png", None]),
        "frames": st.sampled_from([9, None]),
        "steps": st.sampled_from([4, 0]),
        "extra": st.sampled_from([{}, {"a": [1]}, {"num_inference_steps": 1}, {"seed": 1}]),
    },
)
SERVES = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["server", "one-shot"]),
        "args": st.sampled_from(["--a b", ["--a"], 3, "", []]),
        "compile": st.booleans(),
        "command": st.sampled_from(["serve", None]),
        "address": st.sampled_from(["http://a:1", None]),
        "body": st.sampled_from([{"a": 1}, None]),
        "port": st.sampled_from([30_000, 70_000]),
    },
)
ANOTHER = st.dictionaries(
    st.sampled_from(["diffusers", "sglang", "vllm-omni", "server", "mine", "a b"]),
    SERVES,
    max_size=1,
)
RUN_BY = {
    "builtin": {"preset": "wan-tiny"},
    "command": {"command": "python3 bench.py"},
    "kernel": {"kernel": {"name": "k", "variant": "v", "shape": "s"}},
}
"""What backends need; those not named are frameworks."""
A_CASE = {"id": "a", "backend": "builtin", "preset": "wan-tiny"}
OF_A_FRAMEWORK = {"model": "m", "task": "text-to-image", "request": {"prompt": "a cat"}}


@st.composite
def cases(draw: Any) -> dict[str, Any]:
    """A case that has what its backend needs, and, perhaps, a key too many or another value."""
    backend = draw(
        st.sampled_from(
            ["builtin", "command", "kernel", "diffusers", "sglang", "vllm-omni", "server", "other"]
        )
    )
    case = {"id": draw(st.sampled_from(["a", "a/b"])), "backend": backend}
    case |= RUN_BY.get(backend, OF_A_FRAMEWORK)
    if backend == "server":
        case["serve"] = {"command": "serve"}
    if draw(st.booleans()):
        case["serve"] = draw(SERVES)
    more = few_of(
        preset=st.sampled_from(["flux-tiny", None]),
        params=st.sampled_from([{}, {"frames": 9}, {"frames": [9]}]),
        command=st.sampled_from(["make bench", None]),
        kernel=st.sampled_from([RUN_BY["kernel"]["kernel"], None]),
        model=st.sampled_from(["m", None]),
        task=st.sampled_from(["text-to-image", "image-to-video", "image-edit", None]),
        request=REQUESTS,
        frameworks=ANOTHER,
        devices=st.sampled_from([1, 2, 0]),
        requests=st.sampled_from([1, 3]),
        launch=st.sampled_from(["fresh", "resident"]),
        restart_every=st.sampled_from([2, None]),
        outputs=st.sampled_from([[], ["out.png"], ["../out.png"]]),
        allow=st.sampled_from([{"output": "reviewed"}, {"output": ""}]),
        unknown=st.just(1),
    )
    return case | draw(more)


@given(case=cases())
@example(case=A_CASE | {"serve": {}})
def test_cases__what_a_backend_needs_and_may_not_have(case: dict[str, Any]) -> None:
    suite = {"version": 1, "cases": [case]}
    assert allows(suite) is reads(suite)


GATES = few_of(
    strategy=st.sampled_from(["auto", "paired", "both"]),
    margin=FIGURES,
    budget=FIGURES,
    max_pairs=st.sampled_from([2, 1, 100, 101]),
    missing=st.sampled_from(["neutral", "fail", "ignore"]),
    margn=st.just(1),
)
FILES = {"format": "sglang", "files": {"nvidia-*": "a.json"}, "state": "perfgate/"}
BASELINES = (
    *("baselines/", "baselines\\gpu", "/baselines", "C:\\baselines", None, 3),
    *(FILES, FILES | {"files": {"NVIDIA": "a.json"}}, FILES | {"files": {}}),
    *(FILES | {"format": "other"}, FILES | {"more": 1}),
)
SUITES = few_of(
    version=st.sampled_from([1, 2]),
    name=st.sampled_from(["a suite", "", "-"]),
    baselines=st.sampled_from(BASELINES),
    gate=GATES,
    setup=st.sampled_from(["none", None, ["make"]]),
    imports=st.sampled_from([["a.b"], ["a-b"], "a"]),
    frameworks=st.sampled_from([{"mine": {"env": {"A": 1}}}, {"a b": {}}, {"a": {"x": 1}}]),
    case=st.just([]),
    cases=st.just([]),
).map(lambda keys: {"version": 1, "cases": [A_CASE]} | keys)


@given(suite=SUITES)
def test_suites__every_other_key(suite: dict[str, Any]) -> None:
    assert allows(suite) is reads(suite)
