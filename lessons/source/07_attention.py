# %% [markdown]
# # 07 Bahdanau attention
#
# - **Question:** Where should the decoder look?
# - **Time:** 60 minutes to read and do, 40 seconds to run on two cores.
# - **Before:** lessons [01](01_softmax.ipynb), [02](02_gradients.ipynb) and [06](06_encoder_decoder.ipynb).
#
# Read a sentence once, close the book, and translate it. That is what lesson 06 asked of one vector. Nobody works like
# that: you look back. But where? The text says which words are right, never where to look for them. Our model will
# learn where from the words alone. And it will be right though it does not always look where you would.

# %%
import numpy as np

from minis2s import plots
from minis2s.classroom.exercises.lesson_07 import grade
from minis2s.classroom.lesson import is_small, size
from minis2s.classroom.live import show, steps
from minis2s.classroom.reversal import Reversal
from minis2s.layers import AdditiveAttention
from minis2s.layers.activations import softmax
from minis2s.museum import BUGS, planted
from minis2s.threads_and_memory import prepare_process

prepare_process()  # one thread; freed memory is kept for the next array

# %% [markdown]
# ## One vector, or a look back
#
# The task: reverse a word of random letters, *a* to *h*. Two small models with states of 32 numbers, three seeds each
# ([reversal.py](../minis2s/classroom/reversal.py) draws the words and trains). The one without attention gets twice as
# many epochs.

# %%
WORD, POINTS = "headache", size([0, 30, 60, 90, 120, 180, 240, 470], [0, 1, 2])  # updates after which we see its map
kinds = {"additive": ("with attention, 10 epochs", 10, plots.BLUE, "o-")}
kinds["none"] = ("without, 20 epochs", 20, plots.VERMILION, "s--")
runs, (by_length, ((panel,),)) = {}, plots.new_figure(7, 3.8)
for kind, (label, epochs, color, style) in kinds.items():
    for seed in range(3):
        run = runs[kind, seed] = Reversal.start(seed, 12, epochs, attention=kind)
        if (kind, seed) == ("additive", 0):
            maps = run.watch(WORD, POINTS)
        elif kind == "none":
            run.trainer.run_to(POINTS[-1])  # 10 epochs
        half = run.right_by_length().get(8, 0)
        run.train()
        right = run.right_by_length()
        panel.plot(right.keys(), right.values(), style, color=color, ms=4, label=None if seed else label)
        print(f"{kind:9} seed {seed}: % right", {n: round(right.get(n, 0)) for n in (3, 8, 12)}, end=" by length; ")
        print(f"length 8 after 10 epochs {half:.0f} %")
        assert is_small() or (right[12] > 90 if kind == "additive" else right[12] < 10 < right[8] - half)

# %%
panel.set(xlabel="letters in the word", ylabel="unseen words right as a whole, %", ylim=(-3, 103))
panel.legend(frameon=False, loc="lower left")
show(by_length, "Exact match by length, three seeds: with attention near 100 %, without it falling to nearly 0 at 12.")

# %% [markdown]
# On short words the two are alike. At twelve letters the one without attention fails, on each of the three seeds.
#
# Is its vector full? There is room (lesson 06), and it is still learning: on words of eight letters its second ten
# epochs gain much, on each seed. With 80 epochs, which take too long to run here, it wrote 26 to 28 % of the words of
# twelve. What it lacks is not room but a way to the rule. So how does one look back?

# %% [markdown]
# ## A look, by hand
#
# Keep *all* the states of the encoder, the `memory`. A decoder state comes as the `query`, and each place of the memory
# gets a score: how well does it answer? To look at one place only would be a choice, which has no slope
# ([lesson 01](01_softmax.ipynb)), so look everywhere a little, by softmax.
#
# Everything one number wide: the memory is −1, 0, 1 and the query 1. Score a place by $2 \tanh(\mathrm{query} +
# \mathrm{memory}_j)$:
#
# | memory | −1 | 0 | 1 |
# |---|---|---|---|
# | tanh(query + memory) | 0 | 0.762 | 0.964 |
# | score | 0 | 1.523 | 1.928 |
# | $e^\mathrm{score}$ (sum 12.463) | 1 | 4.587 | 6.876 |
# | share `alpha` | 0.080 | 0.368 | 0.552 |

