"""Every mistake that an exercise knows is told its own sentence, not that of another one."""

import pytest

from minis2s.classroom.grading import WRONG
from tests.classroom.test_arguments import FUNCTIONS, exercise_of


@pytest.mark.parametrize("lesson, name", FUNCTIONS)
def test_each_slip_is_recognised(lesson, name):
    exercise = exercise_of(lesson, name)
    for slip in exercise.slips:
        verdict = exercise.check(slip.gives)
        assert verdict.state == WRONG and slip.sentence in " ".join(verdict.sentences), (slip.sentence, verdict)
