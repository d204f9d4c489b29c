"""Damages bytes in ways that disks, networks and people do."""

import numpy as np


def mutate(content, rng):
    """Mutates at a random place: `(bytes, first byte that may differ)`."""
    kind = MUTATIONS[rng.integers(len(MUTATIONS))]
    return kind(content, rng)


def cut_off(content, rng):
    first = int(rng.integers(len(content)))
    return content[:first], first


def flip_bits(content, rng):
    changed = np.frombuffer(content, np.uint8).copy()
    positions = rng.integers(0, len(content), rng.integers(1, 9))
    changed[positions] ^= np.uint8(1 << rng.integers(8))
    return changed.tobytes(), int(positions.min())


def leave_out(content, rng, filler=b""):
    first = int(rng.integers(len(content)))
    length = int(rng.integers(1, 1 + len(content) // 4))
    return content[:first] + filler * length + content[first + length :], first


def blank_out(content, rng):
    return leave_out(content, rng, b"\0")


def scramble_head(content, rng):
    head = rng.integers(0, 256, min(40, len(content))).astype(np.uint8)
    return head.tobytes() + content[len(head) :], 0


def insert_noise(content, rng):
    first = int(rng.integers(len(content)))
    noise = rng.integers(0, 256, rng.integers(1, 600)).astype(np.uint8)
    return content[:first] + noise.tobytes() + content[first:], first


MUTATIONS = (
    cut_off,
    flip_bits,
    blank_out,
    leave_out,
    scramble_head,
    insert_noise,
)
