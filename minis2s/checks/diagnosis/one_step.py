"""Why a recurrent gradient is wrong, seen in one step of one sentence, before time has mixed the traces of the bug.

There each unit of a gate has its own factor: where found / expected is 1 / (z (1 - z)), unit by unit, the slope of a
sigmoid is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
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
from minis2s.checks.diagnosis.context import activation_names, gate_names
from minis2s.checks.diagnosis.from_numbers import Context, Finding, findings, numbers
from minis2s.layers.record import walk

MATCH = {"complex": 1e-8, "central": 1e-5}


def one_step(layer: Any, inputs: Sequence[Any], batch_sizes: Sequence[int], method: str) -> dict[str, list[Finding]]:
    """Return the findings by array, for the first step of the first sentence; nothing for an array that is right."""
    short = []
    for part in inputs:
        rows = isinstance(part, np.ndarray) and part.ndim and len(part) in (sum(batch_sizes), batch_sizes[0])
        short.append([1] if part is batch_sizes else part[:1] if rows else part)
    output, cache = layer.forward(*short)
    if np.ndim(output) != 2:
        return {}
    (doutput,) = cotangent = draw_cotangent(output)
    gradient, *dinputs = as_tuple(layer.backward(doutput.copy(), cache))
    trial = Trial(layer, short, cotangent, method)
    arrays = arrays_of(trial)
    found = dict(walk(gradient)) | dict(zip(float_inputs("", layer, short), dinputs))
    known = activations(layer, short, output, cache)
    terms = expressions(known)
    named: dict[str, list[Finding]] = {}
    right = {key: numerical_gradient(trial.weighed, array, method) for key, array in arrays.items()}
    for key, array in arrays.items():
        if relative_error(found[key], expected := right[key]) <= MATCH[method]:
            continue
        context = Context(gate_names(layer, key, array), instead=halves(trial, array), match=MATCH[method])
        hits = [*by_unit(found[key], expected, context, terms), *missing_term(found[key], expected, doutput, terms)]
        hits += [] if hits else [*by_half(found[key], expected, context, terms, doutput)]
        hits += [] if hits else [*gate_part(layer, key, array.real, found[key], right, known)]
        named[key] = hits or findings(found[key], expected, context)
    return named


def halves(trial: Trial, array: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradients of an LSTM's step if nothing came back through one half of its state."""
    (doutput,), H = trial.cotangent, trial.cotangent[0].shape[1] // 2
    if getattr(getattr(trial.layer, "cell", trial.layer), "states_per_hidden", 1) != 2 or doutput.shape[1] != 2 * H:
        return {}
    named = {}
    for name, lost in {"h', the first half of the state": slice(0, H), "c', the second half": slice(H, None)}.items():
        kept = doutput.copy()
        kept[:, lost] = 0
        part = Trial(trial.layer, trial.inputs, [kept], trial.method)
        arrays = dict(zip(map(id, arrays_of(trial).values()), arrays_of(part).values()))
        named[f"nothing coming back through {name}"] = numerical_gradient(part.weighed, arrays[id(array)], trial.method)
    return named


def activations(layer: Any, inputs: Sequence[Any], output: np.ndarray, cache: Any) -> dict[str, np.ndarray]:
    """Return what is known inside a step, (H,) each, by name: gates, the states before and after."""
    gates, H = getattr(cache, "activations", None), output.shape[1]
    names = activation_names(getattr(layer, "cell", layer))  # a decoder has a cell
    known: dict[str, np.ndarray] = {}
    if gates is not None and len(gates) == len(names):
        H = gates.shape[-1]
        known = {name: gate.ravel() for name, gate in zip(names, gates) if gate.size == H and name != "h"}
    state = next((part for part in inputs[1:] if isinstance(part, np.ndarray) and part.shape == output.shape), None)
    for primed, row in (("", state), ("'", output)):
        if row is not None:
            known["h" + primed] = row[0, :H]
            if row.shape[1] == 2 * H:
                known["c" + primed] = row[0, H:]
    return known


