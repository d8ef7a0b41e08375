"""The grader of lesson 12, graded."""

import json
from itertools import combinations

import numpy as np
import pytest

from minis2s.checks import batch_independence, hard_batch, padding_invariance, parity
from minis2s.checks.derivatives import relative_error
from minis2s.checks.invariances.batching import widened
from minis2s.checks.invariances.outputs import loss_and_gradient
from minis2s.classroom.exercises.lesson_12 import FEWEST, FIVE, SHOWN, grade, random_model
from minis2s.layers import to_vector, walk
from minis2s.museum import Hunt
from minis2s.museum.checks import CHECKS
from minis2s.museum.hunt import chosen
from tests.classroom.graded import check, printed
from tests.conftest import ROOT

EXERCISES = grade.exercises
MATRIX = ROOT / "docs" / "bugs" / "matrix.json"


@pytest.mark.parametrize(
    "name, right, phrases",
    [
        ("survivors", "D", {"A": "would that keep all from learning", "B": "uphill", "C": "only one of them is cut"}),
        ("weak", "C", {"A": "the softmax of its one score", "B": "strike out", "33": "choose one of A, B, C"}),
        ("copying", "C", {"A": "which two things", "B": "nothing to do with it", "D": "once or twice"}),
    ],
)
def test_predictions(name, right, phrases):
    check(EXERCISES[name], [right, right.lower()], [*phrases.items(), (7, "as a letter in quotes")])


def test_below():
    wrong = [
        (-0.1, "the target's part alone"),
        (0.1, "without the target"),
        (0.2, "the signs count"),
        (0.06, "the second word's part alone"),
        (0.04, "the third word's part alone"),
        (1, "too large"),
        (0.001, "too large"),
        ("nothing", "it should be a number"),
    ]
    check(EXERCISES["below"], [0, 0.2 * (-0.5 + 0.3 + 0.2), "0.0"], wrong)


def loops(model, batch):
    loss, cache = model.loss(batch)
    wider_loss, wider_cache = model.loss(widened(batch))
    if abs(loss - wider_loss) > 1e-9:
        return True
    for (_, one), (_, other) in zip(walk(model.backward(cache)), walk(model.backward(wider_cache))):
        for a, b in zip(one.ravel(), other.ravel()):
            if abs(a - b) > 1e-9:
                return True
    return False


def in_one_vector(model, batch):
    return not np.allclose(loss_and_gradient(model, batch), loss_and_gradient(model, widened(batch)), 1e-9, 1e-12)


def gradient_of(model, batch):
    return to_vector(model.backward(model.loss(batch)[1]))


def loss_alone(model, batch):
    return abs(model.loss(batch)[0] - model.loss(widened(batch))[0]) > 1e-9


def output_alone(model, batch):
    one, other = (model.backward(model.loss(some)[1]).output.W for some in (batch, widened(batch)))
    return np.abs(one - other).max() > 1e-9


def records(model, batch):
    one, other = (model.backward(model.loss(some)[1]) for some in (batch, widened(batch)))
    return one != other


def every_bit(model, batch):
    return not np.array_equal(gradient_of(model, batch), gradient_of(model, widened(batch)))


def loose(model, batch):
    return relative_error(gradient_of(model, batch), gradient_of(model, widened(batch))) > 0.05


def same_batch(model, batch):
    return np.abs(gradient_of(model, batch) - gradient_of(model, batch)).max() > 1e-9


def signed(model, batch):
    (l1, g1), (l2, g2) = ((model.loss(some)[0], gradient_of(model, some)) for some in (batch, widened(batch)))
    return bool(l1 - l2 > 1e-9 or (g1 - g2).max() > 1e-9)


def by(measure):
    """A check that compares one number or array of the gradient, and the loss."""

    def compares(model, batch):
        one, other = (
            np.append(model.loss(some)[0], measure(gradient_of(model, some))) for some in (batch, widened(batch))
        )
        return bool(np.abs(one - other).max() > 1e-9)

    return compares


def by_array(measure):
    """A check that compares a number of every array of the gradient, and the loss."""

    def compares(model, batch):
        numbers = []
        for some in (batch, widened(batch)):
            loss, cache = model.loss(some)
            numbers.append([loss, *(measure(array) for _, array in walk(model.backward(cache)))])
        return not np.allclose(*numbers, 1e-9, 1e-12)

    return compares


def gradient_alone(model, batch):
    return relative_error(gradient_of(model, batch), gradient_of(model, widened(batch))) > 1e-9


def moves_the_model(model, batch):
    answer = in_one_vector(model, batch)
    model.output.b[:] += 1
    return answer


def moves_the_batch(model, batch):
    answer = in_one_vector(model, batch)
    batch.source.ids[:] = 4
    return answer


def own_batch(model, batch):
    return in_one_vector(model, hard_batch())


def own_model(model, batch):
    return in_one_vector(random_model(0), batch)


def total(model, batch):
    return abs(model.loss(batch)[0] * batch.tokens - model.loss(widened(batch))[0] * (batch.tokens + 8)) > 1e-9


