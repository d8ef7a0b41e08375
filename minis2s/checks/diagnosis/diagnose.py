"""All diagnoses of one gradient check."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minis2s.checks.derivatives import Trial
from minis2s.checks.diagnosis.context import Surroundings
from minis2s.checks.diagnosis.cuts import cut_causes
from minis2s.checks.diagnosis.from_numbers import MOST, Finding, findings, numbers, unexplained
from minis2s.checks.diagnosis.handed import handed_wrong
from minis2s.checks.diagnosis.localise import wrong_alone
from minis2s.checks.diagnosis.one_step import one_step

BETWEEN = "in one step alone it is right: consistent with an error in what is carried from step to step"
SUMMED = (
    "in one step of one sentence it is right, and so is all that is handed back: consistent with another sum over "
    "steps or sentences, such as a mean, or = where += is needed"
)
ELSEWHERE = (
    "in one step alone it is right: consistent with an error in another array's part of the step ({}), carried back"
)
NONE = "consistent with none of the usual causes"
TRACE = "consistent with a trace of what is wrong at {}, mend that first"
MIXED_UP = ("repeated tokens", "place")  # other bugs leave these traces, too
WEAK = ("place", "carried back")  # causes that many bugs have in common
MIXED = "; a model mixes the traces, and what could be checked of it alone is right: look at what joins its parts"
ALONE = "consistent with a trace of what is wrong in {}; {}"


def vague(hits: Sequence[Finding]) -> bool:
    """Whether no cause was found."""
    return hits[0].cause.endswith("unexplained")


def own_part(key: str, parts: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the wrong layer that an array belongs to, or the first one, and what is said of it."""
    return next((part for part in parts if key.startswith(f"{part[0]}.")), parts[0])


def explain(
    layer: Any,
    inputs: Sequence[Any],
    trial: Trial,
    arrays: Mapping[str, np.ndarray],
    names: Sequence[str],
    wrong: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> dict[str, tuple[str, ...]]:
    """Return sentences on each wrong array, which is given as (found, expected).

    layer, inputs : as they were checked; trial and arrays: the copies that can be moved; names: of the inputs
    """
    around = Surroundings(trial, arrays, names)
    known = {key: around.of(key) for key in wrong}
    causes = {key: findings(*pair, known[key]) for key, pair in wrong.items()}
    unnamed = {key for key, hits in causes.items() if vague(hits) or hits[0].cause.startswith(MIXED_UP)}
    cuts = cut_causes(trial, wrong) if unnamed else {}
    together = len(cuts) == len(wrong) and len({finding.cause for finding in cuts.values()}) == 1
    for key, finding in cuts.items():  # what explains all arrays at once is a better cause than one for each
        if together or key in unnamed:
            causes[key] = [finding]
    if around.batch_sizes is not None and any(map(vague, causes.values())):
        alone = one_step(layer, inputs, around.batch_sizes, trial.method)
        carried = any(name in wrong for name in names)  # what is carried wrongly reaches the inputs
        for key, hits in causes.items():
            if vague(hits) and key not in alone:
                said = ELSEWHERE.format(", ".join(alone)) if alone else BETWEEN if carried else SUMMED
                causes[key] = [Finding("carried back", f"{said}; {hits[0].sentence.rpartition('; ')[2]}")]
            elif vague(hits) and not vague(alone[key]):
                causes[key] = alone[key]
            elif vague(hits) and alone[key][0].cause.startswith("gate") and not hits[0].cause.startswith("gate"):
                causes[key] = [hit._replace(sentence=f"in one step alone {hit.sentence}") for hit in alone[key]]
    if any(map(vague, causes.values())):  # a table of embeddings is a leaf: what is lost in it spoils nothing else
        for key in [key for key, hits in causes.items() if hits[0].cause == "repeated tokens"]:
            causes[key] = [unexplained(*wrong[key], known[key])]
    named = next((key for key, hits in causes.items() if not hits[0].cause.startswith(WEAK) and not vague(hits)), None)
    for key, hits in causes.items():
        if vague(hits) and named and not trial.is_model:
            causes[key] = [Finding("follows", hits[0].sentence.replace(NONE, TRACE.format(named)))]
        elif hits[0].cause.startswith("place") and named and not trial.is_model:
            where = hits[0].sentence.partition(": consistent with")[0]
            causes[key] = [
                Finding("follows", f"{where}: {TRACE.format(named)}; {numbers(*wrong[key], known[key].gates)}")
            ]
    cut = next((key for key, hits in causes.items() if hits[0].cause.startswith("cut: ")), None)
    if trial.is_model and any(map(vague, causes.values())):
        parts, told = list(wrong_alone(layer, inputs, trial.method)), set()
        handed = "" if parts else handed_wrong(trial, wrong, around)
        for key, hits in causes.items():
            if vague(hits) and parts:
                path, said = own_part(key, parts)
                what = path if path in told else f"{path} alone ({said})"  # at length only once
                told.add(path)
                causes[key] = [Finding("alone", ALONE.format(what, numbers(*wrong[key], known[key].gates)))]
            elif vague(hits) and handed:
                what = handed if not told else handed.partition(",")[0]
                told.add("handed")
                causes[key] = [Finding("handed", f"consistent with {what}; {numbers(*wrong[key], known[key].gates)}")]
            elif vague(hits) and cut:
                causes[key] = [Finding("follows", hits[0].sentence.replace(NONE, TRACE.format(cut)))]
            elif vague(hits):
                causes[key] = [hits[0]._replace(sentence=hits[0].sentence + MIXED)]
    return {key: tuple(f"{key}: {hit.sentence}" for hit in hits[:MOST]) for key, hits in causes.items()}
