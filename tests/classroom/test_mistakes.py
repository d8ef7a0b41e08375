"""Every mistake that an exercise knows is told its own sentence, not that of another one."""

import pytest

from minis2s.classroom.grading import WRONG
from tests.classroom.test_arguments import FUNCTIONS, exercise_of


@pytest.mark.parametrize("lesson, name", FUNCTIONS)
def test_each_mistake_is_recognised(lesson, name):
    exercise = exercise_of(lesson, name)
    for sentence, make in exercise.mistakes:
        grade = exercise.check(make)
        assert grade.state == WRONG and sentence in " ".join(grade.sentences), (sentence, grade)
