"""What was written in format 1 is read and goes on: two runs are kept whole, of two more the model.

``plain`` was trained with ``--model plain --cell rnn``, ``luong`` with ``--order luong --feeding --attention general
--tie --smoothing 0.1 --bidirectional --layers 2``.
"""

import shutil

import numpy as np
import pytest

from minis2s.cli import main
from minis2s.training.checkpoint import load_model, read_arrays
from minis2s.training.format_1 import config_now
from tests.conftest import ROOT

RUNS = ROOT / "tests" / "training" / "format_1"
SAID = {  # by the minis2s that wrote them
    "gru": ["bp", "qauuuup"],
    "gru_before": ["y", "qqqnqqnqqqnqqqnq"],
    "plain": ["fsa", "usb"],
    "luong": ["uuuu", "xxx"],
}
TRAIN = "train pairs.tsv --hidden 4 --embedding 4 --epochs 4000 --batch 16".split()


@pytest.mark.parametrize("run", SAID)
def test_a_model_says_what_it_said(run):
    found = load_model(RUNS / run).translate(["abc", "de"], max_length=16)
    assert [one.text for one in found] == SAID[run]


def test_fields_of_the_configuration_have_their_names_of_today():
    assert config_now({"hidden": 4, "model": "plain", "attention": "additive"}) == {"hidden": 4, "attention": "none"}
    assert config_now({"model": "attention", "attention": "dot"}) == {"attention": "dot"}
    old, new = ("feeding", "tie", "smoothing"), ("input_feeding", "tie_output", "label_smoothing")
    assert config_now(dict.fromkeys(old, 0)) == dict.fromkeys(new, 0)
    assert config_now({"model": "attention"}) == {}  # before there were kinds of attention


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "gru_before"])
def test_a_run_goes_on_with_its_loss(cell, tmp_path, monkeypatch):
    shutil.copytree(RUNS, tmp_path / "runs")
    monkeypatch.chdir(tmp_path / "runs")
    before = read_arrays(RUNS / cell / "last.npz")[1]
    assert main([*TRAIN, "--cell", cell, "--out", cell, "--resume"]) == 0
    about, after = read_arrays(tmp_path / "runs" / cell / "last.npz")
    assert about["format"] == 2
    np.testing.assert_array_equal(after["history"][: len(before["history"]), 2], before["history"][:, 2])
    assert after["history"][-1, 2] < before["history"][-1, 2]
