"""Greedy search against the paper's loop, beam search against all translations, batches against single sentences."""

import itertools
import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s import threads_and_memory
from minis2s.checks.invariances import reference_loops
from minis2s.data.batches import Examples, Sentences, make_batch
from minis2s.data.pairs import Pair
from minis2s.data.vocabulary import BOS, EOS, PAD, SPECIAL, UNK, Vocabulary
from minis2s.decoding.beam import beam_search
from minis2s.decoding.evaluate import evaluate, teacher_forced
from minis2s.decoding.greedy import Hypothesis, greedy
from minis2s.decoding.search import translate_all
from minis2s.decoding.translator import Translator
from minis2s.layers import cast, map_arrays
from minis2s.metrics import exact_match, exact_match_by_length, perplexity
from minis2s.models import Config, Seq2Seq
from tests.conftest import (
    KINDS,
    SIZES,
    SOURCES,
    TARGETS,
    assert_close,
    first_that,
    random_model,
    randomized,
    says_real_tokens_only,
    seeds,
)


def pad(sources):
    return Sentences(sources).pad(np.arange(len(sources)))


def model_that_says(token, kind="additive"):
    """A model that says one token for ever."""
    model = random_model(np.random.default_rng(0), kind)
    model.output.W[:] = 0
    model.output.b[:] = np.where(np.arange(len(model.output.b)) == token, 5.0, 0.0)
    return model


def ready_to_end(model):
    """The same model, but its translations soon end and hold real tokens only."""
    model.output.b[EOS] += 1
    return says_real_tokens_only(model)


def assert_same_hypothesis(got, tokens, log_probability, alphas, tolerance=1e-12):
    assert got.tokens == tokens
    assert_close(got.log_probability, log_probability, tolerance)
    if alphas is None or len(alphas) == 0:
        assert got.alphas is None
    else:
        assert_close(got.alphas, alphas, tolerance)


# Greedy search


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds, max_length=st.integers(1, 8))
def test_greedy_equals_the_paper(kind, seed, max_length):
    model = random_model(np.random.default_rng(seed), kind)
    for source, got in zip(SOURCES, greedy(model, pad(SOURCES), max_length)):
        assert_same_hypothesis(got, *reference_loops.greedy(np, model, source, max_length))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_length", [3, None])
@given(seed=seeds)
def test_in_a_batch_as_alone(kind, max_length, seed):
    model = random_model(np.random.default_rng(seed), kind)
    for source, got in zip(SOURCES, greedy(model, pad(SOURCES), max_length)):
        (alone,) = greedy(model, pad([source]), max_length)
        assert_same_hypothesis(got, alone.tokens, alone.log_probability, alone.alphas)
        assert got.ended == alone.ended


def test_some_sentences_end_early_and_some_not_at_all(rng):
    """The two tests above meet every case."""
    lengths, ends = set(), set()
    for _ in range(100):
        for hypothesis in greedy(random_model(rng, "additive"), pad(SOURCES), 6):
            lengths.add(len(hypothesis.tokens))
            ends.add(hypothesis.ended)
    assert ends == {True, False} and len(lengths) > 4


@pytest.mark.parametrize("kind", KINDS)
def test_stops_at_the_end_sign(kind):
    for hypothesis in greedy(model_that_says(EOS, kind), pad(SOURCES)):
        assert hypothesis.tokens == [] and hypothesis.ended
        assert_close(hypothesis.log_probability, 5.0 - math.log(math.exp(5.0) + 9))
        assert hypothesis.alphas is None if kind == "none" else len(hypothesis.alphas) == 1


@pytest.mark.parametrize("max_length", [0, 1, 4])
def test_maximum_length_is_kept_to(max_length):
    for source, hypothesis in zip(SOURCES, greedy(model_that_says(7), pad(SOURCES), max_length)):
        assert hypothesis.tokens == [7] * max_length and not hypothesis.ended
        assert_close(hypothesis.log_probability, max_length * (5.0 - math.log(math.exp(5.0) + 9)))
        if max_length:
            assert hypothesis.alphas.shape == (max_length, len(source))


def test_by_default_the_maximum_length_is_twice_the_source_and_ten():
    for source in SOURCES:
        (hypothesis,) = greedy(model_that_says(7), pad([source]))
        assert len(hypothesis.tokens) == 2 * len(source) + 10


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_tokens_as_allowed_and_then_the_end_has_ended(kind):
    found = 0
    for seed in range(30):
        model = random_model(np.random.default_rng(seed), kind)
        for source, free in zip(SOURCES, greedy(model, pad(SOURCES), 20)):
            if free.ended and free.tokens:
                size = len(free.tokens)
                (exact,), (short,) = greedy(model, pad([source]), size), greedy(model, pad([source]), size - 1)
                assert exact.tokens == free.tokens and exact.ended
                assert short.tokens == free.tokens[:-1] and not short.ended
                assert short.log_probability > free.log_probability
                found += 1
    assert found > 3


