"""The grader: it takes any answer, says what is wrong in words, and keeps what is done in this process only."""

import builtins
import re
import warnings
from fractions import Fraction

import numpy as np
import pytest

from minis2s.classroom import calling
from minis2s.classroom.calling import Trouble
from minis2s.classroom.exercises.comparing import differences
from minis2s.classroom.exercises.kinds import (
    backward_exercise,
    function_exercise,
    number_exercise,
    prediction_exercise,
)
from minis2s.classroom.grading import BLANK, RIGHT, WRONG, Exercise, Lesson, is_blank
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
    assert not grade.grades


def test_the_summary(grade, capsys):
    grade.summary()
    first = out(capsys).splitlines()
    assert first[0] == "Lesson 00: 0 of 2 exercises done." and first[1] == "[ ] double  not graded yet: Double x."
    grade(double=lambda x: x, letter=...)
    grade(double=lambda x: x + x)
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
    assert grade.or_ours("double").__wrapped__ is mine and "double is yours" in out(capsys)


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
        (lambda y: np.stack([y, 0 * y]), ": right after .sum(0) (case"),
        (lambda y: y[None], ": right after .sum(0)"),
        (lambda y: y[:2], "its shape is (2,), wanted (3,) (case: three)"),
        (lambda y: y > 0, "2 of 3 numbers are wrong; the first: found 1 at [1], wanted 2 (case: three)"),
    ],
)
def test_shapes(change, says):
    assert says in DOUBLE.check(lambda x: change(twice(x))).sentences[0]


def test_truth_values():
    exercise = function_exercise("odd", "Odd?", lambda x: x % 2 == 1, {"five": (np.arange(5),)}, HINTS)
    assert exercise.check(lambda x: x % 2 == 1).state == exercise.check(lambda x: (x % 2).astype(bool)).state == RIGHT
    assert exercise.check(lambda x: x % 2 == 0).sentences == (
        "the result: 5 of 5 are wrong; found [ True, False, True, False, True], wanted [False, True, False, True, "
        "False] (case: five)",
    )


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
    (said,) = differences({"dw": np.array(0.31)}, {"dw": np.array(0.1234567)}, [], 1e-9)
    assert said == "dw: it is 0.31, 2.511 times the wanted 0.123457"
    (said,) = differences({"dw": np.array(0.2)}, {"dw": np.array(0.1)}, [], 1e-9)
    assert said == "dw: it is 0.2, 2 (counted twice) times the wanted 0.1"


def loops(x):
    while True:
        pass


def catches(x):
    while True:
        try:
            x = x + 1
        except Exception:
            pass


@pytest.mark.parametrize("answer, line", [(loops, "pass"), (catches, "x = x + 1")])
def test_an_answer_that_does_not_end(answer, line, monkeypatch):
    monkeypatch.setattr(calling, "SECONDS", 0.2)
    verdict = DOUBLE.check(answer)
    (said,) = verdict.sentences
    assert said.startswith("after 0.2 seconds it was still at work, in the line `") and said.endswith("the loop end?")
    assert not verdict.counts


def test_an_answer_that_is_stopped_by_hand_or_asks():
    def stopped(x):
        raise KeyboardInterrupt

    (said,) = DOUBLE.check(stopped).sentences
    assert said == "you stopped it, in the line `raise KeyboardInterrupt`: does the loop end?"

    def asking(x):
        return input("x? ")

    assert DOUBLE.check(asking).sentences[0].startswith("it raised RuntimeError: input() has nobody to ask")
    assert input is builtins.input and input.__name__ != "nobody_answers"


def test_an_answer_of_the_wrong_form_is_no_attempt(grade, capsys):
    for answer in (4, "D", "b or c", ["B"], 1e-5):
        grade(letter=answer)
    grade(double=lambda x: 2 * y)  # noqa: F821
    grade(double=lambda x: print(end=""))
    grade(double=np.ones(3))
    assert grade.failures == {"double": 0, "letter": 0} and "Hint" not in out(capsys)
    for answer in ("B", "b.", "b)", " (B) ", "B: two", "Two"):
        grade(letter=answer)
        assert grade.passed("letter")


