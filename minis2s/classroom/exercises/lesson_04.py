"""Exercises of lesson 04, recurrence and blame through time."""

import numpy as np

from minis2s.classroom.exercises.kinds import (
    Slip,
    backward_exercise,
    function_exercise,
    number_exercise,
    prediction_exercise,
)
from minis2s.classroom.grading import Lesson
from minis2s.layers.cell import CellCache
from minis2s.layers.rnn import RNN

rng = np.random.default_rng(4)


def inputs(*x_shape: int, hidden: int) -> tuple:
    """Return x, h0, W_x, W_h, b; the first state is not zero, and no two sizes are equal."""
    *_, B, D = x_shape
    shapes = (x_shape, (B, hidden), (D, hidden), (hidden, hidden), (hidden,))
    return tuple(0.7 * rng.normal(size=shape) for shape in shapes)


STEPS = {"3 rows, 4 inputs, 2 states": inputs(3, 4, hidden=2), "1 row": inputs(1, 2, hidden=3)}
SEQUENCES = {
    "5 steps of 3 rows, 4 inputs, 2 states": inputs(5, 3, 4, hidden=2),
    "1 step": inputs(1, 2, 4, hidden=3),
}
GRADIENTS = [2 * rng.normal(size=shape) for shape in ((2, 3), (3, 3), (3,))]
CLIPPED = {
    "longer than the limit": (GRADIENTS, 1.0),
    "shorter than the limit": ([gradient / 100 for gradient in GRADIENTS], 1.0),
    "zero everywhere": ([0 * gradient for gradient in GRADIENTS], 1.0),
}


def rnn_step(x, h, W_x, W_h, b):
    """Return the new state and the cache (x, h, W_x, W_h, h_new)."""
    h_new = np.tanh(x @ W_x + h @ W_h + b)
    return h_new, (x, h, W_x, W_h, h_new)


def rnn_forward(x, h0, W_x, W_h, b):
    """Return all states (T, B, H), and the cache of each step."""
    h, hs, caches = h0, [], []
    for x_t in x:
        h, cache = rnn_step(x_t, h, W_x, W_h, b)
        hs.append(h)
        caches.append(cache)
    return np.array(hs), caches


def library_backward(dhs, caches):
    """Return what the library's RNN does: dx (N, D), dh0 (B, H), dW_x, dW_h, db."""
    x, h, h_new = (np.concatenate([cache[i] for cache in caches]) for i in (0, 1, 4))
    W_x, W_h = caches[0][2:4]
    cell = RNN(W_x[None], W_h[None], np.zeros((1, 1, len(W_h))))
    alive = [len(cache[0]) for cache in caches]
    gradient, dx, dh0 = cell.backward(np.concatenate(list(dhs)), CellCache(x, h, h_new[None], alive))
    return dx, dh0, gradient.W_x[0], gradient.W_h[0], gradient.b[0, 0]


def rnn_step_backward(dh_new, cache):
    """Return dx, dh, dW_x, dW_h, db."""
    return library_backward([dh_new], [cache])


def rnn_backward(dhs, caches):
    """Return dx (T, B, D), dh0, dW_x, dW_h, db."""
    dx, *others = library_backward(dhs, caches)
    return dx.reshape(len(dhs), -1, dx.shape[-1]), *others


def from_da(da, cache):
    """Return the five gradients from that of the bracket."""
    x, h, W_x, W_h, _ = cache
    return da @ W_x.T, da @ W_h.T, x.T @ da, h.T @ da, da.sum(0)


def step_with(slope):
    """Return a backward of the step with another slope, a function of (h_new, cache)."""
    return lambda dh_new, cache: from_da(dh_new * slope(cache[4], cache), cache)


def untransposed(dh_new, cache):
    """Multiply by W_h as forward does."""
    dx, _, *others = rnn_step_backward(dh_new, cache)
    return dx, (dh_new * (1 - cache[4] ** 2)) @ cache[3], *others


def new_for_old(dh_new, cache):
    """Take the new state for the old one in dW_h."""
    h_new = cache[4]
    dx, dh, dW_x, _, db = rnn_step_backward(dh_new, cache)
    return dx, dh, dW_x, h_new.T @ (dh_new * (1 - h_new**2)), db


def through_time(dhs, caches, carry, keep=sum):
    """Walk back with ``carry(own, future)`` at each state and ``keep(gradients, last step first)`` for the weights."""
    future, dxs, kept = None, [], []
    for own, cache in zip(reversed(dhs), reversed(caches)):
        dx, future, *weights = rnn_step_backward(own if future is None else carry(own, future), cache)
        dxs.insert(0, dx)
        kept.append(weights)
    return np.array(dxs), future, *(keep(parts) for parts in zip(*kept))


