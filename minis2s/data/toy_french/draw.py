"""Choices at random: the only place where the grammar meets chance."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from minis2s.data.toy_french.words import NOUNS, Noun

T = TypeVar("T")


class Draw:
    """Draws from lists and tables with one random generator.

    Parameters
    ----------
    rng : np.random.Generator
    noun_weights : mapping of English noun to weight, optional
        How often a noun is drawn beside the others of its class; without it, all alike.
    """

    def __init__(self, rng: np.random.Generator, noun_weights: Mapping[str, float] | None = None) -> None:
        self.random = rng.random
        self.noun_weights = noun_weights
        self._nouns: dict[tuple[str, ...], dict[Noun, float]] = {}

    def chance(self, p: float) -> bool:
        """Return True with probability p."""
        return self.random() < p

    def one(self, options: Sequence[T]) -> T:
        """Return one of the options, each as likely as another."""
        return options[int(self.random() * len(options))]

    def weighted(self, table: Mapping[Any, float]) -> Any:
        """Return a key of the table, as likely as its weight says."""
        left = self.random() * sum(table.values())
        for key, weight in table.items():
            left -= weight
            if left < 0:
                return key
        return key  # rounding

    def noun(self, kinds: tuple[str, ...]) -> Noun:
        """Return a noun of these classes, or of these English names."""
        if kinds not in self._nouns:
            weights = self.noun_weights or {}
            fitting = (noun for noun in NOUNS if noun.kind in kinds or noun.en in kinds)
            self._nouns[kinds] = {noun: weights.get(noun.en, 1.0) for noun in fitting}
        return self.weighted(self._nouns[kinds])
