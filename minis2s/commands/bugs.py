"""What ``python -m minis2s bugs`` does."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from minis2s import plots
from minis2s.commands.options import path_name, seed
from minis2s.errors import InputError, note
from minis2s.files import write_file
from minis2s.museum import matrix as bug_matrix
from minis2s.museum.catalogue.bugs import BUGS, bug_named
from minis2s.museum.checks import CHECKS, verdict
from minis2s.museum.hunt import Hunt, play
from minis2s.museum.patching import difference
from minis2s.museum.small_training import train_small
from minis2s.training.lock import Lock

ACTIONS = ("list", "run", "matrix", "hunt")


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of ``bugs``."""
    add = made.add_argument
    add(
        "action",
        metavar="ACTION",
        choices=ACTIONS,
        help="list; run NAME; matrix of all bugs and checks, a quarter of an hour; hunt, a game",
    )
    add("name", nargs="?", metavar="NAME", help="of a bug, or its number")
    help = "of the matrix, which goes on where it stopped (default: runs/bugs)"
    add("--out", type=path_name, metavar="FOLDER", help=help)
    add("--seed", type=seed, metavar="N", help="of training in bugs run, or of what is hunted (default: 0)")


def bugs(args: argparse.Namespace) -> int:
    """Show the bug museum."""
    if args.out is not None and args.action != "matrix":
        raise InputError(f"bugs {args.action} writes no files; --out goes with bugs matrix")
    if args.seed is not None and args.action in ("list", "matrix"):
        raise InputError(f"bugs {args.action} takes no seed; --seed goes with bugs run and bugs hunt")
    args.seed = args.seed or 0
    if args.action != "run" and args.name:
        raise InputError(f"bugs {args.action} takes no name; {args.name!r} goes with bugs run")
    return {"list": show_list, "run": run, "matrix": matrix, "hunt": hunt}[args.action](args)


def show_list(args: argparse.Namespace) -> int:
    """Print every bug's name and title."""
    for bug in BUGS.values():
        print(f"{bug.number or '':>2}  {bug.kind:9} {bug.name:32} {bug.title}")
    return 0


def run(args: argparse.Namespace) -> int:
    """Plant a bug, run every check, train with it, and say what it teaches."""
    if not args.name:
        raise InputError("bugs run needs a name; python -m minis2s bugs list shows them all")
    bug = bug_named(args.name)
    print(f"{bug.name}: {bug.title}\n")
    print(difference(bug) + "\n")
    for letter, check in CHECKS.items():
        found = verdict(letter, bug)
        print(f"{letter}  {'WRONG' if found.convicted else 'right':6}{found.number:8.1e}  {check.question}", flush=True)
        if found.convicted:
            print(f"   {found.line}")
    print(f"\ntrained: {train_small(bug, args.seed)}")
    print(f"symptom: {bug.symptom}\nidea: {bug.idea}\nseen: {bug.seen}")
    return 0


def matrix(args: argparse.Namespace) -> int:
    """Measure every bug with every check, and train it with three seeds; leave matrix.json, .txt and .png."""
    folder = Path(args.out or Path("runs") / "bugs")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: this is a file; give a folder")
    for name in ("matrix.txt", "matrix.png"):
        if (folder / name).exists() and not (folder / "matrix.json").exists():
            raise InputError(f"{folder / name}: not of a matrix of bugs; give another folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Lock(folder):
            rows = bug_matrix.build(folder, say=note)
        text = bug_matrix.table(rows)
        write_file(folder / "matrix.txt", lambda file: file.write(f"{text}\n".encode()))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); give another folder with --out") from None
    except KeyboardInterrupt:
        note(f"stopped; {folder} holds what was measured; go on with the same command")
        return 130
    print(text, flush=True)
    plots.write_png(folder / "matrix.png", bug_matrix.draw, rows)
    return 0


def hunt(args: argparse.Namespace) -> int:
    """Play the game over standard input."""
    if sys.stdin is None:
        raise InputError("standard input is closed; play in a terminal")
    play(Hunt(args.seed), typed(), lambda text: print(text, flush=True))
    return 0


def typed() -> Iterator[str]:
    """Yield the lines of standard input, with a prompt where somebody types them."""
    while True:
        if sys.stdin.isatty():
            note("> ", end="")
        if not (line := sys.stdin.readline()):
            return
        yield line.removeprefix("\ufeff")
