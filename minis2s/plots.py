"""Every figure. Matplotlib is imported only when something is drawn, and no window is opened."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, PURPLE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
)  # Okabe & Ito: told apart by colour-blind readers


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple["Figure", np.ndarray]:
    """Return a figure in inches, in the style of all of ours, and its axes as an array (rows, columns)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.ravel():
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def png(figure: "Figure") -> bytes:
    """Return a figure as the bytes of a PNG file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # drawn as a box
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def loss_curves(history: Mapping[str, Sequence[float]], title: str = "") -> "Figure":
    """Draw losses (left) and exact match (right) against epochs.

    history : columns ``epoch``, ``train_loss``, ``valid_loss``, ``exact_match``, as in history.csv
    """
    figure, ((left, right),) = new_figure(9, 3.6, 1, 2)
    epoch = history["epoch"]
    left.plot(
        epoch, history["train_loss"], color=BLUE, marker="o", markersize=3, label="training (mean since the last)"
    )
    left.plot(epoch, history["valid_loss"], color=VERMILION, marker="s", markersize=3, label="validation")
    left.set(xlabel="epoch", ylabel="nats per target token, teacher-forced", yscale="log", title="Loss")
    left.legend(frameon=False)
    right.plot(epoch, [100 * value for value in history["exact_match"]], color=GREEN, marker="o", markersize=3)
    right.set(xlabel="epoch", ylabel="sentences right as a whole, %", ylim=(-2, 102), title="Exact match, free-running")
    for ax in (left, right):
        ax.set_xlim(left=0)
        ax.grid(alpha=0.25)
    if title:
        figure.suptitle(title)
    return figure


def attention_map(alphas: np.ndarray, source: Sequence[str], target: Sequence[str], title: str = "") -> "Figure":
    """Draw attention weights, a row a target token, a column a source token.

    alphas : (T, S), rows sum to 1. The tokens may lack the end signs; these are then labelled <eos>.
    """
    steps, positions = np.shape(alphas)
    turned = max(map(len, source)) > 1  # characters stand upright, words are turned
    source = [*source, *["<eos>"] * (positions - len(source))]
    target = [*target, *["<eos>"] * (steps - len(target))]
    longest = max(map(len, source))
    figure, ((ax,),) = new_figure(max(3.6, 1.9 + 0.3 * len(source)), max(2.6, 1.0 + 0.3 * len(target) + 0.08 * longest))
    draw_heat_map(ax, np.asarray(alphas), source, target, turned=turned)
    ax.set(xlabel="source", ylabel="translation")
    ax.figure.colorbar(ax.images[0], ax=ax, label="attention weight", shrink=0.8, pad=0.02)
    if title:
        ax.set_title(title)
    return figure


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


def exact_match_by_length(
    curves: Mapping[str, Mapping[int, tuple[float, int]]], title: str = "", length: str = "source length"
) -> "Figure":
    """Draw exact match against sentence length, a line a model.

    curves : by label, what ``metrics.exact_match_by_length`` returns
    """
    figure, ((ax,),) = new_figure(6, 3.8)
    for (label, points), color, marker in zip(curves.items(), (BLUE, VERMILION, GREEN), "os^"):
        ax.plot(list(points), [100 * value for value, _ in points.values()], color=color, marker=marker, label=label)
    ax.set(xlabel=length, ylabel="sentences right as a whole, %", ylim=(-2, 102), title=title)
    ax.grid(alpha=0.25)
    ax.legend(frameon=False, loc="lower left")
    return figure


def gradient_flow(curves: Mapping[str, Sequence[float]], title: str = "") -> "Figure":
    """Draw how the norm of the state's gradient falls with the distance from where the loss comes in, a line a cell.

    curves : by label, the norm at distance 0, 1, 2 ... relative to that at 0
    """
    figure, ((ax,),) = new_figure(6, 3.8)
    styles = zip((BLUE, VERMILION, GREEN, PURPLE), ("-", "--", "-", "-."))  # dashes show what a line covers
    for (label, norms), (color, dashes) in zip(curves.items(), styles):
        ax.plot(range(len(norms)), norms, color=color, linestyle=dashes, linewidth=2.5, label=label)
    ax.set(xlabel="steps back in time", ylabel="norm of dL/d(state), at distance 0: 1", yscale="log", title=title)
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)
    return figure


def gradient_errors(rows: Sequence[tuple[str, float]], tolerance: float, title: str = "") -> "Figure":
    """Draw the relative error of every array's gradient as a heat map on a scale of powers of ten.

    rows : (name of the array, largest relative error), such as ``(row.array, row.max_relative_error)`` of a report
    """
    from matplotlib.colors import TwoSlopeNorm

    floor = 1e-17  # an error of exactly 0 has no logarithm
    exponents = np.log10([[min(max(error, floor), 10.0)] for _, error in rows])
    figure, ((ax,),) = new_figure(4.8, 1.1 + 0.24 * len(rows))
    middle = np.log10(tolerance)
    norm = TwoSlopeNorm(vcenter=middle, vmin=min(-17, middle - 1), vmax=1)
    image = ax.imshow(exponents, cmap="RdBu_r", norm=norm, aspect="auto")
    ax.set_xticks([])
    ax.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    for i, (_, error) in enumerate(rows):
        dark = abs(norm(exponents[i, 0]) - 0.5) > 0.3  # the ends of the scale need light letters
        ax.text(0, i, f"{error:.0e}", ha="center", va="center", fontsize=8, color="white" if dark else "black")
    ax.spines[:].set_visible(False)
    ax.set_title(title or "Gradient against its check", loc="right")
    figure.colorbar(image, ax=ax, label="log10 of the largest relative error; white = tolerance")
    return figure


def bug_matrix(
    bugs: Sequence[str], checks: Sequence[str], convicted: np.ndarray, exact_match: Sequence[float], title: str = ""
) -> "Figure":
    """Draw which check convicts which bug, in blue, and what each bug reaches in training, on panels side by side.

    bugs : names of the R rows
    checks : the letters of the C columns, which stand in the blue cells, too, for eyes that see no blue
    convicted : (R, C) bool
    exact_match : of each bug after training, a fraction; vermilion from 0.95 on, where training hides what is convicted
    """
    from matplotlib.colors import to_rgb

    panels = 1 if len(bugs) <= 40 else 2
    size = -(-len(bugs) // panels)
    figure, (axes,) = new_figure(7.2 * panels, 1.2 + 0.235 * size, 1, panels)
    for ax, start in zip(axes, range(0, len(bugs), size)):
        part = slice(start, start + size)
        cells = np.where(np.asarray(convicted)[part, :, None], to_rgb(BLUE), to_rgb("white"))
        hidden = (np.asarray(exact_match)[part] >= 0.95) & np.asarray(convicted)[part].any(1)
        last = np.where(hidden[:, None], to_rgb(VERMILION), to_rgb("#eeeeee"))
        ax.imshow(np.concatenate([cells, last[:, None]], axis=1), aspect="auto", interpolation="nearest")
        for i, j in np.argwhere(np.asarray(convicted)[part]):
            ax.text(j, i, checks[j], ha="center", va="center", fontsize=9, color="white", weight="bold")
        for i, value in enumerate(exact_match[part]):
            color = "white" if hidden[i] else "black"
            ax.text(len(checks), i, f"{100 * value:.0f}", ha="center", va="center", fontsize=9, color=color)
        ax.set_xticks(range(len(checks) + 1), [*checks, "EM"], fontsize=10)
        ax.set_yticks(range(len(bugs[part])), bugs[part], fontsize=10)
        ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        ax.set_xticks(np.arange(len(checks) + 2) - 0.5, minor=True)
        ax.set_yticks(np.arange(len(bugs[part]) + 1) - 0.5, minor=True)
        ax.grid(which="minor", color="#dddddd", linewidth=0.5)
        ax.tick_params(which="minor", length=0)
        ax.set_xlabel("EM: exact match after training, %", fontsize=10)
    if title:
        figure.suptitle(title)
    return figure


def v_curve(curve: Any, title: str = "") -> "Figure":
    """Draw the error of numerical derivatives against their step.

    curve : what ``checks.v_curve`` returns
    """
    figure, ((ax,),) = new_figure(6, 3.8)
    floor = 1e-17  # an error of exactly 0 has no logarithm
    styles = {"central": (VERMILION, "s", "-", "central difference"), "complex": (BLUE, "o", "--", "complex step")}
    for name, (color, marker, dashes, label) in styles.items():
        errors = [max(error, floor) for error in getattr(curve, name)]
        ax.plot(curve.step, errors, color=color, marker=marker, linestyle=dashes, markersize=4, label=label)
    ax.set(xscale="log", yscale="log", xlabel="step", ylabel="largest relative error", title=title)
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)
    return figure
