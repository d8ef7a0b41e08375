"""What a student reads: one line a cause, the array that is wrong first, and causes that one change of a line makes."""

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case
from minis2s.checks.diagnosis.finding import Context
from minis2s.checks.diagnosis.from_numbers import findings
from minis2s.checks.diagnosis.mutants import with_methods
from minis2s.checks.report import ArrayCheck, GradientReport, names_of
from minis2s.cli import main
from minis2s.layers import GRU, AdditiveAttention, CrossEntropy, Embedding, map_arrays
from minis2s.layers.attention import Attention
from minis2s.models import BahdanauDecoder, Seq2Seq


def said_of(report, array):
    return " | ".join(sentence for (_, key), said in report.diagnoses.items() if key == array for sentence in said)


def check(name, **options):
    layer, inputs = make_case(name)
    return gradcheck(layer, *inputs, name=name, **options)


def lines_behind_the_table(report):
    lines = str(report).splitlines()
    return lines[next(i for i, line in enumerate(lines) if re.match(r"\d+ arrays? by ", line)) + 1 :]


@pytest.mark.slow
def test_what_is_said_of_several_arrays_alike_is_said_once(monkeypatch):
    right = CrossEntropy.backward
    monkeypatch.setattr(CrossEntropy, "backward", lambda self, dloss, cache: right(self, 2 * dloss, cache))
    report = check("seq2seq_attention")
    (line,) = lines_behind_the_table(report)
    cell = "encoder.layers.0.cells.0"
    start = f"encoder.embedding.E, {cell}.W_x, {cell}.W_h and 12 more: consistent with a factor of 2"
    assert line.startswith(f"seq2seq_attention, {start}") and line.endswith("(in encoder.embedding.E)")
    rows = report.to_dict()["arrays"]
    assert all(row["diagnosis"][0].startswith(f"{row['array']}: consistent with a factor of 2") for row in rows)


def test_what_differs_is_said_apart_and_no_numbers_get_lost():
    rows = [ArrayCheck("l", name, (1,), 1.0, False) for name in "abc"]
    same = "consistent with a sign; found {} at [0], expected 2"
    said = {"a": same.format(1), "b": "consistent with a gate; found 1 at [0], expected 2", "c": same.format(3)}
    report = GradientReport("complex", 1e-12, tuple(rows), {("l", key): (f"{key}: {s}",) for key, s in said.items()})
    assert lines_behind_the_table(report) == [
        "l, a, c: consistent with a sign; found 1 at [0], expected 2 (in a)",
        "l, b: consistent with a gate; found 1 at [0], expected 2",
    ]
    assert "1 array by complex step" in str(GradientReport("complex", 1e-12, tuple(rows[:1])))


def test_a_dozen_names_are_written_out():
    names = [f"W{i}" for i in range(13)]
    assert names_of(names[:12]) == ", ".join(names[:12]) and names_of(names) == "W0, W1, W2 and 10 more"


def test_not_a_number_is_one_line(monkeypatch):
    right = GRU.local_gradients
    monkeypatch.setattr(GRU, "local_gradients", lambda self, gates, h: np.nan * right(self, gates, h))
    (line,) = lines_behind_the_table(check("gru"))
    assert "W_x, W_h, b_x, b_h, x, s0: backward's gradient is not finite: consistent with" in line


def test_another_term_of_the_states_gradient_is_named_and_the_others_point_to_it(monkeypatch):
    right = GRU.step_backward_inplace

    def backward(self, d, activations, dh_new, W_hT):
        _, z, _, _ = activations
        return right(self, d, activations, dh_new, W_hT) + dh_new * (1 - 2 * z)

    monkeypatch.setattr(GRU, "step_backward_inplace", backward)
    report = check("gru")
    assert "consistent with the term d' (1 - z) in place of d' (z), in one step alone" in said_of(report, "s0")
    words = "an error in another array's part of the step (s0), carried back"
    assert all(words in said_of(report, key) for key in ("W_x", "W_h", "b_x", "b_h"))


def test_a_forgotten_square_is_named(monkeypatch):
    right = GRU.local_gradients

    def local_gradients(self, gates, h):
        d = right(self, gates, h)
        _, _, n, _ = gates
        _, _, da_n, _ = d
        da_n /= 1 + n  # (1 - n) / (1 - n^2)
        return d

    monkeypatch.setattr(GRU, "local_gradients", local_gradients)
    assert "in gate n consistent with 1 - n in place of 1 - n^2" in said_of(check("gru"), "W_x")


@pytest.mark.slow
@pytest.mark.parametrize("case, where", [("attention", ""), ("seq2seq_attention", " in decoder.attention")])
def test_a_forgotten_square_in_a_score_is_named(case, where, monkeypatch):
    monkeypatch.setattr(AdditiveAttention, "activation_gradient", lambda self, hidden: 1 - hidden)
    report = check(case)
    assert report.diagnoses
    assert all(f"1 - y in place of 1 - y^2 in the score{where}; " in said[0] for said in report.diagnoses.values())


