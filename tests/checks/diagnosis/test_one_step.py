"""In one step of one sentence a recurrent layer's bugs show what they are: slopes, terms and gates."""

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case
from minis2s.layers import (
    GRU,
    LSTM,
    RNN,
    Embedding,
    GRUResetBefore,
)
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell
from minis2s.models.bridge import Bridge


def said_of(report, array):
    return " | ".join(sentence for (_, key), said in report.diagnoses.items() if key == array for sentence in said)


def check(name):
    layer, inputs = make_case(name)
    return gradcheck(layer, *inputs, name=name)


def with_slopes(monkeypatch, kind, change):
    """Change what each gate's gradient is multiplied by; ``change(d, activations, s)`` works in place."""
    right = kind.local_gradients

    def local_gradients(self, gates, s):
        d = right(self, gates, s)
        change(dict(zip(self.activation_names, d)), dict(zip(self.activation_names, gates)), s)
        return d

    monkeypatch.setattr(kind, "local_gradients", local_gradients)


def divide(d, by):
    d /= by


def times(d, by):
    d *= by


SLOPES = {  # bug: (cell, case, change, array, words)
    "sigmoid' of z missing": (
        GRU,
        lambda d, a, s: divide(d["z"], a["z"] * (1 - a["z"])),
        "W_x",
        "in gate z",
        "z (1 - z) missing",
    ),
    "sign of dz": (GRU, lambda d, a, s: times(d["z"], -1), "W_x", "only gate z wrong, n and r right", "factor of -1"),
    "tanh' missing": (GRU, lambda d, a, s: divide(d["n"], 1 - a["n"] ** 2), "W_x", "in gate n", "1 - n^2 missing"),
    "tanh' twice": (GRU, lambda d, a, s: times(d["n"], 1 - a["n"] ** 2), "b_x", "in gate n", "1 - n^2 once too often"),
    "tanh' of the pre-activation": (
        GRU,
        lambda d, a, s: times(d["n"], (1 - np.arctanh(a["n"]) ** 2) / (1 - a["n"] ** 2)),
        "W_h",
        "in gate n",
        "1 - (pre-activation of n)^2 in place of 1 - n^2",
    ),
    "no r": (GRU, lambda d, a, s: divide(d["u_n"], a["r"]), "W_h", "in gate n", "r missing"),
    "h for u_n": (GRU, lambda d, a, s: times(d["r"], s / a["u_n"]), "b_h", "in gate r", "h in place of u_n"),
    "h for u_n and a sign": (GRU, lambda d, a, s: times(d["r"], -s / a["u_n"]), "b_h", "in gate r", "and a wrong sign"),
    "the new c": (
        LSTM,
        lambda d, a, s: times(d["f"], a["tanh_c"] / s[:, s.shape[1] // 2 :]),
        "b",
        "in gate f",
        "tanh_c in place of c",
    ),
    "the sigmoid's slope": (
        RNN,
        lambda d, a, s: times(d["h"], a["h"] / (1 + a["h"])),
        "b",
        "",
        "h' (1 - h') in place of 1 - h'^2",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", SLOPES)
def test_a_wrong_slope_is_named(bug, monkeypatch):
    kind, change, array, where, what = SLOPES[bug]
    with_slopes(monkeypatch, kind, change)
    report = check(kind.__name__.lower())
    said = said_of(report, array)
    assert where in said and what in said and "consistent with" in said, said
    assert "a trace of what is wrong at W_x, mend that first" in said_of(report, "x") or not report.diagnoses.get(
        ("x",)
    )


def test_swapped_gates_are_named(monkeypatch):
    right = GRU.step_backward_inplace

    def backward(self, d, activations, dh_new, W_hT):
        right(self, d, activations, dh_new, W_hT)
        d[:2] = d[[1, 0]]
        (da_r, da_z, _, du_n), (_, z, _, _) = d, activations
        return np.concatenate([da_r, da_z, du_n], axis=-1) @ W_hT + dh_new * z

    monkeypatch.setattr(GRU, "step_backward_inplace", backward)
    report = check("gru")
    assert all("the gates r and z swapped" in said_of(report, key) for key in ("W_x", "W_h", "b_x", "b_h"))


@pytest.mark.slow
@pytest.mark.parametrize("factor, words", [(-1, "missing"), (-2, "of a wrong sign"), (1, "counted twice")])
def test_a_term_of_the_states_gradient_is_named(factor, words, monkeypatch):
    right = GRU.step_backward_inplace

    def backward(self, d, gates, dh_new, W_hT):
        return right(self, d, gates, dh_new, W_hT) + factor * dh_new * gates[1]

    monkeypatch.setattr(GRU, "step_backward_inplace", backward)
    report = check("gru")
    assert f"consistent with the term d' z {words}, in one step alone" in said_of(report, "s0")
    assert "in one step alone it is right: consistent with an error in another array's part" in said_of(report, "W_x")


@pytest.mark.slow
def test_nothing_through_the_memory_of_an_lstm_is_named(monkeypatch):
    right = LSTM.step_backward_inplace

    def backward(self, d, gates, ds_new, W_hT):
        ds_new = ds_new.copy()
        ds_new[:, self.hidden :] = 0
        return right(self, d, gates, ds_new, W_hT)

    monkeypatch.setattr(LSTM, "step_backward_inplace", backward)
    report = check("lstm")
    assert all("nothing coming back through c', the second half" in said_of(report, key) for key in ("W_x", "x", "s0"))


def test_the_wrong_factor_of_a_product_is_named_by_row(monkeypatch):
    right = GRUResetBefore.gradient

    def gradient(self, x, h, gates, d):
        found = right(self, x, h, gates, d)
        return GRUResetBefore(found.W_x, np.concatenate([found.W_h[:2], h.T @ d[2:3]]), found.b)

    monkeypatch.setattr(GRUResetBefore, "gradient", gradient)
    said = said_of(check("gru_before"), "W_h")
    assert "in gate n consistent with r missing: in one step alone each row has its own factor" in said


def test_an_error_between_steps_is_told_from_one_within(monkeypatch):
    right = Cell.backward

    def backward(self, dstates, cache):  # a state's gradient is carried on with a factor that has a length but no name
        gradient, dx, ds = right(self, dstates, cache)
        if len(cache.batch_sizes) == 1:
            return gradient, dx, ds
        rng = np.random.default_rng(0)
        return GRU(*(part + rng.normal(size=part.shape) for part in vars(gradient).values())), dx, ds + rng.normal()

    monkeypatch.setattr(Cell, "backward", backward)
    words = "in one step alone it is right: consistent with an error in what is carried from step to step"
    assert words in said_of(check("gru"), "W_x")


DSCORE = {
    "a softmax's Jacobian without the sum": lambda alpha, d: alpha * d,
    "a softmax's Jacobian of its diagonal only": lambda alpha, d: alpha * (1 - alpha) * d,
    "a softmax that is left out in backward": lambda alpha, d: d,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["attention", "attention_dot", "attention_general", "attention_relu"])
@pytest.mark.parametrize("words", DSCORE)
def test_slips_in_the_derivative_of_a_softmax_are_named(kind, words, monkeypatch):
    def backward(self, dcontext, keys, memory, cache, dalpha=None):
        d = (memory @ dcontext[..., None])[..., 0]
        return self.score_backward(DSCORE[words](cache.alpha, d), keys, cache)

    monkeypatch.setattr(Attention, "attend_backward", backward)
    report = check(kind)
    assert report.diagnoses and all(f"consistent with {words}" in " ".join(said) for said in report.diagnoses.values())


def test_the_slope_at_the_end_of_forward_is_named(monkeypatch):
    right = Bridge.backward
    monkeypatch.setattr(Bridge, "backward", lambda self, dy, cache: right(self, dy / (1 - cache[1] ** 2), cache))
    report = check("bridge")
    assert len(report.diagnoses) == 3
    assert all("tanh' missing, 1 - y^2 with the output y" in said[0] for said in report.diagnoses.values())


def test_lost_tokens_are_not_accused_where_other_arrays_are_wrong_without_a_name(monkeypatch):
    def backward(self, dx, cache):
        dE = np.zeros_like(self.E)
        dE[cache.ids] += dx
        return (Embedding(dE),)

    monkeypatch.setattr(Embedding, "backward", backward)
    assert "dE[ids] += dx" in said_of(check("encoder"), "embedding.E")
    with_slopes(monkeypatch, GRU, lambda d, a, s: times(d["z"], 1.5))
    report = check("encoder")
    assert "dE[ids] += dx" not in said_of(report, "embedding.E")


def test_a_wrong_sum_over_steps_is_not_blamed_on_what_is_carried(monkeypatch):
    right = GRU.gradient

    def gradient(self, x, h, gates, d):  # mean for sum, but for the last row: no one factor
        found = right(self, x, h, gates, d)
        return GRU(found.W_x, found.W_h, d[:3].mean(1, keepdims=True) + d[:3, -1:] * (len(x) > 1), found.b_h)

    monkeypatch.setattr(GRU, "gradient", gradient)
    report = check("gru")
    assert [key for _, key in report.diagnoses] == ["b_x"]
    assert "another sum over steps or sentences, such as a mean" in said_of(report, "b_x")
    assert "carried" not in said_of(report, "b_x")


@pytest.mark.slow
def test_where_one_gate_alone_is_wrong_in_a_step_it_is_named_even_without_a_cause(monkeypatch):
    def change(d, gates, s):
        d["f"] *= 1 + np.arange(gates["f"].shape[-1]) ** 1.5  # gate f, by factors that are no activation's

    with_slopes(monkeypatch, LSTM, change)
    assert "in one step alone only gate f wrong, g and i and o right" in said_of(check("lstm"), "W_x")
