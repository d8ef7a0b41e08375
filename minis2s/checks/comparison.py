"""Backward against the measured derivative: by which method, where the two agree, and where nothing can be compared.

The complex step is exact only where forward is the same formula for complex numbers. np.abs, x.var(), x.std() and
np.linalg.norm take the modulus, .real drops the rest: the step then measures another function, and says so in no way
of its own. So it is held against the central difference, once in a random direction, and again wherever it is about
to convict; where the two part, the central difference judges.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minis2s.checks.derivatives import (
    STEP,
    NoComplexStep,
    Trial,
    arrays_of,
    as_doutput,
    as_tuple,
    float_inputs,
    numerical_gradient,
    place,
    relative_error,
    worst_place,
)
from minis2s.checks.report import ArrayCheck
from minis2s.layers.record import walk

TOLERANCE = {"complex": 1e-12, "central": 1e-7}
ROUNDING = {"complex": 1e-14, "central": 1e-9}  # a gradient below this share of the largest number has no digits
ALONG, NEAR = 1e-7, 1e-6  # relative errors of a difference along a direction, and of one on each side
DIRECTION_STREAM = 10
SIDE = 1e-6  # the step to each side: smaller than the central one, so that fewer kinks lie within
UNSEEN = 1e-10  # a share that single precision cannot hold
KINK = 1e-3  # the slopes of the two sides differ by this share of the largest entry

UNFIT = (
    "judged by central difference (to {:.0e}): {}, so the complex step does not hold in this forward, as where np.abs, "
    "x.var(), x.std(), np.linalg.norm or math functions meet complex numbers"
)


class Measured(NamedTuple):
    """The derivative of forward in every array."""

    trial: Trial  # the copies that were moved
    numeric: dict[str, np.ndarray]  # by the names of the arrays
    method: str
    scale: float  # the largest number that rounding errors are a share of
    tolerance: float
    usual_step: bool = True  # kinks are looked for; with a step of one's own, the step is what is tried
    note: str = ""  # why it is not the method that was asked for


def gradients_of(name: str, layer: Any, inputs: Sequence[Any], cotangent: Sequence[Any]) -> dict[str, np.ndarray]:
    """Run forward and backward; return what backward gave for every parameter and every floating-point input, by name.

    Raises
    ------
    ValueError
        If there is nothing to check, or if names or shapes disagree.
    """
    if is_model := hasattr(layer, "loss"):
        _, cache = layer.loss(*inputs)
        gradient, *dinputs = (layer.backward(cache),)
    else:
        output, cache = layer.forward(*inputs)
        gradient, *dinputs = as_tuple(layer.backward(as_doutput(cotangent, output), cache))
    parameters, wanted = dict(walk(layer)), {} if is_model else float_inputs(name, layer, inputs)
    if both := parameters.keys() & wanted.keys():
        raise ValueError(f"{name}: {', '.join(sorted(both))} names a parameter and an input; rename one of them")
    arrays = parameters | wanted
    if not arrays:
        raise ValueError(f"{name}: there is nothing to check, neither a parameter nor a floating-point input")
    input_names = list(arrays)[len(arrays) - len(dinputs) :] if dinputs else []
    analytic = dict(walk(gradient)) | dict(zip(input_names, dinputs))
    if list(analytic) != list(arrays):
        raise ValueError(
            f"{name}: backward gave gradients for {', '.join(analytic) or 'nothing'}, but there are "
            f"{', '.join(arrays)}: return the gradient record, then one array an input, in forward's order"
        )
    for array_name, array in arrays.items():
        if np.shape(analytic[array_name]) != array.shape:
            raise ValueError(
                f"{name}: the gradient of {array_name} has shape {np.shape(analytic[array_name])}, "
                f"the array itself {array.shape}: a sum or a transpose is missing"
            )
    return analytic


def judge(
    name: str,
    layer: Any,
    inputs: Sequence[Any],
    cotangent: Sequence[Any],
    analytic: Mapping[str, np.ndarray],
    method: str,
    step: float | None,
    tolerance: float | None,
) -> tuple[Measured, list[ArrayCheck], list[str]]:
    """Return the derivative of forward, the verdict on each array of ``analytic``, and the kinks that were met.

    Where the complex step does not hold, the derivative is that by central difference, and its note says why.
    """
    try:
        measured = by_method(layer, inputs, cotangent, method, step, tolerance)
        holds = method == "central" or step is not None or agrees_along(layer, inputs, cotangent, measured)
        fault = "" if holds else disagreement(layer, inputs, cotangent, measured, list(analytic))
    except NoComplexStep as error:
        fault = str(error)
    if not fault:
        rows, kinks = compare(name, layer, inputs, cotangent, analytic, measured)
        wrong = [row.array for row in rows if row.ok is False]
        if wrong and method == "complex" and step is None:
            fault = disagreement(layer, inputs, cotangent, measured, wrong)
    if fault:
        measured = by_method(layer, inputs, cotangent, "central", None, max(TOLERANCE["central"], tolerance or 0))
        refuse_coarse(name, layer, inputs, cotangent, measured)
        measured = measured._replace(note=UNFIT.format(measured.tolerance, fault))
        rows, kinks = compare(name, layer, inputs, cotangent, analytic, measured)
    return measured, rows, kinks


def by_method(
    layer: Any,
    inputs: Sequence[Any],
    cotangent: Sequence[Any],
    method: str,
    step: float | None = None,
    tolerance: float | None = None,
) -> Measured:
    """Return the derivative by one method, whether it holds or not; raise NoComplexStep where it cannot be taken."""
    trial = Trial(layer, inputs, cotangent, method)
    numeric = {key: numerical_gradient(trial.weighed, array, method, step) for key, array in arrays_of(trial).items()}
    scale = sum(np.abs(part).sum() for part in trial.outputs())
    largest = max(np.abs(array).max(initial=0.0) for array in numeric.values())
    scale = float(max(scale, largest)) if np.isfinite(scale + largest) else 0.0
    tolerance = TOLERANCE[method] if tolerance is None else tolerance
    return Measured(trial, numeric, method, scale, tolerance, step is None)


def agrees_along(layer: Any, inputs: Sequence[Any], cotangent: Sequence[Any], measured: Measured) -> bool:
    """Whether the measured derivative is that of a small move of all arrays at once in a random direction."""
    trial, rng = Trial(layer, inputs, cotangent, "central"), np.random.default_rng([0, DIRECTION_STREAM])
    arrays = arrays_of(trial)
    start = {key: array.copy() for key, array in arrays.items()}
    moves = {key: rng.standard_normal(array.shape) * np.maximum(1, np.abs(array)) for key, array in start.items()}
    e = STEP["central"] / np.sqrt(sum((move**2).sum() for move in moves.values()))
    values = []
    for sign in (1, -1):
        for key, array in arrays.items():
            array[...] = start[key] + sign * e * moves[key]
        values.append(trial.weighed())
    parts = np.concatenate([np.ravel(moves[key] * measured.numeric[key]) for key in arrays])
    allowed = ALONG * np.abs(parts).sum() + ROUNDING["central"] * measured.scale * STEP["central"] / e
    difference = (values[0] - values[1]) / (2 * e) - parts.sum()
    return not np.isfinite(difference) or bool(abs(difference) <= allowed)


def refuse_coarse(name: str, layer: Any, inputs: Sequence[Any], cotangent: Sequence[Any], measured: Measured) -> None:
    """Raise ValueError if forward does not see a move that float64 shows: it computes in single precision somewhere."""
    trial, rng = Trial(layer, inputs, cotangent, "central"), np.random.default_rng([0, DIRECTION_STREAM])
    before = trial.weighed()
    for array in arrays_of(trial).values():
        array *= 1 + UNSEEN * rng.standard_normal(array.shape)  # one share for all would not change a norm's direction
    slope = max(np.abs(array).max(initial=0.0) for array in measured.numeric.values())
    if trial.weighed() == before and slope > ROUNDING["central"] * measured.scale:
        raise ValueError(
            f"{name}: forward is too coarse to be measured, as in float32: it does not see its numbers move by a share "
            f"of {UNSEEN:.0e}; compute in float64"
        )


def disagreement(
    layer: Any, inputs: Sequence[Any], cotangent: Sequence[Any], measured: Measured, keys: Sequence[str]
) -> str:
    """Say where in ``keys`` the complex step gives a number outside the slopes of both sides; nothing if nowhere."""
    trial = Trial(layer, inputs, cotangent, "central")
    arrays = arrays_of(trial)
    for key in keys:
        numeric = measured.numeric[key]
        left, right = slopes(trial, arrays[key], np.ones(numeric.shape, bool))
        outside = np.isfinite(left + right + numeric) & ~between(numeric, left, right, allowance(measured, numeric))
        if outside.any():
            where = worst_place(np.where(outside, np.abs(numeric - left), 0.0))
            return f"at {key}{place(where)} it gives {numeric[where]:.4g} and a difference {left[where]:.4g}"
    return ""


def slopes(trial: Trial, array: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes of the two sides of every chosen entry of an array of any shape; 0 elsewhere."""
    left, right = np.zeros(array.shape), np.zeros(array.shape)
    here = trial.weighed()
    for i in np.flatnonzero(where):
        value = array.flat[i]
        e = SIDE * max(1.0, abs(value))
        array.flat[i] = value + e
        right.flat[i] = (trial.weighed() - here) / e
        array.flat[i] = value - e
        left.flat[i] = (here - trial.weighed()) / e
        array.flat[i] = value
    return left, right


