"""Finding baselines among files, and writing one back."""

import pytest

from perfgate.baselines.entry import add_job
from perfgate.baselines.native import render_baseline
from perfgate.baselines.store import load_baselines, stored_jobs
from perfgate.errors import BaselineError
from perfgate.verdict.decide import decide
from tests.factories import a_case_record, a_record

KEY = "cpu-test-x2"


def a_baseline(case="wan", jobs=1):
    baseline = None
    for day in range(1, jobs + 1):
        times = [1000 + day % 3, 1001 + day % 2]
        record = a_record(
            [a_case_record(case, base=[], head=times)], created_at=f"2026-01-{day:02}"
        )
        baseline = add_job(baseline, record, case)
    return baseline


def a_file(case="wan"):
    return {f"baselines/{KEY}/{case}.json": render_baseline(a_baseline(case))}


def test_no_files__give_no_baselines():
    assert load_baselines({}, hardware_key=KEY) == {}


def test_files_of_this_machine__are_found_by_case():
    files = {
        **a_file("wan"),
        **a_file("flux"),
        f"baselines/{KEY}/calibration.json": "not a baseline",
        f"baselines/{KEY}/README.md": "not a baseline",
        "baselines/nvidia-h100-x1/wan.json": "of another machine, not looked at",
    }
    assert sorted(load_baselines(files, hardware_key=KEY)) == ["flux", "wan"]


def test_a_corrupted_file__is_an_error_and_not_an_absent_baseline():
    with pytest.raises(BaselineError, match=r"cpu-test-x2/wan\.json is not valid JSON"):
        load_baselines({f"baselines/{KEY}/wan.json": "{"}, hardware_key=KEY)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"baselines/{KEY}/flux.json", "case says 'wan', but the path says 'flux'"),
        ("baselines/cpu-other-x8/wan.json", "hardware_key says 'cpu-test-x2'"),
    ],
)
def test_a_file_moved_to_another_place__is_refused(path, told):
    text = render_baseline(a_baseline())
    with pytest.raises(BaselineError, match="the path says") as caught:
        load_baselines({path: text}, hardware_key=path.split("/")[1])
    assert told in caught.value.problem


def test_a_written_baseline__is_found_again_and_judges():
    files = {f"baselines/{KEY}/wan.json": render_baseline(a_baseline(jobs=12))}
    known = stored_jobs(load_baselines(files, hardware_key=KEY))
    slow = a_record([a_case_record("wan", base=[], head=[1100, 1101])], strategy="baseline")
    assert decide(slow, baselines=known).verdict == "regressed"
    same = a_record([a_case_record("wan", base=[], head=[1001])], strategy="auto")
    assert decide(same, baselines=known).verdict == "passed"
