"""Translation measured: the toy language pair and its splits, numbers in words, names; attention against gold.

    python -m tests.benchmarks.translation --out docs/translation.jsonl [NAME ...]
    python -m tests.benchmarks.translation --out docs/translation.jsonl --table > docs/translation.md

Each experiment is the command line's own ``data``, ``train`` and ``evaluate``, in a temporary folder, one line of JSON
for each seed and way of evaluating. What is in the file already is not measured again. Seconds are those of the
processor, of training with its reports: on a busy machine the clock says more.
"""

import argparse
import contextlib
import io
import json
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from minis2s.cli import main as command
from minis2s.data.pairs import read_pairs

DATASETS = Path(__file__).parents[2] / "datasets"
TOY = "--hidden 128 --embedding 64 --bidirectional --dropout 0.2 --batch 32 --epochs 15"
NUMBERS = "--epochs 5 --rate 0.005"
ALIGNED = "Where attention looks"
GREEDY = {"greedy": ""}
SEARCHES = GREEDY | {"beam 5": "--beam 5", "beam 5, length penalty 1": "--beam 5 --length-penalty 1"}


class Experiment(NamedTuple):
    """What is trained on what, and how it is evaluated."""

    about: str  # the heading it stands under
    pairs: str  # a file of datasets/, or what to give the data command
    options: str  # of train
    evaluations: dict[str, str] = GREEDY  # options of evaluate, by a name
    seeds: tuple[int, ...] = (0,)


def aligned(options: str, *seeds: int) -> Experiment:
    """Return an experiment on where a model looks."""
    return Experiment(ALIGNED, "toy_en_fr.tsv", f"{TOY} {options}", seeds=seeds or (0,))


EXPERIMENTS = {
    "toy": Experiment("Toy English to French", "toy_en_fr.tsv", TOY, SEARCHES, (0, 1, 2)),
    "one way": Experiment("Toy English to French", "toy_en_fr.tsv", TOY.replace("--bidirectional ", "")),
    "luong order": aligned("--order luong"),
    "luong order, feeding": aligned("--order luong --feeding", 0, 1, 2),
    "luong order, general": aligned("--order luong --attention general"),
    "luong order, scaled dot": aligned("--order luong --attention scaled_dot"),
    "luong order, narrow encoder": aligned("--order luong --encoder-hidden 64 --bridge tanh"),
    "luong order, feeding, narrow encoder": aligned(
        "--order luong --feeding --encoder-hidden 64 --bridge tanh", 0, 1, 2
    ),
    "luong order, dropout 0.4": aligned("--order luong --dropout 0.4"),
    "coverage": aligned("--attention coverage"),
    "luong order, coverage": aligned("--order luong --attention coverage"),
    "general": aligned("--attention general"),
    **{
        f"split {name}": Experiment("Splits of the toy pair", f"toy_en_fr --split {name} --size 22000 --test 1000", TOY)
        for name in ("random", "compositional", "longer")
    },
    "rare, words": Experiment("Rare words", "toy_en_fr --split rare --size 22000 --test 1000", TOY),
    "rare, words, copied": Experiment(
        "Rare words",
        "toy_en_fr --split rare --size 22000 --test 1000",
        f"{TOY} --min-count 3",
        {"greedy": "", "unknown words replaced": "--replace-unknown"},
    ),
    "rare, pieces": Experiment(
        "Rare words", "toy_en_fr --split rare --size 22000 --test 1000", f"{TOY} --units bpe --merges 300"
    ),
    "numbers to French": Experiment("Numbers in words", "numbers_en_fr.tsv", NUMBERS, seeds=(0, 1, 2)),
    "numbers to German, pieces": Experiment(
        "Numbers in words", "numbers_en_de.tsv", "--units bpe --merges 100 --epochs 10 --rate 0.005", seeds=(0, 1, 2)
    ),
    "names of CLDR, pieces": Experiment(
        "Names of CLDR",
        "names_en_fr --size 20000",
        "--units bpe --merges 500 --bidirectional --hidden 128 --rate 0.005 --epochs 8",
        SEARCHES,
    ),
    "g2p": Experiment(
        "English letters to phonemes",
        "g2p --size 22000",
        "--hidden 128 --embedding 64 --bidirectional --dropout 0.2 --epochs 10",
        SEARCHES,
    ),
}
FIGURES = "pairs exact_match bleu chrf aer alignment_precision alignment_recall alignment_offsets brevity_ratio "
FIGURES += "repeated dropped oov_rate target_oov_rate intervals"
ACCOUNT = """A state of a recurrent encoder also holds its
neighbours, so the weight may lie one word off and the translation still be right: *one off* says how often it does.
Bahdanau's order (*toy*, above) asks with a state that has not read the word before; Luong's has; with feeding it also
knows where it looked last. A narrow encoder has less room for neighbours."""
COLUMNS = ("", "seed", "search", "exact match, %", "BLEU", "chrF", "AER, %", "one off, %", "unseen words, %", "seconds")
SHOWN = ("exact_match", "bleu", "aer", "seconds")


