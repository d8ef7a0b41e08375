"""The grader: it takes any answer, says what is wrong in words, and keeps what is done in this process only."""

import warnings

import numpy as np
import pytest

from minis2s.classroom.exercises.comparing import compare
from minis2s.classroom.exercises.kinds import backward_exercise, function_exercise, prediction_exercise
from minis2s.classroom.grading import BLANK, RIGHT, WRONG, Exercise, Lesson, Trouble, is_blank
from minis2s.classroom.lesson import dataset, size
from minis2s.errors import InputError

HINTS = ("look", "look closer")


def twice(x):
    return 2 * x


DOUBLE = function_exercise("double", "Double x.", twice, {"three": (np.arange(3.0),)}, HINTS, praise="Well.")
LETTER = prediction_exercise("letter", "Which?", {"A": "one", "B": "two"}, "B", {"A": "think"}, "Yes.")


@pytest.fixture
def grade():
    return Lesson("00", [DOUBLE, LETTER])


def out(capsys) -> str:
    return capsys.readouterr().out


def test_answers_by_name_and_by_keyword(grade, capsys):
    def double(x):
        return x + x

    grade(double, letter="A")
    assert out(capsys) == "double: right. Well.\nletter: not yet.\n- not A (one): think\n"
    grade(double=lambda x: 2 * x)
    assert grade.passed("double") and not grade.passed("letter")


def test_strangers(grade, capsys):
    grade(twice, "B", 3, triple=twice)
    lines = out(capsys).splitlines()
    assert lines[0] == "twice is no exercise's name; write grade(NAME=...) with a NAME of double, letter."
    assert lines[1].startswith("str is no") and lines[2].startswith("int is no")
    assert lines[3] == "There is no exercise triple; this lesson has double, letter."
    assert not grade.verdicts


def test_the_summary(grade, capsys):
    grade.summary()
    first = out(capsys).splitlines()
    assert first[0] == "Lesson 00: 0 of 2 exercises done." and first[1] == "[ ] double  not graded yet: Double x."
    grade(double=lambda x: x, letter=...)
    grade(double=twice)
    out(capsys)
    grade.summary()
    lines = out(capsys).splitlines()
    assert lines[0] == "Lesson 00: 1 of 2 exercises done."
    assert lines[1] == "[x] double  right (1 wrong before)" and lines[2] == "[ ] letter  blank: Which?"
    grade(double=lambda x: x)
    assert not grade.passed("double"), "the last answer counts"


def test_yours_or_ours(grade, capsys):
    def mine(x):
        return x * 2

    assert grade.or_ours("double") is twice and "ours, until yours is right" in out(capsys)
    grade(double=lambda x: x)
    assert grade.or_ours("double") is twice
    grade(double=mine)
    assert grade.or_ours("double") is mine and "double is yours" in out(capsys)


def stub(x):
    """What it should do."""


def dots(x):
    """What it should do."""
    ...


def unfinished(x):
    y = ...
    return y


def not_implemented(x):
    raise NotImplementedError


@pytest.mark.parametrize("answer", [None, ..., stub, dots, unfinished, not_implemented, lambda x: None])
def test_blanks(answer):
    assert DOUBLE.check(answer).state == BLANK


def test_what_is_not_blank():
    assert not is_blank(twice) and not is_blank(lambda x: 3) and not is_blank(0) and not is_blank("")
    assert DOUBLE.check(lambda x: print(end="")).sentences == ("it returned None: is the `return` missing?",)


class Strange:
    """An array that is none."""

    def __array__(self, *arguments, **options):
        raise RuntimeError("never mind")


@pytest.mark.parametrize(
    "answer", [lambda x: Strange(), lambda x: exit(), lambda x: [[1], [2, 3]], Strange(), np.ones(3)]
)
def test_nothing_gets_through(answer):
    assert DOUBLE.check(answer).state == WRONG


def test_a_judge_that_fails():
    exercise = Exercise("any", "Do.", lambda answer: 1 / 0, HINTS)
    (said,) = exercise.check(3).sentences
    assert said == "it cannot be graded (ZeroDivisionError: division by zero), being of type int. Do."

    def judge(answer):
        raise Trouble("oh")

    assert Exercise("any", "Do.", judge, HINTS).check(3).sentences == ("oh",)


def test_warnings_of_the_answer_are_kept_quiet(recwarn):
    assert "not finite" in DOUBLE.check(lambda x: np.log(x - 1)).sentences[0]
    assert DOUBLE.check(lambda x: warnings.warn("oh", stacklevel=1) or 2 * x).state == RIGHT
    assert not recwarn.list


