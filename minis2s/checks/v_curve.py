"""How good is a numerical derivative? It depends on the step: too large, the curve bends; too small, digits cancel."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minis2s.checks.gradcheck import gradcheck

STEPS = tuple(10.0**-k for k in range(1, 16))


@dataclass(frozen=True)
class VCurve:
    """The largest relative error of any array at each step, by central difference and by complex step."""

    step: tuple[float, ...]
    central: tuple[float, ...]
    complex: tuple[float, ...]


def v_curve(layer: Any, *inputs: Any, steps: tuple[float, ...] = STEPS) -> VCurve:
    """Return how far numerical derivatives are from backward's, over steps from 1e-1 to 1e-15.

    The central difference errs by about e^2 (the curve bends) and 1e-16 / e (rounding), so its best step is near
    1e-5, with some ten digits. The complex step errs by h^2 alone: from 1e-8 on it is flat, at the last digits. Where
    backward is wrong, both end on the same plateau.
    """

    def errors(method: str) -> tuple[float, ...]:
        return tuple(largest_error(layer, inputs, method, step) for step in steps)

    return VCurve(tuple(steps), errors("central"), errors("complex"))


def largest_error(layer: Any, inputs: tuple, method: str, step: float) -> float:
    """Return the error of the worst array with one step."""
    report = gradcheck(layer, *inputs, method=method, step=step, tolerance=np.inf)
    return max((row.max_relative_error for row in report.rows), default=0.0)
