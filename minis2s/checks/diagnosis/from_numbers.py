"""Why is this gradient wrong? Hypotheses about the cause, each tested on the two numbers of every entry alone.

A wrong gradient often has the shape of its bug: half of what it should be, one gate's slice negated, right in all rows
but those of repeated tokens. Other bugs may leave the same trace, so a report says "consistent with".
"""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from minis2s.checks.derivatives import place, relative_error
from minis2s.checks.diagnosis.finding import MATCH, Cause, Context, Finding, numbers, same, wrong_rows

NOTHING = 1e-12  # what is smaller, relative to the other, is a rounding error of 0
ALMOST = 1e-6  # an error as small as this, beside the largest entry, is rounding, whatever its pattern
MOST = 3  # findings about one array
FACTORS = {"-1 (a wrong sign)": -1.0, "2 (counted twice)": 2.0, "1/2": 0.5, "-2": -2.0, "3": 3.0, "-1/2": -0.5}


def findings(analytic: np.ndarray, numeric: np.ndarray, context: Context | None = None) -> list[Finding]:
    """Return the causes that the numbers are consistent with, the most telling first; at least one.

    Parameters
    ----------
    analytic, numeric : what backward gave and what the derivative is, any shape
    context : gates, sizes and tokens, for the more telling causes
    """
    context, analytic = context or Context(), np.asarray(analytic)
    for group in (
        (not_finite,),
        (rounding,),
        (zero,),
        (factor,),
        (transposed, offset),
        (gates, permuted, part_of_sum),
        (repeated,),
    ):
        hits = [hit for test in group for hit in test(analytic, numeric, context)]
        worst = "" if not hits or group[0] is not_finite else numbers(analytic, numeric, context.gates)
        if hits:
            return [hit if hit.numbers else hit._replace(numbers=worst) for hit in hits[:MOST]]
    return [unexplained(analytic, numeric, context)]


