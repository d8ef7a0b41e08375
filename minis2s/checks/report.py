"""What a gradient check found: one row an array, for people and for programs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

METHODS = {"complex": "complex step", "central": "central difference"}


class ArrayCheck(NamedTuple):
    """The verdict on the gradient of one array."""

    layer: str
    array: str
    shape: tuple[int, ...]
    max_relative_error: float  # the largest error over the largest entry; infinite where a gradient is not finite
    ok: bool


@dataclass(frozen=True)
class GradientReport:
    """What ``gradcheck`` found: print it, plot its rows, or take ``to_dict()``."""

    method: str
    tolerance: float
    rows: tuple[ArrayCheck, ...]

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return all(row.ok for row in self.rows)

    @property
    def max_relative_error(self) -> float:
        """The worst of all arrays."""
        return max(row.max_relative_error for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, for JSON; an error that is not finite becomes None."""

        def finite(error: float) -> float | None:
            return error if math.isfinite(error) else None

        arrays = [
            {**row._asdict(), "shape": list(row.shape), "max_relative_error": finite(row.max_relative_error)}
            for row in self.rows
        ]
        return {"max_relative_error": finite(self.max_relative_error), "arrays": arrays}

    def __str__(self) -> str:
        head = ("layer", "array", "shape", "max relative error", "verdict")
        table = [head] + [
            (row.layer, row.array, str(row.shape), f"{row.max_relative_error:.1e}", "ok" if row.ok else "WRONG")
            for row in self.rows
        ]
        widths = [max(len(line[column]) for line in table) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]
        wrong = sum(not row.ok for row in self.rows)
        verdict = "all right" if self.ok else f"{wrong} WRONG"
        lines.append(
            f"{len(self.rows)} arrays by {METHODS[self.method]}: {verdict}; largest relative error "
            f"{self.max_relative_error:.1e}, tolerance {self.tolerance:.0e}"
        )
        return "\n".join(lines)


def merge(reports: Sequence[GradientReport]) -> GradientReport:
    """Return one report with the rows of all."""
    return GradientReport(reports[0].method, reports[0].tolerance, tuple(row for r in reports for row in r.rows))
