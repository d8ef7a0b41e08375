"""Clauses: subject, verb and what belongs to the verb, in every tense, denied or not, stated or asked."""

from collections.abc import Mapping
from typing import NamedTuple

from minis2s.data.toy_french import times
from minis2s.data.toy_french.draw import Draw
from minis2s.data.toy_french.nouns import NounPhrase, draw_known, draw_new
from minis2s.data.toy_french.phrase import EMPTY, Phrase, join, rule
from minis2s.data.toy_french.verbs import AUXILIARIES, DEFINITE, SOCIAL, STATES, VERBS, Verb
from minis2s.data.toy_french.words import OBJECT_PRONOUNS, PEOPLE

# How a clause is written: a statement, a question, and their French. {s} is the subject; {me} an object pronoun, which
# French puts before its verb and English after; the other slots are forms of the verb. What asks in English (does, did,
# will) is linked to est-ce que, and with not, never ... to the French verb that has its tense.
FORMS = {
    # tense, denial    statement                            question                                  French
    ("present", "yes"): ("{s} {sees}:1", "{does}:19 {s} {see}:1", "{s} {me} {voit}:1"),
    ("present", "not"): ("{s} {does}:1 not:3 {see}:1", "{does}:19 {s} not:3 {see}:1", "{s} ne:3 {me} {voit}:1 pas:3"),
    ("present", "never"): (
        *("{s} never:3 {sees}:1", "{does}:19 {s} never:3 {see}:1"),
        "{s} ne:3 {me} {voit}:1 jamais:3",
    ),
    ("present", "no longer"): (
        *("{s} no:3 longer:3 {sees}:1", "{does}:19 {s} no:3 longer:3 {see}:1"),
        "{s} ne:3 {me} {voit}:1 plus:3",
    ),
    ("present", "often"): (
        "{s} {often}:3 {sees}:1",
        "{does}:19 {s} {often}:3 {see}:1",
        "{s} {me} {voit}:1 {souvent}:3",
    ),
    ("past", "yes"): ("{s} {saw}:12", "did:29 {s} {see}:1", "{s} {me} {a}:2 {vu}:1"),
    ("past", "not"): ("{s} did:2 not:3 {see}:1", "did:29 {s} not:3 {see}:1", "{s} ne:3 {me} {a}:2 pas:3 {vu}:1"),
    ("past", "never"): ("{s} never:3 {saw}:12", "did:29 {s} never:3 {see}:1", "{s} ne:3 {me} {a}:2 jamais:3 {vu}:1"),
    ("past", "often"): ("{s} {often}:3 {saw}:12", "did:29 {s} {often}:3 {see}:1", "{s} {me} {a}:2 {souvent}:3 {vu}:1"),
    ("future", "yes"): ("{s} will:1 {see}:1", "will:19 {s} {see}:1", "{s} {me} {verra}:1"),
    ("future", "not"): ("{s} will:1 not:3 {see}:1", "will:19 {s} not:3 {see}:1", "{s} ne:3 {me} {verra}:1 pas:3"),
    ("future", "never"): (
        *("{s} will:1 never:3 {see}:1", "will:19 {s} never:3 {see}:1"),
        "{s} ne:3 {me} {verra}:1 jamais:3",
    ),
    ("future", "no longer"): (
        *("{s} will:1 no:3 longer:3 {see}:1", "will:19 {s} no:3 longer:3 {see}:1"),
        "{s} ne:3 {me} {verra}:1 plus:3",
    ),
    ("future", "often"): (
        *("{s} will:1 {often}:3 {see}:1", "will:19 {s} {often}:3 {see}:1"),
        "{s} {me} {verra}:1 {souvent}:3",
    ),
    ("can", "yes"): ("{s} can:2 {see}:1", "can:29 {s} {see}:1", "{s} {peut}:2 {me} {voir}:1"),
    ("can", "not"): ("{s} cannot:23 {see}:1", "can:29 {s} not:3 {see}:1", "{s} ne:3 {peut}:2 pas:3 {me} {voir}:1"),
    ("want", "yes"): (
        *("{s} {wants}:2 to:1 {see}:1", "{does}:29 {s} want:2 to:1 {see}:1"),
        "{s} {veut}:2 {me} {voir}:1",
    ),
    ("want", "not"): (
        *("{s} {does}:2 not:3 want:2 to:1 {see}:1", "{does}:29 {s} not:3 want:2 to:1 {see}:1"),
        "{s} ne:3 {veut}:2 pas:3 {me} {voir}:1",
    ),
}

