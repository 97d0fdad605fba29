"""Every way of finding change points as one function over all series at once.

Each peer runs in a virtual environment of its own, made here, as one process over all series, so
that the time to start does not count.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.history.noise import Floats
from perfgate.verdict.change_points import change_points, newest

OURS = "perfgate"
PENALTY = 3.0
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What is installed in an environment of its own, and the script that runs there."""

    name: str
    requirement: str
    script: str


OTAVA = Peer(name="apache-otava 0.8.0", requirement="apache-otava==0.8.0", script="run_otava.py")
RUPTURES = Peer(
    name="ruptures 1.1.10 KernelCPD", requirement="ruptures==1.1.10", script="run_ruptures.py"
)
PEERS = (OTAVA, RUPTURES)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Change points of each series; seconds for the long one, and for one point appended to it."""

    found: Sequence[Sequence[int]]
    whole_s: float
    appended_s: float


def ask_perfgate(series: Sequence[Floats], long: Floats) -> Answer:
    """As the dashboard and the tracker ask."""
    found = [[one.index for one in change_points(values)] for values in series]
    whole, appended = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        change_points(long)
        whole.append(time.perf_counter() - began)
        began = time.perf_counter()
        newest(long)
        appended.append(time.perf_counter() - began)
    return Answer(found=found, whole_s=min(whole), appended_s=min(appended))


def ask_peer(peer: Peer, folder: Path, series: Sequence[Floats], long: Floats) -> Answer:
    """Make its environment in ``folder``, install it there and run it."""
    home = folder / peer.script.removesuffix(".py")
    venv.create(home, with_pip=True)
    python = str(home / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    install = ("-m", "pip", "install", "-qq", "--disable-pip-version-check")
    subprocess.run((python, *install, peer.requirement), check=True)
    task, answer = home / "task.json", home / "answer.json"
    given = {
        "all": [values.tolist() for values in series],
        "long": long.tolist(),
        "rounds": ROUNDS,
        "penalty": PENALTY,
    }
    task.write_text(json.dumps(given), encoding="utf-8")
    script = Path(__file__).with_name(peer.script)
    subprocess.run((python, "-P", str(script), str(task), str(answer)), check=True)
    return Answer(**json.loads(answer.read_text(encoding="utf-8")))
