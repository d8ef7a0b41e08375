"""The checks of the museum, each with a letter: what it convicts depends on the bug, and no check convicts all.

Each is a function of a configuration, small enough for a moment's work, and answers with a verdict: convicted or not, a
number, and a line in words. Of two numbers that should be equal it is the largest difference over the largest entry.
"""

import json
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minis2s.checks import CASES, GradientReport, gradcheck, hard_batch, make_case, merge
from minis2s.checks.cases import config as small_config
from minis2s.checks.derivatives import relative_error, worst_place
from minis2s.checks.invariances.batching import backward_twice, batch_independence, inputs_untouched, padding_invariance
from minis2s.checks.invariances.equivalence import forced_equals_free
from minis2s.checks.invariances.result import Invariance, meaning
from minis2s.checks.report import in_words
from minis2s.data.batches import Batch, make_batch
from minis2s.data.vocabulary import EOS
from minis2s.layers.record import map_arrays
from minis2s.models import Config, Seq2Seq
from minis2s.museum.optimizer_check import update_error
from minis2s.museum.patching import Bug, planted
from minis2s.museum.search_check import search_error
from minis2s.training.loop import TrainingConfig

SOURCES = [[4, 5, 4, 6], [7, 5], [4, 5, 8, 4, 9], [6], [5, 5, 7], [8, 5, 10, 4]]
TARGETS = [[4, 6], [5, 4, 5, 7, 4, 6, 5], [7, 4, 4], [5, 4, 5, 5], [], [9, 4, 8]]
EXPECTED = Path(__file__).parent / "expected.json"  # what plain loops compute; tests/make_expected.py made it
MODEL = "model"  # the name of the whole model in a report
CONSTANT = 0.2  # every weight, in check C
ERROR_REORDERED = 1e-9  # of numbers that are not compared in the same process or the same order
ERROR_REPEATED = 1e-12  # of those that are
SAID = {"loss": "the batch's losses", "nats": "the sentences' losses", "last": "the decoder's last outputs"}
SMALL = 6  # words in the target vocabulary of check B, so that all translations can be tried
SEARCHED = 1.5  # the size of a weight in check B


class Verdict(NamedTuple):
    """What a check said."""

    convicted: bool
    number: float
    line: str


class Subject(NamedTuple):
    """What is checked: a model's parts, how it is trained, and how gradients are measured."""

    config: Config
    settings: TrainingConfig
    method: str = "complex"


def subject_of(bug: Bug | None) -> Subject:
    """Return the small model in which a bug shows; for None the default model."""
    if bug is None:
        return Subject(small(), TrainingConfig())
    return Subject(small(**bug.config), TrainingConfig(**bug.settings), bug.method)


def small(**parts: Any) -> Config:
    """Return a configuration of the sizes that the library's own cases have."""
    return small_config(**({"embedding": 4} if parts.get("tie_output") else {}), **parts)


def random_model(config: Config, scale: float = 0.7) -> Seq2Seq:
    """Return a model with weights from RandomState, whose stream never changes, so that stored numbers stay right."""
    rng = np.random.RandomState(0)
    return map_arrays(lambda a: scale * rng.standard_normal(a.shape), Seq2Seq.init(np.random.default_rng(0), config))


def talkative_model(config: Config, scale: float = 1.0) -> Seq2Seq:
    """Return a model whose translations have several steps; in a single one nothing shows what a step forgets."""
    model = random_model(config, scale)
    model.output.b[EOS] -= 1
    return model


def constant_model(config: Config) -> Seq2Seq:
    """Return a model whose weights are all the same number."""
    return map_arrays(lambda array: np.full(array.shape, CONSTANT), Seq2Seq.init(np.random.default_rng(0), config))


def by_gradient(report: GradientReport) -> Verdict:
    """Return the verdict of a gradient check, with one diagnosis: of a layer alone, if there is one.

    A layer alone says more than the whole model, in which a wrong gradient makes all gradients before it wrong.
    """
    wrong = [row for row in report.rows if row.ok is False]
    if not wrong:
        return Verdict(False, report.max_relative_error, f"{len(report.rows)} arrays right")
    near = sorted(wrong, key=lambda row: row.layer == MODEL)
    found = [(r, hit) for r in near for hit in report.diagnoses.get((r.layer, r.array), ())[:1]]
    found.sort(key=lambda pair: pair[1].cause.vagueness)  # a cause before its traces elsewhere
    said = [f"{row.layer}, {row.array}: {in_words(hit)}" for row, hit in found]
    worst = wrong[worst_place(np.array([row.max_relative_error for row in wrong]))[0]]
    line = f"{len(wrong)} of {len(report.rows)} arrays wrong, most of all {worst.layer} {worst.array}"
    return Verdict(True, report.max_relative_error, "; ".join([line, *said[:1]]))


def model_gradient(subject: Subject, batch: Batch) -> GradientReport:
    """Check all weights of a random model on a batch, in training: a seed makes the dropout masks."""
    return gradcheck(random_model(subject.config), batch, 1, method=subject.method, name=MODEL)


def weak(subject: Subject) -> Verdict:
    """Gradient check on one source token and one target token."""
    return by_gradient(model_gradient(subject, make_batch([[4]], [[]])))


def middling(subject: Subject) -> Verdict:
    """Gradient check on one pair of equal lengths, without padding, a token twice in it."""
    return by_gradient(model_gradient(subject, make_batch([[4, 6, 4, 5]], [[5, 8, 5]])))


