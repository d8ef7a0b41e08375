"""Is this gradient right? Compare backward with the derivative of forward, measured numerically.

Two ways to measure it. The *complex step*, Im f(x + ih) / h, has no subtraction in which digits could cancel:
with h = 1e-20 it is exact to the last ones. The *central difference*, (f(x + e) - f(x - e)) / 2e, works with code that
cannot take complex numbers, and is good for about eight digits.

References: Squire & Trapp 1998, doi 10.1137/S003614459631241X;
Martins, Sturdza & Alonso 2003, doi 10.1145/838250.838251.
"""

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from minis2s.checks.report import ArrayCheck, GradientReport
from minis2s.layers.record import cast, walk

STEP = {"complex": 1e-20, "central": 1e-5}
ROUNDING = {"complex": 1e-14, "central": 1e-9}  # a gradient below this share of the largest of all has no digits
TOLERANCE = {"complex": 1e-12, "central": 1e-7}


def relative_error(found: np.ndarray, expected: np.ndarray, rounding: float = 0.0) -> float:
    """Return the largest difference over the largest entry of either; 0 where no entry is above ``rounding``.

    A gradient that is zero in mathematics, such as that of a bias that shifts all scores of a softmax, is a rounding
    error of the others in the computer, and has no digits to compare.
    """
    with np.errstate(invalid="ignore"):
        difference = np.abs(np.asarray(found) - expected).max(initial=0.0)
    largest = max(np.abs(found).max(initial=0.0), np.abs(expected).max(initial=0.0))
    if not (math.isfinite(difference) and math.isfinite(largest)):
        return math.inf
    return float(difference / largest) if largest > rounding else 0.0


def gradcheck(
    layer: Any,
    *inputs: Any,
    method: str = "complex",
    rng: np.random.Generator | None = None,
    tolerance: float | None = None,
    name: str | None = None,
) -> GradientReport:
    """Check the gradient of every parameter array and of every floating-point input.

    A layer's output is weighed with a random cotangent c: with L = sum(c * output), backward(c) has to give dL of
    everything. (Weighing with ones hides bugs: it certifies a softmax whose backward returns zeros.)
    It takes one forward pass for each number in the arrays, two for the central difference: choose sizes like 3 and 4.

    Parameters
    ----------
    layer : a record with ``forward`` and ``backward``, or a model with ``loss`` and ``backward``, in float64
    inputs : of ``forward``, or the batch of ``loss``. Make them hard: unequal lengths, a token repeated in one source
        column, first states that are not zero. ``checks.cases`` has such inputs for every layer.
    method : "complex" (needs a forward that takes complex arrays) or "central"
    rng : draws the cotangent
    tolerance : by default 1e-12 for the complex step and 1e-7 for the central difference
    name : of the layer in the table

    Returns
    -------
    A report with one row an array.

    Raises
    ------
    ValueError
        If the layer is not a record, if there is nothing to check, if anything is in float32, if forward cannot take
        complex numbers, or if backward returns arrays too few, too many or of the wrong shape. (An ``abs`` deep inside
        forward cannot be seen: where every error is about 1, try the central difference.)
    """
    if method not in STEP:
        raise ValueError(f"method is {method!r}; choose one of {', '.join(STEP)}")
    name = name or type(layer).__name__
    if not is_dataclass(layer):
        raise ValueError(
            f"{name}: the layer is not a record, so its arrays cannot be found; write @record above its class"
        )
    refuse_single_precision(name, layer, inputs)
    rng = rng or np.random.default_rng(0)
    tolerance = TOLERANCE[method] if tolerance is None else tolerance

    is_model = hasattr(layer, "loss")
    output, cache = layer.loss(*inputs) if is_model else layer.forward(*inputs)
    cotangent = [rng.standard_normal(np.shape(part)) for part in as_tuple(output)]
    if is_model:
        found = (layer.backward(cache),)
        cotangent = [1.0]
    else:
        doutput = tuple(c if np.shape(c) else float(c) for c in cotangent)
        found = as_tuple(layer.backward(doutput if isinstance(output, tuple) else doutput[0], cache))

    dtype = complex if method == "complex" else float
    moved = cast(layer, dtype)
    moved_inputs = [part.astype(dtype) if is_float(part) else part for part in inputs]

    def weighed() -> Any:
        outputs, _ = moved.loss(*moved_inputs) if is_model else moved.forward(*moved_inputs)
        return sum(np.sum(c * part) for c, part in zip(cotangent, as_tuple(outputs), strict=True))

    parameters, wanted = dict(walk(moved)), float_inputs(name, layer, moved_inputs)
    if both := parameters.keys() & wanted.keys():
        raise ValueError(f"{name}: {', '.join(sorted(both))} names a parameter and an input; rename one of them")
    arrays = parameters | wanted
    if not arrays:
        raise ValueError(f"{name}: there is nothing to check, neither a parameter nor a floating-point input")
    gradients = match_gradients(name, arrays, dict(walk(found[0])), found[1:])
    expected = {array_name: numerical_gradient(weighed, array, method) for array_name, array in arrays.items()}
    rounding = ROUNDING[method] * max(
        (np.abs(gradient).max(initial=0.0) for gradient in expected.values()), default=0.0
    )
    rows = []
    for array_name, array in arrays.items():
        error = relative_error(gradients[array_name], expected[array_name], rounding)
        if method == "central" and np.abs(gradients[array_name] - expected[array_name]).max(initial=0.0) <= rounding:
            error = 0.0  # a small gradient drowns in the rounding errors of the large ones' differences
        rows.append(ArrayCheck(name, array_name, array.shape, error, error <= tolerance))
    return GradientReport(method, tolerance, tuple(rows))


