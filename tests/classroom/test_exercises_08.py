"""The grader of lesson 08, graded; and the parts of the small training that it alone uses."""

import numpy as np
import pytest

from minis2s.classroom.exercises.lesson_08 import grade
from minis2s.classroom.reversal import Reversal, product_times
from minis2s.layers.activations import softmax
from tests.classroom.graded import check

EXERCISES = grade.exercises


def lookup_by_products(query, keys, values):
    return softmax(query @ keys.T) @ values


def lookup_by_loops(query, keys, values):
    contexts = []
    for q in query:
        power = np.exp(keys @ q - (keys @ q).max())
        contexts.append(sum(p * value for p, value in zip(power, values)) / power.sum())
    return np.array(contexts)


def without_the_largest(query, keys, values):
    power = np.exp(query @ keys.T)
    return (power / power.sum(1)[:, None]) @ values


def test_lookup():
    wrong = [
        (lambda query, keys, values: softmax(keys @ query.T).T @ values, "over the queries"),
        (lambda query, keys, values: query @ keys.T @ values, "where is the softmax?"),
        (lambda query, keys, values: softmax((query @ keys.T).ravel()).reshape(-1, 4) @ values, "the whole table"),
        (lambda query, keys, values: softmax(query @ keys.T / query.shape[1] ** 0.5) @ values, "comes later"),
        (lambda query, keys, values: lookup_by_products(query, keys, keys), "brings back the keys"),
        (without_the_largest, "e^1000 is more than a float holds"),
        (lambda query, keys, values: values[np.argmax(query @ keys.T, axis=1)], "a choice, where (1) has shares"),
        (lambda query, keys, values: softmax(query @ keys.T), "its shape is (3, 4), wanted (3, 5)"),
        (lambda query, keys, values: softmax(query @ keys) @ values, "raised ValueError"),
        (lambda query, keys, values: lookup_by_products(query, keys, values).T, "right, but transposed"),
        (lambda query, keys, values: lookup_by_products(query[:1], keys, values), "its shape is (1, 5)"),
    ]
    check(EXERCISES["lookup"], [lookup_by_products, lookup_by_loops], wrong)


def backward_with(dproduct):
    """Return the backward with another gradient of the products, made of alpha, dalpha and d."""

    def backward(dcontext, cache):
        query, keys, values, alpha = cache
        d = dproduct(alpha, dcontext @ values.T, query.shape[1])
        return d @ keys, d.T @ query, alpha.T @ dcontext

    return backward


def through_softmax(alpha, dalpha):
    return alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))


right_backward = backward_with(lambda alpha, dalpha, d: through_softmax(alpha, dalpha) / np.sqrt(d))


def backward_by_loops(dcontext, cache):
    query, keys, values, alpha = cache
    dquery, dkeys, dvalues = np.zeros_like(query), np.zeros_like(keys), np.zeros_like(values)
    for t, j in np.ndindex(*alpha.shape):
        dvalues[j] += alpha[t, j] * dcontext[t]
        dscore = alpha[t, j] * (values[j] - alpha[t] @ values) @ dcontext[t]
        dquery[t] += dscore * keys[j] / np.sqrt(query.shape[1])
        dkeys[j] += dscore * query[t] / np.sqrt(query.shape[1])
    return dquery, dkeys, dvalues


def only_the_queries_scaled(dcontext, cache):
    dquery, dkeys, dvalues = right_backward(dcontext, cache)
    return dquery, dkeys * np.sqrt(3), dvalues


def with_values_width(dcontext, cache):
    query, keys, values, alpha = cache
    d = through_softmax(alpha, dcontext @ values.T) / np.sqrt(values.shape[1])
    return d @ keys, d.T @ query, alpha.T @ dcontext


def from_dscore(dcontext, cache):
    dscore = through_softmax(cache[3], dcontext @ cache[2].T) / np.sqrt(cache[0].shape[1])
    return *right_backward(dcontext, cache)[:2], dscore.T @ dcontext


def untransposed(dcontext, cache):
    dquery, dkeys, _ = right_backward(dcontext, cache)
    return dquery, dkeys, cache[3] @ dcontext


def last_query(dcontext, cache):
    dquery, dkeys, _ = right_backward(dcontext, cache)
    return dquery, dkeys, np.outer(cache[3][-1], dcontext[-1])


