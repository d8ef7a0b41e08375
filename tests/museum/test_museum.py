"""The bug museum: every bug can be planted and taken out, every one is convicted, and nobody innocent is."""

import inspect
import json
import re
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minis2s import plots
from minis2s.cli import main
from minis2s.errors import InputError
from minis2s.layers import GRU
from minis2s.museum import BUGS, Bug, Hunt, difference, matrix, planted
from minis2s.museum.catalogue import bugs as catalogue
from minis2s.museum.catalogue.bugs import bug_named, bug_of
from minis2s.museum.checks import CHECKS, EXPECTED, SOURCES, key_of, subject_of, verdict
from minis2s.museum.hunt import chosen
from minis2s.museum.patching import KINDS, Change, find
from minis2s.museum.small_training import TrainingResult, pairs, train_small, trained_config
from minis2s.training import loop, optimizers
from tests.conftest import ROOT
from tests.make_expected import make_expected

CONVICTED_BY = {  # all letters, for every bug
    "encoder_no_time": "MF",
    "decoder_no_time": "MF",
    "assign_over_time": "MF",
    "embedding_no_scatter": "MFA",
    "tanh_slope_of_preactivation": "WMF",
    "tanh_slope_missing": "WMF",
    "sigmoid_slope_missing": "WMF",
    "direct_path_missing": "WMF",
    "dz_sign": "WMF",
    "reset_missing_in_hidden_branch": "WMF",
    "dr_uses_h": "WMF",
    "gates_swapped_in_backward": "WMF",
    "softmax_without_sum": "WMF",
    "softmax_diagonal": "MF",
    "keys_from_one_step": "MF",
    "no_value_path": "WMF",
    "no_key_path": "MF",
    "no_query_path": "MF",
    "context_counted_once": "WMF",
    "loss_gradient_over_all_places": "FA",
    "mask_missing_in_backward": "FPA",
    "target_not_subtracted": "WMF",
    "bridge_slope_missing": "WMF",
    "last_state_cut": "WMF",
    "last_state_of_short_sentences": "FPA",
    "bias_row_0": "MFA",
    "gradients_not_zeroed": "PAT",
    "no_attention_mask": "PARCB",
    "encoder_reads_padding": "PARCB",
    "no_loss_mask": "PARC",
    "softmax_over_batch": "ARCB",
    "target_not_shifted": "RO",
    "reset_before_for_after": "RC",
    "z_swapped": "RC",
    "gate_order_swapped": "R",
    "decoding_forgets_state": "O",
    "lstm_new_c_for_old": "WMF",
    "lstm_memory_cut": "WMF",
    "lstm_gate_order_swapped": "R",
    "rnn_slope_of_sigmoid": "WMF",
    "gru_before_input_of_weights": "WMF",
    "first_state_forgotten": "F",
    "general_transposed": "MF",
    "scale_missing_in_backward": "MF",
    "relu_slope_always_1": "MF",
    "coverage_counted_once": "MF",
    "coverage_not_carried": "MF",
    "luong_state_counted_once": "MF",
    "luong_slope_missing": "WMF",
    "feeding_cut": "MF",
    "padding_reversed_in_front": "FPARCB",
    "last_of_backward_cell": "RC",
    "last_state_in_every_layer": "WMF",
    "dropout_mask_not_in_backward": "WMF",
    "dropout_in_use": "PARCOB",
    "norm_mean_missing": "WMF",
    "tie_overwritten": "WMF",
    "starts_with_end_sign": "O",
    "feeding_forgotten": "O",
    "coverage_starts_anew": "O",
    "beam_not_reordered": "B",
    "beam_of_copies": "B",
    "beam_stops_at_first_end": "B",
    "length_penalty_on_one_side": "B",
    "adam_without_correction": "S",
    "decay_in_the_gradient": "S",
    "rmsprop_without_root": "S",
    "clip_lost": "S",
    "clip_always": "S",
    "weights_aliased": "S",
    "clipped_before_the_check": "WMFA",
    "cache_overwritten": "TU",
    "dropout_without_seed": "WMF",
    "check_in_float32": "WMF",
    "step_too_small": "WMF",
}
CLASSIC = {  # what a prototype's checks of the same names convicted; W M F P A R C, and T for backward twice
    **dict.fromkeys((1, 2, 3, 4, 14, 15, 17, 18, 26), "MF"),
    **dict.fromkeys((5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 19, 22, 23, 24), "WMF"),
    **dict.fromkeys((20, 21, 25), "F"),
    27: "T",
    **dict.fromkeys((28, 29, 31), "PARC"),
    30: "P",
    32: "R",
    33: "RC",
    34: "RC",
    35: "R",
    36: "",
}
DIFFERENT = {  # from the prototype, and why
    **dict.fromkeys((4, 20, 26), "A compares gradients, too, and a batch's have to be the sum of its sentences'"),
    **dict.fromkeys((21, 25), "P and A compare gradients, too, and these depend on the padding"),
    27: "P and A call backward more than once",
    30: "packed targets have no padding to forget: the bug makes more rows, which A, R and C count",
    31: "the bug keeps the mask, so more padding changes nothing",
}
SPEED = "SRCOTUPABWMF"  # the checks, the fast ones first


