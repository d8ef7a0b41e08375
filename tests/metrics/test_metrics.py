"""BLEU and chrF against sacreBLEU and by hand; alignments, counts and the bootstrap against plain loops."""

import math
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minis2s import metrics
from minis2s.metrics.bleu import SMOOTHINGS, ngrams
from minis2s.metrics.bootstrap import BOOTSTRAP_STREAM

few_tokens = st.lists(st.sampled_from(["a", "b", "c", "é", "漢", "$", "<unk>"]), max_size=9)
corpora = st.lists(st.tuples(few_tokens, few_tokens), min_size=1, max_size=5)
texts = st.text(alphabet="abc é𝔘\u3000.", max_size=20)
text_corpora = st.lists(st.tuples(texts, texts), min_size=1, max_size=5)


def corpus_bleu(hypotheses, references, **options):
    return metrics.bleu(metrics.bleu_statistics(hypotheses, references).sum(0), **options)


def corpus_chrf(hypotheses, references):
    return metrics.chrf(metrics.chrf_statistics(hypotheses, references).sum(0))


# BLEU


@pytest.mark.slow
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("effective_order", [False, True])
@given(corpus=corpora)
@example(corpus=[([], ["a"])])
@example(corpus=[([], [])])
@example(corpus=[(["a"], []), (["b"], ["b"])])
@example(corpus=[(["a"], ["a", "b"])])
@example(corpus=[(["a", "b", "c"], ["a", "b", "c"])])
@example(corpus=[(["a", "b", "c", "a", "b"], ["b", "a", "c", "b", "b", "b"])])
def test_bleu_equals_sacrebleu(smoothing, effective_order, corpus):
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacreBLEU is the yardstick of BLEU and chrF")
    hypotheses, references = zip(*corpus)
    joined = [[" ".join(tokens) for tokens in sentences] for sentences in (hypotheses, references)]
    theirs = sacrebleu.BLEU(
        tokenize="none", smooth_method=smoothing, effective_order=effective_order, force=True
    ).corpus_score(joined[0], [joined[1]])
    ours = corpus_bleu(hypotheses, references, smoothing=smoothing, effective_order=effective_order)
    assert ours == pytest.approx(theirs.score, rel=0, abs=1e-9)
    sums = metrics.bleu_statistics(hypotheses, references).sum(0)
    assert sums[:2].tolist() == [theirs.sys_len, theirs.ref_len]


@given(corpus=corpora, value=st.floats(0.01, 3))
def test_smoothing_values_are_those_of_sacrebleu(corpus, value):
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacreBLEU is the yardstick of BLEU and chrF")
    for smoothing in ("floor", "add-k"):
        yardstick = sacrebleu.BLEU(
            tokenize="none", smooth_method=smoothing, smooth_value=value, effective_order=True, force=True
        )
        for hypothesis, reference in corpus:
            theirs = yardstick.sentence_score(" ".join(hypothesis), [" ".join(reference)]).score
            ours = corpus_bleu([hypothesis], [reference], smoothing=smoothing, value=value, effective_order=True)
            assert ours == pytest.approx(theirs, rel=0, abs=1e-9)


def test_bleu_by_hand():
    the, cat = ["the"] * 7, "the cat is on the mat".split()  # Papineni et al. 2002, section 2.1: precision 2/7
    assert metrics.bleu_statistics([the], [cat])[0].tolist() == [7, 6, 2, 0, 0, 0, 7, 6, 5, 4]
    hypothesis, reference = "a b c d x".split(), "a b c d e f".split()
    want = 100 * math.exp(1 - 6 / 5) * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert corpus_bleu([hypothesis], [reference]) == pytest.approx(want, rel=1e-14)
    # no trigram matches: half a match of three, then a quarter of a match of two
    want = 100 * (4 / 5 * 2 / 4 * (1 / 2) / 3 * (1 / 4) / 2) ** 0.25
    assert corpus_bleu(["a b x c d".split()], ["a b y c d".split()]) == pytest.approx(want, rel=1e-14)
    assert corpus_bleu(["a b x c d".split()], ["a b y c d".split()], smoothing="none") == 0.0


