"""The reverse task as JoeyNMT's tutorial defines it: integers to the same integers from the last to the first.

    python -m tests.benchmarks.reverse --seed 0 1 2

Integers 0 to 49; 50,000 training pairs of 1 to 25 integers, 1,000 each to validate and to test of 1 to 30, so that one
test pair in six is longer than anything trained on; five epochs. JoeyNMT prints 95.19 BLEU for it (bidirectional LSTM
64, embedding 16, bilinear attention, AdamW 1e-3, dropout 0.1). BLEU is sacrebleu's, on words.
"""

import argparse
import json
import time

import numpy as np

from minis2s.data.pairs import Pair
from minis2s.data.vocabulary import Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.metrics import exact_match
from minis2s.models import Config, Seq2Seq
from minis2s.threads_and_memory import prepare_process
from minis2s.training.loop import Trainer, TrainingConfig

INTEGERS, TRAINED, LONGEST = 50, 25, 30
SIZES = {"train": 50_000, "valid": 1_000, "test": 1_000}


def make_pairs(size: int, longest: int, rng: np.random.Generator) -> list[Pair]:
    """Return random pairs; nothing keeps a short one of the test from being trained on, there as here."""
    made = []
    for length in rng.integers(1, longest + 1, size):
        words = rng.integers(INTEGERS, size=length).astype(str).tolist()
        made.append(Pair(" ".join(words), " ".join(reversed(words))))
    return made


def run(seed: int, parts: dict, settings: dict, epochs: int, best: bool = True) -> dict:
    """Train once; return what is measured on the test pairs."""
    import sacrebleu

    rng = np.random.default_rng([2018, seed])
    data = {name: make_pairs(size, TRAINED if name == "train" else LONGEST, rng) for name, size in SIZES.items()}
    vocabulary = Vocabulary.build(pair.source.split() for pair in data["train"])
    config = Config(len(vocabulary), len(vocabulary), **parts)
    translator = Translator(Seq2Seq.init(np.random.default_rng([seed, 3]), config), vocabulary, vocabulary, "word")
    train, valid = translator.examples(data["train"]), translator.examples(data["valid"])
    prepare_process()
    trainer = Trainer(
        translator.model, train, valid, TrainingConfig(epochs=epochs, seed=seed, reports=epochs, **settings)
    )
    start = time.perf_counter()
    history = [round(100 * report.exact_match, 2) for report in trainer.progress()]
    seconds = time.perf_counter() - start
    translator = Translator(trainer.best, vocabulary, vocabulary, "word")
    found = [translation.text for translation in translator.translate([pair.source for pair in data["test"]])]
    wanted = [pair.target for pair in data["test"]]
    long = [len(target.split()) > TRAINED for target in wanted]

    def right(which: bool) -> float:
        chosen = [i for i, is_long in enumerate(long) if is_long == which]
        return 100 * exact_match([found[i] for i in chosen], [wanted[i] for i in chosen])

    return {
        "seed": seed,
        "bleu": sacrebleu.corpus_bleu(found, [wanted], tokenize="none", force=True).score,
        "exact_1_25": right(False),
        "exact_26_30": right(True),
        "valid_by_epoch": history,
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--model", type=json.loads, default=MODEL, help="JSON, fields of Config")
    parser.add_argument("--training", type=json.loads, default=TRAINING, help="JSON, fields of TrainingConfig")
    args = parser.parse_args()
    for seed in args.seed:
        print(json.dumps(run(seed, args.model, args.training, args.epochs)), flush=True)


MODEL = {  # the bidirectional encoder and the bilinear score are JoeyNMT's
    "hidden": 128,
    "embedding": 64,
    "bidirectional": True,
    "order": "luong",
    "attention": "general",
    "input_feeding": True,
}
TRAINING = {"batch": 64, "rate": 3e-3}

if __name__ == "__main__":
    main()
