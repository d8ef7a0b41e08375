"""Tasks whose pairs are made, not collected: as many as a lesson wants, and every target is right."""

from collections.abc import Callable, Mapping
from string import ascii_lowercase
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from minis2s.data.dates import make_date
from minis2s.data.g2p import make_pronunciation
from minis2s.data.names_and_dates import make_names
from minis2s.data.numbers import draw_number, numbers_to
from minis2s.data.pairs import Pair
from minis2s.data.splits import Recipe, collect, split_longer, split_random
from minis2s.data.toy_french.held_out import compositional, rare
from minis2s.data.toy_french.sentences import make_toy_en_fr
from minis2s.errors import InputError

SHORTEST, LONGEST = 3, 12  # letters in a source of reversal, copy and sort
MOST_DIGITS = 3  # in each number of a sum
MOST_REDRAWS = 1000  # in a row, before a task counts as used up
TASK_STREAM = 1  # keeps these random numbers apart from others drawn with the same seed


def _letters(rng: np.random.Generator) -> str:
    length = rng.integers(SHORTEST, LONGEST + 1)
    return "".join(ascii_lowercase[i] for i in rng.integers(len(ascii_lowercase), size=length))


def make_copy(rng: np.random.Generator) -> Pair:
    """`seaside` → `seaside`."""
    source = _letters(rng)
    return Pair(source, source, tuple((i, i) for i in range(len(source))))


def make_reversal(rng: np.random.Generator) -> Pair:
    """`seaside` → `edisaes`."""
    source = _letters(rng)
    return Pair(source, source[::-1], tuple((i, len(source) - 1 - i) for i in range(len(source))))


def make_sort(rng: np.random.Generator) -> Pair:
    """`seaside` → `adeeiss`; equal letters keep their order, so that each has one place to go."""
    source = _letters(rng)
    order = sorted(range(len(source)), key=source.__getitem__)  # order[j] is the source index of target j
    return Pair(source, "".join(source[i] for i in order), tuple(sorted((i, j) for j, i in enumerate(order))))


def make_addition(rng: np.random.Generator) -> Pair:
    """`57+5` → `62`."""
    a, b = draw_number(rng, MOST_DIGITS), draw_number(rng, MOST_DIGITS)
    return Pair(f"{a}+{b}", str(a + b))


def make_addition_reversed(rng: np.random.Generator) -> Pair:
    """`5+75` → `62`, which is 57+5 read from its end, units first."""
    source, target, *_ = make_addition(rng)
    return Pair(source[::-1], target)


class Task(NamedTuple):
    """What a task is, in one line, the function that makes one of its pairs, and the package its words come from.

    `splits` are those of its own, beside random and longer, which every task has.
    """

    description: str
    make: Callable[[np.random.Generator], Pair]
    package: str = ""
    splits: Mapping[str, Callable[[np.random.Generator], Recipe]] = MappingProxyType({})


TASKS = {
    "reversal": Task("random letters, last to first; with alignments", make_reversal),
    "copy": Task("random letters, as they are; with alignments", make_copy),
    "sort": Task("random letters, in the order of the alphabet; with alignments", make_sort),
    "addition": Task("the sum of two numbers of up to three digits", make_addition),
    "addition-reversed": Task("the same, with the source written backwards", make_addition_reversed),
    "dates": Task("a day from 1900 to 2099 as English writes it, to YYYY-MM-DD", make_date),
    "toy_en_fr": Task(
        "English to French, a small grammar of both; with alignments",
        make_toy_en_fr,
        splits={"compositional": compositional, "rare": rare},
    ),
    "numbers_en_fr": Task("a number of up to six digits in words, English to French", numbers_to("fr"), "num2words"),
    "numbers_en_de": Task("the same, English to German", numbers_to("de"), "num2words"),
    "names_en_fr": Task("names, dates, quantities and money, English to French", make_names, "babel"),
    "g2p": Task("a word of English, letter by letter, to its phonemes", make_pronunciation, "cmudict"),
}

DATASETS = {  # datasets/NAME.tsv: pairs, made with seed 0
    "reversal": 12_000,
    "addition": 50_000,
    "dates": 50_000,
    "toy_en_fr": 22_000,
    "numbers_en_fr": 12_000,
    "numbers_en_de": 12_000,
}


def make_pairs(task: str, size: int, seed: int) -> list[Pair]:
    """Make pairs with different sources.

    Parameters
    ----------
    task : str
        One of `TASKS`.
    size : int
        How many pairs, at least 1.
    seed : int
        The same seed gives the same pairs; not negative.

    Returns
    -------
    list of Pair
        In the order they were drawn.

    Raises
    ------
    InputError
        If there is no such task, if size or seed is too small, or if the task has fewer pairs than asked for.
    """
    _check_request(task, size, seed)
    rng = np.random.default_rng([seed, TASK_STREAM])
    pairs: dict[str, Pair] = {}
    redraws = 0
    while len(pairs) < size and redraws < MOST_REDRAWS:
        pair = TASKS[task].make(rng)
        redraws = redraws + 1 if pair.source in pairs else 0
        pairs.setdefault(pair.source, pair)
    if len(pairs) < size:
        raise InputError(
            f"task {task} cannot make {size} different pairs: after {len(pairs)}, {redraws} draws in a row gave "
            "nothing new; ask for fewer"
        )
    return list(pairs.values())


def make_split(task: str, split: str, size: int, test: int, seed: int) -> tuple[list[Pair], list[tuple[Pair, str]]]:
    """Make pairs to train on and pairs to test on, with different sources.

    Parameters
    ----------
    task : str
        One of `TASKS`.
    split : str
        "random": the test is more of the same, and training has the pairs of `make_pairs`; "longer": every test source
        is longer than every one trained on; or a split of the task's own, such as "compositional" or "rare".
    size, test : int
        How many pairs to train on and to test on, at least 1 each.
    seed : int
        The same seed gives the same pairs; not negative.

    Returns
    -------
    train : list of Pair
    test : list of (Pair, str)
        Each with the kind of test it is; "" where there is one kind only.

    Raises
    ------
    InputError
        As `make_pairs`, and if the task has no such split.
    """
    _check_request(task, size, seed)
    if test < 1:
        raise InputError(f"test {test} is too small; ask for at least 1 pair")
    common = {"random": split_random, "longer": split_longer}
    rng = np.random.default_rng([seed, TASK_STREAM])
    if split in common:
        recipe = common[split](TASKS[task].make, rng)
    elif split in TASKS[task].splits:
        recipe = TASKS[task].splits[split](rng)
    else:
        names = ", ".join((*common, *TASKS[task].splits))
        raise InputError(f"task {task} has no split {split!r}; choose one of {names}")
    return collect(recipe, size, test)


def _check_request(task: str, size: int, seed: int) -> None:
    if task not in TASKS:
        raise InputError(f"there is no task {task!r}; choose one of {', '.join(TASKS)}")
    if size < 1:
        raise InputError(f"size {size} is too small; ask for at least 1 pair")
    if seed < 0:
        raise InputError(f"seed {seed} is negative; give 0 or a positive whole number")
