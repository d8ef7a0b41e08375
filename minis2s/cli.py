"""The command line: ``python -m minis2s COMMAND``."""

import argparse
import io
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn, TextIO

import numpy as np

from minis2s import __version__
from minis2s.commands import bugs, curves, data, evaluate, gradcheck, train, translate
from minis2s.errors import InputError, drop, note
from minis2s.threads_and_memory import prepare_process


class Parser(argparse.ArgumentParser):
    """Says what is wrong on one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and end with status 2."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help")

    def print_help(self, file: TextIO | None = None) -> None:
        """Print the help; argparse would hide that it cannot be written."""
        print(self.format_help(), end="", file=file)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End, once the help that may have been printed has arrived."""
        if message:
            note(message)
        if sys.stdout:
            sys.stdout.flush()
        sys.exit(status)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the command's function and its options."""
    main = Parser(prog="python -m minis2s", description="Sequence-to-sequence learning in NumPy, derivatives by hand.")
    main.add_argument("--version", action="version", version=f"minis2s {__version__}")
    commands = main.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    def command(name: str, module: Any, help: str, example: str) -> None:
        shape = argparse.RawDescriptionHelpFormatter
        epilog = f"example:\n  python -m minis2s {name} {example}"
        made = commands.add_parser(name, help=help, description=help, epilog=epilog, formatter_class=shape)
        made.set_defaults(function=getattr(module, name))
        module.add_options(made)

    command("train", train, "Train a model on pairs; with no argument, on reversed words.", "mine.tsv --epochs 20")
    command("translate", translate, "Translate texts, or lines of standard input.", "runs/reversal stressed desserts")
    command("evaluate", evaluate, "Measure a run on pairs.", "runs/reversal runs/reversal/test.tsv --json")
    command("curves", curves, "Draw the learning curves of runs together.", "runs/reversal runs/other --out curves.png")
    command("gradcheck", gradcheck, "Check gradients against numerical ones.", "gru --method central")
    command("data", data, "Print pairs of a task.", "dates --size 1000 --seed 1 > dates.tsv")
    command("bugs", bugs, "The bug museum: planted bugs, what catches each, and a game.", "run dz_sign")

    if arguments and arguments[0] in commands.choices:  # intermixed: translate RUN --beam 5 TEXT works too
        for argument in takewhile(lambda argument: argument != "--", arguments):
            if argument.startswith("--") and argument.endswith("=--"):  # some argparse takes it for an empty list
                commands.choices[arguments[0]].error(f"argument {argument[:-3]}: expected one argument")
        return commands.choices[arguments[0]].parse_intermixed_args(arguments[1:])
    return main.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n", errors="backslashreplace")  # the same on every system
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    try:
        args = parse(sys.argv[1:] if arguments is None else arguments)
        prepare_process()
        with np.errstate(all="ignore"):  # what overflows shows in the figures, and training says it in a sentence
            status = args.function(args)
        if sys.stdout:
            sys.stdout.flush()  # here, where an error can still be reported
        return status
    except InputError as error:
        note(f"minis2s: error: {error}")
        return 2
    except KeyboardInterrupt:
        note("stopped")
        return 130
    except MemoryError:
        note("minis2s: error: not enough memory; choose a smaller beam, batch or model, or give shorter texts")
        return 2
    except BrokenPipeError:  # the reader, such as head, has had enough
        drop(sys.stdout)
        return 0
    except OSError as error:
        note(f"minis2s: error: {cause(error)}")
        return 2


def cause(error: OSError) -> str:
    """Return what an error of the system is about."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; choose another file or folder"
    if isinstance(error, FileNotFoundError):  # what lacks a name is the place that names are read in
        return "the working folder is gone; change to another"
    if sys.stdout:
        drop(sys.stdout)
    return f"standard output cannot be written ({error.strerror}); send it elsewhere"
