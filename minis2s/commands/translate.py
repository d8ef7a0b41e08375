"""``python -m minis2s translate``: texts in, translations out."""

import argparse
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, islice
from typing import BinaryIO, NamedTuple

from minis2s import plots
from minis2s.commands.options import add_search_options, path_name, positive
from minis2s.commands.shared import add_replace_unknown, check_outputs, load, too_long
from minis2s.data.vocabulary import SPECIAL, UNK
from minis2s.decoding.search import Search
from minis2s.decoding.translator import Translation, Translator
from minis2s.errors import InputError, note, printed
from minis2s.files import open_to_read

LINES = 1_000  # translated together: the first come out early, and memory does not grow with the file
MOST_BYTES = 100_000  # of a line
NOT_UTF8 = "not UTF-8; convert it to UTF-8"
FAILED = Translation("", [], [], math.nan, None, [], True, math.nan)  # stands for a text that was not translated
ONE_LINE = str.maketrans("\t\n", "  ")  # a vocabulary may hold anything, but a translation is one column of one line


class Line(NamedTuple):
    """One text to translate."""

    name: str  # as notes call it
    text: str
    wrong: str = ""  # why it cannot be translated


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of ``translate``."""
    add = made.add_argument
    add("run", type=path_name, metavar="RUN", help="folder of a run")
    add("text", nargs="*", metavar="TEXT", help="a text in quotes each (default: lines of standard input)")
    add("--input", type=path_name, metavar="FILE", help="translate the lines of this file instead")
    add_search_options(made)
    more = "print up to N translations of each text, one a line: number of the text, rank, score, translation"
    add("--n-best", type=positive, metavar="N", default=Search.n_best, help=more)
    add("--scores", action="store_true", help="print the score, in nats and after penalties, and a tab before each")
    add_replace_unknown(made)
    add("--attention", type=path_name, metavar="FILE.png", help="draw where the model looked in the first text")


def translate(args: argparse.Namespace) -> int:
    """Translate texts: one line of output for each, in order, whatever becomes of the others.

    A text that cannot be translated is an empty line with the score nan. A note says which and why; the others are
    translated, and the exit status is 2.
    """
    if args.text and args.input is not None:
        raise InputError(f"--input {args.input}: texts are given, too; leave either out")
    check_outputs([args.attention], {"the texts": args.input, "the model": args.run})
    translator, search = load(args)
    if args.attention and not translator.model.config.attends:
        raise InputError(f"{args.run}: this model has no attention to draw; train one that has")
    number, failed, drawn = 0, 0, None
    try:
        with lines_of(args) as (lines, together):
            while chunk := list(islice(lines, together)):
                out = []
                for line, found in zip(chunk, translated(translator, chunk, search, number)):
                    number += 1
                    if isinstance(found, str):
                        note(f"{line.name}: {found}")
                        failed, found = failed + 1, [FAILED]
                    drawn = found[0] if drawn is None and found[0].alphas is not None else drawn
                    out += rows(number, found, search.n_best > 1, args.scores)
                    remark(line.name, found[0])
                print("\n".join(out), flush=True)
    finally:
        if args.attention and drawn:  # also where the reader of the lines has left
            draw(drawn, args.attention)
    if args.attention and not drawn:
        raise InputError("there is no text to draw the attention of; give one after the run folder")
    if failed:
        raise InputError(f"{failed} of {number} texts not translated; mend those that the notes name")
    return 0


def translated(translator: Translator, lines: list[Line], search: Search, first: int) -> list[list[Translation] | str]:
    """Return the translations of each line, the best first, or why there are none; the lines are counted from first.

    Where translating fails, such as for want of memory, each half is tried by itself, so that only those lines are lost
    that fail alone.
    """
    wrong = [line.wrong or too_long(translator.split, line.text) for line in lines]
    try:
        found = translator.n_best(["" if why else line.text for line, why in zip(lines, wrong)], search, first=first)
    except Exception as error:  # whatever it is, the other lines are innocent
        if len(lines) == 1:
            return [f"cannot be translated ({type(error).__name__}: {' '.join(str(error).split())})"]
        half = len(lines) // 2
        parts = (lines[:half], first), (lines[half:], first + half)
        return [one for part, start in parts for one in translated(translator, part, search, start)]
    return [why or translations for why, translations in zip(wrong, found)]


def rows(number: int, found: list[Translation], ranked: bool, scores: bool) -> Iterator[str]:
    """Yield the output of one text: its translation, with its score if wanted, or all with number, rank and score."""
    for rank, translation in enumerate(found, 1):
        text = printed(translation.text.translate(ONE_LINE))
        if ranked:
            yield f"{number}\t{rank}\t{translation.score:.4f}\t{text}"
        else:
            yield f"{translation.score:.4f}\t{text}" if scores else text


def remark(name: str, translation: Translation) -> None:
    """Say what a reader of the translation should know of it."""
    if translation.unknown:
        shown = ", ".join(map(repr, translation.unknown))
        note(f"{name}: never seen in training, read as <unk>: {shown}")
    if count := translation.tokens.count(SPECIAL[UNK]):
        note(f"{name}: {count} of {len(translation.tokens)} tokens of its translation are <unk>")
    if not translation.ended:
        note(f"{name}: no end after {len(translation.tokens)} tokens; cut off there")


def draw(translation: Translation, path: str) -> None:
    """Draw where the model looked."""
    plots.write_png(path, plots.attention_map, translation.alphas, translation.source, translation.tokens)
    note(f"attention of the first text: {path}")


@contextmanager
def lines_of(args: argparse.Namespace) -> Iterator[tuple[Iterator[Line], int]]:
    """Hand out the texts to translate, and how many of them to translate together."""
    if args.text:
        yield (argument(f"text {i}", text) for i, text in enumerate(args.text, 1)), LINES
    elif args.input is not None:
        try:
            file = open_to_read(args.input)
        except OSError as error:
            raise InputError(f"{args.input}: cannot be read ({error.strerror}); give a text file") from None
        with file:
            yield read_lines(file, args.input), LINES
    elif sys.stdin is None:
        raise InputError("standard input is closed; give a text after the run folder")
    else:
        typed = sys.stdin.isatty()  # someone waits for each answer
        if typed:
            note("reading lines from standard input; Ctrl-D ends them")
        yield read_lines(sys.stdin.buffer, "standard input"), 1 if typed else LINES


def argument(name: str, text: str) -> Line:
    """Return a text of the command line, whose bytes Python has read as the locale says: they may be UTF-8 still."""
    with suppress(UnicodeError):
        text = os.fsencode(text).decode("utf-8")
    halves = any("\ud800" <= character <= "\udfff" for character in text)  # what stands for bytes that are no text
    return Line(name, "", NOT_UTF8) if halves else Line(name, text)


def read_lines(file: BinaryIO, name: str) -> Iterator[Line]:
    """Yield the lines of a file, without holding more than one; those that are no text with what is wrong."""
    for number in count(1):
        wrong = ""
        try:
            data = part = file.readline(MOST_BYTES)
            while len(part) == MOST_BYTES and part[-1:] != b"\n":  # there is more of the line
                wrong = f"{MOST_BYTES:,} bytes or more; cut the line into sentences"
                part = file.readline(MOST_BYTES)
            text = "" if wrong else data.decode("utf-8")
        except UnicodeDecodeError:
            text, wrong = "", NOT_UTF8
        except OSError as error:
            data, text, wrong = b"", "", f"cannot be read ({error.strerror}), nor what follows; copy it anew"
        if data or wrong:
            if number == 1 and data[-1:] != b"\n" and "\r" in text.rstrip("\r"):
                text, wrong = "", "the lines end with CR alone; convert them to LF"
            yield Line(f"{name}, line {number}", text.removeprefix("\ufeff"), wrong)
        if not data:
            return