# %% [markdown]
# What comes back is the mean of the memory by these shares, the `context`: −0.0802 + 0.5517 = 0.4715.
#
# **Predict:** now the query asks for the *first* place. Is there a query, any number, that gives the first place the
# largest share?
#
# - A: yes, a negative one.
# - B: yes, but it has to be far below −1.
# - C: no.

# %%
one_unit = ...  # "A", "B" or "C"
### BEGIN SOLUTION
one_unit = "C"
### END SOLUTION
grade(one_unit=one_unit)

# %% [markdown]
# Give the score *two* tanh units, $5 \tanh(\mathrm{memory}_j - \mathrm{query} + 1) - 5 \tanh(\mathrm{memory}_j -
# \mathrm{query} - 1)$. One goes up, then the other takes it down again: a bump, and the query says where.

# %%
place, queries = np.arange(-2, 3), np.linspace(-2, 2, 9)[:, None]
one = softmax(2 * np.tanh(place + queries))  # (9, 5): a row a query
two = softmax(5 * np.tanh(place - queries + 1) - 5 * np.tanh(place - queries - 1))
assert (one.argmax(1) == 4).all() and (two[::2].argmax(1) == np.arange(5)).all()


def draw_look(ax, i):
    ax.bar(place - 0.2, one[i], 0.4, color=plots.VERMILION, hatch="//", edgecolor="white", label="one unit")
    ax.bar(place + 0.2, two[i], 0.4, color=plots.BLUE, label="two units")
    ax.set(ylim=(0, 1.3), xlabel="memory", ylabel="share", title=f"query {queries[i, 0]:g}")
    ax.legend(frameon=False, loc="upper center", ncols=2, handlelength=1, columnspacing=1)


steps(draw_look, 9, "Shares: one unit favours the last place, two follow the query.", shown=[0, 2, 4, 6], label="query")

# %% [markdown]
# So the scorer is a small network with one hidden layer, $A$ units wide. For one query $(H)$ and a memory $(S, M)$:
#
# $$ \mathrm{hidden}_j = \tanh(\mathrm{query}\, W_q + \mathrm{memory}_j W_k) \tag{1} $$
# $$ \mathrm{score}_j = \mathrm{hidden}_j \cdot v \tag{2} $$
# $$ \alpha = \mathrm{softmax}(\mathrm{score}) \tag{3} $$
# $$ \mathrm{context} = \sum_j \alpha_j\, \mathrm{memory}_j \tag{4} $$
#
# Bahdanau et al. 2015, [arXiv 1409.0473](https://arxiv.org/abs/1409.0473), equations 5 and 6 and appendix A.1.2; in the
# library (1) and (2) are in [additive.py](../minis2s/layers/additive.py), (3) and (4) in
# [attention.py](../minis2s/layers/attention.py). The decoder asks with its state of the step before, and the context
# enters its cell: [bahdanau.py](../minis2s/models/bahdanau.py). Bahdanau's encoder reads the sentence both ways; ours
# only from left to right, which will matter below.


# %%
def attention_loops(query, memory, W_q, W_k, v):  # (H,), (S, M), (H, A), (M, A), (A,): one sentence
    """Return the context, (M,), and alpha, (S,)."""
    score, context = np.zeros(len(memory)), np.zeros(memory.shape[1])
    for j in range(len(memory)):
        for a in range(len(v)):
            score[j] += np.tanh(query @ W_q[:, a] + memory[j] @ W_k[:, a]) * v[a]  # (1), (2)
    alpha = softmax(score)  # (3)
    for j in range(len(memory)):
        context += alpha[j] * memory[j]  # (4)
    return context, alpha


