"""What a gradient check found: one row an array, for people and for programs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

METHODS = {"complex": "complex step", "central": "central difference"}


class ArrayCheck(NamedTuple):
    """The verdict on the gradient of one array."""

    layer: str
    array: str
    shape: tuple[int, ...]
    max_relative_error: float  # the largest error over the largest entry; infinite where a gradient is not finite
    ok: bool | None  # None: nothing to compare, since the gradient is zero in mathematics; the error is NaN then


@dataclass(frozen=True)
class GradientReport:
    """What ``gradcheck`` found: print it, plot its rows, or take ``to_dict()``."""

    method: str
    tolerance: float
    rows: tuple[ArrayCheck, ...]
    diagnoses: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # by layer and array, if wrong
    warnings: tuple[str, ...] = ()  # how this check may be fooled
    notes: tuple[str, ...] = ()  # how it was done, where that is not as asked

    @property
    def ok(self) -> bool | None:
        """Whether every gradient that can be compared is right; None where none can."""
        verdicts = {row.ok for row in self.rows}
        return False if False in verdicts else True if True in verdicts else None

    @property
    def max_relative_error(self) -> float:
        """The worst of all arrays that can be compared; NaN where none can."""
        return max((row.max_relative_error for row in self.rows if row.ok is not None), default=math.nan)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, for JSON; an error that is not finite becomes None."""

        def finite(error: float) -> float | None:
            return error if math.isfinite(error) else None

        arrays = []
        for row in self.rows:
            plain = {"shape": list(row.shape), "max_relative_error": finite(row.max_relative_error)}
            said = self.diagnoses.get((row.layer, row.array))
            arrays.append(row._asdict() | plain | ({"diagnosis": list(said)} if said else {}))
        texts = {key: list(said) for key, said in (("warnings", self.warnings), ("notes", self.notes)) if said}
        return {"max_relative_error": finite(self.max_relative_error), "method": self.method, "arrays": arrays} | texts

    def __str__(self) -> str:
        head = ("layer", "array", "shape", "max relative error", "verdict")
        table = [head] + [(row.layer, row.array, str(row.shape), *said_of(row)) for row in self.rows]
        widths = [max(len(line[column]) for line in table) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]
        wrong = sum(row.ok is False for row in self.rows)
        arrays = f"{len(self.rows)} array{'s' * (len(self.rows) != 1)}"
        if self.ok is None:
            lines.append(f"{arrays} by {METHODS[self.method]}: nothing to compare, every gradient is 0 at these inputs")
        else:
            verdict, worst = f"{wrong} WRONG" if wrong else "all right", f"{self.max_relative_error:.1e}"
            lines.append(
                f"{arrays} by {METHODS[self.method]}: {verdict}; largest relative error {worst}, "
                f"tolerance {self.tolerance:.0e}"
            )
        lines += [f"note: {text}" for text in self.notes]
        lines += [*told_once(self.diagnoses), *(f"warning: {text}" for text in self.warnings)]
        return "\n".join(lines)


def said_of(row: ArrayCheck) -> tuple[str, str]:
    """Return error and verdict as the table has them."""
    if row.ok is None:
        return "-", "nothing to compare"
    return f"{row.max_relative_error:.1e}", "ok" if row.ok else "WRONG"


def names_of(arrays: Sequence[str]) -> str:
    """Return the names of arrays, of more than a dozen the first ones only."""
    if len(arrays) <= 12:
        return ", ".join(arrays)
    return f"{', '.join(arrays[:3])} and {len(arrays) - 3} more"


def told_once(diagnoses: Mapping[tuple[str, str], Sequence[str]]) -> list[str]:
    """Return the sentences as lines; what is said of several arrays of a layer alike is one line, with all names.

    What stands behind the last "; " are an array's own numbers: those of the first array are shown.
    """
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (layer, array), sentences in diagnoses.items():
        causes = tuple(text.removeprefix(f"{array}: ").rpartition("; ")[0] or text for text in sentences)
        alike.setdefault((layer, causes), []).append(array)
    lines = []
    for (layer, _), arrays in alike.items():
        first = arrays[0]
        for text in diagnoses[layer, first]:
            if len(arrays) > 1:
                text = f"{names_of(arrays)}: {text.removeprefix(f'{first}: ')} (in {first})"
            lines.append(f"{layer}, {text}")
    return lines


def merge(reports: Sequence[GradientReport]) -> GradientReport:
    """Return one report with the rows, diagnoses and warnings of all."""
    rows = tuple(row for report in reports for row in report.rows)
    diagnoses = {key: sentences for report in reports for key, sentences in report.diagnoses.items()}
    warnings, notes = ([text for one in reports for text in getattr(one, name)] for name in ("warnings", "notes"))
    return GradientReport(reports[0].method, reports[0].tolerance, rows, diagnoses, tuple(warnings), tuple(notes))
