"""The one error a user can mend, and what is said beside the results."""

import sys


class InputError(ValueError):
    """Something that came from outside is wrong; the command line prints it on one line and ends with status 2.

    The line says which file, which line, what is wrong and what to do.
    """


def note(text: str) -> None:
    """Print one line on standard error, at once, in a terminal, a notebook and a file alike."""
    if sys.stderr:  # else print would take standard output
        print(text, file=sys.stderr, flush=True)
