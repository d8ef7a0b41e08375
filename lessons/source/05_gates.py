# %% [markdown]
# # 05 Gates: GRU and LSTM
#
# - **Question:** How do gates keep the gradient alive?
# - **Time:** 70 minutes to read and do, 30 seconds to run on two cores.
# - **Before:** [lesson 04](04_recurrence.ipynb): a recurrent step and its backward, vanishing gradients.
#
# In lesson 04 each step multiplied the gradient by $W_h^T$ and by the slope of a tanh. Fifty such factors leave
# nothing, or far too much. Could there be a road back through time with no matrix on it? There is, and it is one line
# long. What arrives by it we shall measure twice, before training and after, and each time you bet first.

# %%
import numpy as np

from minis2s import Config, Seq2Seq, make_batch, plots
from minis2s.classroom.exercises.lesson_05 import grade
from minis2s.classroom.lesson import is_small, size
from minis2s.classroom.live import show
from minis2s.data.batches import Examples
from minis2s.layers import GRU, LSTM
from minis2s.threads_and_memory import prepare_process
from minis2s.training.gradient_norms import gradient_flow
from minis2s.training.loop import Trainer, TrainingConfig

prepare_process()  # one thread; freed memory is kept for the next array

# %% [markdown]
# ## Replace, or mix
#
# A plain recurrent cell computes a new state and throws the old one away. Let us keep a share $z$ of the old $h$, and
# take the rest from the *candidate* $n$. By hand: $h = 0.8$, $n = 0.2$, $z = 0.9$ give $h' = 0.2 + 0.9 \cdot 0.6 =
# 0.74$. Change $h$ by a little, and $h'$ changes by 0.9 of it. Ten steps: $0.9^{10} = 0.35$. No matrix was asked.

# %%
figure = plots.gradient_flow({f"z = {z}": z ** np.arange(51) for z in (0.99, 0.9, 0.5)}, "What a gate of z keeps")
show(figure, "What is left against distance: z = 0.99 keeps 0.6 over 50 steps, z = 0.5 a millionth of a billionth.")

# %% [markdown]
# With a fixed z, what is left of an old *state* after many steps, and what is left of a *gradient* on its way back to
# it, is the same curve. To remember and to be taught are one thing.
#
# A gate is a sigmoid, $z = \sigma(a) = 1 / (1 + e^{-a})$. **On paper:** suppose that nothing but a bias $b$ goes into
# it. Which $b$ keeps half of the gradient over 50 steps? Two decimals will do.

# %%
bias = ...  # a number
### BEGIN SOLUTION
bias = np.log(1 / (2 ** (1 / 50) - 1))
### END SOLUTION
grade(bias=bias)

# %% [markdown]
# ## The gated recurrent unit
#
# A fixed $z$ would remember everything equally long. So each unit gets a $z$ of its own at each step, computed from the
# input and the state, and a second gate $r$, which says how much the candidate may see of the old state. With $a = x
# W_x + b_x$ and $u = h W_h + b_h$, a matrix for each of r, z and n:
#
# $$ r = \sigma(a_r + u_r) \tag{1} $$
# $$ z = \sigma(a_z + u_z) \tag{2} $$
# $$ n = \tanh(a_n + r \cdot u_n) \tag{3} $$
# $$ h' = n + z \cdot (h - n) \tag{4} $$
#
# Cho et al. 2014, [arXiv 1406.1078](https://arxiv.org/abs/1406.1078), equations 5 to 8, but for the place of r, to
# which we come back; in the library [gru.py](../minis2s/layers/gru.py). In ours, as in PyTorch, $z = 1$ keeps; some
# papers write $1 - z$ for it.


