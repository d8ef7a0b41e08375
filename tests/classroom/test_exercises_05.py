"""The grader of lesson 05, graded."""

import math

import numpy as np
import pytest

from minis2s.classroom.exercises import lesson_05_reference as reference
from minis2s.classroom.exercises.lesson_05 import grade
from minis2s.layers import GRU
from minis2s.layers.gru import GRUStep
from tests.classroom.graded import check

EXERCISES = grade.exercises


def test_bias():
    wrong = [
        (0.98623, "that is z itself"),
        (1.855, "powers of ten"),
        (4.595, "z = 0.99"),
        (2.197, "z = 0.9,"),
        (0, "not over 50"),
        (4.2855, "not 1 - z"),
        (-4.27, "wrong sign"),
        (4.3, "give two decimals"),
        (4.28, "too large"),
        (4.26, "too small"),
        (4.2546, "rounded too early"),
        (5, "too large"),
        (4, "too small"),
        ("4,27", "it should be a number"),
    ]
    check(EXERCISES["bias"], [4.27, 4.272, -math.log(2 ** (1 / 50) - 1)], wrong)


def mix_by_units(dh_new, cache):
    n, z, h = cache
    dn, dz, dh = np.zeros((3, *n.shape))
    for i in np.ndindex(*n.shape):
        dn[i] = dh_new[i] - dh_new[i] * z[i]
        dz[i] = dh_new[i] * h[i] - dh_new[i] * n[i]
        dh[i] = dh_new[i] * z[i]
    return dn, dz, dh


def test_mix_backward():
    right = reference.mix_backward

    def spoilt(dh_new, cache):
        dh_new *= cache[1]
        return dh_new, dh_new, dh_new

    wrong = [
        (lambda d, cache: (d, d * (cache[2] - cache[0]), d * cache[1]), "n stands in (4) twice"),
        (lambda d, cache: (d * cache[1], d * (cache[2] - cache[0]), d * (1 - cache[1])), "our 1 - z z.) dz is right"),
        (lambda d, cache: (1 - cache[1], cache[2] - cache[0], cache[1]), "to be multiplied by dh_new"),
        (lambda d, cache: (d * (1 - cache[1]), d * (cache[0] - cache[2]), d * cache[1]), "-1 (a wrong sign)"),
        (lambda d, cache: (d * (1 - cache[1]), d * cache[2], d * cache[1]), "z multiplies h - n"),
        (lambda d, cache: (right(d, cache)[0], *right(d, cache)[:0:-1]), "dz and dh are in each other's places"),
        (lambda d, cache: right(d, (cache[1], cache[0], cache[2])), "the cache is (n, z, h)"),
        (lambda d, cache: (d * (1 - cache[1]), d * cache[2] - cache[0], d * cache[1]), "dz: brackets"),
        (reference.mix_too_far, "here stop at n and z"),
        (lambda d, cache: right(d, cache)[:2], "returned 2 arrays; wanted: dn, dz, dh"),
        (lambda d, cache: d * cache[1], "wanted: dn, dz, dh"),
        (lambda d, cache: tuple(part.sum(0) for part in right(d, cache)), "its shape is (4,), wanted (2, 4)"),
        (lambda d, n, z, h: d, "raised TypeError"),
        (spoilt, "changed its argument dh_new"),
    ]
    check(EXERCISES["mix_backward"], [right, mix_by_units], wrong)


def candidate_by_units(dn, cache):
    r, u_n, n = cache
    slope = np.array([[1 / np.cosh(np.arctanh(entry)) ** 2 for entry in row] for row in n])
    return [dn * slope, dn * slope * u_n, dn * slope * r]


def test_candidate_backward():
    right = reference.candidate_backward

    def of(da_n, r, u_n):
        return da_n, da_n * u_n, da_n * r

    wrong = [
        (lambda dn, cache: of(dn, *cache[:2]), "the tanh is missing"),
        (lambda dn, cache: of(dn * (1 - cache[2]), *cache[:2]), "n is squared"),
        (lambda dn, cache: of(dn * (1 + cache[2] ** 2), *cache[:2]), "with a minus"),
        (lambda dn, cache: (right(dn, cache)[0] * cache[0], *right(dn, cache)[1:]), "da_n: a_n stands alone"),
        (lambda dn, cache: of(dn * (1 - np.tanh(cache[0] * cache[1]) ** 2), *cache[:2]), "a_n included"),
        (lambda dn, cache: of(dn * (1 - np.tanh(cache[2]) ** 2), *cache[:2]), "n is the tanh already"),
        (lambda dn, cache: (*right(dn, cache)[:2], right(dn, cache)[0]), "du_n: r and u_n met in (3)"),
        (lambda dn, cache: (right(dn, cache)[0], *right(dn, cache)[:0:-1]), "dr, du_n: exchanged"),
        (lambda dn, cache: of(dn * cache[2] * (1 - cache[2]), *cache[:2]), "the sigmoid's slope"),
        (reference.candidate_too_far, "here stop at r"),
        (lambda dn, cache: [-part for part in right(dn, cache)], "-1 (a wrong sign)"),
        (lambda dn, cache: (*right(dn, cache)[:2], 0 * dn), "du_n: consistent with a path that is missing"),
        (lambda dn, cache: right(dn, cache)[1:], "returned 2 arrays"),
        (lambda dn, cache: right(dn, cache[::-1]), "expected"),
    ]
    check(EXERCISES["candidate_backward"], [right, candidate_by_units], wrong)


