"""Training devices: schedules, optimizers and clipping do what their papers say, and training uses what it is told."""

import math

import numpy as np
import pytest

from minis2s.cli import main
from minis2s.data.batches import Examples
from minis2s.data.pairs import format_pairs
from minis2s.data.tasks import make_pairs
from minis2s.errors import InputError
from minis2s.models import Seq2Seq
from minis2s.training import loop
from minis2s.training.checkpoint import read_arrays
from minis2s.training.loop import Trainer, TrainingConfig
from minis2s.training.optimizers import AdamW, RMSProp, clip_values_inplace
from minis2s.training.scheduled_sampling import DECAYS, ratio
from minis2s.training.schedules import SCHEDULES, inverse_square_root, step
from tests.conftest import SOURCES, TARGETS, assert_close, random_model

SAMPLING = {"teacher_forcing": 0.5, "teacher_decay": "inverse_sigmoid"}


def make_trainer(**settings):
    settings = TrainingConfig(**{"epochs": 3, "batch": 4, **settings})  # 15 updates
    model = random_model(np.random.default_rng(1), "additive")
    return Trainer(model, Examples.of(SOURCES * 3, TARGETS * 3), Examples.of(SOURCES, TARGETS), settings)


# Schedules


@pytest.mark.parametrize("name, steepest", [("cosine", 1.6), ("constant", 0), ("warmup", 10), ("step", math.inf)])
def test_a_schedule_stays_between_nothing_and_the_whole_rate_and_jumps_only_in_steps(name, steepest):
    factors = [SCHEDULES[name](k / 10_000) for k in range(10_001)]
    assert min(factors) >= 0 and max(factors) == 1
    assert np.abs(np.diff(factors)).max() <= steepest / 10_000 + 1e-12
    assert name != "constant" or set(factors) == {1}


def test_step_halves_at_each_tenth_of_the_second_half():
    want = [1, 1, 1, 1, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]
    assert [step(k / 10) for k in range(10)] == [step(k / 10 - 1e-9) for k in range(1, 11)] == want


def test_warmup_rises_in_a_straight_line_and_falls_with_the_root():
    assert [inverse_square_root(p) for p in (0, 0.025, 0.05, 0.1)] == [0, 0.25, 0.5, 1]
    assert [inverse_square_root(p) for p in (0.4, 0.9)] == pytest.approx([1 / 2, 1 / 3])
    updates = np.arange(1, 101)  # Vaswani et al. 2017, equation (3), with 10 updates of warm-up
    paper = np.minimum(updates**-0.5, updates * 10**-1.5)
    assert_close([inverse_square_root(k / 100) for k in updates], paper / paper.max())


def test_training_follows_its_schedule(monkeypatch):
    rates = []
    trainer = make_trainer(rate=0.02, schedule="step")
    monkeypatch.setattr(trainer.optimizer, "update_inplace", lambda vector, gradient, rate: rates.append(rate))
    list(trainer.progress())
    assert rates == pytest.approx([0.02 * step(k / 15) for k in range(15)])


# Optimizers and clipping


@pytest.mark.slow
@pytest.mark.parametrize("ours, theirs", [(RMSProp, "RMSprop"), (AdamW, "AdamW")])
def test_optimizer_equals_pytorch(rng, ours, theirs):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e .[torch]")
    x, gradients = rng.normal(size=7), rng.normal(size=(6, 7))
    gradients[:, 2] = 0  # a token that never occurs
    twin = torch.tensor(x, requires_grad=True)
    made, optimizer = ours(7, np.float64), getattr(torch.optim, theirs)([twin], lr=0.05)
    for gradient in gradients:
        made.update_inplace(x, gradient, 0.05)
        twin.grad = torch.tensor(gradient)
        optimizer.step()
    assert_close(x, twin.detach().numpy())


def test_rmsprop_and_adamw_by_hand():
    x, y = np.array([2.0]), np.array([2.0])
    RMSProp(1, float, alpha=0.75).update_inplace(x, np.array([3.0]), 0.1)
    AdamW(1, float, decay=0.5).update_inplace(y, np.array([3.0]), 0.1)
    assert_close(x, [2 - 0.1 * 3 / (1.5 + 1e-8)])  # v = 9 / 4
    assert_close(y, [2 * 0.95 - 0.1 * 3 / (3 + 1e-8)])


def test_clip_by_value_cuts_entries_and_gives_the_norm_before():
    gradient = np.array([3.0, 0.5, -4.0, 0.0])
    assert clip_values_inplace(gradient, 2.0) == math.sqrt(25.25)
    np.testing.assert_array_equal(gradient, [2.0, 0.5, -2.0, 0.0])
    for bad in (math.nan, math.inf):
        assert not math.isfinite(clip_values_inplace(np.array([1.0, bad]), 1.0))


def test_training_clips_by_what_it_is_told(batch):
    trainer = make_trainer(optimizer="momentum", clip=1e-3, clip_by="value", rate=0.5)
    before = trainer.vector.copy()
    trainer.update(batch)
    assert np.abs(trainer.vector - before).max() == pytest.approx(0.5e-3, rel=1e-3)
    assert np.linalg.norm(trainer.vector - before) > 1e-3