# The same for be, which is être, or avoir in i am hungry, j' ai faim.
BE_FORMS = {
    ("present", "yes"): ("{s} {is}:1", "{is}:19 {s}", "{s} {est}:1"),
    ("present", "not"): ("{s} {is}:1 not:3", "{is}:19 {s} not:3", "{s} ne:3 {est}:1 pas:3"),
    ("present", "never"): ("{s} {is}:1 never:3", "{is}:19 {s} never:3", "{s} ne:3 {est}:1 jamais:3"),
    ("present", "no longer"): ("{s} {is}:1 no:3 longer:3", "{is}:19 {s} no:3 longer:3", "{s} ne:3 {est}:1 plus:3"),
    ("present", "often"): ("{s} {is}:1 {often}:3", "{is}:19 {s} {often}:3", "{s} {est}:1 {souvent}:3"),
    ("future", "yes"): ("{s} will:1 be:1", "will:19 {s} be:1", "{s} {sera}:1"),
    ("future", "not"): ("{s} will:1 not:3 be:1", "will:19 {s} not:3 be:1", "{s} ne:3 {sera}:1 pas:3"),
    ("future", "never"): ("{s} will:1 never:3 be:1", "will:19 {s} never:3 be:1", "{s} ne:3 {sera}:1 jamais:3"),
}

DENIALS = {"yes": 12, "not": 6, "never": 2, "no longer": 2, "often": 3}
DENIED = ("not", "never", "no longer")
ADVERBS = (("often", "souvent"), ("always", "toujours"))
TENSES = {"present": 9, "past": 11, "future": 9, "can": 3, "want": 3}


class Complement(NamedTuple):
    """What belongs to a verb: perhaps a pronoun, perhaps more."""

    pronoun: Phrase = EMPTY
    what: Phrase = EMPTY
    dative: bool = False  # gives it TO HER: English has the pronoun last
    agrees: tuple[str, bool] | None = None  # gender and number of an object before the verb, for the participle


def clause(
    subject: NounPhrase,
    verb: Verb,
    form: tuple[str, str],
    complement: Complement,
    rest: Phrase = EMPTY,
    question: Phrase | None = None,
    adverb: tuple[str, str] = ADVERBS[0],
) -> Phrase:
    """Write a clause in one of `FORMS`.

    Parameters
    ----------
    subject : NounPhrase
    verb : Verb
    form : (tense, denial)
    complement : Complement
    rest : Phrase
        What comes at the end, such as a time.
    question : Phrase, optional
        The word it asks with, EMPTY for yes or no; None is a statement.
    adverb : (English, French)
        For the denial "often", which denies nothing.
    """
    statement, asked, french = FORMS[form]
    english = (statement if question is None else asked) + (" {what} {me}" if complement.dative else " {me} {what}")
    english, french = english + " {rest}", french + " {what} {rest}"
    if question is not None:
        english, french = "{why} " + english + " ?:0", "{why} est-ce:9 que:9 " + french + " ?:0"
    person, third = subject.person, subject.third_singular
    auxiliary = AUXILIARIES[verb.auxiliary]
    if verb.auxiliary == "être":
        participle = verb.participle_for(subject.gender, subject.plural)
    else:
        participle = verb.participle_for(*complement.agrees) if complement.agrees else verb.participle
    return rule(
        english,
        french,
        **dict(s=subject.phrase, me=complement.pronoun, what=complement.what, rest=rest, why=question or EMPTY),
        **dict(see=verb.en, sees=verb.english(third), saw=verb.en_past, does="does" if third else "do"),
        **dict(voit=verb.present[person], verra=verb.future[person], voir=verb.infinitive),
        **dict(a=auxiliary.present[person], vu=participle, often=adverb[0], souvent=adverb[1]),
        **dict(peut=VERBS["can"].present[person], veut=VERBS["want"].present[person]),
        wants=VERBS["want"].english(third),
    )


def be(subject: NounPhrase) -> str:
    """Return am, is or are."""
    return ("am", "is", "are", "are")[subject.person]


