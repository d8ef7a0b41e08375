"""Measure a model on pairs: teacher-forced and free-running."""

from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Examples, Sentences, iterate
from minis2s.data.vocabulary import EOS, UNK
from minis2s.decoding.beam import beam_search
from minis2s.decoding.greedy import Hypothesis, greedy
from minis2s.metrics import exact_match, perplexity
from minis2s.models.seq2seq import Seq2Seq
from minis2s.process import keep_freed_memory, use_one_thread


class Evaluation(NamedTuple):
    """How good a model is on a data set."""

    pairs: int
    exact_match: float  # free-running, fraction of sentences
    token_accuracy: float  # teacher-forced, fraction of tokens
    nll_per_token: float  # teacher-forced, nats
    perplexity: float  # teacher-forced


def translate_all(
    model: Seq2Seq, sources: Sentences, beam_size: int = 1, size: int = 250, max_length: int | None = None
) -> list[Hypothesis]:
    """Translate sentences of ids, ``size`` side by side; return a hypothesis each, in their order."""
    keep_freed_memory()
    use_one_thread()
    hypotheses: list[Hypothesis | None] = [None] * len(sources)
    order = np.argsort(sources.lengths, kind="stable")  # equally long sentences together: little padding
    for start in range(0, len(order), size):
        which = order[start : start + size]
        source = sources.pad(which)
        if beam_size == 1:
            found = greedy(model, source, max_length)
        else:
            found = beam_search(model, source, beam_size, max_length)
        for i, hypothesis in zip(which, found):
            hypotheses[i] = hypothesis
    return hypotheses


def teacher_forced(model: Seq2Seq, examples: Examples, size: int = 250) -> tuple[float, float]:
    """Return the negative log-likelihood per token, in nats, and the fraction of tokens that are the likeliest."""
    nats, right, tokens = 0.0, 0, 0
    for batch in iterate(examples, size):
        loss, cache = model.loss(batch)
        nats += loss * batch.tokens
        target = batch.target.packed
        right += int(((cache.loss.e.argmax(-1) == target) & (target != UNK)).sum())
        tokens += batch.tokens
    return nats / tokens, right / tokens


def evaluate(model: Seq2Seq, examples: Examples, beam_size: int = 1) -> Evaluation:
    """Return all figures of a model on a data set of ids. A target with an unknown token is never matched."""
    if not len(examples):
        raise ValueError("there are no pairs to measure the model on")
    nll, accuracy = teacher_forced(model, examples)
    hypotheses = [h.tokens + [EOS] * h.ended for h in translate_all(model, examples.sources, beam_size)]
    references = [examples.targets[i].tolist() for i in range(len(examples))]
    references = [None if UNK in reference else reference for reference in references]
    return Evaluation(len(examples), exact_match(hypotheses, references), accuracy, nll, perplexity(nll))
