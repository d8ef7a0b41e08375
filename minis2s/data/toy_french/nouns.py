"""Noun phrases: determiner, adjective and noun agree, and the adjective goes to its French place."""

from typing import NamedTuple

from minis2s.data.toy_french.draw import Draw
from minis2s.data.toy_french.phrase import Phrase, join, rule
from minis2s.data.toy_french.spelling import begins_with_vowel
from minis2s.data.toy_french.words import (
    ADJECTIVES,
    CARDINALS,
    COUNTS,
    FRENCH_NUMBERS,
    MANY,
    NOT_A,
    NOT_ANY,
    PEOPLE,
    POSSESSIVES,
    PRONOUNS,
    SOME,
    THE,
    THIS,
    A,
    Adjective,
    Determiner,
    Noun,
)

OWNED = ("kin", "family", "animal", "dish", "drink", "food", "thing", "writing", "home", "building")  # my, her, our ...


class NounPhrase(NamedTuple):
    """A phrase and what others agree with."""

    phrase: Phrase
    person: int = 1  # 0 je, 1 il, 2 nous, 3 ils: the column of the verb tables
    gender: str = "m"
    plural: bool = False
    noun: Noun | None = None  # none for pronouns and for two people
    both: tuple[Phrase, Phrase] | None = None  # the two people, for French repeats à before the second

    @property
    def third_singular(self) -> bool:
        """Whether an English verb takes its -s."""
        return self.person == 1


def noun_phrase(noun: Noun, plural: bool, determiner: Determiner, adjective: Adjective | None = None) -> NounPhrase:
    """Write a determiner, perhaps an adjective, and a noun, so that they agree."""
    the, le = determiner.forms(noun.gender, plural)
    man, homme = (noun.en_plural, noun.fr_plural) if plural else (noun.en, noun.fr)
    if adjective is None:
        phrase = rule("{the}:1 {man}:2", "{le}:1 {homme}:2", the=the, le=le, man=man, homme=homme)
    elif adjective.place == "before":
        vieux = adjective.form(noun.gender, plural)
        if noun.gender == "m" and not plural and begins_with_vowel(homme):
            vieux = adjective.m_vowel  # un vieil homme
        le = "de" if le == "des" else le  # de vieux hommes
        words = dict(the=the, le=le, man=man, homme=homme, old=adjective.en, vieux=vieux)
        phrase = rule("{the}:1 {old}:2 {man}:3", "{le}:1 {vieux}:2 {homme}:3", **words)
    else:
        riche = adjective.form(noun.gender, plural)
        words = dict(the=the, le=le, man=man, homme=homme, rich=adjective.en, riche=riche)
        phrase = rule("{the}:1 {rich}:2 {man}:3", "{le}:1 {homme}:3 {riche}:2", **words)
    return NounPhrase(phrase, 3 if plural else 1, noun.gender, plural, noun)


def number(n: int, gender: str = "m") -> Determiner:
    """Return the determiner n, from 2 on: twenty-one is vingt-et-un or vingt-et-une."""
    french = FRENCH_NUMBERS[n - 1] + "e" * (gender == "f" and n in (21, 31))
    return Determiner("", CARDINALS[n - 1], "", "", french)


ADJECTIVES_OF = {kind: [a for a in ADJECTIVES if kind in a.kinds] for a in ADJECTIVES for kind in a.kinds}


def draw_adjective(draw: Draw, noun: Noun, p: float) -> Adjective | None:
    """Return an adjective that makes sense with the noun, with probability p."""
    return draw.one(ADJECTIVES_OF[noun.kind]) if noun.kind in ADJECTIVES_OF and draw.chance(p) else None


def draw_known(draw: Draw, kinds: tuple[str, ...], p_adjective: float = 0.45, p_plural: float = 0.35) -> NounPhrase:
    """Draw something the hearer knows of: the, this, my ..."""
    noun = draw.noun(kinds)
    plural = not noun.mass and draw.chance(p_plural)
    determiner = draw.weighted({THE: 5, THIS: 2, POSSESSIVES: 4 if noun.kind in OWNED else 0})
    if determiner is POSSESSIVES:
        determiner = draw.one(POSSESSIVES)
    return noun_phrase(noun, plural, determiner, draw_adjective(draw, noun, p_adjective))


def draw_new(draw: Draw, kinds: tuple[str, ...], negated: bool = False) -> NounPhrase:
    """Draw something new: a, some, many, twelve; after a negation, which turns un and des into de, a and any."""
    noun = draw.noun(kinds)
    adjective = draw_adjective(draw, noun, 0.45)
    if noun.mass:
        return noun_phrase(noun, False, NOT_ANY if negated else SOME, adjective)
    kind = draw.weighted({"one": 4, "some": 3, "many": 0 if negated else 2, "number": 0 if negated else 3})
    if kind == "number":
        determiner = number(draw.one(COUNTS), noun.gender)
    else:
        determiner = MANY if kind == "many" else NOT_A if negated else A
    return noun_phrase(noun, kind != "one", determiner, adjective)


def draw_subject(
    draw: Draw, kinds: tuple[str, ...] = PEOPLE, p_pronoun: float = 0.6, p_adjective: float = 0.25
) -> NounPhrase:
    """Draw who does it: a pronoun, a noun, or two people."""
    if draw.chance(p_pronoun):
        english, french, person, gender, plural = draw.weighted(dict(zip(PRONOUNS, (7, 3.5, 3.5, 7, 3))))
        return NounPhrase(rule("{i}:1", "{je}:1", i=english, je=french), person, gender, plural)
    if kinds == PEOPLE and draw.chance(0.08):
        one = other = draw_known(draw, PEOPLE, p_adjective=0.1, p_plural=0.2)
        while other.noun == one.noun:
            other = draw_known(draw, PEOPLE, p_adjective=0.1, p_plural=0.2)
        phrase = join(one.phrase, rule("and:1", "et:1"), other.phrase)
        gender = "f" if one.gender == other.gender == "f" else "m"
        return NounPhrase(phrase, 3, gender, True, both=(one.phrase, other.phrase))
    return draw_known(draw, kinds, p_adjective)


WHO = NounPhrase(rule("who:1", "qui:1"))
