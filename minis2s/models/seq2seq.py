"""The whole model: encoder, decoder, output layer, loss."""

from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Batch, Sequences
from minis2s.layers.embedding import Embedding, EmbeddingCache
from minis2s.layers.functions import log_softmax
from minis2s.layers.gru import GRU
from minis2s.layers.linear import Linear
from minis2s.layers.loss import CrossEntropy, CrossEntropyCache
from minis2s.layers.record import record
from minis2s.models.config import Config
from minis2s.models.decoder import (
    DECODERS,
    BahdanauCache,
    BahdanauDecoder,
    BahdanauState,
    PlainCache,
    PlainDecoder,
    PlainState,
)
from minis2s.models.encoder import Encoder, EncoderCache


class Seq2SeqCache(NamedTuple):
    encoder: EncoderCache
    embedding: EmbeddingCache
    decoder: BahdanauCache | PlainCache
    states: np.ndarray  # (N, H) decoder states, which are also the output layer's cache
    loss: CrossEntropyCache


@record
class Seq2Seq:
    """p(target | source) = product over t of p(y_t | y_1 ... y_{t-1}, source), one decoder step a factor.

    It answers four questions, and training, search, checks and plots ask nothing else:
    ``loss`` and ``backward`` to learn, ``encode`` and ``decode_step`` to translate.

    References
    ----------
    Sutskever, Vinyals & Le 2014, arXiv 1409.3215; Cho et al. 2014, arXiv 1406.1078;
    Bahdanau, Cho & Bengio 2015, arXiv 1409.0473.
    """

    config: Config
    encoder: Encoder
    embedding: Embedding  # of target tokens
    decoder: BahdanauDecoder | PlainDecoder
    output: Linear  # decoder state to logits

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "Seq2Seq":
        """Return a model with random weights in float64."""
        E, H = config.embedding, config.hidden
        return cls(
            config=config,
            encoder=Encoder(Embedding.init(rng, config.source_vocabulary, E), GRU.init(rng, E, H)),
            embedding=Embedding.init(rng, config.target_vocabulary, E),
            decoder=DECODERS[config.model].init(rng, E, H),
            output=Linear.init(rng, H, config.target_vocabulary),
        )

    def first_states(self, source: Sequences) -> np.ndarray:
        """Return the encoder's first states (B, H): zero."""
        return np.zeros((len(source.ids), self.config.hidden), self.output.W.dtype)

    def loss(self, batch: Batch, rng: np.random.Generator | None = None) -> tuple[float, Seq2SeqCache]:
        """Return the teacher-forced loss in nats per real target token, end signs included.

        ``rng`` is for models that draw something in training, such as dropout masks; this one draws nothing.
        """
        source, target = batch.source, batch.target
        (memory, last), encoder = self.encoder.forward(source, self.first_states(source))
        y, embedding = self.embedding.forward(batch.previous)
        states, decoder = self.decoder.forward(y, last, memory, source.mask, target.alive)
        logits, _ = self.output.forward(states)  # once, over all real target tokens of the batch
        loss, cross_entropy = CrossEntropy().forward(logits, target.packed)
        return loss, Seq2SeqCache(encoder, embedding, decoder, states, cross_entropy)

    def backward(self, cache: Seq2SeqCache) -> "Seq2Seq":
        """Reverse loss: return the gradient of every weight, a record of the model's own type."""
        _, dlogits = CrossEntropy().backward(1.0, cache.loss)
        d_output, dstates = self.output.backward(dlogits, cache.states)
        d_decoder, dy, dlast, dmemory = self.decoder.backward(dstates, cache.decoder)
        (d_embedding,) = self.embedding.backward(dy, cache.embedding)
        d_encoder, _ = self.encoder.backward((dmemory, dlast), cache.encoder)
        return Seq2Seq(self.config, d_encoder, d_embedding, d_decoder, d_output)

    def encode(self, source: Sequences) -> BahdanauState | PlainState:
        """Read the sources; return all that the decoder has to know, a row a sentence."""
        (memory, last), _ = self.encoder.forward(source, self.first_states(source))
        return self.decoder.start(last, memory, source.mask)

    def decode_step(
        self, tokens: np.ndarray, state: BahdanauState | PlainState
    ) -> tuple[np.ndarray, BahdanauState | PlainState]:
        """Return the log-probabilities (B, V) of the token after ``tokens`` (B,) int, and the next state."""
        y, _ = self.embedding.forward(tokens)
        state = self.decoder.step(y, state)
        logits, _ = self.output.forward(state.s)
        return log_softmax(logits), state
