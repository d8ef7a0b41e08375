"""The training loop."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minis2s.data.batches import Examples
from minis2s.decoding.evaluate import evaluate
from minis2s.errors import InputError
from minis2s.layers.record import cast, on_vector, to_vector
from minis2s.models.seq2seq import Seq2Seq
from minis2s.training.optimizers import CLIPS, OPTIMIZERS
from minis2s.training.scheduled_sampling import DECAYS, mixed, ratio
from minis2s.training.schedules import SCHEDULES, factor

# These keep random numbers apart that are drawn with the same seed:
BATCH_STREAM = 4  # the order of batches, for each epoch
NOISE_STREAM = 5  # what the model draws in its loss, such as dropout masks, for each update
TEACHER_STREAM = 6  # which tokens fed to the decoder are gold, for each update


class Diverged(InputError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Raises
    ------
    InputError
        Naming the setting, its value and what it may be.
    """

    epochs: int = 10
    batch: int = 64  # pairs an update
    rate: float = 3e-3  # the largest learning rate
    schedule: str = "cosine"  # how the rate changes over the run
    clip: float = 1.0  # largest norm of a gradient or, clipped by value, its largest entry
    clip_by: str = "norm"
    optimizer: str = "adam"
    teacher_forcing: float = 1.0  # probability, at the last update, that a token fed to the decoder is the gold one
    teacher_decay: str = "constant"  # how it comes down to that from 1; constant: it is that from the start
    seed: int = 0
    reports: int = 10  # how often in a run the validation pairs are translated

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "reports"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}; it must be 0 or more")
        for name in ("rate", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}; it must be a number above 0")
        tables: dict[str, Mapping] = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}
        tables |= {"clip_by": CLIPS, "teacher_decay": DECAYS}
        for name, table in tables.items():
            if getattr(self, name) not in table:
                raise InputError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(table)}")
        self.check_teacher()

    def check_teacher(self) -> None:
        """Refuse a ``teacher_forcing`` that its decay cannot reach."""
        wanted = f"teacher_forcing is {self.teacher_forcing}; it must be"
        if not 0 <= self.teacher_forcing <= 1:
            raise InputError(f"{wanted} a number from 0 to 1")
        if self.teacher_decay != "constant" and self.teacher_forcing == 1:
            raise InputError(f"{wanted} below 1, or nothing decays; choose 0.5, or teacher_decay constant")
        if self.teacher_decay == "exponential" and self.teacher_forcing == 0:
            raise InputError(f"{wanted} above 0, which an exponential decay never reaches; choose linear, or 0.01")
        if self.teacher_decay == "inverse_sigmoid" and self.teacher_forcing == 0:
            raise InputError(f"{wanted} above 0, which an inverse sigmoid never reaches; choose linear, or 0.01")


class Report(NamedTuple):
    """What one progress line says and one row of history.csv holds."""

    epoch: float
    update: int
    train_loss: float  # nats per token, mean since the last report
    valid_loss: float  # nats per token, teacher-forced
    exact_match: float  # of the validation pairs, free-running
    tokens_per_second: float  # real target tokens trained on, validation not counted
    seconds: float  # training and validation so far
    seconds_left: float

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch:5.1f}   loss {nats(self.train_loss)}   validation loss {nats(self.valid_loss)}   "
            f"exact match {100 * self.exact_match:5.1f} %   {self.tokens_per_second:7,.0f} tokens/s   "
            f"{self.seconds_left:3.0f} s left"
        )


def nats(loss: float) -> str:
    """Return a loss in seven characters or, if it is out of all bounds, a few more."""
    return f"{loss:7.4f}" if loss < 100 else f"{loss:7.1e}"


