"""Slopes, factors and transposes that backward gets wrong, as twins of forward: see ``mutants``."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from minis2s.checks.diagnosis.mutants import bent, detached, with_methods
from minis2s.layers import LayerNorm, Linear, ReluAttention
from minis2s.layers.attention import Attention

Bend = Callable[[Any], Any]  # a record to its twin

TANH_SLIPS = {"1 - y": lambda y: 1 - y, "the sigmoid's slope, y (1 - y)": lambda y: y * (1 - y)}


def scaled_scores(part: Any, times: float) -> Any:
    """Multiply the derivative of the scores."""

    def score(right: Callable, *arguments: Any) -> tuple:
        scores, hidden = right(*arguments)
        return detached(scores, times), hidden

    return with_methods(part, score=score)


def transposed_keys(part: Any) -> Any:
    """Take the transpose of the keys' matrix on the way back."""
    M = (part.W_k if hasattr(part, "W_k") else part.W.T).real

    def keys(right: Callable, memory: np.ndarray) -> np.ndarray:
        return right(detached(memory)) + 1j * (memory.imag @ M.T)

    return with_methods(part, keys=keys)


def transposed_query(part: Any) -> Any:
    """Take the transpose of the query's matrix W_q on the way back."""
    turn = part.W_q.real.T @ np.linalg.inv(part.W_q.real)

    def attend(right: Callable, query: np.ndarray, *rest: Any) -> tuple:
        return right(bent(query, 1j * (query.imag @ turn)), *rest)

    return with_methods(part, attend=attend)


def transposed_linear(part: Linear) -> Any:
    """Take the transpose of a linear map's matrix on the way back."""

    def forward(right: Callable, x: np.ndarray) -> tuple:
        y, _ = right(detached(x))
        return y + 1j * (x.imag @ part.W.real.T), x

    return with_methods(part, forward=forward)


def transposes(part: Any, where: str) -> Iterator[tuple[str, Bend]]:
    """Return the twins in which a square matrix is transposed."""
    said = "the matrix {} transposed once too often or too seldom" + where
    for name, bend in (("W", transposed_keys), ("W_k", transposed_keys), ("W_q", transposed_query)):
        W = getattr(part, name, None)
        if isinstance(part, Attention) and W is not None and W.shape[0] == W.shape[1]:
            yield said.format(name), bend
    if isinstance(part, Linear) and part.W.shape[0] == part.W.shape[1]:
        yield said.format("W"), transposed_linear


def score_factors(widths: Iterable[int]) -> dict[float, str]:
    """Return what the derivative of the scores may be multiplied by, and what that is called."""
    named = {-1.0: ["-1 (a wrong sign)"], 2.0: ["2 (counted twice)"]}
    for width in widths:
        named.setdefault(width**0.5, []).append(f"sqrt({width}), as of a width")
        named.setdefault(width**-0.5, []).append(f"1/sqrt({width}), as of a width")
    return {factor: ", or ".join(names) for factor, names in named.items() if factor != 1}


def no_slope(part: Any, of_sigmoid: bool = False) -> Any:
    """Leave the slope of the tanh out that follows a linear map, or take the sigmoid's."""

    def forward(right: Callable, x: np.ndarray) -> tuple:
        a, cache = right(x)
        y = np.tanh(a.real)
        return detached(a, (y * (1 - y) if of_sigmoid else 1.0) / (1 - y * y)), cache

    return with_methods(part, forward=forward)


def no_slope_inside(part: Any, instead: Callable = np.ones_like) -> Any:
    """Leave the slope of an additive score's tanh or ReLU out, or take another one of its result."""

    def activate(right: Callable, hidden: np.ndarray) -> None:
        before = hidden.copy()
        right(hidden)
        hidden[:] = bent(hidden, before * instead(hidden.real))

    return with_methods(part, activation_inplace=activate)


def norm_without(part: LayerNorm, mean: bool = False, length: bool = False, gain: bool = False, power: int = 1) -> Any:
    """Leave a row's mean, its length or the gain out of a layer normalisation's derivative, or divide it otherwise."""

    def forward(right: Callable, x: np.ndarray) -> tuple:
        _, cache = right(x)
        still, (normal, deviation) = right(detached(x))
        d, normal = x.imag, normal.real
        if not mean:
            d = d - d.mean(-1, keepdims=True)
        if not length:
            d = d - normal * (d * normal).mean(-1, keepdims=True)
        return still + 1j * d / deviation.real**power * (1.0 if gain else part.g.real), cache

    return with_methods(part, forward=forward)


def slopes_of(path: str, part: Any, widths: Iterable[int]) -> Iterator[tuple[str, Bend]]:
    """Return the twins that a record of a model allows, by what they say; ``widths``: of the model's arrays."""
    where = f" in {path}" if path else ""
    yield from transposes(part, where)
    if isinstance(part, Attention):
        for times, factor in score_factors(widths).items():
            yield f"a factor of {factor}, on the gradient of the scores{where}", partial(scaled_scores, times=times)
    if hasattr(part, "activation_inplace"):
        yield f"the slope of the score's activation missing{where}, 1 everywhere in its place", no_slope_inside
        if not isinstance(part, ReluAttention):
            for said, slope in TANH_SLIPS.items():
                yield f"{said} in place of 1 - y^2 in the score{where}", partial(no_slope_inside, instead=slope)
    if isinstance(part, Linear) and path.rpartition(".")[2] in ("combine", "linear"):
        yield f"tanh' missing after {path}", no_slope
        yield f"the sigmoid's slope, y (1 - y), in place of 1 - y^2 after {path}", partial(no_slope, of_sigmoid=True)
    if isinstance(part, LayerNorm):
        yield f"the mean of the gradient not taken away{where}", partial(norm_without, mean=True)
        along = "its part along the normalised row not taken away, which the variance holds"
        yield f"the gradient's length kept{where}: {along}", partial(norm_without, length=True)
        yield f"the derivatives of mean and variance missing{where}", partial(norm_without, mean=True, length=True)
        yield f"the gain g missing{where}", partial(norm_without, gain=True)
        yield f"the division by the deviation missing{where}", partial(norm_without, power=0)
        yield f"a division by the deviation once too often{where}", partial(norm_without, power=2)
