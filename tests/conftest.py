"""What every test needs: device leases of its own, away from those of this host's real jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perfgate.profile.lease import DIR_VARIABLE, HELD_VARIABLE


@pytest.fixture(scope="session", autouse=True)
def own_leases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of leases for this session; what an enclosing perfgate holds means nothing here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DIR_VARIABLE, str(tmp_path_factory.mktemp("leases")))
        patch.delenv(HELD_VARIABLE, raising=False)
        yield
