"""What a gradient check found: one row an array, for people and for programs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from minis2s.checks.diagnosis.finding import Cause, Finding

WORDS = {
    Cause.NOT_FINITE: "a division by 0, a logarithm of 0 or an overflow",
    Cause.ROUNDING: "rounding errors, or with a tiny number added",
    Cause.SINGLE_PRECISION: "single precision (float32, complex64) in forward or backward: it has seven digits, and "
    "the largest error is {} of an array's largest entry; compute in float64",
    Cause.STEP_TOO_SMALL: "rounding errors of the difference, whose step is too small: all {}; take a larger step or "
    "the complex step",
    Cause.MISSING: "a path that is missing in backward: it is 0 everywhere",
    Cause.UNUSED: "a path in backward that forward does not have: nothing depends on it",
    Cause.FACTOR: "a factor of {}",
    Cause.UNNAMED_FACTOR: "one constant factor, {}, on every entry, such as a scale left out or put in twice",
    Cause.TRANSPOSED: "a transposed matrix: its transpose is right",
    Cause.OFFSET: "a constant added or left out: every entry is {} too large",
    Cause.GATES_SWAPPED: "the gates {}: each slice is right for another gate",
    Cause.PERMUTED: "rows in another order{}",
    Cause.LEFT_OUT: "tokens that are left out, as if they were padding: only the rows {} are wrong, and 0",
    Cause.MEAN_OF_PLACES: "the mean over the places of a token in place of their sum: each row is divided by its count",
    Cause.REPEATED: "dE[ids] += dx, which keeps one place of a repeated token and loses the others: only rows of "
    "repeated tokens are wrong ({})",
    Cause.PART_OF_SUM: "{}",
    Cause.SLOPE: "{}",
    Cause.MUTANT: "one mistake, which explains all wrong arrays: {}",
    Cause.OTHER_FUNCTION: "{}",
    Cause.PART: "a trace of what is wrong in {}",
    Cause.TRACE: "a trace of what is wrong at {}, mend that first",
    Cause.CARRIED: "an error in what is carried from step to step, or in a sum over steps or sentences: in one step of "
    "one sentence it is right",
    Cause.UNEXPLAINED: "none of the usual causes: {}",
}
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
    diagnoses: Mapping[tuple[str, str], tuple[Finding, ...]] = field(default_factory=dict)  # by layer and array
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
            said = [f"{row.array}: {in_words(hit)}" for hit in self.diagnoses.get((row.layer, row.array), ())]
            arrays.append(row._asdict() | plain | ({"diagnosis": said} if said else {}))
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
        lines += [*in_lines(self.diagnoses), *(f"warning: {text}" for text in self.warnings)]
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


def in_words(finding: Finding) -> str:
    """Return a finding as a sentence."""
    return f"{cause_in_words(finding)}; {finding.numbers}"


def cause_in_words(finding: Finding) -> str:
    """Return what a finding is consistent with, without an array's own numbers."""
    detail = finding.detail
    if finding.of is not None:
        detail += f" alone ({in_words(finding.of)})"
    where = finding.where + (": " if finding.where else "")
    return f"{where}consistent with {WORDS[finding.cause].format(detail)}"


def in_lines(diagnoses: Mapping[tuple[str, str], Sequence[Finding]]) -> list[str]:
    """Return the findings as lines; what is said of several arrays of a layer alike is one line, with all names."""
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (layer, array), hits in diagnoses.items():
        alike.setdefault((layer, tuple(map(cause_in_words, hits))), []).append(array)
    lines = []
    for (layer, _), arrays in alike.items():
        for finding in diagnoses[layer, arrays[0]]:
            first = f" (in {arrays[0]})" if len(arrays) > 1 else ""
            lines.append(f"{layer}, {names_of(arrays)}: {in_words(finding)}{first}")
    return lines


def merge(reports: Sequence[GradientReport]) -> GradientReport:
    """Return one report with the rows, diagnoses and warnings of all."""
    rows = tuple(row for report in reports for row in report.rows)
    diagnoses = {key: hits for report in reports for key, hits in report.diagnoses.items()}
    warnings, notes = ([text for one in reports for text in getattr(one, name)] for name in ("warnings", "notes"))
    return GradientReport(reports[0].method, reports[0].tolerance, rows, diagnoses, tuple(warnings), tuple(notes))
