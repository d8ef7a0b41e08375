# %% [markdown]
# # 08 The attention family
#
# - **Question:** What is a query, a key, a value?
# - **Time:** 60 minutes to read and do, 40 seconds to run on two cores.
# - **Before:** [lesson 07](07_attention.ipynb); the variance of a sum.
#
# Ask a dictionary of Python for a key that it does not hold, and you get an error. Attention is a dictionary that never
# fails: it hands out a little of every value. All it takes is a number that says how well a query and a key agree.
# Three papers give four such numbers. One of them divides by a square root, for a good reason. Does the reason hold in
# our model?

# %%
from timeit import repeat

import numpy as np

from minis2s import Config, plots
from minis2s.classroom.exercises.lesson_08 import grade
from minis2s.classroom.lesson import is_small
from minis2s.classroom.live import show
from minis2s.classroom.reversal import Reversal, product_times
from minis2s.layers import ATTENTIONS, ScaledDotAttention, count
from minis2s.layers.activations import softmax
from minis2s.models.luong import LuongDecoder
from minis2s.threads_and_memory import prepare_process

prepare_process()  # one thread; freed memory is kept for the next array

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


print(lookup_loops([2.0, 1.0], [[1, 0], [0, 1], [1, 1]], np.array([[10.0], [20], [30]])))

# %% [markdown]
# **Your turn.** Answer $T$ queries at once. The table of shares has a row a query and a column a key.


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
# Dot and general: Luong et al. 2015, [arXiv 1508.04025](https://arxiv.org/abs/1508.04025), section 3.1, whose third
# score, *concat*, is the additive one in another spelling. Scaled dot: Vaswani et al., equation 1. All three in
# [dot.py](../minis2s/layers/dot.py), the additive one in [additive.py](../minis2s/layers/additive.py).

# %%
LOOPS = {  # one query (H,), one place of the memory (M,), the weights
    "dot": lambda query, m, w: sum(query * m),
    "scaled_dot": lambda query, m, w: sum(query * m) / len(query) ** 0.5,
    "general": lambda query, m, w: sum(query[i] * w.W[i, k] * m[k] for i in range(len(query)) for k in range(len(m))),
    "additive": lambda query, m, w: sum(np.tanh(query @ w.W_q + m @ w.W_k) * w.v),
}
for seed in range(3):
    rng = np.random.default_rng(seed)
    one, memory = rng.normal(size=32), rng.normal(size=(5, 32))
    for kind, score in LOOPS.items():
        layer = ATTENTIONS[kind].init(rng, 32, 32, 32)
        library, _ = layer.score(one[None], layer.keys(memory[None]), None)
        np.testing.assert_allclose([score(one, m, layer) for m in memory], library[0], rtol=1e-10, atol=1e-14)
print({kind: count(ATTENTIONS[kind].init(rng, 32, 32, 32)) for kind in LOOPS}, "numbers to learn")

# %% [markdown]
# Two of them have nothing to learn, so the decoder's state must itself come to resemble the place it wants. The general
# one turns the memory into keys by a matrix first, and may compare vectors of different widths. The additive one is the
# only one that bends, and the only one that needs no product of query and key at all.
#
# What do they cost? Here is one look of 64 sentences, forward and backward, by the
# clock of *your* machine, with states of 32 and of 256 numbers.


# %% tags=["volatile"]
def milliseconds(name, H):
    layer, memory = ATTENTIONS[name].init(np.random.default_rng(0), H, H, H), np.ones((64, 20, H))
    look = lambda: layer.backward(memory[:, 0], layer.forward(memory[:, 0], memory, memory[..., 0] > 0)[1])  # noqa: E731
    return 1000 * min(repeat(look, number=1, repeat=20))


for kind in LOOPS:
    print(f"{kind:10} {milliseconds(kind, 32):6.2f} ms with 32, {milliseconds(kind, 256):6.2f} ms with 256")

# %% [markdown]
# ## Why the square root?
#
# Take two random vectors of $d$ numbers each, every number +1 or −1 by the toss of a coin. For $d = 2$ the product is
# a sum of two tosses: −2, 0, 0 or 2. The mean is 0 and the mean square $(4 + 0 + 0 + 4)/4 = 2$. A third toss adds 1 to
# the mean square, and so does a fourth. For any independent entries of mean 0 and variance 1:
#
# $$ \mathrm{Var}(\mathrm{query} \cdot \mathrm{key}) = \sum_{i=1}^{d} \mathrm{Var}(\mathrm{query}_i\,
# \mathrm{key}_i) = d \tag{3} $$
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
# share is $\alpha (1 - \alpha)$: at a difference of 1 it is 0.1966, at 8 it is 0.0003. Now ten keys, random, and all
# slopes of a row of shares: how large is their table, the Jacobian, as the vectors get wider?


