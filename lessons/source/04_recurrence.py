# %% [markdown]
# # 04 Recurrence and blame through time
#
# - **Question:** How does blame travel through time?
# - **Time:** 60 minutes to read and do, 10 seconds to run on two cores.
# - **Before:** [lesson 02](02_gradients.ipynb) and [lesson 03](03_batches.ipynb); the product of matrices.
#
# A network reads a sentence word by word and answers at the end. The answer is wrong, because of what it made of the
# first word, twelve steps ago. How does that step learn of it? And how much of the message is left when it arrives?

# %%
from dataclasses import replace

import numpy as np

from minis2s import plots
from minis2s.classroom.exercises.lesson_04 import grade
from minis2s.classroom.lesson import is_small, size
from minis2s.classroom.live import show
from minis2s.layers import RNN, CrossEntropy
from minis2s.museum.catalogue.bugs import BUGS
from minis2s.museum.patching import planted
from minis2s.training.gradient_norms import keeps_state_gradients

# %% [markdown]
# ## Blame, measured
#
# A recurrent network keeps a *state* $h$, here 32 numbers, and changes it with each word. Below, twelve random words go
# by. One row is one loss, felt at one step and nowhere else. Its cells say how much that loss would change if a state
# were nudged: the *blame* that reaches it. Twice, for two networks that differ in a single factor.


# %%
def make_cell(seed, radius, D=32, H=32):
    """Return the library's RNN as it starts, but for W_h: it stretches every vector by the factor ``radius``."""
    cell = RNN.init(np.random.default_rng(seed), D, H)
    return RNN(cell.W_x, radius * cell.W_h, cell.b)


def blame(cell, x, t):  # x (T, D)
    """Return the norm of dL/dh at every step, (T,), for a loss of slope 1 that is felt at step t alone."""
    hs, cache = cell.forward(x, np.zeros((1, cell.hidden)), [1] * len(x))
    dhs, cell = np.zeros_like(hs), keeps_state_gradients(cell)
    dhs[t] = cell.hidden**-0.5
    cell.backward(dhs, cache)
    return np.linalg.norm(np.concatenate(cell.state_gradients), axis=1)


# %%
figure, (axes,) = plots.new_figure(9, 3.8, 1, 2)
for ax, radius in zip(axes, (1.0, 2.5)):
    x = np.random.default_rng(0).normal(size=(12, 32))
    rows = np.array([blame(make_cell(0, radius), x, t) for t in range(12)])
    image = ax.imshow(np.log10(np.where(rows, rows, np.nan)), cmap="cividis", vmin=-1.5, vmax=1.5)
    ax.set(xlabel="state $h$ after step", ylabel="loss felt at step", title=f"factor {radius}")
figure.colorbar(image, ax=list(axes), label="blame, power of 10", extend="min")
show(figure, "Two triangles of blame: with factor 1.0 it dies away from the diagonal, with factor 2.5 it grows.")

# %% [markdown]
# The upper right is empty: no state is to blame for what came before it. On the left, the first words are hardly told
# of the last mistake. On the right, they are shouted at. By the end of the lesson you will know why, and what either
# does to learning.
#
# ## By hand
#
# Let the state be one number, $h' = \tanh(a)$ with $a = x + w h$ and $w = 0.5$. One word, then silence: $x = 1, 0, 0$.
# The loss is the last state itself. Walk down for the states, and up again for the blame, which meets the slope of each
# $\tanh$ first, $da = dh'\,(1 - h'^2)$, and then the weight: $dh'$ of a step is $w$ times the $da$ of the step below.
#
# | step | $h$ before | $h'$ after | $dh'$ | $da$ |
# |---|---|---|---|---|
# | 1 | 0 | $\tanh(1) = 0.762$ | $0.5 \cdot 0.420 = 0.210$ | 0.088 |
# | 2 | 0.762 | $\tanh(0.381) = 0.363$ | $0.5 \cdot 0.968 = 0.484$ | 0.420 |
# | 3 | 0.363 | $\tanh(0.182) = 0.180$ | 1 | $1 - 0.180^2 = 0.968$ |
#
# The word is 0.088 to blame. **On paper:** the same $w$ stands in all three steps. What is the gradient of $w$?

# %%
dw = ...  # a number, to two decimals
### BEGIN SOLUTION
dw = 0.088 * 0 + 0.420 * 0.762 + 0.968 * 0.363
### END SOLUTION
grade(dw=dw)

