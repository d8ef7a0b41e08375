"""Bugs against checks: every check on every bug, and what training says, measured and kept in one file."""

import hashlib
import json
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minis2s import plots
from minis2s.errors import InputError
from minis2s.files import write_file
from minis2s.museum import small_training
from minis2s.museum.catalogue.bugs import BUGS
from minis2s.museum.checks import CHECKS, verdict
from minis2s.museum.patching import Bug
from minis2s.museum.small_training import train_small
from minis2s.threads_and_memory import prepare_process

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTHING = "no bug"  # the row of the library as it is
SEEDS = (0, 1, 2)
PROCESSES = 2
WITHOUT: dict[str, list[float]] = {}  # exact match of the same models without a bug
GOOD = 0.95  # exact match of a model that passes for right

Row = dict[str, Any]


def measure(name: str, seeds: Sequence[int] = SEEDS) -> Row:
    """Return what every check says of a bug, and what training comes to with each seed."""
    bug = BUGS.get(name)
    verdicts = {letter: verdict(letter, bug)._asdict() for letter in CHECKS}
    for found in verdicts.values():
        if not abs(found["number"]) < float("inf"):
            found["number"] = None  # JSON has no infinity
    outcomes = [train_small(bug, seed) for seed in seeds]
    needs = json.dumps([list(seeds), *([bug.config, bug.settings, bug.beam] if bug else [{}, {}, 1])])
    if needs not in WITHOUT:  # many bugs are of one model: once a process is enough
        WITHOUT[needs] = [train_small(bug, seed, plant=False).exact_match for seed in seeds]
    return {
        "digest": digest(bug),
        "seeds": list(seeds),
        "verdicts": verdicts,
        "without": WITHOUT[needs],
        "exact_match": [outcome.exact_match for outcome in outcomes],
        "token_accuracy": [outcome.token_accuracy for outcome in outcomes],
        "training": [outcome.line for outcome in outcomes],
    }


def digest(bug: Bug | None) -> str:
    """Return a digest of what is measured; a row with another digest is measured anew."""
    known = {} if bug is None else asdict(bug)
    parts = {name: known.get(name) for name in ("where", "old", "new", "also", "config", "settings", "method", "beam")}
    parts["training"] = small_training.SETUP
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def rows_in(path: Path) -> dict[str, Row]:
    """Return the rows that a file holds; none if there is no file.

    Raises
    ------
    InputError
        If it is something else.
    """
    if not path.exists():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        if all(
            set(row["verdicts"]) and row["digest"] and row["exact_match"] and row["without"] for row in rows.values()
        ):
            return rows
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise InputError(f"{path}: this is not a matrix of bugs; give another folder, or remove the file")


