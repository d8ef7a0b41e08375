"""What the lessons ask about where they run: sizes for tests, the datasets folder."""

import os
from pathlib import Path
from typing import TypeVar

from minis2s.errors import InputError

Size = TypeVar("Size")


def is_small() -> bool:
    """Return whether the lesson runs as a quick test (MINIS2S_LESSON=small), not for a reader."""
    return os.environ.get("MINIS2S_LESSON") == "small"


def is_built() -> bool:
    """Return whether lessons/build.py runs the lesson: then outputs are kept, and nothing can be interactive."""
    return bool(os.environ.get("MINIS2S_BUILD"))


def size(full: Size, small: Size) -> Size:
    """Return ``full``, or ``small`` in a quick test: numbers of pairs, epochs, seeds. Claims hold for ``full`` only."""
    return small if is_small() else full


def dataset(name: str) -> Path:
    """Return the path of a file in datasets/, from a notebook anywhere in a clone of the repository.

    Raises
    ------
    InputError
        If there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).parents[2]):
        if (folder / "datasets" / name).is_file():
            return folder / "datasets" / name
    raise InputError(f"datasets/{name} is not above this notebook; open it in a clone of the repository")