# %% [markdown]
# ## The equation
#
# $$ h_t = \tanh(x_t W_x + h_{t-1} W_h + b) \tag{1} $$
#
# Elman 1990, [doi 10.1207/s15516709cog1402_1](https://doi.org/10.1207/s15516709cog1402_1), with tanh for his sigmoid;
# in the library [rnn.py](../minis2s/layers/rnn.py). One step takes a row for each of $B$ sentences, and a sequence is a
# loop:


# %%
def rnn_step(x, h, W_x, W_h, b):  # (B, D), (B, H), (D, H), (H, H), (H,)
    h_new = np.tanh(x @ W_x + h @ W_h + b)  # (1)
    return h_new, (x, h, W_x, W_h, h_new)


def rnn_forward(x, h0, W_x, W_h, b):  # (T, B, D), (B, H)
    """Return all states (T, B, H), and what each step remembers."""
    hs, caches, h = [], [], h0
    for t in range(len(x)):
        h, cache = rnn_step(x[t], h, W_x, W_h, b)
        hs.append(h)
        caches.append(cache)
    return np.array(hs), caches


# %%
rng, (T, B, D, H) = np.random.default_rng(0), (5, 3, 4, 2)
cell = RNN.init(rng, D, H)
weights = cell.W_x[0], cell.W_h[0], cell.b[0, 0]
x, h0 = rng.normal(size=(T, B, D)), rng.normal(size=(B, H))
hs, caches = rnn_forward(x, h0, *weights)
library, library_cache = cell.forward(x.reshape(-1, D), h0, [B] * T)  # step after step, B rows each
np.testing.assert_allclose(hs.reshape(-1, H), library, rtol=1e-12)

# %% [markdown]
# ## Your turn: back through one step
#
# Derive the five gradients of (1) from $dh_\mathrm{new}$. You need the slope of the tanh, which the state itself knows:
#
# $$ \tanh'(a) = 1 - \tanh(a)^2 \tag{2} $$
#
# It is `slopes` in [rnn.py](../minis2s/layers/rnn.py). Call the gradient of the bracket in (1) $da$, and get everything
# else from it. What does the bias do, which is added to every row?

# %% [markdown] tags=["solution"]
# **Derivation.** $da = dh_\mathrm{new} \circ (1 - h_\mathrm{new}^2)$, entry by entry. The bracket is a sum of products,
# so, as in every linear layer, $dx = da\,W_x^\top$, $dh = da\,W_h^\top$, $dW_x = x^\top da$ and $dW_h = h^\top da$. The
# bias is broadcast over the rows, so its gradient is the sum over them.


# %%
def rnn_step_backward(dh_new, cache):  # (B, H), (x, h, W_x, W_h, h_new)
    """Return dx, dh, dW_x, dW_h, db."""
    ### BEGIN SOLUTION
    x, h, W_x, W_h, h_new = cache
    da = dh_new * (1 - h_new**2)  # (2)
    return da @ W_x.T, da @ W_h.T, x.T @ da, h.T @ da, da.sum(0)
    ### END SOLUTION


grade(rnn_step_backward)

# %% [markdown]
# ## Two ways out of a state
#
# In the triangle, each row was a backward pass of its own. A sentence has a loss at every step, so must we walk back
# $T$ times? No: blame adds up. A state has two ways out, into its own step's output and into the next step, and what
# comes back by both is added before it goes on:
#
# $$ dh_t = dh_t^\mathrm{own} + da_{t+1} W_h^\top, \qquad dW_h = \sum_t h_{t-1}^\top da_t \tag{3} $$
#
# That is *backpropagation through time*: Werbos 1990, [doi 10.1109/5.58337](https://doi.org/10.1109/5.58337); in the
# library `backward` of [cell.py](../minis2s/layers/cell.py). The sum over $t$ you did on paper. Each column of the
# triangle is added up on the way, in one walk from the end to the start.


# %%
rnn_step_backward = grade.or_ours("rnn_step_backward")


def rnn_backward(dhs, caches):  # (T, B, H) what each step's own output gets, T caches
    """Return dx (T, B, D), dh0 (B, H), dW_x, dW_h, db. Use rnn_step_backward."""
    ### BEGIN SOLUTION
    x, _, W_x, W_h, _ = caches[0]
    dx = np.zeros((len(dhs), *x.shape))
    dh, dW_x, dW_h, db = np.zeros_like(dhs[0]), np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(len(W_h))
    for t in reversed(range(len(dhs))):
        dx[t], dh, dW_x_t, dW_h_t, db_t = rnn_step_backward(dhs[t] + dh, caches[t])  # (3), the fork
        dW_x, dW_h, db = dW_x + dW_x_t, dW_h + dW_h_t, db + db_t  # (3), the sum over time
    return dx, dh, dW_x, dW_h, db
    ### END SOLUTION


