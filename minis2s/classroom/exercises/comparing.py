"""What is wrong with the arrays of an answer, in words: a mistake that is known, the order, the shape, the numbers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from minis2s.checks.derivatives import place, relative_error
from minis2s.checks.diagnosis.finding import Cause, Context, numbers
from minis2s.checks.diagnosis.from_numbers import (
    factor,
    factor_names,
    findings,
    offset,
    permuted,
    rounding,
    transposed,
)
from minis2s.checks.report import in_words
from minis2s.classroom.calling import StillBlank, Trouble

TAIL = re.compile(r"; ((?:\d+ of \d+ [^;]*)?found [^;]*)$")  # the numbers of one array at the end of a sentence
FEW_DIGITS = 1e-2  # an error below it is small, and more than rounding
LENGTHS = re.compile(r", \S+ times as long as expected, cosine \S+;")  # more than a lesson explains
MOST_SHOWN = 20  # numbers of a row


def answer_arrays(returned: Any, expected: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return what a function returned as arrays by name, without those that are still ``...``.

    Raises
    ------
    Trouble
        If there are too few or too many, or if one is no array of numbers, such as rows that differ in length.
    """
    names, several = list(expected), len(expected) > 1
    shapes = {(len(expected), *np.shape(part)) for part in expected.values()}
    stacked = isinstance(returned, np.ndarray) and shapes == {returned.shape}
    parts = returned if several and (stacked or isinstance(returned, (tuple, list))) else (returned,)
    if isinstance(returned, tuple) and len(returned) != len(names):
        parts = returned
    if len(parts) != len(names):
        one = "1 array" if len(parts) == 1 else f"{len(parts)} arrays"
        raise Trouble(f"it returned {one}; wanted: {', '.join(names)}")
    return {name: array_of(name, part) for name, part in zip(names, parts) if part is not Ellipsis}


def array_of(name: str, part: Any) -> np.ndarray:
    """Return one result as an array of numbers.

    Raises
    ------
    Trouble
        If it is none; the sentence says what it is.
    """
    try:
        array = np.asarray(part)
    except ValueError:
        if not isinstance(part, (tuple, list)):
            raise
        lengths = [len(row) if isinstance(row, (tuple, list)) or np.ndim(row) else 0 for row in part]
        differ = f"length: {', '.join(map(str, lengths))}" if len(set(lengths)) > 1 else "shape"
        raise Trouble(f"{name} is no array: its rows differ in {differ}; make it one array, padding included") from None
    if array.dtype.kind == "O" and array.size and all(isinstance(entry, Number) for entry in array.flat):
        array = array.astype(float)  # fractions
    if array.dtype.kind not in "biufc":
        but = f"its dtype is {array.dtype}" if isinstance(part, np.ndarray) else f"it is of type {type(part).__name__}"
        raise Trouble(f"{name} is no array of numbers: {but}")
    return array


def as_wanted(array: np.ndarray, wanted: Any) -> Any:
    """Return a right result, of any shape, as the reference gives it: a number, whole numbers, truth values, floats."""
    kind = {"b": bool, "i": int, "u": int}.get(np.asarray(wanted).dtype.kind, float)
    return array.astype(kind) if np.ndim(wanted) else kind(array.item())


def differences(
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, Any],
    wrong: Sequence[tuple[str, Mapping[str, Any]]],
    tolerance: float,
    gates: Mapping[str, tuple[str, ...]] | None = None,
    factors: Mapping[str, float] | None = None,
    forward: bool = False,
) -> list[str]:
    """Return a sentence on each thing that is wrong, with the arrays in which it is, and which ones are right.

    found, expected : arrays of any shape, by name
    wrong : what to say of a mistake, and the arrays that it gives, by name
    forward : nothing is said of gradients

    Raises
    ------
    StillBlank
        If some results are still ``...``; it says how the others are.
    """
    said, right, known, moved = {}, [], set(), {}
    expected = {name: np.asarray(target) for name, target in expected.items()}
    for name in found:
        context = Context((gates or {}).get(name, ()), factors or {})
        mistakes = [(mistake, np.asarray(arrays[name])) for mistake, arrays in wrong if name in arrays]
        first = next(problems(found[name], expected[name], mistakes, context, tolerance, forward), None)
        if not first:
            right.append(name)
            continue
        said[name] = first
        if any(first == mistake for mistake, _ in mistakes):
            known.add(name)
        if other := held(name, found, expected, tolerance):
            moved[name] = other
    if moved.keys() <= known:  # what the author of the exercise has to say of it is better
        moved = {}
    sentences = exchanged(moved) + by_cause({name: sentence for name, sentence in said.items() if name not in moved})
    if blank := [name for name in expected if name not in found]:
        states = ((right, "right"), (list(said), "not right yet"))
        filled = "; ".join(f"{', '.join(names)} {state}" for names, state in states if names)
        raise StillBlank(f"{', '.join(blank)} {'is' if len(blank) == 1 else 'are'} `...`; {filled}")
    if sentences and right:
        stop = " " if sentences[-1].endswith(("?", ".", ".)")) else "; "
        sentences[-1] += f"{stop}{' and '.join(right)} {'is' if len(right) == 1 else 'are'} right"
    return sentences


