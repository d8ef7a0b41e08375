"""Byte-pair encoding: worked by hand, against the program of the paper's authors, and back from tokens to the text."""

import contextlib
import io
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minis2s.data.bpe import END, BytePairs, characters, learn_merges, merge_pair, neighbours
from minis2s.data.pairs import read_pairs
from tests.conftest import ROOT

FOLDER = ROOT / "datasets"
LOW = {"low": 5, "lower": 2, "newest": 6, "widest": 3}  # the example of section 3.2 of the paper


def random_texts(letters, longest, seed, size=150):
    rng = np.random.default_rng(seed)
    word = lambda: "".join(rng.choice(list(letters), rng.integers(1, longest + 1)))  # noqa: E731
    return [" ".join(word() for _ in range(5)) for _ in range(size)]


def texts_of(name, side, size):
    return [getattr(pair, side) for pair in read_pairs(FOLDER / f"{name}.tsv")[:size]]


CORPORA = {
    "two letters": lambda: (random_texts("ab", 12, 0), 150),  # long runs of one letter: pairs that overlap
    "one letter": lambda: (random_texts("a", 30, 1), 40),
    "accents": lambda: (random_texts("abcdéß☃", 9, 2), 400),  # runs out of pairs that occur twice
    "dates": lambda: (texts_of("dates", "source", 1000), 500),
    "reversed letters": lambda: (texts_of("reversal", "target", 800), 300),
    "German numbers": lambda: (texts_of("numbers_en_de", "target", 300), 100),
}


# Learning


def test_the_papers_example():
    assert learn_merges(LOW, 6) == (
        ("s", "t</w>"),  # 9 times, as are e-s and, once that is gone, e-st: the greatest goes first
        ("e", "st</w>"),
        ("l", "o"),  # 7
        ("w", "est</w>"),  # 6
        ("n", "e"),
        ("ne", "west</w>"),
    )


def test_merges_end_where_nothing_occurs_twice():
    assert learn_merges({"abc": 1, "xyz": 1}, 9) == ()
    assert learn_merges({"abc": 2}, 9) == (("b", "c</w>"), ("a", "bc</w>"))
    assert learn_merges({}, 9) == () == learn_merges({"a": 100}, 9) == learn_merges(LOW, 0)


def test_pairs_that_overlap_are_merged_from_the_left():
    assert merge_pair(("a", "a", "a", "a", "a</w>"), ("a", "a")) == ("aa", "aa", "a</w>")
    assert merge_pair(("b", "a", "a", "b"), ("a", "b")) == ("b", "a", "ab")