def build(
    folder: Path,
    names: Sequence[str] | None = None,
    seeds: Sequence[int] = SEEDS,
    processes: int = PROCESSES,
    say: Callable[[str], None] = print,
) -> dict[str, Row]:
    """Measure what is missing in ``folder/matrix.json``, written after every bug; return all rows, in their order.

    Parameters
    ----------
    folder : made if it is not there
    names : of bugs, and ``NOTHING``; by default all
    seeds : of the trainings
    processes : how many bugs are measured side by side; 0 for this process alone
    say : called with a line of text on every row
    """
    names = [NOTHING, *BUGS] if names is None else list(names)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "matrix.json"
    rows = rows_in(path)

    def is_done(name: str) -> bool:
        row = rows.get(name)
        known = row and row["digest"] == digest(BUGS.get(name)) and row.get("seeds") == list(seeds)
        return bool(known) and set(row["verdicts"]) == set(CHECKS)

    def keep(name: str, row: Row) -> None:
        rows[name] = row
        ordered = {each: rows[each] for each in [NOTHING, *BUGS] if each in rows}
        text = json.dumps({"checks": {k: c.question for k, c in CHECKS.items()}, "rows": ordered}, indent=1)
        write_file(path, lambda file: file.write(text.encode()))
        say(f"{sum(map(is_done, names))}/{len(names)}  {table_row(name, row)}")

    missing = [name for name in names if not is_done(name)]
    if processes == 0:
        for name in missing:
            keep(name, measure(name, seeds))
    elif missing:
        context = multiprocessing.get_context("spawn")  # as on every system
        others = multiprocessing.active_children()
        with ProcessPoolExecutor(min(processes, len(missing)), context, begin_work) as pool:
            try:
                waiting = submit(pool, missing, seeds)
                for done in as_completed(waiting):
                    keep(waiting[done], done.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in multiprocessing.active_children():
                    if worker not in others:
                        worker.kill()
                raise
    return {name: rows[name] for name in names}


def submit(pool: ProcessPoolExecutor, names: Sequence[str], seeds: Sequence[int]) -> dict[Future, str]:
    """Let a pool measure bugs. Signals wait until its processes have begun, which would print tracebacks."""
    mask_signals("SIG_BLOCK")
    try:
        return {pool.submit(measure, name, seeds): name for name in names}
    finally:
        mask_signals("SIG_UNBLOCK")


def begin_work() -> None:
    """Prepare a process; leave it to the first one to answer a Ctrl-C, which reaches all processes of a terminal."""
    prepare_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    mask_signals("SIG_UNBLOCK")


def mask_signals(how: str) -> None:
    """Block or unblock the signals that end a process, where the system can; a new process is born with the mask."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(getattr(signal, how), (signal.SIGINT, signal.SIGTERM))


def letters_of(row: Row) -> str:
    """Return the letters of the checks that convict, a dot for each that does not."""
    return "".join(letter if row["verdicts"][letter]["convicted"] else "." for letter in CHECKS)


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def accuracy_of(row: Row) -> str:
    """Return the mean token accuracy in per cent, or a dash where it could not be measured."""
    measured = [value for value in row["token_accuracy"] if value is not None]
    return f"{100 * mean(measured):5.1f}" if measured else "    –"


def table_row(name: str, row: Row) -> str:
    """Return a row of the table."""
    number = BUGS[name].number if name in BUGS else None
    shown = " ".join(f"{100 * value:5.1f}" for value in row["exact_match"])
    return (
        f"{number or '':>2} {name:31} {letters_of(row)}  {100 * mean(row['exact_match']):5.1f} ({shown})"
        f"  {accuracy_of(row)}  {100 * mean(row['without']):5.1f}"
    )


def table(rows: dict[str, Row]) -> str:
    """Return the matrix for a terminal, with a summary."""
    head = f"{'':2} {'bug':31} {''.join(CHECKS)}  exact match (by seed), %     tokens  without"
    lines = [head, *(table_row(name, row) for name, row in rows.items()), ""]
    lines.append("tokens: teacher-forced token accuracy, %; without: exact match of the same model without the bug, %")
    lines += [f"{letter}  {check.question}" for letter, check in CHECKS.items()]
    return "\n".join([*lines, "", *summary(rows)])


def draw(rows: dict[str, Row | list[Row]]) -> "Figure":
    """Return the matrix as a figure; a row may be that of several bugs which the same checks convict."""
    groups = {name: row if isinstance(row, list) else [row] for name, row in rows.items()}
    convicted = np.array([[row["verdicts"][c]["convicted"] for c in CHECKS] for row, *_ in groups.values()])
    labels = [f"{BUGS[name].number} {name}" if name in BUGS and BUGS[name].number else name for name in rows]
    exact = [[mean(row["exact_match"]) for row in group] for group in groups.values()]
    title = "Which check convicts which bug (blue), and which bugs training hides (vermilion)"
    return plots.bug_matrix(labels, list(CHECKS), convicted, exact, title)


def summary(rows: dict[str, Row]) -> list[str]:
    """Return the conclusions, a sentence each."""
    backward = {name: row for name, row in rows.items() if name in BUGS and BUGS[name].kind == "backward"}
    planted = {name: row for name, row in rows.items() if name in BUGS}
    lines = []
    if backward:
        classic = {name: row for name, row in backward.items() if BUGS[name].number}
        for part, what in ((backward, "wrong backward passes"), (classic, "classic ones among them")):
            good = sum(mean(row["exact_match"]) >= GOOD for row in part.values())
            lines.append(f"{good} of {len(part)} {what} reach {100 * GOOD:.0f} % exact match all the same.")
        for letter in "WMF":
            missed = [name for name, row in backward.items() if not row["verdicts"][letter]["convicted"]]
            lines.append(f"{letter} misses {len(missed)} of them" + (f": {', '.join(missed)}." if missed else "."))
    silent = [name for name, row in planted.items() if not letters_of(row).strip(".")]
    lines.append(f"{len(planted) - len(silent)} of {len(planted)} bugs are convicted by at least one check.")
    if NOTHING in rows:
        clear = not letters_of(rows[NOTHING]).strip(".")
        lines.append(f"Without a bug {'no check convicts' if clear else 'SOME CHECKS CONVICT: they are wrong'}.")
    return lines