# %%
def jacobian_size(products):
    alpha = softmax(products)  # (400, 10)
    return np.sqrt(((alpha[:, None] * (np.eye(10) - alpha[..., None])) ** 2).sum((1, 2))).mean()


print("two keys:", [f"slope {a * (1 - a):.4f}" for a in softmax(np.array([[1.0, 0], [8, 0]]))[:, 0]])
widths = 4 ** np.arange(6)  # 1 to 1,024
figure, (axes,) = plots.new_figure(10, 3.4, 1, 2)
for seed in range(3):
    rng = np.random.default_rng(seed)
    score = [(rng.normal(size=(400, 10, d)) @ rng.normal(size=(400, d, 1)))[..., 0] for d in widths]
    plain, scaled = np.transpose([(jacobian_size(s), jacobian_size(s / d**0.5)) for s, d in zip(score, widths)])
    axes[1].plot(widths, scaled, "o-", color=plots.BLUE, label=None if seed else "divided by √d")
    axes[1].plot(widths, plain, "s--", color=plots.VERMILION, label=None if seed else "plain")
    assert plain[-1] < 0.2 * plain[1] and scaled.min() > 0.9 * scaled.max()
for i, color, style in ((1, plots.BLUE, "-"), (3, plots.GREEN, "--"), (5, plots.VERMILION, ":")):
    axes[0].hist(score[i][:, 0], 36, range=(-90, 90), histtype="step", color=color, ls=style, label=f"d = {widths[i]}")
axes[0].set(xlabel="query · key", ylabel="how many of 400", yscale="log")
axes[1].set(xscale="log", xlabel="width d", ylabel="size of the softmax's Jacobian", ylim=(0, None))
figure.legend(frameon=False, loc="outside right center")
show(figure, "Products spread out as vectors get wider; unscaled, the slopes of the softmax die, scaled they stay.")

# %% [markdown]
# On each of three seeds: unscaled, most of the slope is gone at 1,024; divided by $\sqrt{d}$, the variance is 1 at
# every width, and the slope stays. That is the whole reason.
#
# ## Your turn: scaled dot, backward
#
# This is the look of the Transformer: $T$ queries, $S$ keys, $S$ values, and a mask that says which query may see which
# key.
#
# $$ \mathrm{context} = \mathrm{softmax}\!\left(\frac{Q K^T}{\sqrt{d}}\right) V \tag{4} $$
#
# Vaswani et al., equation 1; in the library [dot.py](../minis2s/layers/dot.py). Derive the three gradients.


# %%
def scaled_dot_forward(query, keys, values, mask):  # (T, d), (S, d), (S, M), (T, S) bool
    alpha = softmax(np.where(mask, query @ keys.T / query.shape[1] ** 0.5, -np.inf))
    return alpha @ values, (query, keys, values, alpha)  # (4)


# %% [markdown] tags=["solution"]
# **Derivation.** $dV = \alpha^T d\mathrm{context}$ and $d\alpha = d\mathrm{context}\, V^T$, as of any product. Row by
# row $d\mathrm{score} = \alpha (d\alpha - \sum \alpha\, d\alpha)$, by lesson 01. The products are the score times
# $\sqrt{d}$, so they get $d\mathrm{score} / \sqrt{d}$; then $dQ = d\mathrm{score}\, K / \sqrt{d}$ and $dK =
# d\mathrm{score}^T Q / \sqrt{d}$. The mask needs nothing, since there $\alpha = 0$.


# %%
def scaled_dot_backward(dcontext, cache):  # (T, M), (query, keys, values, alpha)
    """Return dquery (T, d), dkeys (S, d), dvalues (S, M)."""
    ### BEGIN SOLUTION
    query, keys, values, alpha = cache
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
    query, memory, dcontext = rng.normal(size=(1, 4)), rng.normal(size=(5, 4)), rng.normal(size=(1, 4))
    layer, mask = ScaledDotAttention(), np.ones((1, 5), bool)
    dquery, dkeys, dvalues = scaled_dot_backward(dcontext, scaled_dot_forward(query, memory, memory, mask)[1])
    _, dq, dmemory = layer.backward(dcontext, layer.forward(query, memory[None], mask)[1])
    np.testing.assert_allclose(np.vstack([dquery, dkeys + dvalues]), np.vstack([dq, dmemory[0]]), rtol=1e-10)  # fork
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
styles = zip(LOOPS, (plots.BLUE, plots.VERMILION, plots.GREEN, plots.PURPLE), ("o-", "x--", "s-.", "^:"))
runs, before, (figure, ((ax,),)) = {}, {}, plots.new_figure(7.5, 3.6)
for kind, color, style in styles:
    for seed in range(3):
        run = runs[kind, seed] = Reversal.start(seed, 8, 8, attention=kind)
        before[kind, seed] = run.sizes()
        ax.plot(*zip(*run.train()), style, color=color, ms=4, label=None if seed else kind)
