"""Models without a bug of the library, in which more padding changes something all the same, and always one thing.

A check of padding that looks at the loss alone, at one array, at a sum or at one sign acquits some of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from minis2s.data.batches import Batch, PackedBatch
from minis2s.layers.record import record, walk
from minis2s.models.seq2seq import Seq2Seq, Seq2SeqCache


@dataclass(frozen=True)
class Moves:
    """What more padding does."""

    loss: float = 0.0  # what is added to it
    array: int = 0  # the place of an array in the gradient
    change: Callable[[np.ndarray], None] | None = None  # changes this array in place
    of_pairs: int | None = None  # only in batches of so many pairs


class PaddedCache(Seq2SeqCache):
    """A model's cache that knows whether the batch had more padding than it needs."""

    moved = False


@record
class Suspect(Seq2Seq):
    """A model that reads no padding, and whose loss and gradient are then moved by hand where there is too much."""

    moves: Moves

    def loss(self, batch: Batch, rng: Any = None) -> tuple[float, Seq2SeqCache]:
        """Return the model's loss, the same to the last bit whatever the padding, and then moved."""
        narrow = replace(batch, source=without_padding(batch.source), target=without_padding(batch.target))
        loss, cache = super().loss(narrow, rng)
        cache = PaddedCache(*cache)
        wider = narrow.source.ids.shape != batch.source.ids.shape
        cache.moved = wider and self.moves.of_pairs in (None, len(batch.pairs))
        return loss + self.moves.loss * cache.moved, cache

    def backward(self, cache: PaddedCache) -> Seq2Seq:
        """Return the model's gradient, and then one array of it moved."""
        gradient = super().backward(cache)
        if cache.moved and self.moves.change:
            self.moves.change([array for _, array in walk(gradient)][self.moves.array])
        return gradient


NOTHING = Moves()


def suspect(model: Seq2Seq, moves: Moves = NOTHING) -> Suspect:
    """Return a suspect with the weights of a model; without ``moves`` an innocent one."""
    return Suspect(**{field.name: getattr(model, field.name) for field in fields(model)}, moves=moves)


def without_padding(side: PackedBatch) -> PackedBatch:
    """Return the same sentences without the columns that none of them needs."""
    lengths = side.mask.sum(1)
    return PackedBatch.of(side.ids[:, : lengths.max()], lengths)


def more(array: np.ndarray) -> None:
    """Add a little to every entry of an array of any shape."""
    array += 1e-3


def less(array: np.ndarray) -> None:
    """Take a little off every entry of an array of any shape."""
    array -= 1e-3


def exchange(array: np.ndarray) -> None:
    """Exchange the largest and the smallest entry of an array of any shape: sum, mean and norm stay the same."""
    ends = [array.argmax(), array.argmin()]
    array.flat[ends] = array.flat[ends[::-1]]


SUSPECTS = {  # by what to say of a check that judges it wrongly
    "whose loss alone grows with padding; and a difference may have either sign": Moves(1e-3),
    "whose loss alone falls with padding; and a difference may have either sign": Moves(-1e-3),
    "in which padding adds to the first array's gradient alone; and a difference may have either sign": (
        Moves(0, 0, more)
    ),
    "in which padding takes off the last array's gradient alone; and a difference may have either sign": (
        Moves(0, -1, less)
    ),
    "in which two entries of the first array's gradient change places; no sum, mean or norm tells": (
        Moves(0, 0, exchange)
    ),
    "in which two entries of the last array's gradient change places; no sum, mean or norm tells": (
        Moves(0, -1, exchange)
    ),
    "in which padding moves the loss, but of batches of 4 pairs only; is it the given batch that you ask about?": (
        Moves(1e-3, of_pairs=4)
    ),
    "in which padding moves the loss, but of batches of 2 pairs only; is it the given batch that you ask about?": (
        Moves(1e-3, of_pairs=2)
    ),
}
