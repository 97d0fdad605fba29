"""The action's image, built with buildah and run with podman, in a storage of its own. No tests.

The flags work as root with no container engine installed, inside a container or a small virtual
machine too: host network, runc, explicit limits, no systemd.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e import machine

BASE = "docker.io/library/python:3.11-slim"
IMAGE = "localhost/perfgate:e2e"
PUBLISH_IMAGE = "localhost/perfgate-publish:e2e"
ROOT = Path(__file__).parents[2]
# An interrupted test run leaves no service behind for longer than this.
_SERVICE_IDLE_S = 900
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Containers:
    """Images, containers and volumes of these tests alone: the storage is not the machine's."""

    cache: Path
    scratch: Path
    env: Mapping[str, str] = field(repr=False)

    def podman(self, *arguments: str | Path, check: bool = True, timeout_s: float = 600):
        return machine.run("podman", *arguments, env=self.env, check=check, timeout_s=timeout_s)

    def make_base(self) -> None:
        """A stand-in for the base image: Debian with Python, from the machine's own mirror."""
        if self.podman("image", "exists", BASE, check=False).returncode == 0:
            return
        root = self.cache / "rootfs"
        machine.run("rm", "-rf", root)
        packages = "python3,python3-pip,python3-venv,ca-certificates,git"
        # Named without a mirror it takes its default one.
        command = ["debootstrap", "--variant=minbase", f"--include={packages}", machine.SUITE]
        machine.run(*command, root, *machine.debian_mirror(), timeout_s=1200)
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        (root / "usr/bin/python").symlink_to("python3")
        tar = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        with tar:
            subprocess.run(
                ["podman", "import", "--change", f"ENV PATH={_PATH}", "-", BASE],
                stdin=tar.stdout,
                env=dict(self.env),
                capture_output=True,
                timeout=600,
                check=True,
            )
        machine.run("rm", "-rf", root)

    def build(
        self, context: Path = ROOT, *, dockerfile: str = "Dockerfile", image: str = IMAGE
    ) -> None:
        """Build an image; layers are kept between runs, torch being the large one."""
        volumes = [f"--volume={volume}" for volume in build_volumes(self.scratch)]
        # Docker's format, so that what act builds through the service finds these layers.
        how = ("--layers", "--format=docker", "--isolation=chroot", "--pull-never")
        what = (f"--file={context / dockerfile}", f"--tag={image}")
        command = ("buildah", "bud", *how, *volumes, *what, context)
        machine.run(*command, env=self.env, timeout_s=1200)

    def run(
        self, *options: str, image: str = IMAGE, timeout_s: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run an action's image as the runner does: no arguments, all in the environment."""
        return self.podman(
            "run", "--rm", "--pull=never", *options, image, check=False, timeout_s=timeout_s
        )

    def size_bytes(self, image: str) -> int:
        """What all layers of an image hold, uncompressed."""
        return int(self.podman("image", "inspect", "--format={{.Size}}", image).stdout)

    @contextlib.contextmanager
    def service(self) -> Iterator[str]:
        """A socket that speaks Docker's language, for act; its address as DOCKER_HOST wants it."""
        socket = self.scratch / "podman.sock"
        address = f"unix://{socket}"
        with subprocess.Popen(
            ["podman", "system", "service", f"--time={_SERVICE_IDLE_S}", address],
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                _wait_for(socket, process)
                yield address
            finally:
                process.terminate()
                process.wait(timeout=30)

    def clean_up(self) -> None:
        """Remove what an interrupted run left: containers, volumes, images without a name."""
        self.podman("rm", "--force", "--all", "--depend", "--time=0", check=False)
        self.podman("volume", "prune", "--force", check=False)
        self.podman("image", "prune", "--force", check=False)

    def images(self) -> list[str]:
        told = json.loads(self.podman("images", "--format=json").stdout)
        return [name for image in told for name in image.get("Names") or ()]


def make(cache: Path, scratch: Path) -> Containers:
    """Configure podman and buildah for this folder; changes no setting of the machine."""
    cache.mkdir(parents=True, exist_ok=True)
    storage = scratch / "storage.conf"
    storage.write_text(
        "[storage]\n"
        'driver = "overlay"\n'
        f"graphroot = {json.dumps(str(cache / 'storage'))}\n"
        f"runroot = {json.dumps(_run_root(cache))}\n"
    )
    settings = scratch / "containers.conf"
    settings.write_text(
        "[containers]\n"
        'netns = "host"\n'
        'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        # act builds through the service, where no flag can add them.
        f"volumes = {json.dumps(build_volumes(scratch))}\n"
        "[engine]\n"
        'runtime = "runc"\n'
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
        # How long the monitor of an ended `exec` stays, once nothing asks for it; 300 otherwise.
        "exit_command_delay = 10\n"
    )
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return Containers(
        cache=cache,
        scratch=scratch,
        env={
            **{name: os.environ[name] for name in kept if name in os.environ},
            "CONTAINERS_STORAGE_CONF": str(storage),
            "CONTAINERS_CONF": str(settings),
        },
    )


def _run_root(cache: Path) -> str:
    """Podman's state, below /run since it must not outlive the machine's start."""
    return f"/run/perfgate-e2e-{hashlib.sha256(str(cache).encode()).hexdigest()[:8]}"


def build_volumes(scratch: Path) -> list[str]:
    """What pip needs to find packages during a build as it does on this machine."""
    settings = machine.pip_settings()
    if not settings:
        return []
    file = scratch / "pip.conf"
    lines = (f"{name} = {' '.join(values)}\n" for name, values in settings.items())
    file.write_text("[global]\n" + "".join(lines))
    shared = [f"{path}:{path}:ro" for path in machine.local_paths(settings)]
    return [f"{file}:/etc/pip.conf:ro", *shared]


def _wait_for(socket: Path, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if socket.exists():
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("podman's service did not start")
