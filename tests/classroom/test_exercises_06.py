"""The grader of lesson 06, graded."""

import numpy as np
import pytest

from minis2s.classroom.exercises.lesson_06 import DECODERS, bridge_backward, decoder_forward, grade
from minis2s.data.batches import make_batch
from minis2s.data.vocabulary import BOS, EOS, PAD
from minis2s.layers import RNN
from minis2s.models import PlainDecoder
from tests.classroom.graded import check, printed

EXERCISES = grade.exercises


def shifted(target):
    return np.concatenate([[BOS], target[:-1]])


def rolled(target):
    previous = np.roll(target, 1)
    previous[0] = BOS
    return previous


def in_loops(target):
    previous = [BOS]
    for token in target[:-1]:
        previous.append(int(token))
    return previous


def in_floats(target):
    previous = np.zeros(len(target))
    previous[0], previous[1:] = BOS, target[:-1]
    return previous


def in_place(target):
    target[1:] = target[:-1].copy()
    target[0] = BOS
    return target


def test_previous_tokens():
    wrong = [
        (lambda target: target, "the very token that it has to write"),
        (lambda target: np.roll(target, 1), "which came round from the end"),
        (lambda target: np.array([BOS, *target[1:]]), "nothing was shifted"),
        (lambda target: np.array([BOS, *target]), "one too long"),
        (lambda target: target[:-1], "one too short"),
        (lambda target: np.roll(target, -1), "shifted the other way"),
        (lambda target: np.array([*target[1:], BOS]), "shifted the other way, with BOS at the end"),
        (lambda target: np.array([*target[1:], EOS]), "shifted the other way, with EOS at the end"),
        (in_floats, "as an index they have to be whole"),
        (lambda target: np.array([PAD, *target[:-1]]), "0 is PAD"),
        (lambda target: np.array([EOS, *target[:-1]]), "begins with the end sign"),
        (lambda target: shifted(target)[::-1], "found"),
        (lambda target: [[BOS], target[:-1]], "its rows differ in length: 1, 3;"),
        (lambda target: [BOS] + target, "adds BOS to every number"),  # noqa: RUF005
        (lambda target: BOS + target[:-1], "its shape is (3,), wanted (4,)"),
        (lambda target: target[1:], "the other way, and one too short"),
        (in_place, "changed its argument target"),
        (lambda target: "<bos>" + str(target), "no array of numbers"),
    ]
    check(EXERCISES["previous_tokens"], [shifted, rolled, in_loops], wrong)


def test_ours_is_what_batches_have():
    for (target,) in ((np.array([7, 4, 9, EOS]),), (np.array([EOS]),)):
        assert make_batch([[4]], [target[:-1].tolist()]).previous.tolist() == in_loops(target)


def from_the_last(dstates, cache):
    states, W_c, W_h = cache
    dc, ds = 0.0, 0.0
    for s, from_logits in zip(states[::-1], dstates[::-1]):
        da = (from_logits + ds) * (1 - s * s)
        dc, ds = dc + W_c @ da, W_h @ da
    return dc + ds


def by_matrix(dstates, cache):
    """One linear system for all da at once: da_t = (dstates_t + da_{t+1} W_h^T) (1 - s_t^2)."""
    states, W_c, W_h = cache
    T, H = states.shape
    slope = (1 - states**2).ravel()
    ahead = np.kron(np.eye(T, k=1), W_h) * slope[:, None]
    da = np.linalg.solve(np.eye(T * H) - ahead, slope * dstates.ravel()).reshape(T, H)
    return (da @ W_c.T).sum(0) + da[0] @ W_h.T


def assigned(dstates, cache):
    states, W_c, W_h = cache
    ds = np.zeros(states.shape[1])
    for t in reversed(range(len(states))):
        da = (dstates[t] + ds) * (1 - states[t] ** 2)
        dc = da @ W_c.T
        ds = da @ W_h.T
    return dc + ds


