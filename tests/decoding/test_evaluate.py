"""What is measured of a model on pairs: against plain loops, and as the commands print it."""

import csv
import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from minis2s import metrics, plots
from minis2s.checks.invariances import reference_loops
from minis2s.cli import main
from minis2s.commands import shared
from minis2s.data.batches import Examples, Sentences
from minis2s.data.bpe import BytePairs
from minis2s.data.pairs import Pair, format_pairs
from minis2s.data.units import Sides
from minis2s.data.vocabulary import BOS, EOS, SPECIAL, UNK, Vocabulary
from minis2s.decoding.assessment import assess, gold_attention, is_right, oov_rate, token_kind
from minis2s.decoding.evaluate import evaluate, teacher_forced
from minis2s.decoding.search import Search
from minis2s.decoding.teacher_forced import sentence_nats, teacher_forced_alphas
from minis2s.decoding.translator import Translation, Translator
from minis2s.layers import cast
from minis2s.layers.registry import ATTENTIONS
from minis2s.models import Config, Seq2Seq
from minis2s.models.config import ORDERS
from minis2s.training.checkpoint import save_model
from tests.conftest import (
    SIZES,
    SOURCES,
    TARGETS,
    assert_close,
    first_that,
    random_model,
    randomized,
    says_real_tokens_only,
)

WORDS = [
    Pair("eins zwei eins", "one two x", ((0, 0), (1, 1), (2, 1))),
    Pair("zwei f", "two three", ((0, 0),)),
    Pair("g e d", "y z y one"),
    Pair("nie eins", "never one"),
]


def make_translator(kind="additive", **options):
    """A random translator of words: an answer to WORDS is whole and of one to three words, and a beam finds others."""
    return random_translator(seed_of_answers(kind), kind, **options)


@cache
def seed_of_answers(kind):
    """The first seed of such a translator."""

    def serves(seed):
        translator, sources = random_translator(seed, kind), [pair.source for pair in WORDS]
        answer = first_answer(translator, WORDS)
        greedy, beam = (translator.translate(sources, search) for search in (Search(), Search(beam=4)))
        return answer and len(answer.target.split()) <= 3 and [t.text for t in greedy] != [t.text for t in beam]

    return first_that(serves, int)


def random_translator(seed, kind="additive", **options):
    source = (*SPECIAL, "eins", "zwei", "é", "d", "e", "f", "g")
    target = (*SPECIAL, "one", "two", "three", "x", "y", "z")
    model = random_model(np.random.default_rng(seed), kind)
    model.output.b[EOS] += 0.5
    return Translator(says_real_tokens_only(model), Vocabulary(source), Vocabulary(target), "word", **options)


def with_answers(translator, pairs):
    """The pairs and, before them, one of their sources as the translator has it: a sentence that is right."""
    answer = first_answer(translator, pairs)
    assert answer, "no translation came to an end"
    return [answer, *pairs]


def first_answer(translator, pairs):
    """The first source whose translation comes to an end and is not empty, with it; None if there is none."""
    for pair in pairs:
        (translation,) = translator.translate([pair.source], Search(beam=2))
        if translation.ended and translation.tokens:
            return Pair(pair.source, translation.text)
    return None


# Fed the reference


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("order", ORDERS)
def test_alphas_are_those_of_single_steps(rng, attention, order):
    config = Config(**SIZES, attention=attention, order=order, input_feeding=order == "luong", bidirectional=True)
    model = randomized(rng, Seq2Seq.init(rng, config))
    got = teacher_forced_alphas(model, Examples.of(SOURCES, TARGETS), size=4)
    for source, target, alphas in zip(SOURCES, TARGETS, got, strict=True):
        state, want = model.encode(Sentences([source]).pad(np.array([0]))), []
        for token in [BOS, *target]:
            _, state = model.decode_step(np.array([token]), state)
            want.append(state.alpha[0])
        assert_close(alphas, want)


def test_without_attention_there_are_no_alphas():
    with pytest.raises(ValueError, match="no attention"):
        teacher_forced_alphas(random_model(np.random.default_rng(0), "none"), Examples.of(SOURCES, TARGETS))


def test_nats_of_each_sentence(model):
    examples = Examples.of(SOURCES, TARGETS)
    got = sentence_nats(model, examples, size=4)
    want = [
        reference_loops.nll(np, model, source, target) / (len(target) + 1) for source, target in zip(SOURCES, TARGETS)
    ]
    assert_close(got, want)
    lengths = examples.targets.lengths
    assert (got * lengths).sum() / lengths.sum() == pytest.approx(teacher_forced(model, examples)[0], rel=1e-12)