def by_library(dh_new, cache):
    """The library's own backward."""
    x, h, W_x, W_h, *activations = cache
    cell = GRU(W_x, W_h, *np.zeros((2, 3, 1, h.shape[1])))
    gradient, dx, dh = cell.step_backward(dh_new, GRUStep(x, h, *activations))
    return dx, dh, gradient.W_x, gradient.W_h, gradient.b_x, gradient.b_h


def replaced(**changes):
    """The right backward, but for the named gradients."""
    names = ("dx", "dh", "dW_x", "dW_h", "db_x", "db_h")

    def backward(dh_new, cache):
        right = dict(zip(names, reference.gru_step_backward(dh_new, cache)))
        return tuple(changes[name](right[name]) if name in changes else right[name] for name in names)

    return backward


def gate_wrong(g, factor):
    return lambda array: array * np.array([factor if k == g else 1 for k in range(3)])[:, None, None]


def one_slope_wrong(da_r=lambda dr, r: dr * r * (1 - r), da_z=lambda dz, z: dz * z * (1 - z)):
    """A whole backward in plain steps, with the slopes of the sigmoids as given."""

    def backward(dh_new, cache):
        x, h, W_x, W_h, r, z, n, u_n = cache
        da_n = dh_new * (1 - z) * (1 - n * n)
        a_r, a_z = da_r(da_n * u_n, r), da_z(dh_new * (h - n), z)
        da, du = (a_r, a_z, da_n), (a_r, a_z, da_n * r)
        dx = sum(d @ W.T for d, W in zip(da, W_x))
        dh = dh_new * z + sum(d @ W.T for d, W in zip(du, W_h))
        dW_x, dW_h = np.array([x.T @ d for d in da]), np.array([h.T @ d for d in du])
        return dx, dh, dW_x, dW_h, np.array([[d.sum(0)] for d in da]), np.array([[d.sum(0)] for d in du])

    return backward


def direct_without_z(dh_new, cache):
    dx, dh, *others = reference.gru_step_backward(dh_new, cache)
    return dx, dh + dh_new * (1 - cache[5]), *others


def read_times_r(dh_new, cache):
    dx, dh, dW_x, dW_h, *others = reference.gru_step_backward(dh_new, cache)
    _, h, _, _, r, z, n, _ = cache
    dW_h[2] = (r * h).T @ (dh_new * (1 - z) * (1 - n * n))
    return dx, dh, dW_x, dW_h, *others


def test_gru_step_backward():
    wrong = [
        (reference.direct_path_alone, "h fed all three gates"),
        (reference.without_direct_path, "h goes into (4) directly"),
        (reference.without_r_and_z, "r and z read h as well"),
        (reference.same_on_both_sides, "if du has da_n for n"),
        (reference.hidden_side_on_both, "if da has du_n for n"),
        (reference.without_sigmoid, "each went through a sigmoid"),
        (one_slope_wrong(da_z=lambda dz, z: dz), "if dz is taken for da_z"),
        (one_slope_wrong(da_r=lambda dr, r: dr), "if dr is taken for da_r"),
        (one_slope_wrong(lambda dr, r: dr * (1 - r * r), lambda dz, z: dz * (1 - z * z)), "the slope of a tanh"),
        (direct_without_z, "dh: z is missing in the direct path"),
        (read_times_r, "dW_h: W_h read h itself"),
        (reference.r_and_z_exchanged, "dx, dh, dW_x, dW_h, db_x, db_h: this comes out if r and z change places"),
        (reference.not_turned, "W_h is to be transposed"),
        (replaced(dW_x=gate_wrong(1, -1)), "only gate z wrong"),
        (replaced(db_h=gate_wrong(2, 0)), "only gate n wrong"),
        (replaced(dW_h=lambda dW_h: dW_h[[2, 1, 0]]), "the gates r and n swapped"),
        (replaced(dW_x=lambda dW_x: dW_x.swapaxes(1, 2)), "right, but transposed"),
        (replaced(db_x=lambda db_x: db_x[:, 0]), "db_x: its shape is (3, 4), wanted (3, 1, 4)"),
        (replaced(db_x=lambda db_x: db_x / 2, dW_x=lambda dW_x: dW_x / 2), "1/B with B = 2"),
        (replaced(dx=lambda dx: dx / 3), "1/gates with gates = 3"),
        (replaced(dx=lambda dx: 0 * dx), "dx: consistent with a path that is missing"),
        (
            lambda dh_new, cache: reference.gru_step_backward(dh_new, cache)[:4],
            "returned 4 arrays; wanted: dx, dh, dW_x",
        ),
        (lambda dh_new, cache: dh_new @ cache, "raised"),
    ]
    check(EXERCISES["gru_step_backward"], [reference.gru_step_backward, by_library, one_slope_wrong()], wrong)


