"""First values of the weights have the spread that their papers ask for, and Config its documented defaults."""

import numpy as np
import pytest

from minis2s.layers.initializers import glorot_uniform, orthogonal, small_normal
from minis2s.layers.linear import Linear
from minis2s.layers.lstm import LSTM
from minis2s.layers.record import to_dict
from minis2s.models import Config, Seq2Seq


def test_glorot_fills_its_bound(rng):
    W = glorot_uniform(rng, 2, 30, 50)
    bound = np.sqrt(6 / 80)
    assert W.shape == (2, 30, 50) and 0.99 * bound < np.abs(W).max() <= bound
    np.testing.assert_allclose(W.var(), 2 / 80, rtol=0.05)


def test_orthogonal_matrices_keep_every_length(rng):
    W = orthogonal(rng, 3, 6, 6)
    for gate in W:
        np.testing.assert_allclose(gate.T @ gate, np.eye(6), atol=1e-12)
    assert not np.allclose(W[0], W[1]) and (np.diagonal(W, axis1=1, axis2=2) < 0).any()


def test_embeddings_start_small(rng):
    E = small_normal(rng, 100, 50)
    np.testing.assert_allclose(E.std(), 0.1, rtol=0.05)
    assert abs(E.mean()) < 0.01


def test_defaults_of_a_configuration():
    config = Config(11, 10)
    assert (config.embedding, config.hidden, config.cell) == (32, 64, "gru")
    assert (config.attention, config.order, config.input_feeding, config.layers) == ("additive", "bahdanau", False, 1)
    assert (config.bidirectional, config.encoder_hidden, config.memory, config.bridge) == (False, None, 64, "copy")
    assert (config.dropout, config.layer_norm, config.tie_output, config.label_smoothing) == (0.0, False, False, 0.0)


@pytest.mark.parametrize(("attention", "norms"), [("additive", [True, True, True]), ("none", [True, True, False])])
def test_only_layers_that_are_looked_at_are_normalized(attention, norms, rng):
    layers = Seq2Seq.init(rng, Config(11, 10, layers=3, layer_norm=True, attention=attention)).encoder.layers
    assert [layer.norm is not None for layer in layers] == norms
    plain = Seq2Seq.init(rng, Config(11, 10, layers=3, attention=attention))
    assert all(layer.norm is None for layer in plain.encoder.layers)


@pytest.mark.parametrize("attention", ["additive", "relu", "coverage"])
def test_the_score_starts_within_glorots_bound(attention, rng):
    config = Config(11, 10, hidden=2, attention=attention)
    v = [Seq2Seq.init(rng, config).decoder.attention.v for _ in range(300)]
    bound = np.sqrt(6 / (2 + 1))
    assert np.shape(v) == (300, 2) and 0.98 * bound < np.abs(v).max() <= bound


def test_an_lstm_starts_by_remembering(rng):
    b = LSTM.init(rng, 3, 4).b[:, 0]
    np.testing.assert_array_equal(b, [[0] * 4, [0] * 4, [1] * 4, [0] * 4])  # g, i, f, o


def test_a_record_is_equal_to_itself_only_and_has_a_hash(rng):
    one, other = Linear.init(rng, 3, 4), Linear.init(rng, 3, 4)
    assert one == one and one != other and len({one, other, one}) == 2


def test_dropout_and_more_layers_leave_the_names_of_weights(rng):
    names, dropped, deep = (
        set(to_dict(Seq2Seq.init(rng, Config(11, 10, **parts)))) for parts in ({}, {"dropout": 0.2}, {"layers": 2})
    )
    assert names == dropped and names < deep


def test_coverage_starts_within_glorots_bound(rng):
    config = Config(11, 10, hidden=2, attention="coverage")
    w = [Seq2Seq.init(rng, config).decoder.attention.w for _ in range(300)]
    bound = np.sqrt(6 / (1 + 2))
    assert np.shape(w) == (300, 2) and 0.98 * bound < np.abs(w).max() <= bound