def test_bleu_of_a_corpus_is_not_the_mean_of_its_sentences():
    hypotheses, references = [list("abcd"), list("abcdefgh")], [list("abcd"), list("abcdxfgh")]
    pooled = (11 / 12 * 8 / 10 * 5 / 8 * 2 / 6) ** 0.25
    assert corpus_bleu(hypotheses, references) == pytest.approx(100 * pooled, rel=1e-14)


def test_effective_order_is_for_short_sentences():
    assert corpus_bleu([["a", "b"]], [["a", "b"]]) == 0.0
    assert corpus_bleu([["a", "b"]], [["a", "b"]], effective_order=True) == pytest.approx(100)


@given(corpus=corpora)
def test_effective_order_changes_nothing_where_there_are_four_tokens(corpus):
    corpus = [*corpus, (list("abca"), list("abc"))]
    both = [corpus_bleu(*zip(*corpus), effective_order=effective) for effective in (False, True)]
    assert both[0] == both[1]


def test_unknown_smoothing_is_refused():
    with pytest.raises(ValueError, match="smoothing is 'nist'; choose one of none, exp, floor, add-k"):
        metrics.bleu(np.ones(10), smoothing="nist")


def test_ngrams_of_tokens_and_characters():
    assert ngrams(["a", "b", "a", "b"], 2) == {("a", "b"): 2, ("b", "a"): 1}
    assert ngrams("aab", 2) == {("a", "a"): 1, ("a", "b"): 1} and not ngrams("a", 2)


# chrF


@given(corpus=text_corpora)
@example(corpus=[("", "")])
@example(corpus=[("a", "")])
@example(corpus=[("", "a")])
@example(corpus=[("abcdefg", "a"), ("a", "abcdefg")])
def test_chrf_equals_sacrebleu(corpus):
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacreBLEU is the yardstick of BLEU and chrF")
    hypotheses, references = map(list, zip(*corpus))
    theirs = sacrebleu.CHRF().corpus_score(hypotheses, [references]).score
    assert corpus_chrf(hypotheses, references) == pytest.approx(theirs, rel=0, abs=1e-9)
    for hypothesis, reference in corpus:
        theirs = sacrebleu.CHRF().sentence_score(hypothesis, [reference]).score
        assert corpus_chrf([hypothesis], [reference]) == pytest.approx(theirs, rel=0, abs=1e-9)


def test_chrf_by_hand():
    # "ab" against "abc": precisions 1 and 1, recalls 2/3 and 1/2; "ab" has no run of three, so two orders count
    P, R = 1, (2 / 3 + 1 / 2) / 2
    assert corpus_chrf(["a b"], ["abc"]) == pytest.approx(100 * 5 * P * R / (4 * P + R), rel=1e-14)
    assert corpus_chrf(["abc"], ["abc"]) == pytest.approx(100) and corpus_chrf(["x"], ["abc"]) == 0.0


def test_fixtures_in_words_and_letters():
    """What sacreBLEU 2.6.0 prints, for those who do not have it."""
    hypotheses = ["the cat sat on mat", "hello world", "", "a b c d e f g"]
    references = ["the cat sat on the mat", "hello there world", "silence", "a b c x e f g"]
    tokens = [[text.split() for text in sentences] for sentences in (hypotheses, references)]
    assert corpus_bleu(*tokens) == pytest.approx(38.02084398572604, rel=0, abs=1e-9)
    assert corpus_chrf(hypotheses, references) == pytest.approx(46.20238564613213, rel=0, abs=1e-9)


# Counts


