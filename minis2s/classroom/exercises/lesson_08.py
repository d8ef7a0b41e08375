"""The exercises of lesson 08: queries, keys and values; the square root; Luong's order."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minis2s.classroom.exercises.kinds import (
    Slip,
    backward_exercise,
    function_exercise,
    number_exercise,
    prediction_exercise,
)
from minis2s.classroom.grading import Lesson
from minis2s.layers.functions import softmax


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
    """Reverse ``scaled_dot_forward``."""
    return from_dscore(dcontext, cache, dscore_of(dcontext, cache) / cache[0].shape[1] ** 0.5)


def dscore_of(dcontext: np.ndarray, cache: tuple) -> np.ndarray:
    """Return the gradient of the scaled scores, (T, S)."""
    *_, values, alpha = cache
    dalpha = dcontext @ values.T
    return alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))


def from_dscore(dcontext: np.ndarray, cache: tuple, dproduct: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the three gradients, from that of the products query . key, (T, S)."""
    query, keys, _, alpha = cache
    return dproduct @ keys, dproduct.T @ query, alpha.T @ dcontext


def slip(dproduct: Callable) -> Callable:
    """Return ``scaled_dot_backward`` with another gradient of the products, made of alpha, dalpha and sqrt(d)."""
    return lambda dcontext, cache: from_dscore(
        dcontext, cache, dproduct(cache[3], dcontext @ cache[2].T, cache[0].shape[1] ** 0.5)
    )


