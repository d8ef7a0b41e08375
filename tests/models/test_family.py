"""The whole family of models equals the papers: every cell, attention and order, every part in turn with every other.

The numbers are compared with ``reference_loops`` on arrays, the gradients with autograd of the same text on tensors.
"""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from minis2s.checks import gradcheck, invariances
from minis2s.checks.invariances import reference_loops
from minis2s.data.batches import Sentences, make_batch
from minis2s.data.vocabulary import EOS, SPECIAL, Vocabulary
from minis2s.decoding.beam import beam_search
from minis2s.decoding.greedy import greedy
from minis2s.decoding.search import Search
from minis2s.decoding.translator import Translator
from minis2s.layers import ATTENTIONS, CELLS, cast, map_arrays, to_dict, walk
from minis2s.layers.packing import sentence_of
from minis2s.models import Config, Seq2Seq
from minis2s.training.checkpoint import load_model, save_model
from minis2s.training.gradient_norms import cells_of, keeps_all_state_gradients
from tests.conftest import CONTRACT, SIZES, SOURCES, TARGETS, Whole, assert_close, assert_same_arrays, randomized

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed: pip install -e .[torch]")

VALUES = {
    "cell": tuple(CELLS),
    "attention": (*ATTENTIONS, "none"),
    "order": ("bahdanau", "luong"),
    "input_feeding": (False, True),
    "layers": (1, 2, 3),
    "bidirectional": (False, True),
    "encoder_hidden": (None, 6),
    "bridge": ("copy", "tanh"),
    "dropout": (0.0, 0.3),
    "layer_norm": (False, True),
    "tie_output": (False, True),
    "label_smoothing": (0.0, 0.2),
}
IMPOSSIBLE = {
    (("attention", "none"), ("order", "luong")),
    (("attention", "none"), ("input_feeding", True)),
    (("attention", "dot"), ("encoder_hidden", 6)),
    (("attention", "scaled_dot"), ("encoder_hidden", 6)),
    (("order", "bahdanau"), ("input_feeding", True)),
    (("encoder_hidden", 6), ("bridge", "copy")),
}


def pairs_of(parts):
    """Every two of the parts."""
    return set(combinations(parts.items(), 2))


def covering():
    """Each cell with each attention in each order once; the rest so that every two values meet somewhere."""
    rng, met, chosen = np.random.default_rng(0), set(), []
    rest = [name for name in VALUES if name not in ("cell", "attention", "order")]
    for core in product(VALUES["cell"], VALUES["attention"], VALUES["order"]):
        candidates = []
        for _ in range(60):
            parts = dict(zip(VALUES, core)) | {name: VALUES[name][rng.integers(len(VALUES[name]))] for name in rest}
            if not pairs_of(parts) & IMPOSSIBLE:
                candidates.append(parts)
        if candidates:
            chosen.append(max(candidates, key=lambda parts: len(pairs_of(parts) - met)))
            met |= pairs_of(chosen[-1])
    return chosen, met


COVERING, MET = covering()
CONFIGS = [Config(**SIZES | {"embedding": 4 if parts["tie_output"] else 3}, **parts) for parts in COVERING]
every = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.cell}-{c.attention}-{c.order}")


def make_model(config, seed=0):
    return randomized(np.random.default_rng(seed), Seq2Seq.init(np.random.default_rng(0), config))


def pad(sources):
    return Sentences(sources).pad(np.arange(len(sources)))


def with_tensors(tree):
    """The record with tensors for arrays, and the tensors by flat name."""
    tensors = []
    twin = map_arrays(lambda array: tensors.append(torch.tensor(array, requires_grad=True)) or tensors[-1], tree)
    return twin, dict(zip(to_dict(tree), tensors))


def test_the_configurations_cover_the_family():
    values = [(name, value) for name in VALUES for value in VALUES[name]]
    wanted = {(a, b) for a, b in combinations(values, 2) if a[0] != b[0]}
    assert wanted - MET == IMPOSSIBLE and 40 <= len(CONFIGS) <= 60
    for pair in IMPOSSIBLE:
        others = {} if dict(pair).get("bridge") or dict(pair).get("input_feeding") else {"bridge": "tanh"}
        with pytest.raises(ValueError):
            Config(**SIZES, **dict(pair), **others)


