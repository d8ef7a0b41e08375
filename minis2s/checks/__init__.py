"""Gradient checks and invariance checks."""

from minis2s.checks.agreement import causality, own_output, parity
from minis2s.checks.cases import CASES, hard_batch, make_case
from minis2s.checks.difference import DifferenceMap, Invariance
from minis2s.checks.gradcheck import gradcheck
from minis2s.checks.invariances import invariances
from minis2s.checks.own import check_own
from minis2s.checks.properties import alone, backward_twice, batch_order, inputs_untouched, more_padding
from minis2s.checks.report import METHODS, GradientReport, merge
from minis2s.checks.v_curve import VCurve, v_curve

__all__ = [
    "CASES",
    "METHODS",
    "DifferenceMap",
    "GradientReport",
    "Invariance",
    "VCurve",
    "alone",
    "backward_twice",
    "batch_order",
    "causality",
    "check_own",
    "gradcheck",
    "hard_batch",
    "inputs_untouched",
    "invariances",
    "make_case",
    "merge",
    "more_padding",
    "own_output",
    "parity",
    "v_curve",
]
