"""What the tests share: a random generator, a ragged batch, models with random weights, and the contract of a layer.

The ragged batch is chosen to expose mistakes that tidy data hide: no two orders agree (as given, by source length, by
target length), token 5 stands at the same step of five sources, tokens repeat within sentences, one source has a
single token and one target none but its end sign.
"""

from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from minis2s.data.batches import Batch, make_batch
from minis2s.data.vocabulary import BOS, PAD, UNK
from minis2s.layers import cast, map_arrays, on_vector, record, to_vector, walk
from minis2s.layers.gru import GRU
from minis2s.models import Config, Seq2Seq
from minis2s.threads_and_memory import prepare_process
from minis2s.training.optimizers import clip_inplace

settings.register_profile("minis2s", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("minis2s")

ROOT = Path(__file__).parents[1]  # of the repository
SOURCES = [[4, 5, 4, 6], [7, 5], [4, 5, 8, 4, 9], [6], [5, 5, 7], [8, 5, 10, 4]]
TARGETS = [[4, 6], [5, 4, 5, 7, 4, 6, 5], [7, 4, 4], [5, 4, 5, 5], [], [9, 4, 8]]
SIZES = {"source_vocabulary": 11, "target_vocabulary": 10, "embedding": 3, "hidden": 4}
KINDS = ("additive", "none")  # of attention: one model that has it and one that has not

seeds = st.integers(0, 2**32 - 1)
lengths_of_sentences = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="run what is slow, too")


def pytest_configure(config):
    prepare_process()  # processes side by side would wait for one another's threads


def pytest_collection_modifyitems(config, items):
    """Leave out what is slow, unless it is asked for; begin with the lessons, so that two processes end together."""
    if not (config.getoption("--all") or config.option.markexpr or any("::" in name for name in config.args)):
        slow = {item for item in items if item.get_closest_marker("slow") or item.get_closest_marker("trains")}
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=list(slow))
    items.sort(key=lambda item: item.path.name != "test_lessons.py")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def batch() -> Batch:
    return make_batch(SOURCES, TARGETS)


@pytest.fixture(params=KINDS)
def model(request, rng) -> Seq2Seq:
    return random_model(rng, request.param)


def randomized(rng, tree):
    """Return the record with every array random: zero biases would hide a missing bias.

    What ``init`` draws does not matter, so the golden files stay the same when an initializer changes.
    """
    return map_arrays(lambda array: rng.normal(scale=0.7, size=array.shape), tree)


def random_model(rng, kind: str) -> Seq2Seq:
    return randomized(rng, Seq2Seq.init(np.random.default_rng(0), Config(**SIZES, attention=kind)))


def first_that(serves, make, most: int = 300):
    """Return the first of make(0), make(1), ... that serves a test's purpose.

    What a random model says depends on the order in which its weights are drawn; what a test needs of it does not.
    """
    return next(made for made in map(make, range(most)) if serves(made))


def says_real_tokens_only(model: Seq2Seq) -> Seq2Seq:
    """The same model, changed so that of the special signs it says the end sign only."""
    model.output.b[[PAD, BOS, UNK]] = -50
    return model


def random_gru(rng, lengths, E: int, H: int):
    """Return a cell, packed x (N, E), h0 (B, H) and alive for sentences of these lengths, the longest first."""
    batch_sizes = [sum(length > t for length in lengths) for t in range(max(lengths))]
    x, h0 = rng.normal(size=(sum(batch_sizes), E)), rng.normal(size=(len(lengths), H))
    return randomized(rng, GRU.init(np.random.default_rng(0), E, H)), x, h0, batch_sizes


