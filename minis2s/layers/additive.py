"""Additive attention: a one-layer network scores each source position."""

from typing import Any

import numpy as np

from minis2s.layers.activations import sum_rows
from minis2s.layers.attention import AttendCache, Attention
from minis2s.layers.initializers import glorot_uniform
from minis2s.layers.record import record


@record
class AdditiveAttention(Attention):
    """Scores of a one-layer network.

    hidden_j = tanh(query W_q + memory_j W_k)   (1)
    score_j  = hidden_j v                       (2)

    References
    ----------
    Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, section 3.1 and appendix A.1.2.
    """

    W_q: np.ndarray  # (H, A)
    W_k: np.ndarray  # (M, A)
    v: np.ndarray  # (A,)

    @classmethod
    def init(cls, rng: np.random.Generator, query: int, memory: int, size: int) -> "AdditiveAttention":
        """Glorot weights for a query of width ``query`` (H), a memory of width ``memory`` (M), and ``size`` A."""
        v = glorot_uniform(rng, size, 1)[:, 0]
        return cls(W_q=glorot_uniform(rng, query, size), W_k=glorot_uniform(rng, memory, size), v=v)

    def keys(self, memory: np.ndarray) -> np.ndarray:
        """Return memory W_k (B, S, A) of a memory (B, S, M): the same at every step of a decoder."""
        B, S, M = memory.shape
        return (memory.reshape(B * S, M) @ self.W_k).reshape(B, S, -1)

    def activation_inplace(self, hidden: np.ndarray) -> None:
        """hidden (B, S, A) = tanh(hidden), in place."""
        np.tanh(hidden, out=hidden)

    def activation_gradient(self, hidden: np.ndarray) -> np.ndarray:
        """Return tanh' = 1 - hidden^2 from its result, hidden (B, S, A), in a fresh array."""
        squared = hidden * hidden
        return np.subtract(1, squared, out=squared)

    def score(self, query: np.ndarray, keys: np.ndarray, coverage: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores (B, S) of query (B, H) and keys (B, S, A), and hidden (B, S, A), which backward needs."""
        q = query @ self.W_q  # (B, A)
        hidden = keys + q[:, None]
        self.activation_inplace(hidden)  # (1)
        return hidden @ self.v, hidden  # (2)

    def score_backward(
        self, dscore: np.ndarray, keys: np.ndarray, cache: AttendCache
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
        """Reverse ``score``: from dscore (B, S) return what ``attend_backward`` returns.

        dv      = sum over j, and over the sentences, of dscore_j hidden_j   (2)
        dkeys_j = dscore_j v (1 - hidden_j^2)                                (2), (1)
        dq      = sum_j dkeys_j             (1): the query was broadcast over the positions

        dv and dq are complete. The dkeys that are returned still lack the factor v: it is the same at every step, so
        ``gradient`` multiplies by it once, after the sum over the steps.
        """
        hidden = cache.hidden
        dv = dscore.ravel() @ hidden.reshape(-1, hidden.shape[-1])
        dkeys = self.activation_gradient(hidden)  # without dscore, and v, as yet
        dq = (dscore[:, None] @ dkeys)[:, 0] * self.v
        dkeys *= dscore[..., None]  # without v
        return dq, dkeys, {"v": dv}, None

    def query_backward(self, dq: np.ndarray) -> np.ndarray:
        """Return dquery (B, H) from dq (B, A)."""
        return dq @ self.W_q.T  # (1)

    def gradient(
        self,
        query: np.ndarray,
        memory: np.ndarray,
        dq: np.ndarray,
        dkeys: np.ndarray,
        dvectors: dict[str, np.ndarray],
    ) -> tuple[Any, np.ndarray]:
        """Return the weights' gradient and dmemory (B, S, M) through the keys; the arguments are ``Attention``'s."""
        B, S, M = memory.shape
        dkeys = dkeys.reshape(B * S, -1) * self.v  # (2): the factor that score_backward left out
        dW_q = query.T @ dq  # (1)
        dW_k = memory.reshape(B * S, M).T @ dkeys  # (1)
        dmemory = (dkeys @ self.W_k.T).reshape(B, S, M)  # (1)
        return type(self)(W_q=dW_q, W_k=dW_k, **dvectors), dmemory


@record
class ReluAttention(AdditiveAttention):
    """Additive attention as tutorials write it: state and memory side by side, a linear layer, a ReLU.

    hidden_j = relu([query; memory_j] W + b) = relu(query W_q + memory_j W_k + b)   (1) W is W_q above W_k
    score_j  = hidden_j v                                                           (2)

    The product with W is a sum of two, so here, too, the memory's part is computed once a sentence, in the keys.
    """

    b: np.ndarray  # (A,)

    @classmethod
    def init(cls, rng: np.random.Generator, query: int, memory: int, size: int) -> "ReluAttention":
        """Glorot weights, zero bias."""
        W, v = glorot_uniform(rng, query + memory, size), glorot_uniform(rng, size, 1)[:, 0]
        return cls(W_q=W[:query], W_k=W[query:], v=v, b=np.zeros(size))

    def keys(self, memory: np.ndarray) -> np.ndarray:
        """Return memory W_k + b, (B, S, A)."""
        return super().keys(memory) + self.b

    def activation_inplace(self, hidden: np.ndarray) -> None:
        """hidden = max(hidden, 0), in place."""
        hidden *= hidden.real > 0

    def activation_gradient(self, hidden: np.ndarray) -> np.ndarray:
        """Return 1 where hidden (B, S, A) is above 0, else 0."""
        return (hidden > 0).astype(hidden.dtype)

    def gradient(
        self,
        query: np.ndarray,
        memory: np.ndarray,
        dq: np.ndarray,
        dkeys: np.ndarray,
        dvectors: dict[str, np.ndarray],
    ) -> tuple[Any, np.ndarray]:
        """Return the weights' gradient and dmemory (B, S, M) through the keys; the arguments are ``Attention``'s."""
        db = sum_rows(dkeys.reshape(-1, dkeys.shape[-1])) * self.v  # (1): b was broadcast over sentences and positions
        return super().gradient(query, memory, dq, dkeys, dvectors | {"b": db})


@record
class CoverageAttention(AdditiveAttention):
    """Additive attention that also sees how much weight each position has had: against repeated and forgotten words.

    hidden_j = tanh(query W_q + memory_j W_k + coverage_j w)   (1) coverage_j: sum of alpha_j over the steps before
    score_j  = hidden_j v                                      (2)

    References
    ----------
    Tu et al. 2016, arXiv 1601.04811, section 3.1: their linguistic coverage, the plain sum of the weights, without
    fertility.
    """

    w: np.ndarray  # (A,)

    uses_coverage = True

    @classmethod
    def init(cls, rng: np.random.Generator, query: int, memory: int, size: int) -> "CoverageAttention":
        """Glorot weights."""
        plain = AdditiveAttention.init(rng, query, memory, size)
        return cls(plain.W_q, plain.W_k, plain.v, w=glorot_uniform(rng, 1, size)[0])

    def score(self, query: np.ndarray, keys: np.ndarray, coverage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores (B, S) and hidden (B, S, A); coverage is (B, S)."""
        return super().score(query, keys + coverage[..., None] * self.w, None)  # (1), (2)

    def score_backward(
        self, dscore: np.ndarray, keys: np.ndarray, cache: AttendCache
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]:
        """Reverse ``score``, from dscore (B, S): two lines more than additive attention.

        dw          = sum over j, and over the sentences, of coverage_j dkeys_j   (1)
        dcoverage_j = dkeys_j . w                                                 (1)

        Both come here with the factor v, which the dkeys that are returned lack.
        """
        dq, dkeys, dvectors, _ = super().score_backward(dscore, keys, cache)
        dw = (cache.coverage.ravel() @ dkeys.reshape(-1, dkeys.shape[-1])) * self.v
        dcoverage = dkeys @ (self.v * self.w)
        return dq, dkeys, dvectors | {"w": dw}, dcoverage