print(*attention_loops(np.ones(1), np.array([[-1.0], [0], [1]]), *np.ones((2, 1, 1)), np.array([2.0])))
for seed in range(3):
    rng = np.random.default_rng(seed)
    scorer, one, states = AdditiveAttention.init(rng, 2, 3, 5), rng.normal(size=2), rng.normal(size=(4, 3))
    library, _ = scorer.forward(one[None], states[None], np.ones((1, 4), bool))
    np.testing.assert_allclose(attention_loops(one, states, **vars(scorer))[0], library[0], rtol=1e-12)

# %% [markdown]
# ## Your turn: nobody looks at padding
#
# In a batch short sentences are padded ([lesson 03](03_batches.ipynb)), and the scorer gives the padding scores, too.
# `mask` is True at real tokens. Return shares that are 0 on the padding, and add up to 1 over the rest, *whatever* the
# scores of the padding are.


# %%
def masked_alpha(score, mask):  # (B, S), (B, S) bool
    """Return alpha, (B, S)."""
    ### BEGIN SOLUTION
    return softmax(np.where(mask, score, -np.inf))
    ### END SOLUTION


grade(masked_alpha)


# %%
def score_forward(query, memory, W_q, W_k, v):  # (B, H), (B, S, M)
    hidden = np.tanh((query @ W_q)[:, None] + memory @ W_k)  # (1), (B, S, A)
    return hidden @ v, (query, memory, W_q, W_k, v, hidden)  # (2)


def look_forward(score, memory, mask):  # (B, S), (B, S, M), (B, S) bool
    alpha = softmax(np.where(mask, score, -np.inf))  # (3)
    return (alpha[..., None] * memory).sum(1), (alpha, memory)  # (4)


def attention_forward(query, memory, mask, W_q, W_k, v):
    score, score_cache = score_forward(query, memory, W_q, W_k, v)
    context, look_cache = look_forward(score, memory, mask)
    return context, (score_cache, look_cache)


# %% [markdown]
# ## The way back, first half
#
# Who tells the scores where to look? Take the small example again, and suppose the loss falls if the context grows.
# Nudge each score a little: how much does the context change?

# %%
score, places, real = 2 * np.tanh([[0.0, 1.0, 2.0]]), np.array([[[-1.0], [0], [1]]]), np.ones((1, 3), bool)
context, (alpha, _) = look_forward(score, places, real)
for j in range(3):
    nudged, _ = look_forward(score + 1e-6 * np.eye(3)[j], places, real)
    print(f"memory {places[0, j, 0]:2.0f}   share {alpha[0, j]:.3f}   slope {(nudged - context).item() / 1e-6:.3f}")

# %% [markdown]
# The context is 0.471. The place that lies above it should be looked at more, those below it less: −0.174 for the
# memory 0, though 0 is not bad in itself. Attention learns from a comparison: *would this place have helped more than
# what I got?* And whoever has a small share hears little of it.
#
# Derive the gradients of (3) and (4), for `score` and for `memory`. Lesson 01 did the softmax.

# %% [markdown] tags=["solution"]
# **Derivation.** By (4) $d\alpha_j = \mathrm{memory}_j \cdot d\mathrm{context}$ and $d\mathrm{memory}_j = \alpha_j\,
# d\mathrm{context}$. By lesson 01 $d\mathrm{score}_j = \alpha_j (d\alpha_j - \sum_i \alpha_i d\alpha_i)$, which is
# $\alpha_j (\mathrm{memory}_j - \mathrm{context}) \cdot d\mathrm{context}$. On the padding $\alpha_j$ is 0,
# and so is all the rest.


# %%
def look_backward(dcontext, cache):  # (B, M), (alpha (B, S), memory (B, S, M))
    """Return dscore, (B, S), and dmemory, (B, S, M)."""
    ### BEGIN SOLUTION
    alpha, memory = cache
    dalpha = (memory * dcontext[:, None]).sum(-1)  # (4)
    dscore = alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))  # (3)
    return dscore, alpha[..., None] * dcontext[:, None]  # (4)
    ### END SOLUTION


grade(look_backward)

# %% [markdown]
# ## Second half
#
# Now (2) and (1). What was used at all $S$ places gets a sum over them on the way back: $v$, $W_q$, $W_k$, and the
# query.