def convictions(bug):
    return "".join(letter for letter in CHECKS if verdict(letter, bug).convicted)


def test_the_museum_is_complete():
    assert len(BUGS) >= 45 and set(CONVICTED_BY) == set(BUGS)
    assert sorted(bug.number for bug in BUGS.values() if bug.number) == list(range(1, 37))
    for name, bug in BUGS.items():
        assert bug.name == name and name.isidentifier() and name.islower() and bug.kind in KINDS
        assert all(text.strip() for text in (bug.title, bug.symptom, bug.idea, bug.seen))
        assert all(len(change.new.splitlines()) <= 5 for change in bug.changes)


def test_a_paragraph_of_the_catalogue_is_a_bug():
    head = " 9  backward  made_up                          A title\n         and more of it\nin       a.b:C.d\n"
    tail = "symptom  None\n         at all.\nidea     An idea.\nseen     no report\n"
    more = "in       a.b:e\n-    x\n+    y\n-    z\n+    z = 1\n"
    bug = bug_of(f"{head}-            old\n-                line\n+        new\n+\n{more}{tail}beam     4")
    assert bug == Bug(
        *("made_up", 9, "backward", "a.b:C.d", "old\n                line", "new\n"),
        *("A title and more of it", "None at all.", "An idea.", "no report"),
        also=(Change("a.b:e", "x", "y"), Change("a.b:e", "z", "z = 1")),
        beam=4,
    )
    with pytest.raises(ValueError, match="made_up: a line begins with 'idae'"):
        bug_of(f"{head}-        old\n+        new\n{tail.replace('idea', 'idae')}")
    with pytest.raises(TypeError, match="seen"):
        bug_of(f"{head}-        old\n+        new\n{tail.replace('seen', '    ')}")


def test_the_catalogue_can_be_scanned():
    """Each bug begins with its line of ``bugs list``, and says the same things in the same order."""
    for path in Path(catalogue.__file__).parent.glob("*.txt"):
        assert path.stem in catalogue.SUBJECTS
        about, *paragraphs = path.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
        assert about.startswith("# ") and all(len(line) <= 120 for line in "\n".join(paragraphs).splitlines())
        for paragraph in paragraphs:
            words = " ".join(line[:9].strip() or "|" for line in paragraph.splitlines()[1:] if line[0] not in "+-")
            assert re.fullmatch(
                r"(\| )?in( in)* symptom( \|)* idea( \|)* seen( \|)*( config)?( settings)?( method)?( beam)?", words
            ), words
            bug = bug_of(paragraph)
            assert f"{bug.number or '':>2}  {bug.kind:9} {bug.name:32} {bug.title}".startswith(
                paragraph.splitlines()[0]
            )


CITED = re.compile(r"[\w.-]+/[\w.-]+ #\d+|\b(19|20)\d\d\b|the notes of Stanford's CS231n")


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_says_where_it_was_seen_or_that_nobody_knows(name):
    seen = BUGS[name].seen
    assert CITED.search(seen) or seen.startswith("no report that we can cite"), seen


def test_most_bugs_were_seen_somewhere():
    assert sum(bug.seen.startswith("no report that we can cite") for bug in BUGS.values()) <= len(BUGS) / 2.5


