"""One changed derivative of a forward, found by running it, gives what a wrong backward gives: it is the right one."""

from typing import NamedTuple

import numpy as np
import pytest

from minis2s.checks import cases, make_case
from minis2s.checks.derivatives import Trial, draw_cotangent
from minis2s.checks.diagnosis.mutants import (
    changed,
    changes,
    mutant_of,
    places_of,
    scaled,
    with_methods,
)
from minis2s.layers import GRU, record
from minis2s.museum import BUGS
from tests.checks.diagnosis.subjects import made_up, subject_of

ATTEND, STEPS = "layers.attention:Attention.backward", "layers.attention:AttentionGradients.step"
ENCODER, KEYS = "models.encoder:Encoder.backward", "path from attention.score into its argument keys"
BACKWARDS = {  # what the mutant is called: (case, number of wrong arrays, where, old and new text of a wrong backward)
    "a wrong sign of the path from attend into its argument memory":
        ("attention", 1, ATTEND, "dmemory = dmemory + read", "dmemory = dmemory - read"),
    "the path into the output of keys counted twice":
        ("attention", 2, "layers.additive:AdditiveAttention.gradient", "-1) * self.v", "-1) * self.v * 2"),
    "no path from attention.attend into its argument memory":
        ("attention_decoder", 1, STEPS.replace("step", "gradient"), "dmemory + dvalues", "dmemory"),
    f"the {KEYS} counted at the first call alone":
        ("attention_decoder", 2, STEPS, "[:size] += dkeys", "[:] = 0; self.dkeys[:size] = dkeys"),
    f"the {KEYS} counted at the last call alone":
        ("attention_decoder", 2, STEPS, "+= dkeys", "+= dkeys * (rows.stop == len(self.dq))"),
    f"no {KEYS} at the first call":
        ("attention_decoder", 2, STEPS, "+= dkeys", "+= dkeys * (rows.start > 0)"),
    f"no {KEYS} at the last call":
        ("attention_decoder", 2, STEPS, "+= dkeys", "+= dkeys * (rows.stop < len(self.dq))"),
    "no path from attention.score into its argument coverage":
        ("coverage_decoder", 10, STEPS, "+= dcoverage", "+= 0"),
    "no path into the alpha of attention.attend at the first call":  # it is counted in the coverage
        ("coverage_decoder", 5, STEPS, "self.dcoverage[:size]  #", "self.dcoverage[:size] * (rows.start > 0)  #"),
    "the path from step_inplace into its argument h counted at the first call alone":
        ("gru", 6, "layers.cell:Cell.backward", "[: len(ds)] += ds", "[: len(ds)] += 0"),
    "no path from layers.0.cells.0.hidden_of into its argument s":
        ("encoder", 6, ENCODER, "dmemory[source.rows", "0 * dmemory[source.rows"),
    "no path into the output 2 of encoder.layers.0.forward":
        ("seq2seq_attention", 5, "models.encoder_layer:EncoderLayer.backward", "+= dends[i]", "+= 0"),
}  # fmt: skip


@pytest.mark.parametrize("words", BACKWARDS)
def test_the_place_of_a_wrong_backward_is_named(words):
    case, wrong, *change = BACKWARDS[words]
    subject = subject_of(case, made_up(*change))
    assert len(subject.wrong) == wrong and mutant_of(subject.trial, subject.wrong) == words


def test_a_way_to_the_context_alone_is_told_from_one_to_the_memory_too():
    """In Luong's decoder the way from h~ to the context is the query's: only the memory tells that it is there."""
    bug, rng = BUGS["luong_state_counted_once"], np.random.default_rng(0)
    layer, inputs = cases.decoder(cases.LuongDecoder, **bug.config)(rng)
    subject = subject_of((cases.random_weights(layer, rng), inputs), bug)
    assert "memory" not in subject.wrong
    assert mutant_of(subject.trial, subject.wrong) == "no path from attention.score into its argument query"