def expressions(known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the factors that derivatives are made of, from the activations."""
    terms = dict(known)
    for name, a in known.items():
        if (np.abs(a) < 1).all() and name not in ("h", "c", "c'"):
            terms[f"1 - {name}^2"] = 1 - a * a
            terms[f"1 - {name}"] = 1 - a
            terms[f"1 - (pre-activation of {name})^2"] = 1 - np.arctanh(a) ** 2
        terms[f"{name} (1 - {name})"] = a * (1 - a)
    return terms


def by_unit(
    found: np.ndarray, expected: np.ndarray, context: Context, terms: Mapping[str, np.ndarray]
) -> Iterator[Finding]:
    """Each unit has its own factor, the same in all rows, or each row its own, the same in all units."""
    gates = context.gates or ("",)
    pairs = zip(gates, found, expected) if context.gates else [("", found, expected)]
    for gate, one, other in pairs:
        if one.ndim != 2 or relative_error(one, other) <= context.match or not other.all():
            continue
        ratios = one / other
        for axis, what in ((0, "unit"), (1, "row")):
            ratio = ratios.mean(axis)
            if np.abs(ratios - np.expand_dims(ratio, axis)).max() > context.match * np.abs(ratio).max():
                continue
            if np.ptp(ratio) > context.match * np.abs(ratio).max() and (said := factor_of(ratio, terms, context.match)):
                where = f"in gate {gate} " if gate else ""
                each = (
                    f"in one step alone each {what} has its own factor, {', '.join(f'{k:.4g}' for k in ratio[:2])} ..."
                )
                yield Finding("slope", f"{where}consistent with {said}: {each}; {numbers(one, other)}")
                break


def factor_of(ratio: np.ndarray, terms: Mapping[str, np.ndarray], match: float) -> str:
    """Return the expression that was left out, put in, or put in place of another; or nothing."""
    same = [name for name, term in terms.items() if term.shape == ratio.shape]
    for sign, word in ((1, ""), (-1, ", and a wrong sign")):
        for name in same:
            if relative_error(sign * ratio * terms[name], np.ones(ratio.shape)) <= match:
                return f"{name} missing{word}"
            if relative_error(sign * ratio, terms[name]) <= match:
                return f"{name} once too often{word}"
        for name in same:
            for other in same:
                if name != other and relative_error(sign * ratio * terms[other], terms[name]) <= match:
                    return f"{name} in place of {other}{word}"
    return ""


def missing_term(
    found: np.ndarray, expected: np.ndarray, doutput: np.ndarray, terms: Mapping[str, np.ndarray]
) -> Iterator[Finding]:
    """One of the terms of a state's gradient, d' times an expression, is missing, negated or another."""
    if found.shape != doutput.shape:
        return
    error = found - expected
    for name, term in terms.items():
        for times, word in ((-1, "missing"), (-2, "of a wrong sign"), (1, "counted twice")):
            here = slice(0, len(term))
            if relative_error(error[:, here], times * doutput[:, here] * term) <= MATCH["complex"]:
                said = f"the term d' {name} {word}, in one step alone"
                yield Finding("term", f"consistent with {said}; {numbers(found, expected)}")
                return
    for (name, term), (other, taken) in permutations(terms.items(), 2):
        if len(term) == len(taken) and not np.allclose(term, taken):
            here = slice(0, len(term))
            if relative_error(error[:, here], doutput[:, here] * (taken - term)) <= MATCH["complex"]:
                said = f"the term d' ({other}) in place of d' ({name}), in one step alone"
                yield Finding("term", f"consistent with {said}; {numbers(found, expected)}")
                return


def by_half(
    found: np.ndarray, expected: np.ndarray, context: Context, terms: Mapping[str, np.ndarray], doutput: np.ndarray
) -> Iterator[Finding]:
    """One half of an LSTM's state is right, and the units of the other have their own factors."""
    H = found.shape[-1] // 2
    if found.shape != doutput.shape or {len(term) for term in terms.values()} != {H}:
        return
    for name, half in (("h", slice(0, H)), ("c", slice(H, None))):
        for hit in by_unit(found[:, half], expected[:, half], context, terms):
            yield hit._replace(sentence=f"in the half {name} of the state {hit.sentence}")


def gate_part(
    layer: Any,
    key: str,
    array: np.ndarray,
    found: np.ndarray,
    right: Mapping[str, np.ndarray],
    known: Mapping[str, np.ndarray],
) -> Iterator[Finding]:
    """What one gate hands to a cell's input or state, its gradient times W^T, is missing, negated or not transposed.

    With one row a bias has the gate's own gradient.
    """
    its, biases = {"x": ("W_x", ("b_x", "b")), "s0": ("W_h", ("b_h", "b"))}.get(key, ("", ()))
    bias = next((name for name in biases if name in right), None)
    if bias is None or not hasattr(layer, its):
        return
    W = getattr(layer, its)
    names = gate_names(layer, its, W)
    if len(right[bias]) != len(W) or right[bias].ndim != 3:
        return
    H, error, largest = W.shape[1], found - right[key], np.abs(right[key]).max()
    square = W.shape[1] == W.shape[2]
    every: list[Any] = []
    weights = {"": 1.0} | {f" times {name}": term for name, term in known.items() if len(term) == H}
    for gate, (d, matrix) in enumerate(zip(right[bias], W)):
        part = d @ matrix.T
        turned = d @ matrix - part if square else None
        every.append(turned)
        for times, by in weights.items():
            for factor, word in ((-1, "missing"), (-2, "of a wrong sign"), (1, "counted twice")):
                if np.abs(error[:, :H] - factor * part * by).max() <= MATCH["complex"] * largest:
                    said = f"what gate {names[gate]} hands to {key}, d {its}^T{times}, {word}, in one step alone"
                    yield Finding("gate's part", f"consistent with {said}; {numbers(found, right[key])}")
                    return
        if square and np.abs(error[:, :H] - turned).max() <= MATCH["complex"] * largest:
            said = f"{its} of gate {names[gate]} not transposed where it hands its gradient to {key}"
            yield Finding("transposed", f"consistent with {said}; {numbers(found, right[key])}")
            return
    if square and np.abs(error[:, :H] - sum(every)).max() <= MATCH["complex"] * largest:
        said = f"{its} not transposed where the gates hand their gradients to {key}"
        yield Finding("transposed", f"consistent with {said}; {numbers(found, right[key])}")
