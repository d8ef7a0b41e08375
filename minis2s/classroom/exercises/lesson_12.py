"""Exercises of lesson 12, the bug museum."""

from itertools import product
from typing import Any

import numpy as np

from minis2s.checks.cases import config, hard_batch, random_weights
from minis2s.checks.derivatives import relative_error
from minis2s.checks.invariances.batching import widened
from minis2s.classroom.calling import NoAnswer, Trouble, call
from minis2s.classroom.exercises.kinds import number_exercise, prediction_exercise
from minis2s.classroom.exercises.lesson_12_reference import SUSPECTS, suspect
from minis2s.classroom.grading import Exercise, Lesson
from minis2s.data.batches import Batch, make_batch
from minis2s.layers.record import on_vector, to_vector
from minis2s.models.seq2seq import Seq2Seq
from minis2s.museum.catalogue.bugs import BUGS
from minis2s.museum.checks import CHECKS
from minis2s.museum.hunt import Hunt
from minis2s.museum.patching import Bug, planted
from minis2s.training.optimizers import Adam, clip_inplace

FIVE = {  # what convicts each, as docs/bugs/matrix.json has it; tests hold the two together
    "embedding_no_scatter": "MFA",
    "loss_gradient_over_all_places": "FA",
    "gradients_not_zeroed": "PAT",
    "no_attention_mask": "PARCB",
    "gate_order_swapped": "R",
}
FEWEST = 2
SHOWN, ENOUGH = 144, 60  # the seed of the hunt that the lesson plays; points that pass


def random_model(seed: int, **parts: Any) -> Seq2Seq:
    """Return a small model no weight of which is zero or like another."""
    rng = np.random.default_rng(seed)
    return random_weights(Seq2Seq.init(rng, config(**parts)), rng)


def overfits(bug: Bug | None, seed: int) -> bool:
    """Return whether 80 updates on one batch, with the bug planted, bring its loss below 0.1 nats per token."""
    vector, model = on_vector(Seq2Seq.init(np.random.default_rng(seed), config(embedding=8, hidden=16)))
    batch, adam, loss = hard_batch(), Adam(vector.size, float), np.inf
    with planted(bug), np.errstate(all="ignore"):
        for _ in range(80):
            loss, cache = model.loss(batch)
            gradient = to_vector(model.backward(cache))
            clip_inplace(gradient, 1.0)
            adam.update_inplace(vector, gradient, 1e-2)
    return bool(loss < 0.1)


def depends_on_padding(model: Seq2Seq, batch: Batch) -> bool:
    """Return whether more padding changes the loss or any gradient."""
    vectors = []
    for some in (batch, widened(batch)):
        loss, cache = model.loss(some)
        vectors.append(np.concatenate([[loss], to_vector(model.backward(cache))]))
    return relative_error(*vectors) > 1e-9


GUILTY = {  # what the check must convict, and where it shows
    "no_attention_mask": "attention leaks onto padding, and the loss changes a little: what is your tolerance?",
    "encoder_reads_padding": "the encoder's last state changes, and with it the loss",
    "no_loss_mask": "padded target columns count in the loss, so two more of them change it",
    "mask_missing_in_backward": "the loss is the same to the last digit there; what does padding change, then?",
    "last_state_of_short_sentences": "the loss is the same there, and only some arrays' gradients are not",
}
INNOCENT = {  # what it must acquit though it is a bug
    "gate_order_swapped": "it is another model than was meant, but padding changes nothing in it",
    "embedding_no_scatter": "its gradient is wrong, but wrong in the same way however much padding there is",
}
BATCHES = {
    "a ragged batch": hard_batch,
    "two pairs without padding": lambda: make_batch([[4, 5], [6, 7]], [[4, 5], [8, 6]]),
}
MODELS = {
    "the default model": {},
    "an LSTM with coverage": {"cell": "lstm", "attention": "coverage"},
    "a model in Luong's order": {"order": "luong", "attention": "general"},
}


def verdict_of(answer: Any, model: Seq2Seq, batch: Batch) -> bool:
    """Return what the student's check says of a model; raise NoAnswer if that is no yes or no."""
    said = call(answer, model, batch)
    if not (isinstance(said, (bool, np.bool_)) or (isinstance(said, (int, np.integer)) and said in (0, 1))):
        raise NoAnswer(
            f"it should return True or False; it returned {said!r:.60}. From which difference on is it True?"
        )
    return bool(said)


