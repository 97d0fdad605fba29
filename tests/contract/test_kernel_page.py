"""docs/kernels.md names kernels that there are; the one to imitate is right, and guards itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfgate.suite import parse_suite
from perfgate.workloads.kernels.hazards import check
from perfgate.workloads.kernels.kernel import Kernel, Shape, Target
from perfgate.workloads.kernels.load import BUILT_IN, load_kernels
from perfgate.workloads.kernels.shapes import parse_shape
from tests.documents import blocks, page

PAGE = page("docs/kernels.md")
EXAMPLE, *_ = blocks(page("docs/extending.md"), "python")
TARGET = Target(device="cpu", shape=Shape(sizes={"T": 8, "D": 16}))


@pytest.fixture
def example(tmp_path: Path) -> Kernel:
    return loaded(EXAMPLE, tmp_path)


def loaded(text: str, folder: Path) -> Kernel:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    (kernel,) = load_kernels(path)
    return kernel


def test_example__is_right_in_every_variant(example: Kernel) -> None:
    for variant in (example.reference, *example.variants):
        assert check(example, variant, TARGET) == ()


def test_example__finds_an_epsilon_that_was_left_to_torch(tmp_path: Path) -> None:
    forgetful = EXAMPLE.replace('given["scale"], EPSILON)', 'given["scale"])')
    assert forgetful != EXAMPLE
    example = loaded(forgetful, tmp_path)
    (finding,) = check(example, example.variants[0], TARGET)
    assert finding.hazard == "small values"


def test_cases__name_kernels_variants_and_shapes_that_there_are(example: Kernel) -> None:
    (text,) = blocks(PAGE, "yaml")
    suite = parse_suite(f"version: 1\n{text}", source="docs/kernels.md")
    known = {**BUILT_IN, example.name: example}
    for case in suite.cases:
        assert case.kernel is not None
        kernel = known[case.kernel.name]
        assert case.kernel.variant in {variant.name for variant in kernel.variants}
        parse_shape(case.kernel.shape, known=kernel.shapes)
        assert (case.kernel.file is None) == (case.kernel.name in BUILT_IN)


def test_table__names_perfgates_own_kernels_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    named = {f"causal_conv1d_update{name}" if name.startswith(".") else name for name in named}
    assert named == set(BUILT_IN)


def test_commands__ask_for_kernels_and_shapes_that_there_are() -> None:
    commands = "\n".join(blocks(PAGE, "sh"))
    for name in re.findall(r"--kernel (\S+)", commands):
        assert any(known == name or known.startswith(f"{name}.") for known in BUILT_IN)
    for name, shape in re.findall(r'--kernel (\S+) --shape "([^"]+)"', commands):
        parse_shape(shape, known=BUILT_IN[name].shapes)
