"""Figures of translations: attention beside gold links, scores by length, runs together."""

import numpy as np
import pytest

from minis2s import plots
from tests.plots.test_plots import HISTORY, ticks, weights

OTHER = {"epoch": [1, 2], "update": [7, 14], "seconds": [3.0, 6.0], "train_loss": [1.0, 0.3], "valid_loss": [2.0, 0.4]}
OTHER |= {"exact_match": [0.25, 1.0]}
BY_LENGTH = {"GRU": {3: (90.0, 4, 80.0, 95.0), 7: (50.0, 2)}, "plain": {3: (70.0, 4), 7: (10.0, 2)}}


def test_gold_links_are_outlined_and_the_largest_weight_dotted(rng):
    alphas = weights(rng, 4, 6)  # the last row and column are of the end signs
    gold = [(0, 2), (1, 0), (4, 1), (0, 1)]
    figure = plots.attention_with_gold(alphas, list("abcde"), list("xyz"), gold)
    ax = figure.axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), alphas)
    middles = [tuple((patch.get_xy() + np.array([0.44, 0.44])).round(6)) for patch in ax.patches]
    assert middles == gold
    (dots,) = ax.lines
    np.testing.assert_array_equal(dots.get_xydata(), [(row[:5].argmax(), j) for j, row in enumerate(alphas[:3])])
    assert ticks(figure.legends[0].get_texts()) == ["gold link", "largest, <eos> left out"]
    assert ticks(ax.get_yticklabels()) == [*"xyz", "<eos>"] and ax.get_ylabel() == "reference"


def test_scores_by_length_have_a_panel_a_score_and_a_line_a_model():
    figure = plots.score_by_length({"BLEU (words)": BY_LENGTH, "chrF": BY_LENGTH}, "both", "words")
    assert [ax.get_ylabel() for ax in figure.axes] == ["BLEU (words)", "chrF"]
    left = figure.axes[0]
    lines = {line.get_label(): line.get_xydata().tolist() for line in left.lines}
    assert lines["GRU"] == [[3, 90], [7, 50]] and lines["plain"] == [[3, 70], [7, 10]]
    bars = [line.get_xydata().tolist() for line in left.lines if line.get_label().startswith("_")]
    assert bars == [[[3, 80], [3, 95]]]  # only where the interval is known
    assert ticks(left.get_legend().get_texts()) == ["GRU", "plain"] and left.get_xlabel() == "words"


def test_one_model_without_a_label_needs_no_legend():
    (ax,) = plots.score_by_length({"BLEU": {"": BY_LENGTH["GRU"]}}, "title").axes
    assert ax.get_legend() is None and ax.get_title() == "title"


@pytest.mark.parametrize("against, axis", [("epoch", "epoch"), ("update", "updates"), ("seconds", "seconds")])
def test_learning_curves_hold_the_histories(against, axis):
    first = HISTORY | {"update": [3, 6], "seconds": [1.0, 2.0]}
    figure = plots.learning_curves({"one": first, "other": OTHER}, against=against)
    left, right = figure.axes
    for run, history in (("one", first), ("other", OTHER)):
        valid, match = (next(line for line in ax.lines if line.get_label() == run) for ax in (left, right))
        np.testing.assert_array_equal(valid.get_xydata(), np.transpose([history[against], history["valid_loss"]]))
        np.testing.assert_array_equal(match.get_ydata(), [100 * value for value in history["exact_match"]])
        assert valid.get_color() == match.get_color()
        train = [line for line in left.lines if line.get_color() == valid.get_color() and line is not valid]
        np.testing.assert_array_equal(train[0].get_ydata(), history["train_loss"])
    assert ticks(left.get_legend().get_texts()) == ["one", "other", "training"]
    assert left.get_xlabel().startswith(axis) and left.get_yscale() == "log"


def test_as_many_runs_as_colours():
    runs = {str(i): HISTORY for i in range(plots.MOST_RUNS)}
    colors = {line.get_color() for line in plots.learning_curves(runs).axes[1].lines}
    assert len(colors) == plots.MOST_RUNS
    with pytest.raises(ValueError, match="8 runs; at most 7"):
        plots.learning_curves(runs | {"more": HISTORY})


def test_numbers_between_powers_of_ten_do_not_lie_on_the_label():
    history = HISTORY | {"train_loss": [0.9, 0.16], "valid_loss": [0.8, 0.15]}
    for figure in (plots.loss_curves(history), plots.learning_curves({"run": history})):
        figure.canvas.draw()
        axis = figure.axes[0].yaxis
        numbers = [label for label in axis.get_ticklabels(which="minor") if label.get_text()]
        assert numbers and all(axis.label.get_window_extent().x1 <= number.get_window_extent().x0 for number in numbers)


def test_same_figure_same_bytes():
    def draw():
        alphas = weights(np.random.default_rng(0), 3, 3)
        yield plots.attention_with_gold(alphas, ["one", "two"], ["x", "y"], [(0, 0)], "title")
        yield plots.score_by_length({"BLEU": BY_LENGTH})
        yield plots.learning_curves({"one": HISTORY, "other": OTHER})

    assert [plots.png(figure) for figure in draw()] == [plots.png(figure) for figure in draw()]
