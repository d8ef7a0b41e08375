"""The exercises of lesson 08: queries, keys and values; the square root; Luong's order."""

import numpy as np

from minis2s.classroom.exercises import lesson_08_reference as reference
from minis2s.classroom.exercises.kinds import (
    backward_exercise,
    function_exercise,
    number_exercise,
    prediction_exercise,
)
from minis2s.classroom.grading import Lesson
from minis2s.layers.activations import softmax

grade = Lesson(
    "08",
    [
        function_exercise(
            "lookup",
            "Return the contexts (T, M) of queries (T, d), keys (S, d) and values (S, M).",
            reference.lookup,
            reference.LOOKED_UP,
            hints=(
                "Scores first: a table (T, S), the product of every query with every key. Which one is transposed?",
                "softmax(query @ keys.T) runs along the last axis, the keys; its product with the values is (T, M).",
            ),
            outputs=("the contexts",),
            mistakes={
                "the softmax runs over the queries: "
                "each query has one whole to share out among the keys": lambda query, keys, values: (
                    softmax((query @ keys.T).T).T @ values
                ),
                "the whole table adds up to 1: "
                "each query has one whole of its own to share out": lambda query, keys, values: (
                    softmax((query @ keys.T).ravel()).reshape(-1, len(keys)) @ values
                ),
                "these are sums by score; where is the softmax?": lambda query, keys, values: query @ keys.T @ values,
                "right until scores are large: e^1000 is more than a float holds. Take each row's largest score "
                "off first, or call softmax": lambda query, keys, values: (
                    np.exp(query @ keys.T) / np.exp(query @ keys.T).sum(-1, keepdims=True) @ values
                ),
                "this takes the best key's value and nothing of the others: a choice, "
                "where (1) has shares": lambda query, keys, values: values[(query @ keys.T).argmax(-1)],
                "this brings back the keys, not the values": lambda query, keys, values: reference.lookup(
                    query, keys, keys
                ),
                "this is the scaled product, which comes later; (1) has none": lambda query, keys, values: (
                    softmax(query @ keys.T / query.shape[1] ** 0.5) @ values
                ),
            },
            praise="Two products with a softmax between them: that is why attention is fast.",
        ),
        number_exercise(
            "spread",
            "The standard deviation of the product of two vectors of 64 independent entries of variance 1.",
            8.0,
            hints=("Equation (3) gives the variance.", "The standard deviation is the square root of the variance."),
            mistakes={
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
            reference.scaled_dot_forward,
            reference.scaled_dot_backward,
            reference.MASKED,
            hints=(
                "Backwards: dvalues and dalpha from alpha @ values; then the softmax, the square root, and Q K^T.",
                "dalpha = dcontext @ values.T; dscore as in lesson 01, over sqrt(d); dquery = dscore @ keys.",
            ),
            mistakes={
                "right but for the square root: forward divided by it, and so must backward": reference.with_dproduct(
                    lambda alpha, d, root: alpha * (d - (alpha * d).sum(-1, keepdims=True))
                ),
                "that divides by d; forward divided by its square root": reference.with_dproduct(
                    lambda alpha, d, root: alpha * (d - (alpha * d).sum(-1, keepdims=True)) / root**2
                ),
                "that divides by the root of the number of keys; "
                "forward divided by that of their width": reference.over_root_of(lambda values, alpha: len(values)),
                "that divides by the root of the number of queries; "
                "forward divided by that of their width": reference.over_root_of(lambda values, alpha: len(alpha)),
                "that divides by the root of the values' width; "
                "forward divided by that of the queries'": reference.over_root_of(
                    lambda values, alpha: values.shape[1]
                ),
                "forward divided by the square root; backward does not multiply by it": reference.with_dproduct(
                    lambda alpha, d, root: alpha * (d - (alpha * d).sum(-1, keepdims=True)) * root
                ),
                "the softmax lacks its sum: more of one share is less of the others": reference.with_dproduct(
                    lambda alpha, d, root: alpha * d / root
                ),
                "this is dalpha: it still has to pass the softmax": reference.with_dproduct(
                    lambda alpha, d, root: d / root
                ),
                "this is the diagonal of the Jacobian alone: "
                "does alpha_j depend on no score but score_j?": reference.with_dproduct(
                    lambda alpha, d, root: alpha * (1 - alpha) * d / root
                ),
                "this has alpha where dscore belongs": reference.with_alpha(
                    lambda alpha, dalpha, dscore: alpha, lambda alpha, dalpha, dscore: alpha
                ),
                "the values were weighed by alpha, not by its gradient": reference.with_alpha(
                    lambda alpha, dalpha, dscore: dscore, lambda alpha, dalpha, dscore: dalpha
                ),
                "the values were weighed by alpha, not by dscore": reference.with_alpha(
                    lambda alpha, dalpha, dscore: dscore, lambda alpha, dalpha, dscore: dscore
                ),
                "the sum of the softmax runs over the queries: each query, a row, "
                "has a softmax of its own": reference.with_dproduct(
                    lambda alpha, d, root: alpha * (d - (alpha * d).sum(0)) / root
                ),
            },
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
            reference.luong_step,
            reference.STEPS,
            hints=(
                "Three lines, in the order of (6): cell, attention, combine. Which state asks?",
                "s = cell(y, s); context = attention(s); out = tanh of combine of [context, s], side by side.",
            ),
            outputs=("out", "s"),
            mistakes={
                "here the previous state asks, which is Bahdanau's order; "
                "in (6) the new one does": reference.bahdanau_query,
                "the previous state stands beside the context; "
                "in (6) it is the new one": lambda y, s, cell, attention, combine: (
                    reference.combined(attention(cell(y, s)), s, combine),
                    cell(y, s),
                ),
                "state and context are in the wrong order: [c; s]": lambda y, s, cell, attention, combine: (
                    reference.combined(cell(y, s), attention(cell(y, s)), combine),
                    cell(y, s),
                ),
                "the tanh goes around the whole of W [c; s] + b, "
                "and not inside": lambda y, s, cell, attention, combine: (
                    combine(np.tanh(np.concatenate([attention(cell(y, s)), cell(y, s)], axis=-1))),
                    cell(y, s),
                ),
                "the tanh around it is missing": lambda y, s, cell, attention, combine: (
                    np.arctanh(reference.luong_step(y, s, cell, attention, combine)[0]),
                    cell(y, s),
                ),
                "this is the state as it came; "
                "the next step needs the new one": lambda y, s, cell, attention, combine: (
                    reference.luong_step(y, s, cell, attention, combine)[0],
                    s,
                ),
                "out does not take the place of the state: "
                "the cell goes on with s": lambda y, s, cell, attention, combine: (
                    2 * (reference.luong_step(y, s, cell, attention, combine)[0],)
                ),
            },
            praise="Step, look, combine.",
        ),
    ],
)