def test_alphas_are_weights_over_the_real_source(rng):
    for source, hypothesis in zip(SOURCES, greedy(random_model(rng, "additive"), pad(SOURCES), 5)):
        assert hypothesis.alphas.shape == (len(hypothesis.tokens) + hypothesis.ended, len(source))
        assert (hypothesis.alphas > 0).all()
        assert_close(hypothesis.alphas.sum(1), np.ones(len(hypothesis.alphas)))


def test_log_probability_is_the_teacher_forced_one(model):
    for source, hypothesis in zip(SOURCES, greedy(model, pad(SOURCES), 30)):
        if hypothesis.ended:
            assert_close(-hypothesis.log_probability, reference_loops.nll(np, model, source, hypothesis.tokens), 1e-10)


# Beam search. A beam of 5 need not beat greedy search: the beginning that greedy follows may fall out of the beam, and
# all that stay may end worse. Only a beam that holds every beginning is sure to find the likeliest translation.


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("max_length", [0, 1, 3, 8, None])
@given(seed=seeds)
def test_a_beam_of_one_is_greedy_search_to_the_last_bit(kind, dtype, max_length, seed):
    model = cast(random_model(np.random.default_rng(seed), kind), dtype)
    np.testing.assert_equal(beam_search(model, pad(SOURCES), 1, max_length), greedy(model, pad(SOURCES), max_length))


def sharp_model(seed, kind, vocabulary=10):
    """A model so sure of itself that its likeliest translations are of many lengths, not all empty."""
    config = Config(**SIZES | {"target_vocabulary": vocabulary}, attention=kind)
    model = randomized(np.random.default_rng(seed), Seq2Seq.init(np.random.default_rng(0), config))
    return map_arrays(lambda array: 3 * array, model)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_beam_of_everything_finds_the_likeliest_of_all_translations(kind):
    targets = [target for size in range(4) for target in itertools.product([PAD, BOS, UNK, 4], repeat=size)]
    assert len(targets) == 85  # of up to three tokens and the end sign
    sources, lengths = [SOURCES[0], SOURCES[3]], set()
    for seed in range(40):
        if seed >= 5 and lengths == {0, 1, 2, 3}:  # five models, or more until every length was met
            break
        model = sharp_model(seed, kind, vocabulary=5)
        model.output.b[EOS] -= 5
        for source, got in zip(sources, beam_search(model, pad(sources), 5**4, max_length=3)):
            losses = [model.loss(make_batch([source], [target]))[0] * (len(target) + 1) for target in targets]
            assert got.ended and tuple(got.tokens) == targets[np.argmin(losses)]
            assert_close(-got.log_probability, min(losses))
            lengths.add(len(got.tokens))
    assert lengths == {0, 1, 2, 3}