def luong_step(y: np.ndarray, s: np.ndarray, cell: Any, attention: Any, combine: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return out and the new state, equation (6) of the lesson."""
    s = cell(y, s)
    return combined(attention(s), s, combine), s


def combined(context: np.ndarray, s: np.ndarray, combine: Any) -> np.ndarray:
    """Return tanh of the layer that reads context and state."""
    return np.tanh(combine(np.concatenate([context, s], axis=-1)))


def luong_parts(rng: np.random.Generator) -> tuple:
    """Return y, s, cell, attention and combine: B 2, E 3, H 4, M 5."""
    W_y, W_s, W = rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), rng.normal(size=(9, 4))
    b, memory, W_a = rng.normal(size=4), rng.normal(size=(2, 6, 5)), rng.normal(size=(4, 5))

    def cell(y: np.ndarray, s: np.ndarray) -> np.ndarray:
        return np.tanh(y @ W_y + s @ W_s)

    def attention(query: np.ndarray) -> np.ndarray:
        alpha = softmax((memory @ (query @ W_a)[..., None])[..., 0])
        return (alpha[..., None] * memory).sum(1)

    return rng.normal(size=(2, 3)), rng.normal(size=(2, 4)), cell, attention, lambda x: x @ W / 3 + b


def bahdanau_query(y: np.ndarray, s: np.ndarray, cell: Any, attention: Any, combine: Any) -> tuple:
    """Return a step in which the previous state asks."""
    return combined(attention(s), cell(y, s), combine), cell(y, s)


rng = np.random.default_rng(8)
SEES = np.tril(np.ones((4, 5), bool), 1)  # query t sees the keys up to t + 1
LOOKED_UP = {
    "3 queries, 4 keys of width 2, values of width 5": tuple(
        rng.normal(size=size) for size in ((3, 2), (4, 2), (4, 5))
    ),
    "4 queries, 4 keys, all of width 4": tuple(rng.normal(size=(3, 4, 4))),
}
MASKED = {
    "4 queries and 5 keys of width 3, values of width 2, masked": (
        *(rng.normal(size=size) for size in ((4, 3), (5, 3), (5, 2))),
        SEES,
    )
}

grade = Lesson(
    "08",
    [
        function_exercise(
            "lookup",
            "Return the contexts (T, M) of queries (T, d), keys (S, d) and values (S, M), without a loop.",
            lookup,
            LOOKED_UP,
            hints=(
                "Scores first: a table (T, S), the product of every query with every key. Which one is transposed?",
                "softmax(query @ keys.T) runs along the last axis, the keys; its product with the values is (T, M).",
            ),
            outputs=("the contexts",),
            slips=[
                Slip(
                    "the softmax runs over the queries: each query has one whole to share out among the keys",
                    lambda query, keys, values: softmax((query @ keys.T).T).T @ values,
                ),
                Slip(
                    "the whole table adds up to 1: each query has one whole of its own to share out",
                    lambda query, keys, values: softmax((query @ keys.T).ravel()).reshape(-1, len(keys)) @ values,
                ),
                Slip(
                    "these are sums by score; where is the softmax?",
                    lambda query, keys, values: query @ keys.T @ values,
                ),
                Slip(
                    "this brings back the keys, not the values", lambda query, keys, values: lookup(query, keys, keys)
                ),
                Slip(
                    "this is the scaled product, which comes later; (1) has none",
                    lambda query, keys, values: softmax(query @ keys.T / query.shape[1] ** 0.5) @ values,
                ),
            ],
            praise="Two products with a softmax between them: that is why attention is fast.",
        ),
        number_exercise(
            "spread",
            "The standard deviation of the product of two vectors of 64 independent entries of variance 1.",
            8.0,
            hints=("Equation (3) gives the variance.", "The standard deviation is the square root of the variance."),
            slips={
                "that is the variance; the question is the standard deviation": 64.0,
                "that is what it is after dividing by the square root": 1.0,
                "that is what the product is to be multiplied by": 0.125,
                "that is the variance, squared; the standard deviation is its root": 4096.0,
            },
            praise="And so one divides by 8.",
        ),
        backward_exercise(
            "scaled_dot_backward",
            "Derive dquery, dkeys and dvalues of softmax(Q K^T / sqrt(d)) V, with a mask, and code them.",
            scaled_dot_forward,
            scaled_dot_backward,
            MASKED,
            hints=(
                "Backwards: dvalues and dalpha from alpha @ values; then the softmax, the square root, and Q K^T.",
                "dalpha = dcontext @ values.T; dscore as in lesson 01, over sqrt(d); dquery = dscore @ keys.",
            ),
            slips=[
                Slip(
                    "right but for the square root: forward divided by it, and so must backward",
                    slip(lambda alpha, d, root: alpha * (d - (alpha * d).sum(-1, keepdims=True))),
                ),
                Slip(
                    "that divides by d; forward divided by its square root",
                    slip(lambda alpha, d, root: alpha * (d - (alpha * d).sum(-1, keepdims=True)) / root**2),
                ),
                Slip(
                    "that divides by the root of the number of keys; forward divided by that of their width",
                    slip(
                        lambda alpha, d, root: alpha * (d - (alpha * d).sum(-1, keepdims=True)) / alpha.shape[1] ** 0.5
                    ),
                ),
                Slip(
                    "forward divided by the square root; backward does not multiply by it",
                    slip(lambda alpha, d, root: alpha * (d - (alpha * d).sum(-1, keepdims=True)) * root),
                ),
                Slip(
                    "the softmax lacks its sum: more of one share is less of the others",
                    slip(lambda alpha, d, root: alpha * d / root),
                ),
                Slip(
                    "this is dalpha: it still has to pass the softmax",
                    slip(lambda alpha, d, root: d / root),
                ),
                Slip(
                    "the sum of the softmax runs over the queries: each query, a row, has a softmax of its own",
                    slip(lambda alpha, d, root: alpha * (d - (alpha * d).sum(0)) / root),
                ),
            ],
            sizes=lambda query, keys, values, mask: {
                "T": len(query),
                "S": len(keys),
                "d": query.shape[1],
                "M": values.shape[1],
            },
            praise="It equals the complex step, mask and all.",
        ),
        prediction_exercise(
            "scaled",
            'How does scaled dot do beside dot, in our model? "A", "B" or "C".',
            {"A": "better", "B": "as well", "C": "worse"},
            right="C",
            why_not={
                "A": "it stays alive where scores are large. How large are they here: what are the entries of a GRU?",
                "B": "the root of 32 is nearly 6. What if the scores were too small to begin with?",
            },
            praise="The cure of a disease that this model has not: its scores are small, and now they are smaller.",
        ),
        prediction_exercise(
            "asks",
            'Whose question knows the letter just written? "A", "B" or "C".',
            {"A": "that of both orders", "B": "Bahdanau's alone", "C": "Luong's alone"},
            right="C",
            why_not={
                "A": "in (5), which letter is the last that went into s_{t-1}?",
                "B": "in (5) s_{t-1} asks. Which letter is the last that the cell has put into it?",
            },
            praise="s_{t-1} has read y_{t-2}; y_{t-1} enters with the answer, not with the question.",
        ),
        function_exercise(
            "luong_step",
            "Return out and the new state of one step in Luong's order, (6).",
            luong_step,
            {"2 sentences, states of 4 numbers, a memory of width 5": luong_parts(rng)},
            hints=(
                "Three lines, in the order of (6): cell, attention, combine. Which state asks?",
                "s = cell(y, s); context = attention(s); out = tanh of combine of [context, s], side by side.",
            ),
            outputs=("out", "s"),
            slips=[
                Slip(
                    "here the previous state asks, which is Bahdanau's order; in (6) the new one does", bahdanau_query
                ),
                Slip(
                    "the previous state stands beside the context; in (6) it is the new one",
                    lambda y, s, cell, attention, combine: (
                        combined(attention(cell(y, s)), s, combine),
                        cell(y, s),
                    ),
                ),
                Slip(
                    "state and context are in the wrong order: [c; s]",
                    lambda y, s, cell, attention, combine: (
                        combined(cell(y, s), attention(cell(y, s)), combine),
                        cell(y, s),
                    ),
                ),
                Slip(
                    "the tanh around it is missing",
                    lambda y, s, cell, attention, combine: (
                        np.arctanh(luong_step(y, s, cell, attention, combine)[0]),
                        cell(y, s),
                    ),
                ),
                Slip(
                    "this is the state as it came; the next step needs the new one",
                    lambda y, s, cell, attention, combine: (luong_step(y, s, cell, attention, combine)[0], s),
                ),
                Slip(
                    "out does not take the place of the state: the cell goes on with s",
                    lambda y, s, cell, attention, combine: 2 * (luong_step(y, s, cell, attention, combine)[0],),
                ),
            ],
            praise="Step, look, combine.",
        ),
    ],
)