def test_repeated_and_dropped_by_hand():
    rows = metrics.count_statistics(
        [list("aab"), list("abbb"), list("xyz"), list("xxz"), []],
        [list("abb"), list("ab"), list("abc"), list("abc"), list("ab")],
    )
    assert rows.tolist() == [[3, 3, 1, 1], [4, 2, 2, 0], [3, 3, 0, 3], [3, 3, 1, 3], [0, 2, 0, 2]]
    sums = rows.sum(0)
    assert metrics.brevity_ratio(sums) == 1.0
    assert metrics.repeated(sums) == pytest.approx(400 / 13) and metrics.dropped(sums) == pytest.approx(900 / 13)


@given(corpus=corpora)
def test_counts_are_those_of_plain_loops(corpus):
    for row, (hypothesis, reference) in zip(metrics.count_statistics(*zip(*corpus)).tolist(), corpus):
        repeated = 0
        for i, word in enumerate(hypothesis):
            said = hypothesis[: i + 1].count(word)
            repeated += said > 1 and said > reference.count(word)
        left = list(reference)
        for word in hypothesis:
            if word in left:
                left.remove(word)
        assert row == [len(hypothesis), len(reference), repeated, len(left)]


# Alignments


def test_argmax_links():
    assert metrics.argmax_links(np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])) == [(1, 0), (0, 1)]
    assert metrics.argmax_links(np.zeros((0, 3))) == []


def test_alignment_error_rate_by_hand():
    """Och & Ney 2003: sure links have to be found, possible ones may be."""
    found = [[(0, 0), (1, 1), (2, 2), (5, 3)]]
    sure, possible = [[(0, 0), (1, 1), (4, 4)]], [[(2, 2)]]
    sums = metrics.alignment_statistics(found, sure, possible).sum(0)
    assert sums.tolist() == [4, 3, 2, 3]
    assert metrics.precision(sums) == 3 / 4 and metrics.recall(sums) == 2 / 3
    assert metrics.alignment_error_rate(sums) == pytest.approx(1 - (2 + 3) / (4 + 3))


def test_any_of_several_gold_sources_is_right_and_all_are_wanted():
    sums = metrics.alignment_statistics([[(1, 0)]], [[(0, 0), (1, 0), (2, 0)]])[0]
    assert metrics.precision(sums) == 1.0 and metrics.recall(sums) == 1 / 3
    assert metrics.alignment_error_rate(sums) == 0.5


links = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1)


@given(found=links, gold=links)
def test_with_sure_links_only_aer_is_one_minus_f1(found, gold):
    sums = metrics.alignment_statistics([found], [gold])[0]
    P, R = metrics.precision(sums), metrics.recall(sums)
    F = 2 * P * R / (P + R) if P + R else 0.0
    assert metrics.alignment_error_rate(sums) == pytest.approx(1 - F, abs=1e-15)


def test_offsets_by_hand():
    gold = [[(0, 0), (2, 1), (4, 1), (3, 2)], [(1, 0), (6, 1), (2, 3)]]
    found = [[(0, 0), (3, 1), (2, 2), (9, 3)], [(3, 0), (1, 1), (0, 2), (2, 3)]]
    # 0; 3 lies between 2 and 4, so it is -1 from 4; -1; (9, 3) has no gold. 2; -5; (0, 2) has no gold; 0.
    want = {"-2": 0, "-1": 2 / 6, "0": 2 / 6, "1": 0, "2": 1 / 6, "farther": 1 / 6}
    assert metrics.offsets(found, gold) == pytest.approx(want) and list(metrics.offsets([], [])) == list(want)


def test_merged_adds_columns_and_averages_rows(rng):
    alphas = rng.random((5, 6))
    alphas /= alphas.sum(1, keepdims=True)
    source, target = [0, 0, 1, 2, 2, 3], [0, 1, 1, 1, 2]
    got = metrics.merged(alphas, source, target)
    want = np.zeros((3, 4))
    for t, i in enumerate(target):
        for s, j in enumerate(source):
            want[i, j] += alphas[t, s] / target.count(i)
    np.testing.assert_allclose(got, want, rtol=1e-14)
    np.testing.assert_allclose(got.sum(1), 1)
    np.testing.assert_array_equal(metrics.merged(alphas, range(6), range(5)), alphas)