# %% [markdown] tags=["solution"]
# **Derivation.** By (2) $dv = \sum_j d\mathrm{score}_j\, \mathrm{hidden}_j$ and $d\mathrm{hidden}_j = d\mathrm{score}_j
# v$. With $\tanh' = 1 - \tanh^2$, the inside of (1) gets $d\mathrm{inside}_j = d\mathrm{hidden}_j (1 -
# \mathrm{hidden}_j^2)$. Then $d\mathrm{query} = \sum_j d\mathrm{inside}_j W_q^T$, $d\mathrm{memory}_j =
# d\mathrm{inside}_j W_k^T$, and the weights get their inputs times this, summed over places and sentences.


# %%
def score_backward(dscore, cache):  # (B, S), (query, memory, W_q, W_k, v, hidden)
    """Return dquery (B, H), dmemory (B, S, M), dW_q (H, A), dW_k (M, A), dv (A,)."""
    ### BEGIN SOLUTION
    query, memory, W_q, W_k, v, hidden = cache
    dv = (dscore[..., None] * hidden).sum((0, 1))  # (2)
    dinside = dscore[..., None] * v * (1 - hidden * hidden)  # (2), (1)
    dq = dinside.sum(1)  # the query was used at every place
    dW_k = (memory[..., None] * dinside[:, :, None]).sum((0, 1))
    return dq @ W_q.T, dinside @ W_k.T, query.T @ dq, dW_k, dv  # (1)
    ### END SOLUTION


grade(score_backward)

# %% [markdown]
# ## The whole
#
# Put the two together. Mind what was used twice.

# %%
look_backward, score_backward = grade.or_ours("look_backward"), grade.or_ours("score_backward")


def attention_backward(dcontext, cache):  # (B, M), (score_cache, look_cache)
    """Return dquery, dmemory, dW_q, dW_k, dv."""
    ### BEGIN SOLUTION
    score_cache, look_cache = cache
    dscore, dvalues = look_backward(dcontext, look_cache)
    dquery, dkeys, dW_q, dW_k, dv = score_backward(dscore, score_cache)
    return dquery, dkeys + dvalues, dW_q, dW_k, dv  # fork: the memory is scored, and read
    ### END SOLUTION


grade(attention_backward)

# %%
attention_backward = grade.or_ours("attention_backward")
for seed in range(3):
    rng = np.random.default_rng(seed)
    layer, mask = AdditiveAttention.init(rng, 2, 3, 5), np.arange(4) < np.array([[4], [1]])
    query, memory, dcontext = rng.normal(size=(2, 2)), rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 3))
    _, cache = attention_forward(query, memory, mask, layer.W_q, layer.W_k, layer.v)
    gradient, dquery, dmemory = layer.backward(dcontext, layer.forward(query, memory, mask)[1])
    library = dquery, dmemory, gradient.W_q, gradient.W_k, gradient.v
    for ours, theirs in zip(attention_backward(dcontext, cache), library):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)
print("three seeds: every gradient equals the library's")

# %% [markdown] tags=["solution"]
# The same for one sentence in plain loops, one entry after another: nothing to broadcast, nothing to forget.


# %% tags=["solution"]
def backward_loops(dcontext, query, memory, W_q, W_k, v):
    context, alpha = attention_loops(query, memory, W_q, W_k, v)
    dquery, dmemory, dW_q, dW_k, dv = (np.zeros(array.shape) for array in (query, memory, W_q, W_k, v))
    for j in range(len(memory)):
        dmemory[j] += alpha[j] * dcontext  # (4)
        dscore = alpha[j] * ((memory[j] - context) @ dcontext)  # (3)
        hidden = np.tanh(query @ W_q + memory[j] @ W_k)
        for a in range(len(v)):
            dv[a] += dscore * hidden[a]  # (2)
            dinside = dscore * v[a] * (1 - hidden[a] ** 2)  # (2), (1)
            dquery += dinside * W_q[:, a]  # (1), and below
            dmemory[j] += dinside * W_k[:, a]
            dW_q[:, a] += dinside * query
            dW_k[:, a] += dinside * memory[j]
    return dquery, dmemory, dW_q, dW_k, dv


