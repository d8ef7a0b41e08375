"""The right numbers at other places, cut off, moved or weighed: what can be seen of an array as a whole."""

from collections.abc import Iterator

import numpy as np

from minis2s.checks.diagnosis.finding import Context, Finding, numbers, same


def transposed(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Rows and columns exchanged; only a square matrix can hide it."""
    if found.ndim > 1 and same(found.swapaxes(-1, -2), expected, context):
        said = f"consistent with a transposed matrix: its transpose is right; {numbers(found, expected)}"
        yield Finding("transposed", said)


def clipped(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Cut off at a value."""
    top = float(np.abs(found).max(initial=0.0))
    cut = np.abs(expected) > top * (1 + context.match)
    if 1 < cut.sum() < cut.size and same(found, np.clip(expected, -top, top), context):
        said = f"clipping by value before the check: no entry is above {top:.6g}, and the others are right"
        yield Finding("clipped", f"consistent with {said}; {numbers(found, expected)}")


def offset(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Every entry is the same number too large."""
    error = found - expected
    if found.size > 2 and np.ptp(error) <= context.match * np.abs(expected).max(initial=0.0):
        said = f"a constant added or left out: every entry is {error.flat[0]:.6g} too large"
        yield Finding("offset", f"consistent with {said}; {numbers(found, expected)}")


def permuted(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """The right rows in another order."""
    for axis in range(1 if context.gates else 0, found.ndim - 1):  # ``gates`` has the order of those
        one, other = (np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) for x in (found, expected))
        distance = np.abs(one[:, None] - other).max(-1, initial=0.0)  # of row i found to row j expected
        order = distance.argmin(1)
        moved = np.flatnonzero(order != np.arange(len(order)))  # none where only small errors are wrong
        if moved.size and sorted(order) == list(range(len(one))) and same(one, other[order], context):
            i = int(moved[0])
            along = f" along axis {axis}" if axis else ""
            said = f"rows in another order{along}, each right for another row: row {i} is that of row {order[i]}"
            yield Finding("permuted", f"consistent with {said}; {numbers(found, expected)}")
            return


def weighed(found: np.ndarray, expected: np.ndarray, context: Context) -> Iterator[Finding]:
    """Each column has a factor of its own, an entry of one of the layer's vectors, such as v or the gain g."""
    for name, vector in context.vectors.items():
        if found.ndim < 2 or found.shape[-1:] != vector.shape or np.ptp(vector) == 0:
            continue
        for one, other, word in ((found * vector, expected, "missing"), (found, expected * vector, "once too often")):
            if other.any() and same(one, other, context):
                said = f"{name} {word}: each column is wrong by its own factor, an entry of {name}"
                yield Finding("weighed", f"consistent with {said}; {numbers(found, expected, context.gates)}")
                return
