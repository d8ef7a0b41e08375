"""Multiplicative attention: products of the query with each source position."""

import numpy as np

from minis2s.layers.attention import AttendCache, Attention
from minis2s.layers.initializers import glorot_uniform
from minis2s.layers.record import record


@record
class DotAttention(Attention):
    """score_j = query . memory_j.  (1)  It has no weights; the query has to be as wide as the memory.

    References
    ----------
    Luong, Pham & Manning 2015, arXiv 1508.04025, equation (8), "dot".
    """

    equal_sizes = True

    @classmethod
    def init(cls, rng: np.random.Generator, query: int, memory: int, size: int) -> "DotAttention":
        """Nothing to draw.

        Raises
        ------
        ValueError
            If query and memory are not equally wide.
        """
        if query != memory:
            raise ValueError(f"a dot product needs equal sizes; the query has {query}, the memory {memory}")
        return cls()

    def scale(self, query: np.ndarray) -> float:
        """Return the factor of the products with query (B, H)."""
        return 1.0

    def keys(self, memory: np.ndarray) -> np.ndarray:
        """Return the memory (B, S, M) itself."""
        return memory

    def score(self, query: np.ndarray, keys: np.ndarray, coverage: np.ndarray | None) -> tuple[np.ndarray, None]:
        """Return the scores (B, S) of query (B, H) and keys (B, S, H)."""
        return (keys @ (query * self.scale(query))[..., None])[..., 0], None  # (1)

    def score_backward(
        self, dscore: np.ndarray, keys: np.ndarray, cache: AttendCache
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], None]:
        """Reverse ``score``: from dscore (B, S) return what ``attend_backward`` returns.

        dquery = sum_j dscore_j key_j, dkey_j = dscore_j query   (1)
        """
        dscore = dscore * self.scale(cache.query)
        dq = (dscore[:, None] @ keys)[:, 0]  # (1)
        dkeys = dscore[..., None] * cache.query[:, None]  # (1)
        return dq, dkeys, {}, None

    def query_backward(self, dq: np.ndarray) -> np.ndarray:
        """Return dquery (B, H), which is dq."""
        return dq

    def gradient(
        self,
        query: np.ndarray,
        memory: np.ndarray,
        dq: np.ndarray,
        dkeys: np.ndarray,
        dvectors: dict[str, np.ndarray],
    ) -> tuple["DotAttention", np.ndarray]:
        """Return the (empty) gradient and dmemory (B, S, M), which is dkeys."""
        return type(self)(), dkeys


@record
class ScaledDotAttention(DotAttention):
    """score_j = query . memory_j / sqrt(H).  (1)  The products of long vectors are large, and a softmax of large scores
    has hardly a gradient.

    References
    ----------
    Vaswani et al. 2017, arXiv 1706.03762, equation (1).
    """

    def scale(self, query: np.ndarray) -> float:
        """Return 1 / sqrt(H), from query (B, H)."""
        return query.shape[-1] ** -0.5


@record
class GeneralAttention(DotAttention):
    """score_j = query W memory_j^T.  (1)  Luong's bilinear form: query and memory may be of different widths.

    References
    ----------
    Luong, Pham & Manning 2015, arXiv 1508.04025, equation (8), "general".
    """

    W: np.ndarray  # (H, M)

    equal_sizes = False

    @classmethod
    def init(cls, rng: np.random.Generator, query: int, memory: int, size: int) -> "GeneralAttention":
        """Glorot weights."""
        return cls(W=glorot_uniform(rng, query, memory))

    def keys(self, memory: np.ndarray) -> np.ndarray:
        """Return memory W^T, (B, S, H)."""
        B, S, M = memory.shape
        return (memory.reshape(B * S, M) @ self.W.T).reshape(B, S, -1)

    def gradient(
        self,
        query: np.ndarray,
        memory: np.ndarray,
        dq: np.ndarray,
        dkeys: np.ndarray,
        dvectors: dict[str, np.ndarray],
    ) -> tuple["GeneralAttention", np.ndarray]:
        """Return the weight's gradient and dmemory (B, S, M) through the keys."""
        B, S, M = memory.shape
        dkeys = dkeys.reshape(B * S, -1)
        dW = dkeys.T @ memory.reshape(B * S, M)  # (1)
        dmemory = (dkeys @ self.W).reshape(B, S, M)  # (1)
        return GeneralAttention(W=dW), dmemory
