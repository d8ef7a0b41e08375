"""How do the time and the memory of a training step grow? And does memory stay flat while training goes on?

    python -m tests.benchmarks.growth --out docs/growth.png
    python -m tests.benchmarks.growth --flat

One of hidden size, length, batch and vocabulary grows by a factor of 16, the others stay at its middle value; batches
have no padding, so work grows exactly as the table says. Time is the minimum over rounds in which the five points take
turns. Memory is the peak of a process that makes three updates of one point and nothing else, above what the
interpreter and its imports take. A slope is that of log cost against log value: 1 = in proportion, 2 = its square.
"""

import argparse
import json
import os
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from minis2s import plots
from minis2s.files import write_file
from minis2s.threads_and_memory import prepare_process
from minis2s.training.loop import Trainer, TrainingConfig
from tests.benchmarks.contenders import SIZES, Step, make, make_model, random_batch
from tests.benchmarks.data import random_examples
from tests.benchmarks.measure import resident_mb, table, worker

MODULE = "tests.benchmarks.growth"
EMBEDDING = 64
MIDDLE = {"hidden": 128, "length": 20, "batch": 32, "vocabulary": 2000}
LABELS = {
    "hidden": "hidden size",
    "length": "steps of source and target",
    "batch": "pairs in a batch",
    "vocabulary": "vocabulary, each side",
}
FACTORS = (1 / 4, 1 / 2, 1, 2, 4)
LAST = 3  # points of the slope that small sizes, where calls cost more than arithmetic, have no part in
COSTS = {"min_ms": "time of a step, ms", "peak_mb": "peak memory, MB"}
STATM = Path("/proc/self/statm")  # Linux: sizes of this process in pages, the second the resident one


def make_step(hidden: int, length: int, batch: int, vocabulary: int) -> Step:
    """Return the training step of one point."""
    return make(
        "ours", make_model(EMBEDDING, hidden, vocabulary), random_batch(batch, length, length, vocabulary, "full")
    )


def work(points: list[dict[str, int]], rounds: int, share: float, threads: int) -> dict:
    """Time the points in turn, each for about ``share`` seconds a round; what a worker process does."""
    before = resident_mb() if find_spec("resource") else None
    steps = [make_step(**point) for point in points]
    best = [np.inf] * len(points)
    for _ in range(rounds):
        for i, step in enumerate(steps):
            for _ in range(2):  # the point before has filled the caches with its own arrays
                step()
            end = time.perf_counter() + share
            while (start := time.perf_counter()) < end or np.isinf(best[i]):
                step()
                best[i] = min(best[i], 1000 * (time.perf_counter() - start))
    return {"min_ms": best, "peak_mb": None if before is None else resident_mb() - before}


