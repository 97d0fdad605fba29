"""Kernels in files of a user's own: found, or refused by the name of the file."""

from __future__ import annotations

import pytest

from perfgate.errors import ConfigurationError
from perfgate.workloads.kernels.load import BUILT_IN, load_kernels
from tests.kernels import a_clock, a_shape, found

KERNEL = """
from __future__ import annotations

import torch

from perfgate.workloads.kernels.kernel import Kernel, Shape, Variant


def draw(shape, device, seed):
    source = torch.Generator().manual_seed(seed)
    return {"x": torch.randn(shape.sizes["N"], generator=source).to(device)}


def bytes_of(shape):
    return 8 * shape.sizes["N"]


KERNELS = (
    Kernel(
        name="relu",
        reference=Variant(name="reference", make=lambda _: lambda given: given["x"].relu()),
        variants=(
            Variant(name="clamp", make=lambda _: lambda given: given["x"].clamp(min=0)),
            Variant(name="in place", make=lambda _: lambda given: given["x"].relu_()),
        ),
        shapes=(Shape(sizes={"N": 1024}),),
        inputs=draw,
        moved_bytes=bytes_of,
        operations=lambda shape: shape.sizes["N"],
        bound="copy",
        held_bytes=bytes_of,
    ),
)
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "my_kernels.py"
        path.write_text(text)
        return path

    return written


def problem(path):
    with pytest.raises(ConfigurationError) as told:
        load_kernels(path)
    assert told.value.fix
    return told.value.problem


def test_perfgate_has_kernels_of_its_own():
    assert list(BUILT_IN) == [
        "causal_conv1d_update.circular",
        "causal_conv1d_update.slots",
        "causal_conv1d_update.channels_last",
        "attention",
        "adaln_rms_norm",
    ]
    assert all(name == kernel.name for name, kernel in BUILT_IN.items())


@pytest.mark.parametrize("kernel", BUILT_IN.values(), ids=BUILT_IN)
def test_every_default_shape_can_be_told_in_bytes_and_operations(kernel):
    for shape in kernel.shapes:
        assert 0 < kernel.moved_bytes(shape) <= kernel.held_bytes(shape)
        assert kernel.operations(shape) > 0
    assert len({shape.name for shape in kernel.shapes}) == len(kernel.shapes)


def test_a_file_of_a_user_is_a_kernel_like_any_other(write):
    (kernel,) = load_kernels(write(KERNEL))
    assert [variant.name for variant in kernel.variants] == ["clamp", "in place"]
    clamp, in_place = kernel.variants
    shape = a_shape(N=16)
    assert found(kernel, clamp, shape, clock=a_clock()) == {}
    assert found(kernel, in_place, shape) == {"declared mutation": "changes x and does not say so"}


def test_a_file_that_does_not_import_is_named_with_its_line(write):
    path = write("import torch\n\nimport no_such_package_anywhere\n")
    assert problem(path) == (
        f"{path} does not import: ModuleNotFoundError: No module named "
        "'no_such_package_anywhere' (line 3)"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("KERNELS = (", "does not import: SyntaxError"),
        ("raise SystemExit(3)", "does not import: SystemExit: 3 (line 1)"),
        ("1 / 0", "does not import: ZeroDivisionError"),
        ("", "has no KERNELS"),
        ("KERNELS = ()", "has no KERNELS, or none in it"),
        ("KERNELS = 3", "has no KERNELS"),
        ("KERNELS = (3,)", "KERNELS holds int, which is no Kernel"),
        (KERNEL.replace('"relu"', '"../relu"'), "name '../relu' is not letters"),
        (KERNEL.replace('"relu"', '"attention"'), "name 'attention' is one of perfgate's own"),
        (KERNEL + "KERNELS *= 2", "'relu' is there 2 times"),
        (KERNEL.replace('"in place"', '"clamp"'), "'relu' has 2 variants called 'clamp'"),
        (KERNEL.replace('Shape(sizes={"N": 1024}),', ""), "'relu' has no shapes"),
        (
            KERNEL.replace('{"N": 1024}', '{"N": 1024}, dtype="int8"'),
            "'relu' has no tolerance for int8",
        ),
    ],
)
def test_a_file_that_holds_no_kernels_is_refused(write, text, words):
    said = problem(write(text))
    assert words in said
    assert "my_kernels.py" in said


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert problem(tmp_path / "absent.py") == f"{tmp_path / 'absent.py'} is not there"
    assert problem(tmp_path / "kernels.txt").endswith("kernels.txt is no Python file")
