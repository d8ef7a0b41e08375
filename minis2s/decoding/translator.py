"""Text in, text out: a model with its vocabularies."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Examples, Sentences
from minis2s.data.pairs import Pair
from minis2s.data.units import Units, join_units, split_units
from minis2s.data.vocabulary import EOS, UNK, Vocabulary
from minis2s.decoding.evaluate import Evaluation, evaluate, translate_all
from minis2s.models.seq2seq import Seq2Seq


class Translation(NamedTuple):
    """One translated text."""

    text: str
    source: list[str]  # tokens
    tokens: list[str]
    log_probability: float  # nats
    alphas: np.ndarray | None  # (T, S), both with the end sign; None without attention
    unknown: list[str]  # source tokens that training never saw
    ended: bool  # False: cut off at the maximum length


@dataclass(frozen=True, eq=False)
class Translator:
    """A model, the vocabularies its ids mean something in, and the units texts are cut into."""

    model: Seq2Seq
    source: Vocabulary
    target: Vocabulary
    units: Units

    def source_ids(self, tokens: Sequence[str]) -> list[int]:
        """Return the ids of a source, with an end sign, as in Sutskever et al. 2014, arXiv 1409.3215, figure 1.

        Without it the encoder's state at the "3" that ends "1986 July 3" is its state at the first digit of "30".
        """
        return [*self.source.encode(tokens), EOS]

    def examples(self, pairs: Sequence[Pair]) -> Examples:
        """Return pairs as ids."""
        return Examples.of(
            [self.source_ids(split_units(pair.source, self.units)) for pair in pairs],
            [self.target.encode(split_units(pair.target, self.units)) for pair in pairs],
        )

    def translate(self, texts: Sequence[str], beam_size: int = 1, max_length: int | None = None) -> list[Translation]:
        """Translate texts, in order; an empty text gives an empty translation."""
        sources = [split_units(unicodedata.normalize("NFC", text).strip(), self.units) for text in texts]
        translations = [Translation("", [], [], 0.0, None, [], True) for _ in texts]
        filled = [i for i, source in enumerate(sources) if source]
        sentences = Sentences([self.source_ids(sources[i]) for i in filled])
        hypotheses = translate_all(self.model, sentences, beam_size, max_length=max_length)
        for i, h in zip(filled, hypotheses):
            tokens, unknown = self.target.decode(h.tokens), self.source.unknown(sources[i])
            text = join_units(tokens, self.units)
            translations[i] = Translation(text, sources[i], tokens, h.log_probability, h.alphas, unknown, h.ended)
        return translations

    def evaluate(self, pairs: Sequence[Pair], beam_size: int = 1) -> Evaluation:
        """Measure the model on pairs."""
        return evaluate(self.model, self.examples(pairs), beam_size)

    def oov_rate(self, pairs: Sequence[Pair]) -> float:
        """Return the fraction of source tokens that training never saw."""
        ids = self.examples(pairs).sources.ids
        return float((ids == UNK).sum() / (ids != EOS).sum())
