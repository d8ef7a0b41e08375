"""The floor: nothing but the matrix products, tanh and exp that one training step of the model needs.

Same shapes and the same packing as ours, every result written into a buffer made beforehand, no other arithmetic. It is
no model and learns nothing; it says how far a rewrite in NumPy could get at most.
"""

from collections.abc import Callable

import numpy as np

from minis2s.data.batches import Batch
from minis2s.layers.packing import step_slices
from minis2s.models import Seq2Seq


def floor(model: Seq2Seq, batch: Batch) -> Callable[[], float]:
    """Return the step; what it returns stands in for a loss."""
    rng = np.random.default_rng(0)
    dtype = model.output.W.dtype
    (B, S), T = batch.source.mask.shape, len(batch.target.batch_sizes)
    E, H, V = model.config.embedding, model.config.hidden, model.config.target_vocabulary
    N_s, N_t = len(batch.source.rows), batch.tokens

    def random(*shape: int) -> np.ndarray:
        return rng.uniform(-0.1, 0.1, shape).astype(dtype)

    x, hs, gates_s, u = random(N_s, E), random(N_s, H), random(4, N_s, H), random(3, B, H)
    y, ss, gates_t, contexts = random(N_t, E), random(N_t, H), random(4, N_t, H), random(N_t, H)
    both, wide = random(N_t, E + H), random(3, B, H)
    memory, keys, hidden = random(B, S, H), random(B, S, H), random(B, S, H)
    q, score, alpha = random(B, H), random(B, S), random(B, 1, S)
    context, dalpha = random(B, 1, H), random(B, S, 1)
    logits, dstates, dW = random(N_t, V), random(N_t, H), random(H, V)
    alphas, dcontexts, dmemory = random(B, T, S), random(B, T, H), random(B, S, H)
    W_x, W_h, W_y, W_c, W_s = (random(3, n, H) for n in (E, H, E, H, H))
    W_q, W_k, v, W = random(H, H), random(H, H), random(H), random(H, V)
    dW_x, dW_h, dW_yc = random(3, E, H), random(3, H, H), random(3, E + H, H)
    dx, dy, dW_q, dv = random(3, N_s, E), random(3, N_t, E), random(H, H), random(H)
    W_xT, W_hT, W_yT, W_cT, W_sT = (np.ascontiguousarray(w.swapaxes(1, 2)) for w in (W_x, W_h, W_y, W_c, W_s))
    steps_s, steps_t = step_slices(batch.source.batch_sizes), step_slices(batch.target.batch_sizes)
    dot, tanh, exp = np.matmul, np.tanh, np.exp

    def cell(gates: np.ndarray, rows: slice, h: np.ndarray, W_h: np.ndarray) -> None:
        dot(h, W_h, out=u[:, : len(h)])
        tanh(gates[:3, rows], out=gates[:3, rows])

    def step() -> float:
        dot(x, W_x, out=gates_s[:3])
        for rows in steps_s:
            cell(gates_s, rows, hs[rows], W_h)
        dot(memory.reshape(-1, H), W_k, out=keys.reshape(-1, H))
        dot(y, W_y, out=gates_t[:3])
        for rows in steps_t:
            n = rows.stop - rows.start
            dot(ss[rows], W_q, out=q[:n])
            tanh(keys[:n], out=hidden[:n])
            dot(hidden[:n].reshape(-1, H), v, out=score[:n].reshape(-1))
            exp(score[:n], out=alpha[:n, 0])
            dot(alpha[:n], memory[:n], out=context[:n])
            dot(context[:n, 0], W_c, out=wide[:, :n])
            cell(gates_t, rows, ss[rows], W_s)
        dot(ss, W, out=logits)
        exp(logits, out=logits)

        dot(ss.T, logits, out=dW)
        dot(logits, W.T, out=dstates)
        for rows in reversed(steps_t):
            n = rows.stop - rows.start
            dot(gates_t[1:, rows], W_sT, out=u[:, :n])
            dot(gates_t[:3, rows], W_cT, out=wide[:, :n])
            dot(memory[:n], contexts[rows][..., None], out=dalpha[:n])
            dot(dalpha[:n].reshape(-1), hidden[:n].reshape(-1, H), out=dv)
            dot(alpha[:n], hidden[:n], out=context[:n])
            dot(q[:n], W_q.T, out=dstates[rows])
        dot(ss.T, dstates, out=dW_q)
        dot(memory.reshape(-1, H).T, keys.reshape(-1, H), out=dW_q)
        dot(keys.reshape(-1, H), W_k.T, out=dmemory.reshape(-1, H))
        dot(alphas.swapaxes(1, 2), dcontexts, out=dmemory)
        dot(both.T, gates_t[:3], out=dW_yc)
        dot(ss.T, gates_t[1:], out=dW_h)
        dot(gates_t[:3], W_yT, out=dy)
        for rows in reversed(steps_s):
            n = rows.stop - rows.start
            dot(gates_s[1:, rows], W_hT, out=u[:, :n])
        dot(x.T, gates_s[:3], out=dW_x)
        dot(hs.T, gates_s[1:], out=dW_h)
        dot(gates_s[:3], W_xT, out=dx)
        logits.fill(0)
        return 0.0

    return step
