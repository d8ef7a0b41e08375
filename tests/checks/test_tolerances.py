"""How much each check forgives: what is off by more than its tolerance is convicted, what is off by less is not."""

import math

import numpy as np
import pytest

from minis2s import checks
from minis2s.checks import Invariance, gradcheck, make_case
from minis2s.checks.derivatives import relative_error
from minis2s.checks.invariances import outputs
from minis2s.checks.invariances.result import DifferenceMap, relative_differences
from minis2s.cli import main
from minis2s.data.batches import make_batch
from minis2s.layers import map_arrays, record, walk
from minis2s.models import Seq2Seq

DEFAULT = {"complex": 1e-12, "central": 1e-7}


@record
class Sum:
    """y = x + share z, linear, so that both ways to measure are exact; backward errs as it is told."""

    share: float
    dx_off: float = 0.0  # relative
    dz_off: float = 0.0

    def forward(self, x, z):
        return x + self.share * z, None

    def backward(self, dy, cache):
        return self, dy * (1 + self.dx_off), self.share * dy * (1 + self.dz_off)


def verdicts(layer, **how):
    """What the check says of dx and of dz."""
    report = gradcheck(layer, *np.random.default_rng(5).standard_normal((2, 3, 4)), **how)
    assert report.ok == all(row.ok is not False for row in report.rows)
    return [row.ok for row in report.rows]


@pytest.mark.parametrize("method", DEFAULT)
def test_a_gradient_may_be_off_by_the_tolerance_and_no_more(method):
    tolerance = DEFAULT[method]
    for off, ok in ((0.0, True), (0.7 * tolerance, True), (1.5 * tolerance, False), (3 * tolerance, False)):
        assert verdicts(Sum(1.0, dx_off=off), method=method) == [ok, True], off
    assert gradcheck(Sum(1.0), *np.ones((2, 2, 2)), method=method).tolerance == tolerance
    assert verdicts(Sum(1.0, dx_off=1e-3), method=method, tolerance=1e-2) == [True, True]
    assert verdicts(Sum(1.0, dx_off=tolerance / 10), method=method, tolerance=tolerance / 20) == [False, True]


@pytest.mark.parametrize(("method", "share"), [("complex", 1e-10), ("complex", 1e-13), ("central", 1e-7)])
def test_small_gradients_are_checked_beside_large_ones(method, share):
    assert verdicts(Sum(share, dz_off=1.0), method=method) == [True, False]  # twice too large
    assert verdicts(Sum(share, dz_off=-1.0), method=method) == [True, False]  # missing
    assert verdicts(Sum(share), method=method) in ([True, True], [True, None])  # too small for a difference to tell


@pytest.mark.parametrize(("method", "share", "off"), [("complex", 1e-3, 1e-7), ("central", 1e-2, 1e-3)])
def test_an_error_is_held_against_its_own_array_and_not_against_the_largest(method, share, off):
    assert verdicts(Sum(share, dz_off=off), method=method) == [True, False]


@record
class Cube:
    """y = x^3, bent enough for one-sided differences to be off."""

    times: float

    def forward(self, x):
        return x * x * x, x

    def backward(self, dy, x):
        return self, self.times * dy * x * x


@pytest.mark.parametrize(("times", "ok"), [(3.0, True), (2.0, False), (3.0 + 1e-9, False)])
def test_a_wrong_gradient_of_a_bent_function_is_judged_by_the_complex_step(times, ok):
    report = gradcheck(Cube(times), np.random.default_rng(0).standard_normal((3, 4)))
    assert (report.ok, report.method, report.tolerance, report.notes) == (ok, "complex", 1e-12, ())


def test_a_gradient_that_is_not_finite_is_wrong():
    for off in (math.nan, math.inf):
        assert verdicts(Sum(1.0, dx_off=off)) == [False, True]
        report = gradcheck(Sum(1.0, dx_off=off), *np.ones((2, 2, 2)))
        assert report.max_relative_error == math.inf and report.to_dict()["max_relative_error"] is None


# What must not change: the loss, the probabilities and the gradient of a model, made to err by a part of themselves


