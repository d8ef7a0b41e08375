"""Weights to and from PyTorch: the same numbers under other names, stacked in another order.

    kind     PyTorch, in rows       ours, W_x     ours, W_h
    rnn      h                      h             h
    gru      r, z, n                r, z, n       r, z, n
    lstm     i, f, g, o             g, i, f, o    g, i, f, o

Layout. We hold one matrix (D, H) a gate and compute x W. PyTorch stacks the gates in the rows of one matrix (G H, D)
and multiplies by its transpose, so each block of H rows is one of our matrices transposed.

Biases. PyTorch adds two to every gate, b_ih beside x and b_hh beside h. In an RNN and an LSTM only their sum matters;
we have that sum, b. It goes to b_ih, with zeros in b_hh, and comes back as b_ih + b_hh. In a GRU the reset gate stands
between them, so we have both. Gradients cross like weights, but for these sums: each term of a sum gets all of its
gradient, so PyTorch's b_ih and b_hh get db each; add them up and you have 2 db.

States. PyTorch's LSTM takes (h, c), ours [h, c] side by side. The backward direction of a bidirectional layer reads
every sentence from its end; the layer above sees the outputs of both directions side by side, forward first.

No counterpart: GRUResetBefore here; ``nonlinearity="relu"``, ``bias=False`` and ``proj_size`` there.

Keras (``keras.layers.SimpleRNN``, ``GRU``, ``LSTM``), which is not supported yet: gates side by side in the columns, no
transpose. ``kernel`` is (inputs, gates * units), ``recurrent_kernel`` (units, gates * units). LSTM: i, f, c, o, where
its c is our g, and one ``bias`` (4 units,). GRU: z, r, h, where its h is our n, and h' = z h + (1 - z) n as here and in
PyTorch. With ``reset_after=True``, the default, it is our GRU and ``bias`` is (2, 3 units), b_x above b_h; with
``reset_after=False`` it is our GRUResetBefore and ``bias`` is (3 units,).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minis2s.layers.cell import Cell
from minis2s.layers.gru import GRU
from minis2s.layers.lstm import LSTM
from minis2s.layers.rnn import RNN


class Layout(NamedTuple):
    cell: type[RNN] | type[GRU] | type[LSTM]
    rows: str  # PyTorch's gates, from top to bottom
    W_x: str  # ours
    W_h: str


LAYOUTS = {
    "rnn": Layout(RNN, rows="h", W_x="h", W_h="h"),
    "gru": Layout(GRU, rows="rzn", W_x="rzn", W_h="rzn"),
    "lstm": Layout(LSTM, rows="ifgo", W_x="gifo", W_h="gifo"),
}


def to_pytorch(cell: RNN | GRU | LSTM, layer: int = 0, backward: bool = False) -> dict[str, np.ndarray]:
    """Return copies of a cell's weights as ``nn.RNN``, ``nn.GRU`` or ``nn.LSTM`` names and stacks them.

    Parameters
    ----------
    cell : an RNN, GRU or LSTM with inputs D and hidden size H
    layer : which layer of the PyTorch module, from 0
    backward : whether it is that layer's backward direction

    Returns
    -------
    arrays : weight_ih_l0 (G H, D), weight_hh_l0 (G H, H), bias_ih_l0 and bias_hh_l0 (G H,), dtype of the cell; for
        other layers and directions _l1, _l2 and so on, _l0_reverse

    Raises
    ------
    ValueError
        If the cell has no counterpart, or ``layer`` is negative.
    """
    kind = next((kind for kind, layout in LAYOUTS.items() if type(cell) is layout.cell), type(cell).__name__)
    _, rows, x, h = layout_of(kind)
    b_x, b_h = (cell.b_x, cell.b_h) if isinstance(cell, GRU) else (cell.b, np.zeros_like(cell.b))
    arrays = stack(cell.W_x, x, rows), stack(cell.W_h, h, rows), stack(b_x, x, rows)[:, 0], stack(b_h, h, rows)[:, 0]
    return dict(zip(names_of(layer, backward), arrays))


def from_pytorch(kind: str, arrays: Mapping[str, Any], layer: int = 0, backward: bool = False) -> Cell:
    """Return a cell with copies of the weights of one layer and direction of ``nn.RNN``, ``nn.GRU`` or ``nn.LSTM``.

    Parameters
    ----------
    kind : rnn, gru or lstm
    arrays : at least the four that ``to_pytorch`` returns, by the same names, as anything ``np.asarray`` takes: what
        ``np.load`` returns, or a module's ``state_dict()`` on the CPU
    layer, backward : as in ``to_pytorch``

    Raises
    ------
    ValueError
        If the kind has no counterpart, a name is missing, or an array is not of the shape and numbers it should be.
    """
    cell, rows, x, h = layout_of(kind)
    names = names_of(layer, backward)
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"no {', '.join(missing)} among the arrays; names have no prefix, and bias=False is not ours")
    weight_ih, weight_hh, bias_ih, bias_hh = found = [np.asarray(arrays[name]) for name in names]
    D, H = ((0, *weight.shape)[-1] for weight in (weight_ih, weight_hh))
    wanted = [(len(rows) * H, D), (len(rows) * H, H), (len(rows) * H,), (len(rows) * H,)]
    for name, array, shape in zip(names, found, wanted):
        if array.shape != shape or array.dtype.kind != "f":
            raise ValueError(f"{name} is {array.dtype} {array.shape}; {kind} with {H} units needs floats {shape}")
    W_x, W_h = unstack(weight_ih, rows, x), unstack(weight_hh, rows, h)
    if issubclass(cell, GRU):
        return cell(W_x, W_h, b_x=unstack(bias_ih[:, None], rows, x), b_h=unstack(bias_hh[:, None], rows, h))
    return cell(W_x, W_h, b=unstack((bias_ih + bias_hh)[:, None], rows, x))


def layout_of(kind: str) -> Layout:
    """Return the orders of a kind's gates, or raise ValueError if PyTorch has none of its kind."""
    if kind in ("gru_before", "GRUResetBefore"):
        raise ValueError("GRUResetBefore has no counterpart in PyTorch, whose GRU resets after the product: use a GRU")
    if kind not in LAYOUTS:
        raise ValueError(f"{kind!r} has no counterpart in PyTorch; choose one of {', '.join(LAYOUTS)}")
    return LAYOUTS[kind]


def names_of(layer: int, backward: bool) -> list[str]:
    """Return PyTorch's names of W_x, W_h, b_x, b_h in one layer and direction."""
    if layer < 0:
        raise ValueError(f"layer is {layer}; layers count from 0")
    return [f"{part}_l{layer}{'_reverse' * backward}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


def stack(W: np.ndarray, ours: str, rows: str) -> np.ndarray:
    """Return gates (G, D, H) transposed, one below the other in the order of ``rows``, (G H, D); biases have D = 1."""
    return np.ascontiguousarray(np.concatenate([W[ours.index(gate)].T for gate in rows]))


def unstack(W: np.ndarray, rows: str, ours: str) -> np.ndarray:
    """Reverse stack: return (G, D, H) from (G H, D)."""
    blocks = np.split(W, len(rows))
    return np.ascontiguousarray(np.stack([blocks[rows.index(gate)].T for gate in ours]))
