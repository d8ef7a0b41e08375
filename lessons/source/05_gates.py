# %% [markdown]
# # 05 Gates: GRU and LSTM
#
# - **Question:** How do gates keep the gradient alive?
# - **Time:** 70 minutes to read and do, 30 seconds to run on two cores.
# - **Before:** [lesson 04](04_recurrence.ipynb): a recurrent step and its backward, vanishing gradients.
#
# In lesson 04 each step multiplied the gradient by $W_h^T$ and by the slope of a tanh. Fifty such factors leave
# nothing, or far too much. Could there be a road back through time with no matrix on it? There is, and it is one line long. But
# on first weights it is *worse* than the old one, and why it works all the same is the better half of this lesson.

# %%
import numpy as np

from minis2s import plots
from minis2s.classroom.exercises.lesson_05 import grade
from minis2s.classroom.lesson import is_small, size
from minis2s.classroom.live import show, steps
from minis2s.data.batches import Examples, make_batch
from minis2s.layers import GRU, LSTM, GRUBefore
from minis2s.models import Config, Seq2Seq
from minis2s.training.flow import gradient_flow
from minis2s.training.loop import Settings, Trainer

# %% [markdown]
# ## Replace, or mix
#
# A plain recurrent cell computes a new state and throws the old one away. Let us keep a share $z$ of the old $h$, and
# take the rest from the *candidate* $n$. By hand: $h = 0.8$, $n = 0.2$, $z = 0.9$ give $h' = 0.2 + 0.9 \cdot 0.6 =
# 0.74$. Change $h$ by a little, and $h'$ changes by 0.9 of it. Ten steps: $0.9^{10} = 0.35$. No matrix was asked.

# %%
figure, ((ax,),) = plots.new_figure(6.4, 3.4)
for z, color, dashes in ((0.99, plots.BLUE, "-"), (0.9, plots.VERMILION, "--"), (0.5, plots.GREEN, ":")):
    ax.plot(z ** np.arange(51), color=color, linestyle=dashes, linewidth=2.5, label=f"z = {z}")
ax.set(xlabel="distance, steps", ylabel="what is left of a state, and of a gradient", ylim=(0, 1.02))
ax.legend(frameon=False)
show(
    figure, "What is left of a state or a gradient against distance: z = 0.99 keeps 0.6 over 50 steps, z = 0.5 nothing."
)

# %% [markdown]
# What is left of an old *state* after many steps, and what is left of a *gradient* on its way back to it, is the same
# curve. To remember and to be taught are one thing.
#
# A gate is a sigmoid, $z = 1 / (1 + e^{-a})$. **On paper:** suppose that nothing but a bias $b$ goes into it. Which $b$
# keeps half of the gradient over 50 steps?

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
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def gru_step(x, h, W_x, W_h, b_x, b_h):  # (B, E), (B, H), (3, E, H), (3, H, H), (3, 1, H), (3, 1, H); gates r, z, n
    """Return h' (B, H) and the cache."""
    a, u = x @ W_x + b_x, h @ W_h + b_h  # (3, B, H)
    r = sigmoid(a[0] + u[0])  # (1)
    z = sigmoid(a[1] + u[1])  # (2)
    n = np.tanh(a[2] + r * u[2])  # (3)
    return n + z * (h - n), (x, h, W_x, W_h, r, z, n, u[2])  # (4)


for seed in range(3):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape) for shape in ((3, 4, 5), (3, 5, 5), (3, 1, 5), (3, 1, 5))]
    x, h = rng.normal(size=(6, 2, 4)), rng.normal(size=(2, 5))  # six steps of two sentences
    library = GRU(*(weight[order] for weight, order in zip(weights, [[2, 1, 0], [1, 0, 2]] * 2)))  # n z r; z r n
    hs, _ = library.forward(x.reshape(12, 4), h, [2] * 6)
    for t in range(6):
        h, cache = gru_step(x[t], h, *weights)
        np.testing.assert_allclose(h, hs[2 * t : 2 * t + 2], rtol=1e-12)
