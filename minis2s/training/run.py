"""One run on disk: a folder that training fills and that a stopped training goes on from.

model.npz    the best model so far, with its configuration, units and vocabularies
last.npz     all that resuming needs
history.csv  a row a report
flow.csv     with --flow: the norm of dL/dh of every step and recurrent layer, rows for each report
loss.png, attention.png
test.tsv     the pairs held out and never looked at, where minis2s made the split

While it trains, a locked file keeps other processes from writing there (lock.py).
"""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minis2s import plots
from minis2s.data.pairs import Pair, format_pairs
from minis2s.data.units import Sides
from minis2s.data.vocabulary import Vocabulary
from minis2s.decoding.assessment import assess
from minis2s.decoding.translator import Translator
from minis2s.errors import InputError
from minis2s.files import remove_temporary, write_file
from minis2s.layers.record import count
from minis2s.models import Config, Seq2Seq
from minis2s.training.checkpoint import open_arrays, save_model, write_arrays
from minis2s.training.format_1 import state_in_order
from minis2s.training.gradient_norms import gradient_flow
from minis2s.training.lock import Lock
from minis2s.training.loop import Report, Trainer, TrainingConfig
from minis2s.training.state import check_about, check_headers, check_values

OWN = ("last.npz", "model.npz", "history.csv", "flow.csv", "loss.png", "attention.png", "test.tsv")
INIT_STREAM = 3  # keeps the first weights apart from other random numbers drawn with the same seed
PLOTTED_TOKENS = 30  # longest source and translation of attention.png


@dataclass(frozen=True)
class Parts:
    """The pairs of a run: to learn from, to choose the best model by, and to measure it on at the end."""

    train: Sequence[Pair]
    valid: Sequence[Pair]
    test: Sequence[Pair]  # empty where the validation pairs came from a file of their own

    def fingerprint(self) -> str:
        """Return a hash of all pairs: a run goes on only with the data it started with."""
        text = "\x00".join(format_pairs(part) for part in (self.train, self.valid, self.test))
        return hashlib.sha256(text.encode()).hexdigest()


