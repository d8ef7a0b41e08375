"""Derivatives of forward, measured: by complex step and by central difference."""

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minis2s.layers.record import cast, walk

STEP = {"complex": 1e-20, "central": 1e-5}


class Trial:
    """A layer and its inputs, copied, so that their entries can be moved one at a time.

    It weighs the outputs of forward with a cotangent, one array an output; a model has one output, its loss.
    """

    def __init__(self, layer: Any, inputs: Sequence[Any], cotangent: Sequence[Any], method: str):
        self.method, self.cotangent, self.is_model = method, cotangent, hasattr(layer, "loss")
        dtype = complex if method == "complex" else float
        self.layer = cast(layer, dtype)
        self.inputs = [part.astype(dtype) if is_float(part) else part for part in inputs]

    def outputs(self) -> list[np.ndarray]:
        """Return each output, weighed."""
        outputs, _ = self.layer.loss(*self.inputs) if self.is_model else self.layer.forward(*self.inputs)
        return [c * part for c, part in zip(self.cotangent, as_tuple(outputs), strict=True)]

    def weighed(self) -> Any:
        """Return L = sum(c * output), a number."""
        return sum(np.sum(part) for part in self.outputs())

    def flat(self) -> np.ndarray:
        """Return all outputs, weighed, in one vector."""
        return np.concatenate([np.ravel(part) for part in self.outputs()])


def numerical_gradient(
    function: Callable[[], Any], array: np.ndarray, method: str, step: float | None = None
) -> np.ndarray:
    """Return the derivative of ``function()`` with respect to every entry of ``array``, which it reads.

    Each entry is moved in place, one at a time, and put back. ``array`` is complex128 for the complex step. Where the
    function gives an array, its axes come behind those of ``array``.
    """
    step = STEP[method] if step is None else step
    derivatives = []
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
                    derivatives.append(output.imag / step)
                else:
                    e = step * max(1.0, abs(value))
                    array.flat[i] = value + e
                    above = function()
                    array.flat[i] = value - e
                    derivatives.append((above - function()) / (2 * e))
            except (np.exceptions.ComplexWarning, TypeError) as error:
                if method != "complex":
                    raise
                raise ValueError(
                    f"forward cannot take complex numbers ({error}); make its arrays in the input's dtype and "
                    "compare real parts, or use the central difference"
                ) from None
            finally:
                array.flat[i] = value
    return np.array(derivatives, float).reshape(array.shape + np.shape(derivatives)[1:])


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