ax.set(xlabel="epoch", ylabel="unseen words right as a whole, %")
ax.legend(frameon=False, loc="lower right")
show(figure, "Exact match by epoch: dot, general and additive go to 100 %, scaled dot stays well below.")

# %%
right = {key: run.right() for key, run in runs.items()}
for kind in LOOPS:
    print(f"{kind:10}", *(f"{right[kind, seed]:6.1f} %" for seed in range(3)))
    assert is_small() or all(right[kind, s] < 85 if kind == "scaled_dot" else right[kind, s] > 95 for s in range(3))
for seed in range(3):
    (entry, score), (late_entry, late_score) = before["dot", seed], runs["dot", seed].sizes()
    print(f"dot, seed {seed}: entries {entry:.2f} -> {late_entry:.2f}, scores {score:.2f} -> {late_score:.1f}")
    assert max(entry, score) < 0.1 and (is_small() or (late_entry < 0.7 and late_score > 3))

# %% [markdown]
# (The curves try 200 of the unseen words, the table all 1,000.)
#
# The square root does harm, on each of the three seeds. Why? Equation (3) holds for entries of variance 1. Ours are
# states of a GRU: below 0.1 at the start, and below 1 for ever. Their scores begin near 0, all alike, and to look at
# one place they have to *grow*: the dot model takes them beyond 3. Divided by $\sqrt{32}$ they would have to grow
# nearly six times as far, in entries that hardly can.
#
# What the scores need, then, is the right scale: small ones share out evenly, large ones choose. (What they are divided
# by is called the *temperature*; $\sqrt{d}$ is one.) Let us turn it, and multiply the products by a factor, from 1/32,
# which is hot, to 32, which is cold.

# %%
FACTORS = (1 / 32, 32**-0.5, 1, 32**0.5, 32)
figure, ((ax,),) = plots.new_figure(6, 3.2)
for seed in range(3):
    row = [Reversal.start(seed, 8, 8, product_times(f), attention="dot").train()[-1][1] for f in FACTORS]
    ax.plot(FACTORS, row, "os^"[seed] + "-", color=plots.BLUE, label=f"seed {seed}")
    assert is_small() or (max(row[:2]) < 85 and min(row[2:]) > 90)
ax.set(xscale="log", xlabel="factor (0.18 is scaled dot, 1 is dot)", ylabel="unseen words right, %", ylim=(0, 103))
ax.legend(frameon=False)
show(figure, "Words right against the factor of the product: poor below 1, nearly all from 1 to 32.")

# %% [markdown]
# Too hot, and it cannot point; too cold does no harm here, since 32 times the first scores is still only about 1. A
# Transformer normalizes its vectors and *learns* its queries and keys by matrices of their own, so it can set the
# temperature as it likes, and the $\sqrt{d}$ gives it a good start. A recipe carries its assumptions with it. Check
# them before you cook.
#
# ## Four maps
#
# All four looked at *headache* in the end like this:

# %%
WORD, (figure, (axes,)) = "headache", plots.new_figure(12, 3.6, 1, 4)
for ax, kind in zip(axes, LOOPS):
    plots.draw_heat_map(ax, runs[kind, 0].alphas([WORD])[0], [*WORD, "<eos>"], [*WORD[::-1], "<eos>"], turned=True)
    ax.set(title=f"{kind}: {right[kind, 0]:.0f} % right", ylabel="written")
figure.colorbar(ax.images[0], ax=axes, label="weight")
show(figure, "Attention maps of the four kinds: a band each; dot's lies one place to the right of the letters.")
for kind in LOOPS:
    largest = [runs[kind, seed].largest_by_offset() for seed in range(3)]
    print(f"{kind:10} largest at j: {[round(x[0]) for x in largest]} %, at j + 1: {[round(x[1]) for x in largest]} %")
    assert is_small() or kind != "dot" or all(x[1] > 90 for x in largest)

# %% [markdown]
# The dot model looks one place to the right of nearly every letter, on each of the three seeds, and is right on more
# than 95 % of the words. In lesson 07, on words of up to 12 letters, the additive one leaned that way; here, on words
# of up to 8, its largest weight lies on the letter. Without weights of its own, the dot product goes all the way.
#
# The general one does so on one seed, and halfway on the others. So no map of these is *the* alignment, nor even that
# of its kind.