# %%
def gru_step(x, h, W_x, W_h, b_x, b_h):  # (B, E), (B, H), (3, E, H), (3, H, H), (3, 1, H), (3, 1, H); gates r, z, n
    """Return h' (B, H) and the cache."""
    a, u = x @ W_x + b_x, h @ W_h + b_h  # (3, B, H)
    r = 1 / (1 + np.exp(-(a[0] + u[0])))  # (1)
    z = 1 / (1 + np.exp(-(a[1] + u[1])))  # (2)
    n = np.tanh(a[2] + r * u[2])  # (3)
    return n + z * (h - n), (x, h, W_x, W_h, r, z, n, u[2])  # (4)


for seed in range(3):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) for shape in ((3, 4, 5), (3, 5, 5), (3, 1, 5), (3, 1, 5))]
    x, h = rng.normal(size=(2, 4)), rng.normal(size=(2, 5))
    library = GRU(*weights)
    np.testing.assert_allclose(gru_step(x, h, *weights)[0], library.step(x, h)[0], rtol=1e-12)
print("three seeds: equal to minis2s.layers.GRU")

# %% [markdown]
# ## Which cell forgets?
#
# Three models read 50 random letters and are asked for the *first*. Nothing is trained yet. The weights are the
# library's first ones: $W_h$ orthogonal, which turns a vector without stretching it; all biases 0, but for the LSTM's
# forget gate, an older gate that does what z does. Its bias is 1.
#
# **Predict:** on the way back over 50 steps, whose gradient falls fastest?
#
# - A: that of the plain RNN.
# - B: that of the GRU.
# - C: that of the LSTM.
# - D: all fall alike.

# %%
forgets = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
forgets = "B"
### END SOLUTION
grade(forgets=forgets)


# %%
def falls(cell, gain=1.0, bias=0.0):
    """Return dL/dstate's norm by distance, (3 seeds, 50), the first being 1; W_h times gain, bias in z."""
    norms = np.zeros((3, 50))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        source = rng.integers(4, 30, (32, 50)).tolist()
        model = Seq2Seq.init(rng, Config(30, 30, attention="none", cell=cell))
        (encoder_cell,) = model.encoder.layers[0].cells
        encoder_cell.W_h[:] *= gain
        if bias:
            encoder_cell.b_x[1] = bias  # of z
        flow = gradient_flow(model, make_batch(source, [letters[:1] for letters in source]))
        norms[seed] = np.hypot(flow["encoder"], flow.get("encoder.c", 0.0))[::-1]  # of an LSTM, h and c together
    return norms / norms[:, :1]


# %%
first = {cell: falls(cell) for cell in ("rnn", "gru", "lstm")}
far = {cell: norms[:, 49] for cell, norms in first.items()}  # three seeds
print("a step:", {cell: (norms ** (1 / 49)).round(2).tolist() for cell, norms in far.items()})
assert far["gru"].max() < 1e-6 and min(*far["rnn"], *far["lstm"]) > 0.02
figure = plots.gradient_flow({cell: norms.mean(0) for cell, norms in first.items()}, "First weights, mean of 3 seeds")
show(figure, "Gradient norm against distance: RNN and LSTM keep a tenth over 49 steps, the GRU less than a millionth.")

# %% [markdown]
# The GRU! With biases of 0 its z is near 0.5, and each step halves the direct road. (Its gradient falls by a factor of
# 0.73 a step, not 0.5, since some of it comes through the gates and the candidate.) The plain RNN keeps about a tenth.
# So are gates good for nothing?
#
# Look at what the RNN's tenth hangs on. We multiply $W_h$ by a *gain*, as training may do, and add a fourth model: a
# GRU with the bias from your exercise on z.

# %%
kinds = {"rnn": ("rnn", 0, plots.BLUE, "-"), "gru": ("gru", 0, plots.VERMILION, "--")}
kinds |= {"lstm": ("lstm", 0, plots.GREEN, ":"), "gru, bias 4.27": ("gru", 4.27, plots.PURPLE, "-.")}
ends, (figure, (axes,)) = {}, plots.new_figure(11, 3.4, 1, 3)
for ax, gain in zip(axes, (0.5, 1.0, 1.5)):
    for name, (cell, bias, color, dash) in kinds.items():
        norms = falls(cell, gain, bias)
        ends[name, gain] = norms[:, 49]
        ax.plot(norms.mean(0), color=color, linestyle=dash, linewidth=2.2, label=name)
        print(f"gain {gain}, {name:15} {ends[name, gain].mean():.0e} left at distance 49")
    ax.set(yscale="log", ylim=(1e-16, 1e3), xlabel="steps back", ylabel="norm of dL/dstate", title=f"gain {gain}")
