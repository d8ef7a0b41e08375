"""Is it the same layer as ours? A right gradient of another function passes the complex step."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from minis2s.checks.derivatives import as_tuple, relative_error
from minis2s.checks.diagnosis.finding import Cause, Finding, numbers
from minis2s.checks.report import ArrayCheck, GradientReport
from minis2s.layers import GRU, GRUResetBefore
from minis2s.layers.cell import Cell
from minis2s.layers.record import map_arrays

TOLERANCE = 1e-10  # of two computations in different orders


def compare(name: str, mine: Any, inputs: tuple, like: str, ours: Any, our_inputs: tuple) -> GradientReport:
    """Compare the output of a layer with ours, on the same weights and inputs; its shape is ours.

    Gradients need no comparison: where both are the derivative of one function, they are equal.
    """
    label, rows, diagnoses = f"{name} against {like}", [], {}
    outputs = (as_tuple(layer.forward(*given)[0]) for layer, given in ((mine, inputs), (ours, our_inputs)))
    for i, (one, other) in enumerate(zip(*outputs)):
        key = "output" if i == 0 else f"output {i + 1}"
        error = relative_error(one, other)
        rows.append(ArrayCheck(label, key, np.shape(one), error, error <= TOLERANCE))
        if error > TOLERANCE:
            said = (
                next(likely(one, ours, our_inputs), f"another function than {like}") if i == 0 else "another function"
            )
            worst = numbers(np.asarray(one), np.asarray(other))
            diagnoses[label, key] = (Finding(Cause.OTHER_FUNCTION, said, numbers=worst),)
    return GradientReport("ours", TOLERANCE, tuple(rows), diagnoses)


def likely(output: Any, ours: Any, inputs: Sequence[Any]) -> Iterator[str]:
    """Yield what the output may be instead: that of a cell that is often taken for ours, with the same arrays."""
    for said, other in variants(ours) if isinstance(ours, Cell) else ():
        if relative_error(output, other.forward(*inputs)[0]) <= TOLERANCE:
            yield said


def variants(ours: Any) -> Iterator[tuple[str, Cell]]:
    """Yield cells that are often taken for ours."""
    if isinstance(ours, GRU):
        before = "the reset gate before the product (Cho et al. 2014), not after it"
        yield before, GRUResetBefore(ours.W_x, ours.W_h, ours.b_x + ours.b_h)
    names = ours.activation_names[: len(ours.W_x)]
    signs = np.array([-1 if name == "z" else 1 for name in names])[:, None, None]
    for order in permutations(range(len(names))):
        moved = map_arrays(lambda W, order=order: W[list(order)], ours)
        theirs = [names[order.index(g)] for g in range(len(names))]
        said = f"the gates in the order {', '.join(theirs)} (ours: {', '.join(names)})"
        other_order = [said] if order != tuple(sorted(order)) else []
        if other_order:
            yield said, moved
        if "z" in names:
            exchanged = [*other_order, "z and 1 - z exchanged: ours is h' = n + z (h - n)"]
            yield ", and ".join(exchanged), map_arrays(lambda W: W * signs, moved)
