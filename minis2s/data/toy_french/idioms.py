"""Idioms: English and French say the same thing with other words, or the other way round."""

from collections.abc import Mapping

from minis2s.data.toy_french import times
from minis2s.data.toy_french.clauses import ADVERBS, Complement, be, clause
from minis2s.data.toy_french.draw import Draw
from minis2s.data.toy_french.nouns import NounPhrase, draw_known, draw_subject
from minis2s.data.toy_french.phrase import Phrase, join, rule
from minis2s.data.toy_french.verbs import VERBS
from minis2s.data.toy_french.words import ADJECTIVES, PEOPLE

WEATHER = {
    "present": (
        ("it:1 is:2 raining:2", "il:1 pleut:2"),
        ("it:1 is:2 raining:2 cats:3 and:3 dogs:3", "il:1 pleut:2 des:3 cordes:3"),
        ("it:1 is:2 snowing:2", "il:1 neige:2"),
        ("it:1 is:2 cold:3", "il:1 fait:2 froid:3"),
        ("it:1 is:2 hot:3", "il:1 fait:2 chaud:3"),
    ),
    "past": (
        ("it:1 rained:23", "il:1 a:2 plu:3"),
        ("it:1 rained:23 cats:4 and:4 dogs:4", "il:1 a:2 plu:3 des:4 cordes:4"),
        ("it:1 snowed:23", "il:1 a:2 neigé:3"),
    ),
    "future": (
        ("it:1 will:2 rain:2", "il:1 pleuvra:2"),
        ("it:1 will:2 rain:2 cats:3 and:3 dogs:3", "il:1 pleuvra:2 des:3 cordes:3"),
        ("it:1 will:2 snow:2", "il:1 neigera:2"),
        ("it:1 will:2 be:2 cold:3", "il:1 fera:2 froid:3"),
        ("it:1 will:2 be:2 hot:3", "il:1 fera:2 chaud:3"),
    ),
}
SIMILES = (
    ("sleep", "like:1 a:2 log:2", "comme:1 un:2 loir:2"),
    ("eat", "like:1 a:2 horse:2", "comme:1 quatre:2"),
)
NEED = (
    ("{s} {needs}:1 {it}", "{s} {a}:1 besoin:1 de:1 {it}"),
    ("{s} {does}:1 not:3 need:1 {it}", "{s} ne:3 {a}:1 pas:3 besoin:1 de:1 {it}"),
    ("{s} will:1 need:1 {it}", "{s} {aura}:1 besoin:1 de:1 {it}"),
)
INDIRECT = ("me", "lui", "nous", "leur")  # i, he or she, we, they, as the one who misses somebody
MISSED = (("him", "il", 1), ("her", "elle", 1), ("them", "ils", 3))
HAVE, MISS, COST = VERBS["have"], VERBS["miss"], VERBS["cost"]
COLOURS = tuple(adjective for adjective in ADJECTIVES if adjective.en in ("blue", "black"))


def weather(draw: Draw) -> Phrase:
    """Draw: it rained cats and dogs on monday."""
    tense = draw.one(tuple(WEATHER))
    rest = times.when(draw, tense) if draw.chance(0.6) else times.name(draw, "in")
    return join(rule(*draw.one(WEATHER[tense])), rest)


def clock(draw: Draw) -> Phrase:
    """Draw: it is half past three."""
    return rule("it:1 is:2 {three}", "il:1 est:2 {three}", three=times.clock(draw))


def cake(draw: Draw) -> Phrase:
    """Draw: it is a piece of cake for the girl."""
    him = draw_known(draw, PEOPLE).phrase
    return rule("it:1 is:2 a:3 piece:4 of:4 cake:4 for:5 {him}", "c':1 est:2 de:3 le:3 gâteau:4 pour:5 {him}", him=him)


def what_time(draw: Draw) -> Phrase:
    """Draw: what time is it in japan ?"""
    place = times.where(draw) if draw.chance(0.2) else times.name(draw, "in")
    return rule("what:1 time:2 is:3 it:3 {here} ?:4", "quelle:1 heure:2 est-il:3 {here} ?:4", here=place)