def test_nats_are_finite_where_a_probability_is_not():
    model = cast(random_model(np.random.default_rng(0), "none"), np.float32)
    model.output.b[5] = -500
    nats = sentence_nats(model, Examples.of([[4]], [[5]]))
    assert np.isfinite(nats).all() and nats[0] > 200


# The assessment


@pytest.mark.parametrize("kind", ["additive", "none"])
def test_figures_are_those_of_evaluate_and_of_the_metrics(kind):
    translator = make_translator(kind)
    pairs = with_answers(translator, WORDS)
    got = assess(translator, pairs, Search(beam=2))
    evaluation = evaluate(translator.model, translator.examples(pairs), Search(beam=2))._asdict()
    assert {name: got.figures[name] for name in evaluation} == evaluation
    texts = [translation.text for translation in translator.translate([pair.source for pair in pairs], Search(beam=2))]
    tokens = [text.split() for text in texts], [pair.target.split() for pair in pairs]
    bleu = metrics.bleu(metrics.bleu_statistics(*tokens).sum(0), effective_order=True)
    chrf = metrics.chrf(metrics.chrf_statistics(texts, [pair.target for pair in pairs]).sum(0))
    counts = metrics.count_statistics(*tokens).sum(0)
    want = {"bleu": bleu, "chrf": chrf, "bleu_tokens": "words", "repeated": 100 * counts[2] / counts[1]}
    want |= {"dropped": 100 * counts[3] / counts[1], "brevity_ratio": counts[0] / counts[1]}
    words = [word for pair in pairs for word in pair.source.split()]
    want |= {"oov_rate": len(translator.source.unknown(words)) / len(words)}
    assert {name: got.figures[name] for name in want} == pytest.approx(want) and bleu > 0 and counts[3] > 0
    assert got.figures["target_oov_rate"] == 1 / sum(len(pair.target.split()) for pair in pairs)
    scores = [(metrics.exact_match([text], [pair.target]), text) for text, pair in zip(texts, pairs)]
    assert [(one.right, one.translation.text) for one in got.sentences] == scores
    assert ("aer" in got.figures) == (kind == "additive")
    assert set(got.figures["intervals"]) == {"exact_match", "bleu", "chrf"} | ({"aer"} if kind == "additive" else set())
    assert json.loads(json.dumps(got.figures))["bleu"] == got.figures["bleu"]


def test_exact_match_is_that_of_evaluate_on_endless_and_unknown_tokens():
    translator = make_translator()
    for token, target in ((4, "one"), (UNK, "<unk>"), (UNK, "never"), (EOS, "one")):
        translator.model.output.W[:] = 0
        translator.model.output.b[:] = np.where(np.arange(10) == token, 5.0, 0.0)
        pairs = [Pair("d", " ".join([target] * n)) for n in (1, 13, 14)]
        of_ids = evaluate(translator.model, translator.examples(pairs)).exact_match
        assert assess(translator, pairs).figures["exact_match"] == of_ids == 0.0


def test_replaced_words_may_be_right():
    translator = make_translator(replace_unknown=True)
    translator.model.output.W[:] = 0
    translator.model.output.b[:] = np.where(np.arange(10) == EOS, -5.0, 0.0)
    assert assess(translator, [Pair("nie", "nie")]).figures["exact_match"] == 0.0
    one_unknown = translator.translate(["nie"])[0]._replace(text="nie", tokens=["<unk>"], ended=True)
    object.__setattr__(translator, "translate", lambda texts, search=None: [one_unknown])
    assert assess(translator, [Pair("nie", "nie")]).figures["exact_match"] == 1.0
    assert assess(translator, [Pair("nie", "one")]).figures["exact_match"] == 0.0


def test_an_unknown_token_is_never_right_not_even_of_a_reference_that_spells_it():
    translator = make_translator()
    unknown = translator.translate(["nie"])[0]._replace(text="<unk>", tokens=["<unk>"], ended=True)
    object.__setattr__(translator, "translate", lambda texts, search=None: [unknown])
    assert assess(translator, [Pair("nie", "<unk>")]).figures["exact_match"] == 0.0


def test_bleu_of_short_sentences_has_the_effective_order():
    translator = make_translator()
    (answer, *_) = with_answers(translator, WORDS)
    figures = assess(translator, [answer], Search(beam=2)).figures
    assert len(answer.target.split()) < 4 and figures["bleu"] == pytest.approx(100)


