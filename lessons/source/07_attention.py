# %% [markdown]
# # 07 Bahdanau attention
#
# - **Question:** Where should the decoder look?
# - **Time:** 60 minutes to read and do, 30 seconds to run on two cores.
# - **Before:** lessons [01](01_softmax.ipynb), [02](02_gradients.ipynb) and [06](06_encoder_decoder.ipynb).
#
# Read a sentence once, close the book, and translate it. That is what lesson 06 asked of one vector. Nobody works like
# that: you look back. But where? The text says which words are right, never where to look for them. Our model will
# learn where from words alone, and will then be right while it looks one letter beside.

# %%
import numpy as np

from minis2s import Config, Seq2Seq, plots
from minis2s.classroom.bugs import bug_named
from minis2s.classroom.exercises.lesson_07 import grade
from minis2s.classroom.lesson import is_small, size
from minis2s.classroom.live import show, steps
from minis2s.classroom.patching import planted
from minis2s.data.pairs import Pair
from minis2s.data.vocabulary import Vocabulary
from minis2s.decoding.forced import teacher_forced_alphas
from minis2s.decoding.translator import Translator
from minis2s.layers import AdditiveAttention
from minis2s.layers.functions import softmax
from minis2s.metrics import exact_match_by_length
from minis2s.plots.attention import draw_heat_map
from minis2s.training.loop import Settings, Trainer

# %% [markdown]
# ## One vector, or a look back
#
# The task: reverse a word of random letters, *a* to *h*. Two small models of equal widths, three seeds each. The one
# without attention gets twice as many epochs.

# %%
LETTERS = "abcdefgh"


def trainer_of(seed, longest, epochs, **parts):
    """Return a trainer on reversal, what makes text of its model, and unseen pairs."""
    rng, words, unseen = np.random.default_rng(seed), {}, size(1000, 40)
    while len(words) < size(3000, 120) + unseen:
        words["".join(rng.choice(list(LETTERS), rng.integers(3, longest + 1)))] = None
    pairs = [Pair(word, word[::-1]) for word in words]
    vocabulary = Vocabulary.build([LETTERS])
    config = Config(len(vocabulary), len(vocabulary), embedding=16, hidden=32, **parts)
    start = Translator(Seq2Seq.init(rng, config), vocabulary, vocabulary, "char")
    train, test = start.examples(pairs[unseen:]), start.examples(pairs[: min(unseen, 200)])
    settings = Settings(epochs=size(epochs, 1), rate=8e-3, seed=seed, reports=8)
    trainer = Trainer(start.model, train, test, settings)
    return trainer, lambda: Translator(trainer.model, vocabulary, vocabulary, "char"), pairs[:unseen]


# %%
WORD = "headache"
POINTS = size([0, 30, 60, 90, 120, 180, 240, 470], [0, 1, 2])  # updates after which we look at its map
runs, curves, maps = {}, {}, []
for model, epochs in (("attention", 10), ("plain", 20)):
    for seed in range(3):
        trainer, translator, unseen = runs[model, seed] = trainer_of(seed, 12, epochs, model=model)
        for point in POINTS * (model == "attention" and seed == 0):
            if point:
                trainer.train_until(point)
            maps += teacher_forced_alphas(trainer.model, translator().examples([Pair(WORD, WORD[::-1])]))
        list(trainer.reports())
        texts = [translation.text for translation in translator().translate([pair.source for pair in unseen])]
        lengths = [len(pair.source) for pair in unseen]
        curves[model, seed] = exact_match_by_length(texts, [pair.target for pair in unseen], lengths)

# %%
figure, ((ax,),) = plots.new_figure(7, 3.8)
styles = {"attention": ("with attention, 10 epochs", plots.BLUE, "o", "-")}
styles["plain"] = ("without, 20 epochs", plots.VERMILION, "s", "--")
for (model, seed), curve in curves.items():
    label, color, marker, dashes = styles[model]
    shares = [100 * share for share, _ in curve.values()]
    ax.plot(list(curve), shares, dashes, color=color, marker=marker, ms=4, label=label if seed == 0 else None)
