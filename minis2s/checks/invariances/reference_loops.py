"""The papers' equations for every configuration, as plain loops: one sentence, one step, one gate at a time.

No masks, no packing, no hand-written gradients. ``xp`` is numpy or torch: with arrays this is the reference of the
numbers, with tensors that require a gradient it is the whole family in autograd. The library's records serve
as holders of weights only; their comments say in which order the gates lie. Dropout is left out.

``checks.parity`` compares a model with it. Slow on purpose: nothing here is clever enough to be wrong in the same way
as the fast code.
"""

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from minis2s import layers
from minis2s.data.vocabulary import BOS, EOS
from minis2s.layers.record import branches
from minis2s.models import BahdanauDecoder, Bridge, Config, Encoder, EncoderLayer, LuongDecoder, PlainDecoder, Seq2Seq
from minis2s.models.output import TiedOutput


def linear(layer, x):
    """y = x W + b for one row."""
    return x @ layer.W + layer.b


def embedding(xp, layer, ids):
    """Each token's row of the table."""
    return [layer.E[i] for i in ids]


def sigmoid(xp, a):
    return 1 / (1 + xp.exp(-a))


def softmax(xp, scores):
    return xp.exp(scores) / xp.exp(scores).sum()


# Cells


def rnn_step(xp, cell, x, h):
    """Elman 1990."""
    return xp.tanh(x @ cell.W_x[0] + h @ cell.W_h[0] + cell.b[0, 0])


def gru_step(xp, cell, x, h):
    """Cho et al. 2014, equations (5) to (8), with the reset gate after the product, as in torch.nn.GRU."""
    W_r, W_z, W_n = cell.W_x
    U_r, U_z, U_n = cell.W_h
    b_r, b_z, b_n = cell.b_x[:, 0]
    d_r, d_z, d_n = cell.b_h[:, 0]
    r = sigmoid(xp, x @ W_r + b_r + h @ U_r + d_r)
    z = sigmoid(xp, x @ W_z + b_z + h @ U_z + d_z)
    n = xp.tanh(x @ W_n + b_n + r * (h @ U_n + d_n))
    return z * h + (1 - z) * n


def gru_before_step(xp, cell, x, h):
    """Cho et al. 2014, equations (5) to (8), with biases."""
    W_r, W_z, W_n = cell.W_x
    U_r, U_z, U_n = cell.W_h
    b_r, b_z, b_n = cell.b[:, 0]
    r = sigmoid(xp, x @ W_r + h @ U_r + b_r)
    z = sigmoid(xp, x @ W_z + h @ U_z + b_z)
    n = xp.tanh(x @ W_n + (r * h) @ U_n + b_n)
    return z * h + (1 - z) * n


def lstm_step(xp, cell, x, s):
    """Gers, Schmidhuber & Cummins 2000, without peepholes; the state is h with c behind it."""
    W_g, W_i, W_f, W_o = cell.W_x
    U_g, U_i, U_f, U_o = cell.W_h
    b_g, b_i, b_f, b_o = cell.b[:, 0]
    H = len(s) // 2
    h, c = s[:H], s[H:]
    i = sigmoid(xp, x @ W_i + h @ U_i + b_i)
    f = sigmoid(xp, x @ W_f + h @ U_f + b_f)
    o = sigmoid(xp, x @ W_o + h @ U_o + b_o)
    g = xp.tanh(x @ W_g + h @ U_g + b_g)
    c = f * c + i * g
    return xp.concatenate([o * xp.tanh(c), c])


STEPS = {layers.RNN: rnn_step, layers.GRU: gru_step, layers.GRUResetBefore: gru_before_step, layers.LSTM: lstm_step}


def cell_step(xp, cell, x, s):
    """The state after s."""
    return STEPS[type(cell)](xp, cell, x, s)


def run(xp, cell, xs, s):
    """The state after each x of one sentence."""
    states = []
    for x in xs:
        s = cell_step(xp, cell, x, s)
        states.append(s)
    return states


