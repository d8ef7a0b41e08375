"""What a check of a property answers: how large a difference is, where it sits, and whether it is small enough."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minis2s.checks.derivatives import worst_place

TOLERANCE = 1e-12


class DifferenceMap(NamedTuple):
    """A table of relative differences; ``plots.invariance_map`` draws it."""

    values: np.ndarray  # (R, C); infinite where something is not finite or not equal, NaN where nothing is compared
    rows: tuple[str, ...]  # such as "sentence 3", in the order in which sentences were given, counted from 1
    columns: tuple[str, ...]  # such as "step 2"

    @property
    def largest(self) -> float:
        """The largest value; 0 where nothing is compared."""
        return float(np.nanmax(self.values, initial=0.0))

    @property
    def where(self) -> str:
        """Say where the largest value is: "largest: 0.31 at sentence 3, step 2"."""
        if not self.largest:
            return "no difference"
        i, j = worst_place(self.values)
        return f"largest: {self.values[i, j]:.2g} at {self.rows[i]}, {self.columns[j]}"


class Invariance(NamedTuple):
    """One property and how far the model is from having it."""

    name: str
    difference: float  # largest relative difference; infinite where something is not finite or not equal
    ok: bool | None  # None: the check does not apply, and ``where`` says why
    meaning: str
    where: str = ""  # where the largest difference is
    map: DifferenceMap | None = None  # of what differs first: the probabilities, else the gradients, else translations

    def __str__(self) -> str:
        if self.ok is None:
            return f"{self.name:16}{'':8}  {'n/a':5}  {self.where}"
        line = f"{self.name:16}{self.difference:8.1e}  {'ok' if self.ok else 'WRONG':5}  {self.meaning}"
        return line if self.ok or not self.where else f"{line} {self.where[0].upper()}{self.where[1:]}."


def verdict(
    check: Callable, difference: float, tolerance: float, where: str = "", maps: Iterable[DifferenceMap] = ()
) -> Invariance:
    """Return what a check found; ``maps`` are looked at until one shows a difference above the tolerance."""
    ok, chosen = bool(difference <= tolerance), None
    for found in maps:
        shows = found.largest > tolerance
        chosen = found if chosen is None or shows else chosen
        if ok or shows:
            break
    if chosen and not where:
        where = chosen.where if ok or chosen.largest > tolerance else "in the loss, at no token or array alone"
    return Invariance(check.__name__, difference, ok, meaning(check), where, chosen)


def not_applicable(check: Callable, why: str) -> Invariance:
    """Return what a check says of a model that it cannot check: neither right nor wrong."""
    return Invariance(check.__name__, np.nan, None, meaning(check), f"not applicable: {why}")


def meaning(check: Callable) -> str:
    """Return the first paragraph of a check's docstring: what must not change."""
    return " ".join((check.__doc__ or "").partition("\n\n")[0].split())


def relative_differences(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return each difference, any shape, over the largest finite entry of either; infinite where one is not finite."""
    finite = np.isfinite(found) & np.isfinite(expected)
    difference = np.subtract(found, expected, where=finite, out=np.full(finite.shape, np.inf))
    largest = max(np.abs(found[finite]).max(initial=0.0), np.abs(expected[finite]).max(initial=0.0))
    return np.abs(difference) / (largest or 1.0)


def table(values: Any, rows: Sequence[str], columns: Sequence[str]) -> DifferenceMap:
    """Return a map of these values, (R, C)."""
    return DifferenceMap(np.asarray(values, float), tuple(rows), tuple(columns))
