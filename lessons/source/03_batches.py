# %% [markdown]
# # 03 Words to batches
#
# - **Question:** What is a batch of sentences?
# - **Time:** 50 minutes to read and do, 3 seconds to run on two cores.
# - **Before:** [lesson 01](01_softmax.ipynb) and [lesson 02](02_gradients.ipynb).
#
# Arrays are rectangles of numbers. Sentences are made of words, and differ in length. So we number the words, and fill
# up the rectangle with something that means nothing. Each of the two steps hides a mistake that raises no error and
# makes the figures look better.

# %%
from collections import Counter

import numpy as np

from minis2s import plots
from minis2s.classroom.exercises.lesson_03 import grade
from minis2s.classroom.lesson import dataset
from minis2s.classroom.live import show
from minis2s.data.batches import PackedBatch, Sentences
from minis2s.data.pairs import read_pairs
from minis2s.data.vocabulary import PAD, UNK, Vocabulary
from minis2s.layers import CrossEntropy, Embedding

sentences = [pair.source.split() for pair in read_pairs(dataset("toy_en_fr.tsv"))]
print(f"{len(sentences):,} sentences; one: {' '.join(sentences[0])}")

# %% [markdown]
# ## A number for each word
#
# By hand, on two sentences, *the cat sees the dog* and *the dog sleeps*. Count: *the* 3, *dog* 2, the others 1. Four
# ids are taken: 0 for padding, 1 and 2 for begin and end, 3 for *unknown*. The others follow, frequent words first,
# equals in alphabetical order: the 4, dog 5, cat 6, sees 7, sleeps 8. Then *the bird sleeps* is 4 3 8.


# %%
def build_vocabulary(train):  # a list of sentences, each a list of words
    """Return the id of each word."""
    counts = Counter(word for sentence in train for word in sentence)
    return {word: i + 4 for i, word in enumerate(sorted(counts, key=lambda word: (-counts[word], word)))}


ids_of = build_vocabulary(["the cat sees the dog".split(), "the dog sleeps".split()])
print(ids_of, "bird:", ids_of.get("bird", UNK))
library = Vocabulary.build(sentences)
assert list(build_vocabulary(sentences)) == list(library.tokens[4:])

# %% [markdown]
# The library's is [vocabulary.py](../minis2s/data/vocabulary.py). Which sentences may it count? Those you train on,
# and no others; only to compare two programs have we just counted all of them. A word that was never trained on has a
# vector of random numbers. In use, such words will come: a test that hides them is not honest.
#
# **Your turn.** Of the words of held-out sentences, running words and not different ones, what share is unknown to a
# vocabulary that keeps each word seen at least `min_count` times in training?


# %%
def unknown_share(train, held_out, min_count):  # lists of lists of words, a whole number
    """Return the share of held-out words that are unknown, from 0 to 1."""
    ### BEGIN SOLUTION
    counts = Counter(word for sentence in train for word in sentence)
    words = [word for sentence in held_out for word in sentence]
    return sum(counts[word] < min_count for word in words) / len(words)
    ### END SOLUTION


grade(unknown_share)

# %%
unknown_share = grade.or_ours("unknown_share")
many = np.array([10, 30, 100, 300, 1000, 3000])
figure, ((ax,),) = plots.new_figure(6.5, 3.4)
for seed in range(3):
    drawn = [sentences[i] for i in np.random.default_rng(seed).permutation(len(sentences))]
    honest = 100 * np.array([unknown_share(drawn[500 : 500 + n], drawn[:500], 1) for n in many])
    assert unknown_share(drawn[:510], drawn[:500], 1) == 0 and honest[0] > 40 and 0 < honest[4] < 2
    ax.plot(
        many, honest, color=plots.BLUE, marker="o", linewidth=1, label="counted in training only" if seed == 0 else None
    )
    print(f"seed {seed}, unknown after 10, 30, 100 ... sentences:", *(f"{share:.1f} %" for share in honest))
