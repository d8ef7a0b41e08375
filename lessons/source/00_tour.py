# %% [markdown]
# # 00 A tour
#
# - **Question:** What can 600 lines of NumPy do?
# - **Time:** 40 minutes to read and do, 45 seconds to run on two cores.
# - **Before:** Python, and arrays in NumPy. No derivatives yet.
#
# In a few seconds a program will learn to write words backwards, from examples alone: nobody tells it what "backwards"
# means. We shall look into it while it writes. Then we break its mathematics in three places, one at a time, and you
# bet on which break matters.
#
# Choose *Run All* now. While it works, read on.

# %%
import ast
import inspect
from dataclasses import replace

import numpy as np

from minis2s import Config, Seq2Seq, gradcheck, make_batch, metrics, plots
from minis2s.checks import make_case
from minis2s.classroom.exercises.lesson_00 import grade
from minis2s.classroom.lesson import dataset, is_small, size
from minis2s.classroom.live import show
from minis2s.data.pairs import read_pairs, split_pairs
from minis2s.data.vocabulary import BOS, EOS, Vocabulary
from minis2s.decoding.translator import Translator
from minis2s.layers import GRU, AdditiveAttention, CrossEntropy, Embedding, Linear, count
from minis2s.layers.attention import Attention, AttentionGradients
from minis2s.layers.cell import Cell
from minis2s.models import BahdanauDecoder, Encoder, EncoderLayer
from minis2s.museum import BUGS, difference, planted, train_small
from minis2s.threads_and_memory import prepare_process
from minis2s.training.loop import Trainer, TrainingConfig
from minis2s.training.optimizers import Adam

# %% [markdown]
# ## Watch it learn
#
# The data are 12,000 words of nonsense, each beside its reverse. The program never sees one in every twelve of them,
# the test words, until we examine it.

# %%
prepare_process()  # one thread; freed memory is kept for the next array
pairs = read_pairs(dataset("reversal.tsv"))[: size(12_000, 900)]
for pair in pairs[:3]:
    print(pair.source, "->", pair.target)


def learn(seed):
    """Return a translator that has learnt to reverse, the test pairs, and what it wrote for seaside on its way."""
    train, valid, test = split_pairs(pairs, seed)
    letters = Vocabulary.build([pair.source for pair in train])
    model = Seq2Seq.init(np.random.default_rng(seed), Config(len(letters), len(letters)))
    translator = Translator(model, letters, letters, "char")
    settings = TrainingConfig(epochs=size(3, 1), rate=6e-3, seed=seed, reports=6)
    trainer, wrote = Trainer(model, translator.examples(train), translator.examples(valid), settings), []
    print(f"beginning {seed + 1} of {size(3, 1)}")
    for report in trainer.progress():
        wrote.append(replace(translator, model=trainer.model).translate(["seaside"])[0].text)
        print(f"times through the data: {report.epoch:.1f}   loss {report.train_loss:4.2f}   seaside -> {wrote[-1]}")
    return replace(translator, model=trainer.best), test, wrote


# %%
learnt = [learn(seed) for seed in range(size(3, 1))]
translator = learnt[0][0]
for _, _, wrote in learnt:
    assert is_small() or (wrote[0].startswith("ed") and wrote[-1] == "edisaes")

# %% [markdown]
# "seaside" is not among the words. Watch the right-hand column: after half a pass the first two letters are right, and
# soon all of them. We trained three times, from three random beginnings, and each time it ends at *edisaes*. From here
# on, what we claim was true all three times.
#
# ## One letter after the other
#
# How does it write? It gives every letter a probability, writes the likeliest, reads back what it wrote, and asks
# again. The last sign, `<eos>`, says *end*. Nothing else happens here:


# %%
def write(translator, word):
    """Return the reverse of a word as the model has it, likeliest letter first, and each letter's probability."""
    model, text, chances = translator.model, "", []
    source = make_batch([translator.source_ids(list(word))], [[]]).source
    state, previous = model.encode(source), BOS  # read the word; <bos> says: begin
    while len(text) < 30:
        log_p, state = model.decode_step(np.array([previous]), state)
        previous = int(log_p[0].argmax())
        chances.append(float(np.exp(log_p[0, previous])))
        if previous == EOS:
            break
        text += translator.target.tokens[previous]
    return text, chances


