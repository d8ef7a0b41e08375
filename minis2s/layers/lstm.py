"""Long short-term memory."""

from typing import ClassVar, NamedTuple

import numpy as np

from minis2s.layers.activations import sigmoid, sigmoid_inplace, sum_rows
from minis2s.layers.cell import Cell, through_weights
from minis2s.layers.initializers import glorot_uniform, orthogonal
from minis2s.layers.record import record


class LSTMStep(NamedTuple):
    x: np.ndarray  # (B, D)
    h: np.ndarray  # (B, H), as are the others
    c: np.ndarray
    g: np.ndarray
    i: np.ndarray
    f: np.ndarray
    o: np.ndarray
    tanh_c: np.ndarray  # of c'


@record
class LSTM(Cell):
    """Long short-term memory. Its state is [h, c], side by side, (B, 2 H).

    a  = x W_x + h W_h + b              of the gates g, i, f, o
    i  = sigmoid(a_i)                   (1) input gate
    f  = sigmoid(a_f)                   (2) forget gate
    o  = sigmoid(a_o)                   (3) output gate
    g  = tanh(a_g)                      (4) candidate
    c' = f * c + i * g                  (5) what is remembered: f alone multiplies it, so gradients last
    h' = o * tanh(c')                   (6) what is shown

    ``step`` and ``step_backward`` are one step as it stands here. What follows them computes the same for packed
    sentences (``Cell``), with the projections, the local gradients and the weights' gradient of all steps at once.

    References
    ----------
    Hochreiter & Schmidhuber 1997, "Long short-term memory"; the forget gate is of Gers, Schmidhuber & Cummins 2000,
    "Learning to forget", without peepholes, as in ``torch.nn.LSTM``. Its bias starts at 1: Jozefowicz, Zaremba &
    Sutskever 2015, "An empirical exploration of recurrent network architectures".
    """

    W_x: np.ndarray  # (4, D, H) g, i, f, o
    W_h: np.ndarray  # (4, H, H) g, i, f, o
    b: np.ndarray  # (4, 1, H) g, i, f, o

    activation_names: ClassVar = ("g", "i", "f", "o", "tanh_c")
    states_per_hidden: ClassVar = 2

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, hidden: int) -> "LSTM":
        """Glorot input weights, orthogonal hidden weights, zero biases but for the forget gate's, which are 1."""
        b = np.zeros((4, 1, hidden))
        _, _, b_f, _ = b
        b_f[:] = 1  # remember, until training knows better
        return cls(glorot_uniform(rng, 4, inputs, hidden), orthogonal(rng, 4, hidden, hidden), b)

    def step(self, x: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, LSTMStep]:
        """Return s' = [h', c'] (B, 2 H) from x (B, D) and s = [h, c] (B, 2 H)."""
        h, c = np.split(s, 2, axis=-1)
        a_g, a_i, a_f, a_o = x @ self.W_x + h @ self.W_h + self.b
        i = sigmoid(a_i)  # (1)
        f = sigmoid(a_f)  # (2)
        o = sigmoid(a_o)  # (3)
        g = np.tanh(a_g)  # (4)
        c_new = f * c + i * g  # (5)
        tanh_c = np.tanh(c_new)
        h_new = o * tanh_c  # (6)
        return np.concatenate([h_new, c_new], axis=-1), LSTMStep(x, h, c, g, i, f, o, tanh_c)

    def step_backward(self, ds_new: np.ndarray, cache: LSTMStep) -> tuple["LSTM", np.ndarray, np.ndarray]:
        """Reverse step: return the gradient, dx (B, D) and ds (B, 2 H)."""
        x, h, c, g, i, f, o, tanh_c = cache
        dh_new, dc_new = np.split(ds_new, 2, axis=-1)
        # (6) h_new = o * tanh(c_new)
        do = dh_new * tanh_c
        dc_new = dc_new + dh_new * o * (1 - tanh_c * tanh_c)  # fork: c' is shown, and remembered by the next step
        # (5) c_new = f * c + i * g
        df = dc_new * c
        dc = dc_new * f
        di = dc_new * g
        dg = dc_new * i
        # (4) g = tanh(a_g)
        da_g = dg * (1 - g * g)
        # (3), (2), (1) o, f, i = sigmoid(a_o), sigmoid(a_f), sigmoid(a_i)
        da_o = do * o * (1 - o)
        da_f = df * f * (1 - f)
        da_i = di * i * (1 - i)
        # a = x @ W_x + h @ W_h + b
        da = np.stack([da_g, da_i, da_f, da_o])  # (4, B, H)
        dx = (da @ self.W_x.swapaxes(1, 2)).sum(0)
        dh = (da @ self.W_h.swapaxes(1, 2)).sum(0)
        return LSTM(x.T @ da, h.T @ da, da.sum(1, keepdims=True)), dx, np.concatenate([dh, dc], axis=-1)

    def project(self, x: np.ndarray) -> np.ndarray:
        """Return the activations (5, N, H) of all steps, x W_x + b so far; the last, for tanh(c'), is still empty."""
        return self.start_activations(x, self.b)

    def step_inplace(self, activations: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Return s' (B, 2 H) from s (B, 2 H), and turn activations (5, B, H) into g, i, f, o, tanh(c')."""
        h, c = np.split(s, 2, axis=-1)
        activations[:4] += h @ self.W_h
        np.tanh(activations[0], out=activations[0])  # (4)
        sigmoid_inplace(activations[1:4])  # (1), (2), (3)
        g, i, f, o, tanh_c = activations
        s_new = np.empty_like(s)
        h_new, c_new = np.split(s_new, 2, axis=-1)
        np.multiply(f, c, out=c_new)
        c_new += i * g  # (5)
        np.tanh(c_new, out=tanh_c)
        np.multiply(o, tanh_c, out=h_new)  # (6)
        return s_new

    def local_gradients(self, activations: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Return the local gradients (5, N, H) of all steps at once: the factors that are known before the loop.

        They stand in the places of the gradients that ``step_backward_inplace`` makes of them, under the same names.
        activations (5, N, H) are g, i, f, o, tanh(c'); s (N, 2 H) is the state each step began with. The arrows say
        which step of forward a factor is the derivative of.
        """
        g, i, f, o, tanh_c = activations
        c = s[:, self.hidden :]
        d = np.empty_like(activations)
        da_g, da_i, da_f, da_o, dc_new = d
        da_g[:] = i * (1 - g * g)  # (5), (4): c' -> g -> a_g
        da_i[:] = g * i * (1 - i)  # (5), (1): c' -> i -> a_i
        da_f[:] = c * f * (1 - f)  # (5), (2): c' -> f -> a_f
        da_o[:] = tanh_c * o * (1 - o)  # (6), (3): h' -> o -> a_o
        dc_new[:] = o * (1 - tanh_c * tanh_c)  # (6): h' -> c'
        return d

    def step_backward_inplace(
        self, d: np.ndarray, activations: np.ndarray, ds_new: np.ndarray, W_hT: np.ndarray
    ) -> np.ndarray:
        """Return ds (B, 2 H) and turn d (5, B, H) from local gradients into gradients, da_g, da_i, da_f, da_o, dc'.

        dc'   = dh' o (1 - tanh(c')^2) + dc' of the next step   (6), (5)
        da_o  = dh' tanh(c') o (1 - o)                 (6), (3)
        da_i  = dc' g i (1 - i)                        (5), (1)
        da_f  = dc' c f (1 - f)                        (5), (2)
        da_g  = dc' i (1 - g^2)                        (5), (4)
        dh    = sum of da W_h^T over the gates         a
        dc    = dc' f                                  (5)

        ds_new (B, 2 H) is dh' and the next step's share of dc', side by side; W_hT (4 H, H) is ``transposed(W_h)``.
        dx of all steps is one product after the loop, in ``Cell.backward``.
        """
        _, _, f, _, _ = activations
        da, (da_g, da_i, da_f, da_o, dc_new) = d[:4], d
        dh_new, dc_next = np.split(ds_new, 2, axis=-1)
        da_o *= dh_new  # (6), (3)
        dc_new *= dh_new  # (6)
        dc_new += dc_next  # fork: c' is shown and remembered
        da_g *= dc_new  # (5), (4)
        da_i *= dc_new  # (5), (1)
        da_f *= dc_new  # (5), (2)
        return np.concatenate([through_weights(da, W_hT), dc_new * f], axis=-1)  # a; (5)

    def gradient(self, x: np.ndarray, s: np.ndarray, activations: np.ndarray, d: np.ndarray) -> "LSTM":
        """Return the weights' gradient, one product over all steps each: x (N, D), s (N, 2 H), d (5, N, H) finished."""
        h, da = self.hidden_of(s), d[:4]  # (4, N, H) g, i, f, o
        return LSTM(W_x=x.T @ da, W_h=h.T @ da, b=sum_rows(da)[:, None])  # b was broadcast over the rows
