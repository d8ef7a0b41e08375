"""What a diagnosis is made of: a cause, what is known besides the numbers, and when two arrays are the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from minis2s.checks.derivatives import place, relative_error, worst_place

MATCH = 1e-8  # two arrays with this relative error are taken for equal


class Cause(Enum):
    """What a wrong gradient is consistent with; the later ones say less."""

    NOT_FINITE = auto()
    ROUNDING = auto()
    SINGLE_PRECISION = auto()
    STEP_TOO_SMALL = auto()
    MISSING = auto()
    UNUSED = auto()
    FACTOR = auto()
    UNNAMED_FACTOR = auto()
    TRANSPOSED = auto()
    OFFSET = auto()
    GATES_SWAPPED = auto()
    PERMUTED = auto()
    LEFT_OUT = auto()
    MEAN_OF_PLACES = auto()
    REPEATED = auto()
    PART_OF_SUM = auto()
    SLOPE = auto()
    MUTANT = auto()
    OTHER_FUNCTION = auto()
    PART = auto()
    TRACE = auto()
    CARRIED = auto()
    UNEXPLAINED = auto()

    @property
    def vagueness(self) -> int:
        """0 for a cause of its own; more for what is only a place, a trace, or nothing."""
        return max(0, self.value - Cause.OTHER_FUNCTION.value)


class Finding(NamedTuple):
    """One cause that the numbers are consistent with."""

    cause: Cause
    detail: str = ""  # which factor, path or expression; ``report.WORDS`` has a place for it
    where: str = ""  # what is wrong, if it is not all of the array
    numbers: str = ""  # what stands at the worst place
    of: "Finding | None" = None  # of a trace: what is said of the part that is wrong


@dataclass(frozen=True, eq=False)
class Context:
    """What is known about an array besides its two gradients. ``context`` gathers it."""

    gates: tuple[str, ...] = ()  # what each matrix along the first axis belongs to
    factors: Mapping[str, float] = field(default_factory=dict)  # such as "1/B with B = 4": 0.25
    tokens: tuple[np.ndarray, ...] = ()  # ids that may have looked rows up
    instead: Mapping[str, np.ndarray] = field(default_factory=dict)  # parts of the sum that may stand for all of it
    match: float = MATCH

    def at(self, gate: int) -> "Context":
        """Return what is known about one gate's slice."""
        instead = {name: array[gate] for name, array in self.instead.items()}
        return Context(factors=self.factors, instead=instead, match=self.match)


def same(analytic: np.ndarray, numeric: np.ndarray, context: Context) -> bool:
    """Whether two arrays of any shape are equal but for rounding."""
    return analytic.shape == numeric.shape and relative_error(analytic, numeric) <= context.match


def wrong_rows(analytic: np.ndarray, numeric: np.ndarray, axes: int, context: Context) -> np.ndarray:
    """Return where a gradient of any shape is wrong, bool over its first ``axes`` axes."""
    difference = np.abs(analytic - numeric).reshape(*analytic.shape[:axes], -1).max(-1, initial=0.0)
    return difference > context.match * np.abs(numeric).max(initial=0.0)


def numbers(analytic: np.ndarray, numeric: np.ndarray, gates: tuple[str, ...] = ()) -> str:
    """Return the two numbers at the largest error, from arrays of any shape."""
    where = worst_place(np.abs(analytic - numeric))
    for digits in (4, 8, 12, 17):
        one, other = f"{analytic[where] + 0.0:.{digits}g}", f"{numeric[where] + 0.0:.{digits}g}"  # no -0
        if one != other:
            break
    return f"found {one} at {place(where, gates)}, expected {other}"
