"""What a decoder carries from step to step of a search."""

from dataclasses import replace
from typing import Any

import numpy as np

from minis2s.layers.record import record


@record
class DecoderState:
    """A row a sentence in every array; what a decoder has no use for is None."""

    s: np.ndarray  # (B, C) of the cell
    out: np.ndarray  # (B, H) what the output layer reads; Luong's h~, which also feeds the next step
    memory: np.ndarray  # (B, S, M); of the plain decoder the one vector (B, M)
    keys: Any = None  # (B, S, A)
    mask: Any = None  # (B, S)
    alpha: Any = None  # (B, S) where the last step looked
    coverage: Any = None  # (B, S) where all steps so far have looked

    def follow(self, rows: np.ndarray) -> "DecoderState":
        """Return the state whose rows go on from ``rows``, each of the same sentence: the memory need not move.

        ``alpha`` stays as the last step left it, since the next one writes it anew.
        """
        coverage = None if self.coverage is None else self.coverage[rows]
        return replace(self, s=self.s[rows], out=self.out[rows], coverage=coverage)
