"""What perfgate says where ``import torch`` itself fails: real imports in real child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.errors import ConfigurationError, DeviceError

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from perfgate.errors import PerfgateError
from perfgate.profile.devices.opening import open_device
try:
    print(open_device(sys.argv[1]).torch_device)
except PerfgateError as error:
    print(error)
    sys.exit(error.exit_code)
"""

TORCH_NPU = """
def _autoload():
    raise ImportError("libhccl.so: cannot open shared object file: No such file or directory")
"""


def opened(wanted, *folders, **environ):
    """``open_device`` in a process that finds modules in ``folders`` first."""
    return subprocess.run(
        (sys.executable, "-P", "-c", PROGRAM, wanted),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, (*folders, ROOT))),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def extension(tmp_path):
    """Installs a package that torch loads as a device extension, as it loads torch_npu."""

    def install(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        package = tmp_path / f"{name}-2.13.0.dist-info"
        package.mkdir()
        (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.13.0\n")
        entry_point = f"[torch.backends]\n{name} = {name}:_autoload\n"
        (package / "entry_points.txt").write_text(entry_point)
        return tmp_path

    return install


@pytest.mark.parametrize("wanted", ["auto", "npu"])
def test_torch_npu_without_cann__says_what_to_install(wanted, extension):
    done = opened(wanted, extension("torch_npu", TORCH_NPU))
    assert done.returncode == DeviceError.exit_code
    assert "CANN libraries cannot be loaded" in done.stdout
    assert "(libhccl.so: cannot open shared object file" in done.stdout
    assert "source its set_env.sh" in done.stdout
    assert "TORCH_DEVICE_BACKEND_AUTOLOAD=0" in done.stdout
    assert done.stderr == ""


def test_torch_npu_without_cann__the_advice_helps(extension):
    folder = extension("torch_npu", TORCH_NPU)
    done = opened("auto", folder, TORCH_DEVICE_BACKEND_AUTOLOAD="0", CUDA_VISIBLE_DEVICES="")
    assert (done.returncode, done.stdout) == (0, "cpu\n")


def test_torch_npu_without_cann__the_cpu_asked_for_by_name_needs_no_torch(extension):
    assert opened("cpu", extension("torch_npu", TORCH_NPU)).stdout == "cpu\n"


def test_another_extension_that_fails__is_named(extension):
    text = "def _autoload():\n    raise OSError('no driver\\nof this accelerator')\n"
    done = opened("auto", extension("torch_other", text))
    assert done.returncode == DeviceError.exit_code
    assert "Failed to load the backend extension: torch_other." in done.stdout
    assert "(no driver of this accelerator)" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "raise ImportError('libcudart.so.12: cannot open shared object file')",
            "torch is installed but cannot be loaded: libcudart.so.12: cannot open",
        ),
        (
            "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')",
            "torch is not installed in this environment",
        ),
    ],
)
def test_a_torch_that_is_broken_or_missing__is_a_matter_of_configuration(text, said, tmp_path):
    (tmp_path / "torch.py").write_text(text)
    done = opened("cuda", tmp_path)
    assert done.returncode == ConfigurationError.exit_code
    assert said in done.stdout


def test_a_bug_in_an_import__keeps_its_traceback(tmp_path):
    (tmp_path / "torch.py").write_text("import a_module_that_torch_needs")
    done = opened("cuda", tmp_path)
    assert done.returncode == 1
    assert "No module named 'a_module_that_torch_needs'" in done.stderr
