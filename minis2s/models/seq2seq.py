"""The whole model: encoder, decoder, output layer, loss."""

from typing import Any, NamedTuple

import numpy as np

from minis2s.data.batches import Batch, PackedBatch
from minis2s.layers.activations import log_softmax
from minis2s.layers.cross_entropy import CrossEntropy, CrossEntropyCache
from minis2s.layers.dropout import Dropout
from minis2s.layers.embedding import Embedding, EmbeddingCache
from minis2s.layers.layer_norm import LayerNorm
from minis2s.layers.linear import Linear
from minis2s.layers.record import record
from minis2s.models.bahdanau import BahdanauDecoder
from minis2s.models.bridge import Bridge
from minis2s.models.config import Config
from minis2s.models.decoder_state import DecoderState
from minis2s.models.encoder import Encoder, EncoderCache
from minis2s.models.luong import LuongDecoder
from minis2s.models.no_attention import PlainDecoder
from minis2s.models.output import TiedOutput

DECODERS: dict[str, type[BahdanauDecoder] | type[LuongDecoder]] = {"bahdanau": BahdanauDecoder, "luong": LuongDecoder}


class Seq2SeqCache(NamedTuple):
    encoder: EncoderCache
    bridge: Any  # its BridgeCache, or None
    embedding: EmbeddingCache
    decoder: Any  # its BahdanauCache, LuongCache or PlainCache
    norm: Any  # its LayerNormCache, or None
    dropout_masks: tuple[np.ndarray | None, np.ndarray | None]  # masks of the embeddings and of the states
    states: np.ndarray  # (N, H) what the output layer read
    output: Any  # its TiedOutputCache, or states again
    loss: CrossEntropyCache


@record
class Seq2Seq:
    """p(target | source) = product over t of p(y_t | y_1 ... y_{t-1}, source), one decoder step a factor.

    Its interface is four methods: ``loss`` and ``backward`` to learn, ``encode`` and ``decode_step`` to translate.

    References
    ----------
    Sutskever, Vinyals & Le 2014, arXiv 1409.3215; Cho et al. 2014, arXiv 1406.1078;
    Bahdanau, Cho & Bengio 2015, arXiv 1409.0473.
    """

    config: Config
    encoder: Encoder
    bridge: Bridge | None
    embedding: Embedding  # of target tokens
    decoder: BahdanauDecoder | LuongDecoder | PlainDecoder
    norm: LayerNorm | None
    output: Linear | TiedOutput  # decoder output to logits

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "Seq2Seq":
        """Return a model with random weights in float64."""
        E, H, V = config.embedding, config.hidden, config.target_vocabulary
        encoder = Encoder.init(rng, config)
        embedding = Embedding.init(rng, V, E)
        decoder = (DECODERS[config.order] if config.attends else PlainDecoder).init(rng, config)
        bridge = None
        if config.bridge == "tanh":
            bridge = Bridge.init(rng, decoder.cell.states_per_hidden * config.memory, decoder.cell.state_size)
        return cls(
            config=config,
            encoder=encoder,
            bridge=bridge,
            embedding=embedding,
            decoder=decoder,
            norm=LayerNorm.init(H) if config.layer_norm else None,
            output=TiedOutput.init(V) if config.tie_output else Linear.init(rng, H, V),
        )

    def read(self, source: PackedBatch, rng: np.random.Generator | None = None) -> tuple[tuple, tuple]:
        """Return (memory (B, S, M), the decoder's first state (B, C)) and the caches of encoder and bridge."""
        h0 = self.encoder.initial_state(len(source.ids), self.embedding.E.dtype)
        (memory, last), encoder = self.encoder.forward(source, h0, rng)
        s0, bridge = (last, None) if self.bridge is None else self.bridge.forward(last)
        return (memory, s0), (encoder, bridge)

    def logits(self, states: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the logits (N, V) of what the decoder put out (N, H), and the output layer's cache."""
        tied = [self.embedding.E] if self.config.tie_output else []
        return self.output.forward(states, *tied)

    def loss(self, batch: Batch, rng: np.random.Generator | int | None = None) -> tuple[float, Seq2SeqCache]:
        """Return the teacher-forced loss in nats per real target token, end signs included.

        With ``rng`` this is the loss of training: ``rng`` draws the dropout masks, and labels are smoothed. Without it
        nothing is dropped or smoothed. A seed for ``rng`` gives the same loss at every call, which a gradient check
        needs.
        """
        source, target, config = batch.source, batch.target, self.config
        rng = None if rng is None else np.random.default_rng(rng)
        dropout, smoothing = Dropout(config.dropout), 0.0 if rng is None else config.label_smoothing
        (memory, s0), (encoder, bridge) = self.read(source, rng)
        y, embedding = self.embedding.forward(batch.previous)
        y, y_mask = dropout.forward(y, rng)
        states, decoder = self.decoder.forward(y, s0, memory, source.mask, target.batch_sizes)
        states, norm = (states, None) if self.norm is None else self.norm.forward(states)
        states, states_mask = dropout.forward(states, rng)
        logits, output = self.logits(states)  # once, over all real target tokens
        loss, cross_entropy = CrossEntropy(smoothing).forward(logits, target.packed)
        masks = y_mask, states_mask
        return loss, Seq2SeqCache(encoder, bridge, embedding, decoder, norm, masks, states, output, cross_entropy)

    def backward(self, cache: Seq2SeqCache) -> "Seq2Seq":
        """Reverse loss: return the gradient of every weight, a record of the model's own type."""
        dropout = Dropout(self.config.dropout)
        _, dlogits = CrossEntropy().backward(1.0, cache.loss)
        d_output, dstates, *d_tied = self.output.backward(dlogits, cache.output)
        _, dstates = dropout.backward(dstates, cache.dropout_masks[1])
        d_norm, dstates = (None, dstates) if self.norm is None else self.norm.backward(dstates, cache.norm)
        d_decoder, dy, ds0, dmemory = self.decoder.backward(dstates, cache.decoder)
        _, dy = dropout.backward(dy, cache.dropout_masks[0])
        (d_embedding,) = self.embedding.backward(dy, cache.embedding)
        d_bridge, dlast = (None, ds0) if self.bridge is None else self.bridge.backward(ds0, cache.bridge)
        d_encoder, _ = self.encoder.backward((dmemory, dlast), cache.encoder)
        for dE in d_tied:
            d_embedding.E[:] += dE  # fork: a tied E is looked up and multiplied
        return Seq2Seq(self.config, d_encoder, d_bridge, d_embedding, d_decoder, d_norm, d_output)

    def encode(self, source: PackedBatch) -> DecoderState:
        """Encode the sources; return the decoder's state before its first step, a row a sentence."""
        (memory, s0), _ = self.read(source)
        return self.decoder.start(s0, memory, source.mask)

    def decode_step(self, tokens: np.ndarray, state: DecoderState) -> tuple[np.ndarray, DecoderState]:
        """Return the log-probabilities (B, V) of the token after ``tokens`` (B,) int, and the next state."""
        y, _ = self.embedding.forward(tokens)
        state = self.decoder.step(y, state)
        states = state.out if self.norm is None else self.norm.forward(state.out)[0]
        logits, _ = self.logits(states)
        return log_softmax(logits), state