def run(arguments: str) -> str:
    """Run a command as a user does; return what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as said:
        status = command(shlex.split(arguments))
    if status:
        sys.exit(f"{arguments}: {said.getvalue()}")
    return out.getvalue()


def measure(name: str, seed: int, folder: Path) -> list[dict[str, Any]]:
    """Train once and evaluate; return a line for each way of evaluating."""
    experiment = EXPERIMENTS[name]
    pairs, test = DATASETS / experiment.pairs, folder / "run" / "test.tsv"
    if "--split" in experiment.pairs:
        run(f"data {experiment.pairs} --seed 0 --out {folder}")
        pairs, test = folder / "train.tsv", folder / "test.tsv"
    elif not pairs.exists():
        pairs = folder / "pairs.tsv"
        pairs.write_text(run(f"data {experiment.pairs} --seed 0"), encoding="utf-8")
    clock, processor = time.perf_counter(), time.process_time()
    run(f"train {pairs} --out {folder / 'run'} --seed {seed} {experiment.options}")
    seconds = {"clock": time.perf_counter() - clock, "seconds": time.process_time() - processor}
    lines = []
    for how, options in experiment.evaluations.items():
        figures = json.loads(run(f"evaluate {folder / 'run'} {test} --json {options}"))
        kept = {key: figures[key] for key in FIGURES.split() if key in figures}
        lines.append({"name": name, "seed": seed, "how": how, **seconds, **kept})
    return lines


def one_link() -> list[str]:
    """Return what argmax could reach at best: one link of each target word, of which many have several."""
    pairs = read_pairs(DATASETS / "toy_en_fr.tsv")
    gold = sum(len(pair.alignment) for pair in pairs)
    words = sum(len(pair.target.split()) for pair in pairs)
    best = 100 - 200 * words / (words + gold)
    return [f"One link for each target word gives {best:.1f} % AER at best here. {ACCOUNT}\n"]


def table(lines: list[dict[str, Any]]) -> str:
    """Return the figures as Markdown, an experiment with several seeds in several rows."""
    texts = ["# Translation, measured\n", *(f"    {line.strip()}" for line in __doc__.splitlines()[2:4])]
    measured = {line["name"] for line in lines}
    for about in dict.fromkeys(one.about for name, one in EXPERIMENTS.items() if name in measured):
        names = [name for name, one in EXPERIMENTS.items() if one.about == about and name in measured]
        texts += [f"\n## {about}\n", *(one_link() if about == ALIGNED else ())]
        texts += [f"- *{name}*: `{EXPERIMENTS[name].pairs}`, `{EXPERIMENTS[name].options}`" for name in names]
        texts += [f"\n| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
        for line in (line for name in names for line in lines if line["name"] == name):
            low, high = (100 * end for end in line["intervals"]["exact_match"])
            aside = line.get("alignment_offsets")
            cells = [
                line["name"],
                line["seed"],
                line["how"],
                f"{100 * line['exact_match']:.1f} [{low:.1f}, {high:.1f}]",
            ]
            cells += [f"{line['bleu']:.2f}", f"{line['chrf']:.2f}"]
            cells += [f"{100 * line['aer']:.1f}" if "aer" in line else ""]
            cells += [f"{100 * aside['-1']:.1f} left, {100 * aside['1']:.1f} right" if aside else ""]
            cells += [f"{100 * line['oov_rate']:.1f}", f"{line['seconds']:.0f}"]
            texts.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*texts, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{'; '.join(EXPERIMENTS)} (default: all)")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, added to")
    parser.add_argument("--table", action="store_true", help="print what is in the file as Markdown")
    asked = parser.parse_args()
    lines = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    if asked.table:
        print(table(lines), end="")
        return
    for name in asked.names or EXPERIMENTS:
        for seed in EXPERIMENTS[name].seeds:
            if not any((line["name"], line["seed"]) == (name, seed) for line in lines):
                with tempfile.TemporaryDirectory() as folder, asked.out.open("a") as out:
                    for line in measure(name, seed, Path(folder)):
                        print(json.dumps(line), file=out)
                        print(name, seed, line["how"], {key: line.get(key) for key in SHOWN}, flush=True)


if __name__ == "__main__":
    main()
