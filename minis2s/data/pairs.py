"""The text format: one `source<TAB>target` pair a line; a third column may hold gold word alignments."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minis2s.errors import InputError
from minis2s.files import open_to_read

LINK = re.compile(r"\d+-\d+", re.ASCII)
HALF_LINK = re.compile(r"\d+-[a-z0-9]{0,3}", re.ASCII | re.IGNORECASE)  # `0-a` and `1-` are links gone wrong,
LINKLIKE = re.compile(
    r"\d+|([a-z0-9]{0,3}-)+[a-z0-9]{0,3}", re.ASCII | re.IGNORECASE
)  # and beside such links `1` and `x-1` are, too
FEWEST_PAIRS = 10  # fewer teach nothing
FEWEST_SOURCES = 3  # one to train on, one to validate, one to test
MOST_HELD_OUT = 1000  # sources in each of the validation and test parts
SPLIT_STREAM = 2  # keeps these random numbers apart from others drawn with the same seed


class Pair(NamedTuple):
    """A source text, its target text, and where they came from.

    `alignment` links source token i to target token j as (i, j), both counted from 0 in the file's units, or in words
    where these are pieces of words; None is unknown. `line` is the line in the pair's file, counted from 1; 0 is a pair
    that was made, not read.
    """

    source: str
    target: str
    alignment: tuple[tuple[int, int], ...] | None = None
    line: int = 0


def read_pairs(path: str | Path) -> list[Pair]:
    """Read a UTF-8 file of `source<TAB>target` lines.

    Text is put into Unicode's composed form (NFC), so that one visible letter has one spelling, and loses the white
    space around it. A third column like `0-0 1-2` is a gold alignment; not every line needs one. Any other further
    column is ignored, unless it looks like an alignment gone wrong: nothing is in it but numbers and what is like a
    link, short and with a hyphen, and at least one of these begins as a link does, with digits and a hyphen.

    Parameters
    ----------
    path : str or Path
        The file. Lines end with LF or CRLF. Blank last lines are ignored, and byte order marks around a text, which
        files have in the middle where others were put together.

    Returns
    -------
    list of Pair
        In the order of the file, each with its line number.

    Raises
    ------
    InputError
        If the file cannot be read, is not UTF-8, is empty, or has a line without a tab, a source or a target, or with
        an alignment gone wrong.
    """
    # Not str.splitlines: that also cuts at U+2028 and form feeds, which belong to the text.
    lines = unicodedata.normalize("NFC", _read_text(path)).split("\n")
    while lines and not lines[-1].strip(" \r\ufeff"):
        lines.pop()
    if not lines:
        raise InputError(f"{path}: the file is empty; write one source<TAB>target pair a line")
    if len(lines) == 1 and sum("\t" in part for part in lines[0].split("\r")) > 1:
        raise InputError(f"{path}: the lines end with CR alone; convert them to LF")
    return [_parse_line(path, number, line) for number, line in enumerate(lines, start=1)]


def _read_text(path: str | Path) -> str:
    try:
        with open_to_read(path) as file:
            data = file.read()
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} at offset {error.start} of the file is not UTF-8; "
            "save the file as UTF-8"
        ) from None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check its name and folder") from None
    except IsADirectoryError:
        raise InputError(f"{path}: this is a folder; give a text file of source<TAB>target lines") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read this file; allow reading it or give another") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a text file") from None


def _parse_line(path: str | Path, number: int, line: str) -> Pair:
    columns = [column.strip().strip("\ufeff").strip() for column in line.split("\t")]
    if len(columns) < 2:
        wrong = "no tab between source and target" if columns[0] else "a blank line"
        raise InputError(f"{path}, line {number}: {wrong}; write source<TAB>target or delete the line")
    source, target = columns[:2]
    if not source:
        raise InputError(f"{path}, line {number}: the source is empty; write it before the tab or delete the line")
    if not target:
        raise InputError(f"{path}, line {number}: the target is empty; write it after the tab or delete the line")
    try:
        return Pair(source, target, parse_alignment(columns[2]) if len(columns) > 2 else None, number)
    except ValueError as error:
        raise InputError(
            f"{path}, line {number}: {error} is no link of an alignment; write source-target, whole numbers counted "
            "from 0, with spaces between links"
        ) from None


def parse_alignment(column: str) -> tuple[tuple[int, int], ...] | None:
    """Read `0-0 1-2` as ((0, 0), (1, 2)); return None for a column that is something else.

    Raises
    ------
    ValueError
        With the first link that is none, in a column that looks like an alignment gone wrong; see `read_pairs`.
    """
    links = column.split()
    wrong = [link for link in links if not LINK.fullmatch(link)]
    if links and not wrong:
        return tuple((int(i), int(j)) for i, j in (link.split("-") for link in links))
    parts = re.split(r"[\s,;]+", column)
    if all(map(LINKLIKE.fullmatch, parts)) and any(map(HALF_LINK.fullmatch, parts)):
        raise ValueError(repr(wrong[0]))
    return None


def format_pairs(pairs: Sequence[Pair]) -> str:
    """Write pairs as text that `read_pairs` reads back, one line a pair, LF at the end of each.

    The texts must be as `read_pairs` gives them: NFC, no tab or newline in them, no white space around them.
    """
    lines = []
    for pair in pairs:
        columns = [pair.source, pair.target]
        if pair.alignment:
            columns.append(" ".join(f"{i}-{j}" for i, j in pair.alignment))
        lines.append("\t".join(columns) + "\n")
    return "".join(lines)


def check_training_pairs(path: str | Path, pairs: Sequence[Pair]) -> None:
    """Say what is wrong with a file that no model can be trained on.

    Raises
    ------
    InputError
        If there are fewer than 10 pairs, if all lines are the same, or if there are fewer than 3 different sources,
        which is what `split_pairs` needs.
    """
    if len(pairs) < FEWEST_PAIRS:
        raise InputError(f"{path}: too few pairs to train on, {len(pairs)}; give at least {FEWEST_PAIRS}")
    if len({(pair.source, pair.target) for pair in pairs}) == 1:
        raise InputError(f"{path}: all {len(pairs)} lines are the same pair; give pairs that differ")
    sources = len({_source_key(pair) for pair in pairs})
    if sources < FEWEST_SOURCES:
        raise InputError(
            f"{path}: too few different sources to train, validate and test on, {sources}; give at least "
            f"{FEWEST_SOURCES}"
        )


def split_pairs(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Split pairs at random so that no source of the validation or test part is trained on.

    Whole sources are drawn: n distinct ones give min(1000, n // 10), but at least 1, to each of the validation and test
    parts, with every target they have.

    Parameters
    ----------
    pairs : sequence of Pair
        With at least three different sources.
    seed : int
        The same seed and pairs give the same split; not negative.

    Returns
    -------
    train, valid, test : list of Pair
        Each in the order of `pairs`.
    """
    keys = [_source_key(pair) for pair in pairs]
    sources = list(dict.fromkeys(keys))
    if len(sources) < FEWEST_SOURCES:
        raise InputError(f"too few different sources to split in three, {len(sources)}; give at least {FEWEST_SOURCES}")
    held_out = max(1, min(MOST_HELD_OUT, len(sources) // 10))
    order = np.random.default_rng([seed, SPLIT_STREAM]).permutation(len(sources))
    part = {sources[i]: 1 if rank < held_out else 2 for rank, i in enumerate(order[: 2 * held_out])}
    parts: tuple[list[Pair], list[Pair], list[Pair]] = ([], [], [])
    for pair, key in zip(pairs, keys, strict=True):
        parts[part.get(key, 0)].append(pair)
    return parts


def _source_key(pair: Pair) -> str:
    return " ".join(pair.source.split())  # as words, "a  b" and "a b" are the same source
