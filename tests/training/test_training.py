"""Training: optimizers keep to their equations, and a run is the same bits however often it is stopped."""

import ctypes
import math
from types import SimpleNamespace

import numpy as np
import pytest

from minis2s import threads_and_memory
from minis2s.cli import main
from minis2s.data.batches import Examples
from minis2s.decoding.evaluate import Evaluation, teacher_forced
from minis2s.errors import InputError
from minis2s.layers import to_vector, walk
from minis2s.models import Seq2Seq
from minis2s.training import loop, optimizers
from minis2s.training.loop import Diverged, Report, Trainer, TrainingConfig
from minis2s.training.optimizers import Adam, Momentum, clip_inplace
from minis2s.training.schedules import cosine
from tests.conftest import SOURCES, TARGETS, assert_close, random_model

TRAIN, VALID = Examples.of(SOURCES * 3, TARGETS * 3), Examples.of(SOURCES, TARGETS)  # 18 and 6 pairs
CHOSEN = ("epoch", "update", "train_loss", "valid_loss", "exact_match")  # of a report: all but what a clock says


def make_trainer(kind="additive", dtype=np.float32, **settings):
    settings = {"epochs": 3, "batch": 4, **settings}  # 15 updates
    return Trainer(random_model(np.random.default_rng(1), kind), TRAIN, VALID, TrainingConfig(**settings), dtype)


def finish(trainer):
    return list(trainer.progress())


def figures(trainer):
    return [[getattr(report, name) for name in CHOSEN] for report in trainer.history]


def copy(state):
    return {name: array.copy() for name, array in state.items()}


def assert_same_bits(got, want):
    """Two trainers hold the same numbers, clocks aside."""
    assert figures(got) == figures(want)
    got, want = got.state(), want.state()
    assert list(got) == list(want)
    for name in set(want) - {"history"}:
        np.testing.assert_array_equal(got[name], want[name], name, strict=True)


# Optimizers


