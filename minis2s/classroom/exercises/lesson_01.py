"""Exercises of lesson 01, softmax and cross-entropy."""

import numpy as np

from minis2s.classroom.exercises.kinds import (
    backward_exercise,
    function_exercise,
    number_exercise,
    prediction_exercise,
)
from minis2s.classroom.grading import Lesson
from minis2s.layers.activations import softmax
from minis2s.layers.cross_entropy import CrossEntropy

rng = np.random.default_rng(1)
SCORES = {"four scores in each of three rows": (rng.normal(size=(3, 4)),), "one row": (rng.normal(size=(1, 5)),)}
LOGITS = {
    "three rows of four logits": (rng.normal(size=(3, 4)), np.array([2, 0, 2])),
    "one row": (rng.normal(size=(1, 5)), np.array([4])),
}
LARGEST = float(np.log(np.finfo(np.float32).max))
HUGE = {
    "ordinary logits": LOGITS["three rows of four logits"],
    "logits near 1000": (1000 + rng.normal(size=(2, 3)), np.array([0, 2])),
    "a target 800 above the others": (np.array([[800.0, 799.0, 0.0]]), np.array([0])),
    "rows far apart": (np.array([[800.0, 801.0], [0.0, 1.0]]), np.array([1, 0])),
    "logits near 100,000": (np.array([[1e5, 1e5 - 1]]), np.array([0])),
    "a target 2000 below the largest": (np.array([[2000.0, 0.0, 1.0], [0.0, 1.0, 2.0]]), np.array([1, 1])),
}


def softmax_forward(score):
    """Return alpha and what its backward needs, which is alpha again."""
    alpha = softmax(score)
    return alpha, alpha


def softmax_backward(dalpha, alpha):
    """Return dscore, (N, V)."""
    return alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))


def loss_forward(logits, target):
    """Return the mean loss in nats and the cache (p, target)."""
    return CrossEntropy().forward(logits, target)[0], (softmax(logits), target)


def loss_backward(dloss, cache):
    """Return dlogits, (N, V)."""
    p, target = cache
    return dloss / len(p) * (p - np.eye(p.shape[1])[target])


def columns_of_all_rows(dloss, cache):
    """Take 1 from the targets' columns in every row."""
    p, target = cache[0].copy(), cache[1]
    p[:, target] -= 1
    return dloss / len(p) * p


def naive_loss(logits, target):
    """Exponentiate whatever comes."""
    e = np.exp(logits)
    return -np.log((e / e.sum(-1, keepdims=True))[np.arange(len(e)), target]).mean()


def losses_shifted_by(shift):
    """Return two losses, by a quotient and by logarithms, that take ``shift(logits)`` away before the powers."""

    def by_logarithms(logits, target):
        shifted = logits - shift(logits)
        return (np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(len(target)), target]).mean()

    return by_logarithms, lambda logits, target: naive_loss(logits - shift(logits), target)


SMALLEST = "the smallest of each row is taken away, so the others still grow without limit: take the largest"
ONE_FOR_ALL = "one number is taken from all rows; a row far below it underflows: each row has its own largest"

