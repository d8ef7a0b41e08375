"""Check a layer of your own: against the complex step and, if you like, against ours, in a process of its own.

``check_own("mine.py:MyGRU", like="gru")`` or, in a notebook, ``gradcheck(MyGRU, like="gru")``.
"""

import inspect
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from minis2s.checks.cases import CASES, make_case
from minis2s.checks.derivatives import as_tuple
from minis2s.checks.invariances import Invariance, invariances
from minis2s.checks.record_check import check_record
from minis2s.checks.report import GradientReport, merge
from minis2s.checks.user_layers.compare import compare
from minis2s.checks.user_layers.contract import rehearse
from minis2s.checks.user_layers.subprocess import LONGEST, in_a_process
from minis2s.errors import InputError, cut
from minis2s.layers.record import is_record, record, walk

TEMPLATES = tuple(sorted(path.stem for path in (Path(__file__).parent / "templates").glob("[a-z]*.py")))
LIKE = tuple(name for name in CASES if not name.startswith("seq2seq"))  # a whole model is not for one file


def check_own(place: Any, like: str | None = None, seconds: float = 60, method: str = "complex") -> GradientReport:
    """Check a class, or a pair of functions, of your own.

    Parameters
    ----------
    place : "FILE.py:NAME", a class, or a pair (forward, backward). ``NAME`` is a class, or NAME_forward and
        NAME_backward are functions: backward then gives the gradient of every floating-point argument, in order.
    like : a layer of ``checks.CASES``, whose weights and inputs are taken, by name; without it, the class has a static
        method ``case(rng)`` that returns (layer, inputs), or the file a function NAME_case that returns the arguments
    seconds : the time limit

    Raises
    ------
    InputError
        With one line that says what to mend, where the code cannot be checked or does not end in time.
    """
    place = place if isinstance(place, (str, tuple, type)) else type(place)
    return examine_apart(place, like, seconds, method)[0]


def examine_apart(place: Any, like: str | None, seconds: float, method: str) -> tuple[GradientReport, list[Invariance]]:
    """Return the report on code of one's own and, if it is a model, what must not change, from another process."""
    if like is not None and like not in LIKE:
        raise InputError(f"there is no layer {like!r} to compare with; choose one of {', '.join(LIKE)}")
    kind = tuple[GradientReport, list[Invariance]]
    return in_a_process(examine, (place, like, method), kind, name_of(place), seconds)


def examine(place: Any, like: str | None, method: str) -> tuple[GradientReport, list[Invariance]]:
    """Do it here."""
    name, path = name_of(place), place.rpartition(":")[0] if isinstance(place, str) else None
    numpy = dict(vars(np))
    try:
        target = load(place) if isinstance(place, str) else place
        layer, inputs = build(name, target, like)
        ours, our_inputs = make_case(like) if like else (None, ())
        rehearse(name, layer, inputs, like, None if ours is None else ours.forward(*our_inputs)[0])
        report = check_record(layer, inputs, method, name=name)
        if like:
            report = merge([report, compare(name, layer, inputs, like, ours, our_inputs)])
        properties = invariances(layer, inputs[0]) if hasattr(layer, "loss") else []
        refuse_replaced(name, numpy)
        return report, properties
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        refuse_replaced(name, numpy)  # then whatever was raised comes of that
        if isinstance(error, InputError):
            raise
        raise error_in_code(name, path, target_files(place), error) from None


def refuse_replaced(name: str, numpy: dict[str, Any]) -> None:
    """Raise InputError if NumPy is no longer what it was: the check would compute with it."""
    if replaced := [key for key, value in numpy.items() if vars(np).get(key) is not value]:
        raise InputError(f"{name}: it replaces numpy.{replaced[0]}, which the check needs; leave NumPy as it is")


def name_of(place: Any) -> str:
    """Return what the table calls code of one's own."""
    if isinstance(place, tuple):
        return place[0].__name__.removesuffix("_forward")
    return place if isinstance(place, str) else getattr(place, "__name__", type(place).__name__)


def load(place: str) -> Any:
    """Return the class, or the functions (forward, backward, case), that ``FILE.py:NAME`` names."""
    path, colon, name = place.rpartition(":")
    if not colon:
        raise InputError(f"{place}: which class of it is not said; give FILE.py:CLASS")
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file; give FILE.py:CLASS")
    if Path(path).suffix != ".py":
        raise InputError(f"{path}: not a Python file; give FILE.py:CLASS")
    file = Path(path).resolve()
    module = types.ModuleType(f"own_{file.stem}")  # whatever the file is called, it hides no other module
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    sys.path.insert(0, str(file.parent))
    exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    if (target := getattr(module, name, None)) is not None:
        return target
    parts = [getattr(module, f"{name}_{part}", None) for part in ("forward", "backward", "case")]
    if parts[0] and parts[1]:
        return tuple(parts)
    raise InputError(
        f"{path}: write a class {name} with forward, backward and a static method case(rng) that returns "
        f"(layer, inputs), or functions {name}_forward and {name}_backward; it has none"
    )


