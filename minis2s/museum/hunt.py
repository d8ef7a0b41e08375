"""The game: somewhere in the library is a bug. Call checks, each at a price, and say which it is."""

from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np

from minis2s.errors import InputError, cut
from minis2s.museum.catalogue.bugs import BUGS
from minis2s.museum.checks import CHECKS, subject_of, verdict
from minis2s.museum.patching import Bug, difference, texts
from minis2s.museum.small_training import train_small

FULL, CHECK_COST, WORDS_COST, WRONG_COST = 100, 5, 20, 20


def chosen(seed: int) -> Bug:
    """Return the bug of a seed. Seeds that follow one another have different bugs, and every bug comes equally often.

    Raises
    ------
    InputError
        If the seed is no whole number, or negative.
    """
    if not isinstance(seed, (int, np.integer)):
        raise InputError(f"seed {seed!r} is no whole number; give 0 or a positive one")
    if seed < 0:
        raise InputError(f"seed {seed} is negative; give 0 or a positive whole number")
    names = sorted(BUGS)
    around, place = divmod(seed, len(names))
    return BUGS[names[np.random.RandomState(around % 2**32).permutation(len(names))[place]]]


def answer_of(letter: str, bug: Bug) -> tuple[str, str]:
    """Return what a check says of a bug, without its name: right or wrong and a number; and the rest, in words."""
    if letter == "MODEL":
        return parts_of(bug), ""
    if letter == "E":
        return str(train_small(bug)), ""
    found = verdict(letter, bug)
    return f"{'WRONG' if found.convicted else 'right'}, {found.number:.1e}", found.line


def parts_of(bug: Bug) -> str:
    """Return what the model is made of in which a bug shows, and how it is trained and checked."""
    config, settings, method = subject_of(bug)
    way = ", both directions" if config.bidirectional else ""
    parts = [
        f"cell {config.cell}",
        f"attention {config.attention}" if config.attends else "no attention",
        f"order {config.order}{' with input feeding' if config.input_feeding else ''}",
        f"{config.layers} encoder layer{'s' * (config.layers > 1)}{way}",
        f"bridge {config.bridge}",
        *[f"dropout {config.dropout}"] * (config.dropout > 0),
        *["layer normalisation"] * config.layer_norm,
        *["tied output"] * config.tie_output,
        f"optimizer {settings.optimizer}",
        f"beam {bug.beam}",
        f"gradients checked by {'complex step' if method == 'complex' else 'central difference'}",
    ]
    return "; ".join(parts)


def counted(number: int, what: str) -> str:
    """Return "1 check", "2 checks"."""
    return f"{number} {what}{'s' * (number != 1)}"


