"""The units of texts: cut and joined, saved and loaded, learned from the training part only; and unknown tokens."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s.cli import main
from minis2s.data.bpe import BytePairs
from minis2s.data.pairs import Pair, format_pairs, read_pairs, split_pairs
from minis2s.data.units import PLAIN, Characters, Sides, Words, check_alignments, counted_in, drop_long, tokens_of
from minis2s.data.vocabulary import SPECIAL, UNK, Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.decoding.unknown import replace_unknown
from minis2s.errors import InputError
from minis2s.layers import cast, to_dict
from minis2s.training.checkpoint import load_model, read_arrays, save_model, write_arrays
from minis2s.training.loop import TrainingConfig
from minis2s.training.run import Parts, Run
from tests.conftest import random_model

PAIRS = [Pair("low lower newest", "tief tiefer neueste"), Pair("lowest", "tiefste"), Pair("new low", "neu tief")] * 2
LEARNED = Sides.learn("bpe", PAIRS, 6)
MIXED = Sides(PLAIN["word"], PLAIN["char"])
TINY = ("--hidden", "6", "--embedding", "4", "--epochs", "1", "--batch", "8")


# Characters, words and pieces


def test_characters_and_words():
    assert Characters().split("é a") == ["é", " ", "a"] and Characters().join(["é", " ", "a"]) == "é a"
    assert Words().split("guten  Tag\u00a0!") == ["guten", "Tag", "!"] and Words().join(["guten", "Tag"]) == "guten Tag"
    for units in (Characters(), Words()):
        assert units.within(["x"]) == units
        assert units.positions(units.split("a b")) == list(range(len(units.split("a b"))))


@given(st.text(), st.sampled_from([*PLAIN.values(), LEARNED.source]))
def test_tokens_are_joined_and_split_again(text, units):
    tokens = units.split(text)
    assert units.split(units.join(tokens)) == tokens
    assert units.join(tokens) == (text if units.name == "char" else " ".join(text.split()))


def test_a_name_is_for_both_sides():
    assert Sides.of("char") == (Characters(), Characters()) and Sides.of(MIXED) is MIXED
    for name in ("bpe", "bytes", "", None):
        with pytest.raises(ValueError, match="'char' or 'word' or learned"):
            Sides.of(name)


def test_each_side_is_learned_from_its_own_texts():
    assert LEARNED.source == BytePairs.learn([pair.source for pair in PAIRS], 6)
    assert LEARNED.target == BytePairs.learn([pair.target for pair in PAIRS], 6)
    assert LEARNED.source != LEARNED.target
    assert Sides.learn("word", PAIRS, 6) == Sides.of("word")


@pytest.mark.parametrize(
    ("sides", "name", "tokens"),
    [
        (Sides.of("char"), "char", "characters"),
        (MIXED, "word to char", "words and characters"),
        (LEARNED, "bpe 6", "pieces"),
        (Sides(PLAIN["word"], LEARNED.target), "word to bpe 6", "words and pieces"),
    ],
)
def test_units_are_named(sides, name, tokens):
    assert (str(sides), tokens_of(sides)) == (name, tokens)


# Lengths and gold alignments


def test_lengths_and_alignments_count_words_where_units_are_pieces():
    assert counted_in("bpe") == counted_in(LEARNED) == Sides.of("word")
    assert counted_in("char") == Sides.of("char") and counted_in(Sides(PLAIN["char"], LEARNED.target)) == MIXED[::-1]
    pairs = [Pair("ab c", "d e", ((1, 1),), 1), Pair("ab", "d", ((0, 0),), 2)]
    counted = counted_in(Sides(LEARNED.source, PLAIN["char"]))
    check_alignments("f.tsv", pairs, counted)
    with pytest.raises(
        InputError, match=r"^f.tsv, line 3: alignment 1-0 points past the source, whose last word is 0,"
    ):
        check_alignments("f.tsv", [*pairs, Pair("ab", "de", ((1, 0),), 3)], counted)
    with pytest.raises(InputError, match=r"^f.tsv, line 3: alignment 0-2 points past the target, .* character is 1,"):
        check_alignments("f.tsv", [*pairs, Pair("ab", "de", ((0, 2),), 3)], counted)
    assert drop_long("f.tsv", pairs, counted, 1) == (pairs[1:], 1)
    with pytest.raises(InputError, match="the limit of 1 words and characters; raise"):
        drop_long("f.tsv", pairs[:1], counted, 1)


# The model file


def make_translator(units):
    model = cast(random_model(np.random.default_rng(3), "additive"), np.float32)  # of 11 source and 10 target tokens
    source = Vocabulary((*SPECIAL, "low", "lo@@", "w@@", "e@@", "r", "l@@", "o@@"))
    target = Vocabulary((*SPECIAL, "tief", "ti@@", "e@@", "f@@", "er", "r"))
    return Translator(model, source, target, units)


@pytest.mark.parametrize(
    "sides", [Sides.of("char"), Sides.of("word"), MIXED, LEARNED, Sides(LEARNED[0], PLAIN["char"])]
)
def test_units_are_saved(tmp_path, sides):
    translator = make_translator(sides)
    translator = replace(translator, units=sides.within(translator.source.tokens, translator.target.tokens))
    save_model(tmp_path / "model.npz", translator)
    loaded = load_model(tmp_path)
    assert loaded.units == translator.units
    for text in ("lower low", "lowest"):
        assert loaded.units.source.split(text) == translator.units.source.split(text)
    assert Sides.load(json.loads(json.dumps(sides.saved()))) == sides


def test_an_older_file_names_units_for_both_sides():
    for name in ("char", "word"):
        assert Sides.of(name).saved() == name and Sides.load(name) == Sides.of(name)


@pytest.mark.parametrize(
    "saved",
    [
        "bpe",
        "",
        {"source": "char"},
        {"source": "char", "target": "bpe"},
        {"source": "char", "target": None},
        {"source": "char", "target": {}},
        {"source": "char", "target": {"merges": 3}},
        *(
            {"source": "char", "target": {"merges": [merge]}}
            for merge in ("", "a", "a b c", " b", "a ", 3, None, ["a", "b"])
        ),
    ],
)
def test_units_that_are_none_are_refused(tmp_path, saved):
    save_model(tmp_path / "model.npz", make_translator("char"))
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["minis2s"])) | {"units": saved}
    np.savez(tmp_path / "model.npz", **arrays | {"minis2s": np.array(json.dumps(about))})
    with pytest.raises(InputError, match=r"not a whole model .*; train again"):
        load_model(tmp_path)


# A run


def made_pairs(size):
    """Pairs of words that a small vocabulary writes in pieces; each third one is new."""
    rng = np.random.default_rng(0)
    stems, ends = ["walk", "talk", "jump", "look", "play"], ["", "s", "ed", "ing", "er"]
    words = lambda: [rng.choice(stems) + rng.choice(ends) for _ in range(rng.integers(1, 4))]  # noqa: E731
    texts = list(dict.fromkeys(" ".join(words()) for _ in range(9 * size)))[:size]
    return [Pair(text, text.upper()) for text in texts]


@pytest.mark.slow
def test_merges_come_from_the_training_part_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pairs = made_pairs(60)
    (tmp_path / "made.tsv").write_text(format_pairs(pairs), encoding="utf-8", newline="")
    assert main(["train", "made.tsv", *TINY, "--units", "bpe", "--merges", "20", "--out", "run", "--seed", "1"]) == 0
    train, _, test = split_pairs(read_pairs("made.tsv"), 1)
    loaded = load_model("run")
    assert [len(units.merges) for units in loaded.units] == [20, 20]
    want = Sides.learn("bpe", train, 20)
    assert [units.merges for units in loaded.units] == [units.merges for units in want]
    for units, vocabulary, side in zip(loaded.units, (loaded.source, loaded.target), ("source", "target")):
        seen = {token for pair in train for token in units.split(getattr(pair, side))}
        assert set(vocabulary.tokens) == seen | set(SPECIAL)
        for pair in test:
            assert not vocabulary.unknown(units.split(getattr(pair, side)))
    assert "in pieces" in capsys.readouterr().err


@pytest.mark.slow
def test_pieces_through_every_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.tsv").write_text(format_pairs(made_pairs(60)), encoding="utf-8", newline="")
    train = ["train", "made.tsv", *TINY, "--units", "bpe", "--merges", "20", "--out", "run"]
    assert main(train) == 0
    before = to_dict(load_model("run").model)
    assert main([*train, "--resume"]) == 0
    after = load_model("run")
    assert all(np.array_equal(before[name], array) for name, array in to_dict(after.model).items())
    capsys.readouterr()
    assert main(["translate", "run", "walking talked", "☃"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2 and "@@" not in out
    assert "text 2: never seen in training, read as <unk>: '☃'" in err and "text 1: never" not in err
    assert main(["evaluate", "run", "run/test.tsv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["oov_rate"] == 0
    assert main([*train[:-3], "21", "--out", "run", "--resume"]) == 2
    assert "was started with units bpe 20, not bpe 21;" in capsys.readouterr().err
    assert main(["train", "made.tsv", *TINY, "--out", "run", "--resume"]) == 2
    assert "was started with units bpe 20, not word;" in capsys.readouterr().err


def test_merges_without_pieces(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.tsv").write_text(format_pairs(made_pairs(30)), encoding="utf-8", newline="")
    assert main(["train", "made.tsv", "--merges", "20", "--out", "run"]) == 2
    assert capsys.readouterr().err.endswith("--merges is of byte-pair encoding; give --units bpe too\n")
    assert not (tmp_path / "run").exists()


# Unknown tokens


def test_rare_tokens_are_unknown():
    sentences = [["a", "b", "a"], ["c", "b", "<unk>", "<unk>"]]
    assert Vocabulary.build(sentences, 2).tokens == (*SPECIAL, "a", "b")
    assert Vocabulary.build(sentences).tokens == (*SPECIAL, "a", "b", "c")


def test_ids_go_by_frequency_and_then_by_the_alphabet_whatever_comes_first():
    assert Vocabulary.build(["ba", "ab"]).tokens == (*SPECIAL, "a", "b")
    assert Vocabulary.build(["cba", "c", "a", "c"]).tokens == (*SPECIAL, "c", "a", "b")


def test_rare_pieces_are_taken_apart(tmp_path):
    pairs = [Pair(f"{word} {i}", word) for i in range(4) for word in ("walk", "talk", "balk", "walked")]
    parts = Parts([*pairs, *2 * [Pair("stalk qu", "chalk")]], pairs[:2], pairs[:2])
    units = Sides.learn("bpe", parts.train, 30)
    assert units.source.split("qu stalk") == ["qu", "stalk"]  # twice each
    run = Run(tmp_path / "run", parts, units, {"hidden": 4, "embedding": 4}, TrainingConfig(epochs=1), min_count=3)
    translator = run.translator
    assert not {"qu", "stalk", "s@@"} & set(translator.source.tokens)
    assert translator.units.source.split("qu stalk walk") == ["q@@", "u", "s@@", "talk", "walk"]
    assert translator.source.unknown(translator.units.source.split("stalk walk")) == ["s@@"]


def test_a_run_of_other_rare_tokens_is_not_resumed(tmp_path):
    parts = Parts(PAIRS, PAIRS[:1], PAIRS[:1])
    make = lambda **options: Run(  # noqa: E731
        tmp_path / "run", parts, "word", {"hidden": 4, "embedding": 4}, TrainingConfig(epochs=1), **options
    )
    make(min_count=2)
    with pytest.raises(InputError, match="was started with min_count 2, not 1; give the same"):
        make(resume=True)
    make(min_count=2, resume=True)


def test_a_run_of_an_older_minis2s_knew_every_token(tmp_path):
    parts = Parts(PAIRS, PAIRS[:1], PAIRS[:1])
    sizes, settings = {"hidden": 4, "embedding": 4}, TrainingConfig(epochs=1)
    Run(tmp_path / "run", parts, "word", sizes, settings)
    about, state = read_arrays(tmp_path / "run" / "last.npz")
    del about["min_count"]
    write_arrays(tmp_path / "run" / "last.npz", about, state)
    Run(tmp_path / "run", parts, "word", sizes, settings, resume=True)
    with pytest.raises(InputError, match="was started with min_count 1, not 2; give the same"):
        Run(tmp_path / "run", parts, "word", sizes, settings, resume=True, min_count=2)


def test_an_unknown_word_becomes_the_source_word_looked_at():
    alphas = np.array([[0.1, 0.7, 0.2, 0.0], [0.6, 0.1, 0.1, 0.2], [0.0, 0.1, 0.2, 0.7], [0.9, 0.1, 0.0, 0.0]])
    tokens, source = ["<unk>", "b", "<unk>"], ["Anna", "Łódź", "."]
    assert replace_unknown(tokens, source, alphas) == ["Łódź", "b", "."]  # never the end sign, greatest as it is
    assert replace_unknown(["a"], source, None) == ["a"]
    with pytest.raises(ValueError, match="without attention"):
        replace_unknown(tokens, source, None)


@pytest.fixture
def writes_unknown():
    """A translator whose model writes nothing but unknown tokens."""
    translator = make_translator("word")
    translator.model.output.b[UNK] += 1e3
    return translator


def test_a_translator_replaces_unknown_words_in_texts(writes_unknown):
    (plain,) = writes_unknown.translate(["low r xyz"], max_length=4)
    assert plain.text == "<unk> <unk> <unk> <unk>"
    (got,) = replace(writes_unknown, replace_unknown=True).translate(["low r xyz"], max_length=4)
    looked = [int(np.argmax(alpha[:3])) for alpha in got.alphas[:4]]
    assert got.text.split() == [["low", "r", "xyz"][i] for i in looked]
    assert got.tokens == plain.tokens == ["<unk>"] * 4  # what the model wrote is not touched


def test_the_option_replaces_unknown_words(writes_unknown, tmp_path, capsys):
    save_model(tmp_path / "model.npz", writes_unknown)
    assert main(["translate", str(tmp_path), "low"]) == 0
    out, err = capsys.readouterr()
    assert set(out.split()) == {"<unk>"}
    assert f"text 1: {len(out.split())} of {len(out.split())} tokens of its translation are <unk>" in err
    assert main(["translate", str(tmp_path), "low", "--replace-unknown"]) == 0
    assert set(capsys.readouterr().out.split()) == {"low"}


def test_the_option_needs_attention(tmp_path, capsys):
    model = cast(random_model(np.random.default_rng(3), "none"), np.float32)
    save_model(tmp_path / "model.npz", replace(make_translator("word"), model=model))
    assert main(["translate", str(tmp_path), "low", "--replace-unknown"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "this model has no attention to find source words by; train one that has" in err
