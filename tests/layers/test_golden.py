"""Equal to what PyTorch computed once: needs the committed files, not PyTorch."""

import numpy as np
import pytest

from minis2s.data.batches import make_batch
from minis2s.layers import GRU, from_dict
from minis2s.models import Config, Seq2Seq
from minis2s.training.optimizers import Adam
from tests.conftest import KINDS, assert_close, assert_same_arrays, train
from tests.make_golden import FOLDER, MAKERS

TOLERANCE = 1e-10


def load(name: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{name}.npz") as file:
        return dict(file)


def below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{prefix}/"): array for name, array in arrays.items() if name.startswith(f"{prefix}/")}


def sentences(ids, lengths) -> list[list[int]]:
    return [row[:length].tolist() for row, length in zip(ids, lengths)]


@pytest.mark.parametrize("kind", KINDS)
def test_model_is_golden(kind, rng):
    golden = load(kind)
    weights = below("weights", golden)
    (V_source, E), (H, V_target) = weights["encoder.embedding.E"].shape, weights["output.W"].shape
    model = from_dict(Seq2Seq.init(rng, Config(V_source, V_target, E, H, attention=kind)), weights)
    sources = sentences(golden["source_ids"], golden["source_lengths"])
    batch = make_batch(sources, sentences(golden["target_ids"], golden["target_lengths"]))
    loss, cache = model.loss(batch)
    assert_close(loss, golden["loss"], TOLERANCE)
    assert_same_arrays(model.backward(cache), below("gradient", golden), TOLERANCE)
    trained = train(model, batch, Adam, float(golden["rate"]), float(golden["limit"]))
    assert_same_arrays(trained, below("adam", golden), TOLERANCE)


def test_gru_is_golden(rng):
    golden = load("gru")
    cell = from_dict(GRU.init(rng, golden["x"].shape[1], golden["h0"].shape[1]), below("weights", golden))
    hs, cache = cell.forward(golden["x"], golden["h0"], golden["alive"].tolist())
    gradient, dx, dh0 = cell.backward(golden["dhs"], cache)
    for name, array in {"hs": hs, "dx": dx, "dh0": dh0}.items():
        assert_close(array, golden[name], TOLERANCE, name)
    assert_same_arrays(gradient, below("gradient", golden), TOLERANCE)


@pytest.mark.parametrize("name", MAKERS)
def test_make_golden_reproduces_the_file(name):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e .[torch]")
    assert_same_arrays(MAKERS[name](), load(name), 1e-12)
