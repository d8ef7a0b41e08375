"""Why is this gradient wrong? Hypotheses about the cause, each tested on the numbers.

A wrong gradient often has the shape of its bug: half of what it should be, one gate's slice negated, right in all rows
but those of repeated tokens. Every sentence says "consistent with": other bugs may leave the same trace.
"""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from minis2s.checks.derivatives import relative_error
from minis2s.checks.diagnosis.finding import MATCH, Context, Finding, numbers, place, same, wrong_rows
from minis2s.checks.diagnosis.orders import clipped, offset, permuted, transposed, weighed

NOTHING = 1e-12  # what is smaller, relative to the other, is a rounding error of 0
ALMOST = 1e-6  # an error as small as this, beside the largest entry, is rounding, whatever its pattern
MOST = 3  # sentences about one array
MOST_OF = 0.5  # of the places of a set, at least, are wrong where the set is named


def findings(found: np.ndarray, expected: np.ndarray, context: Context | None = None) -> list[Finding]:
    """Return the causes that the numbers are consistent with, the most telling first; at least one.

    Parameters
    ----------
    found, expected : what backward gave and what the derivative is
    context : gates, sizes, tokens and places, for the more telling sentences
    """
    context, found = context or Context(), np.asarray(found)
    for group in (
        (not_finite,),
        (rounding,),
        (zero, unused),
        (factor,),
        (transposed, clipped, offset),
        (gates, permuted, weighed, replaced),
        (repeated,),
        (places,),
    ):
        if hits := [hit for test in group for hit in test(found, expected, context)]:
            return hits[:MOST]
    return [unexplained(found, expected, context)]