def forward_in_time(dstates, cache):
    states, W_c, W_h = cache
    dc, ds = np.zeros(states.shape[1]), np.zeros(states.shape[1])
    for t in range(len(states)):
        da = (dstates[t] + ds) * (1 - states[t] ** 2)
        dc, ds = dc + da @ W_c.T, da @ W_h.T
    return dc + ds


def all_steps_at_once(dstates, cache):
    states, W_c, W_h = cache
    da = dstates * (1 - states**2)
    return (da @ W_c.T).sum(0) + da[0] @ W_h.T


def slope_too_early(dstates, cache):
    states, W_c, W_h = cache
    dc, ds = np.zeros(states.shape[1]), np.zeros(states.shape[1])
    for t in reversed(range(len(states))):
        da = dstates[t] * (1 - states[t] ** 2) + ds
        dc, ds = dc + da @ W_c.T, da @ W_h.T
    return dc + ds


def wrong_slope(dstates, cache):
    states, W_c, W_h = cache
    dc, ds = np.zeros(states.shape[1]), np.zeros(states.shape[1])
    for t in reversed(range(len(states))):
        da = (dstates[t] + ds) * (1 - states[t]) ** 2
        dc, ds = dc + da @ W_c.T, da @ W_h.T
    return dc + ds


def never_at_0(dstates, cache):
    states, W_c, W_h = cache
    dc, ds = np.zeros(states.shape[1]), np.zeros(states.shape[1])
    for t in range(len(states) - 1, -1, -1):
        da = (dstates[t] + ds) * (1 - states[t] ** 2)
        dc, ds = dc + (da @ W_c.T if t else 0), da @ W_h.T
    return dc + ds


def context_alone(dstates, cache):
    states, _, W_h = cache
    da0 = from_the_last(dstates, (states, np.zeros_like(W_h), W_h))
    return from_the_last(dstates, cache) - da0


def s0_alone(dstates, cache):
    states, _, W_h = cache
    return from_the_last(dstates, (states, np.zeros_like(W_h), W_h))


def with_slope(slope):
    """The right loops with another slope, made of all states and t."""

    def backward(dstates, cache):
        states, W_c, W_h = cache
        dc, ds = np.zeros(states.shape[1]), np.zeros(states.shape[1])
        for t in range(len(states) - 1, -1, -1):
            da = (dstates[t] + ds) * slope(states, t)
            dc, ds = dc + da @ W_c.T, da @ W_h.T
        return dc + ds

    return backward


def steps_only(first, last):
    """The right loops over some of the steps."""

    def backward(dstates, cache):
        return from_the_last(dstates[first:last], (cache[0][first:last], *cache[1:]))

    return backward


def without_slope(dstates, cache):
    states, W_c, W_h = cache
    return from_the_last(dstates, (np.zeros_like(states), W_c, W_h))


def every_state(dstates, cache):
    states, W_c, W_h = cache
    dc, ds = 0.0, 0.0
    for s, from_logits in zip(states[::-1], dstates[::-1]):
        da = (from_logits + ds) * (1 - s * s)
        ds = da @ W_h.T
        dc = dc + da @ W_c.T + ds
    return dc


