"""How a grader is graded: blanks are blank, wrong answers are told why, right ones pass, hints come in turn."""

from collections.abc import Sequence
from typing import Any

from minis2s.classroom.grading import BLANK, RIGHT, WRONG, Exercise, Lesson


def blank_function(*arguments):
    """As a student finds it."""
    ...


def check(exercise: Exercise, right: Sequence[Any], wrong: Sequence[tuple[Any, str]]) -> None:
    """Assert the verdicts on the blanks, on right answers and on wrong ones, whose verdict holds the given phrase."""
    assert len(right) >= 2 and len(wrong) >= 3, "at least two right answers, which differ, and three wrong ones"
    for answer in (..., None, blank_function):
        assert exercise.check(answer).state == BLANK
    for i, answer in enumerate(right):
        verdict = exercise.check(answer)
        assert verdict.state == RIGHT, f"right answer {i}: {verdict}"
    for i, (answer, phrase) in enumerate(wrong):
        verdict = exercise.check(answer)
        assert verdict.state == WRONG, f"wrong answer {i} passes"
        assert phrase in " ".join(verdict.sentences), f"wrong answer {i}: {verdict.sentences}"
    assert exercise.asks and len(exercise.hints) == 2 and exercise.hints[0] != exercise.hints[1]


def printed(exercise: Exercise, answers: Sequence[Any], capsys) -> list[str]:
    """Return what is printed for answers given one after the other, in a lesson of their own."""
    lesson, texts = Lesson("00", [exercise]), []
    for answer in answers:
        lesson.grade(exercise.name, answer)
        texts.append(" ".join(capsys.readouterr().out.split()))
    return texts
