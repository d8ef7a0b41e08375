"""Target tokens to decoder states, with attention and without.

Both decoders answer the same calls, so a model, a search and a check need not know which one they hold:
``forward`` and ``backward`` over all steps of packed targets, ``start`` and ``step`` for one step of search.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from minis2s.layers.attention import AdditiveAttention, ReadCache
from minis2s.layers.gru import GRU, GRUCache, project_backward, transposed
from minis2s.layers.packing import sentence_of, steps_of, unpack
from minis2s.layers.record import record


class BahdanauCache(NamedTuple):
    y: np.ndarray  # (N, E)
    before: np.ndarray  # (N, H) the state each step began with, which is also its query
    contexts: np.ndarray  # (N, M)
    gates: np.ndarray  # (4, N, H) n, z, r, u_n
    reads: list[ReadCache]  # (T,) with alpha of each step
    memory: np.ndarray  # (B, S, M)
    alive: Sequence[int]


@record
class BahdanauState:
    """Everything search carries from step to step, a row a sentence."""

    s: np.ndarray  # (B, H)
    memory: np.ndarray  # (B, S, M)
    keys: np.ndarray  # (B, S, A)
    mask: np.ndarray  # (B, S)
    alpha: np.ndarray  # (B, S) where the last step looked

    def follow(self, rows: np.ndarray) -> "BahdanauState":
        """Return the state whose rows go on from ``rows``, each of the same sentence: only s moves, not the memory."""
        return replace(self, s=self.s[rows])


@record
class BahdanauDecoder:
    """Bahdanau's order: the previous state asks, and the context enters the cell.

    c_t = attention(query = s_{t-1}, memory)   (1)
    s_t = cell([y_{t-1}; c_t], s_{t-1})        (2) y_{t-1} is the embedding of the target token before

    References
    ----------
    Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, section 3.1. Here s_0 is the encoder's last state, the encoder reads
    one way (theirs: both), and the output layer reads s_t alone (theirs: a maxout of the state, y_{t-1} and c_t).
    """

    attention: AdditiveAttention
    cell: GRU  # input E + M

    @classmethod
    def init(cls, rng: np.random.Generator, embedding: int, hidden: int) -> "BahdanauDecoder":
        """Attention as wide as the state."""
        return cls(AdditiveAttention.init(rng, hidden, hidden, hidden), GRU.init(rng, embedding + hidden, hidden))

    def forward(
        self, y: np.ndarray, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray, alive: Sequence[int]
    ) -> tuple[np.ndarray, BahdanauCache]:
        """Run over packed targets, teacher-forced.

        Parameters
        ----------
        y : (N, E) packed embeddings of the previous target tokens
        s0 : (B, H) first states, longest target first
        memory : (B, S, M)
        mask : (B, S) bool, True = real source token
        alive : (T,) int, targets alive at each step

        Returns
        -------
        ss : (N, H), the state after each step
        """
        keys, gates, s = self.attention.keys(memory), self.cell.project(y), s0
        W_c = self.cell.W_x[:, y.shape[-1] :]
        ss, before = np.empty((2, len(y), s0.shape[-1]), y.dtype)
        contexts, reads = np.empty((len(y), memory.shape[-1]), y.dtype), []
        for now, size in zip(steps_of(alive), alive):
            before[now] = s[:size]
            contexts[now], read = self.attention.read(before[now], keys[:size], memory[:size], mask[:size])  # (1)
            gates[:3, now] += contexts[now] @ W_c
            ss[now] = s = self.cell.step_inplace(gates[:, now], before[now])  # (2)
            reads.append(read)
        return ss, BahdanauCache(y, before, contexts, gates, reads, memory, alive)

    def backward(
        self, dss: np.ndarray, cache: BahdanauCache
    ) -> tuple["BahdanauDecoder", np.ndarray, np.ndarray, np.ndarray]:
        """Reverse forward: return the gradient, dy (N, E), ds0 (B, H) and dmemory (B, S, M)."""
        y, before, contexts, gates, reads, memory, alive = cache
        W_y, W_c = np.split(self.cell.W_x, [y.shape[-1]], axis=1)
        W_cT, W_hT, W_qT = transposed(W_c), transposed(self.cell.W_h), self.attention.W_q.T.copy()
        d = self.cell.slopes(gates, before)
        dcontexts, dq = np.empty_like(contexts), np.empty((len(y), self.attention.v.size), y.dtype)
        dscore, dv = np.zeros(memory.shape[:2], y.dtype), np.zeros_like(self.attention.v)
        dscore_hidden2 = np.zeros((*dscore.shape, dv.size), y.dtype)
        dss, ds = dss.copy(), dss[:0]
        for now, read in zip(reversed(steps_of(alive)), reversed(reads)):
            dss[now][: len(ds)] += ds  # fork: a state is an output and the next step's input
            ds = self.cell.step_backward_inplace(d[:, now], dss[now], gates[1, now], W_hT)  # (2)
            dcontexts[now] = project_backward(d[:3, now], W_cT)
            size = len(ds)
            dq[now], *summed = self.attention.read_backward(dcontexts[now], memory[:size], read)  # (1)
            for total, part in zip((dscore[:size], dscore_hidden2[:size], dv), summed):
                total += part
            ds += dq[now] @ W_qT  # fork: the state fed the cell and asked the question
        d_attention, dmemory = self.attention.gradient(before, memory, dq, dscore, dscore_hidden2, dv)
        alphas = unpack(np.concatenate([read.alpha for read in reads]), alive)  # (B, T, S)
        dmemory += alphas.swapaxes(1, 2) @ unpack(dcontexts, alive)  # fork: memory is read as keys and as values
        d_cell = self.cell.gradient(np.concatenate([y, contexts], axis=-1), before, d)
        return BahdanauDecoder(d_attention, d_cell), project_backward(d[:3], transposed(W_y)), ds, dmemory

    def start(self, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray) -> BahdanauState:
        """Return the state before the first step."""
        alpha = np.zeros(mask.shape, memory.dtype)
        return BahdanauState(s0, memory, self.attention.keys(memory), mask, alpha)

    def step(self, y: np.ndarray, state: BahdanauState) -> BahdanauState:
        """Take one step from embeddings y (B, E) of the previous tokens."""
        context, read = self.attention.read(state.s, state.keys, state.memory, state.mask)  # (1)
        gates = self.cell.project(np.concatenate([y, context], axis=-1))
        s = self.cell.step_inplace(gates, state.s)  # (2)
        return BahdanauState(s, state.memory, state.keys, state.mask, read.alpha)


class PlainCache(NamedTuple):
    memory: np.ndarray
    cell: GRUCache


@record
class PlainState:
    """Everything search carries from step to step, a row a sentence."""

    s: np.ndarray  # (B, H)
    context: np.ndarray  # (B, H)
    alpha: None = None  # it looks nowhere

    def follow(self, rows: np.ndarray) -> "PlainState":
        """Return the state whose rows go on from ``rows``, each of the same sentence."""
        return replace(self, s=self.s[rows])


@record
class PlainDecoder:
    """One vector holds the whole sentence: the encoder's last state starts the decoder and is fed at each step.

    c   = s_0                            (1)
    s_t = cell([y_{t-1}; c], s_{t-1})    (2) y_{t-1} is the embedding of the target token before

    References
    ----------
    Cho et al. 2014, arXiv 1406.1078, section 2.2 (theirs: s_0 = tanh(V c), and the output
    reads s_t, y_{t-1} and c).
    """

    cell: GRU  # input E + H

    @classmethod
    def init(cls, rng: np.random.Generator, embedding: int, hidden: int) -> "PlainDecoder":
        """One cell."""
        return cls(GRU.init(rng, embedding + hidden, hidden))

    def forward(
        self, y: np.ndarray, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray, alive: Sequence[int]
    ) -> tuple[np.ndarray, PlainCache]:
        """Run over packed targets; arguments as in BahdanauDecoder. Memory and mask are not looked at."""
        context = s0[sentence_of(alive)]  # (N, H) (1)
        ss, cell = self.cell.forward(np.concatenate([y, context], axis=-1), s0, alive)  # (2)
        return ss, PlainCache(memory, cell)

    def backward(self, dss: np.ndarray, cache: PlainCache) -> tuple["PlainDecoder", np.ndarray, np.ndarray, np.ndarray]:
        """Reverse forward: return the gradient, dy (N, E), ds0 (B, H) and dmemory, which is zero."""
        d_cell, dx, ds0 = self.cell.backward(dss, cache.cell)  # (2)
        E = dx.shape[-1] - ds0.shape[-1]
        ds0 += unpack(dx[:, E:], cache.cell.alive).sum(1)  # (1); fork: s_0 is the context of every step
        return PlainDecoder(d_cell), dx[:, :E], ds0, np.zeros_like(cache.memory)

    def start(self, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray) -> PlainState:
        """Return the state before the first step."""
        return PlainState(s0, s0)

    def step(self, y: np.ndarray, state: PlainState) -> PlainState:
        """Take one step from embeddings y (B, E) of the previous tokens."""
        gates = self.cell.project(np.concatenate([y, state.context], axis=-1))
        return PlainState(self.cell.step_inplace(gates, state.s), state.context)


DECODERS = {"attention": BahdanauDecoder, "plain": PlainDecoder}
