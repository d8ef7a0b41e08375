"""The decoder without attention."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minis2s.layers.cell import Cell, CellCache
from minis2s.layers.packing import sentence_of, unpack
from minis2s.layers.record import record
from minis2s.layers.registry import CELLS
from minis2s.models.config import Config
from minis2s.models.decoder_state import DecoderState


class PlainCache(NamedTuple):
    memory: np.ndarray
    cell: CellCache


@record
class PlainDecoder:
    """One vector holds the whole sentence: the encoder's last state starts the decoder and is fed at each step.

    c   = the output part of s_0         (1)
    s_t = cell([y_{t-1}; c], s_{t-1})    (2) y_{t-1} is the embedding of the target token before

    References
    ----------
    Cho et al. 2014, arXiv 1406.1078, section 2.2 and the appendix (theirs: s_0 = tanh(V c), and
    the output reads s_t, y_{t-1} and c).
    """

    cell: Cell  # input E + H

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "PlainDecoder":
        """One cell."""
        return cls(CELLS[config.cell].init(rng, config.embedding + config.hidden, config.hidden))

    def forward(
        self, y: np.ndarray, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray, batch_sizes: Sequence[int]
    ) -> tuple[np.ndarray, PlainCache]:
        """Run over packed targets y (N, E); arguments as in BahdanauDecoder; memory and mask are not used."""
        context = self.cell.hidden_of(s0)[sentence_of(batch_sizes)]  # (N, H) (1)
        states, cell = self.cell.forward(np.concatenate([y, context], axis=-1), s0, batch_sizes)  # (2)
        return self.cell.hidden_of(states), PlainCache(memory, cell)

    def backward(self, dhs: np.ndarray, cache: PlainCache) -> tuple["PlainDecoder", np.ndarray, np.ndarray, np.ndarray]:
        """Reverse forward: return the gradient, dy (N, E), ds0 (B, C) and dmemory, which is zero."""
        d_cell, dx, ds0 = self.cell.backward(self.cell.state_gradient(dhs), cache.cell)  # (2)
        E = dx.shape[-1] - self.cell.hidden
        dcontext = unpack(dx[:, E:], cache.cell.batch_sizes).sum(1)
        ds0[:, : self.cell.hidden] += dcontext  # (1); fork: s_0 starts the cell and is the context of every step
        return PlainDecoder(d_cell), dx[:, :E], ds0, np.zeros_like(cache.memory)

    def start(self, s0: np.ndarray, memory: np.ndarray, mask: np.ndarray) -> DecoderState:
        """Return the state before the first step, from s0 (B, C); memory and mask are not used."""
        return DecoderState(s0, out=self.cell.hidden_of(s0), memory=self.cell.hidden_of(s0))

    def step(self, y: np.ndarray, state: DecoderState) -> DecoderState:
        """Take one step from embeddings y (B, E) of the previous tokens."""
        s, _ = self.cell.step(np.concatenate([y, state.memory], axis=-1), state.s)  # (2)
        return DecoderState(s, out=self.cell.hidden_of(s), memory=state.memory)
