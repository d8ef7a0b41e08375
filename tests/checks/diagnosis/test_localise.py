"""A model that is wrong says which of its layers is wrong alone, and what is wrong in it."""

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case
from minis2s.layers import (
    GRU,
    AdditiveAttention,
    CrossEntropy,
    Dropout,
    GeneralAttention,
    LayerNorm,
    Linear,
    ScaledDotAttention,
    map_arrays,
)
from minis2s.layers.attention import Attention
from minis2s.models import Seq2Seq


def said_of(report, array):
    return " | ".join(sentence for (_, key), said in report.diagnoses.items() if key == array for sentence in said)


def check(name):
    layer, inputs = make_case(name)
    return gradcheck(layer, *inputs, name=name)


@pytest.mark.slow
def test_a_model_says_which_of_its_layers_is_wrong_alone(monkeypatch):
    right = GRU.local_gradients

    def local_gradients(self, gates, h):
        d = right(self, gates, h)
        d[2] /= 1 - gates[2] ** 2
        return d

    monkeypatch.setattr(GRU, "local_gradients", local_gradients)
    report = check("seq2seq_attention")
    cell = "encoder.layers.0.cells.0"
    words = f"consistent with a trace of what is wrong in {cell} alone (W_x: in gate n consistent with 1 - n^2 missing"
    assert len(report.diagnoses) == 13 and words in said_of(report, "encoder.embedding.E")
    assert f"consistent with a trace of what is wrong in {cell}; found " in said_of(report, f"{cell}.W_h")


PARTS = {  # a layer of a model: (case, words)
    Linear: ("seq2seq_plain", "in output alone ("),
    LayerNorm: ("seq2seq_gru_before_normal", "norm alone ("),
    CrossEntropy: ("seq2seq_plain", "in the loss alone (logits: "),
    Dropout: ("seq2seq_rnn_deep", "in encoder.dropout alone (x: "),
    AdditiveAttention: ("seq2seq_attention", "in decoder.attention alone ("),
    GeneralAttention: ("seq2seq_lstm_luong", "in decoder.attention alone ("),
    ScaledDotAttention: ("seq2seq_gru_before_normal", "in decoder.attention alone ("),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PARTS)
def test_each_kind_of_layer_can_be_found_wrong_alone(kind, monkeypatch):
    case, words = PARTS[kind]
    right, rng = kind.backward if not issubclass(kind, Attention) else kind.score_backward, np.random.default_rng(0)
    factors = rng.random(100)

    def spoilt(part):
        if isinstance(part, np.ndarray):
            return part * factors[: part.size].reshape(part.shape) if part.size < 100 else part * np.sqrt(np.abs(part))
        return map_arrays(spoilt, part)

    def backward(self, *arguments):
        return tuple(part if part is None else spoilt(part) for part in right(self, *arguments))

    monkeypatch.setattr(kind, "score_backward" if issubclass(kind, Attention) else "backward", backward)
    report = check(case)
    assert any(words in said[0] for said in report.diagnoses.values()), str(report)


@pytest.mark.slow
def test_a_model_that_is_wrong_between_its_layers_says_so(monkeypatch):
    right, rng = Seq2Seq.backward, np.random.default_rng(0)
    noisy = [lambda self, cache: map_arrays(lambda a: a + rng.normal(size=a.shape), right(self, cache))]
    monkeypatch.setattr(Seq2Seq, "backward", noisy[0])
    report = check("seq2seq_attention")
    words = "what could be checked of it alone is right: look at what joins its parts"
    assert all(words in said[0] for said in report.diagnoses.values())
