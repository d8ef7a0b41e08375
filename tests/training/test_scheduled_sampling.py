"""Scheduled sampling: the share of gold tokens falls as the paper says, and the others are the model's own."""

import math
from itertools import pairwise

import numpy as np
import pytest

from minis2s.checks import gradcheck
from minis2s.checks.invariances import reference_loops
from minis2s.data.batches import make_batch
from minis2s.data.vocabulary import BOS, EOS, UNK
from minis2s.layers import record
from minis2s.models import Seq2Seq
from minis2s.training.scheduled_sampling import DECAYS, mixed, ratio
from tests.conftest import SOURCES, TARGETS

# The share of gold tokens


def test_decays_by_hand():
    assert [ratio("constant", i, 5, 0.3) for i in range(5)] == [0.3] * 5
    assert [ratio("linear", i, 5, 0.2) for i in range(5)] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2])
    assert [ratio("exponential", i, 5, 1 / 16) for i in range(5)] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8, 1 / 16])
    k = 3.0
    shares = [k / (k + math.exp(i / k)) for i in range(21)]
    assert [ratio("inverse_sigmoid", i, 21, shares[20]) for i in range(21)] == pytest.approx(shares, rel=1e-10)


@pytest.mark.parametrize("updates", [2, 3, 50, 10**4, 10**9])
@pytest.mark.parametrize("last", [5e-324, 1e-300, 1e-3, 0.5, 0.97, 1 - 2**-53])
@pytest.mark.parametrize("decay", DECAYS)
def test_a_decay_falls_without_a_turn_and_ends_where_it_is_told(decay, last, updates):
    assert 0 <= ratio(decay, 0, 1, last) <= 1  # a run of one update
    shares = [ratio(decay, round(k * (updates - 1) / 40), updates, last) for k in range(41)]
    assert shares[-1] == pytest.approx(last, rel=1e-6, abs=1e-15)
    assert all(0 <= b <= a + 1e-12 <= 1 + 1e-12 for a, b in pairwise(shares))
    if decay in ("linear", "exponential"):
        assert shares[0] == 1
    if decay == "inverse_sigmoid" and updates == 10**9 and last > 1e-200:
        assert shares[0] > 0.999


# Which tokens are fed


def by_sentence(batch, previous):
    """The tokens fed for each target, in the order of the batch."""
    tokens = [[] for _ in batch.pairs]
    for row, token in zip(batch.target.rows, previous):
        tokens[row].append(int(token))
    return tokens


def own(model, batch, fed):
    """What the paper's model would have said before each step, had it been fed these tokens."""
    sources = [SOURCES[i % len(SOURCES)] for i in batch.pairs]
    log_p = [
        reference_loops.log_probabilities(np, model, source, [*one[1:], EOS])[0] for source, one in zip(sources, fed)
    ]
    return [[BOS, *rows.argmax(-1)[:-1]] for rows in log_p]


def test_all_gold_is_the_batch_itself_and_draws_nothing(model, batch, rng):
    before = rng.bit_generator.state
    assert mixed(model, batch, 1.0, rng) is batch
    assert rng.bit_generator.state == before


def test_no_gold_is_greedy_feeding(model, batch, rng):
    before = batch.previous.copy()
    found = mixed(model, batch, 0.0, rng)
    fed = by_sentence(batch, found.previous)
    assert fed == own(model, batch, fed) != by_sentence(batch, before)
    assert found.target is batch.target and found.source is batch.source
    assert found.previous.dtype == before.dtype
    np.testing.assert_array_equal(batch.previous, before)


def test_each_token_is_gold_or_what_the_model_says_after_the_tokens_it_was_fed(model, batch):
    found = [mixed(model, batch, 0.5, np.random.default_rng(seed)).previous for seed in range(6)]
    gold = by_sentence(batch, batch.previous)
    for previous in found:
        fed = by_sentence(batch, previous)
        choices = [list(zip(*three)) for three in zip(fed, gold, own(model, batch, fed))]
        assert all(token in either for sentence in choices for token, *either in sentence)
        assert {sentence[0] for sentence in fed} == {BOS}
    np.testing.assert_array_equal(found[3], mixed(model, batch, 0.5, np.random.default_rng(3)).previous)
    assert len({previous.tobytes() for previous in found}) > 3


def test_the_share_of_gold_tokens_is_the_ratio_each_drawn_for_itself(model, rng):
    model.output.b[UNK] = 1e3  # it always says a token that no target holds
    batch = make_batch(SOURCES * 400, TARGETS * 400)
    previous = mixed(model, batch, 0.3, rng).previous
    gold = previous[batch.target.batch_sizes[0] :] != UNK
    neighbours = [(a != UNK, b != UNK) for one in by_sentence(batch, previous) for a, b in pairwise(one[1:])]
    assert np.mean(gold) == pytest.approx(0.3, abs=0.02)
    assert np.mean(gold[:-1] & gold[1:]) == pytest.approx(0.09, abs=0.015)  # two sentences at the same step
    assert np.mean(np.all(neighbours, axis=1)) == pytest.approx(0.09, abs=0.015)  # two steps of the same sentence


@record
class Sampled:
    """A model that chooses its own tokens anew at each loss, with the same draws."""

    model: Seq2Seq

    def loss(self, batch):
        return self.model.loss(mixed(self.model, batch, 0.5, np.random.default_rng(3)))

    def backward(self, cache):
        return Sampled(self.model.backward(cache))


@pytest.mark.slow
def test_the_gradient_is_that_of_choosing_and_learning_together(model, batch):
    report = gradcheck(Sampled(model), batch)
    assert report.ok, str(report)
