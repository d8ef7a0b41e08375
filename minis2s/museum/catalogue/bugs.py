"""All bugs of the museum, by name: the 36 classic ones by their numbers, then those of other layers, and the rest.

A file beside this one holds the bugs of one subject. A bug is a paragraph that reads like a difference of two files::

     9  backward  dz_sign                          The sign of dz
    in       minis2s.layers.gru:GRU.local_gradients
    -        (h - n) * z * (1 - z)
    +        (n - h) * z * (1 - z)
    symptom  The update gate learns the opposite of what it should.

The first line is number (if it is a classic one), kind, name and title. ``-`` is the text that stands in the function
once, ``+`` what it becomes; the indentation of the first line of each is for the eye only. More changes follow as more
pairs, after another ``in`` if they are in another function. ``symptom``, ``idea`` and ``seen`` are prose; ``config``,
``settings``, ``method`` and ``beam``, where a bug needs them, are JSON. A line that begins with blanks goes on with
the one above it. Where a bug has been seen, ``owner/repository #N`` is an issue or a pull request on GitHub.
"""

import json
from pathlib import Path
from typing import Any

from minis2s.errors import InputError
from minis2s.museum.patching import Bug, Change

SUBJECTS = ("recurrence", "gradient_paths", "wrong_model", "other_layers", "deep_models", "around_the_model")


def bug_of(paragraph: str) -> Bug:
    """Return the bug that a paragraph describes.

    Raises
    ------
    ValueError
        If a line begins with another word than those above.
    """
    head, *lines = paragraph.splitlines()
    kind, name, title = head[4:].split(maxsplit=2)
    pieces = [("title", [title])]
    for line in lines:
        word, text = (line[0], line[1:]) if line[0] in "-+" else (line[:9].strip(), line[9:])
        if word in ("", pieces[-1][0]):
            pieces[-1][1].append(text)
        else:
            pieces.append((word, [text]))
    where = old = ""
    changes: list[Change] = []
    rest: dict[str, Any] = {}
    for word, text in pieces:
        match word:
            case "in":
                where = text[0]
            case "-":
                old = "\n".join(text).lstrip()
            case "+":
                changes.append(Change(where, old, "\n".join(text).lstrip()))
            case "title" | "symptom" | "idea" | "seen":
                rest[word] = " ".join(text)
            case "config" | "settings" | "method" | "beam":
                rest[word] = json.loads(" ".join(text))
            case _:
                raise ValueError(f"{name}: a line begins with {word!r}")
    number = int(head[:2]) if head[:2].strip() else None
    return Bug(name, number, kind, *changes[0], also=tuple(changes[1:]), **rest)


def bugs_of(subject: str) -> list[Bug]:
    """Return the bugs of a file, in its order; its first paragraph says what they have in common."""
    text = (Path(__file__).parent / f"{subject}.txt").read_text(encoding="utf-8")
    return [bug_of(paragraph) for paragraph in text.strip().split("\n\n")[1:]]


BUGS: dict[str, Bug] = {bug.name: bug for subject in SUBJECTS for bug in bugs_of(subject)}


def bug_named(name: str) -> Bug:
    """Return the bug of a name, or of a number from 1 to 36.

    Raises
    ------
    InputError
        If there is none.
    """
    for bug in BUGS.values():
        if name == bug.name or (bug.number and name == str(bug.number)):
            return bug
    raise InputError(f"there is no bug {name!r}; python -m minis2s bugs list shows them all")
