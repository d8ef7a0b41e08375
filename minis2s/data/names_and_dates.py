"""Short texts in English and French, accents and all: names, dates, quantities, sums of money, times from now.

The words are those of the Common Locale Data Repository of Unicode (CLDR), from the package Babel; only what is named,
and how much of it, is drawn here. Spaces that keep a line from being broken are ordinary spaces here.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from types import ModuleType

import numpy as np

from minis2s.data.optional_packages import import_package
from minis2s.data.pairs import Pair

LANGUAGES = ("en", "fr")
NAMED = ("territories", "languages", "scripts", "currencies")
MOST_LISTED = 3
FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
SPANS = {"hour": (1 / 24, 23), "day": (1, 6), "week": (7, 3), "month": (30, 11), "year": (365, 500)}  # days, most of it
UNITS = """
acceleration-meter-per-square-second angle-degree angle-radian angle-revolution area-acre area-hectare
area-square-centimeter area-square-foot area-square-kilometer area-square-meter area-square-mile concentr-karat
concentr-percent consumption-liter-per-kilometer digital-bit digital-byte digital-gigabyte digital-kilobyte
digital-megabyte digital-terabyte duration-century duration-day duration-decade duration-hour duration-millisecond
duration-minute duration-month duration-night duration-quarter duration-second duration-week duration-year
electric-ampere electric-ohm electric-volt energy-calorie energy-joule energy-kilocalorie energy-kilojoule
energy-kilowatt-hour force-newton frequency-hertz frequency-megahertz graphics-dot-per-inch graphics-megapixel
graphics-pixel length-centimeter length-decimeter length-foot length-inch length-kilometer length-light-year
length-meter length-micrometer length-mile length-millimeter length-nautical-mile length-parsec length-solar-radius
length-yard light-lux mass-carat mass-earth-mass mass-gram mass-kilogram mass-milligram mass-ounce mass-pound
mass-solar-mass mass-tonne power-horsepower power-kilowatt power-megawatt power-watt pressure-atmosphere pressure-bar
pressure-hectopascal pressure-inch-ofhg pressure-pascal speed-kilometer-per-hour speed-knot speed-meter-per-second
speed-mile-per-hour temperature-celsius temperature-fahrenheit temperature-kelvin torque-newton-meter volume-barrel
volume-bushel volume-centiliter volume-cubic-centimeter volume-cubic-foot volume-cubic-kilometer volume-cubic-meter
volume-deciliter volume-drop volume-gallon volume-hectoliter volume-liter volume-milliliter volume-pinch volume-pint
volume-tablespoon volume-teaspoon
""".split()
Rng = np.random.Generator
Write = Callable[[str], str]  # a text in a language


def babel(module: str) -> ModuleType:
    """Return a module of Babel."""
    return import_package(f"babel.{module}", "dev")


@cache
def codes(kind: str) -> list[str]:
    """Return Babel's codes of what has a name in all languages."""
    named = [set(getattr(babel("core").Locale(language), kind)) for language in LANGUAGES]
    return sorted(set.intersection(*named))


def listed(rng: Rng) -> Write:
    """`Spain, France, or Italy`: up to three territories, languages, scripts or currencies."""
    kind, style = NAMED[rng.integers(len(NAMED))], ("standard", "or")[rng.integers(2)]
    drawn = rng.choice(codes(kind), rng.integers(1, MOST_LISTED + 1), replace=False)

    def write(language: str) -> str:
        names = getattr(babel("core").Locale(language), kind)
        return babel("lists").format_list([names[code] for code in drawn], style, language)

    return write


def quantity(rng: Rng) -> Write:
    """`1.5 kilometers`."""
    unit, number = UNITS[rng.integers(len(UNITS))], _number(rng)
    return lambda language: babel("units").format_unit(number, unit, locale=language)


def money(rng: Rng) -> Write:
    """`12 euros`."""
    currency, number = rng.choice(codes("currencies")), int(_number(rng))
    options = {"format": "#,##0", "currency_digits": False, "format_type": "name"}
    return lambda language: babel("numbers").format_currency(number, currency, locale=language, **options)


def day(rng: Rng) -> Write:
    """`Thursday, March 4, 1999` or `March 4, 1999`."""
    drawn = date.fromordinal(int(rng.integers(FIRST.toordinal(), LAST.toordinal() + 1)))
    style = ("full", "long")[rng.integers(2)]
    return lambda language: babel("dates").format_date(drawn, style, locale=language)


def from_now(rng: Rng) -> Write:
    """`in 3 days` or `3 days ago`."""
    unit = list(SPANS)[rng.integers(len(SPANS))]
    days, most = SPANS[unit]
    span = timedelta(days=days) * int(rng.integers(1, most + 1)) * (-1, 1)[rng.integers(2)]
    options = {"granularity": unit, "threshold": most + 1, "add_direction": True}
    return lambda language: babel("dates").format_timedelta(span, locale=language, **options)


def large(rng: Rng) -> Write:
    """`3.4 million`."""
    number = int(rng.integers(1, 1000)) * 10 ** int(rng.integers(3, 12))
    options = {"format_type": "long", "fraction_digits": 1}
    return lambda language: babel("numbers").format_compact_decimal(number, locale=language, **options)


def _number(rng: Rng) -> float:
    """Draw one of one to four digits, sometimes with a half."""
    return int(rng.integers(1, 10 ** rng.integers(1, 5))) + 0.5 * (rng.integers(4) == 0)


KINDS = (listed, quantity, money, day, from_now, large)


def make_names(rng: Rng) -> Pair:
    """Make a pair of any kind, each as likely as another."""
    write = KINDS[rng.integers(len(KINDS))](rng)
    source, target = (" ".join(write(language).split()) for language in LANGUAGES)
    return Pair(source, target)
