"""What a diagnosis is made of: the words, what is known besides the numbers, and when two arrays are the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from minis2s.checks.derivatives import relative_error, worst_place

MATCH = 1e-8  # two arrays with this relative error are taken for equal


class Finding(NamedTuple):
    """One cause the numbers are consistent with."""

    cause: str  # a word or two, for programs: "factor", "gate", "place" ...
    sentence: str


@dataclass(frozen=True, eq=False)
class Context:
    """What is known about an array besides its two gradients. ``checks.surroundings`` gathers it."""

    gates: tuple[str, ...] = ()  # what each matrix along the first axis belongs to
    factors: Mapping[str, float] = field(default_factory=dict)  # such as "1/B with B = 4": 0.25
    tokens: tuple[np.ndarray, ...] = ()  # ids that may have looked rows up
    places: Mapping[str, np.ndarray] = field(default_factory=dict)  # bool over the first axes, by a description
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)  # the layer's other weights of one axis, by name
    instead: Mapping[str, np.ndarray] = field(default_factory=dict)  # what the gradient would be, by a cause
    match: float = MATCH

    def at(self, gate: int) -> "Context":
        """Return what is known about one gate's slice."""
        return replace(self, gates=(), tokens=(), places={}, instead={k: v[gate] for k, v in self.instead.items()})


def same(found: np.ndarray, expected: np.ndarray, context: Context) -> bool:
    """Whether two arrays are equal but for rounding."""
    return found.shape == expected.shape and relative_error(found, expected) <= context.match


def wrong_rows(found: np.ndarray, expected: np.ndarray, axes: int, context: Context) -> np.ndarray:
    """Return where the gradient is wrong, bool over the first ``axes`` axes."""
    difference = np.abs(found - expected).reshape(*found.shape[:axes], -1).max(-1, initial=0.0)
    return difference > context.match * np.abs(expected).max(initial=0.0)


def numbers(found: np.ndarray, expected: np.ndarray, gates: tuple[str, ...] = ()) -> str:
    """Return the two numbers at the largest error."""
    where = worst_place(np.abs(found - expected))
    for digits in (4, 8, 12, 17):
        one, other = f"{found[where] + 0.0:.{digits}g}", f"{expected[where] + 0.0:.{digits}g}"  # no -0
        if one != other:
            break
    return f"found {one} at {place(where, gates)}, expected {other}"


def place(where: tuple[int, ...], gates: tuple[str, ...] = ()) -> str:
    """Return an index as one writes it, the first axis by gate names where there are some."""
    first = [gates[where[0]]] if gates and len(where) else [str(i) for i in where[:1]]
    return f"[{', '.join(first + [str(i) for i in where[1:]])}]"
