"""Whatever stands in a baseline file, an audit ends with findings that are a JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.baselines.audit import Limits
from perfgate.baselines.audit_file import Version, audit_against, audit_version
from perfgate.baselines.audit_native_against import Terms
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import render_baseline
from perfgate.records import GatePolicy
from tests.factories import a_record
from tests.unit.test_baselines_audit import a_file

TODAY = date(2026, 2, 1)
NAME = "baselines/cpu-test-x2/wan_t2v_tiny.json"
TERMS = Terms(policy=GatePolicy(), accepted=(), today=TODAY)
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e-320, 1e308, 10**400, float("nan"), float("inf")),
    *("", "x", "2026-01-01", "\ud800", [], {}, [1, 2], {"a": None}, {"99999": 1}),
)


def audited(data: object) -> Version:
    limits = Limits(today=TODAY, max_age_days=180)
    return audit_version(json.dumps(data, indent=1), name=NAME, limits=limits)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else ()
    for key, child in enumerate(value) if isinstance(value, list) else children:
        yield from places(child, (*path, key))


def replaced(data: Any, path: tuple[str | int, ...], value: object) -> Any:
    if not path:
        return value
    data = json.loads(json.dumps(data))
    around = data
    for key in path[:-1]:
        around = around[key]
    around[path[-1]] = value
    return data


FILES = (
    a_file(),
    json.loads(render_baseline(add_job(None, a_record(), "wan_t2v_tiny"))),
    {**a_file(), "runner_overrides": {"pool": {"wan_t2v": {"expected_e2e_ms": 900.0}}}},
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_an_audit_ends_with_findings(data: st.DataObject) -> None:
    good = data.draw(st.sampled_from(FILES))
    path = data.draw(st.sampled_from([*places(good)]))
    odd = audited(replaced(good, path, data.draw(st.sampled_from(ODD))))
    for new, old in ((odd, audited(good)), (audited(good), odd), (odd, odd)):
        for one in audit_against(new, old, terms=TERMS, kept={}, figures={}).findings:
            assert one.line >= 1
            json.loads(one.model_dump_json())
