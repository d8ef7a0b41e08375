"""Splits of a task: what the test asks for is not in training, and nothing leaks."""

import re
from collections import Counter

import numpy as np
import pytest

from minis2s.cli import main
from minis2s.data.pairs import Pair, format_pairs, read_pairs
from minis2s.data.splits import Recipe, collect, format_test
from minis2s.data.tasks import TASKS, Task, make_pairs, make_split
from minis2s.data.toy_french.held_out import HELD_OUT, kind_of
from minis2s.data.toy_french.words import ADJECTIVES, NOUNS
from minis2s.errors import InputError

PLAIN = [name for name, task in TASKS.items() if not task.package]
OWN = [(name, split) for name, task in TASKS.items() for split in task.splits]
FORMS = {form: noun.en for noun in NOUNS for form in (noun.en, noun.en_plural) if form != "-"}
OBJECTS = r"(me|m'|le|la|l'|les|nous|lui|leur)"


def length(pair, words):
    return len(pair.source.split()) if words else len(pair.source)


def parts(task, split, size=2000, test=300, seed=0):
    train, test = make_split(task, split, size, test, seed)
    return train, [pair for pair, _ in test], [kind for _, kind in test]


@pytest.fixture(scope="module")
def compositional():
    return parts("toy_en_fr", "compositional", size=6000, test=300)


@pytest.fixture(scope="module")
def rare():
    return parts("toy_en_fr", "rare", size=6000, test=300)


@pytest.mark.slow
@pytest.mark.parametrize("task, split", [*((name, split) for name in PLAIN for split in ("random", "longer")), *OWN])
def test_every_split_has_different_sources_and_follows_the_seed(task, split):
    train, test, kinds = parts(task, split, size=300, test=50)
    assert (len(train), len(test)) == (300, 50)
    assert len({pair.source for pair in train + test}) == 350
    assert (train, test, kinds) == parts(task, split, size=300, test=50)
    assert train != parts(task, split, size=300, test=50, seed=1)[0]
    assert train[:100] == parts(task, split, size=100, test=1)[0]


def test_random_trains_on_the_pairs_of_the_task():
    train, test, kinds = parts("reversal", "random")
    assert train + test == make_pairs("reversal", 2300, 0) and set(kinds) == {""}


@pytest.mark.slow
@pytest.mark.parametrize("task", PLAIN)
def test_longer_is_longer(task):
    train, test, kinds = parts(task, "longer")
    words = any(" " in pair.source for pair in train)
    longest, shortest = max(length(pair, words) for pair in train), min(length(pair, words) for pair in test)
    assert shortest == longest + 1 and set(kinds) == {""}
    everything = [length(pair, words) for pair in make_pairs(task, 2000, 5)]
    assert np.mean(np.array(everything) > longest) > 0.05  # a tenth, but for chance
    if max(everything) > shortest:
        assert len({length(pair, words) for pair in test}) > 1


@pytest.mark.slow
def test_compositional_holds_adjectives_and_nouns_apart(compositional):
    train, test, kinds = compositional
    forms = {noun: [form for form in FORMS if FORMS[form] == noun] for _, noun in HELD_OUT}
    seen = Counter(word for pair in train for word in pair.source.split())
    for adjective, noun in HELD_OUT:
        assert seen[adjective] > 10 and sum(seen[form] for form in forms[noun]) > 10  # both are known
        for pair in train:
            assert not (adjective in pair.source.split() and set(forms[noun]) & set(pair.source.split()))
    of_pairs = [pair.source for pair, kind in zip(test, kinds) if kind == "adjective-noun"]
    asked = {(a, n) for a, n in HELD_OUT for text in of_pairs if any(f"{a} {form}" in text for form in forms[n])}
    assert len(of_pairs) == 150 and len(asked) == len(HELD_OUT)
    assert all(any(f"{a} {form}" in text for a, n in HELD_OUT for form in forms[n]) for text in of_pairs)