def assert_close(got, want, tolerance: float = 1e-12, name: str = "") -> None:
    """Largest error over largest entry; an array of zeros has to be met to 1e-15."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{name} has shape {got.shape}, expected {want.shape}"
    error = np.abs(got - want).max(initial=0)
    scale = np.abs(want).max(initial=0)
    assert error <= tolerance * scale + 1e-15, f"{name} is off by {error:.3g}, largest entry {scale:.3g}"


def assert_same_arrays(got, want, tolerance: float = 1e-12) -> None:
    """Compare two records, or two dictionaries of arrays by flat name."""
    got, want = (tree if isinstance(tree, dict) else dict(walk(tree)) for tree in (got, want))
    assert list(got) == list(want)
    for name in want:
        assert_close(got[name], want[name], tolerance, name)


def train(model: Seq2Seq, batch: Batch, optimizer, rate: float, limit: float, steps: int = 5) -> Seq2Seq:
    """Return the model after a few updates on one batch, each clipped to ``limit``; the first has to need it."""
    vector, model = on_vector(model)
    optimizer = optimizer(vector.size, vector.dtype)
    for step in range(steps):
        _, cache = model.loss(batch)
        gradient = to_vector(model.backward(cache))
        norm = clip_inplace(gradient, limit)
        assert step > 0 or norm > limit
        optimizer.update_inplace(vector, gradient, rate)
    return model


# The contract of a layer: what holds for all of them, whatever they compute.


@record
class Whole:
    """A model seen as a layer from a batch to its loss."""

    model: Seq2Seq

    def forward(self, batch):
        return self.model.loss(batch)

    def backward(self, dloss, cache):
        return (Whole(self.model.backward(cache)),)


def arrays_in(tree) -> list[np.ndarray]:
    """Every array in a record, a cache, a list or a tuple of them."""
    if isinstance(tree, (np.ndarray, np.generic)):
        return [tree]
    if is_dataclass(tree):
        tree = [getattr(tree, field.name) for field in fields(tree)]
    return [array for part in tree for array in arrays_in(part)] if isinstance(tree, (tuple, list)) else []


def random_like(rng, output):
    """Return a random cotangent for an output: an array, a tuple of arrays, or a plain number."""
    if isinstance(output, tuple):
        return tuple(random_like(rng, part) for part in output)
    return rng.normal(size=output.shape).astype(output.dtype) if isinstance(output, np.ndarray) else 0.7


def is_float(value) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"


def copies(*trees) -> list[np.ndarray]:
    return [array.copy() for array in arrays_in(trees)]


def check_nothing_is_touched(layer, inputs, rng) -> None:
    before = copies(layer, inputs)
    output, cache = layer.forward(*inputs)
    np.testing.assert_equal(copies(layer, inputs), before, "forward changed its weights or inputs")
    doutput = random_like(rng, output)
    before = copies(layer, inputs, output, doutput, cache)
    layer.backward(doutput, cache)
    after = copies(layer, inputs, output, doutput, cache)
    np.testing.assert_equal(after, before, "backward changed its weights, inputs or cache")


def check_backward_twice_gives_the_same_bits(layer, inputs, rng) -> None:
    output, cache = layer.forward(*inputs)
    doutput = random_like(rng, output)
    first, second = layer.backward(doutput, cache), layer.backward(doutput, cache)
    np.testing.assert_equal(arrays_in(second), arrays_in(first))


def check_gradients_are_like_what_they_belong_to(layer, inputs, rng) -> None:
    """A record of the layer's type, then an array for each float input, in order; every one with memory of its own."""
    output, cache = layer.forward(*inputs)
    doutput = random_like(rng, output)
    gradient, *dinputs = layer.backward(doutput, cache)
    assert type(gradient) is type(layer)
    shapes = [(name, array.shape, array.dtype) for name, array in walk(layer)]
    assert [(name, array.shape, array.dtype) for name, array in walk(gradient)] == shapes
    assert [array.shape for array in dinputs] == [value.shape for value in inputs if is_float(value)]
    fresh, old = arrays_in((gradient, dinputs)), arrays_in((layer, inputs, output, doutput, cache))
    for i, array in enumerate(fresh):
        assert not any(np.shares_memory(array, other) for other in fresh[:i] + old)


def check_float32_stays_float32(layer, inputs, rng) -> None:
    inputs = [value.astype(np.float32) if is_float(value) else value for value in inputs]
    layer = cast(layer, np.float32)
    output, cache = layer.forward(*inputs)
    gradients = layer.backward(random_like(rng, output), cache)
    wrong = [a for a in arrays_in((output, cache, gradients)) if is_float(a) and a.dtype != np.float32]
    assert not wrong


CONTRACT = [
    check_nothing_is_touched,
    check_backward_twice_gives_the_same_bits,
    check_gradients_are_like_what_they_belong_to,
    check_float32_stays_float32,
]
