"""The table of layers that the checks walk: for each, random weights and inputs that leave a bug nowhere to hide.

Unequal lengths, so that padding exists; a token repeated in one source column and in one sentence, so that gradients
have to be added up; first states, biases and cotangents that are not zero; sizes that differ, but for B = H.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minis2s.data.batches import Batch, make_batch
from minis2s.layers import ATTENTIONS, CELLS, CrossEntropy, Dropout, Embedding, LayerNorm, Linear, map_arrays
from minis2s.models import (
    BahdanauDecoder,
    Bridge,
    Config,
    Encoder,
    EncoderLayer,
    LuongDecoder,
    PlainDecoder,
    Seq2Seq,
    TiedOutput,
)

B, S, E, H, A, M, V = 4, 5, 3, 4, 6, 7, 11
ALIVE = [4, 4, 3, 1, 1]  # sentences of 5, 3, 3 and 2 tokens: two of the same length among others

Case = tuple[Any, tuple]  # a layer and the inputs of its forward, or a model and a batch
Maker = Callable[[np.random.Generator], Case]


def hard_batch() -> Batch:
    """Return four pairs of unequal lengths; source and target are not sorted alike, and one target is empty."""
    sources = [[4, 5, 4], [4, 6, 4, 10, 4], [7, 5], [4]]  # token 4 three times in the first column
    targets = [[5, 5, 8, 4, 5], [], [5, 4], [9, 8, 5]]
    return make_batch(sources, targets)


def random_weights(layer: Any, rng: np.random.Generator) -> Any:
    """Return the layer with noise on every array, biases included: at zero or at a constant many bugs are invisible."""
    return map_arrays(lambda array: array + 0.4 * rng.standard_normal(array.shape), layer)


def mask_of(lengths: list[int], size: int) -> np.ndarray:
    """Return (B, size) bool, True = real token."""
    return np.arange(size) < np.array(lengths)[:, None]


def linear(rng: np.random.Generator) -> Case:
    return Linear.init(rng, E, H), (rng.standard_normal((S, E)),)


def embedding(rng: np.random.Generator) -> Case:
    return Embedding.init(rng, V, E), (np.array([4, 7, 4, 4, 10, 7]),)


def cell(name: str) -> Maker:
    """Return the case of a cell."""

    def case(rng: np.random.Generator) -> Case:
        made = CELLS[name].init(rng, E, H)
        return made, (rng.standard_normal((sum(ALIVE), E)), rng.standard_normal((B, made.state_size)), ALIVE)

    return case


def attention(name: str) -> Maker:
    """Return the case of a kind of attention; the memory is as wide as the query where it has to be."""
    wide = H if ATTENTIONS[name].equal_sizes else M

    def case(rng: np.random.Generator) -> Case:
        query, memory = rng.standard_normal((B, H)), rng.standard_normal((B, S, wide))
        made = ATTENTIONS[name].init(rng, H, wide, A)
        coverage = [rng.random((B, S))] if made.uses_coverage else []
        return made, (query, memory, mask_of([3, 5, 1, 4], S), *coverage)

    return case


def layer_norm(rng: np.random.Generator) -> Case:
    return LayerNorm.init(H), (rng.standard_normal((S, H)),)


def dropout(rng: np.random.Generator) -> Case:
    return Dropout(0.4), (rng.standard_normal((S, H)), 1)  # a seed: the same mask at every call


def bridge(rng: np.random.Generator) -> Case:
    return Bridge.init(rng, M, H), (rng.standard_normal((B, M)),)


def tied_output(rng: np.random.Generator) -> Case:
    return TiedOutput.init(V), (rng.standard_normal((S, H)), rng.standard_normal((V, H)))


def cross_entropy(rng: np.random.Generator) -> Case:
    logits, target = rng.standard_normal((B, S, V)), rng.integers(V, size=(B, S))
    return CrossEntropy(), (logits, target, mask_of([3, 5, 1, 4], S))


def cross_entropy_packed(rng: np.random.Generator) -> Case:
    return CrossEntropy(), (rng.standard_normal((S, V)), np.array([4, 7, 4, 0, 10]))


def cross_entropy_smoothed(rng: np.random.Generator) -> Case:
    return CrossEntropy(0.3), (rng.standard_normal((S, V)), np.array([4, 7, 4, 0, 10]))


def encoder_layer(rng: np.random.Generator) -> Case:
    cells, source = tuple(CELLS["lstm"].init(rng, E, H) for _ in range(2)), hard_batch().source
    s0 = rng.standard_normal((2, B, cells[0].state_size))
    return EncoderLayer(cells, LayerNorm.init(2 * H)), (rng.standard_normal((len(source.rows), E)), s0, source)


def encoder(**parts: Any) -> Maker:
    """Return the case of an encoder, with dropout where the configuration has some."""

    def case(rng: np.random.Generator) -> Case:
        made, source = Encoder.init(rng, config(**parts)), hard_batch().source
        return made, (source, rng.standard_normal(made.initial_state(B, float).shape), 1)

    return case


def decoder(kind: type[BahdanauDecoder] | type[LuongDecoder] | type[PlainDecoder], **parts: Any) -> Maker:
    """Return the case of a decoder: y, s0, memory, mask and alive."""

    def case(rng: np.random.Generator) -> Case:
        made, sizes = kind.init(rng, config(**parts)), config(**parts)
        shapes = (sum(ALIVE), E), (B, made.cell.state_size), (B, S, sizes.memory)
        return made, (*map(rng.standard_normal, shapes), mask_of([3, 5, 1, 4], S), ALIVE)

    return case


def seq2seq(**parts: Any) -> Maker:
    """Return the case of a whole model, in training: a seed makes the same dropout masks at every call."""

    def case(rng: np.random.Generator) -> Case:
        return Seq2Seq.init(rng, config(**parts)), (hard_batch(), 1)

    return case


def config(**parts: Any) -> Config:
    """Return a small configuration, other than the default in these parts."""
    return Config(**{"source_vocabulary": V, "target_vocabulary": V - 1, "embedding": E, "hidden": H} | parts)


WIDER: dict[str, Any] = {"bridge": "tanh", "encoder_hidden": 6}
EVERYTHING: dict[str, dict[str, Any]] = {  # each part of the family at least once
    "attention": {},
    "plain": {"attention": "none"},
    "lstm_luong": {"cell": "lstm", "order": "luong", "input_feeding": True, "attention": "general", **WIDER},
    "rnn_deep": {"cell": "rnn", "layers": 2, "bidirectional": True, "dropout": 0.3, "attention": "coverage", **WIDER},
    "gru_before_normal": {"cell": "gru_before", "attention": "scaled_dot", "layer_norm": True, "label_smoothing": 0.1},
    "lstm_tied": {"cell": "lstm", "attention": "relu", "bidirectional": True, "tie_output": True, "embedding": H},
    "luong_coverage": {"order": "luong", "attention": "coverage", "layers": 2, "dropout": 0.2},
}

CASES: dict[str, Maker] = {
    "linear": linear,
    "embedding": embedding,
    **{name: cell(name) for name in CELLS},
    **{f"attention_{name}" if name != "additive" else "attention": attention(name) for name in ATTENTIONS},
    "layer_norm": layer_norm,
    "dropout": dropout,
    "bridge": bridge,
    "tied_output": tied_output,
    "cross_entropy": cross_entropy,
    "cross_entropy_packed": cross_entropy_packed,
    "cross_entropy_smoothed": cross_entropy_smoothed,
    "encoder_layer": encoder_layer,
    "encoder": encoder(),
    "encoder_deep": encoder(cell="lstm", layers=2, bidirectional=True, layer_norm=True, dropout=0.3),
    "attention_decoder": decoder(BahdanauDecoder),
    "coverage_decoder": decoder(BahdanauDecoder, attention="coverage", cell="lstm", **WIDER),
    "luong_decoder": decoder(LuongDecoder, order="luong", attention="dot"),
    "luong_feeding_decoder": decoder(
        LuongDecoder, order="luong", input_feeding=True, attention="coverage", cell="lstm"
    ),
    "plain_decoder": decoder(PlainDecoder),
    **{f"seq2seq_{name}": seq2seq(**parts) for name, parts in EVERYTHING.items()},
}


def make_case(name: str, seed: int = 0) -> Case:
    """Return layer and inputs of a case of the table, with random weights."""
    rng = np.random.default_rng(seed)
    layer, inputs = CASES[name](rng)
    return random_weights(layer, rng), inputs
