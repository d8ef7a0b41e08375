"""What all recurrent cells share: one interface, and whole sequences from single steps."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from minis2s.layers.packing import step_slices


class CellCache(NamedTuple):
    x: np.ndarray  # (N, D) packed input
    s: np.ndarray  # (N, C) the state each step began with
    activations: np.ndarray  # (P, N, H) named by the cell's ``activation_names``
    batch_sizes: Sequence[int]


class Cell:
    """A recurrent cell: a record of W_x (G, D, H), W_h (G, H, H) and biases, one matrix a gate.

    Its state has one row a sentence, (B, C): the output h in the first H columns, then what else the cell remembers. So
    C is H, or 2 H for an LSTM. A step's activations lie in one buffer (P, B, H), named by ``activation_names``; the
    first G are the gates that x feeds. Every gate is contiguous, which is faster than gates side by side in one row.

    A subclass has ``init`` and the plain pair ``step`` and ``step_backward``, which read like the equations; for packed
    sequences ``project``, ``step_inplace`` and, backward, ``local_gradients``, ``step_backward_inplace`` and
    ``gradient``. ``forward`` and ``backward`` run these over whole sequences; decoders run them in loops of their own.
    """

    activation_names: ClassVar[tuple[str, ...]]  # of the P activations
    states_per_hidden: ClassVar[int] = 1  # C / H

    W_x: np.ndarray
    W_h: np.ndarray

    @property
    def hidden(self) -> int:
        """H, the width of the output."""
        return self.W_h.shape[-1]

    @property
    def state_size(self) -> int:
        """C, the width of the state."""
        return self.states_per_hidden * self.hidden

    def hidden_of(self, s: np.ndarray) -> np.ndarray:
        """Return h (..., H), the part of states (..., C) that the next layer sees."""
        return s[..., : self.hidden]

    def state_gradient(self, dh: np.ndarray) -> np.ndarray:
        """Return a fresh gradient of states (N, C) from that of their outputs, dh (N, H); it is zero beside h."""
        ds = np.zeros((len(dh), self.state_size), dh.dtype)
        ds[:, : self.hidden] = dh
        return ds

    def start_activations(self, x: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """Return the buffer (P, N, H) with x W_x + bias in the first G, for all steps at once.

        x (N, D) may be only the first D inputs of the cell: a decoder adds the product of the others, such as the
        context, before each step. bias is (G, 1, H).
        """
        activations = np.empty((len(self.activation_names), len(x), self.hidden), x.dtype)
        a = activations[: len(self.W_x)]
        np.matmul(x, self.W_x[:, : x.shape[-1]], out=a)
        a += bias
        return activations

    def forward(self, x: np.ndarray, s0: np.ndarray, batch_sizes: Sequence[int]) -> tuple[np.ndarray, CellCache]:
        """Run over packed sequences.

        Parameters
        ----------
        x : (N, D) packed input
        s0 : (B, C) first states, longest sentence first
        batch_sizes : (T,) int, how many sentences are longer than t, for each t

        Returns
        -------
        states : (N, C), the state after each step

        Raises
        ------
        ValueError
            If ``batch_sizes`` and x disagree.
        """
        if sum(batch_sizes) != len(x):
            raise ValueError(f"batch_sizes count {sum(batch_sizes)} rows, x has {len(x)}")
        activations, s = self.project(x), s0
        states, previous_states = np.empty((2, len(x), s0.shape[-1]), x.dtype)
        for rows in step_slices(batch_sizes):
            previous_states[rows] = s[: rows.stop - rows.start]
            states[rows] = s = self.step_inplace(activations[:, rows], previous_states[rows])
        return states, CellCache(x, previous_states, activations, batch_sizes)

    def backward(self, dstates: np.ndarray, cache: CellCache) -> tuple[Any, np.ndarray, np.ndarray]:
        """Reverse forward: from dstates (N, C) return the gradient, dx (N, D) and ds0 (B, C)."""
        x, s, activations, batch_sizes = cache
        d, W_hT = self.local_gradients(activations, s), transposed(self.W_h)
        dstates, ds = dstates.copy(), dstates[:0]  # ds comes from the future: nothing yet
        for rows in reversed(step_slices(batch_sizes)):
            # fork: a state is an output and the next step's input; rows of unfinished sentences come first
            dstates[rows][: len(ds)] += ds
            ds = self.step_backward_inplace(d[:, rows], activations[:, rows], dstates[rows], W_hT)
        return self.gradient(x, s, activations, d), through_weights(d[: len(self.W_x)], transposed(self.W_x)), ds

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, hidden: int) -> "Cell":
        """Return a cell with random weights."""
        raise NotImplementedError

    def step(self, x: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the next state (B, C) from x (B, D) and s (B, C), and the cell's own cache."""
        raise NotImplementedError

    def step_backward(self, ds_new: np.ndarray, cache: Any) -> tuple["Cell", np.ndarray, np.ndarray]:
        """Reverse step: return the gradient, dx (B, D) and ds (B, C)."""
        raise NotImplementedError

    def project(self, x: np.ndarray) -> np.ndarray:
        """Start the activations (P, N, H) of all steps at once with what x (N, D) gives."""
        raise NotImplementedError

    def step_inplace(self, activations: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Return the next state (B, C) from s (B, C), and finish the activations (P, B, H) that project started."""
        raise NotImplementedError

    def local_gradients(self, activations: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Return the local gradients d (P, N, H) for all steps at once: all of the backward step that need not wait."""
        raise NotImplementedError

    def step_backward_inplace(
        self, d: np.ndarray, activations: np.ndarray, ds_new: np.ndarray, W_hT: np.ndarray
    ) -> np.ndarray:
        """Return ds (B, C) from that of the next state, and turn d (P, B, H) from local gradients into gradients."""
        raise NotImplementedError

    def gradient(self, x: np.ndarray, s: np.ndarray, activations: np.ndarray, d: np.ndarray) -> "Cell":
        """Return the weights' gradient over all steps: x (N, D), s (N, C), activations and d (P, N, H)."""
        raise NotImplementedError


def through_weights(d: np.ndarray, W_T: np.ndarray) -> np.ndarray:
    """Return dx (N, D) of an x that was multiplied by W (G, D, H), from the gates' gradients d (G, N, H).

    x fed every gate, so dx = d[0] W[0]^T + d[1] W[1]^T + ... With the gates side by side, (N, G H), that is one product
    with W_T = transposed(W), (G H, D).
    """
    return d.swapaxes(0, 1).reshape(d.shape[1], -1) @ W_T


def transposed(W: np.ndarray) -> np.ndarray:
    """Return W (G, D, H) for ``through_weights``: each gate's matrix transposed, one below the other, (G H, D).

    Called once a backward pass, not once a step.
    """
    G, D, H = W.shape
    return W.swapaxes(1, 2).reshape(G * H, D)
