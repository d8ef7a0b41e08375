"""Gradient checks and invariance checks."""

from minis2s.checks.cases import CASES, hard_batch, make_case
from minis2s.checks.gradcheck import METHODS, GradientReport, gradcheck, merge
from minis2s.checks.invariances import Invariance, invariances

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
