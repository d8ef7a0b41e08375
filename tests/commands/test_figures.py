"""A figure that cannot be drawn ends nothing, and neither tokens nor the environment keep one from being drawn."""

import os
import subprocess
import sys

import numpy as np
import pytest

from minis2s import plots
from minis2s.decoding import page as module
from minis2s.errors import InputError
from minis2s.plots import figure as drawing
from tests.commands.test_cli import PAIRS, TINY, run_python, status_of
from tests.decoding.test_page import make_page
from tests.plots.test_plots import HISTORY, ticks, weights

USETEX = "text.usetex: True\nsavefig.dpi: 7\naxes.facecolor: red\n"


def fail(*_, **__):
    raise RuntimeError("no\nway")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"MPLBACKEND": "nosuch"}, {"MPLBACKEND": "module://matplotlib_inline.no"}, {}])
def test_the_environment_changes_no_figure(here, rng, settings):
    (here / "matplotlibrc").write_text(USETEX)  # Matplotlib looks in the working folder, too
    code = (
        "import os, numpy, minis2s.plots as p, sys; before = dict(os.environ)\n"
        "p.write_png('a.png', p.attention_map, numpy.ones((2, 2)) / 2, ['a', '$x_$'], ['_', 'b'])\n"
        "assert os.environ == before; import matplotlib; print(matplotlib.rcParams['text.usetex'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **settings}
    )
    assert result.stderr == "" and result.stdout == "True\n"  # the user's own figures are as they like
    expected = plots.draw_png(plots.attention_map, np.ones((2, 2)) / 2, ["a", "$x_$"], ["_", "b"])
    assert (here / "a.png").read_bytes() == expected


def test_a_notebook_finds_its_backend_chosen(here):
    code = (
        "import numpy, minis2s.plots as p;\n"
        "p.write_png('a.png', p.attention_map, numpy.ones((1, 1)), ['a'], ['b'])\n"
        "import matplotlib; print(matplotlib.rcParams['backend'])"
    )
    env = {**os.environ, "MPLBACKEND": "pdf"}
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env).stdout.strip() == "pdf"


@pytest.mark.parametrize("token", ["u" * 7000, "e" + "\u0301" * 900, "漢" * 5000, "\ud800\x1b[2J\n\0", "_$%#&{^~\\"])
def test_odd_tokens_are_drawn_small_and_without_a_word(rng, token, capsys):
    data = plots.draw_png(plots.attention_map, weights(rng, 3, 3), [token, "b"], [token, token])
    width, height = np.frombuffer(data[16:24], ">u4")
    assert width < 1500 and height < 1500 and capsys.readouterr() == ("", "")
    label = ticks(plots.attention_map(weights(rng, 3, 3), [token, "b"], ["x", token]).axes[0].get_xticklabels())[0]
    assert len(label) <= 50 and "\n" not in label and label.endswith("…") == (len(token) > 40)


def test_names_of_runs_are_letters_in_the_legend():
    histories = {name: HISTORY for name in ("_new", "$a$b_1", "x" * 99)}
    left = plots.learning_curves(histories).axes[0]
    assert ticks(left.get_legend().get_texts()) == [" _new", "$a$b_1", "x" * 39 + "…", "training"]
    assert not any(text.get_parse_math() for text in left.get_legend().get_texts())


def test_too_many_tokens_are_refused(monkeypatch, rng):
    monkeypatch.setattr("minis2s.plots.attention.MOST_TOKENS", 4)
    assert plots.draw_png(plots.attention_map, weights(rng, 4, 2), ["a", "b"], list("abcd"))
    for steps, positions in ((5, 2), (2, 5)):
        with pytest.raises(InputError, match=r"cannot be drawn \(5 tokens are too many to draw; at most 4\)"):
            plots.draw_png(plots.attention_map, weights(rng, steps, positions), ["a"] * positions, ["b"] * steps)


def test_whatever_is_raised_is_one_error_that_names_the_file(here):
    with pytest.raises(InputError, match=r"^a.png: cannot be drawn \(RuntimeError: no"):
        plots.write_png("a.png", fail)
    assert not (here / "a.png").exists()


def test_training_ends_well_without_its_figures(here, capsys, monkeypatch):
    monkeypatch.setattr(drawing, "png", fail)
    assert status_of("train", "pairs.tsv", *TINY, "--out", "run") == 0
    out, err = capsys.readouterr()
    assert out.startswith("test: exact match ")
    for name in ("loss.png", "attention.png"):
        assert err.count(f"{name}: cannot be drawn (RuntimeError: no\\nway)\n") == 1
    assert (here / "run" / "model.npz").exists() and not (here / "run" / "loss.png").exists()


@pytest.mark.slow
def test_results_come_before_figures_that_fail(here, capsys, monkeypatch):
    assert status_of("train", "pairs.tsv", *TINY, "--out", "run") == 0
    monkeypatch.setattr(drawing, "png", fail)
    for arguments in (
        ["translate", "run", "abc", "--attention", "a.png"],
        ["evaluate", "run", "pairs.tsv", "--by-length", "a.png"],
        ["gradcheck", "linear", "--v-curve", "a.png"],
    ):
        capsys.readouterr()
        assert status_of(*arguments) == 2
        out, err = capsys.readouterr()
        assert out.endswith("\n") and err.splitlines()[-1].startswith("minis2s: error: a.png: cannot be drawn")
    assert status_of("evaluate", "run", "pairs.tsv", "--page", "page.html") == 0
    assert (here / "page.html").read_text(encoding="utf-8").count("This cannot be drawn (RuntimeError: no\nway).") == 20


def test_a_page_is_whole_without_its_pictures(monkeypatch):
    monkeypatch.setattr(module.plots, "draw_png", lambda *_: (_ for _ in ()).throw(InputError("cannot be drawn (x)")))
    page, _ = make_page()
    assert "<img" not in page and page.count("This cannot be drawn (x).") > 3


def test_a_matplotlib_that_cannot_be_imported_is_a_note(here):
    (here / "rc").write_bytes(b"\x80\xff")
    env = {**os.environ, "MATPLOTLIBRC": str(here / "rc")}
    result = run_python("train", "pairs.tsv", *TINY, "--out", "run", env=env, text=True)
    assert result.returncode == 0 and result.stdout.startswith("test: exact match ")
    assert "loss.png: cannot be drawn (UnicodeDecodeError: " in result.stderr and "Traceback" not in result.stderr
