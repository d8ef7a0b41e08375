# %% [markdown]
# # 08 The attention family
#
# - **Question:** What is a query, a key, a value?
# - **Time:** 60 minutes to read and do, 40 seconds to run on two cores.
# - **Before:** [lesson 07](07_attention.ipynb); the variance of a sum.
#
# Ask a dictionary of Python for a key that it does not hold, and you get an error. Attention is a dictionary that never
# fails: it hands out a little of every value. All it takes is a number that says how well a query and a key agree. Four
# papers found four such numbers. One of them divides by a square root, for a good reason, and in our model that does
# harm.

# %%
from dataclasses import replace
from time import perf_counter

import numpy as np

from minis2s import Config, plots
from minis2s.classroom.exercises.lesson_08 import grade
from minis2s.classroom.lesson import is_small
from minis2s.classroom.live import show
from minis2s.classroom.reversal import Reversal
from minis2s.data.pairs import Pair
from minis2s.decoding.forced import teacher_forced_alphas
from minis2s.layers import ATTENTIONS, ScaledDotAttention, count
from minis2s.layers.functions import softmax
from minis2s.models.luong import LuongDecoder
from minis2s.plots.attention import draw_heat_map

# %% [markdown]
# ## A dictionary that never fails
#
# Three keys with three values, and a query. Agreement is the plain product, $2 \cdot k_1 + 1 \cdot k_2$:
#
# | key | value | query · key, for the query (2, 1) | $e^\mathrm{score}$ | share |
# |---|---|---|---|---|
# | (1, 0) | 10 | 2 | 7.389 | 0.245 |
# | (0, 1) | 20 | 1 | 2.718 | 0.090 |
# | (1, 1) | 30 | 3 | 20.086 | 0.665 |
#
# The answer is $0.245 \cdot 10 + 0.090 \cdot 20 + 0.665 \cdot 30 = 24.2$. The query decides *what is looked for*, the
# keys *where it is found*, the values *what is brought back*. Keys and values come in pairs; only the keys must be as
# wide as the query.
#
# $$ \alpha = \mathrm{softmax}_j(\mathrm{query} \cdot \mathrm{key}_j), \qquad \mathrm{context} = \sum_j \alpha_j\,
# \mathrm{value}_j \tag{1} $$
#
# Vaswani et al. 2017, [arXiv 1706.03762](https://arxiv.org/abs/1706.03762), section 3.2, has the three names; in the
# library [attention.py](../minis2s/layers/attention.py).


# %%
def lookup_loops(query, keys, values):  # (d,), (S, d), (S, M): one query
    """Return the context, (M,)."""
    score = np.array([sum(q * k for q, k in zip(query, key)) for key in keys])
    return sum(share * value for share, value in zip(softmax(score), values))  # (1)


KEYS, VALUES = np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([[10.0], [20], [30]])
print(lookup_loops(np.array([2.0, 1]), KEYS, VALUES))

# %% [markdown]
# **Your turn.** Answer $T$ queries at once, without a loop. The table of shares has a row a query and a column a key.


# %%
def lookup(query, keys, values):  # (T, d), (S, d), (S, M)
    """Return the contexts, (T, M)."""
    ### BEGIN SOLUTION
    return softmax(query @ keys.T) @ values
    ### END SOLUTION


grade(lookup)

# %% [markdown]
# ## Four ways to agree
#
# In lesson 07 the query was the decoder's state and the memory was both: the values as it is, the keys through $W_k$.
# The whole family differs only in the score:
#
# $$ \begin{aligned} \text{dot} \quad & \mathrm{query} \cdot \mathrm{memory}_j \\ \text{scaled dot} \quad &
# \mathrm{query} \cdot \mathrm{memory}_j / \sqrt{H} \\ \text{general} \quad & \mathrm{query}\, W \cdot \mathrm{memory}_j
# \\ \text{additive} \quad & \tanh(\mathrm{query}\, W_q + \mathrm{memory}_j W_k) \cdot v \end{aligned} \tag{2} $$
#
# Dot and general: Luong et al. 2015, [arXiv 1508.04025](https://arxiv.org/abs/1508.04025), equation 8. Scaled dot:
# Vaswani et al., equation 1. Both in [dot.py](../minis2s/layers/dot.py), the additive one in
# [additive.py](../minis2s/layers/additive.py).

# %%
LOOPS = {  # one query (H,), one place of the memory (M,), the weights
    "dot": lambda query, m, w: sum(query * m),
    "scaled_dot": lambda query, m, w: sum(query * m) / len(query) ** 0.5,
    "general": lambda query, m, w: sum(query[i] * w.W[i, k] * m[k] for i in range(len(query)) for k in range(len(m))),
    "additive": lambda query, m, w: sum(np.tanh(query @ w.W_q + m @ w.W_k) * w.v),
}
for seed in range(3):
    rng = np.random.default_rng(seed)
    query, memory = rng.normal(size=32), rng.normal(size=(5, 32))
    for kind, score in LOOPS.items():
        layer = ATTENTIONS[kind].init(rng, 32, 32, 32)
        library, _ = layer.score(query[None], layer.keys(memory[None]), None)
        np.testing.assert_allclose([score(query, m, layer) for m in memory], library[0], rtol=1e-10, atol=1e-14)