@pytest.mark.parametrize("array", ["W_h", "b_h"])
def test_a_slice_of_gates_that_starts_too_early_is_named(array, monkeypatch):
    right = GRU.gradient

    def gradient(self, x, h, gates, d):
        good, wrong = right(self, x, h, gates, d), {"W_h": h.T @ d[[2, 0, 1]], "b_h": d[[2, 0, 1]].sum(1)[:, None]}
        return GRU(**vars(good) | {array: wrong[array]})

    monkeypatch.setattr(GRU, "gradient", gradient)
    report = check("gru")
    assert len(report.diagnoses) == 1
    assert "starts one gate early or late: z holds what belongs to r, n holds what belongs to z" in said_of(
        report, array
    )


def test_one_gate_in_place_of_another_is_no_moved_slice():
    expected = np.random.default_rng(0).standard_normal((3, 4, 5))
    context = Context(gates=("z", "r", "n"))
    assert [hit.cause for hit in findings(np.roll(expected, 1, 0) * [[[2]], [[1]], [[1]]], expected, context)] == [
        "gates moved"
    ]
    (finding,) = findings(expected[[0, 0, 2]], expected, context)
    assert finding.cause.startswith("gate: ") and "only gate r wrong, z and n right" in finding.sentence


def test_two_inputs_side_by_side_in_the_wrong_order_are_named(monkeypatch):
    right = GRU.gradient

    def gradient(self, x, h, gates, d):
        return right(self, np.concatenate([x[:, 3:], x[:, :3]], axis=-1) if x.shape[1] == 7 else x, h, gates, d)

    monkeypatch.setattr(GRU, "gradient", gradient)
    said = said_of(check("attention_decoder"), "cell.W_x")
    assert "rows in another order along axis 1, each right for another row: row 0 is that of row 3" in said


@pytest.mark.parametrize("power, words", [(-1, "v missing"), (1, "v once too often")])
def test_a_vector_that_is_missing_or_once_too_often_is_named(power, words, monkeypatch):
    right = AdditiveAttention.score_backward

    def backward(self, dscore, keys, cache):
        dq, dkeys, dvectors, dcoverage = right(self, dscore, keys, cache)
        return dq * self.v**power, dkeys, dvectors, dcoverage

    monkeypatch.setattr(AdditiveAttention, "score_backward", backward)
    report = check("attention")
    assert f"consistent with {words}: each column is wrong by its own factor" in said_of(report, "W_q")
    assert "a trace of what is wrong at W_q" in said_of(report, "query")


@pytest.mark.slow
@pytest.mark.parametrize("case, V", [("cross_entropy", 11), ("seq2seq_attention", 10)])
def test_a_mean_over_the_vocabulary_is_named(case, V, monkeypatch):
    right = CrossEntropy.backward
    monkeypatch.setattr(
        CrossEntropy, "backward", lambda self, dloss, cache: right(self, dloss / cache.e.shape[-1], cache)
    )
    report = check(case)
    assert all(f"a factor of 1/{V}, as of a width" in said[0] for said in report.diagnoses.values())
    assert len(report.diagnoses) in (1, 15) and not report.warnings


def test_a_lost_last_row_is_not_called_a_lost_repetition(monkeypatch):
    right = Embedding.backward

    def backward(self, dx, cache):
        return right(self, dx * (np.arange(len(dx)) < len(dx) - 1)[:, None], cache)

    monkeypatch.setattr(Embedding, "backward", backward)
    (said,) = check("embedding").diagnoses.values()
    assert said[0].startswith("E: consistent with all rows but the last") and len(said) == 1
    told = said_of(check("seq2seq_attention"), "embedding.E")
    assert "lost or overwritten, as by dE[ids] += dx one step at a time" in told
    assert "only rows of repeated tokens are wrong (5), but not all of them (2, 4, 8 right)" in told


def test_one_wrong_row_says_nothing_about_all_rows():
    expected = np.random.default_rng(0).standard_normal((6, 3))
    places = {"the second half: a loop": np.arange(6) >= 3}
    for rows, cause in ((1, "unexplained"), (2, "place: the second half")):
        found = expected + (np.arange(6) >= 6 - rows)[:, None]
        found[-1, 0] += 1
        (finding,) = findings(found, expected, Context(places=places))
        assert finding.cause == cause


