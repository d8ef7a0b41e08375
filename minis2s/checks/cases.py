"""The table of layers that the checks walk: for each, random weights and inputs that leave a bug nowhere to hide.

Unequal lengths, so that padding exists; a token repeated in one source column and in one sentence, so that gradients
have to be added up; first states, biases and cotangents that are not zero; sizes that differ, but for B = H.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minis2s.data.batches import Batch, make_batch
from minis2s.layers import GRU, AdditiveAttention, CrossEntropy, Embedding, Linear, map_arrays
from minis2s.models import MODELS, BahdanauDecoder, Config, Encoder, PlainDecoder, Seq2Seq

B, S, E, H, A, M, V = 4, 5, 3, 4, 6, 7, 11
ALIVE = [4, 4, 3, 1, 1]  # sentences of 5, 3, 3 and 2 tokens: two of the same length among others

Case = tuple[Any, tuple]  # a layer and the inputs of its forward, or a model and a batch


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


def gru(rng: np.random.Generator) -> Case:
    return GRU.init(rng, E, H), (rng.standard_normal((sum(ALIVE), E)), rng.standard_normal((B, H)), ALIVE)


def attention(rng: np.random.Generator) -> Case:
    query, memory = rng.standard_normal((B, H)), rng.standard_normal((B, S, M))
    return AdditiveAttention.init(rng, H, M, A), (query, memory, mask_of([3, 5, 1, 4], S))


def cross_entropy(rng: np.random.Generator) -> Case:
    logits, target = rng.standard_normal((B, S, V)), rng.integers(V, size=(B, S))
    return CrossEntropy(), (logits, target, mask_of([3, 5, 1, 4], S))


def cross_entropy_packed(rng: np.random.Generator) -> Case:
    return CrossEntropy(), (rng.standard_normal((S, V)), np.array([4, 7, 4, 0, 10]))


def encoder(rng: np.random.Generator) -> Case:
    layer = Encoder(Embedding.init(rng, V, E), GRU.init(rng, E, H))
    return layer, (hard_batch().source, rng.standard_normal((B, H)))


def decoder_inputs(rng: np.random.Generator) -> tuple:
    """Return y, s0, memory, mask and alive."""
    y, s0, memory = (rng.standard_normal(shape) for shape in ((sum(ALIVE), E), (B, H), (B, S, H)))
    return y, s0, memory, mask_of([3, 5, 1, 4], S), ALIVE


def attention_decoder(rng: np.random.Generator) -> Case:
    return BahdanauDecoder.init(rng, E, H), decoder_inputs(rng)


def plain_decoder(rng: np.random.Generator) -> Case:
    return PlainDecoder.init(rng, E, H), decoder_inputs(rng)


def seq2seq(model: str) -> Callable[[np.random.Generator], Case]:
    """Return the case of a whole model."""

    def case(rng: np.random.Generator) -> Case:
        return Seq2Seq.init(rng, Config(V, V - 1, E, H, model)), (hard_batch(),)

    return case


CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    "linear": linear,
    "embedding": embedding,
    "gru": gru,
    "attention": attention,
    "cross_entropy": cross_entropy,
    "cross_entropy_packed": cross_entropy_packed,
    "encoder": encoder,
    "attention_decoder": attention_decoder,
    "plain_decoder": plain_decoder,
    **{f"seq2seq_{model}": seq2seq(model) for model in MODELS},
}


def make_case(name: str, seed: int = 0) -> Case:
    """Return layer and inputs of a case of the table, with random weights."""
    rng = np.random.default_rng(seed)
    layer, inputs = CASES[name](rng)
    return random_weights(layer, rng), inputs
