"""Token ids of a prompt by hashing its words: needs no vocabulary file. Never imports torch."""

from __future__ import annotations

import hashlib

PADDING = 0
_DIGEST_BYTES = 8


def tokenize(prompt: str, *, vocabulary: int, tokens: int) -> list[int]:
    """``tokens`` ids below ``vocabulary``: a hash of each word, cut or padded with 0.

    ``hash()`` differs from process to process; BLAKE2 does not.
    """
    ids = [
        1
        + int.from_bytes(hashlib.blake2b(word.encode(), digest_size=_DIGEST_BYTES).digest())
        % (vocabulary - 1)
        for word in prompt.lower().split()
    ]
    return (ids + [PADDING] * tokens)[:tokens]
