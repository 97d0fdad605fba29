"""Texts in, texts and changes out: every file that an update touches, whole, or none."""

import json
from datetime import date

import pytest

from perfgate.app.keeping.keep import Request, Tree, files_needed, updated
from perfgate.baselines.accepted import parse_accepted, render_accepted
from perfgate.baselines.native import parse_baseline
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_record, an_acceptance

KEY = "cpu-test-x2"
AT = Tree(commit="d" * 40, date="2026-01-01T00:00:00+00:00")
ACCEPTED = "baselines/accepted.yml"
SUITE = """\
version: 1
baselines: {baselines}
cases:
  - {{id: wan, backend: command, command: x}}
  - {{id: flux, backend: command, command: y}}
"""
SGLANG = '{format: sglang, files: {"cpu-*": perf.json}, state: perfgate/}'


def a_suite(baselines="baselines/"):
    return parse_suite(SUITE.format(baselines=baselines), source="perfgate.yml")


def a_job(day=1, **cases):
    made = [a_case_record(name, base=[], head=[total] * 3) for name, total in cases.items()]
    return a_record(made, created_at=f"2026-01-{day:02}T00:00:00+00:00")


def asked(**fields):
    return Request(**{"reason": "because", "asked_by": "octocat", **fields})


GRANTED = asked(issue="https://github.com/o/r/issues/7", expires=date(2026, 6, 30))


def update(files, *records, suite=None, request=None, **rest):
    return updated(files, suite or a_suite(), records, at=AT, request=request or asked(), **rest)


def test_the_files_that_are_read__are_named_before():
    assert files_needed(a_suite(), [a_job(wan=1000, flux=2000)]) == [
        ACCEPTED,
        f"baselines/{KEY}/wan.json",
        f"baselines/{KEY}/flux.json",
    ]
    assert files_needed(a_suite(SGLANG), [a_job(wan=1000, flux=2000)], only=["flux"]) == [
        "perfgate/accepted.yml",
        "perf.json",
        f"perfgate/{KEY}/flux.json",
    ]


def test_new_entries__are_files_by_machine_and_case():
    found = update({}, a_job(wan=1000, flux=2000))
    assert sorted(found.texts) == [f"baselines/{KEY}/flux.json", f"baselines/{KEY}/wan.json"]
    assert [one.kind for one in found.changes] == ["new", "new"]
    for path, text in found.texts.items():
        assert parse_baseline(text, source=path).jobs


def test_only_what_is_named__is_touched():
    files = dict(update({}, a_job(wan=1000, flux=2000)).texts)
    found = update(files, a_job(day=2, wan=1001, flux=2001), only=["flux"])
    assert list(found.texts) == [f"baselines/{KEY}/flux.json"]


def test_a_case_that_only_one_record_has__is_updated_from_that():
    found = update({}, a_job(wan=1000), a_job(day=2, wan=1000, flux=2000))
    assert {one.case: one.metrics[0].jobs for one in found.changes} == {"wan": 2, "flux": 1}


def test_permissions__are_written_first_and_others_stay():
    other = an_acceptance(hardware="nvidia-h100-x1")
    files = {
        **update({}, a_job(wan=1000)).texts,
        ACCEPTED: render_accepted([other]),
    }
    found = update(files, a_job(day=2, wan=1100), request=GRANTED)
    assert list(found.texts) == [ACCEPTED, f"baselines/{KEY}/wan.json"]
    accepted = parse_accepted(found.texts[ACCEPTED], source=ACCEPTED)
    assert other in accepted
    assert {one.case for one in accepted} == {"wan", other.case}


def test_a_file_of_permissions_that_did_not_change__keeps_its_bytes():
    files = {ACCEPTED: "# ours\n" + render_accepted([an_acceptance(case="other")])}
    assert ACCEPTED not in update(files, a_job(wan=1000)).texts


def test_unexplained__is_told_and_left_to_the_caller():
    files = dict(update({}, a_job(wan=1000)).texts)
    found = update(files, a_job(day=2, wan=1100))
    assert found.changes[0].unexplained
    assert list(found.texts) == [f"baselines/{KEY}/wan.json"]


def of_machine(key):
    record = a_job(wan=1000)
    changed = record.fingerprint.model_copy(update={"hardware_key": key})
    return record.model_copy(update={"fingerprint": changed})


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([a_job(wan=1000, other=1000)], "the suite has no case 'other'; it has: wan, flux"),
        ([a_job(**{"../../x": 1000})], "the suite has no case '../../x'"),
        ([of_machine("../evil")], "'../evil' is no hardware key"),
        ([a_job(wan=1000), of_machine("cpu-other-x1")], "2 kinds of machines"),
        ([], "0 kinds of machines"),
    ],
)
def test_records_that_do_not_belong__are_refused(records, told):
    with pytest.raises(BaselineError) as caught:
        update({}, *records)
    assert told in caught.value.problem


