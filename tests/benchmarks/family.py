"""Cells x kinds of attention x directions: exact match after equal time, step time, parameters.

    python -m tests.benchmarks.family --seconds 8 --out family.jsonl --table

Each configuration trains for about so many seconds of processor time at the default settings, as many epochs as fit,
on reversal (10,000 words of 3 to 12 letters; tested on 1,000 unseen ones and on 1,000 of 13 to 25) and on dates (10,000
of datasets/dates.tsv; tested on 1,000 others). Lines already in the file are not run again, so a stopped run goes on.
Step time is processor time relative to the default configuration, the two in turn.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from minis2s.data.pairs import Pair, read_pairs
from minis2s.data.tasks import DATASETS, make_pairs
from minis2s.data.vocabulary import Vocabulary
from minis2s.decoding.evaluate import evaluate
from minis2s.decoding.translator import Translator
from minis2s.files import write_file
from minis2s.layers import ATTENTIONS, CELLS, count
from minis2s.models import Config, Seq2Seq
from minis2s.threads_and_memory import prepare_process
from minis2s.training.loop import Trainer, TrainingConfig

TRAINED, TESTED, LONG, ROUNDS = 10_000, 1_000, (13, 25), 4
CONFIGURATIONS = [
    {"cell": cell, "attention": attention, "bidirectional": both}
    for cell in CELLS
    for attention in (*ATTENTIONS, "none")
    for both in (False, True)
]


def load(task: str) -> tuple[list[Pair], dict[str, list[Pair]]]:
    """Return training pairs and named test parts."""
    if task == "reversal":
        pairs = make_pairs("reversal", DATASETS["reversal"], 0)
        rng, letters = np.random.default_rng(1), sorted({letter for pair in pairs for letter in pair.source})
        words = ["".join(rng.choice(letters, rng.integers(LONG[0], LONG[1] + 1))) for _ in range(TESTED)]
        tests = {"3-12": pairs[-TESTED:], "13-25": [Pair(word, word[::-1]) for word in words]}
    else:
        pairs = read_pairs("datasets/dates.tsv")
        tests = {"dates": pairs[-TESTED:]}
    return pairs[:TRAINED], tests


def trainer_of(train: list[Pair], parts: dict, epochs: int, seed: int) -> tuple[Trainer, Translator]:
    """Return a trainer of characters and what gives its text."""
    source, target = (Vocabulary.build(getattr(pair, side) for pair in train) for side in ("source", "target"))
    config = Config(len(source), len(target), **parts)
    translator = Translator(Seq2Seq.init(np.random.default_rng([seed, 3]), config), source, target, "char")
    examples, few = translator.examples(train), translator.examples(train[:100])
    prepare_process()
    return Trainer(translator.model, examples, few, TrainingConfig(epochs=epochs, reports=1, seed=seed)), translator


def step_times(task: str, parts: dict, seed: int) -> tuple[float, float, int]:
    """Return seconds of processor time an update, over those of the default, and updates an epoch."""
    train, _ = load(task)
    trainers = [trainer_of(train, some, 1, seed)[0] for some in (parts, {})]
    batches = [trainers[0].train.batch(which) for which in trainers[0].train.batches(64, np.random.default_rng(0))[:20]]
    times: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for trainer, list_ in zip(trainers, times):
            start = time.process_time()
            for batch in batches:
                trainer.update(batch)
            list_.append((time.process_time() - start) / len(batches))
    return min(times[0]), min(times[0]) / min(times[1]), trainers[0].updates_per_epoch


def run(task: str, parts: dict, seconds: float, seed: int) -> dict:
    """Train one configuration for about so long; return what is measured."""
    train, tests = load(task)
    a_step, ratio, updates = step_times(task, parts, seed)
    epochs = max(1, round(seconds / (a_step * updates)))
    trainer, translator = trainer_of(train, parts, epochs, seed)
    start = time.process_time()
    list(trainer.progress())
    used = time.process_time() - start
    translator = Translator(trainer.model, translator.source, translator.target, "char")
    exact = {
        name: 100 * evaluate(translator.model, translator.examples(pairs)).exact_match for name, pairs in tests.items()
    }
    return {
        "task": task,
        **parts,
        "seed": seed,
        "epochs": epochs,
        "seconds": round(used, 1),
        "parameters": count(trainer.model),
        "step": ratio,
        "exact": exact,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("family.jsonl"), help="a line a configuration and task")
    parser.add_argument("--steps", action="store_true", help="measure the step times in the file again, no training")
    parser.add_argument("--table", action="store_true", help="print the table at the end, in Markdown")
    args = parser.parse_args()
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    done = [json.loads(line) for line in lines]
    for parts in CONFIGURATIONS:
        for task in ("reversal", "dates"):
            if not any(row["task"] == task and parts.items() <= row.items() for row in done):
                done.append(run(task, parts, args.seconds, args.seed))
                with args.out.open("a") as file:
                    print(json.dumps(done[-1]), file=file, flush=True)
    if args.steps:
        for row in done:
            parts = {name: row[name] for name in CONFIGURATIONS[0]}
            row["step"] = step_times(row["task"], parts, args.seed)[1]
        write_file(args.out, lambda file: file.write("".join(json.dumps(row) + "\n" for row in done).encode()))
    if args.table:
        names = ("cell", "attention", "directions", "3-12", "13-25", "dates", "step", "step, dates", "parameters")
        print("|".join(["", *names, ""]), "|".join(["", *["---"] * len(names), ""]), sep="\n")
        for parts in CONFIGURATIONS:
            both = {row["task"]: row for row in done if parts.items() <= row.items()}
            exact = [f"{value:.1f}" for row in both.values() for value in row["exact"].values()]
            steps = [f"{row['step']:.2f}" for row in both.values()]
            directions = str(1 + parts["bidirectional"])
            size = f"{both['reversal']['parameters']:,}"
            print("|".join(["", parts["cell"], parts["attention"], directions, *exact, *steps, size, ""]))


if __name__ == "__main__":
    main()
