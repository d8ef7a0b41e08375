"""Sentences with be: what somebody is like, feels, does for a living; where something is; what there is."""

from collections.abc import Mapping

from minis2s.data.toy_french import times
from minis2s.data.toy_french.clauses import ADVERBS, BE_FORMS, be_clause, draw_form
from minis2s.data.toy_french.draw import Draw
from minis2s.data.toy_french.nouns import (
    ADJECTIVES_OF,
    NounPhrase,
    draw_adjective,
    draw_known,
    draw_new,
    draw_subject,
    noun_phrase,
    number,
)
from minis2s.data.toy_french.phrase import EMPTY, Phrase, rule
from minis2s.data.toy_french.verbs import VERBS
from minis2s.data.toy_french.words import NOTHING, PEOPLE, PLACES, Adjective

# be + adjective in English, avoir + noun in French
FEELINGS = (
    *(("hungry:1", "faim:1"), ("thirsty:1", "soif:1"), ("cold:1", "froid:1"), ("hot:1", "chaud:1")),
    *(("sleepy:1", "sommeil:1"), ("right:1", "raison:1"), ("wrong:1", "tort:1"), ("afraid:1", "peur:1")),
)
JOBS = (("teacher", "professeur"), ("doctor", "médecin"))  # French has no article: elle est médecin
MOODS = ("happy", "sad", "tired")  # they come and go, so they have all tenses
THINGS = ("animal", "dish", "drink", "food", "thing", "writing")
QUALITY_KINDS = (*PEOPLE * 5, *THINGS, "thing", "home", "building")
SPOTS = (("on:1 the:2 table:3", "sur:1 la:2 table:3"), ("under:1 the:2 table:3", "sous:1 la:2 table:3"))
WHY = rule("why:1", "pourquoi:1")


def like(adjective: Adjective, subject: NounPhrase) -> Phrase:
    """Write an adjective that agrees with a subject."""
    return rule("{rich}:1", "{riche}:1", rich=adjective.en, riche=adjective.form(subject.gender, subject.plural))


def quality(draw: Draw, question: Phrase | None = None) -> Phrase:
    """Draw: the queen is never sad."""
    kind = draw.one(QUALITY_KINDS)
    subject = draw_subject(draw, (kind,), 0.4 if kind in PEOPLE else 0, p_adjective=0)
    adjective = draw.one([adjective for adjective in ADJECTIVES_OF[kind] if adjective.en != "new"])
    form = draw_form(draw, BE_FORMS) if adjective.en in MOODS else ("present", draw.weighted({"yes": 2, "not": 1}))
    return be_clause(subject, form, like(adjective, subject), question=question, adverb=draw.one(ADVERBS))


def is_it(draw: Draw) -> Phrase:
    """Draw: is the horse tired ? or: why is she not happy ?"""
    return quality(draw, draw.one((EMPTY, WHY)))


def job(draw: Draw) -> Phrase:
    """Draw: my sister is not a doctor."""
    subject = draw_subject(draw)
    teacher, professeur = draw.one(JOBS)
    if subject.plural:
        words = rule("{a}:1", "{b}:1", a=teacher + "s", b=professeur + "s")
    else:
        words = rule("a:1 {a}:1", "{b}:1", a=teacher, b=professeur)
    return be_clause(subject, draw_form(draw, BE_FORMS), words, adverb=draw.one(ADVERBS))


def comparison(draw: Draw) -> Phrase:
    """Draw: he is older than my sister; the cat is not as big as the dog."""
    kind = draw.one(("person", "youth", "kin", "family", "animal", "thing", "home", "building"))
    subject = draw_subject(draw, (kind,), 0.4 if kind in PEOPLE else 0, p_adjective=0)
    other = draw_known(draw, (kind,), p_adjective=0)
    while other.noun == subject.noun:
        other = draw_known(draw, (kind,), p_adjective=0)
    adjective = draw.one([adjective for adjective in ADJECTIVES_OF[kind] if adjective.comparative != "-"])
    form = "present", draw.weighted({"yes": 2, "not": 1})
    old = like(adjective, subject)
    words: dict[str, Phrase | str] = dict(old=old, queen=other.phrase)
    if draw.chance(0.4):
        rest = rule("as:1 {old} as:2 {queen}", "aussi:1 {old} que:2 {queen}", **words)
    elif adjective.comparative.startswith("more "):
        rest = rule("more:1 {old} than:2 {queen}", "plus:1 {old} que:2 {queen}", **words)
    else:
        words |= dict(older=adjective.comparative, vieux=" ".join(old.fr))
        rest = rule("{older}:1 than:2 {queen}", "plus:1 {vieux}:1 que:2 {queen}", **words)
    return be_clause(subject, form, rest)


