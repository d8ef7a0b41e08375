"""Where two ways to the same numbers must agree: training and search, a target and its beginning, the papers and us.

Each takes a model, and a batch if the small ragged one will not do, and returns an ``Invariance``.
"""

import numpy as np

from minis2s.checks.cases import hard_batch, random_weights
from minis2s.checks.derivatives import relative_error
from minis2s.checks.invariances import reference_loops
from minis2s.checks.invariances.outputs import MOST_TOKENS, batch_of, pairs_of, probabilities, sentences_of, step_map
from minis2s.checks.invariances.result import (
    TOLERANCE,
    Invariance,
    not_applicable,
    relative_differences,
    table,
    verdict,
)
from minis2s.data.batches import Batch
from minis2s.data.vocabulary import BOS, EOS, UNK
from minis2s.decoding.greedy import greedy
from minis2s.layers.record import cast
from minis2s.models.seq2seq import Seq2Seq


def forced_equals_free(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """Teacher-forced on its own greedy translation, the model gives the likelihood that the search reported.

    Teacher-forced and free-running are two programs; here one scores what the other writes. Map: sentence by step, or
    by sentence if every step agrees and only the sum that the search reported does not.
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    forced, free = np.zeros((2, len(batch.pairs), MOST_TOKENS + 1, 1))
    lengths, sums, shown = [], [], True
    for i, (source, _) in enumerate(pairs_of(batch)):
        one = batch_of([(source, [EOS])])
        (hypothesis,) = greedy(model, one.source, MOST_TOKENS)
        written = hypothesis.tokens + [EOS] * hypothesis.ended
        one = batch_of([(source, written)])
        loss, _ = model.loss(one)
        p, state = probabilities(model, one), model.encode(one.source)
        shown &= p is not None
        for t, (previous, token) in enumerate(zip([BOS, *written], written)):
            log_p, state = model.decode_step(np.array([previous]), state)
            free[i, t] = np.exp(log_p[0, token])
            forced[i, t] = 0.0 if p is None else p[0, t, token]
        lengths.append(len(written))
        sums.append((-loss * one.tokens, hypothesis.log_probability))
    errors = [relative_error(np.array(said), np.array(reported)) for said, reported in sums]
    names = sentences_of(batch)
    steps = [step_map(forced, free, lengths, names)] if shown else []
    maps = [*steps, table(np.array(errors)[:, None], names, ["sum of all steps"])]
    return verdict(forced_equals_free, max(errors), tolerance, maps=maps)


def causality(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """What a model says at a step depends on no target token from that step on: it would see what it has to say.

    Teacher-forced, each target token in turn becomes another one (<unk>, or <eos> where it was <unk>), and all
    probabilities up to its own step must stay. Whether the model reads the tokens before is not asked. Map: token
    changed by step seen; a decoder whose input is not shifted shows on the diagonal.
    """
    model, batch = cast(model, np.float64), batch or hard_batch()
    pairs = pairs_of(batch)
    expected = probabilities(model, batch_of(pairs))
    if expected is None:
        return not_applicable(causality, "the model's cache has no `loss` with a row of probabilities a target token")
    most = expected.shape[1]
    values = np.full((most, most), np.nan)
    for t in range(most):
        changed = [(source, changed_at(target, t)) for source, target in pairs]
        found = probabilities(model, batch_of(changed))
        assert found is not None  # since what was expected is not
        values[t, : t + 1] = relative_differences(found, expected)[:, : t + 1].max((0, 2))
    rows, columns = [f"token {t + 1} changed" for t in range(most)], [f"step {t + 1}" for t in range(most)]
    seen = table(values, rows, columns)
    return verdict(causality, seen.largest, tolerance, maps=[seen])


def changed_at(target: list[int], t: int) -> list[int]:
    """Return a target with another token at a step, if it is that long."""
    return [(EOS if token == UNK else UNK) if i == t else token for i, token in enumerate(target)]


def parity(model: Seq2Seq, batch: Batch | None = None, tolerance: float = TOLERANCE) -> Invariance:
    """At random weights, the model gives every token the probability that plain loops of the equations give it.

    The loops are those of ``reference_loops``. Random noise is added to all weights: zeros and equal numbers hide
    swapped gates. Map: sentence by step.
    """
    if unknown := reference_loops.without_loops(model):
        return not_applicable(parity, f"there are no plain loops of {', '.join(unknown)}")
    model, batch = random_weights(cast(model, np.float64), np.random.default_rng(0)), batch or hard_batch()
    pairs, found = pairs_of(batch), probabilities(model, batch)
    if found is None:
        where = f"the loss does not count the {batch.tokens} target tokens of the batch, each once"
        return verdict(parity, np.inf, tolerance, where)
    expected, nats = np.zeros_like(found), 0.0
    for i, (source, target) in enumerate(pairs):
        log_p, _ = reference_loops.log_probabilities(np, model, source, target)
        expected[i, : len(target)] = np.exp(log_p)
        nats -= log_p[np.arange(len(target)), target].sum()
    steps = step_map(found, expected, [len(target) for _, target in pairs], sentences_of(batch))
    loss = relative_error(np.array(model.loss(batch)[0]), np.array(nats / batch.tokens))
    return verdict(parity, max(loss, steps.largest), tolerance, maps=[steps])