grade(rnn_backward)

# %%
rnn_backward = grade.or_ours("rnn_backward")
dhs = rng.normal(size=hs.shape)
gradient, dx, dh0 = cell.backward(dhs.reshape(-1, H), library_cache)
for found, wanted in zip(rnn_backward(dhs, caches), (dx, dh0, gradient.W_x, gradient.W_h, gradient.b)):
    np.testing.assert_allclose(np.ravel(found), wanted.ravel(), rtol=1e-6, atol=1e-8)

# %% [markdown]
# ## Would you notice?
#
# Let us see what the plus of (3) is worth. Twenty letters go by. From the twelfth on, after each letter, the network is
# to name the letters of 0, 1, ... 11 steps ago. Plain gradient descent, 800 updates at a rate of 3, four backward
# passes:
#
# - A, **right**: `own += future`.
# - B, **assigned**: `own = future`. The future wipes out the step's own blame.
# - C, **no time**: `own` alone. Nothing comes from the future.
# - D, **frozen**: no blame at all. Only the output layer learns; $W_x$, $W_h$ and $b$ stay as they were drawn.
#
# **Predict:** which names the fewest letters?

# %%
worst = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
worst = "A"
### END SOLUTION
grade(worst=worst)

# %%
STEPS, STATE, V, K = 20, 32, 4, 12  # and V letters, of which K are to be named


def learn(letters, weights):  # (STEPS, B) int, [W_x, W_h, b, W_out]
    """Return the loss in nats, the gradients, and the share of letters named right, (K,)."""
    cell, W_out, B = RNN(*weights[:3]), weights[3], letters.shape[1]
    hs, cache = cell.forward(np.eye(V)[letters].reshape(-1, V), np.zeros((B, STATE)), [B] * STEPS)
    asked = hs[(K - 1) * B :]  # from when on all K letters have been seen
    target = np.stack([letters[K - 1 - k : STEPS - k] for k in range(K)], -1).ravel()
    logits = (asked @ W_out).reshape(-1, V)
    loss, loss_cache = CrossEntropy().forward(logits, target)
    dlogits = CrossEntropy().backward(1.0, loss_cache)[1].reshape(len(asked), -1)
    dhs = np.concatenate([np.zeros_like(hs[: (K - 1) * B]), dlogits @ W_out.T])
    gradient, _, _ = cell.backward(dhs, cache)
    right = (logits.argmax(-1) == target).reshape(-1, K).mean(0)
    return loss, [gradient.W_x, gradient.W_h, gradient.b, asked.T @ dlogits], right


# %%
def train(seed, bug=None, shorten=lambda gradients: gradients, rate=3.0):
    """Return the loss by update, and the share of letters named right at the end, by how long ago they were."""
    rng, losses = np.random.default_rng(seed), []
    cell = RNN.init(rng, V, STATE)
    weights = [cell.W_x, cell.W_h, cell.b, 0.2 * rng.normal(size=(STATE, K * V))]
    with planted(bug):
        for _ in range(size(800, 10)):
            loss, gradients, _ = learn(rng.integers(V, size=(STEPS, 16)), weights)
            weights = [w - rate * dw for w, dw in zip(weights, shorten(gradients))]
            losses.append(loss)
    return losses, learn(rng.integers(V, size=(STEPS, 500)), weights)[2]


cut = BUGS["encoder_no_time"]  # in cell.py: `dstates[rows][: len(ds)] += ds` becomes `pass`
bugs = {"right": None, "assigned": replace(cut, new="dstates[rows][: len(ds)] = ds"), "no time": cut}
bugs["frozen"] = replace(cut, new="dstates[rows] = 0")
trained = {name: [train(seed, bug) for seed in range(3)] for name, bug in bugs.items()}