def simile(draw: Draw) -> Phrase:
    """Draw: she slept like a log."""
    verb, english, french = draw.one(SIMILES)
    what = Complement(what=rule(english, french))
    form = draw.one(("present", "past", "future")), draw.weighted({"yes": 2, "often": 1})
    return clause(draw_subject(draw), VERBS[verb], form, what, adverb=draw.one(ADVERBS))


def fed_up(draw: Draw) -> Phrase:
    """Draw: they are fed up, ils en ont assez."""
    s = draw_subject(draw)
    words = {"is": be(s), "a": HAVE.present[s.person]}
    return rule("{s} {is}:1 fed:2 up:2", "{s} en:2 {a}:1 assez:2", s=s.phrase, **words)


def eyes(draw: Draw) -> Phrase:
    """Draw: she has blue eyes, elle a les yeux bleus."""
    s, colour = draw_subject(draw), draw.one(COLOURS)
    words = dict(has=HAVE.english(s.third_singular), a=HAVE.present[s.person], blue=colour.en, bleus=colour.m_plural)
    return rule("{s} {has}:1 {blue}:2 eyes:3", "{s} {a}:1 les:3 yeux:3 {bleus}:2", s=s.phrase, **words)


def need(draw: Draw) -> Phrase:
    """Draw: we need the doctor, nous avons besoin du médecin."""
    s = draw_subject(draw)
    it = draw_known(draw, ("kin", "animal", "dish", "drink", "food", "thing", "writing")).phrase
    english, french = draw.one(NEED)
    words: dict[str, Phrase | str] = dict(s=s.phrase, it=it, a=HAVE.present[s.person], aura=HAVE.future[s.person])
    words |= dict(needs="needs" if s.third_singular else "need", does="does" if s.third_singular else "do")
    return rule(english, french, **words)


def miss(draw: Draw) -> Phrase:
    """Draw: i miss her, elle me manque; the boy misses my sisters, mes sœurs manquent au garçon."""
    s = draw_subject(draw)
    me = INDIRECT[s.person] if len(s.phrase.en) == 1 else None
    if draw.chance(0.3):
        english, french, person = draw.one(MISSED)
        it = NounPhrase(rule("{him}:1", "{il}:1", him=english, il=french), person)
    else:
        it = draw_known(draw, PEOPLE, p_adjective=0.2)
    misses, manque = MISS.english(s.third_singular), MISS.present[it.person]
    words: dict[str, Phrase | str] = dict(misses=misses, manque=manque, it=it.phrase)
    if s.both:  # à la fille et à l' homme
        english, french = "{one} and:2 {other} {misses}:1 {it}", "{it} {manque}:1 à:1 {one} et:2 à:1 {other}"
        return rule(english, french, one=s.both[0], other=s.both[1], **words)
    if me is None:
        return rule("{i} {misses}:1 {it}", "{it} {manque}:1 à:1 {i}", i=s.phrase, **words)
    return rule("{i} {misses}:1 {it}", "{it} {i} {manque}:1", i=s.phrase._replace(fr=(me,)), **words)


def cost(draw: Draw) -> Phrase:
    """Draw: these hats cost an arm and a leg, ces chapeaux coûtent les yeux de la tête."""
    s = draw_known(draw, ("thing", "home", "animal"))
    words = dict(costs=COST.english(s.third_singular), coûte=COST.present[s.person])
    english = "{s} {costs}:1 an:2 arm:2 and:2 a:2 leg:2"
    return rule(english, "{s} {coûte}:1 les:2 yeux:2 de:2 la:2 tête:2", s=s.phrase, **words)


KINDS: Mapping = {
    weather: 3,
    clock: 1,
    cake: 0.5,
    what_time: 0.5,
    simile: 1,
    fed_up: 1,
    eyes: 1,
    need: 2,
    miss: 2.5,
    cost: 1,
}
