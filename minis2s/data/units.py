"""The units a text is cut into: its characters, its words, or pieces of words.

Each kind has `split(text) -> tokens` and `join(tokens) -> text`. Pieces are learned from the training part (bpe.py),
for source and target apart: each side has its own vocabulary here, and its merges are then spent on its own words.
Sennrich et al. 2016 also learn them from both sides at once, so that names are cut alike in both languages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from minis2s.data.bpe import BytePairs
from minis2s.data.pairs import Pair
from minis2s.errors import InputError

NAMES = {"char": "character", "word": "word", "bpe": "piece"}  # as --units calls them, and what a token of each is


class Units(Protocol):
    """What a text is cut into."""

    name: str  # a key of `NAMES`
    token: str  # and its value

    def split(self, text: str) -> list[str]:
        """Cut a text into tokens."""

    def join(self, tokens: Iterable[str]) -> str:
        """Put tokens together again."""

    def positions(self, tokens: Sequence[str]) -> list[int]:
        """Return where a gold alignment counts each token: at its own position or, a piece, at that of its word."""

    def within(self, tokens: Iterable[str]) -> "Units":
        """Return the same units for a vocabulary of these tokens."""


@dataclass(frozen=True)
class Characters:
    """One token a character: a Unicode code point, spaces too."""

    name = "char"
    token = "character"

    def split(self, text: str) -> list[str]:
        """Cut a text into its characters."""
        return list(text)

    def join(self, tokens: Iterable[str]) -> str:
        """Put characters together again."""
        return "".join(tokens)

    def positions(self, tokens: Sequence[str]) -> list[int]:
        """Return the position of each character."""
        return list(range(len(tokens)))

    def within(self, tokens: Iterable[str]) -> "Characters":
        """Return these units: no vocabulary changes them."""
        return self


@dataclass(frozen=True)
class Words:
    """One token a run without white space."""

    name = "word"
    token = "word"

    def split(self, text: str) -> list[str]:
        """Cut a text into its words."""
        return text.split()

    def join(self, tokens: Iterable[str]) -> str:
        """Put words together again, with one space between them."""
        return " ".join(tokens)

    def positions(self, tokens: Sequence[str]) -> list[int]:
        """Return the position of each word."""
        return list(range(len(tokens)))

    def within(self, tokens: Iterable[str]) -> "Words":
        """Return these units: no vocabulary changes them."""
        return self


PLAIN: dict[str, Units] = {"char": Characters(), "word": Words()}  # those that nothing is learned for


class Sides(NamedTuple):
    """The units of sources and of targets."""

    source: Units
    target: Units

    @classmethod
    def of(cls, units: "str | Sides") -> "Sides":
        """Return `"char"` or `"word"`, a name for both sides, as units; units as they are."""
        if isinstance(units, Sides):
            return units
        if units not in PLAIN:
            raise ValueError(f"units are 'char' or 'word' or learned as Sides, not {units!r}")
        return cls(PLAIN[units], PLAIN[units])

    @classmethod
    def learn(cls, name: str, pairs: Sequence[Pair], merges: int) -> "Sides":
        """Return the units of this name; for pieces, learn at most so many merges of each side of the pairs."""
        if name != "bpe":
            return cls.of(name)
        sources, targets = [pair.source for pair in pairs], [pair.target for pair in pairs]
        return cls(BytePairs.learn(sources, merges), BytePairs.learn(targets, merges))

    def __str__(self) -> str:
        """Return `char`, `bpe 1000`, `word to char` and the like."""
        source, target = (f"bpe {len(u.merges)}" if isinstance(u, BytePairs) else u.name for u in self)
        return source if source == target else f"{source} to {target}"

    def within(self, source: Iterable[str], target: Iterable[str]) -> "Sides":
        """Return the same units for these vocabularies."""
        return Sides(self.source.within(source), self.target.within(target))

    def saved(self) -> Any:
        """Return what `load` takes, for JSON; the known pieces are in the vocabularies already."""

        def one(units: Units) -> Any:
            if isinstance(units, BytePairs):
                return {"merges": [" ".join(merge) for merge in units.merges]}
            return units.name

        source, target = map(one, self)
        return source if isinstance(source, str) and source == target else {"source": source, "target": target}

    @classmethod
    def load(cls, saved: Any) -> "Sides":
        """Return the units that were saved; `within` their vocabularies they cut as before.

        Raises
        ------
        KeyError, TypeError, ValueError
            If they are no units.
        """

        def one(saved: Any) -> Units:
            if isinstance(saved, str):
                return PLAIN[saved]
            merges = [tuple(merge.split(" ")) if isinstance(merge, str) else () for merge in saved["merges"]]
            if not all(len(merge) == 2 and all(merge) for merge in merges):
                raise ValueError("the merges are not pairs of pieces")
            return BytePairs(tuple((left, right) for left, right in merges))

        return cls.of(saved) if isinstance(saved, str) else cls(one(saved["source"]), one(saved["target"]))


def choose_units(pairs: Sequence[Pair]) -> str:
    """Characters where no source holds a space, else words."""
    return "word" if any(" " in pair.source for pair in pairs) else "char"


def counted_in(units: str | Sides) -> Sides:
    """Return the units that alignments and lengths are counted in: words where the units are pieces.

    A file's alignments are between words. Pieces are known only once long pairs are dropped and the others split.
    """
    names = (units, units) if isinstance(units, str) else (side.name for side in units)
    return Sides(*(PLAIN["word" if name == "bpe" else name] for name in names))


def check_alignments(path: str | Path, pairs: Sequence[Pair], units: str | Sides) -> None:
    """Check that every gold alignment stays inside its two texts, counted in `units`: for pieces, see `counted_in`.

    Raises
    ------
    InputError
        Names the first link that points past the last token of its source or target.
    """
    sides = Sides.of(units)
    for pair in pairs:
        if pair.alignment is None:
            continue
        lengths = len(sides.source.split(pair.source)), len(sides.target.split(pair.target))
        for link in pair.alignment:
            for index, length, side, unit in zip(link, lengths, Sides._fields, sides, strict=True):
                if index >= length:
                    raise InputError(
                        f"{path}, line {pair.line}: alignment {link[0]}-{link[1]} points past the {side}, whose last "
                        f"{unit.token} is {length - 1}, counted from 0; correct it or choose other units"
                    )


def drop_long(path: str | Path, pairs: Sequence[Pair], units: str | Sides, max_length: int) -> tuple[list[Pair], int]:
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
    sides = Sides.of(units)

    def longest(pair: Pair) -> int:
        return max(len(sides.source.split(pair.source)), len(sides.target.split(pair.target)))

    kept = [pair for pair in pairs if longest(pair) <= max_length]
    if not kept:
        raise InputError(
            f"{path}: every source or target is longer than the limit of {max_length} {tokens_of(sides)}; raise the "
            "limit or give shorter pairs"
        )
    return kept, len(pairs) - len(kept)


def tokens_of(sides: Sides) -> str:
    """Return `words`, or `words and characters`: what the tokens of the two sides are."""
    return " and ".join(dict.fromkeys(f"{units.token}s" for units in sides))
