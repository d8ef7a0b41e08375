"""In one step of one sentence a recurrent layer's bugs show what they are: slopes and gates."""

import numpy as np
import pytest

from minis2s.checks import make_case
from minis2s.checks.diagnosis.finding import Cause
from minis2s.checks.diagnosis.one_step import factor_of, one_step
from minis2s.layers import GRU, LSTM, RNN, GRUResetBefore
from minis2s.museum import planted
from tests.checks.diagnosis.subjects import made_up


def alone(case, method="complex"):
    layer, inputs = make_case(case)
    return one_step(layer, inputs, inputs[-1], method)


# What a gate's local gradient d is changed into, from the activations a and the state s: (cell, gate, change, words)
SLOPES = {
    "sigmoid' missing": (GRU, "z", lambda d, a, s: d / (a["z"] * (1 - a["z"])), "z (1 - z) missing"),
    "tanh' missing": (GRU, "n", lambda d, a, s: d / (1 - a["n"] ** 2), "1 - n^2 missing"),
    "tanh' twice": (GRU, "n", lambda d, a, s: d * (1 - a["n"] ** 2), "1 - n^2 once too often"),
    "no square": (GRU, "n", lambda d, a, s: d / (1 + a["n"]), "1 - n in place of 1 - n^2"),
    "h for u_n": (GRU, "r", lambda d, a, s: d * s / a["u_n"], "h in place of u_n"),
    "h for u_n, negated": (GRU, "r", lambda d, a, s: -d * s / a["u_n"], "h in place of u_n, and a wrong sign"),
    "the new c": (LSTM, "f", lambda d, a, s: d * a["tanh_c"] / s[:, 4:], "tanh_c in place of c"),
    "the sigmoid's": (RNN, "h", lambda d, a, s: d * a["h"] / (1 + a["h"]), "h' (1 - h') in place of 1 - h'^2"),
}


def spoil(monkeypatch, kind, gate, change):
    right = kind.local_gradients

    def local_gradients(self, activations, s):
        d = right(self, activations, s)
        i = self.activation_names.index(gate)
        d[i] = change(d[i], dict(zip(self.activation_names, activations)), s)
        return d

    monkeypatch.setattr(kind, "local_gradients", local_gradients)


@pytest.mark.parametrize("method", ["complex", "central"])
@pytest.mark.parametrize("bug", SLOPES)
def test_a_wrong_slope_is_named_with_its_gate(bug, method, monkeypatch):
    kind, gate, change, words = SLOPES[bug]
    spoil(monkeypatch, kind, gate, change)
    hits = {hit.where: hit for hit in alone(kind.__name__.lower(), method)["W_x"]}
    assert hits[f"in gate {gate}"].cause is Cause.SLOPE
    assert hits[f"in gate {gate}"].detail == f"{words}: each unit has its own factor"


def test_only_the_gates_that_are_wrong_are_named(monkeypatch):
    spoil(monkeypatch, GRU, "z", lambda d, a, s: -d)
    found = alone("gru")
    for key in ("W_x", "W_h", "b_x", "b_h"):
        (hit,) = found[key]
        assert hit.cause is Cause.FACTOR and hit.where == "only gate z wrong, r and n right; in z"
    monkeypatch.undo()
    assert alone("gru") == {}
    spoil(monkeypatch, LSTM, "f", lambda d, a, s: d * (1 + np.arange(4) ** 1.5))  # by factors that are no activation's
    (hit,) = alone("lstm")["W_x"]
    assert hit.cause is Cause.UNEXPLAINED and hit.where == "only gate f wrong, g and i and o right; in f"


def test_the_wrong_factor_of_a_product_is_named_by_row(monkeypatch):
    right = GRUResetBefore.gradient

    def gradient(self, x, h, activations, d):
        made = right(self, x, h, activations, d)
        return GRUResetBefore(made.W_x, np.concatenate([made.W_h[:2], h.T @ d[2:3]]), made.b)

    monkeypatch.setattr(GRUResetBefore, "gradient", gradient)
    ((hit,),) = alone("gru_before").values()
    assert hit[:3] == (Cause.SLOPE, "r missing: each row has its own factor", "in gate n")


def test_nothing_through_the_memory_of_an_lstm():
    bug = made_up("layers.lstm:LSTM.step_backward_inplace", "dc_new += dc_next", "pass")
    with planted(bug):
        found = alone("lstm")
    for key in ("b", "x"):
        assert "nothing coming back through c'" in [hit.detail for hit in found[key]]


def test_a_decoder_has_a_first_step_too():
    with planted(made_up("layers.additive:AdditiveAttention.query_backward", "return dq", "return 0 * dq")):
        assert list(alone("attention_decoder")) == ["s0"]


class Two(GRU):
    """A cell that also gives its first states."""

    def forward(self, x, s0, batch_sizes):
        states, cache = GRU.forward(self, x, s0, batch_sizes)
        return (states, states[:1, :2]), cache


def test_what_gives_no_row_a_token_has_no_step():
    layer, inputs = make_case("gru")
    assert one_step(Two(*vars(layer).values()), inputs, inputs[-1], "complex") is None


def test_a_gradient_that_is_not_finite_has_no_factors(monkeypatch):
    spoil(monkeypatch, GRU, "z", lambda d, a, s: d * [np.inf, 1, 1, 1])
    assert {hit.cause for hit in alone("gru")["W_x"]} == {Cause.NOT_FINITE}


def test_an_expression_is_missing_too_often_or_another():
    terms = {"a": np.array([0.5, 3.0]), "b": np.array([-2.0, 0.25]), "of another width": np.ones(3)}
    for ratio, words in {
        (2.0, 1 / 3): "a missing",
        (-2.0, -1 / 3): "a missing, and a wrong sign",
        (-2.0, 0.25): "b once too often",
        (-4.0, 1 / 12): "b in place of a",
        (1.0, 5.0): "",
    }.items():
        assert factor_of(np.array(ratio), terms, 1e-8) == words
