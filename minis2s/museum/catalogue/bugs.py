"""All bugs of the museum, by name: the 36 classic ones by their numbers, then those of the rest of the family.

Where a bug has been seen, ``owner/repository #N`` is an issue or a pull request on GitHub.
"""

from minis2s.errors import InputError
from minis2s.museum.catalogue.deep import DEEPER
from minis2s.museum.catalogue.family import FAMILY
from minis2s.museum.catalogue.paths import PATHS
from minis2s.museum.catalogue.practice import PRACTICE
from minis2s.museum.catalogue.recurrence import CELLS
from minis2s.museum.catalogue.wrong_model import FORWARD
from minis2s.museum.patching import Bug

BUGS: dict[str, Bug] = {bug.name: bug for bug in (*CELLS, *PATHS, *FORWARD, *FAMILY, *DEEPER, *PRACTICE)}


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
