"""Derivatives of forward, measured: by complex step and by central difference."""

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minis2s.layers.record import cast, walk

STEP = {"complex": 1e-20, "central": 1e-5}
COTANGENT_STREAM = 9  # keeps the cotangent apart from weights and inputs, whatever seed those are drawn with
TIED = 1e-9  # numbers as near to each other as this may be equal in mathematics


def draw_cotangent(output: Any, rng: np.random.Generator | None = None) -> list[np.ndarray]:
    """Return random numbers shaped like forward's outputs, one array an output.

    ``rng`` only seeds the stream that they come from. Drawn from the very generator that made the inputs, they could be
    the inputs, number for number, and a backward that confuses x and dy would be right.
    """
    seed = [0] if rng is None else rng.integers(2**32, size=4).tolist()
    own = np.random.default_rng([COTANGENT_STREAM, *seed])
    return [own.standard_normal(np.shape(part)) for part in as_tuple(output)]


def as_doutput(cotangent: Sequence[Any], output: Any) -> Any:
    """Return the cotangent as backward takes it: a copy, a tuple where the output is one, numbers as floats."""
    parts = tuple(np.array(c) if np.shape(c) else float(c) for c in cotangent)
    return parts if isinstance(output, tuple) else parts[0]


def worst_place(errors: np.ndarray) -> tuple[int, ...]:
    """Return the index of the largest entry of an array of any shape: of those equal but for rounding, the first.

    Which of two such entries is the larger one is settled by the last bit of a product, another on each processor.
    """
    largest = np.nanmax(errors)
    near = errors == largest if np.isinf(largest) else errors >= (1 - TIED) * largest
    return tuple(int(i) for i in np.argwhere(near)[0])


def place(where: Sequence[int], gates: Sequence[str] = ()) -> str:
    """Return an index as one writes it, the first axis by gate names where there are some."""
    first = [gates[where[0]]] if gates and len(where) else [str(i) for i in where[:1]]
    return f"[{', '.join(first + [str(i) for i in where[1:]])}]"


class NoComplexStep(ValueError):
    """Forward cannot be run on complex numbers."""


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
    """Return the derivative of ``function()`` in every entry of ``array``, of any shape, which it reads.

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
                raise NoComplexStep(f"forward cannot take complex numbers: {error}") from None
            finally:
                array.flat[i] = value
    return np.array(derivatives, float).reshape(array.shape + np.shape(derivatives)[1:])


def relative_error(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference of two arrays, any shape, over the largest entry of either; 0 if both are 0."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(np.asarray(one) - other).max(initial=0.0)
    largest = max(np.abs(one).max(initial=0.0), np.abs(other).max(initial=0.0))
    if not (math.isfinite(difference) and math.isfinite(largest)):
        return math.inf
    return float(difference / largest) if largest else 0.0


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


def arrays_of(trial: Trial) -> dict[str, np.ndarray]:
    """Return the arrays of a trial that have a gradient, by name."""
    return dict(walk(trial.layer)) | float_inputs("", trial.layer, trial.inputs)
