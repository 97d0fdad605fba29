"""What docs/extending.md tells to write is put into a copy of perfgate, registered, and run."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import perfgate
from tests.documents import blocks, page
from tests.repositories import Repository, bench, environment

PAGE = page("docs/extending.md")
FILES = {text.partition("\n")[0].removeprefix("# "): text for text in blocks(PAGE, "python")}
CHANGES = blocks(PAGE, "diff")
(CASE,) = blocks(PAGE, "yaml")
(FIGURES,) = blocks(PAGE, "csv")

SUITE = f"""\
version: 1
gate: {{max_pairs: 4, budget: 3m}}
cases:
{CASE}    timeout: {{load: 20s, request: 20s}}
  - id: loading
    backend: command
    command: python3 bench.py
    requests: 1
    timeout: {{load: 20s, request: 20s}}
"""
NATIVE = "#!/bin/sh\necho warming up\necho 'DenoisingStage: 100.5 ms'\necho 'Decoding: 60 ms'\n"
LOADING = bench(TextEncodingStage=2.0, DenoisingStage=10.0, DecodingStage=4.0).replace(
    '"steps": stages', '"steps": stages, "perfgate": {"load_ms": 1500.0}'
)


def change(tree: Path, text: str) -> None:
    """Replace what a block shows as there by what it shows as new; it has to be there once."""
    first, *lines = text.splitlines()
    path = tree / first.removeprefix("--- ")
    before = "".join(f"{line[1:]}\n" for line in lines if line[:1] in " -")
    after = "".join(f"{line[1:]}\n" for line in lines if line[:1] in " +")
    found = path.read_text(encoding="utf-8")
    assert found.count(before) == 1, f"{path.name} does not have these lines once:\n{before}"
    path.write_text(found.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of perfgate with every example of the page in it."""
    tree = tmp_path_factory.mktemp("extended") / "a copy of perfgate"
    source = Path(perfgate.__file__).parent
    shutil.copytree(source, tree / "perfgate", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        path = tree / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for text in CHANGES:
        change(tree, text)
    return tree


def run(tree: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start the copy's Python with ``arguments``."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment(PYTHONPATH=str(tree), XDG_CACHE_HOME=str(tree / "cache")),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


class Gated(NamedTuple):
    """A project with a case of the page's backend beside another, and its gate, which has run."""

    tree: Path
    project: Path
    done: subprocess.CompletedProcess[str]

    @property
    def out(self) -> Path:
        return self.project / "perfgate-out"


@pytest.fixture(scope="module")
def gated(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Gated:
    project = Repository(tmp_path_factory.mktemp("project") / "a project")
    project.write(perfgate_yml=SUITE, bench_py=LOADING)
    project.file("bench", NATIVE)
    (project.path / "bench").chmod(0o755)
    project.commit("start")
    project.commit("nothing")
    done = run(tree, project.path, "-m", "perfgate", "gate", "--base", "HEAD~1")
    return Gated(tree, project.path, done)


def test_files__are_those_that_the_table_names() -> None:
    assert set(FILES) == {
        "kernels/mine.py",
        "perfgate/backends/printed.py",
        "perfgate/report/load_panel.py",
        "perfgate/profile/devices/xpu.py",
        "perfgate/baselines/csv_figures.py",
    }
    registered = {text.partition("\n")[0].removeprefix("--- ") for text in CHANGES}
    for name in ("suite/case", "backends/registry", "report/charts", "app/documents"):
        assert f"perfgate/{name}.py" in registered
        assert f"`{name}.py`" in PAGE


@pytest.mark.slow
def test_kernel__is_listed_and_timed_by_the_commands_of_the_page(gated: Gated) -> None:
    example, *_ = FILES
    path = gated.project / example
    path.parent.mkdir()
    path.write_text(FILES[example], encoding="utf-8")
    listing, timing = (
        shlex.split(line) for line in blocks(PAGE, "sh")[0].splitlines() if example in line
    )
    listed = run(gated.tree, gated.project, "-m", *listing)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "small values" in listed.stdout
    timed = run(gated.tree, gated.project, "-m", *timing, "--device", "cpu", "--rounds", "6")
    assert timed.returncode == 0, timed.stdout + timed.stderr
    assert "fused" in timed.stdout


@pytest.mark.slow
def test_backend__is_measured_and_judged_by_the_gate(gated: Gated) -> None:
    assert gated.done.returncode == 0, gated.done.stdout + gated.done.stderr
    cases = {
        case["id"]: case for case in json.loads((gated.out / "decision.json").read_text())["cases"]
    }
    metrics = {metric["name"]: metric for metric in cases["flux_native"]["metrics"]}
    assert metrics["end-to-end"]["head"] == 160.5
    assert metrics["DenoisingStage"]["head"] == 100.5


@pytest.mark.slow
def test_backend__a_program_without_times_is_a_failed_launch(tree: Path, tmp_path: Path) -> None:
    project = Repository(tmp_path / "a project")
    project.commit("start", perfgate_yml=SUITE, bench_py=LOADING)
    project.file("bench", "#!/bin/sh\necho nothing to tell\n")
    (project.path / "bench").chmod(0o755)
    chosen = ("--case", "flux_native")
    done = run(tree, project.path, "-m", "perfgate", "measure", *chosen)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "failed: no report was written" in done.stderr
    assert "nothing to tell" in done.stderr


@pytest.mark.slow
def test_chart__draws_the_panel_where_launches_told_it(gated: Gated) -> None:
    drawn = {path.stem: path.read_text() for path in (gated.out / "charts").glob("*.svg")}
    assert "load time of each launch" in drawn["loading"]
    assert "load time of each launch" not in drawn["flux_native"]


@pytest.mark.slow
def test_baseline_format__holds_a_record_to_its_figures(gated: Gated) -> None:
    (line,) = blocks(PAGE, "sh")[1].splitlines()
    compared = ("-m", *shlex.split(line))
    figures = gated.project / "figures.csv"
    figures.write_text(FIGURES)
    done = run(gated.tree, gated.project, *compared)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no error rate" in done.stdout
    figures.write_text(FIGURES.replace(",160", ",16").replace(",100", ",10"))
    done = run(gated.tree, gated.project, *compared)
    assert done.returncode == 1, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,ms\n", "the first line is not case,stage,ms"),
        ("case,stage,ms\na,end-to-end,fast\n", "line 2: 'a,end-to-end,fast' is no case"),
        ("case,stage,ms\na,end-to-end,1\na,end-to-end,2\n", "line 3: a has two figures"),
        ("case,stage,ms\na,DenoisingStage,1\n", "a: expected_e2e_ms"),
        ("case,stage,ms\na,end-to-end,-1\n", "a: expected_e2e_ms"),
    ],
)
def test_baseline_format__refuses_what_cannot_be_true(
    text: str, said: str, tree: Path, tmp_path: Path
) -> None:
    (tmp_path / "figures.csv").write_text(text)
    done = run(tree, tmp_path, "-m", "perfgate", "compare", "figures.csv", "figures.csv")
    assert done.returncode == 5, done.stdout + done.stderr
    assert said in " ".join(done.stderr.split())


OPENED = """
from types import SimpleNamespace

from perfgate.profile.devices.opening import open_device

xpu = SimpleNamespace(
    is_available=lambda: True,
    device_count=lambda: 2,
    set_device=lambda index: None,
    synchronize=lambda index: None,
    get_device_name=lambda index: f"Data Center GPU {index}",
    get_device_properties=lambda index: SimpleNamespace(total_memory=2**34),
    is_bf16_supported=lambda: True,
    XPUGraph=object,
)
device = open_device("xpu:1", torch=SimpleNamespace(xpu=xpu))
capability = device.capability()
print(device.torch_device, device.name(), capability.fast_dtype, capability.memory_bytes)
"""


def test_device__opens_where_there_is_one(tree: Path, tmp_path: Path) -> None:
    done = run(tree, tmp_path, "-c", OPENED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == f"xpu:1 Data Center GPU 1 bfloat16 {2**34}"


def test_device__says_what_to_do_where_there_is_none(tree: Path, tmp_path: Path) -> None:
    opened = "from perfgate.profile.devices.opening import open_device; open_device('xpu')"
    done = run(tree, tmp_path, "-c", opened)
    assert "sees no Intel GPU" in done.stderr
    assert "a build of torch for XPU" in done.stderr
    nothing = "from perfgate.profile.devices.opening import open_device; print(open_device().kind)"
    assert run(tree, tmp_path, "-c", nothing).stdout == "cpu\n"
