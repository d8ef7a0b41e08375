"""Beam search with penalties against all translations there are and against a beam that never stops early; sampling."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s.checks.invariances import reference_loops
from minis2s.data.batches import Sentences
from minis2s.data.vocabulary import BOS, EOS, SPECIAL, Vocabulary
from minis2s.decoding import search as searching
from minis2s.decoding.beam import Penalties, beam_lists, beam_search
from minis2s.decoding.greedy import greedy
from minis2s.decoding.sampling import pick, sample
from minis2s.decoding.search import Search, search_all, translate_all
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError
from minis2s.layers import cast, map_arrays
from minis2s.models import Config, Seq2Seq
from tests.conftest import KINDS, SIZES, SOURCES, assert_close, random_model, randomized, seeds

PENALTIES = [(0, 0), (0.6, 0), (1, 0), (0, 0.2), (0.8, 0.4), (2, 1)]


def pad(sources):
    return Sentences(sources).pad(np.arange(len(sources)))


def assert_same_hypotheses(got, want) -> None:
    """Compare hypotheses, or lists of them: tokens exactly, sums of products but for their last bits."""
    if isinstance(want, list):
        assert len(got) == len(want)
        for one, other in zip(got, want):
            assert_same_hypotheses(one, other)
        return
    assert (got.tokens, got.ended) == (want.tokens, want.ended)
    assert_close([got.log_probability, got.score], [want.log_probability, want.score])
    assert (got.alphas is None) == (want.alphas is None)
    if want.alphas is not None:
        assert_close(got.alphas, want.alphas)


def sharp_model(seed, kind="additive", vocabulary=10, late=0.0):
    """A model so sure of itself that its likeliest translations are of many lengths; ``late``: they end later."""
    config = Config(**SIZES | {"target_vocabulary": vocabulary}, attention=kind)
    model = randomized(np.random.default_rng(seed), Seq2Seq.init(np.random.default_rng(0), config))
    model = map_arrays(lambda array: 3 * array, model)
    model.output.b[EOS] -= late
    return model


def by_hand(model, source, tokens, length, coverage):
    """Score and log-probability of some tokens, the equation of the paper in plain loops."""
    log_p, alphas = reference_loops.log_probabilities(np, model, source, tokens) if tokens else ([], [])
    log_probability = sum(float(row[token]) for row, token in zip(log_p, tokens))
    lp = (5 + len(tokens)) ** length / (5 + 1) ** length
    cp = 0.0
    if coverage:
        for i in range(len(source)):
            cp += coverage * math.log(min(sum(float(alpha[i]) for alpha in alphas), 1.0))
    return log_probability / lp + cp, log_probability


def patient_beam(model, source, K, most, length, coverage):
    """A beam search of one sentence that goes on to the maximum length whatever it has found; all that it finished."""
    beam, finished = [(0.0, [], model.encode(pad([source])))], []
    for _ in range(most + 1):
        longer = []
        for log_probability, tokens, state in beam:
            log_p, after = model.decode_step(np.array([tokens[-1] if tokens else BOS]), state)
            longer += [(log_probability + float(p), [*tokens, i], after) for i, p in enumerate(log_p[0])]
        longer = sorted(longer, key=lambda one: -one[0])[:K]
        finished += [one[1] for one in longer if one[1][-1] == EOS]
        beam = [one for one in longer if one[1][-1] != EOS]
    return sorted(((by_hand(model, source, tokens, length, coverage), tokens) for tokens in finished), reverse=True)


def assert_is(hypothesis, scores, tokens):
    assert hypothesis.tokens + [EOS] * hypothesis.ended == tokens
    assert_close([hypothesis.score, hypothesis.log_probability], scores, 1e-10)


# Beam search


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, length, coverage", [(k, *p) for k in KINDS for p in PENALTIES if k != "none" or not p[1]]
)
def test_a_beam_of_everything_is_exhaustive_search(kind, length, coverage):
    targets = [[*t, EOS] for size in range(4) for t in itertools.product([0, 1, 3, 4], repeat=size)]
    sources, lengths = [SOURCES[0], SOURCES[3]], set()
    for seed in range(3):
        model = sharp_model(seed, kind, vocabulary=5, late=4)
        lists = beam_lists(model, pad(sources), 5**4, 3, 12, Penalties(length, coverage))
        for source, got in zip(sources, lists, strict=True):
            want = sorted((by_hand(model, source, target, length, coverage), target) for target in targets)[::-1]
            assert len(got) == 12
            for hypothesis, (scores, target) in zip(got, want):
                assert_is(hypothesis, scores, target)
            lengths |= {len(hypothesis.tokens) for hypothesis in got}
    assert lengths == {0, 1, 2, 3}


@pytest.mark.slow
@pytest.mark.parametrize("length, coverage", PENALTIES)
@pytest.mark.parametrize("beam_size, n_best", [(1, 1), (3, 1), (4, 4)])
def test_to_stop_early_loses_nothing(length, coverage, beam_size, n_best):
    most, shorter, lengths = 7, 0, set()

    def met():  # every case; a beam of one finishes one, so that its lists are never the shorter
        return len(lengths) > 3 and (shorter > 20 or beam_size == 1)

    for seed in range(40):
        if seed >= 8 and met():  # eight models, or more until they have met every case
            break
        model = sharp_model(seed, late=-2 * (seed % 2))
        for source, got in zip(
            SOURCES, beam_lists(model, pad(SOURCES), beam_size, most, n_best, Penalties(length, coverage))
        ):
            want = patient_beam(model, source, beam_size, most, length, coverage)
            shorter += len(want) > len(got)
            if want:
                assert len(got) == min(n_best, len(want))
                for hypothesis, (scores, tokens) in zip(got, want):
                    assert_is(hypothesis, scores, tokens)
                lengths.add(len(got[0].tokens))
            else:
                assert not any(hypothesis.ended for hypothesis in got)
    assert met()


@pytest.mark.parametrize("penalties", [Penalties(), Penalties(1.0), Penalties(0.6, 0.2)])
def test_it_does_stop_early(penalties, monkeypatch):
    steps, step = [], Seq2Seq.decode_step
    monkeypatch.setattr(
        Seq2Seq, "decode_step", lambda self, tokens, state: (steps.append(len(tokens)), step(self, tokens, state))[1]
    )
    model = sharp_model(7)
    model.output.b[EOS] += 5
    beam_lists(model, pad(SOURCES), 3, 200, 1, penalties)
    assert len(steps) < 50


def test_a_length_penalty_prefers_longer_translations():
    means = []
    for length in (0.0, 1.0, 3.0):
        lists = [beam_lists(sharp_model(seed), pad(SOURCES), 5, 12, 1, Penalties(length)) for seed in range(10)]
        means.append(np.mean([len(best.tokens) for found in lists for best, *_ in found]))
    assert means[0] < means[1] < means[2]


def test_a_coverage_penalty_prefers_what_has_looked_everywhere():
    def looked(coverage):
        lists = [beam_lists(sharp_model(seed), pad(SOURCES), 8, 12, 1, Penalties(0, coverage)) for seed in range(10)]
        return np.mean([best.alphas.sum(0).clip(0, 1).mean() for found in lists for best, *_ in found if best.ended])

    assert looked(0.0) < looked(1.0)


def test_a_position_never_looked_at_costs_much_but_not_everything():
    alphas = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    score = Penalties(0, 0.5).score(-1.0, 2, alphas)
    assert -1000 < score < -300 and score == -1 + 0.5 * math.log(np.finfo(float).tiny)
    assert Penalties(0, 0.5).score(-1.0, 1, np.array([[1.0]])) == -1.0
    assert Penalties(1.0).score(-6.0, 1, None) == -6.0 and Penalties(1.0).score(-6.0, 7, None) == -3.0


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
def test_a_beam_of_one_is_greedy_search_whatever_the_penalties(kind, dtype, seed):
    model = cast(random_model(np.random.default_rng(seed), kind), dtype)
    want = greedy(model, pad(SOURCES), 6)
    np.testing.assert_equal([found[0] for found in beam_lists(model, pad(SOURCES), 1, 6)], want)
    penalized = beam_lists(model, pad(SOURCES), 1, 6, 1, Penalties(0.7, 0.3 if kind == "additive" else 0))
    for (got,), hypothesis in zip(penalized, want):
        np.testing.assert_equal(got._replace(score=got.log_probability), hypothesis)
        assert got.score != got.log_probability or len(got.tokens) + got.ended == 1


@pytest.mark.slow
@given(seed=seeds)
def test_lists_in_a_batch_as_alone(seed):
    model, how = sharp_model(seed), (4, None, 3, Penalties(0.8, 0.2))
    for source, got in zip(SOURCES, beam_lists(model, pad(SOURCES), *how)):
        (alone,) = beam_lists(model, pad([source]), *how)
        assert [(one.tokens, one.ended) for one in got] == [(one.tokens, one.ended) for one in alone]
        assert_close([one.score for one in got], [one.score for one in alone])


@pytest.mark.slow
@pytest.mark.parametrize("penalties", [Penalties(), Penalties(0.8), Penalties(0.5, 0.5)])
def test_a_shorter_list_is_the_beginning_of_a_longer_one(penalties):
    for seed in range(5):
        model = sharp_model(seed)
        longest = beam_lists(model, pad(SOURCES), 6, 8, 6, penalties)
        for n_best in range(1, 6):
            got = beam_lists(model, pad(SOURCES), 6, 8, n_best, penalties)
            np.testing.assert_equal(got, [found[:n_best] for found in longest])
    np.testing.assert_equal(
        beam_search(model, pad(SOURCES), 6, 8), [f[0] for f in beam_lists(model, pad(SOURCES), 6, 8)]
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("coverage", [0.0, 5.0])
def test_where_nothing_ends_the_best_beginnings_are_returned(coverage):
    model, reordered = sharp_model(0, vocabulary=5), 0
    model.output.W[:], model.output.b[:] = 0.05 * model.output.W, 0.05 * model.output.b  # coverage shall matter
    model.output.b[EOS] = -np.inf  # a beam of 64 would else find an end, however unlikely
    for source, got in zip(SOURCES, beam_lists(model, pad(SOURCES), 64, 3, 5, Penalties(0.6, coverage))):
        every = [list(tokens) for tokens in itertools.product([0, 1, 3, 4], repeat=3)]  # the third looks at the first
        want = sorted((by_hand(model, source, tokens, 0.6, coverage), tokens) for tokens in every)[::-1]
        for hypothesis, (scores, tokens) in zip(got, want[:5], strict=True):
            assert not hypothesis.ended
            assert_is(hypothesis, scores, tokens)
        reordered += want != sorted(want, key=lambda one: -one[0][1])
    assert bool(reordered) == bool(coverage)
    (empty,) = beam_lists(model, pad([[4, 5]]), 3, 0, 2, Penalties(0.6, coverage))
    assert [(one.tokens, one.log_probability, one.ended) for one in empty] == [([], 0.0, False)]


class Diverged:
    """A model whose log-probabilities of one sentence, at one step, are no numbers any more."""

    def __init__(self, model, value, sentence, step):
        self.model, self.value, self.sentence, self.step = model, value, sentence, step

    def encode(self, source):
        self.steps = 0
        return self.model.encode(source)

    def decode_step(self, previous, state):
        log_p, state = self.model.decode_step(previous, state)
        if self.steps == self.step:
            log_p[self.sentence * len(log_p) // len(SOURCES) :] = self.value
        self.steps += 1
        return log_p, state


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("step", [0, 2])
@pytest.mark.parametrize("n_best, penalties", [(1, Penalties()), (3, Penalties(0.6, 0.2))])
def test_a_model_that_has_diverged_gives_each_sentence_a_translation(value, step, n_best, penalties):
    model = sharp_model(3, late=30)  # none ends before step 2
    lists = beam_lists(Diverged(model, value, 2, step), pad(SOURCES), 4, 6, n_best, penalties)
    assert all(1 <= len(found) <= n_best for found in lists)
    for found, want in zip(lists[:2], beam_lists(model, pad(SOURCES), 4, 6, n_best, penalties)):
        assert [one.tokens for one in found] == [one.tokens for one in want]
    assert all(len(one.tokens) == step and not one.ended for found in lists[2:] for one in found)


def test_a_wide_beam_searches_fewer_sentences_together(monkeypatch):
    model, sizes = random_model(np.random.default_rng(0), "none"), []
    batch = Search.batch
    monkeypatch.setattr(Search, "batch", lambda self, m, s, *a: sizes.append(len(s.mask)) or batch(self, m, s, *a))
    for beam in (1, 2, 3, 1000):
        sizes.clear()
        monkeypatch.setattr(searching, "MOST_ROWS", 6)
        search_all(model, Sentences(SOURCES), Search(beam=beam), size=4, max_length=2)
        assert sizes == {1: [4, 2], 2: [3, 3], 3: [2, 2, 2], 1000: [1] * 6}[beam]


@pytest.mark.parametrize("n_best", [0, 4])
def test_beam_lists_refuses(n_best):
    with pytest.raises(ValueError, match=f"n_best is {n_best}"):
        beam_lists(sharp_model(0), pad(SOURCES), 3, 3, n_best)


# Sampling


def probabilities(log_p, temperature, top_k, top_p):
    """What the docstring of ``pick`` says, one row in plain loops."""
    p = [math.exp(value) ** (1 / temperature) for value in log_p]
    order = sorted(range(len(p)), key=lambda i: (-p[i], i))[:top_k]
    kept, mass = [], 0.0
    for i in order:
        if top_p is None or mass < top_p * sum(p[j] for j in order):
            kept.append(i)
            mass += p[i]
    return [p[i] / mass if i in kept else 0.0 for i in range(len(p))]


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("top_k", [None, 1, 3, 8, 20])
@pytest.mark.parametrize("top_p", [None, 1e-9, 0.5, 0.9, 1.0])
def test_tokens_are_drawn_as_often_as_they_are_likely(temperature, top_k, top_p, rng):
    log_p = np.log(rng.dirichlet(np.full(8, 0.7), size=3))
    uniform = (np.arange(20_000) + 0.5) / 20_000  # evenly spread: frequencies are the probabilities, but for the ends
    for row in log_p:
        tokens = pick(np.tile(row, (len(uniform), 1)), uniform, temperature, top_k, top_p)
        got = np.bincount(tokens, minlength=8) / len(uniform)
        assert np.abs(got - probabilities(row, temperature, top_k, top_p)).max() < 1e-4


def test_the_fewest_that_hold_the_part_stay():
    row = np.log([[0.25, 0.5, 0.25]])  # exact in binary: sums of these are, too
    for top_p, last in ((0.25, 1), (0.5, 1), (0.51, 0), (0.75, 0), (0.76, 2), (1.0, 2)):
        assert pick(row, np.array([0.999]), top_p=top_p) == [last], top_p


@given(seed=seeds, top_k=st.integers(1, 12), top_p=st.floats(0.01, 1), temperature=st.floats(0.1, 5))
def test_nothing_outside_the_top_is_drawn(seed, top_k, top_p, temperature):
    rng = np.random.default_rng(seed)
    log_p = np.log(rng.dirichlet(np.ones(10), size=50))
    uniform = rng.random(50)
    uniform[:2] = 0, 1 - 2**-53
    for row, token in zip(log_p, pick(log_p, uniform, temperature, top_k, top_p)):
        likelier = row > row[token]
        assert likelier.sum() < top_k
        tempered = np.exp(np.sort(row)[::-1][:top_k] / temperature)
        assert tempered[: likelier.sum()].sum() < top_p * tempered.sum() * (1 + 1e-12)


@pytest.mark.parametrize("uniform", [0.0, 0.3, 1 - 2**-53])
@pytest.mark.parametrize("how", [{}, {"top_k": 3}, {"top_p": 1.0}, {"temperature": 1e-300}, {"temperature": 1e300}])
def test_what_has_no_probability_is_never_drawn(how, uniform):
    log_p = np.array([[-np.inf, -800.0, 0.0, -np.inf], [-900.0, -np.inf, -np.inf, 0.0]])
    assert pick(log_p, np.full(2, uniform), **{"temperature": 0.5} | how).tolist() == [2, 3] or how == {
        "temperature": 1e300
    }
    equal = pick(np.zeros((1, 4)), np.array([uniform]), **how)
    assert equal == int(uniform * (3 if "top_k" in how else 4))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", [{"top_k": 1}, {"top_p": 1e-12}, {"temperature": 1e-6}])
@given(seed=seeds)
def test_drawing_from_the_likeliest_only_is_greedy_search(how, kind, seed):
    model = random_model(np.random.default_rng(seed), kind)
    np.testing.assert_equal(sample(model, pad(SOURCES), range(6), **how, max_length=6), greedy(model, pad(SOURCES), 6))


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_whole_translations_are_drawn_as_often_as_they_are_likely(temperature):
    """Pearson's chi-square over all translations of a small model, those expected fewer than 8 times in one bin."""
    model, draws, most = sharp_model(3, vocabulary=5, late=3), 4000, 2
    model = map_arrays(lambda array: 0.5 * array, model)
    found = translate_all(
        model, Sentences([SOURCES[0]] * draws), Search(sample=True, temperature=temperature), max_length=most
    )
    counts = Counter(tuple(h.tokens + [EOS] * h.ended) for h in found)
    expected = {}
    for target in [
        [*t, *end] for n in range(most + 1) for t in itertools.product([0, 1, 3, 4], repeat=n) for end in ([EOS], [])
    ]:
        if target and (target[-1] == EOS or len(target) == most):
            log_p, _ = reference_loops.log_probabilities(np, model, SOURCES[0], target)
            p = np.prod([probabilities(row, temperature, None, None)[token] for row, token in zip(log_p, target)])
            if target[-1] != EOS:  # cut off: whatever would have come, but for the end
                after, _ = reference_loops.log_probabilities(np, model, SOURCES[0], [*target, EOS])
                p *= 1 - probabilities(after[-1], temperature, None, None)[EOS]
            expected[tuple(target)] = draws * p
    assert sum(expected.values()) == pytest.approx(draws) and set(counts) <= set(expected)
    often = [t for t in expected if expected[t] >= 8]
    seldom = draws - sum(expected[t] for t in often), draws - sum(counts[t] for t in often)
    terms = [(expected[t] - counts[t]) ** 2 / expected[t] for t in often] + [(seldom[0] - seldom[1]) ** 2 / seldom[0]]
    freedom = len(terms) - 1
    assert freedom > 8 and sum(terms) < freedom + 3 * math.sqrt(2 * freedom)


