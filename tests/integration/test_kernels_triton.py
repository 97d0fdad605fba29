"""The Triton kernels on a CPU, under Triton's interpreter: their meaning, not their speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("triton") is None, reason="needs triton"),
]

ROOT = Path(__file__).parents[2]

CHECK = """
import json, sys
from perfgate.workloads.kernels.adaln_norm import ADALN_NORM, triton_launcher
from perfgate.workloads.kernels.causal_conv1d.kernels import CHANNELS_LAST, CIRCULAR, SLOTS
from perfgate.workloads.kernels.causal_conv1d.triton import launcher
from tests.kernels import a_shape, found

said = {}
kernels = {"circular": CIRCULAR, "slots": SLOTS, "channels-last": CHANNELS_LAST}
for dialect, kernel in kernels.items():
    for tokens in (1, 3):
        shape = a_shape(sys.argv[1], B=3, D=40, L=tokens)
        said[f"{dialect} {tokens}"] = found(kernel, launcher(dialect, block=32), shape)
norm = a_shape(sys.argv[1], B=2, T=3, D=40)
said["adaln"] = found(ADALN_NORM, triton_launcher(), norm)
print(json.dumps(said))
"""


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_under_the_interpreter_the_kernels_have_no_finding(dtype):
    done = subprocess.run(
        [sys.executable, "-c", CHECK, dtype],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert len(said) == 7
    assert not any(said.values()), said