def output(cell, s):
    """h, the part of a state that others see."""
    return s[: cell.W_h.shape[-1]]


def blank(xp, cell):
    """A state of zeros."""
    return xp.zeros(cell.W_h.shape[-1] * (2 if isinstance(cell, layers.LSTM) else 1), dtype=xp.float64)


# Attention


def side_by_side(xp, a, q, m):
    """The tutorials' linear layer over [q; m], then max(0, .)."""
    return (xp.concatenate([q, m]) @ xp.concatenate([a.W_q, a.W_k]) + a.b).clip(0) @ a.v


SCORES = {  # Bahdanau et al. 2015, appendix A.1.2; Tu et al. 2016, (4), (6); Luong et al. 2015, (8); Vaswani 2017, (1)
    layers.AdditiveAttention: lambda xp, a, q, m, coverage: xp.tanh(q @ a.W_q + m @ a.W_k) @ a.v,
    layers.ReluAttention: lambda xp, a, q, m, coverage: side_by_side(xp, a, q, m),
    layers.CoverageAttention: lambda xp, a, q, m, coverage: xp.tanh(q @ a.W_q + m @ a.W_k + coverage * a.w) @ a.v,
    layers.DotAttention: lambda xp, a, q, m, coverage: q @ m,
    layers.GeneralAttention: lambda xp, a, q, m, coverage: q @ a.W @ m,
    layers.ScaledDotAttention: lambda xp, a, q, m, coverage: q @ m / len(q) ** 0.5,
}


def score(xp, attention, query, memory_j, coverage_j):
    """How well one position answers the query."""
    return SCORES[type(attention)](xp, attention, query, memory_j, coverage_j)


def attend(xp, attention, query, memory, coverage=None):
    """Context and weights of one query: Bahdanau et al. 2015, section 3.1."""
    coverage = [0.0] * len(memory) if coverage is None else coverage
    alpha = softmax(xp, xp.stack([score(xp, attention, query, m, c) for m, c in zip(memory, coverage)]))
    return sum(a * m for a, m in zip(alpha, memory)), alpha


# Models


def layer_norm(xp, norm, x):
    """Ba et al. 2016, equation (4), with torch.nn.LayerNorm's epsilon."""
    mean = x.mean()
    variance = ((x - mean) ** 2).mean()
    return (x - mean) / xp.sqrt(variance + 1e-5) * norm.g + norm.b


def encode(xp, encoder, ids, first=None):
    """The memory of one source, (S, M), and the last state; ``first``: a state a layer and direction."""
    xs = embedding(xp, encoder.embedding, ids)
    for depth, layer in enumerate(encoder.layers):
        cells = layer.cells
        s0 = [blank(xp, cell) for cell in cells] if first is None else first[depth]
        read = [run(xp, cell, xs[::way], s) for cell, way, s in zip(cells, (1, -1), s0)]
        ends = [states[-1] for states in read]
        ways = [[output(cell, s) for s in states][::way] for cell, states, way in zip(cells, read, (1, -1))]
        xs = [xp.concatenate(both) for both in zip(*ways)]
        if layer.norm is not None:
            xs = [layer_norm(xp, layer.norm, x) for x in xs]
    hs = [output(cell, end) for cell, end in zip(cells, ends)]
    cs = [end[len(h) :] for h, end in zip(hs, ends)]  # nothing, but for an LSTM
    return xp.stack(xs), xp.concatenate([*hs, *cs])


def bridge(xp, layer, last):
    """The decoder's first state: Bahdanau et al. 2015, appendix A.2.2, or the encoder's last as it is."""
    return last if layer is None else xp.tanh(linear(layer.linear, last))


