"""Dates as English writes them, to be translated to ISO 8601: `Thursday, March 4, 1999` becomes `1999-03-04`."""

from datetime import date

import numpy as np

from minis2s.data.pairs import Pair

# Every form a date is written in, beside what it makes of 1999-03-04. All name the month and write the year in full, so
# each has one reading. Commas, full stops and capitals come and go at random afterwards.
FORMS = {
    "{month} {day}, {year}": "March 4, 1999",
    "{month} {nth}, {year}": "March 4th, 1999",
    "{month} the {nth}, {year}": "March the 4th, 1999",
    "{abbr} {day}, {year}": "Mar. 4, 1999",
    "{abbr} {day:02}, {year}": "Mar. 04, 1999",
    "{day} {month} {year}": "4 March 1999",
    "{nth} {month}, {year}": "4th March, 1999",
    "{day} {abbr} {year}": "4 Mar. 1999",
    "the {nth} of {month}, {year}": "the 4th of March, 1999",
    "{nth} of {abbr}, {year}": "4th of Mar., 1999",
    "{day}-{mon}-{year}": "4-Mar-1999",
    "{day:02}/{mon}/{year}": "04/Mar/1999",
    "{year}-{mon}-{day:02}": "1999-Mar-04",
    "{year} {month} {day}": "1999 March 4",
    "{year}, {month} the {nth}": "1999, March the 4th",
    "{weekday}, {month} {day}, {year}": "Thursday, March 4, 1999",
    "{weekday}, {day} {month} {year}": "Thursday, 4 March 1999",
    "{weekday} the {nth} of {month}, {year}": "Thursday the 4th of March, 1999",
    "{wday}., {abbr} {day}, {year}": "Thu., Mar. 4, 1999",
    "{wday}., {day} {abbr} {year}": "Thu., 4 Mar. 1999",
}
TEMPLATES = tuple(FORMS)
FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)

# Not strftime: its names change with the computer's language.
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def write_date(day: date, form: str) -> str:
    """Write a day in one of `FORMS`."""
    month, weekday = MONTHS[day.month - 1], WEEKDAYS[day.weekday()]
    return form.format(
        day=day.day,
        nth=f"{day.day}{_suffix(day.day)}",
        month=month,
        mon=month[:3],
        abbr="May" if month == "May" else f"{month[:3]}.",
        year=day.year,
        weekday=weekday,
        wday=weekday[:3],
    )


def _suffix(n: int) -> str:
    return "th" if n in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")


def make_date(rng: np.random.Generator) -> Pair:
    """Make a pair: any day from 1900 to 2099 in any form, punctuation and case, and the same day as YYYY-MM-DD."""
    day = date.fromordinal(int(rng.integers(FIRST.toordinal(), LAST.toordinal() + 1)))
    text = write_date(day, TEMPLATES[rng.integers(len(TEMPLATES))])
    if rng.integers(2):
        text = text.replace(",", "")
    if rng.integers(2):
        text = text.replace(".", "")
    change_case = (str, str.lower, str.upper)[rng.integers(3)]
    return Pair(change_case(text), day.isoformat())
