"""Gradient checks and invariance checks: is this gradient right, and if not, why; and what must not change?

Begin with ``gradcheck``. The modules, in the order in which a check uses them:

gradcheck       compares backward with the derivative of forward, array by array
record_check    a record compared, warned of and explained: what gradcheck and user_layers call
comparison      which arrays agree, by the method that holds, and where there is nothing to compare
cases           hard inputs for every layer and seven models: the table that the command walks
derivatives     the derivative of forward: complex step and central difference
weak_setups     ways to be fooled: what is refused, and what is warned about
report          the table that is printed, with the diagnoses and warnings
v_curve         how good a numerical derivative is, by its step

diagnosis/      why a gradient is wrong
invariances/    what must not change
user_layers/    a layer of one's own: FILE.py:CLASS, or two functions
"""

from minis2s.checks.cases import CASES, hard_batch, make_case
from minis2s.checks.gradcheck import gradcheck
from minis2s.checks.invariances import invariances
from minis2s.checks.invariances.batching import (
    backward_twice,
    batch_independence,
    batch_order,
    inputs_untouched,
    padding_invariance,
)
from minis2s.checks.invariances.equivalence import causality, forced_equals_free, parity
from minis2s.checks.invariances.result import DifferenceMap, Invariance
from minis2s.checks.report import METHODS, GradientReport, merge
from minis2s.checks.user_layers.check import check_own
from minis2s.checks.v_curve import VCurve, v_curve

__all__ = [
    "CASES",
    "METHODS",
    "DifferenceMap",
    "GradientReport",
    "Invariance",
    "VCurve",
    "backward_twice",
    "batch_independence",
    "batch_order",
    "causality",
    "check_own",
    "forced_equals_free",
    "gradcheck",
    "hard_batch",
    "inputs_untouched",
    "invariances",
    "make_case",
    "merge",
    "padding_invariance",
    "parity",
    "v_curve",
]
