# %% [markdown]
# # 06 Encoder and decoder
#
# - **Question:** Can one vector hold a sentence?
# - **Time:** 60 minutes to read and do, 30 seconds to run on two cores.
# - **Before:** lessons [03](03_batches.ipynb) and [05](05_gates.ipynb).
#
# To write a word backwards you must have read all of it. Often a translator must, too. So read everything, keep it in
# *one* vector of a size that never changes, close the book, and write. How should 64 numbers hold any sentence that
# comes along? Before we ask 64, let us ask one.

# %%
import numpy as np

from minis2s import Config, Seq2Seq, make_batch, plots
from minis2s.classroom.exercises.lesson_06 import grade
from minis2s.classroom.lesson import is_small, size
from minis2s.classroom.live import show
from minis2s.classroom.reversal import Reversal
from minis2s.data.batches import Examples, Sentences
from minis2s.data.pairs import Pair
from minis2s.data.vocabulary import BOS, EOS
from minis2s.museum import BUGS, planted
from minis2s.threads_and_memory import prepare_process
from minis2s.training.loop import Trainer

prepare_process()  # one thread; freed memory is kept for the next array

SEEDS, WIDTHS, COLORS = range(size(3, 1)), (16, 32, 64), (plots.VERMILION, plots.GREEN, plots.BLUE)

# %% [markdown]
# ## One number holds a sentence
#
# Our words are made of the digits 0 to 7. Read them one by one, each time with the same rule: add the digit, divide by
# 8. For 4, 7, 2:
#
# | digit | $s$ before | $s$ after |
# |---|---|---|
# | 4 | 0 | (0 + 4) / 8 = 0.5 |
# | 7 | 0.5 | (0.5 + 7) / 8 = 0.9375 |
# | 2 | 0.9375 | (0.9375 + 2) / 8 = 0.3671875 |
#
# Now close the book. All you have is 0.3671875. To write, multiply by 8, write what stands before the point, keep what
# stands behind it. **Predict, then do it on paper:** what do you write?
#
# - A: 4, 7, 2.
# - B: 2, 7, 4.
# - C: 2, 2, 2: the others are lost.

# %%
comes_out = ...  # "A", "B" or "C"
### BEGIN SOLUTION
comes_out = "B"
### END SOLUTION
grade(comes_out=comes_out)


# %%
def read(digits, dtype):  # return one number that holds the digits
    s = dtype(0)
    for digit in digits:
        s = (s + digit) / 8
    return s


def write(s, count):  # return the digits that a number holds
    digits = []
    for _ in range(count):
        digit, s = divmod(s * 8, 1)  # before the point, behind it
        digits.append(int(digit))
    return digits


print("472 becomes", read([4, 7, 2], float), "which becomes", write(read([4, 7, 2], float), 3))

# %% [markdown]
# One number holds a sentence, and a loop that never changes puts it in and takes it out. It comes out backwards: what
# was read last lies on top. Keep that in mind.
#
# Where is the catch? Every digit costs three bits, and a number has only so many: 11 of them in float16, 24 in float32,
# 53 in float64. Three hundred random words of each length:

