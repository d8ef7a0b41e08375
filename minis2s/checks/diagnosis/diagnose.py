"""The stages of a diagnosis. Each is given the findings on the wrong arrays, and gives better ones where it can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minis2s.checks.comparison import gradients_of, judge
from minis2s.checks.derivatives import Trial, arrays_of, draw_cotangent
from minis2s.checks.diagnosis.context import batch_sizes_of, context_of, records
from minis2s.checks.diagnosis.finding import Cause, Finding, numbers
from minis2s.checks.diagnosis.from_numbers import findings
from minis2s.checks.diagnosis.mutants import mutant_of
from minis2s.checks.diagnosis.one_step import one_step
from minis2s.checks.diagnosis.parts import parts_of

Findings = dict[str, tuple[Finding, ...]]  # by array
Pairs = Mapping[str, tuple[np.ndarray, np.ndarray]]  # (analytic, numeric) of each wrong array


@dataclass(frozen=True, eq=False)
class Subject:
    """What was checked and found wrong."""

    layer: Any
    inputs: Sequence[Any]
    trial: Trial  # copies that can be moved
    wrong: Pairs

    def numbers(self, key: str) -> str:
        """Return the two numbers at the worst place of an array."""
        return numbers(*self.wrong[key], context_of(self.trial, arrays_of(self.trial), key).gates)


def from_numbers(subject: Subject, found: Findings) -> Findings:
    """Hypotheses on the numbers of each array."""
    arrays = arrays_of(subject.trial)
    better = {}
    for key, pair in subject.wrong.items():
        known = context_of(subject.trial, arrays, key)
        if len(subject.wrong) > 1:  # a table of embeddings is a leaf: what is lost in it spoils nothing else
            known = replace(known, tokens=())
        better[key] = tuple(findings(*pair, known))
    return better


def by_mutants(subject: Subject, found: Findings) -> Findings:
    """One changed derivative in forward that explains all arrays at once is a better cause than one for each."""
    if not (said := mutant_of(subject.trial, subject.wrong)):
        return found
    return {key: (Finding(Cause.MUTANT, said, numbers=subject.numbers(key)),) for key in found}


def in_one_step(subject: Subject, found: Findings) -> Findings:
    """What is wrong in one step alone; an array that is right there is spoilt by what is carried, or by a sum."""
    sizes = batch_sizes_of(subject.inputs)
    if sizes is None or subject.trial.is_model:
        return found
    if (alone := one_step(subject.layer, subject.inputs, sizes, subject.trial.method)) is None:
        return found
    better = {}
    for key in [key for key in found if is_vague(found[key])]:
        if key in alone:
            better[key] = tuple(hit._replace(where=f"in one step alone {hit.where}".strip()) for hit in alone[key])
        else:
            better[key] = (Finding(Cause.CARRIED, numbers=subject.numbers(key)),)
    return found | better


def in_parts(subject: Subject, found: Findings) -> Findings:
    """The first layer of a model that is wrong alone, with what is said of it."""
    if not subject.trial.is_model:
        return found
    wrong: dict[str, Finding] = {}
    for path, part, inputs in parts_of(subject.layer, subject.inputs):  # those that hold no others come first
        seen = path in wrong or (wrong and len(list(records(part))) > 1)  # what holds a wrong layer is wrong, too
        if not seen and (hit := finding_on(part, inputs, subject.trial.method)):
            wrong[path] = hit
    if not wrong:
        return found
    better = {}
    for key in [key for key in found if is_vague(found[key])]:
        path = next((path for path in wrong if key.startswith(f"{path}.")), next(iter(wrong)))
        better[key] = (Finding(Cause.PART, path, numbers=subject.numbers(key), of=wrong[path]),)
    return found | better


def traces(subject: Subject, found: Findings) -> Findings:
    """Where one array of a layer has a cause, what has none is a trace of it."""
    named = next((key for key, hits in found.items() if not hits[0].cause.vagueness), None)
    if named is None or subject.trial.is_model:
        return found
    vague = {key: hits for key, hits in found.items() if is_vague(hits)}
    return found | {key: (hits[0]._replace(cause=Cause.TRACE, detail=named),) for key, hits in vague.items()}


STAGES = (from_numbers, by_mutants, in_one_step, in_parts, traces)


def is_vague(hits: Sequence[Finding]) -> bool:
    """Whether no cause was found."""
    return hits[0].cause.vagueness >= Cause.TRACE.vagueness


def explain(subject: Subject) -> Findings:
    """Return what each wrong array is consistent with, the most telling first; at least one finding each."""
    found: Findings = {}
    for stage in STAGES:
        if not found or any(map(is_vague, found.values())):
            found = stage(subject, found)
    return found


def finding_on(part: Any, inputs: tuple, method: str) -> Finding | None:
    """Return the most telling finding on a layer that is wrong alone; nothing on one that is right."""
    cotangent = draw_cotangent(part.forward(*inputs)[0])
    analytic = gradients_of("", part, inputs, cotangent)
    measured, rows, _ = judge("", part, inputs, cotangent, analytic, method, None, None)
    wrong = {row.array: (analytic[row.array], measured.numeric[row.array]) for row in rows if row.ok is False}
    if not wrong:
        return None
    found = explain(Subject(part, inputs, measured.trial, wrong))
    return min((hits[0] for hits in found.values()), key=lambda hit: hit.cause.vagueness)