axes[0].legend(frameon=False, loc="lower left")
show(figure, "With gains 0.5, 1 and 1.5 the RNN's gradient vanishes, lasts and explodes; the GRU with a bias lasts.")
kept = np.array([ends["gru, bias 4.27", gain] for gain in (0.5, 1.0, 1.5)])
assert 0.3 < kept.min() and kept.max() < 0.7 and ends["rnn", 0.5].max() < 1e-12 and ends["rnn", 1.5].min() > 10

# %% [markdown]
# The RNN lives on a knife's edge: over a gain from 0.5 to 1.5 its gradient goes from a millionth of a billionth to
# eighty. The GRU with a bias keeps a third to two thirds, for each of three gains and seeds. Its road does not lead
# through $W_h$. For the same reason the library gives the LSTM's forget gate a bias of 1, as [Jozefowicz et al.
# 2015](https://proceedings.mlr.press/v37/jozefowicz15.html) advise.
#
# That is half a cure: a sigmoid of 0.73. The LSTM's gradient, dotted, still hangs on the gain, though less than the
# RNN's: from a ten-thousandth to six.
#
# ## Your turn: backward, gate by gate
#
# Begin at the end, with (4). What do $n$, $z$ and $h$ each get of $dh'$? Here `h` means the h that stands in (4)
# itself; its other ways come later. With the numbers of the first example and $dh' = 1$, you should get 0.1, 0.6 and
# 0.9.


# %%
def mix_backward(dh_new, cache):  # (B, H), (n, z, h) of (B, H) each
    """Return dn, dz and dh, (B, H) each, of h' = n + z * (h - n)."""
    ### BEGIN SOLUTION
    n, z, h = cache
    return dh_new * (1 - z), dh_new * (h - n), dh_new * z
    ### END SOLUTION


grade(mix_backward)

# %% [markdown]
# Now (3). Go back through the tanh, to what stands inside, and from there to each of the three that stand there.


# %%
def candidate_backward(dn, cache):  # (B, H), (r, u_n, n) of (B, H) each
    """Return da_n, dr and du_n, (B, H) each, of n = tanh(a_n + r * u_n)."""
    ### BEGIN SOLUTION
    r, u_n, n = cache
    da_n = dn * (1 - n * n)
    return da_n, da_n * u_n, da_n * r
    ### END SOLUTION


grade(candidate_backward)

# %% [markdown]
# And the whole step. Two sigmoids are left, with the slope $r (1 - r)$ and $z (1 - z)$, and two linear layers, $a$ and
# $u$. Careful with $h$: it fed three gates, and (4). `W_h` is a stack of three matrices; `W_h.swapaxes(1, 2)`
# transposes each, while `W_h.T` would turn the gates' axis as well.

# %%
mix_backward, candidate_backward = grade.or_ours("mix_backward"), grade.or_ours("candidate_backward")


def gru_step_backward(dh_new, cache):  # (B, H), what gru_step keeps
    """Return dx, dh, dW_x, dW_h, db_x and db_h."""
    x, h, W_x, W_h, r, z, n, u_n = cache
    dn, dz, dh = mix_backward(dh_new, (n, z, h))  # this dh is the direct path
    da_n, dr, du_n = candidate_backward(dn, (r, u_n, n))
    dx = dW_x = dW_h = db_x = db_h = ...
    ### BEGIN SOLUTION
    da_r, da_z = dr * r * (1 - r), dz * z * (1 - z)
    da, du = np.stack([da_r, da_z, da_n]), np.stack([da_r, da_z, du_n])  # (3, B, H): they differ in n
    dx = (da @ W_x.swapaxes(1, 2)).sum(0)
    dh = dh + (du @ W_h.swapaxes(1, 2)).sum(0)
    dW_x, dW_h = x.T @ da, h.T @ du
    db_x, db_h = da.sum(1, keepdims=True), du.sum(1, keepdims=True)
    ### END SOLUTION
    return dx, dh, dW_x, dW_h, db_x, db_h