text, chances = write(translator, "seaside")
print("  ".join(f"{letter} {p:.3f}" for letter, p in zip([*text, "<eos>"], chances)))
for translator_of_seed, test_of_seed, _ in learnt:
    for pair, best in zip(test_of_seed[:20], translator_of_seed.translate([pair.source for pair in test_of_seed[:20]])):
        assert write(translator_of_seed, pair.source)[0] == best.text

# %% [markdown]
# So the probability of a whole word is a product:
#
# $$ p(\mathrm{target} \mid \mathrm{source}) = \prod_t p(y_t \mid y_1 \dots y_{t-1}, \mathrm{source}) \tag{1} $$
#
# Sutskever et al. 2014, [arXiv 1409.3215](https://arxiv.org/abs/1409.3215), equation 1; in the library
# [seq2seq.py](../minis2s/models/seq2seq.py), and the loop is [greedy.py](../minis2s/decoding/greedy.py).
#
# **By hand.** A small model reverses "ab". It gives *b* 0.9, then *a* 0.8, then `<eos>` 0.5: together $0.9 \cdot 0.8
# \cdot 0.5 = 0.36$. Each step looks fair enough. The word is more likely wrong than right.
#
# **Your turn.** A model gives every right sign 0.9. How likely is it to write a word of eight letters right, `<eos>`
# included?

# %%
whole_word = ...  # a number
### BEGIN SOLUTION
whole_word = 0.9**9
### END SOLUTION
grade(whole_word=whole_word)

# %% [markdown]
# ## The honest mark
#
# That is why nobody should praise a model for its letters. A word counts when *all of it* is right. Write that mark:
# the fraction of words that equal their reference. This is the figure that every lesson reports.


# %%
def exact_match(hypotheses, references):  # two lists of words, equally long
    """Return the fraction of hypotheses that are right as a whole."""
    ### BEGIN SOLUTION
    right = [h == r for h, r in zip(hypotheses, references)]
    return sum(right) / len(right)
    ### END SOLUTION


grade(exact_match)

# %%
exact_match = grade.or_ours("exact_match")
for translator_of_seed, test_of_seed, _ in learnt:
    texts = [best.text for best in translator_of_seed.translate([pair.source for pair in test_of_seed])]
    mark = exact_match(texts, [pair.target for pair in test_of_seed])
    assert abs(mark - metrics.exact_match(texts, [pair.target for pair in test_of_seed])) < 1e-9
    assert is_small() or mark > 0.98
    print(f"exact match on {len(texts)} unseen words: {100 * mark:.1f} %")

# %% [markdown]
# The library's own is in [sentences.py](../minis2s/metrics/sentences.py), and it agrees.
#
# ## Where does it look?
#
# The model reads "seaside" into seven rows of numbers and one for the end sign, the *memory*. Before it writes a letter
# it may look back, at all rows at once, with weights $\alpha$ that add up to 1; what it sees is the weighted mean:
#
# $$ \mathrm{context} = \sum_j \alpha_j\, \mathrm{memory}_j \tag{2} $$
#
# Bahdanau et al. 2015, [arXiv 1409.0473](https://arxiv.org/abs/1409.0473), equation 5; in the library
# [attention.py](../minis2s/layers/attention.py). **By hand:** three rows (1, 0), (0, 1), (2, 2) with the weights 0.1,
# 0.2, 0.7 give (0.1 + 1.4, 0.2 + 1.4) = (1.5, 1.6), which is mostly the third row.
#
# Nobody tells the model where to look. **Predict:** when it writes the first letter of "edisaes", where does most of
# its weight lie?
#
# - A: on the first letter of "seaside".
# - B: on the last letter of "seaside".
# - C: evenly, on all of them.

# %%
first_look = ...  # "A", "B" or "C"
### BEGIN SOLUTION
first_look = "B"
### END SOLUTION
grade(first_look=first_look)

# %%
(seaside,) = translator.translate(["seaside"])
show(
    plots.attention_map(seaside.alphas, seaside.source, seaside.tokens, "Where it looks"),
    "Attention weights of seaside to edisaes: dark cells run from the upper right to the lower left.",
)

# %% [markdown]
# A row is a letter written, a column a letter read, and dark means *looks here*. It looks at the letter that it writes,
# and walks from the end of the word to its beginning. That is what reversing is, and it found out by itself.
#
# **Read the map.** "banana" becomes "ananab", and its second letter is an *n*. There are two of them in "banana", at
# places 2 and 4 (counted from 0). **Predict:** at which does it look?
#
# - A: at place 2.
# - B: at place 4.
# - C: at both alike, since they are the same letter.

