"""Is backward right for a forward with one derivative changed? Then the change says where the mistake is.

In the complex step a derivative travels as an imaginary part. Taking it away, turning its sign or doubling it at one
place of forward changes no value, and gives exactly the gradient of a backward with that mistake at that place: what is
linear on the way forward is transposed on the way back. The places are not listed by hand. Forward is run once, and
every array that a method of a record is given or returns is one, what it keeps in its cache included.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from minis2s.checks.derivatives import STEP, Trial, arrays_of
from minis2s.checks.diagnosis.context import records
from minis2s.checks.diagnosis.finding import MATCH

TIMES = {0.0: "no {}", -1.0: "a wrong sign of the {}", 2.0: "the {} counted twice"}
CALLS: dict[str, Callable[[int, int], bool]] = {  # which of n calls lose it, where a method is called several times
    "the {} counted at the first call alone": lambda i, n: i > 0,
    "the {} counted at the last call alone": lambda i, n: i < n - 1,
    "no {} at the first call": lambda i, n: i == 0,
    "no {} at the last call": lambda i, n: i == n - 1,
}
DIRECTION_STREAM = 11


class Place(NamedTuple):
    """An array that passes by while forward runs."""

    path: str  # of the record
    method: str
    name: str  # of the argument; of a result "", or its place in it: "1", the output, or "2.alpha", of the cache
    is_result: bool
    calls: int

    def __str__(self) -> str:
        method = f"{self.path}.{self.method}" if self.path else self.method
        if not self.is_result:
            return f"path from {method} into its argument {self.name}"
        first, _, rest = self.name.partition(".")
        what = f"output {rest}".rstrip() if first in ("", "1") else rest or f"output {first}"
        return f"path into the {what} of {method}"


def mutant_of(trial: Trial, wrong: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """Return the one change of forward that gives all gradients as backward gave them; nothing if none does.

    wrong : (analytic, numeric) of the wrong arrays; the others are right. Only the complex step can tell.
    """
    if trial.method != "complex" or not all(np.isfinite(pair).all() for pair in wrong.values()):
        return ""
    rng = np.random.default_rng([0, DIRECTION_STREAM])
    arrays = arrays_of(trial)
    moves = {key: rng.standard_normal(array.shape) for key, array in arrays.items()}
    value, slope = along(trial, moves)
    errors = [float((moves[key] * (one - other)).sum()) for key, (one, other) in wrong.items()]
    slack = MATCH * sum(abs(error) for error in errors)
    for place in places_of(trial):
        for said, times in changes(place.calls):
            mutant = Trial(trial.layer, trial.inputs, trial.cotangent, "complex")
            mutant.layer = changed(mutant.layer, place, times)
            its_value, its_slope = along(mutant, moves)
            if its_value == value and abs(its_slope - slope - sum(errors)) <= slack:
                return said.format(place)
    return ""


def changes(calls: int) -> Iterator[tuple[str, list[float]]]:
    """Yield what may be wrong with an array that passes by so many times: how often its derivative counts each time."""
    for times, said in TIMES.items():
        yield said, [times] * calls
    for said, loses in CALLS.items() if calls > 1 else ():
        yield said, [0.0 if loses(call, calls) else 1.0 for call in range(calls)]


def scaled(x: np.ndarray, times: float) -> np.ndarray:
    """Return the same values, of any shape, with so many times their derivative."""
    return x.real + 1j * (times * x.imag)


def along(trial: Trial, moves: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Return the weighed output and its derivative as all arrays move at once, each in its direction."""
    arrays = arrays_of(trial)
    for key, array in arrays.items():
        array += 1j * STEP["complex"] * moves[key]
    try:
        weighed = complex(trial.weighed())
        return weighed.real, weighed.imag / STEP["complex"]
    finally:
        for array in arrays.values():
            array.imag = 0.0


def places_of(trial: Trial) -> list[Place]:
    """Return every complex array that a method of a record takes or gives while forward runs, in the order met."""
    seen: Counter[tuple[str, str, str, bool]] = Counter()
    watched = Trial(trial.layer, trial.inputs, trial.cotangent, "complex")
    for path, part in reversed(list(records(watched.layer))):
        methods = {name: watcher(seen, path, name, names) for name, names in methods_of(part, top=not path).items()}
        watched.layer = put(watched.layer, path, with_methods(dict(records(watched.layer))[path], **methods))
    watched.weighed()
    return [Place(*key, calls) for key, calls in seen.items()]


