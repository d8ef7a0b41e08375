"""Figures of the checks: relative errors, the bug matrix, the V curve, differences between outputs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minis2s.plots.figure import BLUE, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    bugs: Sequence[str],
    checks: Sequence[str],
    convicted: np.ndarray,
    exact_match: Sequence[Sequence[float]],
    title: str = "",
) -> "Figure":
    """Draw which check convicts which bug, in blue, and what each bug reaches in training, on panels side by side.

    bugs : names of the R rows
    checks : the letters of the C columns, which also stand in the blue cells, for readers who see no blue
    convicted : (R, C) bool
    exact_match : of each row's bugs after training, fractions; the more vermilion, the more of them reach 0.95, so that
        training hides what is convicted. Of several bugs the row says how many: 18/26
    """
    from matplotlib.colors import to_rgb

    panels = 1 if len(bugs) <= 40 else 2
    size = -(-len(bugs) // panels)
    figure, (axes,) = new_figure(7.2 * panels, 1.2 + 0.235 * size, 1, panels)
    for ax, start in zip(axes, range(0, len(bugs), size)):
        part = slice(start, start + size)
        cells = np.where(np.asarray(convicted)[part, :, None], to_rgb(BLUE), to_rgb("white"))
        hidden = [int((np.array(values) >= 0.95).sum()) for values in exact_match[part]]
        share = [k / len(v) * any(row) for k, v, row in zip(hidden, exact_match[part], convicted[part])]
        last = np.array([s * np.array(to_rgb(VERMILION)) + (1 - s) * np.array(to_rgb("#eeeeee")) for s in share])
        ax.imshow(np.concatenate([cells, last[:, None]], axis=1), aspect="auto", interpolation="nearest")
        for i, j in np.argwhere(np.asarray(convicted)[part]):
            ax.text(j, i, checks[j], ha="center", va="center", fontsize=9, color="white", weight="bold")
        for i, values in enumerate(exact_match[part]):
            said = f"{100 * values[0]:.0f}" if len(values) == 1 else f"{hidden[i]}/{len(values)}"
            color = "white" if share[i] == 1 else "black"
            ax.text(len(checks), i, said, ha="center", va="center", fontsize=9, color=color)
        ax.set_xticks(range(len(checks) + 1), [*checks, "EM"], fontsize=10)
        ax.set_yticks(range(len(bugs[part])), bugs[part], fontsize=10)
        ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        ax.set_xticks(np.arange(len(checks) + 2) - 0.5, minor=True)
        ax.set_yticks(np.arange(len(bugs[part]) + 1) - 0.5, minor=True)
        ax.grid(which="minor", color="#dddddd", linewidth=0.5)
        ax.tick_params(which="minor", length=0)
        several = any(len(values) > 1 for values in exact_match)
        what = "exact match, %; of several bugs, how many reach 95" if several else "exact match after training, %"
        ax.set_xlabel(f"EM: {what}", fontsize=10)
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


def invariance_map(result: Any, tolerance: float = 1e-12) -> "Figure":
    """Draw the map of an ``Invariance`` on a scale of powers of ten: red is wrong, blue right, grey not compared."""
    from matplotlib.colors import TwoSlopeNorm

    if result.map is None:
        raise ValueError(f"{result.name} has no map; it says: {result.where or 'nothing differs'}")
    values, rows, columns = result.map
    exponents = np.log10(np.clip(values, 1e-17, 10))  # a difference of exactly 0 has no logarithm; NaN stays
    figure, ((ax,),) = new_figure(3.8 + 0.42 * len(columns), max(3.6, 1.8 + 0.27 * len(rows)))
    norm = TwoSlopeNorm(vcenter=np.log10(tolerance), vmin=min(-17, np.log10(tolerance) - 1), vmax=1)
    image = ax.imshow(exponents, cmap="RdBu_r", norm=norm, aspect="auto", interpolation="nearest")
    ax.set(facecolor="#cccccc", xticks=range(len(columns)), yticks=range(len(rows)), yticklabels=rows)
    ax.set_xticklabels(columns, rotation=45, ha="right")
    for i, j in np.argwhere(~np.isnan(values)) if values.size <= 400 else []:
        color = "white" if abs(norm(exponents[i, j]) - 0.5) > 0.3 else "black"  # the ends need light letters
        ax.text(j, i, f"{values[i, j]:.0e}" if values[i, j] else "0", ha="center", va="center", fontsize=7, color=color)
    figure.colorbar(image, ax=ax, label="log10 of the relative difference\n(white: tolerance; grey: not compared)")
    figure.suptitle(f"{result.name}\n{result.where}", fontsize=10)
    return figure
