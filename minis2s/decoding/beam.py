"""Beam search: keep the few likeliest beginnings of a translation side by side, not just one."""

from typing import Any, NamedTuple

import numpy as np

from minis2s.data.batches import PackedBatch
from minis2s.data.vocabulary import BOS, EOS
from minis2s.decoding.greedy import Hypothesis, most_tokens
from minis2s.layers.record import select
from minis2s.models.seq2seq import Seq2Seq

LEAST = np.finfo(np.float64).tiny  # of the attention a position has had: its logarithm stays a number


class Step(NamedTuple):
    """One step of the search: what traces a finished translation back. R rows, one for each open beginning."""

    before: np.ndarray  # (R,) the row of each beginning among those of the step before
    row: np.ndarray  # (R,) its row in the state of that step
    token: np.ndarray  # (R,)
    alpha: np.ndarray | None  # (rows of the state, S) attention weights of the step


class Penalties(NamedTuple):
    """Penalties on length and coverage, from which comes the score that ranks translations of one source.

        s = log P / lp + cp                                                                                          (1)
        lp = ((5 + |Y|) / 6)^length                                                                                  (2)
        cp = coverage sum_i log min(sum_t alpha_ti, 1)                                                               (3)

    |Y| is the number of tokens, the end sign counted, since log P counts it too: the empty translation has lp = 1.
    i goes over all tokens of the source and t over all steps of the translation, the end signs' included. With both
    at 0 the score is the log-probability, bit for bit.

    References
    ----------
    Wu et al. 2016, arXiv 1609.08144, section 7, equation (14); its alpha is ``length``, its beta ``coverage``.
    """

    length: float = 0.0  # at least 0
    coverage: float = 0.0  # at least 0; above it, the model needs attention

    def lp(self, size: int | np.ndarray) -> Any:
        """Return (2) for translations of so many tokens, one number or (R,)."""
        return ((5 + size) / 6) ** self.length

    def score(self, log_probability: float, size: int, alphas: np.ndarray | None) -> float:
        """Return (1) for a translation with attention weights alphas (T, S)."""
        cp = 0.0
        if self.coverage and size:
            assert alphas is not None  # the model has attention
            cp = self.coverage * np.log(alphas.sum(0, dtype=float).clip(LEAST, 1)).sum()
        return float(log_probability / self.lp(size) + cp)


NO_PENALTIES = Penalties()


def beam_search(
    model: Seq2Seq, source: PackedBatch, beam_size: int = 5, max_length: int | None = None
) -> list[Hypothesis]:
    """Return the likeliest translation that the search comes upon, one a sentence; a beam of 1 is greedy search."""
    return [best for best, *_ in beam_lists(model, source, beam_size, max_length)]


