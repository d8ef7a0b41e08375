"""How long is a training step? Forward, backward, clipping and Adam, by every contender.

    python -m tests.benchmarks.training --size S M --threads 1 --fill ragged
    python -m tests.benchmarks.training --profile --size M --out docs/profile.png

With one thread the contenders take turns in one process. With more, each has processes of its own, in turn, because
the waiting threads of one library slow the other. Peak memory is that of a process which runs nothing else, above
what the interpreter and its imports take.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from tests.benchmarks.contenders import NAMES, SIZES, make, make_model, random_batch
from tests.benchmarks.measure import AGREE, SECONDS, interleaved, kernel, resident_mb, table, worker

MODULE = "tests.benchmarks.training"
TURNS = 4  # processes a contender has where contenders do not share one


def work(size: str, fill: str, contenders: list[str], seconds: float, threads: int) -> dict:
    """Make the contenders, check that they compute the same, and time them; what a worker process does."""
    if any(name not in ("ours", "floor") for name in contenders):
        import torch

        torch.set_num_threads(threads)
    B, S, T, E, H, V = SIZES[size]
    for name in contenders:  # what a library takes for itself, whatever the size
        make(name, make_model(2, 2, 8), random_batch(2, 2, 2, 8, fill))()
    before = resident_mb()
    model, batch = make_model(E, H, V), random_batch(B, S, T, V, fill)
    steps = {name: make(name, model, batch) for name in contenders}
    losses = {name: [step() for _ in range(3)] for name, step in steps.items()}
    return {
        "times": interleaved(steps, seconds),
        "losses": losses,
        "tokens": batch.tokens,
        "peak_mb": resident_mb() - before,
    }


def agree(losses: dict[str, list[float]]) -> None:
    """Raise SystemExit unless all contenders but the floor have the same losses."""
    losses = {name: values for name, values in losses.items() if name != "floor"}
    for values in zip(*losses.values()):
        if max(values) - min(values) > AGREE:
            raise SystemExit(f"the contenders do not compute the same: {losses}")


def measure(size: str, fill: str, threads: int, contenders: list[str], seconds: float) -> list[dict]:
    """Return one row a contender."""
    task = {"size": size, "fill": fill}
    alone = {name: worker(MODULE, threads, contenders=[name], seconds=0.0, **task) for name in contenders}
    agree({name: run["losses"][name] for name, run in alone.items()})
    times: dict[str, list[float]] = {name: [] for name in contenders}
    if threads == 1:
        times = worker(MODULE, threads, contenders=contenders, seconds=seconds, **task)["times"]
    else:
        for _ in range(TURNS):
            for name in contenders:
                share = seconds / TURNS / len(contenders)
                times[name] += worker(MODULE, threads, contenders=[name], seconds=share, **task)["times"][name]
    ours, least = min(times["ours"]), min(times.get("floor", [0.0]))
    return [
        {
            "size": size,
            "threads": threads,
            "fill": fill,
            "contender": name,
            "min_ms": min(times[name]),
            "median_ms": statistics.median(times[name]),
            "ratio_to_ours": min(times[name]) / ours,
            "over_floor": min(times[name]) / least if least else None,
            "peak_mb": alone[name]["peak_mb"],
            "tokens_per_s": round(1000 * alone[name]["tokens"] / min(times[name])),
        }
        for name in contenders
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["S", "M", "L"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--fill", nargs="+", choices=("ragged", "full"), default=["ragged"])
    parser.add_argument("--contenders", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--seconds", type=float, help="about so long for each table")
    parser.add_argument("--profile", action="store_true", help="where our own step spends its time, by layer")
    parser.add_argument("--out", type=Path, help="with --profile: a PNG file")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(work(**args.worker)))
        return
    if args.profile:
        from tests.benchmarks.profile import profile

        profile(args.size, args.json, args.out)
        return
    rows = []
    print(kernel(), file=sys.stderr)
    contenders = ["ours", *(name for name in args.contenders if name != "ours")]
    for size in args.size:
        for fill in args.fill:
            for threads in args.threads:
                part = measure(size, fill, threads, contenders, args.seconds or SECONDS[size])
                if not args.json:
                    print(table(part), flush=True)
                rows += part
    if args.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