def test_the_log_probability_is_the_models_own():
    model = random_model(np.random.default_rng(1), "additive")
    for source, got in zip(SOURCES, sample(model, pad(SOURCES), range(6), 5, temperature=2.0, max_length=6)):
        tokens = got.tokens + [EOS] * got.ended
        assert_is(got, by_hand(model, source, tokens, 0, 0), tokens)
        assert got.alphas.shape == (len(tokens), len(source)) and got.score == got.log_probability


def drawn(model, sources, size=250, **how):
    return [h.tokens for h in translate_all(model, Sentences(sources), Search(sample=True, **how), size, 12)]


def test_a_sample_does_not_depend_on_the_batch(model):
    sources = SOURCES * 3
    want = drawn(model, sources)
    assert any(want[:6][i] != want[6:12][i] for i in range(6))  # the same source again has uniform of its own
    for size in (1, 4, 17):
        assert drawn(model, sources, size) == want
    numbers = [3, 1, 17]
    some = search_all(model, Sentences([sources[i] for i in numbers]), Search(sample=True), 2, 12, numbers)
    assert [h.tokens for (h,) in some] == [want[i] for i in numbers]


def test_a_sample_depends_on_the_seed_only(model):
    assert drawn(model, SOURCES, seed=4) == drawn(model, SOURCES, seed=4) != drawn(model, SOURCES, seed=5)
    longer = translate_all(model, Sentences(SOURCES), Search(sample=True), max_length=20)
    for short, long in zip(drawn(model, SOURCES), longer):
        assert long.tokens[:12] == short  # and not on how long it may become