def test_what_no_mutant_explains_has_none():
    bug = made_up(ATTEND, "dmemory = dmemory + read", "dmemory = dmemory - read")
    subject = subject_of("attention", bug)
    ((memory, right),) = subject.wrong.values()
    assert mutant_of(subject.trial, {"memory": (memory + 1e-6 * right.max(), right)}) == ""
    query = np.ones((4, 4))
    assert mutant_of(subject.trial, subject.wrong | {"query": (query, 2 * query)}) == ""  # all arrays, or none
    layer, inputs, cotangent = subject.layer, subject.inputs, subject.trial.cotangent
    assert mutant_of(Trial(layer, inputs, cotangent, "central"), subject.wrong) == ""
    infinite = memory.copy()
    infinite[0, 0, 0] = np.inf  # as large as any error
    assert mutant_of(subject.trial, {"memory": (infinite, right)}) == ""


@pytest.mark.parametrize("name", ["gru", "attention_decoder", "encoder_deep", "seq2seq_luong_coverage"])
def test_a_mutant_changes_no_value_and_each_has_a_name_of_its_own(name):
    layer, inputs = make_case(name)
    is_model = hasattr(layer, "loss")
    cotangent = [1.0] if is_model else draw_cotangent(layer.forward(*inputs)[0])
    right = Trial(layer, inputs, cotangent, "complex")
    before, places = right.flat(), places_of(right)
    said = [words.format(place) for place in places for words, _ in changes(place.calls)]
    assert len(said) == len(set(said)) > 30
    for place in places:
        for _, times in changes(place.calls):
            mutant = Trial(layer, inputs, cotangent, "complex")
            mutant.layer = changed(mutant.layer, place, times)
            if place.method != "activation_inplace":  # it changes the copy that it is given
                np.testing.assert_array_equal(mutant.flat(), before)
    np.testing.assert_array_equal(right.flat(), before)


class Kept(NamedTuple):
    a: np.ndarray
    sine: np.ndarray


@record
class Ways:
    """Arguments by keyword, by position and None, several results, and one changed in place."""

    W: np.ndarray

    def parts(self, x, shift=None, scale=1.0):
        a = scale * (x @ self.W) if shift is None else x @ self.W + shift
        return a, a * a, Kept(a, np.sin(a))

    def twice_inplace(self, a):
        a *= 2

    def forward(self, x):
        _, squared, kept = self.parts(x, None, scale=3.0)
        y = self.parts(x, squared)[0] + kept.sine
        self.twice_inplace(y)
        return y, None


def test_places_are_of_every_kind_and_their_calls_are_counted(rng):
    layer, x = Ways(rng.standard_normal((3, 4))), rng.standard_normal((5, 3))
    trial = Trial(layer, (x,), [np.ones((5, 4))], "complex")
    places = {str(place): place for place in places_of(trial)}
    assert {name: place.calls for name, place in places.items()} == {
        "path from parts into its argument x": 2,
        "path from parts into its argument shift": 1,
        "path into the output of parts": 2,
        "path into the output 2 of parts": 2,
        "path into the a of parts": 2,
        "path into the sine of parts": 2,
        "path from twice_inplace into its argument a": 1,
    }
    u = x @ layer.W  # y = 2 (u + (3 u)^2 + sin 3 u)
    straight, squared, sine = 2 * np.ones(u.shape), 36 * u, 6 * np.cos(3 * u)

    def named(given, right=straight + squared + sine):
        return mutant_of(trial, {"W": (x.T @ given, x.T @ right), "x": (given @ layer.W.T, right @ layer.W.T)})

    assert named(straight + sine) == "no path into the output 2 of parts"
    assert named(straight + squared - sine) == "a wrong sign of the path into the sine of parts"
    assert named(sine) == "no path into the output of parts"
    assert named((straight + squared + sine) / 2) == ""  # only a copy would be doubled in place: another value


def test_scaled_keeps_the_values_and_a_method_that_nothing_calls_is_refused(rng):
    x = np.array([1 + 2j, 3 - 1j])
    np.testing.assert_array_equal(scaled(x, -2.0), [1 - 4j, 3 + 2j])
    with pytest.raises(ValueError, match="GRU has no method read, look"):
        with_methods(GRU.init(rng, 2, 3), read=None, look=None, forward=None)
