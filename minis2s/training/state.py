"""Whether what a file holds is a state that this training can have left."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from minis2s.errors import InputError
from minis2s.models import Config
from minis2s.training.checkpoint import Header, check_known, check_shapes
from minis2s.training.format_1 import config_now
from minis2s.training.loop import Report, Trainer, TrainingConfig

MOST_SHOWN = 60  # characters of a value in an error


def check_about(path: Path, about: dict[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise InputError if a file is of no run, or of one that was started otherwise than is wanted now."""
    about.setdefault("min_count", 1)  # an older minis2s knew every token
    if any(type(about.get(part)) is not type(wanted[part]) for part in wanted):
        raise InputError(f"{path}: not the state of a run; start over with --force")
    if about["format"] == 1:
        about["config"] = config_now(about["config"])
    for part, kind in (("settings", TrainingConfig), ("config", Config)):
        check_known(path, "this run was started", about[part], kind)
        defaults = {field.name: field.default for field in fields(kind)}
        about[part] = defaults | about[part]  # an older minis2s knew fewer of them
    for part in ("settings", "units", "min_count", "data", "config"):  # other data would make another config
        if about[part] != wanted[part]:
            raise InputError(f"{path}: {difference(part, about[part], wanted[part])}")


def check_headers(found: Mapping[str, Header], trainer: Trainer) -> None:
    """Raise ValueError if arrays are not of the names, shapes and types of the trainer's, before they are read."""
    wanted = trainer.state()
    shapes = {name: array.shape for name, array in wanted.items()}
    if "history" in found and len(found["history"].shape) == 2:
        shapes["history"] = (min(found["history"].shape[0], len(trainer.points)), len(Report._fields))
    check_shapes(found, shapes)
    for name, array in wanted.items():
        whole = array.dtype.kind == found[name].dtype.kind == "i"  # of another width on another system
        if found[name].dtype != array.dtype and not whole:
            raise ValueError(f"{name} holds {found[name].dtype}, expected {array.dtype}")


def check_values(state: Mapping[str, np.ndarray], trainer: Trainer) -> None:
    """Raise ValueError if numbers are none, or do not fit one another."""
    for name, array in state.items():
        unbounded = name.startswith("optimizer.")  # the squares of large gradients may overflow
        if name != "best_score" and (np.isnan(array).any() if unbounded else not np.isfinite(array).all()):
            raise ValueError(f"{name} holds something else than numbers")
    history = [Report(*row) for row in state["history"].tolist()]
    points = trainer.points[: len(history)]
    if [report.update for report in history] != points:
        raise ValueError("the history is not of the updates that are reported")
    update = points[-1] if points else 0
    if state["update"] != update or state.get("optimizer.t", update) != update:
        raise ValueError(f"update is {state['update']}, but the history ends at {update}")
    scores = [(report.exact_match, -report.valid_loss) for report in history]
    if tuple(state["best_score"].tolist()) != max(scores, default=(-1.0, -np.inf)):
        raise ValueError("best_score is not the best of the history")


def difference(part: str, old: Any, new: Any) -> str:
    """Say what of a run is not as it was started."""
    if part == "data":
        return "this run was started with other pairs; give the same file and seed, or start over with --force"
    if isinstance(new, dict):
        part = next(name for name in new if old[name] != new[name])
        old, new = shown(old[part]), shown(new[part])
    return f"this run was started with {part} {old}, not {new}; give the same, or start over with --force"


def shown(value: Any) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."
