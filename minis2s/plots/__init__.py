"""Every figure. Matplotlib is imported only when something is drawn, and no window is opened."""

from minis2s.plots.attention import attention_map, attention_with_gold, draw_heat_map
from minis2s.plots.checks import bug_matrix, gradient_errors, invariance_map, v_curve
from minis2s.plots.curves import (
    MOST_RUNS,
    exact_match_by_length,
    gradient_flow,
    learning_curves,
    loss_curves,
    score_by_length,
)
from minis2s.plots.figure import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, draw_png, new_figure, png, write_png

__all__ = [
    "BLUE",
    "GREEN",
    "MOST_RUNS",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "attention_map",
    "attention_with_gold",
    "bug_matrix",
    "draw_heat_map",
    "draw_png",
    "exact_match_by_length",
    "gradient_errors",
    "gradient_flow",
    "invariance_map",
    "learning_curves",
    "loss_curves",
    "new_figure",
    "png",
    "score_by_length",
    "v_curve",
    "write_png",
]