def adam_by_hand(x, gradients, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma & Ba 2015, algorithm 1, a number at a time."""
    x = list(x)
    for i in range(len(x)):
        m = v = 0.0
        for t, g in enumerate((gradient[i] for gradient in gradients), 1):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            x[i] -= rate * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + epsilon)
    return x


def momentum_by_hand(x, gradients, rate, momentum=0.9):
    x = list(x)
    for i in range(len(x)):
        v = 0.0
        for gradient in gradients:
            v = momentum * v + gradient[i]
            x[i] -= rate * v
    return x


@pytest.mark.parametrize("optimizer, by_hand", [(Adam, adam_by_hand), (Momentum, momentum_by_hand)])
def test_optimizer_equals_its_equations(rng, monkeypatch, optimizer, by_hand):
    monkeypatch.setattr(optimizers, "BLOCK", 3)  # Adam takes three blocks for seven parameters
    x, gradients = rng.normal(size=7), rng.normal(size=(5, 7))
    gradients[:, 2] = 0  # a token that never occurs
    want = by_hand(x, gradients, 0.01)
    made = optimizer(7, np.float64)
    for gradient in gradients:
        before = gradient.copy()
        made.update_inplace(x, gradient, 0.01)
        np.testing.assert_array_equal(gradient, before)
    assert_close(x, want)


def test_first_step_of_adam_is_the_rate_whatever_the_gradient():
    x = np.zeros(4)
    Adam(4, float).update_inplace(x, np.array([1e-3, -5.0, 1e6, 0.0]), 0.01)
    np.testing.assert_allclose(x, [-0.01, 0.01, -0.01, 0.0], rtol=1e-4)


@pytest.mark.parametrize("optimizer", [Adam, Momentum])
def test_optimizer_goes_on_from_its_state_in_float32(rng, optimizer):
    gradients = rng.normal(size=(4, 5)).astype(np.float32)
    one, x = optimizer(5, np.float32), np.ones(5, np.float32)
    for gradient in gradients[:2]:
        one.update_inplace(x, gradient, 0.1)
    other, y = optimizer(5, np.float32), x.copy()
    other.restore_inplace(one.state())
    for gradient in gradients[2:]:
        one.update_inplace(x, gradient, 0.1)
        other.update_inplace(y, gradient, 0.1)
    np.testing.assert_array_equal(x, y, strict=True)
    assert x.dtype == np.float32 and all(array.dtype != np.float64 for array in one.state().values())


def test_clip_shortens_what_is_too_long_and_only_that():
    long, short = np.array([3.0, 0.0, -4.0]), np.array([0.3, 0.0, -0.4])
    assert clip_inplace(long, 2.0) == 5.0
    np.testing.assert_allclose(long, [1.2, 0.0, -1.6], rtol=1e-15)
    assert clip_inplace(short, 2.0) == 0.5
    np.testing.assert_array_equal(short, [0.3, 0.0, -0.4])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_clip_says_when_a_gradient_is_not_finite(bad):
    with np.errstate(invalid="ignore"):
        assert not math.isfinite(clip_inplace(np.array([1.0, bad]), 1.0))


def test_cosine_falls_from_one_through_a_half_to_nothing():
    factors = [cosine(k / 10) for k in range(11)]
    assert factors[0] == 1.0 and factors[5] == pytest.approx(0.5) and factors[10] == 0.0
    assert factors == sorted(factors, reverse=True)


# Memory


def test_one_thread_unless_the_user_chose(monkeypatch):
    asked = []

    class Library:
        def __init__(self, path):
            self.openblas_set_num_threads = asked.append

    monkeypatch.setattr(threads_and_memory.ctypes, "CDLL", Library)
    for name in threads_and_memory.CHOICES:
        monkeypatch.delenv(name, raising=False)
    told = threads_and_memory.use_one_thread()
    assert told is bool(asked) and set(asked) <= {1}  # elsewhere than with NumPy's own OpenBLAS nobody is asked
    asked.clear()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads_and_memory.use_one_thread() is False
    assert asked == []


def test_keep_freed_memory_gives_a_bool():
    assert isinstance(threads_and_memory.keep_freed_memory(), bool)


def no_library(name):
    raise OSError(f"no library {name}")


@pytest.mark.parametrize("library", [lambda name: object(), no_library])
def test_keep_freed_memory_does_nothing_where_there_is_no_mallopt(monkeypatch, library):
    monkeypatch.setattr(threads_and_memory.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", library)
    assert threads_and_memory.keep_freed_memory() is False


@pytest.mark.parametrize("largest, kept", [(1 << 30, True), (1 << 25, True), (0, False)])
def test_keep_freed_memory_asks_for_both_settings_and_for_less_where_much_is_refused(monkeypatch, largest, kept):
    asked = []

    def mallopt(name, value):
        asked.append(name)
        return int(name == -1 or value <= largest)  # M_TRIM_THRESHOLD in glibc's malloc.h; M_MMAP_THRESHOLD is -3

    monkeypatch.setattr(threads_and_memory.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    assert threads_and_memory.keep_freed_memory() is kept
    assert set(asked) == {-1, -3}


def test_keep_freed_memory_asks_nothing_of_another_system(monkeypatch):
    monkeypatch.setattr(threads_and_memory.sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    assert threads_and_memory.keep_freed_memory() is False


# TrainingConfig


@pytest.mark.parametrize(
    "name, value",
    [
        ("epochs", 0),
        ("batch", -1),
        ("reports", 0),
        ("seed", -1),
        ("rate", 0.0),
        ("rate", math.nan),
        ("rate", math.inf),
        ("clip", -1.0),
        ("clip", math.nan),
        ("optimizer", "sgd2"),
    ],
)
def test_bad_setting_is_named_with_its_value(name, value):
    with pytest.raises(InputError, match=rf"^{name} is {value!r}; .*\Z"):
        TrainingConfig(**{name: value})


# The loop


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["additive", "none"])
def test_loss_falls(kind):
    trainer = make_trainer(kind, epochs=25, rate=0.03)
    untrained, _ = teacher_forced(trainer.model, VALID)
    reports = finish(trainer)
    assert reports[-1].train_loss < 0.5 * reports[0].train_loss
    assert reports[-1].valid_loss < 0.5 * untrained  # at the first report it has fallen already


def test_each_pair_is_seen_once_an_epoch(monkeypatch):
    seen = []
    trainer = make_trainer()
    batch_of = Examples.batch
    monkeypatch.setattr(Examples, "batch", lambda self, which: (seen.extend(which), batch_of(self, which))[1])
    monkeypatch.setattr(loop, "evaluate", lambda model, valid: Evaluation(6, 0.0, 0.0, 1.0, math.e))
    finish(trainer)
    epochs = [seen[start : start + 18] for start in range(0, len(seen), 18)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(18))] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_trainer_leaves_the_process_as_it_is_and_a_command_prepares_it(monkeypatch, tmp_path):
    asked = []
    for name in ("keep_freed_memory", "use_one_thread"):
        monkeypatch.setattr(threads_and_memory, name, lambda name=name: asked.append(name))
    make_trainer().run_to(1)
    assert asked == []
    assert main(["gradcheck", "linear"]) == 0 and asked == ["keep_freed_memory", "use_one_thread"]


def test_an_update_is_as_long_as_its_clipped_gradient_times_the_rate(batch):
    trainer = make_trainer(dtype=np.float64, optimizer="momentum", clip=1e-3, rate=0.5)
    before = trainer.vector.copy()
    trainer.update(batch)
    assert np.linalg.norm(trainer.vector - before) == pytest.approx(0.5 * 1e-3)


def test_the_rate_falls_along_the_cosine_from_the_first_update_on(monkeypatch):
    rates = []
    trainer = make_trainer(rate=0.02)
    monkeypatch.setattr(trainer.optimizer, "update_inplace", lambda vector, gradient, rate: rates.append(rate))
    finish(trainer)
    assert rates[0] == 0.02
    assert rates == pytest.approx([0.01 * (1 + math.cos(math.pi * k / 15)) for k in range(15)])


def test_the_clock_of_tokens_per_second_does_not_count_validation(monkeypatch):
    now = [100.0]

    def takes(seconds, function):
        def timed(*arguments):
            now[0] += seconds
            return function(*arguments)

        return timed

    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(Trainer, "update", takes(2.0, Trainer.update))
    monkeypatch.setattr(loop, "evaluate", takes(10.0, loop.evaluate))
    reports = finish(make_trainer(reports=3))  # each an epoch: 5 updates in 10 s, and 10 s of validation
    assert [report.tokens_per_second for report in reports] == [TRAIN.targets.lengths.sum() / 10] * 3
    assert [(report.seconds, report.seconds_left) for report in reports] == [(20, 40), (40, 20), (60, 0)]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_same_seed_same_bits_other_seed_other_bits(optimizer):
    one, same, other = (make_trainer(seed=seed, optimizer=optimizer) for seed in (5, 5, 6))
    for trainer in (one, same, other):
        finish(trainer)
    assert_same_bits(same, one)
    assert not np.array_equal(other.vector, one.vector)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_resumed_at_any_report_is_never_stopped(optimizer):
    whole = make_trainer(optimizer=optimizer)
    states = [copy(whole.state())] + [copy(whole.state()) for _ in whole.progress()]
    assert len(states) == 11
    for state in states:
        resumed = make_trainer(optimizer=optimizer)
        resumed.restore_inplace(state)
        finish(resumed)
        assert_same_bits(resumed, whole)


def test_the_best_model_is_kept_when_later_ones_are_worse(monkeypatch):
    # In order: first, better, as many right and surer, the same once more, as many right and less sure, fewer right
    # but surer.
    scores = iter([(0.2, 3.0), (0.5, 2.0), (0.5, 1.5), (0.5, 1.5), (0.5, 1.8), (0.4, 0.1)])

    def scored(model, valid):
        exact, nll = next(scores)
        return Evaluation(6, exact, 0.0, nll, math.exp(nll))

    monkeypatch.setattr(loop, "evaluate", scored)
    trainer, resumed = make_trainer(reports=6), make_trainer(reports=6)
    models = []
    for _ in trainer.progress():
        models.append(trainer.vector.copy())
    assert all(np.any(models[2] != other) for other in models[:2] + models[3:])
    resumed.restore_inplace(copy(trainer.state()))
    for one in (trainer, resumed):
        np.testing.assert_array_equal(to_vector(one.best), models[2], strict=True)
        np.testing.assert_array_equal(one.vector, models[5], strict=True)
        assert one.best_score == (0.5, -1.5)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_training_and_touches_nothing(monkeypatch, loss, batch):
    trainer = make_trainer()
    trainer.update(batch)
    trainer.update(batch)
    before = copy(trainer.state())
    right = Seq2Seq.loss
    monkeypatch.setattr(Seq2Seq, "loss", lambda self, batch, rng=None: (loss, right(self, batch)[1]))
    with pytest.raises(Diverged, match=rf"^the loss is {loss} at update 3 \(epoch 1\).*--rate 0.0003\Z"):
        trainer.update(batch)
    np.testing.assert_equal(trainer.state(), before)
    assert isinstance(Diverged("x"), InputError)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_stops_training_too(monkeypatch, bad, batch):
    trainer = make_trainer()
    before = copy(trainer.state())
    right = Seq2Seq.backward

    def spoiled(self, cache):
        gradient = right(self, cache)
        gradient.output.b[0] = bad
        return gradient

    monkeypatch.setattr(Seq2Seq, "backward", spoiled)
    with np.errstate(invalid="ignore"), pytest.raises(Diverged, match="at update 1 "):
        trainer.update(batch)
    np.testing.assert_equal(trainer.state(), before)


def test_a_validation_loss_that_is_no_number_is_never_the_best(monkeypatch):
    scores = iter([2.0, math.nan])
    monkeypatch.setattr(loop, "evaluate", lambda model, valid: Evaluation(6, 0.0, 0.0, next(scores), 1.0))
    trainer = make_trainer(reports=2)
    reports = trainer.progress()
    next(reports)
    best = to_vector(trainer.best)
    with pytest.raises(Diverged, match=r"^the validation loss is nan at update 15 \(epoch 3\); the best .* is kept; "):
        next(reports)
    np.testing.assert_array_equal(to_vector(trainer.best), best)


@pytest.mark.parametrize("update, epoch", [(1, 1), (5, 1), (6, 2), (10, 2), (15, 3)])
@pytest.mark.parametrize("rate, advice", [(1.0, "0.003"), (0.03, "0.003"), (0.01, "0.001")])
def test_divergence_is_told_with_its_epoch_and_a_rate_that_can_work(update, epoch, rate, advice):
    error = make_trainer(rate=rate).diverged("loss", math.inf, update)
    assert f"at update {update} (epoch {epoch}); there is no model yet;" in str(error)
    assert str(error).endswith(f" --rate {advice}")


@pytest.mark.slow
@pytest.mark.parametrize("settings, count", [({"epochs": 20}, 10), ({}, 10), ({"epochs": 1}, 5), ({"reports": 1}, 1)])
def test_reports_are_about_ten_and_evenly_spread(settings, count):
    trainer = make_trainer(**settings)
    updates = [report.update for report in finish(trainer)]
    assert len(updates) == count and updates[-1] == trainer.total
    gaps = np.diff([0, *updates])
    assert gaps.min() >= 1 and gaps.max() - gaps.min() <= 1


def test_training_stays_in_float32_and_leaves_its_model_alone():
    model = random_model(np.random.default_rng(1), "additive")
    before = to_vector(model)
    trainer = Trainer(model, TRAIN, VALID, TrainingConfig(epochs=1, batch=4))
    finish(trainer)
    for tree in (trainer.model, trainer.best, trainer.optimizer.m, trainer.optimizer.v):
        assert {array.dtype for _, array in walk([tree])} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(to_vector(model), before, strict=True)


def test_a_report_says_what_happened():
    trainer = make_trainer()
    *_, last = finish(trainer)
    assert trainer.history[-1] is last and len(trainer.history) == 10
    assert last.update == 15 and last.epoch == 3.0 and last.seconds_left == 0.0
    assert 0 <= last.exact_match <= 1 and last.tokens_per_second > 0
    seconds = [report.seconds for report in trainer.history]
    assert seconds == sorted(seconds)
    line = str(last)
    assert "\n" not in line
    assert all(word in line for word in ("epoch", "loss", "exact match", "tokens/s", "left"))
    assert trainer.state()["history"].shape == (10, len(Report._fields))


def test_train_loss_is_the_mean_over_tokens_since_the_last_report(monkeypatch):
    seen = []
    learn = Trainer.update

    def noted(self, batch):
        loss = learn(self, batch)
        seen.append((self.updates, loss, batch.tokens))
        return loss

    monkeypatch.setattr(Trainer, "update", noted)
    trainer = make_trainer(reports=3)
    first = 0
    for report in finish(trainer):
        part = [(loss, tokens) for update, loss, tokens in seen if first < update <= report.update]
        assert report.train_loss == pytest.approx(sum(a * b for a, b in part) / sum(b for _, b in part))
        first = report.update