def between(values: np.ndarray, left: np.ndarray, right: np.ndarray, allowed: float) -> np.ndarray:
    """Whether each value lies between two slopes, as derivatives and subgradients do; three arrays of any shape."""
    return (np.minimum(left, right) - allowed <= values) & (values <= np.maximum(left, right) + allowed)


def allowance(measured: Measured, numeric: np.ndarray) -> float:
    """Return the error of a one-sided slope, of a gradient of any shape: of the curve in the step, and of rounding."""
    return NEAR * float(np.abs(numeric).max(initial=0.0)) + 2e-15 / SIDE * measured.scale


def compare(
    name: str,
    layer: Any,
    inputs: Sequence[Any],
    cotangent: Sequence[Any],
    analytic: Mapping[str, np.ndarray],
    measured: Measured,
) -> tuple[list[ArrayCheck], list[str]]:
    """Return the verdict on every array, and the first place of each at which forward has no derivative.

    An array's ok is None where there is nothing to compare: its derivative is zero in mathematics and backward says so,
    too, or is so small that the central difference cannot tell. A number between the slopes on both sides of a kink
    is as good as any other; kinks nearly everywhere are none, but a derivative that was badly measured.
    """
    real, rows, kinks = Trial(layer, inputs, cotangent, "central"), [], []
    arrays, tolerance = arrays_of(real), measured.tolerance
    noise, forgiven = ROUNDING[measured.method] * measured.scale, 0
    for key, numeric in measured.numeric.items():
        largest, error = np.abs(numeric).max(initial=0.0), relative_error(analytic[key], numeric)
        off = np.abs(analytic[key] - numeric)
        ok: bool | None = error <= tolerance
        if largest <= noise and np.abs(analytic[key]).max(initial=0.0) <= tolerance * measured.scale:
            ok = None
        elif not ok and measured.method == "central" and off.max() <= noise:
            ok = None
        elif not ok and np.isfinite(error) and measured.usual_step:
            wrong = off > tolerance * largest
            left, right = slopes(real, arrays[key], wrong)
            bent = np.abs(right - left) > KINK * largest
            if measured.method == "central":  # the kink may lie within its step, and outside the smaller ones here
                bent |= np.abs((left + right) / 2 - numeric) > allowance(measured, numeric)
            if not (wrong & ~(bent & between(analytic[key], left, right, allowance(measured, numeric)))).any():
                forgiven += int(wrong.sum())
                kinks.append(f"{key}{place(np.argwhere(wrong)[0])}")
                error = relative_error(analytic[key][~wrong], numeric[~wrong])
                ok = True if (~wrong).any() else None
        rows.append(ArrayCheck(name, key, numeric.shape, np.nan if ok is None else error, ok))
    if 2 * forgiven > sum(array.size for array in arrays.values()):
        return compare(name, layer, inputs, cotangent, analytic, measured._replace(usual_step=False))
    return rows, kinks
