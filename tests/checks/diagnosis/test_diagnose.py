"""The stages of a diagnosis: each is asked only for what has no cause, and gives a better one or leaves it."""

from dataclasses import replace

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case, record_check
from minis2s.checks.diagnosis import diagnose
from minis2s.checks.diagnosis.finding import Cause
from minis2s.layers import GRU, map_arrays
from minis2s.museum import planted
from minis2s.museum.patching import Change
from tests.checks.diagnosis.subjects import explained, made_up

GATES, TIME = "layers.gru:GRU.step_backward_inplace", "layers.cell:Cell.backward"


def causes(found):
    """The causes of each array, in one set each."""
    return {key: {hit.cause for hit in hits} for key, hits in found.items()}


def test_what_is_right_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(record_check, "explain", None)
    report = gradcheck(*(case := make_case("gru"))[:1], *case[1])
    assert report.ok and report.diagnoses == {}
    with planted(made_up(GATES, "da_n *= dh_new", "da_n *= -dh_new")):
        assert gradcheck(case[0], *case[1], diagnose=False).diagnoses == {}


def test_no_later_stage_is_asked_where_every_array_has_a_cause(monkeypatch):
    for stage in ("mutant_of", "one_step", "parts_of"):
        monkeypatch.setattr(diagnose, stage, None)
    found = explained(
        "seq2seq_attention", made_up("layers.cross_entropy:CrossEntropy.backward", "float(dloss)", "2 * dloss")
    )
    assert len(found) == 15 and set().union(*causes(found).values()) == {Cause.FACTOR}


def test_one_mistake_for_all_arrays_comes_before_one_for_each():
    found = explained("gru", made_up(TIME, "dstates[rows][: len(ds)] += ds", "pass"))
    assert len(found) == 6 and set().union(*causes(found).values()) == {Cause.MUTANT}
    assert len({hit.detail for (hit,) in found.values()}) == 1 and len({hit.numbers for (hit,) in found.values()}) == 6


@pytest.mark.parametrize(
    "where, old, new, cause, keys",
    [
        (TIME, "[: len(ds)] += ds", "[: len(ds)] -= ds", Cause.CARRIED, ["W_x", "W_h", "b_x", "b_h", "x", "s0"]),
        ("layers.gru:GRU.gradient", "sum_rows(d)[:, None]", "d[:, :1]", Cause.CARRIED, ["b_x", "b_h"]),
    ],
)
def test_what_is_right_in_one_step_is_wrong_between_steps_or_in_a_sum(where, old, new, cause, keys):
    found = explained("gru", made_up(where, old, new))
    assert causes(found) == {key: {cause} for key in keys}


def test_what_is_wrong_in_one_step_is_named_and_the_rest_is_a_trace():
    found = explained("gru", made_up(GATES, "da_n *= dh_new", "da_n *= -dh_new"))
    for key in ("W_x", "W_h", "b_x", "b_h"):
        assert [hit.cause for hit in found[key]] == [Cause.FACTOR] * 2
        assert found[key][0].where == "in one step alone only gates r and n wrong, z right; in r"
    for key in ("x", "s0"):
        (hit,) = found[key]
        assert hit.cause is Cause.TRACE and hit.detail == "W_x" and hit.where == "in one step alone"


def test_a_step_that_cannot_be_looked_at_is_not_called_right():
    class Two(GRU):
        """A cell of two outputs whose sums over the steps are noisy."""

        def forward(self, x, s0, batch_sizes):
            states, cache = super().forward(x, s0, batch_sizes)
            return (states, states[:1, :2]), cache

        def backward(self, dstates, cache):
            ds = dstates[0].copy()
            ds[:1, :2] += dstates[1]
            gradient, *dinputs = super().backward(ds, cache)
            return map_arrays(lambda a: a * np.cbrt(a), gradient), *dinputs

    layer, inputs = make_case("gru")
    found = gradcheck(Two(*vars(layer).values()), *inputs).diagnoses
    assert len(found) == 4 and set().union(*causes(found).values()) == {Cause.UNEXPLAINED}


def test_lost_tokens_are_not_accused_where_another_array_is_wrong():
    """The table of an encoder is a leaf: what is lost in it spoils nothing else."""
    scatter = "np.add.at(dE, flat_index.ravel(), dx.ravel())"
    bug = made_up("layers.embedding:Embedding.backward", scatter, scatter.replace("add.at", "put"))
    assert causes(explained("encoder", bug)) == {"embedding.E": {Cause.REPEATED}}
    another = Change("minis2s.layers.gru:GRU.gradient", "h.T @ du for", "h.T @ du**3 for")
    found = causes(explained("encoder", replace(bug, also=(another,))))
    assert found == {"embedding.E": {Cause.UNEXPLAINED}, "layers.0.cells.0.W_h": {Cause.UNEXPLAINED}}
