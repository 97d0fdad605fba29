"""What a program finds as ``torch.npu``: torch_npu's names, for the one device of ``npu.cpp``.

Only the names that perfgate or torch itself asks for.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch

_NAME = "Ascend910B3"


def is_available():
    return True


def is_initialized():
    return True


def device_count():
    return torch.ops.fake_npu.device_count()


def current_device():
    return 0


def set_device(device):
    torch.accelerator.set_device_index(device)


def current_stream(device=None):
    return torch.accelerator.current_stream(device)


def synchronize(device=None):
    torch.accelerator.synchronize(device)


def Event(enable_timing=False):  # noqa: N802 - a class in torch_npu
    return torch.Event("npu", enable_timing=enable_timing)


def get_device_name(device=None):
    return _NAME


def get_device_properties(device=None):
    _, total = torch.accelerator.get_memory_info(device)
    return SimpleNamespace(name=_NAME, total_memory=total)


def is_bf16_supported():
    return True


def memory_allocated(device=None):
    return torch.accelerator.memory_allocated(device)


def memory_reserved(device=None):
    return torch.accelerator.memory_reserved(device)


def max_memory_allocated(device=None):
    return torch.accelerator.max_memory_allocated(device)


def max_memory_reserved(device=None):
    return torch.accelerator.max_memory_reserved(device)


def reset_peak_memory_stats(device=None):
    torch.accelerator.reset_peak_memory_stats(device)


def manual_seed_all(seed):
    """Nothing: its generator is the CPU's, which torch.manual_seed has seeded already."""


def get_rng_state(device=None):
    return torch.get_rng_state()


def set_rng_state(state, device=None):
    torch.set_rng_state(state)


def get_amp_supported_dtype():
    return [torch.float16, torch.bfloat16]


def _is_in_bad_fork():
    return False
