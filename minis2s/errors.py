"""The one error a user can mend, and what is said beside the results."""

import os
import sys
from typing import TextIO


class InputError(ValueError):
    """Something that came from outside is wrong; the command line prints it on one line and ends with status 2.

    The line says which file, which line, what is wrong and what to do.
    """


def note(text: str, end: str = "\n") -> None:
    """Print one line on standard error, at once, in a terminal, a notebook and a file alike.

    Where that cannot be written, such as to a full disk, nothing more is said, but the work goes on.
    """
    if sys.stderr:  # else print would take standard output
        try:
            print(text, end=end, file=sys.stderr, flush=True)
        except OSError:
            drop(sys.stderr)


def drop(stream: TextIO) -> None:
    """Send what was and will be written to a stream nowhere, or Python tries again at its end, and fails."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