def not_finite(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Infinite or not a number."""
    for who, array in (("backward's gradient", found), ("the derivative of forward", expected)):
        if bad := int((~np.isfinite(array)).sum()):
            where = np.argwhere(~np.isfinite(array))[0]
            yield Finding(
                "not finite",
                f"{who} is not finite: consistent with a division by 0, a logarithm of 0 or an overflow; "
                f"{bad} of {array.size} numbers, the first at {place(where)}",
            )


def rounding(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Right to many digits."""
    if (error := relative_error(found, expected)) <= max(ALMOST, context.match):
        digits = int(-np.log10(max(error, 1e-16)))
        said = "consistent with rounding errors, or with a tiny number added"
        yield Finding("rounding", f"right to {digits} digits: {said}; {numbers(found, expected)}")


def zero(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Backward gave nothing."""
    if np.abs(found).max(initial=0.0) <= NOTHING * np.abs(expected).max(initial=0.0):
        yield Finding(
            "path missing",
            f"consistent with a path that is missing in backward: it is 0 everywhere; {numbers(found, expected)}",
        )


def unused(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Forward does not depend on the array."""
    if np.abs(expected).max(initial=0.0) <= NOTHING * np.abs(found).max(initial=0.0):
        yield Finding(
            "unused",
            f"consistent with a path in backward that forward does not have: nothing depends on it; "
            f"{numbers(found, expected)}",
        )


def factor(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Everything is the same number of times too large."""
    if (k := common_factor(found, expected, context.match)) is None:
        return
    names = factor_names(k, context)
    if names:
        said = f"a factor of {names}: every entry is {k:.6g} times the expected one"
    elif np.count_nonzero(expected) > 1:
        said = f"one constant factor, {k:.6g}, on every entry, such as a scale left out or put in twice"
    else:
        return
    yield Finding("factor", f"consistent with {said}; {numbers(found, expected)}")


def common_factor(found: np.ndarray, expected: np.ndarray, match: float = MATCH) -> float | None:
    """Return k where found = k expected, or None."""
    square = (expected * expected).sum()
    if not square or not np.isfinite(square) or not np.isfinite(found).all():
        return None
    k = float((found * expected).sum() / square)
    return k if k and relative_error(found, k * expected) <= match else None


def factor_names(k: float, context: Context) -> str:
    """Return what the factor may be, or nothing."""
    known = {"-1 (a wrong sign)": -1.0, "2 (counted twice)": 2.0, "1/2": 0.5, "-2": -2.0, "3": 3.0, "-1/2": -0.5}
    names = [name for name, value in known.items() if abs(k - value) <= 1e-7 * abs(k)]
    names += [name for name, value in context.factors.items() if abs(k - value) <= 1e-7 * abs(k) and value != 1]
    return ", or ".join(names[:MOST])


def gates(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """One gate's slice wrong, or slices exchanged."""
    names, G = context.gates, len(context.gates)
    if G < 2 or len(found) != G:
        return
    largest = np.abs(expected).max(initial=0.0)
    wrong = [g for g in range(G) if np.abs(found[g] - expected[g]).max() > context.match * largest]
    for order in permutations(wrong):
        if all(same(found[g], expected[other], context) for g, other in zip(wrong, order)):
            moved = " and ".join(names[g] for g in wrong)
            what = "swapped" if len(wrong) == 2 else "in another order"
            said = f"the gates {moved} {what}: each slice is right for another gate"
            yield Finding("gates swapped", f"consistent with {said}; {numbers(found, expected, names)}")
            return
    for shift in (-1, 1) if G > 2 else ():
        pairs = [(g, g + shift) for g in range(G) if 0 <= g + shift < G]
        if not all(expected[o].any() and same(found[g], expected[o], context) for g, o in pairs):
            continue
        each = ", ".join(f"{names[g]} holds what belongs to {names[o]}" for g, o in pairs)
        said = f"gates in another order, by a slice that starts one gate early or late: {each}"
        yield Finding("gates moved", f"consistent with {said}; {numbers(found, expected, names)}")
        return
    if len(wrong) == G:
        return
    right = " and ".join(names[g] for g in range(G) if g not in wrong)
    said = f"only gate{'s' * (len(wrong) > 1)} {' and '.join(names[g] for g in wrong)} wrong, {right} right"
    for g in wrong:
        for inner in findings(found[g], expected[g], context.at(g)):
            yield Finding(f"gate: {inner.cause}", f"{said}; in {names[g]} {inner.sentence}")


def repeated(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Only rows of tokens that stand in several places are wrong."""
    wrong = wrong_rows(found, expected, 1, context) if found.ndim == 2 else np.zeros(0, bool)
    for ids in context.tokens:
        if ids.size == 0 or ids.max() >= len(found):
            continue
        tokens, counts = np.unique(ids, return_counts=True)
        if wrong.any() and set(np.flatnonzero(wrong)) <= set(tokens[counts > 1]) and (counts == 1).any():
            shown = ", ".join(map(str, np.flatnonzero(wrong)[:5]))
            if not found[wrong].any():
                said = f"tokens that are left out, as if they were padding: only the rows {shown} are wrong, and 0"
                yield Finding("rows left out", f"consistent with {said}; {numbers(found, expected)}")
                return
            if same(found[tokens] * counts[:, None], expected[tokens], context):
                said = "the mean over the places of a token in place of their sum: each row is divided by its count"
                yield Finding("mean of places", f"consistent with {said}; {numbers(found, expected)}")
                return
            said = "dE[ids] += dx, which keeps one place of a repeated token and loses the others"
            only = f"only rows of repeated tokens are wrong ({shown})"
            if untouched := sorted(set(tokens[counts > 1]) - set(np.flatnonzero(wrong))):
                said = "places of repeated tokens that are lost or overwritten, as by dE[ids] += dx one step at a time"
                only += f", but not all of them ({', '.join(map(str, untouched[:5]))} right)"
            yield Finding("repeated tokens", f"consistent with {said}: {only}; {numbers(found, expected)}")
            return


def places(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Wrong at some places only: the fewest that hold all wrong ones are named."""
    best: dict[str, int] = {}
    for name, where in context.places.items():
        wrong = wrong_rows(found, expected, where.ndim, context)
        most = wrong.sum() > MOST_OF * where.sum()  # one wrong row of thirty says nothing about the thirty
        if most and not wrong.all() and where.any() and not where.all() and not (wrong & ~where).any():
            best[name] = int(where.mean() * found.size)
    for name in [name for name in best if best[name] == min(best.values())][:2]:
        wrong = wrong_rows(found, expected, context.places[name].ndim, context)
        nothing = ", and it is 0 there" if not found[wrong].any() else ""
        spot, _, cause = name.partition(": ")
        yield Finding(
            f"place: {spot}", f"wrong only at {spot}{nothing}: consistent with {cause}; {numbers(found, expected)}"
        )


def replaced(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """A part of a sum in place of all of it."""
    for cause, candidate in context.instead.items():
        if candidate.any() and not same(candidate, expected, context) and same(found, candidate, context):
            yield Finding(cause.partition(":")[0], f"consistent with {cause}; {numbers(found, expected)}")


def unexplained(found: np.ndarray, expected: np.ndarray, context: Context) -> Finding:
    """What can be said of any two arrays."""
    ratio = np.linalg.norm(found) / np.linalg.norm(expected)
    cosine = (found * expected).sum() / (np.linalg.norm(found) * np.linalg.norm(expected))
    wrong = np.count_nonzero(np.abs(found - expected) > context.match * np.abs(expected).max())
    said = f"{wrong} of {found.size} entries wrong, {ratio:.3g} times as long as expected, cosine {cosine:.3f}"
    worst = numbers(found, expected, context.gates)
    return Finding("unexplained", f"consistent with none of the usual causes: {said}; the worst: {worst}")
