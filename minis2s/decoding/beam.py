"""Beam search: keep the few likeliest beginnings of a translation side by side, not just one."""

from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Sequences
from minis2s.data.vocabulary import BOS, EOS
from minis2s.decoding.greedy import Hypothesis, most_tokens
from minis2s.layers.record import select
from minis2s.models.seq2seq import Seq2Seq


class Step(NamedTuple):
    """One step of the search, as far as a translation is read back from it; a row a beginning of R."""

    before: np.ndarray  # (R,) the row that a beginning was after the step before
    row: np.ndarray  # (R,) the row it then was in the state
    token: np.ndarray  # (R,)
    alpha: np.ndarray | None  # (rows of the state, S) where the model looked for the token


def beam_search(
    model: Seq2Seq, source: Sequences, beam_size: int = 5, max_length: int | None = None
) -> list[Hypothesis]:
    """Return the likeliest translation that the search comes upon, one a sentence; a beam of 1 is greedy search.

    At each step the ``beam_size`` likeliest continuations of a sentence's open beginnings stay; one that takes the end
    sign is finished. Nothing grows likelier as it grows longer, so a sentence is done, and nothing is lost, as soon as
    none of its open beginnings is likelier than its best finished translation.

    Parameters
    ----------
    source : B sentences
    beam_size : at least 1
    max_length : as in ``greedy``

    References
    ----------
    Sutskever, Vinyals & Le 2014, arXiv 1409.3215, section 3.2. No length penalty.
    """
    if beam_size < 1:
        raise ValueError(f"beam_size is {beam_size}; it must be at least 1")
    lengths, K = source.mask.sum(1), beam_size
    most = most_tokens(lengths, max_length)
    found: list[Hypothesis | None] = [None] * len(lengths)
    best = np.full(len(lengths), -np.inf)  # log-probability of the best finished translation

    running = np.arange(len(lengths))  # which sentence each group of K rows of the state is
    state = select(model.encode(source), np.repeat(running, K))
    previous, steps, before = np.full(len(state.s), BOS), [], np.arange(len(state.s))
    score = np.full((len(running), K), -np.inf)
    score[:, 0] = 0.0  # there is one beginning yet: the empty one
    for step in range(max(most) + 1):
        log_p, state = model.decode_step(previous, state)
        new_score, row, token = continuations_inplace(score, log_p)
        row, token = row.ravel(), token.ravel()
        steps.append(Step(before[row], row, token, state.alpha))
        new_ends = (token == EOS).reshape(new_score.shape)
        for group, k in zip(*(new_ends & (new_score > best[running, None])).nonzero()):
            i = running[group]
            if new_score[group, k] > best[i]:
                best[i] = new_score[group, k]
                found[i] = hypothesis(steps, group * K + k, best[i], lengths[i])
        new_score[new_ends] = -np.inf
        goes_on = (new_score.max(1) > best[running]) & (step < most[running])
        for group in (step == most[running]).nonzero()[0]:
            i = running[group]
            if found[i] is None:  # cut off: the likeliest beginning before this step
                k = score[group].argmax()
                found[i] = hypothesis(steps[:-1], before[group * K + k], score[group, k], lengths[i])
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


def hypothesis(steps: list[Step], row: int, score: float, length: int) -> Hypothesis:
    """Return the translation whose last step is ``row`` of the last of steps, for a source of ``length`` tokens."""
    tokens, alphas = [], []
    for step in reversed(steps):
        tokens.append(int(step.token[row]))
        if step.alpha is not None:
            alphas.append(step.alpha[step.row[row], :length])
        row = step.before[row]
    tokens.reverse()
    ended = bool(tokens) and tokens[-1] == EOS
    return Hypothesis(tokens[:-1] if ended else tokens, float(score), np.array(alphas[::-1]) if alphas else None, ended)