@pytest.mark.slow
def test_a_decoder_that_is_wrong_where_it_joins_its_layers_is_found_wrong_alone(monkeypatch):
    right = BahdanauDecoder.backward

    def backward(self, dhs, cache):
        gradient, dy, ds0, dmemory = right(self, dhs, cache)
        return gradient, dy, ds0, dmemory * np.sqrt(np.abs(dmemory))

    monkeypatch.setattr(BahdanauDecoder, "backward", backward)
    report = check("seq2seq_attention")
    assert len(report.diagnoses) == 5
    assert "a trace of what is wrong in decoder alone (memory: " in said_of(report, "encoder.embedding.E")
    assert "a trace of what is wrong in decoder; found" in said_of(report, "encoder.layers.0.cells.0.W_h")


@pytest.mark.slow
def test_where_a_model_joins_its_parts_a_named_cause_is_pointed_to(monkeypatch):
    right, rng = Seq2Seq.backward, np.random.default_rng(0)

    def backward(self, cache):
        cut = with_methods(self.encoder, backward=lambda inner, d, *rest: inner((d[0], 0 * d[1]), *rest))
        gradient = right(replace(self, encoder=cut), cache)
        gradient.encoder.embedding.E[:] *= rng.random(gradient.encoder.embedding.E.shape)
        return gradient

    monkeypatch.setattr(Seq2Seq, "backward", backward)
    report = check("seq2seq_attention")
    assert "no path from the decoder's first state" in said_of(report, "encoder.layers.0.cells.0.W_x")
    assert "a trace of what is wrong at encoder.layers.0.cells.0.W_x, mend that first" in said_of(
        report, "encoder.embedding.E"
    )


def test_options_that_a_class_would_not_heed_are_refused():
    for option in ({"step": 1e-3}, {"tolerance": 1.0}, {"cotangent": 1.0}, {"rng": np.random.default_rng(0)}):
        with pytest.raises(ValueError, match="checked as it comes, by ``method`` alone"):
            gradcheck(GRU, like="gru", **option)


def test_the_errors_of_a_central_difference_are_not_rounded_away():
    errors = [row.max_relative_error for row in check("gru", method="central").rows]
    assert 1e-12 < min(errors) < max(errors) < 1e-7


def test_the_v_curve_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "v.png"
    assert main(["gradcheck", "linear", "--v-curve", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert path.read_bytes().startswith(b"\x89PNG") and len(lines) == 16
    assert lines[0].split() == ["step", "central", "difference", "complex", "step"]
    assert lines[1].split()[0] == "1e-01" and float(lines[15].split()[1]) > 1e-3 > 1e-14 > float(lines[15].split()[2])
    for wrong in (["--v-curve", "v.png"], ["gru", "--v-curve", "v.png", "--json"], ["x.py:X", "--v-curve", "v.png"]):
        assert main(["gradcheck", *wrong]) == 2
        assert "--v-curve draws one layer of ours, and nothing else" in capsys.readouterr().err
    assert main(["gradcheck", "nothing", "--v-curve", "v.png"]) == 2
    assert "there is no layer 'nothing'" in capsys.readouterr().err


def test_an_error_in_a_layer_says_its_line(monkeypatch, capsys):
    right = AdditiveAttention.gradient

    def gradient(self, *arguments):
        made, dmemory = right(self, *arguments)
        return made, dmemory[:, :2]

    monkeypatch.setattr(AdditiveAttention, "gradient", gradient)
    assert main(["gradcheck", "attention"]) == 2
    said = capsys.readouterr().err
    assert re.search(r"error: attention: layers/attention\.py, line \d+: operands could not be broadcast", said), said
    monkeypatch.undo()
    monkeypatch.setattr(Attention, "backward", lambda self, dy, cache: (map_arrays(np.copy, self),))
    assert main(["gradcheck", "attention"]) == 2
    assert "error: attention: backward gave gradients for" in capsys.readouterr().err


def test_a_refusal_that_says_what_to_do_does_not_ask_to_mend_it(tmp_path, capsys):
    text = (
        "import numpy as np\nfrom minis2s.layers import Linear, cast\n\nclass Mine(Linear):\n    @staticmethod\n"
        "    def case(rng):\n        return cast(Linear.init(rng, 3, 4), np.float32), (rng.random((5, 3)),)\n"
    )
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    assert main(["gradcheck", f"{tmp_path / 'mine.py'}:Mine"]) == 2
    assert capsys.readouterr().err.endswith("check in float64, with cast(layer, np.float64)\n")


@pytest.mark.parametrize("room", ["", ".diagnosis", ".invariances", ".user_layers"])
def test_the_room_names_all_its_modules(room):
    room = import_module(f"minis2s.checks{room}")
    folder = Path(room.__file__).parent
    modules = {path.stem for path in folder.glob("[a-z]*.py")}
    named = set(re.findall(r"``(\w+)``|^(\w+)  ", room.__doc__, re.MULTILINE))
    assert modules <= {one or other for one, other in named}
