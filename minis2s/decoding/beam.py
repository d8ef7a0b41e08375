"""Beam search: keep the few likeliest beginnings of a translation side by side, not just one."""

from typing import NamedTuple, Optional

import numpy as np

from minis2s.data.batches import Sequences
from minis2s.data.vocabulary import BOS, EOS
from minis2s.decoding.greedy import Hypothesis, most_tokens
from minis2s.layers.record import select
from minis2s.models.seq2seq import Seq2Seq


class Node(NamedTuple):
    """The last token of a beginning, where the model looked for it, and the beginning before it."""

    before: Optional["Node"]
    token: int
    alpha: np.ndarray | None  # (S,)


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
    previous, nodes = np.full(len(running) * K, BOS), [None] * (len(running) * K)
    score = np.full((len(running), K), -np.inf)
    score[:, 0] = 0.0  # there is one beginning yet: the empty one
    for step in range(max(most) + 1):
        log_p, state = model.decode_step(previous, state)
        new_score, parent, token = continuations(score, log_p)
        grown = [
            Node(nodes[row], int(t), None if state.alpha is None else state.alpha[row, : lengths[running[row // K]]])
            for row, t in zip(parent.ravel(), token.ravel())
        ]
        ends = (token == EOS) & (new_score > best[running, None])
        for group, k in zip(*ends.nonzero()):
            i = running[group]
            if new_score[group, k] > best[i]:
                best[i], found[i] = new_score[group, k], hypothesis(grown[group * K + k], new_score[group, k], True)
        new_score[token == EOS] = -np.inf
        goes_on = (new_score.max(1) > best[running]) & (step < most[running])
        for group in (step == most[running]).nonzero()[0]:
            if found[running[group]] is None:  # cut off: the likeliest beginning before this step
                k = score[group].argmax()
                found[running[group]] = hypothesis(nodes[group * K + k], score[group, k], False)
        if not goes_on.any():
            break
        score, nodes, previous, state = new_score, grown, token.ravel(), state.follow(parent.ravel())
        if not goes_on.all():
            rows = np.flatnonzero(np.repeat(goes_on, K))
            running, score, nodes = running[goes_on], score[goes_on], [grown[row] for row in rows]
            previous, state = previous[rows], select(state, rows)
    return found


def continuations(score: np.ndarray, log_p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return score, row and token of the K likeliest continuations of each sentence, (B, K) each, the best first.

    score (B, K) is of the beginnings, log_p (B K, V) of each one's next token. The K best of a sentence are among the K
    best of each of its rows; these are taken out one after another, which for a small K is faster than sorting.
    """
    B, K = score.shape
    rows, taken = np.arange(B * K), log_p.copy()
    tokens = np.empty((B * K, min(K, log_p.shape[1])), int)
    for k in range(tokens.shape[1]):
        tokens[:, k] = taken.argmax(1)
        taken[rows, tokens[:, k]] = -np.inf
    total = (score.reshape(-1, 1) + log_p[rows[:, None], tokens]).reshape(B, -1)
    chosen = np.argsort(-total, axis=1, kind="stable")[:, :K]
    row = chosen // tokens.shape[1] + K * np.arange(B)[:, None]
    return np.take_along_axis(total, chosen, 1), row, tokens[row, chosen % tokens.shape[1]]


def hypothesis(node: Node | None, score: float, ended: bool) -> Hypothesis:
    """Return a finished or cut-off translation from its last node."""
    path = []
    while node is not None:
        path.append(node)
        node = node.before
    path.reverse()
    tokens = [node.token for node in path]
    alphas = np.array([node.alpha for node in path]) if path and path[0].alpha is not None else None
    return Hypothesis(tokens[:-1] if ended else tokens, float(score), alphas, ended)