def watcher(seen: Counter[tuple[str, str, str, bool]], path: str, method: str, names: tuple[str, ...]) -> Callable:
    """Return a method that counts the arrays that it takes and gives."""

    def watch(right: Callable, *arguments: Any) -> Any:
        result = right(*arguments)
        for name, x in zip(names, arguments):
            if is_complex(x):
                seen[path, method, name, False] += 1
        for name, _ in arrays_in(result):
            seen[path, method, name, True] += 1
        return result

    return watch


def methods_of(part: Any, top: bool) -> dict[str, tuple[str, ...]]:
    """Return the plain methods of a record with the names of their arguments; its own forward is no place within it."""
    found = {}
    for kind in reversed(type(part).__mro__):
        for name, method in vars(kind).items():
            if callable(method) and hasattr(method, "__code__") and not name.startswith("_"):
                code = method.__code__
                found[name] = code.co_varnames[1 : code.co_argcount]
    return {name: names for name, names in found.items() if not (top and name in ("forward", "loss"))}


def is_complex(x: Any) -> bool:
    """Whether a value is an array that a derivative can travel in."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "c"


def arrays_in(result: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Yield the complex arrays in what a method returns, by their names or numbers in it."""
    if is_complex(result):
        yield name, result
    for key, part in named_parts(result):
        yield from arrays_in(part, f"{name}.{key}" if name else key)


def named_parts(result: Any) -> list[tuple[str, Any]]:
    """Return the parts of a tuple by their names or numbers in it, nothing of anything else."""
    if not isinstance(result, tuple):
        return []
    return list(zip(getattr(result, "_fields", map(str, count(1))), result))


def changed(tree: Any, place: Place, times: Sequence[float]) -> Any:
    """Return the same tree, in which the derivative of the array at a place counts so often at each of its calls."""
    part, left = dict(records(tree))[place.path], iter(times)
    at = -1 if place.is_result else methods_of(part, top=False)[place.method].index(place.name)

    def counted(x: Any) -> Any:
        return scaled(x, next(left)) if is_complex(x) else x  # None at the first step, perhaps

    def method(right: Callable, *arguments: Any) -> Any:
        if place.is_result:
            return replaced(right(*arguments), place.name, counted)
        return right(*(counted(x) if i == at else x for i, x in enumerate(arguments)))

    return put(tree, place.path, with_methods(part, **{place.method: method}))


def replaced(result: Any, name: str, function: Callable) -> Any:
    """Return what a method returned, with another array of this name in it."""
    if not name:
        return function(result)
    first, _, rest = name.partition(".")
    parts = [replaced(x, rest, function) if key == first else x for key, x in named_parts(result)]
    if not parts:
        return result
    return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)


def with_methods(part: Any, **methods: Callable) -> Any:
    """Return the same record with other methods; each is given the right one first, with what was given by keyword.

    Raises
    ------
    ValueError
        If the record has no such method, which nothing would ever call.
    """
    kind = type(part)
    if unknown := [name for name in methods if not callable(getattr(kind, name, None))]:
        raise ValueError(f"{kind.__name__} has no method {', '.join(unknown)}")

    def bound(name: str) -> Callable:
        def method(self: Any, *arguments: Any, **named: Any) -> Any:
            return methods[name](partial(getattr(super(mutant, self), name), **named), *arguments)

        return method

    mutant = type(kind.__name__, (kind,), {name: bound(name) for name in methods})
    return mutant(*(getattr(part, field.name) for field in fields(part)))


def put(tree: Any, path: str, part: Any) -> Any:
    """Return the same tree with another part at the path."""
    if not path:
        return part
    name, _, rest = path.partition(".")
    if isinstance(tree, (tuple, list)):
        return tuple(put(one, rest, part) if str(i) == name else one for i, one in enumerate(tree))
    return replace(tree, **{name: put(getattr(tree, name), rest, part)})
