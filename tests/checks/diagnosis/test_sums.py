"""A part of a sum in place of all of it: over the batch, over time, over the places of a token, over the outputs."""

from dataclasses import fields, replace

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case
from minis2s.layers import Embedding, Linear, map_arrays
from minis2s.layers.attention import AttentionGradients
from minis2s.layers.cell import through_weights, transposed
from minis2s.layers.packing import sentence_of, step_slices
from minis2s.models import Encoder, Seq2Seq

ALIVE = [4, 4, 3, 1, 1]
STEPS, SENTENCES = np.repeat(np.arange(5), ALIVE), sentence_of(ALIVE)


def as_class(kind, layer):
    """The same record, its class another."""
    return kind(*[getattr(layer, field.name) for field in fields(layer)])


def broken_cell(kind, pick, carry=1.0):
    """The report on a cell whose weights' gradient sums only what ``pick(d)`` leaves of the gates' gradients."""
    layer, inputs = make_case(kind)

    class Twin(type(layer)):
        def backward(self, dstates, cache):
            x, s, gates, batch_sizes = cache
            d, W_hT, dstates, ds = self.local_gradients(gates, s), transposed(self.W_h), dstates.copy(), dstates[:0]
            for rows in reversed(step_slices(batch_sizes)):
                dstates[rows][: len(ds)] += carry * ds
                ds = self.step_backward_inplace(d[:, rows], gates[:, rows], dstates[rows], W_hT)
            dx = through_weights(d[: len(self.W_x)], transposed(self.W_x))
            return as_class(Twin, self.gradient(x, s, gates, pick(d))), dx, ds

    return gradcheck(as_class(Twin, layer), *inputs, name=kind)


SUMS = {  # what is left of the sum over rows: words of the diagnosis of W_x
    "row 0": (lambda d: d * (np.arange(13) == 0)[:, None], "row 0 alone: a sum over batch and time is missing"),
    "sentence 0": (lambda d: d * (SENTENCES == 0)[:, None], "sentence 0 alone: a sum over the batch is missing"),
    "t = 0": (lambda d: d * (STEPS == 0)[:, None], "t = 0 alone: = over time where += is needed"),
    "the last": (lambda d: d * (STEPS == 4)[:, None], "t = 4 alone: = over time where += is needed"),
    "all but t = 0": (lambda d: d * (STEPS > 0)[:, None], "all steps but t = 0: the first step is left out"),
    "all but the last": (lambda d: d * (STEPS < 4)[:, None], "all steps but t = 4: the last step is left out"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gru", "lstm", "rnn", "gru_before"])
@pytest.mark.parametrize("bug", SUMS)
def test_a_part_of_a_sum_in_place_of_all_of_it_is_named(kind, bug):
    pick, words = SUMS[bug]
    report = broken_cell(kind, pick)
    assert not [row.array for row in report.rows[-2:] if not row.ok]  # x and s0
    for row in report.rows[:-2]:
        said = report.diagnoses[kind, row.array]
        assert any(f"consistent with {words}" in sentence for sentence in said), said


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_no_gradient_carried_through_time_is_named(kind):
    report = broken_cell(kind, lambda d: d, carry=0)
    for row in report.rows:
        said = report.diagnoses[kind, row.array]
        assert any("each step's own output alone: nothing is carried back through time" in one for one in said), said


def report_on(name):
    layer, inputs = make_case(name)
    return gradcheck(layer, *inputs, name=name)


def diagnosis_of(report, array):
    return " | ".join(sentence for (_, key), said in report.diagnoses.items() if key == array for sentence in said)


@pytest.mark.parametrize(
    "pick, words",
    [
        (lambda dy: dy[0], "row 0 alone: a sum over the rows is missing"),
        (lambda dy: dy[-1], "the last row alone: = over the rows where += is needed"),
        (lambda dy: dy.mean(0), "1/N with N = 5"),
        (lambda dy: dy[1:].sum(0), "all rows but row 0"),
        (lambda dy: dy[:-1].sum(0), "all rows but the last"),
    ],
)
def test_a_bias_without_its_sum_is_named(pick, words, monkeypatch):
    right = Linear.backward
    monkeypatch.setattr(
        Linear, "backward", lambda self, dy, x: (replace(right(self, dy, x)[0], b=pick(dy)), dy @ self.W.T)
    )
    report = report_on("linear")
    assert list(report.diagnoses) == [("linear", "b")] and words in diagnosis_of(report, "b")


def lose_repeated(monkeypatch):
    def backward(self, dx, cache):
        dE = np.zeros_like(self.E)
        dE[cache.ids] += dx
        return (Embedding(dE),)

    monkeypatch.setattr(Embedding, "backward", backward)


@pytest.mark.parametrize(
    "case, array", [("embedding", "E"), ("encoder", "embedding.E"), ("seq2seq_plain", "embedding.E")]
)
def test_lost_rows_of_repeated_tokens_are_named(case, array, monkeypatch):
    lose_repeated(monkeypatch)
    said = diagnosis_of(report_on(case), array)
    assert "consistent with dE[ids] += dx" in said and "only rows of repeated tokens are wrong (" in said


def test_keys_from_one_decoder_step_only_are_named(monkeypatch):
    right = AttentionGradients.step

    def step(self, rows, dcontext, read):
        self.dkeys[:] = 0  # = for +=
        return right(self, rows, dcontext, read)

    monkeypatch.setattr(AttentionGradients, "step", step)
    words = "the gradient of the keys from the first step alone in attention: = over the steps where += is needed"
    assert words in diagnosis_of(report_on("attention_decoder"), "attention.W_k")


@pytest.mark.parametrize(
    "lost, words", [(0, "no path from output 1 of forward"), (1, "no path from output 2 of forward")]
)
def test_an_output_of_the_encoder_without_a_way_back_is_named(lost, words, monkeypatch):
    right = Encoder.backward

    def backward(self, douts, cache):
        return right(self, [d * (i != lost) for i, d in enumerate(douts)], cache)

    monkeypatch.setattr(Encoder, "backward", backward)
    report = report_on("encoder")
    assert len(report.diagnoses) == len(report.rows) and all(words in said[0] for said in report.diagnoses.values())


@pytest.mark.slow
def test_real_tokens_against_places_are_named_in_a_model(monkeypatch):
    right = Seq2Seq.backward
    monkeypatch.setattr(Seq2Seq, "backward", lambda self, cache: map_arrays(lambda d: d * 14 / 24, right(self, cache)))
    report = report_on("seq2seq_plain")
    assert len(report.diagnoses) == len(report.rows)
    words = "N_T/(B T) with N_T = 14 real tokens against B T = 24 places"
    assert all(words in said[0] for said in report.diagnoses.values())


def test_a_mean_over_the_places_of_a_token_is_not_called_a_lost_place():
    layer, (ids,) = make_case("embedding")
    counts = np.bincount(ids, minlength=len(layer.E))

    class Mean(Embedding):
        def backward(self, dx, cache):
            (gradient,) = super().backward(dx, cache)
            return (Mean(gradient.E / np.maximum(counts, 1)[:, None]),)

    ((said, *_),) = gradcheck(Mean(layer.E), ids).diagnoses.values()
    assert "the mean over the places of a token in place of their sum" in said and "+=" not in said
