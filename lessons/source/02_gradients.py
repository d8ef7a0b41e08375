# %% [markdown]
# # 02 Checking gradients
#
# - **Question:** How do you know a derivative is right?
# - **Time:** 50 minutes to read and do, 3 seconds to run on two cores.
# - **Before:** [lesson 01](01_softmax.ipynb); complex numbers as far as $i^2 = -1$.
#
# You derived a backward pass, and the model trains. That proves little: in [lesson 00](00_tour.ipynb) a model trains on
# a broken gradient. A derivative is a statement about numbers, though, and numbers can be asked.

# %%
import numpy as np

from minis2s import Config, Seq2Seq, gradcheck, plots
from minis2s.checks.derivatives import numerical_gradient as library_gradient
from minis2s.checks.derivatives import relative_error
from minis2s.checks.report import in_words
from minis2s.classroom.exercises.lesson_02 import grade
from minis2s.classroom.live import show, steps
from minis2s.layers import CrossEntropy, Linear, walk
from minis2s.layers.activations import softmax

# %% [markdown]
# ## A slope is a chord that shrank
#
# Take $f(x) = x^3$ at $x = 2$, where the slope is $3 \cdot 2^2 = 12$. Draw a chord from $x$ to $x + e$: it is too
# steep, since the curve bends upwards. Draw it from $x - e$ to $x + e$ instead: now the bends on both sides nearly
# cancel.


# %%
def cube(x):
    return x**3


def draw(ax, i):
    e = (1, 0.5, 0.2, 0.1)[i]
    x = np.linspace(0.8, 3.2, 100)
    ax.plot(x, cube(x), color="black", linewidth=1.5, label="$x^3$")
    for start, color, dashes, name in ((2, plots.VERMILION, "--", "one-sided"), (2 - e, plots.BLUE, "-", "central")):
        slope = (cube(2 + e) - cube(start)) / (2 + e - start)
        ax.plot(x, cube(start) + slope * (x - start), color=color, linestyle=dashes, label=f"{name}: {slope:.2f}")
    ax.set(xlabel="x", ylabel="f(x)", ylim=(-4, 30), title=f"e = {e}")
    ax.legend(frameon=False, loc="upper left")


steps(draw, 4, "Chords of the cube at 2: the central one has nearly the slope 12 at once.", size=(3, 3.2))

# %% [markdown]
# By hand, with $e = 0.1$: one-sided $(2.1^3 - 2^3) / 0.1 = (9.261 - 8) / 0.1 = 12.61$; central $(2.1^3 - 1.9^3) / 0.2 =
# (9.261 - 6.859) / 0.2 = 12.01$, sixty times closer. Write $f$ as a series in $e$, and the even terms cancel:
#
# $$ \frac{f(x + e) - f(x - e)}{2e} = f'(x) + \frac{e^2}{6} f'''(x) + \dots \tag{1} $$
#
# Here $f''' = 6$, so the error is $e^2 = 0.01$, as we saw. Goodfellow et al. 2016, [*Deep Learning*, section
# 11.5](https://www.deeplearningbook.org/contents/guidelines.html); in the library
# [derivatives.py](../minis2s/checks/derivatives.py).

# %% [markdown]
# ## Your turn: a gradient without calculus
#
# A network's loss has many inputs, and so many slopes. Write (1) for an array: `f(x)` is one number, `x` has any shape,
# and the result has the shape of `x`. Keep `x` as it was.


# %%
def numerical_gradient(f, x, step):  # a function, an array of any shape, a number
    """Return the central difference of f in every entry of x, shaped like x."""
    ### BEGIN SOLUTION
    x, gradient = x.copy(), np.zeros(x.shape)
    for i in range(x.size):
        value = x.flat[i]
        x.flat[i] = value + step
        above = f(x)
        x.flat[i] = value - step
        gradient.flat[i] = (above - f(x)) / (2 * step)  # (1)
        x.flat[i] = value
    return gradient
    ### END SOLUTION


grade(numerical_gradient)

# %%
numerical_gradient = grade.or_ours("numerical_gradient")
rng = np.random.default_rng(0)
logits, target = rng.normal(size=(3, 4)), np.array([1, 0, 3])
entropy = CrossEntropy()
found = numerical_gradient(lambda x: entropy.forward(x, target)[0], logits, 1e-5)
np.testing.assert_allclose(found, (softmax(logits) - np.eye(4)[target]) / 3, rtol=1e-6)  # lesson 01
library = library_gradient(lambda: entropy.forward(logits, target)[0], logits, "central")
np.testing.assert_allclose(found, library, rtol=1e-6)
print(found.round(4))
model = Seq2Seq.init(rng, Config(source_vocabulary=30, target_vocabulary=30))
print(f"{sum(array.size for _, array in walk(model)):,} numbers in a small translation model")

