"""No exercise can be passed by an answer that ignores one of its arguments."""

import copy
from importlib import import_module

import pytest

from minis2s.classroom.grading import RIGHT, WRONG
from tests.conftest import ROOT

LESSONS = sorted(path.stem for path in (ROOT / "minis2s/classroom/exercises").glob("lesson_[0-9][0-9].py"))
FUNCTIONS = [
    (lesson, name)
    for lesson in LESSONS
    for name, exercise in import_module(f"minis2s.classroom.exercises.{lesson}").grade.exercises.items()
    if callable(exercise.ours)
]


def exercise_of(lesson: str, name: str):
    """Return an exercise."""
    return import_module(f"minis2s.classroom.exercises.{lesson}").grade.exercises[name]


def recorded(function, calls):
    """Return a function that remembers what it was called with."""

    def recorder(*arguments):
        calls.append(copy.deepcopy(arguments))
        return function(*arguments)

    return recorder


def places(arguments: tuple, above: tuple = ()) -> list[tuple]:
    """Return the way to every argument, and to every member of one that is a tuple, such as a cache."""
    found = []
    for i, part in enumerate(arguments):
        found += [(*above, i), *(places(part, (*above, i)) if isinstance(part, tuple) else [])]
    return found


def put(arguments, way: tuple, value):
    """Return the arguments with another value at one place."""
    if not way:
        return value
    if not (isinstance(arguments, tuple) and way[0] < len(arguments)):
        return arguments
    return tuple(put(part, way[1:], value) if i == way[0] else part for i, part in enumerate(arguments))


def ignoring(function, first: tuple, way: tuple):
    """Return a function that takes for one argument what it was the first time it was called, whatever it is now."""
    value = first
    for i in way:
        value = value[i]
    return lambda *arguments: function(*put(arguments, way, copy.deepcopy(value)))


@pytest.mark.slow
@pytest.mark.parametrize("lesson, name", FUNCTIONS)
def test_an_ignored_argument_is_wrong(lesson, name):
    exercise = exercise_of(lesson, name)
    calls = []
    assert exercise.check(recorded(exercise.ours, calls)).state == RIGHT
    passed = [way for way in places(calls[0]) if exercise.check(ignoring(exercise.ours, calls[0], way)).state != WRONG]
    assert not passed, f"these arguments, or members of them, can be ignored: {passed}"
