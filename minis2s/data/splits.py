"""Splits of a task into train and test pairs, made so that the test asks for something training did not show."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minis2s.data.pairs import Pair, format_pairs
from minis2s.errors import InputError

MOST_REDRAWS = 1000  # in a row, before a task counts as used up
MOST_REFUSED = 100_000  # pairs in a row that are not of the kind asked for
PILOT = 2000  # pairs drawn to see how long they are
LONGER = 0.1  # share of all pairs, at least, that are too long to train on


class Recipe(NamedTuple):
    """How a split draws: each function draws one pair, or None if what it drew does not belong there.

    `test` has one function a kind of test pair; the kinds are written beside the pairs, unless there is one only.
    """

    train: Callable[[], Pair | None]
    test: Mapping[str, Callable[[], Pair | None]]


def split_random(make: Callable[[np.random.Generator], Pair], rng: np.random.Generator) -> Recipe:
    """Test on more of the same."""
    return Recipe(lambda: make(rng), {"": lambda: make(rng)})


def split_longer(make: Callable[[np.random.Generator], Pair], rng: np.random.Generator) -> Recipe:
    """Test on sources that are longer than every one in training.

    Training has the greatest length that leaves at least a tenth of all pairs longer. Lengths are in words if any
    source has several, else in characters.

    Raises
    ------
    InputError
        If nine tenths of the sources or more have the greatest length.
    """
    pilot = [make(rng) for _ in range(PILOT)]
    words = any(" " in pair.source for pair in pilot)

    def length(pair: Pair) -> int:
        return len(pair.source.split()) if words else len(pair.source)

    lengths = sorted(map(length, pilot))
    longest = max((n for n in lengths if n < lengths[int(len(lengths) * (1 - LONGER))]), default=0)
    if not longest:
        raise InputError("the sources of this task are all of about one length; choose another split")

    def of_length(longer: bool) -> Pair | None:
        pair = make(rng)
        return pair if (length(pair) > longest) == longer else None

    return Recipe(lambda: of_length(False), {"": lambda: of_length(True)})


def collect(recipe: Recipe, size: int, test: int) -> tuple[list[Pair], list[tuple[Pair, str]]]:
    """Draw train and test pairs with different sources; kinds of test pairs share the test equally.

    Returns
    -------
    train : list of Pair
    test : list of (Pair, its kind)

    Raises
    ------
    InputError
        If there are fewer different pairs than asked for.
    """
    seen: set[str] = set()

    def gather(draw: Callable[[], Pair | None], count: int, part: str) -> list[Pair]:
        pairs: list[Pair] = []
        again = refused = 0
        while len(pairs) < count:
            pair = draw()
            if pair is None:
                refused += 1
            elif pair.source in seen:
                again += 1
            else:
                again = refused = 0
                seen.add(pair.source)
                pairs.append(pair)
            if again == MOST_REDRAWS or refused == MOST_REFUSED:
                raise InputError(f"only {len(pairs)} different pairs of {count} for the {part} part; ask for fewer")
        return pairs

    train = gather(recipe.train, size, "train")
    kinds = list(recipe.test)
    shares = [test // len(kinds) + (i < test % len(kinds)) for i in range(len(kinds))]
    tests: list[tuple[Pair, str]] = []
    for kind, share in zip(kinds, shares):
        tests += [(pair, kind) for pair in gather(recipe.test[kind], share, f"test {kind}".strip())]
    return train, tests


def format_test(pairs: Sequence[tuple[Pair, str]]) -> str:
    """Write test pairs as `format_pairs` does, each with its kind, if any, in a last column that readers ignore."""
    lines = []
    for pair, kind in pairs:
        line = format_pairs([pair])
        lines.append(line[:-1] + f"\t{kind}\n" if kind else line)
    return "".join(lines)