loops = backward_loops(dcontext[0], query[0], memory[0], layer.W_q, layer.W_k, layer.v)
_, cache = attention_forward(query[:1], memory[:1], mask[:1], layer.W_q, layer.W_k, layer.v)
for one, other in zip(loops, attention_backward(dcontext[:1], cache)):
    np.testing.assert_allclose(one, other.reshape(one.shape), rtol=1e-10, atol=1e-14)

# %% [markdown]
# ## A short road
#
# Why does it learn at all, and so much faster? Without attention, what the last letter written has to say to the first
# letter read goes back through the whole decoder and the whole encoder ([lesson 04](04_recurrence.ipynb)). By (4) it
# now gets there in one step. Look at both models *before* training, on words of eight letters: how large is the
# gradient at each state of the encoder?

# %%
figure, ((ax,),) = plots.new_figure(7, 3.4)
for kind, (label, _, color, style) in kinds.items():
    for seed in range(3):
        norms = Reversal.start(seed, 12, 1, attention=kind).gradient_by_letter(8)
        ax.plot(range(1, 10), norms / norms[-1], style, color=color, label=None if seed else label.split(",")[0])
        assert norms[0] > 0.5 * norms[-1] if kind == "additive" else norms[0] < 0.1 * norms[-1]
ax.set(xlabel="letter read (9: the end sign)", ylabel="gradient, as a part of the last", yscale="log")
ax.legend(frameon=False)
show(figure, "Gradient by letter before training: nearly level with attention, without it falling to the first.")

# %% [markdown]
# With attention the first letter hears more than half as much as the end sign, without it less than a tenth, on each
# of the three seeds. A bad look is still a look: shares that are all alike leave every road open.
#
# ## Watch it learn
#
# Here is where our first model looked while it learnt, reversing *headache*. Each row is a letter that it writes, each
# column a place where it may look. We put the right letters in (*teacher forcing*), so that a row means the same at
# every update.


# %%
def draw_map(ax, i):
    plots.draw_heat_map(ax, maps[i], [*WORD, "<eos>"], [*WORD[::-1], "<eos>"], turned=True)
    ax.set(title=f"update {POINTS[i]}", ylabel="written")


steps(draw_map, len(maps), "Maps by update: pale at first, then a rising band.", size=(3, 3), label="map", bar="weight")

# %% [markdown]
# First it looks everywhere alike, then towards the end of the word, where the writing starts, then at a band. Nobody
# has shown it the diagonal; it grew out of `dscore`, update by update.
#
# **Predict.** In the end the model is right on nearly all unseen words. When it writes the letter at place $j$, where
# is the weight that does *not* lie on $j$?
#
# - A: there is hardly any.
# - B: mostly at $j - 1$, one place to the left.
# - C: mostly at $j + 1$, one place to the right.
# - D: on both sides alike.

# %%
offset = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
offset = "C"
### END SOLUTION
grade(offset=offset)

# %%
figure, (axes,) = plots.new_figure(9, 2.9, 1, 3)
for seed, ax in enumerate(axes):
    run = runs["additive", seed]
    weight, largest, right = run.weight_by_offset(), run.largest_by_offset(), run.right()
    ax.bar_label(ax.bar(weight.keys(), weight.values(), color=plots.BLUE), fmt="%.0f")
    ax.set(ylim=(0, 75), xlabel="places to the right of the letter", title=f"seed {seed}: {right:.1f} % of words right")
    ax.set_ylabel("mean weight, %")
    print(f"seed {seed}: largest weight at j for {largest[0]:.0f} % of the letters, at j + 1 for {largest[1]:.0f} %")
    assert is_small() or (right > 98 and largest[0] + largest[1] > 99 and weight[1] > 3 * weight[-1])
show(figure, "Mean weight by place, three seeds: at the letter and one place to its right, little elsewhere.")