def numerical_gradient(function: Callable[[], Any], array: np.ndarray, method: str) -> np.ndarray:
    """Return the derivative of ``function()`` with respect to every entry of ``array``, which it reads.

    Each entry is moved in place, one at a time, and put back. ``array`` is complex128 for the complex step.
    """
    step = STEP[method]
    gradient = np.empty(array.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        for i in range(array.size):
            value = array.flat[i]
            try:
                if method == "complex":
                    array.flat[i] = value + 1j * step
                    output = function()
                    if not np.iscomplexobj(output):
                        raise TypeError("its output is real where its input is complex")
                    gradient.flat[i] = output.imag / step
                else:
                    e = step * max(1.0, abs(value))
                    array.flat[i] = value + e
                    above = function()
                    array.flat[i] = value - e
                    gradient.flat[i] = (above - function()) / (2 * e)
            except (np.exceptions.ComplexWarning, TypeError) as error:
                if method != "complex":
                    raise
                raise ValueError(
                    f"forward cannot take complex numbers ({error}); make its arrays in the input's dtype and "
                    "compare real parts, or use the central difference"
                ) from None
            finally:
                array.flat[i] = value
    return gradient


def refuse_single_precision(name: str, layer: Any, inputs: Sequence[Any]) -> None:
    """Raise ValueError where an array is of another floating-point type than float64."""
    for array_name, array in [*walk(layer), *((f"input {i + 1}", part) for i, part in enumerate(inputs))]:
        if isinstance(array, np.ndarray) and array.dtype.kind in "fc" and array.dtype != np.float64:
            raise ValueError(
                f"{name}: {array_name} is in {array.dtype}; float32 holds seven digits, so a right gradient and a "
                "slightly wrong one look the same: check in float64, with cast(layer, np.float64)"
            )


def match_gradients(
    name: str, arrays: dict[str, np.ndarray], parameters: dict[str, np.ndarray], inputs: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return what backward gave by the names of the arrays, or raise ValueError where names or shapes disagree."""
    input_names = list(arrays)[len(arrays) - len(inputs) :] if inputs else []
    found = parameters | dict(zip(input_names, inputs))
    if list(found) != list(arrays):
        raise ValueError(
            f"{name}: backward gave gradients for {', '.join(found) or 'nothing'}, but there are "
            f"{', '.join(arrays)}: return the gradient record, then one array an input, in forward's order"
        )
    for array_name, array in arrays.items():
        if np.shape(found[array_name]) != array.shape:
            raise ValueError(
                f"{name}: the gradient of {array_name} has shape {np.shape(found[array_name])}, "
                f"the array itself {array.shape}: a sum or a transpose is missing"
            )
    return found


def float_inputs(name: str, layer: Any, inputs: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return the inputs that have a gradient, by forward's names for them. A batch, ids and masks have none.

    Raises
    ------
    ValueError
        If floating-point arrays hide inside an input, where they would go unchecked.
    """
    if any(is_float(array) for part in inputs for _, array in walk(part)):
        raise ValueError(
            f"{name}: an input holds arrays inside a tuple or record; give each array as an input of its own"
        )
    if hasattr(layer, "loss"):
        return {}
    names = list(inspect.signature(layer.forward).parameters)
    return {name: part for name, part in zip(names, inputs) if is_float(part)}


def is_float(part: Any) -> bool:
    """Whether a part of the input is an array of real or complex numbers."""
    return isinstance(part, np.ndarray) and part.dtype.kind in "fc"


def as_tuple(value: Any) -> tuple:
    """Return the value itself if it is a tuple, else a tuple of it."""
    return value if isinstance(value, tuple) else (value,)