def held(name: str, found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], tolerance: float) -> str:
    """Return which other result, of any shape, stands in the place of one, or nothing."""
    others = (other for other, target in expected.items() if other != name and target.any())
    return next((other for other in others if agree(found[name], expected[other], tolerance)), "")


def exchanged(moved: Mapping[str, str]) -> list[str]:
    """Return a sentence on results in the wrong places, each given with the one that it is."""
    if len(moved) == 2 and all(moved.get(other) == name for name, other in moved.items()):
        return [f"{' and '.join(moved)} are in each other's places"]
    holds = ", ".join(f"in the place of {name} stands {other}" for name, other in moved.items())
    return [f"the results are in another order than wanted: {holds}"] * bool(moved)


def by_cause(said: Mapping[str, str]) -> list[str]:
    """Return one sentence a cause: the arrays of which the same is said, and the numbers of the first."""
    groups: dict[str, dict[str, str]] = {}
    for name, sentence in said.items():
        tail = TAIL.search(sentence)
        groups.setdefault(TAIL.sub("", sentence), {})[name] = tail.group(1) if tail else ""
    sentences = []
    for cause, tails in groups.items():
        first, tail = next(iter(tails.items()))
        where = f"in {first} " if len(tails) > 1 else ""
        sentences.append(f"{', '.join(tails)}: {cause}{f'; {where}{tail}' if tail else ''}")
    return sentences


def problems(
    found: np.ndarray,
    expected: np.ndarray,
    mistakes: Sequence[tuple[str, np.ndarray]],
    context: Context,
    tolerance: float,
    forward: bool = False,
) -> Iterator[str]:
    """Yield what is wrong with one array of any shape, the first being what to say; nothing if it is right."""
    if found.dtype.kind != "c" and agree(found, expected, tolerance):
        yield from wrong_kind(found, expected)
        return
    for said, array in mistakes:
        if found.shape == array.shape and not agree(array, expected, tolerance) and agree(found, array, tolerance):
            yield said
    if found.dtype.kind == "c":
        yield "it is complex; the result should be real"
    if found.shape != expected.shape:
        yield f"its shape is {found.shape}, wanted {expected.shape}{cure(found, expected, tolerance, forward)}"
        return
    if np.isfinite(expected).all() and (bad := np.argwhere(~np.isfinite(found))).size:
        first = f"the first at {bad[0].tolist()}: " * bool(found.ndim)
        where = f"{first}a division by 0, a log of 0, 0 times infinity or an overflow"
        yield f"{len(bad)} of {found.size} numbers are not finite, {where}" if first else f"it is {found}: {where}"
    if found.dtype == np.float32 and agree(found, expected, 1e-4):
        yield "it is in float32, seven digits; keep the dtype of what comes in (float64), as np.zeros_like(x) does"
    if expected.dtype.kind == "f" and found.ndim and found.dtype.kind in "iub" and (expected % 1).any():
        yield (
            f"it is {found.dtype}, which holds no fractions, so they are cut off as they are written into it; "
            "make it float64, as np.zeros(shape) does"
        )
    if expected.dtype.kind in "iub" and found.ndim:
        yield whole_numbers(found, expected)
    if forward or not np.isfinite(expected).all() or found.size == 1:
        yield plainly(found, expected, context)
    hit = findings(found.astype(float), expected.astype(float), context)[0]
    yield (hit.cause is Cause.UNEXPLAINED and few_digits(found, expected)) or LENGTHS.sub(";", in_words(hit))


def wrong_kind(found: np.ndarray, expected: np.ndarray) -> Iterator[str]:
    """Yield what is wrong with right numbers, of any shape, that cannot be used: ids and masks index other arrays."""
    if expected.ndim and expected.dtype.kind in "iu" and found.dtype.kind not in "iu":
        yield f"the numbers are right, but {found.dtype}; as an index they have to be whole: np.zeros(shape, int)"
    if expected.ndim and expected.dtype.kind == "b" and found.dtype.kind != "b":
        yield f"right, but {found.dtype}; as a mask, in losses[mask], it has to be bool: np.zeros(shape, bool)"


