"""Which device opens, what CUDA's and Ascend's tell of themselves, and what is said when none does.

torch is stood in for by values with its names; tests/integration/test_npu.py runs a real one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from perfgate.errors import DeviceError
from perfgate.profile.devices.device import Capability, Device
from perfgate.profile.devices.opening import open_device

GIB = 2**30
MIB = 2**20
A_CARD = "sys/bus/pci/devices/0000:01:00.0"
NVIDIA_ON_BUS = [f"{A_CARD}/vendor=0x10de", f"{A_CARD}/class=0x030200"]
ASCEND_ON_BUS = [f"{A_CARD}/vendor=0x19e5", f"{A_CARD}/class=0x120000"]


class Event:
    """Recorded at the position that its stream had reached."""

    def __init__(self, enable_timing=False):
        assert enable_timing
        self.at_ms = None

    def record(self, stream):
        self.at_ms = stream.at_ms

    def elapsed_time(self, later):
        return later.at_ms - self.at_ms


@dataclass
class Module:
    """``torch.cuda`` or ``torch.npu`` with ``devices`` of them."""

    devices: int = 1
    names: str = "NVIDIA H100 80GB HBM3"
    capability: tuple[int, int] = (9, 0)
    bf16: bool = True
    warning: str = ""
    failure: str = ""
    refusal: str = ""
    bytes: dict[str, int] = field(default_factory=dict)
    stream: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(at_ms=0.0))
    calls: list[tuple[str, int]] = field(default_factory=list)
    Event: type = Event

    def is_available(self):
        if self.failure:
            raise RuntimeError(self.failure)
        if self.warning:
            warnings.warn(self.warning, stacklevel=1)
        return self.devices > 0

    def device_count(self):
        return self.devices

    def set_device(self, index):
        if self.refusal:
            raise RuntimeError(self.refusal)
        self.calls.append(("set_device", index))

    def synchronize(self, index):
        self.calls.append(("synchronize", index))

    def current_stream(self, index):
        return self.stream

    def get_device_name(self, index):
        return self.names

    def get_device_capability(self, index):
        return self.capability

    def is_bf16_supported(self):
        return self.bf16

    def get_device_properties(self, index):
        return SimpleNamespace(total_memory=80 * GIB)

    def memory_allocated(self, index):
        return self.bytes["allocated"]

    def memory_reserved(self, index):
        return self.bytes["reserved"]

    def max_memory_allocated(self, index):
        return self.bytes["peak allocated"]

    def max_memory_reserved(self, index):
        return self.bytes["peak reserved"]

    def reset_peak_memory_stats(self, index):
        self.calls.append(("reset_peak_memory_stats", index))


class AscendModule(Module):
    NPUGraph = object


def a_torch(cuda: Module | None = None, npu: Module | None = None, *, built_for="12.8"):
    """torch with the given devices; it always has a ``cuda`` module, also without a GPU."""
    seeds = []
    return SimpleNamespace(
        __version__="2.13.0",
        version=SimpleNamespace(cuda=built_for),
        cuda=cuda or Module(devices=0),
        seeds=seeds,
        manual_seed=seeds.append,
        **({"npu": npu} if npu else {}),
    )


def opened(wanted, torch, root, **environ) -> Device:
    return open_device(wanted, torch=torch, root=root, environ=environ)


def refused(wanted, torch, root, **environ) -> str:
    with pytest.raises(DeviceError) as caught:
        opened(wanted, torch, root, **environ)
    assert caught.value.exit_code == 3
    return str(caught.value)


def a_machine(root, *files):
    """A machine with these files, written as ``path`` or ``path=text``."""
    for file in files:
        name, _, text = file.partition("=")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


# --- which one ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "npu", "expected"),
    [
        (None, None, "cpu"),
        (Module(), None, "cuda:0"),
        (None, AscendModule(), "npu:0"),
        (None, AscendModule(devices=0), "cpu"),
    ],
)
def test_auto__the_accelerator_that_is_visible_else_the_cpu(cuda, npu, expected, tmp_path):
    assert opened("auto", a_torch(cuda, npu), tmp_path).torch_device == expected


def test_cpu__stays_the_cpu_beside_a_gpu(tmp_path):
    device = opened("cpu", a_torch(Module()), tmp_path)
    assert (device.kind, device.index, device.torch_device) == ("cpu", 0, "cpu")


def test_an_index_opens_that_device_and_makes_it_current(tmp_path):
    module = Module(devices=2)
    device = opened("cuda:1", a_torch(module), tmp_path)
    assert (device.torch_device, device.index, device.count()) == ("cuda:1", 1, 2)
    assert module.calls == [("set_device", 1), ("synchronize", 1)]


@pytest.mark.parametrize(
    ("wanted", "devices", "said"),
    [
        ("cuda:2", 2, "cuda:2 is out of range: there are 2 such devices\n  → Use cuda:0 to cuda:1"),
        ("cuda:1", 1, "cuda:1 is out of range: there is 1 such device\n  → Use cuda:0."),
        ("cpu:1", 0, "cpu:1 is out of range"),
    ],
)
def test_an_index_out_of_range__says_how_many_there_are(wanted, devices, said, tmp_path):
    assert said in refused(wanted, a_torch(Module(devices=devices)), tmp_path)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("gpu", "there is no device 'gpu'. Did you mean cuda?"),
        ("ascend:0", "Did you mean npu?"),
        ("cdua", "Did you mean cuda?"),
        ("quantum", "there is no device 'quantum'.\n"),
        ("", "'' names no device"),
        ("cuda:", "names no device"),
        ("cuda:-1", "names no device"),
        ("cuda:one", "names no device"),
        ("cuda:1:2", "names no device"),
        ("cuda:99999", "names no device"),
        ("cuda\n", "names no device"),
        ("CUDA", "names no device"),
        ("auto:1", "auto takes no index"),
        ("x" * 5000, "there is no device 'xxxxx"),
    ],
)
def test_a_name_that_is_none__says_which_are(wanted, said, tmp_path):
    text = refused(wanted, a_torch(Module()), tmp_path)
    assert said in text
    assert "Use auto, cpu, cuda, npu" in text
    assert len(text) < 200


# --- absent ---------------------------------------------------------------------------------------


def test_no_cuda__torch_is_built_without(tmp_path):
    text = refused("cuda", a_torch(built_for=None), tmp_path)
    assert "torch 2.13.0 is built without CUDA" in text
    assert "→ Install a CUDA build" in text


def test_no_cuda__a_machine_without_a_gpu(tmp_path):
    module = Module(devices=0, warning="CUDA initialization:\n Found no NVIDIA driver")
    text = refused("cuda", a_torch(module), tmp_path)
    assert "this machine has no NVIDIA GPU (CUDA initialization: Found no NVIDIA driver)" in text


@pytest.mark.parametrize("files", [["proc/driver/nvidia/version"], NVIDIA_ON_BUS])
def test_no_cuda__a_container_that_was_given_none(files, tmp_path):
    text = refused("cuda", a_torch(), a_machine(tmp_path, *files))
    assert "this container was given none" in text
    assert "--gpus all" in text


def test_no_cuda__hidden_by_a_variable(tmp_path):
    machine = a_machine(tmp_path, "dev/nvidia0")
    text = refused("cuda", a_torch(), machine, CUDA_VISIBLE_DEVICES="-1")
    assert "CUDA_VISIBLE_DEVICES='-1' leaves this process none" in text


@pytest.mark.parametrize("environ", [{}, {"CUDA_VISIBLE_DEVICES": "0"}])
def test_no_cuda__a_driver_that_refuses(environ, tmp_path):
    machine = a_machine(tmp_path, "dev/nvidia0")
    module = Module(devices=0, warning="The NVIDIA driver on your system is too old")
    text = refused("cuda", a_torch(module), machine, **environ)
    assert "but CUDA cannot use it (The NVIDIA driver on your system is too old)" in text
    assert "support CUDA 12.8" in text


def test_no_npu__torch_npu_is_not_installed(tmp_path):
    text = refused("npu", a_torch(), tmp_path)
    assert "torch_npu is not installed" in text
    assert "torch_npu 2.13" in text


def test_no_npu__loading_it_was_switched_off(tmp_path):
    text = refused("npu", a_torch(), tmp_path, TORCH_DEVICE_BACKEND_AUTOLOAD="0")
    assert "→ Unset TORCH_DEVICE_BACKEND_AUTOLOAD." in text


@pytest.mark.parametrize(
    ("files", "environ", "said"),
    [
        ([], {}, "this machine has no Ascend NPU"),
        (["dev/davinci_manager"], {}, "this machine has no Ascend NPU"),
        (ASCEND_ON_BUS, {}, "this container was given none"),
        (["dev/davinci3"], {}, "but CANN cannot use it"),
        (["dev/davinci0"], {"ASCEND_RT_VISIBLE_DEVICES": "9"}, "ASCEND_RT_VISIBLE_DEVICES='9'"),
    ],
)
def test_no_npu__the_machine_the_container_or_a_variable(files, environ, said, tmp_path):
    torch = a_torch(npu=AscendModule(devices=0))
    assert said in refused("npu", torch, a_machine(tmp_path, *files), **environ)


def test_auto__a_gpu_that_is_there_and_broken_is_no_reason_to_measure_the_cpu(tmp_path):
    machine = a_machine(tmp_path, "dev/nvidia0")
    module = Module(devices=0, warning="CUDA unknown error")
    assert "cannot use it (CUDA unknown error)" in refused("auto", a_torch(module), machine)


@pytest.mark.parametrize("wanted", ["auto", "npu"])
def test_a_device_of_which_torch_cannot_tell(wanted, tmp_path):
    torch = a_torch(npu=AscendModule(failure="aclInit, error code is\n507008"))
    text = refused(wanted, torch, tmp_path)
    assert (
        "torch cannot tell how many npu devices there are (aclInit, error code is 507008)" in text
    )


def test_a_device_that_refuses_its_first_touch(tmp_path):
    torch = a_torch(Module(refusal="CUDA-capable device(s) is/are busy or unavailable"))
    text = refused("cuda", torch, tmp_path)
    assert "cuda:0 is visible but cannot be used (CUDA-capable device(s) is/are busy" in text


# --- what they tell -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capability", "fast_dtype"),
    [((9, 0), "bfloat16"), ((8, 6), "bfloat16"), ((7, 5), "float16"), ((6, 1), "float32")],
)
def test_cuda__the_fast_dtype_follows_the_compute_capability(capability, fast_dtype, tmp_path):
    device = opened("cuda", a_torch(Module(capability=capability)), tmp_path)
    assert device.capability() == Capability(
        version=".".join(map(str, capability)),
        fast_dtype=fast_dtype,
        memory_bytes=80 * GIB,
        graphs=True,
    )


@pytest.mark.parametrize(
    ("module", "fast_dtype", "graphs"),
    [
        (AscendModule(names="Ascend910B3"), "bfloat16", True),
        (Module(names="Ascend910A", bf16=False), "float16", False),
    ],
)
def test_npu__the_chip_its_dtype_and_its_graphs(module, fast_dtype, graphs, tmp_path):
    device = opened("npu", a_torch(npu=module), tmp_path)
    assert device.capability() == Capability(
        version=module.names, fast_dtype=fast_dtype, memory_bytes=80 * GIB, graphs=graphs
    )


@pytest.mark.parametrize("kind", ["cuda", "npu"])
def test_an_accelerator__name_memory_peaks_synchronise_and_seed(kind, tmp_path):
    held = {"allocated": 3, "reserved": 4, "peak allocated": 5, "peak reserved": 6}
    module = AscendModule(bytes={name: mib * MIB for name, mib in held.items()})
    torch = a_torch(**{kind: module})
    device = opened(f"{kind}:0", torch, tmp_path)
    module.calls.clear()

    memory = device.memory()
    device.reset_peak_memory()
    device.synchronise()
    device.seed(42)

    assert device.name() == "NVIDIA H100 80GB HBM3"
    assert (memory.allocated_mb, memory.reserved_mb) == (3.0, 4.0)
    assert (memory.peak_allocated_mb, memory.peak_reserved_mb) == (5.0, 6.0)
    assert memory.peak_host_mb > 0
    assert module.calls == [("reset_peak_memory_stats", 0), ("synchronize", 0)]
    assert torch.seeds == [42]


def test_an_accelerator__events_are_points_of_its_own_stream(tmp_path):
    module = Module()
    device = opened("cuda", a_torch(module), tmp_path)
    module.stream.at_ms = 10.0
    before = device.event()
    module.stream.at_ms = 12.5
    assert before.elapsed_ms(device.event()) == 2.5
