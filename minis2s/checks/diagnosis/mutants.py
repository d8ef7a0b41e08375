"""Twins of a layer that compute the same values and hand on another derivative.

In the complex step a derivative travels as an imaginary part. Dropping, negating or bending that part at one place of
forward changes no value, and gives exactly the gradient of a backward with that mistake at that place, whatever the
size of the model: what is linear on the way forward is transposed on the way back.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from minis2s.layers.record import branches


def detached(x: Any, times: float | np.ndarray = 0.0) -> Any:
    """Return the same values, an array or None, without their derivative, or with ``times`` of it."""
    if x is None:
        return None
    return x.real + 1j * (times * x.imag)


def bent(x: np.ndarray, derivative: np.ndarray) -> np.ndarray:
    """Return the same values with another derivative, the imaginary part of the other array."""
    return x.real + 1j * np.imag(derivative)


def with_methods(part: Any, **methods: Callable) -> Any:
    """Return the same record with other methods; each is given the right one first.

    Raises
    ------
    ValueError
        If the record has no such method, which nothing would ever call.
    """
    kind = type(part)
    if unknown := [name for name in methods if not callable(getattr(kind, name, None))]:
        raise ValueError(f"{kind.__name__} has no method {', '.join(unknown)}")

    def bound(name: str) -> Callable:
        return lambda self, *arguments: methods[name](getattr(super(twin, self), name), *arguments)

    twin = type(kind.__name__, (kind,), {name: bound(name) for name in methods})
    return twin(*(getattr(part, field.name) for field in fields(part)))


def records(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return every record in a tree, with its path."""
    if is_dataclass(tree):
        yield path, tree
    for name, part in branches(tree):
        if not isinstance(part, np.ndarray):
            yield from records(part, f"{path}.{name}" if path else name)


def put(tree: Any, path: str, part: Any) -> Any:
    """Return the same tree with another part at the path."""
    if not path:
        return part
    name, _, rest = path.partition(".")
    if isinstance(tree, (tuple, list)):
        return tuple(put(one, rest, part) if str(i) == name else one for i, one in enumerate(tree))
    return replace(tree, **{name: put(getattr(tree, name), rest, part)})