def asked(answer: Any, bug: str | None, seed: int, parts: dict, batch: Batch) -> bool:
    """Return what the student's check says of a model with a bug planted."""
    with planted(BUGS[bug] if bug else None):
        return verdict_of(answer, random_model(seed, **parts), batch)


def judge_check(answer: Any) -> list[str]:
    """Judge a check: the library must be acquitted, bugs of padding convicted, other bugs left alone."""
    for (model, parts), (case, batch) in product(MODELS.items(), BATCHES.items()):
        if any(asked(answer, None, seed, parts, batch()) for seed in range(3)):
            if not verdict_of(answer, suspect(random_model(1)), hard_batch()):
                raise Trouble(
                    f"it convicts the library without a bug ({model}, {case}). Numbers summed in another order differ "
                    "in the last digit: allow a relative 1e-9"
                )
            if not any(asked(answer, bug, 0, {}, hard_batch()) for bug in GUILTY):
                raise Trouble(
                    "it acquits where padding changes something, and convicts where it does not: turned round"
                )
            raise Trouble(
                "it convicts a model without a bug, and one that gives the very same numbers for both batches. Is it "
                "always True? Or does it compare records? Compare numbers, to_vector(gradient)"
            )
    missed = {
        (bug, case): not all(asked(answer, bug, seed, {}, batch()) for seed in range(3))
        for bug, (case, batch) in product(GUILTY, BATCHES.items())
    }
    if all(missed.values()):
        return ["it acquits every bug of padding: are there two batches in it, batch and widened(batch)?"]
    if all(missed[bug, "two pairs without padding"] for bug in GUILTY):
        return ["of two pairs without padding it acquits every bug: padding has to be added there, by widened(batch)"]
    cases = {bug: [case for case in BATCHES if missed[bug, case]] for bug in GUILTY}
    sentences = [f"it acquits {bug} ({cases[bug][0]}): {where}" for bug, where in GUILTY.items() if cases[bug]]
    for bug, why in INNOCENT.items():
        if not sentences and asked(answer, bug, 0, {}, hard_batch()):
            sentences.append(f"it convicts {bug}: {why}. Ask about padding and nothing else")
    for said, moves in SUSPECTS.items():
        for batch in BATCHES.values():
            guilty = moves.of_pairs in (None, len(batch().pairs))
            if not sentences and verdict_of(answer, suspect(random_model(1), moves), batch()) != guilty:
                sentences.append(f"it {'acquits' if guilty else 'convicts'} a model {said}")
    return sentences


def judge_letters(answer: Any) -> list[str]:
    """Judge a set of checks by the matrix."""
    if not isinstance(answer, (str, list, tuple, set, frozenset)):
        raise NoAnswer(f'give letters of checks in quotes, such as "WS"; you gave {answer!r:.40}')
    found = {c for c in "".join(map(str, answer)).upper() if c not in " ,;+"}
    if unknown := sorted(found - set(CHECKS)):
        raise NoAnswer(f"there is no check {unknown[0]}; the letters are {' '.join(CHECKS)}")
    if free := [bug for bug, letters in FIVE.items() if not found & set(letters)]:
        return [f"{''.join(sorted(found)) or 'nothing'} leaves free: {', '.join(free)}"]
    if len(found) > FEWEST:
        spare = any(all((found - {c}) & set(letters) for letters in FIVE.values()) for c in found)
        said = "; one of yours can simply be left out" if spare else ", though none of yours can simply be left out"
        return [f"all five are convicted, by {len(found)} checks, and fewer are enough{said}"]
    return []


def judge_hunt(answer: Any) -> list[str]:
    """Judge a hunt by its end and its points."""
    if not isinstance(answer, Hunt):
        raise NoAnswer(f"it should be a hunt, Hunt(your number); it is of type {type(answer).__name__}")
    if answer.seed == SHOWN:
        return [f"Hunt({SHOWN}) is the one that was played above; take another number"]
    if not answer.over:
        raise NoAnswer(f"the bug is still at large: go on with check and words, accuse when you know ({answer!r})")
    if not answer.found:
        return ["given up: hunted.answer tells what it was. Read it, then take another number"]
    if answer.score < ENOUGH:
        return [
            f"found, but with {answer.score} points: {answer.paid}. Cross out suspects by the matrix before you pay "
            "for words or accuse, and take another number"
        ]
    return []


