"""Draws: numbers that look random and are the same for the same key, on any machine and in any order."""

from __future__ import annotations

import hashlib

_BYTES = 8
_STEPS = 1 << 53  # what a float can tell apart in [0, 1)


def uniforms(count: int, *key: object) -> list[float]:
    """As many numbers in [0, 1), decided by the key alone; at most 8."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode()).digest()
    words = (digest[start : start + _BYTES] for start in range(0, count * _BYTES, _BYTES))
    return [(int.from_bytes(word, "big") >> 11) / _STEPS for word in words]


def seed(*key: object) -> int:
    """A seed for an imgaug augmenter, decided by the key alone."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(map(str, key)).encode()).digest()[:4], "big") >> 1
