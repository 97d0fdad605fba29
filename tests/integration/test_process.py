"""A child process: its end, its time, its children, its output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from perfgate import process


def run(script: str, *, timeout_s: float = 30) -> process.Finished:
    return process.run(
        (sys.executable, "-c", dedent(script)),
        cwd=Path.cwd(),
        env=os.environ,
        timeout_s=timeout_s,
    )


def alive(pid: int) -> bool:
    """Whether a process still runs; one that waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_output_of_both_streams_and_exit_code() -> None:
    done = run(
        """
        import sys
        print("out", flush=True)
        print("err", file=sys.stderr)
        sys.exit(3)
        """
    )
    assert (done.exit_code, done.ok, done.timed_out) == (3, False, False)
    assert done.log_tail.splitlines() == ["out", "err"]
    assert done.told(timeout_s=30) == "exited with 3"


def test_only_the_end_of_a_long_log_is_kept() -> None:
    done = run("for i in range(10000): print(i)")
    assert done.log_tail.splitlines()[-1] == "9999"
    assert len(done.log_tail.splitlines()) == process.TAIL_LINES


def test_a_line_without_end_is_bounded() -> None:
    done = run("print('x' * 5_000_000)")
    assert len(done.log_tail) <= process.TAIL_LINES * (process.TAIL_LINE_CHARS + 1)


def test_bytes_that_are_no_text() -> None:
    done = run(r"import sys; sys.stdout.buffer.write(b'\xff\xfe ok\n')")
    assert done.log_tail.endswith(" ok")


def test_timeout__the_group_is_ended_even_where_it_ignores_sigterm() -> None:
    done = run(
        """
        import os, signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(child.pid, flush=True)
        time.sleep(600)
        """,
        timeout_s=1.5,
    )
    assert done.timed_out
    assert done.told(timeout_s=1.5) == "did not end within 2 s and was killed"
    assert ends(int(done.log_tail.splitlines()[0]))


def test_a_child_that_was_left_behind_is_ended() -> None:
    done = run(
        """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(child.pid)
        """
    )
    assert done.ok
    assert ends(int(done.log_tail))


def test_killed_by_a_signal() -> None:
    done = run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.told(timeout_s=30) == "was killed by SIGKILL"


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        process.run(("/no/such/program",), cwd=Path.cwd(), env={}, timeout_s=1)


def test_interrupt__children_end_with_us(tmp_path: Path) -> None:
    script = dedent(
        """
        import os, sys
        from pathlib import Path
        from perfgate import process
        try:
            process.run(
                ("sh", "-c", f"echo $$ > {sys.argv[1]}; exec sleep 600"),
                cwd=Path.cwd(), env=os.environ, timeout_s=600,
            )
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(pid_file)], stdout=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while not (pid_file.exists() and pid_file.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        parent.send_signal(signal.SIGINT)
        said, _ = parent.communicate(timeout=30)
        assert said == "interrupted\n"
        assert ends(int(pid_file.read_text()))
    finally:
        parent.kill()


class TestChild:
    """A process that goes on running."""

    ECHO = """
        import sys
        from pathlib import Path
        print("ready", flush=True)
        for line in sys.stdin:
            Path(line.rstrip("\\n")).write_text("here")
        print("end of input", flush=True)
        """

    def child(self, script: str) -> process.Child:
        command = (sys.executable, "-c", dedent(script))
        return process.Child(command, cwd=Path.cwd(), env=os.environ)

    def test_it_answers_line_by_line_and_ends_with_its_input(self, tmp_path: Path) -> None:
        child = self.child(self.ECHO)
        for name in ("a", "b"):
            child.say(str(tmp_path / name))
            assert child.wait_for(tmp_path / name, timeout_s=30) == "there"
        assert child.exit_code is None
        assert child.end(grace_s=30).splitlines() == ["ready", "end of input"]
        assert child.exit_code == 0

    def test_one_that_ends_by_itself(self, tmp_path: Path) -> None:
        child = self.child("raise SystemExit('out of memory')")
        assert child.wait_for(tmp_path / "a", timeout_s=30) == "ended"
        child.say("to nobody")
        assert child.end() == "out of memory"
        assert child.exit_code == 1

    def test_what_it_wrote_before_its_end_is_there(self, tmp_path: Path) -> None:
        child = self.child(f"open({str(tmp_path / 'a')!r}, 'w')")
        assert child.wait_for(tmp_path / "a", timeout_s=30) == "there"
        child.end()

    def test_one_that_does_not_answer_in_time(self, tmp_path: Path) -> None:
        child = self.child("import sys; sys.stdin.read()")
        assert child.wait_for(tmp_path / "a", timeout_s=0.1) == "late"
        child.end()

    def test_end__it_ignores_sigterm_and_the_end_of_its_input_and_left_a_child(
        self, tmp_path: Path
    ) -> None:
        pids = tmp_path / "pids"
        child = self.child(
            f"""
            import os, signal, subprocess, sys, time
            from pathlib import Path
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            Path({str(pids)!r} + ".new").write_text(f"{{os.getpid()}} {{other.pid}}")
            os.replace({str(pids)!r} + ".new", {str(pids)!r})
            time.sleep(600)
            """
        )
        assert child.wait_for(pids, timeout_s=30) == "there"
        child.end(grace_s=0.1)
        assert all(ends(int(pid)) for pid in pids.read_text().split())
        assert child.exit_code == -signal.SIGKILL

    def test_where_we_are_killed_it_meets_the_end_of_its_input(self, tmp_path: Path) -> None:
        script = dedent(
            """
            import os, sys, time
            from pathlib import Path
            from perfgate import process
            child = process.Child(
                ("sh", "-c", f"echo $$ > {sys.argv[1]}; mv {sys.argv[1]} {sys.argv[2]}; cat"),
                cwd=Path.cwd(), env=os.environ,
            )
            time.sleep(600)
            """
        )
        pid = tmp_path / "pid"
        parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "new"), str(pid)])
        deadline = time.monotonic() + 30
        while not pid.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        parent.kill()
        parent.wait()
        assert ends(int(pid.read_text()))