grade = Lesson(
    "01",
    [
        prediction_exercise(
            "shifted",
            'What does adding 5 to every score do to the shares? "A", "B" or "C".',
            {"A": "all grow", "B": "nothing changes", "C": "the largest grows, the others shrink"},
            right="B",
            why_not={
                "A": "they are fractions of one whole; what would they add up to?",
                "C": "write softmax with e^(score + 5) = e^5 e^score above and below the line",
            },
            praise="e^5 stands above and below the line and cancels: only differences of scores count.",
        ),
        prediction_exercise(
            "pushed",
            'Which scores does a step against the gradient push up? "A", "B" or "C".',
            {"A": "the target's alone", "B": "the largest alone", "C": "those below the mean"},
            right="A",
            why_not={
                "B": "the loss is -log p of the target; does it fall when another score grows?",
                "C": "take a score that is not the target's: when it grows, what happens to p of the target?",
            },
            praise="The target's score goes up, and every other score goes down by its own probability.",
        ),
        prediction_exercise(
            "squared",
            'Sure of a wrong word: how steep is the squared error there, beside the cross-entropy? "A", "B" or "C".',
            {"A": "steeper", "B": "about as steep", "C": "almost flat"},
            right="C",
            why_not={
                "A": "the error can be 1 at most, but on its way to the score the slope goes through the softmax",
                "B": "how much does p of the target move when its score does, if p is nearly 0? See the first figure",
            },
            praise="A flat place with a large error: the model would stay wrong for very long.",
        ),
        backward_exercise(
            "softmax_backward",
            "Derive dscore from dalpha and alpha, and code it without a loop over j and k.",
            softmax_forward,
            softmax_backward,
            SCORES,
            hints=(
                "Put (4) into (5). It has two terms: alpha_j where j = k, and -alpha_j alpha_k for every j.",
                "dscore_k = alpha_k dalpha_k - alpha_k S, where S, one number a row, is the sum over j of what?",
            ),
            mistakes={
                "this is the diagonal of the Jacobian alone: "
                "does alpha_j depend on no score but score_j?": lambda dalpha, alpha: dalpha * alpha * (1 - alpha),
                "almost: the factor alpha_k in front is missing": lambda dalpha, alpha: (
                    dalpha - (alpha * dalpha).sum(-1, keepdims=True)
                ),
                "the sum runs over the wrong axis: each row is a softmax of its own": lambda dalpha, alpha: (
                    alpha * (dalpha - (alpha * dalpha).sum(0, keepdims=True))
                ),
                "the sum runs over all rows: each row is a softmax of its own, "
                "so keep its sum apart": lambda dalpha, alpha: alpha * (dalpha - (alpha * dalpha).sum()),
                "the sum of dalpha is to be weighed: "
                "each dalpha_j comes through its own alpha_j": lambda dalpha, alpha: (
                    alpha * (dalpha - dalpha.sum(-1, keepdims=True))
                ),
                "the sum is missing: more of one score means less of every other probability": lambda dalpha, alpha: (
                    alpha * dalpha
                ),
                "a mean stands where (5) has a sum": lambda dalpha, alpha: (
                    alpha * (dalpha - (alpha * dalpha).mean(-1, keepdims=True))
                ),
                "the sum is that of the first row; each row is a softmax of its own": lambda dalpha, alpha: (
                    alpha * (dalpha - (alpha * dalpha)[0].sum())
                ),
                "the off-diagonal sign: "
                "more of one score means less of every other probability": lambda dalpha, alpha: (
                    alpha * (dalpha + (alpha * dalpha).sum(-1, keepdims=True))
                ),
            },
            sizes=lambda score: dict(zip("NV", score.shape)),
            praise="It equals the complex step. What each score gets is how much better than average its dalpha is.",
        ),
        backward_exercise(
            "cross_entropy_backward",
            "Derive dlogits of the mean loss over N rows, from dloss, p and target, and code it.",
            loss_forward,
            loss_backward,
            LOGITS,
            hints=(
                "Derive one row first: loss = log(sum_k e^logit_k) - logit_target. Differentiate each term.",
                "One row gives p - onehot(target). Then the mean gives 1/N, and the chain rule dloss.",
            ),
            mistakes={
                "this is p alone: every score is pushed down and none up. Where is the -1?": lambda dloss, cache: (
                    dloss * cache[0] / len(cache[0])
                ),
                "right but for the factor 1/N: the loss is a mean over the rows": lambda dloss, cache: (
                    dloss * (cache[0] - np.eye(cache[0].shape[1])[cache[1]])
                ),
                "right if dloss were 1: what comes from above multiplies everything": lambda dloss, cache: (
                    loss_backward(1.0, cache)
                ),
                "the sign is turned: a step against this gradient makes the loss grow": lambda dloss, cache: (
                    -loss_backward(dloss, cache)
                ),
                "p[:, target] takes whole columns, in every row; one place a row is p[np.arange(N), "
                "target]": columns_of_all_rows,
                "target holds numbers of words, not their probabilities: take 1 away at the place p[i, "
                "target[i]]": lambda dloss, cache: dloss / len(cache[0]) * (cache[0] - cache[1][:, None]),
                "the -1 stands one place beside the target": lambda dloss, cache: loss_backward(
                    dloss, (cache[0], cache[1] - 1)
                ),
                "only the targets have a gradient here; the others are pushed down, "
                "each by its p": lambda dloss, cache: loss_backward(dloss, cache) * np.eye(cache[0].shape[1])[cache[1]],
                "this is the gradient of p, -1/p at the target; "
                "it still has to go back through the softmax": lambda dloss, cache: (
                    -dloss / len(cache[0]) * np.eye(cache[0].shape[1])[cache[1]] / np.maximum(cache[0], 1e-300)
                ),
            },
            sizes=lambda logits, target: dict(zip("NV", logits.shape)),
            praise="It equals the complex step: p, with a -1 at the target.",
        ),
        number_exercise(
            "largest",
            "The largest score x for which e^x is still finite in float32, to one decimal.",
            (88.65 + LARGEST) / 2,
            tolerance=(LARGEST - 88.65) / (LARGEST + 88.65) + 1e-8,  # 88.7, and whatever rounds to it and is finite
            hints=(
                "np.finfo(np.float32).max is the largest number there is. Which x has that as e^x?",
                "Take its natural logarithm.",
            ),
            mistakes={
                "e^88.8 is infinite in float32: round down": 88.8,
                "that is the limit of float64, which has eleven bits of exponent; float32 has eight": 709.7827,
                "that is a power of ten, 3.4e38 = 10^38.53; the question is about powers of e": 38.5318,
                "that is a power of two; the question is about powers of e": 128.0,
                "that is the largest number itself; the question is which x has it as e^x": float(
                    np.finfo(np.float32).max
                ),
            },
            praise="Beyond it lies infinity. In float64 it would begin at 709.8: further off, and there all the same.",
        ),
        function_exercise(
            "safe_loss",
            "Return the mean loss in nats of logits (N, V) and target (N,), finite for any finite logits.",
            lambda logits, target: CrossEntropy().forward(logits, target)[0],
            HUGE,
            hints=(
                "Do not compute p at all: -log p_target = log(sum_k e^logit_k) - logit_target. Shift first.",
                "shifted = logits - logits.max(-1, keepdims=True); log of the sum of e^shifted, less shifted[target].",
            ),
            outputs=("the loss",),
            mistakes={
                "the shift is right, but p of the target underflows to 0 and log 0 is infinite: "
                "take the logarithm of the quotient on paper, before the computer divides": lambda logits, target: (
                    -np.log(softmax(logits)[np.arange(len(target)), target]).mean()
                ),
                SMALLEST: losses_shifted_by(lambda logits: logits.min(-1, keepdims=True)),
                ONE_FOR_ALL: losses_shifted_by(np.max),
                "e^1000 is infinite: take the largest of each row away first, as in `shifted`": naive_loss,
                "what is taken away differs within a row, so it changes the shares: "
                "the largest along axis -1": lambda logits, target: (
                    -np.log(softmax(logits - logits.max(0))[np.arange(len(target)), target]).mean()
                ),
                "the logarithm of the sum is that of shifted logits, "
                "and the target's logit is not shifted": lambda logits, target: (
                    CrossEntropy().forward(logits, target)[0] - logits.max(-1).mean()
                ),
                "that is the sum over the rows; wanted is the mean": lambda logits, target: (
                    CrossEntropy().forward(logits, target)[0] * len(target)
                ),
                "that is in bits; nats are natural logarithms": lambda logits, target: (
                    CrossEntropy().forward(logits, target)[0] / np.log(2)
                ),
            },
            praise="No logit, however large, can break it.",
        ),
    ],
)
