"""Ways a gradient check can be fooled. The worst are refused; of the others it warns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minis2s.checks.derivatives import STEP, as_tuple, draw_cotangent, float_inputs, relative_error
from minis2s.checks.diagnosis.context import batch_sizes_of, is_mask, sequences_of
from minis2s.checks.diagnosis.finding import Cause, Finding
from minis2s.layers.record import walk

SMALLEST, LARGEST = {"complex": 1e-200, "central": 1e-8}, {"complex": 1e-7, "central": 1e-3}  # of a step
ROUNDED = 1e-9  # below the relative errors that single precision makes
SINGLE = 1e-5  # the largest relative error that single precision makes
COARSE, VISIBLE = 50, 1e-6  # grains that rounding errors come to; share of the largest number that a grain has to be


def refuse_chance(name: str, first: Any, second: Any) -> None:
    """Raise ValueError if two forward passes differ: then the two sides of a difference have different masks."""
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(as_tuple(first), as_tuple(second))):
        raise ValueError(
            f"{name}: two forward passes on the same input differ, as with dropout that draws a new mask each time; "
            "give rng a seed (an int), so that each pass draws the same"
        )


def given_or_drawn(name: str, output: Any, cotangent: Any, rng: np.random.Generator | None) -> list[np.ndarray]:
    """Return the cotangent as a list, one array an output; random where none is given."""
    if cotangent is None:
        return draw_cotangent(output, rng)
    shapes = [np.shape(part) for part in as_tuple(output)]
    given = [np.asarray(part, float) for part in (cotangent if isinstance(cotangent, (tuple, list)) else [cotangent])]
    if [part.shape for part in given] != shapes:
        raise ValueError(f"{name}: the cotangent has the shapes {[c.shape for c in given]}, the output {shapes}")
    return given


def setting_warnings(
    layer: Any, inputs: Sequence[Any], cotangent: Sequence[Any], method: str, step: float | None
) -> list[str]:
    """Return a sentence on everything in this check that would let bugs pass."""
    found = []
    if step is not None and step < SMALLEST[method]:
        found.append(f"step {step:g} is too small: rounding errors of 1e-16 are divided by it; take {STEP[method]:g}")
    if step is not None and step > LARGEST[method]:
        found.append(f"step {step:g} is too large: the curve bends within it; take {STEP[method]:g}")
    if any(np.size(c) > 1 and np.ptp(c) == 0 for c in cotangent):
        found.append("the cotangent is constant, which certifies a softmax whose backward returns zeros; draw it")
    for array_name, array in [*walk(layer), *float_inputs(type(layer).__name__, layer, inputs).items()]:
        if array.size > 1 and any(np.array_equal(array, c) for c in cotangent):
            found.append(
                f"the cotangent is {array_name}, number for number, which certifies a backward that takes one "
                "for the other; draw it"
            )
    for input_name, part in float_inputs(type(layer).__name__, layer, inputs).items():
        if part.size > 1 and not part.any():
            found.append(f"{input_name} is all zero, as a first state that hides the gradient of W_h at t = 0; draw it")
    for array_name, array in walk(layer):
        if array.ndim > 1 and min(array.shape[-2:]) > 1 and array.size > 4 and np.ptp(array) == 0:
            found.append(f"all entries of {array_name} are equal, which hides transposed and swapped ones; draw them")
    return found + length_warnings(inputs) + token_warnings(inputs)


def length_warnings(inputs: Sequence[Any]) -> list[str]:
    """Return a sentence if no sentence is shorter than another."""
    batch_sizes = batch_sizes_of(inputs)
    sizes = []
    if batch_sizes is not None:
        sizes.append((batch_sizes[0], len(batch_sizes) > 1 and batch_sizes[0] == batch_sizes[-1]))
    sizes += [(len(part), part.shape[1] > 1 and part.all()) for part in inputs if is_mask(part)]
    sizes += [(len(part.ids), bool(part.mask.all())) for part in sequences_of(inputs)]
    if any(B == 1 for B, _ in sizes):
        return [
            "there is one sentence only: masks and sums over the batch go unchecked; take three, of unequal lengths"
        ]
    if any(equal for _, equal in sizes):
        return ["all sentences are equally long, so a wrong mask changes nothing; take unequal lengths"]
    return []


def token_warnings(inputs: Sequence[Any]) -> list[str]:
    """Return a sentence if no token stands in two places, where its gradients have to be added up."""
    columns = [which.ids[which.mask[:, t], t] for which in sequences_of(inputs)[:1] for t in range(which.ids.shape[1])]
    ids = [part for part in inputs if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and part.ndim == 1]
    if columns and all(len(set(column)) == len(column) for column in columns):
        return ["no token stands twice in one column of the source, so dE[ids] += dx goes unseen; repeat one"]
    if len(ids) == 1 and len(inputs) == 1 and len(set(ids[0])) == ids[0].size:
        return ["no token is repeated, so dE[ids] += dx goes unseen; repeat one"]
    return []


def badly_measured(wrong: Mapping[str, tuple[np.ndarray, np.ndarray]], method: str) -> Finding | None:
    """Return why the measured derivatives may be at fault, not backward; None if they do not look like it.

    All arrays agree to seven digits, or all errors are a few times the grain of what was measured.
    """
    analytic, numeric = (np.concatenate([np.ravel(pair[i]) for pair in wrong.values()]) for i in (0, 1))
    if not (np.isfinite(analytic).all() and np.isfinite(numeric).all()):
        return None
    worst = max(relative_error(*pair) for pair in wrong.values())
    if method == "complex" and worst <= ROUNDED:
        return Finding(Cause.ROUNDING, where=f"all arrays are right to {-np.log10(worst):.0f} digits")
    if method == "complex" and worst <= SINGLE:
        return Finding(Cause.SINGLE_PRECISION, f"{worst:.1e}")
    grain = grain_of(numeric)
    if method == "central" and grain and np.abs(analytic - numeric).max() <= COARSE * grain:
        return Finding(Cause.STEP_TOO_SMALL, f"{numeric.size} measured numbers are multiples of {grain:.3g}")
    return None


def grain_of(numbers: np.ndarray) -> float:
    """Return what all numbers (n,) are multiples of, by Euclid's algorithm; 0 if too small to tell from chance."""
    grain, least = 0.0, VISIBLE * np.abs(numbers).max(initial=0.0)
    for number in np.abs(numbers[numbers != 0]):
        a, b = number, grain
        while b > least:
            a, b = b, min(a % b, b - a % b)
        grain = a
    if grain <= least or np.abs(numbers / grain - np.round(numbers / grain)).max() > 1e-3:
        return 0.0
    return grain
