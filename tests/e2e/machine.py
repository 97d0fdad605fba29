"""What end-to-end tests need from the machine: tools, a cache folder, package settings. No tests.

Settings that belong to one machine (package indexes, certificates, mirrors) are asked for at run
time and never written down here.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

# A new number whenever what the cache holds is made in another way.
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "perfgate-e2e" / "1"
SUITE: Final = "bookworm"  # its python3 is the 3.11 that the image is built from
_TOOLS: Final = {
    "buildah": "buildah",
    "podman": "podman",
    "runc": "runc",
    "debootstrap": "debootstrap",
    "fuse-overlayfs": "fuse-overlayfs",
    "newuidmap": "uidmap",
    "npm": "npm",
    "git": "git",
}


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a tool; a failure shows what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
    )
    if check and done.returncode != 0:
        said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        raise RuntimeError(f"{command[0]} exited with {done.returncode}:\n{said}")
    return done


def why_not() -> str | None:
    """Why this machine cannot run containers for these tests, or None where it can."""
    if sys.platform != "linux":
        return "containers need Linux"
    if os.geteuid() != 0:
        return "building a root file system and containers needs root"
    if shutil.which("apt-get") is None and _missing():
        return f"{', '.join(_missing())} must be installed, and there is no apt-get to do it"
    return None


def install_tools() -> None:
    """Install with apt what is missing."""
    if missing := _missing():
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", env=quiet)
        run("apt-get", "install", "--yes", "--no-install-recommends", *missing, env=quiet)


def debian_mirror() -> Sequence[str]:
    """The mirror that apt uses for this suite, for debootstrap; none means its default."""
    told = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"
    )
    found = [line.split(" ")[0] for line in told.stdout.splitlines() if line.endswith(f" {SUITE}")]
    return found[:1]


def pip_settings() -> dict[str, list[str]]:
    """Where pip takes packages from on this machine: environment first, then files."""
    told = run(sys.executable, "-m", "pip", "config", "list").stdout
    values: dict[str, str] = {}
    for line in sorted(told.splitlines(), reverse=True):  # ":env:" sorts below names: it wins
        name, _, value = line.partition("=")
        values[name.split(".")[-1]] = str(ast.literal_eval(value))
    wanted = ("cert", "index-url", "extra-index-url", "find-links", "trusted-host", "proxy")
    return {name: values[name].split() for name in wanted if name in values}


def local_paths(settings: Mapping[str, Sequence[str]]) -> list[Path]:
    """The files and folders of this machine that those settings point to."""
    found = []
    for value in (value for values in settings.values() for value in values):
        path = Path(unquote(urlsplit(value).path) if value.startswith("file://") else value)
        # An index's pages refer to files that lie beside it.
        path = path.parent if path.name == "simple" else path
        if path.is_absolute() and path.exists():
            found.append(path)
    return sorted(set(found))


def _missing() -> list[str]:
    return [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
