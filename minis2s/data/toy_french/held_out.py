"""What the splits of toy_en_fr keep from training: combinations of known parts, and rare words."""

from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np

from minis2s.data.pairs import Pair
from minis2s.data.splits import Recipe
from minis2s.data.toy_french.draw import Draw
from minis2s.data.toy_french.sentences import draw_sentence
from minis2s.data.toy_french.verbs import VERBS
from minis2s.data.toy_french.words import NOUNS, OBJECT_PRONOUNS

# Training has every one of these adjectives and nouns, and never both in one sentence.
HELD_OUT = (
    *(("old", "man"), ("rich", "aunt"), ("happy", "child"), ("small", "girl"), ("young", "woman"), ("sad", "nurse")),
    *(("famous", "actress"), ("good", "teacher"), ("big", "dog"), ("black", "cat"), ("tired", "horse")),
    *(("fresh", "water"), ("cold", "soup"), ("expensive", "watch"), ("blue", "dress"), ("red", "hat"), ("new", "car")),
    *(("white", "house"), ("beautiful", "garden"), ("big", "church")),
)
PLURALS = {noun.en: noun.en_plural for noun in NOUNS}
ADJACENT = {(adjective, form) for adjective, noun in HELD_OUT for form in (noun, PLURALS[noun])}
TOGETHER = [frozenset(words) for words in sorted(ADJACENT)]
PRONOUNS = {form for row in OBJECT_PRONOUNS for form in row[1:3]} | {"m'", "l'"}
FUTURE = {form for verb in VERBS.values() for form in verb.future}

UNSEEN, RARE = 8, 8  # nouns that are never in training, and nouns that are
MOST_RARE = 5  # times at most


def kind_of(pair: Pair) -> str:
    """Say where a pair belongs in the compositional split.

    Returns
    -------
    str
        "adjective-noun": it holds a pair of `HELD_OUT`, side by side; "construction": it denies the future and has an
        object pronoun, as in `elle ne le verra pas`; "": neither, so training may have it; "mixed": both, or the two
        words of a held-out pair apart, so that it is kept from both parts.
    """
    source, target = pair.source.split(), pair.target.split()
    words = set(source)
    together = any(both <= words for both in TOGETHER)
    adjacent = not ADJACENT.isdisjoint(pairwise(source))
    construction = any(
        ne in ("ne", "n'") and pronoun in PRONOUNS and verb in FUTURE
        for ne, pronoun, verb in zip(target, target[1:], target[2:])
    )
    if together and (construction or not adjacent):
        return "mixed"
    return "adjective-noun" if adjacent else "construction" if construction else ""


def compositional(rng: np.random.Generator) -> Recipe:
    """Test on known adjectives with known nouns, and on not + future + pronoun, which training has two by two."""
    draw = Draw(rng)

    def of_kind(kind: str) -> Pair | None:
        pair = draw_sentence(draw)
        return pair if kind_of(pair) == kind else None

    kinds = ("adjective-noun", "construction")
    return Recipe(lambda: of_kind(""), {kind: partial(of_kind, kind) for kind in kinds})


def rare(rng: np.random.Generator) -> Recipe:
    """Train on nouns as rare as Zipf says, the last of them hardly or not at all; test on sentences with these.

    The nouns are put in an order drawn with the seed, and that of rank r has weight 1 / r beside others of its class.
    The last 8 are never in training, the 8 before them in at most 5 sentences each.

    References
    ----------
    G. K. Zipf (1949), Human Behavior and the Principle of Least Effort.
    """
    ranked = [NOUNS[i].en for i in rng.permutation(len(NOUNS))]
    forms = {form: noun for noun in ranked for form in (noun, PLURALS[noun])}
    never, seldom = set(ranked[-UNSEEN:]), set(ranked[-UNSEEN - RARE : -UNSEEN])
    zipf, even = Draw(rng, {noun: 1 / rank for rank, noun in enumerate(ranked, 1)}), Draw(rng)
    times: Counter[str] = Counter()  # in training, which is drawn first; chance may leave out other nouns too

    def nouns(pair: Pair) -> set[str]:
        return {forms[word] for word in pair.source.split() if word in forms}

    def train() -> Pair | None:
        found = nouns(pair := draw_sentence(zipf))
        if found & never or any(times[noun] == MOST_RARE for noun in found & seldom):
            return None
        times.update(found)
        return pair

    def rarest(least: int, most: int) -> Pair | None:
        found = nouns(pair := draw_sentence(even))
        return pair if found and least <= min(times[noun] for noun in found) <= most else None

    return Recipe(train, {"unseen": lambda: rarest(0, 0), "rare": lambda: rarest(1, MOST_RARE)})
