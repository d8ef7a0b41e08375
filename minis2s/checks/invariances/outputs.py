"""What a model makes of a batch: loss and gradient, translations, and the probability of every token at every step."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from minis2s.checks.derivatives import relative_error
from minis2s.checks.invariances.result import DifferenceMap, relative_differences, table
from minis2s.data.batches import Batch, Examples, Sentences
from minis2s.decoding.greedy import greedy
from minis2s.layers.cross_entropy import CrossEntropyCache
from minis2s.layers.record import to_vector, walk
from minis2s.models.seq2seq import Seq2Seq

MOST_TOKENS = 8  # of a greedy translation; an untrained model may never end

Pair = tuple[list[int], list[int]]  # the ids of a source, and of its target with EOS
Translation = tuple[list[int], float]  # tokens and log-probability


class Outcome(NamedTuple):
    """Sentences in the order in which they were given, whatever the order of the batch's rows."""

    loss_and_gradient: np.ndarray  # one vector
    translations: list[Translation]
    p: np.ndarray | None  # (B, T, V) probabilities, teacher-forced


def given_order(batch: Batch) -> np.ndarray:
    """Return the batch's rows in the order in which the pairs were given, (B,)."""
    return np.argsort(batch.pairs, kind="stable")


def pairs_of(batch: Batch) -> list[Pair]:
    """Return the sentences of a batch, in the order in which they were given."""
    sides = (batch.source, batch.target)
    return [tuple(side.ids[row][side.mask[row]].tolist() for side in sides) for row in given_order(batch)]


def batch_of(pairs: Sequence[Pair]) -> Batch:
    """Return a batch of such sentences."""
    sources, targets = zip(*pairs)
    return Examples(Sentences(sources), Sentences(targets)).batch(np.arange(len(pairs)))


def outcome(model: Seq2Seq, batch: Batch) -> Outcome:
    """Return all of it."""
    return Outcome(loss_and_gradient(model, batch), translations(model, batch), probabilities(model, batch))


def loss_and_gradient(model: Seq2Seq, batch: Batch) -> np.ndarray:
    """Return the loss and all gradients behind one another in one vector."""
    loss, cache = model.loss(batch)
    return np.concatenate([[loss], to_vector(model.backward(cache))])


def translations(model: Seq2Seq, batch: Batch) -> list[Translation]:
    """Return the greedy translation of each source."""
    found = greedy(model, batch.source, MOST_TOKENS)
    return [(found[row].tokens, found[row].log_probability) for row in given_order(batch)]


def probabilities(model: Seq2Seq, batch: Batch) -> np.ndarray | None:
    """Return p of every token at every step, (B, T, V), zero behind each end; None where the cache does not hold it."""
    loss = getattr(model.loss(batch)[1], "loss", None)
    if not isinstance(loss, CrossEntropyCache) or len(loss.e) != batch.tokens:
        return None
    target = batch.target
    p = np.zeros((len(target.ids), len(target.batch_sizes), loss.e.shape[-1]))
    p[target.rows, target.steps] = loss.e / loss.total
    return p[given_order(batch)]


def unequal(found: Sequence[Translation], expected: Sequence[Translation]) -> float:
    """Return the relative difference of the log-probabilities; infinite where a translation differs."""
    if [tokens for tokens, _ in found] != [tokens for tokens, _ in expected]:
        return np.inf
    return relative_error(np.array([p for _, p in found]), np.array([p for _, p in expected]))


def contributions(
    model: Seq2Seq, pairs: Sequence[Pair], way: Callable[[Sequence[Pair]], Batch] = batch_of
) -> np.ndarray:
    """Return what each sentence adds to the gradient of the total loss: that of the batch less that without it.

    way : makes a batch of pairs

    Returns
    -------
    (B, P), all gradients of a sentence behind one another, in nats per unit of the weight
    """

    def total(some: Sequence[Pair]) -> np.ndarray | float:
        if not some:
            return 0.0
        batch = way(some)
        return loss_and_gradient(model, batch)[1:] * batch.tokens

    return np.array([total(pairs) - total([*pairs[:i], *pairs[i + 1 :]]) for i in range(len(pairs))])


def sentences_of(batch: Batch) -> list[str]:
    """Return the names of the rows of a map."""
    return [f"sentence {pair + 1}" for pair in np.sort(batch.pairs)]


def step_map(found: np.ndarray, expected: np.ndarray, lengths: Sequence[int], names: Sequence[str]) -> DifferenceMap:
    """Return how far probabilities (B, T, V) of targets of these lengths are apart, the worst of each step."""
    values = relative_differences(found, expected).max(-1)
    values[np.arange(values.shape[1]) >= np.array(lengths)[:, None]] = np.nan
    return table(values, names, [f"step {t + 1}" for t in range(values.shape[1])])


def translation_map(
    found: Sequence[Translation], expected: Sequence[Translation], names: Sequence[str]
) -> DifferenceMap:
    """Return how far the translations' log-probabilities are apart."""
    values = relative_differences(*(np.array([p for _, p in side]) for side in (found, expected)))
    differ = [one[0] != other[0] for one, other in zip(found, expected)]
    return table(np.where(differ, np.inf, values)[:, None], names, ["translation"])


def gradient_map(model: Seq2Seq, found: np.ndarray, expected: np.ndarray, columns: Sequence[str]) -> DifferenceMap:
    """Return how far gradients (C, P) are apart, the worst of each array."""
    arrays = dict(walk(model))
    ends = np.cumsum([array.size for array in arrays.values()])
    parts = np.split(relative_differences(found, expected), ends[:-1], axis=1)
    return table([part.max(1, initial=0.0) for part in parts], list(arrays), columns)
