"""The grader of the lessons: it says in words what is wrong with an answer, and never stops a notebook.

An ``Exercise`` judges one answer, a ``Lesson`` holds the exercises of one lesson and what the student has done so far.
``exercises/kinds.py`` makes exercises of the usual kinds; lessons/WRITING.md shows how.
"""

import dis
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minis2s.classroom.calling import NoAnswer, StillBlank, Trouble, said_of

RIGHT, WRONG, BLANK = "right", "wrong", "blank"
WIDTH = 100  # of the printed text, in characters


class Grade(NamedTuple):
    """What is said of one answer."""

    state: str  # RIGHT, WRONG or BLANK
    sentences: tuple[str, ...]  # on what is wrong, or on what is still blank
    counts: bool = True  # as an attempt, which earns a hint; an answer of the wrong form does not


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    name : the student's function, or the keyword of ``grade(name=answer)``
    asks : what is asked, in one line, for the summary
    judge : takes the answer, returns a sentence on everything that is wrong with it; none if it is right
    hints : one for the second wrong answer, a stronger one from the third on
    praise : a sentence for the right answer: what it shows
    ours : the reference, which ``Lesson.or_ours`` lends to a student whose answer is not right yet
    hand_on : takes a right answer, returns what the next cells use: it gives its results as ours does
    mistakes : those that judge recognises: what it says of each, and a function that makes it
    """

    name: str
    asks: str
    judge: Callable[[Any], Sequence[str]]
    hints: tuple[str, str]
    praise: str = ""
    ours: Any = None
    hand_on: Callable[[Any], Any] = lambda answer: answer
    mistakes: Sequence[tuple[str, Callable]] = ()

    def check(self, answer: Any) -> Grade:
        """Return the grade of an answer, whatever it is; no error of the student's code comes through."""
        try:
            if is_blank(answer):
                raise StillBlank
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                sentences = tuple(self.judge(answer))
        except StillBlank as blank:
            return Grade(BLANK, (str(blank),) if str(blank) else ())
        except Trouble as trouble:
            return Grade(WRONG, (str(trouble),), not isinstance(trouble, NoAnswer))
        except KeyboardInterrupt:
            return Grade(WRONG, ("you stopped it before it was graded; run the cell again",), False)
        except (Exception, SystemExit) as error:  # an answer such as no test has seen
            said = f"it cannot be graded ({said_of(error)}), being of type {type(answer).__name__}. {self.asks}"
            return Grade(WRONG, (said,), False)
        return Grade(WRONG if sentences else RIGHT, sentences)


class Lesson:
    """The exercises of one lesson, called ``grade`` in its notebook.

    >>> grade(softmax_backward)  # a function, found by its name  # doctest: +SKIP
    >>> grade(steepest="B")  # any other answer, by the name of its exercise  # doctest: +SKIP

    What is done is kept here, in the notebook's process, and nowhere else. The last grade of an exercise counts.
    """

    def __init__(self, number: str, exercises: Sequence[Exercise]):
        self.number = number
        self.exercises = {exercise.name: exercise for exercise in exercises}
        self.answers: dict[str, Any] = {}  # the last one to each exercise
        self.grades: dict[str, Grade] = {}
        self.failures = dict.fromkeys(self.exercises, 0)

    def __call__(self, *functions: Any, **answers: Any) -> None:
        """Grade functions by their names, and other answers by keyword; print what is found."""
        variables = sys._getframe(1).f_globals
        named = {}
        for function in functions:
            if name := self.name_of(function, variables):
                named[name] = function
            elif function is Ellipsis or function is None:
                say(f"Still blank: write your answer in the place of `...`. {self.asked_for()}")
            else:
                shown = getattr(function, "__name__", type(function).__name__)
                say(f"{shown} is no exercise's name; {self.asked_for()}")
        for name, answer in (named | answers).items():
            if name in self.exercises:
                self.grade(name, answer)
            else:
                say(f"There is no exercise {name}; this lesson has {', '.join(self.exercises)}.")

    def name_of(self, function: Any, variables: Mapping[str, Any]) -> str | None:
        """Return the exercise that a function is called after, or the variable that holds it, as with a lambda."""
        if getattr(function, "__name__", None) in self.exercises:
            return function.__name__
        holds = [name for name in self.exercises if callable(function) and variables.get(name) is function]
        return holds[0] if holds else None

    def asked_for(self) -> str:
        """Return how an answer is given."""
        return f"write grade(NAME=...) with a NAME of {', '.join(self.exercises)}."

    def grade(self, name: str, answer: Any) -> None:
        """Judge one answer, remember the grade, and print it, with a hint from the second wrong answer on."""
        exercise = self.exercises[name]
        if callable(answer) and answer is exercise.ours:
            say(f"{name}: this one is ours, lent for the cells below; write your own and run its cell, then grade it.")
            return
        given = self.grades[name] = exercise.check(answer)
        self.answers[name] = answer
        if given.state == BLANK:
            say(f"{name}: still blank{': ' + given.sentences[0] if given.sentences else ''}. {exercise.asks}")
        elif given.state == RIGHT:
            say(f"{name}: right. {exercise.praise}")
        else:
            say(f"{name}: not yet.")
            for sentence in given.sentences:
                say(f"- {sentence}", indent=2)
            if given.counts:
                self.failures[name] += 1
                self.hint(name, new=True)

    def hint(self, name: str, new: bool = False) -> None:
        """Print the hints that wrong answers have earned so far, or only the new one; each comes once by itself."""
        earned = self.failures[name] - 1
        if new and earned > 2:
            say(f'  (grade.hint("{name}") shows the hints again.)')
        elif new and earned:
            say(f"Hint: {self.exercises[name].hints[earned - 1]}", indent=2)
        elif not new:
            hints = self.exercises[name].hints[: max(earned, 0)] or ("none yet: the second wrong answer brings one.",)
            for hint in hints:
                say(f"Hint: {hint}", indent=2)

    def passed(self, name: str) -> bool:
        """Return whether the last answer to an exercise was right."""
        return name in self.grades and self.grades[name].state == RIGHT

    def or_ours(self, name: str) -> Any:
        """Return the student's answer if it was right, else ours, so that the lesson goes on; print which it is."""
        say(f"From here on {name} is {'yours' if self.passed(name) else 'ours, until yours is right'}.")
        exercise = self.exercises[name]
        return exercise.hand_on(self.answers[name]) if self.passed(name) else exercise.ours

    def summary(self) -> None:
        """Print what is done and what is left."""
        done = [name for name in self.exercises if self.passed(name)]
        say(f"Lesson {self.number}: {len(done)} of {len(self.exercises)} exercises done.")
        width = max(map(len, self.exercises))
        for name, exercise in self.exercises.items():
            state = self.grades[name].state if name in self.grades else "not graded yet"
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
