"""The grader of lesson 01, graded."""

import numpy as np
import pytest

from minis2s.classroom.exercises.lesson_01 import grade
from minis2s.layers.activations import log_softmax
from tests.classroom.graded import check, printed

EXERCISES = grade.exercises


def softmax_backward_by_jacobian(dalpha, alpha):
    return np.stack([(np.diag(a) - np.outer(a, a)) @ d for d, a in zip(dalpha, alpha)])


def softmax_backward_by_loops(dalpha, alpha):
    dscore = np.zeros_like(alpha)
    for i, k in np.ndindex(*alpha.shape):
        for j in range(alpha.shape[1]):
            dscore[i, k] += dalpha[i, j] * alpha[i, j] * ((j == k) - alpha[i, k])
    return dscore


def in_place(dalpha, alpha):
    alpha *= dalpha - (alpha * dalpha).sum(-1, keepdims=True)
    return alpha


def misspelt(dalpha, alpha):
    return alpha * (dalpha - np.summ(alpha * dalpha))


def test_softmax_backward():
    right = softmax_backward_by_loops
    wrong = [
        (lambda dalpha, alpha: dalpha * alpha * (1 - alpha), "the diagonal of the Jacobian alone"),
        (lambda dalpha, alpha: dalpha - (alpha * dalpha).sum(-1, keepdims=True), "the factor alpha_k in front"),
        (lambda dalpha, alpha: alpha * (dalpha - (alpha * dalpha).sum(0)), "the wrong axis"),
        (lambda dalpha, alpha: alpha * (dalpha - (alpha * dalpha).sum()), "keep its sum apart"),
        (lambda dalpha, alpha: alpha * (dalpha - dalpha.sum(-1, keepdims=True)), "to be weighed"),
        (lambda dalpha, alpha: alpha * (dalpha + (alpha * dalpha).sum(-1, keepdims=True)), "off-diagonal sign"),
        (lambda dalpha, alpha: -right(dalpha, alpha), "-1 (a wrong sign)"),
        (lambda dalpha, alpha: right(dalpha, alpha) / 4, "1/V with V = 4"),
        (lambda dalpha, alpha: right(dalpha, alpha).T, "right, but transposed"),
        (lambda dalpha, alpha: right(dalpha, alpha).astype(np.float32), "float32"),
        (lambda dalpha, alpha: right(dalpha, alpha) + 0j, "complex"),
        (lambda dalpha, alpha: 0 * alpha, "0 everywhere"),
        (lambda dalpha, alpha: alpha / 0, "not finite"),
        (lambda dalpha, alpha: dalpha - (alpha * dalpha).sum(-1), "raised ValueError"),
        (in_place, "changed its argument alpha"),
        (misspelt, "AttributeError"),
        (misspelt, "in the line `return alpha * (dalpha - np.summ(alpha * dalpha))`"),
        (lambda dalpha, alpha: print(end=""), "is the `return` missing?"),
        (lambda dalpha, alpha: (alpha, dalpha), "returned 2 arrays; wanted: dscore"),
        (lambda alpha: alpha, "raised TypeError"),
        (lambda dalpha, alpha: "alpha", "dscore is no array of numbers: it is of type str"),
        (3, "it is no function but of type int"),
    ]
    check(EXERCISES["softmax_backward"], [softmax_backward_by_jacobian, right], wrong)


def subtracted(dloss, cache):
    p, target = cache
    dlogits = p.copy()
    dlogits[np.arange(len(target)), target] -= 1
    return dlogits * dloss / len(target)


def by_chain(dloss, cache):
    p, target = cache
    dp = np.zeros_like(p)
    for i in range(len(target)):
        dp[i, target[i]] = -dloss / (len(target) * p[i, target[i]])
    return softmax_backward_by_jacobian(dp, p)


def every_row(dloss, cache):
    p, target = cache[0].copy(), cache[1]
    p[:, target] -= 1
    return p * dloss / len(p)


def spoilt(dloss, cache):
    p, target = cache
    p[np.arange(len(target)), target] -= 1
    return p * dloss / len(p)


def before_the_softmax(dloss, cache):
    p, target = cache
    dp = np.zeros_like(p)
    dp[np.arange(len(p)), target] = -dloss / len(p) / p[np.arange(len(p)), target]
    return dp


