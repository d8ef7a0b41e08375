"""The grader of lesson 07, graded; and the small training that lessons 07 and 08 share."""

import numpy as np
import pytest

from minis2s.classroom.exercises.lesson_07 import grade
from minis2s.classroom.reversal import Reversal
from minis2s.layers.activations import softmax
from tests.classroom.graded import check

EXERCISES = grade.exercises


def alpha_by_infinity(score, mask):
    return softmax(np.where(mask, score, -np.inf))


def alpha_by_rows(score, mask):
    alpha = np.zeros_like(score)
    for row, real, out in zip(score, mask, alpha):
        out[real] = softmax(row[real])
    return alpha


def in_place(score, mask):
    score[~mask] = -np.inf
    return softmax(score)


def shared_again(score, mask):
    alpha = softmax(score) * mask
    return alpha / alpha.sum(-1, keepdims=True)


def test_masked_alpha():
    wrong = [
        (lambda score, mask: softmax(score), "the mask is not used"),
        (lambda score, mask: softmax(score) * mask, "took its share first"),
        (lambda score, mask: softmax(score * mask), "what is e^0?"),
        (shared_again, "Take the padding out before the softmax"),
        (lambda score, mask: alpha_by_infinity(score, ~mask), "turned round"),
        (lambda score, mask: softmax(np.where(mask, -1e9, score)), "here the real ones lose"),
        (lambda score, mask: softmax(score - 1e9 * mask), "here the real ones lose"),
        (lambda score, mask: softmax(score - np.inf * ~mask), "0 times infinity"),
        (lambda score, mask: [softmax(row[real]) for row, real in zip(score, mask)], "differ in length: 4, 2, 1"),
        (lambda score, mask: np.where(mask, softmax(score), -np.inf), "a score, not a share"),
        (lambda score, mask: alpha_by_infinity(score.T, mask.T).T, "wrong axis"),
        (lambda score, mask: softmax(score - 10.0 * ~mask), "(case: "),
        *(
            (
                lambda score, mask, fill=fill: softmax(np.where(mask, score, fill)),
                f"real scores lie below that number {case}",
            )
            for fill, case in (
                *((fill, "(case: scores of -5,000, and 5 on the padding)") for fill in (-100.0, -700.0, -820.0, -1e3)),
                (-1e9, "(case: scores of -10,000,000,000)"),
            )
        ),
        (lambda score, mask: softmax(score - 1e6 * ~mask), "real scores lie below that number"),
        (in_place, "changed its argument score"),
        (lambda score, mask: softmax(score[mask]), "its shape is (7,), wanted (3, 4)"),
    ]
    lowest = lambda score, mask: softmax(np.where(mask, score, np.finfo(float).min))  # noqa: E731
    check(EXERCISES["masked_alpha"], [alpha_by_infinity, alpha_by_rows, lowest], wrong)


def look(dcontext, cache):
    alpha, memory = cache
    dalpha = (memory * dcontext[:, None]).sum(-1)
    return alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True)), alpha[..., None] * dcontext[:, None]


def look_by_loops(dcontext, cache):
    alpha, memory = cache
    dscore, dmemory = np.zeros_like(alpha), np.zeros_like(memory)
    for b, d in enumerate(dcontext):
        context = alpha[b] @ memory[b]
        for j in range(alpha.shape[1]):
            dscore[b, j] = alpha[b, j] * (memory[b, j] - context) @ d
            dmemory[b, j] = alpha[b, j] * d
    return dscore, dmemory


def look_with(dscore):
    """Return ``look`` with another dscore, made of alpha and dalpha."""
    return lambda d, cache: (dscore(cache[0], (cache[1] * d[:, None]).sum(-1)), look(d, cache)[1])


def test_look_backward():
    wrong = [
        (look_with(lambda alpha, d: d), "still has to pass the softmax"),
        (look_with(lambda alpha, d: alpha * d), "the sum is missing"),
        (look_with(lambda alpha, d: alpha * (1 - alpha) * d), "the diagonal of the Jacobian alone"),
        (look_with(lambda alpha, d: alpha * (d - (alpha * d).sum(0))), "over the sentences, axis 0"),
        (look_with(lambda alpha, d: d - (alpha * d).sum(-1, keepdims=True)), "alpha is missing outside"),
        (look_with(lambda alpha, d: alpha), "that is alpha itself"),
        (lambda d, cache: (look(d, cache)[0], look(d, cache)[0][..., None] * d[:, None]), "alpha_j of memory_j"),
        (look_with(lambda alpha, d: alpha * (d - (alpha * d).sum())), "each has a softmax of its own"),
        (look_with(lambda alpha, d: alpha * (d - d.sum(-1, keepdims=True))), "to be weighed"),
        (look_with(lambda alpha, d: alpha * (d - d.mean(-1, keepdims=True))), "compared with the plain mean"),
        (lambda d, cache: (look(d, cache)[0], 0 * cache[1] + d[:, None]), "how much of memory_j"),
        (lambda d, cache: (-look(d, cache)[0], look(d, cache)[1]), "wrong sign"),
        (lambda d, cache: look(d, cache)[0], "it returned 1 array; wanted: dscore, dmemory"),
        (lambda d, cache: look(d, cache)[::-1], "dscore and dmemory are in each other's places"),
        (lambda d, cache: (look(d, cache)[0] / 3, look(d, cache)[1]), "1/B with B = 3"),
    ]
    check(EXERCISES["look_backward"], [look, look_by_loops], wrong)