grade(gru_step_backward)

# %%
backward, dh_new = grade.or_ours("gru_step_backward"), rng.normal(size=(2, 5))
gradients = backward(dh_new, gru_step(x, h, *weights)[1])
d, dx, dh = library.step_backward(dh_new, library.step(x, h)[1])
for ours, theirs in zip(gradients, (dx, dh, d.W_x, d.W_h, d.b_x, d.b_h), strict=True):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-13)

# %% [markdown]
# ## The LSTM's road
#
# The LSTM is seventeen years older and keeps two things apart: $c$, what it remembers, and $h$, what it shows. Its
# gates $f$ (forget), $i$ (input) and $o$ (output) are sigmoids of $x$ and $h$; its candidate $g$ is a tanh:
#
# $$ c' = f \cdot c + i \cdot g \tag{5} $$
# $$ h' = o \cdot \tanh(c') \tag{6} $$
#
# Hochreiter and Schmidhuber 1997, [doi 10.1162/neco.1997.9.8.1735](https://doi.org/10.1162/neco.1997.9.8.1735); the
# forget gate is of Gers et al. 2000, [doi 10.1162/089976600300015015](https://doi.org/10.1162/089976600300015015); in
# the library [lstm.py](../minis2s/layers/lstm.py). By hand, backward: $f = 0.9$, $dc' = 1$ and $dh' = 0$ give $dc =
# 0.9$. Now with a $dh'$, the gates being given:


# %%
def path_backward(dh_dc_new, cache):  # (dh', dc'), (f, o, tanh(c')), all (B, H)
    """Return dc, (B, H)."""
    ### BEGIN SOLUTION
    (dh_new, dc_new), (f, o, tanh_c) = dh_dc_new, cache
    return f * (dc_new + dh_new * o * (1 - tanh_c**2))
    ### END SOLUTION


grade(path_backward)

# %%
path_backward, lstm, dh_dc_new = grade.or_ours("path_backward"), LSTM.init(rng, 4, 5), rng.normal(size=(2, 2, 5))
_, cache = lstm.forward(x, rng.normal(size=(2, 10)), [2])
_, _, ds = lstm.backward(np.concatenate(dh_dc_new, axis=1), cache)
np.testing.assert_allclose(path_backward(dh_dc_new, cache.activations[2:]), ds[:, 5:], 1e-9, 1e-13)  # f, o, tanh(c')

# %% [markdown]
# ## Now let them learn
#
# Thirty letters from a to h, one of them a capital, anywhere: `feedHabag...`. At the end the model is asked: which? It
# must keep one letter from up to 29 others. **Predict:** after ten epochs of 2,000 such lines, which cells know it, for
# each of three seeds?
#
# - A: the RNN and the LSTM, whose first gradients arrive.
# - B: the GRU and the LSTM, which have gates.
# - C: the LSTM alone, which has both.

# %%
learns = ...  # "A", "B" or "C"
### BEGIN SOLUTION
learns = "B"
### END SOLUTION
grade(learns=learns)


# %%
def lines(rng, count, place=None):
    """Return lines of 30 ids and the small letter of each one's capital: a to h are 4 to 11, A to H 12 to 19."""
    source, capital = rng.integers(4, 12, (count, 30)), rng.integers(4, 12, count)
    source[np.arange(count), rng.integers(30, size=count) if place is None else place] = capital + 8
    return source.tolist(), capital[:, None].tolist()


