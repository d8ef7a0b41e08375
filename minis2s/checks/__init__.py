"""Gradient checks and invariance checks."""

from minis2s.checks.cases import CASES, hard_batch, make_case
from minis2s.checks.gradcheck import gradcheck
from minis2s.checks.invariances import Invariance, invariances
from minis2s.checks.own import check_own
from minis2s.checks.report import METHODS, GradientReport, merge
from minis2s.checks.v_curve import VCurve, v_curve

__all__ = [
    "CASES",
    "METHODS",
    "GradientReport",
    "Invariance",
    "VCurve",
    "check_own",
    "gradcheck",
    "hard_batch",
    "invariances",
    "make_case",
    "merge",
    "v_curve",
]