# %% [markdown]
# It is the gradient of lesson 01, found without deriving anything. So why derive? Count: for each number in `x`, two
# forward passes. A small translation model has some 62,000 numbers. One backward pass gives all slopes at once; the
# slow way is for checking it, once, on a small case.
#
# ## How small a step?
#
# By (1) the error falls with $e^2$. **Predict:** at which step is the central difference closest to the true slope?
#
# - A: 0.01.
# - B: about 0.00001.
# - C: about 1e-10.
# - D: 1e-15, the smaller the better.

# %%
bottom = ...  # "A", "B", "C" or "D"
### BEGIN SOLUTION
bottom = "B"
### END SOLUTION
grade(bottom=bottom)

# %% [markdown]
# Let us measure, on the loss of lesson 01, along five random lines through five random places, in float64 and in
# float32. The true slope we have from the backward pass.


# %%
def line(seed, dtype):
    """Return the loss along a random line, as a function of one number, and its true slope at 0."""
    rng = np.random.default_rng(seed)
    start, along = rng.normal(size=(2, 4, 5)).astype(dtype)
    target = rng.integers(5, size=4)
    _, dlogits = entropy.backward(1.0, entropy.forward(start.astype(float), target)[1])
    return lambda e: entropy.forward(start + e * along, target)[0], (dlogits * along).sum()


def central(f, e):
    return (f(e) - f(-e)) / (2 * float(e))  # (1)


sizes = 10.0 ** -np.arange(1, 16)
errors = {}
for dtype in (np.float64, np.float32):
    lines = [line(seed, dtype) for seed in range(5)]
    errors[f"central, {dtype.__name__}"] = np.array(
        [[abs(central(f, dtype(e)) / true - 1) for e in sizes] for f, true in lines]
    )


# %%
def draw_errors(styles):
    figure, ((ax,),) = plots.new_figure(7, 4)
    for name, (color, marker, dashes) in styles.items():
        for seed, row in enumerate(np.maximum(errors[name], 1e-17)):  # 0 has no logarithm
            label = name if seed == 0 else None
            ax.plot(sizes, row, color=color, marker=marker, linestyle=dashes, markersize=4, linewidth=1, label=label)
    ax.set(xscale="log", yscale="log", xlabel="step (smaller to the left)", ylabel="relative error (0 as 1e-17)")
    ax.grid(alpha=0.25)
    ax.legend(frameon=False, loc="lower right")
    return figure


styles = {"central, float64": (plots.BLUE, "o", "-"), "central, float32": (plots.VERMILION, "s", "--")}
show(draw_errors(styles), "Error against step is a V: in float64 with its foot near 1e-5, in float32 much higher up.")

# %%
at = {e: i for i, e in enumerate(sizes.round(15))}
print("error at 1e-1, 1e-5, 1e-10, 1e-14, the worst of five lines")
for name, row in errors.items():
    print(f"{name:18}", "  ".join(f"{row[:, at[e]].max():.0e}" for e in (1e-1, 1e-5, 1e-10, 1e-14)))
double, single = errors["central, float64"], errors["central, float32"]
assert (double[:, at[1e-5]] < 1e-8).all() and (double[:, at[1e-14]] > 1e-4).all()
assert single.min() > 1e-7 and (single[:, at[1e-5]] > 1e-3).all()

# %% [markdown]
# A V. On its right arm the curve bends, and the error is $e^2$. On its left arm *digits cancel*. See it by hand, for
# the cube at 2 with $e = 10^{-10}$, in sixteen digits:
#
# | | |
# |---|---|
# | $f(2 + e)$ | 8.000000001200000 |
# | $f(2 - e)$ | 7.999999998800000 |
# | difference | 0.000000002400000 |
#
# Nine digits were spent on agreeing with each other; seven are left, and the last of them is rounded.

# %% [markdown]
# In general, rounding leaves an error of about $u = 10^{-16}$ of $f$ itself, and (1) divides it by $e$:
#
# $$ \mathrm{error} \approx \frac{e^2}{6} |f'''| + \frac{u\,|f|}{e} \tag{2} $$
#
# With $f$ and $f'''$ near 1 the two terms balance at $e \approx u^{1/3}$, about $10^{-5}$, with some ten digits left.
# That is the step which [derivatives.py](../minis2s/checks/derivatives.py) takes by default.
#
# In float32 $u$ is about $10^{-7}$. No step on any of the five lines gives seven digits there, and at $10^{-5}$ the
# error is now more than a thousandth. A right gradient looks wrong, people loosen the tolerance, and then wrong ones
# look right. **Check in float64.**

