"""Right layers as students write them, each in a style of its own: what a check of lines must not accuse, and mutates.

    python -m tests.benchmarks.lines_zoo

proves the gradients of all of them by differences. A layer is a file ``LAYER.txt``: its title, a section ``arrays``
with the function that draws its arrays, and a section for each version, headed ``=== STYLE | remark``. A version's text
is a module of its own: the import of NumPy, ``arrays``, and the section. It has

- ``forward(*args) -> output or outputs, cache`` and ``backward(doutput or doutputs, cache) -> gradients``, one for each
  argument of floating-point numbers, in forward's order; that of a dictionary is a dictionary, whose keys may have a
  ``d`` before them,
- or one class with ``forward(*args) -> output or outputs`` and ``backward(doutput or doutputs) -> gradients``, which
  keeps its cache in itself. Weights are attributes, or values of the attribute ``params``; their gradients are in
  ``self.grads["W"]`` or ``self.dW``,
- and, where ``arrays`` are not its arguments, ``case(rng) -> args`` or ``case(rng) -> layer, args``.
"""

import contextlib
import copy
import linecache
import types
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SEED = 1  # of every case
STEP = 2e-3  # of the differences, whose error is of the fourth order
TOLERANCE = 1e-7
HEAD = "import numpy as np\n\n\n"


class Version(NamedTuple):
    """A right version of a layer."""

    layer: str
    style: str
    remark: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.layer}, {self.style}"


def read(path: Path) -> Iterator[Version]:
    """Yield the versions of a file."""
    _, arrays, *sections = path.read_text(encoding="utf-8").split("\n=== ")
    arrays = arrays.partition("\n")[2].strip()
    for section in sections:
        heading, _, body = section.partition("\n")
        style, _, remark = heading.partition(" | ")
        yield Version(path.stem, style, remark, f"{HEAD}{arrays}\n\n\n{body.strip()}\n")


VERSIONS = [version for path in sorted(Path(__file__).parent.glob("*.txt")) for version in read(path)]


class Student:
    """A version's text, or a mutant's, as a module that runs."""

    def __init__(self, text: str, name: str):
        self.text, self.name = text, name
        linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name  # for inspect.getsource
        self.module = types.ModuleType("student")
        self.module.__file__ = name
        exec(compile(text, name, "exec"), self.module.__dict__)

    @cached_property
    def case(self) -> tuple[Any, tuple]:
        """The layer, or None for a pair of functions, and the arguments of forward."""
        space = vars(self.module)
        drawn = space.get("case", space["arrays"])(np.random.default_rng(SEED))
        return drawn if hasattr(drawn[0], "forward") else (None, drawn)

    def fresh(self) -> tuple[Any, tuple]:
        """Return copies of them, which may be changed."""
        return copy.deepcopy(self.case)

    @property
    def functions(self) -> tuple[Callable, Callable]:
        """Forward and backward, of a class as they stand in it: ``forward(layer, *args)``."""
        layer = self.case[0]
        owner = self.module if layer is None else type(layer)
        return owner.forward, owner.backward

    def forward(self, layer: Any, args: tuple) -> tuple[Any, Any]:
        """Return the output and the cache, of a class None."""
        if layer is None:
            return self.functions[0](*args)
        return self.functions[0](layer, *args), None

    def cotangent(self, output: Any) -> Any:
        """Return a random gradient of the loss by the output or outputs."""
        rng = np.random.default_rng(SEED + 1)
        if isinstance(output, tuple):
            return tuple(rng.normal(size=np.shape(part)) for part in output)
        return rng.normal(size=np.shape(output)) if np.shape(output) else 1.3

    def gradients(self, twice: bool = False) -> dict[str, Any]:
        """Run forward and backward and return every gradient, by the name of its array; None where it is missing.

        twice : run backward once more with the same cache, and return what it gives then
        """
        with quiet():
            layer, args = self.fresh()
            names = self.arrays(layer, args)
            output, cache = self.forward(layer, args)
            given = [self.cotangent(output)] if layer is not None else [self.cotangent(output), cache]
            for _ in range(1 + twice):
                returned = self.functions[1](*([] if layer is None else [layer]), *given)
            return collect(names, layer, returned)

    def arrays(self, layer: Any, args: tuple) -> dict[str, np.ndarray]:
        """Return the arrays that have gradients, by name: "0" or "0.W" for an argument, ".W" for a weight."""
        owned = {} if layer is None else vars(layer)
        weights = {f".{key}": value for key, value in {**owned, **owned.get("params", {})}.items()}
        named = weights
        for i, arg in enumerate(args):
            named |= {f"{i}.{key}": value for key, value in arg.items()} if isinstance(arg, dict) else {str(i): arg}
        return {key: v for key, v in named.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}

    def loss(self, layer: Any, args: tuple) -> float:
        output = self.forward(layer, args)[0]
        together = zip(as_tuple(self.cotangent(output)), as_tuple(output))
        return sum(np.sum(dy * y) for dy, y in together)

    def differences(self) -> dict[str, np.ndarray]:
        """Return every gradient by differences of the loss."""
        found = {}
        with quiet():
            for name, array in self.arrays(*self.case).items():
                found[name] = np.zeros(array.shape)
                for index in np.ndindex(array.shape):
                    losses = []
                    for step in (-2, -1, 1, 2):
                        layer, args = self.fresh()
                        self.arrays(layer, args)[name][index] += step * STEP
                        losses.append(self.loss(layer, args))
                    found[name][index] = np.dot([1, -8, 8, -1], losses) / (12 * STEP)
        return found


def as_tuple(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def collect(names: dict[str, np.ndarray], layer: Any, returned: Any) -> dict[str, Any]:
    """Return gradients by name from what backward has returned and what the layer keeps; None where one is missing."""
    parts = as_tuple(returned)
    places = list(dict.fromkeys(name.partition(".")[0] for name in names if name[0] != "."))
    given = dict(zip(places, parts)) if len(parts) == len(places) else {}
    found = {}
    for name in names:
        place, dot, key = name.partition(".")
        if place and dot:
            grads = given.get(place)
            found[name] = grads.get(key, grads.get(f"d{key}")) if isinstance(grads, dict) else None
        elif place:
            found[name] = given.get(place)
        else:
            grads = getattr(layer, "grads", None) or {}
            found[name] = grads[key] if key in grads else getattr(layer, f"d{key}", None)
    return found


def relative_error(found: Any, right: np.ndarray) -> float:
    """Return the largest difference over the largest value; infinite for another shape, and for what is no number."""
    try:
        found = np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        return np.inf
    if found.shape != right.shape or not np.isfinite(found).all():
        return np.inf
    return float(np.max(np.abs(found - right), initial=0) / max(np.max(np.abs(right), initial=0), 1e-12))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without warnings. Rubbish there is none, as no version begins with ``np.empty``."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def verify() -> int:
    """Prove that every version is right, and that no two are the same text; return how many there are."""
    assert len({version.text for version in VERSIONS}) == len({version.name for version in VERSIONS}) == len(VERSIONS)
    for version in VERSIONS:
        student = Student(version.text, f"<{version.name}>")
        found, again, right = student.gradients(), student.gradients(twice=True), student.differences()
        for name in right:
            error = relative_error(found[name], right[name])
            assert error < TOLERANCE, f"{version.name}: gradient {name} has the error {error:.1e}"
            assert np.array_equal(found[name], again[name]), f"{version.name}: backward changes what it is given"
    return len(VERSIONS)
