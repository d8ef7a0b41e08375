"""Is a path missing in backward? Cut it in forward, for the derivative alone, and see whether the gradients agree.

In the complex step a derivative travels as an imaginary part. Dropping that part of, say, the query changes no value in
forward, and gives exactly the gradient of a backward that forgets this path, whatever the size of the model.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from minis2s.checks.diagnosis import MATCH, Finding, numbers
from minis2s.checks.numerical import STEP, Trial, float_inputs
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell
from minis2s.layers.record import branches, walk

PROBES = 6  # entries of an array at which a cut is tried
Cut = Callable[[Any], Any]  # a record to its twin, with a path cut


def detached(x: np.ndarray | None) -> np.ndarray | None:
    """Return the same values without their derivative."""
    return None if x is None else x.real.astype(x.dtype)


def with_methods(part: Any, **methods: Callable) -> Any:
    """Return the same record with other methods; each is given the right one first."""
    kind = type(part)

    def bound(name: str) -> Callable:
        return lambda self, *arguments: methods[name](getattr(super(twin, self), name), *arguments)

    twin = type(kind.__name__, (kind,), {name: bound(name) for name in methods})
    return twin(*(getattr(part, field.name) for field in fields(part)))


def cut_keys(part: Any) -> Any:
    return with_methods(part, keys=lambda right, memory: right(detached(memory)))


def cut_values(part: Any) -> Any:
    return with_methods(part, read=lambda right, q, keys, memory, *rest: right(q, keys, detached(memory), *rest))


def cut_query(part: Any) -> Any:
    return with_methods(part, read=lambda right, query, *rest: right(detached(query), *rest))


def cut_coverage(part: Any) -> Any:
    return with_methods(
        part, read=lambda right, q, keys, memory, mask, c=None: right(q, keys, memory, mask, detached(c))
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

    def read(right: Callable, query: np.ndarray, *rest: Any) -> tuple:
        steps[0] += 1
        return right(query if steps[0] == 1 else detached(query), *rest)

    return replace(part, cell=cut_time(part.cell), attention=with_methods(part.attention, keys=keys, read=read))


def cut_first_state(part: Any) -> Any:
    def read(right: Callable, *rest: Any) -> tuple:
        (memory, s0), caches = right(*rest)
        return (memory, detached(s0)), caches

    return with_methods(part, read=read)


def cut_memory(part: Any) -> Any:
    def read(right: Callable, *rest: Any) -> tuple:
        (memory, s0), caches = right(*rest)
        return (detached(memory), s0), caches

    return with_methods(part, read=read)


def cuts_of(path: str, part: Any) -> Iterator[tuple[str, Cut]]:
    """Return the cuts that a record of a model allows, by what they say."""
    where = f" in {path}" if path else ""
    if isinstance(part, Attention):
        yield f"no path from the keys into the memory{where}", cut_keys
        yield f"no path from the context into the memory{where}", cut_values
        yield f"no path from the query into the state{where}", cut_query
        if part.covers:
            yield f"no path from the coverage to the steps before{where}", cut_coverage
    elif isinstance(part, Cell):
        yield f"nothing carried back through time{where}", cut_time
    elif isinstance(getattr(part, "attention", None), Attention) and isinstance(getattr(part, "cell", None), Cell):
        yield f"nothing carried back through time{where}, neither by the state nor by the query", cut_decoder_time
    elif hasattr(part, "loss") and hasattr(part, "read"):
        yield "no path from the decoder's first state into the encoder", cut_first_state
        yield "no path from the memory into the encoder", cut_memory


def records(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return every record in a tree, with its path."""
    if is_dataclass(tree):
        yield path, tree
    for name, part in branches(tree):
        if not isinstance(part, np.ndarray):
            yield from records(part, f"{path}.{name}" if path else name)


def put(tree: Any, path: str, part: Any) -> Any:
    """Return the same tree with another part at the path."""
    if not path:
        return part
    name, _, rest = path.partition(".")
    if isinstance(tree, (tuple, list)):
        return tuple(put(one, rest, part) if str(i) == name else one for i, one in enumerate(tree))
    return replace(tree, **{name: put(getattr(tree, name), rest, part)})


def cut_causes(trial: Trial, wrong: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, Finding]:
    """Return, for the arrays (found, expected) that one cut explains, what it is. Only the complex step can tell."""
    named: dict[str, Finding] = {}
    if trial.method != "complex":
        return named
    for path, part in records(trial.layer):
        for cause, cut in cuts_of(path, part):
            twin = Trial(trial.layer, trial.inputs, trial.cotangent, "complex")
            arrays = dict(walk(twin.layer)) | float_inputs("", twin.layer, twin.inputs)
            twin.layer = put(twin.layer, path, cut(dict(records(twin.layer))[path]))  # it holds the same arrays
            for key in [key for key in wrong if key not in named]:
                found, expected = wrong[key]
                order = np.argsort(-np.abs(found - expected), axis=None)[:PROBES]
                slack = MATCH * max(np.abs(expected).max(), np.abs(found).max())
                if all(abs(found.flat[i] - derivative_at(twin, arrays[key], i)) <= slack for i in order):
                    said = f"consistent with {cause}; {numbers(found, expected)}"
                    named[key] = Finding("cut", said)
    return named


def derivative_at(trial: Trial, array: np.ndarray, i: int) -> float:
    """Return the derivative with respect to one entry."""
    value = array.flat[i]
    array.flat[i] = value + 1j * STEP["complex"]
    try:
        return float(np.imag(trial.weighed()) / STEP["complex"])
    finally:
        array.flat[i] = value