print({kind: count(ATTENTIONS[kind].init(rng, 32, 32, 32)) for kind in LOOPS}, "numbers to learn")

# %% [markdown]
# Two of them have nothing to learn. What do they cost? Here is one look of 64 sentences, forward and backward, by the
# clock of *your* machine, with states of 32 and of 256 numbers.


# %% tags=["volatile"]
def milliseconds(kind, H, looks=20):
    layer, memory, query = ATTENTIONS[kind].init(rng, H, H, H), rng.normal(size=(64, 20, H)), rng.normal(size=(64, H))
    times = []
    for _ in range(looks):
        start = perf_counter()
        layer.backward(query, layer.forward(query, memory, np.ones((64, 20), bool))[1])
        times.append(1000 * (perf_counter() - start))
    return min(times)


for kind in LOOPS:
    print(f"{kind:10}", *(f"H = {H}: {milliseconds(kind, H):6.2f} ms   " for H in (32, 256)))

# %% [markdown]
# ## Why the square root?
#
# Take two random vectors of $d$ numbers each, every number +1 or −1 by the toss of a coin. For $d = 2$ the product is a
# sum of two tosses: −2, 0, 0 or 2. The mean is 0 and the mean square $(4 + 0 + 0 + 4)/4 = 2$. A third toss adds 1 to the
# mean square, and so does a fourth. For any independent entries of mean 0 and variance 1:
#
# $$ \mathrm{Var}(\mathrm{query} \cdot \mathrm{key}) = \sum_{i=1}^{d} \mathrm{Var}(\mathrm{query}_i\, \mathrm{key}_i) = d
# \tag{3} $$
#
# Vaswani et al., footnote 4; in the library [dot.py](../minis2s/layers/dot.py). **On paper:** what is the standard
# deviation of the product for $d = 64$, a usual width of one head in a Transformer?

# %%
spread = ...  # a number
### BEGIN SOLUTION
spread = 8
### END SOLUTION
grade(spread=spread)

# %% [markdown]
# Scores that lie 8 apart are as good as a choice, and a choice has no slope (lesson 01). With two keys the slope of a
# share is $\alpha (1 - \alpha)$: at a difference of 1 it is 0.197, at 8 it is 0.0003. Now ten keys, random, and all
# slopes of a row of shares: how large is their table, the Jacobian, as the vectors get wider?

# %%
widths = 4 ** np.arange(6)  # 1 to 1,024
figure, (axes,) = plots.new_figure(10, 3.4, 1, 2)
for seed in range(3):
    sizes, rng = {"scaled": [], "plain": []}, np.random.default_rng(seed)
    for d in widths:
        score = (rng.normal(size=(400, 10, d)) @ rng.normal(size=(400, d, 1)))[..., 0]
        for name, alpha in (("scaled", softmax(score / d**0.5)), ("plain", softmax(score))):
            slopes = alpha[:, None] * (np.eye(10) - alpha[..., None])
            sizes[name].append(np.sqrt((slopes**2).sum((1, 2))).mean())
        if seed == 0 and d in (4, 64, 1024):
            axes[0].hist(score[:, 0], np.linspace(-90, 90, 61), histtype="step", linewidth=2, label=f"d = {d}")
    for name, style, color in (("scaled", "o-", plots.BLUE), ("plain", "s--", plots.VERMILION)):
        axes[1].plot(widths, sizes[name], style, color=color, label=None if seed else name)
    assert sizes["plain"][-1] < 0.2 * sizes["plain"][1] and min(sizes["scaled"]) > 0.9 * max(sizes["scaled"])
axes[0].set(xlabel="query · key", ylabel="how many of 400")
axes[1].set(xscale="log", xlabel="width d", ylabel="size of the softmax's Jacobian", ylim=(0, None))

# %%
for ax in axes:
    ax.legend(frameon=False)
show(figure, "Products spread out as vectors get wider; unscaled, the slopes of the softmax die, scaled they stay.")

# %% [markdown]
# On each of three seeds: unscaled, most of the slope is gone at 1,024; divided by $\sqrt{d}$, the variance is 1 at every
# width, and the slope stays. That is the whole reason.
#
# ## Your turn: scaled dot, backward
#
# This is the look of the Transformer ([lesson 15](15_transformer.ipynb)): $T$ queries, $S$ keys, $S$ values, and a mask
# that says which query may see which key.
#
# $$ \mathrm{context} = \mathrm{softmax}\!\left(\frac{Q K^T}{\sqrt{d}}\right) V \tag{4} $$
#
# Vaswani et al., equation 1; in the library [dot.py](../minis2s/layers/dot.py). Derive the three gradients.


