"""The grader of lesson 04, graded."""

import numpy as np
import pytest

from minis2s.classroom.exercises.lesson_04 import grade
from minis2s.layers.record import to_vector
from minis2s.training.optimizers import clip_inplace
from tests.classroom.graded import check

EXERCISES = grade.exercises


def step(dh_new, cache):
    x, h, W_x, W_h, h_new = cache
    da = dh_new * (1 - h_new**2)
    return da @ W_x.T, da @ W_h.T, x.T @ da, h.T @ da, da.sum(0)


def step_in_loops(dh_new, cache):
    x, h, W_x, W_h, h_new = cache
    dx, dh, dW_x, dW_h, db = map(np.zeros_like, (x, h, W_x, W_h, W_h[0]))
    for i, k in np.ndindex(*h_new.shape):
        da = dh_new[i, k] * (1 - h_new[i, k]) * (1 + h_new[i, k])
        dx[i] += da * W_x[:, k]
        dh[i] += da * W_h[:, k]
        dW_x[:, k] += da * x[i]
        dW_h[:, k] += da * h[i]
        db[k] += da
    return dx, dh, dW_x, dW_h, db


def linear(da, cache):
    x, h, W_x, W_h, _ = cache
    return da @ W_x.T, da @ W_h.T, x.T @ da, h.T @ da, da.sum(0)


def changed(i, how):
    """Return a backward of the step whose result number i is another."""

    def backward(dh_new, cache):
        found = list(step(dh_new, cache))
        x, h, W_x, W_h, h_new = cache
        found[i] = how(x=x, h=h, W_x=W_x, W_h=W_h, h_new=h_new, da=dh_new * (1 - h_new**2))
        return tuple(found)

    return backward


def spoilt(dh_new, cache):
    dh_new *= 1 - cache[4] ** 2
    return linear(dh_new, cache)


def test_rnn_step_backward():
    wrong = [
        (lambda dh_new, cache: linear(dh_new, cache), "the slope of the tanh is missing"),
        (lambda dh_new, cache: linear(dh_new * (1 - np.tanh(cache[4]) ** 2), cache), "takes no second tanh"),
        (lambda dh_new, cache: linear(dh_new * (1 - cache[4]), cache), "the square is missing"),
        (lambda dh_new, cache: linear(dh_new * (1 - cache[1] ** 2), cache), "this has the old one"),
        (lambda dh_new, cache: linear(dh_new * cache[4] * (1 - cache[4]), cache), "sigmoid's slope"),
        (lambda dh_new, cache: linear(dh_new * 1 - cache[4] ** 2, cache), "brackets: dh_new"),
        (changed(1, lambda da, W_h, **_: da @ W_h), "goes through W_h^T"),
        (changed(1, lambda da, W_h, **_: da @ W_h), "through W_h^T; dx and dW_x and dW_h and db are right"),
        (changed(3, lambda da, h_new, **_: h_new.T @ da), "this has the new one"),
        (changed(2, lambda da, x, **_: da.T @ x), "right, but transposed"),
        (changed(3, lambda da, h, **_: da.T @ h), "transpose"),
        (changed(4, lambda da, **_: da), "right after .sum(0)"),
        (changed(4, lambda da, **_: da.mean(0)), "1/B with B = 3"),
        (lambda dh_new, cache: step(dh_new, cache)[:4], "returned 4 arrays; wanted: dx, dh, dW_x, dW_h, db"),
        (changed(0, lambda da, W_x, **_: da @ W_x), "raised ValueError"),
        (spoilt, "changed its argument dh_new"),
    ]
    check(EXERCISES["rnn_step_backward"], [step, step_in_loops, nearly], wrong)


def walk_back(dhs, caches, carry=lambda own, future: own + future, kept=lambda so_far, now: so_far + now):
    x, _, W_x, W_h, _ = caches[0]
    dh, weights = None, [np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(len(W_h))]
    dx = np.zeros((len(dhs), *x.shape))
    for t in range(len(dhs))[::-1]:
        dx[t], dh, *now = step(dhs[t] if dh is None else carry(dhs[t], dh), caches[t])
        weights = [kept(*parts) for parts in zip(weights, now)]
    return dx, dh, *weights


def a_walk_for_each_loss(dhs, caches):
    """One row of the triangle after the other."""
    total = None
    for t in range(len(dhs)):
        alone = np.zeros_like(dhs)
        alone[t] = dhs[t]
        found = walk_back(alone, caches)
        total = found if total is None else tuple(a + b for a, b in zip(total, found))
    return total


def late_dx(dhs, caches):
    dx, *others = walk_back(dhs, caches)
    return dx[::-1], *others


def without_the_first(dhs, caches):
    dx, *others = walk_back(dhs[1:], caches[1:])
    return np.concatenate([dx[:1], dx]), *others


def twice_at_the_start(dhs, caches):
    dx, dh0, *weights = walk_back(dhs, caches)
    return dx, dh0 + dhs[0], *weights


def begun_with_the_last(dhs, caches):
    return walk_back([*dhs[:-1], dhs[-1] + dhs[-1]], caches)


def forwards(dhs, caches):
    dh, dx, weights = 0, [], [0, 0, 0]
    for own, cache in zip(dhs, caches):
        dx_t, dh, *now = step(own + dh, cache)
        dx.append(dx_t)
        weights = [a + b for a, b in zip(weights, now)]
    return np.array(dx), dh, *weights


def overwritten(dhs, caches):
    dhs[-1] *= 0
    return walk_back(dhs, caches)


def nearly(dh_new, cache):
    """A step that is right to ten digits, as one whose slope is measured."""
    return step(dh_new * (1 + 5e-11), cache)


