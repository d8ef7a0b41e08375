"""A bug is a small change of the library's own text, planted for a while and taken out again.

The rest of the model is the library's own code, so what a check says of the planted bug it says of the library's lines.
"""

import difflib
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from minis2s.errors import InputError

KINDS = ("backward", "forward", "decoding", "training", "checking")


class Change(NamedTuple):
    """One piece of text of one function, and what it becomes."""

    where: str  # such as "minis2s.layers.gru:GRU.local_gradients"
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """One mistake: where it is, how it shows, and what it teaches.

    A forward bug that its author carried over to backward in good faith has further changes in ``also``: the gradient
    is then the right one, of the wrong function.
    """

    name: str
    number: int | None  # in the list of the 36 classic bugs
    kind: str  # one of KINDS
    where: str
    old: str
    new: str
    title: str
    symptom: str
    idea: str
    seen: str
    config: dict[str, Any] = field(default_factory=dict)  # parts of Config that it needs
    settings: dict[str, Any] = field(default_factory=dict)  # of the training, such as the optimizer
    also: tuple[Change, ...] = ()
    method: str = "complex"  # of the gradient check
    beam: int = 1  # of the search after training

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change, that of the bug itself first."""
        return Change(self.where, self.old, self.new), *self.also


class Place(NamedTuple):
    """A function of the library: where it is kept, what is kept there, and its text."""

    module: ModuleType
    owner: Any  # a class, or the module
    name: str
    kept: Any  # the function, perhaps inside a property, classmethod or staticmethod
    text: str
    line: int


def find(where: str) -> Place:
    """Return the function named by ``module:Class.function`` or ``module:function``.

    Raises
    ------
    ValueError
        If there is none.
    """
    module_name, _, path = where.partition(":")
    module = importlib.import_module(module_name)
    *classes, name = path.split(".")
    owner: Any = module
    for part in classes:
        owner = vars(owner).get(part)
    if owner is None or name not in vars(owner):
        raise ValueError(f"{where}: there is no such function")
    kept = vars(owner)[name]
    function = getattr(kept, "__func__", None) or getattr(kept, "fget", None) or kept
    lines, line = inspect.getsourcelines(function)
    return Place(module, owner, name, kept, "".join(lines), line)


def changed(text: str, change: Change) -> str:
    """Return the function's text with the change made.

    Raises
    ------
    InputError
        If the old piece does not stand there exactly once: the library is not the one that the bug was written for.
    ValueError
        If nothing would change.
    """
    if (times := text.count(change.old)) != 1:
        module, _, function = change.where.partition(":")
        raise InputError(
            f"{module.replace('.', '/')}.py: {change.old!r} stands {times} times in {function}; it must be there once "
            "for this bug to be planted: undo what was changed there"
        )
    if change.old == change.new:
        raise ValueError(f"{change.where}: old and new are the same")
    return text.replace(change.old, change.new)


def compiled(place: Place, text: str) -> Any:
    """Return the function that ``text`` defines, compiled as if it stood in its place in the file.

    Its globals are the module's, its file and first line the function's. It is compiled inside a function of the
    parameter ``__class__``, which is where ``super()`` without arguments finds its class.
    """
    indented = text if isinstance(place.owner, type) else textwrap.indent(text, "    ")
    head = "\n" * (place.line - 2) + "def make(__class__):\n"
    found: dict[str, Any] = {}
    code = compile(f"{head}{indented}\n    return {place.name}\n", place.module.__file__, "exec")
    exec(code, vars(place.module), found)
    made = found["make"](place.owner)
    function = getattr(made, "__func__", None) or getattr(made, "fget", None) or made
    function.__qualname__ = place.name if place.owner is place.module else f"{place.owner.__qualname__}.{place.name}"
    return made


def holders(kept: Any) -> list[tuple[dict, str]]:
    """Return each table of a module of the library, and the name in it, whose value is this function."""
    tables = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "minis2s" and module is not None:
            tables += [vars(module), *(part for part in vars(module).values() if type(part) is dict)]
    return [(table, name) for table in tables for name, value in list(table.items()) if value is kept]


def put(place: Place, new: Any) -> Callable[[], None]:
    """Put ``new`` wherever the library keeps the function of a place; return what puts the old one back."""
    if isinstance(place.owner, type):
        setattr(place.owner, place.name, new)
        return lambda: setattr(place.owner, place.name, place.kept)
    exchange(place.kept, new)
    return lambda: exchange(new, place.kept)  # in modules that were imported meanwhile, too


def exchange(old: Any, new: Any) -> None:
    """Put a function in the place of another in every table that holds it."""
    for table, name in holders(old):
        table[name] = new


PLANTED: list[str] = []  # the name of the bug that is planted now, if there is one


@contextmanager
def planted(bug: Bug | None) -> Iterator[None]:
    """Plant a bug in the library for the time of a ``with`` block; None plants nothing.

    Raises
    ------
    InputError
        If a piece of text is not where the bug says.
    RuntimeError
        If another bug is planted: two at a time teach nothing.
    """
    if bug is None:
        yield
        return
    if PLANTED:
        raise RuntimeError(f"{PLANTED[0]} is planted; one bug at a time")
    undo: list[Callable[[], None]] = []
    PLANTED.append(bug.name)
    try:
        for where, text in texts(bug).items():
            place = find(where)
            undo.append(put(place, compiled(place, text)))
        yield
    finally:
        for back in reversed(undo):
            back()
        PLANTED.clear()


def texts(bug: Bug) -> dict[str, str]:
    """Return the new text of each function that the bug changes, by place."""
    made: dict[str, str] = {}
    for change in bug.changes:
        made[change.where] = changed(made.get(change.where) or find(change.where).text, change)
    return made


def difference(bug: Bug) -> str:
    """Return the bug as a small diff: what a teacher shows when the hunt is over."""
    lines = []
    for where, new in texts(bug).items():
        place = find(where)
        old = place.text.splitlines()
        hunks = difflib.unified_diff(old, new.splitlines(), where, where, n=1, lineterm="")
        shown = [line for line in hunks if not line.startswith(("---", "+++", "@@"))]
        file = place.module.__name__.replace(".", "/") + ".py"
        first = next(change.old for change in bug.changes if change.where == where)
        line = place.line + place.text[: place.text.index(first)].count("\n")
        lines += [f"{file}, line {line}, {where.partition(':')[2]}", *shown]
    return "\n".join(lines)
