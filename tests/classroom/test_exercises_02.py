"""The grader of lesson 02, graded."""

import numpy as np
import pytest

from minis2s.checks.derivatives import numerical_gradient as library_gradient
from minis2s.classroom.exercises.lesson_02 import REASONS, grade
from tests.classroom.graded import check, printed

EXERCISES = grade.exercises


def in_turn(f, x, step):
    x, gradient = x.copy(), np.zeros_like(x)
    for where in np.ndindex(x.shape):
        value = x[where]
        x[where] = value + step
        above = f(x)
        x[where] = value - step
        gradient[where] = (above - f(x)) / (2 * step)
        x[where] = value
    return gradient


def by_unit_vectors(f, x, step):
    units = step * np.eye(x.size).reshape(x.size, *x.shape)
    return np.reshape([(f(x + unit) - f(x - unit)) / step / 2 for unit in units], x.shape)


def sideways(f, x, step):
    x = x.astype(complex)
    return library_gradient(lambda: f(x), x, "complex")


def one_sided(f, x, step):
    return in_turn(lambda y: f(y) if (y >= x).all() else 2 * f(x) - f(2 * x - y), x, step)


def in_place(f, x, step):
    for i in range(x.size):
        x.flat[i] += step
    return x


def stays_above(f, x, step):
    x, gradient = x.copy(), np.zeros_like(x)
    for i in range(x.size):
        x.flat[i] -= step
        below = f(x)
        x.flat[i] += 2 * step
        gradient.flat[i] = (f(x) - below) / (2 * step)
    return gradient


def stays_below(f, x, step):
    x, gradient = x.copy(), np.zeros_like(x)
    for i in range(x.size):
        x.flat[i] += step
        above = f(x)
        x.flat[i] -= 2 * step
        gradient.flat[i] = (above - f(x)) / (2 * step)
    return gradient


def test_numerical_gradient():
    wrong = [
        (one_sided, "this is one-sided"),
        (lambda f, x, step: 2 * in_turn(f, x, step), "twice the step"),
        (stays_below, "not put back"),
        (stays_above, "not put back"),
        (lambda f, x, step: np.full(x.shape, (f(x + step) - f(x - step)) / (2 * step)), "all entries move at once"),
        (lambda f, x, step: -in_turn(f, x, step), "below and above are exchanged"),
        (lambda f, x, step: (f(x + step) - f(x - step)) / (2 * step), "its shape is (), wanted (3,)"),
        (lambda f, x, step: in_turn(f, x, step).ravel(), "the numbers are right, the axes are not"),
        (lambda f, x, step: in_turn(f, x, step).tolist()[0], "its shape is ()"),
        (lambda f, x, step: in_turn(f, x, 1e-12), "right to"),
        (lambda f, x, step: in_turn(f, x, 1e-5), "take the step that is given"),
        (sideways, "take the step that is given"),
        (lambda f, x, step: in_turn(f, x.astype(np.float32), step), "float32"),
        (lambda f, x, step: [f(x, i) for i in range(x.size)], "raised TypeError"),
        (in_place, "changed its argument x"),
    ]
    check(EXERCISES["numerical_gradient"], [in_turn, by_unit_vectors], wrong)


def test_bottom():
    wrong = [("A", "step^2 = 0.0001"), ("C", "how many are left in the difference"), ("D", "the same in nearly all")]
    check(EXERCISES["bottom"], ["B", "b"], [*wrong, (1e-5, "as a letter in quotes")])


def test_imaginary():
    wrong = [
        (12, "that is the true slope"),
        (12.01, "the central difference"),
        (12.61, "the one-sided difference"),
        (1.199, "divide it by the step"),
        (7.94, "the real part"),
        (-11.99, "the wrong sign"),
        (11.9, "too small"),
        ((2 + 0.1j) ** 3, "it should be a number"),
    ]
    check(EXERCISES["imaginary"], [11.99, ((2 + 0.1j) ** 3).imag / 0.1, "11.99"], wrong)


def test_ones():
    wrong = [("A", "the sum of all alpha"), ("B", "gradient of a constant"), ("three", "choose one of A, B, C")]
    check(EXERCISES["ones"], ["C", "c", "c)", "none", "C: none"], wrong)


@pytest.mark.parametrize(
    "name, right, phrases",
    [
        ("first_lie", "B", {"A": "how it was drawn", "C": "takes nothing away", "D": "1e-20", "E": "relative here"}),
        ("second_lie", "E", {"A": "a single number", "B": "closer", "C": "takes nothing away", "D": "1e-20"}),
        ("third_lie", "C", {"A": "convict the innocent", "B": "at random", "D": "larger", "E": "relative here"}),
    ],
)
def test_the_three_lies(name, right, phrases):
    wrong = [(letter, f"{REASONS[letter]}): ") for letter in phrases]
    check(EXERCISES[name], [right, right.lower()], [*phrases.items(), *wrong])


def test_hints_come_in_turn(capsys):
    texts = printed(EXERCISES["bottom"], ["A", "C", "D", "B"], capsys)
    assert ["Hint" in text for text in texts] == [False, True, True, False]
    assert "What is left, if you think it through: B." in texts[2] and "B." not in texts[1]
