"""The sets of places and the parts of a sum that a bug may have confused with all of it."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from minis2s.layers.packing import sentence_of, step_slices


def size_factors(sizes: Mapping[str, int]) -> dict[str, float]:
    """Return the factors that sizes such as B, T and N (real tokens) make, by what they are called."""
    named: dict[str, float] = {}
    for name, size in sizes.items():
        named[f"1/{name} with {name} = {size}"] = 1 / size
        named[f"{name} with {name} = {size}"] = float(size)
    for (a, n), (b, m) in combinations(sizes.items(), 2):
        if "N" not in (a[0], b[0]):
            for count, N in sizes.items():
                if count[0] == "N":
                    said = f"with {count} = {N} real tokens against {a} {b} = {n * m} places"
                    named |= {f"{count}/({a} {b}) {said}": N / (n * m), f"({a} {b})/{count} {said}": n * m / N}
            named |= {f"1/({a} {b}) = 1/{n * m}": 1 / (n * m), f"{a} {b} = {n * m}": float(n * m)}
        else:
            named |= {f"{a}/{b} = {n}/{m}": n / m, f"{b}/{a} = {m}/{n}": m / n}
    return named


def place_sets(steps: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Return sets of real places, bool, from the step of each place and the length of its sentence."""
    real, last = steps < lengths, steps == lengths - 1
    return {
        "the first step, t = 0: a first step or first state that backward treats otherwise": steps == 0,
        "the last step of each sentence: an end that backward treats otherwise": last,
        f"the last step of the longest, t = {lengths.max() - 1}: a loop that starts or ends one step off": last
        & (lengths == lengths.max()),
        "every step but the last of each sentence: what is carried back from the step after missing or wrong": real
        & ~last,
        "every step but the first: a loop that ends one step early": real & (steps > 0),
    } | {name: where & real for name, where in ending_sets(lengths).items()}


def ending_sets(lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Return the places of the sentences that end early and of those that do not."""
    short = lengths < lengths.max()
    return {
        "sentences shorter than the longest: gradients that are lost or mixed up where a sentence ends early": short,
        "sentences as long as the longest: ends of sentences that backward treats otherwise": ~short,
    }


def parts_of_outputs(jacobian: np.ndarray, sizes: Sequence[int]) -> dict[str, np.ndarray]:
    """Return the gradients from each output alone and from all but one; the last axis holds the outputs."""
    parts = [part.sum(-1) for part in np.split(jacobian, np.cumsum(sizes)[:-1], axis=-1)]
    named = {f"no path from output {i + 1} of forward": sum(parts) - part for i, part in enumerate(parts)}
    if len(parts) == 2:  # without the one is by the other alone
        return named
    return named | {f"a path from output {i + 1} of forward alone": part for i, part in enumerate(parts)}


def last_slopes(jacobian: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradients without the slope of a tanh or sigmoid at the end of forward, whose output is y."""
    named, y = {}, y.ravel()
    if (np.abs(y) < 1).all():
        named["tanh' missing, 1 - y^2 with the output y"] = (jacobian / (1 - y * y)).sum(-1)
    if ((y > 0) & (y < 1)).all():
        named["sigmoid' missing, y (1 - y) with the output y"] = (jacobian / (y * (1 - y))).sum(-1)
    return named


def parts_of_rows(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return what single rows of the output give; the last axis holds the rows."""
    return {
        "row 0 alone: a sum over the rows is missing": rows[..., 0],
        "the last row alone: = over the rows where += is needed": rows[..., -1],
        "all rows but row 0: a loop or slice that starts one row late": rows[..., 1:].sum(-1),
        "all rows but the last: a loop or slice that ends one row early": rows[..., :-1].sum(-1),
    }


def parts_of_steps(
    rows: np.ndarray, uses: np.ndarray | None, batch_sizes: Sequence[int], is_input: bool
) -> dict[str, np.ndarray]:
    """Return what single sentences and steps of packed sequences give.

    rows : (..., N), from each row of the output. uses : (T, ..., 2, B), by the step at which the array is used, from
    that step's own output and from the outputs after it, by sentence; or None.
    """
    sentence, steps = sentence_of(batch_sizes), step_slices(batch_sizes)
    named = {
        "the outputs of t = 0 alone: later outputs are left out": rows[..., steps[0]].sum(-1),
        f"the outputs of t = {len(batch_sizes) - 1} alone: earlier outputs are left out": rows[..., steps[-1]].sum(-1),
    }
    if not is_input:
        named["sentence 0 alone: a sum over the batch is missing"] = rows[..., sentence == 0].sum(-1)
        named["all sentences but sentence 0: a slice that starts late"] = rows[..., sentence > 0].sum(-1)
    if uses is None:
        return named
    own = uses[..., 0, :].sum((0, -1))
    named = {"each step's own output alone: nothing is carried back through time": own} | {
        cause: part for cause, part in named.items() if not np.allclose(part, own)
    }  # a first state is used at t = 0 only
    if not is_input:
        by_step = uses.sum((-2, -1))  # (T, ...)
        single = "= over time where += is needed, or a sum over time is missing"
        named |= {
            "row 0 alone: a sum over batch and time is missing": uses[0, ..., 0].sum(-1),
            f"t = 0 alone: {single}": by_step[0],
            f"t = {len(batch_sizes) - 1} alone: {single}": by_step[-1],
            "all steps but t = 0: the first step is left out, or its state is taken as 0": by_step[1:].sum(0),
            f"all steps but t = {len(batch_sizes) - 1}: the last step is left out": by_step[:-1].sum(0),
        }
    return named
