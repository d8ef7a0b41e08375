"""What all kinds of attention share: a query looks at a memory and brings back a weighted mean."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minis2s.layers.functions import softmax
from minis2s.layers.packing import unpack


class ReadCache(NamedTuple):
    query: np.ndarray  # (B, H)
    hidden: np.ndarray | None  # (B, S, A) of the additive scores
    score: np.ndarray  # (B, S) -inf on padding
    alpha: np.ndarray  # (B, S) what a plot shows
    coverage: np.ndarray | None  # (B, S) sum of alpha over the steps before


class AttentionCache(NamedTuple):
    memory: np.ndarray  # (B, S, M)
    keys: np.ndarray  # (B, S, A)
    read: ReadCache


class Attention:
    """Where to look: score every source position against the query, and read by the softmax of the scores.

    score_j = how well memory_j answers the query      (1) each kind its own way
    alpha   = softmax(score)                           (2) over real source tokens
    context = sum_j alpha_j memory_j                   (3)

    A decoder calls ``keys`` once a sentence (1.06 to 1.36 times as fast as once a step, most for large models) and
    ``read`` once a step. It gathers in its backward loop what ``gradient`` turns into the weights' gradient afterwards.
    ``forward`` is one read on its own. A kind of attention gives ``init``, ``keys``, ``score`` and, backward,
    ``score_backward``, ``query_backward`` and ``gradient``.
    """

    equal_sizes = False  # whether query and memory have to be equally wide
    covers = False  # whether the score knows where the steps before have looked

    def read(
        self,
        query: np.ndarray,
        keys: np.ndarray,
        memory: np.ndarray,
        mask: np.ndarray,
        coverage: np.ndarray | None = None,
    ) -> tuple[np.ndarray, ReadCache]:
        """Return the context (B, M) of a query (B, H), keys (B, S, A), memory (B, S, M), mask and coverage (B, S)."""
        score, hidden = self.score(query, keys, coverage)  # (1)
        score = np.where(mask, score, -np.inf)
        alpha = softmax(score)  # (2): e^-inf = 0, exactly
        return (alpha[:, None] @ memory)[:, 0], ReadCache(query, hidden, score, alpha, coverage)  # (3)

    def read_backward(
        self,
        dcontext: np.ndarray,
        keys: np.ndarray,
        memory: np.ndarray,
        cache: ReadCache,
        dalpha: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """Reverse ``read`` as far as the scores' own inputs; ``dalpha`` (B, S) is the gradient of alpha from elsewhere.

        Returns
        -------
        dq : (B, A), gradient of the query as it meets the keys
        dkeys : (B, S, A), up to a factor that ``gradient`` may still owe
        dvectors : (n, A), gradient of the score's n own vectors, such as v
        dcoverage : (B, S), or None
        """
        alpha = cache.alpha
        d = (memory @ dcontext[..., None])[..., 0]  # (3)
        if dalpha is not None:
            d += dalpha  # fork: alpha weighs the memory and is counted in the coverage
        dscore = alpha * (d - (alpha * d).sum(-1, keepdims=True))  # (2)
        return self.score_backward(dscore, keys, cache)  # (1)

    def forward(
        self, query: np.ndarray, memory: np.ndarray, mask: np.ndarray, coverage: np.ndarray | None = None
    ) -> tuple[np.ndarray, AttentionCache]:
        """Return the context (B, M) for one query a sentence."""
        keys = self.keys(memory)
        context, read = self.read(query, keys, memory, mask, coverage)
        return context, AttentionCache(memory, keys, read)

    def backward(self, dcontext: np.ndarray, cache: AttentionCache) -> tuple[Any, ...]:
        """Reverse forward: return the gradient, dquery (B, H), dmemory (B, S, M) and, where it covers, dcoverage."""
        memory, keys, read = cache
        dq, dkeys, dvectors, dcoverage = self.read_backward(dcontext, keys, memory, read)
        gradient, dmemory = self.gradient(read.query, memory, dq, dkeys, dvectors)
        dmemory = dmemory + read.alpha[..., None] * dcontext[:, None]  # (3); fork: memory is keys and values
        dquery = self.query_backward(dq).copy()
        return gradient, dquery, dmemory, *([dcoverage] if self.covers else [])


class ReadsBackward:
    """Reverses a decoder's reads, the last one first, and gathers what becomes the weights' gradient after the loop.

    A new one for each backward pass: keys (B, S, A) and memory (B, S, M) of the sentences, and how many of them are
    alive at each step.
    """

    def __init__(self, attention: Attention, keys: np.ndarray, memory: np.ndarray, alive: Sequence[int]):
        self.attention, self.keys, self.memory, self.alive = attention, keys, memory, alive
        self.dcontexts = np.empty((sum(alive), memory.shape[-1]), memory.dtype)
        self.dq = np.empty((sum(alive), keys.shape[-1]), memory.dtype)
        self.dkeys, self.dvectors = np.zeros_like(keys), 0.0
        self.dcoverage = np.zeros(keys.shape[:2], memory.dtype) if attention.covers else None

    def step(self, now: slice, dcontext: np.ndarray, read: ReadCache) -> np.ndarray:
        """Reverse the read of a step, which is the packed rows ``now``; return dquery (B, H)."""
        size = now.stop - now.start
        dalpha = None if self.dcoverage is None else self.dcoverage[:size]  # later steps count this alpha as coverage
        self.dcontexts[now] = dcontext
        self.dq[now], dkeys, dvectors, dcoverage = self.attention.read_backward(
            dcontext, self.keys[:size], self.memory[:size], read, dalpha
        )
        self.dkeys[:size] += dkeys
        self.dvectors = self.dvectors + dvectors
        if self.dcoverage is not None:
            self.dcoverage[:size] += dcoverage  # fork: it is used now and carried on
        return self.attention.query_backward(self.dq[now])

    def gradient(self, queries: np.ndarray, reads: Sequence[ReadCache]) -> tuple[Any, np.ndarray]:
        """Return the attention's gradient and dmemory (B, S, M) from the queries (N, H) and caches of all steps."""
        gradient, dmemory = self.attention.gradient(queries, self.memory, self.dq, self.dkeys, self.dvectors)
        alphas = unpack(np.concatenate([read.alpha for read in reads]), self.alive)  # (B, T, S)
        dvalues = alphas.swapaxes(1, 2) @ unpack(self.dcontexts, self.alive)
        return gradient, dmemory + dvalues  # fork: the memory is read as keys and as values