def not_finite(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """Infinite or not a number; any shape."""
    for name, array in (("backward's gradient", analytic), ("the derivative of forward", numeric)):
        if bad := int((~np.isfinite(array)).sum()):
            counted = f"{bad} of {array.size} numbers, the first at {place(np.argwhere(~np.isfinite(array))[0])}"
            yield Finding(Cause.NOT_FINITE, where=f"{name} is not finite", numbers=counted)


def rounding(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """Right to many digits; any shape."""
    if (error := relative_error(analytic, numeric)) <= max(ALMOST, context.match):
        yield Finding(Cause.ROUNDING, where=f"right to {int(-np.log10(max(error, 1e-16)))} digits")


def zero(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """Backward gave nothing, or forward does not depend on the array, of any shape."""
    found, wanted = (np.abs(array).max(initial=0.0) for array in (analytic, numeric))
    if found <= NOTHING * wanted:
        yield Finding(Cause.MISSING)
    elif wanted <= NOTHING * found:
        yield Finding(Cause.UNUSED)


def factor(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """Everything is the same number of times too large; any shape."""
    if (k := common_factor(analytic, numeric, context.match)) is None:
        return
    if names := factor_names(k, context):
        yield Finding(Cause.FACTOR, f"{names}: every entry is {k:.6g} times the expected one")
    elif np.count_nonzero(numeric) > 1:
        yield Finding(Cause.UNNAMED_FACTOR, f"{k:.6g}")


def common_factor(analytic: np.ndarray, numeric: np.ndarray, match: float = MATCH) -> float | None:
    """Return k where analytic = k numeric, of any shape, or None."""
    square = (numeric * numeric).sum()
    if not square or not np.isfinite(square) or not np.isfinite(analytic).all():
        return None
    k = float((analytic * numeric).sum() / square)
    return k if k and relative_error(analytic, k * numeric) <= match else None


def factor_names(k: float, context: Context) -> str:
    """Return what the factor may be, or nothing."""
    known = [*FACTORS.items(), *((name, value) for name, value in context.factors.items() if value != 1)]
    return ", or ".join([name for name, value in known if abs(k - value) <= 1e-7 * abs(k)][:MOST])


def transposed(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """Rows and columns of a matrix (D, D) exchanged; in others the shape tells."""
    if analytic.ndim > 1 and same(analytic.swapaxes(-1, -2), numeric, context):
        yield Finding(Cause.TRANSPOSED)


def offset(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """Every entry is the same number too large; any shape."""
    error = analytic - numeric
    if analytic.size > 2 and np.ptp(error) <= context.match * np.abs(numeric).max(initial=0.0):
        yield Finding(Cause.OFFSET, f"{error.flat[0]:.6g}")


def gates(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """One gate's slice of a gradient (G, D, H) wrong, or slices exchanged."""
    names, G = context.gates, len(context.gates)
    if G < 2 or len(analytic) != G:
        return
    largest = np.abs(numeric).max(initial=0.0)
    wrong = [g for g in range(G) if np.abs(analytic[g] - numeric[g]).max() > context.match * largest]
    for order in permutations(wrong):
        if all(same(analytic[g], numeric[other], context) for g, other in zip(wrong, order)):
            what = "swapped" if len(wrong) == 2 else "in another order"
            yield Finding(Cause.GATES_SWAPPED, f"{' and '.join(names[g] for g in wrong)} {what}")
            return
    if len(wrong) == G:
        return
    right = " and ".join(names[g] for g in range(G) if g not in wrong)
    only = f"only gate{'s' * (len(wrong) > 1)} {' and '.join(names[g] for g in wrong)} wrong, {right} right"
    for g in wrong:
        for inner in findings(analytic[g], numeric[g], context.at(g)):
            deeper = f": {inner.where}" if inner.where else ""
            yield inner._replace(where=f"{only}; in {names[g]}{deeper}")


def permuted(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """The right rows of an array of any shape in another order."""
    for axis in range(1 if context.gates else 0, analytic.ndim - 1):  # ``gates`` has the order of those
        one, other = (np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) for x in (analytic, numeric))
        distance = np.abs(one[:, None] - other).max(-1, initial=0.0)  # of row i found to row j expected
        order = distance.argmin(1)
        moved = np.flatnonzero(order != np.arange(len(order)))  # none where only small errors are wrong
        if moved.size and sorted(order) == list(range(len(one))) and same(one, other[order], context):
            i, along = int(moved[0]), f" along axis {axis}" if axis else ""
            yield Finding(Cause.PERMUTED, f"{along}, each right for another row: row {i} is that of row {order[i]}")
            return


def part_of_sum(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """A part of a sum, of any shape, in place of all of it."""
    for name, candidate in context.instead.items():
        if same(analytic, candidate, context):
            yield Finding(Cause.PART_OF_SUM, name)


def repeated(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Iterator[Finding]:
    """Only rows, of a table (V, E), of tokens that stand in several places are wrong."""
    wrong = wrong_rows(analytic, numeric, 1, context) if analytic.ndim == 2 else np.zeros(0, bool)
    for ids in context.tokens:
        if ids.size == 0 or ids.max() >= len(analytic):
            continue
        tokens, counts = np.unique(ids, return_counts=True)
        if not wrong.any() or not set(np.flatnonzero(wrong)) <= set(tokens[counts > 1]) or not (counts == 1).any():
            continue
        shown = ", ".join(map(str, np.flatnonzero(wrong)[:5]))
        if not analytic[wrong].any():
            yield Finding(Cause.LEFT_OUT, shown)
        elif same(analytic[tokens] * counts[:, None], numeric[tokens], context):
            yield Finding(Cause.MEAN_OF_PLACES)
        else:
            yield Finding(Cause.REPEATED, shown)
        return


def unexplained(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> Finding:
    """What can be said of any two arrays of any shape."""
    ratio = np.linalg.norm(analytic) / np.linalg.norm(numeric)
    cosine = (analytic * numeric).sum() / (np.linalg.norm(analytic) * np.linalg.norm(numeric))
    wrong = np.count_nonzero(np.abs(analytic - numeric) > context.match * np.abs(numeric).max())
    said = f"{wrong} of {analytic.size} entries wrong, {ratio:.3g} times as long as expected, cosine {cosine:.3f}"
    return Finding(Cause.UNEXPLAINED, said, numbers=f"the worst: {numbers(analytic, numeric, context.gates)}")