def add(own, future):
    """Return the sum of both ways out of a state."""
    return own + future


def only(parts_of):
    """Return a slip's backward: right but for which steps' weight gradients are kept."""
    return lambda dhs, caches: through_time(dhs, caches, add, parts_of)


def clip_by_norm(gradients, limit):
    """Return the gradients, shortened by one factor to a common norm of at most limit."""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return tuple(gradient * (limit / max(norm, limit)) for gradient in gradients)


def each_alone(gradients, limit):
    """Clip every array by its own norm."""
    return tuple(clip_by_norm([gradient], limit)[0] for gradient in gradients)


def always(gradients, limit):
    """Give every gradient the norm limit."""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return tuple(gradient * (limit / norm) for gradient in gradients)


def without_root(gradients, limit):
    """Forget the root."""
    norm = sum((gradient**2).sum() for gradient in gradients)
    return tuple(gradient * (limit / max(norm, limit)) for gradient in gradients)


def sum_of_norms(gradients, limit):
    """Add up norms where their squares are to be added up."""
    norm = sum(np.sqrt((gradient**2).sum()) for gradient in gradients)
    return tuple(gradient * (limit / max(norm, limit)) for gradient in gradients)


ONE_STEP = "these are one step's alone; the same weights stood in every step"

grade = Lesson(
    "04",
    [
        number_exercise(
            "dw",
            "The gradient of w in the example by hand, to two decimals.",
            0.420 * 0.762 + 0.967 * 0.364,
            hints=(
                "w stands in each of the three steps. In one step, a = x + w h: what is the slope of a in w?",
                "da times the h before it, for each step; then add up the three.",
            ),
            tolerance=0.008,
            slips={
                "that is the last step's alone; w stood in the two others as well": 0.352,
                "that is the second step's alone; w stood in the two others as well": 0.320,
                "that is the sum of all da; each is still to be multiplied by the h before it": 1.475,
                "multiply each da by the h before the step, not by the h' after it": 0.394,
                "that is the mean over the steps; slopes of a number used three times are added": 0.224,
                "that is dh' times h; the slope of the tanh lies between": 0.733,
            },
            praise="0.088 * 0 + 0.420 * 0.762 + 0.967 * 0.364: a gradient of a weight is a sum over time.",
        ),
        backward_exercise(
            "rnn_step_backward",
            "Derive dx, dh, dW_x, dW_h and db of one step of a tanh RNN, and code it.",
            rnn_step,
            rnn_step_backward,
            STEPS,
            hints=(
                "First da, the gradient of x W_x + h W_h + b: dh_new times the slope (2). The rest is a linear layer.",
                "dx has the shape of x: da W_x^T. dW_x has the shape of W_x: x^T da. db has one entry a column.",
            ),
            slips=[
                Slip(
                    "the slope of the tanh is missing: dh_new has to go back through it first",
                    step_with(lambda h_new, cache: 1),
                ),
                Slip(
                    "h_new is the tanh already; (2) squares it as it is, and takes no second tanh",
                    step_with(lambda h_new, cache: 1 - np.tanh(h_new) ** 2),
                ),
                Slip("the slope is 1 - tanh^2: the square is missing", step_with(lambda h_new, cache: 1 - h_new)),
                Slip(
                    "the slope is that at the new state; this has the old one",
                    step_with(lambda h_new, cache: 1 - cache[1] ** 2),
                ),
                Slip(
                    "that is the sigmoid's slope, s (1 - s); here is a tanh",
                    step_with(lambda h_new, cache: h_new * (1 - h_new)),
                ),
                Slip(
                    "W_h is square, so nothing complains: forward went through W_h, and backward goes through W_h^T",
                    untransposed,
                ),
                Slip("forward multiplied W_h by the old state h; this has the new one", new_for_old),
            ],
            sizes=lambda x, h, W_x, W_h, b: {"B": len(x), "H": len(b), "D": len(W_x)},
            praise="All five equal the complex step. Four products and a sum: the whole of a recurrent step.",
        ),
        backward_exercise(
            "rnn_backward",
            "Walk back through the whole sequence: dx, dh0, dW_x, dW_h, db.",
            rnn_forward,
            rnn_backward,
            SEQUENCES,
            hints=(
                "Last step first. What rnn_step_backward must be given is dhs[t] plus what the step after it returned.",
                "dx[t], dh, ... = rnn_step_backward(dhs[t] + dh, caches[t]), with dh = 0 before the last step; the "
                "weights' gradients are added up, and the dh that is left at the end is dh0.",
            ),
            slips=[
                Slip(
                    "nothing comes from the future: each state also went into the next step",
                    lambda dhs, caches: through_time(dhs, caches, lambda own, future: own),
                ),
                Slip(
                    "the future wipes out the step's own: a state has two ways out. What becomes of two slopes?",
                    lambda dhs, caches: through_time(dhs, caches, lambda own, future: future),
                ),
                Slip(ONE_STEP, only(lambda parts: parts[0])),
                Slip(ONE_STEP, only(lambda parts: parts[-1])),
                Slip(
                    "the mean over time; a weight that stands in T steps is to blame for all, so it gets the sum",
                    only(lambda parts: sum(parts) / len(parts)),
                ),
                Slip(
                    "right, but in the order in which you walked: the last step first",
                    lambda dhs, caches: (rnn_backward(dhs, caches)[0][::-1], *rnn_backward(dhs, caches)[1:]),
                ),
                Slip(
                    "dhs[0] is added once more: dh0 is what the first step hands back, and h0 is no step's output",
                    lambda dhs, caches: (
                        rnn_backward(dhs, caches)[0],
                        rnn_backward(dhs, caches)[1] + dhs[0],
                        *rnn_backward(dhs, caches)[2:],
                    ),
                ),
                Slip(
                    "you walked forwards through time; blame comes from the end",
                    lambda dhs, caches: tuple(
                        part[::-1] if i == 0 else part
                        for i, part in enumerate(through_time(dhs[::-1], caches[::-1], add))
                    ),
                ),
            ],
            sizes=lambda x, h0, W_x, W_h, b: {"T": len(x), "B": len(h0), "H": len(b), "D": len(W_x)},
            praise="One walk from the end to the start, whatever the number of losses.",
        ),
        prediction_exercise(
            "worst",
            'Which of the four backward passes names the fewest letters? "A", "B", "C" or "D".',
            {"A": "right", "B": "assigned", "C": "no time", "D": "frozen"},
            right="A",
            why_not={
                "B": "it loses most steps' own blame, but what the last step sends still reaches every step",
                "C": "reasonable, since it never learns to remember; but does a state forget so fast by itself?",
                "D": "reasonable, since nothing in it learns to remember; but does a state forget so fast by itself?",
            },
            praise="Did you guess? The right gradient ends last, at this step size. The lesson is about why.",
        ),
        prediction_exercise(
            "with_words",
            'The factor is 1.1 and words come in: what is the blame after forty steps? "A", "B" or "C".',
            {"A": "even larger than 45", "B": "about 45", "C": "next to nothing"},
            right="C",
            why_not={
                "A": "in silence every slope is 1, the largest there is; can words make a slope larger?",
                "B": "that is in silence, at the steepest point of the tanh; where do words put the states?",
            },
            praise="Words push the states to where the tanh is flat, and 1.1 times such a slope is below 1.",
        ),
        function_exercise(
            "clip_by_norm",
            "Return the gradients, shortened by one factor so that their common norm is at most limit.",
            clip_by_norm,
            CLIPPED,
            hints=(
                "One norm over all arrays: the root of the sum of all squares. Then one factor for all, (5).",
                "factor = 1 if norm <= limit, else limit / norm; return [gradient * factor for gradient in gradients].",
            ),
            outputs=("dW_x", "dW_h", "db"),
            slips=[
                Slip(
                    "each array is clipped by its own norm: that turns the direction of the whole. One norm for all",
                    each_alone,
                ),
                Slip(
                    "each entry is clipped: large ones lose their lead, and the direction turns. One factor for all",
                    lambda gradients, limit: tuple(np.clip(gradient, -limit, limit) for gradient in gradients),
                ),
                Slip("a gradient that is short enough is made longer: what does min(1, ...) in (5) do?", always),
                Slip("the norm is the root of the sum of squares: the root is missing", without_root),
                Slip("norms are added up; add up the squares of all entries, then take one root", sum_of_norms),
                Slip("nothing is clipped", lambda gradients, limit: tuple(gradients)),
                Slip(
                    "the norm is 1 whatever the limit",
                    lambda gradients, limit: always(gradients, 1.0),
                ),
            ],
            praise="One factor for all: shorter, and in the same direction.",
            tolerance=1e-5,  # 1e-6 is often added to the norm against a division by 0
        ),
    ],
)
