"""The one error a user can mend, what is said beside the results, and how texts from outside are shown."""

import os
import re
import sys
from typing import TextIO

LONGEST = 1000  # characters of a line that is said; the beginning names the place and the end what to do
HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, and halves of surrogate pairs


class InputError(ValueError):
    """Something that came from outside is wrong; the command line prints it on one line and ends with status 2.

    The line says which file, which line, what is wrong and what to do.
    """


def visible(text: str) -> str:
    """Return a text on one line that commands no terminal and can be written anywhere: ESC is shown as ``\\x1b``."""
    return HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text without its middle if it is too long."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


def printed(text: str) -> str:
    """Return a text as results print it: as it is, but ``visible`` where a terminal would obey it."""
    return visible(text) if on_terminal() else text


def on_terminal() -> bool:
    """Say whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def note(text: str, end: str = "\n") -> None:
    """Print one line on standard error, at once, in a terminal, a notebook and a file alike.

    Where that cannot be written, such as to a full disk, nothing more is said, but the work goes on.
    """
    if sys.stderr:  # else print would take standard output
        try:
            print(cut(visible(text)), end=end, file=sys.stderr, flush=True)
        except OSError:
            drop(sys.stderr)


def drop(stream: TextIO) -> None:
    """Send what was and will be written to a stream nowhere, or Python tries again at its end, and fails."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
