"""Is a path missing in backward, counted twice, or of a wrong sign? Change it in forward, for the derivative alone.

See ``mutants`` for how; ``bends`` and ``slopes`` have the other mistakes that are looked for in this way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from minis2s.checks.derivatives import STEP, Trial, arrays_of
from minis2s.checks.diagnosis.bends import bends_of
from minis2s.checks.diagnosis.context import gate_names
from minis2s.checks.diagnosis.from_numbers import MATCH, Finding, numbers
from minis2s.checks.diagnosis.mutants import detached, put, records, with_methods
from minis2s.checks.diagnosis.slopes import slopes_of
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell

PROBES = 10  # entries of an array at which a twin is tried
SMALL = 1e-6  # a derivative below this may be a rounding error of larger ones
Twin = Callable[[Any], Any]  # a record to its twin
TIMES = {0.0: "no {}", -1.0: "a wrong sign of the {}", 2.0: "the {} counted twice"}


def cut_keys(part: Any, times: float = 0.0) -> Any:
    return with_methods(part, keys=lambda right, memory: right(detached(memory, times)))


def cut_values(part: Any, times: float = 0.0) -> Any:
    return with_methods(
        part, attend=lambda right, q, keys, memory, *rest: right(q, keys, detached(memory, times), *rest)
    )


def cut_query(part: Any, times: float = 0.0) -> Any:
    return with_methods(part, attend=lambda right, query, *rest: right(detached(query, times), *rest))


def cut_coverage(part: Any, times: float = 0.0) -> Any:
    return with_methods(
        part, attend=lambda right, q, keys, memory, mask, c=None: right(q, keys, memory, mask, detached(c, times))
    )


def cut_time(part: Any) -> Any:
    """Cut what a cell's state carries to the next step; the first state of all passes."""
    steps = [0]

    def project(right: Callable, x: np.ndarray) -> np.ndarray:
        steps[0] = 0
        return right(x)

    def step(right: Callable, gates: np.ndarray, s: np.ndarray) -> np.ndarray:
        steps[0] += 1
        return right(gates, s if steps[0] == 1 else detached(s))

    return with_methods(part, project=project, step_inplace=step)


def cut_decoder_time(part: Any) -> Any:
    """Cut what a decoder's state carries to the next step and to the next query."""
    steps = [0]

    def keys(right: Callable, memory: np.ndarray) -> np.ndarray:
        steps[0] = 0
        return right(memory)

    def attend(right: Callable, query: np.ndarray, *rest: Any) -> tuple:
        steps[0] += 1
        return right(query if steps[0] == 1 else detached(query), *rest)

    return replace(part, cell=cut_time(part.cell), attention=with_methods(part.attention, keys=keys, attend=attend))


def cut_first_state(part: Any, times: float = 0.0) -> Any:
    def read(right: Callable, *rest: Any) -> tuple:
        (memory, s0), caches = right(*rest)
        return (memory, detached(s0, times)), caches

    return with_methods(part, read=read)


def cut_memory(part: Any, times: float = 0.0) -> Any:
    def read(right: Callable, *rest: Any) -> tuple:
        (memory, s0), caches = right(*rest)
        return (detached(memory, times), s0), caches

    return with_methods(part, read=read)


def scaled(path: str, cut: Callable[..., Any]) -> Iterator[tuple[str, Twin]]:
    """Return a path that is missing, of a wrong sign and counted twice."""
    for times, words in TIMES.items():
        yield words.format(path), partial(cut, times=times)


def cuts_of(path: str, part: Any, widths: Iterable[int] = ()) -> Iterator[tuple[str, Twin]]:
    """Return the twins that a record of a model allows, by what they say."""
    where = f" in {path}" if path else ""
    if isinstance(part, Attention):
        yield from scaled(f"path from the keys into the memory{where}", cut_keys)
        yield from scaled(f"path from the context into the memory{where}", cut_values)
        yield from scaled(f"path from the query into the state{where}", cut_query)
        if part.uses_coverage:
            yield from scaled(f"path from the coverage to the steps before{where}", cut_coverage)
    elif isinstance(part, Cell):
        yield f"nothing carried back through time{where}", cut_time
    elif isinstance(getattr(part, "attention", None), Attention) and isinstance(getattr(part, "cell", None), Cell):
        yield f"nothing carried back through time{where}, neither by the state nor by the query", cut_decoder_time
    elif hasattr(part, "loss") and hasattr(part, "read"):
        yield from scaled("path from the decoder's first state into the encoder", cut_first_state)
        yield from scaled("path from the memory into the encoder", cut_memory)
    yield from bends_of(path, part)
    yield from slopes_of(path, part, widths)


def cut_causes(trial: Trial, wrong: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, Finding]:
    """Return, for the arrays (found, expected) that one twin explains, what it is. Only the complex step can tell.

    Of several twins that explain an array the one that explains most of them is named.
    """
    named: dict[str, tuple[int, str]] = {}
    if trial.method != "complex":
        return {}
    widths = sorted({n for array in arrays_of(trial).values() for n in array.shape[-1:]})
    for path, part in records(trial.layer):
        for cause, cut in cuts_of(path, part, widths):
            twin = Trial(trial.layer, trial.inputs, trial.cotangent, "complex")
            arrays = arrays_of(twin)
            twin.layer = put(twin.layer, path, cut(dict(records(twin.layer))[path]))  # it holds the same arrays
            explained = [key for key, pair in wrong.items() if is_of(twin, arrays[key], *pair)]
            if explained and not leaves(twin, arrays, trial, wrong):
                continue
            for key in explained:
                if key not in named or len(explained) > named[key][0]:
                    named[key] = len(explained), cause
    found = {}
    for key, (_, cause) in named.items():
        gates = gate_names(trial.layer, key, wrong[key][0])
        found[key] = Finding(f"cut: {cause}", f"consistent with {cause}; {numbers(*wrong[key], gates)}")
    return found


def is_of(twin: Trial, array: np.ndarray, found: np.ndarray, expected: np.ndarray) -> bool:
    """Whether a gradient is that of a twin, as far as some of its entries tell: the most wrong and the largest ones."""
    most, largest = (np.argsort(-np.abs(x), axis=None, kind="stable") for x in (found - expected, found))
    order = dict.fromkeys([*most[: PROBES - 4], *largest[:2], *most[-2:]])
    slack = MATCH * max(np.abs(expected).max(), np.abs(found).max())
    return all(abs(found.flat[i] - derivative_at(twin, array, i)) <= slack for i in order)


def leaves(twin: Trial, arrays: Mapping[str, np.ndarray], trial: Trial, wrong: Mapping[str, Any]) -> bool:
    """Whether a twin leaves the gradients alone that were found right, as far as some of their entries tell."""
    for key, array in arrays_of(trial).items():
        if key not in wrong:
            for i in np.argsort(-np.abs(array), axis=None, kind="stable")[: PROBES // 2]:
                here, there = derivative_at(trial, array, i), derivative_at(twin, arrays[key], i)
                if abs(here - there) > MATCH * max(abs(here), abs(there), SMALL):
                    return False
    return True


def derivative_at(trial: Trial, array: np.ndarray, i: int) -> float:
    """Return the derivative with respect to one entry."""
    value = array.flat[i]
    array.flat[i] = value + 1j * STEP["complex"]
    try:
        return float(np.imag(trial.weighed()) / STEP["complex"])
    finally:
        array.flat[i] = value
