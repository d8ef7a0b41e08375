"""``python -m minis2s evaluate``: measure a run on pairs."""

import argparse
import json

from minis2s.data.pairs import read_pairs
from minis2s.options import add_search_options
from minis2s.training.checkpoint import load_model


def add_options(made: argparse.ArgumentParser) -> None:
    """Say what evaluate understands."""
    add = made.add_argument
    add("run", metavar="RUN", help="folder of a run")
    add("pairs", metavar="PAIRS", help="text file, source<TAB>target on each line")
    add_search_options(made)
    add("--json", action="store_true", help="print one JSON object")


def evaluate(args: argparse.Namespace) -> int:
    """Measure a run on pairs."""
    translator = load_model(args.run)
    pairs = read_pairs(args.pairs)
    figures = translator.evaluate(pairs, args.beam)._asdict() | {"oov_rate": translator.oov_rate(pairs)}
    if args.json:
        print(json.dumps(figures))
        return 0
    print(f"pairs           {figures['pairs']:,}")
    print(f"exact match     {100 * figures['exact_match']:.2f} %   whole sentences, free-running")
    print(f"token accuracy  {100 * figures['token_accuracy']:.2f} %   teacher-forced")
    print(f"loss            {figures['nll_per_token']:.4f} nats per target token, teacher-forced")
    print(f"perplexity      {figures['perplexity']:.4f}   teacher-forced")
    print(f"unknown tokens  {100 * figures['oov_rate']:.2f} %   of the sources")
    return 0