def beam_lists(
    model: Seq2Seq,
    source: PackedBatch,
    beam_size: int = 5,
    max_length: int | None = None,
    n_best: int = 1,
    penalties: Penalties = NO_PENALTIES,
) -> list[list[Hypothesis]]:
    """Return the best translations that the search comes upon, at most ``n_best`` a sentence, the best first.

    At each step the ``beam_size`` likeliest continuations of a sentence's open beginnings stay. These are all of one
    length, so a length penalty would not reorder them; coverage is judged where a translation is whole. A beginning
    that takes the end sign is finished, leaves the beam, and is compared with all others by its score, of whatever
    length they are. What is cut off at the maximum length has not paid for its end: it is returned only where nothing
    finished, and a list never mixes the two. So is, of a model that has diverged, the last beginning whose score is a
    number: a list is never empty.

    A sentence is done as soon as log P / lp(longest) of its likeliest open beginning is not above the score of its
    n-th best finished translation, where longest is the maximum length and the end sign. Nothing is lost by that: let Y
    be any translation that would still finish. As no factor of P(Y) is above 1, log P(Y) <= log P <= 0; as lp grows
    with the length, log P(Y) / lp(Y) <= log P / lp(Y) <= log P / lp(longest); and cp(Y) <= 0. So Y's score is not above
    the n-th best, and an equal one does not get in. Nor does it matter later, since which beginnings stay never depends
    on what is found. (Rounding is as good: sums and quotients are rounded in order, and lp is, but for its last bit.)

    Parameters
    ----------
    source : B sentences
    beam_size : at least 1
    max_length : as in ``greedy``
    n_best : at most ``beam_size``; a list is shorter only where fewer finished
    penalties : by default none

    References
    ----------
    Sutskever, Vinyals & Le 2014, arXiv 1409.3215, section 3.2; for the penalties see ``Penalties``.
    """
    if beam_size < 1:
        raise ValueError(f"beam_size is {beam_size}; it must be at least 1")
    if not 1 <= n_best <= beam_size:
        raise ValueError(f"n_best is {n_best}; it must be at least 1 and at most beam_size, which is {beam_size}")
    lengths, K = source.mask.sum(1), beam_size
    most = most_tokens(lengths, max_length)
    found: list[list[Hypothesis]] = [[] for _ in lengths]
    worst = np.full(len(lengths), -np.inf)  # score of the n-th best finished translation: only a better one gets in
    lp_longest = penalties.lp(most + 1)

    running = np.arange(len(lengths))  # which sentence each group of K rows of the state is
    state = select(model.encode(source), np.repeat(running, K))
    previous, steps, before = np.full(len(state.s), BOS), [], np.arange(len(state.s))
    score = np.full((len(running), K), -np.inf)  # log-probabilities, in each group the highest first
    score[:, 0] = 0.0  # at first there is one beginning, the empty one
    for step in range(max(most) + 1):
        log_p, state = model.decode_step(previous, state)
        new_score, row, token = continuations_inplace(score, log_p)
        row, token = row.ravel(), token.ravel()
        steps.append(Step(before[row], row, token, state.alpha))
        new_ends = (token == EOS).reshape(new_score.shape)
        whole = new_score / penalties.lp(step + 1)  # the score of those that end; coverage may lower it
        for group, k in zip(*(new_ends & (whole > worst[running, None])).nonzero()):
            i = running[group]
            if whole[group, k] > worst[i]:
                new = hypothesis(steps, group * K + k, new_score[group, k], lengths[i], penalties)
                found[i] = best_of([*found[i], new], n_best)
                if len(found[i]) == n_best:
                    worst[i] = found[i][-1].score
        new_score[new_ends] = -np.inf
        goes_on = (new_score.max(1) / lp_longest[running] > worst[running]) & (step < most[running])
        for group in (~goes_on).nonzero()[0]:
            i = running[group]
            if not found[i]:  # cut off: the likeliest beginnings before this step; coverage may reorder all of them
                cut = [
                    hypothesis(steps[:-1], before[group * K + k], score[group, k], lengths[i], penalties)
                    for k in range(K if penalties.coverage else n_best)
                    if score[group, k] > -np.inf
                ]
                found[i] = best_of(cut, n_best)
        if not goes_on.any():
            break
        score, previous, state, before = new_score, token, state.follow(row), np.arange(len(token))
        if not goes_on.all():
            before = np.flatnonzero(np.repeat(goes_on, K))
            running, score, previous, state = running[goes_on], score[goes_on], previous[before], select(state, before)
    return found


def continuations_inplace(score: np.ndarray, log_p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return score, row and token of the K likeliest continuations of each sentence, (B, K) each, the best first.

    score (B, K) is of the beginnings, log_p (B K, V) of each one's next token. The K best of a sentence are among the K
    best of each of its rows; these are taken out of log_p one after another, which for a small K beats sorting.
    """
    B, K = score.shape
    rows = np.arange(B * K)
    tokens = np.empty((B * K, min(K, log_p.shape[1])), int)
    best = np.empty(tokens.shape, log_p.dtype)
    for k in range(tokens.shape[1]):
        tokens[:, k] = log_p.argmax(1)
        best[:, k] = log_p[rows, tokens[:, k]]
        log_p[rows, tokens[:, k]] = -np.inf
    total = (score.reshape(-1, 1) + best).reshape(B, -1)
    chosen = np.argsort(-total, axis=1, kind="stable")[:, :K]
    row = chosen // tokens.shape[1] + K * np.arange(B)[:, None]
    return np.take_along_axis(total, chosen, 1), row, tokens[row, chosen % tokens.shape[1]]


def best_of(hypotheses: list[Hypothesis], n_best: int) -> list[Hypothesis]:
    """Return the n of the highest scores, the highest first; equals in the order they come in."""
    return sorted(hypotheses, key=lambda each: -each.score)[:n_best]


def hypothesis(steps: list[Step], row: int, log_p: float, length: int, penalties: Penalties) -> Hypothesis:
    """Return the translation whose last step is ``row`` of the last of steps, for a source of ``length`` tokens."""
    tokens, alphas = [], []
    for step in reversed(steps):
        tokens.append(int(step.token[row]))
        if step.alpha is not None:
            alphas.append(step.alpha[step.row[row], :length])
        row = step.before[row]
    tokens.reverse()
    ended = bool(tokens) and tokens[-1] == EOS
    attended = np.array(alphas[::-1]) if alphas else None
    score = penalties.score(log_p, len(tokens), attended)
    return Hypothesis(tokens[:-1] if ended else tokens, float(log_p), attended, ended, score)