def test_a_case_that_no_record_has__is_refused():
    with pytest.raises(BaselineError, match="the record has no case 'flux'"):
        update({}, a_job(wan=1000), only=["flux"])


def test_a_suite_without_baselines__is_refused():
    suite = parse_suite(SUITE.replace("baselines: {baselines}\n", "").format(), source="s")
    with pytest.raises(ConfigurationError, match="names no folder for baselines"):
        update({}, a_job(wan=1000), suite=suite)


def test_a_file_that_was_edited__is_refused():
    files = dict(update({}, a_job(wan=1000)).texts)
    path = f"baselines/{KEY}/wan.json"
    files[path] = files[path].replace('"value":1000.0', '"value":1300.0', 1)
    with pytest.raises(BaselineError, match="but the launches below it give 1000"):
        update(files, a_job(day=2, wan=1000))


SCENARIOS = {
    "metadata": {"hardware": "test"},
    "scenarios": {
        name: {
            "stages_ms": {
                "TextEncodingStage": 45.0,
                "DenoisingStage": 720.0,
                "DecodingStage": 135.0,
            },
            "denoise_step_ms": {str(step): 90.0 for step in range(8)},
            "expected_e2e_ms": 900.0,
            "expected_avg_denoise_ms": 90.0,
            "expected_median_denoise_ms": 90.0,
        }
        for name in ("wan", "flux")
    },
}


class TestSglangsFormat:
    def files(self):
        return {"perf.json": json.dumps(SCENARIOS, indent=2) + "\n"}

    def update(self, files, *records, **rest):
        return update(files, *records, suite=a_suite(SGLANG), **rest)

    def test_both_files_are_written_from_the_same_launches(self):
        found = self.update(self.files(), a_job(wan=910), only=["wan"])
        assert sorted(found.texts) == ["perf.json", f"perfgate/{KEY}/wan.json"]
        after = json.loads(found.texts["perf.json"])["scenarios"]
        assert after["wan"]["expected_e2e_ms"] == 910
        assert after["wan"]["expected_avg_denoise_ms"] == 91
        assert after["flux"] == SCENARIOS["scenarios"]["flux"]

    def test_slower_than_the_file_said__needs_a_permission_though_there_were_no_launches(self):
        found = self.update(self.files(), a_job(wan=1000))
        (change,) = found.changes
        assert "end-to-end" in change.unexplained
        found = self.update(self.files(), a_job(wan=1000), request=GRANTED)
        accepted = parse_accepted(found.texts["perfgate/accepted.yml"], source=ACCEPTED)
        whole = next(one for one in accepted if one.metric == "end-to-end")
        assert (whole.reference.value, whole.reference.commit) == (900, AT.commit)

    def with_memory(self, peak):
        data = json.loads(json.dumps(SCENARIOS))
        data["scenarios"]["wan"] |= {"load_peak_vram_mb": 9000.0, "load_peak_allocated_mb": peak}
        return {"perf.json": json.dumps(data, indent=2) + "\n"}

    def a_job_with_memory(self, peak):
        (case,) = a_job(wan=900).cases
        told = {"load_peak": {"peak_reserved_mb": 9900.0, "peak_allocated_mb": peak}}
        launches = [
            launch.model_copy(
                update={
                    "reports": tuple(
                        one.model_copy(update={"memory_checkpoints": told})
                        for one in launch.reports
                    )
                }
            )
            for launch in case.launches
        ]
        return a_job(wan=900).model_copy(
            update={"cases": (case.model_copy(update={"launches": tuple(launches)}),)}
        )

    def test_a_peak_that_only_the_file_holds__may_not_rise_without_a_permission_either(self):
        files, record = self.with_memory(8000.0), self.a_job_with_memory(8200.0)
        (change,) = self.update(files, record).changes
        # Reserved memory is only told where allocated memory guards.
        assert change.unexplained == ("load peak allocated",)
        found = self.update(files, record, request=GRANTED)
        (accepted,) = parse_accepted(found.texts["perfgate/accepted.yml"], source=ACCEPTED)
        assert (accepted.reference.value, accepted.reference.unit) == (8000, "MiB")
        assert accepted.ceiling == pytest.approx(8200 / 8000 * 1.01, abs=1e-4)

    def test_a_peak_within_the_limits_of_memory__needs_nothing(self):
        found = self.update(self.with_memory(8000.0), self.a_job_with_memory(8100.0))
        assert not found.changes[0].unexplained

    def test_a_machine_without_a_file__gets_launches_alone(self):
        suite = a_suite(SGLANG.replace("cpu-*", "nvidia-*"))
        assert list(update({}, a_job(wan=1000), suite=suite).texts) == [f"perfgate/{KEY}/wan.json"]

    def test_a_file_that_is_not_there__is_refused(self):
        with pytest.raises(BaselineError, match=r"there is no file perf\.json"):
            self.update({}, a_job(wan=1000))
