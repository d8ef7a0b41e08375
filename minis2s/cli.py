"""The command line: ``python -m minis2s COMMAND``."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from minis2s import checks
from minis2s.checks import own
from minis2s.classroom.commands import ACTIONS, bugs
from minis2s.commands import data, evaluate, gradcheck, note, train, translate
from minis2s.data.tasks import TASKS
from minis2s.data.units import NAMES
from minis2s.errors import InputError
from minis2s.options import add_model_options, add_training_options, positive
from minis2s.training.loop import Settings

MAX_LENGTH = 100  # tokens of a training sentence, unless --max-length says otherwise


class Parser(argparse.ArgumentParser):
    """Says what is wrong on one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and end with status 2."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")


def add_beam(made: argparse.ArgumentParser) -> None:
    """Give a command the option of beam search."""
    made.add_argument(
        "--beam", type=positive, metavar="N", default=1, help="beginnings kept side by side (default: 1, greedy)"
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the command's function and its options."""
    main = Parser(prog="python -m minis2s", description="Sequence-to-sequence learning in NumPy, derivatives by hand.")
    commands = main.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    def command(function: Any, help: str, example: str) -> argparse.ArgumentParser:
        shape = argparse.RawDescriptionHelpFormatter
        epilog = f"example:\n  python -m minis2s {function.__name__} {example}"
        made = commands.add_parser(function.__name__, help=help, description=help, epilog=epilog, formatter_class=shape)
        made.set_defaults(function=function)
        return made

    made = command(train, "Train a model on pairs; with no argument, on reversed words.", "mine.tsv --epochs 20")
    add = made.add_argument
    add("pairs", nargs="?", metavar="PAIRS", help="text file, source<TAB>target on each line")
    add("--out", metavar="RUN", help="run folder (default: runs/ and the name of PAIRS)")
    add("--valid", metavar="FILE", help="pairs to choose the best model by (default: split off, and test pairs too)")
    add("--units", choices=list(NAMES), help="default: char where no source holds a space, else word")
    add_model_options(made)
    add("--epochs", type=positive, metavar="N", default=Settings.epochs, help="default: %(default)s")
    add("--batch", type=positive, metavar="N", default=Settings.batch, help="pairs an update (default: %(default)s)")
    add("--rate", type=float, metavar="X", default=Settings.rate, help="largest learning rate (default: %(default)s)")
    add_training_options(made)
    add("--seed", type=int, metavar="N", default=Settings.seed, help="default: %(default)s")
    add("--max-length", type=positive, metavar="N", default=MAX_LENGTH, help="drop longer pairs (default: %(default)s)")
    add("--flow", action="store_true", help="log the norm of dL/dh of every step and layer to flow.csv")
    add = made.add_mutually_exclusive_group().add_argument
    add("--resume", action="store_true", help="go on with the run in the folder; repeat the other options")
    add("--force", action="store_true", help="start over where the folder holds a run")

    made = command(translate, "Translate texts, or lines of standard input.", "runs/reversal stressed desserts")
    add = made.add_argument
    add("run", metavar="RUN", help="folder of a run")
    add("text", nargs="*", metavar="TEXT", help="a text in quotes each (default: lines of standard input)")
    add_beam(made)
    add("--attention", metavar="FILE.png", help="draw where the model looked in the first text")

    made = command(evaluate, "Measure a run on pairs.", "runs/reversal runs/reversal/test.tsv --json")
    add = made.add_argument
    add("run", metavar="RUN", help="folder of a run")
    add("pairs", metavar="PAIRS", help="text file, source<TAB>target on each line")
    add_beam(made)
    add("--json", action="store_true", help="print one JSON object")

    add = command(gradcheck, "Check gradients against numerical ones.", "gru --method central").add_argument
    add("layer", nargs="?", metavar="LAYER", help=f"{', '.join(checks.CASES)}, or FILE.py:CLASS (default: all)")
    add("--method", choices=list(checks.METHODS), default="complex", help="default: %(default)s")
    add("--like", metavar="LAYER", help="compare FILE.py:CLASS with this layer of ours, on its weights and inputs")
    add("--seconds", type=positive, metavar="N", default=60, help="time for FILE.py:CLASS (default: %(default)s)")
    add("--template", choices=own.TEMPLATES, help="print a file to start a layer of your own from")
    add("--json", action="store_true", help="print one JSON object")

    add = command(data, "Print pairs of a task.", "dates --size 1000 --seed 1 > dates.tsv").add_argument
    add("task", metavar="TASK", help="; ".join(f"{name}: {task.description}" for name, task in TASKS.items()))
    add("--size", type=positive, metavar="N", required=True, help="how many pairs")
    add("--seed", type=int, metavar="S", required=True, help="the same seed prints the same pairs")

    add = command(bugs, "The bug museum: planted bugs, what catches each, and a game.", "run dz_sign").add_argument
    add(
        "action", metavar="ACTION", choices=ACTIONS, help="list; run NAME; matrix, of all bugs and checks; hunt, a game"
    )
    add("name", nargs="?", metavar="NAME", help="of a bug, or its number")
    add("--out", metavar="FOLDER", help="of the matrix, which goes on where it stopped (default: runs/bugs)")
    add("--seed", type=int, metavar="N", default=0, help="of training, or of what is hunted (default: %(default)s)")

    if arguments and arguments[0] in commands.choices:  # intermixed: translate RUN --beam 5 TEXT works too
        return commands.choices[arguments[0]].parse_intermixed_args(arguments[1:])
    return main.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # the same bytes on every system
    args = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        with np.errstate(all="ignore"):  # what overflows shows in the figures, and training says it in a sentence
            status = args.function(args)
        if sys.stdout:
            sys.stdout.flush()  # here, where an error can still be told
        return status
    except InputError as error:
        note(f"minis2s: error: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt:
        note("stopped")
        return 130
    except BrokenPipeError:  # the reader, such as head, has had enough
        drop_output()
        return 0
    except OSError as error:  # such as a full disk
        drop_output()
        note(f"minis2s: error: standard output cannot be written ({error.strerror}); send it elsewhere")
        return 2


def drop_output() -> None:
    """Send the rest of standard output nowhere, or Python complains again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
