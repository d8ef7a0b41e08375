"""Numbers in words: `eighty - one` becomes `quatre - vingt - un` in French, and `einundachtzig` in German.

French counts by twenties from eighty on, and from sixty to seventy-nine; German says the units before the tens. The
words are those of the package num2words. A hyphen is a token of its own here, and so is a comma, with spaces around it:
`twenty-one thousand, two hundred` is written `twenty - one thousand , two hundred`. Taking the spaces around hyphens
and before commas out again gives num2words' text. A German number is one word; cut it into characters or pieces.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from minis2s.data.optional_packages import import_package
from minis2s.data.pairs import Pair

MOST_DIGITS = 6


def write_number(n: int, language: str) -> str:
    """Write a number from 0 to 999,999 in words of `en`, `fr` or `de`."""
    text = import_package("num2words", "dev").num2words(n, lang=language)
    return text.replace("-", " - ").replace(",", " ,")


def draw_number(rng: np.random.Generator, most_digits: int = MOST_DIGITS) -> int:
    """Draw a number of one to so many digits, each length as likely as another: small numbers are common, as in life.

    It has no leading zeros; 0 is a number of one digit.
    """
    digits = rng.integers(1, most_digits + 1)
    smallest = 0 if digits == 1 else 10 ** (digits - 1)
    return int(rng.integers(smallest, 10**digits))


def make_number(rng: np.random.Generator, language: str) -> Pair:
    """Make a pair: a number in English and in another language."""
    n = draw_number(rng)
    return Pair(write_number(n, "en"), write_number(n, language))


def numbers_to(language: str) -> Callable[[np.random.Generator], Pair]:
    """Return what makes pairs from English to a language."""
    return partial(make_number, language=language)