ax.axhline(0, color=plots.VERMILION, linestyle="--", label="counted everywhere")
ax.set(xscale="log", xlabel="sentences to train on", ylabel="held-out words unknown, %")
ax.legend(frameon=False)
show(
    figure, "Unknown words against training sentences: counted honestly they fall from half to none; else always none."
)

# %% [markdown]
# The lower line says nothing is ever unknown, even after ten sentences. This small language has some 400 words and the
# honest line meets it soon; in a real one it never does, which a later lesson, still to come, is about.
#
# ## A vector for each number
#
# An id is a name; 7 is not more than 6. The network gets a row of a table instead:
#
# $$ x_i = E[\mathrm{id}_i] = \mathrm{onehot}(\mathrm{id}_i)\, E \tag{1} $$
#
# Bengio et al. 2003, [*A neural probabilistic language model*](https://www.jmlr.org/papers/v3/bengio03a.html), the
# matrix $C$ there; in the library [embedding.py](../minis2s/layers/embedding.py). So $dE = \mathrm{onehot}^\top dx$:
# each word's row is blamed for every place where the word stands.
#
# By hand: the ids are 2, 0, 2, and what comes back is $dx = 1, 5, 10$. Word 2 stands in the first place and in the
# third. The line that everybody writes first is `dE[ids] += dx`. **Predict:** from zeros, it leaves in `dE[2]`
#
# - A: 11.
# - B: 10.
# - C: 1.

# %%
lost = ...  # "A", "B" or "C"
### BEGIN SOLUTION
lost = "B"
### END SOLUTION
grade(lost=lost)

# %%
dE, ids, dx = np.zeros(3), np.array([2, 0, 2]), np.array([1.0, 5.0, 10.0])
dE[ids] += dx
print("dE[ids] += dx ", dE)
dE = np.zeros(3)
np.add.at(dE, ids, dx)
print("np.add.at     ", dE)
for seed in range(3):
    drawn = np.random.default_rng(seed).permutation(len(sentences))[:64]
    counts = Counter(word for i in drawn for word in sentences[i])
    print(f"64 sentences: {counts.total()} words, {len(counts)} different; 'the' stands {counts['the']} times")
    assert len(counts) < 0.45 * counts.total() and counts["the"] > 20

# %% [markdown]
# `dE[ids] += dx` reads three rows, adds, and writes three rows: the third write undoes the first. In batches of 64
# sentences more than half of all words are repeats, on each of three seeds; *the* would learn from one of its places
# and be deaf to dozens of others. Would you notice in training? It is in the bug museum because hardly anyone does:
# [lesson 12](12_bugs.ipynb).
#
# **Your turn**, the right way. A matrix of one-hot rows gives the same numbers; better is a way that would do for
# 100,000 words.


# %%
def embedding_backward(dx, cache):  # (N, E), (ids (N,), V)
    """Return dE, (V, E)."""
    dE = ...
    ### BEGIN SOLUTION
    ids, V = cache
    dE = np.zeros((V, dx.shape[1]))
    np.add.at(dE, ids, dx)
    ### END SOLUTION
    return dE


grade(embedding_backward)

# %%
embedding_backward = grade.or_ours("embedding_backward")
rng = np.random.default_rng(0)
layer, ids, dx = Embedding.init(rng, 9, 4), rng.integers(9, size=30), rng.normal(size=(30, 4))
x, cache = layer.forward(ids)
np.testing.assert_array_equal(x, np.eye(9)[ids] @ layer.E)  # (1)
np.testing.assert_allclose(embedding_backward(dx, (ids, 9)), layer.backward(dx, cache)[0].E, rtol=1e-7)

# %% [markdown]
# ## A rectangle
#
# A batch is as wide as its longest sentence. The rest of each row is *padding*, and a *mask* remembers which is which:
# `True` for a real word. **Predict:** 64 sentences are drawn at random. They have 2 to 16 words, 7.4 on average. What
# share of their rectangle is padding?
#
# - A: about a tenth.
# - B: about a quarter.
# - C: about a half.