def test_end_signs_are_no_words_to_align(monkeypatch):
    alphas = np.array([[0.1, 0.3, 0.6], [0.3, 0.1, 0.6], [0.0, 0.9, 0.1]])  # most weight on the end sign
    monkeypatch.setattr("minis2s.decoding.assessment.gold_attention", lambda *_: [alphas])
    figures = assess(make_translator(), [Pair("zwei f", "two three", ((1, 0), (0, 1)))]).figures
    assert figures["aer"] == 0.0 and figures["alignment_offsets"]["0"] == 1.0


def found_and_gold(translator):
    """The links of the two aligned pairs, one a target word, and the gold ones."""
    found, gold = [], []
    for pair in WORDS[:2]:
        source = translator.source_ids(pair.source.split())
        state = translator.model.encode(Sentences([source]).pad(np.array([0])))
        for j, token in enumerate([BOS, *translator.target.encode(pair.target.split())][:-1]):
            _, state = translator.model.decode_step(np.array([token]), state)
            found.append((pair.source, int(state.alpha[0, :-1].argmax()), j))  # the end sign is no word
        gold += [(pair.source, *link) for link in pair.alignment]
    return set(found), set(gold)


def test_aer_by_hand():
    translator = first_that(lambda each: set.intersection(*found_and_gold(each)), random_translator)
    found, gold = found_and_gold(translator)
    right = len(found & gold)
    figures = assess(translator, WORDS).figures
    assert figures["alignment_precision"] == right / 5 and figures["alignment_recall"] == right / 4 and len(found) == 5
    assert figures["aer"] == pytest.approx(1 - 2 * right / 9) and 0 < right < 4 and figures["aligned_pairs"] == 2
    assert sum(figures["alignment_offsets"].values()) == pytest.approx(1)


def test_gold_links_of_pieces_are_between_words():
    texts = [Pair("lowest lower", "newest newer")] * 20
    units = Sides.learn("bpe", texts, merges=2)
    vocabularies = [
        Vocabulary.build(side.split(text) for text in (pair_text,)) for side, pair_text in zip(units, texts[0][:2])
    ]
    sizes = SIZES | {"source_vocabulary": len(vocabularies[0]), "target_vocabulary": len(vocabularies[1])}
    model = randomized(np.random.default_rng(0), Seq2Seq.init(np.random.default_rng(0), Config(**sizes)))
    translator = Translator(model, *vocabularies, units)
    pair = Pair("lowest lower", "newest newer", ((0, 0), (1, 1)))
    pieces, (words,) = teacher_forced_alphas(model, translator.examples([pair]))[0], gold_attention(translator, [pair])
    sources, targets = units.source.split(pair.source), units.target.split(pair.target)
    assert pieces.shape == (len(targets) + 1, len(sources) + 1) and min(pieces.shape) > 3
    assert words.shape == (3, 3)
    columns, rows = ([token.endswith("@@") for token in side].index(False) + 1 for side in (sources, targets))
    assert words[0, 0] == pytest.approx(pieces[:rows, :columns].sum() / rows, rel=1e-12)
    assert words[1, 2] == pytest.approx(pieces[rows:-1, -1].mean(), rel=1e-12)
    assert "aer" in assess(translator, [pair]).figures


def test_bleu_counts_words_where_there_are_any():
    assert token_kind(["2004-06-07", "1912"]) == "characters" and token_kind(["a", "b c"]) == "words"
    letters = Translator(make_translator().model, *(Vocabulary((*SPECIAL, *"abcdefg")[:n]) for n in (11, 10)), "char")
    figures = assess(letters, [Pair("abc", "cab"), Pair("g", "f")]).figures
    assert figures["bleu_tokens"] == "characters"


def test_oov_rate_leaves_end_signs_out():
    assert oov_rate(np.array([UNK, 4, EOS, 5, 5, EOS])) == 0.25


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match="no pairs"):
        assess(make_translator(), [])


def test_worst_first():
    one = assess(make_translator(), with_answers(make_translator(), WORDS)).sentences[0]
    sentences = [
        one._replace(right=True, chrf=100.0, nats=0.1),
        one._replace(right=False, chrf=50.0, nats=9.0),
        one._replace(right=True, chrf=100.0, nats=0.9),
        one._replace(right=False, chrf=10.0, nats=0.5),
        one._replace(right=False, chrf=10.0, nats=2.0),
        one._replace(right=False, chrf=100.0, nats=0.01),  # only its white space is wrong
    ]
    worst = assess(make_translator(), WORDS)
    worst.sentences[:] = sentences
    assert worst.worst(9) == [sentences[i] for i in (4, 3, 1, 5, 2, 0)] and len(worst.worst(2)) == 2


