"""Luong's decoder: step first, then attend."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from minis2s.layers.attention import AttendCache, Attention, AttentionGradients
from minis2s.layers.cell import Cell, through_weights, transposed
from minis2s.layers.linear import Linear
from minis2s.layers.packing import step_slices
from minis2s.layers.record import record
from minis2s.layers.registry import ATTENTIONS, CELLS
from minis2s.models.config import Config
from minis2s.models.decoder_state import DecoderState


class LuongCache(NamedTuple):
    x: np.ndarray  # (N, D) what entered the cell: embeddings and, with input feeding, h~ of the step before
    previous_states: np.ndarray  # (N, C) the state each step began with
    activations: np.ndarray  # (P, N, H) named by the cell's ``activation_names``
    both: np.ndarray  # (N, M + H) context and state
    out: np.ndarray  # (N, H) h~
    reads: list[AttendCache]  # (T,) with score, alpha and coverage of each step
    memory: np.ndarray  # (B, S, M)
    keys: np.ndarray  # (B, S, A)
    batch_sizes: Sequence[int]


@record
class LuongDecoder:
    """Luong's order: the new state is the query, and the context joins it on the way to the output layer.

    s_t  = cell([y_{t-1}; h~_{t-1}], s_{t-1})   (1) h~ only with input feeding
    c_t  = attention(query = h_t, memory)       (2) h is the output part of the state s
    h~_t = tanh([c_t; h_t] W + b)               (3) the attentional state, which the output layer reads

    References
    ----------
    Luong, Pham & Manning 2015, arXiv 1508.04025, sections 3.1 and 3.3, equation (5); with a bias. Without input feeding
    (2) and (3) could run over all steps at once; one loop serves both.
    """

    attention: Attention
    cell: Cell  # input E, or E + H with input feeding
    combine: Linear  # M + H to H
    input_feeding: bool

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "LuongDecoder":
        """Additive scores are as wide as the state."""
        E, H, M = config.embedding, config.hidden, config.memory
        attention = ATTENTIONS[config.attention].init(rng, H, M, H)
        cell = CELLS[config.cell].init(rng, E + H * config.input_feeding, H)
        return cls(attention, cell, Linear.init(rng, M + H, H), config.input_feeding)

    def forward(
        self, y: np.ndarray, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray, batch_sizes: Sequence[int]
    ) -> tuple[np.ndarray, LuongCache]:
        """Run over packed targets, teacher-forced; arguments as in BahdanauDecoder. Return h~ (N, H)."""
        cell, keys, H = self.cell, self.attention.keys(memory), self.cell.hidden
        activations, s, W_f = cell.project(y), s0, cell.W_x[:, y.shape[-1] :]
        a, previous_states = activations[: len(W_f)], np.empty((len(y), s0.shape[-1]), y.dtype)
        both, reads = np.empty((len(y), memory.shape[-1] + H), y.dtype), []
        out, fed = np.empty((2, len(y), H), y.dtype)
        fed_now = np.zeros((len(s0), H), y.dtype)
        coverage = np.zeros(mask.shape, y.dtype) if self.attention.uses_coverage else None
        for rows, size in zip(step_slices(batch_sizes), batch_sizes):
            previous_states[rows], fed[rows] = s[:size], fed_now[:size]
            if self.input_feeding:
                a[:, rows] += fed[rows] @ W_f
            s = cell.step_inplace(activations[:, rows], previous_states[rows])  # (1)
            covered = None if coverage is None else coverage[:size]
            h = cell.hidden_of(s)
            context, read = self.attention.attend(h, keys[:size], memory[:size], mask[:size], covered)  # (2)
            both[rows] = np.concatenate([context, h], axis=-1)
            out[rows] = fed_now = np.tanh(self.combine.forward(both[rows])[0])  # (3)
            reads.append(read)
            coverage = None if coverage is None else covered + read.alpha
        x = np.concatenate([y, fed], axis=-1) if self.input_feeding else y
        return out, LuongCache(x, previous_states, activations, both, out, reads, memory, keys, batch_sizes)

    def backward(
        self, dout: np.ndarray, cache: LuongCache
    ) -> tuple["LuongDecoder", np.ndarray, np.ndarray, np.ndarray]:
        """Reverse forward: from dout (N, H) return the gradient, dy (N, E), ds0 (B, C) and dmemory (B, S, M)."""
        x, previous_states, activations, both, out, reads, memory, keys, batch_sizes = cache
        attention_gradients = AttentionGradients(self.attention, keys, memory, batch_sizes)
        cell, M = self.cell, memory.shape[-1]
        W_y, W_f = np.split(cell.W_x, [x.shape[-1] - cell.hidden * self.input_feeding], axis=1)
        W_fT, W_hT = transposed(W_f), transposed(cell.W_h)
        d, dstates = cell.local_gradients(activations, previous_states), np.zeros_like(previous_states)
        da, dcombined = d[: len(W_y)], 1 - out * out  # (3)
        dout, ds, dfed = dout.copy(), dstates[:0], out[:0]
        for rows, read in zip(reversed(step_slices(batch_sizes)), reversed(reads)):
            dout[rows][: len(dfed)] += dfed  # fork: h~ is an output and feeds the next step
            dcombined[rows] *= dout[rows]
            dcontext, dh = np.split(dcombined[rows] @ self.combine.W.T, [M], axis=-1)  # (3)
            dstates[rows][: len(ds)] = ds
            # (2); fork: h is combined with the context, is the query, and goes on to the next step
            cell.hidden_of(dstates[rows])[:] += dh + attention_gradients.step(rows, dcontext, read)
            ds = cell.step_backward_inplace(d[:, rows], activations[:, rows], dstates[rows], W_hT)  # (1)
            if self.input_feeding:
                dfed = through_weights(da[:, rows], W_fT)
        d_attention, dmemory = attention_gradients.gradient(both[:, M:], reads)
        d_combine, _ = self.combine.backward(dcombined, both)
        d_cell = cell.gradient(x, previous_states, activations, d)
        gradient = LuongDecoder(d_attention, d_cell, d_combine, self.input_feeding)
        return gradient, through_weights(da, transposed(W_y)), ds, dmemory

    def start(self, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray) -> DecoderState:
        """Return the state before the first step, from s0 (B, C), memory (B, S, M) and mask (B, S)."""
        nowhere = np.zeros(mask.shape, memory.dtype)
        coverage = nowhere if self.attention.uses_coverage else None
        first = np.zeros((len(s0), self.cell.hidden), memory.dtype)
        return DecoderState(s0, first, memory, self.attention.keys(memory), mask, nowhere, coverage)

    def step(self, y: np.ndarray, state: DecoderState) -> DecoderState:
        """Take one step from embeddings y (B, E) of the previous tokens."""
        x = np.concatenate([y, state.out], axis=-1) if self.input_feeding else y
        s, _ = self.cell.step(x, state.s)  # (1)
        h = self.cell.hidden_of(s)
        context, read = self.attention.attend(h, state.keys, state.memory, state.mask, state.coverage)  # (2)
        out = np.tanh(self.combine.forward(np.concatenate([context, h], axis=-1))[0])  # (3)
        coverage = None if state.coverage is None else state.coverage + read.alpha
        return replace(state, s=s, out=out, alpha=read.alpha, coverage=coverage)
