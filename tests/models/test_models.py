"""Encoder, decoders and whole models equal the papers; neither padding nor the other sentences change anything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s.checks.invariances import reference_loops
from minis2s.data.batches import Batch, Examples, PackedBatch, make_batch
from minis2s.data.vocabulary import BOS, EOS
from minis2s.layers import GRU, AdditiveAttention, Embedding, cast, map_arrays, walk, zeros_like
from minis2s.layers.packing import sentence_of
from minis2s.models import BahdanauDecoder, Config, Encoder, EncoderLayer, PlainDecoder, Seq2Seq
from tests.conftest import (
    CONTRACT,
    KINDS,
    SIZES,
    SOURCES,
    TARGETS,
    Whole,
    assert_close,
    assert_same_arrays,
    copies,
    random_model,
    randomized,
    seeds,
)

ALIVE = [4, 3, 3, 1, 1]  # targets of 5, 3, 3 and 1 tokens
MASK = np.arange(6) < np.array([3, 6, 1, 2])[:, None]  # sources in another order


def encoder(rng):
    layer = Encoder(Embedding.init(rng, SIZES["source_vocabulary"], 3), (EncoderLayer((GRU.init(rng, 3, 4),)),))
    source = make_batch(SOURCES, TARGETS).source
    return randomized(rng, layer), (source, rng.normal(size=(1, 1, len(SOURCES), 4)))


def bahdanau_decoder(rng):
    E, H, A, M = 3, 5, 7, 8
    layer = BahdanauDecoder(AdditiveAttention.init(rng, H, M, A), GRU.init(rng, E + M, H))
    memory = rng.normal(size=(4, 6, M))
    y, s0 = rng.normal(size=(sum(ALIVE), E)), rng.normal(size=(4, H))
    return randomized(rng, layer), (y, s0, memory, MASK, ALIVE)


def plain_decoder(rng):
    y, s0, memory = rng.normal(size=(sum(ALIVE), 3)), rng.normal(size=(4, 5)), rng.normal(size=(4, 6, 8))
    return randomized(rng, PlainDecoder(GRU.init(rng, 3 + 5, 5))), (y, s0, memory, MASK, ALIVE)


def attention_model(rng):
    return Whole(random_model(rng, "additive")), (make_batch(SOURCES, TARGETS),)


def plain_model(rng):
    return Whole(random_model(rng, "none")), (make_batch(SOURCES, TARGETS),)


@pytest.mark.parametrize(
    "build",
    [encoder, bahdanau_decoder, plain_decoder, attention_model, plain_model],
    ids=lambda build: build.__name__,
)
@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_contract(check, build, rng):
    check(*build(rng), rng)


def loss_and_gradient(model, batch):
    loss, cache = model.loss(batch)
    return loss, model.backward(cache)


def with_padding(sequences: PackedBatch, wider: int, rng) -> PackedBatch:
    """The same sentences, padded wider, with random ids in the padding."""
    B, S = sequences.ids.shape
    ids = rng.integers(0, SIZES["target_vocabulary"], (B, S + wider))
    ids[:, :S][sequences.mask] = sequences.ids[sequences.mask]
    return PackedBatch.of(ids, sequences.mask.sum(1))


# Equal to the papers


def test_encoder_is_the_paper(rng):
    layer, (source, h0) = encoder(rng)
    (memory, last), _ = layer.forward(source, h0)
    for b, length in enumerate(source.mask.sum(1)):
        want, end = reference_loops.encode(np, layer, source.ids[b, :length], h0[:, :, b])
        assert_close(memory[b, :length], want)
        assert_close(last[b], end)
        assert not memory[b, length:].any()


def test_encoder_backward_is_each_sentence_alone(rng):
    layer, (source, h0) = encoder(rng)
    (memory, last), cache = layer.forward(source, h0)
    dmemory, dlast = rng.normal(size=memory.shape), rng.normal(size=last.shape)
    gradient, dh0 = layer.backward((dmemory, dlast), cache)
    total = zeros_like(layer)
    for b, length in enumerate(source.mask.sum(1)):
        _, cache = layer.forward(
            PackedBatch.of(source.ids[b : b + 1, :length], np.array([length])), h0[:, :, b : b + 1]
        )
        alone, dh0_alone = layer.backward((dmemory[b : b + 1, :length], dlast[b : b + 1]), cache)
        assert_close(dh0[:, :, b : b + 1], dh0_alone)
        total = map_arrays(np.add, total, alone)
    assert_same_arrays(gradient, total)


@pytest.mark.parametrize("build", [bahdanau_decoder, plain_decoder])
def test_decoder_is_the_paper(build, rng):
    layer, (y, s0, memory, mask, batch_sizes) = build(rng)
    ss, cache = layer.forward(y, s0, memory, mask, batch_sizes)
    for b in range(len(s0)):
        rows = sentence_of(batch_sizes) == b
        states, alphas = reference_loops.decode(np, layer, y[rows], s0[b], memory[b, mask[b]])
        assert_close(ss[rows], states)
        for t in range(len(alphas)) if build is bahdanau_decoder else ():
            assert_close(cache.reads[t].alpha[b, mask[b]], alphas[t])
            assert not cache.reads[t].alpha[b, ~mask[b]].any()


sentences = st.lists(st.integers(4, 9), max_size=5)
pairs = st.lists(st.tuples(sentences.filter(len), sentences), min_size=1, max_size=5)


@given(st.sampled_from(KINDS), pairs, seeds)
def test_batch_is_the_mean_of_its_sentences_over_their_tokens(kind, pairs, seed):
    model = random_model(np.random.default_rng(seed), kind)
    sources, targets = zip(*pairs)
    batch = make_batch(sources, targets)
    loss, gradient = loss_and_gradient(model, batch)
    assert_close(loss, reference_loops.loss(np, model, sources, targets))
    mean = zeros_like(model)
    for source, target in pairs:
        _, alone = loss_and_gradient(model, make_batch([source], [target]))
        weight = (len(target) + 1) / batch.tokens
        mean = map_arrays(lambda total, array, weight=weight: total + weight * array, mean, alone)
    assert_same_arrays(gradient, mean)


def test_loss_of_the_ragged_batch_is_the_paper(model, batch):
    assert_close(model.loss(batch)[0], reference_loops.loss(np, model, SOURCES, TARGETS))


def test_decode_step_over_the_target_is_teacher_forcing(model, batch):
    _, cache = model.loss(batch)
    log_p_forced = np.log(cache.loss.e / cache.loss.total)
    state, tokens = model.encode(batch.source), np.full(len(SOURCES), BOS)
    for t in range(batch.target.ids.shape[1]):
        log_p, state = model.decode_step(tokens, state)
        now = batch.target.steps == t
        assert_close(log_p[batch.target.rows[now]], log_p_forced[now])
        for b in batch.target.rows[now]:
            i = batch.pairs[b]
            want, alphas = reference_loops.log_probabilities(np, model, SOURCES[i], [*TARGETS[i], EOS])
            assert_close(log_p[b], want[t])
            if model.config.attends:
                assert_close(state.alpha[b, : len(SOURCES[i])], alphas[t])
        tokens = batch.target.ids[:, t]
    assert model.config.attends or state.alpha is None


# Invariants


def test_decode_step_in_float32_stays_float32(model, batch):
    model = cast(model, np.float32)
    state = model.encode(batch.source)
    log_p, after = model.decode_step(batch.target.ids[:, 0], state)
    assert log_p.dtype == np.float32
    assert all(array.dtype in (np.float32, bool) for part in (state, after) for _, array in walk(part))


def test_decode_step_leaves_its_state_untouched(model, batch):
    state = model.encode(batch.source)
    before = copies(model, state)
    model.decode_step(batch.target.ids[:, 0], state)
    np.testing.assert_equal(copies(model, state), before)


def test_ids_in_the_padding_are_never_read(model, batch, rng):
    loss, gradient = loss_and_gradient(model, batch)
    dirty = Batch(with_padding(batch.source, 0, rng), with_padding(batch.target, 0, rng), batch.previous, batch.pairs)
    dirty_loss, dirty_gradient = loss_and_gradient(model, dirty)
    assert dirty_loss == loss
    assert_same_arrays(dirty_gradient, gradient, 0)
    np.testing.assert_equal(list(walk(model.encode(dirty.source))), list(walk(model.encode(batch.source))))


def test_wider_padding_changes_nothing(model, batch, rng):
    loss, gradient = loss_and_gradient(model, batch)
    wide = Batch(with_padding(batch.source, 3, rng), with_padding(batch.target, 2, rng), batch.previous, batch.pairs)
    wide_loss, wide_gradient = loss_and_gradient(model, wide)
    assert_close(wide_loss, loss)
    assert_same_arrays(wide_gradient, gradient)


def test_order_of_the_pairs_changes_nothing(model, batch, rng):
    loss, gradient = loss_and_gradient(model, batch)
    state = model.encode(batch.source)
    permutation = rng.permutation(len(SOURCES))
    permuted = make_batch([SOURCES[i] for i in permutation], [TARGETS[i] for i in permutation])
    permuted_loss, permuted_gradient = loss_and_gradient(model, permuted)
    assert_close(permuted_loss, loss)
    assert_same_arrays(permuted_gradient, gradient)
    s, permuted_s = np.empty((2, *state.s.shape))
    s[batch.pairs] = state.s
    permuted_s[permutation[permuted.pairs]] = model.encode(permuted.source).s
    assert_close(permuted_s, s)


def test_other_sentences_change_nothing(model, batch):
    state = model.encode(batch.source)
    for row, i in enumerate(batch.pairs):
        assert_close(state.s[row], model.encode(make_batch([SOURCES[i]], [[]]).source).s[0])


def test_init_is_float64_and_the_same_for_the_same_seed():
    first, second = (Seq2Seq.init(np.random.default_rng(3), Config(**SIZES)) for _ in range(2))
    assert_same_arrays(first, second, 0)
    assert {array.dtype for _, array in walk(first)} == {np.dtype(np.float64)}
    other = Seq2Seq.init(np.random.default_rng(4), Config(**SIZES))
    assert not np.array_equal(first.output.W, other.output.W)


# Batches


def test_batch_rows_are_the_pairs_longest_target_first(batch):
    assert sorted(batch.pairs) == list(range(len(SOURCES)))
    assert batch.tokens == sum(len(target) + 1 for target in TARGETS)
    for row, i in enumerate(batch.pairs):
        assert batch.source.ids[row][batch.source.mask[row]].tolist() == SOURCES[i]
        assert batch.target.ids[row][batch.target.mask[row]].tolist() == [*TARGETS[i], EOS]
        assert batch.previous[batch.target.rows == row].tolist() == [BOS, *TARGETS[i]]
    assert batch.target.order.tolist() == list(range(len(SOURCES)))


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_hold_every_pair_once(shuffle, rng):
    examples = Examples.of(SOURCES, TARGETS)
    parts = examples.batches(4, rng if shuffle else None)
    assert [len(part) for part in parts] == [4, 2]
    assert sorted(np.concatenate(parts)) == list(range(len(SOURCES)))
    if not shuffle:
        assert [len(TARGETS[i]) for i in np.concatenate(parts)] == sorted(len(target) for target in TARGETS)


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([], [], "at least one sentence"),
        ([[4], []], [[4], [5]], "at least one token"),
        ([[4]], [[4], [5]], "1 sources and 2 targets"),
    ],
)
def test_batch_refuses(sources, targets, message):
    with pytest.raises(ValueError, match=message):
        make_batch(sources, targets)


@pytest.mark.parametrize(
    ("name", "value"),
    [("source_vocabulary", 0), ("target_vocabulary", "9"), ("embedding", -3), ("hidden", 1.5), ("attention", "other")],
)
def test_config_names_what_is_wrong(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value!r}"):
        Config(**{**SIZES, name: value})


@pytest.mark.parametrize("directions", [1, 2])
def test_an_encoder_layer_leaves_what_it_is_given(directions, rng):
    layer = EncoderLayer(tuple(GRU.init(rng, 3, 4) for _ in range(directions)))
    source = make_batch(SOURCES, TARGETS).source
    x, s0 = rng.normal(size=(len(source.packed), 3)), rng.normal(size=(directions, len(SOURCES), 4))
    given = x, s0, rng.normal(size=(len(x), 4 * directions)), rng.normal(size=s0.shape)
    before = [array.copy() for array in given]
    layer.backward(given[2:], layer.forward(x, s0, source)[1])
    assert all(np.array_equal(one, other) for one, other in zip(given, before))
