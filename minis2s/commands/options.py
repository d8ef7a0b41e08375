"""What a model is made of, how it learns and how it searches, as options of the command line."""

import argparse
from collections.abc import Callable
from dataclasses import fields

from minis2s.decoding.search import Search
from minis2s.models.config import CHOICES, Config
from minis2s.training.loop import TrainingConfig
from minis2s.training.optimizers import CLIPS, OPTIMIZERS
from minis2s.training.scheduled_sampling import DECAYS
from minis2s.training.schedules import SCHEDULES

MOST_COUNTED = 1_000_000  # of whatever is counted; more is a typing error, and would run out of memory or never end
MOST_SIZE = 10_000  # of a state or an embedding: a matrix of 0.8 GB


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number of this range."""

    def read(text: str) -> int:
        text = text.strip()
        number = int(text) if text.lstrip("+-").isdecimal() and len(text) < 20 else None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return number

    return read


positive = whole(1, MOST_COUNTED)
size = whole(1, MOST_SIZE)
layers = whole(1, 100)
seed = whole(0, 2**63 - 1)


def path_name(text: str) -> str:
    """Return the name of a file or a folder; the empty one is that of a shell's variable that was never set."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name is given; if it comes from a variable, set that first")
    return text


def add_model_options(made: argparse.ArgumentParser) -> None:
    """Give train the options that say what the model is made of; ``MODEL_OPTIONS`` names them."""
    group = made.add_argument_group("the model")
    add = group.add_argument

    def choose(name: str, help: str) -> None:
        add(f"--{name}", choices=CHOICES[name], default=getattr(Config, name), help=f"{help} (default: %(default)s)")

    choose("cell", "recurrent cell of encoder and decoder")
    choose("attention", "how a source position is scored; none: one vector holds the sentence")
    choose("order", "the previous state asks, or (luong) the new one")
    add("--feeding", dest="input_feeding", action="store_true", help="input feeding, with --order luong")
    add("--hidden", type=size, metavar="N", default=Config.hidden, help="size of the states (default: %(default)s)")
    add("--embedding", type=size, metavar="N", default=Config.embedding, help="default: %(default)s")
    add(
        "--layers", type=whole(1, 100), metavar="N", default=Config.layers, help="of the encoder (default: %(default)s)"
    )
    add("--bidirectional", action="store_true", help="the encoder reads both ways, half its width each")
    add("--encoder-hidden", type=size, metavar="N", help="width of the encoder (default: that of --hidden)")
    choose("bridge", "from the encoder's last state to the decoder's first")
    add("--dropout", type=float, metavar="X", default=Config.dropout, help="default: %(default)s")
    add("--layer-norm", action="store_true", help="after each encoder layer and before the output layer")
    add("--tie", dest="tie_output", action="store_true", help="the output matrix is the target embedding")
    add(
        "--smoothing",
        dest="label_smoothing",
        type=float,
        metavar="X",
        default=Config.label_smoothing,
        help="of the labels (default: %(default)s)",
    )


def add_training_options(made: argparse.ArgumentParser) -> None:
    """Give train the options that say how it learns."""
    add = made.add_argument_group("training").add_argument
    add("--optimizer", choices=list(OPTIMIZERS), default=TrainingConfig.optimizer, help="default: %(default)s")
    add(
        "--schedule",
        choices=list(SCHEDULES),
        default=TrainingConfig.schedule,
        help="of the rate (default: %(default)s)",
    )
    add("--clip", type=float, metavar="X", default=TrainingConfig.clip, help="longest gradient (default: %(default)s)")
    add(
        "--clip-by",
        choices=list(CLIPS),
        default=TrainingConfig.clip_by,
        help="what --clip limits (default: %(default)s)",
    )
    last = "share of gold tokens fed to the decoder at the end, the others its own (default: %(default)s)"
    add("--teacher-forcing", type=float, metavar="X", default=TrainingConfig.teacher_forcing, help=last)
    how = "how the share falls to that from 1; constant: it is that all along (default: %(default)s)"
    add("--teacher-decay", choices=list(DECAYS), default=TrainingConfig.teacher_decay, help=how)


def add_search_options(made: argparse.ArgumentParser) -> None:
    """Give a command the options that say how a translation is searched for; ``search_from`` reads them."""
    add = made.add_argument_group("the search").add_argument
    add("--beam", type=positive, metavar="N", default=Search.beam, help="beginnings kept (default: 1, greedy search)")
    add("--length-penalty", type=float, metavar="A", default=Search.length_penalty, help="alpha of Wu et al. 2016")
    add("--coverage-penalty", type=float, metavar="B", default=Search.coverage_penalty, help="beta of Wu et al. 2016")
    add("--sample", action="store_true", help="draw each token at random instead")
    add("--temperature", type=float, metavar="T", default=Search.temperature, help="below 1: the likely more often")
    add("--top-k", type=positive, metavar="K", help="draw from the K likeliest tokens")
    add("--top-p", type=float, metavar="P", help="draw from the fewest tokens that together have probability P")
    add("--seed", type=seed, metavar="N", default=Search.seed, help="of the draws (default: %(default)s)")


def search_from(args: argparse.Namespace) -> Search:
    """Return the search that a command's options describe; what it has no option for is as by default."""
    return Search(**{field.name: getattr(args, field.name) for field in fields(Search) if field.name in args})
