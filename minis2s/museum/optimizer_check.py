"""Check S: a few updates, against the optimizers' formulas written out number by number."""

import math
from collections.abc import Callable

import numpy as np

from minis2s.layers.linear import Linear
from minis2s.layers.record import on_vector, to_vector
from minis2s.training.loop import TrainingConfig
from minis2s.training.optimizers import CLIPS, OPTIMIZERS

RATE, LIMIT = 0.1, 1.0
SCALES = (2.0, 0.1, 0.7, 0.05)  # of the gradients: two are longer than the limit, two are not

Rule = Callable[[float, list[float]], float]  # from a number and its gradients so far to the number after the update


def adam(x: float, gs: list[float]) -> float:
    """Kingma & Ba 2015, algorithm 1, from the definition of both means as sums."""
    t = len(gs)
    m = sum(0.1 * 0.9 ** (t - i) * g for i, g in enumerate(gs, 1)) / (1 - 0.9**t)
    v = sum(0.001 * 0.999 ** (t - i) * g * g for i, g in enumerate(gs, 1)) / (1 - 0.999**t)
    return x - RATE * m / (math.sqrt(v) + 1e-8)


def adamw(x: float, gs: list[float]) -> float:
    """Loshchilov & Hutter 2019, algorithm 2."""
    return adam(x, gs) - RATE * 0.01 * x


def rmsprop(x: float, gs: list[float]) -> float:
    """Tieleman & Hinton 2012."""
    v = sum(0.01 * 0.99 ** (len(gs) - i) * g * g for i, g in enumerate(gs, 1))
    return x - RATE * gs[-1] / (math.sqrt(v) + 1e-8)


def momentum(x: float, gs: list[float]) -> float:
    """Polyak 1964."""
    return x - RATE * sum(0.9 ** (len(gs) - i) * g for i, g in enumerate(gs, 1))


RULES: dict[str, Rule] = {"adam": adam, "adamw": adamw, "rmsprop": rmsprop, "momentum": momentum}


def shortened(gradient: list[float], by: str) -> list[float]:
    """Return a gradient clipped by its norm or by its values."""
    if by == "value":
        return [min(max(g, -LIMIT), LIMIT) for g in gradient]
    norm = math.sqrt(sum(g * g for g in gradient))
    return [g * min(1.0, LIMIT / norm) for g in gradient]


def update_error(settings: TrainingConfig) -> tuple[float, str]:
    """Return the largest difference after some clipped updates of a record of two like arrays, and where it is."""
    rng = np.random.RandomState(0)
    model = (
        Linear(rng.standard_normal((3, 2)), rng.standard_normal(2)),
        Linear(*map(rng.standard_normal, ((3, 2), 2))),
    )
    gradients = [scale * rng.standard_normal(16) for scale in SCALES]
    vector, views = on_vector(model)
    if not np.array_equal(to_vector(views), to_vector(model)):
        return math.inf, "the model is not what it was before it was laid on a vector"
    numbers: list[float] = to_vector(model).tolist()
    optimizer, clipped = OPTIMIZERS[settings.optimizer](vector.size, vector.dtype), []
    for step, gradient in enumerate(gradients, 1):
        clipped.append(shortened(gradient.tolist(), settings.clip_by))
        numbers = [RULES[settings.optimizer](x, [g[i] for g in clipped]) for i, x in enumerate(numbers)]
        given = gradient.copy()
        CLIPS[settings.clip_by](given, LIMIT)
        optimizer.update_inplace(vector, given, RATE)
        error = float(np.abs(to_vector(views) - numbers).max() / np.abs(numbers).max())
        if not error < 1e-9:
            return error, f"update {step} of {settings.optimizer} is not what the formula gives"
    return error, f"{len(gradients)} clipped updates of {settings.optimizer} are as the formula says"
