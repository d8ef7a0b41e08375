"""What must not change with the batch or with another call: padding, other sentences, order, two calls, the inputs.

Each takes a model, and a batch if the small ragged one will not do, and returns an ``Invariance``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minis2s.checks.cases import hard_batch
from minis2s.checks.derivatives import relative_error, worst_place
from minis2s.checks.invariances.outputs import (
    Outcome,
    Pair,
    batch_of,
    contributions,
    gradient_map,
    loss_and_gradient,
    outcome,
    pairs_of,
    probabilities,
    sentences_of,
    step_map,
    translation_map,
    translations,
    unequal,
)
from minis2s.checks.invariances.result import TOLERANCE, DifferenceMap, Invariance, not_applicable, verdict
from minis2s.data.batches import Batch, PackedBatch
from minis2s.data.vocabulary import SPECIAL
from minis2s.layers.record import branches, cast, to_vector
from minis2s.models.seq2seq import Seq2Seq


def padding_invariance(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """More padding, and any token in it, changes neither loss nor gradient nor translation.

    Map: sentence by step, or array by sentence if only gradients change.
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    found, expected, pairs = outcome(model, widened(batch)), outcome(model, batch), pairs_of(batch)

    def added() -> tuple[np.ndarray, np.ndarray]:
        return contributions(model, pairs, lambda some: widened(batch_of(some))), contributions(model, pairs)

    maps = maps_of(model, pairs, sentences_of(batch), found, expected, added)
    return verdict(padding_invariance, apart(found, expected), tolerance, maps=maps)


def batch_independence(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """A sentence alone gives what it gives in a batch: losses and gradients add up, translations are equal.

    Map: sentence by step, or array by sentence if only gradients change.
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    pairs = pairs_of(batch)
    singles = [batch_of([pair]) for pair in pairs]
    parts = np.array([loss_and_gradient(model, one) * one.tokens for one in singles])
    together = outcome(model, batch)
    found = Outcome(
        parts.sum(0) / batch.tokens,
        [translations(model, one)[0] for one in singles],
        None if together.p is None else stacked([probabilities(model, one) for one in singles], together.p.shape),
    )
    maps = maps_of(
        model, pairs, sentences_of(batch), found, together, lambda: (parts[:, 1:], contributions(model, pairs))
    )
    return verdict(batch_independence, apart(found, together), tolerance, maps=maps)


def batch_order(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """The order of the sentences in a batch changes nothing: loss and gradient stay, translations go with their source.

    Sorting by length would undo another order, so targets of one length are checked, too: the shorter ones go on from
    their beginning again. Map: sentence by step, or array by sentence if only gradients change.
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    if len(batch.pairs) < 2:
        return not_applicable(batch_order, "a single sentence has no order; give a batch of two or more")
    pairs = pairs_of(batch)
    most = max(len(target) for _, target in pairs)
    results = []
    for some in (pairs, [(source, np.resize(target, most).tolist()) for source, target in pairs]):
        back, expected = outcome(model, batch_of(some[::-1])), outcome(model, batch_of(some))
        p = None if back.p is None else back.p[::-1]
        found = Outcome(back.loss_and_gradient, back.translations[::-1], p)

        def added(some: Sequence[Pair] = some) -> tuple[np.ndarray, np.ndarray]:
            return contributions(model, some[::-1])[::-1], contributions(model, some)

        maps = maps_of(model, some, sentences_of(batch), found, expected, added)
        results.append(verdict(batch_order, apart(found, expected), tolerance, maps=maps))
    return results[worst_place(np.array([result.difference for result in results]))[0]]


def backward_twice(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """Backward called twice gives the same gradient, to the last bit.

    Map: a row an array; the difference is infinite if a single bit differs.
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    _, cache = model.loss(batch)
    first = to_vector(model.backward(cache))
    second = to_vector(model.backward(cache))
    difference = 0.0 if np.array_equal(first, second) else np.inf
    calls = gradient_map(model, second[None], first[None], ["second call"])
    return verdict(backward_twice, difference, tolerance, calls.where, [calls])


def inputs_untouched(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """Loss, backward and decoding change neither the weights nor the batch, and backward not the cache.

    There is no map: ``where`` names the arrays that were changed.
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    before = copies(model, "weights") | copies(batch, "batch")
    _, cache = model.loss(batch)
    before |= copies(cache, "cache")
    model.backward(cache)
    translations(model, batch)
    after = copies(model, "weights") | copies(batch, "batch") | copies(cache, "cache")
    changed = [name for name, array in before.items() if not np.array_equal(array, after[name])]
    where = f"changed: {', '.join(changed)}" if changed else ""
    return verdict(inputs_untouched, np.inf if changed else 0.0, tolerance, where)


def apart(found: Outcome, expected: Outcome) -> float:
    """Return the largest relative difference of two outcomes."""
    difference = relative_error(found.loss_and_gradient, expected.loss_and_gradient)
    return max(difference, unequal(found.translations, expected.translations))


def maps_of(
    model: Seq2Seq,
    pairs: Sequence[Pair],
    names: Sequence[str],
    found: Outcome,
    expected: Outcome,
    added: Callable[[], tuple[np.ndarray, np.ndarray]],
) -> Iterator[DifferenceMap]:
    """Yield the maps of probabilities, of gradients by sentence (``added()``: two of (B, P)) and of translations."""
    if found.p is not None and expected.p is not None:
        yield step_map(found.p, expected.p, [len(target) for _, target in pairs], names)
    yield gradient_map(model, *added(), names)
    yield translation_map(found.translations, expected.translations, names)


def widened(batch: Batch) -> Batch:
    """Return the same sentences with more columns of padding, and ordinary tokens in all of it."""

    def wide(side: PackedBatch, extra: int) -> PackedBatch:
        ids, mask = (np.pad(array, ((0, 0), (0, extra))) for array in (side.ids, side.mask))
        return PackedBatch.of(np.where(mask, ids, len(SPECIAL)), mask.sum(1))

    return replace(batch, source=wide(batch.source, 3), target=wide(batch.target, 2))


def stacked(parts: Sequence[np.ndarray | None], shape: tuple[int, ...]) -> np.ndarray | None:
    """Return probabilities (1, t, V) of single sentences as those of a batch, zero behind each end."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    p = np.zeros(shape)
    for row, part in zip(p, known):
        row[: part.shape[1]] = part[0]
    return p


def copies(tree: Any, name: str) -> dict[str, np.ndarray]:
    """Return copies of all arrays of a record or a cache, by name."""
    if isinstance(tree, np.ndarray):
        return {name: tree.copy()}
    parts = zip(tree._fields, tree) if hasattr(tree, "_fields") else branches(tree)
    return {key: array for field, part in parts for key, array in copies(part, f"{name}.{field}").items()}
