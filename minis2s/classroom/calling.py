"""Call a student's function: on copies, within a time limit, with a sentence for every way it can fail."""

import builtins
import copy
import ctypes
import inspect
import linecache
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

SECONDS = 10  # of the processor, for one call; a right answer takes thousandths
SHOTS = 3  # TooLong is raised so often: a bare except inside a loop may catch the first


class Trouble(Exception):
    """An answer cannot be judged further; the sentence says why."""


class NoAnswer(Trouble):
    """The form is wrong, such as a name that is not defined: it counts as no attempt, and no hint would fit it."""


class StillBlank(Exception):
    """The answer is the blank, or so is a part of it, which the sentence names."""


class TooLong(BaseException):
    """The time is up; no ``except Exception`` of the student's catches it."""


def call(function: Callable, *arguments: Any) -> Any:
    """Return what the student's function returns for copies of the arguments.

    Raises
    ------
    Trouble
        If it raises an error, changes an argument, returns nothing, does not end, or is no function.
    StillBlank
        If it is unfinished: NotImplementedError, or ``...`` returned or computed with.
    """
    if not callable(function):
        raise NoAnswer(f"it is no function but of type {type(function).__name__}; give grade the function itself")
    given = copy.deepcopy(arguments)
    try:
        with limited(SECONDS):
            found = function(*given)
    except NotImplementedError:
        raise StillBlank from None
    except KeyboardInterrupt as error:
        raise NoAnswer(f"you stopped it{line_of(error, function)}: does the loop end?") from None
    except TooLong as error:
        busy = f"after {SECONDS} seconds it was still at work{line_of(error, function)}"
        raise NoAnswer(f"{busy}: does the loop end?") from None
    except NameError as error:
        raise NoAnswer(f"it raised {said_of(error)}{line_of(error, function)}") from None
    except (Exception, SystemExit) as error:
        if "ellipsis" in str(error):
            raise StillBlank(f"it computes with `...`{line_of(error, function)}") from None
        raise Trouble(f"it raised {said_of(error)}{line_of(error, function)}") from None
    if found is Ellipsis or (isinstance(found, (tuple, list)) and found and all(part is Ellipsis for part in found)):
        raise StillBlank
    if found is None:
        raise NoAnswer("it returned None: is the `return` missing?")
    for i, (now, before) in enumerate(zip(given, arguments)):
        if (where := change(now, before)) is not None:
            name = argument_name(function, i)
            member = f", in {name}{where}" if where else ""
            raise Trouble(f"it changed its argument {name}{member}; work on a new array or a copy")
    return found


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLong in this thread when the process has worked for so many seconds; ``input()`` raises an error."""
    thread, begin, done = threading.get_ident(), time.process_time(), threading.Event()

    def watch() -> None:
        for shot in range(SHOTS):
            while time.process_time() - begin < seconds + shot:
                if done.wait(0.05):
                    return
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooLong))

    watcher = threading.Thread(target=watch, daemon=True)
    asks, builtins.input = builtins.input, nobody_answers
    watcher.start()
    try:
        yield
    finally:
        builtins.input = asks
        done.set()
        watcher.join()


def nobody_answers(*prompt: Any) -> str:
    """Stand in for ``input`` while an answer is graded."""
    raise RuntimeError("input() has nobody to ask while it is graded; take what you need from the arguments")


def said_of(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"


def line_of(error: BaseException, function: Callable) -> str:
    """Return the last line of the student's own code in the traceback of an error, or nothing."""
    file = getattr(getattr(inspect.unwrap(function), "__code__", None), "co_filename", None)
    numbers = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    text = linecache.getline(file, numbers[-1]).strip() if numbers else ""
    return f", in the line `{text}`" if text else ""


def change(now: Any, before: Any) -> str | None:
    """Return where two values differ first, such as ``[1]`` or ``.cell.W_x``, or None if they hold the same."""
    if now is before:
        return None
    if type(now) is not type(before):
        return ""
    if isinstance(before, np.ndarray):
        alike = now.shape == before.shape and np.array_equal(now, before, equal_nan=before.dtype.kind in "fc")
        return None if alike else ""
    if isinstance(before, (str, int, float, complex, np.generic)):
        return None if now == before or before != before else ""
    parts = members(now), members(before)
    if parts[0].keys() != parts[1].keys():
        return ""
    inner = ((step, change(parts[0][step], part)) for step, part in parts[1].items())
    return next((step + where for step, where in inner if where is not None), None)


def members(value: Any) -> dict[str, Any]:
    """Return what a container or a record holds, by how one writes the way to it."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {f".{name}": part for name, part in zip(value._fields, value)}
    if isinstance(value, (tuple, list)):
        return {f"[{i}]": part for i, part in enumerate(value)}
    if isinstance(value, dict):
        return {f"[{key!r}]": part for key, part in value.items()}
    return {f".{name}": part for name, part in getattr(value, "__dict__", {}).items()}


def argument_name(function: Callable, i: int) -> str:
    """Return the name of a function's argument, or its number."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_varnames[i] if code and i < code.co_argcount else f"number {i + 1}"
