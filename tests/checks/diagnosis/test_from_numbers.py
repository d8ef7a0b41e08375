"""What the two numbers of every entry say by themselves: the cause of each planted mistake, and none of noise."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case
from minis2s.checks.diagnosis.context import size_factors
from minis2s.checks.diagnosis.finding import Cause, Context, numbers
from minis2s.checks.diagnosis.from_numbers import factor, findings, gates, permuted, repeated, transposed
from minis2s.checks.report import in_words
from minis2s.layers import LSTM, Embedding

RIGHT = np.random.default_rng(5).standard_normal((3, 4, 4))
NOISE = np.random.default_rng(6).standard_normal(RIGHT.shape)
GATES = ("r", "z", "n")


def with_slice(array, index, value):
    array = array.copy()
    array[index] = value
    return array


NUMBERS = {  # the mistake: (what backward gives, the cause, words)
    "infinite": (with_slice(RIGHT, (1, 2, 3), np.inf), Cause.NOT_FINITE, "1 of 48 numbers, the first at [1, 2, 3]"),
    "missing": (0 * RIGHT, Cause.MISSING, "a path that is missing in backward"),
    "a wrong sign": (-RIGHT, Cause.FACTOR, "a factor of -1 (a wrong sign)"),
    "twice": (2 * RIGHT, Cause.FACTOR, "a factor of 2 (counted twice)"),
    "some factor": (0.77 * RIGHT, Cause.UNNAMED_FACTOR, "one constant factor, 0.77, on every entry"),
    "transposed": (RIGHT.swapaxes(1, 2), Cause.TRANSPOSED, "its transpose is right"),
    "an offset": (RIGHT + 0.25, Cause.OFFSET, "every entry is 0.25 too large"),
    "two gates": (RIGHT[[1, 0, 2]], Cause.GATES_SWAPPED, "the gates r and z swapped: each"),
    "three gates": (RIGHT[[1, 2, 0]], Cause.GATES_SWAPPED, "the gates r and z and n in another order"),
    "rows": (
        RIGHT[:, [0, 2, 1, 3]],
        Cause.PERMUTED,
        "along axis 1, each right for another row: row 1 is that of row 2",
    ),
    "one gate's sign": (with_slice(RIGHT, 1, -RIGHT[1]), Cause.FACTOR, "only gate z wrong, r and n right; in z: cons"),
    "two forgotten": (with_slice(RIGHT, slice(1, 3), 0), Cause.MISSING, "only gates z and n wrong, r right; in z: "),
    "noise": (RIGHT + 0.5 * NOISE, Cause.UNEXPLAINED, "48 of 48 entries wrong, 1.04 times as long as expected, "
              "cosine 0.862; the worst: found -1.525 at [r, 0, 2], expected -0.2484"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", NUMBERS)
def test_the_numbers_name_their_mistake(mistake):
    analytic, cause, words = NUMBERS[mistake]
    found = findings(analytic, RIGHT, Context(GATES))
    assert {hit.cause for hit in found} == {cause}
    assert words in in_words(found[0]) and "consistent with" in in_words(found[0])


def test_without_gates_the_first_axis_is_of_rows():
    assert [hit.cause for hit in findings(RIGHT[[1, 0, 2]], RIGHT)] == [Cause.PERMUTED]


def test_forward_may_have_no_path():
    (hit,) = findings(np.ones(3), np.zeros(3))
    assert hit.cause is Cause.UNUSED and hit.numbers == "found 1 at [0], expected 0"


def test_a_part_of_a_sum_is_told_of_one_gate_too():
    (hit,) = findings(NOISE, RIGHT, Context(GATES, instead={"that": NOISE, "nothing": 0 * NOISE, "all": RIGHT}))
    assert hit[:3] == (Cause.PART_OF_SUM, "that", "")
    (hit,) = findings(with_slice(RIGHT, 2, NOISE[2]), RIGHT, Context(GATES, instead={"that": NOISE}))
    assert hit[:3] == (Cause.PART_OF_SUM, "that", "only gate n wrong, r and z right; in n")


def test_the_measured_derivative_may_be_the_one_that_is_not_finite():
    (hit,) = findings(np.ones(2), np.array([1.0, np.nan]))
    assert hit.cause is Cause.NOT_FINITE and hit.where == "the derivative of forward is not finite"


LAYERS = {  # what sizes, rates and gates tell: (case, change of all that backward gives, array, cause, words)
    "divided by T": ("gru", lambda g, *d: (replace(g, W_x=g.W_x / 5), *d), "W_x", Cause.FACTOR, "1/T with T = 5"),
    "divided by B": ("gru", lambda g, *d: (replace(g, b_h=g.b_h / 4), *d), "b_h", Cause.FACTOR, "1/B with B = 4"),
    "divided by N": ("linear", lambda g, dx: (replace(g, b=g.b / 5), dx), "b", Cause.FACTOR, "1/N with N = 5"),
    "places for tokens": ("cross_entropy", lambda g, d: (g, d * 13 / 20), "logits", Cause.FACTOR,
                          "N/(B S) with N = 13 real tokens against B S = 20 places"),
    "a mean over V": ("cross_entropy", lambda g, d: (g, d / 11), "logits", Cause.FACTOR, "1/11, as of a width"),
    "scaled twice": ("attention_scaled_dot", lambda g, dq, dm: (g, dq / 2, dm), "query", Cause.FACTOR,
                     "1/sqrt(4), as of a width"),
    "dropout": ("dropout", lambda g, dx: (g, dx * 0.6), "x", Cause.FACTOR, "1 - rate with rate = 0.4"),
    "scaled back": ("dropout", lambda g, dx: (g, dx / 0.6), "x", Cause.FACTOR, "1/(1 - rate) with rate = 0.4"),
    "an order": ("lstm", lambda g, *d: (replace(g, b=g.b[[1, 2, 3, 0]]), *d), "b", Cause.GATES_SWAPPED,
                 f"{' and '.join(LSTM.activation_names[:4])} in another order"),
}  # fmt: skip


def gradcheck_of(name, change, **how):
    """The report on a case, of which ``change`` gets all that backward gives."""
    layer, inputs = make_case(name)

    class Twin(type(layer)):
        def backward(self, *arguments):
            return change(*super().backward(*arguments))

    return gradcheck(Twin(*vars(layer).values()), *inputs, name=name, **how)


@pytest.mark.parametrize("mistake", LAYERS)
def test_what_is_known_of_a_layer_names_its_mistake(mistake):
    case, change, array, cause, words = LAYERS[mistake]
    (hits,) = (report := gradcheck_of(case, change)).diagnoses.values()
    assert [row.array for row in report.rows if not row.ok] == [array]
    assert hits[0].cause is cause and words in hits[0].detail


def test_the_sizes_of_a_batch_make_factors():
    factors = size_factors({"B": 4, "T": 6, "N_T": 14})
    words = "with N_T = 14 real tokens against B T = 24 places"
    assert factors[f"N_T/(B T) {words}"] == 14 / 24 and factors[f"(B T)/N_T {words}"] == 24 / 14
    assert factors["1/(B T) = 1/24"] == 1 / 24 and factors["N_T/B = 14/4"] == 14 / 4


IDS = np.array([4, 7, 4, 4, 10, 7])  # of the embedding's case: tokens 4 and 7 stand in several places
COUNTS = np.maximum(np.bincount(IDS, minlength=11), 1)[:, None]
TOKENS = {  # what is wrong with a table of rows, from the gradients of its places: (change of dE, cause, words)
    "one place is kept": (lambda dE, dx: overwritten(dE, dx), Cause.REPEATED, "are wrong (4, 7); found"),
    "a token is padding": (lambda dE, dx: dE * (np.arange(11) != 4)[:, None], Cause.LEFT_OUT, "only the rows 4 are"),
    "a mean": (lambda dE, dx: dE / COUNTS, Cause.MEAN_OF_PLACES, "divided by its count"),
    "a token of one place": (lambda dE, dx: dE * (np.arange(11) < 8)[:, None], Cause.UNEXPLAINED, "3 of 33 entries"),
}


def overwritten(dE, dx):
    dE = 0 * dE
    dE[IDS] += dx
    return dE


@pytest.mark.parametrize("mistake", TOKENS)
def test_what_is_lost_of_repeated_tokens(mistake):
    change, cause, words = TOKENS[mistake]

    class Twin(Embedding):
        def backward(self, dx, cache):
            (gradient,) = super().backward(dx, cache)
            return (Twin(change(gradient.E, dx)),)

    layer, (ids,) = make_case("embedding")
    np.testing.assert_array_equal(ids, IDS)
    (hits,) = gradcheck(Twin(layer.E), ids).diagnoses.values()
    assert hits[0].cause is cause and words in in_words(hits[0])


@pytest.mark.parametrize("case", ["gru", "attention", "linear", "embedding"])
def test_noise_has_no_cause_with_a_name(case):
    rng = np.random.default_rng(0)
    report = gradcheck_of(case, lambda g, *d: (type(g)(*(a + rng.normal(size=a.shape) for a in vars(g).values())), *d))
    assert {hit.cause for hits in report.diagnoses.values() for hit in hits} == {Cause.UNEXPLAINED}


def test_a_central_difference_tells_causes_to_its_own_digits():
    def change(gradient, dx):
        smallest = np.abs(gradient.W) == np.abs(gradient.W).min()
        return replace(gradient, W=2 * gradient.W + 5e-6 * smallest), dx

    (hits,) = gradcheck_of("linear", change, method="central").diagnoses.values()
    assert hits[0].cause is Cause.FACTOR and "counted twice" in hits[0].detail
    (hits,) = gradcheck_of("linear", change).diagnoses.values()
    assert hits[0].cause is Cause.UNEXPLAINED  # by the complex step six digits are not enough


PATTERNS = {
    "a constant": lambda x, rng: np.ones_like(x),
    "a factor": lambda x, rng: x,
    "noise": lambda x, rng: rng.uniform(-1, 1, x.shape),
    "one entry": lambda x, rng: np.where(np.arange(x.size).reshape(x.shape) == 0, 1.0, 0.0),
    "the last row": lambda x, rng: x * (np.arange(x.size).reshape(x.shape) >= x.size - 2),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_tiny_error_is_rounding_whatever_its_pattern(pattern):
    rng = np.random.default_rng(0)
    shapes = ((), (1,), (4,), (3, 2), (1, 3), (3, 3), (3, 2, 4), (2, 3, 3))
    for shape, size in itertools.product(shapes, (1e-16, 1e-12, 1e-9, 1e-7, 9e-7)):
        expected = np.asarray(rng.normal(size=shape))
        largest = np.abs(expected).max()
        found = expected + size * largest * PATTERNS[pattern](expected, rng) / max(largest, 1.0)
        for names in ((), GATES[: shape[0]] if len(shape) == 3 else ()):
            context = Context(names, {"1/B with B = 3": 1 / 3}, tokens=(np.array([0, 0, 1]),))
            (hit,) = findings(found, expected, context)
            assert hit.cause is Cause.ROUNDING and hit.where.startswith("right to ")
            for match in (1e-12, 1e-8, 1e-3):  # each test alone, too: the order in which they come is no shield
                for test in (factor, gates, permuted, repeated, transposed) if shape else ():
                    list(test(found, expected, replace(context, match=match)))


def test_digits_are_counted_and_shown_until_they_differ():
    found, expected = np.array([1.0, 2.0 + 2e-8]), np.array([1.0, 2.0])
    (hit,) = findings(found, expected)
    assert hit.where in ("right to 7 digits", "right to 8 digits")
    assert hit.numbers == "found 2.00000002 at [1], expected 2"
    assert findings(expected * [1, 1.0001], expected)[0].cause is not Cause.ROUNDING
    assert numbers(np.array([-0.0, 1.0]), np.ones(2)) == "found 0 at [0], expected 1"


def test_of_errors_that_are_equal_but_for_rounding_the_first_is_shown():
    expected = np.array([[1.0, 2.0], [3.0, 4.0]])
    for more, words in ((1e-12, "found 2.5 at [z, 0], expected 2"), (1e-6, "found 4.5 at [z, 1], expected 4")):
        errors = np.array([[0, 0.5], [0, 0.5 + more]])
        assert numbers(expected + errors, expected, ("r", "z")) == words.replace("z, 0", "r, 1")