def test_each_hint_comes_once(grade, capsys):
    texts = []
    for _ in range(4):
        grade(double=lambda x: x)
        texts.append(out(capsys))
    assert [("look" in text, "closer" in text) for text in texts] == [
        *((False, False), (True, False), (True, True), (False, False))
    ]
    grade.hint("double")
    assert out(capsys).split() == ["Hint:", "look", "Hint:", "look", "closer"]
    grade.hint("letter")
    assert "none yet" in out(capsys)


def test_what_is_lent_cannot_be_handed_in(grade, capsys):
    grade(double=lambda x: x)
    lent = grade.or_ours("double")
    grade(double=lent)
    assert not grade.passed("double") and "this one is ours" in out(capsys)

    def double(x):
        return (2 * x).tolist()

    grade(double)
    handed_on = grade.or_ours("double")
    grade(handed_on)
    assert grade.passed("double") and isinstance(handed_on(np.ones(2)), np.ndarray)


def test_what_is_handed_on_has_the_kinds_of_ours(capsys):
    exercise = function_exercise(
        *("parts", "Do.", lambda n: (np.arange(n), np.arange(n) > 1, 0.5), {"3": (3,), "70,000": (70_000,)}, HINTS),
        outputs=("ids", "mask", "share"),
    )
    lesson = Lesson("00", [exercise])
    lesson(parts=lambda n: [np.arange(n, dtype=np.uint32), [i > 1 for i in range(n)], Fraction(1, 2)])
    ids, mask, share = lesson.or_ours("parts")(4)
    assert ids.dtype == int and mask.dtype == bool and type(share) is float
    lesson(parts=lambda n: (np.arange(n), np.arange(n) > 1, 0.5 + 0 / (n - 7)))
    capsys.readouterr()
    parts = lesson.or_ours("parts")
    assert parts(7)[2] == parts(7)[2] == 0.5, "ours goes on where yours fails"
    assert out(capsys).count("ZeroDivisionError") == 1


def test_ids_and_masks_that_cannot_index():
    cases = {"4": (4,), "300": (300,)}
    exercise = function_exercise(
        "ids", "Do.", lambda n: (np.arange(n), np.arange(n) > 1), cases, HINTS, ("ids", "mask")
    )

    def said(ids, mask):
        return " ".join(exercise.check(lambda n: (np.arange(n).astype(ids), (np.arange(n) > 1).astype(mask))).sentences)

    assert not said(np.uint16, bool) and not said(np.int64, bool)
    assert "float64; as an index they have to be whole" in said(float, bool)
    assert "it has to be bool" in said(int, int)
    assert "it is uint8, which ends at 255; there are numbers up to 299" in said(np.uint8, bool)


def test_half_an_answer():
    rng = np.random.default_rng(0)
    exercise = backward_exercise(
        *(
            "half",
            "Derive.",
            gated_forward,
            gated_backward,
            {"": (rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 5)))},
        ),
        hints=HINTS,
    )
    verdict = exercise.check(lambda doutput, cache: (gated_backward(doutput, cache)[0], ...))
    assert verdict.state == BLANK and verdict.sentences == ("dW is `...`; dx right",)
    verdict = exercise.check(lambda doutput, cache: (..., 0))
    assert verdict.state == BLANK and verdict.sentences == ("dx is `...`; dW not right yet",)
    verdict = exercise.check(lambda doutput, cache: (doutput[0] * ..., 0))
    assert verdict.state == BLANK and verdict.sentences[0].startswith("it computes with `...`, in the line")


def test_stacked_and_exchanged_results():
    def forward(x, y, z):
        return x * y + z * z, (x, y, z)

    def backward(d, cache):
        x, y, z = cache
        return d * y, d * x, 2 * d * z

    rng = np.random.default_rng(0)
    cases = {"": tuple(rng.normal(size=(3, 2, 4)))}
    exercise = backward_exercise("three", "Derive.", forward, backward, cases, HINTS)

    def said(order):
        return exercise.check(lambda d, cache: [backward(d, cache)[i] for i in order]).sentences

    assert exercise.check(lambda d, cache: np.stack(backward(d, cache))).state == RIGHT
    assert said([0, 2, 1]) == ("dy and dz are in each other's places; dx is right (case: )",)
    assert said([1, 2, 0])[0].startswith("the results are in another order than wanted: in the place of dx stands dy, ")
    (one,) = exercise.check(lambda d, cache: tuple(-part for part in backward(d, cache))).sentences
    assert one.startswith("dx, dy, dz: consistent with a factor of -1") and one.count("found") == 1