# %%
def draw(trained, description):
    """Draw the losses, smoothed over ten updates, and what is named in the end; three seeds each."""
    figure, (axes,) = plots.new_figure(11, 3.6, 1, 2)
    styles = zip((plots.BLUE, plots.VERMILION, plots.GREEN, plots.PURPLE, "black"), "os^Dv")
    for (name, runs), (color, marker) in zip(trained.items(), styles):
        for seed, (losses, right) in enumerate(runs):
            style = {"color": color, "marker": marker, "markersize": 4, "linewidth": 1.5}
            axes[0].plot(np.convolve(losses, np.ones(10) / 10, "valid"), **style, markevery=(40 * seed, 120))
            axes[1].plot(100 * right, **style, label=name if seed == 0 else None)
        print(f"{name:9} letters named right, three seeds:", *(f"{right.mean():.0%}" for _, right in runs))
    axes[0].set(xlabel="update", ylabel="loss, nats, mean of ten updates")
    axes[1].axhline(100 / V, color="gray", linestyle=":", label="guessing")
    axes[1].set(xlabel="how many steps ago the letter came", ylabel="named right, %", ylim=(0, 102))
    axes[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    show(figure, description)


draw(trained, "Loss by update, and letters named right by distance: assigned does best; right leaps up, and ends last.")

# %%
share = np.array([[right.mean() for _, right in runs] for runs in trained.values()])  # (4, 3), in the order A to D
assert is_small() or (share[1:].min() > 0.85 and np.abs(share[2] - share[3]).max() < 0.06)  # of A see below

# %% [markdown]
# Three surprises at this rate:
#
# - The broken ones learn. You would not notice. With *assigned* only the last step's blame counts, but the last step
#   asks for twelve letters, and that is enough.
# - *No time* and *frozen* end within six points of each other, on each of the three seeds. A random network that never
#   learns holds an echo of the last letters, and the output layer reads it off. Whole systems are built on that: Jaeger
#   and Haas 2004, [doi 10.1126/science.1091277](https://doi.org/10.1126/science.1091277).
# - The *right* gradient ends behind all others. Its loss falls, then *leaps*. How far behind hangs on the last digit of
#   a product, which another processor rounds otherwise, so your figure may differ: over six seeds and two kinds of
#   processor it named 27 to 68 % of the letters, and each of the others more than 85 %.
#
# The last is no misprint. You proved that backward right, to the last digits. Something else goes wrong, and only
# whoever adds up all the blame runs into it.

# %% [markdown]
# ## How loud after forty steps?
#
# Follow (3) with a loss at one step only. Each step back multiplies by the slopes, at most 1, and by $W_h^\top$, which
# stretches a vector by at most its largest singular value $\sigma$:
#
# $$ \| dh_{t-k} \| \le \sigma^k\, \| dh_t \| \tag{4} $$
#
# Pascanu, Mikolov and Bengio 2013, [arXiv 1211.5063](https://arxiv.org/abs/1211.5063), section 2.1; measured for whole
# models in [gradient_norms.py](../minis2s/training/gradient_norms.py). Our $W_h$ is a turn times a factor: it stretches
# every vector alike, so σ and the *spectral radius*, its largest eigenvalue in size, are both that factor. In silence
# every state is 0 and every slope 1, so there (4) holds with $=$: a factor of 0.9 leaves $0.9^{40} = 0.015$, and 1.1
# makes $1.1^{40} = 45$.
#
# **Predict:** the factor is 1.1 and words come in. After forty steps the blame is
#
# - A: even larger than 45.
# - B: about 45.
# - C: next to nothing.

# %%
with_words = ...  # "A", "B" or "C"
### BEGIN SOLUTION
with_words = "C"
### END SOLUTION
grade(with_words=with_words)

# %%
words = np.random.default_rng(1).normal(size=(3, 41, 32))
figure, (axes,) = plots.new_figure(10, 3.8, 1, 2)
for ax, loud, title in zip(axes, (0.0, 1.0), ("silence", "words come in")):
    styles = zip((0.9, 1.0, 1.1, 2.5), (plots.BLUE, plots.GREEN, plots.VERMILION, plots.PURPLE), "o^sD")
    for radius, color, marker in styles:
        norms = np.array([blame(make_cell(seed, radius), loud * words[seed], 40)[::-1] for seed in range(3)])
        ax.plot(norms.T, color=color, marker=marker, markevery=8, label=[f"factor {radius}", None, None])
        print(f"{title}, factor {radius}: after 40 steps", *(f"{norm:.0e}" for norm in norms[:, -1]))
        assert loud == 0 or (norms[:, -1].min() > 10 if radius == 2.5 else norms[:, -1].max() < 1e-5)
    ax.set(yscale="log", ylim=(1e-10, 1e17), xlabel="steps back in time", ylabel="blame, 1 at distance 0", title=title)
axes[0].legend(frameon=False, loc="upper left", ncols=2)
show(figure, "Blame against distance, four factors: in silence a power of the factor; with words all but 2.5 vanish.")

# %% [markdown]
# Words push the states away from 0, out to where the tanh is flat: slopes below 1, multiplied at every step. A factor
# below 1 is enough for blame to *vanish*; one above 1 is needed for it to *explode*, and not enough. The library starts
# every RNN with a factor of 1.0, and after forty words less than a hundred-thousandth is left. Another cell helps
# against that: [lesson 05](05_gates.ipynb).
#
# ## Why the right one lost
#
# Vanishing is common and quiet. Exploding is sudden. One number again, $h' = \tanh(2 h + b)$ from $h = 0.5$, for eight
# steps; $-0.7$ is wanted at the end. How does the loss depend on $b$, and how steep is it? The slope is exact, by the
# chain rule step by step: a difference of neighbours on the grid would say more about the grid (lesson 02).

# %%
b = np.linspace(-1, 0.2, 2401)
h, dh = 0.5 + 0 * b, 0 * b  # the state, and its slope in b
for _ in range(8):
    h = np.tanh(2 * h + b)
    dh = (1 - h**2) * (2 * dh + 1)  # (2), and b stands in every step
slope = np.abs(2 * (h + 0.7) * dh)
assert slope[::2].max() > 0.99 * slope.max() > 100 and np.median(slope) < 0.3  # every second place says the same
figure, axes = plots.new_figure(6, 4.4, 2, 1)
for ax, values, name in zip(axes[:, 0], ((h + 0.7) ** 2, slope), ("loss", "size of its slope")):
    ax.plot(b, values, color=plots.BLUE, linewidth=2)
    ax.set(xlabel="b", ylabel=name)
show(figure, "Loss and its slope against b: two nearly flat parts, and between them a wall of a slope over 100.")
print(f"slope: largest {slope.max():.0f}, median {np.median(slope):.2f}, below 1 for {(slope < 1).mean():.0%} of b")

# %% [markdown]
# Right of the wall the state ends up near 1, left of it near −1. At the wall it dithers between the two, step after
# step, where each factor $2\,(1 - h^2)$ is above 1. Elsewhere nothing warns you. A step of descent that starts *on* the
# wall is hundreds of times as long as most others: it throws away what had been learned.
#
# Its direction is right, only its length is not. So keep the one and cut the other, with $\| g \|$ the root of the sum
# of all squares, over all gradients together:
#
# $$ g \leftarrow g \cdot \min(1,\; \mathrm{limit} / \| g \|) \tag{5} $$
#
# Pascanu et al. 2013, algorithm 1; in the library [optimizers.py](../minis2s/training/optimizers.py). Change nothing
# that is given.


# %%
def clip_by_norm(gradients, limit):  # a list of arrays of any shapes, a number
    """Return the list, all arrays shortened by one factor, so that their common norm is at most limit."""
    ### BEGIN SOLUTION
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return [gradient * (limit / max(norm, limit)) for gradient in gradients]  # (5)
    ### END SOLUTION


grade(clip_by_norm)

# %% [markdown]
# The same training once more: the right backward, clipped to 0.2, everything else as it was.

# %%
clip_by_norm = grade.or_ours("clip_by_norm")
trained["clipped"] = [train(seed, None, lambda gradients: clip_by_norm(gradients, 0.2)) for seed in range(3)]
draw(trained, "As before, and the right gradient clipped: its loss never leaps, and it does about as well as assigned.")
slower = [train(seed, rate=1.0)[1].mean() for seed in range(3)]
print("not clipped, but at a rate of 1:", *(f"{right:.0%}" for right in slower))
assert is_small() or min(*slower, *(right.mean() for _, right in trained["clipped"])) > 0.85

# %% [markdown]
# One line, and it goes above 85 %, on each of the three seeds. A third of the rate, the last line above, saves it, too,
# if you know beforehand that you need it. So the length was to blame, not the direction.
#
# *No time* and *frozen* had never been in danger: cut the path through time, and nothing can multiply along it.
# *Assigned* sends back the blame of one step in nine, and stayed clear of the wall.
#
# Note what you cannot see here: that *assigned* is wrong. It does about as well as the right one. Only a gradient check
# knows.
#
# ## What to keep
#
# - A state has two ways out. Blame that comes back by both is added; so is the gradient of a weight, over all steps.
# - A broken path through time still trains. Only a gradient check sees it, with more than one step in the case.
# - Each step multiplies blame by $W_h^\top$ and the slopes. Below 1 it vanishes; above 1 it may explode, or not.
# - Against explosion: clip by norm, all gradients together, direction kept. Against vanishing clipping does nothing.
#
# A riddle to take along: the trouble is that blame is *multiplied* at each step. What if the state were not made anew
# at every word, but *added to*? [Lesson 05](05_gates.ipynb).

# %%
grade.summary()
