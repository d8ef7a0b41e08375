"""``python -m minis2s evaluate``: measure a run on pairs."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from minis2s import metrics, plots
from minis2s.data.pairs import read_pairs
from minis2s.data.units import check_alignments, counted_in
from minis2s.decoding.assessment import SCORES, Assessment, assess
from minis2s.decoding.page import worst_page
from minis2s.errors import InputError, note
from minis2s.options import add_search_options, positive, search_from
from minis2s.training.checkpoint import load_model, write_file

WORST = 10  # sentences on a page, unless --worst says otherwise


def add_options(made: argparse.ArgumentParser) -> None:
    """Say what evaluate understands."""
    add = made.add_argument
    add("run", metavar="RUN", help="folder of a run")
    add("pairs", metavar="PAIRS", help="text file, source<TAB>target on each line")
    add_search_options(made)
    add("--replace-unknown", action="store_true", help="for each <unk>, write the source token looked at most")
    add("--json", action="store_true", help="print one JSON object")
    add("--page", metavar="FILE.html", help="write the worst sentences, with their attention maps")
    add("--worst", type=positive, metavar="N", help=f"how many of them (default: {WORST})")
    add("--by-length", metavar="FILE.png", help="draw exact match and BLEU against the length of the source")


def evaluate(args: argparse.Namespace) -> int:
    """Measure a run on pairs."""
    for path in filter(None, (args.page, args.by_length)):  # now, not after minutes of work
        if not Path(path).resolve().parent.is_dir():
            raise InputError(f"{path}: there is no such folder; make it, or choose another place")
        if Path(path).resolve() == Path(args.pairs).resolve():
            raise InputError(f"{path}: would be written over the pairs; choose another name")
    if args.worst and not args.page:
        raise InputError("--worst is of the page; give --page FILE.html, too")
    search, translator = search_from(args), load_model(args.run)
    search.check(translator.model)
    if args.replace_unknown:
        if not translator.model.config.attends:
            raise InputError(f"{args.run}: this model has no attention to find source words by; train one that has")
        translator = replace(translator, replace_unknown=True)
    pairs = read_pairs(args.pairs)
    check_alignments(args.pairs, pairs, counted_in(translator.units))
    assessment = assess(translator, pairs, search)
    lines = report(assessment.figures)
    print(json.dumps(assessment.figures) if args.json else lines)
    if args.page:
        page = worst_page(translator, assessment, lines, f"{args.run} on {args.pairs}", args.worst or WORST)
        write_file(Path(args.page), lambda file: file.write(page.encode(errors="replace")))
        note(f"the worst sentences: {args.page}")
    if args.by_length:
        figure = length_figure(assessment, f"{translator.units.source.token}s of the source")
        write_file(Path(args.by_length), lambda file: file.write(plots.png(figure)))
        note(f"scores by length: {args.by_length}")
    return 0


def report(figures: dict[str, Any]) -> str:
    """Return the figures as lines for people, with their 95 % intervals."""
    kind = figures["bleu_tokens"]

    def interval(name: str, scale: float = 1.0) -> str:
        low, high = figures["intervals"][name]
        return f"[{scale * low:.2f}, {scale * high:.2f}]"

    rows = [
        ("pairs", f"{figures['pairs']:,}", "", "in brackets: 95 % intervals of 1,000 bootstrap resamples"),
        ("exact match", percent(figures["exact_match"]), interval("exact_match", 100), "whole sentences, free-running"),
        ("BLEU", f"{figures['bleu']:.2f}", interval("bleu"), f"{kind}, up to 4-grams, exp smoothing, effective order"),
        ("chrF", f"{figures['chrf']:.2f}", interval("chrf"), "chrF2: runs of up to 6 characters, without white space"),
        ("brevity ratio", f"{figures['brevity_ratio']:.4f}", "", "length of the translations / of the references"),
        (f"repeated {kind}", f"{figures['repeated']:.2f}", "", f"for each 100 {kind} of the references"),
        (f"dropped {kind}", f"{figures['dropped']:.2f}", "", f"for each 100 {kind} of the references"),
        ("token accuracy", percent(figures["token_accuracy"]), "", "teacher-forced"),
        ("loss", f"{figures['nll_per_token']:.4f}", "", "nats per target token, teacher-forced"),
        ("perplexity", f"{figures['perplexity']:.4f}", "", "teacher-forced"),
        ("unknown tokens", percent(figures["oov_rate"]), "", "of the sources"),
        ("", percent(figures["target_oov_rate"]), "", "of the references"),
    ]
    if "aer" in figures:
        aside = figures["alignment_offsets"]
        what = f"argmax of teacher-forced attention against gold links of {figures['aligned_pairs']:,} pairs"
        rows += [
            ("AER", percent(figures["aer"]), interval("aer", 100), what),
            ("  precision", percent(figures["alignment_precision"]), "", ""),
            ("  recall", percent(figures["alignment_recall"]), "", ""),
            ("  one to the left", percent(aside["-1"]), "", "the source token before gold's"),
            ("  one to the right", percent(aside["1"]), "", "the source token after gold's"),
        ]
    return "\n".join(f"{name:<20}{value:>9}  {ends:<17}  {what}".rstrip() for name, value, ends, what in rows)


def percent(fraction: float) -> str:
    """Return a fraction as a percentage."""
    return f"{100 * fraction:.2f} %"


def length_figure(assessment: Assessment, length: str) -> Any:
    """Return a figure of exact match and BLEU against the length of the source."""
    lengths = [len(one.translation.source) for one in assessment.sentences]
    exact, bleu = (metrics.by_length(assessment.statistics[n], SCORES[n], lengths) for n in ("exact_match", "bleu"))
    exact = {size: (100 * score, count, 100 * low, 100 * high) for size, (score, count, low, high) in exact.items()}
    names = "sentences right as a whole, %", f"BLEU ({assessment.figures['bleu_tokens']})"
    return plots.score_by_length(dict(zip(names, ({"": exact}, {"": bleu}))), "with 95 % intervals", length)
