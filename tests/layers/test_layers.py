"""Every layer equals the paper and keeps the contract; packing and records."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s.checks.invariances import reference_loops
from minis2s.data.batches import PackedBatch
from minis2s.layers import (
    AdditiveAttention,
    CrossEntropy,
    Embedding,
    Linear,
    cast,
    count,
    from_dict,
    map_arrays,
    on_vector,
    record,
    select,
    to_dict,
    to_vector,
    walk,
    zeros_like,
)
from minis2s.layers.activations import log_softmax, sigmoid_inplace, softmax
from minis2s.layers.dropout import Dropout
from minis2s.layers.packing import sentence_of, step_slices, unpack
from tests.conftest import (
    CONTRACT,
    assert_close,
    assert_same_arrays,
    lengths_of_sentences,
    random_gru,
    randomized,
    seeds,
)

LENGTHS = [4, 3, 3, 1]
MASK = np.arange(4) < np.array(LENGTHS)[[1, 3, 0, 2], None]  # (4, 4), rows of 3, 1, 4 and 3
IDS = np.array([2, 5, 2, 2, 0, 5])


def linear(rng):
    return randomized(rng, Linear.init(rng, 3, 5)), (rng.normal(size=(4, 3)),)


def embedding(rng):
    return randomized(rng, Embedding.init(rng, 7, 3)), (IDS,)


def gru(rng):
    cell, *inputs = random_gru(rng, LENGTHS, 3, 5)
    return cell, inputs


def attention(rng):
    layer = randomized(rng, AdditiveAttention.init(rng, 3, 6, 5))
    return layer, (rng.normal(size=(4, 3)), rng.normal(size=(4, 4, 6)), MASK)


def cross_entropy(rng):
    return CrossEntropy(), (rng.normal(size=(5, 7)), rng.integers(7, size=5))


def masked_cross_entropy(rng):
    return CrossEntropy(), (rng.normal(size=(4, 4, 7)), rng.integers(7, size=(4, 4)), MASK)


LAYERS = [linear, embedding, gru, attention, cross_entropy, masked_cross_entropy]


@pytest.mark.parametrize("build", LAYERS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
def test_contract(check, build, rng):
    check(*build(rng), rng)


# Equal to the paper


def test_linear_is_the_paper(rng):
    layer, (x,) = linear(rng)
    assert_close(layer.forward(x)[0], [reference_loops.linear(layer, row) for row in x])


def test_embedding_is_the_paper(rng):
    layer, (ids,) = embedding(rng)
    assert_close(layer.forward(ids)[0], reference_loops.embedding(np, layer, ids))


def test_embedding_gradient_adds_up_repeated_tokens(rng):
    layer, (ids,) = embedding(rng)
    dx = rng.normal(size=(len(ids), 3))
    (gradient,) = layer.backward(dx, layer.forward(ids)[1])
    assert_close(gradient.E, [sum(dx[ids == token], np.zeros(3)) for token in range(7)])


@given(lengths_of_sentences, st.integers(1, 4), st.integers(1, 5), seeds)
def test_packed_gru_is_each_sentence_alone(lengths, E, H, seed):
    rng = np.random.default_rng(seed)
    lengths = sorted(lengths, reverse=True)
    cell, x, h0, batch_sizes = random_gru(rng, lengths, E, H)
    hs, cache = cell.forward(x, h0, batch_sizes)
    dhs = rng.normal(size=hs.shape)
    gradient, dx, dh0 = cell.backward(dhs, cache)
    total = zeros_like(cell)
    for b in range(len(lengths)):
        rows = sentence_of(batch_sizes) == b
        assert_close(hs[rows], reference_loops.run(np, cell, x[rows], h0[b]))
        _, cache = cell.forward(x[rows], h0[b : b + 1], [1] * lengths[b])
        alone, dx_alone, dh0_alone = cell.backward(dhs[rows], cache)
        assert_close(dx[rows], dx_alone)
        assert_close(dh0[b : b + 1], dh0_alone)
        total = map_arrays(np.add, total, alone)
    assert_same_arrays(gradient, total)


@given(lengths_of_sentences, st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), seeds)
def test_masked_attention_is_each_sentence_alone(lengths, H, M, A, seed):
    rng = np.random.default_rng(seed)
    layer = randomized(rng, AdditiveAttention.init(rng, H, M, A))
    query, memory = rng.normal(size=(len(lengths), H)), rng.normal(size=(len(lengths), max(lengths), M))
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    context, cache = layer.forward(query, memory, mask)
    for b, length in enumerate(lengths):
        want, alpha = reference_loops.attend(np, layer, query[b], memory[b, :length])
        assert_close(context[b], want)
        assert_close(cache.read.alpha[b, :length], alpha)
        assert not cache.read.alpha[b, length:].any()


def test_attention_ignores_what_stands_in_the_padding(rng):
    layer, (query, memory, mask) = attention(rng)
    other = np.where(mask[..., None], memory, rng.normal(scale=100, size=memory.shape))
    (context, cache), (again, other_cache) = layer.forward(query, memory, mask), layer.forward(query, other, mask)
    np.testing.assert_array_equal(again, context)
    dcontext = rng.normal(size=context.shape)
    gradient, dquery, dmemory = layer.backward(dcontext, cache)
    other_gradient, other_dquery, _ = layer.backward(dcontext, other_cache)
    assert_same_arrays(other_gradient, gradient)
    assert_close(other_dquery, dquery)
    assert not dmemory[~mask].any()


def test_cross_entropy_is_the_paper(rng):
    layer, (logits, target) = cross_entropy(rng)
    loss, cache = layer.forward(logits, target)
    assert type(loss) is float
    p = np.array([reference_loops.softmax(np, row) for row in logits])
    assert_close(loss, reference_loops.cross_entropy(np, np.log(p), target) / len(target))
    _, dlogits = layer.backward(0.7, cache)
    assert_close(dlogits, 0.7 * (p - np.eye(7)[target]) / 5)


def test_cross_entropy_with_a_mask_is_without_one_on_packed_rows(rng):
    layer, (logits, target, mask) = masked_cross_entropy(rng)
    (loss, cache), (want, packed_cache) = layer.forward(logits, target, mask), layer.forward(logits[mask], target[mask])
    assert loss == want
    (_, dlogits), (_, dpacked) = layer.backward(0.7, cache), layer.backward(0.7, packed_cache)
    np.testing.assert_array_equal(dlogits[mask], dpacked)
    assert not dlogits[~mask].any()


def test_cross_entropy_of_huge_logits_is_finite():
    logits, target = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]]), np.array([0, 2])
    loss, cache = CrossEntropy().forward(logits, target)
    assert_close(loss, (0 + 1e4) / 2)
    assert_close(CrossEntropy().backward(1.0, cache)[1], [[0, 0, 0], [0, 0.5, -0.5]])


@pytest.mark.parametrize("mask", [None, np.zeros((0, 3), bool), np.zeros((2, 3), bool)])
def test_cross_entropy_of_no_real_token_is_refused(mask):
    shape = (0,) if mask is None else mask.shape
    with pytest.raises(ValueError, match="no real token"):
        CrossEntropy().forward(np.zeros((*shape, 4)), np.zeros(shape, int), mask)


def test_functions_of_huge_numbers_are_finite():
    x = np.array([-1e4, -1.0, 0, 1, 1e4])
    y = x.copy()
    sigmoid_inplace(y)
    assert_close(y, [0, reference_loops.sigmoid(np, -1), 0.5, reference_loops.sigmoid(np, 1), 1])
    assert_close(softmax(x), [0, 0, 0, 0, 1])
    assert_close(log_softmax(x), x - 1e4)
    assert_close(log_softmax(x[1:4]), np.log(reference_loops.softmax(np, x[1:4])))


# Packing


@given(lengths_of_sentences, st.integers(0, 2), seeds)
def test_sequences_pack_and_unpack(lengths, extra, seed):
    rng = np.random.default_rng(seed)
    lengths = np.array(lengths)
    ids = rng.integers(1, 100, (len(lengths), lengths.max() + extra))
    sequences = PackedBatch.of(ids, lengths)
    np.testing.assert_array_equal(sequences.mask, [[t < n for t in range(ids.shape[1])] for n in lengths])
    assert sequences.batch_sizes == [sum(lengths > t) for t in range(lengths.max())]
    np.testing.assert_array_equal(sequences.packed, ids[sequences.rows, sequences.steps])
    np.testing.assert_array_equal(sequences.steps, np.repeat(range(lengths.max()), sequences.batch_sizes))

    order = sequences.order
    assert sorted(order) == list(range(len(lengths)))
    assert all(lengths[a] >= lengths[b] for a, b in pairwise(order))
    np.testing.assert_array_equal(order[sentence_of(sequences.batch_sizes)], sequences.rows)
    sorted_ids = np.where(sequences.mask, ids, 0)[order, : lengths.max()]
    np.testing.assert_array_equal(unpack(sequences.packed, sequences.batch_sizes), sorted_ids)

    np.testing.assert_array_equal(sequences.rows[sequences.last], range(len(lengths)))
    np.testing.assert_array_equal(sequences.steps[sequences.last], lengths - 1)


def test_sentences_of_one_length_keep_their_order():
    lengths = np.tile([3, 2, 3, 1], 16)  # above 16 numbers, a sort that is not stable moves equal ones
    order = PackedBatch.of(np.ones((64, 3), int), lengths).order.tolist()
    assert order == sorted(range(64), key=lambda i: -lengths[i])


def test_packing_of_the_example():
    assert step_slices([3, 2, 1]) == [slice(0, 3), slice(3, 5), slice(5, 6)]
    assert sentence_of([3, 2, 1]).tolist() == [0, 1, 2, 0, 1, 0]
    assert unpack(np.array([1, 4, 6, 2, 5, 3]), [3, 2, 1]).tolist() == [[1, 2, 3], [4, 5, 0], [6, 0, 0]]


# Records


@record
class Stack:
    """A record with every kind of field."""

    layers: tuple[Linear, ...]
    scale: np.ndarray
    note: str
    nothing: None = None


@pytest.fixture
def stack(rng) -> Stack:
    return Stack((linear(rng)[0], Linear.init(rng, 5, 2)), rng.normal(size=4), "as it is")


def test_walk_names_every_array_in_the_order_of_the_fields(stack):
    names = ["layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b", "scale"]
    assert [name for name, _ in walk(stack)] == list(to_dict(stack)) == names
    assert to_dict(stack)["layers.1.W"] is stack.layers[1].W
    assert count(stack) == 3 * 5 + 5 + 5 * 2 + 2 + 4


def test_map_arrays_takes_the_same_array_of_every_record(stack):
    doubled = map_arrays(lambda a: 2 * a, stack)
    total = map_arrays(lambda a, b, c: a + b - c, stack, doubled, zeros_like(stack))
    assert type(total) is Stack and type(total.layers) is tuple and type(total.layers[0]) is Linear
    assert total.note == "as it is" and total.nothing is None
    assert_same_arrays(total, {name: 3 * array for name, array in walk(stack)})
    assert not any(array.any() for _, array in walk(zeros_like(stack)))


def test_cast_copies(stack):
    assert {array.dtype for _, array in walk(cast(stack, np.complex128))} == {np.dtype(np.complex128)}
    same = cast(stack, np.float64)
    same.layers[0].W[:] = 0
    assert stack.layers[0].W.any()


def test_select_takes_rows_of_every_array(rng):
    layer = Linear(W=rng.normal(size=(4, 3)), b=rng.normal(size=4))
    rows = np.array([3, 0, 0])
    assert_same_arrays(select(layer, rows), {"W": layer.W[[3, 0, 0]], "b": layer.b[[3, 0, 0]]})


def test_from_dict_reverses_to_dict_and_copies(stack):
    again = from_dict(zeros_like(stack), to_dict(stack))
    assert_same_arrays(again, stack, 0)
    assert not np.shares_memory(again.scale, stack.scale)


def test_from_dict_says_which_array_is_wrong(stack):
    arrays = to_dict(stack)
    with pytest.raises(ValueError, match=r"layers\.0\.W"):
        from_dict(stack, {name: array for name, array in arrays.items() if name != "layers.0.W"})
    with pytest.raises(ValueError, match="extra"):
        from_dict(stack, {**arrays, "extra": arrays["scale"]})
    with pytest.raises(ValueError, match=r"scale has shape \(5,\), expected \(4,\)"):
        from_dict(stack, {**arrays, "scale": np.zeros(5)})


def test_a_record_on_a_vector_is_views_of_it(stack):
    vector, views = on_vector(stack)
    np.testing.assert_array_equal(vector, to_vector(stack))
    assert_same_arrays(views, stack, 0)
    before = to_dict(cast(stack, float))
    vector += 1
    assert_same_arrays(views, {name: array + 1 for name, array in before.items()}, 0)
    assert_same_arrays(stack, before, 0)
    assert not any(np.shares_memory(to_vector(views), array) for _, array in walk(views))


def test_names_of_a_record_are_fixed(stack):
    with pytest.raises(AttributeError):
        stack.scale = np.zeros(4)


def test_a_record_without_arrays_is_an_empty_vector():
    assert to_vector(Dropout(0.5)).shape == (0,)
