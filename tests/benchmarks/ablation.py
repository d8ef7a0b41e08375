"""What does each technique gain? Our training step with one of them taken out, over our training step.

    python -m tests.benchmarks.ablation --size S M L

Ours and a variant take turns in one process with one thread, after a check that both compute the same gradients; for
"freed memory" each has a process of its own. "Packing" is the same step on a batch of the same shape without padding,
which is what masks would cost; "keys" are computed at each step of the forward pass only.
"""

import argparse
import contextlib
import ctypes
import json
import sys
from collections.abc import Callable
from unittest import mock

import numpy as np

from minis2s import threads_and_memory
from minis2s.layers import cell, embedding, gru, linear, to_vector
from minis2s.layers.attention import Attention
from minis2s.models import bahdanau
from tests.benchmarks.contenders import SIZES, make_model, ours, random_batch
from tests.benchmarks.measure import SECONDS, interleaved, kernel, table, worker

MODULE = "tests.benchmarks.ablation"


def patched(*changes: tuple[object, str, object]) -> Callable[[], contextlib.ExitStack]:
    """Return what makes a context in which these attributes are others."""

    def enter() -> contextlib.ExitStack:
        stack = contextlib.ExitStack()
        for owner, name, value in changes:
            stack.enter_context(mock.patch.object(owner, name, value))
        return stack

    return enter


def sigmoid_by_exp(x: np.ndarray) -> None:
    np.divide(1, 1 + np.exp(-x), out=x)


def sum_rows(x: np.ndarray) -> np.ndarray:
    return x.sum(-2)


def gates_in_turn(d: np.ndarray, W_T: np.ndarray) -> np.ndarray:
    return (d @ W_T).sum(0)


def step_with_gates_in_turn(self, d, activations, dh_new, W_hT):
    """GRU.step_backward_inplace with a product for each gate."""
    _, z, _, _ = activations
    da_r, da_z, da_n, du_n = d
    da_n *= dh_new
    da_z *= dh_new
    da_r *= da_n
    du_n *= da_n
    dh = da_r @ W_hT[0] + da_z @ W_hT[1] + du_n @ W_hT[2]
    dh += dh_new * z
    return dh


def not_copied(W: np.ndarray) -> np.ndarray:
    return W.swapaxes(1, 2)


def keys_of_step(self, query, keys, memory, mask, coverage):
    return keys_of_step.attend(self, query, self.keys(memory), memory, mask, coverage)


def rows_added(self, dx, cache):
    dE = np.zeros(self.E.shape, dx.dtype)
    np.add.at(dE, cache.ids, dx)
    return (embedding.Embedding(dE),)


def output_by_steps(steps: int):
    def forward(self, x):
        return np.concatenate([part @ self.W + self.b for part in np.array_split(x, steps)]), x

    def backward(self, dy, x):
        parts = zip(np.array_split(dy, steps), np.array_split(x, steps))
        both = [(linear.Linear(part_x.T @ part, part.sum(0)), part @ self.W.T) for part, part_x in parts]
        gradient = linear.Linear(sum(g.W for g, _ in both), sum(g.b for g, _ in both))
        return gradient, np.concatenate([dx for _, dx in both])

    return patched((linear.Linear, "forward", forward), (linear.Linear, "backward", backward))


def give_memory_back() -> None:
    """Let the C library do about what it does by itself."""
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(threads_and_memory.M_MMAP_THRESHOLD, 1 << 17)
    mallopt(threads_and_memory.M_TRIM_THRESHOLD, 1 << 17)


def variants(size: str) -> dict[str, Callable[[], contextlib.AbstractContextManager]]:
    keys_of_step.attend = Attention.attend
    return {
        "sigmoid through tanh": patched((gru, "sigmoid_inplace", sigmoid_by_exp)),
        "sum over rows as a product": patched((gru, "sum_rows", sum_rows), (linear, "sum_rows", sum_rows)),
        "gates side by side in backward": patched(
            (gru.GRU, "step_backward_inplace", step_with_gates_in_turn),
            *((module, "through_weights", gates_in_turn) for module in (cell, bahdanau)),
            *((module, "transposed", not_copied) for module in (cell, bahdanau)),
        ),
        "keys once a sentence": patched((Attention, "attend", keys_of_step)),
        "output layer once": output_by_steps(SIZES[size][2]),
        "scatter-add on flat indices": patched((embedding.Embedding, "backward", rows_added)),
    }


def work(size: str, seconds: float, threads: int, keep: bool | None = None) -> dict:
    """Time all variants, or ours alone with freed memory kept or given back; what a worker process does."""
    B, S, T, E, H, V = SIZES[size]
    model, batch = make_model(E, H, V), random_batch(B, S, T, V, "ragged")
    if keep is not None:
        step = ours(model, batch)
        if not keep:
            give_memory_back()
        return {"ms": min(interleaved({"ours": step}, seconds)["ours"])}
    want, step, ratios = to_vector(model.backward(model.loss(batch)[1])), ours(model, batch), {}
    every = variants(size)
    for name, context in every.items():

        def without(context=context) -> None:
            with context():
                step()

        with context():
            gradient = to_vector(model.backward(model.loss(batch)[1]))
        np.testing.assert_allclose(gradient, want, atol=1e-5 * np.abs(want).max())
        ratios[name] = compare(step, without, seconds / len(every))
    ratios["packing"] = compare(step, ours(model, random_batch(B, S, T, V, "full")), seconds / len(every))
    return {"ratios": ratios}


def compare(step: Callable[[], float], without: Callable[[], object], seconds: float) -> float:
    """Return how many times as long the second takes, the two in turn."""
    times = interleaved({"ours": step, "without": without}, seconds)
    return min(times["without"]) / min(times["ours"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["S", "M"])
    parser.add_argument("--seconds", type=float, help="about so long for each size")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(work(**args.worker)))
        return
    print(kernel(), file=sys.stderr)
    rows: dict[str, dict] = {}
    for size in args.size:
        seconds = args.seconds or 4 * SECONDS[size]
        ratios = worker(MODULE, 1, size=size, seconds=seconds)["ratios"]
        kept, given_back = (worker(MODULE, 1, size=size, seconds=seconds / 10, keep=keep)["ms"] for keep in (1, 0))
        for name, ratio in {**ratios, "freed memory kept": given_back / kept}.items():
            rows.setdefault(name, {"taken out": name})[size] = ratio
    print(table(list(rows.values())))


if __name__ == "__main__":
    main()
