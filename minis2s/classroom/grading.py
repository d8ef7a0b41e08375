"""The grader of the lessons: it says in words what is wrong with an answer, and never stops a notebook.

An ``Exercise`` judges one answer, a ``Lesson`` holds the exercises of one lesson and what the student has done so far.
``exercises/kinds.py`` makes exercises of the usual kinds; lessons/WRITING.md shows how.
"""

import copy
import dis
import linecache
import textwrap
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

RIGHT, WRONG, BLANK = "right", "wrong", "blank"
WIDTH = 100  # of the printed text, in characters


class Trouble(Exception):
    """An answer cannot be judged further; the sentence says why."""


class StillBlank(Exception):
    """The answer is the blank."""


class Verdict(NamedTuple):
    """What is said of one answer."""

    state: str  # RIGHT, WRONG or BLANK
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    name : the student's function, or the keyword of ``grade(name=answer)``
    asks : what is asked, in one line, for the summary
    judge : takes the answer, returns a sentence on everything that is wrong with it; none if it is right
    hints : one for the second wrong answer, a stronger one from the third on
    praise : a sentence for the right answer: what it shows
    ours : the reference, which ``Lesson.or_ours`` lends to a student whose answer is not right yet
    """

    name: str
    asks: str
    judge: Callable[[Any], Sequence[str]]
    hints: tuple[str, str]
    praise: str = ""
    ours: Any = None

    def check(self, answer: Any) -> Verdict:
        """Return the verdict on an answer, whatever it is; no error of the student's code comes through."""
        try:
            if is_blank(answer):
                raise StillBlank
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                sentences = tuple(self.judge(answer))
        except StillBlank:
            return Verdict(BLANK, ())
        except Trouble as trouble:
            return Verdict(WRONG, (str(trouble),))
        except (Exception, SystemExit) as error:  # an answer such as no test has seen
            said = f"it cannot be graded ({said_of(error)}), being of type {type(answer).__name__}. {self.asks}"
            return Verdict(WRONG, (said,))
        return Verdict(WRONG if sentences else RIGHT, sentences)


class Lesson:
    """The exercises of one lesson, called ``grade`` in its notebook.

    >>> grade(softmax_backward)  # a function, found by its name  # doctest: +SKIP
    >>> grade(steepest="B")  # any other answer, by the name of its exercise  # doctest: +SKIP

    What is done is kept here, in the notebook's process, and nowhere else. The last verdict on an exercise counts.
    """

    def __init__(self, number: str, exercises: Sequence[Exercise]):
        self.number = number
        self.exercises = {exercise.name: exercise for exercise in exercises}
        self.answers: dict[str, Any] = {}  # the last one to each exercise
        self.verdicts: dict[str, Verdict] = {}
        self.failures = dict.fromkeys(self.exercises, 0)

    def __call__(self, *functions: Any, **answers: Any) -> None:
        """Grade functions by their names, and other answers by keyword; print what is found."""
        unnamed = [function for function in functions if getattr(function, "__name__", None) not in self.exercises]
        for answer in unnamed:
            shown = getattr(answer, "__name__", type(answer).__name__)
            say(f"{shown} is no exercise's name; write grade(NAME=...) with a NAME of {', '.join(self.exercises)}.")
        named = {function.__name__: function for function in functions if function not in unnamed}
        for name, answer in (named | answers).items():
            if name in self.exercises:
                self.grade(name, answer)
            else:
                say(f"There is no exercise {name}; this lesson has {', '.join(self.exercises)}.")

    def grade(self, name: str, answer: Any) -> None:
        """Judge one answer, remember the verdict, and print it, with a hint from the second wrong answer on."""
        exercise = self.exercises[name]
        verdict = self.verdicts[name] = exercise.check(answer)
        self.answers[name] = answer
        if verdict.state == BLANK:
            say(f"{name}: still blank. {exercise.asks}")
        elif verdict.state == RIGHT:
            say(f"{name}: right. {exercise.praise}")
        else:
            self.failures[name] += 1
            say(f"{name}: not yet.")
            for sentence in verdict.sentences:
                say(f"- {sentence}", indent=2)
            if self.failures[name] > 1:
                say(f"Hint: {exercise.hints[min(self.failures[name], 3) - 2]}", indent=2)

    def passed(self, name: str) -> bool:
        """Return whether the last answer to an exercise was right."""
        return name in self.verdicts and self.verdicts[name].state == RIGHT

    def or_ours(self, name: str) -> Any:
        """Return the student's answer if it was right, else ours, so that the lesson goes on; print which it is."""
        say(f"From here on {name} is {'yours' if self.passed(name) else 'ours, until yours is right'}.")
        return self.answers[name] if self.passed(name) else self.exercises[name].ours

    def summary(self) -> None:
        """Print what is done and what is left."""
        done = [name for name in self.exercises if self.passed(name)]
        say(f"Lesson {self.number}: {len(done)} of {len(self.exercises)} exercises done.")
        width = max(map(len, self.exercises))
        for name, exercise in self.exercises.items():
            state = self.verdicts[name].state if name in self.verdicts else "not graded yet"
            tries = f" ({self.failures[name]} wrong before)" if state == RIGHT and self.failures[name] else ""
            left = "" if state == RIGHT else f": {exercise.asks}"
            say(f"[{'x' if state == RIGHT else ' '}] {name.ljust(width)}  {state}{tries}{left}", indent=6 + width)