# %% [markdown]
# ## A step sideways
#
# The left arm comes from a subtraction. Is there a difference without one? Take the step in a direction that real
# numbers do not have: $f(x + ih)$. For the cube, $(2 + ih)^3 = 8 + 12\,ih - 6h^2 - ih^3$. The slope stands alone in the
# imaginary part:
#
# $$ \frac{\mathrm{Im}\, f(x + ih)}{h} = f'(x) - \frac{h^2}{6} f'''(x) + \dots \tag{3} $$
#
# Squire and Trapp 1998, [doi 10.1137/S003614459631241X](https://doi.org/10.1137/S003614459631241X); in the library
# [derivatives.py](../minis2s/checks/derivatives.py). **On paper:** what does (3) give for the cube at 2 with $h = 0.1$?

# %%
imaginary = ...  # a number
### BEGIN SOLUTION
imaginary = 11.99
### END SOLUTION
grade(imaginary=imaginary)

# %% [markdown]
# Nothing is subtracted, so nothing cancels, and $h$ may be as small as you like. **Before you run the next cell:**
# draw, in the air, the line that it will add to the V.

# %%
errors["complex step"] = np.array(
    [[abs(f(1j * h).imag / h / true - 1) for h in sizes] for f, true in (line(seed, float) for seed in range(5))]
)
show(
    draw_errors({**styles, "complex step": (plots.GREEN, "^", ":")}),
    "The complex step falls with the right arm of the V and then stays flat at the last digit.",
)
assert (errors["complex step"][:, 7:] < 1e-14).all()  # from 1e-8 on

# %% [markdown]
# From $h = 10^{-8}$ on it is flat, at the last digit there is, on each of the five lines; the library takes $10^{-20}$.
# The price: $f$ must take complex numbers. `abs`, comparisons and `max` must look at real parts, which is why
# [activations.py](../minis2s/layers/activations.py) says `score.real.max`.
#
# ## What if the output is an array?
#
# A layer returns an array $y$, and then there is no *one* slope. Weigh the outputs with numbers $c$, the *cotangent*,
# and check the slopes of one number:
#
# $$ L = \sum_j c_j\, y_j, \qquad \text{and so } dy = c \tag{4} $$
#
# In the library, [gradcheck.py](../minis2s/checks/gradcheck.py). The easiest $c$ is all ones. Here are four backward
# passes of the softmax, one right and three wrong. **Predict:** which does a cotangent of ones convict?
#
# - A: the three wrong ones.
# - B: only the zeros.
# - C: none.

# %%
ones = ...  # "A", "B" or "C"
### BEGIN SOLUTION
ones = "C"
### END SOLUTION
grade(ones=ones)


# %%
def right(dalpha, alpha):
    return alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))


suspects = {
    "right": right,
    "zeros": lambda dalpha, alpha: 0 * alpha,
    "twice": lambda dalpha, alpha: 2 * right(dalpha, alpha),
    "sign turned": lambda dalpha, alpha: -right(dalpha, alpha),
}
score = rng.normal(size=(3, 4)).astype(complex)
for name, c in (("ones", np.ones((3, 4))), ("random", rng.normal(size=(3, 4)))):
    true = library_gradient(lambda c=c: (c * softmax(score)).sum(), score, "complex")
    worst = {who: np.abs(backward(c, softmax(score.real)) - true).max() for who, backward in suspects.items()}
    print(f"{name:7}", "  ".join(f"{who}: {error:.0e}" for who, error in worst.items()))
    assert max(worst.values()) < 1e-15 if name == "ones" else all((e > 0.1) == (k != "right") for k, e in worst.items())

# %% [markdown]
# That is the riddle of lesson 01. With ones, $L$ is the sum of the shares, 1 a row, whatever the scores. Its true
# gradient is 0, and so is anything times it. **Draw the cotangent at random.** It costs nothing.
#
# Look at the second line, too: the right backward errs in the sixteenth digit, the wrong ones in the first, and nothing
# lies between. With a random cotangent, float64 and a complex step, it hardly matters where you put the tolerance; the
# library's is $10^{-12}$, relative to the largest entry. If you find yourself thinking about $10^{-4}$, mend the check
# first.

# %% [markdown]
# ## Your turn: three checks lie
#
# Two of these checks acquit a wrong backward; the third convicts a right one. Each has one fault:
#
# - A: the cotangent is constant.
# - B: the input is a special one.
# - C: the step is too small.
# - D: the step is too large.
# - E: the tolerance is absolute, and the numbers are small.
#
# **The first** checks $y = \tanh(xW)$. The backward has forgotten $\tanh'$.