def test_the_blank_of_gru_step_backward():
    def as_found(dh_new, cache):
        dx = dW_x = dW_h = db_x = db_h = ...
        return dx, dh_new, dW_x, dW_h, db_x, db_h

    assert EXERCISES["gru_step_backward"].check(as_found).state == "blank"


def path_in_two(new, cache):
    f, o, tanh_c = cache
    shown = new[0] * o / np.cosh(np.arctanh(tanh_c)) ** 2
    return shown * f + new[1] * f


def test_path_backward():
    right = reference.path_backward
    wrong = [
        (lambda new, cache: new[1] * cache[0], "remembered alone"),
        (lambda new, cache: new[0] * cache[0] * cache[1] * (1 - cache[2] ** 2), "shown alone"),
        (lambda new, cache: right(new, cache) / cache[0], "(5) is still to come"),
        (lambda new, cache: cache[0] * new[1] + new[0] * cache[1] * (1 - cache[2] ** 2), "f multiplies the whole sum"),
        (lambda new, cache: new[1] + cache[0] * new[0] * cache[1] * (1 - cache[2] ** 2), "f multiplies the whole sum"),
        (lambda new, cache: (new[1] + new[0] * cache[1]) * cache[0], "(6) has a tanh"),
        (lambda new, cache: (new[1] + new[0] * (1 - cache[2] ** 2)) * cache[0], "an output gate"),
        (lambda new, cache: (new[1] + new[0] * cache[1] * cache[2]) * cache[0], "its slope is 1 - tanh_c^2"),
        (lambda new, cache: new[1] * cache[0] + new[0] * cache[1], "whose slope is missing"),
        (lambda new, cache: cache[0] * (new[1] + new[0] * cache[1] * (1 - np.tanh(cache[2]) ** 2)), "c' already"),
        (lambda new, cache: (new[1] + new[0] * cache[1] * (1 - cache[2])) * cache[0], "the square is missing"),
        (lambda new, cache: right((-new[0], new[1]), cache), "a fork is a sum"),
        (lambda new, cache: right(new[::-1], cache), "in each other's places"),
        (lambda new, cache: right(new, (cache[0], cache[1] * (1 - cache[1]), cache[2])), "no s (1 - s) here"),
        (lambda new, cache: right(new, cache) * (1 - cache[0]), "no s (1 - s) here"),
        (lambda new, cache: -right(new, cache), "-1 (a wrong sign)"),
        (lambda new, cache: (right(new, cache), right(new, cache)), "returned 2 arrays; wanted: dc"),
        (lambda new, cache: new * cache[0], "its shape is (2, 2, 4), wanted (2, 4)"),
    ]
    check(EXERCISES["path_backward"], [right, path_in_two], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        (
            "forgets",
            "B",
            {"A": "stretch or shrink", "C": "with what do the GRU's gates start?", "D": "a gate of bias 0"},
        ),
        ("learns", "B", {"A": "rewrites the whole state", "C": "may training not move"}),
        ("agree", "B", {"A": "try r = 0.5", "C": "two different results", "D": "try r = (1, 1)"}),
    ],
)
def test_predictions(name, right, wrong):
    others = [("E", "choose one of A, B, C"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])


@pytest.mark.parametrize("H", [1, 3])
def test_a_step_is_the_library_s(H):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((3, 2, H), (3, H, H), (3, 1, H), (3, 1, H))]
    x, h = rng.normal(size=(4, 2)), rng.normal(size=(4, H))
    np.testing.assert_allclose(reference.gru_step(x, h, *weights)[0], GRU(*weights).step(x, h)[0], rtol=1e-12)
