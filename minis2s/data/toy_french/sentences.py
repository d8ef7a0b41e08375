"""Sentences with a full verb, and `make_toy_en_fr`, which draws from these, be_sentences.py and idioms.py."""

import numpy as np

from minis2s.data.pairs import Pair
from minis2s.data.toy_french import be_sentences, idioms
from minis2s.data.toy_french.clauses import (
    ADVERBS,
    DENIED,
    FORMS,
    TENSES,
    Complement,
    clause,
    draw_complement,
    draw_form,
    draw_rest,
)
from minis2s.data.toy_french.draw import Draw
from minis2s.data.toy_french.nouns import WHO, NounPhrase, draw_adjective, draw_subject, noun_phrase
from minis2s.data.toy_french.phrase import EMPTY, Phrase, join, rule
from minis2s.data.toy_french.spelling import spell
from minis2s.data.toy_french.verbs import FREE, STATES, VERBS
from minis2s.data.toy_french.words import HOW_MANY

LONGEST = 16  # words on either side

VERB_WEIGHTS = {verb: 2.0 if verb.auxiliary == "être" else 1.0 for verb in FREE} | {VERBS["have"]: 1.0}
WHERE, WHEN, WHY = rule("where:1", "où:1"), rule("when:1", "quand:1"), rule("why:1", "pourquoi:1")
WHAT = rule("what:1", "que:1")
WHERE_VERBS = ("see", "buy", "find", "look for", "wait for", "arrive", "go", "sleep", "sing", "live")
WHAT_VERBS = ("see", "eat", "buy", "find", "look for", "choose")
HOW_MANY_VERBS = ("see", "eat", "buy", "have", "look for", "find", "choose")


def statement(draw: Draw, subject: NounPhrase | None = None) -> Phrase:
    """Draw: she never gave the red hat to the queen."""
    verb = draw.weighted(VERB_WEIGHTS)
    form = draw_form(draw, FORMS, verb)
    subject = subject or draw_subject(draw)
    complement = draw_complement(draw, verb, subject, form[1] in DENIED)
    return clause(subject, verb, form, complement, draw_rest(draw, verb, form), adverb=draw.one(ADVERBS))


def question(draw: Draw) -> Phrase:
    """Draw: does she sing ? or: why did the queen not leave ?"""
    verb, subject = draw.weighted(VERB_WEIGHTS), draw_subject(draw)
    form = draw_form(draw, FORMS, verb)
    word = draw.weighted({EMPTY: 4, WHERE: verb.en in WHERE_VERBS, WHEN: verb.en not in STATES, WHY: 2})
    if word in (WHERE, WHEN):
        form = form[0], "yes"
    complement = draw_complement(draw, verb, subject, form[1] in DENIED)
    if word == WHERE and verb.pattern.endswith("place"):
        complement = Complement()  # where does he live ?
    rest = draw_rest(draw, verb, form, 0.25 * (word != WHEN), 0.25 * (word != WHERE))
    return clause(subject, verb, form, complement, rest, word, draw.one(ADVERBS))


def who(draw: Draw) -> Phrase:
    """Draw: who saw them ?"""
    return join(statement(draw, WHO), rule("?:1", "?:1"))


def what(draw: Draw) -> Phrase:
    """Draw: what will they eat ?"""
    verb = VERBS[draw.one(WHAT_VERBS)]
    form = draw.weighted(TENSES), "yes"
    return clause(draw_subject(draw), verb, form, Complement(), draw_rest(draw, verb, form), WHAT)


def how_many(draw: Draw) -> Phrase:
    """Draw: how many black horses does the boy have ?"""
    verb = VERBS[draw.one(HOW_MANY_VERBS)]
    tense = draw.one(("present", "future"))  # not the past, whose participle would agree
    noun = draw.noun(tuple(kind for kind in verb.kinds if kind not in ("dish", "drink")))
    adjective = draw_adjective(draw, noun, 0.4)
    word = noun_phrase(noun, True, HOW_MANY, adjective).phrase
    return clause(draw_subject(draw), verb, (tense, "yes"), Complement(), EMPTY, word)


def reported(draw: Draw) -> Phrase:
    """Draw: she says that they will arrive at noon."""
    verb, subject = VERBS[draw.one(("say", "think"))], draw_subject(draw)
    that = rule("that:1 {s}", "que:1 {s}", s=simple(draw))
    form = "present", draw.weighted({"yes": 4, "often": 1})
    return clause(subject, verb, form, Complement(what=that), adverb=draw.one(ADVERBS))


def linked(draw: Draw) -> Phrase:
    """Draw two clauses: he did not sing because he was tired; she arrived but the queen left."""
    english, french, second = draw.weighted(
        {
            ("because:1", "parce:1 que:1", be_sentences.state): 3,
            ("because:1", "parce:1 que:1", simple): 1,
            ("but:1", "mais:1", simple): 2,
        }
    )
    template = ("{one} " + english + " {other}", "{one} " + french + " {other}")
    return rule(*template, one=simple(draw), other=second(draw))


def simple(draw: Draw) -> Phrase:
    """Draw a short statement, to be part of a longer sentence."""
    if draw.chance(0.25):
        return be_sentences.state(draw)
    return statement(draw, draw_subject(draw, p_pronoun=0.6))


KINDS = {
    **{statement: 62, question: 16, who: 2, what: 3, how_many: 2, reported: 4, linked: 4},
    **be_sentences.KINDS,
    **idioms.KINDS,
}


def draw_sentence(draw: Draw) -> Pair:
    """Draw a sentence of at most 16 words on either side, with its translation and their links."""
    while True:
        pair = spell(draw.weighted(KINDS)(draw))
        if max(pair.source.count(" "), pair.target.count(" ")) < LONGEST:
            return pair


def make_toy_en_fr(rng: np.random.Generator) -> Pair:
    """`she will not see him` → `elle ne le verra pas`, aligned."""
    return draw_sentence(Draw(rng))
