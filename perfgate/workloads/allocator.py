"""Keeps the C library from giving memory back between requests. Changes this process only."""

from __future__ import annotations

import ctypes

# malloc.h of glibc; the values are part of its interface, see mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_NEVER = 2**31 - 1
_ALWAYS_ON_HEAP = 2**30


def keep_freed_memory() -> bool:
    """Let freed memory be used again without a page fault; false where there is no ``mallopt``.

    By default glibc maps each large tensor afresh and unmaps it when freed. The faults cost as
    much as some stages, and how many there are differs from request to request. Devices have
    caching allocators for the same reason.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    kept = (
        mallopt(_M_MMAP_THRESHOLD, _ALWAYS_ON_HEAP),
        mallopt(_M_TRIM_THRESHOLD, _NEVER),
    )
    return all(kept)
