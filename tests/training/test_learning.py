"""The default models learn what they are meant to learn: whole trainings, tens of seconds each."""

import numpy as np
import pytest

from minis2s.data.pairs import split_pairs
from minis2s.data.tasks import DATASETS, make_pairs
from minis2s.data.vocabulary import Vocabulary
from minis2s.decoding.evaluate import evaluate
from minis2s.decoding.translator import Translator
from minis2s.models import Config, Seq2Seq
from minis2s.training.loop import Trainer, TrainingConfig


def trained(train_pairs, valid_pairs, settings, **sizes):
    """Return a finished trainer, and the translator that makes examples of pairs."""
    source, target = (Vocabulary.build([pair[side] for pair in train_pairs]) for side in (0, 1))
    config = Config(len(source), len(target), **sizes)
    translator = Translator(Seq2Seq.init(np.random.default_rng(settings.seed), config), source, target, "char")
    trainer = Trainer(translator.model, *map(translator.examples, (train_pairs, valid_pairs)), settings)
    for _ in trainer.progress():
        pass
    return trainer, translator


@pytest.mark.trains
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_reversal_is_learnt_with_attention(seed):
    train_pairs, valid_pairs, test_pairs = split_pairs(make_pairs("reversal", DATASETS["reversal"], 0), seed)
    assert (len(train_pairs), len(test_pairs)) == (10_000, 1_000)
    trainer, translator = trained(train_pairs, valid_pairs, TrainingConfig(seed=seed))
    assert evaluate(trainer.best, translator.examples(test_pairs)).exact_match >= 0.995


@pytest.mark.trains
def test_reversal_without_attention_is_not_learnt_in_full():
    train_pairs, valid_pairs, test_pairs = split_pairs(make_pairs("reversal", DATASETS["reversal"], 0), 0)
    trainer, translator = trained(train_pairs, valid_pairs, TrainingConfig(), attention="none")
    assert 0.3 < evaluate(trainer.best, translator.examples(test_pairs)).exact_match < 0.9
    short = [pair for pair in test_pairs if len(pair.source) <= 5]
    assert evaluate(trainer.best, translator.examples(short)).exact_match > 0.95


@pytest.mark.trains
def test_dates_are_learnt_in_two_epochs():
    pairs = make_pairs("dates", DATASETS["dates"], 0)
    trainer, _ = trained(pairs[:45_000], pairs[45_000:], TrainingConfig(epochs=2, rate=0.005, reports=2))
    assert trainer.history[-1].exact_match >= 0.995  # 99.9 and more, but bits differ between machines


@pytest.mark.trains
@pytest.mark.parametrize(
    "parts, settings",
    [
        ({"cell": "lstm", "order": "luong", "input_feeding": True, "attention": "general", "bidirectional": True}, {}),
        ({"layers": 2, "dropout": 0.1, "layer_norm": True, "attention": "coverage", "bridge": "tanh"}, {}),
        (
            {"cell": "rnn", "attention": "relu", "tie_output": True, "embedding": 64, "label_smoothing": 0.1},
            {"optimizer": "adamw"},
        ),
        (
            {"cell": "gru_before", "attention": "additive"},
            {"schedule": "warmup", "teacher_forcing": 0.5, "teacher_decay": "linear", "optimizer": "rmsprop"},
        ),
    ],
)
def test_the_family_learns_reversal(parts, settings):
    train_pairs, valid_pairs, test_pairs = split_pairs(make_pairs("reversal", DATASETS["reversal"], 0), 0)
    trainer, translator = trained(train_pairs, valid_pairs, TrainingConfig(**settings), **parts)
    assert evaluate(trainer.best, translator.examples(test_pairs)).exact_match >= 0.97