def score_with(slope, dscore_of=lambda dscore: dscore):
    """Return the backward of the scores with another slope of the tanh, made of hidden."""

    def backward(dscore, cache):
        query, memory, W_q, W_k, v, hidden = cache
        dscore = dscore_of(dscore)
        dinside = dscore[..., None] * v * slope(hidden)
        dq = dinside.sum(1)
        dW_k = np.einsum("bsm,bsa->ma", memory, dinside)
        return dq @ W_q.T, dinside @ W_k.T, query.T @ dq, dW_k, np.einsum("bs,bsa->a", dscore, hidden)

    return backward


score_right = score_with(lambda hidden: 1 - hidden**2)


def score_by_loops(dscore, cache):
    query, memory, W_q, W_k, v, hidden = cache
    dquery, dmemory, dW_q, dW_k, dv = (np.zeros(part.shape) for part in cache[:5])
    for b, j, a in np.ndindex(*hidden.shape):
        dv[a] += dscore[b, j] * hidden[b, j, a]
        d = dscore[b, j] * v[a] * (1 - hidden[b, j, a] ** 2)
        dquery[b] += d * W_q[:, a]
        dmemory[b, j] += d * W_k[:, a]
        dW_q[:, a] += d * query[b]
        dW_k[:, a] += d * memory[b, j]
    return dquery, dmemory, dW_q, dW_k, dv


def swapped(dscore, cache):
    dquery, dmemory, dW_q, dW_k, dv = score_right(dscore, cache)
    return dquery, dmemory, dW_k, dW_q, dv


def averaged(dscore, cache):
    dquery, dmemory, dW_q, dW_k, dv = score_right(dscore, cache)
    return dquery / 4, dmemory, dW_q / 4, dW_k, dv


def sums_multiplied(dscore, cache):
    dquery, dmemory, dW_q, _, dv = score_right(dscore, cache)
    _, memory, _, _, v, hidden = cache
    dinside = dscore[..., None] * v * (1 - hidden**2)
    return dquery, dmemory, dW_q, memory.sum(1).T @ dinside.sum(1), dv


def unsummed(dscore, cache):
    *rest, _ = score_right(dscore, cache)
    return *rest, (dscore[..., None] * cache[5]).sum(0)


def without_v(dscore, cache):
    return score_right(dscore, (*cache[:4], np.ones_like(cache[4]), cache[5]))


def steep_dv(dscore, cache):
    *rest, _ = score_right(dscore, cache)
    return *rest, np.einsum("bs,bsa->a", dscore, cache[5] - cache[5] ** 3)


def test_score_backward():
    first = score_with(lambda hidden: 1 - hidden**2, lambda dscore: dscore * (np.arange(4) == 0))
    wrong = [
        (score_with(lambda hidden: 1.0), "tanh' is missing"),
        (score_with(lambda hidden: 1 - np.tanh(hidden) ** 2), "no second one"),
        (score_with(lambda hidden: hidden * (1 - hidden)), "the slope of a sigmoid"),
        (score_with(lambda hidden: 1 - hidden), "the square is missing"),
        (steep_dv, "dv: v stands behind the tanh"),
        (score_with(lambda hidden: 1 - hidden**2, lambda d: d * (np.arange(len(d)) == 0)[:, None]), "one sentence of"),
        (score_with(lambda hidden: 1 - hidden**2, lambda d: d * (np.arange(len(d)) == 2)[:, None]), "one sentence of"),
        (without_v, "v is missing"),
        (averaged, "a mean is not a sum"),
        (sums_multiplied, "a product of sums; dquery and dmemory and dW_q and dv are right"),
        (first, "one place of the memory is counted"),
        (swapped, "dW_q and dW_k are in each other's places"),
        (unsummed, "right after .sum(0)"),
        (lambda dscore, cache: score_right(dscore, cache)[:4], "it returned 4 arrays"),
        (lambda dscore, cache: tuple(-part for part in score_right(dscore, cache)), "wrong sign"),
    ]
    check(EXERCISES["score_backward"], [score_right, score_by_loops], wrong)


