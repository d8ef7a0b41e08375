"""One run on disk: a folder that training fills and that a stopped training goes on from.

model.npz    the best model so far, with its configuration, units and vocabularies
last.npz     all that resuming needs
history.csv  a row a report
flow.csv     with --flow: the norm of dL/dh of every step and recurrent layer, rows for each report
loss.png, attention.png
test.tsv     the pairs held out and never looked at, where minis2s made the split
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
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
from minis2s.layers.record import count
from minis2s.models import Config, Seq2Seq
from minis2s.training.checkpoint import read_arrays, save_model, write_arrays, write_file
from minis2s.training.flow import gradient_flow
from minis2s.training.loop import Report, Settings, Trainer

WRITTEN = ("history.csv", "flow.csv", "loss.png", "attention.png", "test.tsv")  # beside model.npz and last.npz
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
        settings: Settings,
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
        if resume:
            self.resume_inplace()
        else:
            self.start(force)

    def start(self, force: bool) -> None:
        """Make the folder ready for a new run."""
        if not force:
            for name in ("model.npz", "last.npz", *WRITTEN):
                if os.path.exists(self.folder / name):
                    what = "a run" if name.endswith(".npz") else f"a file {name}"
                    raise InputError(
                        f"{self.folder}: holds {what} already; go on with --resume, start over with --force, "
                        "or choose --out"
                    )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be made ({error.strerror}); choose --out elsewhere") from None
        self.save_state()
        for name in ("model.npz", *WRITTEN):
            try:
                (self.folder / name).unlink(missing_ok=True)  # of the run that --force replaces
            except OSError as error:
                raise InputError(f"{self.folder / name}: cannot be replaced ({error.strerror}); choose --out") from None
        if self.parts.test:
            write_file(self.folder / "test.tsv", lambda file: file.write(format_pairs(self.parts.test).encode()))

    def resume_inplace(self) -> None:
        """Take up where the run stopped."""
        path = self.folder / "last.npz"
        if not os.path.exists(path):
            raise InputError(f"{self.folder}: holds no run to resume; train without --resume, or choose --out")
        about, state = read_arrays(path)
        about.setdefault("min_count", 1)  # an older minis2s knew every token
        if any(type(about.get(part)) is not type(self.about[part]) for part in self.about):
            raise InputError(f"{path}: not the state of a run; start over with --force")
        for part, kind in (("settings", Settings), ("config", Config)):  # an older minis2s knew fewer of them
            about[part] = {field.name: field.default for field in fields(kind)} | about[part]
        for part in ("settings", "units", "min_count", "data", "config"):  # other data would make another config
            if about.get(part) != self.about[part]:
                raise InputError(f"{path}: {difference(part, about.get(part), self.about[part])}")
        try:
            self.trainer.restore_inplace(state)
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"{path}: not a whole run ({error}); start over with --force") from None

    def train(self) -> bool:
        """Train to the end; return False if Ctrl-C stopped it. Either way the folder holds a usable run."""
        model = self.translator.model
        self.say(
            f"{len(self.parts.train):,} pairs to train on, {len(self.parts.valid):,} to validate, "
            f"{count(model):,} parameters, {self.trainer.total:,} updates"
        )
        try:
            for report in self.trainer.reports():
                self.say(str(report))
                self.save()
        except KeyboardInterrupt:
            if not (self.folder / "model.npz").exists():  # before the first report
                save_model(self.folder / "model.npz", self.with_model(self.trainer.model))
            return False
        finally:
            if self.trainer.history:
                self.draw()
        return True

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
        path, update = self.folder / "flow.csv", self.trainer.update
        try:
            lines = path.read_text().splitlines() if path.exists() else ["update,layer,step,norm"]
            lines = lines[:1] + [line for line in lines[1:] if int(line.split(",")[0]) < update]
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not what --flow wrote ({error}); delete it, or train without --flow") from None
        batch = self.trainer.valid.batch(np.arange(min(len(self.trainer.valid), self.trainer.settings.batch)))
        for name, norms in gradient_flow(self.trainer.model, batch).items():
            lines += [f"{update},{name},{step},{norm:.6g}" for step, norm in enumerate(norms)]
        write_file(path, lambda file: file.write("\n".join([*lines, ""]).encode()))

    def save_state(self) -> None:
        """Write last.npz."""
        write_arrays(self.folder / "last.npz", self.about, self.trainer.state())

    def draw(self) -> None:
        """Draw the losses and, of a model that has attention, where it looks in one validation sentence."""
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


def difference(part: str, old: Any, new: Any) -> str:
    """Say what of a run is not as it was started."""
    if part == "data":
        return "this run was started with other pairs; give the same file and seed, or start over with --force"
    if not isinstance(new, dict):
        return f"this run was started with {part} {old}, not {new}; give the same, or start over with --force"
    changed = next(name for name in new if (old or {}).get(name) != new[name])
    return (
        f"this run was started with {changed} {json.dumps((old or {}).get(changed))}, not {json.dumps(new[changed])}; "
        "give the same, or start over with --force"
    )