# %%
empty = ...  # "A", "B" or "C"
### BEGIN SOLUTION
empty = "C"
### END SOLUTION
grade(empty=empty)

# %%
numbered = Sentences([library.encode(sentence) for sentence in sentences])
drawn = np.random.default_rng(0).permutation(len(sentences))[:64]
batches = {"as drawn": drawn, "sorted": drawn[np.argsort(-numbered.lengths[drawn], kind="stable")]}
batches["64 of like length"] = np.argsort(numbered.lengths, kind="stable")[10_000:10_064]
figure, (axes,) = plots.new_figure(10, 4, 1, 3)
for ax, (title, which) in zip(axes, batches.items()):
    real = numbered.pad(which).mask
    ax.imshow(real, cmap="Blues", vmin=-0.6, vmax=1.4, aspect="auto", interpolation="nearest")
    ax.set(xlabel="step", ylabel="sentence", title=f"{title}: {1 - real.mean():.0%} padding", xlim=(-0.5, 15.5))
show(
    figure,
    "Three masks of 64 sentences, padding pale: half of it as drawn, a staircase when sorted, none of like length.",
)

# %%
figure, ((ax,),) = plots.new_figure(7, 3.4)
sizes = 2 ** np.arange(9)
for name, color, marker in zip(("toy_en_fr", "dates", "addition"), (plots.BLUE, plots.VERMILION, plots.GREEN), "os^"):
    texts = [pair.source for pair in read_pairs(dataset(f"{name}.tsv"))[:16384]]
    lengths = np.array([len(text.split() if name == "toy_en_fr" else text) for text in texts])
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(lengths))
        share = np.array([1 - lengths.mean() / lengths[order].reshape(-1, B).max(1).mean() for B in sizes])
        ax.plot(sizes, 100 * share, color=color, marker=marker, linewidth=1, label=name if seed == 0 else None)
        assert share[0] < 1e-12 and (np.diff(share[:6]) > 0).all()
    in_order = 1 - lengths.mean() / np.sort(lengths).reshape(-1, 64).max(1).mean()
    print(f"{name:9} batches of 64: {share[6]:.0%} padding, in order of length {in_order:.1%}")
ax.set(xscale="log", xlabel="sentences in a batch", ylabel="padding, %", ylim=(0, 60))
ax.set_xticks(sizes, sizes)
ax.legend(frameon=False)
show(figure, "Padding against batch size, three data sets: none for one sentence, up to half of a large rectangle.")

# %% [markdown]
# Half of the work would be done for nothing. Sutskever et al. 2014, [arXiv
# 1409.3215](https://arxiv.org/abs/1409.3215), section 3.4, made batches of sentences of like length, and trained twice
# as fast. The price is that batches are no longer drawn at random.
#
# **Your turn.** From words to the rectangle: ids with 0 where there is no word and 3 for an unknown one, and the mask.


# %%
def pad(sentences, ids_of):  # B lists of words, a dict from words to ids
    """Return ids (B, S) int and mask (B, S) bool, True = a real word."""
    ### BEGIN SOLUTION
    B, S = len(sentences), max(map(len, sentences))
    ids, mask = np.full((B, S), PAD), np.zeros((B, S), bool)
    for i, sentence in enumerate(sentences):
        ids[i, : len(sentence)] = [ids_of.get(word, UNK) for word in sentence]
        mask[i, : len(sentence)] = True
    return ids, mask
    ### END SOLUTION


grade(pad)