ax.set(xlabel="letters in the word", ylabel="unseen words right as a whole, %", ylim=(-3, 103))
ax.legend(frameon=False, loc="center left")
show(figure, "Exact match by length, three seeds: with attention near 100 %, without it falling to nearly 0 at 12.")
for model in styles:
    at = [[round(100 * curves[model, seed].get(n, (0, 0))[0]) for n in (3, 12)] for seed in range(3)]
    print(f"{model:9}  length 3: {[a for a, _ in at]} %   length 12: {[b for _, b in at]} %")
    assert is_small() or all(b > 85 if model == "attention" else a > 85 and b < 10 for a, b in at)

# %% [markdown]
# On short words the two are alike. At twelve letters one vector is full, on each of the three seeds, and more training
# does not make it wider. How does one look back?
#
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
#
# What comes back is the mean of the memory by these shares, the `context`: −0.080 + 0.552 = 0.471.
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
place = np.arange(-2, 3)
queries = np.linspace(-2, 2, 9)


def draw_look(ax, i):
    one = softmax(2 * np.tanh(place + queries[i]))
    two = softmax(5 * np.tanh(place - queries[i] + 1) - 5 * np.tanh(place - queries[i] - 1))
    ax.bar(place - 0.2, one, 0.4, color=plots.VERMILION, hatch="//", edgecolor="white", label="one unit")
    ax.bar(place + 0.2, two, 0.4, color=plots.BLUE, label="two units")
    ax.set(ylim=(0, 1.3), xlabel="memory", ylabel="share", title=f"query {queries[i]:g}")
    ax.legend(frameon=False, loc="upper center", ncols=2)
    return one.argmax(), two.argmax()


steps(draw_look, 9, "Shares by query: one unit always favours the last place, two follow the query.", [0, 2, 4, 6])
looked = [draw_look(plots.new_figure(1, 1)[1][0, 0], i) for i in range(9)]
assert {one for one, _ in looked} == {4} and [two for _, two in looked[::2]] == [0, 1, 2, 3, 4]

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
# enters its cell: [bahdanau.py](../minis2s/models/bahdanau.py).


# %%
def attention_loops(query, memory, W_q, W_k, v):  # (H,), (S, M), (H, A), (M, A), (A,): one sentence
    """Return the context, (M,), and alpha, (S,)."""
    S, M = memory.shape
    score, context = np.zeros(S), np.zeros(M)
    for j in range(S):
        for a in range(len(v)):
            inside = sum(query[i] * W_q[i, a] for i in range(len(query)))
            inside += sum(memory[j, i] * W_k[i, a] for i in range(M))
            score[j] += np.tanh(inside) * v[a]  # (1), (2)
    alpha = softmax(score)  # (3)
    for j in range(S):
        context += alpha[j] * memory[j]  # (4)
    return context, alpha


one = np.ones((1, 1))
print(*attention_loops(np.ones(1), np.array([[-1.0], [0], [1]]), one, one, np.array([2.0])))
for seed in range(3):
    rng = np.random.default_rng(seed)
    layer, query, memory = AdditiveAttention.init(rng, 2, 3, 5), rng.normal(size=2), rng.normal(size=(4, 3))
    library, _ = layer.forward(query[None], memory[None], np.ones((1, 4), bool))
    found, _ = attention_loops(query, memory, layer.W_q, layer.W_k, layer.v)
    np.testing.assert_allclose(found, library[0], rtol=1e-12)

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
    """Return the scores, (B, S)."""
    hidden = np.tanh((query @ W_q)[:, None] + memory @ W_k)  # (1), (B, S, A)
    return hidden @ v, (query, memory, W_q, W_k, v, hidden)  # (2)


def look_forward(score, memory, mask):  # (B, S), (B, S, M), (B, S) bool
    """Return the context, (B, M)."""
    alpha = softmax(np.where(mask, score, -np.inf))  # (3)
    return (alpha[..., None] * memory).sum(1), (alpha, memory)  # (4)


