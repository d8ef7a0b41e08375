"""How good is a numerical derivative? It depends on the step: too large, the curve bends; too small, digits cancel."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minis2s.checks.comparison import by_method, disagreement
from minis2s.checks.derivatives import Trial, arrays_of, draw_cotangent, numerical_gradient, relative_error

STEPS = tuple(10.0**-k for k in range(1, 16))


@dataclass(frozen=True)
class VCurve:
    """The relative error of the derivative at each step, by central difference and by complex step.

    Print it, or draw it: ``plots.v_curve(v_curve(layer, *inputs))``.
    """

    step: tuple[float, ...]
    central: tuple[float, ...]
    complex: tuple[float, ...]

    def __str__(self) -> str:
        lines = ["  step  central difference  complex step"]
        rows = zip(self.step, self.central, self.complex)
        return "\n".join([*lines, *(f"{step:6.0e}  {one:18.1e}  {other:12.1e}" for step, one, other in rows)])


def v_curve(layer: Any, *inputs: Any, steps: tuple[float, ...] = STEPS) -> VCurve:
    """Return how far numerical derivatives are from the exact one, over steps from 1e-1 to 1e-15.

    The central difference errs by about e^2 (the curve bends) and 1e-16 / e (rounding), so its best step is near
    1e-5, with some ten digits. The complex step errs by h^2 alone: from 1e-8 on it is flat, at the last digits. Exact
    is the complex step with h = 1e-20. Errors are the largest of all arrays over the largest entry.

    Raises
    ------
    ValueError
        If the complex step does not hold in forward (np.abs, x.var() ...): there is no exact derivative then.
    """
    output = (layer.loss if hasattr(layer, "loss") else layer.forward)(*inputs)[0]
    cotangent = draw_cotangent(output)

    def derivative(method: str, step: float | None = None) -> np.ndarray:
        trial = Trial(layer, inputs, cotangent, method)
        arrays = arrays_of(trial).values()
        return np.concatenate([numerical_gradient(trial.weighed, array, method, step).ravel() for array in arrays])

    measured = by_method(layer, inputs, cotangent, "complex")
    if fault := disagreement(layer, inputs, cotangent, measured, list(measured.numeric)):
        raise ValueError(f"there is no exact derivative to measure errors from: in the complex step, {fault}")
    exact = derivative("complex")
    central, imaginary = (
        tuple(relative_error(derivative(method, step), exact) for step in steps) for method in ("central", "complex")
    )
    return VCurve(tuple(steps), central, imaginary)