# %% [markdown]
# ## No padding at all
#
# Look at the staircase again. At each step the sentences that go on stand in front. So write down the steps one after
# the other, and of each step only those: *packed* order. By hand, with sentences a, b, c of 3, 1 and 2 words:
#
# | padded | | | | packed, step by step | batch sizes |
# |---|---|---|---|---|---|
# | a1 | a2 | a3 | | a1 c1 b1 | 3 |
# | b1 | . | . | | a2 c2 | 2 |
# | c1 | c2 | . | | a3 | 1 |
#
# It is PyTorch's PackedSequence; in the library [packing.py](../minis2s/layers/packing.py) and
# [batches.py](../minis2s/data/batches.py).


# %%
def pack(ids, mask):  # (B, S), (B, S)
    """Return the real ids step by step, (N,), longest sentence first, and how many are alive at each step, (S,)."""
    order = sorted(range(len(ids)), key=lambda i: -mask[i].sum())
    packed, batch_sizes = [], []
    for t in range(mask.shape[1]):
        rows = [i for i in order if mask[i, t]]
        packed += [ids[i, t] for i in rows]
        batch_sizes.append(len(rows))
    return packed, batch_sizes


pad = grade.or_ours("pad")
drawn = np.random.default_rng(0).permutation(len(sentences))[:64]
padded, mask = pad([sentences[i] for i in drawn], build_vocabulary(sentences))
packed, batch_sizes = pack(padded, mask)
library_batch = PackedBatch.of(padded, mask.sum(1))
assert packed == library_batch.packed.tolist() and batch_sizes == library_batch.batch_sizes
assert (padded == numbered.pad(drawn).ids).all()
print(f"{padded.size} places in the rectangle, {len(packed)} packed; batch sizes: {batch_sizes}")

# %% [markdown]
# A recurrence over packed words needs no mask: step t is the next `batch_sizes[t]` rows, and no padding exists that
# anything could leak from. [Lesson 04](04_recurrence.ipynb) runs on it. Attention, in
# [lesson 07](07_attention.ipynb), looks at all words of a sentence at once. It works on the rectangle, and there the
# mask must hold.

# %% [markdown]
# ## Begin and end
#
# Two ids are still unused. A decoder writes one word after the other and must know when to stop, so *end* is a word
# like any other, and stands behind each target. And it must be told something before its first word: *begin*. So each
# target makes two rows, shifted by one place. For *il neige*, with ids 8 and 9:
#
# | step | 1 | 2 | 3 |
# |---|---|---|---|
# | it is told | 1, begin | 8, il | 9, neige |
# | it should write | 8, il | 9, neige | 2, end |
#
# Both rows are equally long, and padding follows both. In the library they are `previous` and `target` of
# [batches.py](../minis2s/data/batches.py); end is a real word, which the mask keeps and the loss counts. Forget it, and
# the model never learns to stop. More of that in [lesson 06](06_encoder_decoder.ipynb).

# %% [markdown]
# ## A mask that breaks the loss
#
# Every real word has a loss. Their mean, over a padded batch, is one line, and can be written wrong in more ways than
# right. Four colleagues write
#
# 1. `losses.mean()`
# 2. `(losses * mask).sum() / losses.size`
# 3. `((losses * mask).sum(1) / mask.sum(1)).mean()`
# 4. `(losses * mask).sum() / mask.sum()`
#
# There is a question that needs no reference: *does more padding change anything?* It must not. So we draw losses at
# random, smaller towards the end of a sentence, where words are easier to foretell, and append empty columns,
# with a loss of 0.05 a place. **Predict:** which lines do not change?
#
# - A: 4 alone.
# - B: 3 and 4.
# - C: 2, 3 and 4, which have a mask.

# %%
unchanged = ...  # "A", "B" or "C"
### BEGIN SOLUTION
unchanged = "B"
### END SOLUTION
grade(unchanged=unchanged)

# %%
lines = {
    "1 no mask": lambda losses, mask: losses.mean(),
    "2 over all places": lambda losses, mask: (losses * mask).sum() / losses.size,
    "3 mean of sentences": lambda losses, mask: ((losses * mask).sum(1) / mask.sum(1)).mean(),
    "4 over real words": lambda losses, mask: (losses * mask).sum() / mask.sum(),
}