def attention_forward(query, memory, mask, W_q, W_k, v):
    """Return the context, (B, M), and what the way back needs."""
    score, score_cache = score_forward(query, memory, W_q, W_k, v)
    context, look_cache = look_forward(score, memory, mask)
    return context, (score_cache, look_cache)


# %% [markdown]
# ## The way back, first half
#
# Who tells the scores where to look? Take the small example again, and suppose the loss falls if the context grows.
# Nudge each score a little: how much does the context change?

# %%
score, memory = 2 * np.tanh([[0.0, 1.0, 2.0]]), np.array([[[-1.0], [0], [1]]])
mask = np.ones((1, 3), bool)
context, (alpha, _) = look_forward(score, memory, mask)
for j in range(3):
    nudged, _ = look_forward(score + 1e-6 * np.eye(3)[j], memory, mask)
    print(f"memory {memory[0, j, 0]:2.0f}   share {alpha[0, j]:.3f}   slope {(nudged - context).item() / 1e-6:.3f}")

# %% [markdown]
# The context is 0.471. The place that lies above it should be looked at more, those below it less: −0.174 for the
# memory 0, though 0 is not bad in itself. Attention learns from a comparison: *would this place have helped more than
# what I got?* And whoever has a small share hears little of it.
#
# Derive the gradients of (3) and (4), for `score` and for `memory`. Lesson 01 did the softmax.

# %% [markdown] tags=["solution"]
# **Derivation.** By (4) $d\alpha_j = \mathrm{memory}_j \cdot d\mathrm{context}$ and $d\mathrm{memory}_j = \alpha_j\,
# d\mathrm{context}$. By lesson 01 $d\mathrm{score}_j = \alpha_j (d\alpha_j - \sum_i \alpha_i d\alpha_i)$, which is
# $\alpha_j (\mathrm{memory}_j - \mathrm{context}) \cdot d\mathrm{context}$. On the padding $\alpha_j = 0$, and so is all.


# %%
def look_backward(dcontext, cache):  # (B, M), (alpha (B, S), memory (B, S, M))
    """Return dscore, (B, S), and dmemory, (B, S, M)."""
    alpha, memory = cache
    ### BEGIN SOLUTION
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
def score_backward(dscore, cache):  # (B, S)
    """Return dquery (B, H), dmemory (B, S, M), dW_q (H, A), dW_k (M, A), dv (A,)."""
    query, memory, W_q, W_k, v, hidden = cache
    ### BEGIN SOLUTION
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


def attention_backward(dcontext, cache):  # (B, M)
    """Return dquery, dmemory, dW_q, dW_k, dv."""
    score_cache, look_cache = cache
    ### BEGIN SOLUTION
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
    found = attention_backward(dcontext, cache)
    gradient, dquery, dmemory = layer.backward(dcontext, layer.forward(query, memory, mask)[1])
    for one, library in zip(found, (dquery, dmemory, gradient.W_q, gradient.W_k, gradient.v)):
        np.testing.assert_allclose(one, library, rtol=1e-10, atol=1e-14)
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
# ## Watch it learn
#
# Here is where our model looks while it reverses *headache*, from its first update to its last. Each row is a letter
# that it writes, each column a place where it may look. We put the right letters in (*teacher forcing*), so that the
# rows mean the same at every update.


# %%
def draw_map(ax, i):
    draw_heat_map(ax, maps[i], [*WORD, "<eos>"], [*WORD[::-1], "<eos>"], turned=True)
    ax.set(title=f"update {POINTS[i]}", ylabel="written")


steps(draw_map, len(maps), "Attention maps by update: grey at first, then a falling band.", size=(3, 3), label="map")

# %% [markdown]
# First it looks everywhere alike. Nobody has shown it the diagonal; it grew out of `dscore`, letter by letter.
#
# **Predict.** The model is right on nearly all unseen words. When it writes the letter at place $j$, where is its
# largest weight?
#
# - A: at $j$, in nearly all cases.
# - B: at $j$, or at $j - 1$, one place to the left.
# - C: at $j$, or at $j + 1$, one place to the right.
# - D: anywhere near, on either side.