class Run:
    """A folder and the trainer that fills it.

    Parameters
    ----------
    folder : made if it is missing
    resume, force : what to do where the folder holds a run already: go on with it, or start over
    flow : whether to log how gradients travel through time
    min_count : tokens that the training part has fewer times are unknown, to learn from and ever after
    say : takes each line of progress

    Raises
    ------
    InputError
        If the folder holds a run and neither is chosen, if there is nothing to resume, if the run was started
        otherwise, or if the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        parts: Parts,
        units: str | Sides,
        sizes: dict[str, Any],
        settings: TrainingConfig,
        resume: bool = False,
        force: bool = False,
        flow: bool = False,
        min_count: int = 1,
        say: Callable[[str], None] = print,
    ):
        self.folder, self.parts, self.flow, self.say = folder, parts, flow, say
        units = Sides.of(units)
        source = Vocabulary.build((units.source.split(pair.source) for pair in parts.train), min_count)
        target = Vocabulary.build((units.target.split(pair.target) for pair in parts.train), min_count)
        try:
            config = Config(len(source), len(target), **sizes)
        except ValueError as error:
            raise InputError(str(error)) from None
        try:
            model = Seq2Seq.init(np.random.default_rng([settings.seed, INIT_STREAM]), config)
        except (MemoryError, ValueError, OverflowError):
            names = ("hidden", "embedding", "layers", "encoder_hidden")
            what = ", ".join(f"{name} is {getattr(config, name)}" for name in names if getattr(config, name))
            raise InputError(f"{what}: more than this computer can hold; choose smaller ones") from None
        self.translator = Translator(model, source, target, units.within(source.tokens, target.tokens))
        self.trainer = Trainer(
            model, self.translator.examples(parts.train), self.translator.examples(parts.valid), settings
        )
        self.about = {
            "settings": asdict(settings),
            "config": asdict(config),
            "units": str(units),
            "min_count": min_count,
            "data": parts.fingerprint(),
        }
        if resume and not os.path.lexists(folder / "last.npz"):
            raise InputError(f"{folder}: holds no run to resume; train without --resume, or choose --out")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be made ({error.strerror}); choose --out elsewhere") from None
        self.lock = Lock(folder)  # until training ends
        try:
            if resume:
                self.resume_inplace()
            else:
                self.start(force)
        except BaseException:
            self.lock.release()
            raise

    def start(self, force: bool) -> None:
        """Make the folder that of a new run."""
        for name in () if force else OWN:
            if os.path.lexists(self.folder / name):
                what = "a run" if name.endswith(".npz") else f"a file {name}"
                raise InputError(
                    f"{self.folder}: holds {what} already; go on with --resume, start over with --force, "
                    "or choose --out"
                )
        self.save_state()  # from here on this run can be resumed, and the one that --force replaces cannot
        self.settle()

    def resume_inplace(self) -> None:
        """Take up where the run stopped; whatever the folder lacks of the state there, it has then."""
        path = self.folder / "last.npz"
        with open_arrays(path) as file:
            check_about(path, file.about, self.about)
            try:
                check_headers(file.headers, self.trainer)
                state = file.read()
                check_values(state, self.trainer)
                if file.version == 1:
                    state = state_in_order(state, self.trainer.model)
            except InputError:
                raise
            except ValueError as error:
                raise InputError(f"{path}: not a whole run ({error}); start over with --force") from None
        self.trainer.restore_inplace(state)
        self.settle()

    def settle(self) -> None:
        """Make all that the folder holds agree with the state: a training may have been killed at any moment."""
        for name in OWN:
            remove_temporary(self.folder, name)
        for name in () if self.trainer.history else OWN[1:]:  # of another run; there is nothing of this one yet
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{self.folder / name}: cannot be replaced ({error.strerror}); choose --out") from None
        if self.parts.test:
            write_file(self.folder / "test.tsv", lambda file: file.write(format_pairs(self.parts.test).encode()))
        if self.trainer.history:
            self.save()

    def train(self) -> bool:
        """Train to the end; return False if Ctrl-C stopped it. Either way the folder holds a usable run."""
        sizes = f"{len(self.parts.train):,} pairs to train on, {len(self.parts.valid):,} to validate, "
        sizes += f"{count(self.translator.model):,} parameters, {self.trainer.total:,} updates"
        finished = False
        with self.lock:
            try:
                self.say(sizes)
                for report in self.trainer.progress():
                    self.say(str(report))
                    self.save()
                finished = True
            except KeyboardInterrupt:
                if not (self.folder / "model.npz").exists():  # before the first report
                    save_model(self.folder / "model.npz", self.with_model(self.trainer.model))
            except BaseException:
                with suppress(InputError):  # the first failure is the one to tell
                    self.draw()
                raise
            self.draw()
        return finished

    def save(self) -> None:
        """Write the history, the best model, and last what resuming needs."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(Report._fields)
        table.writerows([f"{value:.10g}" for value in report] for report in self.trainer.history)
        write_file(self.folder / "history.csv", lambda file: file.write(text.getvalue().encode()))
        save_model(self.folder / "model.npz", self.best())
        if self.flow:
            self.log_flow()
        self.save_state()

    def log_flow(self) -> None:
        """Put the norms of the first validation pairs, as they are now, behind those of earlier reports."""
        path, update = self.folder / "flow.csv", self.trainer.updates
        try:
            lines = path.read_text().splitlines()[1:] if path.exists() else []
            lines = [line for line in lines if int(line.split(",")[0]) < update]
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not what --flow wrote ({error}); delete it, or train without --flow") from None
        batch = self.trainer.valid.batch(np.arange(min(len(self.trainer.valid), self.trainer.settings.batch)))
        for name, norms in gradient_flow(self.trainer.model, batch).items():
            lines += [f"{update},{name},{step},{norm:.6g}" for step, norm in enumerate(norms)]
        write_file(path, lambda file: file.write("\n".join(["update,layer,step,norm", *lines, ""]).encode()))

    def save_state(self) -> None:
        """Write last.npz."""
        write_arrays(self.folder / "last.npz", self.about, self.trainer.state())

    def draw(self) -> None:
        """Draw the losses and, of a model that has attention, where it looks in one validation sentence."""
        if not self.trainer.history:
            return
        columns = dict(zip(Report._fields, zip(*self.trainer.history)))
        self.write_png("loss.png", plots.loss_curves, columns)
        best = self.best()
        short = [p for p in self.parts.valid if len(best.units.source.split(p.source)) <= PLOTTED_TOKENS]
        if not short:
            return
        longest = max(short, key=lambda pair: len(best.units.source.split(pair.source)))
        (translation,) = best.translate([longest.source], max_length=PLOTTED_TOKENS)
        if translation.alphas is not None:
            drawn = translation.alphas, translation.source, translation.tokens
            self.write_png("attention.png", plots.attention_map, *drawn)

    def write_png(self, name: str, draw: Callable, *arguments: Any) -> None:
        """Write a figure or say why there is none: the run is whole without it."""
        try:
            plots.write_png(self.folder / name, draw, *arguments)
        except InputError as error:
            self.say(str(error))

    def with_model(self, model: Seq2Seq) -> Translator:
        """Return a translator that uses ``model``."""
        return Translator(model, self.translator.source, self.translator.target, self.translator.units)

    def best(self) -> Translator:
        """Return the best model so far as a translator."""
        return self.with_model(self.trainer.best)

    def result(self) -> tuple[str, dict[str, Any]]:
        """Return the figures of the best model, on pairs that had no part in choosing it, if there are any."""
        part = "test" if self.parts.test else "validation"
        return part, assess(self.best(), self.parts.test or self.parts.valid).figures
