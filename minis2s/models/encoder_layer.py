"""One layer of the encoder: a cell in each direction of reading."""

from typing import Any, NamedTuple

import numpy as np

from minis2s.data.batches import PackedBatch
from minis2s.layers.cell import Cell, CellCache
from minis2s.layers.layer_norm import LayerNorm
from minis2s.layers.record import record


class EncoderLayerCache(NamedTuple):
    source: PackedBatch
    cells: list[CellCache]  # one a direction
    norm: Any  # its LayerNormCache, or None


@record
class EncoderLayer:
    """One cell, which reads from left to right, or two over the same input, the second from right to left.

    s_t = cell(x_t, s_{t-1})                  (1) the second cell takes each sentence reversed
    y_t = [h of the first; h of the second]_t (2) h is the output part of the state s; then layer norm, if there is one
    end = each cell's state after the last token that it reads (3)

    References
    ----------
    Schuster & Paliwal 1997, "Bidirectional recurrent neural networks".
    """

    cells: tuple[Cell, ...]  # one, or two of half the width
    norm: LayerNorm | None = None

    def forward(
        self, x: np.ndarray, s0: np.ndarray, source: PackedBatch
    ) -> tuple[tuple[np.ndarray, np.ndarray], EncoderLayerCache]:
        """Run over packed sentences.

        Parameters
        ----------
        x : (N, D) packed input
        s0 : (directions, B, C) first states
        source : the index of the batch

        Returns
        -------
        y : (N, M) the outputs of all directions side by side
        ends : (directions, B, C) last states
        """
        hs, ends, caches = [], [], []
        for cell, direction, first in zip(self.cells, source.directions(len(self.cells)), s0):
            states, cache = cell.forward(x[direction], first[source.order], source.batch_sizes)  # (1)
            hs.append(cell.hidden_of(states)[direction])
            ends.append(states[source.last])  # (3)
            caches.append(cache)
        y, norm = np.concatenate(hs, axis=-1), None  # (2)
        if self.norm is not None:
            y, norm = self.norm.forward(y)
        return (y, np.stack(ends)), EncoderLayerCache(source, caches, norm)

    def backward(
        self, dy_dends: tuple[np.ndarray, np.ndarray], cache: EncoderLayerCache
    ) -> tuple["EncoderLayer", np.ndarray, np.ndarray]:
        """Reverse forward: from dy (N, M) and dends (directions, B, C) return the gradient, dx (N, D) and ds0."""
        dy, dends = dy_dends
        source, caches, norm = cache
        d_norm = None
        if self.norm is not None:
            d_norm, dy = self.norm.backward(dy, norm)
        dhs = dy.reshape(len(dy), len(self.cells), -1)  # (2)
        d_cells, dxs, ds0 = [], [], np.empty_like(dends)
        for i, (cell, direction) in enumerate(zip(self.cells, source.directions(len(self.cells)))):
            dstates = cell.state_gradient(dhs[direction, i])
            # (3); fork: a last state is also an output; no row stands there twice, so += keeps them all
            dstates[source.last] += dends[i]
            d_cell, dx, ds0[i, source.order] = cell.backward(dstates, caches[i])  # (1)
            d_cells.append(d_cell)
            dxs.append(dx[direction])
        return EncoderLayer(tuple(d_cells), d_norm), sum(dxs[1:], start=dxs[0]), ds0  # fork: all directions read x