# %%
offset = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
offset = "C"
### END SOLUTION
grade(offset=offset)

# %%
figure, (axes,) = plots.new_figure(9, 2.9, 1, 3)
for seed, ax in enumerate(axes):
    trainer, translator, unseen = runs["attention", seed]
    alphas = teacher_forced_alphas(trainer.model, translator().examples(unseen))
    offsets = [a[:-1].argmax(1) - np.arange(len(a) - 1)[::-1] for a in alphas]  # the end sign's row left out
    share = {k: 100 * np.mean(np.concatenate(offsets) == k) for k in (-2, -1, 0, 1, 2)}
    right = 100 * np.mean(
        [t.text == p.target for t, p in zip(translator().translate([p.source for p in unseen]), unseen)]
    )
    ax.bar_label(ax.bar(list(share), list(share.values()), color=plots.BLUE), fmt="%.0f")
    ax.set(
        ylim=(0, 110), xlabel="places to the right of the letter", title=f"seed {seed}: {right:.1f} % of words right"
    )
    assert is_small() or (right > 97 and share[0] + share[1] > 97 and share[1] > 20)
axes[0].set_ylabel("letters written, %")
show(figure, "Where the largest weight lies, three seeds: at the letter or one place to its right, hardly elsewhere.")

# %% [markdown]
# On the right, and never on the left. The memory is not a row of letters but of *states*, and the encoder reads from
# left to right: the state at $j + 1$ has just read letter $j$ and still knows it; the state at $j - 1$ cannot. So the
# model may look at either, or at both by halves, and the decoder sorts it out. The seeds do not agree on how much.
#
# Keep this for the next map you see, in a paper too. It shows which *states* were read. It does not show which words
# those states hold.

# %% [markdown]
# ## Break it
#
# Three mistakes from the museum of [lesson 12](12_bugs.ipynb), each a line of the backward pass: nothing goes back into
# the memory through its *keys* (its part in the scores); nothing goes back from the scores into the *query*; the
# softmax lacks its *sum*. **Predict:** which of them keeps the model from learning words of up to 8 letters?
#
# - A: the keys.
# - B: the query.
# - C: the sum.
# - D: all three.

# %%
broken = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
broken = "C"
### END SOLUTION
grade(broken=broken)

# %%
bugs = {"no bug": None, "no path to the keys": "no_key_path", "no path to the query": "no_query_path"}
bugs["no sum in the softmax"] = "softmax_without_sum"
looks = zip((plots.BLUE, plots.GREEN, plots.PURPLE, plots.VERMILION), "os^x", ("-", "--", "-.", ":"))
figure, ((ax,),) = plots.new_figure(8, 3.8)
for (label, name), (color, marker, dashes) in zip(bugs.items(), looks):
    last = []
    for seed in range(3):
        trainer, *_ = trainer_of(seed, 8, 8)
        with planted(name and bug_named(name)):
            curve = [(report.epoch, 100 * report.exact_match) for report in trainer.reports()]
        last.append(curve[-1][1])
        ax.plot(*zip(*curve), dashes, color=color, marker=marker, ms=4, label=label if seed == 0 else None)
    print(f"{label:22} at the end {[round(x, 1) for x in last]} %")
    assert is_small() or (max(last) < 50 if "sum" in label else min(last) > (75 if "query" in label else 95))
ax.set(xlabel="epoch", ylabel="unseen words right as a whole, %")
ax.legend(frameon=False, loc="upper left")
show(figure, "Exact match by epoch: without the keys' path as good, without the query's later, without the sum never.")

# %% [markdown]
# Two of the three train, on each of the three seeds: the keys' path is hardly missed, and without the query's path the
# model is later and a little worse. The decoder's state is told how to be good at writing, which it needs anyway, and
# $W_q$ still learns to ask with whatever the state holds. Only the softmax without its sum breaks the comparison
# itself: then *every* place that helps at all is told to have a larger score, and nothing says which one is better. Two
# wrong gradients out of three would have passed for right. Your grader saw all three at once.
#
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
