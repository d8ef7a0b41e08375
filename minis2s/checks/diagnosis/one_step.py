"""Why a recurrent gradient is wrong, seen in one step of one sentence, before time has mixed the traces of the bug.

There each unit of a gate has its own factor: where found / expected is 1 / (z (1 - z)), unit by unit, the slope of a
sigmoid is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minis2s.checks.derivatives import (
    Trial,
    arrays_of,
    as_tuple,
    draw_cotangent,
    float_inputs,
    numerical_gradient,
    relative_error,
)
from minis2s.checks.diagnosis.context import gate_names
from minis2s.checks.diagnosis.finding import Cause, Context, Finding, numbers
from minis2s.checks.diagnosis.from_numbers import findings
from minis2s.layers.cell import Cell
from minis2s.layers.record import walk

MATCH = {"complex": 1e-8, "central": 1e-5}


def one_step(
    layer: Any, inputs: Sequence[Any], batch_sizes: Sequence[int], method: str
) -> dict[str, list[Finding]] | None:
    """Return the findings on the arrays that are wrong in the first step of the first sentence.

    None where there is no such step: forward returns something else than one row a token.
    """
    short: list[Any] = []
    for part in inputs:
        rows = isinstance(part, np.ndarray) and part.ndim and len(part) in (sum(batch_sizes), batch_sizes[0])
        short.append([1] if part is batch_sizes else part[:1] if rows else part)
    output, cache = layer.forward(*short)
    if isinstance(output, tuple) or np.ndim(output) != 2:
        return None
    (doutput,) = draw_cotangent(output)
    gradient, *dinputs = as_tuple(layer.backward(doutput.copy(), cache))
    found = dict(walk(gradient)) | dict(zip(float_inputs("", layer, short), dinputs))
    numeric = derivatives(layer, short, doutput, method)
    terms, parts = {}, {}
    if isinstance(layer, Cell) and type(layer).step is not Cell.step:
        kept = layer.step(short[0], short[1])[1]  # it begins with x and the parts of the state
        terms, names = expressions(kept._asdict()), kept._fields[1 : 1 + layer.states_per_hidden]
        for i, name in enumerate(names if len(names) > 1 else ()):
            lost = doutput.copy()
            lost[:, i * layer.hidden : (i + 1) * layer.hidden] = 0
            parts[f"nothing coming back through {name}'"] = derivatives(layer, short, lost, method)
    named: dict[str, list[Finding]] = {}
    for key, right in numeric.items():
        if relative_error(found[key], right) > MATCH[method]:
            instead = {said: arrays[key] for said, arrays in parts.items()}
            context = Context(gate_names(layer, key, right), instead=instead, match=MATCH[method])
            named[key] = [*by_unit(found[key], right, context, terms)] or findings(found[key], right, context)
    return named


def derivatives(layer: Any, inputs: Sequence[Any], doutput: np.ndarray, method: str) -> dict[str, np.ndarray]:
    """Return the derivative of forward, weighed with doutput (1, C), in every array, by name."""
    trial = Trial(layer, inputs, [doutput], method)
    return {key: numerical_gradient(trial.weighed, array, method) for key, array in arrays_of(trial).items()}


def expressions(known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the factors that derivatives are made of, from what a step keeps, (1, H) each."""
    terms = {name.replace("_new", "'"): a.ravel() for name, a in known.items()}
    for name, a in list(terms.items()):
        if (np.abs(a) < 1).all():
            terms |= {f"1 - {name}^2": 1 - a * a, f"1 - {name}": 1 - a}
        terms[f"{name} (1 - {name})"] = a * (1 - a)
    return terms


def by_unit(
    analytic: np.ndarray, numeric: np.ndarray, context: Context, terms: Mapping[str, np.ndarray]
) -> Iterator[Finding]:
    """Yield what is missing where each unit of a matrix (D, H), or of a gate's, has its own factor, or each row."""
    pairs = zip(context.gates, analytic, numeric) if context.gates else [("", analytic, numeric)]
    for gate, one, other in pairs:
        if one.ndim != 2 or relative_error(one, other) <= context.match or not (other.all() and np.isfinite(one).all()):
            continue
        ratios = one / other
        for axis, unit in ((0, "unit"), (1, "row")):
            ratio = ratios.mean(axis)
            alike = np.abs(ratios - np.expand_dims(ratio, axis)).max() <= context.match * np.abs(ratio).max()
            if alike and np.ptp(ratio) > context.match * np.abs(ratio).max():
                if said := factor_of(ratio, terms, context.match):
                    each = f"{said}: each {unit} has its own factor"
                    yield Finding(Cause.SLOPE, each, f"in gate {gate}" * bool(gate), numbers(one, other))
                    break


def factor_of(ratio: np.ndarray, terms: Mapping[str, np.ndarray], match: float) -> str:
    """Return which expression, the ratio (H,), was left out, put in, or put in place of another; or nothing.

    terms : the expressions, (H,) or any shape
    """
    alike = {name: term for name, term in terms.items() if term.shape == ratio.shape}
    ones = np.ones(ratio.shape)
    for sign, word in ((1, ""), (-1, ", and a wrong sign")):
        for name, term in alike.items():
            if relative_error(sign * ratio * term, ones) <= match:
                return f"{name} missing{word}"
            if relative_error(sign * ratio, term) <= match:
                return f"{name} once too often{word}"
        for name, term in alike.items():
            for other, taken in alike.items():
                if name != other and relative_error(sign * ratio * taken, term) <= match:
                    return f"{name} in place of {other}{word}"
    return ""
