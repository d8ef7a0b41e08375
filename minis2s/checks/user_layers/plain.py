"""Records as plain values that JSON can write, and back: what another process says is read and checked, never run."""

import collections.abc
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np


def to_plain(value: Any) -> Any:
    """Return a record, or what is in one, as dictionaries, lists, texts and numbers; a mapping as a list of pairs."""
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_asdict"):
        return {name: to_plain(part) for name, part in value._asdict().items()}
    if isinstance(value, collections.abc.Mapping):
        return [[to_plain(key), to_plain(part)] for key, part in value.items()]
    if isinstance(value, (tuple, list)):
        return [to_plain(part) for part in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def from_plain(kind: Any, plain: Any) -> Any:
    """Return the value of a type that ``to_plain`` made this of; the types of a record's fields say what is in it.

    Raises
    ------
    ValueError
        If it is not such a value.
    """
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if plain is None and type(None) in parts:
            return None
        (kind,) = (part for part in parts if part is not type(None))
        return from_plain(kind, plain)
    if isinstance(kind, type) and issubclass(kind, Enum):
        if isinstance(plain, str) and plain in kind.__members__:
            return kind[plain]
    elif is_dataclass(kind) or hasattr(kind, "_fields"):
        names = [field.name for field in fields(kind)] if is_dataclass(kind) else kind._fields
        if isinstance(plain, dict) and set(plain) == set(names):
            types_of = typing.get_type_hints(kind)
            return kind(**{name: from_plain(types_of[name], plain[name]) for name in names})
    elif isinstance(plain, list):
        if origin is tuple and parts[-1] is not ...:
            if len(plain) == len(parts):
                return tuple(map(from_plain, parts, plain))
        elif origin in (tuple, list, collections.abc.Sequence):
            return (list if origin is list else tuple)(from_plain(parts[0], part) for part in plain)
        elif origin in (dict, collections.abc.Mapping):
            return dict(from_plain(types.GenericAlias(tuple, parts), pair) for pair in plain)
        elif kind is np.ndarray:
            return np.array(plain, dtype=float)
    elif kind is float and type(plain) in (int, float):
        return float(plain)
    elif kind in (str, int, bool) and type(plain) is kind:
        return plain
    raise ValueError(f"a {type(plain).__name__} is no {kind}")
