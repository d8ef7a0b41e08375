"""The grader of lesson 00, graded."""

from fractions import Fraction

import numpy as np
import pytest

from minis2s.classroom.exercises.lesson_00 import grade
from tests.classroom.graded import check, printed

EXERCISES = grade.exercises


def counted(hypotheses, references):
    right = 0
    for i in range(len(references)):
        if hypotheses[i] == references[i]:
            right += 1
    return right / len(references)


def as_array(hypotheses, references):
    return np.mean([h == r for h, r in zip(hypotheses, references)])


def of_letters(hypotheses, references):
    hits = [a == b for h, r in zip(hypotheses, references) for a, b in zip(h, r)]
    return sum(hits) / len("".join(references))


def as_far_as_both_go(hypotheses, references):
    right = 0
    for h, r in zip(hypotheses, references):
        right += all(a == b for a, b in zip(h, r))
    return right / len(references)


def stops_at_the_first(hypotheses, references):
    for h, r in zip(hypotheses, references):
        if h == r:
            return 1 / len(references)


def test_exact_match():
    wrong = [
        (of_letters, "this counts right letters"),
        (
            lambda h, r: sum(a == b for x, y in zip(h, r) for a, b in zip(x, y)) / len(r),
            "divides by the number of words",
        ),
        (as_far_as_both_go, "zip ends with the shorter"),
        (lambda hypotheses, references: sum(h == r for h, r in zip(hypotheses, references)), "divide by how many"),
        (lambda hypotheses, references: 100 * counted(hypotheses, references), "in per cent"),
        (lambda hypotheses, references: float(hypotheses == references), "whether all are right at once"),
        (lambda hypotheses, references: hypotheses == references, "whether all are right at once"),
        (lambda hypotheses, references: 1 - counted(hypotheses, references), "counts the wrong ones"),
        (lambda hypotheses, references: len(set(hypotheses) & set(references)) / len(hypotheses), "anywhere among"),
        (lambda hypotheses, references: [h == r for h, r in zip(hypotheses, references)], "its shape is (7,)"),
        (
            lambda hypotheses, references: np.array(hypotheses) == np.array(references),
            "its shape is (7,), wanted (): right after .mean(0) (case",
        ),
        (lambda hypotheses, references: print(end=""), "is the `return` missing?"),
        (lambda hypotheses, references: counted(hypotheses, reference), "raised NameError"),  # noqa: F821
        (lambda hypotheses, references: f"{counted(hypotheses, references)}", "no array of numbers"),
        (lambda h, r: sum(sorted(a) == sorted(b) for a, b in zip(h, r)) / len(h), "letters in another order"),
        (lambda h, r: sum(a.lower() == b.lower() for a, b in zip(h, r)) / len(h), "CBA is not cba"),
        (lambda h, r: sum(a.strip() == b.strip() for a, b in zip(h, r)) / len(h), "spaces count"),
        (lambda h, r: sum(a is b for a, b in zip(h, r)) / len(h), "one object in memory"),
        (lambda h, r: round(counted(h, r), 2), "it is 0.71, right to 2 digits; wanted 0.714286: is it rounded?"),
        (lambda h, r: sum(a == b for a, b in zip(h, r)) // len(h), "cut the fraction off?"),
        (lambda h, r: sum(h[i] == r[i] for i in range(len(h) - 1)) / len(h), "the last pair is left out"),
        (stops_at_the_first, "returns at the first right word"),
        (lambda h, r: sum(set(a) == set(b) for a, b in zip(h, r)) / len(h), "1.5 times the wanted"),
    ]
    check(
        EXERCISES["exact_match"],
        [
            counted,
            as_array,
            lambda h, r: Fraction(sum(map(str.__eq__, h, r)), len(h)),
            lambda h, r: sum(map(str.__eq__, h, r)) / len(h),
        ],
        wrong,
    )


def test_whole_word():
    wrong = [
        (0.9**8, "`<eos>` has to be right, too"),
        (0.9, "that is one sign"),
        (0.9**10, "that is ten times"),
        (0.9 * 8, "and `<eos>` counts, too"),
        (0.9 * 9, "multiplied, not added"),
        (1 - 0.9**9, "something is wrong"),
        (38.7, "as a fraction of 1"),
        (0.5, "too large"),
        (0.3, "too small"),
        ("most likely", "it should be a number"),
    ]
    check(EXERCISES["whole_word"], [0.9**9, 0.387, 0.39, "0.3874"], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("first_look", "B", {"A": "which letter does it have to write first", "C": "whatever their order"}),
        ("which_n", "B", {"A": "which n does it meet first", "C": "more than its letter"}),
        ("trains", "A", {"B": "at every step of every word", "C": "makes the loss larger"}),
        (
            "where",
            "B",
            {"A": "every array of the encoder's cell", "C": "three arrays", "D": "could be right"},
        ),
    ],
)
def test_predictions(name, right, wrong):
    others = [("E", "choose one of A, B"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])


def test_hints_come_in_turn(capsys):
    exercise = EXERCISES["exact_match"]
    texts = printed(exercise, [..., of_letters, of_letters, of_letters, counted], capsys)
    assert ["Hint" in text for text in texts] == [False, False, True, True, False]
    assert exercise.hints[0] in texts[2] and exercise.hints[1] in texts[3]
    assert texts[0].startswith("exact_match: still blank.") and texts[4].startswith(
        "exact_match: right. All or nothing"
    )