# %% [markdown]
# To the right, more than three times as much as to the left, on each seed. The memory is not a row of letters but of
# *states*, and the encoder reads from left to right. The state at $j + 1$ read letter $j$ one step before and still
# knows it; the state at $j - 1$ cannot. So the model looks at both, and the decoder sorts it out.
#
# How far it leans to the right is up to the seed. The largest weight sits next door for few letters on one seed and for
# most on another, and all three models are right on more than 98 % of the words.
#
# If this explanation is right, an encoder that reads both ways, as Bahdanau's does, should not lean: its state at $j$
# has read letter $j$ last from either side. Try it:

# %%
for seed in range(3):
    run = Reversal.start(seed, 12, 10, bidirectional=True)
    run.train()
    print(f"seed {seed}, both ways:", {k: f"{share:.0f} %" for k, share in run.weight_by_offset().items()})
    assert is_small() or run.weight_by_offset()[0] > 70

# %% [markdown]
# More than 70 % of the weight lies on the letter itself, on each seed, and the rest on both sides. The lean was that of
# an encoder that reads one way.
#
# Keep this for the next map you see, in a paper too. It shows which *states* were read. It does not show which words
# those states hold.

# %% [markdown]
# ## Break it
#
# Three mistakes from the museum of [lesson 12](12_bugs.ipynb), each a line of the backward pass: nothing goes back into
# the memory through its *keys*, which is its part in the scores, $\mathrm{memory}\, W_k$; nothing goes back from the
# scores into the *query*; the softmax lacks its *sum*. We train on words of up to 8 letters, three seeds each.
# **Predict:** which mistake does the most harm?
#
# - A: the keys.
# - B: the query.
# - C: the sum.
# - D: each about as much: with a wrong gradient nothing is learnt.

# %%
broken = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
broken = "C"
### END SOLUTION
grade(broken=broken)

# %%
bugs = None, "no_key_path", "no_query_path", "softmax_without_sum"
looks = zip((plots.BLUE, plots.GREEN, plots.PURPLE, plots.VERMILION), ("o-", "s--", "^-.", "x:"))
ends, (figure, ((ax,),)) = [], plots.new_figure(8, 3.8)
for name, (color, style) in zip(bugs, looks):
    for seed in range(3):
        with planted(BUGS.get(name)):
            curve = Reversal.start(seed, 8, 8).train()
        ends.append(curve[-1][1])
        ax.plot(*zip(*curve), style, color=color, ms=4, label=None if seed else name or "no bug")
    print(f"{name or 'no bug':20} at the end {[round(end, 1) for end in ends[-3:]]} %")
assert is_small() or (min(ends[:6]) > 98 > max(ends[6:9]) and min(np.subtract(ends[6:9], ends[9:])) > 10)
ax.set(xlabel="epoch", ylabel="unseen words right as a whole, %")
figure.legend(frameon=False, loc="outside right center")
show(figure, "Exact match by epoch: without the keys' path as good, without the query's later, without the sum low.")

# %% [markdown]
# The keys' path is hardly missed: above 98 % on each of the three seeds. Without the query's path the model learns
# later, and still gets most words right. Each of these cuts one road of two, and the rest of the network makes do:
# $W_q$ learns to ask with whatever the state holds.
#
# The softmax without its sum breaks the comparison itself. A place that helps is told to score higher, whether or not
# the others help more. It does worst on every seed, and yet how much worse depends on the seed: one of the three looks
# like a model that only needs another epoch. That is luck: of five more seeds that we tried none came above 25 %.
#
# So training is a poor judge of gradients. Which check would have convicted each of them is the subject of [lesson
# 12](12_bugs.ipynb).

# %% [markdown]
# ## What to keep
#
# Attention is a mean, by shares, of all that the encoder knows; the shares come from a small network that reads query
# and memory. It learns where to look since each score is told whether its place is better than the mean. The memory is
# used twice, and so its gradient is a sum. A map shows which states were read, which may be the neighbours of the words
# meant. And a model that trains proves no gradient.
#
# Must the scorer be a network with a tanh? [Lesson 08](08_family.ipynb) scores by a plain product.

# %%
grade.summary()
