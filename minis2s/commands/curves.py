"""``python -m minis2s curves``: the learning curves of runs together."""

import argparse
import csv
import io
import math
from pathlib import Path

from minis2s import plots
from minis2s.commands.options import path_name
from minis2s.commands.shared import check_outputs
from minis2s.errors import InputError, note
from minis2s.files import open_to_read
from minis2s.training.checkpoint import load_model
from minis2s.training.loop import Report

AXES = ("epoch", "update", "seconds")


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of ``curves``."""
    add = made.add_argument
    add("runs", type=path_name, nargs="+", metavar="RUN", help="folders of runs, up to seven")
    add("--out", type=path_name, metavar="FILE.png", default="curves.png", help="default: %(default)s")
    add("--against", choices=AXES, default="epoch", help="the horizontal axis (default: %(default)s)")


def curves(args: argparse.Namespace) -> int:
    """Draw validation loss and exact match of runs in one figure."""
    runs = list(dict.fromkeys(args.runs))
    if len(runs) > plots.MOST_RUNS:
        raise InputError(f"{len(runs)} runs are more than one figure shows; give at most {plots.MOST_RUNS}")
    check_outputs([args.out])
    names = [Path(run).name for run in runs]
    labels = names if len(set(names)) == len(names) else runs  # equal names are told apart by their paths
    histories = {label: read_history(run) for label, run in zip(labels, runs)}
    units = dict.fromkeys(str(load_model(run).units) for run in runs if (Path(run) / "model.npz").exists())
    if len(units) > 1:
        note(f"the runs have different tokens ({', '.join(units)}): compare their exact match, not nats per token")
    plots.write_png(args.out, plots.learning_curves, histories, against=args.against)
    note(f"learning curves: {args.out}")
    return 0


def read_history(run: str) -> dict[str, list[float]]:
    """Return the columns of a run's history.csv.

    Raises
    ------
    InputError
        If the file is missing or not what training writes, naming the line.
    """
    path = Path(run) / "history.csv"
    try:
        with open_to_read(path) as file:
            rows = list(csv.reader(io.TextIOWrapper(file, "utf-8", newline="")))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: there is no such file; name the folder of a run that has reported once") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read ({why}); give the folder of a run") from None
    wanted = list(Report._fields)
    if not rows or rows[0] != wanted:
        raise InputError(f"{path}, line 1: not the columns that training writes; give the folder of a run")
    if len(rows) == 1:
        raise InputError(f"{path}: no report yet; train longer")
    history: dict[str, list[float]] = {name: [] for name in wanted}
    for number, row in enumerate(rows[1:], start=2):
        try:
            values = [float(cell) for cell in row]
        except ValueError:
            values = []
        if len(values) != len(wanted) or not all(map(math.isfinite, values)):
            raise InputError(f"{path}, line {number}: not {len(wanted)} numbers; train again, or take a good copy")
        for name, value in zip(wanted, values):
            history[name].append(value)
    return history
