"""``python -m minis2s evaluate``: measure a run on pairs."""

import argparse
from collections.abc import Sequence
from typing import Any

from minis2s import metrics, plots
from minis2s.commands.options import add_search_options, path_name, positive
from minis2s.commands.shared import add_replace_unknown, check_outputs, load, to_json, too_long
from minis2s.data.pairs import Pair, read_pairs
from minis2s.data.units import Sides, check_alignments, choose_units, counted_in
from minis2s.decoding.assessment import SCORES, Assessment, assess
from minis2s.decoding.page import worst_page
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError, note
from minis2s.files import write_file

WORST = 10  # sentences on a page, unless --worst says otherwise


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of ``evaluate``."""
    add = made.add_argument
    add("run", type=path_name, metavar="RUN", help="folder of a run")
    add("pairs", type=path_name, metavar="PAIRS", help="text file, source<TAB>target on each line")
    add_search_options(made)
    add_replace_unknown(made)
    add("--json", action="store_true", help="print one JSON object")
    add("--page", type=path_name, metavar="FILE.html", help="write the worst sentences, with their attention maps")
    add("--worst", type=positive, metavar="N", help=f"how many of them (default: {WORST})")
    help = "draw exact match and BLEU against the length of the source"
    add("--by-length", type=path_name, metavar="FILE.png", help=help)


def evaluate(args: argparse.Namespace) -> int:
    """Measure a run on pairs."""
    check_outputs((args.page, args.by_length), {"the pairs": args.pairs, "the model": args.run})
    if args.worst and not args.page:
        raise InputError("--worst is of the page; give --page FILE.html, too")
    translator, search = load(args)
    pairs = read_pairs(args.pairs)
    counted = counted_in(translator.units)
    check_alignments(args.pairs, pairs, counted)
    doubt_links(args.pairs, pairs, counted)
    refuse_long(args.pairs, pairs, translator.units)
    assessment = assess(translator, pairs, search)
    lines = report(assessment.figures)
    try:
        write_pictures(args, translator, assessment, lines)
    finally:  # last: a reader that leaves early costs no file, and a file that cannot be written no result
        print(to_json(assessment.figures) if args.json else lines)
    return 0


def write_pictures(args: argparse.Namespace, translator: Translator, assessment: Assessment, lines: str) -> None:
    """Write the page and the figure that are asked for."""
    if args.page:
        page = worst_page(translator, assessment, lines, f"{args.run} on {args.pairs}", args.worst or WORST)
        write_file(args.page, lambda file: file.write(page.encode(errors="replace")))
        note(f"the worst sentences: {args.page}")
    if args.by_length:
        plots.write_png(args.by_length, length_figure, assessment, f"{translator.units.source.token}s of the source")
        note(f"scores by length: {args.by_length}")


def refuse_long(path: str, pairs: Sequence[Pair], units: Sides) -> None:
    """Raise InputError where a text is longer than what is translated, for want of time and memory."""
    for pair in pairs:
        for side, text, name in zip(units, pair, Sides._fields):
            if why := too_long(side.split, text):
                raise InputError(f"{path}, line {pair.line}: the {name} has {why}")


def doubt_links(path: str, pairs: Sequence[Pair], counted: Sides) -> None:
    """Say where gold links are taken to be between characters and may well be between words."""
    if not any(pair.alignment for pair in pairs) or "char" not in {units.name for units in counted}:
        return
    if choose_units(pairs) == "word":
        try:
            check_alignments(path, pairs, "word")
        except InputError:
            return  # they are not
        note(f"{path}: its gold links may be counted in words; this model's are not, and AER then means nothing")


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
        what += f", in {figures['alignment_tokens']}"
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
