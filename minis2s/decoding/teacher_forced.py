"""A model on references, teacher-forced: the loss of each sentence, and its attention weights."""

import numpy as np

from minis2s.data.batches import Examples, iterate
from minis2s.layers.activations import log_softmax
from minis2s.layers.packing import unpack
from minis2s.models.seq2seq import Seq2Seq


def sentence_nats(model: Seq2Seq, examples: Examples, size: int = 250) -> np.ndarray:
    """Return the negative log-likelihood of each target, teacher-forced, in nats per token, end sign included, (P,)."""
    out = np.zeros(len(examples))
    for batch in iterate(examples, size):
        _, cache = model.loss(batch)
        # Not from cache.loss, where e^-104 is 0 in float32 and its logarithm infinite.
        log_p = log_softmax(model.logits(cache.states)[0])
        nats = -log_p[np.arange(batch.tokens), batch.target.packed]
        out[batch.pairs] = np.bincount(batch.target.rows, nats) / batch.target.mask.sum(1)
    return out


def teacher_forced_alphas(model: Seq2Seq, examples: Examples, size: int = 250) -> list[np.ndarray]:
    """Return the attention weights (T, S) on each reference, a row a target token, end signs included.

    Raises
    ------
    ValueError
        If the model has no attention.
    """
    if not model.config.attends:
        raise ValueError("this model has no attention")
    out = [np.empty(0)] * len(examples)
    for batch in iterate(examples, size):
        _, cache = model.loss(batch)
        packed = np.concatenate([attended.alpha for attended in cache.decoder.reads])
        alphas = unpack(packed, batch.target.batch_sizes)  # (B, T, S)
        sizes = zip(batch.target.mask.sum(1), batch.source.mask.sum(1))
        for pair, padded, (T, S) in zip(batch.pairs, alphas, sizes):  # rows of the batch: the longest target first
            out[pair] = padded[:T, :S].copy()
    return out
