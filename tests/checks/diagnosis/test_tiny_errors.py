"""Of a gradient that is right but for its last digits the diagnosis says so, whatever it is; it never fails."""

import itertools

import numpy as np
import pytest

from minis2s.checks.diagnosis.finding import numbers
from minis2s.checks.diagnosis.from_numbers import Context, factor, findings, rounding
from minis2s.checks.diagnosis.orders import permuted

SHAPES = ((), (1,), (4,), (3, 2), (1, 3), (3, 3), (3, 2, 4), (2, 3, 3))
SIZES = (1e-16, 1e-12, 1e-9, 1e-7, 9e-7)
PATTERNS = {
    "a constant": lambda x, rng: np.ones_like(x),
    "a factor": lambda x, rng: x,
    "noise": lambda x, rng: rng.uniform(-1, 1, x.shape),
    "one entry": lambda x, rng: np.where(np.arange(x.size).reshape(x.shape) == 0, 1.0, 0.0),
    "the last row": lambda x, rng: x * (np.arange(x.size).reshape(x.shape) >= x.size - 2),
}


@pytest.mark.parametrize("shape, size, pattern", [*itertools.product(SHAPES, SIZES, PATTERNS)])
def test_a_tiny_error_is_rounding(shape, size, pattern):
    rng = np.random.default_rng(0)
    expected = np.asarray(rng.normal(size=shape))
    largest = np.abs(expected).max()
    error = size * largest * PATTERNS[pattern](expected, rng) / max(largest, 1.0)
    for gates in ((), ("r", "z", "n")[: shape[0]] if shape else ()):
        context = Context(gates, {"1/B with B = 3": 1 / 3}, tokens=(np.array([0, 0, 1]),))
        (finding,) = findings(expected + error, expected, context)
        assert finding.cause == "rounding" and finding.sentence.startswith("right to ")
        for match in (1e-12, 1e-8, 1e-3):  # each test alone, too: the order in which they come is no shield
            list(permuted(expected + error, expected, Context(match=match)))
            list(factor(expected + error, expected, Context(match=match)))


def test_the_digits_are_counted():
    (said,) = rounding(np.array([1.0, 2.0 + 2e-8]), np.array([1.0, 2.0]), Context())
    assert said.sentence.startswith("right to 8 digits: ") or said.sentence.startswith("right to 7 digits: ")
    assert not list(rounding(np.array([1.0, 2.0001]), np.array([1.0, 2.0]), Context()))


def test_no_minus_zero():
    assert numbers(np.array([-0.0, 1.0]), np.array([1.0, 1.0])) == "found 0 at [0], expected 1"
