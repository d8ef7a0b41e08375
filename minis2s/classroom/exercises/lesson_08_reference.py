"""The functions of lesson 08, and the mistakes that its grader knows: a lookup, scaled dot, a step in Luong's order.

T queries and S keys of width d; S values, or places of a memory, of width M.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minis2s.layers.activations import softmax


def lookup(query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the contexts (T, M) of queries (T, d), keys (S, d) and values (S, M)."""
    return softmax(query @ keys.T) @ values


def scaled_dot_forward(
    query: np.ndarray, keys: np.ndarray, values: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, tuple]:
    """Return the contexts (T, M), equation (4) of the lesson; mask is (T, S)."""
    score = query @ keys.T / query.shape[1] ** 0.5
    alpha = softmax(np.where(mask, score, -np.inf))
    return alpha @ values, (query, keys, values, alpha)


def scaled_dot_backward(dcontext: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
    """Reverse ``scaled_dot_forward``; dcontext is (T, M)."""
    return from_dscore(dcontext, cache, dscore_of(dcontext, cache) / cache[0].shape[1] ** 0.5)


def with_alpha(dproduct: Callable, weights: Callable) -> Callable:
    """Return ``scaled_dot_backward`` with others in the place of dscore and alpha, made of alpha, dalpha and dscore."""

    def backward(dcontext: np.ndarray, cache: tuple) -> tuple[np.ndarray, ...]:
        query, keys, values, alpha = cache
        given = alpha, dcontext @ values.T, dscore_of(dcontext, cache) / query.shape[1] ** 0.5
        d = dproduct(*given)
        return d @ keys, d.T @ query, weights(*given).T @ dcontext

    return backward


def dscore_of(dcontext: np.ndarray, cache: tuple) -> np.ndarray:
    """Return the gradient of the scaled scores, (T, S)."""
    *_, values, alpha = cache
    dalpha = dcontext @ values.T
    return alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))


def from_dscore(dcontext: np.ndarray, cache: tuple, dproduct: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the three gradients, from that of the products query . key, (T, S)."""
    query, keys, _, alpha = cache
    return dproduct @ keys, dproduct.T @ query, alpha.T @ dcontext


def with_dproduct(dproduct: Callable) -> Callable:
    """Return ``scaled_dot_backward`` with another gradient of the products, made of alpha, dalpha and sqrt(d)."""
    return lambda dcontext, cache: from_dscore(
        dcontext, cache, dproduct(cache[3], dcontext @ cache[2].T, cache[0].shape[1] ** 0.5)
    )


def over_root_of(size: Callable) -> Callable:
    """Return ``scaled_dot_backward`` with the root of another size, made of the values (S, M) and alpha (T, S)."""
    return lambda dcontext, cache: from_dscore(dcontext, cache, dscore_of(dcontext, cache) / size(*cache[2:]) ** 0.5)


def luong_step(y: np.ndarray, s: np.ndarray, cell: Any, attention: Any, combine: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return out (B, H) and the new state (B, H), equation (6) of the lesson."""
    s = cell(y, s)
    return combined(attention(s), s, combine), s


def combined(context: np.ndarray, s: np.ndarray, combine: Any) -> np.ndarray:
    """Return tanh of the layer that reads context (B, M) and state (B, H)."""
    return np.tanh(combine(np.concatenate([context, s], axis=-1)))


def luong_parts(rng: np.random.Generator, B: int, E: int, H: int, M: int) -> tuple:
    """Return y, s, cell, attention and combine."""
    W_y, W_s, W = rng.normal(size=(E, H)), rng.normal(size=(H, H)), rng.normal(size=(M + H, H))
    b, memory, W_a = rng.normal(size=H), rng.normal(size=(B, 6, M)), rng.normal(size=(H, M))

    def cell(y: np.ndarray, s: np.ndarray) -> np.ndarray:
        return np.tanh(y @ W_y + s @ W_s)

    def attention(query: np.ndarray) -> np.ndarray:
        alpha = softmax((memory @ (query @ W_a)[..., None])[..., 0])
        return (alpha[..., None] * memory).sum(1)

    return rng.normal(size=(B, E)), rng.normal(size=(B, H)), cell, attention, lambda x: x @ W / 3 + b


def bahdanau_query(y: np.ndarray, s: np.ndarray, cell: Any, attention: Any, combine: Any) -> tuple:
    """Return a step in which the previous state (B, H) asks."""
    return combined(attention(s), cell(y, s), combine), cell(y, s)


rng = np.random.default_rng(8)


def normal(*sizes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Return random arrays."""
    return tuple(rng.normal(size=size) for size in sizes)


LOOKED_UP = {
    "3 queries, 4 keys of width 2, values of width 5": normal((3, 2), (4, 2), (4, 5)),
    "4 queries, 4 keys, all of width 4": tuple(rng.normal(size=(3, 4, 4))),
    "scores beyond 1,000": tuple(40 * part for part in normal((2, 3), (5, 3), (5, 2))),
}
MASKED = {
    "4 queries and 5 keys of width 3, values of width 2, masked": (
        *normal((4, 3), (5, 3), (5, 2)),
        np.tril(np.ones((4, 5), bool), 1),  # query t sees the keys up to t + 1
    ),
    "2 queries and 3 keys of width 6, values of width 4, nothing masked": (
        *normal((2, 6), (3, 6), (3, 4)),
        np.ones((2, 3), bool),
    ),
}
STEPS = {
    "2 sentences, states of 4 numbers, a memory of width 5": luong_parts(rng, 2, 3, 4, 5),
    "3 sentences, states of 2 numbers, a memory of width 2": luong_parts(rng, 3, 4, 2, 2),
}