def test_a_difference_names_the_line_of_the_change():
    for name in ("dz_sign", "gate_order_swapped", "no_loss_mask"):
        lines = difference(BUGS[name]).splitlines()
        for at, head in enumerate(lines):
            if match := re.fullmatch(r"(minis2s/.*\.py), line (\d+), .*", head):
                file = (ROOT / match[1]).read_text(encoding="utf-8").splitlines()
                first = next(line for line in lines[at:] if line.startswith("-"))
                assert file[int(match[2]) - 1] == first[1:], head


def test_a_library_that_was_edited_is_said_in_one_line(monkeypatch, capsys):
    edited = replace(BUGS["dz_sign"], old="(h - n) * z * (2 - z)")
    monkeypatch.setitem(BUGS, "dz_sign", edited)
    assert main(["bugs", "run", "dz_sign"]) == 2
    error = capsys.readouterr().err
    assert "minis2s/layers/gru.py: '(h - n) * z * (2 - z)' stands 0 times in GRU.local_gradients" in error
    assert error.count("\n") == 1 and "undo what was changed there" in error
    seed = next(seed for seed in range(len(BUGS)) if chosen(seed) is edited)
    with pytest.raises(InputError, match="stands 0 times"):
        Hunt(seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_planted_and_taken_out(name):
    bug = BUGS[name]
    places = [find(change.where) for change in bug.changes]
    with planted(bug):
        assert all(vars(place.owner)[place.name] is not place.kept for place in places)
    for place, change in zip(places, bug.changes):
        assert vars(place.owner)[place.name] is place.kept
        assert find(change.where).text == place.text
    assert any(line.startswith("+") for line in difference(bug).splitlines())


def test_a_planted_function_stands_in_its_file():
    right = GRU.local_gradients
    with planted(BUGS["dz_sign"]):
        wrong = GRU.local_gradients
        assert wrong is not right and wrong.__globals__ is right.__globals__
        assert (wrong.__qualname__, wrong.__module__) == (right.__qualname__, right.__module__)
        assert wrong.__code__.co_filename == right.__code__.co_filename
        assert wrong.__code__.co_firstlineno == right.__code__.co_firstlineno
        assert "(n - h) * z" not in inspect.getsource(right)
    assert GRU.local_gradients is right


def test_every_import_of_a_function_is_changed_and_restored():
    right = optimizers.clip_inplace
    with planted(BUGS["clip_lost"]):
        assert optimizers.clip_inplace is optimizers.CLIPS["norm"] is loop.CLIPS["norm"] is not right
    assert optimizers.clip_inplace is optimizers.CLIPS["norm"] is right


def test_a_module_imported_meanwhile_is_restored_too(monkeypatch):
    meanwhile, right = types.ModuleType("minis2s.meanwhile"), loop.on_vector
    with planted(BUGS["weights_aliased"]):
        meanwhile.on_vector = loop.on_vector
        monkeypatch.setitem(sys.modules, "minis2s.meanwhile", meanwhile)
    assert meanwhile.on_vector is loop.on_vector is right


def made_up(where, old, new):
    return Bug("made_up", None, "forward", where, old, new, "title", "symptom", "idea", "seen")


def test_super_properties_and_class_methods_can_be_patched():
    from minis2s.layers import CoverageAttention

    where = "minis2s.layers.additive:CoverageAttention."
    keys, coverage = np.ones((1, 2, 3)), np.ones((1, 2))
    layer = CoverageAttention(np.ones((3, 3)), np.ones((3, 3)), np.ones(3), np.ones(3))
    before = layer.score(np.ones((1, 3)), keys, coverage)[0]
    with planted(made_up(where + "score", "coverage[..., None] * self.w", "0 * self.w")):
        assert not np.array_equal(layer.score(np.ones((1, 3)), keys, coverage)[0], before)
    with planted(made_up(where + "init", "glorot_uniform(rng, 1, size)[0]", "np.zeros(size)")):
        assert not CoverageAttention.init(np.random.default_rng(0), 3, 3, 3).w.any()
    with planted(
        made_up("minis2s.layers.cell:Cell.state_size", "self.states_per_hidden *", "3 * self.states_per_hidden *")
    ):
        assert GRU(*[np.ones((3, 4, 4))] * 4).state_size == 12
    assert GRU(*[np.ones((3, 4, 4))] * 4).state_size == 4


@pytest.mark.parametrize(
    "where, old, new, says",
    [
        ("minis2s.layers.gru:GRU.local_gradients", "no such text", "x", "0 times"),
        ("minis2s.layers.gru:GRU.local_gradients", "n * n", "n * n", "the same"),
        ("minis2s.layers.gru:GRU.local_gradients", "z", "x", "times in GRU.local_gradients; it must be there once"),
        ("minis2s.layers.gru:GRU.nothing", "z", "x", "no such function"),
        ("minis2s.layers.gru:Nothing.local_gradients", "z", "x", "no such function"),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(where, old, new, says):
    right = GRU.local_gradients
    with pytest.raises(ValueError, match=says):
        with planted(made_up(where, old, new)):
            pass
    assert GRU.local_gradients is right


def test_a_bug_is_taken_out_whatever_happens_and_only_one_fits():
    right = GRU.local_gradients
    with pytest.raises(ZeroDivisionError), planted(BUGS["dz_sign"]):
        raise ZeroDivisionError
    assert GRU.local_gradients is right
    with planted(BUGS["dz_sign"]):
        with pytest.raises(RuntimeError, match="dz_sign is planted; one bug at a time"):
            with planted(BUGS["no_query_path"]):
                pass
        assert GRU.local_gradients is not right
    assert GRU.local_gradients is right


@pytest.mark.slow
def test_nobody_innocent_is_convicted():
    assert convictions(None) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm_new_c_for_old", "feeding_cut", "tie_overwritten", "dropout_in_use"])
def test_the_innocent_of_other_parts_are_not_convicted(name):
    subject = subject_of(BUGS[name])
    assert [letter for letter in CHECKS if verdict(letter, None, subject).convicted] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_every_bug_is_convicted(name):
    letter = min(CONVICTED_BY[name], key=SPEED.index)
    found = verdict(letter, BUGS[name])
    assert found.convicted, found
    assert name not in found.line


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, bug in BUGS.items() if bug.kind in ("forward", "decoding")])
def test_what_the_fast_checks_say_of_forward_and_decoding(name):
    fast = "PARCTUO"
    found = "".join(letter for letter in fast if verdict(letter, BUGS[name]).convicted)
    assert found == "".join(letter for letter in CONVICTED_BY[name] if letter in fast)


def test_the_classic_bugs_are_convicted_as_in_the_prototype_or_it_is_said_why():
    for bug in BUGS.values():
        if bug.number:
            ours = "".join(letter for letter in CONVICTED_BY[bug.name] if letter in "WMFPARCT")
            assert (set(ours) == set(CLASSIC[bug.number])) is (bug.number not in DIFFERENT), bug.name


@pytest.mark.trains
@pytest.mark.parametrize("name", BUGS)
def test_every_check_says_what_the_table_says(name):
    assert convictions(BUGS[name]) == CONVICTED_BY[name]


@pytest.mark.slow
def test_what_crashes_is_convicted_with_its_line():
    found = verdict("F", BUGS["general_transposed"])
    assert found.convicted and found.number == np.inf
    assert found.line.startswith("stopped: ValueError: matmul") and "(dot.py, line " in found.line


def test_the_stored_numbers_are_those_of_the_plain_loops():
    stored, made = json.loads(EXPECTED.read_text()), make_expected()
    assert EXPECTED.stat().st_size < 100_000
    assert list(stored) == list(made) and {key_of(subject_of(bug).config) for bug in BUGS.values()} <= set(stored)
    for key in stored:
        for kind in stored[key]:
            for name, numbers in made[key][kind].items():
                np.testing.assert_allclose(stored[key][kind][name], numbers, rtol=1e-12, atol=1e-15)


def test_bugs_are_found_by_name_and_number():
    assert bug_named("dz_sign") is bug_named("9") is BUGS["dz_sign"]
    for name in ("", "37", "None", "dz sign"):
        with pytest.raises(InputError, match="there is no bug"):
            bug_named(name)


# Training


def test_the_pairs_of_training():
    train, unseen = pairs(3)
    sources = {tuple(part.sources[i]) for part in (train, unseen) for i in range(len(part))}
    assert len(sources) == len(train) + len(unseen) == 6500
    for i in range(20):
        source, target = unseen.sources[i].tolist(), unseen.targets[i].tolist()
        assert target == [*source[-2::-1], source[-1]] and 4 <= len(source) <= 8
    assert {symbol for source in sources for symbol in source} == {2, *range(4, 13)} and len(SOURCES) == 6


@pytest.mark.slow
def test_training_ends_with_figures_whatever_the_bug():
    assert trained_config(BUGS["tie_overwritten"]).embedding == 32
    first, again = train_small(BUGS["dz_sign"], 0, 1), train_small(BUGS["dz_sign"], 0, 1)
    assert first == again and 0 <= first.exact_match <= 1 and "after 188 updates" in first.line
    assert train_small(BUGS["target_not_shifted"], 0, 1).token_accuracy > 0.9


@pytest.mark.trains
def test_what_training_says():
    right, shifted = train_small(None, 0), train_small(BUGS["target_not_shifted"], 0)
    assert right.exact_match > 0.98
    assert shifted.exact_match < 0.05 and shifted.token_accuracy > 0.99
    assert train_small(BUGS["no_value_path"], 0).exact_match > 0.95  # "it trains" proves nothing


# The matrix


@pytest.fixture
def quick(monkeypatch):
    """Training that takes no time."""
    monkeypatch.setattr(
        matrix, "train_small", lambda bug, seed, plant=True: TrainingResult(0.5 + seed / 4, 0.9, "made up")
    )


def build(folder, names, **options):
    said = []
    rows = matrix.build(folder, names, processes=0, say=said.append, **options)
    return rows, said


@pytest.mark.slow
def test_the_matrix_goes_on_where_it_stopped(tmp_path, quick, monkeypatch):
    names = [matrix.NOTHING, "adam_without_correction", "gate_order_swapped"]
    rows, said = build(tmp_path, names[:2])
    assert [line.split()[0] for line in said] == ["1/2", "2/2"]
    assert rows["adam_without_correction"]["exact_match"] == [0.5, 0.75, 1.0]
    before = (tmp_path / "matrix.json").read_text()
    rows, said = build(tmp_path, names)
    assert len(said) == 1 and "gate_order_swapped" in said[0] and list(rows) == names
    assert matrix.letters_of(rows["gate_order_swapped"]) == ".....R......"
    assert matrix.letters_of(rows[matrix.NOTHING]) == "............"
    stored = json.loads((tmp_path / "matrix.json").read_text())
    assert stored["rows"] == rows and list(stored["checks"]) == list(CHECKS)
    assert build(tmp_path, names) == (rows, [])
    assert len(build(tmp_path, names[:1], seeds=(1,))[1]) == 1  # other seeds: measured anew
    other = replace(BUGS["gate_order_swapped"], also=BUGS["gate_order_swapped"].also[:1])
    monkeypatch.setitem(BUGS, "gate_order_swapped", other)
    assert len(build(tmp_path, names[2:])[1]) == 1  # another change: measured anew
    (tmp_path / "matrix.json").write_text(before[:-20])
    with pytest.raises(InputError, match="not a matrix of bugs"):
        build(tmp_path, names)


@pytest.mark.slow
def test_the_matrix_in_words_and_as_a_figure(tmp_path, quick):
    rows, _ = build(tmp_path, [matrix.NOTHING, "embedding_no_scatter", "no_loss_mask"])
    text = matrix.table(rows)
    assert (
        " 4 embedding_no_scatter            .MF.A.......   75.0 ( 50.0  75.0 100.0)   90.0   75.0" in text.splitlines()
    )
    assert "0 of 1 wrong backward passes reach 95 % exact match all the same." in text
    assert "W misses 1 of them: embedding_no_scatter." in text and "F misses 0 of them." in text
    assert "2 of 2 bugs are convicted" in text and "Without a bug no check convicts." in text
    (ax,) = matrix.draw(rows).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "no bug",
        "4 embedding_no_scatter",
        "30 no_loss_mask",
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == [*CHECKS, "EM"]
    letters = [text.get_text() for text in ax.texts]
    assert sorted(letters) == sorted([*"MFA", *"PARC", "75", "75", "75"])
    assert plots.png(matrix.draw(rows)) == plots.png(matrix.draw(rows))


def test_a_row_of_several_bugs_says_how_many_are_hidden():
    def row(exact_match):
        return {"exact_match": [exact_match], "verdicts": {letter: {"convicted": letter == "F"} for letter in CHECKS}}

    (ax,) = matrix.draw(
        {"three (3)": [row(1.0), row(0.96), row(0.2)], "one (1)": [row(0.2)], "all (2)": [row(1.0)] * 2}
    ).axes
    assert [text.get_text() for text in ax.texts if text.get_text() != "F"] == ["2/3", "20", "2/2"]
    image = ax.images[0].get_array()
    assert np.ptp([*image[:, -1, 2]]) > 0.5 and image[1, -1, 2] > image[0, -1, 2] > image[2, -1, 2]  # the blue in it
    assert "how many reach 95" in ax.get_xlabel()


@pytest.mark.trains
def test_two_processes_say_the_same_as_one(tmp_path):
    names = [matrix.NOTHING, "gate_order_swapped"]
    one = matrix.build(tmp_path / "one", names, seeds=(0,), processes=0, say=str)
    assert matrix.build(tmp_path / "two", names, seeds=(0,), say=str) == one


COMMITTED = ROOT / "docs" / "bugs" / "matrix.json"


@pytest.mark.skipif(not COMMITTED.exists(), reason="make it: python -m minis2s bugs matrix --out docs/bugs")
def test_the_committed_matrix_is_of_these_bugs_and_says_what_the_table_says():
    rows = matrix.rows_in(COMMITTED)
    assert set(rows) == {matrix.NOTHING, *BUGS}
    assert matrix.letters_of(rows[matrix.NOTHING]).strip(".") == ""
    for name, bug in BUGS.items():
        assert rows[name]["digest"] == matrix.digest(bug), f"{name} is another bug now: measure it again"
        assert matrix.letters_of(rows[name]).replace(".", "") == CONVICTED_BY[name]


SAMPLE = [
    "W dz_sign",
    "F first_state_forgotten",
    "P last_state_of_short_sentences",
    "A softmax_over_batch",
    "R z_swapped",
]
SAMPLE += ["C no_attention_mask", "T cache_overwritten", "O coverage_starts_anew", "B beam_of_copies", "S clip_always"]


@pytest.fixture(scope="module")
def committed():
    return matrix.rows_in(COMMITTED)


@pytest.mark.slow
@pytest.mark.parametrize("pair", SAMPLE)
def test_a_number_of_the_committed_matrix_is_measured_again(pair, committed):
    letter, name = pair.split()
    stored, found = committed[name]["verdicts"][letter], verdict(letter, BUGS[name])
    assert stored["convicted"] is found.convicted
    number = found.number if np.isfinite(found.number) else None  # JSON has no infinity
    assert stored["number"] == (number and pytest.approx(number, rel=1e-3, abs=1e-12))


@pytest.mark.slow
def test_a_training_of_the_committed_matrix_is_made_again(committed):
    outcome, row = train_small(BUGS["target_not_shifted"], 0), committed["target_not_shifted"]
    assert outcome.exact_match == pytest.approx(row["exact_match"][0], abs=0.02)
    assert outcome.token_accuracy == pytest.approx(row["token_accuracy"][0], abs=0.02)


@pytest.mark.trains
@pytest.mark.parametrize("name", ["no_value_path", "dz_sign", "beam_stops_at_first_end", "weights_aliased"])
def test_more_trainings_of_the_committed_matrix_are_made_again(name, committed):
    row = committed[name]
    found = [train_small(BUGS[name], seed).exact_match for seed in row["seeds"]]
    assert found == pytest.approx(row["exact_match"], abs=0.1)  # another processor rounds otherwise


def test_the_committed_table_is_that_of_the_committed_rows(committed):
    assert (COMMITTED.parent / "matrix.txt").read_text(encoding="utf-8") == f"{matrix.table(committed)}\n"


def test_the_readme_says_what_the_matrix_says(committed):
    backward = [committed[name] for name, bug in BUGS.items() if bug.kind == "backward"]
    good = sum(matrix.mean(row["exact_match"]) >= matrix.GOOD for row in backward)
    words = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"of the {len(backward)} wrong backward passes in `minis2s/museum`, {good} still reach 95 %" in words
    assert f"Each of its {len(BUGS)} planted bugs" in words
