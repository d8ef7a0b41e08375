"""When and where: dates, clock times, places."""

from minis2s.data.toy_french.draw import Draw
from minis2s.data.toy_french.nouns import draw_known
from minis2s.data.toy_french.phrase import EMPTY, Phrase, join, rule
from minis2s.data.toy_french.words import (
    CARDINALS,
    FRENCH_NUMBERS,
    MONTHS,
    NAMES,
    ORDINALS,
    PEOPLE,
    PLACES,
    WEEKDAYS,
)

# The hour stands in the slots; heures (or heure) belongs to the number of the hour, and to past and o'clock.
CLOCK = (
    ("{three}:1 o'clock:2", "{trois}:1 {heures}:12"),
    ("half:1 past:2 {three}:3", "{trois}:3 {heures}:3 et:2 demie:1"),
    ("a:1 quarter:2 past:3 {three}:4", "{trois}:4 {heures}:4 et:3 quart:12"),
    ("a:1 quarter:2 to:3 {three}:4", "{trois}:4 {heures}:4 moins:3 le:1 quart:2"),
    ("five:1 past:2 {three}:3", "{trois}:3 {heures}:23 cinq:1"),
    ("ten:1 past:2 {three}:3", "{trois}:3 {heures}:23 dix:1"),
    ("twenty:1 past:2 {three}:3", "{trois}:3 {heures}:23 vingt:1"),
    ("five:1 to:2 {three}:3", "{trois}:3 {heures}:3 moins:2 cinq:1"),
    ("ten:1 to:2 {three}:3", "{trois}:3 {heures}:3 moins:2 dix:1"),
    ("twenty:1 to:2 {three}:3", "{trois}:3 {heures}:3 moins:2 vingt:1"),
)
NOON = (("noon:1", "midi:1"), ("midnight:1", "minuit:1"))

DAYS = {  # for each tense, what can say the day
    "present": (("today:1", "aujourd'hui:1"), ("every:1 day:2", "tous:1 les:1 jours:2")),
    "past": (("yesterday:1", "hier:1"), ("today:1", "aujourd'hui:1")),
    "future": (("tomorrow:1", "demain:1"), ("today:1", "aujourd'hui:1")),
}

# English, French, and the places it goes with; de and à contract with the article
WHERE = (
    ("in:1 {it}", "dans:1 {it}", ("home", "building")),
    ("at:1 {it}", "à:1 {it}", ("stop", "hospital", "school", "hotel")),
    ("near:1 {it}", "près:1 de:1 {it}", PLACES),
    ("in:1 front:1 of:1 {it}", "devant:1 {it}", ("house", "building", "stop")),
    ("behind:1 {it}", "derrière:1 {it}", ("house", "building", "stop")),
)
GOALS = ("stop", "school", "hotel", "church", "hospital", "garden")


def clock(draw: Draw) -> Phrase:
    """Draw a time of day: half past three."""
    if draw.chance(0.1):
        return rule(*draw.one(NOON))
    hour = draw.one(range(1, 12))
    french = "une" if hour == 1 else FRENCH_NUMBERS[hour - 1]
    words = dict(three=CARDINALS[hour - 1], trois=french, heures="heure" if hour == 1 else "heures")
    return rule(*draw.one(CLOCK), **words)


def date(draw: Draw) -> Phrase:
    """Draw a day of the year: on the first of may, le premier mai; on the third, le trois mai."""
    month = draw.one(range(12))
    days = 29 if month == 1 else 30 if month in (3, 5, 8, 10) else 31
    day = draw.one(range(days))
    french = "premier" if day == 0 else FRENCH_NUMBERS[day]
    words = dict(first=ORDINALS[day], premier=french, may=MONTHS[month][0], mai=MONTHS[month][1])
    return rule("on:1 the:1 {first}:2 of:3 {may}:3", "le:1 {premier}:2 {mai}:3", **words)


def when(draw: Draw, tense: str, clocks: bool = True) -> Phrase:
    """Draw a time that fits the tense: tomorrow at noon; on monday; in may; on the first of may."""
    kinds = {"day": 3, "clock": 3 * clocks, "both": clocks}
    if tense != "present":
        kinds |= {"date": 9, "weekday": 3, "month": 2}
    kind = draw.weighted(kinds)
    if kind == "date":
        return date(draw)
    if kind == "month":
        may, mai = draw.one(MONTHS)
        return rule("in:1 {may}:2", "en:1 {mai}:2", may=may, mai=mai)
    phrases = []
    if kind == "weekday":
        monday, lundi = draw.one(WEEKDAYS)
        phrases.append(rule("on:1 {monday}:1", "{lundi}:1", monday=monday, lundi=lundi))
        kind = "clock" if clocks and draw.chance(0.3) else kind
    if kind in ("day", "both"):
        phrases.append(rule(*draw.one(DAYS[tense])))
    if kind in ("clock", "both"):
        phrases.append(rule("at:1 {noon}", "à:1 {noon}", noon=clock(draw)))
    return join(*phrases)


def where(draw: Draw) -> Phrase:
    """Draw a place: in front of the old church; in paris."""
    if draw.chance(0.2):
        return name(draw, "in")
    english, french, kinds = draw.one(WHERE)
    return rule(english, french, it=draw_known(draw, kinds, p_adjective=0.25, p_plural=0.1).phrase)


def home(draw: Draw) -> Phrase:
    """Draw where somebody lives."""
    if draw.chance(0.5):
        return name(draw, "in")
    english, french, kinds = draw.one((("in:1 {it}", "dans:1 {it}", ("home",)), *WHERE[2:]))
    return rule(english, french, it=draw_known(draw, kinds, p_plural=0.1).phrase)


def goal(draw: Draw) -> Phrase:
    """Draw where somebody goes: to the market, au marché."""
    if draw.chance(0.3):
        return name(draw, "to")
    return rule("to:1 {it}", "à:1 {it}", it=draw_known(draw, GOALS, p_adjective=0.25, p_plural=0.15).phrase)


def origin(draw: Draw) -> Phrase:
    """Draw where somebody comes from, or nothing."""
    if draw.chance(0.4):
        return EMPTY
    if draw.chance(0.4):
        return name(draw, "from")
    return rule("from:1 {it}", "de:1 {it}", it=draw_known(draw, GOALS, p_adjective=0.25, p_plural=0.15).phrase)


def name(draw: Draw, preposition: str) -> Phrase:
    """Draw a city or a country: to paris, à paris; to france, en france; from japan, du japon."""
    english, french, into, out_of = draw.one(NAMES)
    words = dict(to=preposition, à=out_of if preposition == "from" else into, paris=english, Paris=french)
    return rule("{to}:1 {paris}:2", "{à}:1 {Paris}:2", **words)


def company(draw: Draw) -> Phrase:
    """Draw with whom."""
    english, french = draw.one((("with:1 {him}", "avec:1 {him}"), ("without:1 {him}", "sans:1 {him}")))
    return rule(english, french, him=draw_known(draw, PEOPLE, p_adjective=0.2, p_plural=0.25).phrase)