def test_scaled_dot_backward():
    wrong = [
        (backward_with(lambda alpha, dalpha, d: through_softmax(alpha, dalpha)), "right but for the square root"),
        (backward_with(lambda alpha, dalpha, d: through_softmax(alpha, dalpha) / d), "that divides by d"),
        (backward_with(lambda alpha, dalpha, d: through_softmax(alpha, dalpha) / 5**0.5), "the number of keys"),
        (backward_with(lambda alpha, dalpha, d: through_softmax(alpha, dalpha) * d**0.5), "does not multiply"),
        (backward_with(lambda alpha, dalpha, d: alpha * dalpha / d**0.5), "lacks its sum"),
        (backward_with(lambda alpha, dalpha, d: dalpha / d**0.5), "still has to pass the softmax"),
        (
            backward_with(lambda alpha, dalpha, d: alpha * (dalpha - (alpha * dalpha).sum(0)) / d**0.5),
            "each query, a row, has a softmax of its own",
        ),
        (
            backward_with(lambda alpha, dalpha, d: through_softmax(alpha, dalpha) / len(alpha) ** 0.5),
            "the number of queries",
        ),
        (with_values_width, "the values' width"),
        (backward_with(lambda alpha, dalpha, d: alpha * (1 - alpha) * dalpha / d**0.5), "the diagonal of the Jacobian"),
        (backward_with(lambda alpha, dalpha, d: alpha), "alpha where dscore belongs"),
        (
            lambda dcontext, cache: (*right_backward(dcontext, cache)[:2], (dcontext @ cache[2].T).T @ dcontext),
            "by alpha",
        ),
        (from_dscore, "dvalues: the values were weighed by alpha"),
        (only_the_queries_scaled, "dkeys: right but for the square root"),
        (only_the_queries_scaled, "dquery and dvalues are right"),
        (untransposed, "raised ValueError"),
        (last_query, "dvalues: "),
        (
            lambda dcontext, cache: right_backward(dcontext, cache)[::-1],
            "dquery and dvalues are in each other's places",
        ),
        (lambda dcontext, cache: right_backward(dcontext, cache)[0], "it returned 1 array"),
    ]
    check(EXERCISES["scaled_dot_backward"], [right_backward, backward_by_loops], wrong)


def step(y, s, cell, attention, combine):
    s = cell(y, s)
    return np.tanh(combine(np.concatenate([attention(s), s], axis=-1))), s


def step_by_sentences(y, s, cell, attention, combine):
    new = cell(y, s)
    both = np.hstack((attention(new), new))
    return np.array([np.tanh(row) for row in combine(both)]), new


def bahdanau(y, s, cell, attention, combine):
    context = attention(s)
    s = cell(y, s)
    return np.tanh(combine(np.concatenate([context, s], axis=-1))), s


def beside_the_old(y, s, cell, attention, combine):
    new = cell(y, s)
    return np.tanh(combine(np.concatenate([attention(new), s], axis=-1))), new


def wrong_order(y, s, cell, attention, combine):
    s = cell(y, s)
    return np.tanh(combine(np.concatenate([s, attention(s)], axis=-1))), s


def without_tanh(y, s, cell, attention, combine):
    s = cell(y, s)
    return combine(np.concatenate([attention(s), s], axis=-1)), s


def tanh_inside(y, s, cell, attention, combine):
    s = cell(y, s)
    return combine(np.concatenate([np.tanh(attention(s)), np.tanh(s)], axis=-1)), s


def test_luong_step():
    wrong = [
        (bahdanau, "here the previous state asks"),
        (beside_the_old, "the previous state stands beside the context"),
        (wrong_order, "in the wrong order"),
        (without_tanh, "the tanh around it is missing"),
        (tanh_inside, "and not inside"),
        (lambda y, s, *parts: (step(y, s, *parts)[0], s), "the next step needs the new one"),
        (lambda *given: (step(*given)[0],) * 2, "the cell goes on with s"),
        (lambda *given: step(*given)[0], "it returned 1 array; wanted: out, s"),
        (lambda *given: step(*given)[::-1], "out and s are in each other's places"),
        (lambda y, s, cell, attention, combine: (combine(attention(s)), s), "raised ValueError"),
    ]
    check(EXERCISES["luong_step"], [step, step_by_sentences], wrong)


def test_spread():
    wrong = [
        (64, "that is the variance"),
        (1, "after dividing"),
        (1 / 8, "multiplied by"),
        (4096, "is its root"),
        (-8, "wrong sign"),
        (11.3, "too large"),
        ("eight", "it should be a number"),
    ]
    check(EXERCISES["spread"], [8, 64**0.5, np.float64(8)], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("scaled", "C", {"A": "the entries of a GRU?", "B": "too small to begin with?"}),
        ("asks", "C", {"A": "which letter is the last", "B": "Which letter is the last"}),
    ],
)
def test_predictions(name, right, wrong):
    others = [("D", "choose one of A, B, C"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])


def test_reversal_multiplies_products(monkeypatch):
    monkeypatch.setenv("MINIS2S_LESSON", "small")
    plain, hot = (Reversal.start(0, 5, 1, product_times(factor), attention="dot") for factor in (1.0, 8.0))
    named = Reversal.start(0, 5, 1, attention="scaled_dot")
    scaled = Reversal.start(0, 5, 1, product_times(32**-0.5), attention="dot")
    assert named.sizes() == pytest.approx(scaled.sizes(), rel=1e-6)
    entries = plain.sizes()[0]
    assert 0 < entries < 1 and hot.sizes()[0] == entries  # the encoder is the same
    pair = [run.alphas(["abc"] * 2, ["cba", "aaa"]) for run in (plain, hot)]
    assert [alphas.shape for alphas in pair[0]] == [(4, 4)] * 2
    assert np.abs(np.diff(pair[1], axis=0)).max() > 1e-4  # another word is written
    spread = [np.ptp(np.log(alphas[0][0])) for alphas in pair]  # the first query is the same in both
    assert spread[1] == pytest.approx(8 * spread[0], rel=1e-4)
