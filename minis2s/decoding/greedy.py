"""Greedy search: take the most likely token, feed it back, stop at the end sign."""

from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Sequences
from minis2s.data.vocabulary import BOS, EOS
from minis2s.layers.record import select
from minis2s.models.seq2seq import Seq2Seq


class Hypothesis(NamedTuple):
    """One translation of one sentence."""

    tokens: list[int]  # without the end sign
    log_probability: float  # nats, of the tokens and, if it came to an end, of the end sign
    alphas: np.ndarray | None  # (T, S) where each step looked, the one that gave the end sign included
    ended: bool  # False: cut off at the maximum length


def greedy(model: Seq2Seq, source: Sequences, max_length: int | None = None) -> list[Hypothesis]:
    """Translate a batch, all sentences side by side; a sentence that has ended leaves it.

    Parameters
    ----------
    source : B sentences
    max_length : the most tokens of a translation, end sign not counted; by default twice its source's and ten

    Returns
    -------
    A hypothesis a sentence, in the order of ``source``.

    Raises
    ------
    ValueError
        If ``max_length`` is negative.
    """
    lengths = source.mask.sum(1)
    most = most_tokens(lengths, max_length)
    tokens: list[list[int]] = [[] for _ in lengths]
    alphas: list[list[np.ndarray]] = [[] for _ in lengths]
    log_probability, ended = np.zeros(len(lengths)), np.zeros(len(lengths), bool)

    running = np.arange(len(lengths))  # which sentence each row of the state is
    state, previous = model.encode(source), np.full(len(lengths), BOS)
    for step in range(max(most) + 1):
        log_p, state = model.decode_step(previous, state)
        previous = log_p.argmax(-1)
        ended[running] = previous == EOS
        goes_on = ~ended[running] & (step < most[running])
        counted = ended[running] | goes_on  # a token past the maximum length is not taken
        log_probability[running[counted]] += log_p[counted, previous[counted]]
        for row in counted.nonzero()[0]:
            i = running[row]
            if goes_on[row]:
                tokens[i].append(int(previous[row]))
            if state.alpha is not None:
                alphas[i].append(state.alpha[row, : lengths[i]])
        if not goes_on.any():
            break
        if not goes_on.all():
            running, previous, state = running[goes_on], previous[goes_on], select(state, goes_on)
    return [
        Hypothesis(tokens[i], float(log_probability[i]), np.array(alphas[i]) if alphas[i] else None, bool(ended[i]))
        for i in range(len(lengths))
    ]


def most_tokens(lengths: np.ndarray, max_length: int | None) -> np.ndarray:
    """Return how many tokens each translation may have, (B,) int.

    Where nobody says it depends on the sentence's own source, never on what else is in the batch.
    """
    if max_length is not None and max_length < 0:
        raise ValueError(f"max_length is {max_length}; it must be 0 or more")
    return 2 * lengths + 10 if max_length is None else np.full(len(lengths), max_length)