# %%
figure, ((ax,),) = plots.new_figure(7.5, 3.6)
S, wide = mask.shape[1], np.pad(mask, ((0, 0), (0, 12)))
for (name, line), color, marker in zip(lines.items(), (plots.VERMILION, plots.PURPLE, plots.GREEN, plots.BLUE), "s^Do"):
    for seed in range(3):
        losses = np.where(wide, np.random.default_rng(seed).gamma(2, size=wide.shape) * 0.85 ** np.arange(S + 12), 0.05)
        values = np.array([line(losses[:, : S + k], wide[:, : S + k]) for k in range(13)])
        ax.plot(values, color=color, marker=marker, linewidth=1, label=name if seed == 0 else None)
        assert np.ptp(values) < 1e-12 if name[0] in "34" else values[-1] < 0.65 * values[0]
ax.set(xlabel="empty columns appended", ylabel="loss, nats", ylim=(0, 1.8))
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
show(figure, "Four losses against appended padding: without a mask, or over all places, it falls; the other two stay.")

# %% [markdown]
# Lines 1 and 2 look *better* the longer the longest sentence is: nobody complains about a falling loss. In 2 all
# gradients shrink by the same factor, so a batch with one long sentence teaches less.
#
# And the surprise: line 3 passes. It is not a mistake of padding. It is another average: a word in a sentence of two
# words counts eight times as much as one in a sentence of sixteen. A check convicts, it does not acquit. Ours is line
# 4, nats per real word, over $B$ sentences and $S$ steps:
#
# $$ \mathrm{loss} = \frac{\sum_{i,t} \mathrm{mask}_{it}\, \mathrm{loss}_{it}}{\sum_{i,t} \mathrm{mask}_{it}}
# \tag{2} $$
#
# In the library [cross_entropy.py](../minis2s/layers/cross_entropy.py), with `logits[mask]`. Why not a product with the
# mask, as in line 4? Because what stands in the padding may be anything, infinity too, and $0 \cdot \infty$ is not a
# number. **Your turn:**


# %%
def masked_mean(losses, mask):  # (B, S) float, (B, S) bool
    """Return the mean over the real words, whatever stands in the padding."""
    ### BEGIN SOLUTION
    return losses[mask].mean()
    ### END SOLUTION


grade(masked_mean)

# %%
masked_mean = grade.or_ours("masked_mean")
for seed in range(3):
    logits = np.random.default_rng(seed).normal(size=(*padded.shape, len(library)))
    losses = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, padded[..., None], -1)[..., 0]  # lesson 01
    loss, cache = CrossEntropy().forward(logits, padded, mask)
    np.testing.assert_allclose(masked_mean(losses, mask), loss, rtol=1e-9)
    _, dlogits = CrossEntropy().backward(1.0, cache)
    assert (dlogits[~mask] == 0).all()
print("three seeds: equal to the library's; the gradient is exactly 0 at every padded place")

# %% [markdown]
# No gradient check finds a mask that is wrong in forward: backward is faithful to it. The question about padding finds
# it, and the library asks it of whole models: [batching.py](../minis2s/checks/invariances/batching.py),
# `padding_invariance`.
#
# ## What to keep
#
# - Count words in the training part only. What is unknown in the test will be unknown in use.
# - A look-up forward is a scatter-add backward: a word that stands in several places is blamed for all of them, and
#   `dE[ids] += dx` forgets all but the last.
# - Half of a batch drawn at random may be padding. Sort by length, or pack.
# - Ask of everything with a mask: does more padding change it? And then: which average is it?
#
# A riddle to take along: a row of $E$ is used in many places, and its gradient is a sum over places. A recurrent
# network uses its weights at every step. What is the gradient of such a weight? [Lesson 04](04_recurrence.ipynb).

# %%
grade.summary()
