"""Which devices a process may use: the rules that CUDA and CANN document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.profile.nvidia import GpuFacts, MigSlice
from perfgate.profile.visible import present_kind, visible_gpus, visible_npus
from tests.fakes.nvml import FakeGpu, FakeNvml

GPUS = tuple(
    GpuFacts(index=index, name="T4", uuid=uuid)
    for index, uuid in enumerate(("GPU-8932f937-aaaa", "GPU-8932f937-bbbb", "GPU-ffff"))
)
PARTS = (
    GpuFacts(index=0, name="A100", uuid="GPU-0000", mig="on"),
    GpuFacts(
        index=1,
        name="A100",
        uuid="GPU-1111",
        mig="on",
        slices=(MigSlice(uuid="MIG-aa11", name="x"), MigSlice(uuid="MIG-aa22", name="x")),
    ),
)


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        (None, (0, 1, 2)),
        ("", ()),
        (" ", ()),
        ("NoDevFiles", ()),
        ("-1", ()),
        ("1", (1,)),
        ("2,1", (2, 1)),
        ("0, 2", (0, 2)),
        ("0,2,-1,1", (0, 2)),
        ("0,7,1", (0,)),
        ("1,1", ()),
        ("99999999999999999999", ()),
        ("GPU-ffff,0", (2, 0)),
        ("GPU-f", (2,)),
        ("GPU-8932f937", ()),
        ("GPU-8932f937-b", (1,)),
        ("GPU-", ()),
        ("GPU-unknown,0", ()),
    ],
)
def test_gpus__as_cuda_reads_its_variable(listed, seen):
    environ = {} if listed is None else {"CUDA_VISIBLE_DEVICES": listed}
    assert visible_gpus(environ, GPUS) == seen


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        (None, (1,)),
        ("0", ()),
        ("1", (1,)),
        ("MIG-aa22", (1,)),
        ("MIG-aa22,MIG-aa11", (1,)),
        ("MIG-aa", ()),
        ("MIG-GPU-1111/1/0", (1,)),
        ("MIG-unknown", ()),
    ],
)
def test_gpus__one_part_of_a_partitioned_device(listed, seen):
    environ = {} if listed is None else {"CUDA_VISIBLE_DEVICES": listed}
    assert visible_gpus(environ, PARTS) == seen


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        (None, (0, 1, 2, 3)),
        ("", ()),
        ("1,3", (1, 3)),
        ("1, 2,3", (1,)),
        ("1,3,8", (1, 3)),
        ("1,2,-1,3", (1, 2)),
        ("2 ,3", (2,)),
        ("all", ()),
    ],
)
def test_npus__as_cann_reads_its_variable(listed, seen):
    environ = {} if listed is None else {"ASCEND_RT_VISIBLE_DEVICES": listed}
    assert visible_npus(environ, 4) == seen


@given(st.one_of(st.text(), st.text(alphabet="0123,-+ GPUMIG/af")))
def test_no_value_of_a_variable_shows_what_is_not_there(listed):
    cuda, npu = {"CUDA_VISIBLE_DEVICES": listed}, {"ASCEND_RT_VISIBLE_DEVICES": listed}
    for seen in (visible_gpus(cuda, GPUS), visible_npus(npu, 3), visible_gpus(cuda, PARTS)):
        assert len(set(seen)) == len(seen)
        assert set(seen) <= {0, 1, 2}


def with_npus(root, count):
    (root / "dev").mkdir()
    for number in range(count):
        (root / f"dev/davinci{number}").touch()
    return root


def test_kind__cuda_before_npu_before_cpu(tmp_path):
    root = with_npus(tmp_path, 2)
    gpu, none = FakeNvml(FakeGpu()), FakeNvml(driver=None)
    assert present_kind({}, nvml=gpu, root=root) == "cuda"
    assert present_kind({}, nvml=none, root=root) == "npu"
    assert present_kind({}, nvml=none, root=tmp_path / "bare") == "cpu"


def test_kind__only_what_is_visible_counts(tmp_path):
    hidden = {"CUDA_VISIBLE_DEVICES": "", "ASCEND_RT_VISIBLE_DEVICES": ""}
    root = with_npus(tmp_path, 1)
    assert present_kind(hidden, nvml=FakeNvml(FakeGpu()), root=root) == "cpu"


def test_kind__of_a_machine_with_a_driver_and_no_device(tmp_path):
    assert present_kind({}, nvml=FakeNvml(), root=tmp_path) == "cpu"
