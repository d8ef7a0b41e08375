"""A wrong gradient is answered in words: for each usual bug, planted in a twin, the sentence that names it."""

from dataclasses import fields, replace

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case, merge
from minis2s.checks.diagnosis.from_numbers import Context, findings
from minis2s.layers import LSTM, map_arrays
from minis2s.layers.packing import sentence_of


def twin(name, change):
    """The report on a case whose backward is changed: ``change(gradient, *dinputs)`` gives the wrong ones."""
    layer, inputs = make_case(name)

    class Twin(type(layer)):
        def backward(self, *arguments):
            return change(*super().backward(*arguments))

    return gradcheck(as_class(Twin, layer), *inputs, name=name)


def as_class(kind, layer):
    """The same record, its class another."""
    return kind(*[getattr(layer, field.name) for field in fields(layer)])


def set_slice(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def at_rows(array, rows, factor):
    return array * np.where(rows, factor, 1.0).reshape(-1, *[1] * (array.ndim - 1))


ALIVE = [4, 4, 3, 1, 1]
STEPS, SENTENCES = np.repeat(np.arange(5), ALIVE), sentence_of(ALIVE)
LENGTHS = np.array([5, 3, 3, 2])
MASK = np.arange(5) < np.array([3, 5, 1, 4])[:, None]

PLANTED = {  # the bug: (case, change, the array found wrong, words of its diagnosis)
    "a path is missing": ("gru", lambda g, dx, ds: (g, 0 * dx, ds), "x", "a path that is missing in backward"),
    "wrong sign": ("linear", lambda g, dx: (replace(g, W=-g.W), dx), "W", "factor of -1 (a wrong sign)"),
    "counted twice": ("linear", lambda g, dx: (g, 2 * dx), "x", "factor of 2 (counted twice)"),
    "divided by T": ("gru", lambda g, dx, ds: (replace(g, W_x=g.W_x / 5), dx, ds), "W_x", "1/T with T = 5"),
    "divided by B": ("gru", lambda g, dx, ds: (replace(g, b_h=g.b_h / 4), dx, ds), "b_h", "1/B with B = 4"),
    "places for tokens": (
        "cross_entropy",
        lambda g, dlogits: (g, dlogits * 13 / 20),
        "logits",
        "N/(B S) with N = 13 real tokens against B S = 20 places",
    ),
    "scaled twice": ("attention_scaled_dot", lambda g, dq, dm: (g, dq / 2, dm), "query", "1/sqrt(4), as of a width"),
    "dropout not scaled": ("dropout", lambda g, dx: (g, dx * 0.6), "x", "1 - rate with rate = 0.4"),
    "some other factor": ("linear", lambda g, dx: (g, 0.77 * dx), "x", "one constant factor, 0.77"),
    "transposed": (
        "gru",
        lambda g, dx, ds: (replace(g, W_h=g.W_h.swapaxes(1, 2)), dx, ds),
        "W_h",
        "transposed matrix: its transpose is right",
    ),
    "clipped by value": (
        "linear",
        lambda g, dx: (replace(g, W=np.clip(g.W, -0.5, 0.5)), dx),
        "W",
        "clipping by value before the check: no entry is above 0.5",
    ),
    "z and r swapped": (
        "gru",
        lambda g, dx, ds: (replace(g, W_h=g.W_h[[1, 0, 2]]), dx, ds),
        "W_h",
        "the gates z and r swapped",
    ),
    "gates in another order": (
        "lstm",
        lambda g, dx, ds: (replace(g, b=g.b[[1, 2, 3, 0]]), dx, ds),
        "b",
        f"the gates {' and '.join(LSTM.activation_names[:4])} in another order",
    ),
    "sign of one gate": (
        "lstm",
        lambda g, dx, ds: (replace(g, W_x=set_slice(g.W_x, 1, -g.W_x[1])), dx, ds),
        "W_x",
        f"only gate {LSTM.activation_names[1]} wrong, {' and '.join(np.delete(LSTM.activation_names[:4], 1))} right; "
        f"in {LSTM.activation_names[1]} consistent with a factor of -1",
    ),
    "one gate forgotten": (
        "gru",
        lambda g, dx, ds: (replace(g, W_x=set_slice(g.W_x, 0, 0)), dx, ds),
        "W_x",
        "only gate n wrong, z and r right; in n consistent with a path that is missing",
    ),
    "padding gets a gradient": (
        "cross_entropy",
        lambda g, dlogits: (g, dlogits + 0.1 * ~MASK[..., None]),
        "logits",
        "wrong only at padded positions: consistent with a mask that is missing in backward",
    ),
    "first step": (
        "gru",
        lambda g, dx, ds: (g, at_rows(dx, STEPS == 0, 0), ds),
        "x",
        "the first step, t = 0, and it is",
    ),
    "last step": (
        "gru",
        lambda g, dx, ds: (g, at_rows(dx, STEPS == LENGTHS[SENTENCES] - 1, 0), ds),
        "x",
        "wrong only at the last step of each sentence",
    ),
    "end of the loop": (
        "gru",
        lambda g, dx, ds: (g, at_rows(dx, STEPS == 4, 3), ds),
        "x",
        "the last step of the longest, t = 4",
    ),
    "short sentences": (
        "gru",
        lambda g, dx, ds: (g, dx, at_rows(ds, LENGTHS < 5, 2)),
        "s0",
        "wrong only at sentences shorter than the longest",
    ),
    "short sentences, by token": (
        "gru",
        lambda g, dx, ds: (g, at_rows(dx, LENGTHS[SENTENCES] < 5, 2), ds),
        "x",
        "wrong only at sentences shorter than the longest",
    ),
    "short sentences, padded": (
        "attention",
        lambda g, dq, dm: (g, dq, at_rows(dm, MASK.sum(1) < 5, 2)),
        "memory",
        "wrong only at sentences shorter than the longest",
    ),
    "one sentence of the batch": (
        "bridge",
        lambda g, dx: (g, at_rows(dx, np.arange(4) > 0, 0)),
        "last",
        "wrong only at every sentence but sentence 0, and it is 0 there",
    ),
    "not a number": ("linear", lambda g, dx: (g, dx / 0.0), "x", "not finite"),
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", PLANTED)
def test_the_planted_bug_is_named(bug):
    case, change, array, words = PLANTED[bug]
    with np.errstate(all="ignore"):
        report = twin(case, change)
    assert [row.array for row in report.rows if not row.ok] == [array]
    (sentences,) = report.diagnoses.values()
    assert words in sentences[0] and sentences[0].startswith(f"{array}: "), sentences
    assert "consistent with" in sentences[0]


def report_on(name):
    layer, inputs = make_case(name)
    return gradcheck(layer, *inputs, name=name)


def test_what_fits_nothing_is_described():
    rng = np.random.default_rng(0)
    expected = rng.standard_normal((3, 4, 5))
    found = expected + 0.5 * rng.standard_normal(expected.shape)
    ((_, said),) = findings(found, expected, Context(gates=("n", "z", "r")))
    assert "60 of 60 entries wrong" in said and "times as long as expected, cosine 0.859" in said
    worst = np.unravel_index(np.abs(found - expected).argmax(), expected.shape)
    assert (
        f"found {found[worst]:.4g} at [{'nzr'[worst[0]]}, {worst[1]}, {worst[2]}], expected {expected[worst]:.4g}"
        in said
    )


def test_a_gradient_where_forward_has_no_path():
    (finding,) = findings(np.ones(3), np.zeros(3))
    assert finding.cause == "unused" and "a path in backward that forward does not have" in finding.sentence
    assert "found 1 at [0], expected 0" in finding.sentence


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0])
def test_noise_is_not_taken_for_a_bug_with_a_name(seed):
    rng = np.random.default_rng(seed)
    for name in ("gru", "attention", "linear", "embedding", "attention_decoder"):
        report = twin(name, lambda g, *d: (map_arrays(lambda a: a + rng.standard_normal(a.shape), g), *d))
        assert report.diagnoses and all("none of the usual causes" in said[0] for said in report.diagnoses.values())


def test_the_diagnosis_is_printed_and_in_the_json():
    report = merge([report_on("bridge"), twin("linear", lambda g, dx: (replace(g, W=-g.W), dx))])
    sentence = report.diagnoses["linear", "W"][0]
    assert str(report).splitlines()[-1] == f"linear, {sentence}"
    rows = {(row["layer"], row["array"]): row for row in report.to_dict()["arrays"]}
    assert rows["linear", "W"]["diagnosis"] == [sentence]
    assert [key for key, row in rows.items() if "diagnosis" in row] == [("linear", "W")]
