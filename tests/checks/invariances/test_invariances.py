"""Each invariance passes on every kind of model, convicts a planted bug, and says where it sits."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from minis2s import checks, plots
from minis2s.checks import CASES, DifferenceMap, Invariance, causality, make_case
from minis2s.checks import invariances as every_check
from minis2s.checks.invariances import CHECKS, reference_loops
from minis2s.checks.invariances.result import relative_differences
from minis2s.cli import main
from minis2s.data.batches import Examples, make_batch
from minis2s.layers import GRU, map_arrays
from minis2s.models import BahdanauDecoder, Config, Seq2Seq
from minis2s.museum import BUGS, Bug, planted
from minis2s.museum.checks import constant_model, small, subject_of, talkative_model
from tests.conftest import SIZES, SOURCES, TARGETS, randomized

MODELS = [name for name in CASES if name.startswith("seq2seq")]
NAMES = [check.__name__ for check in CHECKS]
OK, WRONG = 1e-12, 1e-6

CONVICTED = {  # which bugs of the museum, and where
    "padding_invariance": {
        "no_attention_mask": "largest: 0.2 at sentence 1, step 5",
        "mask_missing_in_backward": "at encoder.layers.0.cells.0.W_x, sentence 2",
    },
    "batch_independence": {
        "softmax_over_batch": "at sentence 4, step 2",
        "embedding_no_scatter": "at encoder.embedding.E, sentence 1",
        "last_state_of_short_sentences": "at encoder.layers.0.cells.0.W_x, sentence 1",
    },
    "batch_order": {
        "bias_row_0": "at decoder.cell.b_x, sentence 1",
        "embedding_no_scatter": "at embedding.E, sentence 1",
    },
    "backward_twice": {"gradients_not_zeroed": "second call", "cache_overwritten": "second call"},
    "inputs_untouched": {"cache_overwritten": "changed: cache.loss.e"},
    "causality": {"target_not_shifted": "at token 2 changed, step 2"},
    "forced_equals_free": {
        "target_not_shifted": "at sentence 3, step 7",
        "decoding_forgets_state": "at sentence 4, step 8",
        "coverage_starts_anew": "at sentence 1, step 8",
        "feeding_forgotten": "at sentence 2, step 3",
        "starts_with_end_sign": "at sentence 1, sum of all steps",  # every step is right, and the search took another
    },
    "parity": {
        "gate_order_swapped": "at sentence 1, step 5",
        "lstm_gate_order_swapped": "at sentence 2, step 1",
        "last_of_backward_cell": "at sentence 2, step 1",
        "no_loss_mask": "the loss does not count the 14 target tokens of the batch, each once",
    },
}
INNOCENT = {  # what these bugs leave as it was
    "batch_order": ("softmax_over_batch", "no_attention_mask", "gate_order_swapped", "target_not_shifted"),
    "causality": ("no_attention_mask", "softmax_over_batch", "decoding_forgets_state", "gate_order_swapped"),
    "parity": ("bias_row_0", "gradients_not_zeroed", "decoding_forgets_state", "embedding_no_scatter"),
}


def result_of(name, bug, model=None):
    """What a check says while a bug of the museum, or none, is planted."""
    with planted(bug), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(checks, name)(model or talkative_model(subject_of(bug).config))


def cells_over(result, limit):
    """The labels of the cells of a map that are over a limit."""
    values, rows, columns = result.map
    return {(rows[i], columns[j]) for i, j in np.argwhere(np.nan_to_num(values) > limit)}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_library_has_every_property_and_each_check_applies(name):
    model, (batch, _) = make_case(name)
    results = every_check(model, batch)
    assert [result.name for result in results] == NAMES
    assert all(result.ok is True and result.difference <= OK for result in results), "\n".join(map(str, results))
    for result in results:
        assert result[:5] == getattr(checks, result.name)(model, batch)[:5]  # each can be called on its own
        assert "WRONG" not in str(result) and str(result).startswith(result.name)
        if result.map is not None:
            values, rows, columns = result.map
            assert values.shape == (len(rows), len(columns)) and np.nanmax(values) <= OK


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bug"), [(name, bug) for name in CONVICTED for bug in CONVICTED[name]])
def test_a_bug_of_the_museum_is_convicted_and_its_place_named(name, bug):
    result = result_of(name, BUGS[bug])
    assert result.ok is False and not result.difference <= WRONG
    assert CONVICTED[name][bug] in result.where
    assert "WRONG" in str(result) and str(result).lower().endswith(f"{result.where}.".lower())
    assert result_of(name, None, talkative_model(subject_of(BUGS[bug]).config)).ok is True


@pytest.mark.parametrize(("name", "bug"), [(name, bug) for name in INNOCENT for bug in INNOCENT[name]])
def test_what_a_bug_leaves_as_it_was_is_not_convicted(name, bug):
    assert result_of(name, BUGS[bug]).ok is True


def leak(new, where="minis2s.models.seq2seq:Seq2Seq.loss", old="y, y_mask = dropout.forward(y, rng)"):
    """A bug of our own: a target token is seen too early."""
    words = dict.fromkeys(("title", "symptom", "idea", "seen"), "")
    return Bug(name="leak", number=None, kind="forward", where=where, old=old, new=new, **words)


AHEAD = """ahead = np.zeros_like(y)
        there = {at: row for row, at in enumerate(zip(target.rows.tolist(), target.steps.tolist()))}
        for (b, t), row in there.items():
            ahead[row] = y[there[b, t + STEPS]] if (b, t + STEPS) in there else 0
        y, y_mask = dropout.forward(y + 0.01 * ahead, rng)"""


@pytest.mark.parametrize("name", MODELS)
def test_causality_sees_how_far_ahead_a_decoder_looks(name):
    model, (batch, _) = make_case(name)
    steps = [f"step {t}" for t in range(1, 7)]
    changed = [f"token {t} changed" for t in range(1, 7)]
    with planted(leak(AHEAD.replace("STEPS", "1"))):  # y_t, which step t has to say, is its input's right neighbour
        one = causality(model, batch)
    with planted(leak(AHEAD.replace("STEPS", "2"))):
        two = causality(model, batch)
    with planted(leak(AHEAD.replace("STEPS", "0"))):  # its own input, a little louder: another model, but a causal one
        none = causality(model, batch)
    assert cells_over(one, WRONG) == {(changed[t], steps[t]) for t in range(5)}  # the end sign is nobody's input
    assert cells_over(two, WRONG) >= {(changed[t + 1], steps[t]) for t in range(4)}
    assert not cells_over(two, WRONG) & {(changed[t], steps[t - 2]) for t in range(2, 6)}
    assert (one.ok, two.ok, none.ok) == (False, False, True)
    assert np.isnan(one.map.values[np.triu_indices(6, 1)]).all()  # later steps may see the token


def test_a_model_that_reads_no_target_at_all_is_causal():
    with planted(leak("y, y_mask = dropout.forward(0 * y, rng)")):
        result = causality(make_case("seq2seq_attention")[0])
    assert result.ok and result.difference == 0 and result.where == "no difference"


def test_sources_that_are_not_sorted_with_their_targets_are_convicted_by_the_order():
    bug = leak("self.sources.pad(np.sort(which))", "minis2s.data.batches:Examples.batch", "self.sources.pad(which)")
    result = result_of("batch_order", bug, talkative_model(small()))
    assert result.ok is False and result.map.rows == tuple(f"sentence {i}" for i in (1, 2, 3, 4))


def test_a_single_sentence_has_no_order():
    result = checks.batch_order(make_case("seq2seq_plain")[0], make_batch([[4, 5]], [[6]]))
    assert result.ok is None and np.isnan(result.difference) and result.map is None
    assert result.where.startswith("not applicable: a single sentence") and "n/a" in str(result)


def spoil(monkeypatch, sentence, step, company):
    """Make the model say something else of one token, in batches of more sentences, or of one."""
    right = Seq2Seq.loss

    def loss(self, batch, rng=None):
        value, cache = right(self, batch, rng)
        row = (batch.pairs[batch.target.rows] == sentence) & (batch.target.steps == step)
        if (len(batch.pairs) > 1) == company:
            cache.loss.e[row, 5] *= 1.5
        return value, cache

    monkeypatch.setattr(Seq2Seq, "loss", loss)


def test_the_place_is_the_sentence_and_the_step(monkeypatch):
    model = randomized(np.random.default_rng(0), Seq2Seq.init(np.random.default_rng(0), Config(**SIZES)))
    batch = make_batch(SOURCES, TARGETS)  # in another order than as given
    assert batch.pairs.tolist() != sorted(batch.pairs)
    spoil(monkeypatch, 2, 1, company=True)
    for name in ("batch_independence", "parity"):
        result = getattr(checks, name)(model, batch)
        assert cells_over(result, OK) == {("sentence 3", "step 2")} and not result.ok
        assert result.where.startswith("largest: ") and result.where.endswith(" at sentence 3, step 2")
        lengths = (~np.isnan(result.map.values)).sum(1)
        assert lengths.tolist() == [len(target) + 1 for target in TARGETS]


def test_what_only_the_search_gets_wrong_is_shown_by_translation(monkeypatch):
    right = BahdanauDecoder.start
    monkeypatch.setattr(BahdanauDecoder, "start", lambda self, s0, memory, mask: right(self, s0, memory, mask | True))
    for name in ("padding_invariance", "batch_independence"):
        result = result_of(name, None)
        assert result.ok is False and result.map.columns == ("translation",) and "translation" in result.where


def test_a_loss_that_is_wrong_as_a_whole_says_so(monkeypatch):
    right = Seq2Seq.loss

    def loss(self, batch, rng=None):
        value, cache = right(self, batch, rng)
        return 2 * value, cache

    monkeypatch.setattr(Seq2Seq, "loss", loss)
    result = result_of("parity", None)
    assert result.difference == pytest.approx(0.5) and result.ok is False
    assert result.where == "in the loss, at no token or array alone"


def test_sentences_are_numbered_as_in_the_data_set():
    examples = Examples.of(SOURCES, TARGETS)
    result = checks.padding_invariance(make_case("seq2seq_plain")[0], examples.batch([3, 1, 5]))
    assert result.ok and result.map.rows == ("sentence 2", "sentence 4", "sentence 6")


def test_parity_is_at_random_weights_whatever_the_model_has():
    bug = BUGS["gate_order_swapped"]
    assert result_of("parity", bug, constant_model(small())).ok is False
    assert result_of("parity", bug, map_arrays(np.zeros_like, talkative_model(small()))).ok is False


class OwnGRU(GRU):
    """A cell that the plain loops do not know."""


def test_a_check_that_does_not_apply_is_not_reported_as_ok():
    model, (batch, _) = make_case("seq2seq_attention")
    cell = OwnGRU(*(getattr(model.decoder.cell, name) for name in ("W_x", "W_h", "b_x", "b_h")))
    own = replace(model, decoder=replace(model.decoder, cell=cell))
    results = {result.name: result for result in every_check(own, batch)}
    assert results.pop("parity")[1:3] == (pytest.approx(np.nan, nan_ok=True), None)
    assert "there are no plain loops of OwnGRU" in str(checks.parity(own, batch))
    assert all(result.ok is True for result in results.values())
    assert reference_loops.without_loops(model) == [] and reference_loops.without_loops(own) == ["OwnGRU"]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("backward_twice", "inputs_untouched")])
def test_weights_that_are_not_finite_pass_nothing(name):
    model = map_arrays(lambda array: array * np.nan, Seq2Seq.init(np.random.default_rng(0), Config(11, 10, 3, 4)))
    result = result_of(name, None, model)
    assert result.ok is False and result.difference == np.inf


def test_the_tolerance_is_the_callers():
    model, (batch, _) = make_case("seq2seq_attention")
    strict = checks.parity(model, batch, tolerance=1e-30)
    assert not strict.ok and strict.difference < 1e-14 and strict.where == strict.map.where


def test_the_differences_are_relative_to_the_largest_finite_entry():
    found, expected = np.array([1.0, 4.0, np.nan, np.inf]), np.array([1.5, 4.0, 1.0, np.inf])
    np.testing.assert_array_equal(relative_differences(found, expected), [0.125, 0, np.inf, np.inf])
    np.testing.assert_array_equal(relative_differences(np.zeros(2), np.zeros(2)), [0, 0])


def test_the_sentence_says_where():
    values = np.array([[0.1, np.nan], [0.25, 0.31]])
    found = DifferenceMap(values, ("sentence 1", "sentence 3"), ("step 1", "step 2"))
    assert found.where == "largest: 0.31 at sentence 3, step 2" and found.largest == 0.31
    assert DifferenceMap(np.full((1, 1), np.nan), ("a",), ("b",)).where == "no difference"


def test_the_museum_is_given_the_largest_difference():
    from minis2s.checks.invariances import batching
    from minis2s.museum import checks as museum_checks

    model, batch = talkative_model(small()), checks.hard_batch()
    with planted(BUGS["bias_row_0"]):
        result = batching.batch_independence(model, batch)
    found = museum_checks.verdict("A", BUGS["bias_row_0"])
    assert found.convicted and found.number == result.difference > WRONG
    assert found.line == f"not so: {result.meaning}"


OWN_MODEL = """
import numpy as np
from minis2s.checks import make_case
from minis2s.layers.record import record
from minis2s.models import Seq2Seq


