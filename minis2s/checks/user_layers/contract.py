"""The rules of a layer, tried out once: two results, nothing changed that belongs to others, the same answer twice."""

import inspect
from collections.abc import Iterable
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from minis2s.checks.derivatives import as_doutput, as_tuple, draw_cotangent
from minis2s.errors import InputError
from minis2s.layers.record import walk


def rehearse(name: str, layer: Any, inputs: tuple, like: str | None = None, ours: Any = None) -> None:
    """Call forward and backward and raise InputError where they break the rules of a layer.

    ours : what the layer ``like`` gives for the same inputs, whose shape forward's output has to have
    """
    forward = layer.loss if hasattr(layer, "loss") else layer.forward
    called = "loss" if hasattr(layer, "loss") else "forward"
    before, arrays = snapshot(layer, inputs), named_arrays(layer, inputs)
    result = forward(*inputs)
    refuse_change(name, called, before, arrays)
    if result is None:
        raise InputError(f"{name}: {called} returns nothing; end it with: return y, cache")
    if not isinstance(result, tuple) or len(result) != 2:
        raise InputError(
            f"{name}: {called} has to return two things, its output and a cache; end it with: return y, cache"
        )
    output, cache = result
    if called == "loss":
        return
    refuse_odd(name, "forward's output", as_tuple(output), inputs)
    shapes = [[np.shape(part) for part in as_tuple(one)] for one in (output, ours)]
    if like and shapes[0] != shapes[1]:
        said = [", ".join(map(str, one)) for one in shapes]
        raise InputError(
            f"{name}: forward's output has the shape {said[0]}, that of {like} {said[1]}; mend forward first"
        )
    doutput = as_doutput(draw_cotangent(output), output)
    dys = {f"dy{'' if i == 0 else i + 1}": dy for i, dy in enumerate(as_tuple(doutput)) if isinstance(dy, np.ndarray)}
    dys_before = {key: dy.copy() for key, dy in dys.items()}
    first = layer.backward(doutput, cache)
    refuse_change(name, "backward", before | dys_before, arrays | dys)
    if first is None:
        raise InputError(f"{name}: backward returns nothing; end it with: return gradient, dx")
    if not is_dataclass(as_tuple(first)[0]):
        raise InputError(
            f"{name}: backward's first result is a {type(as_tuple(first)[0]).__name__}; return the gradient of the "
            f"weights as a {type(layer).__name__}, then one array an input"
        )
    refuse_odd(name, "a gradient of backward", [array for _, array in walk(as_tuple(first)[0])], inputs)
    refuse_odd(name, "a gradient of backward", as_tuple(first)[1:], inputs)
    kept = [np.copy(array) for _, array in walk(as_tuple(first))]
    again = [array for _, array in walk(as_tuple(layer.backward(doutput, cache)))]
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(kept, again)):
        raise InputError(
            f"{name}: backward called twice gives two answers; it changes its cache or keeps a state: copy first"
        )


def refuse_odd(name: str, what: str, parts: Iterable[Any], inputs: tuple) -> None:
    """Raise InputError where a part is no array or number, or in float32 though no input is."""
    for part in parts:
        kind = type(part).__name__
        if not isinstance(part, (np.ndarray, np.generic, int, float)):
            raise InputError(f"{name}: {what} is a {kind}; return one array, such as np.array or np.concatenate makes")
        if np.asarray(part).dtype == np.float32 and not any(array.dtype == np.float32 for _, array in walk(inputs)):
            raise InputError(
                f"{name}: {what} is in float32, which is too coarse to check; keep the dtype of the inputs"
            )


def named_arrays(layer: Any, inputs: tuple) -> dict[str, np.ndarray]:
    """Return all arrays of a layer and of its inputs, by name."""
    names = inspect.signature(layer.loss if hasattr(layer, "loss") else layer.forward).parameters
    return dict(walk(layer)) | dict(walk_named(zip(names, inputs)))


def walk_named(parts: Any) -> list[tuple[str, np.ndarray]]:
    """Return every array of named inputs, those inside records included."""
    return [(f"{name}{key[1:]}", array) for name, part in parts for key, array in walk((part,))]


def snapshot(layer: Any, inputs: tuple) -> dict[str, np.ndarray]:
    """Return copies of the arrays, by name."""
    return {name: array.copy() for name, array in named_arrays(layer, inputs).items()}


def refuse_change(name: str, method: str, before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    """Raise InputError if a method has changed an array that is not its own."""
    for key, array in after.items():
        if not np.array_equal(before[key], array, equal_nan=array.dtype.kind in "fc"):
            raise InputError(f"{name}: {method} changes {key}, which is not its own; work on a copy, {key}.copy()")
