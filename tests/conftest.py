"""What every test needs: leases of its own, away from this host's real jobs, and an open ear."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from perfgate.profile.lease import DIR_VARIABLE, HELD_VARIABLE

# No test is about how long an example takes on a shared machine.
settings.register_profile("perfgate", deadline=None)
settings.load_profile("perfgate")


@pytest.fixture(scope="session", autouse=True)
def own_leases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of leases for this session; what an enclosing perfgate holds means nothing here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DIR_VARIABLE, str(tmp_path_factory.mktemp("leases")))
        patch.delenv(HELD_VARIABLE, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def interrupts_are_heard() -> Iterator[None]:
    """A shell lets what it starts in the background ignore SIGINT, and every process below that."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
