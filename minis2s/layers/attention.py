"""What all kinds of attention share: the softmax of scores, and the weighted mean of a memory."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minis2s.layers.activations import softmax
from minis2s.layers.packing import unpack


class AttendCache(NamedTuple):
    query: np.ndarray  # (B, H)
    hidden: Any  # (B, S, A) of the additive scores, else None
    score: np.ndarray  # (B, S) -inf on padding
    alpha: np.ndarray  # (B, S) the attention weights, which plots show
    coverage: Any  # (B, S) sum of alpha over the steps before, or None


class AttentionCache(NamedTuple):
    memory: np.ndarray  # (B, S, M)
    keys: np.ndarray  # (B, S, A)
    read: AttendCache


class Attention:
    """Score every source position against the query, and weigh the memory by the softmax of the scores.

    score_j = how well memory_j answers the query      (1), (2) the subclasses say how
    alpha   = softmax(score)                           (3) over real source tokens
    context = sum_j alpha_j memory_j                   (4)

    The memory is used twice: as keys in (1) and as values in (4), so dmemory has two parts.

    A decoder calls ``keys`` once a sentence and ``attend`` once a step. Backward, it calls ``attend_backward`` once a
    step, lays dq of all steps one below the other, sums dkeys and dvectors over the steps, and calls ``gradient`` once,
    which turns these into the weights' gradient and the keys' part of dmemory (``AttentionGradients`` does all that).
    ``forward`` and ``backward`` are all of this for a single step. A subclass has ``init``, ``keys``,
    ``score`` and, backward, ``score_backward``, ``query_backward`` and ``gradient``, as at the end of this class.
    """

    equal_sizes = False  # whether query and memory have to be equally wide
    uses_coverage = False  # whether the score uses the sum of alpha over the steps before

    def attend(
        self,
        query: np.ndarray,
        keys: np.ndarray,
        memory: np.ndarray,
        mask: np.ndarray,
        coverage: np.ndarray | None = None,
    ) -> tuple[np.ndarray, AttendCache]:
        """Return the context (B, M) of a query (B, H), keys (B, S, A), memory (B, S, M), mask and coverage (B, S).

        mask is True on real tokens; coverage is 0 before the first step, and each step adds its alpha.
        """
        score, hidden = self.score(query, keys, coverage)  # (1), (2)
        score = np.where(mask, score, -np.inf)
        alpha = softmax(score)  # (3): e^-inf = 0, exactly
        return (alpha[:, None] @ memory)[:, 0], AttendCache(query, hidden, score, alpha, coverage)  # (4)

    def attend_backward(
        self,
        dcontext: np.ndarray,
        keys: np.ndarray,
        memory: np.ndarray,
        cache: AttendCache,
        dcounted: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
        """Reverse ``attend`` as far as q, keys and the score's vectors. What can wait until after the loop does.

        dalpha_j = memory_j . dcontext + dcounted_j                     (4), and coverage
        dscore_i = alpha_i (dalpha_i - sum_j alpha_j dalpha_j)          (3)

        Every alpha_j depends on score_i, which is in the sum that softmax divides by; hence the second term. On padding
        alpha is 0, so dscore is 0, too.

        Parameters
        ----------
        dcontext : (B, M)
        keys, memory : (B, S, A) and (B, S, M), as given to ``attend``
        dcounted : (B, S), gradient that alpha gets where it is counted, in the coverage of later steps

        Returns
        -------
        dq : (B, A), gradient of q = query W_q, which meets the keys (of the query itself, where there is no W_q)
        dkeys : (B, S, A); a factor that all steps share, such as v, may be left to ``gradient``
        dvectors : (A,) each, gradients of the score's own vectors by their name, such as "v"
        dcoverage : (B, S), or None
        """
        alpha = cache.alpha
        dalpha = (memory @ dcontext[..., None])[..., 0]  # (4)
        if dcounted is not None:
            dalpha += dcounted  # fork: alpha weighs the memory and is counted in the coverage
        dscore = alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))  # (3)
        return self.score_backward(dscore, keys, cache)  # (2), (1)

    def forward(
        self, query: np.ndarray, memory: np.ndarray, mask: np.ndarray, coverage: np.ndarray | None = None
    ) -> tuple[np.ndarray, AttentionCache]:
        """Return the context (B, M) of query (B, H), memory (B, S, M), mask and coverage (B, S)."""
        keys = self.keys(memory)
        context, read = self.attend(query, keys, memory, mask, coverage)
        return context, AttentionCache(memory, keys, read)

    def backward(self, dcontext: np.ndarray, cache: AttentionCache) -> tuple[Any, ...]:
        """Reverse forward: return the gradient, dquery (B, H), dmemory (B, S, M) and, if used, dcoverage (B, S)."""
        memory, keys, read = cache
        dq, dkeys, dvectors, dcoverage = self.attend_backward(dcontext, keys, memory, read)
        gradient, dmemory = self.gradient(read.query, memory, dq, dkeys, dvectors)
        dmemory = dmemory + read.alpha[..., None] * dcontext[:, None]  # (4); fork: memory is keys and values
        dquery = self.query_backward(dq).copy()  # of a dot product it is dq itself
        return gradient, dquery, dmemory, *([dcoverage] if self.uses_coverage else [])

    @classmethod
    def init(cls, rng: np.random.Generator, query: int, memory: int, size: int) -> "Attention":
        """Return an attention with random weights: H, M and A."""
        raise NotImplementedError

    def keys(self, memory: np.ndarray) -> np.ndarray:
        """Return what the query is held against, (B, S, A)."""
        raise NotImplementedError

    def score(self, query: np.ndarray, keys: np.ndarray, coverage: Any) -> tuple[np.ndarray, Any]:
        """Return the scores (B, S), and for the way back ``hidden`` or None; coverage is (B, S) or None."""
        raise NotImplementedError

    def score_backward(
        self, dscore: np.ndarray, keys: np.ndarray, cache: AttendCache
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
        """Reverse ``score``: from dscore (B, S) return what ``attend_backward`` returns."""
        raise NotImplementedError

    def query_backward(self, dq: np.ndarray) -> np.ndarray:
        """Return dquery (B, H) from dq (B, A)."""
        raise NotImplementedError

    def gradient(
        self,
        query: np.ndarray,
        memory: np.ndarray,
        dq: np.ndarray,
        dkeys: np.ndarray,
        dvectors: dict[str, np.ndarray],
    ) -> tuple[Any, np.ndarray]:
        """Return the weights' gradient and dmemory (B, S, M) through the keys.

        query (N, H) and dq (N, A) have one row for each sentence and step. dkeys (B, S, A) and dvectors, (A,) by name,
        are what ``attend_backward`` returned, summed over the steps; memory is (B, S, M).
        """
        raise NotImplementedError


class AttentionGradients:
    """Reverses ``attend`` of all steps of a decoder, the last step first, and sums what the weights' gradient needs.

    A new one for each backward pass, from keys (B, S, A), memory (B, S, M) and batch_sizes (T,) of the targets: how
    many sentences have a step t, the longest sentences first. N is their sum, one row for each sentence and step.
    """

    def __init__(self, attention: Attention, keys: np.ndarray, memory: np.ndarray, batch_sizes: Sequence[int]):
        self.attention, self.keys, self.memory, self.batch_sizes = attention, keys, memory, batch_sizes
        self.dcontexts = np.empty((sum(batch_sizes), memory.shape[-1]), memory.dtype)
        self.dq = np.empty((sum(batch_sizes), keys.shape[-1]), memory.dtype)
        self.dkeys = np.zeros_like(keys)
        self.dvectors: dict[str, np.ndarray] = {}
        self.dcoverage = np.zeros(keys.shape[:2], memory.dtype) if attention.uses_coverage else None

    def step(self, rows: slice, dcontext: np.ndarray, read: AttendCache) -> np.ndarray:
        """Reverse ``attend`` of one step, from dcontext (n, M); return dquery (n, H).

        rows : where the step's n sentences, the first n of the batch, stand among the N rows
        """
        size = rows.stop - rows.start
        dcounted = None if self.dcoverage is None else self.dcoverage[:size]  # later steps count this alpha
        self.dcontexts[rows] = dcontext
        self.dq[rows], dkeys, dvectors, dcoverage = self.attention.attend_backward(
            dcontext, self.keys[:size], self.memory[:size], read, dcounted
        )
        self.dkeys[:size] += dkeys
        for name, dvector in dvectors.items():
            self.dvectors[name] = self.dvectors.get(name, 0.0) + dvector
        if self.dcoverage is not None:
            self.dcoverage[:size] += dcoverage  # fork: coverage is used in this step and carried on to the next
        return self.attention.query_backward(self.dq[rows])

    def gradient(self, queries: np.ndarray, reads: Sequence[AttendCache]) -> tuple[Any, np.ndarray]:
        """Return the attention's gradient and dmemory (B, S, M) from queries (N, H) and caches, in forward's order."""
        gradient, dmemory = self.attention.gradient(queries, self.memory, self.dq, self.dkeys, self.dvectors)
        alphas = unpack(np.concatenate([read.alpha for read in reads]), self.batch_sizes)  # (B, T, S), 0 after the end
        dvalues = alphas.swapaxes(1, 2) @ unpack(self.dcontexts, self.batch_sizes)  # (4)
        return gradient, dmemory + dvalues  # fork: the memory is read as keys and as values