def test_what_was_changed_is_said_to_the_member():
    def forward(x, w):
        return x * w, (x, w)

    exercise = backward_exercise(
        "b", "Do.", forward, lambda d, cache: (d * cache[1], d * cache[0]), {"": (np.ones(2), np.ones(2))}, HINTS
    )

    def changes(d, cache):
        cache[1][0] = 7
        return d, d

    assert "it changed its argument cache, in cache[1]; work" in exercise.check(changes).sentences[0]

    class Model:
        def __init__(self):
            self.b, self.names = np.zeros(2), ["a"]

    for spoil, where in ((lambda m: m.b.fill(1), ".b"), (lambda m: m.names.append("b"), ".names")):
        model = Model()
        with pytest.raises(Trouble, match=re.escape(f"in model{where}")):
            calling.call(lambda model, spoil=spoil: spoil(model) or 1, model)


WORDS_OF_GRADIENTS = re.compile("backward|gradient|path|cosine")


@pytest.mark.parametrize("change", [lambda y: 0 * y, lambda y: y / 0, lambda y: y[::-1], lambda y: y + 1, lambda y: -y])
@pytest.mark.parametrize("ours", [twice, lambda x: (2 * x).sum(), lambda x: (2 * x).astype(int)])
def test_a_forward_exercise_says_nothing_of_gradients(ours, change):
    exercise = function_exercise("y", "Do.", ours, {"": (np.arange(1.0, 4),)}, HINTS)
    verdict = exercise.check(lambda x: change(np.atleast_1d(ours(x)).astype(float)).reshape(np.shape(ours(x))))
    assert verdict.state == WRONG or change(np.ones(1)) == 1
    assert not WORDS_OF_GRADIENTS.search(" ".join(verdict.sentences))


def test_fractions_cut_off_and_minus_zero():
    x = np.array([0.5, 1.25, -2.5])
    exercise = function_exercise("y", "Do.", lambda x: x, {"": (x,)}, HINTS)
    assert "it is int64, which holds no fractions" in exercise.check(lambda x: x.astype(np.int64)).sentences[0]
    (said,) = differences({"y": np.array([-0.0, 1.25])}, {"y": np.array([1.0, 2.5])}, [], 1e-9)
    assert "-0" not in said


def test_a_variable_names_a_lambda(grade, capsys):
    variables = {"grade": grade, "np": np}
    exec("double = lambda x: 2 * x\ngrade(double)\ngrade(...)\ngrade(lambda x: x)", variables)
    lines = out(capsys)
    assert grade.passed("double") and "Still blank" in lines and "<lambda> is no exercise's name; write grade" in lines


@pytest.mark.parametrize("number", [3, "3", 3.0, np.array([3.0]), 3 + 0j, [3], Fraction(3)])
def test_numbers_in_any_dress(number):
    assert number_exercise("n", "How many?", 3.0, HINTS).check(number).state == RIGHT


@pytest.mark.parametrize("number", [np.nan, np.inf, "nan", 3 + 1j, [3, 3], "three"])
def test_what_is_no_number(number):
    verdict = number_exercise("n", "How many?", 3.0, HINTS).check(number)
    assert "it should be a number" in verdict.sentences[0] and not verdict.counts


def test_a_gradient_right_to_some_digits():
    exercise = backward_exercise(
        *("b", "Do.", lambda x: (np.sin(x), x), lambda d, x: d * np.cos(x), {"": (np.arange(1.0, 5),)}, HINTS)
    )
    (said,) = exercise.check(lambda d, x: d * (np.sin(x + 1e-11) - np.sin(x)) / 1e-11).sentences
    assert said.startswith("dx: right to ") and "rounding (a difference of numbers nearly alike" in said
    (said,) = exercise.check(lambda d, x: d * np.cos(x).round(1)).sentences
    assert "none of the usual causes" in said and "cosine" not in said