# %%
W, c = rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
x = np.zeros((3, 4), complex)
true = library_gradient(lambda: (c * np.tanh(x @ W)).sum(), x, "complex")
dx = c @ W.T  # no 1 - y^2
print("first check: relative error", f"{relative_error(dx, true):.0e},", "ok" if np.allclose(dx, true) else "WRONG")

# %%
first_lie = ...  # "A" to "E"
### BEGIN SOLUTION
first_lie = "B"
### END SOLUTION
grade(first_lie=first_lie)

# %% [markdown]
# **The second** checks the loss of a model that has learnt well: every target leads by about 25. The backward has a
# sign turned.

# %%
sure = (25.0 * np.eye(4)[target] + rng.normal(size=(3, 4))).astype(complex)
true = library_gradient(lambda: entropy.forward(sure, target)[0], sure, "complex")
dlogits = -entropy.backward(1.0, entropy.forward(sure.real, target)[1])[1]
print("second check:", "ok" if np.allclose(dlogits, true) else "WRONG")

# %%
second_lie = ...  # "A" to "E"
### BEGIN SOLUTION
second_lie = "E"
### END SOLUTION
grade(second_lie=second_lie)

# %% [markdown]
# **The third** checks the right backward of the softmax, in float64, by your own central difference.

# %%
place, weights = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
approximate = numerical_gradient(lambda score: (weights * softmax(score)).sum(), place, 1e-13)
error = relative_error(right(weights, softmax(place)), approximate)
print("third check:", "ok" if error < 1e-6 else "WRONG")

# %%
third_lie = ...  # "A" to "E"
### BEGIN SOLUTION
third_lie = "C"
### END SOLUTION
grade(third_lie=third_lie)

# %% [markdown]
# ## The library's check
#
# `gradcheck` does all this for every array of a layer: complex step, random cotangent, error relative to the largest
# entry; and it warns of weak inputs. What surprised us: a wrong gradient often *says* what is wrong with it. Here is a
# layer whose bias gradient is the mean over the rows, not the sum.


# %%
class Mean(Linear):
    def backward(self, dy, x):
        gradient, dx = super().backward(dy, x)
        return Linear(gradient.W, gradient.b / len(x)), dx


report = gradcheck(Mean(rng.normal(size=(3, 2)), rng.normal(size=2)), rng.normal(size=(5, 3)))
print([(row.array, "ok" if row.ok else "WRONG") for row in report.rows])
print(*in_words(report.diagnoses["Mean", "b"][0]).split("; "), sep="\n  ")
assert not report.ok

# %% [markdown]
# ## A case worth checking
#
# Small, since every number in it costs a forward pass: 3 and 4 are large enough. All sizes different, since a
# transposed square still fits. Random, since zeros and ones hide factors. And as ragged as what comes later: sentences
# of unequal length, a word that stands twice in one column, a first state that is not zero. Each of these closes a door
# that some bug of lesson 12 walks through. The library's cases are in [cases.py](../minis2s/checks/cases.py).
#
# ## What no gradient check sees
#
# It compares backward with forward. If forward itself is not what you meant, a faithful backward is a faithful copy of
# the mistake. Here is a softmax along the wrong axis, over the batch and not over the words, with the backward that
# belongs to it:

# %%
score, c = rng.normal(size=(3, 4)).astype(complex), rng.normal(size=(3, 4))
true = library_gradient(lambda: (c * softmax(score.T).T).sum(), score, "complex")
alpha = softmax(score.real.T).T
error = relative_error(right(c.T, alpha.T).T, true)
print("the check:", "ok" if error < 1e-12 else "WRONG", "  shares of each row add up to", alpha.sum(1).round(2))

# %% [markdown]
# Acquitted, and rightly so: it is the derivative of *that* function. To find out that the function is a wrong one takes
# other questions. Do the shares of a row add up to 1? Does padding change the loss? Does a sentence score the same
# alone and in a batch? [Lesson 12](12_bugs.ipynb) measures which question convicts which bug.

# %% [markdown]
# ## What to keep
#
# - Believe no backward pass that has not been compared with forward.
# - The central difference has ten digits at best, with a step of $10^{-5}$ in float64. The complex step has all of
#   them.
# - A check is a program, too. Try it on something wrong: a check that convicts nobody proves nothing.
# - Hard inputs: random, nothing zero, nothing equal; a random cotangent; an error relative to the largest entry.
#
# From here on every backward pass is checked like this, by `grade` and by `python -m minis2s gradcheck`. Next: [lesson
# 03](03_batches.ipynb), where the input is not numbers but words.

# %%
grade.summary()
