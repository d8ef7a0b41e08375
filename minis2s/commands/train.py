"""``python -m minis2s train``: train a model and leave a run folder."""

import argparse
import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from minis2s.commands.options import add_model_options, add_training_options, path_name, positive, seed
from minis2s.data.pairs import Pair, check_training_pairs, read_pairs, split_pairs
from minis2s.data.tasks import DATASETS, make_pairs
from minis2s.data.units import NAMES, Sides, check_alignments, choose_units, counted_in, drop_long, tokens_of
from minis2s.errors import InputError, note, printed
from minis2s.models.config import Config
from minis2s.training.loop import TrainingConfig
from minis2s.training.run import OWN, Parts, Run

MAX_LENGTH = 100  # tokens of a training sentence, unless --max-length says otherwise
MERGES = 1000  # of byte-pair encoding, for each side, unless --merges says otherwise
SHOWN = 5  # translations shown after training


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of ``train``."""
    add = made.add_argument
    add("pairs", type=path_name, nargs="?", metavar="PAIRS", help="text file, source<TAB>target on each line")
    add("--out", type=path_name, metavar="RUN", help="run folder (default: runs/ and the name of PAIRS)")
    help = "pairs to choose the best model by (default: split off, and test pairs too)"
    add("--valid", type=path_name, metavar="FILE", help=help)
    add("--units", choices=list(NAMES), help="default: char where no source holds a space, else word")
    add("--merges", type=positive, metavar="N", help=f"of --units bpe, for each side (default: {MERGES})")
    add("--min-count", type=positive, metavar="N", default=1, help="rarer tokens are unknown (default: %(default)s)")
    add_model_options(made)
    add("--epochs", type=positive, metavar="N", default=TrainingConfig.epochs, help="default: %(default)s")
    add(
        "--batch",
        type=positive,
        metavar="N",
        default=TrainingConfig.batch,
        help="pairs an update (default: %(default)s)",
    )
    add(
        "--rate",
        type=float,
        metavar="X",
        default=TrainingConfig.rate,
        help="largest learning rate (default: %(default)s)",
    )
    add_training_options(made)
    add("--seed", type=seed, metavar="N", default=TrainingConfig.seed, help="default: %(default)s")
    add("--max-length", type=positive, metavar="N", default=MAX_LENGTH, help="drop longer pairs (default: %(default)s)")
    add("--flow", action="store_true", help="log the norm of dL/dh of every step and layer to flow.csv")
    add = made.add_mutually_exclusive_group().add_argument
    add("--resume", action="store_true", help="go on with the run in the folder; repeat the other options")
    add("--force", action="store_true", help="start over where the folder holds a run")


def train(args: argparse.Namespace) -> int:
    """Train a model and leave a run folder."""
    settings = TrainingConfig(
        **{field.name: getattr(args, field.name) for field in fields(TrainingConfig) if field.name in args}
    )
    name, pairs = load_or_make(args.pairs)
    check_training_pairs(name, pairs)
    chosen = args.units or choose_units(pairs)
    if args.merges and chosen != "bpe":
        raise InputError("--merges is of byte-pair encoding; give --units bpe too")
    counted = counted_in(chosen)
    pairs = prepare(name, pairs, counted, args.max_length)
    check_training_pairs(name, pairs)
    if args.valid:
        valid = prepare(args.valid, read_pairs(args.valid), counted, args.max_length)
        known = {pair.source for pair in pairs}
        if overlap := sum(pair.source in known for pair in valid):
            note(f"{args.valid}: {overlap} of its {len(valid)} sources are trained on too; its figures flatter")
        parts = Parts(pairs, valid, [])
    else:
        parts = Parts(*split_pairs(pairs, args.seed))

    sizes = {field.name: getattr(args, field.name) for field in fields(Config) if field.name in args}
    out = Path(args.out or Path("runs") / (Path(args.pairs).stem if args.pairs else "reversal"))
    own = {os.path.realpath(out / one): one for one in OWN}
    for given in filter(None, (args.pairs, args.valid)):
        if one := own.get(os.path.realpath(given)):
            raise InputError(f"{given}: the run would write its own {one} over these pairs; choose --out elsewhere")
    units = Sides.learn(chosen, parts.train, args.merges or MERGES)
    note(f"{name}: {len(pairs):,} pairs in {tokens_of(units)}; run folder {out}")
    run = Run(out, parts, units, sizes, settings, args.resume, args.force, args.flow, args.min_count, note)
    start = time.perf_counter()
    finished = run.train()
    if not finished:
        held = "the best model so far" if run.trainer.history else "the model as it was, not yet validated"
        note(f"stopped; {out} holds {held}; go on with the same command and --resume")
        return 130
    note(f"training took {time.perf_counter() - start:.1f} s")
    if doubt := run.trainer.doubt():
        note(doubt)
    part, figures = run.result()
    what = "unseen pairs" if part == "test" else "pairs, which also chose the best model"
    print(
        f"{part}: exact match {100 * figures['exact_match']:.2f} % of {figures['pairs']:,} {what} "
        f"(token accuracy {100 * figures['token_accuracy']:.2f} %, {figures['nll_per_token']:.4f} nats per token)"
    )
    shown = (parts.test or parts.valid)[:SHOWN]
    for pair, translation in zip(shown, run.best().translate([pair.source for pair in shown])):
        right = "" if translation.text == pair.target else "   (wrong)"
        print(printed(f"  {pair.source} -> {translation.text}") + right)
    words = shlex.quote(str(out)), "-- " * shown[0].source.startswith("-") + shlex.quote(shown[0].source)
    note(f"try: python -m minis2s translate {' '.join(words)}")
    return 0


def load_or_make(path: str | None) -> tuple[str, list[Pair]]:
    """Return the name and the pairs of a file or, without one, the pairs of datasets/reversal.tsv, made anew."""
    if path is None:
        return "reversal", make_pairs("reversal", DATASETS["reversal"], 0)
    return path, read_pairs(path)


def prepare(name: str, pairs: Sequence[Pair], units: Sides, max_length: int) -> list[Pair]:
    """Check the alignments and drop what is too long, with a note."""
    check_alignments(name, pairs, units)
    kept, dropped = drop_long(name, pairs, units, max_length)
    if dropped:
        note(
            f"{name}: {dropped} of {len(pairs)} pairs dropped: longer than --max-length {max_length} {tokens_of(units)}"
        )
    return kept
