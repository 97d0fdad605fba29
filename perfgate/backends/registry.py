"""Which backend a case names. The one place to register a new one."""

from __future__ import annotations

from perfgate.backends.backend import Backend
from perfgate.backends.builtin import BuiltinBackend
from perfgate.backends.command import CommandBackend
from perfgate.backends.diffusers import DiffusersBackend
from perfgate.backends.kernel import KernelBackend
from perfgate.backends.server import ServerBackend
from perfgate.backends.sglang import SglangBackend
from perfgate.backends.vllm_omni import VllmOmniBackend
from perfgate.suite import BackendName

BACKENDS: dict[BackendName, Backend] = {
    "builtin": BuiltinBackend(),
    "command": CommandBackend(),
    "kernel": KernelBackend(),
    "diffusers": DiffusersBackend(),
    "sglang": SglangBackend(),
    "vllm-omni": VllmOmniBackend(),
    "server": ServerBackend(),
}
