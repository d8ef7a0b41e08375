"""Gradient checks and invariance checks."""

from .cases import CASES, hard_batch, make_case
from .gradcheck import GradientReport, gradcheck, merge
from .invariances import Invariance, invariances

__all__ = ["CASES", "GradientReport", "Invariance", "gradcheck", "hard_batch", "invariances", "make_case", "merge"]
