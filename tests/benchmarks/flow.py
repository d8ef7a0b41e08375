"""How far does a gradient reach? Its norm against the distance in steps, for the cells of the family.

    python -m tests.benchmarks.flow --out docs/gradient_flow.png

A decoder without attention sees the last state of the source only, so the gradient of the loss has to travel back
through the encoder's cell to reach an early token. The norm of dL/dh_t (of an LSTM: of h and c together) is taken over
a batch of random sources of 50 tokens, relative to the norm at the last token; weights as training starts with.
"""

import argparse
from pathlib import Path

import numpy as np

from minis2s import plots
from minis2s.data.batches import make_batch
from minis2s.data.vocabulary import SPECIAL
from minis2s.layers import CELLS
from minis2s.models import Config, Seq2Seq
from minis2s.training.gradient_norms import gradient_flow
from tests.benchmarks.measure import table

LENGTH, B, V, SEEDS = 50, 64, 30, 5
DISTANCES = (0, 1, 5, 10, 20, 30, 49)


def norms(cell: str, seed: int) -> np.ndarray:
    """Return the norm at each distance from the last token, (LENGTH,), the nearest first."""
    rng = np.random.default_rng(seed)
    sources = rng.integers(len(SPECIAL), V, (B, LENGTH)).tolist()
    batch = make_batch(sources, [source[:1] for source in sources])  # the first token, farthest away, is asked for
    model = Seq2Seq.init(rng, Config(V, V, hidden=64, attention="none", cell=cell))
    flow = gradient_flow(model, batch)
    found = np.hypot(flow["encoder"], flow.get("encoder.c", 0.0))[::-1]  # of an LSTM, both paths
    return found / found[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a PNG file")
    args = parser.parse_args()
    curves = {cell: np.exp(np.mean([np.log(norms(cell, seed)) for seed in range(SEEDS)], axis=0)) for cell in CELLS}
    print(table([{"distance": str(d), **{cell: f"{curves[cell][d]:.1e}" for cell in CELLS}} for d in DISTANCES]))
    if args.out:
        args.out.write_bytes(plots.png(plots.gradient_flow(curves, "Weights as training starts with")))


if __name__ == "__main__":
    main()
