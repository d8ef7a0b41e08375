"""``python -m minis2s data``: print the pairs of a task."""

import argparse

from minis2s.data.pairs import format_pairs
from minis2s.data.tasks import TASKS, make_pairs
from minis2s.options import positive


def add_options(made: argparse.ArgumentParser) -> None:
    """Say what data understands."""
    add = made.add_argument
    add("task", metavar="TASK", help="; ".join(f"{name}: {task.description}" for name, task in TASKS.items()))
    add("--size", type=positive, metavar="N", required=True, help="how many pairs")
    add("--seed", type=int, metavar="S", required=True, help="the same seed prints the same pairs")


def data(args: argparse.Namespace) -> int:
    """Print pairs of a task."""
    print(format_pairs(make_pairs(args.task, args.size, args.seed)), end="")
    return 0
