"""Where does an error begin? Which gradient was handed back to a part of a model, solved for from those of the weights.

If backward is right from a part's output on, all gradients before it are J^T d, with the Jacobian J of that output and
the gradient d that it was handed. Where some d solves all these equations at once, the error lies behind the part, and
d itself can be held against the right one: half of it, clipped, zero at some rows.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minis2s.checks.derivatives import Trial, arrays_of, numerical_gradient
from minis2s.checks.diagnosis.context import Surroundings
from minis2s.checks.diagnosis.from_numbers import Context, findings
from minis2s.checks.diagnosis.mutants import put, records, with_methods
from minis2s.checks.diagnosis.parts import place_sets

SOLVED, MATCH = 1e-9, 1e-6  # largest residual over the largest error; the same of d, which a solution makes less exact
SPARE = 1.5  # so many equations for one unknown, else any error could be solved for
MOST_MOVES = 3000  # entries of all weights


def handed_wrong(trial: Trial, wrong: Mapping[str, tuple[np.ndarray, np.ndarray]], around: Surroundings) -> str:
    """Return what is wrong with the gradient that a part was handed; nothing if no part's gradient explains it all."""
    if trial.method != "complex" or sum(array.size for array in arrays_of(trial).values()) > MOST_MOVES:
        return ""
    for path, part in reversed([(path, part) for path, part in records(trial.layer) if path]):
        if hasattr(part, "forward") and (pair := solved(trial, path, part, wrong)) is not None:
            context = Context(factors=around.factors(), places=dict(places(around, len(pair[0]))), match=MATCH)
            said = findings(*pair, context)[0].sentence
            return f"a wrong gradient handed to {path}, which goes on rightly from there: of its output, {said}"
    return ""


def solved(
    trial: Trial, path: str, part: Any, wrong: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the gradient that a part's output was handed and the right one, if all fits; it has one output a pass."""
    outputs: list[np.ndarray] = []
    moved: list[np.ndarray] = []

    def forward(right: Any, *inputs: Any) -> Any:
        out, cache = right(*inputs)
        outputs.append(out)
        return (out + moved[0] if moved else out), cache

    twin = Trial(trial.layer, trial.inputs, trial.cotangent, trial.method)
    arrays = arrays_of(twin)
    twin.layer = put(twin.layer, path, with_methods(dict(records(twin.layer))[path], forward=forward))

    def output() -> np.ndarray:
        outputs.clear()
        twin.weighed()
        return np.ravel(outputs[0])

    twin.weighed()
    if len(outputs) != 1 or not isinstance(outputs[0], np.ndarray) or outputs[0].ndim != 2:
        return None
    shape = outputs[0].shape
    moves = {key: numerical_gradient(output, array, trial.method) for key, array in arrays.items()}
    J = np.concatenate([d.reshape(-1, np.prod(shape)) for d in moves.values()])
    errors = {key: found - expected for key, (found, expected) in wrong.items()}
    error = np.concatenate([np.ravel(errors.get(key, np.zeros(array.shape))) for key, array in arrays.items()])
    if J.any(1).sum() < SPARE * J.shape[1]:
        return None
    d, _, rank, _ = np.linalg.lstsq(J, error, rcond=1e-12)
    if rank < J.shape[1] or np.abs(J @ d - error).max() > SOLVED * np.abs(error).max():
        return None
    moved.append(np.zeros(shape, complex))
    right = numerical_gradient(twin.weighed, moved[0], trial.method)
    return right + d.reshape(shape), right


def places(around: Surroundings, rows: int) -> Iterator[tuple[str, np.ndarray]]:
    """Return the sets of rows of a packed output: steps, ends of sentences."""
    for which in around.sequences:
        if rows == len(which.rows):
            yield from place_sets(which.steps, which.mask.sum(1)[which.rows]).items()
