"""Is it the same layer as ours? A right gradient of another function passes the complex step."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np

from minis2s.checks.derivatives import as_tuple, relative_error
from minis2s.checks.diagnosis.context import gate_names
from minis2s.checks.diagnosis.from_numbers import common_factor, numbers
from minis2s.checks.report import ArrayCheck, GradientReport
from minis2s.layers import GRU, GRUResetBefore
from minis2s.layers.cell import Cell
from minis2s.layers.record import walk

TOLERANCE = 1e-10  # of two computations in different orders


def compare(name: str, mine: Any, inputs: tuple, like: str, ours: Any, our_inputs: tuple) -> GradientReport:
    """Compare the output of a layer with ours, on the same weights and inputs; its shape is ours.

    Gradients need no comparison: where both are the derivative of one function, they are equal.
    """
    label, rows, diagnoses = f"{name} against {like}", [], {}
    found, expected = (as_tuple(layer.forward(*given)[0]) for layer, given in ((mine, inputs), (ours, our_inputs)))
    for i, (one, other) in enumerate(zip(found, expected)):
        key = "output" if len(found) == 1 else f"output {i + 1}"
        error = relative_error(one, other)
        rows.append(ArrayCheck(label, key, np.shape(one), error, error <= TOLERANCE))
        if error > TOLERANCE:
            said = f"another function than {like}; {numbers(np.asarray(one), np.asarray(other))}"
            causes = [f"{key}: consistent with {cause}" for cause in likely(one, other, ours, our_inputs)]
            diagnoses[label, key] = (*causes, f"{key}: consistent with {said}")
    return GradientReport("ours", TOLERANCE, tuple(rows), diagnoses)


def likely(found: Any, expected: Any, ours: Any, inputs: Sequence[Any]) -> Iterator[str]:
    """Return what the output may be instead: ours with gates exchanged, say."""
    found, expected = np.asarray(found), np.asarray(expected)
    if (k := common_factor(found, expected)) is not None:
        yield f"one factor, {k:.6g}, on the whole output"
    if isinstance(ours, Cell):
        for cause, other in variants(ours):
            if relative_error(found, other.forward(*inputs)[0]) <= TOLERANCE:
                yield cause
                return


def variants(ours: Any) -> Iterator[tuple[str, Cell]]:
    """Return cells that are often taken for ours, a Cell, with the same arrays."""
    if isinstance(ours, GRU):
        before = "the reset gate before the product (Cho et al. 2014), not after it"
        yield before, GRUResetBefore(ours.W_x, ours.W_h, ours.b_x + ours.b_h)
        names = {"W_x": "input", "W_h": "hidden", "b_x": "input", "b_h": "hidden"}
    else:
        names = dict.fromkeys([key for key, _ in walk(ours)], "input")
    G = len(ours.W_x)
    hidden_orders = permutations(range(G)) if "hidden" in names.values() else [tuple(range(G))]
    for hidden, order in product(list(hidden_orders), permutations(range(G))):
        orders = {key: hidden if side == "hidden" else order for key, side in names.items()}
        twin = replace(ours, **{key: getattr(ours, key)[list(orders[key])] for key in names})
        moves = []
        for key, moved in orders.items():
            gates = gate_names(ours, key, getattr(ours, key))
            if list(moved) != sorted(moved):
                its = [gates[moved.index(g)] for g in range(G)]
                moves.append(f"the gates of {key} in the order {', '.join(its)} (ours: {', '.join(gates)})")
        if moves:
            yield "; ".join(moves), twin
        if "z" in ours.activation_names:
            named = {key: gate_names(ours, key, getattr(ours, key)) for key in names}
            signs = {key: np.array([-1 if gate == "z" else 1 for gate in named[key]])[:, None, None] for key in names}
            other = replace(twin, **{key: getattr(twin, key) * signs[key] for key in names})
            yield "; ".join([*moves, "z and 1 - z exchanged: ours is h' = n + z (h - n)"]), other
