"""Gradient checks and invariance checks: is this gradient right, and if not, why; and what must not change?

Begin with ``gradcheck``. The modules, in the order in which a check uses them:

gradcheck       compares backward with the derivative of forward, array by array
comparison      which arrays agree, by the method that holds, and where there is nothing to compare
cases           hard inputs for every layer and seven models: the table that the command walks
numerical       the derivative of forward: complex step and central difference
pitfalls        ways to be fooled: what is refused, and what is warned about
report          the table that is printed, with the diagnoses and warnings
v_curve         how good a numerical derivative is, by its step

Why a gradient is wrong. Each looks only where the one before has found no name for the cause:

explanation     asks all of the following and chooses what is said of each array
diagnosis       hypotheses on the two numbers alone: a factor, a gate, a place; ``orders`` has some more,
                ``finding`` the words and the test of equality
surroundings    what is known besides the numbers: sizes, places, parts of the sum (``parts``, ``slips``)
cuts            twins of forward with one path changed (``twins`` says how); ``bends`` and ``slopes`` have more of them
one_step        one step of one sentence, before time has mixed the traces
alone           a model's layers, each alone; then its decoder and its encoder
handed          the gradient that a part of a model was handed, solved for

What must not change:

invariances     all checks together: ``properties`` (padding, company, order, calls), ``agreement`` (causality, search,
                ``plain_loops``); ``outcome`` is what a model makes of a batch, ``difference`` what a check answers

A layer of one's own:

own             FILE.py:CLASS or two functions, in a process of its own (``apart``): the rules of a layer are tried
                (``rehearsal``), and it is compared with ours (``likeness``); ``templates/`` has files to start from;
                ``plain`` is how the process answers
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