def grow(axis: str, quick: bool) -> list[dict]:
    """Return one row a value of ``axis``."""
    middle = {name: max(value // 4, 8) for name, value in MIDDLE.items()} if quick else MIDDLE
    points = [{**middle, axis: round(factor * middle[axis])} for factor in FACTORS]
    rounds, share = (2, 0.02) if quick else (8, 0.4)
    times = worker(MODULE, 1, points=points, rounds=rounds, share=share)["min_ms"]
    alone = [worker(MODULE, 1, points=[point], rounds=1, share=0.0)["peak_mb"] for point in points]
    return [
        {"what_grows": axis, "value": point[axis], "min_ms": ms, "peak_mb": mb}
        for point, ms, mb in zip(points, times, alone)
    ]


def slope(rows: list[dict], cost: str, last: int = 0) -> float | None:
    """Return the slope of log ``cost`` against log value, by least squares; None where it was not measured."""
    values, costs = ([row[name] for row in rows[-last:]] for name in ("value", cost))
    return None if None in costs else float(np.polyfit(np.log(values), np.log(costs), 1)[0])


def slopes(axis: str, rows: list[dict]) -> dict:
    """Return one row of the table of slopes."""
    return {
        "what_grows": axis,
        "time_all": slope(rows, "min_ms"),
        "time_last": slope(rows, "min_ms", LAST),
        "memory_all": slope(rows, "peak_mb"),
        "memory_last": slope(rows, "peak_mb", LAST),
    }


def draw(lines: dict[str, list[dict]], path: Path) -> None:
    """Draw a column for what grows, a row for each cost that was measured, both scales logarithmic."""
    costs = [cost for cost in COSTS if next(iter(lines.values()))[0][cost] is not None]
    figure, axes = plots.new_figure(11, 0.4 + 2.7 * len(costs), len(costs), len(lines))
    for cost, row in zip(costs, axes):
        every = [point[cost] for rows in lines.values() for point in rows]
        limits = min(every) / 1.6, max(every) * 1.6
        ticks = [t for e in range(-3, 7) for t in (10.0**e, 2 * 10.0**e, 5 * 10.0**e) if limits[0] < t < limits[1]]
        for (axis, rows), ax in zip(lines.items(), row):
            x, y = [point["value"] for point in rows], [point[cost] for point in rows]
            ax.set(xscale="log", yscale="log", ylim=limits)
            ax.plot(x, y, color=plots.BLUE, marker="o", linestyle="none", label="measured")
            steep, high = np.polyfit(np.log(x[-LAST:]), np.log(y[-LAST:]), 1)
            label = f"slope {steep:.2f}, last {LAST} points"
            ax.plot(x, np.exp(high) * np.power(x, steep), color=plots.VERMILION, linestyle="--", label=label, zorder=1)
            ax.set_xticks(x, [f"{value:,}" for value in x])
            ax.set_yticks(ticks, [f"{tick:,g}" for tick in ticks])
            ax.minorticks_off()
            ax.grid(alpha=0.25)
            ax.legend(frameon=False, loc="upper left", fontsize=8)
            ax.set_xlabel(LABELS[axis])
        row[0].set_ylabel(COSTS[cost])
    figure.suptitle("One training step on one thread; in each column the rest stays at the middle value")
    write_file(path, lambda file: file.write(plots.png(figure)))


def resident_now() -> float:
    """Return the resident size of this process in MB."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def flat(size: str, updates: int) -> dict:
    """Train on ragged, shuffled batches, validation included; watch the resident size from early on to the end."""
    B, S, T, E, H, V = SIZES[size]
    train, valid = random_examples(50 * B, S, T, V), random_examples(B, S, T, V, seed=1)
    epochs = -(-updates // 50)
    prepare_process()
    trainer = Trainer(make_model(E, H, V), train, valid, TrainingConfig(epochs=epochs, batch=B))
    sizes = {}
    for update in [min(100, updates // 20), *(updates * k // 10 for k in range(1, 11))]:
        trainer.run_to(update)
        sizes[update] = resident_now()
    first, *later = sizes.values()
    change = max((mb - first for mb in later), key=abs) / first * 100
    return {"size": size, "resident_mb": sizes, "largest_change_percent": change, "flat": abs(change) <= 2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a PNG file")
    parser.add_argument("--quick", action="store_true", help="try the script: small sizes, few rounds and updates")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--flat", action="store_true", help="resident size over many updates")
    parser.add_argument("--updates", type=int, default=5000, help="with --flat, at least 40 (default: %(default)s)")
    parser.add_argument("--size", choices=("S", "M"), default="M", help="with --flat (default: %(default)s)")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(work(**args.worker)))
    elif args.flat:
        if not STATM.exists():
            raise SystemExit(f"{STATM} is absent: the resident size is read there, on Linux only")
        if args.updates < 40:
            parser.error(f"--updates is {args.updates}; 40 is the least")
        result = flat("S" if args.quick else args.size, 200 if args.quick else args.updates)
        if args.json:
            print(json.dumps(result))
            return
        print(table([{"update": update, "resident_mb": mb} for update, mb in result["resident_mb"].items()]))
        verdict = "within 2 %" if result["flat"] else "not within 2 %"
        print(f"largest change since the first: {result['largest_change_percent']:+.2f} %, {verdict}")
    else:
        lines = {axis: grow(axis, args.quick) for axis in MIDDLE}
        points = [row for rows in lines.values() for row in rows]
        steep = [slopes(axis, rows) for axis, rows in lines.items()]
        print(json.dumps({"points": points, "slopes": steep}) if args.json else f"{table(points)}\n\n{table(steep)}")
        if args.out:
            draw(lines, args.out)


if __name__ == "__main__":
    main()