# The commands


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with two runs and a file of pairs."""
    monkeypatch.chdir(tmp_path)
    for folder, kind in (("attention", "additive"), ("plain", "none")):
        (tmp_path / folder).mkdir()
        save_model(tmp_path / folder / "model.npz", make_translator(kind))
    (tmp_path / "pairs.tsv").write_text(format_pairs(WORDS), encoding="utf-8")
    return tmp_path


def run(capsys, *arguments):
    status = main(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def test_evaluate_prints_one_json_object(here, capsys):
    status, out, err = run(capsys, "evaluate", "attention", "pairs.tsv", "--json")
    assert status == 0 and err == "" and out.count("\n") == 1
    figures = json.loads(out)
    assert figures == json.loads(json.dumps(assess(make_translator(), WORDS).figures))
    wanted = "pairs exact_match token_accuracy nll_per_token perplexity bleu chrf aer oov_rate".split()
    assert [name for name in wanted if name not in figures] == []
    assert all(low <= figures[name] <= high for name, (low, high) in figures["intervals"].items() if name != "bleu")


def test_what_is_no_number_is_null_in_json():
    figures = {"a": np.inf, "b": [1, -math.inf, {"c": math.nan}], "d": ("x", True, None, 0.5)}
    assert shared.to_json(figures) == '{"a": null, "b": [1, null, {"c": null}], "d": ["x", true, null, 0.5]}'


def test_evaluate_prints_no_infinity(here, capsys, monkeypatch):
    monkeypatch.setattr("minis2s.metrics.perplexity", lambda nll: math.inf)
    _, out, _ = run(capsys, "evaluate", "attention", "pairs.tsv", "--json")
    assert json.loads(out, parse_constant=pytest.fail)["perplexity"] is None


@pytest.mark.parametrize("side", ["source", "target"])
def test_evaluate_names_the_line_that_is_too_long(here, capsys, monkeypatch, side):
    monkeypatch.setattr(shared, "MOST_TOKENS", 30)
    (here / "long.tsv").write_text("eins\tone\n" + ("zwei " * 31 + "\tx\n" if side == "source" else "g\t" + "y " * 31))
    status, out, err = run(capsys, "evaluate", "attention", "long.tsv")
    says = f"long.tsv, line 2: the {side} has 31 tokens, but 30 are the most; cut the text into sentences\n"
    assert (status, out, err) == (2, "", f"minis2s: error: {says}")
    (here / "long.tsv").write_text("eins " * 30 + "\t" + "x " * 30)
    assert run(capsys, "evaluate", "attention", "long.tsv")[0] == 0


def test_evaluate_prints_a_line_a_figure(here, capsys):
    status, out, _ = run(capsys, "evaluate", "attention", "pairs.tsv")
    lines = {line[:20].strip(): line[20:] for line in out.splitlines() if line[:20].strip()}
    figures = assess(make_translator(), WORDS).figures
    assert status == 0 and lines["pairs"].split()[0] == "4"
    for name, value in (("BLEU", figures["bleu"]), ("chrF", figures["chrf"]), ("repeated words", figures["repeated"])):
        assert lines[name].split()[0] == f"{value:.2f}"
    low, high = figures["intervals"]["aer"]
    assert lines["AER"].startswith(f"{100 * figures['aer']:7.2f} %  [{100 * low:.2f}, {100 * high:.2f}]")
    assert all("teacher-forced" in lines[name] for name in ("perplexity", "loss", "token accuracy", "AER"))
    _, out, _ = run(capsys, "evaluate", "plain", "pairs.tsv")
    assert "AER" not in out and "BLEU" in out


def test_evaluate_searches_as_it_is_told(here, capsys):
    greedy, beam = (
        run(capsys, "evaluate", "attention", "pairs.tsv", "--json", *more)[1] for more in ((), ("--beam", "4"))
    )
    assert json.loads(beam) == json.loads(json.dumps(assess(make_translator(), WORDS, Search(beam=4)).figures))
    assert beam != greedy


@pytest.mark.slow
def test_evaluate_writes_page_and_figure(here, capsys):
    status, out, err = run(
        capsys, "evaluate", "attention", "pairs.tsv", "--page", "page.html", "--worst", "2", "--by-length", "length.png"
    )
    assert status == 0 and err.splitlines() == ["the worst sentences: page.html", "scores by length: length.png"]
    page = (here / "page.html").read_text(encoding="utf-8")
    assert page.count("<article>") == 2 and "attention on pairs.tsv" in page and out.splitlines()[1] in page
    assert (here / "length.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in here.iterdir()) == [
        "attention",
        "length.png",
        "page.html",
        "pairs.tsv",
        "plain",
    ]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["attention", "pairs.tsv", "--page", "no/page.html"], "no/page.html: there is no such folder; make it"),
        (["attention", "pairs.tsv", "--by-length", "no/length.png"], "no/length.png: there is no such folder; make it"),
        (["attention", "pairs.tsv", "--page", "./pairs.tsv"], "./pairs.tsv: would be written over the pairs"),
        (["attention", "pairs.tsv", "--worst", "3"], "--worst is of the page; give --page"),
        (["attention", "past.tsv"], "past.tsv, line 1: alignment 0-7 points past the target"),
        (["plain", "pairs.tsv", "--replace-unknown"], "plain: this model has no attention to find source words by"),
    ],
)
def test_evaluate_refuses(here, capsys, arguments, says):
    (here / "past.tsv").write_text("eins\tone\t0-7\n")
    status, out, err = run(capsys, "evaluate", *arguments)
    assert status == 2 and out == "" and says in err and err.count("\n") == 1


HEADER = "epoch,update,train_loss,valid_loss,exact_match,tokens_per_second,seconds,seconds_left\n"


def write_history(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.csv").write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize("against", ["epoch", "update", "seconds"])
def test_curves_draws_what_the_runs_logged(here, capsys, monkeypatch, against):
    drawn = []
    monkeypatch.setattr(
        plots, "learning_curves", lambda *a, **k: drawn.append((a, k)) or plots.loss_curves(*a[0].values())
    )
    write_history(here / "a" / "run", HEADER + "0.5,10,3,2,0.1,900,1.5,1.5\n1,20,1,0.5,0.75,900,3,0\n")
    assert run(capsys, "curves", "a/run", "--out", "curves.png", "--against", against)[::2] == (
        0,
        "learning curves: curves.png\n",
    )
    ((histories,), options) = drawn[0]
    table = list(csv.DictReader(open("a/run/history.csv")))
    assert histories == {"run": {name: [float(row[name]) for row in table] for name in table[0]}}
    assert options == {"against": against} and (here / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_runs_of_one_name_are_told_apart(here, capsys, monkeypatch):
    labels = []
    draw = plots.learning_curves
    monkeypatch.setattr(plots, "learning_curves", lambda runs, **k: labels.append(list(runs)) or draw(runs, **k))
    for folder in ("a/run", "b/run", "c"):
        write_history(here / folder, HEADER + "0.5,10,3,2,0.1,900,1.5,1.5\n")
    assert run(capsys, "curves", "a/run", "b/run", "c", "a/run")[0] == 0
    assert run(capsys, "curves", "a/run", "c", "a/run")[0] == 0
    assert labels == [["a/run", "b/run", "c"], ["run", "c"]] and (here / "curves.png").exists()


@pytest.mark.parametrize(
    "text, says",
    [
        (None, "history.csv: there is no such file; name the folder of a run"),
        ("", "history.csv, line 1: not the columns"),
        ("a,b\n1,2\n", "history.csv, line 1: not the columns"),
        (HEADER, "history.csv: no report yet"),
        (HEADER + "1,2,3,4,5,6,7,8\n1,2,3\n", "history.csv, line 3: not 8 numbers"),
        (HEADER + "1,2,3,4,5,6,7,x\n", "history.csv, line 2: not 8 numbers"),
        (HEADER + "1,2,3,nan,5,6,7,8\n", "history.csv, line 2: not 8 numbers"),
        (b"\xff\xfe", "history.csv: cannot be read"),
    ],
)
def test_curves_refuses_what_is_no_history(here, capsys, text, says):
    if text is not None:
        write_history(here / "bad", "")
        (here / "bad" / "history.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    status, _, err = run(capsys, "curves", "bad")
    assert status == 2 and says in err and err.count("\n") == 1 and not (here / "curves.png").exists()


def test_curves_refuses_more_runs_than_there_are_colours(here, capsys):
    status, _, err = run(capsys, "curves", *"abcdefgh")
    assert status == 2 and "8 runs are more than one figure shows; give at most 7" in err


def test_a_right_text_cut_into_other_pieces_is_right():
    units = Sides(*[BytePairs((("a", "b</w>"),))] * 2)
    words = Vocabulary.build([["ab", "a@@", "b"]])
    translator = replace(make_translator(), units=units, source=words, target=words)
    pair = Pair("ab", "ab")
    assert units.target.split("ab") == ["ab"]
    got = Translation("ab", ["ab"], ["a@@", "b"], 0.0, None, [], True, 0.0)
    assert is_right(translator, pair, got)
    assert not is_right(translator, pair, got._replace(ended=False))
    assert not is_right(translator, pair, got._replace(text="a b", tokens=["a", "b"]))
