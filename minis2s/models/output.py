"""The output layer that shares its matrix with the embedding."""

from typing import NamedTuple

import numpy as np

from minis2s.layers.activations import sum_rows
from minis2s.layers.record import record


class TiedOutputCache(NamedTuple):
    x: np.ndarray  # (N, H)
    E: np.ndarray  # (V, H)


@record
class TiedOutput:
    """logits = x E^T + b with the target embedding E: similar words get similar scores.  (1)

    E is not the layer's own: the model hands it over, and gets its gradient back.

    References
    ----------
    Press & Wolf 2017, arXiv 1608.05859; Inan, Khosravi & Socher 2017, arXiv 1611.01462.
    """

    b: np.ndarray  # (V,)

    @classmethod
    def init(cls, vocabulary: int) -> "TiedOutput":
        """Zero bias."""
        return cls(np.zeros(vocabulary))

    def forward(self, x: np.ndarray, E: np.ndarray) -> tuple[np.ndarray, TiedOutputCache]:
        """Return logits (N, V) of x (N, H) and E (V, H)."""
        logits = x @ E.T
        logits += self.b
        return logits, TiedOutputCache(x, E)  # (1)

    def backward(self, dlogits: np.ndarray, cache: TiedOutputCache) -> tuple["TiedOutput", np.ndarray, np.ndarray]:
        """Reverse forward: from dlogits (N, V) return the gradient, dx (N, H) and dE (V, H)."""
        x, E = cache
        return TiedOutput(sum_rows(dlogits)), dlogits @ E, dlogits.T @ x  # (1): b was broadcast over the rows
