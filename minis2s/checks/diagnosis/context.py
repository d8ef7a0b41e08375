"""What is known about a wrong array: its gates, the batch's sizes, the places of its rows, the parts of its sum."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minis2s.checks.derivatives import Trial, is_float, numerical_gradient
from minis2s.checks.diagnosis.from_numbers import MATCH, Context
from minis2s.checks.diagnosis.parts import (
    ending_sets,
    last_slopes,
    parts_of_outputs,
    parts_of_rows,
    parts_of_steps,
    place_sets,
    size_factors,
)
from minis2s.checks.diagnosis.slips import softmax_slips
from minis2s.data.batches import Batch, PackedBatch
from minis2s.layers.attention import Attention
from minis2s.layers.packing import sentence_of, step_slices

PASSED_ON = "the cotangent passed on as it came: the layer's own derivative, such as a mask, is missing"
MOST_NUMBERS = 1_000_000  # of a Jacobian that is measured for a diagnosis


class Surroundings:
    """Gathers what ``findings`` can use, for the arrays of one layer.

    Parameters
    ----------
    trial : the layer, its inputs and its cotangent
    arrays : the arrays of the trial, by name
    inputs : the names of those that are inputs
    """

    def __init__(self, trial: Trial, arrays: Mapping[str, np.ndarray], inputs: Sequence[str]):
        self.trial, self.arrays, self.inputs = trial, arrays, inputs
        self.batch_sizes = batch_sizes_of(trial.inputs)
        self.mask = next((part for part in trial.inputs if is_mask(part)), None)
        self.sequences = sequences_of(trial.inputs)

    def of(self, name: str) -> Context:
        """Return what is known about one array."""
        where = self.places(name) if name in self.inputs else {}
        match = MATCH if self.trial.method == "complex" else 1e-5
        gates = gate_names(self.trial.layer, name, self.arrays[name])
        vectors = {key: array.real for key, array in self.arrays.items() if array.ndim == 1 and key != name}
        return Context(gates, self.factors(), tuple(self.tokens()), where, vectors, self.instead(name), match)

    def sizes(self) -> dict[str, int]:
        """Return B, S or T, and N, the real tokens, as far as the inputs tell."""
        sizes: dict[str, int] = {}
        if self.batch_sizes is not None:
            sizes |= {"B": self.batch_sizes[0], "T": len(self.batch_sizes), "N": sum(self.batch_sizes)}
        if self.mask is not None:
            sizes |= {"B": len(self.mask), "S": self.mask.shape[1]}
            sizes.setdefault("N", int(self.mask.sum()))
        for letter, which in zip("ST", self.sequences):
            sizes |= {"B": len(which.ids), letter: which.ids.shape[1], f"N_{letter}": len(which.rows)}
        if not sizes:
            rows = [len(part) for part in self.trial.inputs if isinstance(part, np.ndarray) and part.ndim]
            sizes |= {"N": rows[0]} if rows else {}
        return sizes

    def factors(self) -> dict[str, float]:
        """Return the factors that are made of sizes, widths and rates."""
        named = size_factors(self.sizes())
        arrays = self.arrays.values() if self.trial.is_model else self.trial.inputs
        for width in sorted({part.shape[-1] for part in arrays if is_float(part) and part.ndim} - {1}):
            named |= {f"1/sqrt({width}), as of a width": width**-0.5, f"sqrt({width}), as of a width": width**0.5}
            named |= {f"1/{width}, as of a width": 1 / width, f"{width}, as of a width": float(width)}
        model = getattr(self.trial.layer, "config", None)
        if 0 < (rate := getattr(self.trial.layer, "rate", getattr(model, "dropout", 0))) < 1:
            named |= {f"(1 - rate)^2 with rate = {rate}": (1 - rate) ** 2}
            named |= {f"1 - rate with rate = {rate}": 1 - rate, f"1/(1 - rate) with rate = {rate}": 1 / (1 - rate)}
        return named

    def tokens(self) -> list[np.ndarray]:
        """Return the ids that may look rows up, the real ones only."""
        whole = [part for part in self.trial.inputs if isinstance(part, np.ndarray) and part.dtype.kind in "iu"]
        ids = [part for part in whole if part is not self.batch_sizes]
        ids += [which.packed for which in self.sequences]
        return ids + [part.previous for part in self.trial.inputs if isinstance(part, Batch)]

    def places(self, name: str) -> dict[str, np.ndarray]:
        """Return the sets of places of an input at which something particular happens: "where: the cause"."""
        array, mask, named = self.arrays[name], self.mask, {}
        for part in self.trial.inputs:
            if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and part.shape == array.shape[:-1]:
                target = part[..., None] == np.arange(array.shape[-1])
                real = True if mask is None else mask[..., None]
                named["the targets: a 1 that is not subtracted there, or by another factor"] = target & real
        return named | self.places_of_rows(name)

    def places_of_rows(self, name: str) -> dict[str, np.ndarray]:
        """Return the sets of rows: steps, padding, sentences."""
        array, mask = self.arrays[name], self.mask
        if self.batch_sizes is not None and len(array) == sum(self.batch_sizes) != self.batch_sizes[0]:
            steps = np.repeat(np.arange(len(self.batch_sizes)), self.batch_sizes)
            return place_sets(
                steps,
                np.sum(np.arange(self.batch_sizes[0])[:, None] < self.batch_sizes, 1)[sentence_of(self.batch_sizes)],
            )
        if mask is not None and array.shape[:2] == mask.shape:
            ends = np.broadcast_to(mask.sum(1)[:, None], mask.shape)
            sets = place_sets(np.broadcast_to(np.arange(mask.shape[1]), mask.shape), ends)
            return {"padded positions: a mask that is missing in backward": ~mask} | sets
        lengths: np.ndarray | None = None
        if self.batch_sizes is not None and len(array) == self.batch_sizes[0]:
            lengths = np.sum(np.arange(len(array))[:, None] < self.batch_sizes, 1)
        elif self.sequences and len(array) == len(self.sequences[0].ids):
            lengths = self.sequences[0].mask.sum(1)
        elif mask is not None and len(array) == len(mask):
            lengths = mask.sum(1)
        if lengths is None and "B" in self.sizes():  # its rows are something else
            return {}
        rows = {"sentence 0: a batch of which only one row was thought of": np.arange(len(array)) == 0}
        rows["every sentence but sentence 0: a batch of which only one row was thought of"] = np.arange(len(array)) > 0
        return rows if lengths is None else ending_sets(lengths) | rows

    def instead(self, name: str) -> dict[str, np.ndarray]:
        """Return what the gradient would be if a part of its sum stood for all of it."""
        array, outputs = self.arrays[name], self.trial.outputs()
        if self.trial.is_model or array.size * sum(np.size(part) for part in outputs) > MOST_NUMBERS:
            return {}
        jacobian = numerical_gradient(self.trial.flat, array, self.trial.method)
        if len(outputs) > 1:
            return parts_of_outputs(jacobian, [np.size(part) for part in outputs])
        if not np.ndim(outputs[0]):
            return {}
        y, cotangent = np.real(self.trial.layer.forward(*self.trial.inputs)[0]), self.trial.cotangent[0]
        named = last_slopes(jacobian, y) | ({PASSED_ON: cotangent} if y.shape == array.shape else {})
        if isinstance(self.trial.layer, Attention):
            named |= {cause: found[name] for cause, found in softmax_slips(self.trial).items() if name in found}
        rows = jacobian.reshape(*array.shape, len(y), -1).sum(-1)  # by output row
        if self.batch_sizes is None:
            return named | ({} if name in self.inputs or y.ndim < 2 else parts_of_rows(rows))
        if len(y) != sum(self.batch_sizes):
            return named
        return named | parts_of_steps(rows, self.by_step(name, self.batch_sizes), self.batch_sizes, name in self.inputs)

    def by_step(self, name: str, batch_sizes: Sequence[int]) -> np.ndarray | None:
        """Return the derivative (T, ...) by the step at which an array is used; None where steps cannot be told apart.

        The sequence is run in three pieces: the steps before t, step t with the moved array, the steps after.
        """
        trial = self.trial
        first = next((i for i, part in enumerate(trial.inputs) if is_float(part) and len(part) == batch_sizes[0]), None)
        if first is None or trial.inputs[first].ndim != 2 or sum(batch_sizes) == batch_sizes[0]:
            return None
        still = Trial(trial.layer, trial.inputs, trial.cotangent, trial.method)
        cotangent, steps = trial.cotangent[0], step_slices(batch_sizes)

        def run(which: Trial, state: np.ndarray, start: int, stop: int) -> np.ndarray:
            rows = slice(steps[start].start, steps[stop - 1].stop)
            inputs = []
            for i, part in enumerate(which.inputs):
                if part is batch_sizes:
                    part = batch_sizes[start:stop]
                elif i == first:
                    part = state[: batch_sizes[start]]
                elif isinstance(part, np.ndarray) and len(part) == sum(batch_sizes):
                    part = part[rows]
                elif isinstance(part, np.ndarray) and len(part) == batch_sizes[0]:
                    part = part[: batch_sizes[start]]
                inputs.append(part)
            return which.layer.forward(*inputs)[0]

        states, T = [still.inputs[first]], len(batch_sizes)
        whole = still.layer.forward(*still.inputs)[0]
        if whole.shape[1:] != states[0].shape[1:]:
            return None
        for t in range(T):
            states.append(run(still, states[-1], t, t + 1))
        if not np.allclose(np.concatenate(states[1:]), whole):
            return None
        sentence = sentence_of(batch_sizes)

        def by_sentence(weighed: np.ndarray, start: int) -> np.ndarray:
            sums = np.zeros(batch_sizes[0], weighed.dtype)
            np.add.at(sums, sentence[start : start + len(weighed)], weighed.sum(-1))
            return sums

        def moved(t: int) -> np.ndarray:
            out, end = run(trial, states[t] if t else trial.inputs[first], t, t + 1), steps[t].stop
            later = cotangent[end:] * run(still, out, t + 1, T) if t + 1 < T else np.zeros((0, 1), out.dtype)
            return np.array([by_sentence(cotangent[steps[t]] * out, steps[t].start), by_sentence(later, end)])

        array = self.arrays[name]
        return np.array([numerical_gradient(partial(moved, t), array, trial.method) for t in range(T)])


def batch_sizes_of(inputs: Sequence[Any]) -> Sequence[int] | None:
    """Return the input that says how many sentences are alive at each step, if there is one."""
    rows = {len(part) for part in inputs if is_float(part) and part.ndim}
    for part in inputs:
        numbers = np.asarray(part) if isinstance(part, (list, tuple, np.ndarray)) else np.zeros(0)
        if numbers.ndim == 1 and numbers.size and numbers.dtype.kind in "iu":
            if numbers.min() > 0 and (np.diff(numbers) <= 0).all() and int(numbers.sum()) in rows:
                return part
    return None


def is_mask(part: Any) -> bool:
    """Whether an input is a mask (B, S)."""
    return isinstance(part, np.ndarray) and part.dtype == bool and part.ndim == 2


def sequences_of(inputs: Sequence[Any]) -> list[PackedBatch]:
    """Return source and target sentences among the inputs."""
    for part in inputs:
        if isinstance(part, Batch):
            return [part.source, part.target]
    return [part for part in inputs if isinstance(part, PackedBatch)]


def activation_names(layer: Any) -> tuple[str, ...]:
    """Return what a cell calls its activations; files begun with an earlier template say ``names``."""
    return tuple(getattr(layer, "activation_names", getattr(layer, "names", ())))


def gate_names(layer: Any, name: str, array: np.ndarray) -> tuple[str, ...]:
    """Return what the matrices of a cell's array are called, in its order; nothing for other arrays."""
    *path, field = name.split(".")
    for step in path:
        layer = layer[int(step)] if isinstance(layer, (tuple, list)) else getattr(layer, step, None)
    names = activation_names(layer)
    if array.ndim != 3 or not names or not hasattr(layer, field):
        return tuple(f"slice {i}" for i in range(len(array))) if array.ndim == 3 and hasattr(layer, field) else ()
    return names[: len(array)]
