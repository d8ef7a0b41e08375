"""Where our training step spends its time: each layer's own time, without that of the layers it calls."""

import functools
import json
import time
from pathlib import Path

from minis2s import plots
from minis2s.files import write_file
from minis2s.layers import GRU, AdditiveAttention, CrossEntropy, Embedding, Linear
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell
from minis2s.models import BahdanauDecoder, Encoder, EncoderLayer
from minis2s.training import optimizers
from tests.benchmarks import contenders
from tests.benchmarks.contenders import SIZES, make_model, random_batch
from tests.benchmarks.measure import table

PARTS = {  # whose time each function's is: (layer, forward or backward)
    ("embedding", "forward"): [(Embedding, "forward")],
    ("embedding", "backward"): [(Embedding, "backward")],
    ("GRU, both", "forward"): [(Cell, "forward"), (GRU, "project"), (GRU, "step_inplace")],
    ("GRU, both", "backward"): [
        (Cell, "backward"),
        (GRU, "local_gradients"),
        (GRU, "step_backward_inplace"),
        (GRU, "gradient"),
    ],
    ("attention", "forward"): [(AdditiveAttention, "keys"), (Attention, "attend")],
    ("attention", "backward"): [
        (Attention, "attend_backward"),
        (AdditiveAttention, "query_backward"),
        (AdditiveAttention, "gradient"),
    ],
    ("encoder and decoder loops", "forward"): [
        (Encoder, "forward"),
        (EncoderLayer, "forward"),
        (BahdanauDecoder, "forward"),
    ],
    ("encoder and decoder loops", "backward"): [
        (Encoder, "backward"),
        (EncoderLayer, "backward"),
        (BahdanauDecoder, "backward"),
    ],
    ("output layer", "forward"): [(Linear, "forward")],
    ("output layer", "backward"): [(Linear, "backward")],
    ("cross-entropy", "forward"): [(CrossEntropy, "forward")],
    ("cross-entropy", "backward"): [(CrossEntropy, "backward")],
    ("one vector, clipping, Adam", "update"): [
        (contenders, "to_vector"),
        (contenders, "clip_inplace"),
        (optimizers.Adam, "update_inplace"),
    ],
}
STEPS = {"S": 400, "M": 100, "L": 15, "XL": 5}


class Clock:
    """Sums each part's own time: while one part calls another, only the inner one's clock runs."""

    def __init__(self):
        self.own: dict[tuple[str, str], float] = dict.fromkeys(PARTS, 0.0)
        self.running: list[list] = []

    def timed(self, part, function):
        """Return the function with a clock around it."""

        @functools.wraps(function)
        def wrapper(*args):
            now = time.perf_counter()
            if self.running:
                self.own[self.running[-1][0]] += now - self.running[-1][1]
            self.running.append([part, now])
            result = function(*args)
            now = time.perf_counter()
            self.own[part] += now - self.running.pop()[1]
            if self.running:
                self.running[-1][1] = now
            return result

        return wrapper


def profile(sizes: list[str], as_json: bool, out: Path | None) -> None:
    """Print a table a size, or one JSON list; draw a bar chart of the last size."""
    clock = Clock()
    saved = [(owner, name, getattr(owner, name)) for places in PARTS.values() for owner, name in places]
    for part, places in PARTS.items():
        for owner, name in places:
            setattr(owner, name, clock.timed(part, getattr(owner, name)))
    rows = []
    for size in sizes:
        B, S, T, E, H, V = SIZES[size]
        step = contenders.make("ours", make_model(E, H, V), random_batch(B, S, T, V, "ragged"))
        for _ in range(max(1, STEPS[size] // 5)):
            step()
        clock.own = dict.fromkeys(PARTS, 0.0)
        start = time.perf_counter()
        for _ in range(STEPS[size]):
            step()
        whole = time.perf_counter() - start
        clock.own[("everything else", "")] = whole - sum(clock.own.values())
        part = [
            {"size": size, "layer": layer, "pass": way, "ms": 1000 * t / STEPS[size], "percent": 100 * t / whole}
            for (layer, way), t in clock.own.items()
        ]
        if not as_json:
            print(table(part))
        rows += part
    for owner, name, function in saved:
        setattr(owner, name, function)
    if as_json:
        print(json.dumps(rows))
    if out:
        figure = bar_chart([row for row in rows if row["size"] == sizes[-1]], sizes[-1])
        write_file(out, lambda file: file.write(plots.png(figure)))


def bar_chart(rows: list[dict], size: str):
    """Draw one bar a layer, its passes side by side in colours."""
    figure, ((ax,),) = plots.new_figure(7.5, 3.6)
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    colors = {"forward": plots.BLUE, "backward": plots.VERMILION, "update": plots.GREEN, "": "#888888"}
    for way, color in colors.items():
        of_way = {row["layer"]: row["ms"] for row in rows if row["pass"] == way}
        before = [sum(r["ms"] for r in rows if r["layer"] == layer and r["pass"] == "forward") for layer in layers]
        left = [start if way == "backward" else 0.0 for start in before]
        ax.barh(layers, [of_way.get(layer, 0.0) for layer in layers], left=left, color=color, label=way or None)
    ax.invert_yaxis()
    ax.set(xlabel=f"milliseconds of a training step, size {size}, one thread", title="Where the time goes")
    ax.grid(axis="x", alpha=0.25)
    ax.legend(frameon=False)
    return figure
