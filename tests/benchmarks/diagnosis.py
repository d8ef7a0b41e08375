"""Does the gradient checker say what is wrong? Bugs planted that it was not made with.

    python -m tests.benchmarks.diagnosis [--out docs/bugs/diagnosis.md] [--quiet] [NAME ...]

A bug is checked twice: in a whole model, where traces mix, and alone, in the smallest of its layers that is wrong. Then
the same mistake is checked in a file as a student writes it. What is said is judged by expressions written down before
it was read (diagnosis_held_out.py):

rightly  the first cause that is named is the right one: whoever reads it knows which line or operation to look at
vaguely  no cause is named, or only a place: true, and not enough
wrongly  the first cause that is named is not the cause
"""

import argparse
import re
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minis2s.checks import GradientReport, cases, gradcheck, hard_batch, make_case
from minis2s.checks.report import in_words
from minis2s.checks.user_layers.check import examine_apart
from minis2s.files import write_file
from minis2s.models import Seq2Seq
from minis2s.museum.checks import layers_of, model_gradient, subject_of
from minis2s.museum.patching import Bug, planted
from tests.benchmarks.diagnosis_held_out import FOLDER, HELD_OUT, OWN, Own, Wanted

VAGUE = (  # what names no cause, whatever the bug
    r"none of the usual causes|an error in what is carried from step to step, or in a sum|one constant factor"
)
TRACE = r"a trace of what is wrong (in|at) [^ (]+(?: alone \((.*)\))?"  # it points to another sentence, or quotes it
GRADES = ("rightly", "vaguely", "wrongly")


class Judged(NamedTuple):
    """What was said of a bug in one place."""

    place: str  # "model", or the layer
    sentences: tuple[str, ...]
    grades: tuple[str, ...]  # of each sentence

    @property
    def grade(self) -> str:
        """That of the first sentence that names a cause; "silent" where nothing was found wrong."""
        return next((grade for grade in self.grades if grade != "vaguely"), "vaguely" if self.grades else "silent")

    @property
    def first(self) -> str:
        """The sentence that gave the grade."""
        return next((text for text, grade in zip(self.sentences, self.grades) if grade == self.grade), "")


def grade_of(sentence: str, wanted: Wanted) -> str:
    """Return how well one sentence names the bug."""
    if re.search(wanted.right, sentence):
        return "rightly"
    quoted = re.search(TRACE, sentence)
    cause = sentence if quoted is None else ((quoted[1] and quoted[2]) or "")
    return "vaguely" if not cause or re.search(VAGUE, cause) or re.search(wanted.vague, cause) else "wrongly"


def judged(place: str, bug: Bug, wanted: Wanted, check: Callable[[], GradientReport]) -> Judged:
    """Run a check and judge what it says. One that stops in the very function that the bug is in names the line."""
    try:
        report = check()
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = f"stopped: {type(error).__name__}: {error} ({Path(last.filename).name}, in {last.name})"
        in_it = last.name == bug.where.rpartition(".")[2]
        return Judged(place, (said,), ("rightly" if in_it else grade_of(said, wanted),))
    return graded(place, report, wanted)


def graded(place: str, report: GradientReport, wanted: Wanted) -> Judged:
    """Judge what a report says."""
    named = [(array, hit) for (_, array), hits in report.diagnoses.items() for hit in hits]
    sentences = (*(f"{array}: {in_words(hit)}" for array, hit in named), *report.warnings)
    if report.ok:
        sentences = ()
    return Judged(place, sentences, tuple(grade_of(text, wanted) for text in sentences))


def places(bug: Bug) -> dict[str, Callable[[], GradientReport]]:
    """Return the checks of a bug by place: the layers of its model from small to large, then the model."""
    subject = subject_of(bug)
    config = subject.config
    parts = {name: part for name, part in bug.config.items() if name != "tie_output"}  # which is of the model
    model = Seq2Seq.init(np.random.default_rng(0), config)
    makers = {name: cases.CASES[name] for name in layers_of(config)} | {
        "encoder": cases.encoder(**parts),
        "decoder": cases.decoder(type(model.decoder), **parts),
    }

    def checked(name: str) -> Callable[[], GradientReport]:
        def check() -> GradientReport:
            rng = np.random.default_rng(0)
            layer, inputs = makers[name](rng)
            return gradcheck(cases.random_weights(layer, rng), *inputs, method=bug.method, name=name)

        return check

    return {name: checked(name) for name in makers} | {"model": lambda: model_gradient(subject, hard_batch())}


