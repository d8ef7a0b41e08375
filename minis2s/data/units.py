"""The units a text is cut into: its characters or its words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from minis2s.data.pairs import Pair
from minis2s.errors import InputError

Units = Literal["char", "word"]
NAMES = {"char": "character", "word": "word"}


def choose_units(pairs: Sequence[Pair]) -> Units:
    """Characters where no source holds a space, else words."""
    return "word" if any(" " in pair.source for pair in pairs) else "char"


def split_units(text: str, units: Units) -> list[str]:
    """Cut a text into tokens: one a character (a Unicode code point), or one a run without white space."""
    _check_units(units)
    return list(text) if units == "char" else text.split()


def join_units(tokens: Sequence[str], units: Units) -> str:
    """Put tokens together again: words with one space between them, characters with none."""
    _check_units(units)
    return ("" if units == "char" else " ").join(tokens)


def _check_units(units: str) -> None:
    if units not in NAMES:
        raise ValueError(f"units are 'char' or 'word', not {units!r}")


def check_alignments(path: str | Path, pairs: Sequence[Pair], units: Units) -> None:
    """Check that every gold alignment stays inside its two texts.

    Raises
    ------
    InputError
        Names the first link that points past the last token of its source or target.
    """
    for pair in pairs:
        if pair.alignment is None:
            continue
        lengths = len(split_units(pair.source, units)), len(split_units(pair.target, units))
        for link in pair.alignment:
            for index, length, side in zip(link, lengths, ("source", "target"), strict=True):
                if index >= length:
                    raise InputError(
                        f"{path}, line {pair.line}: alignment {link[0]}-{link[1]} points past the {side}, whose last "
                        f"{NAMES[units]} is {length - 1}, counted from 0; correct it or choose other units"
                    )


def drop_long(path: str | Path, pairs: Sequence[Pair], units: Units, max_length: int) -> tuple[list[Pair], int]:
    """Drop every pair whose source or target has more than `max_length` tokens.

    Returns
    -------
    kept : list of Pair
    dropped : int
        How many are gone.

    Raises
    ------
    InputError
        If nothing is left.
    """

    def longest(pair: Pair) -> int:
        return max(len(split_units(pair.source, units)), len(split_units(pair.target, units)))

    kept = [pair for pair in pairs if longest(pair) <= max_length]
    if not kept:
        raise InputError(
            f"{path}: every source or target is longer than the limit of {max_length} {NAMES[units]}s; raise the limit "
            "or give shorter pairs"
        )
    return kept, len(pairs) - len(kept)