grade = Lesson(
    "12",
    [
        prediction_exercise(
            "survivors",
            'How many of 46 wrong gradients reach 95 % exact match with every seed? "A", "B", "C" or "D".',
            {"A": "none", "B": "about one in ten", "C": "about one in three", "D": "more than two in three"},
            right="D",
            why_not={
                "A": "exhibit 4 loses only some of what repeated words are told; would that keep all from learning?",
                "B": "a gradient need not be right to point downhill; how wrong must it be to point uphill?",
                "C": "count the paths by which a weight hears of the loss; what if only one of them is cut?",
            },
            praise="33 of 46. Downhill is a half-space, and a wrong gradient has much room in it.",
        ),
        prediction_exercise(
            "weak",
            'How many of the 46 wrong gradients does W acquit? "A", "B" or "C".',
            {"A": "2", "B": "8", "C": "22"},
            right="C",
            why_not={
                "A": "with one source word, what is the softmax of its one score, and what is the slope of that?",
                "B": "strike out what one word to one word does not have: time, padding, repeated words, a choice of "
                "where to look. How many bugs live there?",
            },
            praise="Nearly half. A gradient check sees only what its input has in it.",
            hint="The section Weak checks, below, counts them: run it, then choose again.",
        ),
        number_exercise(
            "below",
            "What reaches entry i of the state, if all weights of the output layer are 0.2?",
            0.0,
            tolerance=1e-9,
            hints=(
                "The weight is the same for every word: take it out of the sum in (2).",
                "0.2 times the sum of dlogits. What do softmax less one-hot add up to?",
            ),
            mistakes={
                "that is the target's part alone; the other two words push back": -0.1,
                "that is without the target, whose part is negative": 0.1,
                "the signs count: the parts are -0.1, 0.06 and 0.04": 0.2,
                "that is the second word's part alone; the target's is -0.1": 0.06,
                "that is the third word's part alone; the target's is -0.1": 0.04,
            },
            praise="Softmax and one-hot both add up to 1, so the sum is 0 for any scores. Nothing gets through.",
        ),
        prediction_exercise(
            "copying",
            'Which check convicts a decoder that reads the word it has to say? "A" to "D".',
            {
                "A": "the full gradient check",
                "B": "more padding changes nothing",
                "C": "the search reports how likely its translation is, and the model says the same of it",
                "D": "backward twice",
            },
            right="C",
            why_not={
                "A": "backward belongs to this very forward; which two things does a gradient check compare?",
                "B": "padding has nothing to do with it: the words that it reads are real ones",
                "D": "backward is in order, once or twice",
            },
            praise="Running free, there is no word to copy, so training and search part. Compare the two.",
        ),
        Exercise(
            "depends_on_padding",
            "Return True if widened(batch) gives another loss or another gradient than batch.",
            judge_check,
            hints=(
                "Loss and gradient twice, for batch and for widened(batch); then compare, with a tolerance.",
                "loss, cache = model.loss(batch); to_vector(model.backward(cache)) is the whole gradient; "
                "relative_error(one, other) > 1e-9.",
            ),
            praise="Five bugs convicted, the library and two bugs of other kinds acquitted: one question, well asked.",
            ours=depends_on_padding,
        ),
        Exercise(
            "fewest",
            "Convict the five bugs with the fewest checks: letters in quotes.",
            judge_letters,
            hints=(
                "One of the five is convicted by a single letter, so that letter is in every answer. What is left?",
                "R is needed. Of the bugs that R leaves, all share one letter.",
            ),
            praise="A, a sentence alone as in its batch, needs no reference and convicts wrong gradients, too.",
            ours="AR",
        ),
        Exercise(
            "hunted",
            f"Find the bug of a hunt of your own, Hunt(your number), with {ENOUGH} points or more.",
            judge_hunt,
            hints=(
                "Begin with F and R: they split the suspects best. Then take a check that splits those that are left.",
                "Where the letters no longer split, MODEL names parts that only some bugs need; F in words, for 20 "
                "points, names an array and often the cause; BUGS[name].title says what each suspect is.",
            ),
            praise="That is the whole craft: ask what splits the suspects, and accuse when one is left.",
        ),
    ],
)