def judge(bug: Bug, wanted: Wanted) -> list[Judged]:
    """Return what is said of a bug in the whole model, and in the smallest of its layers that is wrong alone."""
    with planted(bug), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = [judged(place, bug, wanted, check) for place, check in places(bug).items()]
    alone = next((one for one in every[:-1] if one.grade != "silent"), Judged("no layer alone", (), ()))
    return [every[-1], alone]


def counts(grades: Sequence[str]) -> str:
    """Return "40 rightly, 3 vaguely, 1 wrongly of 44"."""
    counted = Counter(grades)
    seen = sum(counted[grade] for grade in GRADES)
    return f"{', '.join(f'{counted[grade]} {grade}' for grade in GRADES)} of {seen}"


def gradient_part(title: str, bugs: dict[str, tuple[Bug, Wanted]], quiet: bool) -> list[str]:
    """Return the lines on bugs that a gradient check convicts."""
    found = {name: judge(*pair) for name, pair in bugs.items()}
    model, alone = ([pair[i] for pair in found.values()] for i in (0, 1))
    best = [max(pair, key=lambda one: -(*GRADES, "silent").index(one.grade)).grade for pair in found.values()]
    lines = [
        f"## {title}",
        "",
        f"- in the whole model: {counts([one.grade for one in model])}; "
        f"{sum(one.grade == 'silent' for one in model)} not seen there",
        f"- in a layer alone: {counts([one.grade for one in alone])}; "
        f"{sum(one.grade == 'silent' for one in alone)} not seen there",
        f"- in the one or the other, the better of the two: {counts(best)}",
        f"- all sentences, of every wrong array: {counts([grade for one in (*model, *alone) for grade in one.grades])}",
    ]
    if quiet:
        return lines
    for name, pair in found.items():
        lines += ["", f"### {name}", ""]
        for one in pair:
            wrong = f", with {n} wrong sentences" if (n := one.grades.count("wrongly")) else ""
            lines.append(f"- {one.place}: **{one.grade}**{wrong}{'. ' if one.first else ''}{one.first}")
    return lines


def judge_own(own: Own, wanted: Wanted) -> Judged:
    """Return what is said of a file of a student's own, as ``gradcheck FILE.py:CLASS`` says it."""
    report, _ = examine_apart(f"{FOLDER / own.file}:{own.kind}", own.like, 60, "complex")
    return graded(own.file, report, wanted)


def own_part(title: str, owns: dict[str, Own], bugs: dict[str, tuple[Bug, Wanted]], quiet: bool) -> list[str]:
    """Return the lines on files of students' own, each judged as the bug of the library that is the same mistake."""
    found = {name: judge_own(own, bugs[name][1]) for name, own in owns.items()}
    firsts = [one.grades[0] if one.grades else "silent" for one in found.values()]
    lines = [
        f"## {title}",
        "",
        f"- the first sentence: {counts(firsts)}; {firsts.count('silent')} without one",
        f"- the first sentence that names a cause: {counts([one.grade for one in found.values()])}",
        f"- all sentences, of every wrong array: {counts([grade for one in found.values() for grade in one.grades])}",
    ]
    if not quiet:
        lines += ["", *(f"- {one.place}: **{one.grade}**. {one.first}" for one in found.values())]
    return lines


def innocent_part() -> list[str]:
    """Return the line on right layers: whether anything is said of them."""
    said = [name for name in cases.CASES if gradcheck(*flat(make_case(name, 1)), name=name).diagnoses]
    return [f"- right layers of the library accused: {len(said)} of {len(cases.CASES)}{': ' * bool(said)}", ""]


def flat(case: cases.Case) -> tuple:
    """Return layer and inputs side by side."""
    return case[0], *case[1]


def report(names: Sequence[str] = (), quiet: bool = False) -> str:
    """Return the whole text."""
    bugs = {name: pair for name, pair in HELD_OUT.items() if not names or name in names}
    owns = {name: own for name, own in OWN.items() if name in bugs}
    parts = [
        ["# Diagnoses of gradient checks", "", *__doc__.splitlines()[2:]],
        gradient_part("Bugs planted in the library", bugs, quiet),
        own_part("The same mistakes in files of students' own", owns, bugs, quiet),
        innocent_part(),
    ]
    return "\n".join("\n".join([*part, ""]) for part in parts)


def main() -> None:
    """Print the text; write it where ``--out`` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a bug; default: all")
    parser.add_argument("--out", type=Path, help="a file to write it to, too")
    parser.add_argument("--quiet", action="store_true", help="the counts alone")
    args = parser.parse_args()
    text = report(args.names, args.quiet)
    print(text)
    if args.out:
        write_file(args.out, lambda file: file.write(text.encode()))


if __name__ == "__main__":
    main()
