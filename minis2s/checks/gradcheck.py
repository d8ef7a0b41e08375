"""Is this gradient right? Compare backward with the derivative of forward, measured numerically.

Two ways to measure it. The *complex step*, Im f(x + ih) / h, has no subtraction in which digits could cancel:
with h = 1e-20 it is exact to the last ones. The *central difference*, (f(x + e) - f(x - e)) / 2e, works with code that
cannot take complex numbers, and is good for about eight digits; it judges, and the report says so, wherever the complex
step does not hold.

References: Squire & Trapp 1998, doi 10.1137/S003614459631241X;
Martins, Sturdza & Alonso 2003, doi 10.1145/838250.838251.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minis2s.checks.comparison import judge
from minis2s.checks.derivatives import STEP, arrays_of, as_doutput, as_tuple, float_inputs
from minis2s.checks.diagnosis.diagnose import explain
from minis2s.checks.diagnosis.from_numbers import numbers
from minis2s.checks.report import GradientReport
from minis2s.checks.weak_setups import badly_measured, given_or_drawn, looks_clipped, refuse_chance, setting_warnings
from minis2s.layers.record import is_record, walk


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
    if isinstance(layer, type) or like:
        if inputs:
            raise ValueError("a class is checked on its own case, or on that of ``like``; leave the inputs out")
        if any(option is not None for option in (rng, tolerance, name, step, cotangent)):
            raise ValueError(
                "a class is checked as it comes, by ``method`` alone; leave rng, tolerance, name, step and cotangent "
                "out, or check a layer made from it"
            )
        from minis2s.checks.user_layers.check import check_own  # it checks with this function

        return check_own(layer, like, method=method)
    name = name or type(layer).__name__
    if not is_record(layer):
        raise ValueError(
            f"{name}: the layer is not a record, so its arrays cannot be found; write @record above its class"
        )
    refuse_single_precision(name, layer, inputs)
    is_model = hasattr(layer, "loss")
    forward = layer.loss if is_model else layer.forward
    output, cache = forward(*inputs)
    refuse_chance(name, output, forward(*inputs)[0])
    cotangent = [1.0] if is_model else given_or_drawn(name, output, cotangent, rng)
    warnings = setting_warnings(layer, inputs, cotangent, method, step)
    found = (layer.backward(cache),) if is_model else as_tuple(layer.backward(as_doutput(cotangent, output), cache))

    parameters, wanted = dict(walk(layer)), float_inputs(name, layer, inputs)
    if both := parameters.keys() & wanted.keys():
        raise ValueError(f"{name}: {', '.join(sorted(both))} names a parameter and an input; rename one of them")
    arrays = parameters | wanted
    if not arrays:
        raise ValueError(f"{name}: there is nothing to check, neither a parameter nor a floating-point input")
    gradients = match_gradients(name, arrays, dict(walk(found[0])), found[1:])
    measured, rows, kinks = judge(name, layer, inputs, cotangent, gradients, method, step, tolerance)
    if kinks:
        warnings.append(f"{', '.join(kinks)}: a kink, as of ReLU at 0, has no derivative; take another input")
    wrong = {row.array: (gradients[row.array], measured.expected[row.array]) for row in rows if row.ok is False}
    diagnoses: dict[tuple[str, str], tuple[str, ...]] = {}
    if wrong and diagnose:
        said: dict[str, tuple[str, ...]]
        if fault := badly_measured(wrong, measured.method):
            said = {key: (f"{key}: consistent with {fault}; {numbers(*pair)}",) for key, pair in wrong.items()}
        else:
            said = explain(layer, inputs, measured.trial, arrays_of(measured.trial), list(wanted), wrong)
            if not all("a factor of" in sentences[0] for sentences in said.values()):  # which has a name
                warnings += looks_clipped({key: gradients[key] for key in parameters}, measured.expected)
        diagnoses = {(name, key): sentences for key, sentences in said.items()}
    notes = (f"{name}: {measured.note}",) if measured.note else ()
    warned = tuple(f"{name}: {text}" for text in warnings)
    return GradientReport(measured.method, measured.tolerance, tuple(rows), diagnoses, warned, notes)


def refuse_single_precision(name: str, layer: Any, inputs: Sequence[Any]) -> None:
    """Raise ValueError where an array is of another floating-point type than float64."""
    for array_name, array in [*walk(layer), *((f"input {i + 1}", part) for i, part in enumerate(inputs))]:
        if isinstance(array, np.ndarray) and array.dtype.kind in "fc" and array.dtype != np.float64:
            raise ValueError(
                f"{name}: {array_name} is in {array.dtype}; float32 holds seven digits, so a right gradient and a "
                "slightly wrong one look the same: check in float64, with cast(layer, np.float64)"
            )


def match_gradients(
    name: str, arrays: dict[str, np.ndarray], parameters: dict[str, np.ndarray], inputs: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return what backward gave by the names of the arrays, or raise ValueError where names or shapes disagree."""
    input_names = list(arrays)[len(arrays) - len(inputs) :] if inputs else []
    found = parameters | dict(zip(input_names, inputs))
    if list(found) != list(arrays):
        raise ValueError(
            f"{name}: backward gave gradients for {', '.join(found) or 'nothing'}, but there are "
            f"{', '.join(arrays)}: return the gradient record, then one array an input, in forward's order"
        )
    for array_name, array in arrays.items():
        if np.shape(found[array_name]) != array.shape:
            raise ValueError(
                f"{name}: the gradient of {array_name} has shape {np.shape(found[array_name])}, "
                f"the array itself {array.shape}: a sum or a transpose is missing"
            )
    return found
