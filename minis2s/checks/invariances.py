"""What must not change, whatever the weights: checks for bugs that no gradient check can see.

A wrong mask in the *forward* pass has a perfectly right gradient, of the wrong function. These checks ask for
properties instead, and need no reference.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from minis2s.checks.cases import hard_batch
from minis2s.checks.gradcheck import relative_error
from minis2s.data.batches import Batch, Examples, Sentences, Sequences
from minis2s.data.vocabulary import EOS, SPECIAL
from minis2s.decoding.greedy import greedy
from minis2s.layers.record import cast, to_vector, walk
from minis2s.models.seq2seq import Seq2Seq

TOLERANCE = 1e-12
MOST_TOKENS = 8  # of a greedy translation; an untrained model may never end


class Invariance(NamedTuple):
    """One property and how far the model is from having it."""

    name: str
    difference: float  # largest relative difference; infinite where something is not finite or not equal
    ok: bool
    meaning: str

    def __str__(self) -> str:
        return f"{self.name:16}{self.difference:8.1e}  {'ok' if self.ok else 'WRONG':5}  {self.meaning}"


def invariances(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> list[Invariance]:
    """Check a model on a batch; return one verdict a property.

    Parameters
    ----------
    model : whatever answers loss, backward, encode and decode_step; it is copied to float64
    batch : by default a small ragged one
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    checks = (more_padding, alone, backward_twice, inputs_untouched, own_output)
    results = []
    for check in checks:
        difference = check(model, batch)
        meaning = " ".join(check.__doc__.split())
        results.append(Invariance(check.__name__, difference, difference <= tolerance, meaning))
    return results


def more_padding(model: Seq2Seq, batch: Batch) -> float:
    """More padding, and any token in it, changes neither loss nor gradient nor translation."""
    wide = replace(batch, source=widened(batch.source, 3), target=widened(batch.target, 2))
    found, expected = loss_and_gradient(model, wide), loss_and_gradient(model, batch)
    return max(relative_error(found, expected), unequal(translate(model, wide), translate(model, batch)))


def alone(model: Seq2Seq, batch: Batch) -> float:
    """A sentence alone gives what it gives in a batch: losses and gradients add up, translations are equal."""
    singles = [single(batch, i) for i in range(len(batch.pairs))]
    parts = [loss_and_gradient(model, one) * one.tokens / batch.tokens for one in singles]
    translations = [translate(model, one)[0] for one in singles]
    return max(
        relative_error(np.sum(parts, axis=0), loss_and_gradient(model, batch)),
        unequal(translations, translate(model, batch)),
    )


def backward_twice(model: Seq2Seq, batch: Batch) -> float:
    """Backward called twice gives the same gradient, to the last bit."""
    _, cache = model.loss(batch)
    first = to_vector(model.backward(cache))
    return 0.0 if np.array_equal(first, to_vector(model.backward(cache))) else np.inf


def inputs_untouched(model: Seq2Seq, batch: Batch) -> float:
    """Loss, backward and decoding change neither the weights nor the batch, and backward not the cache."""
    before = copies((model, batch))
    _, cache = model.loss(batch)
    cached = copies(cache)
    model.backward(cache)
    translate(model, batch)
    same = all(map(np.array_equal, before + cached, copies((model, batch)) + copies(cache)))
    return 0.0 if same else np.inf


def own_output(model: Seq2Seq, batch: Batch) -> float:
    """Teacher-forced on its own greedy translation, the model gives the likelihood that the search reported."""
    difference = 0.0
    for i in range(len(batch.pairs)):
        one = single(batch, i)
        (hypothesis,) = greedy(model, one.source, MOST_TOKENS)
        written = hypothesis.tokens + [EOS] * hypothesis.ended
        forced = Examples(Sentences([one.source.ids[0].tolist()]), Sentences([written])).batch(np.array([0]))
        loss, _ = model.loss(forced)
        difference = max(
            difference, relative_error(np.array(-loss * forced.tokens), np.array(hypothesis.log_probability))
        )
    return difference


def single(batch: Batch, row: int) -> Batch:
    """Return one pair of a batch as a batch of its own."""
    source, target = (side.ids[row][side.mask[row]].tolist() for side in (batch.source, batch.target))
    return Examples(Sentences([source]), Sentences([target])).batch(np.array([0]))


def widened(sequences: Sequences, extra: int) -> Sequences:
    """Return the same sentences with ``extra`` more columns of padding, and ordinary tokens in all of it."""
    ids = np.pad(sequences.ids, ((0, 0), (0, extra)))
    mask = np.pad(sequences.mask, ((0, 0), (0, extra)))
    return Sequences.of(np.where(mask, ids, len(SPECIAL)), mask.sum(1))


def loss_and_gradient(model: Seq2Seq, batch: Batch) -> np.ndarray:
    """Return the loss and all gradients behind one another in one vector."""
    loss, cache = model.loss(batch)
    return np.concatenate([[loss], to_vector(model.backward(cache))])


def translate(model: Seq2Seq, batch: Batch) -> list[tuple[list[int], float]]:
    """Return tokens and log-probability of each greedy translation."""
    return [(h.tokens, h.log_probability) for h in greedy(model, batch.source, MOST_TOKENS)]


def unequal(found: Sequence[tuple[list[int], float]], expected: Sequence[tuple[list[int], float]]) -> float:
    """Return the relative difference of the log-probabilities; infinite where a translation differs."""
    if [tokens for tokens, _ in found] != [tokens for tokens, _ in expected]:
        return np.inf
    return relative_error(np.array([p for _, p in found]), np.array([p for _, p in expected]))


def copies(tree: Any) -> list[np.ndarray]:
    """Return copies of all arrays of a record, a cache or a tuple of them."""
    return [array.copy() for _, array in walk(tree)]