print("three seeds, six steps: equal to minis2s.layers.GRU")

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
        model = Seq2Seq.init(rng, Config(30, 30, model="plain", cell=cell))
        model.encoder.cell.W_h[:] *= gain
        if bias:
            model.encoder.cell.b_x[1] = bias  # of z
        flow = gradient_flow(model, make_batch(source, [letters[:1] for letters in source]))
        norms[seed] = np.hypot(flow["encoder"], flow.get("encoder.c", 0.0))[::-1]  # of an LSTM, h and c together
    return norms / norms[:, :1]


first = {cell: falls(cell) for cell in ("rnn", "gru", "lstm")}
for cell, norms in first.items():
    print(
        f"{cell:5} at distance 49:",
        *(f"{n:.0e}" for n in norms[:, 49]),
        " a step:",
        (norms[:, 49] ** (1 / 49)).round(2),
    )
assert first["gru"][:, 49].max() < 1e-6 and min(first["rnn"][:, 49].min(), first["lstm"][:, 49].min()) > 0.02

# %%
figure = plots.gradient_flow({cell: norms.mean(0) for cell, norms in first.items()}, "First weights, mean of 3 seeds")
show(figure, "Gradient norm against distance: RNN and LSTM keep a tenth over 49 steps, the GRU less than a millionth.")

# %% [markdown]
# The GRU! With biases of 0 its z is near 0.5, and each step halves the direct road. (It falls by 0.73 a step, not by
# 0.5, since some gradient comes through the gates and the candidate as well.) The plain RNN keeps a tenth. So are gates
# good for nothing?
#
# Look at what the RNN's tenth hangs on. We multiply $W_h$ by a *gain*, as training may do, and add a fourth model: a
# GRU with the bias from your exercise on z.

# %%
gains = (0.5, 0.75, 1.0, 1.25, 1.5)
kinds = {"rnn": ("rnn", 0), "gru": ("gru", 0), "lstm": ("lstm", 0), "gru, bias 4.27": ("gru", 4.27)}
curves = {(name, gain): falls(cell, gain, bias) for name, (cell, bias) in kinds.items() for gain in gains}
colors, dashes = (plots.BLUE, plots.VERMILION, plots.GREEN, plots.PURPLE), ("-", "--", "-.", ":")


def draw(ax, i):
    for name, color, dash in zip(kinds, colors, dashes):
        ax.plot(curves[name, gains[i]].mean(0), color=color, linestyle=dash, linewidth=2.2, label=name)
    ax.set(yscale="log", ylim=(1e-12, 1e3), xlabel="steps back in time", ylabel="dL/dstate", title=f"gain {gains[i]}")
    ax.legend(frameon=False, loc="lower left", fontsize=8)


steps(draw, 5, "The RNN's gradient vanishes or explodes with the gain; the GRU with a bias stays.", [0, 2, 4], (4, 3.4))

# %%
for name in kinds:
    print(f"{name:15}", *(f"gain {gain}: {curves[name, gain][:, 49].mean():.0e}  " for gain in (0.5, 1.0, 1.5)))
kept = np.array([curves["gru, bias 4.27", gain][:, 49] for gain in gains])
assert kept.min() > 0.3 and kept.max() < 0.7
assert curves["rnn", 0.5][:, 49].max() < 1e-12 and curves["rnn", 1.5][:, 49].min() > 10

# %% [markdown]
# The RNN lives on a knife's edge: over a gain from 0.5 to 1.5 its gradient goes from a millionth of a billionth to
# eighty. The GRU with a bias keeps a third to two thirds for each gain and seed. Its road does not lead through $W_h$.
#
# ## Your turn: backward, gate by gate
#
# Begin at the end, with (4). What do $n$, $z$ and $h$ each get of $dh'$? Here `h` means the h that stands in (4)
# itself; its other ways come later.


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
# $u$. Careful with $h$: it fed three gates, and (4).

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
backward = grade.or_ours("gru_step_backward")
x, h, dh_new = rng.normal(size=(2, 4)), rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
dx, dh, dW_x, dW_h, *_ = backward(dh_new, gru_step(x, h, *weights)[1])
gradient, dx_library, dh_library = library.backward(dh_new, library.forward(x, h, [2])[1])
for ours, theirs in ((dx, dx_library), (dh, dh_library), (dW_h[[1, 0, 2]], gradient.W_h)):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-13)
print("equal to minis2s.layers.GRU.backward")

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
    dh_new, dc_new = dh_dc_new
    f, o, tanh_c = cache
    dc = ...
    ### BEGIN SOLUTION
    dc = f * (dc_new + dh_new * o * (1 - tanh_c**2))
    ### END SOLUTION
    return dc


