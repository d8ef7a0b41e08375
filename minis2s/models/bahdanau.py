"""Bahdanau's decoder: attend first, then step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from minis2s.layers.attention import AttendCache, Attention, AttentionGradients
from minis2s.layers.cell import Cell, through_weights, transposed
from minis2s.layers.packing import step_slices
from minis2s.layers.record import record
from minis2s.layers.registry import ATTENTIONS, CELLS
from minis2s.models.config import Config
from minis2s.models.decoder_state import DecoderState


class BahdanauCache(NamedTuple):
    y: np.ndarray  # (N, E)
    previous_states: np.ndarray  # (N, C) the state each step began with; its h is the query
    contexts: np.ndarray  # (N, M)
    activations: np.ndarray  # (P, N, H) named by the cell's ``activation_names``
    reads: list[AttendCache]  # (T,) with score, alpha and coverage of each step
    memory: np.ndarray  # (B, S, M)
    keys: np.ndarray  # (B, S, A)
    batch_sizes: Sequence[int]


@record
class BahdanauDecoder:
    """Bahdanau's order: the previous state is the query, and the context is an input of the cell.

    c_t = attention(query = h_{t-1}, memory)   (1) h is the output part of the state s
    s_t = cell([y_{t-1}; c_t], s_{t-1})        (2) y_{t-1} is the embedding of the target token before

    References
    ----------
    Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, section 3.1. Here the output layer reads h_t alone (theirs: a maxout
    of the state, y_{t-1} and c_t).
    """

    attention: Attention
    cell: Cell  # input E + M

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "BahdanauDecoder":
        """Attention as wide as the state."""
        H, M = config.hidden, config.memory
        attention = ATTENTIONS[config.attention].init(rng, H, M, H)
        return cls(attention, CELLS[config.cell].init(rng, config.embedding + M, H))

    def forward(
        self, y: np.ndarray, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray, batch_sizes: Sequence[int]
    ) -> tuple[np.ndarray, BahdanauCache]:
        """Run over packed targets, teacher-forced.

        Parameters
        ----------
        y : (N, E) packed embeddings of the previous target tokens
        s0 : (B, C) first states, longest target first
        memory : (B, S, M)
        mask : (B, S) bool, True = real source token
        batch_sizes : of the targets at each step

        Returns
        -------
        hs : (N, H), the output after each step
        """
        cell, keys = self.cell, self.attention.keys(memory)
        activations, s, W_c = cell.project(y), s0, cell.W_x[:, y.shape[-1] :]
        a = activations[: len(W_c)]
        states, previous_states = np.empty((2, len(y), s0.shape[-1]), y.dtype)
        contexts, reads = np.empty((len(y), memory.shape[-1]), y.dtype), []
        coverage = np.zeros(mask.shape, y.dtype) if self.attention.uses_coverage else None
        for rows, size in zip(step_slices(batch_sizes), batch_sizes):
            previous_states[rows] = s[:size]
            covered = None if coverage is None else coverage[:size]
            query = cell.hidden_of(previous_states[rows])
            contexts[rows], read = self.attention.attend(query, keys[:size], memory[:size], mask[:size], covered)  # (1)
            a[:, rows] += contexts[rows] @ W_c
            states[rows] = s = cell.step_inplace(activations[:, rows], previous_states[rows])  # (2)
            reads.append(read)
            coverage = None if coverage is None else covered + read.alpha
        cache = BahdanauCache(y, previous_states, contexts, activations, reads, memory, keys, batch_sizes)
        return cell.hidden_of(states), cache

    def backward(
        self, dhs: np.ndarray, cache: BahdanauCache
    ) -> tuple["BahdanauDecoder", np.ndarray, np.ndarray, np.ndarray]:
        """Reverse forward: from dhs (N, H) return the gradient, dy (N, E), ds0 (B, C) and dmemory (B, S, M)."""
        y, previous_states, contexts, activations, reads, memory, keys, batch_sizes = cache
        cell, attention_gradients = self.cell, AttentionGradients(self.attention, keys, memory, batch_sizes)
        W_y, W_c = np.split(cell.W_x, [y.shape[-1]], axis=1)
        W_cT, W_hT = transposed(W_c), transposed(cell.W_h)
        d, dstates = cell.local_gradients(activations, previous_states), cell.state_gradient(dhs)
        da, ds = d[: len(W_y)], dstates[:0]
        for rows, read in zip(reversed(step_slices(batch_sizes)), reversed(reads)):
            dstates[rows][: len(ds)] += ds  # fork: a state is an output and the next step's input
            ds = cell.step_backward_inplace(d[:, rows], activations[:, rows], dstates[rows], W_hT)  # (2)
            dcontext = through_weights(da[:, rows], W_cT)
            # (1); fork: the state fed the cell and was the query
            cell.hidden_of(ds)[:] += attention_gradients.step(rows, dcontext, read)
        d_attention, dmemory = attention_gradients.gradient(cell.hidden_of(previous_states), reads)
        d_cell = cell.gradient(np.concatenate([y, contexts], axis=-1), previous_states, activations, d)
        return BahdanauDecoder(d_attention, d_cell), through_weights(da, transposed(W_y)), ds, dmemory

    def start(self, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray) -> DecoderState:
        """Return the state before the first step, from s0 (B, C), memory (B, S, M) and mask (B, S)."""
        nowhere = np.zeros(mask.shape, memory.dtype)
        coverage = nowhere if self.attention.uses_coverage else None
        return DecoderState(s0, self.cell.hidden_of(s0), memory, self.attention.keys(memory), mask, nowhere, coverage)

    def step(self, y: np.ndarray, state: DecoderState) -> DecoderState:
        """Take one step from embeddings y (B, E) of the previous tokens."""
        query = self.cell.hidden_of(state.s)
        context, read = self.attention.attend(query, state.keys, state.memory, state.mask, state.coverage)  # (1)
        s, _ = self.cell.step(np.concatenate([y, context], axis=-1), state.s)  # (2)
        coverage = None if state.coverage is None else state.coverage + read.alpha
        return replace(state, s=s, out=self.cell.hidden_of(s), alpha=read.alpha, coverage=coverage)