def test_samples_of_texts_are_numbered_as_the_texts_are():
    source, target = (
        Vocabulary((*SPECIAL, *"abcdefg"[: SIZES[f"{side}_vocabulary"] - 4])) for side in ("source", "target")
    )
    translator = Translator(random_model(np.random.default_rng(2), "additive"), source, target, "char")
    texts, search = ["ab", "", "cab", "b", " ", "aabb"], Search(sample=True)
    want = [t.tokens for t in translator.translate(texts, search)]
    for start in range(6):
        assert [found[0].tokens for found in translator.n_best(texts[start:], search, first=start)] == want[start:]


# The record


def test_search_finds_what_it_says(model):
    sources = Sentences(SOURCES)
    assert_same_hypotheses(translate_all(model, sources, max_length=5), greedy(model, pad(SOURCES), 5))
    assert_same_hypotheses(search_all(model, sources, Search(4), max_length=5), beam_lists(model, pad(SOURCES), 4, 5))
    for search, penalties in [
        (Search(3, 0.7, n_best=2), Penalties(0.7)),
        (Search(1, 0.7), Penalties(0.7)),
        (Search(3, 0.0, 0.3, 3), Penalties(0.0, 0.3)),
    ]:
        if model.config.attends or not search.coverage_penalty:
            want = beam_lists(model, pad(SOURCES), search.beam, 5, search.n_best, penalties)
            got = search_all(model, sources, search, 4, 5)
            assert [[h.tokens for h in found] for found in got] == [[h.tokens for h in found] for found in want]
            assert_close(*([h.score for found in lists for h in found] for lists in (got, want)))
    drawn = search_all(model, sources, Search(sample=True, temperature=2.0, top_k=5, top_p=0.9, seed=3), max_length=5)
    want = sample(model, pad(SOURCES), range(6), 3, 2.0, 5, 0.9, 5)
    assert [found[0].tokens for found in drawn] == [h.tokens for h in want]