# %%
which_n = ...  # "A", "B" or "C"
### BEGIN SOLUTION
which_n = "B"
### END SOLUTION
grade(which_n=which_n)

# %%
for translator_of_seed, test_of_seed, _ in learnt:
    (banana,) = translator_of_seed.translate(["banana"])
    print("for the second letter of ananab:", banana.alphas[1].round(2))
    hits = []
    for pair, best in zip(test_of_seed, translator_of_seed.translate([pair.source for pair in test_of_seed])):
        if best.text == pair.target:
            hits += (best.alphas[:-1].argmax(1) == np.arange(len(pair.source))[::-1]).tolist()
    print(f"  looks most at the letter that it writes: {100 * np.mean(hits or [0]):.1f} % of the test words' letters")
    assert is_small() or (np.mean(hits) > 0.85 and banana.alphas[1].argmax() == 4)

# %% [markdown]
# So a row of the memory holds more than its letter: something of where it stands, too. How, is a matter for
# [lesson 04](04_recurrence.ipynb); how the weights come about, for [lesson 07](07_attention.ipynb).
#
# ## How much code is that?
#
# We promised some 600 lines. Count them, explanations and blank lines left out: every class that this model is made of,
# forward and backward, with its loss and its training rule. (Small functions that they call, such as the softmax, are
# not counted.)


# %%
def lines_of(part):
    """Return how many lines of code a class has, without docstrings, comments and blank lines."""
    text = inspect.getsource(part)
    alone = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    strings = [node for node in alone if isinstance(node.value, ast.Constant)]
    prose = {i for node in strings for i in range(node.lineno, node.end_lineno + 1)}
    code = [line for i, line in enumerate(text.splitlines(), 1) if i not in prose]
    return sum(line.strip() != "" and line.strip()[0] != "#" for line in code)


parts = [Embedding, GRU, Cell, AdditiveAttention, Attention, AttentionGradients, Linear, CrossEntropy, Adam]
parts += [EncoderLayer, Encoder, BahdanauDecoder, Seq2Seq]
print(", ".join(f"{part.__name__} {lines_of(part)}" for part in parts))
total = sum(map(lines_of, parts))
print(f"together {total} lines, and {count(translator.model):,} numbers that were learnt")
assert total < 600

# %% [markdown]
# ## Now break it
#
# Learning is a loop of two steps. For every one of those numbers, compute how much the loss would change if the number
# moved: the *gradient*. Then move all of them a little the way that makes the loss smaller. Here somebody worked out
# the gradient on paper and wrote it down by hand, in the functions called `backward`. Hands slip.
#
# Below are three slips, each in one line of the library, as a small difference: the line with − is right, the line with
# + is the slip. You need not understand them yet.
#
# - A: while the model reads, nothing is handed back from one letter to the letter before it.
# - B: a factor is left out.
# - C: a sign is turned, in one of three parts.

# %%
slips = {"A": BUGS["encoder_no_time"], "B": BUGS["tanh_slope_missing"], "C": BUGS["dz_sign"]}
for letter, bug in slips.items():
    print(f"{letter}: {difference(bug)}\n".replace("\n", "\n   "))

# %% [markdown]
# **Predict.** A small model trains with each slip in place: nine letters, words of 3 to 7. Which one still comes to 95
# % exact match or more?
#
# - A: the one that hands nothing back.
# - B: the one without its factor.
# - C: the one with the wrong sign.

# %%
trains = ...  # "A", "B" or "C"
### BEGIN SOLUTION
trains = "A"
### END SOLUTION
grade(trains=trains)


# %%
def mark_by_seed(bug):
    return [train_small(bug, seed, epochs=size(8, 1)).exact_match for seed in range(size(3, 1))]


marks = {letter: mark_by_seed(bug) for letter, bug in slips.items()}
for letter, row in marks.items():
    print(f"{letter}: exact match on 500 unseen words, by seed:", "  ".join(f"{100 * mark:.1f} %" for mark in row))
assert is_small() or (min(marks["A"]) >= 0.95 and max(marks["B"] + marks["C"]) < 0.05)