grade(path_backward)

# %%
path_backward = grade.or_ours("path_backward")
lstm = LSTM.init(rng, 4, 5)
_, cache = lstm.forward(x, rng.normal(size=(2, 10)), [2])
_, _, f, o, tanh_c = cache.gates  # g, i, f, o, tanh(c')
dh_dc_new = rng.normal(size=(2, 2, 5))
_, _, ds = lstm.backward(np.concatenate(dh_dc_new, axis=1), cache)
np.testing.assert_allclose(path_backward(dh_dc_new, (f, o, tanh_c)), ds[:, 5:], rtol=1e-12)
print("equal to the c half of minis2s.layers.LSTM.backward")

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
    model = Seq2Seq.init(rng, Config(20, 12, embedding=16, hidden=32, model="plain", cell=cell))
    trainer = Trainer(model, train, valid, Settings(epochs, batch=32, rate=rate, seed=seed, reports=epochs))
    return [100 * report.exact_match for report in trainer.reports()], trainer.model


runs = {"rnn": ("rnn", 0.01), "rnn, half the rate": ("rnn", 0.005), "gru": ("gru", 0.01), "lstm": ("lstm", 0.01)}
learned = {name: [learn(cell, seed, rate) for seed in range(3)] for name, (cell, rate) in runs.items()}

# %%
figure, ((ax,),) = plots.new_figure(6.4, 3.6)
for (name, three), color, dash in zip(learned.items(), colors, dashes):
    right = np.array([right for right, _ in three])
    ax.plot(1 + np.arange(right.shape[1]), right.T, color=color, linestyle=dash, label=[name, None, None])
    print(f"{name:18} right at the end: {right[:, -1].round()} %; at 98 % after epoch {(right < 98).sum(1) + 1}")
ax.set(xlabel="epoch", ylabel="capital known, % of 200 unseen lines", ylim=(0, 103))
ax.legend(frameon=False, fontsize=8)
show(figure, "Exact match by epoch, three lines a cell: the GRU is at 100 first, then the LSTM; the RNN stays below.")
last = {name: [right[-1] for right, _ in three] for name, three in learned.items()}
assert is_small() or min(last["gru"] + last["lstm"]) > 98 > max(last["rnn"] + last["rnn, half the rate"])

# %% [markdown]
# The cell with the worst first gradient was first to learn, in each of three seeds, and the one with the good gradient
# did not get there, at either rate. Ask not only whether the gradient arrives but whether the *state* survives: an RNN
# rewrites all of it 29 times.
#
# ## What the gates do
#
# A line with the capital in the middle, read by the trained GRU. Dark is near 1.

# %%
asked = make_batch(*lines(np.random.default_rng(9), 32, place=10))
gates = np.array([model.loss(asked)[1].encoder.cell.gates for _, model in learned["gru"]])  # (3, 4, 960, 32) n z r u_n
z, r = gates.reshape(3, 4, 30, 32, 32)[:, 1:3].swapaxes(0, 1)  # (seeds, steps, lines, units) each
flows = np.array([gradient_flow(model, asked)["encoder"] for _, model in learned["gru"]])
flows /= flows[:, -1:]
kept, at = z[:, 11:].mean((1, 2, 3)), z[:, 10].mean((1, 2))
print("mean z at the capital", at.round(2), "  after it", kept.round(2))
print("gradient at the capital", flows[:, 10].round(2), "  at the letter before it", flows[:, 9].round(2))
assert is_small() or ((at < kept - 0.2) & (flows[:, 10] > 0.6) & (flows[:, 9] < 0.3)).all()

# %%
figure, ((top,), (middle,), (bottom,)) = plots.new_figure(9, 7.5, 3, 1)
letters = ["abcdefghABCDEFGH"[i - 4] for i in asked.source.ids[0]]
order = np.argsort(z[0, 11:, 0].mean(0))
for ax, gate, name in ((top, z, "z"), (middle, r, "r")):
    plots.draw_heat_map(ax, gate[0, :, 0, order], letters, [""] * 32)
    ax.set_ylabel(f"{name} of 32 units, in the\norder of their z")
for line, color, dash, name in ((z.mean((2, 3)), plots.BLUE, "-", "mean z"), (flows, plots.VERMILION, "--", "dL/dh")):
    bottom.plot(line.T, color=color, linestyle=dash, marker=".", label=[f"{name}, 32 lines", None, None])
bottom.set(xlabel="step", xlim=(-0.5, 29.5), ylim=(0, 1.05), ylabel="three seeds")
bottom.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.36, 0))
show(figure, "Gates over 30 letters: z drops at the capital; the gradient is level back to it, and gone before it.")

# %% [markdown]
# z stays high while small letters pass: keep. At the capital it drops: write. Nobody told it what a capital is. And the
# gradient, in each of three seeds, arrives at the capital with more than 0.6 of its size, over 19 steps, and behind it
# falls at a blow: what stood before was overwritten, and gets no blame. A gate does not keep the gradient alive; it
# keeps it alive *where it matters*.

# %% [markdown]
# ## What surprised us
#
# Our first explanation was this: some capitals stand near the end, where even a weak gradient arrives; they teach the
# gate to keep, and the far ones follow. If so, a GRU that only ever sees the capital in the *first* place should learn
# nothing.

# %%
right = [learn("gru", seed, place=0)[0][-1] for seed in range(3)]
print("capital always first: the GRU is right on", np.round(right), "%")
assert is_small() or min(right) > 98

# %% [markdown]
# It learns, for each seed. So much for the explanation. A small gradient that points the same way every time still
# moves a weight, the more so with Adam, which divides by its size ([lesson 09](09_training.ipynb)). The norm on first
# weights, which everybody draws, foretold neither the winner nor the loser.

# %% [markdown]
# ## Reset before, reset after
#
# Cho et al. let r act on the state *before* the product; cuDNN, PyTorch and our (3) *after* it:
#
# $$ n = \tanh(a_n + (r \cdot h) W_h + b_h) \tag{7} $$
#
# Cho et al. 2014, [arXiv 1406.1078](https://arxiv.org/abs/1406.1078), equation 8; in the library
# [gru_before.py](../minis2s/layers/gru_before.py). By hand, with a $W_h$ that swaps two units, $h = (1, 2)$ and $r =
# (1, 0)$. Before: $r \cdot h = (1, 0)$, swapped $(0, 1)$. After: swapped $(2, 1)$, times $r$, $(2, 0)$. Before, r says
# which units are *read*; after, which units *listen*. With $b_h = 0$, for which r do both agree, whatever $h$ and $W_h$
# are?
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
    before = GRUBefore.init(np.random.default_rng(seed), 4, 5)
    after = GRU(before.W_x, before.W_h[[1, 2, 0]], before.b, np.zeros((3, 1, 5)))
    apart = np.abs(before.forward(x, h, [2])[0] - after.forward(x, h, [2])[0]).max()
    right = learn("gru_before", seed)[0][-1]
    print(f"h' differ by up to {apart:.2f}; reset-before, trained on the capital, is right on {right:.0f} %")
    assert apart > 0.01 and (is_small() or right > 98)

# %% [markdown]
# Same weights, another function: a checkpoint of one is wrong in the other, and no shape tells you. Both learn the
# capital. Then why the change? After, u is one product for all three gates; before, the candidate's has to wait for r.
#
# ## What to keep
#
# - $h' = n + z \cdot (h - n)$: along h the gradient is only multiplied by z, and along the LSTM's c by f. No matrix.
# - Remembering and being taught are the same curve. A gate that keeps must be near 1; a bias can start it there.
# - On first weights our GRU's gradient vanishes and the RNN's does not. After training it is the GRU that knows the
#   capital. Measure what you care about, not its forerunner.
# - The gate drops where something is to be written, and the gradient stops there, as it should.
#
# Next: [lesson 06](06_encoder_decoder.ipynb), which asks one such state to hold a whole sentence.

# %%
grade.summary()
