"""Exercises of lesson 02, checking gradients."""

import numpy as np

from minis2s.classroom.exercises.kinds import function_exercise, number_exercise, prediction_exercise
from minis2s.classroom.grading import Lesson


def cubes(x):
    """Return a number whose slope in x_i is 3 x_i^2."""
    return (x**3).sum()


def mixed(x):
    """Return a number in which the entries meet each other."""
    return np.sin(x).prod() + (x * np.roll(x, 1)).sum() ** 2


rng = np.random.default_rng(2)
FUNCTIONS = {
    "f = the sum of cubes, three numbers": (cubes, np.array([2.0, -1.0, 0.5]), 1e-5),
    "f in which the entries meet, four numbers": (mixed, rng.uniform(0.5, 1.5, 4), 1e-5),
    "the same f, x of shape (2, 3)": (mixed, rng.uniform(0.5, 1.5, (2, 3)), 1e-5),
    "a large step, 0.1, whose error is to be seen": (cubes, np.array([2.0, -1.0, 0.5]), 0.1),
    "another large step, 0.3": (mixed, rng.uniform(0.5, 1.5, 3), 0.3),
}


def moved(x, i, by):
    """Return x with entry i moved."""
    x = x.copy()
    x.flat[i] += by
    return x


def numerical_gradient(f, x, step):
    """Return the central difference of f in every entry of x, shaped like x."""
    slopes = [(f(moved(x, i, step)) - f(moved(x, i, -step))) / (2 * step) for i in range(x.size)]
    return np.array(slopes).reshape(x.shape)


def one_sided(f, x, step):
    """Return the forward difference."""
    return np.array([(f(moved(x, i, step)) - f(x)) / step for i in range(x.size)]).reshape(x.shape)


def not_put_back(f, x, step):
    """Leave every entry where it was moved to."""
    x, slopes = x.copy(), np.zeros(x.size)
    for i in range(x.size):
        x.flat[i] += step
        above = f(x)
        x.flat[i] -= 2 * step
        slopes[i] = (above - f(x)) / (2 * step)
    return slopes.reshape(x.shape)


def not_put_back_from_below(f, x, step):
    """Leave every entry above where it was."""
    return not_put_back(f, x, -step)


REASONS = {
    "A": "the cotangent is constant",
    "B": "the input is a special one",
    "C": "the step is too small",
    "D": "the step is too large",
    "E": "the tolerance is absolute, and the numbers are small",
}


def lie(name: str, asks: str, right: str, praise: str, **why_not: str):
    """Return an exercise on the reason why a check lies."""
    hint = "Four of the five can be crossed out: look in the cell above for what each of them speaks of."
    return prediction_exercise(name, asks, REASONS, right, why_not, praise, hint)


grade = Lesson(
    "02",
    [
        prediction_exercise(
            "bottom",
            'At which step is the central difference closest to the true slope? "A", "B", "C" or "D".',
            {"A": "0.01", "B": "about 0.00001", "C": "about 1e-10", "D": "1e-15, the smaller the better"},
            right="B",
            why_not={
                "A": "the error of the curve's bend is about step^2 = 0.0001 there; smaller steps do better",
                "C": "both values of f have 16 digits and agree in the first 10: how many are left in the difference?",
                "D": "at 1e-15 the two values of f are the same in nearly all digits that there are: what is left?",
            },
            praise="There the error of the bend, step^2, meets the error of rounding, 1e-16 / step.",
        ),
        function_exercise(
            "numerical_gradient",
            "Return the central difference of f, a number, in every entry of the array x.",
            numerical_gradient,
            FUNCTIONS,
            hints=(
                "One entry at a time: move it up, ask f, move it down, ask f, put it back.",
                "Work on a copy of x; for i in range(x.size), x.flat[i] is entry i whatever the shape.",
            ),
            outputs=("the gradient",),
            mistakes={
                "this is one-sided, (f(x + e) - f(x)) / e: right to five digits, "
                "where the central one has ten": one_sided,
                "from x - step to x + step is twice the step": lambda f, x, step: 2 * numerical_gradient(f, x, step),
                "that is nearer to the slope than a step of 0.1 gets: take the step that is given, "
                "error and all": lambda f, x, step: numerical_gradient(f, x, 1e-5),
                "an entry that was moved is not put back before the next one moves": (
                    not_put_back,
                    not_put_back_from_below,
                ),
                "all entries move at once: that is one slope, in the direction (1, 1, ...), "
                "everywhere": lambda f, x, step: np.full(x.shape, (f(x + step) - f(x - step)) / (2 * step)),
                "below and above are exchanged": lambda f, x, step: -numerical_gradient(f, x, step),
            },
            praise="Slow, two calls of f for every number, and it works for any f: that is what a check is for.",
            tolerance=1e-8,
        ),
        number_exercise(
            "imaginary",
            "Im((2 + 0.1i)^3) / 0.1, on paper.",
            11.99,
            hints=(
                "(a + b)^3 = a^3 + 3 a^2 b + 3 a b^2 + b^3 with b = 0.1i; i^2 = -1. Which terms are imaginary?",
                "3 * 4 * 0.1 - 0.1^3 is the imaginary part; divide it by 0.1.",
            ),
            tolerance=1e-5,
            mistakes={
                "that is the true slope; with a step of 0.1 a small error remains": 12.0,
                "that is the central difference; the sign of i^3 is another": 12.01,
                "that is the one-sided difference": 12.61,
                "that is the imaginary part; divide it by the step": 1.199,
                "that is the real part": 7.94,
            },
            praise="Wrong by step^2 = 0.01, like the central difference; but nothing was subtracted.",
        ),
        prediction_exercise(
            "ones",
            'Which of the four backward passes does a cotangent of ones convict? "A", "B" or "C".',
            {"A": "the three wrong ones", "B": "only the zeros", "C": "none"},
            right="C",
            why_not={
                "A": "with ones, L is the sum of all alpha; what is that, whatever the scores?",
                "B": "which number does the true gradient of a constant have, and what is it beside zeros?",
            },
            praise="The sum of alpha is 1 whatever the scores: the true gradient is 0, and so is 2, -1 or 0 times it.",
        ),
        lie(
            "first_lie",
            "Why does the first check acquit a backward without tanh'? One of A to E.",
            "B",
            "At 0 the slope of tanh is 1, so leaving it out changes nothing. Draw inputs at random.",
            A="look how it was drawn",
            C="the complex step takes nothing away; 1e-20 is fine",
            D="1e-20 is as small as it gets",
            E="the error is relative here; and what is tanh'(a) at the a of this check?",
        ),
        lie(
            "second_lie",
            "Why does the second check acquit a turned sign? One of A to E.",
            "E",
            "np.allclose adds an absolute 1e-8 of its own. Compare with the largest entry instead.",
            A="the loss is a single number; there is nothing to weigh",
            B="closer: sure of everything, so gradients are small. But they are there; who overlooks them?",
            C="the complex step takes nothing away; 1e-20 is fine",
            D="1e-20 is as small as it gets",
        ),
        lie(
            "third_lie",
            "Why does the third check convict a right backward? One of A to E.",
            "C",
            "Rounding errors of 1e-16, divided by 1e-13, are errors of 1e-3.",
            A="look how it was drawn; and would that convict the innocent?",
            B="it was drawn at random",
            D="try a larger one",
            E="the error is relative here",
        ),
    ],
)