# %% [markdown]
# ## Who asks?
#
# Bahdanau's decoder looks first and steps then. Luong's steps first:
#
# $$ c_t = \mathrm{look}(s_{t-1}), \qquad s_t = \mathrm{cell}([y_{t-1}; c_t], s_{t-1}) \tag{5} $$
# $$ s_t = \mathrm{cell}(y_{t-1}, s_{t-1}), \qquad c_t = \mathrm{look}(s_t), \qquad \mathrm{out}_t = \tanh([c_t;
# s_t] W + b) \tag{6} $$
#
# (5) is Bahdanau et al., section 3.1, in [bahdanau.py](../minis2s/models/bahdanau.py); (6) Luong et al., section 3,
# equation 5, in [luong.py](../minis2s/models/luong.py). The output layer reads $s_t$ in (5) and $\mathrm{out}_t$ in
# (6).
#
# The decoder has written $y_{t-1}$, and asks where to look for $y_t$. **Predict:** whose question knows $y_{t-1}$?
#
# - A: that of both orders.
# - B: Bahdanau's alone.
# - C: Luong's alone.

# %%
asks = ...  # "A", "B" or "C"
### BEGIN SOLUTION
asks = "C"
### END SOLUTION
grade(asks=asks)

# %%
luong = {}
for kind, seed in ((kind, seed) for kind in ("additive", "general") for seed in range(3)):
    luong[kind, seed] = Reversal.start(seed, 8, 8, attention=kind, order="luong")
    assert luong[kind, seed].train()[-1][1] > 95 or is_small()
figure, (axes,) = plots.new_figure(10, 2.8, 1, 2)
for ax, order, models, first in zip(axes, ("Bahdanau", "Luong"), (runs, luong), (6, 5)):
    for seed in range(3):
        one, other = models["additive", seed].alphas([WORD] * 2, ["ehcadaeh", "ehcbdaeh"])
        moved = np.abs(one - other).max(1)
        ax.plot(range(1, 10), moved, "os^"[seed] + "-", color=plots.BLUE, label=f"seed {seed}")
        assert moved[: first - 1].max() < 1e-6 < moved[first - 1]
    ax.set(xlabel="step (4 writes another letter)", ylabel="largest change of a weight", title=order, ylim=(0, 0.5))
axes[1].legend(frameon=False)
show(figure, "Change of the weights by step: from step 6 on in Bahdanau's order, from step 5 on in Luong's.")

# %% [markdown]
# Step 4 wrote another letter. In Luong's order step 5 already moves its weights, if only by hundredths; in Bahdanau's
# the news has to pass through the cell, and step 6 is the first to know.
#
# **Your turn:** one step in Luong's order. `cell`, `attention` and `combine` are functions: `cell(y, s)` gives the next
# state, `attention(query)` a context, `combine(x)` is $xW + b$.


# %%
def luong_step(y, s, cell, attention, combine):  # (B, E), (B, H)
    """Return out, (B, H), and the new state, (B, H)."""
    ### BEGIN SOLUTION
    s = cell(y, s)
    context = attention(s)
    return np.tanh(combine(np.concatenate([context, s], axis=-1))), s  # (6)
    ### END SOLUTION


grade(luong_step)

# %%
luong_step = grade.or_ours("luong_step")
decoder = LuongDecoder.init(rng := np.random.default_rng(0), Config(5, 5, embedding=3, hidden=4, order="luong"))
y, s0, memory, mask = rng.normal(size=(2, 3)), rng.normal(size=(2, 4)), rng.normal(size=(2, 5, 4)), np.ones((2, 5)) > 0
cell = lambda y, s: decoder.cell.step_inplace(decoder.cell.project(y), s)  # noqa: E731
attention = lambda query: decoder.attention.forward(query, memory, mask)[0]  # noqa: E731
out, s = luong_step(y, s0, cell, attention, lambda x: decoder.combine.forward(x)[0])
state = decoder.step(y, decoder.start(s0, memory, mask))
np.testing.assert_allclose(np.stack([out, s]), [state.out, state.s], rtol=1e-10)

# %%
for kind in ("additive", "general"):
    on = np.array([[models[kind, seed].weight_by_offset()[0] for seed in range(3)] for models in (luong, runs)])
    print(f"{kind:9} mean weight on the letter: Luong {on[0].round()} %, Bahdanau {on[1].round()} %")
    assert is_small() or (on[0] > on[1]).all()

# %% [markdown]
# Does the order matter? On reversal both are right on more than 95 % of the words. But in Luong's order more of the
# weight lies on the letter itself, with both scores and on each of the three seeds.
#
# ## What to keep
#
# A query asks, keys are compared with it, values are brought back; in a decoder with one memory the last two are the
# same states. Dot, scaled dot, general and additive differ in the score alone. The square root keeps the variance of a
# product at 1, if the entries have variance 1; if they have not, it is only a temperature, and may be the wrong one.
# Bahdanau looks before it steps, Luong after.
#
# Every map, every gradient and every score so far was right, or so we checked. [Lesson 12](12_bugs.ipynb) asks how much
# such a check can see.

# %%
grade.summary()
