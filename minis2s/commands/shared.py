"""What several commands share: a run made ready to translate with, and a check of the files to be written."""

import argparse
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from minis2s.commands.options import search_from
from minis2s.decoding.search import Search
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError
from minis2s.files import place_of
from minis2s.training.checkpoint import load_model

MOST_TOKENS = 1_000  # of a text: with a model of the default size 0.3 s and 55 MB; 10,000 take 22 s and 1.6 GB
KEPT = ("model.npz", "last.npz", "history.csv", "flow.csv", "test.tsv")  # of a run: only training can make them again


def add_replace_unknown(made: argparse.ArgumentParser) -> None:
    """Give a command the option that ``load`` reads."""
    help = "for each <unk>, write the source token looked at most"
    made.add_argument("--replace-unknown", action="store_true", help=help)


def load(args: argparse.Namespace) -> tuple[Translator, Search]:
    """Return the model of a command's run, and the search it asks for.

    Raises
    ------
    InputError
        If there is no such model or search, or the model lacks the attention that an option needs.
    """
    search, translator = search_from(args), load_model(args.run)
    search.check(translator.model)
    if args.replace_unknown and not translator.model.config.attends:
        raise InputError(f"{args.run}: this model has no attention to find source words by; train one that has")
    return replace(translator, replace_unknown=args.replace_unknown), search


def to_json(value: Any) -> str:
    """Return figures as one JSON object; what is no finite number, and so nothing that JSON has, is null."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: finite(part) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [finite(part) for part in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(finite(value), allow_nan=False)


def too_long(split: Callable[[str], list[str]], text: str) -> str:
    """Return what to say of a text of too many tokens, and nothing of another."""
    if len(text) <= MOST_TOKENS or (size := len(split(text))) <= MOST_TOKENS:
        return ""  # no token is shorter than a character
    return f"{size:,} tokens, but {MOST_TOKENS:,} are the most; cut the text into sentences"


def check_outputs(paths: Iterable[str | None], inputs: Mapping[str, str | None] | None = None) -> None:
    """Raise InputError for files that cannot be written, now and not after minutes of work.

    Parameters
    ----------
    paths : files to be written, None for one that nobody asked for
    inputs : what is to stay, by what it is called in the message; the files that make a run stay anyway

    Raises
    ------
    InputError
        If a path is a folder, is in none, cannot be written, or is that of a file to stay or of another path.
    """
    taken = {os.path.realpath(path): what for what, path in (inputs or {}).items() if path is not None}
    for path in paths:
        if path is None:
            continue
        try:
            place = place_of(path)
        except NotADirectoryError:
            raise InputError(f"{path}: there is no such folder; make it, or choose another place") from None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; give the name of a file") from None
        if place is None:  # a device or a pipe
            continue
        if not place.parent.is_dir():
            raise InputError(f"{path}: there is no such folder; make it, or choose another place")
        if place.name in KEPT and any((place.parent / name).exists() for name in KEPT[:2]):
            raise InputError(f"{path}: would be written over {place.name} of a run; choose another name")
        if str(place) in taken:
            raise InputError(f"{path}: would be written over {taken[str(place)]}; choose another name")
        taken[str(place)] = "what another option writes"
