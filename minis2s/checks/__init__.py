"""Gradient checks and invariance checks."""

from minis2s.checks.cases import CASES, hard_batch, make_case
from minis2s.checks.gradcheck import gradcheck
from minis2s.checks.invariances import Invariance, invariances
from minis2s.checks.report import METHODS, GradientReport, merge

__all__ = [
    "CASES",
    "METHODS",
    "GradientReport",
    "Invariance",
    "gradcheck",
    "hard_batch",
    "invariances",
    "make_case",
    "merge",
]
