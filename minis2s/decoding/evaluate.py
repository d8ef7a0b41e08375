"""Measure a model on pairs: teacher-forced and free-running."""

from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Examples, iterate
from minis2s.decoding.greedy import Hypothesis, greedy
from minis2s.metrics import exact_match, perplexity
from minis2s.models.seq2seq import Seq2Seq


class Evaluation(NamedTuple):
    """How good a model is on a data set."""

    pairs: int
    exact_match: float  # free-running, fraction of sentences
    token_accuracy: float  # teacher-forced, fraction of tokens
    nll_per_token: float  # teacher-forced, nats
    perplexity: float  # teacher-forced


def translate_all(
    model: Seq2Seq, examples: Examples, size: int = 250, max_length: int | None = None
) -> list[Hypothesis]:
    """Translate every source of a data set greedily; return a hypothesis each, in its order."""
    hypotheses: list[Hypothesis | None] = [None] * len(examples)
    order = np.argsort(examples.sources.lengths, kind="stable")  # equally long sentences together: little padding
    for start in range(0, len(order), size):
        which = order[start : start + size]
        for i, hypothesis in zip(which, greedy(model, examples.sources.pad(which), max_length)):
            hypotheses[i] = hypothesis
    return hypotheses


def teacher_forced(model: Seq2Seq, examples: Examples, size: int = 250) -> tuple[float, float]:
    """Return the negative log-likelihood per token, in nats, and the fraction of tokens that are the likeliest."""
    nats, right, tokens = 0.0, 0, 0
    for batch in iterate(examples, size):
        loss, cache = model.loss(batch)
        nats += loss * batch.tokens
        right += int((cache.loss.e.argmax(-1) == batch.target.packed).sum())
        tokens += batch.tokens
    return nats / tokens, right / tokens


def evaluate(model: Seq2Seq, examples: Examples) -> Evaluation:
    """Return all figures of a model on a data set of ids."""
    nll, accuracy = teacher_forced(model, examples)
    hypotheses = [h.tokens for h in translate_all(model, examples)]
    references = [examples.targets[i][:-1].tolist() for i in range(len(examples))]  # without the end sign
    return Evaluation(len(examples), exact_match(hypotheses, references), accuracy, nll, perplexity(nll))