def learn(cell, seed, rate=0.01, place=None):
    """Return the trained model and the exact match by epoch, in %."""
    rng, epochs = np.random.default_rng(seed), size(10, 1)
    train, valid = (Examples.of(*lines(rng, count, place)) for count in (size(2000, 100), 200))
    model = Seq2Seq.init(rng, Config(20, 12, embedding=16, hidden=32, attention="none", cell=cell))
    trainer = Trainer(model, train, valid, TrainingConfig(epochs, batch=32, rate=rate, seed=seed, reports=epochs))
    return [100 * report.exact_match for report in trainer.progress()], trainer.model


# %%
runs = ("rnn", 0.01), ("rnn", 0.005), ("gru", 0.01), ("gru_before", 0.01), ("lstm", 0.01)  # cell, rate
learned = {run: [learn(run[0], seed, run[1]) for seed in range(3)] for run in runs}
for (cell, rate), three in learned.items():
    right = np.array([right for right, _ in three])
    print(f"{cell:10} rate {rate:5}: {right[:, -1].round()} %; 98 % after epoch {(right < 98).sum(1) + 1}")
    assert is_small() or ((right[:, -1] < 98) if cell == "rnn" else (right[:, -1] > 98)).all()

# %% [markdown]
# (`gru_before` is the GRU's elder twin, of which more below; epoch 11 is never.) The GRU, whose first gradient was the
# worst, knew the capital before the LSTM did, in each of three seeds. The RNN, with the good one, did not get there at
# either rate. That is no proof that no RNN can; but ask not only whether the *gradient* arrives. Ask whether the
# *state* survives: an RNN rewrites all of it at each step.
#
# ## What the gates do
#
# A line with its capital at step 10, read by the trained GRU of seed 0: one row a unit, dark is near 1. Below, the mean
# of 32 such lines, a curve for each of three seeds.

# %%
asked = make_batch(*lines(np.random.default_rng(9), 32, place=10))
models = [model for _, model in learned["gru", 0.01]]
caches = [model.loss(asked)[1].encoder.layers[0].cells[0] for model in models]
gates = np.array([cache.activations for cache in caches])  # (3, 4, 960, 32): r, z, n, u_n
r, z = gates.reshape(3, 4, 30, 32, 32)[:, :2].swapaxes(0, 1)  # (seeds, steps, lines, units) each
flows = np.array([gradient_flow(model, asked)["encoder"] for model in models])
flows /= flows[:, -1:]
(high_at, high), (mean_at, mean) = ((a[:, 10].mean((1, 2)), a[:, 11:].mean((1, 2, 3))) for a in (z > 0.95, z))
print("z above 0.95, at the capital and after it:", high_at.round(2), high.round(2))
print("mean z, at the capital and after it:", mean_at.round(2), mean.round(2))
print("gradient at the capital, and at the letter before it:", *flows[:, [10, 9]].T.round(2))
assert is_small() or np.all([high > 1.5 * high_at, mean > mean_at + 0.1, flows[:, 10] > 0.5, flows[:, 9] < 0.33])

# %%
figure, (*maps, (bottom,)) = plots.new_figure(9, 7.5, 3, 1)
letters, order = ["abcdefghABCDEFGH"[i - 4] for i in asked.source.ids[0]], np.argsort(z[0, 11:, 0].mean(0))
for (ax,), gate, name in zip(maps, (z, r), "zr"):
    plots.draw_heat_map(ax, gate[0, :, 0, order], letters, [""] * 32)
    figure.colorbar(ax.images[0], ax=ax, label=name)
    ax.set_ylabel("32 units, in the\norder of their z")
bottom.plot((z > 0.95).mean((2, 3)).T, ".-", color=plots.BLUE, label=["share of units with z > 0.95", None, None])
bottom.plot(flows.T, ".--", color=plots.VERMILION, label=["norm of dL/dh, at the end: 1", None, None])
bottom.set(xlabel="step", xlim=(-0.5, 29.5), ylim=(0, 1.05), ylabel="share, or norm")
bottom.legend(frameon=False, loc="center left")
show(figure, "Gates over 30 letters: a third of the z near 1 after the capital; the gradient is level back to it.")