# %% [markdown]
# A model with a broken gradient trains to 95 % and more, three times out of three, although the slip hands nothing
# back at all. Its loss falls, its words are right; nothing tells you. The other two write hardly a word right, and then
# you would at least go and look.
#
# Whether a model trains is therefore no proof. The museum of bugs has measured [all of its
# slips](../docs/bugs/matrix.txt) this way: run your eye down the column of exact match.
#
# ## One line convicts it
#
# A gradient is a claim about numbers: "move this number by so much, and the loss changes by so much". So move it, and
# see.
#
# **By hand.** Take one number $w$ with the loss $w^2$, at $w = 3$. Move it to 3.001: the loss goes from 9 to 9.006001,
# which is 6.001 for each unit of movement. The right gradient is $2w = 6$. Somebody forgets the 2 and writes 3. Does it
# still train? Yes: a step against 3 goes downhill as well. Does it survive the question? Not for a moment.
#
# `gradcheck` asks it of every number. Here is slip A in the cell that reads, a GRU:

# %%
layer, inputs = make_case("gru")  # a small one, and random numbers to feed it with
with planted(slips["A"]):
    report = gradcheck(layer, *inputs)
print(report)
assert not report.ok and gradcheck(layer, *inputs).ok

# %% [markdown]
# The last column says WRONG, and the line below the table says why, in the code's own names: only at the first step
# does a gradient find its way from `step_inplace`, one step of the cell, into its argument `h`, the state before. So
# nothing is carried back through time. Training took thousands of words and saw nothing; the check took thirteen rows
# of random numbers. How it can be so sure is the matter of [lesson 02](02_gradients.ipynb).
#
# Here are both witnesses side by side, for the right gradient, too:

# %%
witnesses = {"none": mark_by_seed(None)} | marks
small, batch = make_case("seq2seq_attention")  # a whole model
errors = {}
for letter, row in witnesses.items():
    with planted(slips.get(letter)):
        errors[letter] = gradcheck(small, *batch, diagnose=False).max_relative_error
    said = "  ".join(f"{100 * mark:5.1f} %" for mark in row)
    print(f"{letter:4}  exact match, three seeds: {said}   largest relative error: {errors[letter]:.0e}")
assert errors["none"] < 1e-12 and min(errors[letter] for letter in slips) > 0.1

# %%
figure, ((left, right),) = plots.new_figure(9, 3.4, 1, 2)
for i, (letter, row) in enumerate(witnesses.items()):
    beside = i + 0.15 * (np.arange(len(row)) - 1)
    left.plot(beside, [100 * mark for mark in row], "o", color=plots.BLUE, markersize=9, alpha=0.6)
    shape, color, said = ("X", plots.VERMILION, "WRONG") if letter in slips else ("o", plots.GREEN, "ok")
    right.plot(i, errors[letter], shape, color=color, markersize=11)
    right.text(i, errors[letter] / 30, said, ha="center", va="top")
left.axhline(95, color="gray", linestyle=":")
left.set(ylim=(-4, 104), ylabel="exact match, %, three seeds", title="What training says")
right.axhline(1e-12, color="gray", linestyle=":")
right.set(yscale="log", ylim=(1e-18, 30), ylabel="largest relative error", title="What the check says")
for ax in (left, right):
    ax.set(xlabel="slip", xlim=(-0.6, 3.6), xticks=range(4), xticklabels=list(witnesses))
show(figure, "Training: no slip and slip A near 100 %, B and C at 0. The check: no slip at 1e-15, all slips near 1.")

# %% [markdown]
# The dotted lines are 95 % and the check's tolerance. On the left, A stands beside the right gradient, at most two
# words in a hundred below. On the right more than ten powers of ten lie between them, and nobody has to squint.
#
# **Your turn, with one you have not seen.** The check names the arrays whose gradient is wrong. This time another slip
# is planted:

# %%
with planted(BUGS["embedding_no_scatter"]):
    for row in gradcheck(small, *batch, diagnose=False).rows:
        print(f"{row.array:22} {'ok' if row.ok else 'WRONG'}")

# %% [markdown]
# **Where is it?**
#
# - A: in the cells, which read and write letter by letter.
# - B: in the embedding, which turns a letter into a row of numbers.
# - C: in the attention.
# - D: in the loss.

# %%
where = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
where = "B"
### END SOLUTION
grade(where=where)

# %% [markdown]
# ## What to keep
#
# - A model that reads, looks and writes fits into some 600 lines, and they can all be read.
# - It predicts one sign at a time, and the chances multiply: praise whole words, not letters.
# - An attention map shows where it looks, letter by letter.
# - That a model trains does not prove its gradient. A check does.
#
# Where to go on: [lesson 01](01_softmax.ipynb) begins with the smallest piece of those 600 lines, how to choose a
# letter, and derives its gradient by hand. The lessons build on each other; each asks one question. If you would rather
# break things, [lesson 12](12_bugs.ipynb) is the museum.

# %%
grade.summary()
