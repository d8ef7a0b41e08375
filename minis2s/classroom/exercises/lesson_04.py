"""Exercises of lesson 04, recurrence and blame through time."""

import numpy as np

from minis2s.classroom.exercises.kinds import (
    backward_exercise,
    function_exercise,
    number_exercise,
    prediction_exercise,
)
from minis2s.classroom.exercises.lesson_04_reference import (
    CLIPPED,
    SEQUENCES,
    STEPS,
    add,
    always,
    by_largest,
    by_sizes,
    clip_by_norm,
    each_alone,
    from_da,
    new_for_old,
    only,
    rnn_backward,
    rnn_forward,
    rnn_step,
    rnn_step_backward,
    step_with,
    sum_of_norms,
    through_time,
    untransposed,
    upside_down,
    without,
    without_root,
)
from minis2s.classroom.grading import Lesson

ONE_STEP = "these are one step's alone; the same weights stood in every step"

grade = Lesson(
    "04",
    [
        number_exercise(
            "dw",
            "The gradient of w in the example by hand, to two decimals.",
            0.420 * 0.762 + 0.968 * 0.363,
            hints=(
                "w stands in each of the three steps. In one step, a = x + w h: what is the slope of a in w?",
                "da times the h before it, for each step; then add up the three.",
            ),
            tolerance=0.008,
            mistakes={
                "that is the last step's alone; w stood in the two others as well": 0.351,
                "that is the second step's alone; w stood in the two others as well": 0.320,
                "that is the sum of all da; each is still to be multiplied by the h before it": 1.476,
                "multiply each da by the h before the step, not by the h' after it": 0.394,
                "that is the mean over the steps; slopes of a number used three times are added": 0.224,
                "that is what the word x is to blame for; w stood in three steps": 0.088,
                "that is dh' times h; the slope of the tanh lies between": 0.732,
            },
            praise="0.088 * 0 + 0.420 * 0.762 + 0.968 * 0.363: a gradient of a weight is a sum over time.",
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
            mistakes={
                "the slope of the tanh is missing: dh_new has to go back through it first": step_with(
                    lambda h_new, cache: 1
                ),
                "brackets: dh_new multiplies the whole of 1 - h_new^2": lambda dh_new, cache: from_da(
                    dh_new - cache[4] ** 2, cache
                ),
                "h_new is the tanh already; (2) squares it as it is, and takes no second tanh": step_with(
                    lambda h_new, cache: 1 - np.tanh(h_new) ** 2
                ),
                "the slope is 1 - tanh^2: the square is missing": step_with(lambda h_new, cache: 1 - h_new),
                "the slope is that at the new state; this has the old one": step_with(
                    lambda h_new, cache: 1 - cache[1] ** 2
                ),
                "that is the sigmoid's slope, s (1 - s); here is a tanh": step_with(
                    lambda h_new, cache: h_new * (1 - h_new)
                ),
                "W_h is square, so nothing complains: forward went through W_h, "
                "and backward goes through W_h^T": untransposed,
                "forward multiplied W_h by the old state h; this has the new one": new_for_old,
            },
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
            mistakes={
                "nothing comes from the future: each state also went into the next step": lambda dhs, caches: (
                    through_time(dhs, caches, lambda own, future: own)
                ),
                "the future wipes out the step's own: a state has two ways out. "
                "What becomes of two slopes?": lambda dhs, caches: through_time(
                    dhs, caches, lambda own, future: future
                ),
                "what comes from the future is there twice; one plus, (3), is all": lambda dhs, caches: through_time(
                    dhs, caches, lambda own, future: own + 2 * future
                ),
                "the cache is that of the step before: dhs[t] belongs to caches[t]": lambda dhs, caches: through_time(
                    dhs, [caches[-1], *caches[:-1]], add
                ),
                "the last step is left out: range(T) ends at T - 1 by itself": without(-1),
                "the last step's own is there twice: nothing comes to it from the future, "
                "so dh begins as 0": lambda dhs, caches: through_time([*dhs[:-1], 2 * dhs[-1]], caches, add),
                ONE_STEP: (only(lambda parts: parts[0]), only(lambda parts: parts[-1])),
                "the first step is left out: range(T - 1, 0, -1) ends at 1": without(0),
                "the mean over time; a weight that stands in T steps is to blame for all, so it gets the sum": only(
                    lambda parts: sum(parts) / len(parts)
                ),
                "right, but in the order in which you walked: the last step first": lambda dhs, caches: (
                    rnn_backward(dhs, caches)[0][::-1],
                    *rnn_backward(dhs, caches)[1:],
                ),
                "dhs[0] is added once more: dh0 is what the first step hands back, "
                "and h0 is no step's output": lambda dhs, caches: (
                    rnn_backward(dhs, caches)[0],
                    rnn_backward(dhs, caches)[1] + dhs[0],
                    *rnn_backward(dhs, caches)[2:],
                ),
                "you walked forwards through time; blame comes from the end": lambda dhs, caches: tuple(
                    part[::-1] if i == 0 else part for i, part in enumerate(through_time(dhs[::-1], caches[::-1], add))
                ),
            },
            sizes=lambda x, h0, W_x, W_h, b: {"T": len(x), "B": len(h0), "H": len(b), "D": len(W_x)},
            praise="One walk from the end to the start, whatever the number of losses.",
            tolerance=1e-8,  # it is built on a step that may be right to ten digits
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
            praise="Did you guess? At this step size the right gradient ends last. Why, is the rest of the lesson.",
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
            mistakes={
                "each array is clipped by its own norm: that turns the direction of the whole. "
                "One norm for all": each_alone,
                "each entry is clipped: large ones lose their lead, and the direction turns. "
                "One factor for all": lambda gradients, limit: tuple(
                    np.clip(gradient, -limit, limit) for gradient in gradients
                ),
                "a gradient that is short enough is made longer: what does min(1, ...) in (5) do?": always,
                "the norm is the root of the sum of squares: the root is missing": without_root,
                "norms are added up; add up the squares of all entries, then take one root": sum_of_norms,
                "that is the largest entry's size; the norm is the root of the sum of all squares": by_largest,
                "those are sizes added up; the norm is the root of the sum of all squares": by_sizes,
                "the factor is upside down: it is limit / norm": upside_down,
                "nothing is clipped": lambda gradients, limit: tuple(gradients),
                "the norm is 1 whatever the limit": lambda gradients, limit: always(gradients, 1.0),
            },
            praise="One factor for all: shorter, and in the same direction.",
            tolerance=1e-5,  # 1e-6 is often added to the norm against a division by 0
        ),
    ],
)
