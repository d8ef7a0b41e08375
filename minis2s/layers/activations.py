"""The scalar functions of the layers, written so that complex input works (real parts compared, never ``abs``)."""

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + e^-x) = tanh(x / 2) / 2 + 1 / 2, any shape: this cannot overflow and needs no branch."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def sigmoid_inplace(x: np.ndarray) -> None:
    """Replace x, any shape, by its sigmoid."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5


def sum_rows(x: np.ndarray) -> np.ndarray:
    """Return x (..., N, H) summed over its rows, (..., H); a product with ones is faster than ``sum``."""
    return np.ones(x.shape[-2], x.dtype) @ x


def softmax(score: np.ndarray) -> np.ndarray:
    """Return e^score (..., S) over its sum along the last axis; less its largest first, so nothing overflows."""
    e = np.exp(score - score.real.max(-1, keepdims=True))
    e /= e.sum(-1, keepdims=True)
    return e


def log_softmax(score: np.ndarray) -> np.ndarray:
    """Return log softmax(score) (..., S), along the last axis, finite even where the softmax itself underflows to 0."""
    shifted = score - score.real.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted) @ np.ones((score.shape[-1], 1), score.dtype))
    return shifted