# %%
figure, ((ax,),) = plots.new_figure(7, 3.2)
rng, lengths = np.random.default_rng(0), range(1, 22)
words = {length: rng.integers(8, size=(300, length)).tolist() for length in lengths}
for dtype, color, style in zip((np.float16, np.float32, np.float64), COLORS, ("o-", "s--", "^:")):
    right = [np.mean([write(read(word, dtype), n)[::-1] == word for word in words[n]]) for n in lengths]
    room = 1 + np.finfo(dtype).nmant
    assert min(right[: room // 3]) == 1  # three bits a digit
    ax.plot(lengths, 100 * np.array(right), style, color=color, label=f"{dtype.__name__}: {room} bits")
ax.set(xlabel="digits in the word", ylabel="words right as a whole, %", xticks=lengths[::2])
ax.legend(frameon=False, loc="center", bbox_to_anchor=(0.66, 0.6))
four = [write(read(word, np.float16), 4)[::-1] == word for word in words[4]]
assert four == [word[-1] < 4 or word[0] % 2 == 0 for word in words[4]]
show(figure, "Words right by length: float16 holds 3 digits, float32 8 and float64 17, then each falls to 0.")

# %% [markdown]
# This is a *bottleneck*: all is well up to a length, and then it is not. 3, 8 and 17 digits are what the bits allow.
#
# One digit more, and three words in four survive in float16. Four digits ask for 12 bits, and there are 11. One can be
# spared if the last digit is below 4, so that it begins with a 0, or if the first is even, so that it ends in one. The
# cell has checked this word by word.
#
# **Your turn.** How many bits does a word of twelve letters need, each one of eight?

# %%
bits = ...  # a number
### BEGIN SOLUTION
bits = 12 * np.log2(8)
### END SOLUTION
grade(bits=bits)

# %%
print(f"64 numbers of 24 bits: {64 * 24:,} bits, room for {64 * 24 // 36} such words")

# %% [markdown]
# ## Encoder and decoder
#
# So there is room. But nobody will hand the network that rule: it has to *find* one, by following gradients. The
# encoder reads with one cell, the decoder writes with another, and one vector $c$ goes over.
#
# ```text
# reads     a     b     c   <eos>      <bos>   c     b     a
#           ↓     ↓     ↓     ↓          ↓     ↓     ↓     ↓
#           h₁ →  h₂ →  h₃ →  h₄ == c ⇒  s₁ →  s₂ →  s₃ →  s₄
#                             ║          ⇑     ⇑     ⇑     ⇑
#                             ╚════ c ═══╩═════╩═════╩═════╝
# writes                                 c     b     a   <eos>
# ```
#
# The decoder starts from $c$, and $c$ is fed to each of its steps. It writes until it says `<eos>`.

# %% [markdown]
# $$ h_j = \mathrm{cell}(x_j, h_{j-1}), \qquad c = h_S \tag{1} $$
#
# $$ s_t = \mathrm{cell}'([y_{t-1}; c],\, s_{t-1}), \qquad s_0 = c \tag{2} $$
#
# $$ \mathrm{loss} = -\frac{1}{T} \sum_{t=1}^{T} \ln \mathrm{softmax}(s_t W + b)[\mathrm{target}_t] \tag{3} $$
#
# $x_j$ and $y_{t-1}$ are embedded tokens, the source has $S$ of them and the target $T$, `<eos>` included; $[y; c]$ is
# the two end to end, and $W$ and $b$ are the output layer's.
#
# Cho et al. 2014, [arXiv 1406.1078](https://arxiv.org/abs/1406.1078), section 2.2, feed $c$ to every step, and let the
# output layer read $c$ and $y_{t-1}$, too; Sutskever et al. 2014, [arXiv 1409.3215](https://arxiv.org/abs/1409.3215),
# only start from it. In the library
# [encoder.py](../minis2s/models/encoder.py), [no_attention.py](../minis2s/models/no_attention.py) and
# [seq2seq.py](../minis2s/models/seq2seq.py). The encoder never hears what it is for: no loss is at its states. All that
# it learns comes back through $c$.

# %% [markdown]
# ## What does the decoder read?
#
# Look at the upper right of the picture. While it *learns*, the decoder reads the right token before each one that it
# must write, whatever it would have written itself: *teacher forcing*. **Your turn:** make that row.


# %%
def previous_tokens(target):  # (T,) int, ends in EOS
    """Return what the decoder reads before it writes each target token, (T,)."""
    ### BEGIN SOLUTION
    return np.array([BOS, *target[:-1]])
    ### END SOLUTION


grade(previous_tokens)

# %% [markdown]
# Now one sentence, in loops, as the equations stand. The GRU step is that of [lesson 05](05_gates.ipynb).


# %%
def gru_step(cell, x, h):
    a_r, a_z, a_n = x @ cell.W_x + cell.b_x[:, 0]  # in the order in which the library keeps them
    u_r, u_z, u_n = h @ cell.W_h + cell.b_h[:, 0]
    z, r = 1 / (1 + np.exp(-a_z - u_z)), 1 / (1 + np.exp(-a_r - u_r))
    n = np.tanh(a_n + r * u_n)
    return n + z * (h - n)


def loss_loops(model, source, target):
    h = np.zeros(model.config.hidden)
    for token in source:
        h = gru_step(model.encoder.layers[0].cells[0], model.encoder.embedding.E[token], h)  # (1)
    c, s, loss = h, h, 0.0
    for previous, token in zip(previous_tokens(target), target):
        s = gru_step(model.decoder.cell, np.concatenate([model.embedding.E[previous], c]), s)  # (2)
        logits = s @ model.output.W + model.output.b
        loss -= (logits[token] - np.log(np.exp(logits).sum())) / len(target)  # (3)
    return loss


# %%
previous_tokens = grade.or_ours("previous_tokens")
for seed in range(3):
    rng = np.random.default_rng(seed)
    model = Seq2Seq.init(rng, Config(11, 12, embedding=5, hidden=7, attention="none"))
    source, target = rng.integers(4, 11, size=6), rng.integers(4, 12, size=4)
    ours = loss_loops(model, source, np.array([*target, EOS]))
    np.testing.assert_allclose(ours, model.loss(make_batch([source], [target]))[0], rtol=1e-12)
print(f"loops and minis2s agree; the last loss: {ours:.4f} nats a token, and guessing costs {np.log(12):.4f}")

# %% [markdown]
# ## A mistake that looks like success
#
# Suppose you forget the shift, and the decoder reads the very token it has to write. **Predict** what training shows.
#
# - A: an error, since the lengths do not fit.
# - B: the loss stays high and nothing is learned.
# - C: the loss falls to nearly 0, and no translation is right.


# %%
unshifted = ...  # "A", "B" or "C"
### BEGIN SOLUTION
unshifted = "C"
### END SOLUTION
grade(unshifted=unshifted)

# %%
for seed in SEEDS:
    with planted(BUGS["target_not_shifted"]):
        run = Reversal.start(seed, 12, epochs=3, attention="none")
        run.train()
    loss, right = run.trainer.history[-1].valid_loss, run.right()
    print(f"seed {seed}: loss {loss:.3f} nats a token, exact match {right:.1f} %")
    assert is_small() or (loss < 0.03 and right == 0)

# %% [markdown]
# It learned to copy what it was handed. When it has to translate nobody hands it anything. A teacher-forced figure
# cannot tell knowing from copying; let the model *run free*, on what it wrote itself, and count whole words.
#
# ## The bridge
#
# Now backwards. A loss at the decoder's last letter must teach the encoder's first step, and there is one bridge
# between them: the vector. **Draw on the picture** every arrow that leaves $h_4$. Each is a way back.
#
# By hand, all sizes 1, one step: $s_1 = \tanh(w_c\, c + w_h\, s_0)$ with $s_0 = c = 0.5$, $w_c = 2$, $w_h = -1$. So
# $s_1 = \tanh(1 - 0.5) = 0.46212$, and $\tanh' = 1 - 0.46212^2 = 0.78645$. For $ds_1 = 1$ the context hands back $2
# \cdot 0.78645 = 1.5729$, the first state $-0.78645$, and $dc$ is their sum, 0.78645.
#
# **Your turn.** A decoder with a tanh cell, for one sentence, all its steps. Forward is given; return $dc$.


# %%
def decoder_forward(c, y, W_y, W_c, W_h):  # (H,), (T, E), (E, H), (H, H), (H, H)
    """Return the states, (T, H), and what backward needs."""
    s, states = c, []  # s_0 = c
    for y_t in y:
        s = np.tanh(y_t @ W_y + c @ W_c + s @ W_h)  # (2)
        states.append(s)
    return np.array(states), (np.array(states), W_c, W_h)


def bridge_backward(dstates, cache):  # (T, H): what each state gets from its logits
    """Return dc, (H,)."""
    states, W_c, W_h = cache
    dc = ...
    ### BEGIN SOLUTION
    dc, ds = np.zeros(states.shape[1]), np.zeros(states.shape[1])
    for t in reversed(range(len(states))):
        da = (dstates[t] + ds) * (1 - states[t] ** 2)  # fork: s_t is an output and the next step's input
        dc = dc + da @ W_c.T  # c is read at every step
        ds = da @ W_h.T
    dc = dc + ds  # s_0 = c
    ### END SOLUTION
    return dc


grade(bridge_backward)

# %% [markdown] tags=["solution"]
# **Derivation.** With $a_t = y_t W_y + c W_c + s_{t-1} W_h$: $da_t = (ds_t + da_{t+1} W_h^\top)(1 - s_t^2)$, the first
# term from the logits, the second from the next step. Then $dc = \sum_t da_t W_c^\top + da_1 W_h^\top$.

# %%
bridge, one, zero = grade.or_ours("bridge_backward"), np.ones((1, 1)), np.zeros((1, 1))
cache = decoder_forward(one[0] / 2, zero, zero, 2 * one, -one)[1]
print("by hand:", bridge(one, cache).round(3))

# %% [markdown]
# ## How much does it hold?
#
# There is room for 42 words of twelve letters. Train with 16, 32 and 64 numbers, on words of 3 to 12 letters, and let
# it run free on words that it has not seen. **Predict:**
#
# - A: all lengths come out about equally well.
# - B: short words come out right, long ones do not; more numbers move the wall outwards.
# - C: with 64 numbers there is room, so nearly all come out right.

# %%
wall = ...  # "A", "B" or "C"
### BEGIN SOLUTION
wall = "B"
### END SOLUTION
grade(wall=wall)


# %%
def draw(kinds):  # exact match by length, the mean over the runs of each kind
    curves = {}
    for kind, runs in kinds.items():
        found = [run.right_by_length() for run in runs]
        curves[kind] = {length: (np.mean([one[length] for one in found]), len(runs)) for length in found[0]}
    figure = plots.score_by_length({"words right as a whole, %": curves}, "Mean of three seeds", "letters in the word")
    figure.axes[0].legend(frameon=False, loc="upper right")
    return figure


runs = {H: [Reversal.start(seed, 12, 14, attention="none", hidden=H) for seed in SEEDS] for H in WIDTHS}
for run in (run for each in runs.values() for run in each):
    run.train()
figure = draw({f"{H} numbers": runs[H] for H in WIDTHS})
show(figure, "Exact match by length: each line falls, and the wider the vector the later.")

# %%
for seed in SEEDS:
    marks, wide = [runs[H][seed].right() for H in WIDTHS], runs[64][seed].right_by_length()
    print(f"seed {seed}: all words", *(f"{mark:.1f} %" for mark in marks), end="")
    print(f"; with 64 numbers on 3 letters {wide[3]:.1f} %, on 12 {wide[12]:.1f} %")
    assert is_small() or (marks == sorted(marks) and wide[3] > 95 and wide[12] < 40)

# %% [markdown]
# With 64 numbers the curve has the shape of the first figure, but the wall stands further in than the bits would have
# it. There is room for 42 words of twelve letters, and mostly one is too much.
#
# So the vector is not full. What is missing is a rule for filling it, and for taking the letters out again: in 14
# passes through the data the gradient has not found one that reaches so far. With more numbers it reaches further, on
# each of three seeds.
#
# ## Which letter lies on top?
#
# One number gave its digits back in reverse. Does a trained vector have a favourite order? **Predict:** which is easier
# to learn, with 64 numbers and the same words?
#
# - A: to copy a word, *abc* to *abc*.
# - B: to reverse it, *abc* to *cba*.
# - C: both are alike, since the vector has to hold the same letters.

# %%
easier = ...  # "A", "B" or "C"
### BEGIN SOLUTION
easier = "B"
### END SOLUTION
grade(easier=easier)


# %%
def turned(examples):
    """Return the pairs with their sources turned, the end sign left where it is."""
    sources = [examples.sources[i].tolist() for i in range(len(examples))]
    return Examples(Sentences([[*ids[-2::-1], ids[-1]] for ids in sources]), examples.targets)


copies = []
for seed, run in enumerate(runs[64]):
    first = Reversal.start(seed, 12, 14, attention="none", hidden=64).trainer
    trainer = Trainer(first.model, turned(first.train), turned(first.valid), first.settings)
    copies.append(run._replace(trainer=trainer, unseen=[Pair(pair.target, pair.target) for pair in run.unseen]))
    copies[-1].train()
    print(f"seed {seed}: copied {copies[-1].right():.1f} %, reversed {run.right():.1f} %")
    assert is_small() or run.right() > copies[-1].right()
figure = draw({"reversed": runs[64], "copied": copies})
show(figure, "Exact match by length: words that are reversed hold out longer than words that are copied.")

# %% [markdown]
# Reversing is easier, on each of three seeds. Count the cells in the picture from reading a letter to writing it,
# `<eos>` being read in between: in a copy of three letters 4, 4 and 4; in a reversal 2, 4 and 6. The mean is the same.
# But the gradient begins with the short way, and has something right to build on.
#
# Now see it the other way round. A reversal *is* a copy whose source was turned. Sutskever et al. 2014, section 3.3,
# did just that to English sentences before they were translated into French: "here am I" went in for "I am here", and
# BLEU rose from 25.9 to 30.6. They had no complete explanation, and counted steps, as we did.
#
# The trick is no gift to every task. Turn the source of a *reversal*, and you have the harder copy.
#
# ## Running free
#
# One question is left from the mistake above: how much does the teacher hide? Take the words of ten letters, and ask at
# each place how often the letter is right, once with the right letters before it and once with the model's own:

# %%
forced, free = [], []
for run in runs[64]:
    text, pairs = run.translator, [pair for pair in run.unseen if len(pair.source) == 10]
    batch = text.examples(pairs).batch(np.arange(len(pairs)))
    right = text.model.loss(batch)[1].loss.e.argmax(-1) == batch.target.packed  # the rows run step after step
    forced.append(100 * right.reshape(11, -1).mean(1)[:10])  # without the end sign
    written = [list(best.text.ljust(10)[:10]) for best in text.translate([pair.source for pair in pairs])]
    free.append(100 * (np.array(written) == [list(pair.target) for pair in pairs]).mean(0))
    print(f"tenth letter right: teacher-forced {forced[-1][-1]:.0f} %, free-running {free[-1][-1]:.0f} %")
    assert is_small() or (np.isclose(forced[-1][0], free[-1][0]) and forced[-1][-1] - free[-1][-1] > 15)
curves = {"teacher-forced": np.mean(forced, 0), "free-running": np.mean(free, 0)}
curves = {name: {place + 1: (share, 0) for place, share in enumerate(each)} for name, each in curves.items()}
figure = plots.score_by_length({"letters right, %": curves}, "Ten letters, mean of three seeds", "place in the word")
show(figure, "Letters right by place: teacher-forced nearly level, free-running falling from place to place.")

# %% [markdown]
# At the first place the two are one: nothing was written yet. Then they part. A model that runs free reads its own
# mistakes, and has never been shown what to do after one.
#
# ## What to keep
#
# - One vector can hold a sentence: one *number* can. Whether a network learns to is another question.
# - What the encoder learns comes over one bridge: $dc$ is a sum over all decoder steps, and $s_0$.
# - The bottleneck is a wall in exact match against length, far inside of what the bits allow.
# - What is read last comes out first; so turn the source where its beginning is wanted first.
# - Shift the target, and believe free-running figures only.
#
# Next: [lesson 07](07_attention.ipynb) opens the book again, and lets the decoder look.

# %%
grade.summary()
