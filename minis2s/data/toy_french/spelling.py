"""What neighbours do to each other's spelling: elision and contraction in French, `an` in English."""

from minis2s.data.pairs import Pair
from minis2s.data.toy_french.phrase import Phrase

VOWELS = frozenset("aàâeéèêiîoôuyœ")
ASPIRATED = {"héros", "haricot", "haricots", "huit", "onze"}  # nothing elides before these

# What a word becomes before a vowel sound. In this grammar `ce` is always a determiner.
BEFORE_VOWEL = {
    **{"le": "l'", "la": "l'", "je": "j'", "me": "m'", "ne": "n'", "de": "d'", "que": "qu'"},
    **{"ma": "mon", "sa": "son", "ce": "cet"},
}

# What two words become. The pronouns le and les never follow à or de in this grammar.
CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}


def begins_with_vowel(word: str) -> bool:
    """Whether a French word begins with a vowel sound; h is mute but in `ASPIRATED`."""
    return word not in ASPIRATED and (word[0] in VOWELS or word[0] == "h")


def spell(phrase: Phrase) -> Pair:
    """Write a phrase as a pair: neighbours adjusted, and links kept when two words become one."""
    en = list(phrase.en)
    for i, following in enumerate(en[1:]):
        if en[i] == "a" and following[0] in "aeiou":
            en[i] = "an"
    fr: list[str] = []
    where: list[int] = []  # index in fr of each French word of the phrase
    words = phrase.fr
    for word, following in zip(words, (*words[1:], "")):
        if following and word in BEFORE_VOWEL and begins_with_vowel(following):
            word = BEFORE_VOWEL[word]
        if fr and (fr[-1], word) in CONTRACTED:
            fr[-1] = CONTRACTED[fr[-1], word]
        else:
            fr.append(word)
        where.append(len(fr) - 1)
    links = sorted({(i, where[j]) for i, j in phrase.links})
    return Pair(" ".join(en), " ".join(fr), tuple(links))