def erring(monkeypatch, share, of="value"):
    """Make the model's loss, or its probabilities, err by ``share(batch)``, a relative error."""
    right = Seq2Seq.loss

    def loss(self, batch, rng=None):
        value, cache = right(self, batch, rng)
        if of == "value":
            return value * (1 + share(batch)), cache
        cache.loss.e[:, 4] *= 1 + share(batch)
        return value, cache

    monkeypatch.setattr(Seq2Seq, "loss", loss)


def real(side):
    """Return a number that hangs on a side's tokens, but not on their order or on the padding."""
    return side.ids[side.mask].sum()


FAULTS = {  # check: what errs, and on what of the batch the error hangs
    "padding_invariance": ("value", lambda batch: batch.source.ids.size / 20),
    "batch_independence": ("value", lambda batch: len(batch.pairs)),
    "batch_order": ("value", lambda batch: batch.source.mask[0].sum()),
    "causality": ("probabilities", lambda batch: real(batch.target)),
    "forced_equals_free": ("value", lambda batch: 1.0),
    "parity": ("value", lambda batch: 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_property_may_be_off_by_the_tolerance_and_no_more(name, monkeypatch):
    of, share = FAULTS[name]
    check, (model, (batch, _)) = getattr(checks, name), make_case("seq2seq_attention")
    for size, ok in ((0.0, True), (1e-14, True), (1e-11, False)):
        with monkeypatch.context() as patch:
            erring(patch, lambda batch, size=size: size * share(batch), of)
            found = check(model, batch)
            assert found.ok is ok, found
            assert check(model, batch, tolerance=found.difference).ok is True
            assert size == 0 or check(model, batch, tolerance=0.9 * found.difference).ok is False
            (again,) = (one for one in checks.invariances(model, batch) if one.name == name)
            assert again[:3] == found[:3]


ORDERS = {  # targets in which a wrong order shows
    "of unequal lengths": lambda lengths: len(set(lengths)) > 1,
    "all of the longest length": lambda lengths: set(lengths) == {6},
}


@pytest.mark.parametrize("which", ORDERS)
def test_the_order_is_changed_among_targets_of_unequal_lengths_and_of_one(which, monkeypatch):
    model, (batch, _) = make_case("seq2seq_plain")

    def share(one):
        seen = one.pairs[0] + 10 * one.source.mask[0].sum()  # the number and the source of the longest target
        return 1e-3 * seen * ORDERS[which](one.target.mask.sum(1).tolist())

    erring(monkeypatch, share)
    assert checks.batch_order(model, batch).ok is False
    assert checks.batch_order(model, make_batch([[4, 5, 4], [7]], [[5, 5, 8, 4, 5], []])).ok is False  # two will do


CHANGED = {  # method: what it changes that is not its own, and what is said
    "loss": (lambda self, batch, *_: self.output.b.__iadd__(1), "changed: weights.output.b"),
    "backward": (lambda self, cache, *_: cache.loss.e.__imul__(2), "changed: cache.loss.e"),
    "encode": (lambda self, source, *_: source.ids.__setitem__(~source.mask, 4), "changed: batch.source.ids"),
    "decode_step": (lambda self, *_: self.output.W.__iadd__(1), "changed: weights.output.W"),
}


@pytest.mark.parametrize("method", CHANGED)
def test_nothing_may_change_what_is_not_its_own(method, monkeypatch):
    model, (batch, _) = make_case("seq2seq_plain")
    right, (change, said) = getattr(Seq2Seq, method), CHANGED[method]

    def changing(self, *arguments):
        change(self, *arguments)
        return right(self, *arguments)

    assert checks.inputs_untouched(model, batch).ok is True
    monkeypatch.setattr(Seq2Seq, method, changing)
    found = checks.inputs_untouched(model, batch)
    assert found.ok is False and found.where.startswith(said)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3])
def test_differences_are_relative_to_the_larger_of_the_two_whatever_their_size(size):
    one, other = size * np.array([-1.0, 3.0]), size * np.array([-1.0, -4.0])
    for found, expected in ((one, other), (other, one), (-one, -other), (-other, -one)):
        np.testing.assert_allclose(relative_differences(found, expected), [0, 7 / 4])
        assert relative_error(found, expected) == pytest.approx(7 / 4)
    assert relative_differences(one, np.array([np.inf, 3 * size])).tolist() == [np.inf, 0]
    assert relative_error(one, one) == 0 and relative_error(one, 0 * one) == relative_error(0 * one, one) == 1