def say(text: str, indent: int = 0) -> None:
    """Print a text in lines of at most ``WIDTH`` characters."""
    print(textwrap.fill(text.strip(), WIDTH, subsequent_indent=" " * indent, break_long_words=False))


def is_blank(answer: Any) -> bool:
    """Return whether an answer is ``...`` or None, or a function whose body is that."""
    if answer is None or answer is Ellipsis:
        return True
    if not (code := getattr(answer, "__code__", None)):
        return False
    doing = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP", "POP_TOP")]
    return all(step.opname in ("LOAD_CONST", "RETURN_VALUE", "RETURN_CONST") for step in doing) and all(
        step.argval in (None, Ellipsis) for step in doing if step.opname != "RETURN_VALUE"
    )


def call(function: Callable, *arguments: Any) -> Any:
    """Return what the student's function returns for copies of the arguments.

    Raises
    ------
    Trouble
        If it is no function, raises an error, changes an argument or returns nothing.
    StillBlank
        If it is unfinished: NotImplementedError, or ``...`` returned.
    """
    if not callable(function):
        raise Trouble(f"it is no function but of type {type(function).__name__}; give grade the function itself")
    given = copy.deepcopy(arguments)
    try:
        found = function(*given)
    except NotImplementedError:
        raise StillBlank from None
    except (Exception, SystemExit) as error:
        raise Trouble(f"it raised {said_of(error)}{line_of(error, function)}") from None
    if found is Ellipsis or (isinstance(found, (tuple, list)) and any(part is Ellipsis for part in found)):
        raise StillBlank
    if found is None:
        raise Trouble("it returned None: is the `return` missing?")
    for i, (now, before) in enumerate(zip(given, arguments)):
        if not unchanged(now, before):
            raise Trouble(f"it changed its argument {argument_name(function, i)}; work on a new array or a copy")
    return found


def said_of(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"


def line_of(error: BaseException, function: Callable) -> str:
    """Return the last line of the student's own code in the traceback of an error, or nothing."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    numbers = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    text = linecache.getline(file, numbers[-1]).strip() if numbers else ""
    return f", in the line `{text}`" if text else ""


def unchanged(now: Any, before: Any) -> bool:
    """Return whether two values hold the same bits, as far as arrays in tuples, lists and dicts go."""
    if isinstance(before, np.ndarray):
        return now.shape == before.shape and np.array_equal(now, before, equal_nan=before.dtype.kind in "fc")
    if isinstance(before, (tuple, list)):
        return len(now) == len(before) and all(map(unchanged, now, before))
    if isinstance(before, dict):
        return now.keys() == before.keys() and all(unchanged(now[key], before[key]) for key in before)
    return True


def argument_name(function: Callable, i: int) -> str:
    """Return the name of a function's argument, or its number."""
    code = getattr(function, "__code__", None)
    return code.co_varnames[i] if code and i < code.co_argcount else f"number {i + 1}"
