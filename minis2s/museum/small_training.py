"""Does it train? The question that most bugs survive."""

import warnings
from functools import cache
from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Examples, Sentences
from minis2s.data.vocabulary import EOS, SPECIAL
from minis2s.decoding.evaluate import teacher_forced
from minis2s.decoding.search import Search, translate_all
from minis2s.metrics import exact_match
from minis2s.models import Config, Seq2Seq
from minis2s.museum.patching import Bug, planted
from minis2s.training.loop import Diverged, Trainer, TrainingConfig

SYMBOLS, SHORTEST, LONGEST = 9, 3, 7
TRAINED, UNSEEN = 6_000, 500  # pairs
EPOCHS, BATCH, RATE = 8, 32, 5e-3  # 1,504 updates
HIDDEN, EMBEDDING = 32, 16
WORDS = SYMBOLS + len(SPECIAL)
SETUP = [SYMBOLS, SHORTEST, LONGEST, TRAINED, UNSEEN, EPOCHS, BATCH, RATE, HIDDEN, EMBEDDING]


class TrainingResult(NamedTuple):
    """What training came to, on pairs that it has not seen."""

    exact_match: float  # free-running, fraction of sentences
    token_accuracy: float | None  # teacher-forced, fraction of tokens; None where it cannot be measured
    line: str

    def __str__(self) -> str:
        accuracy = "unknown" if self.token_accuracy is None else f"{100 * self.token_accuracy:.1f} %"
        return (
            f"exact match {100 * self.exact_match:.1f} % of unseen pairs, free-running; "
            f"token accuracy {accuracy}, teacher-forced; {self.line}"
        )


@cache
def pairs(seed: int) -> tuple[Examples, Examples]:
    """Return reversal pairs to learn from and unseen ones; sources are all different and end in an end sign."""
    rng = np.random.default_rng(seed)
    sources: dict[tuple[int, ...], None] = {}
    while len(sources) < TRAINED + UNSEEN:
        length = rng.integers(SHORTEST, LONGEST + 1)
        sources[tuple((len(SPECIAL) + rng.integers(SYMBOLS, size=length)).tolist())] = None
    every = [list(source) for source in sources]
    made = [(Sentences([[*s, EOS] for s in part]), part) for part in (every[:TRAINED], every[TRAINED:])]
    train, unseen = (Examples(given, Sentences([[*s[::-1], EOS] for s in part])) for given, part in made)
    return train, unseen


def trained_config(bug: Bug | None) -> Config:
    """Return the model that is trained: small, with the parts that the bug needs."""
    parts = {} if bug is None else bug.config
    return Config(
        WORDS, WORDS, **{"embedding": HIDDEN if parts.get("tie_output") else EMBEDDING, "hidden": HIDDEN} | parts
    )


def train_small(bug: Bug | None = None, seed: int = 0, epochs: int = EPOCHS, plant: bool = True) -> TrainingResult:
    """Train a small model to reverse sequences with the bug planted, and measure it with the bug planted.

    Without ``plant`` it is the same model, trained and measured in the same way, without the bug.
    9 symbols, 3 to 7 of them a sentence, 32 hidden units, about 1,500 updates of 32 pairs, float32.
    """
    train, unseen = pairs(seed)
    settings = TrainingConfig(
        **{"epochs": epochs, "batch": BATCH, "rate": RATE, "seed": seed, "reports": 1}
        | ({} if bug is None else bug.settings)
    )
    with planted(bug if plant else None), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = Seq2Seq.init(np.random.default_rng(seed), trained_config(bug))
            trainer = Trainer(model, train, unseen, settings)
            said = make_updates(trainer)
            return evaluated(trainer.model, unseen, 1 if bug is None else bug.beam, said)
        except Exception as error:
            return TrainingResult(0.0, 0.0, f"stopped: {type(error).__name__}: {' '.join(str(error).split())}")


def make_updates(trainer: Trainer) -> str:
    """Make all updates; return how it went."""
    loss = 0.0
    for epoch in range(trainer.settings.epochs):
        for which in trainer.train.batches(BATCH, np.random.default_rng([trainer.settings.seed, epoch])):
            try:
                loss = trainer.update(trainer.train.batch(which))
            except Diverged:
                return f"diverged at update {trainer.updates + 1}"
    return f"loss {loss:.4f} after {trainer.updates} updates"


def evaluated(model: Seq2Seq, unseen: Examples, beam: int, said: str) -> TrainingResult:
    """Return how good a model is on unseen pairs."""
    hypotheses = [h.tokens + [EOS] * h.ended for h in translate_all(model, unseen.sources, Search(beam))]
    matched = exact_match(hypotheses, [unseen.targets[i].tolist() for i in range(len(unseen))])
    try:
        _, accuracy = teacher_forced(model, unseen)
    except ValueError:  # the bug counts other tokens than the real ones
        return TrainingResult(matched, None, said)
    return TrainingResult(matched, accuracy, said)
