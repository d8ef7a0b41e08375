"""Greedy search: take the most likely token, feed it back, stop at the end sign."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minis2s.data.batches import PackedBatch
from minis2s.data.vocabulary import BOS, EOS
from minis2s.layers.record import select
from minis2s.models.seq2seq import Seq2Seq


class Hypothesis(NamedTuple):
    """One translation of one sentence."""

    tokens: list[int]  # without the end sign
    log_probability: float  # nats, of the tokens and, if it came to an end, of the end sign
    alphas: np.ndarray | None  # (T, S) attention weights of each step, that of the end sign included
    ended: bool  # False: cut off at the maximum length
    score: float  # what a search ranks it by: the log-probability, or what penalties make of it


def likeliest(log_p: np.ndarray, running: np.ndarray, step: int) -> np.ndarray:
    """Return the likeliest token of each row of log_p (R, V), as (R,) int."""
    return log_p.argmax(-1)


def greedy(
    model: Seq2Seq,
    source: PackedBatch,
    max_length: int | None = None,
    choose: Callable[[np.ndarray, np.ndarray, int], np.ndarray] = likeliest,
) -> list[Hypothesis]:
    """Translate a batch, all sentences side by side; a sentence that has ended leaves the batch.

    Parameters
    ----------
    source : B sentences
    max_length : the most tokens of a translation, end sign not counted; by default twice its source's and ten
    choose : given log-probabilities (R, V), which sentences the rows are (R,) and the step, a token for each row;
        sampling.py draws them

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
    log_probability, ended, taken = np.zeros(len(lengths)), np.zeros(len(lengths), bool), np.zeros(len(lengths), int)
    tokens, alphas = [], []  # (B,) and (B, S), one a step

    running = np.arange(len(lengths))  # which sentence each row of the state is
    state, previous = model.encode(source), np.full(len(lengths), BOS)
    for step in range(max(most) + 1):
        log_p, state = model.decode_step(previous, state)
        previous = choose(log_p, running, step)
        ended[running] = previous == EOS
        goes_on = ~ended[running] & (step < most[running])
        counted = ended[running] | goes_on  # a token past the maximum length is not taken
        log_probability[running[counted]] += log_p[counted, previous[counted]]
        taken[running[goes_on]] += 1
        tokens.append(spread(previous, running, len(lengths)))
        if state.alpha is not None:
            alphas.append(spread(state.alpha, running, len(lengths)))
        if not goes_on.any():
            break
        if not goes_on.all():
            running, previous, state = running[goes_on], previous[goes_on], select(state, goes_on)
    ids = np.array(tokens).T  # (B, T)
    attended = [size if alphas else 0 for size in taken + ended]  # at the end sign, too
    return [
        Hypothesis(
            ids[i, : taken[i]].tolist(),
            float(log_probability[i]),
            np.array([alpha[i, : lengths[i]] for alpha in alphas[: attended[i]]]) if attended[i] else None,
            bool(ended[i]),
            float(log_probability[i]),
        )
        for i in range(len(lengths))
    ]


def spread(values: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    """Return values (N, ...) at these of ``size`` rows, the others zero."""
    out = np.zeros((size, *values.shape[1:]), values.dtype)
    out[rows] = values
    return out


def most_tokens(lengths: np.ndarray, max_length: int | None) -> np.ndarray:
    """Return how many tokens each translation may have, (B,) int.

    By default it depends on the sentence's own source, never on what else is in the batch.
    """
    if max_length is not None and max_length < 0:
        raise ValueError(f"max_length is {max_length}; it must be 0 or more")
    return 2 * lengths + 10 if max_length is None else np.full(len(lengths), max_length)
