"""One rig for all end-to-end tests: tools, image, GitHub's description, a fake GitHub.

Needs root and apt (Debian), and about 5 GB in the cache folder: /var/cache/perfgate-e2e, or below
XDG_CACHE_HOME. The first run takes minutes, mostly for the base image and torch; delete the folder
to be rid of it. Everything else is left as it was.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from tests.e2e import containers as rig
from tests.e2e import machine
from tests.e2e.visits import chromium, visit
from tests.fakes.github_server import FakeGitHub

__all__ = ["chromium", "visit"]
"""Fixtures of every test in a browser."""


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def cache():
    """The folder that outlives a run; two runs at once would share image names, so one waits."""
    if reason := machine.why_not():
        pytest.skip(f"not on this machine: {reason}")
    if importlib.util.find_spec("openapi_core") is None:
        pytest.skip("not in this environment: openapi-core is missing; `make e2e` installs it")
    machine.install_tools()
    machine.CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(machine.CACHE / "lock", timeout=1800):
        yield machine.CACHE


@pytest.fixture(scope="session")
def containers(cache):
    """The action's image, built from this tree."""
    # A short path: a socket's address holds at most 108 bytes.
    scratch = Path(tempfile.mkdtemp(prefix="perfgate-e2e-"))
    made = rig.make(cache, scratch)
    made.clean_up()
    made.make_base()
    made.build()
    yield made
    made.clean_up()
    shutil.rmtree(scratch)


@pytest.fixture(scope="session")
def github_description(cache):
    from tests.e2e import openapi  # noqa: PLC0415 - needs what only `make e2e` installs

    return openapi.Description(openapi.fetch(cache))


@pytest.fixture(scope="module")
def docker_host(containers):
    with containers.service() as address:
        yield address


@pytest.fixture
def github(github_description, tmp_path):
    """A fake GitHub; whatever it was asked and answered is held against the real one's rules."""
    with FakeGitHub(token="a-s3cret-token", folder=tmp_path / "origin.git") as server:
        yield server
    assert github_description.problems(server.exchanges) == []