def be_clause(
    subject: NounPhrase,
    form: tuple[str, str],
    rest: Phrase,
    french_verb: Verb = VERBS["be"],
    question: Phrase | None = None,
    adverb: tuple[str, str] = ADVERBS[0],
) -> Phrase:
    """Write a clause with be, in one of `BE_FORMS`; the other parameters are those of `clause`."""
    statement, asked, french = BE_FORMS[form]
    english, french = (statement if question is None else asked) + " {rest}", french + " {rest}"
    if question is not None:
        english, french = "{why} " + english + " ?:0", "{why} est-ce:9 que:9 " + french + " ?:0"
    return rule(
        english,
        french,
        s=subject.phrase,
        rest=rest,
        why=question or EMPTY,
        often=adverb[0],
        souvent=adverb[1],
        **{"is": be(subject), "est": french_verb.present[subject.person], "sera": french_verb.future[subject.person]},
    )


def draw_form(draw: Draw, table: Mapping, verb: Verb | None = None) -> tuple[str, str]:
    """Draw a tense and a denial that are in the table, `FORMS` or `BE_FORMS`, and that the verb has."""
    while True:
        tense, denial = draw.weighted(TENSES), draw.weighted(DENIALS)
        missing = verb and tense == "past" and verb.en_past == "-"
        odd = verb and denial == "often" and verb.en == "know"
        if (tense, denial) in table and not missing and not odd:
            return tense, denial


def pronoun(draw: Draw, subject: NounPhrase, dative: bool, people: bool) -> Complement:
    """Draw an object pronoun: not us of me or me of us; only them if people cannot be meant."""
    options = {row: weight for row, weight in zip(OBJECT_PRONOUNS, (2, 4, 7, 3, 5))}
    if subject.person in (0, 2):
        options = {row: weight for row, weight in options.items() if row[0] not in ("me", "us")}
    row = draw.weighted(options) if people else OBJECT_PRONOUNS[-1]
    english, direct, indirect, _, gender, plural = row
    if dative:
        return Complement(rule("to:1 {me}:1", "{me}:1", me=Phrase((english,), (indirect,))), dative=True)
    return Complement(rule("{me}:1", "{me}:1", me=Phrase((english,), (direct,))), agrees=(gender, plural))


def draw_complement(draw: Draw, verb: Verb, subject: NounPhrase, denied: bool) -> Complement:
    """Draw what belongs to the verb."""
    people = "person" in verb.kinds
    if verb.pattern == "object":
        if draw.chance(0.5 if people else 0.2):
            return pronoun(draw, subject, dative=False, people=people)
        known = verb.en in DEFINITE or draw.chance(0.4)
        return Complement(what=(draw_known(draw, verb.kinds) if known else draw_new(draw, verb.kinds, denied)).phrase)
    if verb.pattern == "to":
        if draw.chance(0.4):
            return pronoun(draw, subject, dative=True, people=True)
        if draw.chance(0.5):
            return Complement(what=rule("to:1 {him}", "à:1 {him}", him=draw_known(draw, PEOPLE).phrase))
        topic = draw_known(draw, (*PEOPLE, "animal", "thing", "writing", "home", "building")).phrase
        return Complement(what=rule("about:1 {it}", "de:1 {it}", it=topic))
    if verb.pattern == "give":
        gift = draw_known(draw, verb.kinds) if draw.chance(0.4) else draw_new(draw, verb.kinds, denied)
        if draw.chance(0.5):
            return pronoun(draw, subject, dative=True, people=True)._replace(what=gift.phrase)
        to = rule("to:1 {him}", "à:1 {him}", him=draw_known(draw, PEOPLE, p_adjective=0.2).phrase)
        return Complement(what=join(gift.phrase, to))
    places = {"place": times.home, "to_place": times.goal, "from_place": times.origin}
    return Complement(what=places[verb.pattern](draw) if verb.pattern in places else EMPTY)


def draw_rest(draw: Draw, verb: Verb, form: tuple[str, str], p_time: float = 0.35, p_place: float = 0.3) -> Phrase:
    """Draw when, where or with whom, as far as the verb and the tense allow it."""
    tense, denial = form
    if verb.en in STATES:
        return EMPTY
    if denial in ("yes", "not") and draw.chance(p_time):
        return times.when(draw, "future" if tense in ("can", "want") else tense)
    if verb.pattern in ("nothing", "object") and draw.chance(p_place):
        if verb.en == "leave" or (verb.en in SOCIAL and draw.chance(0.4)):
            return times.company(draw)  # partir au japon is to leave for japan
        return times.where(draw)
    return EMPTY
