"""Packed sequences: sorted longest first, and rows run step after step, as in PyTorch's PackedSequence.

``batch_sizes[t]`` is the number of sentences longer than t. Step t is the next ``batch_sizes[t]`` rows, and
rows of unfinished sentences come first, so a recurrence needs no mask and no product touches a padded row. Three
sentences of 3, 2 and 1 tokens, ``batch_sizes = [3, 2, 1]``:

    padded  a1 a2 a3        packed  a1 b1 c1 | a2 b2 | a3
            b1 b2 .
            c1 .  .
"""

from collections.abc import Sequence

import numpy as np


def step_slices(batch_sizes: Sequence[int]) -> list[slice]:
    """Return the rows of each step: [3, 2, 1] -> rows 0:3, 3:5, 5:6."""
    steps, start = [], 0
    for size in batch_sizes:
        steps.append(slice(start, start + size))
        start += size
    return steps


steps_of = step_slices  # its name in files that were begun with an earlier template


def sentence_of(batch_sizes: Sequence[int]) -> np.ndarray:
    """Return the sentence of each packed row, (N,) int: [3, 2, 1] -> 0 1 2 0 1 0."""
    return np.concatenate([np.arange(size) for size in batch_sizes])


def unpack(packed: np.ndarray, batch_sizes: Sequence[int]) -> np.ndarray:
    """Return (B, T, ...) from packed (N, ...), zero where a sentence has ended."""
    padded = np.zeros((batch_sizes[0], len(batch_sizes), *packed.shape[1:]), packed.dtype)
    for t, rows in enumerate(step_slices(batch_sizes)):
        padded[: batch_sizes[t], t] = packed[rows]
    return padded