def whole(dcontext, cache):
    dscore, dvalues = look(dcontext, cache[1])
    dquery, dkeys, *weights = score_right(dscore, cache[0])
    return dquery, dkeys + dvalues, *weights


def whole_by_loops(dcontext, cache):
    dscore, dmemory = look_by_loops(dcontext, cache[1])
    parts = score_by_loops(dscore, cache[0])
    return parts[0], dmemory + parts[1], *parts[2:]


def with_dmemory(make):
    def backward(dcontext, cache):
        dscore, dvalues = look(dcontext, cache[1])
        dquery, dkeys, *weights = score_right(dscore, cache[0])
        return dquery, make(dvalues, dkeys), *weights

    return backward


def scores_get(make):
    def backward(dcontext, cache):
        alpha, memory = cache[1]
        dquery, dkeys, *weights = score_right(make(alpha, (memory * dcontext[:, None]).sum(-1)), cache[0])
        return dquery, dkeys + alpha[..., None] * dcontext[:, None], *weights

    return backward


def test_attention_backward():
    wrong = [
        (with_dmemory(lambda dvalues, dkeys: dvalues), "the memory was scored as well"),
        (with_dmemory(lambda dvalues, dkeys: dkeys), "the memory was read as well"),
        (with_dmemory(lambda dvalues, dkeys: (dvalues + dkeys) / 2), "not a mean"),
        (with_dmemory(lambda dvalues, dkeys: dvalues - dkeys), "dmemory: both parts are there, but a fork forward is"),
        (with_dmemory(lambda dvalues, dkeys: dvalues * dkeys), "dmemory: both parts are there, but a fork forward is"),
        (scores_get(lambda alpha, dalpha: alpha), "this handed it alpha"),
        (scores_get(lambda alpha, dalpha: dalpha), "this handed it dalpha"),
        (lambda d, cache: look(d, cache[1]), "it returned 2 arrays; wanted: dquery, dmemory, dW_q, dW_k, dv"),
        (lambda d, cache: score_right(d, cache[0]), "raised ValueError"),
    ]
    check(EXERCISES["attention_backward"], [whole, whole_by_loops], wrong)


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("one_unit", "C", {"A": "Which score is the largest?", "B": "by a little?"}),
        ("offset", "C", {"A": "on the diagonal?", "B": "know of letter j?", "D": "who cannot?"}),
        ("broken", "C", {"A": "W_k still learns", "B": "W_q still learns", "D": "turns the direction?"}),
    ],
)
def test_predictions(name, right, wrong):
    others = [("E", "choose one of A, B, C"), (2, "you gave 2"), ([right], "in quotes")]
    check(EXERCISES[name], [right, f" {right.lower()}"], [*wrong.items(), *others])


@pytest.fixture(scope="module")
def run():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIS2S_LESSON", "small")
        return Reversal.start(0, 6, 1)


def test_reversal_learns_from_other_words_than_it_is_tried_on(run):
    assert all(pair.target == pair.source[::-1] and 3 <= len(pair.source) <= 6 for pair in run.unseen)
    assert len(run.trainer.train) == 120 and len({pair.source for pair in run.unseen}) == 40
    trained = {tuple(run.trainer.train.sources[i].tolist()) for i in range(120)}
    assert not trained & {tuple(run.translator.source_ids(list(pair.source))) for pair in run.unseen}


def test_reversal_knows_where_the_letters_are(run, monkeypatch):
    def shifted(offset):
        """Return maps that look only so many places to the right of the letter, where there is such a place."""
        maps = []
        for pair in run.unseen:
            T = len(pair.source)
            maps.append(np.eye(T + 1)[np.clip([*(np.arange(T)[::-1] + offset), 0], 0, T)])
        return maps

    for offset in (0, 1):
        monkeypatch.setattr(Reversal, "alphas", lambda self, offset=offset: shifted(offset))
        expected = {k: 100.0 * (k == offset) for k in range(-2, 3)}
        assert run.weight_by_offset() == pytest.approx(expected) == run.largest_by_offset()


def test_reversal_trains_as_it_says(run):
    maps = run.watch("bad", [0, 1])
    assert run.trainer.updates == 1 and [alphas.shape for alphas in maps] == [(4, 4)] * 2
    assert run.gradient_by_letter(5).shape == (6,)
    curve = run.train()
    assert curve[-1][0] == 1 and 0 <= run.right() <= 100 and set(run.right_by_length()) <= {3, 4, 5, 6}
