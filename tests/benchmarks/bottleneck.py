"""Can one vector hold a sentence? Exact match by length on reversal, with attention and without.

    python -m tests.benchmarks.bottleneck --out docs/bottleneck.png

Both models have the same sizes and learn from the same pairs of datasets/reversal.tsv. The one without attention is
trained twice: for as many epochs, and for as much time as the one with attention took.
"""

import argparse
from pathlib import Path

import numpy as np

from minis2s import plots
from minis2s.data.pairs import split_pairs
from minis2s.data.tasks import DATASETS, make_pairs
from minis2s.data.vocabulary import Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.files import write_file
from minis2s.layers import count
from minis2s.metrics import exact_match_by_length
from minis2s.models import Config, Seq2Seq
from minis2s.threads_and_memory import prepare_process
from minis2s.training.loop import Trainer, TrainingConfig


def train(attention: str, epochs: int, seed: int) -> tuple[dict[int, tuple[float, int]], float, int]:
    """Train; return exact match by length on the test pairs, seconds and number of parameters."""
    train_pairs, valid_pairs, test_pairs = split_pairs(make_pairs("reversal", DATASETS["reversal"], 0), seed)
    vocabulary = Vocabulary.build([pair.source for pair in train_pairs])
    sizes = Config(len(vocabulary), len(vocabulary), attention=attention)
    translator = Translator(Seq2Seq.init(np.random.default_rng([seed, 3]), sizes), vocabulary, vocabulary, "char")
    train_set, valid_set = translator.examples(train_pairs), translator.examples(valid_pairs)
    prepare_process()
    trainer = Trainer(translator.model, train_set, valid_set, TrainingConfig(epochs=epochs, seed=seed))
    *_, last = trainer.progress()
    best = Translator(trainer.best, vocabulary, vocabulary, "char")
    texts = [translation.text for translation in best.translate([pair.source for pair in test_pairs])]
    targets = [pair.target for pair in test_pairs]
    return exact_match_by_length(texts, targets, list(map(len, targets))), last.seconds, count(trainer.best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=TrainingConfig.epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a PNG file")
    args = parser.parse_args()

    attention, seconds, size = train("additive", args.epochs, args.seed)
    runs = {f"with attention, {args.epochs} epochs": (attention, seconds, size)}
    runs[f"without, {args.epochs} epochs"] = train("none", args.epochs, args.seed)
    longer = round(args.epochs * seconds / runs[f"without, {args.epochs} epochs"][1])
    runs[f"without, {longer} epochs"] = train("none", longer, args.seed)

    print("length" + "".join(f"{length:>7}" for length in attention) + "    all  seconds  parameters")
    for label, (by_length, seconds, size) in runs.items():
        right, pairs = (sum(values) for values in zip(*((share * n, n) for share, n in by_length.values())))
        cells = "".join(f"{100 * share:7.1f}" for share, _ in by_length.values())
        print(f"{label}\n      {cells}{100 * right / pairs:7.1f}{seconds:9.1f}{size:12,}")
    if args.out:
        title = "Reversal, 1,000 unseen strings: the bottleneck"
        figure = plots.exact_match_by_length({label: run[0] for label, run in runs.items()}, title)
        write_file(args.out, lambda file: file.write(plots.png(figure)))


if __name__ == "__main__":
    main()