@pytest.mark.slow
@every
def test_the_loss_is_the_papers(config, batch):
    model = make_model(config)
    assert_close(model.loss(batch)[0], reference_loops.loss(np, model, SOURCES, TARGETS))
    if config.dropout:
        assert model.loss(batch, 1)[0] == model.loss(batch, 1)[0] != model.loss(batch, 2)[0]
    else:
        assert_close(model.loss(batch, 1)[0], reference_loops.loss(np, model, SOURCES, TARGETS, config.label_smoothing))


def test_every_layer_of_the_encoder_and_every_seed_draws_a_mask_of_its_own(batch):
    model = make_model(Config(**SIZES | {"embedding": 4}, layers=3, dropout=0.5))  # inputs of one shape everywhere
    h0 = model.encoder.initial_state(len(SOURCES), float)
    whole = [model.loss(batch, seed)[1].encoder for seed in (1, 2)]
    alone = [model.encoder.forward(batch.source, h0, seed)[1] for seed in (1, 2)]
    for caches in (whole, alone):
        masks = [mask for cache in caches for mask in cache.dropout_masks]
        assert len(masks) == 6 and len({mask.shape for mask in masks}) == 1
        assert all(np.any(one != other) for one, other in combinations(masks, 2))


@pytest.mark.slow
@needs_torch
@every
def test_the_gradient_is_autograds(config, batch):
    model, training = make_model(config), None if config.dropout else 1
    twin, tensors = with_tensors(model)
    reference_loops.loss(torch, twin, SOURCES, TARGETS, config.label_smoothing if training else 0.0).backward()
    want = {name: np.zeros(t.shape) if t.grad is None else t.grad.numpy() for name, t in tensors.items()}
    assert_same_arrays(model.backward(model.loss(batch, training)[1]), want, 1e-10)


@pytest.mark.slow
@every
def test_the_gradient_in_training_is_the_derivative_along_a_random_direction(config, batch, rng):
    """The complex step along one direction an array: one forward pass each, dropout and smoothing included."""
    model = make_model(config)
    gradient = to_dict(model.backward(model.loss(batch, 1)[1]))
    slopes, wanted = [], []
    for name, array in walk(model):
        direction, moved = rng.normal(size=array.shape), cast(model, complex)
        to_dict(moved)[name][:] += 1e-20j * direction
        slopes.append((gradient[name] * direction).sum())
        wanted.append(moved.loss(batch, 1)[0].imag / 1e-20)
    assert_close(slopes, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS[::9], ids=lambda c: f"{c.cell}-{c.attention}-{c.order}")
def test_the_gradient_check_passes(config):
    report = gradcheck(make_model(config), make_batch([[4, 5, 4], [6]], [[5], []]), 1)
    assert report.max_relative_error <= 1e-12, f"\n{report}"


@pytest.mark.slow
@every
def test_what_must_not_change_does_not(config, batch, rng):
    model = make_model(config)
    results = invariances(model, batch)
    assert all(result.ok for result in results), "\n".join(map(str, results))
    for check in CONTRACT:
        check(Whole(model), (batch,), rng)


@every
def test_float32_stays_float32_in_training_and_search(config, batch):
    model = cast(make_model(config), np.float32)
    _, cache = model.loss(batch, 1)
    state = model.encode(batch.source)
    log_p, after = model.decode_step(batch.target.ids[:, 0], state)
    arrays = [
        log_p,
        *to_dict(model.backward(cache)).values(),
        *(a for tree in (cache, state, after) for _, a in walk(tree)),
    ]
    assert {a.dtype for a in arrays if a.dtype.kind == "f"} == {np.dtype(np.float32)}