@pytest.mark.parametrize(
    "how, says",
    [
        ({"beam": 0}, "beam is 0; it must be a whole number of at least 1"),
        ({"beam": 2.0}, "beam is 2.0"),
        ({"beam": True}, "beam is True"),
        ({"n_best": 0}, "n_best is 0"),
        ({"n_best": 2}, "n_best is 2, but beam is 1; make beam at least 2"),
        ({"beam": 4, "n_best": 5}, "n_best is 5, but beam is 4"),
        ({"length_penalty": -0.1}, "length_penalty is -0.1; it must be a number from 0 to 10"),
        ({"coverage_penalty": math.nan}, "coverage_penalty is nan"),
        ({"length_penalty": math.inf}, "length_penalty is inf"),
        ({"sample": True, "temperature": 0.0}, "temperature is 0.0; it must be a number above 0"),
        ({"sample": True, "temperature": math.inf}, "temperature is inf"),
        ({"sample": True, "top_k": 0}, "top_k is 0"),
        ({"sample": True, "top_p": 0.0}, "top_p is 0.0; it must be above 0 and at most 1"),
        ({"sample": True, "top_p": 1.5}, "top_p is 1.5"),
        ({"sample": True, "seed": -1}, "seed is -1"),
        ({"sample": True, "beam": 3}, "beam is 3, which sampling has no use for; leave it out"),
        ({"sample": True, "n_best": 3}, "n_best is 3, which sampling"),
        ({"sample": True, "length_penalty": 0.5}, "length_penalty is 0.5, which sampling"),
        ({"temperature": 0.5}, "temperature is 0.5, which needs sample; choose that, or leave it out"),
        ({"top_k": 5}, "top_k is 5, which needs sample"),
        ({"top_p": 0.5}, "top_p is 0.5, which needs sample"),
        ({"seed": 1}, "seed is 1, which needs sample"),
    ],
)
def test_a_search_that_cannot_be_is_refused(how, says):
    with pytest.raises(InputError) as refused:
        Search(**how)
    assert says in str(refused.value) and "; " in str(refused.value)


def test_a_coverage_penalty_needs_attention():
    model = random_model(np.random.default_rng(0), "none")
    with pytest.raises(InputError, match="coverage_penalty needs attention"):
        translate_all(model, Sentences(SOURCES), Search(3, coverage_penalty=0.2))