def test_bridge_backward():
    wrong = [
        (s0_alone, "the way through the context is missing"),
        (context_alone, "c is also s_0"),
        (assigned, "only the first step's context"),
        (without_slope, "tanh' is missing"),
        (all_steps_at_once, "nothing is carried back"),
        (lambda d, cache: (d * (1 - cache[0] ** 2) @ cache[1].T).sum(0), "and what arrives at s_0 is lost"),
        (slope_too_early, "add it before you multiply"),
        (wrong_slope, "this has (1 - s)^2"),
        (never_at_0, "does your loop reach t = 0?"),
        (every_state, "only s_0 is c"),
        (with_slope(lambda states, t: 1 - np.tanh(states[t]) ** 2), "not 1 - tanh(s)^2"),
        (with_slope(lambda states, t: states[t] * (1 - states[t])), "the slope of a sigmoid"),
        (with_slope(lambda states, t: 1 - states[t - 1] ** 2), "the state of the step before"),
        (steps_only(1, None), "the first step is left out altogether"),
        (steps_only(0, -1), "the last step is left out"),
        (lambda d, cache: from_the_last(d, (cache[0], cache[1].T, cache[2])), "W_c is not transposed"),
        (lambda d, cache: from_the_last(d, (cache[0], cache[1], cache[2].T)), "W_h is not transposed"),
        (lambda dstates, cache: from_the_last(dstates, (cache[0], cache[1].T, cache[2].T)), "go back transposed"),
        (lambda dstates, cache: from_the_last(dstates, (cache[0], cache[2], cache[1])), "in each other's places"),
        (lambda dstates, cache: -from_the_last(dstates, cache), "-1 (a wrong sign)"),
        (lambda dstates, cache: from_the_last(dstates, cache) / len(cache[0]), "1/T with T = 4"),
        (forward_in_time, "from the first step to the last"),
        (lambda dstates, cache: dstates @ cache[1].T, "its shape is (4, 3), wanted (3,)"),
        (lambda dstates, cache: dstates.sum(0) @ cache[1].T * (1 - cache[0] ** 2).sum(0), "found"),
        (lambda dstates, cache: from_the_last(dstates, cache[:2]), "raised ValueError"),
        (lambda dstates, cache: (from_the_last(dstates, cache), dstates), "returned 2 arrays; wanted: dc"),
    ]
    check(
        EXERCISES["bridge_backward"], [from_the_last, by_matrix, lambda *given: from_the_last(*given).tolist()], wrong
    )


@pytest.mark.parametrize("case", DECODERS)
def test_the_bridge_is_that_of_the_library(case):
    c, y, W_y, W_c, W_h = DECODERS[case]
    decoder = PlainDecoder(RNN(np.concatenate([W_y, W_c])[None], W_h[None], np.zeros((1, 1, len(c)))))
    states, cache = decoder_forward(c, y, W_y, W_c, W_h)
    hs, library = decoder.forward(y, c[None], np.zeros((1, 1, len(c))), np.ones((1, 1), bool), [1] * len(y))
    dstates = np.random.default_rng(0).normal(size=states.shape)
    np.testing.assert_allclose(hs, states, rtol=1e-12)
    np.testing.assert_allclose(decoder.backward(dstates, library)[2][0], bridge_backward(dstates, cache), rtol=1e-10)


def test_bits():
    wrong = [
        (3, "that is one letter"),
        (96, "a byte a letter"),
        (12 * np.log(8), "in nats"),
        (8**12, "so many words there are"),
        (12, "one bit a letter"),
        (30, "too small"),
        (1536, "too large"),
        ("36 bits", "it should be a number"),
    ]
    check(EXERCISES["bits"], [36, 12 * np.log2(8), "36"], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("comes_out", "B", {"A": "which digit stands before the point", "C": "Where have you seen that number"}),
        ("unshifted", "C", {"A": "equally long", "B": "reading at that very step"}),
        ("wall", "B", {"A": "ask no more of the vector", "C": "must it find one"}),
        ("easier", "B", {"A": "how many steps lie between", "C": "what lies on top"}),
    ],
)
def test_predictions(name, right, wrong):
    others = [("D", "choose one of A, B, C"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])


def test_hints_come_in_turn(capsys):
    exercise = EXERCISES["bridge_backward"]
    texts = printed(exercise, [..., s0_alone, ..., s0_alone, context_alone, from_the_last], capsys)
    assert ["Hint" in text for text in texts] == [False, False, False, True, True, False]
    assert exercise.hints[0] in texts[3] and exercise.hints[1] in texts[4]
    assert texts[0].startswith("bridge_backward: still blank.") and texts[5].startswith("bridge_backward: right. Both")