# Bootstrap


@pytest.mark.parametrize("name", ["share", "bleu", "chrf", "alignment_error_rate"])
def test_interval_is_that_of_a_plain_loop(rng, name):
    reference = [list(rng.choice(list("abcd"), 6)) for _ in range(30)]
    hypothesis = [[w if rng.random() < 0.7 else "a" for w in sentence] for sentence in reference]
    statistics = {
        "share": np.array([[h == r, 1] for h, r in zip(hypothesis, reference)], int),
        "bleu": metrics.bleu_statistics(hypothesis, reference),
        "chrf": metrics.chrf_statistics(*(["".join(tokens) for tokens in side] for side in (hypothesis, reference))),
        "alignment_error_rate": rng.integers(1, 5, (30, 1)) + np.array([[4, 3, 0, 1]]),
    }[name]
    score = getattr(metrics, name)
    draws = np.random.default_rng([3, BOOTSTRAP_STREAM])
    scores = []
    for _ in range(200):
        sums = 0
        for i in draws.integers(30, size=30):
            sums = sums + statistics[i]
        scores.append(score(sums))
    scores.sort()
    low, high = metrics.interval(statistics, score, resamples=200, seed=3)
    assert scores[4] <= low <= scores[5] and scores[194] <= high <= scores[195]  # 5 of 200 are left out at each end
    assert low < score(statistics.sum(0)) < high


def test_same_seed_same_interval():
    rows = np.array([[1, 1], [0, 1], [1, 1], [0, 1], [1, 1]])
    one, same, other = (metrics.interval(rows, metrics.share, resamples=50, level=0.5, seed=s) for s in (0, 0, 2))
    assert one == same != other


def test_intervals_cover_the_truth_as_often_as_they_say(rng):
    """Of many data sets, the true rate lies in nearly 95 % of their intervals."""
    covered = 0
    for _ in range(200):
        right = (rng.random(100) < 0.7).astype(int)
        low, high = metrics.interval(np.stack([right, np.ones(100, int)], 1), metrics.share, resamples=200)
        covered += low <= 0.7 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_all_right_has_an_interval_without_width():
    assert metrics.interval(np.ones((9, 2), int), metrics.share) == (1.0, 1.0)


def test_a_thousand_pairs_take_less_than_a_second(rng):
    reference = [list(rng.choice(list("abcdefgh"), 12)) for _ in range(1000)]
    statistics = metrics.bleu_statistics(reference, reference[::-1])
    start = time.perf_counter()
    metrics.interval(statistics, metrics.bleu)
    assert time.perf_counter() - start < 1


def test_by_length_by_hand():
    rows = np.array([[1, 1], [0, 1], [1, 1], [0, 1], [1, 1]])
    got = metrics.by_length(rows, metrics.share, [3, 5, 3, 3, 4])
    assert {size: point[:2] for size, point in got.items()} == {3: (2 / 3, 3), 4: (1.0, 1), 5: (0.0, 1)}
    assert list(got) == [3, 4, 5] and got[3][2:] == metrics.interval(rows[[0, 2, 3]], metrics.share)


@settings(max_examples=8)  # a thousand resamples each
@given(lengths=st.lists(st.integers(1, 80), min_size=1, max_size=30), groups=st.integers(1, 9))
def test_lengths_are_grouped_in_ranges_of_equal_width(lengths, groups):
    rows = np.ones((len(lengths), 2), int)
    got = metrics.by_length(rows, lambda sums: float(sums[1]), lengths, groups)
    assert len(got) <= groups and sum(point[1] for point in got.values()) == len(lengths)
    assert list(got) == sorted(got)
    mean = sum(size * count for size, (_, count, *_) in got.items()) / len(lengths)
    assert mean == pytest.approx(np.mean(lengths))