class Trainer:
    """A model in training. ``for report in trainer.reports(): print(report)`` trains it to the end.

    Every random choice follows from the seed and the number of the epoch or update, so a run that stops anywhere and
    goes on from the ``state()`` of its last report ends in the same bits as one that never stopped.

    Parameters
    ----------
    model : copied, in float32 unless ``dtype`` says otherwise; what training makes of it is ``best``
    train, valid : examples to learn from, and to choose the best model by
    """

    def __init__(
        self, model: Seq2Seq, train: Examples, valid: Examples, settings: TrainingConfig, dtype: Any = np.float32
    ):
        self.vector, self.model = on_vector(cast(model, dtype))
        self.optimizer = OPTIMIZERS[settings.optimizer](len(self.vector), dtype)
        self.train, self.valid, self.settings = train, valid, settings
        self.updates_per_epoch = math.ceil(len(train) / settings.batch)
        self.updates = 0
        self.history: list[Report] = []
        self.best, self.best_score = cast(self.model, dtype), (-1.0, -math.inf)

    @property
    def total(self) -> int:
        """Updates of the whole run."""
        return self.settings.epochs * self.updates_per_epoch

    @property
    def points(self) -> list[int]:
        """The updates after which a report is due: ``settings.reports`` of them spread evenly over the run."""
        return sorted({math.ceil(self.total * k / self.settings.reports) for k in range(1, self.settings.reports + 1)})

    def progress(self) -> Iterator[Report]:
        """Train; yield a report at each of the ``points``. ``best`` is the best model so far."""
        for point in self.points:
            if point > self.updates:
                yield self.run_to(point)

    def run_to(self, point: int) -> Report:
        """Train up to update number ``point``, then validate."""
        before, start, loss, tokens = self.updates, time.perf_counter(), 0.0, 0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what overflows is reported as divergence
            while self.updates < point:
                epoch, first = divmod(self.updates, self.updates_per_epoch)
                rng = np.random.default_rng([self.settings.seed, BATCH_STREAM, epoch])
                for which in self.train.batches(self.settings.batch, rng)[first : first + point - self.updates]:
                    batch = self.train.batch(which)
                    loss += self.update(batch) * batch.tokens
                    tokens += batch.tokens
            trained = time.perf_counter() - start
            score = evaluate(self.model, self.valid)
        if not math.isfinite(score.nll_per_token):
            raise self.diverged("validation loss", score.nll_per_token, self.updates)
        passed = time.perf_counter() - start
        report = Report(
            epoch=self.updates / self.updates_per_epoch,
            update=self.updates,
            train_loss=loss / tokens,
            valid_loss=score.nll_per_token,
            exact_match=score.exact_match,
            tokens_per_second=tokens / trained,
            seconds=passed + (self.history[-1].seconds if self.history else 0.0),
            seconds_left=(self.total - self.updates) * passed / (point - before),
        )
        self.history.append(report)
        if (score.exact_match, -score.nll_per_token) > self.best_score:  # equal exact match: the surer model
            self.best, self.best_score = cast(self.model, self.vector.dtype), (score.exact_match, -score.nll_per_token)
        return report

    def update(self, batch: Any) -> float:
        """Make one update; return the loss before it, with the tokens and the noise it was learned with.

        Raises
        ------
        Diverged
            If the loss or the gradient is not finite; the model stays as it was.
        """
        settings = self.settings
        share = ratio(settings.teacher_decay, self.updates, self.total, settings.teacher_forcing)
        batch = mixed(self.model, batch, share, np.random.default_rng([settings.seed, TEACHER_STREAM, self.updates]))
        loss, cache = self.model.loss(batch, np.random.default_rng([settings.seed, NOISE_STREAM, self.updates]))
        gradient = to_vector(self.model.backward(cache))
        norm = CLIPS[settings.clip_by](gradient, settings.clip)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = ("gradient's norm", norm) if math.isfinite(loss) else ("loss", loss)
            raise self.diverged(*what, self.updates + 1)
        rate = settings.rate * factor(settings.schedule, self.updates, self.total)
        self.optimizer.update_inplace(self.vector, gradient, rate)
        self.updates += 1
        return loss

    def diverged(self, name: str, value: float, update: int) -> Diverged:
        """Return the error that says what happened, what is kept and what to try."""
        epoch = (update - 1) // self.updates_per_epoch + 1
        kept = "the best model so far is kept" if self.history else "there is no model yet"
        rate = min(self.settings.rate / 10, TrainingConfig.rate)
        return Diverged(
            f"the {name} is {value} at update {update} (epoch {epoch}); {kept}; try --force --rate {rate:g}"
        )

    def doubt(self) -> str:
        """Return what to say where training ended far worse than guessing every token alike; else nothing."""
        guess = math.log(self.model.config.target_vocabulary)
        if not self.history or self.history[-1].train_loss <= 2 * guess:
            return ""
        rate = min(self.settings.rate / 10, TrainingConfig.rate)
        return (
            f"the training loss ended at {nats(self.history[-1].train_loss).strip()}, that of guessing is {guess:.4f}: "
            f"training has diverged; try --force --rate {rate:g}"
        )

    def state(self) -> dict[str, np.ndarray]:
        """Return all that resuming needs, as named arrays; further training leaves them as they are."""
        return {
            "parameters": self.vector.copy(),
            "best": to_vector(self.best),
            "best_score": np.array(self.best_score),
            "history": np.array(self.history, dtype=float).reshape(-1, len(Report._fields)),
            "update": np.array(self.updates),
            **{f"optimizer.{name}": array.copy() for name, array in self.optimizer.state().items()},
        }

    def restore_inplace(self, state: dict[str, np.ndarray]) -> None:
        """Take up where ``state`` was taken."""
        self.vector[:] = state["parameters"]
        best, self.best = on_vector(self.best)
        best[:] = state["best"]
        exact_match, likelihood = state["best_score"].tolist()
        self.best_score = (exact_match, likelihood)
        self.updates = int(state["update"])
        self.history = [Report(*row)._replace(update=int(row[1])) for row in state["history"].tolist()]
        prefix = "optimizer."
        self.optimizer.restore_inplace({n.removeprefix(prefix): a for n, a in state.items() if n.startswith(prefix)})
