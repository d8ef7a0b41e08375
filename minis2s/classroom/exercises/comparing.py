"""What is wrong with an array, in words: a slip that is known, the shape, the numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minis2s.checks.diagnosis import Context, findings
from minis2s.checks.numerical import relative_error
from minis2s.classroom.grading import Trouble


def named_arrays(returned: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return what a function returned as arrays by name.

    Raises
    ------
    Trouble
        If there are too few or too many, or if one is no array of numbers, such as rows that differ in length.
    """
    parts = returned if isinstance(returned, (tuple, list)) and len(names) > 1 else (returned,)
    if isinstance(returned, tuple) and len(returned) != len(names):
        parts = returned
    if len(parts) != len(names):
        one = "1 array" if len(parts) == 1 else f"{len(parts)} arrays"
        raise Trouble(f"it returned {one}; wanted: {', '.join(names)}")
    return {name: array_of(name, part) for name, part in zip(names, parts)}


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
    if array.dtype.kind not in "biufc":
        but = f"its dtype is {array.dtype}" if isinstance(part, np.ndarray) else f"it is of type {type(part).__name__}"
        raise Trouble(f"{name} is no array of numbers: {but}")
    return array


def compare(
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, Any],
    wrong: Sequence[tuple[str, Mapping[str, Any]]],
    tolerance: float,
    gates: Mapping[str, tuple[str, ...]] | None = None,
    factors: Mapping[str, float] | None = None,
) -> list[str]:
    """Return a sentence on each thing that is wrong, with the arrays in which it is, and which ones are right.

    wrong : what to say of a slip, and the arrays that it gives, by name
    """
    sentences, right = {}, []  # the names by the sentence
    for name, target in expected.items():
        context = Context((gates or {}).get(name, ()), factors or {})
        slips = [(said, np.asarray(arrays[name])) for said, arrays in wrong if name in arrays]
        said = next(problems(found[name], np.asarray(target), slips, context, tolerance), None)
        (sentences.setdefault(said, []) if said else right).append(name)
    sentences = [f"{', '.join(names)}: {said}" for said, names in sentences.items()]
    if sentences and right:
        stop = " " if sentences[-1].endswith(("?", ".", ".)")) else "; "
        sentences[-1] += f"{stop}{' and '.join(right)} {'is' if len(right) == 1 else 'are'} right"
    return sentences


def problems(
    found: np.ndarray, expected: np.ndarray, slips: Sequence[tuple[str, np.ndarray]], context: Context, tolerance: float
) -> Iterator[str]:
    """Yield what is wrong with one array, the first being what to say; nothing if it is right."""
    if found.dtype.kind != "c" and same(found, expected, tolerance):
        return
    for said, array in slips:
        if found.shape == array.shape and not same(array, expected, tolerance) and same(found, array, tolerance):
            yield said
    if found.dtype.kind == "c":
        yield "it is complex; the result should be real"
    if found.shape != expected.shape:
        yield f"its shape is {found.shape}, wanted {expected.shape}{cure(found, expected, tolerance)}"
        return
    if np.isfinite(expected).all() and (bad := np.argwhere(~np.isfinite(found))).size:
        where = f"the first at {bad[0].tolist()}: a division by 0, a log of 0, 0 times infinity or an overflow"
        yield f"{len(bad)} of {found.size} numbers are not finite, {where}"
    if found.dtype == np.float32:
        yield "it is in float32, seven digits; keep the dtype of what comes in (float64)"
    if expected.dtype.kind == "b":
        yield f"{int((found != expected).sum())} of {found.size} are wrong"
    said = findings(found.astype(float), expected.astype(float), context)[0].sentence
    plain = expected.size == 1 and "1 of 1 entries" in said  # of one number there is nothing more to say
    if plain and expected.item():
        said = f"it is {found.item():.6g}, {(found / expected).item():.4g} times the wanted {expected.item():.6g}"
    yield said


def same(found: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Return whether two arrays are equal but for rounding; not finite counts where both are so."""
    if found.shape != expected.shape:
        return False
    found, expected = (array if array.dtype.kind in "fc" else array.astype(float) for array in (found, expected))
    if not (np.isfinite(found).all() and np.isfinite(expected).all()):
        return np.array_equal(np.isfinite(found), np.isfinite(expected)) and np.allclose(
            found, expected, equal_nan=True
        )
    return relative_error(found, expected) <= tolerance


def cure(found: np.ndarray, expected: np.ndarray, tolerance: float) -> str:
    """Return what would give an array the right shape and the right numbers, if one simple thing does."""
    if found.ndim > 1 and same(found.swapaxes(-1, -2), expected, tolerance):
        return ": right, but transposed"
    for axis in range(found.ndim):
        for keep in (False, True):
            for how, total in (("sum", np.sum), ("mean", np.mean)):
                if same(total(found, axis, keepdims=keep), expected, tolerance):
                    keeping = ", keepdims=True" if keep else ""
                    why = ", over the axis that forward broadcast" if how == "sum" else ""
                    return f": right after .{how}({axis}{keeping}){why}"
    if found.size == expected.size and same(found.reshape(expected.shape), expected, tolerance):
        return ": the numbers are right, the axes are not"
    return ""