@pytest.mark.slow
@every
def test_search_reports_what_the_papers_say(config):
    model = make_model(config, seed=1)
    found = [greedy(model, pad(SOURCES), 6), beam_search(model, pad(SOURCES), 3, 6)]
    np.testing.assert_equal(beam_search(model, pad(SOURCES), 1, 6), found[0])
    for kind, hypotheses in enumerate(found):
        for source, hypothesis in zip(SOURCES, hypotheses):
            said = hypothesis.tokens + [EOS] * hypothesis.ended
            log_p, alphas = reference_loops.log_probabilities(np, model, source, said)
            assert_close(hypothesis.log_probability, log_p[range(len(said)), said].sum())
            assert kind or log_p.argmax(1).tolist() == said
            if config.attends:
                assert_close(hypothesis.alphas, np.stack(alphas))
            else:
                assert hypothesis.alphas is None
    for source, hypothesis in zip(SOURCES, found[0]):
        (alone,) = greedy(model, pad([source]), 6)
        assert alone.tokens == hypothesis.tokens and alone.ended == hypothesis.ended
        assert_close(alone.log_probability, hypothesis.log_probability)


@pytest.mark.slow
@every
def test_a_saved_model_translates_the_same(config, tmp_path):
    units = [chr(ord("a") + i) for i in range(11)]
    source, target = (Vocabulary((*SPECIAL, *units[: size - len(SPECIAL)])) for size in (11, 10))
    translator = Translator(make_model(config), source, target, "char")
    save_model(tmp_path / "model.npz", translator)
    loaded = load_model(tmp_path)
    assert loaded.model.config == config
    assert_same_arrays(loaded.model, translator.model, 0)
    np.testing.assert_equal(
        loaded.translate(["abc", "d", "gfa"], Search(2)), translator.translate(["abc", "d", "gfa"], Search(2))
    )


def test_a_tied_matrix_gets_the_gradients_of_both_uses(batch):
    tied = make_model(Config(**SIZES | {"embedding": 4}, tie_output=True))
    apart = Seq2Seq.init(np.random.default_rng(0), replace(tied.config, tie_output=False))
    apart = replace(tied, config=apart.config, output=replace(apart.output, W=tied.embedding.E.T, b=tied.output.b))
    one, two = (model.backward(model.loss(batch)[1]) for model in (tied, apart))
    assert_close(one.embedding.E, two.embedding.E + two.output.W.T)
    assert_close(one.output.b, two.output.b)


KEPT = [
    {},
    {"attention": "none", "cell": "lstm"},
    {"cell": "lstm", "attention": "coverage", "layers": 2, "bidirectional": True, "layer_norm": True},
    {"order": "luong", "input_feeding": True, "bidirectional": True},
    {"order": "luong", "cell": "lstm", "attention": "dot"},
]


@pytest.mark.slow
@needs_torch
@pytest.mark.parametrize("parts", KEPT, ids=lambda parts: "-".join(map(str, parts.values())) or "default")
def test_state_gradients_are_those_of_every_state(parts, batch, monkeypatch):
    model = make_model(Config(**SIZES, **parts))
    twin, _ = with_tensors(model)
    trace, step = {}, reference_loops.cell_step

    def traced(xp, cell, x, s):
        s = step(xp, cell, x, s)
        s.retain_grad()
        trace.setdefault(id(cell), []).append(s)
        return s

    monkeypatch.setattr(reference_loops, "cell_step", traced)
    reference_loops.loss(torch, twin, SOURCES, TARGETS).backward()
    lengths = {"source": [len(s) for s in SOURCES], "target": [len(t) + 1 for t in TARGETS]}
    model = keeps_all_state_gradients(model)
    model.backward(model.loss(batch)[1])
    cells, twins = cells_of(model), cells_of(twin)
    assert list(cells) == list(twins) and len(cells) == len(trace)
    for name, cell in cells.items():
        side, sentences = ("target", batch.target) if name == "decoder" else ("source", batch.source)
        order = batch.pairs if side == "target" else batch.pairs[batch.source.order]
        ds, ends = np.concatenate(cell.state_gradients), np.cumsum(lengths[side])
        for b, i in enumerate(order):
            states = trace[id(twins[name])][ends[i] - lengths[side][i] : ends[i]]
            assert_close(ds[sentence_of(sentences.batch_sizes) == b], [s.grad.numpy() for s in states], 1e-10)