def gated_forward(x, W):  # (N, E), (2, E, H)
    hidden = np.tanh(x @ W)
    return (hidden[0], hidden[1].sum()), (x, W, hidden)


def gated_backward(doutput, cache):
    x, W, hidden = cache
    da = np.stack([doutput[0], doutput[1] * np.ones_like(hidden[1])]) * (1 - hidden**2)
    return (da @ W.swapaxes(1, 2)).sum(0), x.T @ da


def test_two_outputs_two_inputs_and_gates():
    rng = np.random.default_rng(0)
    cases = {"random": (rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 5)))}
    exercise = backward_exercise(
        *("gated_backward", "Derive.", gated_forward, gated_backward, cases, HINTS),
        gates={"dW": ("r", "z")},
        sizes=lambda x, W: {"N": len(x)},
    )
    assert exercise.check(gated_backward).state == RIGHT

    def said(change):
        return exercise.check(lambda doutput, cache: change(*gated_backward(doutput, cache))).sentences

    assert "only gate z wrong, r right" in said(lambda dx, dW: (dx, dW * np.array([1, -1])[:, None, None]))[0]
    assert said(lambda dx, dW: (dx / 4, dW))[0].endswith("; dW is right (case: random)")
    assert "1/N with N = 4" in said(lambda dx, dW: (dx / 4, dW))[0]
    assert "swapped" in said(lambda dx, dW: (dx, dW[::-1]))[0]
    assert said(lambda dx, dW: dx) == ("it returned 1 array; wanted: dx, dW",)
    assert len(said(lambda dx, dW: (-dx, 2 * dW))) == 2


@pytest.mark.parametrize(
    "returned, says",
    [
        ([[1, 2], [3]], "the result is no array: its rows differ in length: 2, 1; make it one array, padding included"),
        ([np.ones(4), 1.0], "differ in length: 4, 0;"),
        ([np.ones((2, 3)), np.ones((2, 4))], "its rows differ in shape;"),
        (np.array(["a", 1]), "the result is no array of numbers: its dtype is <U"),
        ("abc", "the result is no array of numbers: it is of type str"),
    ],
)
def test_what_is_no_array_of_numbers(returned, says):
    (said,) = DOUBLE.check(lambda x: returned).sentences
    assert says in said and said.startswith("the result is no array")


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda y: y[:, None] * np.ones(2), "its shape is (3, 2), wanted (3,): right after .mean(1)"),
        (lambda y: np.stack([y, 0 * y]), ": right after .sum(0), over the axis that forward broadcast"),
        (lambda y: y[None], ": right after .sum(0)"),
        (lambda y: y[:2], "its shape is (2,), wanted (3,) (case: three)"),
        (lambda y: y > 0, "expected"),
    ],
)
def test_shapes(change, says):
    assert says in DOUBLE.check(lambda x: change(twice(x))).sentences[0]


def test_truth_values():
    exercise = function_exercise("odd", "Odd?", lambda x: x % 2 == 1, {"five": (np.arange(5),)}, HINTS)
    assert exercise.check(lambda x: x % 2 == 1).state == exercise.check(lambda x: (x % 2).astype(bool)).state == RIGHT
    assert exercise.check(lambda x: x % 2 == 0).sentences == ("the result: 5 of 5 are wrong (case: five)",)


def test_predictions_explain_every_wrong_choice():
    with pytest.raises(ValueError, match="why_not has"):
        prediction_exercise("letter", "Which?", {"A": "one", "B": "two", "C": "three"}, "B", {"A": "think"}, "Yes.")


def test_sizes_and_data_sets(monkeypatch, tmp_path):
    assert size(10, 2) == 10
    monkeypatch.setenv("MINIS2S_LESSON", "small")
    assert size(10, 2) == 2
    monkeypatch.chdir(tmp_path)
    assert dataset("dates.tsv").name == "dates.tsv" and dataset("dates.tsv").is_file()
    with pytest.raises(InputError, match="open it in a clone"):
        dataset("nothing.tsv")


def test_a_wrong_number_is_told_with_the_right_one():
    (said,) = compare({"dw": np.array(0.31)}, {"dw": np.array(0.1234567)}, [], 1e-9)
    assert said == "dw: it is 0.31, 2.511 times the wanted 0.123457"
    (said,) = compare({"dw": np.array(0.2)}, {"dw": np.array(0.1)}, [], 1e-9)
    assert "factor of 2" in said