@pytest.mark.slow
def test_depends_on_padding():
    right = [
        loops,
        in_one_vector,
        lambda model, batch: not padding_invariance(model, batch).ok,
        lambda model, batch: int(in_one_vector(model, batch)),
        by(lambda gradient: gradient),
    ]
    wrong = [
        (loss_alone, "the same to the last digit there; what does padding change"),
        (output_alone, "it acquits last_state_of_short_sentences (a ragged batch)"),
        (signed, "a difference may have either sign"),
        (by(np.sum), "no sum, mean or norm tells"),
        (by(np.linalg.norm), "no sum, mean or norm tells"),
        (by_array(np.mean), "two entries of the first array's gradient change places"),
        (by_array(np.linalg.norm), "no sum, mean or norm tells"),
        (by_array(lambda array: array.ravel()[0]), "it acquits "),
        (by(lambda gradient: gradient[:20]), "it acquits "),
        (by(lambda gradient: gradient[-20:]), "it acquits "),
        (gradient_alone, "it acquits a model whose loss alone grows with padding"),
        (own_batch, "is it the given batch"),
        (own_model, "it acquits a model whose loss alone grows"),
        (moves_the_model, "it changed its argument model"),
        (moves_the_batch, "it changed its argument batch"),
        (every_bit, "differ in the last digit"),
        (records, "does it compare records? Compare numbers, to_vector"),
        (loose, "it acquits mask_missing_in_backward"),
        (same_batch, "are there two batches in it"),
        (total, "the very same numbers for both batches"),
        (lambda model, batch: True, "Is it always True?"),
        (lambda model, batch: not in_one_vector(model, batch), "turned round"),
        (lambda model, batch: False, "it acquits every bug of padding"),
        (
            lambda model, batch: not batch_independence(model, batch).ok,
            "of two pairs without padding it acquits every bug",
        ),
        (
            lambda model, batch: in_one_vector(model, batch) or not batch_independence(model, batch).ok,
            "convicts embedding_no_sc",
        ),
        (lambda model, batch: in_one_vector(model, batch) or not parity(model, batch).ok, "convicts gate_order_swapp"),
        (lambda model, batch: 0.0, "True or False; it returned 0.0"),
        (lambda model: True, "raised TypeError"),
        (True, "it is no function"),
    ]
    check(EXERCISES["depends_on_padding"], right, wrong)


def test_fewest():
    wrong = [
        ("F", "F leaves free: gradients_not_zeroed, no_attention_mask, gate_order_swapped"),
        ("FR", "leaves free: gradients_not_zeroed"),
        ("FRT", "by 3 checks, and fewer are enough, though none of yours can simply be left out"),
        ("FART", "by 4 checks, and fewer are enough; one of yours can"),
        ("AX", "there is no check X"),
        ("", "nothing leaves free"),
        (2, 'in quotes, such as "WS"'),
    ]
    check(EXERCISES["fewest"], ["AR", "ra", ["R", "A"], "A, R", {"A", "R"}], wrong)


def test_the_five_are_those_of_the_matrix():
    rows = json.loads(MATRIX.read_text(encoding="utf-8"))["rows"]
    for name, letters in FIVE.items():
        assert {c for c in CHECKS if rows[name]["verdicts"][c]["convicted"]} == set(letters)

    def sets(size):
        return [some for some in combinations(CHECKS, size) if all(set(some) & set(one) for one in FIVE.values())]

    assert not sets(FEWEST - 1) and sets(FEWEST) == [("A", "R")]


def played(seed, *checks, words="", wrong=(), accuse=True, give_up=False):
    """A hunt as a student may have left it."""
    hunt = Hunt(seed)
    for letter in checks:
        hunt.check(letter)
    for letter in words:
        hunt.words(letter)
    for name in wrong:
        hunt.accuse(name)
    if give_up:
        hunt.give_up()
    elif accuse:
        hunt.accuse(chosen(seed).name)
    return hunt


@pytest.mark.slow
def test_hunted():
    bad = [name for name in Hunt(0).suspects if name not in (chosen(3).name, chosen(5).name)]
    wrong = [
        (played(5, "U", accuse=False), "still at large: go on with check and words"),
        (played(5, accuse=False), "open; 0 checks"),
        (played(5, wrong=bad[:1], accuse=False), "1 wrong accusation"),
        (played(5, give_up=True), "given up: hunted.answer"),
        (played(5, wrong=bad[:3]), "found, but with 40 points: 0 checks, 3 wrong accusations"),
        (played(5, "U", "P", words="FR"), "found, but with 40 points: 4 checks (2 in words), 0 wrong accusations"),
        (played(SHOWN), "played above"),
        (5, "it should be a hunt, Hunt(your number)"),
        (chosen(5).name, "of type str"),
    ]
    check(EXERCISES["hunted"], [played(3), played(5, "U", "P", wrong=bad[:1]), played(9)], wrong)


def test_hints_come_in_turn(capsys):
    texts = printed(EXERCISES["fewest"], ["F", "FR", "FRT", "AR"], capsys)
    assert ["Hint" in text for text in texts] == [False, True, True, False]
    assert "all share one letter" in texts[2] and "share" not in texts[1]
