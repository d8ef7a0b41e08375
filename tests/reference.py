"""The papers' equations as plain loops: one sentence, one step, one gate at a time, no masks and no packing.

The library's records serve as holders of weights only. Slow on purpose: nothing here is clever enough to be wrong
in the same way as the fast code.
"""

import numpy as np

from minis2s.checks.invariances.reference_loops import linear
from minis2s.data.vocabulary import BOS, EOS


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def softmax(scores):
    powers = [np.exp(score) for score in scores]
    return np.array([power / sum(powers) for power in powers])


def embedding(layer, ids):
    """Each token as a one-hot row times the table."""
    return [np.eye(len(layer.E))[i] @ layer.E for i in ids]


def cross_entropy(logits, targets):
    """Mean of -log p(target), in nats a token."""
    return sum(-np.log(softmax(row)[target]) for row, target in zip(logits, targets)) / len(targets)


def gru_step(cell, x, h):
    """One state after another: Cho et al. 2014, equations (5) to (8), with the reset gate after the product."""
    W_xr, W_xz, W_xn = cell.W_x
    W_hr, W_hz, W_hn = cell.W_h
    b_xr, b_xz, b_xn = cell.b_x[:, 0]
    b_hr, b_hz, b_hn = cell.b_h[:, 0]
    r = sigmoid(x @ W_xr + b_xr + h @ W_hr + b_hr)
    z = sigmoid(x @ W_xz + b_xz + h @ W_hz + b_hz)
    n = np.tanh(x @ W_xn + b_xn + r * (h @ W_hn + b_hn))
    return z * h + (1 - z) * n


def gru(cell, xs, h):
    """The state after each x of one sentence."""
    states = []
    for x in xs:
        h = gru_step(cell, x, h)
        states.append(h)
    return states


def attention(layer, query, memory):
    """Context and weights of one query: Bahdanau et al. 2015, section 3.1 and appendix A.1.2."""
    scores = [layer.v @ np.tanh(query @ layer.W_q + h_j @ layer.W_k) for h_j in memory]
    alpha = softmax(scores)
    return sum(a * h_j for a, h_j in zip(alpha, memory)), alpha


def encoder(layer, ids, h0):
    """The memory of one source; its last row is the sentence's last state."""
    return gru(layer.layers[0].cells[0], embedding(layer.embedding, ids), h0)


def decoder_step(decoder, y, s, s0, memory):
    """Return (s_t, alpha_t) from y_t and s_{t-1}; alpha is None for the decoder without attention."""
    if hasattr(decoder, "attention"):
        context, alpha = attention(decoder.attention, s, memory)  # Bahdanau et al. 2015: the previous state asks
    else:
        context, alpha = s0, None  # Cho et al. 2014: the same vector at every step
    return gru_step(decoder.cell, np.concatenate([y, context]), s), alpha


def decoder(layer, ys, s0, memory):
    """The state after each y of one target, and where each step looked."""
    s, states, alphas = s0, [], []
    for y in ys:
        s, alpha = decoder_step(layer, y, s, s0, memory)
        states.append(s)
        alphas.append(alpha)
    return states, alphas


def teacher_forced(model, source, target):
    """Log-probabilities of every token at every step of one pair, (T, V), and alphas; the target ends in EOS."""
    memory = encoder(model.encoder, source, np.zeros(model.config.hidden))
    states, alphas = decoder(model.decoder, embedding(model.embedding, [BOS, *target[:-1]]), memory[-1], memory)
    return np.array([np.log(softmax(linear(model.output, s))) for s in states]), alphas


def nll(model, source, target):
    """Negative log-likelihood of one target given its source, in nats, its end sign included."""
    target = [*target, EOS]
    log_p, _ = teacher_forced(model, source, target)
    return sum(-log_p[t][token] for t, token in enumerate(target))


def loss(model, sources, targets):
    """Nats per real target token over some pairs."""
    tokens = sum(len(target) + 1 for target in targets)
    return sum(nll(model, source, target) for source, target in zip(sources, targets)) / tokens


def greedy(model, source, max_length):
    """Translate one sentence by its likeliest token at each step.

    Returns
    -------
    tokens : at most max_length, without EOS
    log_probability : of the tokens and, if it was produced, of EOS
    alphas : a row of weights over the source a step, EOS included; an empty list without attention
    """
    memory = encoder(model.encoder, source, np.zeros(model.config.hidden))
    s, previous, tokens, log_probability, alphas = memory[-1], BOS, [], 0.0, []
    while True:
        y = embedding(model.embedding, [previous])[0]
        s, alpha = decoder_step(model.decoder, y, s, memory[-1], memory)
        p = softmax(linear(model.output, s))
        previous = int(np.argmax(p))
        if previous != EOS and len(tokens) == max_length:
            return tokens, log_probability, alphas
        log_probability += float(np.log(p[previous]))
        if alpha is not None:
            alphas.append(alpha)
        if previous == EOS:
            return tokens, log_probability, alphas
        tokens.append(previous)
