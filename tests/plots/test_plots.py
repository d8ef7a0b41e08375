"""Figures: labelled, readable, the same bytes twice, and no burden on those who draw nothing."""

import subprocess
import sys
import warnings
from itertools import pairwise

import numpy as np
import pytest

from minis2s import plots

HISTORY = {"epoch": [0.5, 1.0], "train_loss": [3.0, 0.1], "valid_loss": [2.9, 0.2], "exact_match": [0.0, 0.5]}
CURVES = {"attention": {3: (1.0, 4), 5: (0.5, 2)}, "plain": {3: (0.5, 4), 5: (0.0, 2)}}


def weights(rng, T, S):
    alphas = rng.random((T, S))
    return alphas / alphas.sum(1, keepdims=True)


def make_figures(rng):
    return {
        "loss_curves": plots.loss_curves(HISTORY, "title"),
        "attention_map": plots.attention_map(weights(rng, 3, 2), ["a", "b"], ["x", "y"], "title"),
        "exact_match_by_length": plots.exact_match_by_length(CURVES),
        "gradient_errors": plots.gradient_errors([("gru.W_x", 1e-15), ("gru.b", 0.0), ("v", 0.3)], 1e-12),
    }


def ticks(labels):
    return [label.get_text() for label in labels]


def test_axes_are_labelled(rng):
    for name, figure in make_figures(rng).items():
        assert figure.axes
        for ax in figure.axes:
            colorbar_or_table = ax.get_label() == "<colorbar>" or name == "gradient_errors"
            assert ax.get_ylabel() or colorbar_or_table or ticks(ax.get_yticklabels()), name
            assert ax.get_xlabel() or colorbar_or_table, name


def test_loss_curves_hold_the_history():
    left, right = plots.loss_curves(HISTORY).axes
    np.testing.assert_array_equal(left.lines[0].get_xydata(), np.transpose([HISTORY["epoch"], HISTORY["train_loss"]]))
    np.testing.assert_array_equal(left.lines[1].get_xydata(), np.transpose([HISTORY["epoch"], HISTORY["valid_loss"]]))
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [0.0, 50.0])  # per cent
    assert len(left.get_legend().get_texts()) == 2


def test_attention_map_has_a_tick_for_every_token_at_30_by_15(rng):
    source, target = [f"word{i}" for i in range(30)], [f"wort{i}" for i in range(15)]
    figure = plots.attention_map(weights(rng, 16, 30), source, target)
    ax = figure.axes[0]
    assert ticks(ax.get_xticklabels()) == source
    assert ticks(ax.get_yticklabels()) == [*target, "<eos>"]
    figure.canvas.draw()
    for labels, side in ((ax.get_xticklabels(), 0), (ax.get_yticklabels(), 1)):  # no label lies on its neighbour
        boxes = [label.get_window_extent() for label in labels]
        spans = sorted((box.intervalx if side == 0 else box.intervaly).tolist() for box in boxes)
        assert all(one[1] <= next_one[0] for one, next_one in pairwise(spans))


def test_attention_map_draws_the_weights_the_right_way_up(rng):
    alphas = weights(rng, 3, 5)
    ax = plots.attention_map(alphas, list("abcde"), list("xy")).axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), alphas)
    assert ax.yaxis_inverted()  # the first target token on top


def test_a_space_is_visible(rng):
    ax = plots.attention_map(weights(rng, 2, 3), ["a", " ", "b"], [" ", "x"]).axes[0]
    assert ticks(ax.get_xticklabels()) == ["a", "␣", "b"] and ticks(ax.get_yticklabels()) == ["␣", "x"]


@pytest.mark.parametrize("token", ["$x_$", r"$\foo{$", "$$", r"\n", "<eos>", "{", "_", "%", "a^b"])
def test_tokens_are_text_not_markup(rng, token):
    figure = plots.attention_map(weights(rng, 1, 1), [token], [token])
    assert plots.png(figure).startswith(b"\x89PNG")


def test_letters_without_a_picture_give_no_warning(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.png(plots.attention_map(weights(rng, 2, 2), ["漢", "a"], ["字", "b"]))


def test_exact_match_by_length_draws_a_line_a_model():
    (ax,) = plots.exact_match_by_length(CURVES).axes
    assert ticks(ax.get_legend().get_texts()) == ["attention", "plain"]
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[3, 50], [5, 0]])


def test_gradient_errors_name_every_array(rng):
    ax = make_figures(rng)["gradient_errors"].axes[0]
    assert ticks(ax.get_yticklabels()) == ["gru.W_x", "gru.b", "v"]
    assert ticks(ax.texts) == ["1e-15", "0e+00", "3e-01"]


def test_same_figure_same_bytes():
    one, two = (
        {name: plots.png(figure) for name, figure in make_figures(np.random.default_rng(0)).items()} for _ in range(2)
    )
    assert one == two
    assert all(data.startswith(b"\x89PNG") and len(data) > 1000 for data in one.values())


def test_matplotlib_is_not_imported_before_something_is_drawn():
    code = "import sys, minis2s, minis2s.plots, minis2s.cli; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