def feeling(draw: Draw, question: Phrase | None = None) -> Phrase:
    """Draw: we are never thirsty; she will be afraid of the horse."""
    words = rule(*draw.one(FEELINGS))
    if words.en == ("afraid",) and draw.chance(0.5):
        it = draw_known(draw, (*PEOPLE, "animal"), p_adjective=0.2).phrase
        words = rule("{afraid} of:2 {it}", "{afraid} de:2 {it}", afraid=words, it=it)
    form = draw_form(draw, BE_FORMS)
    return be_clause(draw_subject(draw), form, words, VERBS["have"], question, draw.one(ADVERBS))


def do_you_feel(draw: Draw) -> Phrase:
    """Draw: is he not hungry ? or: why are they afraid ?"""
    return feeling(draw, draw.one((EMPTY, WHY)))


def age(draw: Draw) -> Phrase:
    """Draw: my sister is twenty-one years old."""
    count = number(draw.one(range(12, 32)))
    words = dict(two=count.en_plural, deux=count.plural)
    years = rule("{two}:1 years:2 old:2", "{deux}:1 ans:2", **words)
    form = draw.one(("present", "future")), draw.weighted({"yes": 3, "not": 1})
    return be_clause(draw_subject(draw), form, years, VERBS["have"])


def state(draw: Draw) -> Phrase:
    """Draw how somebody is: tired, hungry."""
    if draw.chance(0.6):
        return feeling(draw)
    subject = draw_subject(draw, p_pronoun=0.7, p_adjective=0)
    moods = [adjective for adjective in ADJECTIVES_OF["family"] if adjective.en in MOODS]
    return be_clause(subject, draw_form(draw, BE_FORMS), like(draw.one(moods), subject), adverb=draw.one(ADVERBS))


def where_is(draw: Draw) -> Phrase:
    """Draw: where is the train station ?"""
    it = draw_known(draw, draw.one((PLACES, THINGS, PEOPLE)))
    english, french = ("are", "sont") if it.plural else ("is", "est")
    return rule("where:1 {are}:2 {it} ?:3", "où:1 {sont}:2 {it} ?:3", are=english, sont=french, it=it.phrase)


def there_is(draw: Draw) -> Phrase:
    """Draw: there are three cats behind the church; there is no bread on the table."""
    kinds = draw.one((("dish", "drink", "food"), ("thing", "writing"), ("animal", "person", "youth", "kin")))
    where = times.where(draw) if "animal" in kinds or draw.chance(0.3) else rule(*draw.one(SPOTS))
    tense = draw.weighted({"present": 2, "future": 1})
    words = {"is": {"present": "is", "future": "will be"}[tense], "a": {"present": "a", "future": "aura"}[tense]}
    if draw.chance(0.35):
        noun = draw.noun(kinds)
        it = noun_phrase(noun, not noun.mass and draw.chance(0.6), NOTHING, draw_adjective(draw, noun, 0.3))
        template = "there:1 {is}:2 no:3 {it} {where}", "il:1 ne:3 y:1 {a}:2 pas:3 de:3 {it} {where}"
    else:
        it = draw_new(draw, kinds)
        template = "there:1 {is}:2 {it} {where}", "il:1 y:1 {a}:2 {it} {where}"
    if it.plural and tense == "present":
        words["is"] = "are"
    return rule(*template, it=it.phrase, where=where, **words)


KINDS: Mapping = {
    **{quality: 5, is_it: 1.5, job: 1, comparison: 4, feeling: 4, do_you_feel: 1, age: 5, where_is: 1.5, there_is: 4},
}