PADDED = {  # what of more padding a model may wrongly look at
    "width of the source": lambda batch: batch.source.ids.shape[1],
    "width of the target": lambda batch: batch.target.ids.shape[1],
    "tokens in the source's padding": lambda batch: batch.source.ids[~batch.source.mask].any(),
    "tokens in the target's padding": lambda batch: batch.target.ids[~batch.target.mask].any(),
}


@pytest.mark.parametrize("what", PADDED)
def test_more_padding_is_of_both_sides_and_holds_tokens(what, monkeypatch):
    model, (batch, _) = make_case("seq2seq_plain")
    erring(monkeypatch, lambda batch: 1e-3 * PADDED[what](batch))
    assert checks.padding_invariance(model, batch).ok is False


@pytest.mark.parametrize("sentence", range(4))
def test_every_sentence_is_held_against_its_own_translation(sentence, monkeypatch):
    model, (batch, _) = make_case("seq2seq_attention")
    widths = batch.source.mask.sum(1)[np.argsort(batch.pairs)]  # no two alike
    erring(monkeypatch, lambda one: 0.1 * (one.source.ids.shape[1] == widths[sentence]))
    found = checks.forced_equals_free(model, batch)
    assert found.ok is False and found.where.endswith(f"at sentence {sentence + 1}, sum of all steps")


@pytest.mark.parametrize("row", range(4))
def test_the_translation_that_differs_is_named_by_its_sentence(row, monkeypatch):
    model, (batch, _) = make_case("seq2seq_plain")
    right = outputs.greedy

    def greedy(model, source, *rest):
        found = right(model, source, *rest)
        if len(found) > 1:  # in company
            found[row] = found[row]._replace(log_probability=1.001 * found[row].log_probability)
        return found

    monkeypatch.setattr(outputs, "greedy", greedy)
    found = checks.batch_independence(model, batch)
    assert found.ok is False and found.where.endswith(f" at sentence {batch.pairs[row] + 1}, translation")
    assert np.count_nonzero(found.map.values > 1e-12) == 1


def test_backward_twice_is_to_the_last_bit(monkeypatch):
    model, (batch, _) = make_case("seq2seq_plain")
    calls, right = [], Seq2Seq.backward

    def backward(self, cache):
        gradient = map_arrays(np.copy, right(self, cache))
        if calls:
            b = dict(walk(gradient))["output.b"]
            b[0] = np.nextafter(b[0], np.inf)
        calls.append(gradient)
        return gradient

    assert checks.backward_twice(model, batch).ok is True
    monkeypatch.setattr(Seq2Seq, "backward", backward)
    found = checks.backward_twice(model, batch)
    assert len(calls) == 2 and found.ok is False and found.difference == math.inf
    assert found.where.endswith("at output.b, second call")


def test_the_place_is_said_of_what_is_wrong_only():
    line = {ok: str(Invariance("batch_independence", 0.5, ok, "It stays.", "somewhere")) for ok in (True, False)}
    assert line[True].endswith("ok     It stays.") and line[False].endswith("WRONG  It stays. Somewhere.")
    assert str(Invariance("batch_independence", 0.5, False, "It stays.")).endswith("WRONG  It stays.")


@pytest.mark.slow
@pytest.mark.parametrize(("ok", "status"), [(True, 0), (None, 0), (False, 1)])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_exit_status_is_of_what_must_not_change_too(ok, status, form, monkeypatch, capsys):
    result = Invariance(
        "batch_independence", 0.5, ok, "It stays.", "somewhere", DifferenceMap(np.ones((1, 1)), ("a",), ("b",))
    )
    monkeypatch.setattr(checks, "invariances", lambda model, batch: [result])
    assert main(["gradcheck", "seq2seq_plain", *form]) == status
    assert ("WRONG" in capsys.readouterr().out) == (not form and ok is False)
