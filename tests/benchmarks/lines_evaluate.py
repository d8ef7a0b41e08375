"""Does a check of lines find the wrong one? Right versions and mistakes that it has not seen, and counts.

    python -m tests.benchmarks.lines_evaluate MODULE:FUNCTION
    python -m tests.benchmarks.lines_evaluate adapter.py:check --only gru_step lists --seed 7 --number 160 --jobs 2

The function is called as ``check(forward, backward, args, layer=None, source=...)``:

- forward, backward: two functions, or, with a layer, two methods of its class, ``forward(layer, *args)``
- args: what forward is called with, besides the layer
- layer: an object with weights, or None
- source: the text of the module that they stand in. Lines count in it, from 1. ``inspect`` finds it, too.

It returns an object with these attributes (``Result`` is one that can be used):

- right: True if no gradient is wrong
- line: the number of the line that the mistake is on, or None
- second: numbers of lines where one should look as well, the likeliest first, perhaps none; three are read
- certain: True if it says that the mistake is on this line, and not only that it may be

Layers and arguments are copies, which it may change. How gradients are returned, ``lines_zoo`` says; which lines are
right, ``lines_mutants``. A mistake's verdict is the first of these that is true: crash (the function raises an
exception), too slow, unnoticed, no line, exact, named second, neighbour (the line before or after), other line. Missing
statements have no line of their own: the last table counts without them, too. ``--raising`` asks instead about those
changes that make backward stop with an exception, on the line of the change or later.

Measure once with a seed that was fixed before, and report it; mend with others.
"""

import argparse
import importlib
import json
import math
import runpy
import signal
import statistics
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.lines_mutants import NUMBER, SEED, Mutant, survey
from tests.benchmarks.lines_zoo import VERSIONS, Student, Version

VERDICTS = ("exact", "named second", "neighbour", "other line", "no line", "unnoticed", "crash", "too slow")
SECONDS = 60.0
READ = 3  # of the lines named second: who names all of them names none


@dataclass
class Result:
    """What a check answers."""

    right: bool
    line: int | None = None
    second: list[int] = field(default_factory=list)
    certain: bool = False


@dataclass
class Answer:
    """What came of one question. A right version has no lines and no kind."""

    layer: str
    style: str
    kind: str
    description: str
    lines: tuple[int, ...]
    verdict: str
    line: int | None = None
    second: tuple[int, ...] = ()
    certain: bool = False
    seconds: float = 0.0
    error: str = ""

    @property
    def found(self) -> bool:
        return self.verdict == "exact"


class TooSlowError(BaseException):  # no check catches it by accident
    pass


def load(place: str) -> Callable[..., Any]:
    """Return the function that ``MODULE:FUNCTION`` or ``FILE.py:FUNCTION`` names."""
    module, colon, name = place.rpartition(":")
    if not colon:
        raise SystemExit(f"{place}: which function of it is not said; give MODULE:FUNCTION")
    if module.endswith(".py"):
        sys.path.insert(0, str(Path(module).resolve().parent))
        return runpy.run_path(module)[name]
    return getattr(importlib.import_module(module), name)


def ask(check: Callable, text: str, name: str, limit: float) -> tuple[Any, float, str]:
    """Return what the check answers, the seconds of this process, and "", "too slow" or the exception."""
    student = Student(text, name)
    layer, args = student.fresh()
    forward, backward = student.functions

    def stop(*_: Any) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    start, result, error = time.process_time(), None, ""
    try:
        result = check(forward, backward, args, layer=layer, source=text)
        result = Result(bool(result.right), result.line, [*(result.second or ())][:READ], bool(result.certain))
    except TooSlowError:
        error = "too slow"
    except (Exception, SystemExit) as exception:
        last = traceback.extract_tb(exception.__traceback__)[-1]
        error = f"{type(exception).__name__}: {exception} ({Path(last.filename).name}, line {last.lineno})"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return result, time.process_time() - start, error


def judged(result: Result, lines: tuple[int, ...]) -> str:
    """Return the verdict on a mistake that is on one of these lines."""
    if result.right:
        return "unnoticed"
    if result.line is None:
        return "named second" if set(result.second) & set(lines) else "no line"
    if result.line in lines:
        return "exact"
    if set(result.second) & set(lines):
        return "named second"
    return "neighbour" if any(abs(result.line - line) <= 1 for line in lines) else "other line"


def answer(place: str, limit: float, item: Version | Mutant) -> Answer:
    """Ask about a right version or a mutant."""
    check = load(place) if place not in LOADED else LOADED[place]
    LOADED[place] = check
    kind, lines = (item.kind, item.lines) if isinstance(item, Mutant) else ("", ())
    description = item.description if isinstance(item, Mutant) else item.remark
    name = f"<{item.layer}, {item.style}, {description}>"
    result, seconds, error = ask(check, item.text, name, limit)
    about = Answer(item.layer, item.style, kind, description, lines, "", seconds=seconds, error=error)
    if result is None:
        about.verdict = "too slow" if error == "too slow" else "crash"
        return about
    about.line, about.second, about.certain = result.line, tuple(result.second), result.certain
    if lines:
        about.verdict = judged(result, lines)
    else:
        about.verdict = "right" if result.right and result.line is None else "accused"
    return about


LOADED: dict[str, Callable] = {}  # in each process