def slow_merges(words, most):
    """Algorithm 1 as the paper prints it: everything is counted anew for every merge."""
    cut = {word: (*word[:-1], word[-1] + "</w>") for word in words}
    merges = []
    for _ in range(most):
        counts = Counter()
        for word, pieces in cut.items():
            for pair in pairwise(pieces):
                counts[pair] += words[word]
        best = max(counts, key=lambda pair: (counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        merges.append(best)
        cut = {word: merge_pair(pieces, best) for word, pieces in cut.items()}
    return tuple(merges)


WORDS = st.text("abc", min_size=1, max_size=8)


@given(st.dictionaries(WORDS, st.integers(1, 9), max_size=12), st.integers(0, 30))
def test_counts_kept_up_to_date_are_counts_made_anew(words, most):
    assert learn_merges(words, most) == slow_merges(words, most)


@pytest.fixture
def reference():
    """Learn merges with the program of the paper's authors; give its merges and their file."""
    module = pytest.importorskip("subword_nmt.learn_bpe", reason="the known-good implementation: the extra dev")

    def learn(texts, merges):
        file = io.StringIO()
        with contextlib.redirect_stderr(io.StringIO()):
            module.learn_bpe(io.StringIO("\n".join(texts) + "\n"), file, merges)
        return [tuple(line.split(" ")) for line in file.getvalue().splitlines()[1:]], file

    return learn


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_merges_and_pieces_are_those_of_subword_nmt(reference, name):
    from subword_nmt.apply_bpe import BPE

    texts, merges = CORPORA[name]()
    half = texts[: len(texts) // 2]
    want, file = reference(half, merges)
    units = BytePairs.learn(half, merges)
    assert list(units.merges) == want and len(want) > 20
    theirs = BPE(file)
    for text in texts:  # those not learned from, too
        assert " ".join(units.split(text)) == theirs.segment(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_pieces_within_a_vocabulary_are_those_of_subword_nmt(reference, name):
    from subword_nmt.apply_bpe import BPE

    texts, merges = CORPORA[name]()
    half = texts[: len(texts) // 2]
    _, file = reference(half, merges)
    units = BytePairs.learn(half, merges)
    counts = Counter(token for text in half for token in units.split(text))
    known = {token for token, count in counts.items() if count >= 3}
    theirs, units = BPE(file, vocab=known), units.within(known)
    apart = 0
    for text in texts:
        assert " ".join(units.split(text)) == theirs.segment(text)
        apart += units.split(text) != units.within(counts).split(text)
    assert apart > 0 or name == "one letter"


# Cutting and joining


def slow_cut(units, word):
    """Pieces of a word as the paper cuts it: again and again, all pairs of the first merge that is there."""
    pieces = characters(word)
    while found := [pair for pair in neighbours(pieces) if pair in units.ranks]:
        pieces = merge_pair(pieces, min(found, key=units.ranks.__getitem__))
    return list(pieces)


PIECES = st.text("ab@", min_size=1, max_size=3)
LAST = PIECES.map(lambda piece: piece + END)


@settings(max_examples=300)
@given(st.lists(st.tuples(PIECES, PIECES | LAST), max_size=12), st.text("ab@", min_size=1, max_size=30))
def test_a_word_is_cut_merge_by_merge_in_any_order_of_merges(merges, word):
    units = BytePairs(tuple(merges))
    assert units._merged(characters(word)) == slow_cut(units, word)


def nested(size):
    """Merges that make one piece of a word, a letter at a time, and the word."""
    letters = [chr(0x4E00 + i) for i in range(size)]
    pieces = characters("".join(letters))
    return tuple(("".join(pieces[:i]), pieces[i]) for i in range(1, size)), letters


def test_merges_may_be_nested_thousands_deep():
    merges, letters = nested(3000)
    units, word = BytePairs(merges), "".join(letters)
    assert units.split(word) == [word]
    assert units.within(letters[-1:]).split(word) == [*(f"{letter}@@" for letter in letters[:-1]), letters[-1]]


def test_each_pair_of_a_long_word_is_looked_at_once(monkeypatch):
    """Not once a merge: a text without spaces is one word."""
    merges, letters = nested(300)
    looked = []

    class Ranks(dict):
        def get(self, pair, default=None):
            looked.append(pair)
            return super().get(pair, default)

    units = BytePairs(merges)
    units.__dict__["ranks"] = Ranks({merge: rank for rank, merge in enumerate(merges)})
    assert units.split("".join(letters)) == ["".join(letters)] and len(looked) < 3 * 300


def test_pieces_are_marked():
    units = BytePairs((("l", "o"), ("s", "t</w>"), ("e", "st</w>")))
    assert units.split(" low\u00a0widest ") == ["lo@@", "w", "w@@", "i@@", "d@@", "est"]
    assert units.join(["lo@@", "w", "w@@", "i@@", "d@@", "est"]) == "low widest"
    assert units.join(["lo@@", "<unk>", "lo@@"]) == "lo<unk> lo"  # a translation may stop in the middle of a word
    assert units.join([]) == "" and units.split(" ") == []


def test_a_piece_never_seen_is_taken_apart():
    units = BytePairs((("a", "b"), ("ab", "c"), ("abc", "d</w>")))
    assert units.split("abcx abcd") == ["abc@@", "x", "abcd"]
    assert units.within(["abcd", "ab@@", "c@@", "x"]).split("abcx abcd") == ["ab@@", "c@@", "x", "abcd"]
    assert units.within(["c@@", "x"]).split("abcx") == ["a@@", "b@@", "c@@", "x"]  # no smaller than characters
    two_ways = BytePairs((("a", "b"), ("ab", "c"), ("b", "c"), ("a", "bc")))
    assert two_ways.within(["a@@", "bc@@", "ab@@", "c@@"]).split("abcx") == ["ab@@", "c@@", "x"]  # as it was first made


def test_a_merge_that_comes_twice_counts_from_the_first():
    assert BytePairs((("a", "b"), ("b", "c"), ("a", "b"))).split("abcx") == ["ab@@", "c@@", "x"]


def test_the_same_text_is_cut_once():
    units = BytePairs.learn(["low low"], 5)
    units.split("low low lower")
    assert units.pieces_of.cache_info().misses == 2
    assert units.pieces_of.cache_info().maxsize


def test_gold_alignments_count_words():
    units = BytePairs(())
    tokens = units.split("ab c def")
    assert tokens == ["a@@", "b", "c", "d@@", "e@@", "f"]
    assert units.positions(tokens) == [0, 0, 1, 2, 2, 2]
    assert units.positions([]) == [] and units.positions(["a"]) == [0]


ODD = st.text(st.sampled_from("ab@</w>é☃\u0301"), min_size=1, max_size=9)  # the marks themselves among the letters
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.split() == [text])


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(ODD | ANY, min_size=1, max_size=8), st.lists(ODD | ANY, max_size=8), st.integers(0, 60), st.booleans())
def test_any_words_come_back(words, learned, merges, known):
    units = BytePairs.learn([" ".join(learned + words)] * 2, merges)
    if known:
        units = units.within(token for token in units.split(" ".join(learned)))
    text = " ".join(words)
    assert units.join(units.split(text)) == text


@pytest.mark.parametrize("word", ["@@", "a@@", "@", "@@@@@", "a@@b", "</w>", "a</w>", "x@@</w>"])
def test_words_that_look_like_marks_come_back(word):
    units = BytePairs.learn([f"{word} a {word} b@@ {word}"] * 9, 99)
    for text in (word, f"{word} a", f"a {word} {word} a"):
        assert units.join(units.split(text)) == text


def test_learning_follows_nothing_but_the_text():
    texts = texts_of("dates", "source", 100)
    assert BytePairs.learn(texts, 200) == BytePairs.learn(texts[::-1], 200)  # nor the order of words in a set