def full(subject: Subject) -> Verdict:
    """Gradient check on unequal lengths, repeated tokens, first states that are not 0; every array, every layer."""
    parts = [model_gradient(subject, hard_batch())]
    for name in layers_of(subject.config):
        layer, inputs = make_case(name)
        parts.append(gradcheck(layer, *inputs, method=subject.method, name=name))
    return by_gradient(merge(parts))


def layers_of(config: Config) -> list[str]:
    """Return the library's cases of the layers that a model is made of."""
    names = ["embedding", config.cell, "linear", "cross_entropy", "cross_entropy_packed"]
    if config.attends:
        names.append("attention" if config.attention == "additive" else f"attention_{config.attention}")
    wanted = {"dropout": config.dropout > 0, "layer_norm": config.layer_norm, "bridge": config.bridge == "tanh"}
    return [name for name in names + [part for part, there in wanted.items() if there] if name in CASES]


def invariance(check: Callable[[Seq2Seq, Batch], Invariance]) -> Callable[[Subject], Verdict]:
    """Return the check of one of the library's invariances, on a ragged batch."""

    def run(subject: Subject) -> Verdict:
        difference = check(talkative_model(subject.config), hard_batch()).difference
        convicted = not difference <= ERROR_REPEATED
        return Verdict(convicted, difference, f"not so: {meaning(check)}" if convicted else meaning(check))

    return run


@cache
def expected() -> dict[str, Any]:
    """Return the stored numbers."""
    return json.loads(EXPECTED.read_text())


def key_of(config: Config) -> str:
    """Return the name of a configuration among the stored numbers: its parts that are not the default."""
    plain = small()
    return json.dumps({n: v for n, v in vars(config).items() if v != getattr(plain, n)}, sort_keys=True)


def numbers_of(model: Seq2Seq) -> dict[str, list]:
    """Return the numbers of a model that are compared with the plain loops, for the pairs as given above."""
    batch = make_batch(SOURCES, TARGETS)
    loss, cached = model.loss(batch)
    p = cached.loss.e / cached.loss.total
    nats = -np.log(p[np.arange(len(p)), batch.target.packed])
    back = np.argsort(batch.pairs)
    return {
        "loss": [loss],
        "nats": np.bincount(batch.target.rows, nats)[back].tolist(),  # of each target
        "last": cached.states[batch.target.last][back].ravel().tolist(),  # what the output layer reads at the end
    }


def equals_plain_loops(kind: str, make: Callable[[Config], Seq2Seq]) -> Callable[[Subject], Verdict]:
    """Return the comparison with plain loops at one kind of weights."""

    def check(subject: Subject) -> Verdict:
        wanted = expected()[key_of(subject.config)][kind]
        found = numbers_of(make(subject.config))
        errors = {name: relative_error(np.array(found[name]), np.array(wanted[name])) for name in wanted}
        worst = max(errors, key=lambda name: errors[name])
        convicted = not errors[worst] <= ERROR_REORDERED
        said = f"{SAID[worst]} differ most" if convicted else "losses and outputs agree"
        return Verdict(convicted, errors[worst], f"plain loops at {kind} weights: {said}")

    return check


def search(subject: Subject) -> Verdict:
    """A beam's scores are true, and a beam of everything finds the likeliest translation.

    Weights are large: where all beginnings go on alike, most mistakes of a search make no difference.
    """
    error, line = search_error(talkative_model(replace(subject.config, target_vocabulary=SMALL), SEARCHED))
    return Verdict(not error < ERROR_REORDERED, error, line)


def updates(subject: Subject) -> Verdict:
    """A few clipped updates are what the optimizer's formula gives."""
    error, line = update_error(subject.settings)
    return Verdict(not error < ERROR_REORDERED, error, line)


class Check(NamedTuple):
    """A check: what it asks, and the function that answers."""

    question: str
    run: Callable[[Subject], Verdict]


CHECKS = {
    "W": Check("weak gradient check: one source token, one target token", weak),
    "M": Check("gradient check on one pair of equal lengths, no padding", middling),
    "F": Check("full gradient check: unequal lengths, repeated tokens, every array, every layer alone", full),
    "P": Check("more padding changes nothing", invariance(padding_invariance)),
    "A": Check("a sentence alone gives what it gives in a batch", invariance(batch_independence)),
    "R": Check("equals plain loops at random weights", equals_plain_loops("random", random_model)),
    "C": Check("equals plain loops at constant weights", equals_plain_loops("constant", constant_model)),
    "T": Check("backward called twice gives the same gradient", invariance(backward_twice)),
    "U": Check("weights, batch and cache stay untouched", invariance(inputs_untouched)),
    "O": Check(
        "the model gives its own translation the likelihood that the search reported", invariance(forced_equals_free)
    ),
    "B": Check("beam search reports true scores; a beam of everything finds the best", search),
    "S": Check("a few updates of the optimizer are what its formula gives", updates),
}


def verdict(letter: str, bug: Bug | None = None, subject: Subject | None = None) -> Verdict:
    """Run a check with a bug planted; what crashes is convicted, with the error.

    Parameters
    ----------
    letter : of ``CHECKS``
    bug : None for the library as it is
    subject : by default the small model that the bug needs
    """
    subject = subject or subject_of(bug)
    with planted(bug), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return CHECKS[letter].run(subject)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}, line {place.lineno}"
            said = " ".join(str(error).split())
            return Verdict(True, float("inf"), f"stopped: {type(error).__name__}: {said} ({where})")
