"""What a working tree holds, as one hash: tells whether two jobs measured the same files.

Files that git ignores are left out: what a setup or a benchmark makes belongs there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from perfgate.sides.git import Git

MOST_BYTES = 256 * 2**20
"""Changed files above this size together are not read: hashing them would hold the device."""


def content_of(git: Git) -> str:
    """The commit's tree id where nothing is changed, else a SHA-256 over it and every changed file.

    Empty where that cannot be told: a changed submodule, a repository inside the repository, a
    file that cannot be read, or more than MOST_BYTES of changes.
    """
    tree = git("rev-parse", "HEAD^{tree}").strip()
    changed = git.changed_paths("HEAD")
    if not changed:
        return tree
    digest, left = hashlib.sha256(tree.encode()), MOST_BYTES
    for name in changed:
        state = _state(git.root / name, most_bytes=left)
        if state is None:
            return ""
        kind, content = state
        left -= len(content)
        for part in (os.fsencode(name), kind, content):
            digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()


def _state(path: Path, *, most_bytes: int) -> tuple[bytes, bytes] | None:
    """What stands at a path, and what it holds; None where that cannot be told."""
    try:
        if path.is_symlink():
            return b"link", os.fsencode(path.readlink())
        if not path.exists():
            return b"gone", b""
        found = path.stat()
        if not path.is_file() or found.st_size > most_bytes:
            return None
        return b"program" if found.st_mode & 0o100 else b"file", path.read_bytes()
    except OSError:
        return None