# %% [markdown]
# At the capital z drops: write. After it about a third of the units have a z above 0.95: keep. Nobody told it what a
# capital is. (r tells no such simple story, and we would not read one into it.)
#
# And the gradient? In each of three seeds it arrives at the capital, after 19 steps, with more than half of its size.
# The *mean* of z is some 0.65 there, and 19 factors of 0.65 would leave nothing: a mean misleads. The dark units
# carry it, each with a z near 1 of its own.
#
# One step further less than a third is left. What stood there was overwritten, and gets no blame. A gate does not just
# keep the gradient alive; it keeps it alive *where it matters*.

# %% [markdown]
# ## What surprised us
#
# How could the GRU learn, when so little of a gradient reached its far steps at first? Our first explanation: some
# capitals stand near the end, where even a weak gradient arrives; they teach the gate to keep, and the far ones follow.
# If so, a GRU that only ever sees the capital in the *first* place should learn nothing.

# %%
right = [learn("gru", seed, place=0)[0][-1] for seed in range(3)]
print("capital always first: the GRU is right on", np.round(right), "%")
assert is_small() or min(right) > 98

# %% [markdown]
# It learns, for each seed. So much for that explanation. Our next one, which we have not tested: a gradient that is
# small but points the same way every time still moves a weight, the more so with the optimizer Adam, which divides it
# by its size ([optimizers.py](../minis2s/training/optimizers.py)). In any case the norm on first weights, which
# everybody draws, foretold neither the winner nor the loser.

# %% [markdown]
# ## Reset before, reset after
#
# Cho et al. let r act on the state *before* the product; cuDNN, PyTorch and our (3) *after* it:
#
# $$ n = \tanh(a_n + (r \cdot h) W_h + b_h) \tag{7} $$
#
# Cho et al. 2014, [arXiv 1406.1078](https://arxiv.org/abs/1406.1078), equation 8; in the library
# [gru_reset_before.py](../minis2s/layers/gru_reset_before.py). By hand, with a $W_h$ that swaps two units, $h = (1, 2)$
# and $r = (1, 0)$. Before: $r \cdot h = (1, 0)$, swapped $(0, 1)$. After: swapped $(2, 1)$, times $r$, $(2, 0)$.
# Before, r says which units are *read*; after, which units *listen*. With $b_h = 0$, for which r do both agree,
# whatever $h$ and $W_h$ are?
#
# - A: only for r = 1 in every unit.
# - B: for any r that is the same in every unit.
# - C: for every r, as products may be exchanged.
# - D: for none.

# %%
agree = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
agree = "B"
### END SOLUTION
grade(agree=agree)

# %%
for seed in range(3):
    W, state = np.random.default_rng(seed).normal(size=(2, 2)), np.random.default_rng(seed + 3).normal(size=2)
    apart = {r: np.abs((r * state) @ W - r * (state @ W)).max() for r in ((1, 1), (0.5, 0.5), (1, 0))}
    print({r: f"{distance:.2f}" for r, distance in apart.items()})
    assert max(apart[1, 1], apart[0.5, 0.5]) < 1e-15 and apart[1, 0] > 0.01

# %% [markdown]
# With r = (1, 0) they part: a checkpoint of one is wrong in the other, and no shape tells you. Yet both learned the
# capital, above. Then why the change? After, u is one product for all three gates; before, the candidate's has to wait
# for r.
#
# ## What to keep
#
# - $h' = n + z \cdot (h - n)$: on the direct road the gradient is multiplied by z, in the LSTM along c by f. No
#   matrix.
# - Remembering and being taught are the same curve. A gate that keeps must be near 1; a bias can start it there.
# - On first weights our GRU's gradient vanishes and the RNN's does not. After training it is the GRU that knows the
#   capital. Measure what you care about, not its forerunner.
# - Gates drop where something is to be written, and the gradient stops there, as it should.
#
# Next: [lesson 06](06_encoder_decoder.ipynb), which asks one such state to hold a whole sentence.

# %%
grade.summary()