class Hunt:
    """One hunt. ``check`` and ``accuse`` until ``over``; then ``score`` counts, and ``answer`` tells.

    >>> hunt = Hunt(seed=7)
    >>> print(hunt.check("W"))  # doctest: +SKIP
    >>> print(hunt.words("W"))  # doctest: +SKIP
    >>> print(hunt.accuse("dz_sign"))  # doctest: +SKIP

    The price: 5 points a check, 20 more for its words, which may name the cause, 20 a wrong accusation; the same twice
    is paid once. A letter or a name that does not exist costs nothing. All state is in this object.
    """

    checks: ClassVar = {
        **{letter: check.question for letter, check in CHECKS.items()},
        "E": "train a small model: exact match, free-running, against token accuracy, teacher-forced",
        "MODEL": "what the broken model is made of; some bugs need parts that few models have",
    }

    def __init__(self, seed: int):
        self.seed = seed
        self.__bug = chosen(seed)
        texts(self.__bug)  # raises InputError now if the bug does not fit the library
        self.__said: dict[str, tuple[str, str]] = {}  # by each check that was called
        self.called: list[str] = []
        self.worded: list[str] = []  # those whose words were paid for, too
        self.wrong: list[str] = []
        self.over = self.found = False

    def __repr__(self) -> str:
        state = "solved" if self.found else "given up" if self.over else "open"
        return f"Hunt(seed={self.seed}): {state}; {self.paid}; {counted(self.score, 'point')}"

    @property
    def paid(self) -> str:
        """What the points were spent on."""
        words = f" ({len(self.worded)} in words)" if self.worded else ""
        return f"{counted(len(self.called), 'check')}{words}, {counted(len(self.wrong), 'wrong accusation')}"

    @property
    def suspects(self) -> list[str]:
        """The names of all bugs."""
        return sorted(BUGS)

    @property
    def score(self) -> int:
        """Points: 100 at first, less what was paid; never below 0, and 0 after giving up."""
        spent = CHECK_COST * len(self.called) + WORDS_COST * len(self.worded) + WRONG_COST * len(self.wrong)
        return 0 if self.over and not self.found else max(FULL - spent, 0)

    @property
    def answer(self) -> str:
        """Which bug it was, and what it teaches; not before the hunt is over."""
        if not self.over:
            return "The hunt is not over: accuse a bug, or give up."
        bug = self.__bug
        return f"{bug.name}: {bug.title}.\n{bug.idea}\nSeen: {bug.seen}\n\n{difference(bug)}"

    def check(self, name: str) -> str:
        """Run a check; return its verdict. ``E`` trains, three seconds; ``MODEL`` tells the model's parts."""
        if trouble := self.__trouble(name):
            return trouble
        letter = name.strip().upper()
        if letter not in self.called:
            self.__said[letter] = answer_of(letter, self.__bug)
            self.called.append(letter)
        return f"{letter}: {self.__said[letter][0]}"

    def words(self, name: str) -> str:
        """Run a check; return its verdict and what it found, in words: which arrays are wrong, and often why."""
        if trouble := self.__trouble(name):
            return trouble
        said, letter = self.check(name), name.strip().upper()
        if not self.__said[letter][1]:
            return f"{said} (there are no further words, and nothing to pay)"
        if letter not in self.worded:
            self.worded.append(letter)
        return f"{said}; {self.__said[letter][1]}"

    def accuse(self, name: str) -> str:
        """Say which bug it is; return whether that is so."""
        if self.over:
            return OVER
        if not isinstance(name, str) or name not in BUGS:
            return f"There is no bug {name!r}; `suspects` are {len(BUGS)} names, python -m minis2s bugs list."
        if name != self.__bug.name:
            if name not in self.wrong:
                self.wrong.append(name)
            return f"No, it is not {name}. {self.score} points left."
        self.over = self.found = True
        return f"Yes, it is {name}. {self.score} points."

    def give_up(self) -> str:
        """End the hunt; return the answer."""
        self.over = True
        return self.answer

    def __trouble(self, name: str) -> str:
        """Return why a check cannot be called, or nothing."""
        if self.over:
            return OVER
        if not isinstance(name, str) or name.strip().upper() not in self.checks:
            return f"There is no check {name!r}; choose one of {', '.join(self.checks)}."
        return ""


OVER = "The hunt is over; begin another with another seed."
HELP = "check LETTER, words LETTER, accuse NAME, checks, suspects, score, help, give up, quit"


def play(hunt: Hunt, lines: Iterable[str], say: Callable[[str], None]) -> None:
    """Play a hunt by lines of text until it is over or the lines end; a line that is not understood costs nothing."""
    say(f"One of {len(BUGS)} bugs is planted in a small model.")
    say(
        f"{FULL} points; a check costs {CHECK_COST}, its words {WORDS_COST} more, a wrong accusation {WRONG_COST}. "
        f"You can say: {HELP}."
    )
    for line in lines:
        verb, *rest = line.split() or [""]
        match [verb.lower(), *rest]:
            case [""]:
                continue
            case ["check", name]:
                say(hunt.check(name))
            case ["words", name]:
                say(hunt.words(name))
            case ["accuse", name]:
                say(hunt.accuse(name))
            case ["checks"]:
                say("\n".join(f"{letter:6}{question}" for letter, question in hunt.checks.items()))
            case ["suspects"]:
                say("\n".join(f"{name:32}{BUGS[name].title}" for name in hunt.suspects))
            case ["score"]:
                said = ", ".join([*hunt.called, *(f"{letter} in words" for letter in hunt.worded)]) or "none"
                say(f"{hunt.score} points; checks: {said}; wrong: {', '.join(hunt.wrong) or 'none'}")
            case ["help"]:
                say(f"You can say: {HELP}.")
            case ["give", "up"]:
                say(hunt.give_up())
            case ["quit" | "exit"]:
                break
            case [name] if name.upper() in hunt.checks:  # "F" is "check F"
                say(hunt.check(name))
            case [name] if name in BUGS:
                say(f"To accuse costs {WRONG_COST} if it is wrong; say: accuse {name}")
            case _:
                say(f"{cut(line.strip(), 100)!r} is not understood; say: {HELP}")
        if hunt.found:
            say(hunt.answer)
        if hunt.over:
            return
    say(f"The hunt is not over: {hunt.score} points. Begin again with --seed {hunt.seed}.")
