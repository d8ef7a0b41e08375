"""Is this gradient right? Compare backward with the derivative of forward, measured numerically.

Two ways to measure it. The *complex step*, Im f(x + ih) / h, has no subtraction in which digits could cancel:
with h = 1e-20 it is exact to the last ones. The *central difference*, (f(x + e) - f(x - e)) / 2e, works with code that
cannot take complex numbers, and is good for about eight digits; it judges, and the report says so, wherever the complex
step does not hold.

References: Squire & Trapp 1998, doi 10.1137/S003614459631241X;
Martins, Sturdza & Alonso 2003, doi 10.1145/838250.838251.
"""

from typing import Any

import numpy as np

from minis2s.checks.derivatives import STEP
from minis2s.checks.record_check import check_record
from minis2s.checks.report import GradientReport
from minis2s.checks.user_layers.check import check_own


def gradcheck(
    layer: Any,
    *inputs: Any,
    method: str = "complex",
    rng: np.random.Generator | None = None,
    tolerance: float | None = None,
    name: str | None = None,
    step: float | None = None,
    cotangent: Any = None,
    like: str | None = None,
    diagnose: bool = True,
) -> GradientReport:
    """Check the gradient of every parameter array and of every floating-point input.

    A layer's output is weighed with a random cotangent c: with L = sum(c * output), backward(c) has to give dL of
    everything. (Weighing with ones hides bugs: it certifies a softmax whose backward returns zeros.)
    It takes one forward pass for each number in the arrays, two for the central difference: choose sizes like 3 and 4.

    Parameters
    ----------
    layer : a record with ``forward`` and ``backward``, or a model with ``loss`` and ``backward``, in float64
    inputs : of ``forward``, or the batch of ``loss``. Make them hard: unequal lengths, a token repeated in one source
        column, first states that are not zero. ``checks.cases`` has such inputs for every layer.
    method : "complex", which gives way to the central difference where it does not hold (np.abs, x.var() ...), or
        "central"
    rng : seeds the cotangent, which shares no number with what else is drawn from it
    tolerance : by default 1e-12 for the complex step and 1e-7 for the central difference
    name : of the layer in the table
    step : of the numerical derivative; by default 1e-20 (complex) and 1e-5 (central)
    cotangent : to weigh the output with, in place of a random one; a tuple for several outputs
    like : a layer of ``checks.CASES`` to compare a class of your own with; ``check_own`` says more
    diagnose : say in words why an array may be wrong; it takes a few times as long as the check, if one is

    Returns
    -------
    A report with one row an array, a diagnosis in words of each wrong one, and warnings where the check is weak. Its
    ``ok`` is None where there is nothing to compare, since the gradient is zero in mathematics.

    Raises
    ------
    ValueError
        If the layer is not a record, if there is nothing to check, if anything is in float32, if forward gives two
        answers for one input (dropout without a seed), or if backward returns arrays too few, too many or of the
        wrong shape.
    """
    if method not in STEP:
        raise ValueError(f"method is {method!r}; choose one of {', '.join(STEP)}")
    if not isinstance(layer, type) and not like:
        return check_record(layer, inputs, method, rng, tolerance, name, step, cotangent, diagnose)
    if inputs:
        raise ValueError("a class is checked on its own case, or on that of ``like``; leave the inputs out")
    if any(option is not None for option in (rng, tolerance, name, step, cotangent)):
        raise ValueError(
            "a class is checked as it comes, by ``method`` alone; leave rng, tolerance, name, step and cotangent "
            "out, or check a layer made from it"
        )
    return check_own(layer, like, method=method)
