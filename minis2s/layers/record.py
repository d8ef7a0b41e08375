"""A layer, a model and a gradient are the same thing: a record of named arrays, perhaps holding further records.

Everything that treats all parameters alike (optimizers, checkpoints, gradient checks, casts) walks this one tree.
A field is an array, a record, a tuple of records, or anything else (a Config, None), which is carried along untouched.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

Tree = TypeVar("Tree")

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform

    @dataclass_transform(frozen_default=True, eq_default=False)
    def record(cls: type[Tree]) -> type[Tree]: ...
else:
    record = dataclass(frozen=True, eq=False)  # names are fixed; arrays are updated in place by optimizers only


def is_record(value: Any) -> bool:
    """Whether a value is a record."""
    return is_dataclass(value)


def branches(tree: Any) -> list[tuple[str, Any]]:
    """Name and value of each part of a record, tuple or list; nothing for a leaf."""
    if isinstance(tree, (tuple, list)):
        return [(str(i), part) for i, part in enumerate(tree)]
    if is_dataclass(tree):
        return [(field.name, getattr(tree, field.name)) for field in fields(tree)]
    return []


def walk(tree: Any, prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Yield every array with its flat name, such as ``decoder.cell.W_x``, in the order of the fields."""
    for name, part in branches(tree):
        if isinstance(part, np.ndarray):
            yield prefix + name, part
        else:
            yield from walk(part, f"{prefix}{name}.")


def map_arrays(function: Callable[..., np.ndarray], tree: Any, *others: Any) -> Any:
    """Return a record of the same type, its arrays ``function(array, *those of others)``; lists become tuples."""
    if isinstance(tree, np.ndarray):
        return function(tree, *others)
    parts = {
        name: map_arrays(function, part, *(dict(branches(other))[name] for other in others))
        for name, part in branches(tree)
    }
    if isinstance(tree, (tuple, list)):
        return tuple(parts.values())
    return replace(tree, **parts) if parts else tree


def zeros_like(tree: Tree) -> Tree:
    """Return the same record, every array zero."""
    return map_arrays(np.zeros_like, tree)


def cast(tree: Tree, dtype: Any) -> Tree:
    """Return a copy in another precision: float32 to train, float64 to check, complex128 for the complex step."""
    return map_arrays(lambda array: array.astype(dtype), tree)


def select(tree: Tree, rows: np.ndarray) -> Tree:
    """Return the record with the given rows (n,) of every array: how search keeps, drops and reorders sentences."""
    return map_arrays(lambda array: array[rows], tree)


def count(tree: Any) -> int:
    """Number of parameters."""
    return sum(array.size for _, array in walk(tree))


def to_dict(tree: Any) -> dict[str, np.ndarray]:
    """Return the arrays by flat name: what a file stores."""
    return dict(walk(tree))


def from_dict(template: Tree, arrays: Mapping[str, np.ndarray]) -> Tree:
    """Return a record like ``template`` that holds copies of ``arrays``.

    Raises
    ------
    ValueError
        If a name is missing, left over, or its shape is not the template's.
    """
    names = [name for name, _ in walk(template)]
    if wrong := set(names) ^ set(arrays):
        raise ValueError(f"arrays missing or left over: {', '.join(sorted(wrong))}")
    for name, array in walk(template):
        if arrays[name].shape != array.shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, expected {array.shape}")
    copies = iter([np.array(arrays[name]) for name in names])
    return map_arrays(lambda _: next(copies), template)


def to_vector(tree: Any) -> np.ndarray:
    """Return all arrays behind one another in one fresh vector."""
    return np.concatenate([array.ravel() for _, array in walk(tree)] or [np.zeros(0)])


def on_vector(tree: Tree) -> tuple[np.ndarray, Tree]:
    """Copy a record onto one vector; return the vector and the record whose arrays are views of it.

    An optimizer then updates the whole model with a few operations on one long array.
    """
    vector = to_vector(tree)
    ends = np.cumsum([array.size for _, array in walk(tree)])
    views = iter([vector[end - array.size : end].reshape(array.shape) for end, (_, array) in zip(ends, walk(tree))])
    return vector, map_arrays(lambda _: next(views), tree)
