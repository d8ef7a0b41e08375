"""``python -m minis2s translate``: texts in, translations out."""

import argparse
import sys
from pathlib import Path

from minis2s import plots
from minis2s.errors import InputError, note
from minis2s.options import add_search_options
from minis2s.training.checkpoint import load_model, write_file


def add_options(made: argparse.ArgumentParser) -> None:
    """Say what translate understands."""
    add = made.add_argument
    add("run", metavar="RUN", help="folder of a run")
    add("text", nargs="*", metavar="TEXT", help="a text in quotes each (default: lines of standard input)")
    add_search_options(made)
    add("--attention", metavar="FILE.png", help="draw where the model looked in the first text")


def translate(args: argparse.Namespace) -> int:
    """Translate texts, or the lines of standard input: one line of output for each, in order."""
    translator = load_model(args.run)
    if args.attention and not translator.model.config.attends:
        raise InputError(f"{args.run}: this model has no attention to draw; train one that has")
    translations = translator.translate(args.text or read_lines(), args.beam)
    for i, translation in enumerate(translations, 1):
        print(translation.text)
        if translation.unknown:
            shown = ", ".join(map(repr, translation.unknown))
            note(f"text {i}: never seen in training, read as <unk>: {shown}")
        if not translation.ended:
            note(f"text {i}: no end after {len(translation.tokens)} tokens; cut off there")
    if args.attention:
        first = next((translation for translation in translations if translation.alphas is not None), None)
        if first is None:
            raise InputError("there is no text to draw the attention of; give one after the run folder")
        figure = plots.attention_map(first.alphas, first.source, first.tokens)
        write_file(Path(args.attention), lambda file: file.write(plots.png(figure)))
        note(f"attention of the first text: {args.attention}")
    return 0


def read_lines() -> list[str]:
    """Return the lines of standard input."""
    if sys.stdin is None:
        raise InputError("standard input is closed; give a text after the run folder")
    if sys.stdin.isatty():
        note("reading lines from standard input; Ctrl-D ends them")
    try:
        lines = (data := sys.stdin.buffer.read()).decode("utf-8").removeprefix("\ufeff").split("\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"standard input, line {line}: not UTF-8; convert it to UTF-8") from None
    return lines if lines[-1] else lines[:-1]