@record
class Mine(Seq2Seq):
    def loss(self, batch, rng=None):
        value, cache = super().loss(batch, rng)
        return value, cache{loss}

    @staticmethod
    def case(rng):
        model, (batch, _) = make_case("seq2seq_plain")
        return Mine(*(getattr(model, name) for name in model.__dataclass_fields__)), (batch,)
"""


def test_the_command_says_what_does_not_apply_and_is_content(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(OWN_MODEL.format(loss=""))
    place = f"{tmp_path / 'mine.py'}:Mine"
    assert main(["gradcheck", place, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["invariances"][place] == dict.fromkeys(NAMES, True) | {"parity": None} and "where" not in report
    assert main(["gradcheck", place]) == 0
    said = capsys.readouterr().out
    assert "n/a    not applicable: there are no plain loops of Mine" in said and "WRONG" not in said


@pytest.mark.slow
def test_the_command_says_where(capsys):
    with planted(BUGS["target_not_shifted"]):
        assert main(["gradcheck", "seq2seq_attention"]) == 1
        said = capsys.readouterr().out
        assert main(["gradcheck", "seq2seq_attention", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    wrong = {name for name, ok in report["invariances"]["seq2seq_attention"].items() if ok is False}
    assert wrong == {"causality", "forced_equals_free", "parity"} == set(report["where"]["seq2seq_attention"])
    place = report["where"]["seq2seq_attention"]["causality"]
    assert "changed, step" in place and f"what it has to say. L{place[1:]}.\n" in said


@pytest.mark.slow
def test_the_map_is_drawn_with_its_labels_and_grey_where_nothing_is_compared():
    result = result_of("causality", BUGS["target_not_shifted"])
    figure = plots.invariance_map(result)
    ax, bar = figure.axes
    drawn = ax.images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(np.ma.masked_invalid(drawn)), np.isnan(result.map.values))
    assert [label.get_text() for label in ax.get_yticklabels()] == list(result.map.rows)
    assert [label.get_text() for label in ax.get_xticklabels()] == list(result.map.columns)
    assert len(ax.texts) == 21 and {text.get_text() for text in ax.texts} >= {"0", "8e-01"}
    assert "log10" in bar.get_ylabel() and result.where in figure.get_suptitle()
    norm = ax.images[0].norm
    assert norm(0.0) > 0.9 and norm(-12.0) == 0.5 and norm(-16.0) < 0.2  # red, white, blue
    assert plots.png(figure) == plots.png(plots.invariance_map(result))


def test_differences_of_0_and_without_end_are_drawn_too():
    values = np.array([[0.0, np.inf, np.nan]])
    figure = plots.invariance_map(Invariance("x", np.inf, False, "", "", DifferenceMap(values, ("a",), tuple("bcd"))))
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array()[0, :2], [-17, 1])
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "inf"]


def test_without_a_map_there_is_no_picture():
    model, (batch, _) = make_case("seq2seq_plain")
    with pytest.raises(ValueError, match="inputs_untouched has no map; it says: nothing differs"):
        plots.invariance_map(checks.inputs_untouched(model, batch))
