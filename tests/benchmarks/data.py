"""Does anything but the training step cost time? Batches, files, models, start-up and the check of all gradients.

    python -m tests.benchmarks.data

Each figure is the minimum of several runs. What is run as a command runs as a user starts it, in a fresh process
whose number of threads nobody chose.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minis2s.data.batches import Examples
from minis2s.data.pairs import Pair, format_pairs, read_pairs
from minis2s.data.tasks import make_pairs
from minis2s.data.units import Sides, choose_units
from minis2s.data.vocabulary import EOS, SPECIAL, Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.threads_and_memory import CHOICES
from minis2s.training.checkpoint import load_model, save_model
from tests.benchmarks.contenders import SIZES, make, make_model
from tests.benchmarks.measure import interleaved, table

WORDS, SHORTEST, LONGEST = 20_000, 4, 12  # different words in the file of words, and how many a sentence has
IMPORTS = "import sys, minis2s, minis2s.cli; print(sum(name.startswith('matplotlib') for name in sys.modules))"


def random_examples(pairs: int, S: int, T: int, vocabulary: int, seed: int = 0) -> Examples:
    """Return pairs of random tokens, their lengths uniform between half and whole, the end sign one of the T."""
    rng = np.random.default_rng(seed)

    def sentences(longest: int, extra: int) -> list[list[int]]:
        lengths = rng.integers(longest // 2, longest + 1, pairs) - extra
        return [rng.integers(len(SPECIAL), vocabulary, length).tolist() for length in lengths]

    return Examples.of(sentences(S, 0), sentences(T, 1))


def random_words(size: int) -> list[Pair]:
    """Return pairs of sentences in which, as in a language, the n-th word is about 1/n as frequent as the first."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, WORDS + 1)

    def sentences() -> list[str]:
        lengths = rng.integers(SHORTEST, LONGEST + 1, size)
        words = [f"w{i}" for i in rng.choice(WORDS, lengths.sum(), p=share / share.sum())]
        ends = np.cumsum(lengths)
        return [" ".join(words[end - n : end]) for n, end in zip(lengths, ends)]

    return [Pair(*texts) for texts in zip(sentences(), sentences())]


def read_and_encode(path: Path) -> Examples:
    """From a file to what a trainer takes."""
    pairs = read_pairs(path)
    units = Sides.of(choose_units(pairs))
    sources = [units.source.split(pair.source) for pair in pairs]
    targets = [units.target.split(pair.target) for pair in pairs]
    source, target = Vocabulary.build(sources), Vocabulary.build(targets)
    return Examples.of([[*source.encode(s), EOS] for s in sources], [target.encode(t) for t in targets])


def least(run: Callable[[], object], rounds: int) -> float:
    """Return the fewest milliseconds of so many runs."""
    return min(interleaved({"": run}, 0.0, rounds)[""])


def python(*arguments: str) -> str:
    """Run Python as a user does; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name not in CHOICES}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, check=True, capture_output=True, text=True
    ).stdout


def row(what: str, measured: float, unit: str, target: float | None = None) -> dict:
    """Return one line of the table; without a target there is nothing to meet."""
    met = None if target is None else measured <= target
    return {"what": what, "measured": measured, "unit": unit, "target": target, "met": met}


def batches(quick: bool) -> list[dict]:
    """Making the batch that a step learns from, in turn with the step."""
    size = "S" if quick else "L"
    B, S, T, E, H, V = SIZES[size]
    examples = random_examples(1_000 if quick else 20_000, S, T, V)
    which = examples.batches(B, np.random.default_rng(0))[0]
    step = make("ours", make_model(E, H, V), examples.batch(which))
    runs = {"batch": lambda: examples.batch(which), "step": step}
    times = {name: min(ms) for name, ms in interleaved(runs, 0.5 if quick else 10.0).items()}
    return [
        row(f"a training step, size {size}", times["step"], "ms"),
        row("making its batch", times["batch"], "ms"),
        row("making its batch", 100 * times["batch"] / times["step"], "% of the step", None if quick else 3.0),
    ]


def files(folder: Path, quick: bool) -> list[dict]:
    """Reading, cutting, counting and encoding the pairs of a file."""
    size, rounds = (2_000, 1) if quick else (200_000, 3)
    aligned = make_pairs("reversal", size, 0)
    made = {
        "words": random_words(size),
        "characters": [pair._replace(alignment=None) for pair in aligned],
        "characters and alignments": aligned,
    }
    rows = []
    for name, pairs in made.items():
        path = folder / "pairs.tsv"
        path.write_text(format_pairs(pairs), encoding="utf-8", newline="\n")
        seconds = least(lambda path=path: read_and_encode(path), rounds) / 1000
        rows.append(row(f"reading and encoding {size:,} pairs, {name}", seconds, "s", None if quick else 5.0))
    sentences = [pair.source.split() for pair in made["words"]]
    milliseconds = least(lambda: Vocabulary.build(sentences), rounds)
    what = f"vocabulary of {size:,} sentences, {sum(map(len, sentences)):,} words"
    return [*rows, row(what, milliseconds, "ms", None if quick else 300.0)]


def models(folder: Path, quick: bool) -> list[dict]:
    """Loading a model with its two vocabularies."""
    size, rounds = ("S", 2) if quick else ("L", 10)
    *_, E, H, V = SIZES[size]
    vocabulary = Vocabulary((*SPECIAL, *(f"w{i}" for i in range(V - len(SPECIAL)))))
    path = folder / "model.npz"
    save_model(path, Translator(make_model(E, H, V), vocabulary, vocabulary, "word"))
    milliseconds = least(lambda: load_model(path), rounds)
    return [row(f"load_model, size {size}, two vocabularies of {V:,}", milliseconds, "ms", None if quick else 300.0)]


def commands(quick: bool) -> list[dict]:
    """Starting Python, minis2s and its help, in turn, and the check of all gradients."""
    runs = {
        "python -c pass": ("-c", "pass"),
        "import numpy": ("-c", "import numpy"),
        "import minis2s": ("-c", "import minis2s"),
        "python -m minis2s --help": ("-m", "minis2s", "--help"),
    }
    times = interleaved({name: lambda a=a: python(*a) for name, a in runs.items()}, 0.0, 2 if quick else 15)
    targets = {"import minis2s": 250.0, "python -m minis2s --help": 400.0}
    rows = [row(f"{name}, fresh process", min(ms), "ms", targets.get(name)) for name, ms in times.items()]
    drawn = row("Matplotlib imported by minis2s and its commands", int(python("-c", IMPORTS)), "modules", 0)
    layer = ["linear"] if quick else []
    seconds = least(lambda: python("-m", "minis2s", "gradcheck", *layer), 1 if quick else 2) / 1000
    return [
        *rows,
        drawn,
        row(" ".join(["gradcheck of", *(layer or ["everything"])]), seconds, "s", None if quick else 10.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="try the script: small sizes, which have no targets")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            *batches(args.quick),
            *files(Path(folder), args.quick),
            *models(Path(folder), args.quick),
            *commands(args.quick),
        ]
    if args.json:
        print(json.dumps(rows))
        return
    width = max(len(row["what"]) for row in rows)
    met = {True: "yes", False: "no", None: None}
    print(table([{**row, "what": row["what"].ljust(width), "met": met[row["met"]]} for row in rows]))


if __name__ == "__main__":
    main()
