"""A figure in a notebook, and the slider: what is drawn, when, and what a kernel without them does."""

import base64

import pytest

from minis2s import plots
from minis2s.classroom import live


@pytest.fixture
def shown(monkeypatch):
    """What ``display`` is given, as in a notebook."""
    display = pytest.importorskip("IPython.display", reason="figures are shown by IPython, which jupyter brings")
    bundles = []
    monkeypatch.setattr(display, "display", lambda bundle, metadata, raw: bundles.append({**bundle, "alt": metadata}))
    monkeypatch.setattr(live, "notebook", lambda: True)
    return bundles


def draw(ax, i):
    ax.bar(range(3), [i, 1, 2])
    ax.set(title=f"step {i}")


def test_a_figure_and_its_description(shown):
    figure, ((ax,),) = plots.new_figure(3, 2)
    draw(ax, 1)
    live.show(figure, "Three bars.")
    assert shown[0]["text/plain"] == "[figure] Three bars."
    assert shown[0]["alt"] == {"image/png": {"alt": "Three bars."}}
    assert base64.b64decode(shown[0]["image/png"]) == plots.png(figure)


def figures(monkeypatch):
    made = []
    new_figure = plots.new_figure
    monkeypatch.setattr(plots, "new_figure", lambda *sizes: made.append(new_figure(*sizes)) or made[-1])
    return made


@pytest.mark.parametrize("count, wanted", [(3, [0, 1, 2]), (15, [0, 2, 4, 6, 8, 10, 12, 14]), (1, [0])])
def test_small_multiples(shown, monkeypatch, count, wanted):
    monkeypatch.setenv("MINIS2S_BUILD", "1")
    made = figures(monkeypatch)
    live.steps(draw, count, "Bars.")
    ((figure, axes),) = made
    assert [ax.get_title() for ax in axes.ravel()][: len(wanted)] == [f"step {i}" for i in wanted]
    assert figure.get_figwidth() <= 12 and len(shown) == 1


@pytest.mark.parametrize("built", ["", "1"])
def test_maps_share_one_colour_bar(shown, monkeypatch, built):
    widgets = pytest.importorskip("ipywidgets", reason="sliders are of ipywidgets, which jupyter brings")
    monkeypatch.setenv("MINIS2S_BUILD", built)
    monkeypatch.setattr(widgets, "interact", lambda function, step: function(step.value))
    made = figures(monkeypatch)
    live.steps(lambda ax, i: ax.imshow([[0, i], [1, 2]], vmin=0, vmax=9), 4, "Maps.", bar="weight")
    ((figure, _),) = made
    assert [ax.get_ylabel() for ax in figure.axes][-1] == "weight" and len(figure.axes) == (5 if built else 2)


def test_chosen_steps_leave_no_empty_axes(shown, monkeypatch):
    monkeypatch.setenv("MINIS2S_BUILD", "1")
    made = figures(monkeypatch)
    live.steps(draw, 9, "Bars.", shown=[0, 1, 3, 7, 8])
    ((_, axes),) = made
    assert axes.shape == (2, 4) and [ax.axison for ax in axes.ravel()] == [True] * 5 + [False] * 3


def test_the_slider(shown, monkeypatch):
    widgets = pytest.importorskip("ipywidgets", reason="sliders are of ipywidgets, which jupyter brings")
    monkeypatch.delenv("MINIS2S_BUILD", raising=False)
    calls = []
    monkeypatch.setattr(widgets, "interact", lambda function, step: calls.append((function, step)))
    live.steps(draw, 9, "Bars.", label="update")
    ((function, slider),) = calls
    assert (slider.min, slider.max, slider.value, slider.description) == (0, 8, 8, "update") and not shown
    function(4)
    assert shown[0]["text/plain"] == "[figure] Bars. update 4"


def test_without_a_notebook_figures_are_drawn_all_the_same(monkeypatch, capsys):
    made = figures(monkeypatch)
    live.steps(draw, 4, "Bars.")
    assert len(made) == 1 and not live.notebook() and capsys.readouterr().out == ""