def build(name: str, target: Any, like: str | None) -> tuple[Any, tuple]:
    """Return a layer and the inputs of its forward."""
    ours = make_case(like) if like else None
    if isinstance(target, tuple):
        return build_pair(name, target, ours)
    for method in ("forward", "backward"):
        if not hasattr(target, method) and not hasattr(target, "loss"):
            raise InputError(f"{name}: the class has no method {method}; write one")
    if ours is None:
        if not hasattr(target, "case"):
            raise InputError(
                f"{name}: there is nothing to check it with; give it a static method case(rng) that returns "
                "(layer, inputs), or say --like and a layer of ours"
            )
        layer, inputs = target.case(np.random.default_rng(0))
        return layer, tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    layer, inputs = ours
    if not is_record(target):
        raise InputError(f"{name}: the class is not a record, so its arrays cannot be found; write @record above it")
    arrays = {field.name: getattr(layer, field.name) for field in fields(layer)}
    mine = [field.name for field in fields(target)]
    if set(mine) != set(arrays):
        raise InputError(
            f"{name}: its fields are {', '.join(mine) or 'none'}, those of {like} are {', '.join(arrays) or 'none'}; "
            "give it the same names, so that it can be built with the same arrays"
        )
    return target(**arrays), inputs


@record
class Pair:
    """Two functions as a layer without weights: all its arrays are inputs."""

    forward: Callable
    backward: Callable


def build_pair(name: str, functions: Sequence[Callable], ours: tuple | None) -> tuple[Any, tuple]:
    """Return functions as a layer and the arguments of its forward."""
    forward, backward = functions[:2]
    case = functions[2] if len(functions) > 2 else None
    names = list(inspect.signature(forward).parameters)
    if ours is None:
        if case is None:
            raise InputError(
                f"{name}: there is nothing to check it with; write a function {name}_case(rng) that returns forward's "
                "arguments, or say --like and a layer of ours"
            )
        given = case(np.random.default_rng(0))
        arguments = given if isinstance(given, dict) else dict(zip(names, as_tuple(given)))
    else:
        arguments = dict(zip(inspect.signature(ours[0].forward).parameters, ours[1])) | dict(walk(ours[0]))
    if missing := [argument for argument in names if argument not in arguments]:
        raise InputError(
            f"{name}: forward takes {', '.join(missing)}, but there are {', '.join(arguments)}; rename them"
        )

    def reverse(dy: Any, cache: Any) -> tuple | None:
        gradients = backward(dy, cache)
        return None if gradients is None else (pair, *as_tuple(gradients))

    pair = Pair(forward, reverse)
    return pair, tuple(arguments[argument] for argument in names)


def target_files(place: Any) -> list[str]:
    """Return the files, or a notebook's cells, that code of one's own stands in."""
    if isinstance(place, str):
        return [str(Path(place.rpartition(":")[0]).resolve())]
    functions = place if isinstance(place, tuple) else list(vars(place).values())
    functions = [getattr(function, "__func__", function) for function in functions]
    return [function.__code__.co_filename for function in functions if hasattr(function, "__code__")]


def error_in_code(name: str, path: str | None, files: Sequence[str], error: BaseException) -> InputError:
    """Return an error in code of one's own as one line that says where it happened."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    line, where = frames[-1].lineno if frames else None, path or name
    if isinstance(error, SyntaxError) and error.filename in files:
        line, error.lineno = error.lineno, None  # or its text says the line again
    if isinstance(error, NotImplementedError) and frames:
        return InputError(
            f"{where}, line {line}: {frames[-1].name} is still to be written; the equations are beside it"
        )
    try:
        said = cut(str(error), LONGEST)
    except BaseException:
        said = "its message cannot be shown"
    what = said if isinstance(error, ValueError) and line is None else f"{type(error).__name__}: {said}"
    if line:
        return InputError(f"{where}, line {line}: {what}; mend it")
    return InputError(what if what.startswith(name) else f"{name}: {what}; mend it")  # ours say how to mend it


def template(name: str) -> str:
    """Return a file to start from: forward with its equations, a case, and a backward still to be written."""
    text = (Path(__file__).parent / "templates" / f"{name}.py").read_text(encoding="utf-8")
    return text.partition("\n")[2]  # the first line excuses what is unfinished
