"""The gradient-flow record: its numbers, its names, and the file that training logs it to."""

import csv

import numpy as np
import pytest

from minis2s.cli import main
from minis2s.models import Config, Seq2Seq
from minis2s.training.gradient_norms import gradient_flow, keeps_all_state_gradients
from minis2s.training.run import Run
from minis2s.training.schedules import factor
from tests.conftest import SIZES, assert_close, randomized

NAMES = {
    (): ["decoder", "encoder"],
    (("cell", "lstm"),): ["decoder", "decoder.c", "encoder", "encoder.c"],
    (("layers", 2), ("bidirectional", True)): [
        "decoder",
        "encoder.1",
        "encoder.1.backward",
        "encoder.0",
        "encoder.0.backward",
    ],
}


@pytest.mark.parametrize("parts", NAMES)
def test_norms_by_name_and_step(parts, rng, batch):
    model = randomized(rng, Seq2Seq.init(rng, Config(**SIZES, **dict(parts))))
    found = gradient_flow(model, batch)
    assert list(found) == NAMES[parts]
    model = keeps_all_state_gradients(model)
    model.backward(model.loss(batch)[1])
    want = [np.sqrt((ds[:, : model.config.hidden] ** 2).sum()) for ds in model.decoder.cell.state_gradients]
    assert_close(found["decoder"], np.array(want))
    assert len(found["decoder"]) == len(batch.target.batch_sizes)
    assert len(found["encoder.0" if "encoder.0" in found else "encoder"]) == len(batch.source.batch_sizes)
    assert all((norms[:-1] > 0).all() for norms in found.values())  # the last c is not looked at again


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text("".join(f"{a}{b}\t{b}{a}\n" for a in "abcdef" for b in "ghijkl"))
    return ["train", "pairs.tsv", "--hidden", "4", "--embedding", "3", "--epochs", "2", "--out", "run", "--flow"]


def test_training_logs_every_step_of_every_report(pairs, tmp_path):
    assert main(pairs) == 0
    with (tmp_path / "run" / "flow.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["layer"] for row in rows} == {"decoder", "encoder"}
    steps = [int(row["step"]) for row in rows if row["layer"] == "encoder" and row["update"] == rows[0]["update"]]
    assert steps == [0, 1, 2] and all(float(row["norm"]) > 0 for row in rows)  # two letters and the end sign


@pytest.mark.slow
def test_stopped_between_two_files_no_update_is_logged_twice(pairs, tmp_path, monkeypatch):
    assert main([*pairs[:-2], "whole", "--flow"]) == 0
    right, saved = Run.save_state, []

    def stopped(self):
        saved.append(self.trainer.updates)
        if len(saved) == 3:  # once at the start, and the second report
            raise KeyboardInterrupt
        right(self)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save_state", stopped)
        assert main(pairs) == 130
    log = tmp_path / "run" / "flow.csv"
    assert log.read_text().splitlines()[-1].startswith(f"{saved[-1]},")  # more than last.npz knows
    assert main([*pairs, "--resume"]) == 0
    assert log.read_bytes() == (tmp_path / "whole" / "flow.csv").read_bytes()


@pytest.mark.parametrize("damage", [b"update\nx,y\n", b"\xff\xfe\n"])
def test_a_damaged_log_is_refused_in_one_line(pairs, damage, tmp_path, capsys):
    assert main(pairs) == 0
    path = tmp_path / "run" / "flow.csv"
    path.write_bytes(damage)
    from minis2s.training import run

    class Stub:
        flow, folder, trainer = True, tmp_path / "run", type("T", (), {"updates": 5})

    with pytest.raises(run.InputError, match=r"flow.csv: not what --flow wrote .*; delete it"):
        run.Run.log_flow(Stub())
    assert path.read_bytes() == damage


def test_the_first_update_of_a_warm_up_learns():
    assert factor("warmup", 0, 100) == pytest.approx(0.1) and factor("warmup", 9, 100) == pytest.approx(1)
    assert factor("warmup", 0, 1) > 0 and factor("cosine", 0, 100) == 1
