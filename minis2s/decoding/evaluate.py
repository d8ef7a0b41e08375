"""Measure a model on pairs: teacher-forced and free-running."""

from typing import NamedTuple

from minis2s.data.batches import Examples, iterate
from minis2s.data.vocabulary import EOS, UNK
from minis2s.decoding.search import Search, translate_all
from minis2s.metrics import exact_match, perplexity
from minis2s.models.seq2seq import Seq2Seq


class Evaluation(NamedTuple):
    """How good a model is on a data set."""

    pairs: int
    exact_match: float  # free-running, fraction of sentences
    token_accuracy: float  # teacher-forced, fraction of tokens
    nll_per_token: float  # teacher-forced, nats
    perplexity: float  # teacher-forced


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


def evaluate(model: Seq2Seq, examples: Examples, search: Search | None = None) -> Evaluation:
    """Return all figures of a model on a data set of ids. A target with an unknown token is never matched."""
    if not len(examples):
        raise ValueError("there are no pairs to measure the model on")
    nll, accuracy = teacher_forced(model, examples)
    hypotheses = [h.tokens + [EOS] * h.ended for h in translate_all(model, examples.sources, search)]
    references = [examples.targets[i].tolist() for i in range(len(examples))]
    references = [None if UNK in reference else reference for reference in references]
    return Evaluation(len(examples), exact_match(hypotheses, references), accuracy, nll, perplexity(nll))
