"""Text in, text out: a model with its vocabularies."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Examples, Sentences
from minis2s.data.pairs import Pair
from minis2s.data.units import Sides
from minis2s.data.vocabulary import EOS, Vocabulary
from minis2s.decoding.greedy import Hypothesis
from minis2s.decoding.search import Search, search_all
from minis2s.decoding.unknown import replace_unknown
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
    score: float  # what the search ranked it by: the log-probability, or what penalties made of it


@dataclass(frozen=True, eq=False)
class Translator:
    """A model, the vocabularies of its ids, and the units that texts are cut into."""

    model: Seq2Seq
    source: Vocabulary
    target: Vocabulary
    units: Sides  # or "char" or "word", for both sides
    replace_unknown: bool = False  # in texts, by the source token with the largest weight; needs attention

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", Sides.of(self.units))

    def source_ids(self, tokens: Sequence[str]) -> list[int]:
        """Return the ids of a source, with an end sign, as in Sutskever et al. 2014, arXiv 1409.3215, figure 1.

        Without it the encoder's state at the "3" that ends "1986 July 3" is its state at the first digit of "30".
        """
        return [*self.source.encode(tokens), EOS]

    def examples(self, pairs: Sequence[Pair]) -> Examples:
        """Return pairs as ids."""
        return Examples.of(
            [self.source_ids(self.units.source.split(pair.source)) for pair in pairs],
            [self.target.encode(self.units.target.split(pair.target)) for pair in pairs],
        )

    def translate(
        self, texts: Sequence[str], search: Search | None = None, max_length: int | None = None
    ) -> list[Translation]:
        """Translate texts, in order; an empty text gives an empty translation."""
        return [best for best, *_ in self.n_best(texts, search, max_length)]

    def n_best(
        self, texts: Sequence[str], search: Search | None = None, max_length: int | None = None, first: int = 0
    ) -> list[list[Translation]]:
        """Translate texts, in order, each into at most ``search.n_best`` translations, the best first.

        A sample is drawn by the search's seed and the number of its text, counted from ``first``.
        """
        sources = [self.split(text) for text in texts]
        filled = [i for i, source in enumerate(sources) if source]
        sentences = Sentences([self.source_ids(sources[i]) for i in filled])
        numbers = [first + i for i in filled]
        lists = [[Translation("", [], [], 0.0, None, [], True, 0.0)] for _ in texts]
        for i, found in zip(filled, search_all(self.model, sentences, search, max_length=max_length, numbers=numbers)):
            unknown = self.source.unknown(sources[i])
            lists[i] = [self.translation(sources[i], unknown, hypothesis) for hypothesis in found]
        return lists

    def split(self, text: str) -> list[str]:
        """Return the source tokens of a text, in Unicode's composed form and without the white space around it."""
        return self.units.source.split(unicodedata.normalize("NFC", text).strip())

    def translation(self, source: list[str], unknown: list[str], hypothesis: Hypothesis) -> Translation:
        """Return a hypothesis as text."""
        ids, log_probability, alphas, ended, score = hypothesis
        tokens = self.target.decode(ids)
        shown = replace_unknown(tokens, source, alphas) if self.replace_unknown else tokens
        text = self.units.target.join(shown)
        return Translation(text, source, tokens, log_probability, alphas, unknown, ended, score)
