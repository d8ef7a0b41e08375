"""Attention weights as heat maps."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minis2s.errors import InputError
from minis2s.plots.figure import VERMILION, new_figure, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TOKENS = 200  # of a side: 8,000 dots; memory grows with its square


def attention_map(alphas: np.ndarray, source: Sequence[str], target: Sequence[str], title: str = "") -> "Figure":
    """Draw attention weights, a row a target token, a column a source token.

    alphas : (T, S), rows sum to 1. The tokens may lack the end signs; these are then labelled <eos>.
    """
    figure, ax = weights_figure(alphas, source, target, title)
    ax.set_ylabel("translation")
    return figure


def attention_with_gold(
    alphas: np.ndarray,
    source: Sequence[str],
    target: Sequence[str],
    gold: Collection[tuple[int, int]],
    title: str = "",
) -> "Figure":
    """Draw attention weights as ``attention_map`` does, gold links as outlined cells, each row's largest as a dot.

    alphas : (T, S) on the reference. Tokens may lack the end signs, which have no gold link and get no dot.
    gold : (source token, target token), counted from 0
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    figure, ax = weights_figure(alphas, source, target, title, extra=0.4)
    ax.set_ylabel("reference")
    cell: dict[str, Any] = {"fill": False, "edgecolor": VERMILION, "linewidth": 1.8}
    for i, j in gold:
        ax.add_patch(Rectangle((i - 0.44, j - 0.44), 0.88, 0.88, **cell))
    largest = np.asarray(alphas)[: len(target), : len(source)].argmax(1)
    ax.plot(largest, range(len(target)), linestyle="", marker="o", markersize=4.5, color="black", mec="white", mew=0.8)
    dot = Line2D([], [], linestyle="", marker="o", markersize=4.5, color="black", mec="white", mew=0.8)
    figure.legend(
        [Rectangle((0, 0), 1, 1, **cell), dot],
        ["gold link", "largest, <eos> left out"],
        loc="outside lower left",
        frameon=False,
        ncols=2,
    )
    return figure


def weights_figure(
    alphas: np.ndarray, source: Sequence[str], target: Sequence[str], title: str, extra: float = 0.0
) -> tuple["Figure", "Axes"]:
    """Return a figure of attention weights (T, S) and its axes; ``extra`` inches of height are for a legend."""
    steps, positions = np.shape(alphas)
    if max(steps, positions) > MOST_TOKENS:
        raise InputError(f"{max(steps, positions):,} tokens are too many to draw; at most {MOST_TOKENS}")
    turned = max(map(len, source), default=0) > 1  # characters stand upright, words are turned
    source = [*map(short, source), *["<eos>"] * (positions - len(source))]
    target = [*map(short, target), *["<eos>"] * (steps - len(target))]
    longest = max(map(len, source))
    height = max(2.6, 1.0 + 0.3 * len(target) + 0.08 * longest) + extra
    figure, ((ax,),) = new_figure(max(3.6, 1.9 + 0.3 * len(source)), height)
    draw_heat_map(ax, np.asarray(alphas), source, target, turned=turned)
    ax.set_xlabel("source")
    figure.colorbar(ax.images[0], ax=ax, label="attention weight", shrink=0.8, pad=0.02)
    if title:
        ax.set_title(title)
    return figure, ax


def draw_heat_map(
    ax: "Axes", values: np.ndarray, columns: Sequence[str], rows: Sequence[str], turned: bool = False
) -> None:
    """Draw values (rows, columns) between 0 (white) and 1 (dark), with a label at each row and column."""
    ax.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    visible = {" ": "␣"}
    plain = {"parse_math": False}  # a dollar sign is a dollar sign
    ax.set_xticks(range(len(columns)), [visible.get(c, c) for c in columns], rotation=90 if turned else 0, **plain)
    ax.set_yticks(range(len(rows)), [visible.get(row, row) for row in rows], **plain)
    ax.xaxis.set_label_position("top")
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    ax.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="#dddddd", linewidth=0.5)
    ax.tick_params(which="minor", length=0)
