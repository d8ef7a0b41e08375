"""All that is measured of a model on pairs of text, and how sure each figure is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minis2s import metrics
from minis2s.data.pairs import Pair
from minis2s.data.units import counted_in, tokens_of
from minis2s.data.vocabulary import EOS, UNK
from minis2s.decoding.evaluate import Evaluation, teacher_forced
from minis2s.decoding.search import Search
from minis2s.decoding.teacher_forced import sentence_nats, teacher_forced_alphas
from minis2s.decoding.translator import Translation, Translator

# From the sums of a metric's statistics to the score that has an interval.
SCORES: dict[str, Callable[[np.ndarray], float]] = {
    "exact_match": metrics.share,
    "bleu": partial(metrics.bleu, effective_order=True),
    "chrf": metrics.chrf,
    "aer": metrics.alignment_error_rate,
}


class Sentence(NamedTuple):
    """The translation of one pair, and its figures."""

    pair: Pair
    translation: Translation
    right: bool  # as a whole
    bleu: float  # 0 to 100
    chrf: float  # 0 to 100
    nats: float  # a token of the reference, teacher-forced


@dataclass(frozen=True, eq=False)
class Assessment:
    """The figures of a data set, by the names that ``evaluate --json`` prints, and what they are made of."""

    figures: dict[str, Any]
    sentences: list[Sentence]
    statistics: dict[str, np.ndarray]  # by the names of SCORES, a row a sentence; of aer, one that has a gold alignment

    def worst(self, most: int) -> list[Sentence]:
        """Return the worst sentences, the worst first: wrong ones by chrF, then right ones by their loss."""
        return sorted(self.sentences, key=lambda one: (one.right, one.chrf, -one.nats))[:most]


def assess(translator: Translator, pairs: Sequence[Pair], search: Search | None = None) -> Assessment:
    """Measure a model on pairs of text.

    BLEU, brevity, repeated and dropped tokens are counted in words where any reference holds white space, else in
    characters, as ``bleu_tokens`` says: whatever units the model has, so models with other units may be compared. BLEU
    has sacreBLEU's smoothing (exp) and the effective order, which for all but the shortest references changes nothing.
    """
    examples = translator.examples(pairs)
    if not len(examples):
        raise ValueError("there are no pairs to measure the model on")
    nll, accuracy = teacher_forced(translator.model, examples)
    nats = sentence_nats(translator.model, examples)
    translations = translator.translate([pair.source for pair in pairs], search)
    right = [is_right(translator, pair, translation) for pair, translation in zip(pairs, translations)]

    hypotheses, references = [translation.text for translation in translations], [pair.target for pair in pairs]
    kind = token_kind(references)
    tokens = [[tokenize(text, kind) for text in texts] for texts in (hypotheses, references)]
    statistics = {
        "exact_match": np.array([[one, 1] for one in right], int),
        "bleu": metrics.bleu_statistics(*tokens),
        "chrf": metrics.chrf_statistics(hypotheses, references),
    }
    counts = metrics.count_statistics(*tokens).sum(0)
    figures = Evaluation(len(pairs), sum(right) / len(right), accuracy, nll, metrics.perplexity(nll))._asdict()
    figures |= {name: SCORES[name](statistics[name].sum(0)) for name in ("bleu", "chrf")} | {"bleu_tokens": kind}
    figures |= {
        "brevity_ratio": metrics.brevity_ratio(counts),
        "repeated": metrics.repeated(counts),
        "dropped": metrics.dropped(counts),
        "oov_rate": oov_rate(examples.sources.ids),
        "target_oov_rate": oov_rate(examples.targets.ids),
    }
    gold = [pair for pair in pairs if pair.alignment is not None]
    if gold and translator.model.config.attends:
        links = [metrics.argmax_links(alphas[:-1, :-1]) for alphas in gold_attention(translator, gold)]
        wanted = [pair.alignment for pair in gold if pair.alignment is not None]
        statistics["aer"] = metrics.alignment_statistics(links, wanted)
        sums = statistics["aer"].sum(0)
        figures |= {
            "aer": metrics.alignment_error_rate(sums),
            "alignment_precision": metrics.precision(sums),
            "alignment_recall": metrics.recall(sums),
            "alignment_offsets": metrics.offsets(links, wanted),
            "alignment_tokens": tokens_of(counted_in(translator.units)),
            "aligned_pairs": len(gold),
        }
    figures["intervals"] = {name: metrics.interval(rows, SCORES[name]) for name, rows in statistics.items()}
    bleus, chrfs = ([SCORES[name](row) for row in statistics[name]] for name in ("bleu", "chrf"))
    sentences = [Sentence(*row) for row in zip(pairs, translations, right, bleus, chrfs, nats.tolist())]
    return Assessment(figures, sentences, statistics)


def is_right(translator: Translator, pair: Pair, translation: Translation) -> bool:
    """Say whether a translation came to its end and is its reference, however the two are cut into pieces.

    A reference with an unknown token is never matched, unless unknown tokens are replaced by source tokens.
    """
    wanted = translator.units.target.split(pair.target)
    known = translator.replace_unknown or not translator.target.unknown(wanted)
    return translation.ended and known and translation.text == translator.units.target.join(wanted)


def token_kind(references: Sequence[str]) -> str:
    """Return what BLEU counts: words where any reference holds white space, else characters."""
    return "words" if any(len(reference.split()) > 1 for reference in references) else "characters"


def tokenize(text: str, kind: str) -> list[str]:
    """Cut a text into words at white space, or into characters."""
    return text.split() if kind == "words" else list(text)


def oov_rate(ids: np.ndarray) -> float:
    """Return the fraction of ids (N,) that training never saw; end signs do not count."""
    return float((ids == UNK).sum() / (ids != EOS).sum())


def gold_attention(translator: Translator, pairs: Sequence[Pair]) -> list[np.ndarray]:
    """Return teacher-forced attention on each reference, (T, S) with end signs, between the units of gold links.

    These are the model's own units, or words where its units are pieces of words; see ``counted_in``.
    """
    sides, out = translator.units, []
    for pair, alphas in zip(pairs, teacher_forced_alphas(translator.model, translator.examples(pairs))):
        places = [side.positions(side.split(text)) for side, text in zip(sides, (pair.source, pair.target))]
        out.append(metrics.merged(alphas, *([*side, side[-1] + 1] for side in places)))  # the end sign is a word, too
    return out
