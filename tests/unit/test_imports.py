"""Who may import whom: the one table of the house, held against every import that stands there."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from perfgate.records import to_json
from tests.factories import a_record

ROOT = Path(__file__).parents[2]

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "process": set(),
    "strict_yaml": set(),
    "records": {"errors"},
    "suite": {"errors", "records", "strict_yaml"},
    "action": {"errors", "github"},
    "verdict": {"errors", "records"},
    "github": {"errors", "records"},
    "baselines": {"errors", "records", "verdict", "strict_yaml"},
    "report": {"errors", "records", "verdict", "baselines"},
    "profile": {"errors", "records"},
    "sides": {"errors", "records", "process"},
    "history": {"errors", "files", "records", "sides", "verdict"},
    "workloads": {"errors", "profile"},
    "backends": {"errors", "records", "suite", "process", "profile", "workloads"},
    "app": {
        *("errors", "files", "process", "strict_yaml", "records", "suite", "verdict", "github"),
        *("baselines", "report", "profile", "sides", "history", "workloads", "backends"),
    },
    "cli": {"app", "action", "suite", "errors", "records", "report", "history"},
    "__main__": {"cli"},
    "entrypoint": {"cli"},
}

LATE = {"torch", "github", "altair", "vl_convert", "duckdb", "fsspec", "PIL", "av"}
"""Heavy packages that reading commands do without."""


def sources() -> list[tuple[str, Path]]:
    """Every module with the name of its room."""
    package = ROOT / "perfgate"
    found = [
        (path.relative_to(package).parts[0].removesuffix(".py"), path)
        for path in sorted(package.rglob("*.py"))
        if path != package / "__init__.py"
    ]
    return [*found, ("entrypoint", ROOT / "entrypoint.py")]


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports anywhere, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def rooms(path: Path) -> set[str]:
    known = set(MAY_IMPORT)
    found = {
        parts[1]
        for name in imported(path)
        if len(parts := name.split(".")) > 1 and parts[0] == "perfgate"
    }
    return found & known


@pytest.mark.parametrize(
    ("room", "path"), sources(), ids=[str(path.relative_to(ROOT)) for _, path in sources()]
)
def test_a_room_imports_only_what_the_table_allows(room: str, path: Path) -> None:
    assert room in MAY_IMPORT, f"the table has no row for {room}"
    assert rooms(path) - {room} <= MAY_IMPORT[room]


def test_the_table_has_no_circle() -> None:
    TopologicalSorter(MAY_IMPORT).prepare()


def test_no_module_imports_in_a_circle() -> None:
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for _, path in sources()
    }
    graph = {
        name: {target for target in imported(path) if target in modules and target != name}
        for name, path in modules.items()
    }
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    "statement",
    [
        "import perfgate.report.comment, perfgate.report.terminal",
        "import perfgate.report.charts, perfgate.report.draw, perfgate.report.summary",
        "import perfgate.cli.gate",
        "import perfgate.cli.compete",
        "import perfgate.cli.bisect",
        "import perfgate.cli.dashboard",
        "import perfgate.cli.kernels, perfgate.report.kernels",
        "import perfgate.cli.compare",
        "import perfgate.cli.publish, perfgate.cli.publish_run",
        "import perfgate.cli.answer",
        "import perfgate.cli.action",
        "import perfgate.history.read, perfgate.history.append",
        "import perfgate.cli.baseline.propose",
        "import perfgate.cli.plan, perfgate.cli.merge",
        "import perfgate.verdict.decide",
    ],
)
def test_heavy_packages_are_not_loaded_by(statement: str) -> None:
    probe = f"{statement}; import sys; print(sorted({LATE!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


OF_PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions"}
OF_COMPARE = {"click", "numpy", "rich", "tabulate", "typing_inspection", *OF_PYDANTIC}
"""All that a comparison needs of the environment: whatever joins it is waited for each time."""


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["--help"], {"click"}),
        (["--version"], {"click"}),
        (["baseline", "--help"], {"click"}),
        (["completion", "bash"], {"click"}),
        (["compare", "record.json"], OF_COMPARE),
        (["compare", "--json", "record.json"], OF_COMPARE),
    ],
    # A set has an order of its own in every process, and each worker names the tests again.
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_answers_at_once_loads_no_more_than_it_needs(
    arguments: list[str], needed: set[str], tmp_path: Path
) -> None:
    (tmp_path / "record.json").write_text(to_json(a_record()))
    probe = f"""
import sys
before = set(sys.modules)
from perfgate.cli.group import run
run({arguments!r})
tops = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(*sorted(tops - set(sys.stdlib_module_names)), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = {name for name in done.stderr.split() if not name.startswith("_")}
    assert loaded - {"perfgate"} <= needed
    assert done.stdout


def imported_on_import(path: Path) -> set[str]:
    """Top-level packages that the module's own import loads, functions left out."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_only_workloads_and_devices_know_torch_and_only_github_knows_pygithub() -> None:
    for room, path in sources():
        tops = {name.split(".")[0] for name in imported(path)}
        assert room in {"workloads", "profile"} or not {"torch", "torch_npu"} & tops, path
        assert room == "github" or "github" not in tops, path


def test_profile_loads_torch_inside_functions_alone() -> None:
    for room, path in sources():
        if room == "profile":
            assert not {"torch", "torch_npu", "pynvml"} & imported_on_import(path), path
