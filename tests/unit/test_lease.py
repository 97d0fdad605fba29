"""The leases of a host: who gets a device, who waits for whom, and how long. No second passes."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfgate.errors import ConfigurationError, DeviceError
from perfgate.profile.lease import (
    HELD_VARIABLE,
    Leases,
    Note,
    Waiting,
    inherited,
    lease_folder,
    read_note,
)


class Job:
    """One job on the host: it tells what it waits for, and time passes only when it waits."""

    def __init__(self, folder: Path, pid: int = 123, held: dict[str, int] | None = None) -> None:
        self.told: list[str] = []
        self.now_s = 0.0
        self.while_waiting: Callable[[], None] = lambda: None
        self.leases = Leases(
            folder=folder,
            note=Note(pid=pid, host="box", user="alice", job=f"{pid}/gate", since="12:03"),
            held=held or {},
            tell=self.told.append,
            wait=self._wait,
            clock=lambda: self.now_s,
        )

    def _wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds
        self.while_waiting()

    @contextlib.contextmanager
    def holds(self, *names: str, count: int = 1, timeout_s: float = 60) -> Iterator[list[str]]:
        with self.leases.hold(names, count=count, timeout_s=timeout_s) as got:
            yield list(got)


@pytest.fixture
def first(tmp_path: Path) -> Job:
    return Job(tmp_path, pid=123)


@pytest.fixture
def second(tmp_path: Path) -> Job:
    return Job(tmp_path, pid=456)


def test_one_job_at_a_time(first: Job, second: Job) -> None:
    with first.holds("cpu"):
        with pytest.raises(DeviceError) as refused, second.holds("cpu", timeout_s=5):
            pass
        assert refused.value.problem == (
            "waited 5 s for cpu, held by pid 123 of alice on box (job 123/gate) since 12:03"
        )
        assert "--lease-timeout" in refused.value.fix
        assert second.now_s == 5.0
    with second.holds("cpu"):
        pass


def test_waiting_is_told_once_and_ends_with_the_lease(first: Job, second: Job) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(first.holds("cpu"))
        second.while_waiting = lambda: stack.close() if second.now_s >= 3 else None
        with second.holds("cpu") as got:
            assert got == ["cpu"]
    assert second.told == [
        "waiting for cpu, held by pid 123 of alice on box (job 123/gate) since 12:03"
    ]


def test_the_first_free_device_is_taken(first: Job, second: Job) -> None:
    with first.holds("cuda-a", "cuda-b") as one, second.holds("cuda-a", "cuda-b") as other:
        assert (one, other) == (["cuda-a"], ["cuda-b"])
    assert second.told == []


def test_all_or_none__too_few_are_given_back_before_waiting(first: Job, second: Job) -> None:
    with first.holds("cuda-a"):
        third = Job(first.leases.folder, pid=789)

        def takes_what_is_free() -> None:
            with third.holds("cuda-b", timeout_s=0) as got:
                assert got == ["cuda-b"]

        second.while_waiting = takes_what_is_free
        with pytest.raises(DeviceError), second.holds("cuda-a", "cuda-b", count=2, timeout_s=2):
            pass
    assert third.told == []


def test_an_interrupt_while_waiting_releases_everything(first: Job, second: Job) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt("SIGTERM")

    second.while_waiting = interrupt
    with first.holds("cuda-a"):
        with pytest.raises(KeyboardInterrupt), second.holds("cuda-a", "cuda-b", count=2):
            pass
        with Job(first.leases.folder).holds("cuda-b", timeout_s=0):
            pass


class TestNote:
    def test_it_says_who_holds_the_lease_and_is_emptied_after(self, first: Job) -> None:
        path = first.leases.folder / "cpu.json"
        with first.holds("cpu"):
            assert read_note(path) == first.leases.note
        assert read_note(path) is None

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "x" * 100_000])
    def test_one_that_cannot_be_read_is_no_trouble(
        self, first: Job, second: Job, text: str
    ) -> None:
        with first.holds("cpu"):
            (first.leases.folder / "cpu.json").write_text(text)
            with (
                pytest.raises(DeviceError, match="held by a job that left no note"),
                second.holds("cpu", timeout_s=0),
            ):
                pass

    def test_a_stale_one_keeps_nobody_out(self, first: Job) -> None:
        (first.leases.folder / "cpu.json").write_text(first.leases.note.model_dump_json())
        with first.holds("cpu", timeout_s=0) as got:
            assert got == ["cpu"]

    def test_what_a_stranger_wrote_starts_no_line_of_its_own(self) -> None:
        note = Note(pid=1, host="box", user="eve\n::error::forged", job="j" * 9999, since="now")
        assert "\n" not in note.told()
        assert len(note.told()) < 500

    def test_a_link_is_not_followed(self, first: Job, tmp_path: Path) -> None:
        target = tmp_path / "precious"
        target.write_text("kept")
        (first.leases.folder / "cpu.json").symlink_to(target)
        with first.holds("cpu"):
            pass
        assert target.read_text() == "kept"
        assert "could not be written" in first.told[0]


class TestInside:
    """perfgate in a benchmark that perfgate measures."""

    def test_what_the_enclosing_job_holds_is_not_leased_again(self, first: Job) -> None:
        with first.holds("cpu") as got:
            environ = first.leases.told_to_children(got)
            held = inherited(environ, ancestors={1, 123})
            inner = Job(first.leases.folder, pid=456, held=held)
            with inner.holds("cpu", timeout_s=0) as inside:
                assert inside == ["cpu"]
                assert (
                    inner.leases.told_to_children(inside) == environ == {HELD_VARIABLE: "cpu@123"}
                )
            assert read_note(first.leases.folder / "cpu.json") == first.leases.note

    def test_what_it_does_not_hold_is(self, first: Job, second: Job) -> None:
        inner = Job(first.leases.folder, pid=456, held={"cuda-a": 123})
        with first.holds("cuda-a"), inner.holds("cuda-a", "cuda-b", count=2) as got:
            assert got == ["cuda-a", "cuda-b"]
            assert inner.leases.told_to_children(got)[HELD_VARIABLE] == "cuda-a@123,cuda-b@456"
            with pytest.raises(DeviceError), second.holds("cuda-b", timeout_s=0):
                pass

    @pytest.mark.parametrize("value", ["cpu@999", "cpu", "cpu@", "@123", "cpu@-5", "", "cpu@1e3"])
    def test_a_variable_that_leaked_from_another_job_means_nothing(self, value: str) -> None:
        assert inherited({HELD_VARIABLE: value}, ancestors={1, 123}) == {}


class TestFolder:
    def test_it_is_made_for_every_user(self, tmp_path: Path) -> None:
        folder = lease_folder({"PERFGATE_LEASE_DIR": str(tmp_path / "new")})
        assert stat.S_IMODE(folder.stat().st_mode) == 0o1777

    def test_one_that_is_there_keeps_its_mode(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        assert lease_folder({"PERFGATE_LEASE_DIR": str(tmp_path)}) == tmp_path
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700

    @pytest.mark.parametrize("kind", ["file", "link"])
    def test_one_that_cannot_be_used(self, tmp_path: Path, kind: str) -> None:
        place = tmp_path / "place"
        place.touch() if kind == "file" else place.symlink_to(tmp_path)
        with pytest.raises(ConfigurationError) as refused:
            lease_folder({"PERFGATE_LEASE_DIR": str(place)})
        assert str(place) in refused.value.problem
        assert "PERFGATE_LEASE_DIR" in refused.value.fix

    def test_lock_files_are_for_every_user(self, first: Job) -> None:
        with first.holds("cpu"):
            for name in ("cpu.lock", "cpu.json"):
                assert stat.S_IMODE((first.leases.folder / name).stat().st_mode) == 0o666

    def test_a_lock_that_cannot_be_opened_names_its_file(self, first: Job) -> None:
        (first.leases.folder / "cpu.lock").mkdir()
        with pytest.raises(DeviceError) as refused, first.holds("cpu"):
            pass
        assert "cpu.lock" in refused.value.problem


def test_waiting__a_change_is_told_again(first: Job) -> None:
    waiting = Waiting(leases=first.leases, timeout_s=60)
    for what in ("a", "a", "b"):
        waiting.again(what)
    assert first.told == ["waiting for a", "waiting for b"]