def test_cross_entropy_backward():
    wrong = [
        (lambda dloss, cache: dloss * cache[0] / len(cache[0]), "Where is the -1?"),
        (lambda dloss, cache: subtracted(dloss, cache) * len(cache[0]), "right but for the factor 1/N"),
        (lambda dloss, cache: subtracted(1.0, cache), "right if dloss were 1"),
        (lambda dloss, cache: -subtracted(dloss, cache), "makes the loss grow"),
        (every_row, "takes whole columns"),
        (before_the_softmax, "back through the softmax"),
        (spoilt, "changed its argument cache"),
        (lambda dloss, cache: subtracted(dloss, cache) / cache[0].shape[1], "1/V with V = 4"),
        (lambda dloss, cache: subtracted(dloss, cache).sum(0), "its shape is (4,), wanted (3, 4)"),
        (lambda dloss, cache: dloss, "its shape is (), wanted (3, 4)"),
    ]
    check(EXERCISES["cross_entropy_backward"], [subtracted, by_chain], wrong)


def picked(logits, target):
    return -log_softmax(logits)[np.arange(len(target)), target].mean()


def by_rows(logits, target):
    losses = [np.logaddexp.reduce(row) - row[k] for row, k in zip(logits, target)]
    return sum(losses) / len(losses)


def unshifted(logits, target):
    e = np.exp(logits)
    return -np.log(e[np.arange(len(target)), target] / e.sum(1)).mean()


def half_cured(logits, target):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return -np.log(e[np.arange(len(target)), target] / e.sum(1)).mean()


def clipped(logits, target):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return -np.log(e[np.arange(len(target)), target] / e.sum(1) + 1e-12).mean()


def long(logits, target):
    e = np.exp(logits.astype(np.longdouble))
    return float(-np.log(e[np.arange(len(target)), target] / e.sum(1)).mean())


def shifted_by(shift, logits, target):
    e = np.exp(logits - shift)
    return -np.log(e[np.arange(len(target)), target] / e.sum(1)).mean()


def test_safe_loss():
    wrong = [
        (unshifted, "take the largest of each row away first"),
        (half_cured, "p of the target underflows"),
        (lambda logits, target: picked(logits, target) * len(target), "wanted is the mean"),
        (lambda logits, target: picked(logits, target) / np.log(2), "in bits"),
        (lambda logits, target: -picked(logits, target), "-1 (a wrong sign)"),
        (lambda logits, target: -log_softmax(logits)[np.arange(len(target)), target], "right after .mean(0)"),
        (clipped, "times the wanted"),
        (long, "take the largest of each row away first"),
        (lambda logits, target: shifted_by(logits.min(1, keepdims=True), logits, target), "the smallest of each row"),
        (lambda logits, target: shifted_by(logits.max(), logits, target), "one number is taken from all rows"),
        (lambda logits, target: np.nan_to_num(unshifted(logits, target)), "it is 0"),
    ]
    check(EXERCISES["safe_loss"], [picked, by_rows], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("shifted", "B", {"A": "what would they add up to?", "C": "e^5 e^score above and below"}),
        ("pushed", "A", {"B": "does it fall when another score grows?", "C": "what happens to p of the target?"}),
        ("squared", "C", {"A": "goes through the softmax", "B": "if p is nearly 0?"}),
    ],
)
def test_predictions(name, right, wrong):
    others = [("D", "choose one of A, B, C"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])


def test_largest():
    wrong = [
        (709.78, "eleven bits"),
        (38.53, "powers of e"),
        (128, "power of two"),
        (3.4028235e38, "the largest number itself"),
        (88.8, "infinite in float32: round down"),
        (88.73, "too large"),
        (-88.72, "wrong sign"),
        (88, "too small"),
        (100, "too large"),
        ("many", "it should be a number"),
        (np.ones(2), "it should be a number"),
    ]
    check(EXERCISES["largest"], [88.7, 88.65, np.log(np.finfo(np.float32).max), "88.7"], wrong)


def test_hints_come_in_turn(capsys):
    exercise = EXERCISES["softmax_backward"]
    wrong = softmax_backward_by_loops, lambda dalpha, alpha: alpha
    texts = printed(exercise, [..., wrong[1], ..., wrong[1], wrong[1], wrong[1], wrong[0]], capsys)
    first, second = (" ".join(hint.split()) for hint in exercise.hints)
    assert ["Hint" in text for text in texts] == [False, False, False, True, True, False, False]
    assert first in texts[3] and second in texts[4] and "grade.hint(" in texts[5]
    assert texts[0].startswith("softmax_backward: still blank. Derive dscore")
    assert texts[6].startswith("softmax_backward: right. It equals the complex step.")
