"""A row of a table for each token."""

from typing import NamedTuple

import numpy as np

from minis2s.layers.initializers import small_normal
from minis2s.layers.record import record


class EmbeddingCache(NamedTuple):
    ids: np.ndarray  # (N,)


@record
class Embedding:
    """x_i = E[id_i].  (1)

    The same as a product with one-hot rows, so the gradient of a row is a sum over all positions of its token.
    """

    E: np.ndarray  # (V, E)

    @classmethod
    def init(cls, rng: np.random.Generator, vocabulary: int, size: int) -> "Embedding":
        """Small normal rows."""
        return cls(E=small_normal(rng, vocabulary, size))

    def forward(self, ids: np.ndarray) -> tuple[np.ndarray, EmbeddingCache]:
        """Look up ids (N,) int; return x (N, E)."""
        return self.E[ids], EmbeddingCache(ids)  # (1)

    def backward(self, dx: np.ndarray, cache: EmbeddingCache) -> tuple["Embedding"]:
        """Reverse forward: return the gradient, from dx (N, E). Ids have none."""
        # ``dE[ids] += dx`` would keep one row of a repeated token and lose the others: a scatter-add keeps them all.
        # np.add.at is faster on flat indices than on rows.
        dE = np.zeros(self.E.size, dx.dtype)
        flat_index = cache.ids.astype(np.intp)[:, None] * self.E.shape[1] + np.arange(self.E.shape[1])  # (N, E)
        np.add.at(dE, flat_index.ravel(), dx.ravel())  # (1)
        return (Embedding(E=dE.reshape(self.E.shape)),)
