"""Whether a port is free, and who holds it where that can be seen. Starts and ends nothing."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Sequence

import psutil

from perfgate.backends.failures import FrameworkError
from perfgate.records.results import FailureKind

_LOOK_S = 0.05


def check_free(ports: Sequence[int], *, when: str) -> None:
    """Raise FrameworkError naming every port that somebody listens on; ``when`` ends the text."""
    taken = [port for port in ports if not _is_free(port)]
    if taken:
        told = "; ".join(f"{port}{_held_by(port)}" for port in taken)
        raise FrameworkError(FailureKind.PORT, f"{told}, {when}")


def wait_until_free(ports: Sequence[int], *, patience_s: float, when: str) -> None:
    """The same, once the ports had ``patience_s`` to become free."""
    until_s = time.monotonic() + patience_s
    while not all(_is_free(port) for port in ports) and time.monotonic() < until_s:
        time.sleep(_LOOK_S)
    check_free(ports, when=when)


def _is_free(port: int) -> bool:
    """Whether one can listen there on every address; a connection that ends holds no port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _held_by(port: int) -> str:
    try:
        for one in psutil.net_connections(kind="tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port:
                if one.pid is None:
                    return ""
                return f" is held by process {one.pid} ({psutil.Process(one.pid).name()})"
    except (psutil.Error, OSError):
        # Whose it is may not be seen from here; that it is taken is known all the same.
        return ""
    return ""
