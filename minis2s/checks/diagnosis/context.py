"""What is known about a wrong array besides its numbers: sizes, tokens, padding, and what its gates are called."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import combinations
from typing import Any

import numpy as np

from minis2s.checks.derivatives import Trial, is_float
from minis2s.checks.diagnosis.finding import MATCH, Context
from minis2s.data.batches import Batch, PackedBatch
from minis2s.layers.record import branches


def context_of(trial: Trial, arrays: Mapping[str, np.ndarray], name: str) -> Context:
    """Return what is known about one array of a trial."""
    match = MATCH if trial.method == "complex" else 1e-5
    gates = gate_names(trial.layer, name, arrays[name])
    return Context(gates, factors_of(trial, arrays), tuple(tokens_of(trial.inputs)), match=match)


def sizes_of(inputs: Sequence[Any]) -> dict[str, int]:
    """Return B, S or T, and N, the real tokens, as far as the inputs tell."""
    sizes: dict[str, int] = {}
    if (batch_sizes := batch_sizes_of(inputs)) is not None:
        sizes |= {"B": batch_sizes[0], "T": len(batch_sizes), "N": sum(batch_sizes)}
    for mask in filter(is_mask, inputs):
        sizes |= {"B": len(mask), "S": mask.shape[1]} | ({} if "N" in sizes else {"N": int(mask.sum())})
    for letter, which in zip("ST", sequences_of(inputs)):
        sizes |= {"B": len(which.ids), letter: which.ids.shape[1], f"N_{letter}": len(which.rows)}
    rows = [len(part) for part in inputs if isinstance(part, np.ndarray) and part.ndim]
    return sizes or dict(zip("N", rows))


def size_factors(sizes: Mapping[str, int]) -> dict[str, float]:
    """Return the factors that sizes such as B, T and N (real tokens) make, by what they are called."""
    named: dict[str, float] = {}
    for name, size in sizes.items():
        named |= {f"1/{name} with {name} = {size}": 1 / size, f"{name} with {name} = {size}": float(size)}
    for (a, n), (b, m) in combinations(sizes.items(), 2):
        if "N" in (a[0], b[0]):
            named |= {f"{a}/{b} = {n}/{m}": n / m, f"{b}/{a} = {m}/{n}": m / n}
            continue
        named |= {f"1/({a} {b}) = 1/{n * m}": 1 / (n * m), f"{a} {b} = {n * m}": float(n * m)}
        for count, N in sizes.items():
            if count[0] == "N":
                said = f"with {count} = {N} real tokens against {a} {b} = {n * m} places"
                named |= {f"{count}/({a} {b}) {said}": N / (n * m), f"({a} {b})/{count} {said}": n * m / N}
    return named


def factors_of(trial: Trial, arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the factors that are made of sizes, of widths, and of rates: the fields of a record from 0 to 1."""
    named = size_factors(sizes_of(trial.inputs))
    for width in sorted({array.shape[-1] for array in arrays.values() if array.ndim} - {1}):
        named |= {f"1/sqrt({width}), as of a width": width**-0.5, f"sqrt({width}), as of a width": width**0.5}
        named |= {f"1/{width}, as of a width": 1 / width, f"{width}, as of a width": float(width)}
    for _, part in records(trial.layer):
        for name, rate in ((field.name, getattr(part, field.name)) for field in fields(part)):
            if isinstance(rate, float) and 0 < rate < 1:
                powers = {
                    f"(1 - {name})^2": (1 - rate) ** 2,
                    f"1 - {name}": 1 - rate,
                    f"1/(1 - {name})": 1 / (1 - rate),
                }
                named |= {f"{said} with {name} = {rate}": factor for said, factor in powers.items()}
    return named


def tokens_of(inputs: Sequence[Any]) -> Iterator[np.ndarray]:
    """Yield the ids that may look rows up, the real ones only."""
    sizes = batch_sizes_of(inputs)
    for part in inputs:
        if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and part is not sizes:
            yield part
        if isinstance(part, Batch):
            yield part.previous
    for which in sequences_of(inputs):
        yield which.packed


def batch_sizes_of(inputs: Sequence[Any]) -> Sequence[int] | None:
    """Return the input that says how many sentences are longer than t, for each t, if there is one."""
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


def records(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return every record in a tree, with its path."""
    if is_dataclass(tree):
        yield path, tree
    for name, part in branches(tree):
        if not isinstance(part, np.ndarray):
            yield from records(part, f"{path}.{name}" if path else name)


def gate_names(layer: Any, name: str, array: np.ndarray) -> tuple[str, ...]:
    """Return what the matrices of a record's array (G, ., .) are called, in its order; nothing for other arrays."""
    path, _, field = name.rpartition(".")
    owner = dict(records(layer)).get(path)
    if array.ndim != 3 or owner is None or field not in {one.name for one in fields(owner)}:
        return ()
    names = getattr(owner, "activation_names", getattr(owner, "names", ()))  # files of an earlier template: ``names``
    return tuple(names[: len(array)]) or tuple(f"slice {i}" for i in range(len(array)))
