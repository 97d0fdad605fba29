"""The dashboard's folder as the command writes it, from a folder of result files and baselines."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from perfgate.app.dashboard import make_dashboard
from perfgate.app.levels import MANY_POINTS, changes_of_level
from perfgate.baselines.accepted import render_accepted
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import render_baseline
from perfgate.cli.group import cli
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.history.names import result_name
from perfgate.records import to_json
from perfgate.records.results import Cell, JobRun, Measured, Results
from perfgate.report.dashboard.links import Links
from perfgate.report.draw import NOT_INSTALLED, Picture
from perfgate.verdict.change_points import change_points
from tests.factories import a_case_record, a_record, an_acceptance
from tests.histories import a_history, a_line, a_miss, commit_of, nights, seconds_of

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DRAWN = Picture(svg="<svg/>", png=b"a picture")


def made(tmp_path, history, **rest):
    given = {"title": "t", "links": Links(), "baselines": None, "now": NOW, "draw": lambda _: DRAWN}
    return make_dashboard(history, tmp_path / "out", **{**given, **rest})


def test_folder__page_text_and_a_picture_of_every_case(tmp_path):
    found = made(
        tmp_path, a_history(*(a_line([1000.0] * 9, case=name) for name in ("flux", "wan")))
    )
    folder = tmp_path / "out"
    pictures = sorted(path.name for path in (folder / "charts").iterdir())
    assert found.charts == len(pictures) == 2
    text = (folder / "dashboard.md").read_text()
    assert all(f"(charts/{name})" in text for name in pictures)
    assert found.page_bytes == (folder / "index.html").stat().st_size


def test_folder__nothing_of_an_earlier_one_stays(tmp_path):
    made(tmp_path, a_history(a_line([1000.0] * 9, case="gone")))
    made(tmp_path, a_history(a_line([1000.0] * 9, case="new")))
    (picture,) = (tmp_path / "out" / "charts").iterdir()
    assert picture.name.startswith("new")


def test_pictures__that_cannot_be_drawn_are_a_note(tmp_path):
    def no_extra(_):
        raise ConfigurationError("no chart was drawn", fix=NOT_INSTALLED)

    found = made(tmp_path, a_history(a_line([1000.0] * 9)), draw=no_extra)
    assert found.notes == (f"no chart was drawn; {NOT_INSTALLED}",)
    assert "perfgate\\[charts\\]" in (tmp_path / "out" / "dashboard.md").read_text()


def test_pictures__are_really_drawn(tmp_path):
    history = a_history(a_line(nights((20, 1000.0), (20, 1200.0), noise=0.01)))
    make_dashboard(history, tmp_path, title="t", links=Links(), baselines=None, now=NOW)
    (picture,) = (tmp_path / "charts").iterdir()
    with Image.open(io.BytesIO(picture.read_bytes())) as png:
        assert png.size[0] > 1000


def test_no_result__is_refused_with_what_was_wrong(tmp_path):
    with pytest.raises(ConfigurationError, match=r"holds no result \(x.json: cut short\)"):
        made(tmp_path, a_history(problems=["x.json: cut short"]))
    assert not (tmp_path / "out").exists()


def test_failures_alone__are_a_dashboard(tmp_path):
    assert made(tmp_path, a_history(missed=[a_miss(0)])).charts == 0


def with_baselines(folder):
    """A baseline that crept and a permission, as a repository keeps them."""
    record = a_record([a_case_record("flux")], created_at="2026-04-01T00:00:00+00:00")
    entry = add_job(None, record, "flux")
    milestone = entry.first["end-to-end"].model_copy(update={"value": 900.0})
    figures = {**entry.first, "end-to-end": milestone}
    best = {**entry.best, "end-to-end": milestone}
    entry = entry.model_copy(update={"first": figures, "best": best})
    path = folder / "cpu-test-x2" / "flux.json"
    path.parent.mkdir(parents=True)
    path.write_text(render_baseline(entry))
    (folder / "cpu-test-x2" / "calibration.json").write_text("{}")
    (folder / "accepted.yml").write_text(render_accepted([an_acceptance("flux")]))
    return folder


def test_baselines__updates_permissions_and_creep(tmp_path):
    history = a_history(a_line([1000.0] * 30, case="flux", hardware_key="cpu-test-x2"))
    made(tmp_path, history, baselines=with_baselines(tmp_path / "baselines"))
    page = (tmp_path / "out" / "index.html").read_text()
    index = json.loads(page.split('id="index">')[1].split("</script>")[0])
    assert index["updates"] == [[0, 0, int(datetime(2026, 4, 1, tzinfo=UTC).timestamp())]]
    assert len(index["accepted"]) == 1
    assert "+11.1 %" in page
    assert "⚠ over" in page


def test_baselines__edited_ones_are_refused(tmp_path):
    folder = with_baselines(tmp_path / "baselines")
    (folder / "accepted.yml").write_text("version: 1\naccepted: [{case: x}]\n")
    with pytest.raises(BaselineError, match=r"accepted\.yml"):
        made(tmp_path, a_history(a_line([1.0])), baselines=folder)


def write_results(folder, values):
    for night, value in enumerate(values):
        results = Results(
            perfgate="0.1.0",
            measured_at=datetime.fromtimestamp(seconds_of(night), UTC),
            commit=commit_of(night),
            hardware_key="cpu-test-x2",
            run=JobRun(id=str(1000 + night), name="nightly"),
            cells=(
                Cell(
                    case="flux",
                    framework="sglang",
                    workload_hash="0" * 16,
                    metrics=(Measured(name="e2e", samples=(value, value * 1.01)),),
                ),
            ),
        )
        content = to_json(results).encode()
        path = folder / result_name(results, content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run(*arguments):
    return CliRunner().invoke(cli, ["dashboard", *map(str, arguments)], standalone_mode=False)


def test_command__from_a_folder_of_results(tmp_path):
    write_results(tmp_path / "history", nights((20, 1000.0), (20, 1300.0), noise=0.005))
    out = tmp_path / "site"
    done = run(
        "--from",
        tmp_path / "history",
        "--output-dir",
        out,
        "--repository",
        "https://github.com/o/r",
    )
    assert done.exception is None
    assert "1 line, 1 change of level, 1 picture" in done.output
    assert (
        f"https://github.com/o/r/compare/{commit_of(19)}...{commit_of(20)}"
        in (out / "index.html").read_text()
    )


def test_command__since_and_case(tmp_path):
    write_results(tmp_path / "history", [1000.0] * 20)
    done = run("--from", tmp_path / "history", "--output-dir", tmp_path, "--since", "2026-04-01")
    assert "8 points in 1 line" in (tmp_path / "dashboard.md").read_text()
    done = run("--from", tmp_path / "history", "--output-dir", tmp_path, "--case", "other")
    assert "holds no result" in str(done.exception)


def test_command__a_repository_that_is_none(tmp_path):
    done = run("--from", tmp_path, "--output-dir", tmp_path, "--repository", "javascript:x")
    assert "no address of a repository" in str(done.exception)


@pytest.mark.slow
def test_changes_of_level__are_the_same_on_two_processors():
    line = np.array(nights((600, 1000.0), (600, 1100.0), noise=0.01))
    lines = [line * (1 + n) for n in range(MANY_POINTS // len(line) + 1)]
    assert changes_of_level(lines, processes=2) == [change_points(values) for values in lines]
