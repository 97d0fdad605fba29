"""perfgate baseline update, show and debt as processes; and what a kill at any write leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.native import parse_baseline
from perfgate.records import Conditions, Record, to_json
from tests.factories import a_case_record, a_launch, a_record
from tests.repositories import Repository, environment, perfgate

SUITE = """\
version: 1
baselines: baselines/
cases:
  - {id: wan, backend: command, command: x}
  - {id: flux, backend: command, command: y}
"""
ISSUE = "https://github.com/example/video/issues/7"
LATER = (datetime.now(UTC).date() + timedelta(days=40)).isoformat()
GRANTED = ("--issue", ISSUE, "--expires", LATER)
WAN, FLUX = (Path(f"baselines/cpu-test-x2/{name}.json") for name in ("wan", "flux"))
ACCEPTED = Path("baselines/accepted.yml")


def a_job(day: int = 1, **cases: float) -> Record:
    made = [
        a_case_record(name, base=[], head=[total, total + 1, total - 1])
        for name, total in cases.items()
    ]
    return a_record(made, created_at=f"2026-01-{day:02}T00:00:00+00:00")


class Project(Repository):
    """A repository whose baselines are updated from records that no machine measured."""

    def update(
        self, record: Record, *more: str, reason: str = "because"
    ) -> subprocess.CompletedProcess[str]:
        path = self.path.parent / "record.json"
        path.write_text(to_json(record))
        return perfgate(
            self.path, "baseline", "update", "--record", str(path), "--reason", reason, *more
        )

    def kept(self) -> dict[str, bytes]:
        """Every file of the folder but those that a killed process could not take away."""
        folder = self.path / "baselines"
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.commit("start", perfgate_yml=SUITE)
    return made


def done_well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestUpdate:
    def test_new_entries_and_more_launches(self, project: Project) -> None:
        told = done_well(project.update(a_job(wan=1000, flux=2000)))
        assert "wan · cpu-test-x2: new" in told
        assert f"wrote {WAN}" in told
        done_well(project.update(a_job(2, wan=1001, flux=2001)))
        text = (project.path / WAN).read_text()
        assert parse_baseline(text, source=str(WAN)).derived.jobs == 2

    def test_slower__is_refused_without_an_issue_and_a_last_day(self, project: Project) -> None:
        done_well(project.update(a_job(wan=1000, flux=2000)))
        before = project.kept()
        done = project.update(a_job(2, wan=1100, flux=2001))
        assert done.returncode == 5, done.stdout + done.stderr
        assert "slower than the margin allows: wan end-to-end 1000 → 1100 ms" in done.stderr
        assert "--reason TEXT --issue URL --expires DATE" in done.stderr
        assert project.kept() == before

    def test_slower__with_them_is_an_acceptance(self, project: Project) -> None:
        done_well(project.update(a_job(wan=1000)))
        told = done_well(
            project.update(
                a_job(2, wan=1100),
                *GRANTED,
                reason="better\n images",
            )
        )
        assert f"accepted: end-to-end until {LATER}" in told
        text = (project.path / ACCEPTED).read_text()
        accepted = {one.metric: one for one in parse_accepted(text, source="x")}
        assert accepted["end-to-end"].reason == "better images"
        assert accepted["end-to-end"].asked_by

    @pytest.mark.parametrize(
        ("record", "told"),
        [
            (
                a_record(
                    [
                        a_case_record(
                            "wan",
                            base=[],
                            head=[
                                1000,
                                1001,
                                a_launch().model_copy(
                                    update={"conditions": Conditions(unfit=("clock limit: 1",))}
                                ),
                            ],
                        )
                    ]
                ),
                "a launch of wan is flagged (clock limit: 1)",
            ),
            (a_record([a_case_record("wan", base=[], head=[1000])]), "1 head launch of wan"),
            (
                a_record([a_case_record("wan", base=[], head=[1] * 3, workload_hash="f" * 16)]),
                "the workload hash of wan is ffffffffffffffff in this record",
            ),
            (a_job(other=1000), "the suite has no case 'other'"),
        ],
    )
    def test_what_is_no_baseline__is_refused_and_nothing_written(
        self, project: Project, record: Record, told: str
    ) -> None:
        done_well(project.update(a_job(2, wan=1000)))
        before = project.kept()
        done = project.update(record)
        assert done.returncode == 5, done.stdout + done.stderr
        assert told in done.stderr
        assert "→" in done.stderr
        assert project.kept() == before

    def test_a_declared_workload__starts_a_new_entry(self, project: Project) -> None:
        done_well(project.update(a_job(wan=1000)))
        other = a_record([a_case_record("wan", base=[], head=[9] * 3, workload_hash="f" * 16)])
        told = done_well(project.update(other, "--workload-changed"))
        assert "wan · cpu-test-x2: changed workload" in told
        assert "another workload, declared as one" in told

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            (("--issue", ISSUE), "--issue and --expires go together"),
            (("--expires", LATER), "--issue and --expires go together"),
            (("--issue", ISSUE, "--expires", "2020-01-01"), "2020-01-01 is over"),
            (("--issue", ISSUE, "--expires", "soon"), "no day such as 2026-12-31"),
            (("--reason", " "), "--reason is empty"),
        ],
    )
    def test_usage(self, project: Project, more: tuple[str, ...], told: str) -> None:
        done = project.update(a_job(wan=1000), *more)
        assert done.returncode == 2
        assert told in done.stderr
        assert not project.kept()


class TestShowAndDebt:
    @pytest.fixture
    def owing(self, project: Project) -> Project:
        done_well(project.update(a_job(wan=1000, flux=2000)))
        done_well(project.update(a_job(2, wan=1100), *GRANTED))
        return project

    def test_show(self, owing: Project) -> None:
        told = done_well(perfgate(owing.path, "baseline", "show"))
        assert "flux · cpu-test-x2: 3 launches in 1 job" in told
        assert "+10.0 %" in told
        done = perfgate(owing.path, "baseline", "show", "--case", "wan", "--json")
        (entry,) = json.loads(done_well(done))["entries"]
        (whole,) = [one for one in entry["metrics"] if one["metric"] == "end-to-end"]
        assert (entry["case"], whole["first"], round(whole["new"])) == ("wan", whole["best"], 1100)
        assert perfgate(owing.path, "baseline", "show", "--case", "x").returncode == 2

    def test_debt__the_oldest_first(self, owing: Project) -> None:
        head = owing.git("rev-parse", "HEAD")
        path = owing.path / ACCEPTED
        text = path.read_text()
        # As if end-to-end had been measured at a commit that is here.
        first, rest = text.split("metric: end-to-end", 1)
        where = rest.index("commit: ") + len("commit: ")
        path.write_text(f"{first}metric: end-to-end{rest[:where]}{head}{rest[where + 40 :]}")
        found = json.loads(done_well(perfgate(owing.path, "baseline", "debt", "--json")))["debts"]
        assert found[0]["acceptance"]["metric"] == "end-to-end"
        assert found[0]["since"] == owing.git("show", "--no-patch", "--format=%cs")
        assert found[1]["since"] is None
        assert found[0]["days_left"] in (39, 40)
        told = done_well(perfgate(owing.path, "baseline", "debt"))
        assert "permissions to be slower" in told
        assert f"because ({ISSUE}, asked by" in told

    def test_nothing_owed(self, project: Project) -> None:
        told = done_well(perfgate(project.path, "baseline", "debt"))
        assert told == "Nothing is slower by permission.\n"
        assert "No entry is kept" in done_well(perfgate(project.path, "baseline", "show"))


class TestTheFolder:
    def test_two_updates_at_once__lose_nothing(self, project: Project) -> None:
        done_well(project.update(a_job(wan=1000)))
        paths = [project.path.parent / f"{day}.json" for day in range(2, 6)]
        for day, path in enumerate(paths, start=2):
            path.write_text(to_json(a_job(day, wan=1000)))
        command = [sys.executable, "-m", "perfgate", "baseline", "update", "--reason", "because"]
        running = [
            subprocess.Popen(
                [*command, "--record", str(path)],
                cwd=project.path,
                env=environment(),
                stdout=subprocess.DEVNULL,
            )
            for path in paths
        ]
        assert [one.wait(timeout=120) for one in running] == [0] * len(paths)
        text = (project.path / WAN).read_text()
        assert parse_baseline(text, source=str(WAN)).derived.jobs == 1 + len(paths)

    def test_a_link_out_of_the_repository__is_not_followed(self, project: Project) -> None:
        outside = project.path.parent / "outside"
        outside.mkdir()
        (project.path / "baselines").symlink_to(outside)
        done = project.update(a_job(wan=1000))
        assert done.returncode == 5
        assert "leads out of the repository by a link" in done.stderr
        assert not any(outside.iterdir())

    def test_a_name_in_a_file__gives_a_runner_no_command(self, project: Project) -> None:
        done_well(project.update(a_job(wan=1000)))
        data = json.loads((project.path / WAN).read_text())
        data["must_match"]["\x1b[31m\n::error::boo\n##[add-mask]e"] = 3
        project.file(str(WAN), json.dumps(data))
        for arguments in (("show",), ("check", "baselines")):
            done = perfgate(project.path, "baseline", *arguments, GITHUB_ACTIONS="true")
            lines = (done.stdout + done.stderr).splitlines()
            commands = [line for line in lines if line.lstrip().startswith("::")]
            assert done.returncode == 5
            assert all(line.startswith(("::error file=", "::warning file=")) for line in commands)
            assert "must_match" in done.stdout + done.stderr
            assert not any("##[" in line for line in lines if line not in commands)

    def test_a_file_in_the_place_of_a_folder(self, project: Project) -> None:
        project.file("baselines/cpu-test-x2", "no folder")
        done = project.update(a_job(wan=1000))
        assert done.returncode == 5
        assert f"{WAN} cannot be read: Not a directory" in done.stderr

    def test_before_the_first_commit(self, tmp_path: Path) -> None:
        bare = Project(tmp_path / "bare")
        bare.write(perfgate_yml=SUITE)
        done = bare.update(a_job(wan=1000))
        assert done.returncode == 2
        assert "has no commit yet" in done.stderr
        assert "git commit" in done.stderr


# Ends its own process without a word at the Nth thing that it does to a file of the repository.
KILLED = dedent(
    """\
    import os, signal, sys

    folder, at, seen = os.path.realpath("baselines"), int(sys.argv.pop(1)), 0
    DOES = {"open", "os.rename", "os.chmod", "os.mkdir", "os.remove", "tempfile.mkstemp"}

    def watch(event, arguments):
        global seen
        if event not in DOES or not str(arguments[0]).startswith(folder):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

    from perfgate.cli.group import main
    sys.addaudithook(watch)
    main(sys.argv[1:])
    """
)


@pytest.mark.slow
def test_a_kill_at_any_write__leaves_the_old_or_the_new_file_whole(project: Project) -> None:
    done_well(project.update(a_job(wan=1000, flux=2000)))
    old = project.kept()
    shutil.copytree(project.path / "baselines", project.path.parent / "old")
    record = a_job(2, wan=1100, flux=2200)
    done_well(project.update(record, *GRANTED))
    new = project.kept()
    assert set(new) == {*old, str(ACCEPTED)}
    kills, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        shutil.rmtree(project.path / "baselines")
        shutil.copytree(project.path.parent / "old", project.path / "baselines")
        code = killed_at(kills + 1, project.path)
        for path, text in project.kept().items():
            assert text in (old.get(path), new[path]), f"{path} after {kills} writes"
        kept = project.kept()
        slower = any(kept[str(path)] == new[str(path)] for path in (WAN, FLUX))
        assert not slower or str(ACCEPTED) in kept, "a slower baseline without a permission"
        kills += 1
    assert code == 0
    assert project.kept() == new
    # Three files, each of them made, given its mode and moved into its place.
    assert kills > 3 * 3


def killed_at(number: int, path: Path) -> int:
    command: list[Any] = [sys.executable, "-c", KILLED, number, "baseline", "update", "--record"]
    command += [path.parent / "record.json", "--reason", "because", *GRANTED]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=path,
        env=environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode
