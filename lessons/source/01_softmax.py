# %% [markdown]
# # 01 Softmax and cross-entropy
#
# - **Question:** What is the gradient of a choice?
# - **Time:** 50 minutes to read and do, 3 seconds to run on two cores.
# - **Before:** partial derivatives and the chain rule; NumPy arrays.
#
# A translator must choose one word out of thousands. Nudge the score of a word a little: either the choice stays the
# same, or it jumps. The slope is 0 almost everywhere, and where it is not 0 it does not exist. So how can anyone learn
# to choose by following slopes?

# %%
import numpy as np

from minis2s import plots
from minis2s.classroom.exercises.lesson_01 import grade
from minis2s.classroom.live import show, steps
from minis2s.layers.activations import log_softmax, softmax
from minis2s.layers.cross_entropy import CrossEntropy

# %% [markdown]
# ## A choice has no slope, a share has
#
# Three words have the scores $x$, 1 and 0. On the left, word 0 is chosen when its score is the largest. On the right,
# each word gets a share of one whole: the larger the score, the larger the share, and nothing jumps.

# %%
x = np.linspace(-4, 6, 2001)
three = np.stack([x, 1 + 0 * x, 0 * x], axis=1)  # (2001, 3) scores
figure, (axes,) = plots.new_figure(9, 3.3, 1, 2)
for ax, share, title in zip(axes, (np.eye(3)[three.argmax(1)], softmax(three)), ("a choice", "softmax")):
    for k, (color, dashes) in enumerate(zip((plots.BLUE, plots.VERMILION, plots.GREEN), ("-", "--", ":"))):
        ax.plot(x, share[:, k], color=color, linestyle=dashes, linewidth=2.5, label=f"word {k}")
    ax.set(xlabel="score of word 0 (the others: 1 and 0)", ylabel="share", title=title)
axes[0].legend(frameon=False)
show(figure, "Shares of three words against one score: the choice jumps at 1, the softmax rises smoothly.")

# %% [markdown]
# ## By hand
#
# Take the scores 2, 1, 0. A share must be positive, so take powers of e: 7.389, 2.718, 1. Shares must add up to 1, so
# divide by their sum, 11.107. That is all:
#
# $$ \alpha_k = \frac{e^{\mathrm{score}_k}}{\sum_j e^{\mathrm{score}_j}} \tag{1} $$
#
# Bridle 1990, [doi 10.1007/978-3-642-76153-9_28](https://doi.org/10.1007/978-3-642-76153-9_28); equation 6 of Bahdanau
# et al. 2015, [arXiv 1409.0473](https://arxiv.org/abs/1409.0473), uses it to choose where to look; in the library
# [activations.py](../minis2s/layers/activations.py).


# %%
def softmax_loops(score):  # (N, V)
    """Return alpha, (N, V), as equation (1) has it."""
    alpha = np.zeros_like(score)
    for i in range(len(score)):
        total = sum(np.exp(score_j) for score_j in score[i])
        for k in range(score.shape[1]):
            alpha[i, k] = np.exp(score[i, k]) / total  # (1)
    return alpha


print(softmax_loops(np.array([[2.0, 1.0, 0.0]])).round(3))
for seed in range(3):
    score = np.random.default_rng(seed).normal(size=(4, 5))
    np.testing.assert_allclose(softmax_loops(score), softmax(score), rtol=1e-12)

# %% [markdown]
# **Predict, then run.** Add 5 to every score. What happens to the shares?
#
# - A: all grow.
# - B: nothing changes.
# - C: the largest grows, the others shrink.

# %%
shifted = ...  # "A", "B" or "C"
### BEGIN SOLUTION
shifted = "B"
### END SOLUTION
grade(shifted=shifted)

# %%
print(softmax_loops(np.array([[7.0, 6.0, 5.0]])).round(3))

# %% [markdown]
# ## How wrong is a share?
#
# The text says: word 1. Our shares are 0.665, 0.245, 0.090, so the model gave the right word 0.245. The loss is the
# surprise: $-\ln 0.2447 = 1.408$ *nats*, the unit that goes with natural logarithms. A share of 1 costs nothing; a
# share near 0 costs without limit. Over $N$ words of a text, whose shares we now call $p$, take the mean:
#
# $$ \mathrm{loss} = -\frac{1}{N} \sum_{i=1}^{N} \ln p_i[\mathrm{target}_i] \tag{2} $$
#
# Goodfellow et al. 2016, [*Deep Learning*, section 6.2.2.3](https://www.deeplearningbook.org/contents/mlp.html); in the
# library [cross_entropy.py](../minis2s/layers/cross_entropy.py). The scores that go into a loss are called *logits*.


# %%
def cross_entropy_loops(logits, target):  # (N, V), (N,)
    """Return the mean loss in nats and the cache (p, target)."""
    p = softmax_loops(logits)  # (1)
    loss = 0.0
    for i in range(len(target)):
        loss -= np.log(p[i, target[i]]) / len(target)  # (2)
    return loss, (p, target)


logits, target = np.array([[2.0, 1.0, 0.0]]), np.array([1])
loss, (p, _) = cross_entropy_loops(logits, target)
print(f"loss {loss:.3f} nats")
rng = np.random.default_rng(0)
many, words = rng.normal(size=(4, 5)), rng.integers(5, size=4)
np.testing.assert_allclose(cross_entropy_loops(many, words)[0], CrossEntropy().forward(many, words)[0], rtol=1e-12)

# %% [markdown]
# ## Which way is down?
#
# Word 1 is right; the scores are 2, 1, 0. A step against the gradient changes every score a little so that the loss
# falls. **Predict:** which scores does it push *up*?
#
# - A: the target's alone.
# - B: the largest alone.
# - C: those below the mean.

# %%
pushed = ...  # "A", "B" or "C"
### BEGIN SOLUTION
pushed = "A"
### END SOLUTION
grade(pushed=pushed)

# %% [markdown]
# No calculus yet: nudge each score by a millionth, and see how much the loss changes per unit of nudge.

# %%
slope = np.zeros(3)
for k in range(3):
    nudged = logits + 1e-6 * np.eye(3)[[k]]
    slope[k] = (cross_entropy_loops(nudged, target)[0] - loss) / 1e-6
print("p    ", p[0].round(3))
print("slope", slope.round(3))

# %%
figure, ((ax,),) = plots.new_figure(6, 3.4)
place = np.arange(3)
ax.bar(place - 0.2, p[0], 0.4, color=plots.BLUE, label="p")
bars = ax.bar(place + 0.2, slope, 0.4, color=plots.VERMILION, hatch="//", edgecolor="white", label="slope of the loss")
ax.bar_label(bars, fmt="%.3f")
ax.axhline(0, color="black", linewidth=0.8)
ax.set_xticks(place, ["word 0\nscore 2", "word 1, the target\nscore 1", "word 2\nscore 0"])
ax.set(ylabel="share, or nats per unit of score", ylim=(-0.95, 0.8))
ax.legend(frameon=False)
show(
    figure, "Shares of three words beside the slopes of the loss: equal, but for the target, where the slope is p - 1."
)

# %% [markdown]
# Look at the two rows. The slope *is* the share, with a −1 at the target: 0.245 − 1 = −0.755. All the logarithms and
# exponentials have gone. The gradient of a choice is *what you gave, minus what was wanted*.
#
# Three things follow, and we check them on random scores rather than believe them: only the target's slope is negative;
# the slopes of a row add up to 0, since what is given to one word is taken from the others; and no slope is larger than
# 1, however wrong the model is.

# %%
for seed in range(5):
    rng = np.random.default_rng(seed)
    logits_s, target_s = 3 * rng.normal(size=(6, 4)), rng.integers(4, size=6)
    _, slopes = CrossEntropy().backward(6.0, CrossEntropy().forward(logits_s, target_s)[1])  # 6 rows: undo the mean
    assert ((slopes < 0) == np.eye(4, dtype=bool)[target_s]).all()
    assert np.abs(slopes.sum(1)).max() < 1e-14 and np.abs(slopes).max() <= 1
print("five seeds: one negative slope a row, at the target; rows add up to 0; none beyond 1")

# %% [markdown]
# ## Why not the squared error?
#
# Would another measure of wrongness do? Say $(p_\mathrm{target} - 1)^2$, which is 0 when the target has everything,
# too. Think of a bad moment: two words, and the model is sure of the wrong one, which leads by 8. So $p$ of the target
# is 0.0003. A good loss shouts here. **Predict:** how steep is the squared error, as a function of the target's score,
# beside the cross-entropy?
#
# - A: steeper.
# - B: about as steep.
# - C: almost flat.

# %%
squared = ...  # "A", "B" or "C"
### BEGIN SOLUTION
squared = "C"
### END SOLUTION
grade(squared=squared)

# %%
lead = np.linspace(-8, 8, 161)  # of the target over its rival
p_target = softmax(np.stack([lead, 0 * lead], axis=1))[:, 0]
slope_of_square = 2 * (p_target - 1) * p_target * (1 - p_target)  # the chain rule, through dp/dscore = p (1 - p)
figure, ((ax,),) = plots.new_figure(6.4, 3.4)
ax.plot(lead, p_target - 1, color=plots.BLUE, linewidth=2.5, label="cross-entropy")
ax.plot(lead, slope_of_square, color=plots.VERMILION, linestyle="--", linewidth=2.5, label="squared error")
ax.set(xlabel="lead of the target over its rival, in score", ylabel="slope in the target's score")
ax.legend(frameon=False, loc="lower right")
show(figure, "Slopes of two losses: sure and wrong, on the left, cross-entropy is at -1 and the squared error at 0.")
print(f"sure and wrong: cross-entropy {p_target[0] - 1:.4f}, squared error {slope_of_square[0]:.4f}")

# %% [markdown]
# Both pass through the same softmax, whose own slope $p (1 - p)$ dies where it is sure of anything. The squared error
# has nothing to set against that. The slope of the logarithm does: it is $-1/p$, which grows without limit just where
# the softmax goes flat. Two monsters meet and leave a 1 behind:
#
# $$ -\frac{1}{p} \cdot p\,(1 - p) = p - 1 \tag{3} $$
#
# On paper, that is. In a computer the first monster can be infinite and the second 0, and their product is not a
# number: one more reason for the library to keep the two together in
# [cross_entropy.py](../minis2s/layers/cross_entropy.py).

# %% [markdown]
# ## The landscape
#
# Keep the third score at 0 and move the other two. Word 0 is the target. Every arrow points down the slope, to the
# right, and downwards where the rival is strong: raise the target, lower its rival. Far to the right the valley never
# ends: the loss of 0 lies at infinity, so a model can always get a little more certain.
#
# Far up on the left the ground is steep but straight: the bands, one nat each, are equally wide, and the arrows do not
# grow.

# %%
grid = np.linspace(-5, 5, 101)
a, b = np.meshgrid(grid, grid)
surface = -log_softmax(np.stack([a, b, 0 * a], axis=-1))[..., 0]
figure, ((ax,),) = plots.new_figure(6, 4.8)
image = ax.contourf(a, b, surface, levels=range(11), cmap="cividis")
coarse = slice(5, None, 15)
arrow = np.eye(3)[0] - softmax(np.stack([a, b, 0 * a], axis=-1)[coarse, coarse])  # minus the slope
ax.quiver(a[coarse, coarse], b[coarse, coarse], arrow[..., 0], arrow[..., 1], color="white", scale=14, width=0.006)
ax.set(
    xlabel="score of word 0, the target", ylabel="score of word 1", title="Loss, and the way down (score of word 2: 0)"
)
figure.colorbar(image, ax=ax, label="loss, nats", ticks=range(11))
show(figure, "Loss over two scores: a slope that falls to the right, straight on the upper left, flat on the right.")

# %% [markdown]
# Walk down it: start at the scores 2, 1, 0 and take steps of length 1 against the slope. The share of the target grows
# fast at first. Then the slope, which is the share that is still missing, grows small, and so do the steps. On paper a
# softmax gives no word exactly nothing, so there is always a slope; what a computer makes of that comes further down.

# %%
walked, walk = logits.copy(), []
for _ in range(16):
    walk.append(softmax(walked)[0])
    walked -= softmax(walked) - np.eye(3)[target]


def draw(ax, i):
    ax.bar(["0", "1", "2"], walk[i], color=[plots.BLUE, plots.VERMILION, plots.BLUE])
    ax.set(ylim=(0, 1), xlabel="word (1: the target)", ylabel="share", title=f"step {i}: {walk[i][1]:.2f}")


steps(
    draw,
    16,
    "Shares of three words by step: the target's grows from 0.24 towards 1.",
    shown=[0, 1, 4, 15],
    size=(3, 2.8),
)

# %% [markdown]
# ## Your turn: back through the softmax
#
# Attention uses the softmax without the loss: shares $\alpha$ go on into other layers, and a gradient comes back for
# each: $d\alpha_j$, in code `dalpha`, is how much the loss grows per unit of $\alpha_j$. From it *backward* makes
# `dscore`, with what *forward* left for it in the `cache`. Each share depends on *every* score of its row:
#
# $$ \frac{\partial \alpha_j}{\partial\,\mathrm{score}_k} = \alpha_j (\delta_{jk} - \alpha_k), \qquad \delta_{jk} = 1
# \text{ if } j = k \text{, else } 0 \tag{4} $$
#
# $$ d\mathrm{score}_k = \sum_j d\alpha_j \frac{\partial \alpha_j}{\partial\,\mathrm{score}_k} \tag{5} $$
#
# Derive (4) from (1) with the quotient rule, put it into (5), and take $\alpha_k$ out of the sum. Then code it for all
# rows at once. The library does it in [attention.py](../minis2s/layers/attention.py), as part of (2) there.

# %% [markdown] tags=["solution"]
# **Derivation.** By the quotient rule $\partial \alpha_j / \partial\,\mathrm{score}_k = \delta_{jk} e_j / E - e_j e_k /
# E^2$ with $E = \sum_j e_j$, which is (4). In (5), $\sum_j d\alpha_j \alpha_j \delta_{jk} = \alpha_k d\alpha_k$, and
# the rest is $-\alpha_k \sum_j \alpha_j d\alpha_j$. So $d\mathrm{score}_k = \alpha_k (d\alpha_k - \sum_j \alpha_j
# d\alpha_j)$: each score gets how much better than the weighted mean its $d\alpha$ is, weighed with its share.


# %%
def softmax_backward(dalpha, alpha):  # (N, V), (N, V)
    """Return dscore, (N, V)."""
    ### BEGIN SOLUTION
    return alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))
    ### END SOLUTION


grade(softmax_backward)

# %% [markdown]
# The grader compared you with the *complex step*, a derivative that is exact to the last digits. How that works is the
# [next lesson](02_gradients.ipynb).
#
# ## Your turn: softmax and loss in one
#
# Now derive the gradient of (2) with respect to the logits, for $N$ rows. Begin with one row, and write $-\ln
# p[\mathrm{target}] = \ln \sum_k e^{\mathrm{logit}_k} - \mathrm{logit}_\mathrm{target}$. You know from the picture what
# must come out. What do $N$ and `dloss` add?

# %% [markdown] tags=["solution"]
# **Derivation.** $\partial \ln \sum_j e^{\mathrm{logit}_j} / \partial\,\mathrm{logit}_k = e^{\mathrm{logit}_k} / \sum_j
# e^{\mathrm{logit}_j} = p_k$, and $\partial\,\mathrm{logit}_\mathrm{target} / \partial\,\mathrm{logit}_k$ is 1 at the
# target, else 0. The mean divides by $N$, and the chain rule multiplies by dloss: $d\mathrm{logits} = (p -
# \mathrm{onehot})\, d\mathrm{loss} / N$.


# %%
def cross_entropy_backward(dloss, cache):  # a number, (p (N, V), target (N,))
    """Return dlogits, (N, V)."""
    p, target = cache
    dlogits = ...
    ### BEGIN SOLUTION
    dlogits = p.copy()
    dlogits[np.arange(len(target)), target] -= 1  # the -1 at the target
    dlogits *= dloss / len(target)
    ### END SOLUTION
    return dlogits


grade(cross_entropy_backward)

# %%
backward = grade.or_ours("cross_entropy_backward")
cache = cross_entropy_loops(many, words)[1]
_, library = CrossEntropy().backward(1.0, CrossEntropy().forward(many, words)[1])
np.testing.assert_allclose(backward(1.0, cache), library, rtol=1e-7, atol=1e-9)
print(backward(1.0, cache).round(3))

# %% [markdown]
# Read it as a teacher's marks. Each row is one word of the text, with one negative number at the word that was right:
# the further it was from being chosen, the closer to −1, or rather −1/4, as four words share the mean. The other
# numbers say who has to give way, and how much. Everything that lessons 03 to 08 send backwards through layers and
# through time begins as such a table.

# %% [markdown]
# ## Overflow, and its cure
#
# Equation (1) is right, and code that copies it breaks. In float32 numbers end at about $3.4 \cdot 10^{38}$, so $e^x$
# becomes infinite beyond some $x$, and infinity divided by infinity is not a number. **How large may a score be?** Find
# the largest $x$, to one decimal.

# %%
largest = ...  # a number
### BEGIN SOLUTION
largest = np.log(np.finfo(np.float32).max)
### END SOLUTION
grade(largest=largest)

# %% [markdown]
# Your first prediction is the cure: a constant taken from all scores changes nothing, so take away the largest. Then
# every power lies between 0 and 1. But that is only half of it. Below, word 0 is the target, and its rival leads by a
# gap; the true loss is then very nearly the gap. Three formulas, in float32:

# %%
gap = np.arange(0, 151, dtype=np.float32)
pair = np.stack([0 * gap, gap], axis=1)  # the target's score, and its rival's
with np.errstate(all="ignore"):
    e = np.exp(pair)
    naive = -np.log(e[:, 0] / e.sum(1))
    shifted_only = -np.log(softmax(pair)[:, 0])
losses = {"−log of (1)": naive, "shifted, then −log": shifted_only, "log-softmax": -log_softmax(pair)[:, 0]}
ends = {name: gap[np.isfinite(loss)].max() for name, loss in losses.items()}
print(", ".join(f"{name}: finite up to {end:.0f}" for name, end in ends.items()))
np.testing.assert_allclose(losses["log-softmax"][20:], gap[20:], rtol=1e-6)

# %%
figure, (axes,) = plots.new_figure(10, 3.0, 1, 3)
for ax, (name, loss_at_gap), color in zip(axes, losses.items(), (plots.VERMILION, plots.PURPLE, plots.BLUE)):
    ax.plot(gap, loss_at_gap, color=color, linewidth=2.5)
    if ends[name] < 150:
        ax.axvspan(ends[name], 150, color="#dddddd")
        ax.text((ends[name] + 150) / 2, 20, "infinite", ha="center")
    ax.set(xlim=(0, 150), ylim=(0, 150), title=name, xlabel="lead of the rival over the target")
axes[0].set_ylabel("loss in float32, nats")
show(figure, "Loss against the rival's lead: the naive formula ends at 88, the shifted one at 103, log-softmax never.")

# %% [markdown]
# The shift alone still fails: the share of the target underflows to 0 before its logarithm is taken. The full cure
# never forms the share. It takes the logarithm on paper: $\ln p = \mathrm{shifted} - \ln \sum e^\mathrm{shifted}$.
# Blanchard, Higham and Higham 2021, [doi 10.1093/imanum/draa038](https://doi.org/10.1093/imanum/draa038), show how
# exact that is. Write it.


# %%
def safe_loss(logits, target):  # (N, V), (N,)
    """Return the mean loss in nats, finite for any finite logits."""
    ### BEGIN SOLUTION
    shifted = logits - logits.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return -log_p[np.arange(len(target)), target].mean()
    ### END SOLUTION


grade(safe_loss)

# %% [markdown]
# ## What to keep
#
# - A choice has no gradient; a softmax share has, and only differences of scores matter to it.
# - Softmax and cross-entropy together have the simplest gradient there is: what was given minus what was wanted. That
#   is why the library keeps them in one file, [cross_entropy.py](../minis2s/layers/cross_entropy.py).
# - The right formula and the right code are two things. Work with logarithms, and take the largest away first.
#
# A riddle to take along: the slopes of a row add up to 0, whatever the scores. Suppose a gradient check added them up
# and compared the sums. Which wrong backward would it never find? [Lesson 02](02_gradients.ipynb) knows.

# %%
grade.summary()