def test_compositional_holds_a_construction_apart(compositional):
    train, test, kinds = compositional
    future = r"\S+r(ai|a|ons|ont)\b"
    construction = re.compile(rf"(^| )n[e'] {OBJECTS} {future}")
    assert not any(construction.search(pair.target) for pair in train)
    asked = [pair.target for pair, kind in zip(test, kinds) if kind == "construction"]
    assert len(asked) == 150 and all(construction.search(text) for text in asked)
    # its parts are known two by two
    denied, bare = rf"(^| )n[e'] {future}", rf"(^| )(je|j'|il|elle|nous|ils) {OBJECTS} {future}"
    for pattern in (denied, bare, rf"(^| )n[e'] {OBJECTS} \S+ (pas|jamais|plus)"):
        assert sum(bool(re.search(pattern, pair.target)) for pair in train) > 20, pattern


def test_held_out_pairs_make_sense():
    kinds = {noun.en: noun.kind for noun in NOUNS}
    adjectives = {adjective.en: adjective for adjective in ADJECTIVES}
    assert len(set(HELD_OUT)) == len(HELD_OUT) >= 15
    assert all(kinds[noun] in adjectives[adjective].kinds for adjective, noun in HELD_OUT)


@pytest.mark.parametrize(
    "source, target, kind",
    [
        ("she saw the old men", "elle a vu les vieux hommes", "adjective-noun"),
        ("the man is old", "l' homme est vieux", "mixed"),
        ("the old hotel", "le vieil hôtel", ""),
        ("he will not see us", "il ne nous verra pas", "construction"),
        ("she will never love him", "elle ne l' aimera jamais", "construction"),
        ("he will see us", "il nous verra", ""),
        ("he does not see us", "il ne nous voit pas", ""),
        ("he will not see it", "il ne verra pas", ""),
        ("the old man will not see us", "le vieil homme ne nous verra pas", "mixed"),
    ],
)
def test_kinds_of_the_compositional_split(source, target, kind):
    assert kind_of(Pair(source, target)) == kind


@pytest.mark.slow
def test_rare_words_are_rare_in_training_and_asked_for_in_the_test(rare):
    train, test, kinds = rare
    seen = Counter(noun for pair in train for noun in {FORMS[w] for w in pair.source.split() if w in FORMS})
    unseen = {noun.en for noun in NOUNS} - set(seen)
    assert len(unseen) >= 8 and sum(seen[noun] <= 5 for noun in seen) >= 5
    for pair, kind in zip(test, kinds):
        rarest = min(seen[FORMS[word]] for word in pair.source.split() if word in FORMS)
        assert rarest == 0 if kind == "unseen" else 1 <= rarest <= 5
    assert Counter(kinds) == {"unseen": 150, "rare": 150}
    counts = sorted(seen.values(), reverse=True)
    assert counts[0] > 8 * counts[25]  # Zipf: a few nouns are most of what is said
    other = Counter(
        FORMS[w] for pair in parts("toy_en_fr", "rare", seed=1)[0] for w in pair.source.split() if w in FORMS
    )
    assert unseen & set(other)  # another seed, other words


# The command