def walk_of_such_steps(dhs, caches):
    dh, total, dx = 0, [0, 0, 0], []
    for own, cache in zip(dhs[::-1], caches[::-1]):
        dx_t, dh, *now = nearly(own + dh, cache)
        dx, total = [dx_t, *dx], [a + b for a, b in zip(total, now)]
    return dx, dh, *total


def test_rnn_backward():
    wrong = [
        (lambda dhs, caches: walk_back(dhs, caches, carry=lambda own, future: own), "nothing comes from the future"),
        (lambda dhs, caches: walk_back(dhs, caches, carry=lambda own, future: future), "wipes out the step's own"),
        (lambda dhs, caches: walk_back(dhs, caches, kept=lambda so_far, now: now), "one step's alone"),
        (
            lambda dhs, caches: walk_back(dhs, caches, kept=lambda so_far, now: so_far if so_far.any() else now),
            "one step's alone",
        ),
        (
            lambda dhs, caches: walk_back(dhs, caches, kept=lambda so_far, now: so_far + now / len(dhs)),
            "the mean over time",
        ),
        (begun_with_the_last, "is there twice"),
        (without_the_first, "ends at 1"),
        (late_dx, "in the order in which you walked"),
        (twice_at_the_start, "h0 is no step's output"),
        (forwards, "you walked forwards"),
        (lambda dhs, caches: walk_back(dhs, [caches[t - 1] for t in range(len(dhs))]), "belongs to caches[t]"),
        (
            lambda dhs, caches: walk_back(dhs, caches, carry=lambda own, future: own + 2 * future),
            "there twice; one plus",
        ),
        (
            lambda dhs, caches: walk_back(dhs, caches)[:1] + walk_back(dhs, caches)[2:] + (0,),
            "in the place of dh0 stands",
        ),
        (overwritten, "changed its argument dhs"),
        (lambda dhs, caches: walk_back(dhs, caches)[1:], "returned 4 arrays"),
        (lambda dhs, caches: walk_back(dhs, caches[:1]), "raised IndexError"),
    ]
    check(EXERCISES["rnn_backward"], [walk_back, a_walk_for_each_loss, walk_of_such_steps], wrong)


def as_the_library_does(gradients, limit):
    vector = to_vector(tuple(gradients))
    clip_inplace(vector, limit)
    ends = np.cumsum([gradient.size for gradient in gradients])
    return [part.reshape(old.shape) for part, old in zip(np.split(vector, ends[:-1]), gradients)]


def with_epsilon(gradients, limit):
    norm = np.linalg.norm([np.linalg.norm(gradient) for gradient in gradients])
    return [gradient * min(1, limit / (norm + 1e-6)) for gradient in gradients]


def norm_of(gradients):
    return np.sqrt(sum((gradient**2).sum() for gradient in gradients))


def clipped_in_place(gradients, limit):
    for gradient in gradients:
        gradient *= min(1, limit / max(norm_of(gradients), limit))
    return gradients


def test_clip_by_norm():
    wrong = [
        (
            lambda gradients, limit: [g * min(1, limit / max(np.linalg.norm(g), limit)) for g in gradients],
            "clipped by its own norm",
        ),
        (lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients], "each entry is clipped"),
        (lambda gradients, limit: [g * limit / norm_of(gradients) for g in gradients], "is made longer"),
        (
            lambda gradients, limit: [g * min(1, limit / max(norm_of(gradients) ** 2, limit)) for g in gradients],
            "the root is missing",
        ),
        (
            lambda gradients, limit: [
                g * min(1, limit / max(sum(map(np.linalg.norm, gradients)), limit)) for g in gradients
            ],
            "norms are added up",
        ),
        (
            lambda gradients, limit: [
                g * min(1, limit / max(limit, *(np.abs(part).max() for part in gradients))) for g in gradients
            ],
            "the largest entry's size",
        ),
        (lambda gradients, limit: [g.copy() for g in gradients], "nothing is clipped"),
        (lambda gradients, limit: [g * min(1, limit / norm_of(gradients)) / 2 for g in gradients], "1/2"),
        (lambda gradients, limit: [g * max(1, norm_of(gradients) / limit) for g in gradients], "upside down"),
        (lambda gradients, limit: gradients[0], "wanted: dW_x, dW_h, db"),
        (lambda gradients, limit: [g * min(1, 1 / norm_of(gradients)) for g in gradients], "whatever the limit"),
        (
            lambda gradients, limit: [
                g * min(1, limit / sum(np.abs(part).sum() for part in gradients)) for g in gradients
            ],
            "sizes added up",
        ),
        (clipped_in_place, "changed its argument gradients"),
    ]
    check(EXERCISES["clip_by_norm"], [as_the_library_does, with_epsilon], wrong)


def test_dw():
    wrong = [
        (0.351, "the last step's alone"),
        (0.32, "the second step's alone"),
        (1.475, "multiplied by the h before it"),
        (0.394, "not by the h' after it"),
        (0.224, "the mean over the steps"),
        (0.088, "what the word x"),
        (0.733, "the slope of the tanh"),
        (-0.67, "wrong sign"),
        (0.5, "too small"),
        ("w", "it should be a number"),
    ]
    check(EXERCISES["dw"], [0.67, 0.6715, 0.420 * 0.762 + 0.968 * 0.363], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        (
            "worst",
            "A",
            {"B": "still reaches every step", "C": "learns to remember", "D": "nothing in it learns to remember"},
        ),
        ("with_words", "C", {"A": "can words make a slope larger?", "B": "where do words put the states?"}),
    ],
)
def test_predictions(name, right, wrong):
    others = [("E", "choose one of A, B, C"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])