def answers(place: str, limit: float, items: list, jobs: int) -> Iterator[Answer]:
    """Yield the answers, in order."""
    one = partial(answer, place, limit)
    if jobs == 1:
        yield from map(one, items)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(one, items)


def wanted(versions: Iterable[Version], only: list[str]) -> list[Version]:
    """Return the versions of these layers and these styles; what names neither is a kind of mistakes."""
    versions = list(versions)
    for names in ({version.layer for version in versions}, {version.style for version in versions}):
        if chosen := names & set(only):
            versions = [version for version in versions if chosen & {version.layer, version.style}]
    return versions


def row(name: str, some: list[Answer]) -> str:
    count = Counter(one.verdict for one in some)
    certain = [one for one in some if one.certain and one.verdict != "unnoticed"]
    seconds = [one.seconds for one in some]
    share = count["exact"] / len(some)
    both = (count["exact"] + count["named second"]) / len(some)
    cells = [len(some), *(count[verdict] for verdict in VERDICTS), len(certain), sum(one.found for one in certain)]
    numbers = "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS))
    return f"{name:22}{numbers}{share:9.1%}{both:9.1%}{statistics.median(seconds):8.2f}{max(seconds):7.2f}"


HEADS = ("all", "exact", "second", "±1", "other", "none", "unnoticed", "crash", "slow", "certain", "right")
WIDTHS = (5, 7, 8, 5, 7, 6, 11, 7, 6, 9, 7)


def table(title: str, groups: dict[str, list[Answer]]) -> str:
    head = "".join(f"{cell:>{width}}" for cell, width in zip(HEADS, WIDTHS))
    head = f"{title:22}{head}{'exact':>9}{'or 2nd':>9}{'median':>8}{'max s':>7}"
    return "\n".join([head, *(row(name, groups[name]) for name in sorted(groups))])


def report(right: list[Answer], wrong: list[Answer], show: bool) -> str:
    """Return all counts as text."""
    parts = []
    if right:
        count = Counter(one.verdict for one in right)
        seconds = [one.seconds for one in right]
        parts.append(
            f"{len(right)} right versions: {count['right']} called right, {count['accused']} accused, "
            f"{count['crash']} crashes, {count['too slow']} too slow; "
            f"seconds: median {statistics.median(seconds):.2f}, largest {max(seconds):.2f}"
        )
        parts += [told(one) for one in right if one.verdict != "right"]
    for what in ("layer", "style", "kind") if wrong else ():
        groups = defaultdict(list)
        for one in wrong:
            groups[getattr(one, what)].append(one)
        parts.append(f"\n{table(what, groups)}")
    if wrong:
        groups = {"every mistake": wrong, "none deleted": [one for one in wrong if one.kind != "deleted"]}
        parts.append(f"\n{table('', {name: some for name, some in groups.items() if some})}")
    missed = [one for one in wrong if not one.found]
    parts += ["", *map(told, missed)] if show else [f"{len(missed)} are not exact; --show prints them"] * bool(wrong)
    return "\n".join(parts)


def told(one: Answer) -> str:
    """Return a line about an answer that is not the best one."""
    place = f"{one.layer}, {one.style}" + (f", line {one.lines[0]}, {one.kind}" if one.lines else "")
    said = f"line {one.line}" if one.line else one.error or "no line"
    said += f", then {', '.join(map(str, one.second))}" if one.second else ""
    return ": ".join(filter(None, [one.verdict + " (certain)" * one.certain, place, one.description, said]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("check", help="MODULE:FUNCTION or FILE.py:FUNCTION")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="layers, styles, kinds of mistakes")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--number", type=int, default=NUMBER, help="mistakes of all versions; with --only, its share")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of process time, for one question")
    parser.add_argument("--raising", action="store_true", help="changes that make backward stop with an exception")
    parser.add_argument("--skip-right", action="store_true", help="ask about mistakes only")
    parser.add_argument("--skip-wrong", action="store_true", help="ask about right versions only")
    parser.add_argument("--show", action="store_true", help="print each answer that is not exact")
    parser.add_argument("--out", metavar="FILE.json", help="write each answer")
    options = parser.parse_args()
    LOADED[options.check] = load(options.check)
    versions = wanted(VERSIONS, options.only)
    names = {version.layer for version in VERSIONS} | {version.style for version in VERSIONS}
    kinds = [name for name in options.only if name not in names]
    mistakes: list[Mutant] = []
    if not options.skip_wrong:
        number = math.ceil(options.number / len(VERSIONS)) * len(versions) if options.only else options.number
        outcome = "raises" if options.raising else "wrong"
        mistakes = [one for one in survey(options.seed, number, versions) if one.outcome == outcome]
        mistakes = [one for one in mistakes if not kinds or one.kind in kinds]
    if not mistakes and not options.skip_wrong:
        raise SystemExit(f"no mistakes of {', '.join(options.only)}")
    ask_all = partial(answers, options.check, options.seconds, jobs=options.jobs)
    right = [] if options.skip_right else list(ask_all(versions))
    wrong = list(ask_all(mistakes))
    print(report(right, wrong, options.show))
    if options.out:
        found = {"seed": options.seed, "right": list(map(asdict, right)), "wrong": list(map(asdict, wrong))}
        Path(options.out).write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
