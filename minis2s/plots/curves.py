"""Learning curves, and curves over the length of a sentence or the distance in time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minis2s.plots.figure import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, new_figure, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = tuple(zip((BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, "black"), "os^Dv<>"))  # colour and marker
MOST_RUNS = len(LINES)
LOG_PAD = 14  # points: Matplotlib does not make way for numbers between powers of ten


def legend(ax: "Axes", **options: Any) -> None:
    """Add a legend that shows each label as it is: a dollar sign or a leading underscore has no special meaning."""
    lines = [(line, str(line.get_label())) for line in ax.lines]
    lines = [(line, name) for line, name in lines if not name.startswith("_child")]  # what has no label is called so
    names = [short(name) for _, name in lines]
    names = [f" {name}" if name.startswith("_") else name for name in names]  # or Matplotlib leaves it out
    for text in ax.legend([line for line, _ in lines], names, frameon=False, **options).get_texts():
        text.set_parse_math(False)


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
    left.set(xlabel="epoch", yscale="log", title="Loss")
    left.set_ylabel("nats per target token, teacher-forced", labelpad=LOG_PAD)
    legend(left)
    right.plot(epoch, [100 * value for value in history["exact_match"]], color=GREEN, marker="o", markersize=3)
    right.set(xlabel="epoch", ylabel="sentences right as a whole, %", ylim=(-2, 102), title="Exact match, free-running")
    for ax in (left, right):
        ax.set_xlim(left=0)
        ax.grid(alpha=0.25)
    if title:
        figure.suptitle(title)
    return figure


def learning_curves(
    histories: Mapping[str, Mapping[str, Sequence[float]]], title: str = "", against: str = "epoch"
) -> "Figure":
    """Draw the validation loss (left) and the exact match (right) of two or more runs together.

    histories : by label, columns as in history.csv; training losses are thin, dashed lines
    against : the column on the horizontal axis: epoch, update or seconds
    """
    figure, ((left, right),) = new_figure(9.6, 3.8, 1, 2)
    if len(histories) > MOST_RUNS:
        raise ValueError(f"{len(histories)} runs; at most {MOST_RUNS} are told apart")
    for (label, history), (color, marker) in zip(histories.items(), LINES):
        style = {"color": color, "marker": marker, "markersize": 3.5, "label": label}
        left.plot(history[against], history["valid_loss"], **style)
        left.plot(history[against], history["train_loss"], color=color, linestyle="--", linewidth=0.8)
        right.plot(history[against], [100 * value for value in history["exact_match"]], **style)
    left.plot([], [], color="gray", linestyle="--", linewidth=0.8, label="training")
    axis = {"epoch": "epoch", "update": "updates", "seconds": "seconds, validation included"}[against]
    left.set(xlabel=axis, yscale="log", title="Validation loss")
    left.set_ylabel("nats per target token, teacher-forced", labelpad=LOG_PAD)
    right.set(xlabel=axis, ylabel="sentences right as a whole, %", ylim=(-2, 102), title="Exact match, free-running")
    for ax in (left, right):
        ax.set_xlim(left=0)
        ax.grid(alpha=0.25)
    legend(left)
    if title:
        figure.suptitle(title)
    return figure


def exact_match_by_length(
    curves: Mapping[str, Mapping[int, tuple[float, int]]], title: str = "", length: str = "source length"
) -> "Figure":
    """Draw exact match against sentence length, a line a model.

    curves : by label, what ``metrics.exact_match_by_length`` returns
    """
    points: dict[str, Mapping[float, Sequence[float]]] = {
        label: {size: (100 * value, count) for size, (value, count) in curve.items()} for label, curve in curves.items()
    }
    return score_by_length({"sentences right as a whole, %": points}, title, length)


def score_by_length(
    scores: Mapping[str, Mapping[str, Mapping[float, Sequence[float]]]], title: str = "", length: str = "source length"
) -> "Figure":
    """Draw scores from 0 to 100 against sentence length, a panel a score, a line a model.

    scores : by the score's name, then by the model's label, which may be empty, then by length: (score, number of
        sentences) and, if known, the ends of the score's confidence interval, drawn as bars; see ``metrics.by_length``
    """
    figure, (axes,) = new_figure(6 if len(scores) == 1 else 4.8 * len(scores), 3.8, 1, len(scores))
    for ax, (name, curves) in zip(axes, scores.items()):
        for (label, points), (color, marker) in zip(curves.items(), LINES):
            sizes, values = list(points), [point[0] for point in points.values()]
            ax.plot(sizes, values, color=color, marker=marker, label=label)
            ends = [(size, *point[2:]) for size, point in points.items() if len(point) > 2]
            for size, low, high in ends:
                ax.plot([size, size], [low, high], color=color, linewidth=1, marker="_")
        ax.set(xlabel=length, ylabel=name, ylim=(-2, 102))
        ax.locator_params(axis="x", integer=True)
        ax.grid(alpha=0.25)
    if len(scores) == 1:
        axes[0].set_title(title)
    elif title:
        figure.suptitle(title)
    if any(label for curves in scores.values() for label in curves):
        legend(axes[0], loc="lower left")
    return figure


def gradient_flow(curves: Mapping[str, Sequence[float]], title: str = "") -> "Figure":
    """Draw how the norm of the state's gradient falls with the distance from where the loss comes in, a line a cell.

    curves : by label, the norm at distance 0, 1, 2 ... relative to that at 0
    """
    figure, ((ax,),) = new_figure(6, 3.8)
    styles = zip((BLUE, VERMILION, GREEN, PURPLE), ("-", "--", ":", "-."))  # dashes show what a line covers
    for (label, norms), (color, dashes) in zip(curves.items(), styles):
        ax.plot(range(len(norms)), norms, color=color, linestyle=dashes, linewidth=2.5, label=label)
    ax.set(xlabel="steps back in time", ylabel="norm of dL/d(state), at distance 0: 1", yscale="log", title=title)
    ax.grid(alpha=0.25)
    legend(ax)
    return figure