@pytest.mark.parametrize("kind", KINDS)
def test_a_beam_that_is_cut_off_keeps_the_likeliest_beginning(kind):
    model = sharp_model(0, kind, vocabulary=5)
    model.output.b[EOS] = -50
    for source, got in zip(SOURCES, beam_search(model, pad(SOURCES), 4, max_length=2)):
        scores = {
            pair: reference_loops.log_probabilities(np, model, source, pair)[0][[0, 1], pair].sum()
            for pair in itertools.product([PAD, BOS, UNK, 4], repeat=2)
        }
        assert not got.ended and tuple(got.tokens) == max(scores, key=scores.get)
        assert_close(got.log_probability, max(scores.values()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beam_size, max_length", [(2, 3), (5, None), (12, 6)])
@given(seed=seeds)
def test_beam_search_in_a_batch_as_alone_and_what_it_reports_is_true(kind, beam_size, max_length, seed):
    model = sharp_model(seed, kind)
    for source, got in zip(SOURCES, beam_search(model, pad(SOURCES), beam_size, max_length)):
        (alone,) = beam_search(model, pad([source]), beam_size, max_length)
        assert_same_hypothesis(got, alone.tokens, alone.log_probability, alone.alphas)
        assert got.ended == alone.ended and EOS not in got.tokens
        written = got.tokens + [EOS] * got.ended
        log_p, alphas = reference_loops.log_probabilities(np, model, source, written)
        assert_close(got.log_probability, log_p[np.arange(len(written)), written].sum(), 1e-10)
        if kind == "additive":
            assert_close(got.alphas, alphas)
            assert_close(got.alphas.sum(1), np.ones(len(written)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_beam_stops_as_soon_as_nothing_can_be_likelier(kind, monkeypatch):
    rows, step = [], Seq2Seq.decode_step
    monkeypatch.setattr(
        Seq2Seq, "decode_step", lambda self, tokens, state: (rows.append(len(tokens)), step(self, tokens, state))[1]
    )
    beam_search(model_that_says(EOS, kind), pad(SOURCES), 3)
    assert rows == [3 * 6]
    model, start = sharp_model(7, kind), len(rows)
    beam_search(model, pad(SOURCES), 3)
    alone = len(rows)
    for source in SOURCES:
        beam_search(model, pad([source]), 3)
    assert alone > start + 1 and sum(rows[start:alone]) == sum(rows[alone:])  # who is done leaves the batch


@pytest.mark.parametrize("beam_size, max_length, says", [(0, 3, "beam_size is 0"), (2, -1, "max_length is -1")])
def test_beam_search_refuses(model, beam_size, max_length, says):
    with pytest.raises(ValueError, match=says):
        beam_search(model, pad(SOURCES), beam_size, max_length)


# Whole data sets


def test_translate_all_keeps_the_order(model):
    sources = SOURCES * 3
    want = [reference_loops.greedy(np, model, source, 6) for source in sources]
    for size in (1, 4, 250):
        got = translate_all(model, Sentences(sources), size=size, max_length=6)
        for hypothesis, reference_ in zip(got, want, strict=True):
            assert_same_hypothesis(hypothesis, *reference_)


def test_a_search_leaves_the_process_as_it_is(model, monkeypatch):
    monkeypatch.setattr(threads_and_memory.ctypes, "CDLL", lambda path: pytest.fail("a library was asked"))
    translate_all(model, Sentences(SOURCES), max_length=2)


def by_hand(model, sources, targets):
    """Exact match, token accuracy and nats per token, a sentence at a time."""
    right, likeliest, nats, tokens = 0, 0, 0.0, 0
    for source, target in zip(sources, targets):
        right += reference_loops.greedy(np, model, source, 2 * len(source) + 10)[0] == target
        log_p, _ = reference_loops.log_probabilities(np, model, source, [*target, EOS])
        likeliest += sum(int(np.argmax(row)) == token for row, token in zip(log_p, [*target, EOS]))
        nats += reference_loops.nll(np, model, source, target)
        tokens += len(target) + 1
    return right / len(sources), likeliest / tokens, nats / tokens


def test_evaluate_by_hand(model):
    hypotheses = greedy(ready_to_end(model), pad(SOURCES), 10)
    targets = [h.tokens if h.ended else target for h, target in zip(hypotheses[:4], TARGETS)] + TARGETS[4:]
    result = evaluate(model, Examples.of(SOURCES, targets))
    exact, accuracy, nll = by_hand(model, SOURCES, targets)
    assert result.pairs == 6 and result.exact_match == exact and 0 < exact < 1
    assert result.token_accuracy == pytest.approx(accuracy, rel=1e-12)
    assert result.nll_per_token == pytest.approx(nll, rel=1e-12)
    assert result.perplexity == pytest.approx(math.exp(nll), rel=1e-12)


def test_teacher_forced_is_the_same_in_any_batches(model):
    examples = Examples.of(SOURCES, TARGETS)
    want = teacher_forced(model, examples)
    for size in (1, 2, 5):
        assert teacher_forced(model, examples, size) == pytest.approx(want, rel=1e-12)


def test_a_target_with_an_unknown_token_is_never_right(monkeypatch):
    said = [[4, UNK], [4, 5], [UNK]]
    hypotheses = [Hypothesis(tokens, -1.0, None, True, -1.0) for tokens in said]
    monkeypatch.setattr("minis2s.decoding.evaluate.translate_all", lambda *_: hypotheses)
    model = random_model(np.random.default_rng(0), "additive")
    assert evaluate(model, Examples.of(SOURCES[:3], said)).exact_match == 1 / 3


def test_an_unknown_token_is_never_right():
    result = evaluate(model_that_says(UNK), Examples.of(SOURCES, [[UNK] * 3] * 6))
    assert result.token_accuracy == 0.0


def test_a_translation_that_was_cut_off_is_not_right():
    targets = [[7] * (2 * len(source) + 10) for source in SOURCES]
    assert evaluate(model_that_says(7), Examples.of(SOURCES, targets)).exact_match == 0.0


# Text


def make_translator(units="char", kind="additive", dtype=np.float64, seed=4):
    source = ("a", "b", "c", "é", "д", "ß", "1") if units == "char" else ("eins", "zwei", "é", "d", "e", "f", "g")
    target = ("a", "b", "c", "x", "y", "z") if units == "char" else ("one", "two", "three", "x", "y", "z")
    model = cast(random_model(np.random.default_rng(seed), kind), dtype)
    return Translator(model, Vocabulary(SPECIAL + source), Vocabulary(SPECIAL + target), units)


@pytest.mark.parametrize("units, text", [("char", "abca"), ("word", "eins zwei eins")])
@pytest.mark.parametrize("kind", KINDS)
def test_translation_is_greedy_search_in_text(units, text, kind):
    translator = make_translator(units, kind)
    (got,) = translator.translate([text], max_length=7)
    ids = [*translator.source.encode(list(text) if units == "char" else text.split()), EOS]
    tokens, log_probability, alphas = reference_loops.greedy(np, translator.model, ids, 7)
    assert got.tokens == translator.target.decode(tokens)
    assert got.text == ("" if units == "char" else " ").join(got.tokens)
    assert got.source == (list(text) if units == "char" else text.split())
    assert_close(got.log_probability, log_probability)
    assert got.unknown == []
    assert (got.alphas is None) == (kind == "none") and (alphas == [] or got.alphas.shape == np.shape(alphas))


def test_outputs_are_in_the_order_of_the_texts():
    translator = make_translator()
    texts = ["abc", "", "b", "cabbac", " ", "1", "abc", "aé"] * 40  # more than one batch
    got = translator.translate(texts, max_length=5)
    for text, translation in zip(texts, got, strict=True):
        assert translation.source == list(text.strip())
        (alone,) = translator.translate([text], max_length=5)
        assert translation.text == alone.text and translation.ended == alone.ended


def test_other_texts_change_nothing():
    translator = make_translator()
    texts = ["a", "abc", "b" * 30, "é"]
    alone = [translator.translate([text])[0] for text in texts]
    assert [t.text for t in translator.translate(texts)] == [t.text for t in alone]


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u00a0"])
def test_empty_text_has_an_empty_translation(text):
    (got,) = make_translator().translate([text])
    assert got.text == "" and got.tokens == got.source == got.unknown == []
    assert got.ended and got.alphas is None


def test_no_text_has_no_translation():
    assert make_translator().translate([]) == []


def test_unknown_tokens_are_named_once_in_order():
    (got,) = make_translator().translate(["qaw😀qa"])
    assert got.unknown == ["q", "w", "😀"]
    (same,) = make_translator().translate(["zavvza"])
    assert same.text == got.text and same.log_probability == got.log_probability  # all are <unk>


def test_special_signs_in_a_text_are_unknown_tokens():
    translator = make_translator("word")
    (got,) = translator.translate(["eins <eos> <pad>"])
    assert got.unknown == ["<eos>", "<pad>"]
    assert got.log_probability == translator.translate(["eins nie niemals"])[0].log_probability
    examples = translator.examples([Pair("eins <eos>", "one <eos> <bos>")])
    assert examples.sources[0].tolist() == [4, UNK, EOS]
    assert examples.targets[0].tolist() == [4, UNK, UNK, EOS]


def test_text_is_composed_first():
    decomposed = unicodedata.normalize("NFD", "aé")
    assert len(decomposed) == 3
    one, other = make_translator().translate([decomposed, " aé\r"])
    assert one.source == ["a", "é"] and one.unknown == [] and one.text == other.text


def test_pairs_of_text_are_evaluated():
    def make(seed):
        translator = make_translator("word", seed=seed)
        ready_to_end(translator.model)
        return translator, *translator.translate(["eins zwei"])

    translator, translation = first_that(lambda made: made[1].ended and made[1].text, make)
    pairs = [Pair("eins zwei", translation.text), Pair("eins nie", "three zwölf")]
    result = evaluate(translator.model, translator.examples(pairs))
    assert result.pairs == 2 and result.exact_match == 0.5


# Metrics


def test_exact_match_counts_whole_sentences():
    assert exact_match([[1, 2], [3], []], [[1, 2], [3, 4], []]) == 2 / 3
    assert exact_match(["ab"], ["ab"]) == 1.0


def test_exact_match_by_length_by_hand():
    got = exact_match_by_length(["a", "b", "cc", "x"], ["a", "x", "cc", "x"], [5, 2, 2, 5])
    assert got == {2: (0.5, 2), 5: (1.0, 2)} and list(got) == [2, 5]


@pytest.mark.parametrize("hypotheses, references", [([], []), (["a"], []), ([], ["a"]), (["a"], ["a", "b"])])
def test_metrics_refuse_lists_of_unequal_length_or_empty_ones(hypotheses, references):
    with pytest.raises(ValueError):
        exact_match(hypotheses, references)
    with pytest.raises(ValueError):
        exact_match_by_length(hypotheses, references, [1] * len(references))


def test_perplexity_is_the_number_of_choices_and_never_overflows():
    assert perplexity(0.0) == 1.0
    assert perplexity(math.log(26)) == pytest.approx(26)
    assert math.isfinite(perplexity(1e30)) and perplexity(1e30) > 1e300