def whole_numbers(found: np.ndarray, expected: np.ndarray) -> str:
    """Return how whole numbers or truth values of any shape differ: how many of them, and the first such row."""
    wrong = found != expected
    if found.dtype.kind in "iu" and expected.max() > (top := np.iinfo(found.dtype).max):
        return f"it is {found.dtype}, which ends at {top}; there are numbers up to {expected.max()}"
    i = tuple(np.argwhere(wrong)[0][:-1])
    one, other = (np.array2string(array[i], threshold=MOST_SHOWN, separator=", ") for array in (found, expected))
    row = f"row {', '.join(map(str, i))}: " * bool(i)
    return " ".join(f"{int(wrong.sum())} of {found.size} are wrong; {row}found {one}, wanted {other}".split())


def plainly(found: np.ndarray, expected: np.ndarray, context: Context) -> str:
    """Return how a result of any shape differs, without a word on gradients."""
    if not found.any():
        return f"it is 0{' everywhere' if found.ndim else f'; wanted {expected:.6g}'}"
    if np.isfinite(expected).all():
        one, other = found.astype(float), expected.astype(float)
        for test in (rounding, factor, transposed, offset, permuted):
            if found.ndim and (hit := next(test(one, other, context), None)):
                return in_words(hit._replace(numbers=numbers(found, expected)))
        if nearly := few_digits(one, other):
            return nearly
    wrong = ~np.isclose(found, expected, rtol=1e-8, atol=0, equal_nan=True)
    if found.size > 1 and wrong.any():
        where = tuple(np.argwhere(wrong)[0])
        first = f"found {found[where]:.6g} at {place(where)}, wanted {expected[where]:.6g}"
        return f"{int(wrong.sum())} of {found.size} numbers are wrong; the first: {first}"
    one, other = found.item(), expected.item()
    digits = next((digits for digits in (6, 9, 17) if f"{one:.{digits}g}" != f"{other:.{digits}g}"), 17)
    k = one / other if other and np.isfinite(other) else 0
    times = f", {factor_names(k, context) or f'{k:.4g}'} times the wanted {other:.{digits}g}" if k else ""
    return f"it is {one:.{digits}g}{times or f'; wanted {other:.{digits}g}'}"


def few_digits(found: np.ndarray, expected: np.ndarray) -> str:
    """Return what may make a result of any shape right to some digits only, or nothing if it is not even that."""
    if (error := relative_error(found, expected)) >= FEW_DIGITS:
        return ""
    digits = max(1, int(-np.log10(max(error, 1e-16))))
    right = f"right to {digits} digit{'s' * (digits > 1)}"
    if not found.ndim:
        return f"it is {found:.{digits + 4}g}, {right}; wanted {expected:.{digits + 4}g}: is it rounded?"
    lost = "rounding (a difference of numbers nearly alike, float32 inside) or a small term loses the others"
    return f"{right} only: {lost}; {numbers(found, expected)}"


def agree(found: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Return whether two arrays of any shape are equal but for rounding; what is not finite has to be the same."""
    if found.shape != expected.shape:
        return False
    found, expected = (array if array.dtype.kind in "fc" else array.astype(float) for array in (found, expected))
    real = np.isfinite(expected)
    if not np.array_equal(found[~real], expected[~real], equal_nan=True):
        return False
    return relative_error(found[real], expected[real]) <= tolerance


def cure(found: np.ndarray, expected: np.ndarray, tolerance: float, forward: bool = False) -> str:
    """Return what would give an array of any shape the right shape and numbers, if one simple thing does."""
    if found.ndim > 1 and agree(found.swapaxes(-1, -2), expected, tolerance):
        return ": right, but transposed"
    for axis in range(found.ndim):
        for keep in (False, True):
            for how, total in (("sum", np.sum), ("mean", np.mean)):
                if agree(total(found, axis, keepdims=keep), expected, tolerance):
                    keeping = ", keepdims=True" if keep else ""
                    summed = how == "sum" and not forward and found.shape[axis] > 1
                    why = ", over the axis that forward broadcast" if summed else ""
                    return f": right after .{how}({axis}{keeping}){why}"
    if found.size == expected.size and agree(found.reshape(expected.shape), expected, tolerance):
        return ": the numbers are right, the axes are not"
    return ""