# %%
def scaled_dot_forward(query, keys, values, mask):  # (T, d), (S, d), (S, M), (T, S) bool
    score = query @ keys.T / query.shape[1] ** 0.5
    alpha = softmax(np.where(mask, score, -np.inf))
    return alpha @ values, (query, keys, values, alpha)  # (4)


# %% [markdown] tags=["solution"]
# **Derivation.** $dV = \alpha^T d\mathrm{context}$ and $d\alpha = d\mathrm{context}\, V^T$, as of any product. Row by
# row $d\mathrm{score} = \alpha (d\alpha - \sum \alpha\, d\alpha)$, by lesson 01. The products are the score times
# $\sqrt{d}$, so they get $d\mathrm{score} / \sqrt{d}$; then $dQ = d\mathrm{score}\, K / \sqrt{d}$ and $dK =
# d\mathrm{score}^T Q / \sqrt{d}$. The mask needs nothing, since there $\alpha = 0$.


# %%
def scaled_dot_backward(dcontext, cache):  # (T, M)
    """Return dquery (T, d), dkeys (S, d), dvalues (S, M)."""
    query, keys, values, alpha = cache
    ### BEGIN SOLUTION
    dalpha = dcontext @ values.T
    dscore = alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))
    dscore = dscore / query.shape[1] ** 0.5
    return dscore @ keys, dscore.T @ query, alpha.T @ dcontext
    ### END SOLUTION


grade(scaled_dot_backward)

# %%
scaled_dot_backward = grade.or_ours("scaled_dot_backward")
for seed in range(3):
    rng = np.random.default_rng(seed)
    query, memory, dcontext, mask = *rng.normal(size=(2, 1, 4)), rng.normal(size=(1, 4)), np.ones((1, 5), bool)
    memory = rng.normal(size=(5, 4))
    layer = ScaledDotAttention()
    _, dquery, dmemory = layer.backward(dcontext, layer.forward(query, memory[None], mask)[1])
    found = scaled_dot_backward(dcontext, scaled_dot_forward(query, memory, memory, mask)[1])
    np.testing.assert_allclose(found[0], dquery, rtol=1e-10)
    np.testing.assert_allclose(found[1] + found[2], dmemory[0], rtol=1e-10)  # fork: keys and values are one memory
print("three seeds: equal to the library's")

# %% [markdown]
# ## Train the family
#
# Reversal of words of up to 8 letters again, in the model of lesson 07, whose states have 32 numbers. **Predict:** how
# does scaled dot do, beside dot?
#
# - A: better, since the gradient stays alive.
# - B: as well, since 32 is not wide.
# - C: worse.

# %%
scaled = ...  # "A", "B" or "C"
### BEGIN SOLUTION
scaled = "C"
### END SOLUTION
grade(scaled=scaled)


# %%
def rms_and_spread(run):
    """Return the root mean square of the memory's entries, and the standard deviation of the scores."""
    batch = run.trainer.train.batch(np.arange(100))
    _, cache = run.trainer.model.loss(batch)
    score = np.concatenate([read.score.ravel() for read in cache.decoder.reads])
    return (cache.decoder.memory[batch.source.mask] ** 2).mean() ** 0.5, score[np.isfinite(score)].std()


colors = dict(zip(LOOPS, (plots.BLUE, plots.VERMILION, plots.GREEN, plots.PURPLE)))
runs, before, (figure, ((ax,),)) = {}, {}, plots.new_figure(7.5, 3.6)
for (kind, color), style in zip(colors.items(), ("o-", "x--", "s-.", "^:")):
    for seed in range(3):
        run = runs[kind, seed] = Reversal.start(seed, 8, 8, attention=kind)
        before[kind, seed] = rms_and_spread(run)
        ax.plot(*zip(*run.train()), style, color=color, ms=4, label=None if seed else kind)
ax.set(xlabel="epoch", ylabel="unseen words right as a whole, %")
ax.legend(frameon=False, loc="lower right")
show(figure, "Exact match by epoch: dot, general and additive go to 100 %, scaled dot stays well below.")

# %%
right = {key: run.right() for key, run in runs.items()}
for kind in LOOPS:
    print(f"{kind:10}", *(f"{right[kind, seed]:6.1f} %" for seed in range(3)))
for seed in range(3):
    (rms, _), (late, spread_late) = before["dot", seed], rms_and_spread(runs["dot", seed])
    print(f"dot, seed {seed}: entries {rms:.2f} -> {late:.2f}, scores {before['dot', seed][1]:.2f} -> {spread_late:.1f}")
    assert is_small() or (right["scaled_dot", seed] < 85 and all(right[k, seed] > 95 for k in LOOPS if k != "scaled_dot"))
    assert rms < 0.1 and before["dot", seed][1] < 0.1 and (is_small() or (late < 0.7 and spread_late > 3))
