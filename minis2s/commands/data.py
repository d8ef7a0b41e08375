"""``python -m minis2s data``: print the pairs of a task, or write train and test pairs into a folder."""

import argparse
import os
from pathlib import Path
from typing import BinaryIO

from minis2s.commands.options import path_name, positive, seed
from minis2s.data.pairs import format_pairs
from minis2s.data.splits import format_test
from minis2s.data.tasks import TASKS, make_pairs, make_split
from minis2s.errors import InputError, note
from minis2s.files import open_to_read, write_file

TEST = 1000  # pairs of a test part, unless --test says otherwise


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of ``data``."""
    add = made.add_argument
    splits = ["random", "longer", *dict.fromkeys(name for task in TASKS.values() for name in task.splits)]
    add("task", metavar="TASK", help="; ".join(f"{name}: {task.description}" for name, task in TASKS.items()))
    add("--size", type=positive, metavar="N", required=True, help="how many pairs; with --split, to train on")
    add("--seed", type=seed, metavar="S", required=True, help="the same seed prints the same pairs")
    help = "write train.tsv and test.tsv; longer: the test is longer than training; %(choices)s; not all by every task"
    add("--split", choices=splits, help=help)
    add("--test", type=positive, metavar="N", help=f"how many pairs to test on, with --split (default: {TEST})")
    add("--out", type=path_name, metavar="FOLDER", help="where --split writes")
    add("--force", action="store_true", help="write over other files of these names")


def data(args: argparse.Namespace) -> int:
    """Print pairs of a task, or write a split of them."""
    if not args.split:
        for name in ("test", "out", "force"):
            if getattr(args, name):
                raise InputError(f"--{name} goes with --split; name one, or leave --{name} out")
        print(format_pairs(make_pairs(args.task, args.size, args.seed)), end="")
        return 0
    if not args.out:
        raise InputError("--split writes two files; say where with --out FOLDER")
    if any(os.path.lexists(Path(args.out) / name) for name in ("model.npz", "last.npz")):
        raise InputError(f"{args.out}: this is a run, whose own test.tsv would be lost; choose another folder")
    train, test = make_split(args.task, args.split, args.size, args.test or TEST, args.seed)
    write_both(Path(args.out), format_pairs(train), format_test(test), args.force)
    note(f"{args.out}: {len(train):,} pairs in train.tsv, {len(test):,} in test.tsv")
    return 0


def write_both(folder: Path, train: str, test: str, force: bool) -> None:
    """Write train.tsv and test.tsv, over others by force only; both are whole before either gets its name."""
    for name, text in (("train.tsv", train), ("test.tsv", test)):
        if not force and os.path.lexists(folder / name) and not holds(folder / name, text.encode()):
            raise InputError(f"{folder / name}: other pairs are there already; choose another folder, or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another place") from None

    def write_train(file: BinaryIO) -> None:
        file.write(train.encode())
        file.flush()
        write_file(folder / "test.tsv", lambda other: other.write(test.encode()))

    write_file(folder / "train.tsv", write_train)


def holds(path: Path, data: bytes) -> bool:
    """Return whether a file has these bytes."""
    try:
        with open_to_read(path, pipes=False) as file:
            return file.read(len(data) + 1) == data
    except OSError:
        return False
