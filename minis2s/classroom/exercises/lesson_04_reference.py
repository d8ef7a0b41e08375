"""A tanh RNN through time: what lesson 04 asks for, and the mistakes that students make of it."""

import numpy as np

from minis2s.layers.cell import CellCache
from minis2s.layers.rnn import RNN

rng = np.random.default_rng(4)


def inputs(*x_shape: int, hidden: int) -> tuple:
    """Return x, h0, W_x, W_h, b; the first state is not zero, and no two sizes are equal."""
    *_, B, D = x_shape
    shapes = (x_shape, (B, hidden), (D, hidden), (hidden, hidden), (hidden,))
    return tuple(0.7 * rng.normal(size=shape) for shape in shapes)


STEPS = {"3 rows, 4 inputs, 2 states": inputs(3, 4, hidden=2), "1 row": inputs(1, 2, hidden=3)}
SEQUENCES = {
    "5 steps of 3 rows, 4 inputs, 2 states": inputs(5, 3, 4, hidden=2),
    "1 step": inputs(1, 2, 4, hidden=3),
}
GRADIENTS = [2 * rng.normal(size=shape) for shape in ((2, 3), (3, 3), (3,))]
CLIPPED = {
    "longer than a limit of 0.3": ([gradient / 3 for gradient in GRADIENTS], 0.3),
    "longer than a limit of 1": (GRADIENTS, 1.0),
    "shorter than a limit of 1": ([gradient / 100 for gradient in GRADIENTS], 1.0),
    "zero everywhere": ([0 * gradient for gradient in GRADIENTS], 1.0),
    "longer than a limit of 5": ([3 * gradient for gradient in GRADIENTS], 5.0),
    "shorter than a limit of 5": ([gradient / 4 for gradient in GRADIENTS], 5.0),
}


def rnn_step(x, h, W_x, W_h, b):
    """Return the new state and the cache (x, h, W_x, W_h, h_new)."""
    h_new = np.tanh(x @ W_x + h @ W_h + b)
    return h_new, (x, h, W_x, W_h, h_new)


def rnn_forward(x, h0, W_x, W_h, b):
    """Return all states (T, B, H), and the cache of each step."""
    h, hs, caches = h0, [], []
    for x_t in x:
        h, cache = rnn_step(x_t, h, W_x, W_h, b)
        hs.append(h)
        caches.append(cache)
    return np.array(hs), caches


def library_backward(dhs, caches):
    """Return what the library's RNN does: dx (N, D), dh0 (B, H), dW_x, dW_h, db."""
    x, h, h_new = (np.concatenate([cache[i] for cache in caches]) for i in (0, 1, 4))
    W_x, W_h = caches[0][2:4]
    cell = RNN(W_x[None], W_h[None], np.zeros((1, 1, len(W_h))))
    batch_sizes = [len(cache[0]) for cache in caches]
    gradient, dx, dh0 = cell.backward(np.concatenate(list(dhs)), CellCache(x, h, h_new[None], batch_sizes))
    return dx, dh0, gradient.W_x[0], gradient.W_h[0], gradient.b[0, 0]


def rnn_step_backward(dh_new, cache):
    """Return dx, dh, dW_x, dW_h, db."""
    return library_backward([dh_new], [cache])


def rnn_backward(dhs, caches):
    """Return dx (T, B, D), dh0, dW_x, dW_h, db."""
    dx, *others = library_backward(dhs, caches)
    return dx.reshape(len(dhs), -1, dx.shape[-1]), *others


def from_da(da, cache):
    """Return the five gradients from that of the bracket."""
    x, h, W_x, W_h, _ = cache
    return da @ W_x.T, da @ W_h.T, x.T @ da, h.T @ da, da.sum(0)


def step_with(slope):
    """Return a backward of the step with another slope, a function of (h_new, cache)."""
    return lambda dh_new, cache: from_da(dh_new * slope(cache[4], cache), cache)


def untransposed(dh_new, cache):
    """Multiply by W_h as forward does."""
    dx, _, *others = rnn_step_backward(dh_new, cache)
    return dx, (dh_new * (1 - cache[4] ** 2)) @ cache[3], *others


def new_for_old(dh_new, cache):
    """Take the new state for the old one in dW_h."""
    h_new = cache[4]
    dx, dh, dW_x, _, db = rnn_step_backward(dh_new, cache)
    return dx, dh, dW_x, h_new.T @ (dh_new * (1 - h_new**2)), db


def through_time(dhs, caches, carry, keep=sum):
    """Walk back with ``carry(own, future)`` at each state and ``keep(gradients, last step first)`` for the weights."""
    future, dxs, kept = None, [], []
    for own, cache in zip(reversed(dhs), reversed(caches)):
        dx, future, *weights = rnn_step_backward(own if future is None else carry(own, future), cache)
        dxs.insert(0, dx)
        kept.append(weights)
    return np.array(dxs), future, *(keep(parts) for parts in zip(*kept))


def add(own, future):
    """Return the sum of both ways out of a state."""
    return own + future


def only(parts_of):
    """Return a mistake's backward: right but for which steps' weight gradients are kept."""
    return lambda dhs, caches: through_time(dhs, caches, add, parts_of)


def without(step):
    """Return a mistake that leaves out the first step, 0, or the last one, -1: its dx is 0, and it hands nothing on."""

    def backward(dhs, caches):
        kept = slice(1, None) if step == 0 else slice(None, -1)
        if not len(dhs[kept]):
            return tuple(0 * part for part in rnn_backward(dhs, caches))
        dx, *others = through_time(dhs[kept], caches[kept], add)
        return np.insert(dx, 0 if step == 0 else len(dx), 0, axis=0), *others

    return backward


def clip_by_norm(gradients, limit):
    """Return the gradients, shortened by one factor to a common norm of at most limit."""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return tuple(gradient * (limit / max(norm, limit)) for gradient in gradients)


def each_alone(gradients, limit):
    """Clip every array by its own norm."""
    return tuple(clip_by_norm([gradient], limit)[0] for gradient in gradients)


def always(gradients, limit):
    """Give every gradient the norm limit."""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return tuple(gradient * (limit / norm) for gradient in gradients)


def by_largest(gradients, limit):
    """Take the largest entry's size for the norm."""
    largest = max(np.abs(gradient).max() for gradient in gradients)
    return tuple(gradient * (limit / max(largest, limit)) for gradient in gradients)


def by_sizes(gradients, limit):
    """Take the sum of the entries' sizes for the norm."""
    total = sum(np.abs(gradient).sum() for gradient in gradients)
    return tuple(gradient * (limit / max(total, limit)) for gradient in gradients)


def upside_down(gradients, limit):
    """Divide the norm by the limit."""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return tuple(gradient * max(1, norm / limit) for gradient in gradients)


def without_root(gradients, limit):
    """Forget the root."""
    norm = sum((gradient**2).sum() for gradient in gradients)
    return tuple(gradient * (limit / max(norm, limit)) for gradient in gradients)


def sum_of_norms(gradients, limit):
    """Add up norms where their squares are to be added up."""
    norm = sum(np.sqrt((gradient**2).sum()) for gradient in gradients)
    return tuple(gradient * (limit / max(norm, limit)) for gradient in gradients)
