"""What a decoder carries from step to step of a search."""

from dataclasses import replace
from typing import Any

import numpy as np

from minis2s.layers.record import record


@record
class DecoderState:
    """One row a sentence in every array; a field that a decoder does not use is None."""

    s: np.ndarray  # (B, C) of the cell
    out: np.ndarray  # (B, H) what the output layer reads; Luong's h~, which also feeds the next step
    memory: np.ndarray  # (B, S, M); of the plain decoder the one vector (B, M)
    keys: Any = None  # (B, S, A)
    mask: Any = None  # (B, S)
    alpha: Any = None  # (B, S) attention weights of the last step
    coverage: Any = None  # (B, S) sum of alpha over all steps so far

    def follow(self, rows: np.ndarray) -> "DecoderState":
        """Return the state whose row i continues row ``rows[i]``; rows (B,) int.

        Both rows are of the same sentence, so memory, keys and mask stay. So does ``alpha``, which the next step
        overwrites.
        """
        coverage = None if self.coverage is None else self.coverage[rows]
        return replace(self, s=self.s[rows], out=self.out[rows], coverage=coverage)