def decode(xp, decoder, ys, s0, memory):
    """What the output layer reads after each y of one target, and where each step looked (None: nowhere)."""
    s, outs, alphas = s0, [], []
    coverage, fed = xp.zeros(len(memory), dtype=xp.float64), 0 * output(decoder.cell, s0)
    for y in ys:
        if isinstance(decoder, LuongDecoder):  # Luong et al. 2015, figure 4 and equation (5): the new state asks
            s = cell_step(xp, decoder.cell, xp.concatenate([y, fed]) if decoder.input_feeding else y, s)
            h = output(decoder.cell, s)
            context, alpha = attend(xp, decoder.attention, h, memory, coverage)
            out = fed = xp.tanh(linear(decoder.combine, xp.concatenate([context, h])))
        else:
            if isinstance(decoder, BahdanauDecoder):  # Bahdanau et al. 2015, section 3.1: the state before asks
                context, alpha = attend(xp, decoder.attention, output(decoder.cell, s), memory, coverage)
            else:  # Cho et al. 2014: the same vector at every step
                context, alpha = output(decoder.cell, s0), None
            s = cell_step(xp, decoder.cell, xp.concatenate([y, context]), s)
            out = output(decoder.cell, s)
        coverage = coverage if alpha is None else coverage + alpha
        outs.append(out)
        alphas.append(alpha)
    return outs, alphas


def log_probabilities(xp, model, source, target):
    """Log-probabilities of every token at every step of one pair, (T, V), and alphas; the target ends in EOS."""
    memory, last = encode(xp, model.encoder, source)
    ys = embedding(xp, model.embedding, [BOS, *target[:-1]])
    outs, alphas = decode(xp, model.decoder, ys, bridge(xp, model.bridge, last), memory)
    if model.norm is not None:
        outs = [layer_norm(xp, model.norm, out) for out in outs]
    tied = not hasattr(model.output, "W")  # Press & Wolf 2017
    logits = [model.embedding.E @ out + model.output.b if tied else linear(model.output, out) for out in outs]
    return xp.stack([xp.log(softmax(xp, row)) for row in logits]), alphas


def cross_entropy(xp, log_p, target, smoothing=0.0):
    """Nats of one target, a sum over its tokens; smoothing as in Szegedy et al. 2016, section 7."""
    return sum(-(1 - smoothing) * row[token] - smoothing * row.mean() for row, token in zip(log_p, target))


def nll(xp, model, source, target, smoothing=0.0):
    """Nats of one target given its source, end sign included."""
    target = [*target, EOS]
    return cross_entropy(xp, log_probabilities(xp, model, source, target)[0], target, smoothing)


def loss(xp, model, sources, targets, smoothing=0.0):
    """Nats per real target token over some pairs."""
    nats = [nll(xp, model, source, target, smoothing) for source, target in zip(sources, targets)]
    return sum(nats) / sum(len(target) + 1 for target in targets)


def greedy(xp, model, source, max_length):
    """The likeliest token at each step of one sentence.

    Returns
    -------
    tokens : at most max_length, without EOS
    log_probability : of the tokens and, if it came, of EOS
    alphas : a row of weights over the source a step, that of EOS included; an empty list without attention
    """
    tokens: list[int] = []
    token = None
    while token != EOS and len(tokens) <= max_length:
        log_p, alphas = log_probabilities(xp, model, source, [*tokens, EOS])
        token = int(log_p[-1].argmax())
        tokens.append(token)
    written = tokens if token == EOS else tokens[:max_length]
    log_probability = -cross_entropy(xp, log_p, written)
    alphas = [alpha for alpha in alphas[: len(written)] if alpha is not None]
    return [token for token in written if token != EOS], log_probability, alphas


KNOWN = {
    *STEPS,
    *SCORES,
    *(Config, Seq2Seq, Encoder, EncoderLayer, Bridge, BahdanauDecoder, LuongDecoder, PlainDecoder),
    *(layers.Embedding, layers.Dropout, layers.LayerNorm, layers.Linear, TiedOutput),
}


def without_loops(model: Any) -> list[str]:
    """Return the types of a model's records that have no plain loops here, such as a cell of one's own."""

    def records(tree: Any) -> Iterator[Any]:
        if is_dataclass(tree):
            yield tree
        for _, part in branches(tree):
            yield from records(part)

    return sorted({type(part).__name__ for part in [model, *records(model)] if type(part) not in KNOWN})
