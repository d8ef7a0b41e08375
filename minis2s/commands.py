"""What each command of the command line does. Results go to standard output, everything else to standard error."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from minis2s import checks, plots
from minis2s.checks import own
from minis2s.data.pairs import Pair, check_training_pairs, format_pairs, read_pairs, split_pairs
from minis2s.data.tasks import DATASETS, make_pairs
from minis2s.data.units import NAMES, check_alignments, choose_units, drop_long
from minis2s.errors import InputError
from minis2s.models.config import Config
from minis2s.training.checkpoint import load_model, write_file
from minis2s.training.loop import Settings
from minis2s.training.run import Parts, Run

SHOWN = 5  # translations shown after training


def note(text: str) -> None:
    """Print one line on standard error, at once, in a terminal, a notebook and a file alike."""
    if sys.stderr:  # else print would take standard output
        print(text, file=sys.stderr, flush=True)


def train(args: argparse.Namespace) -> int:
    """Train a model and leave a run folder."""
    settings = Settings(**{field.name: getattr(args, field.name) for field in fields(Settings) if field.name in args})
    name, pairs = load_or_make(args.pairs)
    check_training_pairs(name, pairs)
    units = args.units or choose_units(pairs)
    pairs = prepare(name, pairs, units, args.max_length)
    check_training_pairs(name, pairs)
    if args.valid:
        valid = prepare(args.valid, read_pairs(args.valid), units, args.max_length)
        known = {pair.source for pair in pairs}
        if overlap := sum(pair.source in known for pair in valid):
            note(f"{args.valid}: {overlap} of its {len(valid)} sources are trained on too; its figures flatter")
        parts = Parts(pairs, valid, [])
    else:
        parts = Parts(*split_pairs(pairs, args.seed))

    sizes = {field.name: getattr(args, field.name) for field in fields(Config) if field.name in args}
    out = Path(args.out or Path("runs") / (Path(args.pairs).stem if args.pairs else "reversal"))
    for path in filter(None, (args.pairs, args.valid)):
        if Path(path).resolve() == (out / "test.tsv").resolve():
            raise InputError(f"{path}: the run would write its own test.tsv over these pairs; choose --out elsewhere")
    note(f"{name}: {len(pairs):,} pairs in {NAMES[units]}s; run folder {out}")
    run = Run(out, parts, units, sizes, settings, args.resume, args.force, args.flow, note)
    start = time.perf_counter()
    finished = run.train()
    if not finished:
        held = "the best model so far" if run.trainer.history else "the model as it was, not yet validated"
        note(f"stopped; {out} holds {held}; go on with the same command and --resume")
        return 130
    note(f"training took {time.perf_counter() - start:.1f} s")
    part, result = run.result()
    what = "unseen pairs" if part == "test" else "pairs, which also chose the best model"
    print(
        f"{part}: exact match {100 * result.exact_match:.2f} % of {result.pairs:,} {what} "
        f"(token accuracy {100 * result.token_accuracy:.2f} %, {result.nll_per_token:.4f} nats per token)"
    )
    shown = (parts.test or parts.valid)[:SHOWN]
    for pair, translation in zip(shown, run.best().translate([pair.source for pair in shown])):
        print(f"  {pair.source} -> {translation.text}" + ("" if translation.text == pair.target else "   (wrong)"))
    words = shlex.quote(str(out)), "-- " * shown[0].source.startswith("-") + shlex.quote(shown[0].source)
    note(f"try: python -m minis2s translate {' '.join(words)}")
    return 0


def load_or_make(path: str | None) -> tuple[str, list[Pair]]:
    """Return the name and the pairs of a file or, without one, the pairs of datasets/reversal.tsv, made anew."""
    if path is None:
        return "reversal", make_pairs("reversal", DATASETS["reversal"], 0)
    return path, read_pairs(path)


def prepare(name: str, pairs: Sequence[Pair], units: str, max_length: int) -> list[Pair]:
    """Check the alignments and drop what is too long, with a note."""
    check_alignments(name, pairs, units)
    kept, dropped = drop_long(name, pairs, units, max_length)
    if dropped:
        note(f"{name}: {dropped} of {len(pairs)} pairs dropped: longer than --max-length {max_length} {NAMES[units]}s")
    return kept


def translate(args: argparse.Namespace) -> int:
    """Translate texts, or the lines of standard input: one line of output for each, in order."""
    translator = load_model(args.run)
    if args.attention and not translator.model.config.attends:
        raise InputError(f"{args.run}: this model has no attention to draw; train one that has")
    translations = translator.translate(args.text or read_lines(), args.beam)
    for i, translation in enumerate(translations, 1):
        print(translation.text)
        if translation.unknown:
            shown = ", ".join(map(repr, translation.unknown))
            note(f"text {i}: never seen in training, read as <unk>: {shown}")
        if not translation.ended:
            note(f"text {i}: no end after {len(translation.tokens)} tokens; cut off there")
    if args.attention:
        first = next((translation for translation in translations if translation.alphas is not None), None)
        if first is None:
            raise InputError("there is no text to draw the attention of; give one after the run folder")
        figure = plots.attention_map(first.alphas, first.source, first.tokens)
        write_file(Path(args.attention), lambda file: file.write(plots.png(figure)))
        note(f"attention of the first text: {args.attention}")
    return 0


def read_lines() -> list[str]:
    """Return the lines of standard input."""
    if sys.stdin is None:
        raise InputError("standard input is closed; give a text after the run folder")
    if sys.stdin.isatty():
        note("reading lines from standard input; Ctrl-D ends them")
    try:
        lines = (data := sys.stdin.buffer.read()).decode("utf-8").removeprefix("\ufeff").split("\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"standard input, line {line}: not UTF-8; convert it to UTF-8") from None
    return lines if lines[-1] else lines[:-1]


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


def gradcheck(args: argparse.Namespace) -> int:
    """Check gradients; status 1 if one is wrong."""
    if args.template:
        print(own.template(args.template), end="")
        return 0
    properties = {}
    if args.layer and ":" in args.layer:
        report, results = own.examine_apart(args.layer, args.like, args.seconds, args.method)
        properties = {args.layer: results} if results else {}
    elif args.like:
        raise InputError("--like compares a layer of your own with ours; give FILE.py:CLASS before it")
    elif args.layer and args.layer not in checks.CASES:
        raise InputError(
            f"there is no layer {args.layer!r}; choose one of {', '.join(checks.CASES)}, or give FILE.py:CLASS"
        )
    else:
        report, properties = check_cases([args.layer] if args.layer else list(checks.CASES), args.method)
    if args.json:
        kept = {name: {r.name: r.ok for r in results} for name, results in properties.items()}
        print(json.dumps(report.to_dict() | ({"invariances": kept} if kept else {})))
    else:
        print(report)
        for name, results in properties.items():
            print(f"\n{name}: what must not change")
            for result in results:
                print(f"  {result}")
    held = all(result.ok for results in properties.values() for result in results)
    return 0 if report.ok and held else 1


def check_cases(names: Sequence[str], method: str) -> tuple[checks.GradientReport, dict[str, list[checks.Invariance]]]:
    """Return the report on layers of the table and, for the models among them, what must not change."""
    cases = {name: checks.make_case(name) for name in names}
    try:
        report = checks.merge(
            [checks.gradcheck(layer, *inputs, method=method, name=name) for name, (layer, inputs) in cases.items()]
        )
    except ValueError as error:  # somebody is trying what happens
        raise InputError(str(error)) from None
    models = {name: case for name, case in cases.items() if hasattr(case[0], "loss")}
    return report, {name: checks.invariances(layer, inputs[0]) for name, (layer, inputs) in models.items()}


def data(args: argparse.Namespace) -> int:
    """Print pairs of a task."""
    print(format_pairs(make_pairs(args.task, args.size, args.seed)), end="")
    return 0
