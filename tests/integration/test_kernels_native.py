"""The C++ of causal_conv1d_update, compiled once a machine, and what happens where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perfgate.workloads.kernels.causal_conv1d.kernels import CHANNELS_LAST, CIRCULAR, SLOTS
from perfgate.workloads.kernels.kernel import NotAvailable, Target
from perfgate.workloads.kernels.native import Toolchain, built
from tests.kernels import a_shape, found

KERNELS = {"circular": CIRCULAR, "slots": SLOTS, "channels-last": CHANNELS_LAST}
MACHINE = Toolchain.of_this_machine()

needs_compiler = pytest.mark.skipif(
    MACHINE.compiler is None or not (MACHINE.headers / "Python.h").is_file(),
    reason="needs a C++ compiler and Python's headers",
)

SMALL = """
#include <Python.h>
#define JOINED(left, right) left##right
#define INIT_OF(name) JOINED(PyInit_, name)
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "small", nullptr, -1, nullptr};
PyMODINIT_FUNC INIT_OF(PERFGATE_MODULE)() {
  PyObject* module = PyModule_Create(&definition);
  PyModule_AddIntConstant(module, "answer", 42);
  return module;
}
"""


def native(kernel):
    return next(variant for variant in kernel.variants if variant.name == "native")


@needs_compiler
@pytest.mark.parametrize("dialect", KERNELS)
@pytest.mark.parametrize("tokens", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_native_variant_has_no_finding(dialect, tokens, dtype):
    kernel = KERNELS[dialect]
    assert found(kernel, native(kernel), a_shape(dtype, B=3, D=1061, L=tokens)) == {}


@needs_compiler
@pytest.mark.parametrize("width", [2, 3, 5, 6])
def test_the_native_variant_has_no_finding_at_other_widths(width):
    assert found(SLOTS, native(SLOTS), a_shape(B=2, D=21, L=2, W=width)) == {}


@needs_compiler
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda given: {"conv_state_indices": given["conv_state_indices"] + 1000}, "slot 1"),
        (lambda given: {"conv_state_indices": given["conv_state_indices"].long()}, "int32"),
        (lambda given: {"conv_state": given["conv_state"][:, :, :2]}, "columns"),
        (lambda given: {"conv_state": given["conv_state"].double()}, "x's type"),
        (lambda given: {"weight": given["weight"][:, :1]}, "1 taps, not 2 to 6"),
        (lambda given: {"bias": given["bias"][:3]}, "bias must have shape"),
    ],
    ids=["slot out of the pool", "int64", "too few columns", "types", "one tap", "short bias"],
)
def test_what_the_native_variant_cannot_do_it_refuses(change, words):
    shape = a_shape(B=2, D=16, L=1)
    function = native(SLOTS).make(Target(device="cpu", shape=shape))
    arguments = SLOTS.inputs(shape, "cpu", 0)
    with pytest.raises(RuntimeError, match=words):
        function({**arguments, **change(arguments)})


@needs_compiler
def test_a_source_is_compiled_once_and_again_when_it_changes(tmp_path):
    source, tools = tmp_path / "small.cpp", toolchain(tmp_path)
    source.write_text(SMALL)
    assert built(source, tools).answer == 42
    first = libraries(tools)
    assert built(source, tools).answer == 42
    assert libraries(tools) == first
    source.write_text(SMALL.replace("42", "43"))
    assert built(source, tools).answer == 43
    assert len(libraries(tools)) == 2


@needs_compiler
def test_a_source_that_does_not_compile_is_not_available_with_the_compilers_words(tmp_path):
    source = tmp_path / "broken.cpp"
    source.write_text("int main() { return nothing; }")
    with pytest.raises(NotAvailable, match=r"does not compile: .*nothing"):
        built(source, toolchain(tmp_path))
    assert libraries(toolchain(tmp_path)) == []


@needs_compiler
def test_a_library_that_does_not_load_is_not_available(tmp_path):
    source = tmp_path / "nameless.cpp"
    source.write_text("int answer() { return 42; }")
    with pytest.raises(NotAvailable, match="was compiled and does not load"):
        built(source, toolchain(tmp_path))


def test_without_a_compiler_it_is_not_available(tmp_path):
    tools = Toolchain(compiler=None, headers=tmp_path, cache=tmp_path)
    with pytest.raises(NotAvailable, match="needs a C\\+\\+ compiler"):
        built(tmp_path / "any.cpp", tools)


def test_without_pythons_headers_it_is_not_available(tmp_path):
    tools = Toolchain(compiler="/bin/false", headers=tmp_path, cache=tmp_path)
    with pytest.raises(NotAvailable, match=r"has no Python\.h"):
        built(tmp_path / "any.cpp", tools)


@needs_compiler
@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_where_the_cache_cannot_be_written_it_is_not_available(tmp_path):
    tmp_path.chmod(0o500)
    source = Path(__file__)
    with pytest.raises(NotAvailable, match="cannot be compiled in"):
        built(source, toolchain(tmp_path))


def toolchain(folder, **changes):
    return Toolchain(
        **{
            "compiler": MACHINE.compiler,
            "headers": MACHINE.headers,
            "cache": folder / "cache",
            **changes,
        }
    )


def libraries(tools):
    return sorted(path.name for path in tools.cache.glob("*.so"))