def test_the_command_writes_both_files(tmp_path, capsys):
    out = tmp_path / "new" / "split"
    arguments = [
        "data",
        "toy_en_fr",
        "--split",
        "rare",
        "--size",
        "60",
        "--test",
        "9",
        "--seed",
        "3",
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == f"{out}: 60 pairs in train.tsv, 9 in test.tsv\n"
    train, test, kinds = parts("toy_en_fr", "rare", 60, 9, 3)
    assert sorted(path.name for path in out.iterdir()) == ["test.tsv", "train.tsv"]
    for name, pairs in (("train", train), ("test", test)):
        assert [pair._replace(line=0) for pair in read_pairs(out / f"{name}.tsv")] == pairs
    lines = (out / "test.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[3] for line in lines] == kinds == ["unseen"] * 5 + ["rare"] * 4
    again = [*arguments[:-3], "4", "--out", str(out)]
    assert main(again) == 2 and (out / "test.tsv").read_text(encoding="utf-8").splitlines() == lines
    assert "other pairs are there already" in capsys.readouterr().err
    assert main([*again, "--force"]) == 0  # the new ones take their place
    assert [pair._replace(line=0) for pair in read_pairs(out / "train.tsv")] == parts("toy_en_fr", "rare", 60, 9, 4)[0]


def test_the_test_has_a_thousand_pairs_unless_told(tmp_path):
    assert main(["data", "reversal", "--split", "random", "--size", "20", "--seed", "0", "--out", str(tmp_path)]) == 0
    assert len(read_pairs(tmp_path / "test.tsv")) == 1000
    assert (tmp_path / "test.tsv").read_text() == format_pairs(make_pairs("reversal", 1020, 0)[20:])


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["dates", "--split", "rare", "--out", "x"], r"task dates has no split 'rare'; choose one of random, longer\n"),
        (["dates", "--split", "nothing", "--out", "x"], "'nothing'"),
        (["dates", "--split", "random"], "--out FOLDER"),
        (["dates", "--out", "x"], "--out goes with --split"),
        (["dates", "--test", "3"], "--test goes with --split"),
        (["dates", "--split", "random", "--test", "0", "--out", "x"], "'0' is not a whole number"),
        (["nothing", "--split", "random", "--out", "x"], "there is no task 'nothing'"),
        (["dates", "--split", "random", "--out", "taken"], "taken: cannot be made .*; choose another place"),
    ],
)
def test_bad_requests(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    try:
        status = main(["data", *arguments, "--size", "5", "--seed", "0"])
    except SystemExit as end:
        status = end.code
    printed = capsys.readouterr()
    assert status == 2 and printed.out == "" and printed.err.count("\n") == 1
    assert re.search(says, printed.err)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_half_a_split_is_never_written(tmp_path, monkeypatch):
    (tmp_path / "test.tsv").mkdir()  # a folder where the second file should go
    (tmp_path / "test.tsv" / "kept").touch()
    (tmp_path / "train.tsv").write_text("old\tpair\n")
    assert main(["data", "copy", "--split", "random", "--size", "5", "--seed", "0", "--out", str(tmp_path)]) == 2
    assert (tmp_path / "train.tsv").read_text() == "old\tpair\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.tsv", "train.tsv"]


# What there is not


def test_all_of_one_length(monkeypatch):
    monkeypatch.setitem(TASKS, "digit", Task("one digit", lambda rng: Pair(str(rng.integers(10)), "x")))
    with pytest.raises(InputError, match=r"of about one length; choose another split\Z"):
        make_split("digit", "longer", 5, 2, 0)


def test_too_few_pairs(monkeypatch):
    monkeypatch.setitem(TASKS, "digit", Task("one digit", lambda rng: Pair(str(rng.integers(10)), "x")))
    train, test = make_split("digit", "random", 6, 4, 0)
    assert {pair.source for pair in (*train, *(pair for pair, _ in test))} == set("0123456789")
    with pytest.raises(InputError, match=r"only 3 different pairs of 4 for the test part; ask for fewer\Z"):
        make_split("digit", "random", 7, 4, 0)
    with pytest.raises(InputError, match=r"only 0 different pairs of 1 for the train part"):
        collect(Recipe(lambda: None, {}), 1, 1)


@pytest.mark.parametrize("size, test, seed", [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_bad_sizes(size, test, seed):
    with pytest.raises(InputError, match=r"(size 0|test 0|seed -1) .*; (ask|give)"):
        make_split("copy", "random", size, test, seed)


def test_kinds_are_shared_equally_and_written_last():
    numbers = iter(range(100))
    draw = {kind: lambda kind=kind: Pair(f"{kind} {next(numbers)}", "x", ((0, 0),)) for kind in "abc"}
    train, test = collect(Recipe(draw["a"], draw), 2, 8)
    assert [kind for _, kind in test] == list("aaabbbcc") and len(train) == 2
    assert format_test(test[:1]) == "a 2\tx\t0-0\ta\n"
    assert format_test([(Pair("a", "b"), "")]) == "a\tb\n"


def test_a_split_is_not_written_into_a_run(tmp_path, capsys):
    for name in ("model.npz", "test.tsv"):
        (tmp_path / name).write_text("mine")
    arguments = ["data", "dates", "--split", "random", "--size", "20", "--seed", "0", "--out", str(tmp_path)]
    assert main(arguments) == 2 and "this is a run" in capsys.readouterr().err
    assert (tmp_path / "test.tsv").read_text() == "mine" and not (tmp_path / "train.tsv").exists()