# Whole runs


RUNS = [
    SAMPLING,
    {**SAMPLING, "optimizer": "adamw", "schedule": "warmup"},
    {"optimizer": "rmsprop", "clip_by": "value"},
]


@pytest.mark.parametrize("settings", RUNS)
def test_stopped_and_resumed_is_never_stopped(settings):
    whole = make_trainer(**settings)
    for state in [whole.state() for _ in whole.progress()]:
        resumed = make_trainer(**settings)
        resumed.restore_inplace(state)
        list(resumed.progress())
        for name in ("parameters", "best", "best_score"):
            np.testing.assert_array_equal(resumed.state()[name], whole.state()[name], name, strict=True)
        assert [report[:5] for report in resumed.history] == [report[:5] for report in whole.history]


def test_training_mixes_by_the_decay_and_draws_anew_at_each_update(monkeypatch):
    shares, draws = [], set()
    trainer = make_trainer(**SAMPLING)

    def noted(model, batch, share, rng):
        shares.append(share)
        draws.add(rng.random())
        return batch

    monkeypatch.setattr(loop, "mixed", noted)
    list(trainer.progress())
    assert shares == [ratio("inverse_sigmoid", i, 15, 0.5) for i in range(15)] and len(draws) == 15


def test_training_draws_anew_at_each_update_and_validation_draws_nothing(monkeypatch):
    drawn, right = [], Seq2Seq.loss

    def noted(self, batch, rng=None):
        drawn.append(None if rng is None else rng.random())
        return right(self, batch)

    monkeypatch.setattr(Seq2Seq, "loss", noted)
    whole = make_trainer(reports=3)
    state, *_ = [whole.state() for _ in whole.progress()]
    first, drawn[:] = list(drawn), []
    assert first.count(None) == 3 and len({draw for draw in first if draw}) == 15
    resumed = make_trainer(reports=3)
    resumed.restore_inplace(state)
    list(resumed.progress())
    assert drawn == first[6:]


def test_sampling_changes_what_is_learned():
    gold, sampled = make_trainer(), make_trainer(teacher_forcing=0.5)
    list(gold.progress()), list(sampled.progress())
    assert not np.array_equal(gold.vector, sampled.vector)


BELOW = "teacher_forcing is {}; it must be above 0"
REFUSED = [
    ({"schedule": "cubic"}, "schedule is 'cubic'; choose one of cosine, constant, step, warmup"),
    ({"clip_by": "sum"}, "clip_by is 'sum'; choose one of norm, value"),
    ({"optimizer": "sgd2"}, "optimizer is 'sgd2'; choose one of adam, adamw, rmsprop, momentum"),
    ({"teacher_decay": "cosine"}, f"teacher_decay is 'cosine'; choose one of {', '.join(DECAYS)}"),
    ({"teacher_forcing": 1.1}, "teacher_forcing is 1.1; it must be a number from 0 to 1"),
    ({"teacher_forcing": math.nan}, "teacher_forcing is nan; it must be a number from 0 to 1"),
    ({"teacher_forcing": 0.0, "teacher_decay": "exponential"}, BELOW.format("0.0")),
    ({"teacher_forcing": 1.0, "teacher_decay": "inverse_sigmoid"}, "teacher_forcing is 1.0; it must be below 1, "),
    ({"teacher_forcing": 0, "teacher_decay": "inverse_sigmoid"}, BELOW.format("0")),
]


@pytest.mark.parametrize("settings, says", REFUSED)
def test_settings_refused_in_one_line(settings, says):
    with pytest.raises(InputError) as refused:
        TrainingConfig(**settings)
    assert str(refused.value).startswith(says) and "\n" not in str(refused.value)


CHOSEN = {"optimizer": "adamw", "schedule": "warmup", "clip": 0.5, "clip_by": "value", **SAMPLING}


def test_command_line(tmp_path, capsys):
    pairs, out = tmp_path / "pairs.tsv", tmp_path / "run"
    pairs.write_text(format_pairs(make_pairs("reversal", 40, 0)), encoding="utf-8")
    tiny = ["train", str(pairs), "--out", str(out), "--hidden", "8", "--embedding", "4", "--epochs", "1"]
    options = [word for name, value in CHOSEN.items() for word in ("--" + name.replace("_", "-"), str(value))]
    assert main([*tiny, *options]) == 0
    settings = read_arrays(out / "last.npz")[0]["settings"]
    assert {name: settings[name] for name in CHOSEN} == CHOSEN
    assert main([*tiny, "--force", "--teacher-forcing", "2"]) == 2
    assert capsys.readouterr().err.endswith("error: teacher_forcing is 2.0; it must be a number from 0 to 1\n")
    with pytest.raises(SystemExit):
        main([*tiny, "--schedule", "cubic"])
    error = capsys.readouterr().err
    assert "--schedule" in error and all(name in error for name in SCHEDULES) and error.count("\n") == 1
