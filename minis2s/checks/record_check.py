"""One record checked: compare, warn, explain."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minis2s.checks.comparison import gradients_of, judge
from minis2s.checks.diagnosis.diagnose import Subject, explain
from minis2s.checks.diagnosis.finding import Finding, numbers
from minis2s.checks.report import GradientReport
from minis2s.checks.weak_setups import badly_measured, given_or_drawn, refuse_chance, setting_warnings
from minis2s.layers.record import is_record, walk


def check_record(
    layer: Any,
    inputs: Sequence[Any],
    method: str = "complex",
    rng: np.random.Generator | None = None,
    tolerance: float | None = None,
    name: str | None = None,
    step: float | None = None,
    cotangent: Any = None,
    diagnose: bool = True,
) -> GradientReport:
    """Check a layer, or a model, which is a record; the arguments are those of ``gradcheck``."""
    name = name or type(layer).__name__
    if not is_record(layer):
        raise ValueError(
            f"{name}: the layer is not a record, so its arrays cannot be found; write @record above its class"
        )
    refuse_single_precision(name, layer, inputs)
    is_model = hasattr(layer, "loss")
    forward = layer.loss if is_model else layer.forward
    output = forward(*inputs)[0]
    refuse_chance(name, output, forward(*inputs)[0])
    cotangent = [1.0] if is_model else given_or_drawn(name, output, cotangent, rng)
    warnings = setting_warnings(layer, inputs, cotangent, method, step)
    analytic = gradients_of(name, layer, inputs, cotangent)
    measured, rows, kinks = judge(name, layer, inputs, cotangent, analytic, method, step, tolerance)
    if kinks:
        warnings.append(f"{', '.join(kinks)}: a kink, as of ReLU at 0, has no derivative; take another input")
    wrong = {row.array: (analytic[row.array], measured.numeric[row.array]) for row in rows if row.ok is False}
    found: dict[str, tuple[Finding, ...]] = {}
    if wrong and diagnose:
        if fault := badly_measured(wrong, measured.method):
            found = {key: (fault._replace(numbers=numbers(*pair)),) for key, pair in wrong.items()}
        else:
            found = explain(Subject(layer, inputs, measured.trial, wrong))
    notes = (f"{name}: {measured.note}",) if measured.note else ()
    warned = tuple(f"{name}: {text}" for text in warnings)
    diagnoses = {(name, key): hits for key, hits in found.items()}
    return GradientReport(measured.method, measured.tolerance, tuple(rows), diagnoses, warned, notes)


def refuse_single_precision(name: str, layer: Any, inputs: Sequence[Any]) -> None:
    """Raise ValueError where an array is of another floating-point type than float64."""
    for array_name, array in [*walk(layer), *((f"input {i + 1}", part) for i, part in enumerate(inputs))]:
        if isinstance(array, np.ndarray) and array.dtype.kind in "fc" and array.dtype != np.float64:
            raise ValueError(
                f"{name}: {array_name} is in {array.dtype}; float32 holds seven digits, so a right gradient and a "
                "slightly wrong one look the same: check in float64, with cast(layer, np.float64)"
            )
