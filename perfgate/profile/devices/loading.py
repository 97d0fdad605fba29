"""Imports torch for perfgate's device code, and says in words why that failed. Nothing else.

An extension that torch finds by its entry point (group ``torch.backends``) is loaded inside
``import torch`` itself: torch_npu without CANN makes that one line raise.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from perfgate.errors import ConfigurationError, DeviceError

_EXTENSION_FAILED = "Failed to load the backend extension"
_MOST_SHOWN_CHARS = 400


def import_torch() -> Any:  # noqa: ANN401 - the module
    """The torch module.

    Raises ConfigurationError where torch is missing or broken, and DeviceError where the extension
    of a device could not be loaded. After either, this process cannot import torch any more: what
    torch registered until then stays, and a second attempt stumbles over it.
    """
    try:
        return import_module("torch")
    except RuntimeError as error:
        if _EXTENSION_FAILED not in str(error):
            raise
        raise _extension_failed(error) from error
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigurationError(
            "torch is not installed in this environment",
            fix="Install it there, such as with pip install 'perfgate[torch]'.",
        ) from error
    except (ImportError, OSError) as error:  # a shared library that torch links to
        raise ConfigurationError(
            f"torch is installed but cannot be loaded: {_shown(error)}",
            fix="Install a build of torch for this platform, with the libraries it links to.",
        ) from error


def _extension_failed(error: RuntimeError) -> DeviceError:
    because = f" ({_shown(error.__cause__)})" if error.__cause__ else ""
    if "torch_npu" not in str(error):
        return DeviceError(
            f"import torch fails in a device extension: {_shown(error)}{because}",
            fix="Repair or uninstall that extension, or set TORCH_DEVICE_BACKEND_AUTOLOAD=0 to "
            "leave it out.",
        )
    return DeviceError(
        "torch_npu is installed, but Ascend's CANN libraries cannot be loaded, so that import "
        f"torch itself fails{because}",
        fix="Install the CANN release that this torch_npu asks for and source its set_env.sh "
        "before perfgate starts. To measure without the NPU set "
        "TORCH_DEVICE_BACKEND_AUTOLOAD=0, or uninstall torch_npu.",
    )


def _shown(error: BaseException) -> str:
    """The error's text in one line, bounded."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MOST_SHOWN_CHARS else text[: _MOST_SHOWN_CHARS - 1] + "…"
