"""Exercises of lesson 05, gates: GRU and LSTM."""

import math

import numpy as np

from minis2s.classroom.exercises import lesson_05_reference as reference
from minis2s.classroom.exercises.kinds import backward_exercise, number_exercise, prediction_exercise
from minis2s.classroom.grading import Lesson

grade = Lesson(
    "05",
    [
        number_exercise(
            "bias",
            "The bias at which a gate with no other input keeps half of a gradient over 50 steps, to two decimals.",
            math.log(1 / (2 ** (1 / 50) - 1)),
            hints=(
                "First z: z^50 = 0.5. Then solve z = 1 / (1 + e^-b) for b.",
                "z = 0.5^(1/50) = 0.98623, and b = ln(z / (1 - z)).",
            ),
            tolerance=0.001,  # two decimals, rounded
            mistakes={
                "that is z itself; which b has it as its sigmoid?": 0.5 ** (1 / 50),
                "nearly; give two decimals": 4.3,
                "nearly: that is of z = 0.986, rounded too early": math.log(0.986 / 0.014),
                "that is in powers of ten; the sigmoid has powers of e": math.log10(1 / (2 ** (1 / 50) - 1)),
                "that is the bias of z = 0.99, which keeps 0.99^50 = 0.61 over 50 steps": math.log(99),
                "that is the bias of z = 0.9, which keeps 0.9^50 = 0.005 over 50 steps": math.log(9),
                "that gives z = 0.5: half of the gradient over one step, not over 50": 0.0,
                "e^-b is (1 - z) / z, not 1 - z: solve z (1 + e^-b) = 1": -math.log(1 - 0.5 ** (1 / 50)),
            },
            praise="Near 4.3, where z = 0.986. A gate that is to remember must be almost shut to the new.",
        ),
        prediction_exercise(
            "forgets",
            'Whose gradient falls fastest with first weights? "A", "B", "C" or "D".',
            {"A": "that of the plain RNN", "B": "that of the GRU", "C": "that of the LSTM", "D": "all fall alike"},
            right="B",
            why_not={
                "A": "its first W_h is orthogonal: by how much does that stretch or shrink a gradient?",
                "C": "its forget gate starts with a bias of 1; with what do the GRU's gates start?",
                "D": "three first weights: an orthogonal W_h without a gate, a gate of bias 0, a gate of bias 1",
            },
            praise="Its biases are 0, so z starts near 0.5, and half of the direct path is lost at each step.",
        ),
        backward_exercise(
            "mix_backward",
            "Return dn, dz and dh of h' = n + z (h - n), equation (4).",
            reference.mix_forward,
            reference.mix_backward,
            reference.MIXES,
            hints=(
                "Three derivatives of n + z (h - n), one by each letter, the other two fixed.",
                "By n it is 1 - z, since n stands there twice; by z it is what z multiplies; by h it is z.",
            ),
            mistakes={
                "n stands in (4) twice, once with a minus": lambda dh_new, cache: (
                    dh_new,
                    *reference.mix_backward(dh_new, cache)[1:],
                ),
                "z and 1 - z exchanged: which of n and h does z = 1 keep? "
                "(Some papers call our 1 - z z.)": lambda dh_new, cache: (
                    dh_new * cache[1],
                    dh_new * (cache[2] - cache[0]),
                    dh_new * (1 - cache[1]),
                ),
                "these are the slopes of (4); each is still to be multiplied by dh_new": reference.mix_slopes,
                "z multiplies h - n, not h alone": lambda dh_new, cache: (
                    dh_new * -cache[1],
                    dh_new * cache[2],
                    dh_new,
                ),
                "the cache is (n, z, h), in this order": lambda dh_new, cache: reference.mix_backward(
                    dh_new, (cache[1], cache[0], cache[2])
                ),
                "brackets: dh_new multiplies the whole of h - n": lambda dh_new, cache: (
                    dh_new,
                    dh_new * cache[2] - cache[0],
                    dh_new,
                ),
                "this is da_n or da_z, before the tanh or the sigmoid; here stop at n and z": reference.mix_too_far,
            },
            praise="Remember dh = dh' z: no matrix, no tanh. That is the road of this lesson.",
        ),
        backward_exercise(
            "candidate_backward",
            "Return da_n, dr and du_n of n = tanh(a_n + r u_n), equation (3).",
            reference.candidate_forward,
            reference.candidate_backward,
            reference.CANDIDATES,
            hints=(
                "First through the tanh, to what stands inside it; the slope of tanh is 1 - n^2. Then each letter.",
                "da_n = dn (1 - n^2); inside, a_n has the factor 1, r has u_n, and u_n has r.",
            ),
            mistakes={
                "the tanh is missing: its slope is 1 - n^2": lambda dn, cache: (dn, dn * cache[1], dn * cache[0]),
                "r and u_n met in (3) as a product: by one of them, what is the slope?": lambda dn, cache: (
                    (reference.candidate_backward(dn, cache)[0],) * 3
                ),
                "exchanged: what stands beside r inside the tanh, and what beside u_n?": lambda dn, cache: tuple(
                    reference.candidate_backward(dn, cache)[k] for k in (0, 2, 1)
                ),
                "n is the tanh already: its slope is 1 - n^2, not 1 - tanh(n)^2": lambda dn, cache: (
                    reference.candidate_backward(dn * (1 - np.tanh(cache[2]) ** 2) / (1 - cache[2] ** 2), cache)
                ),
                "n is the whole tanh, a_n included: its slope is 1 - n^2": lambda dn, cache: (
                    reference.candidate_backward(
                        dn * (1 - np.tanh(cache[0] * cache[1]) ** 2) / (1 - cache[2] ** 2), cache
                    )
                ),
                "the slope of the tanh is 1 - n^2: n is squared": lambda dn, cache: reference.candidate_backward(
                    dn / (1 + cache[2]), cache
                ),
                "the slope of the tanh is 1 - n^2, with a minus": lambda dn, cache: reference.candidate_backward(
                    dn * (1 + cache[2] ** 2) / (1 - cache[2] ** 2), cache
                ),
                "a_n stands alone inside the tanh: no r before it": reference.candidate_r_everywhere,
                "that is the sigmoid's slope, s (1 - s); n is a tanh": reference.candidate_of_a_sigmoid,
                "this is da_r, before the sigmoid; here stop at r": reference.candidate_too_far,
            },
            praise="A reset gate of 0 cuts u_n off, and its gradient with it.",
        ),
        backward_exercise(
            "gru_step_backward",
            "Return dx, dh, dW_x, dW_h, db_x and db_h of one GRU step.",
            reference.gru_step,
            reference.gru_step_backward,
            reference.STEPS,
            hints=(
                "First da_r and da_z, through the sigmoids. Stack da (r, z, n) and du (r, z, n): where do they differ? "
                "Then two matrix products, a = x W_x + b_x and u = h W_h + b_h, as for any linear layer.",
                "da_r = dr r (1 - r), da_z = dz z (1 - z); du holds du_n in the place of da_n; "
                "dh = dh + the sum over the gates of du W_h^T; db are sums over the batch with keepdims=True.",
            ),
            mistakes={
                "h fed all three gates; this is the direct path of (4) alone": reference.direct_path_alone,
                "h goes into (4) directly, too: the dh of mix_backward is to be added": reference.without_direct_path,
                "this comes out if r and z change places: the order is r, z, n": reference.r_and_z_exchanged,
                "r and z read h as well: this lets only the candidate hand on to it": reference.without_r_and_z,
                "this comes out if du has da_n for n: which of a_n and u_n met r in (3)?": reference.same_on_both_sides,
                "this comes out if da has du_n for n: "
                "which of a_n and u_n met r in (3)?": reference.hidden_side_on_both,
                "this comes out if dr and dz are taken for da_r and da_z: "
                "each went through a sigmoid": reference.without_sigmoid,
                "this comes out if dz is taken for da_z: z went through a sigmoid, "
                "with the slope z (1 - z)": reference.with_slopes(reference.sigmoid_slope, np.ones_like),
                "this comes out if dr is taken for da_r: r went through a sigmoid, "
                "with the slope r (1 - r)": reference.with_slopes(np.ones_like, reference.sigmoid_slope),
                "1 - s^2 is the slope of a tanh; r and z are sigmoids": reference.with_slopes(
                    lambda r: 1 - r * r, lambda z: 1 - z * z
                ),
                "z is missing in the direct path: (4) hands h on times z": reference.direct_path_without_z,
                "W_h read h itself, and (3) multiplied by r only then: no r h in dW_h": reference.reset_before,
                "W_h is to be transposed; it is square, so the shape does not tell": reference.not_turned,
            },
            gates={name: ("r", "z", "n") for name in ("dW_x", "dW_h", "db_x", "db_h")},
            sizes=lambda x, h, *_: {"B": len(x), "E": x.shape[1], "H": h.shape[1], "gates": 3},
            praise="All six gradients equal the complex step. This is the heart of layers/gru.py.",
        ),
        backward_exercise(
            "path_backward",
            "Return dc of the LSTM's (5) and (6) from dh', dc' and the cache (f, o, tanh c').",
            reference.path_forward,
            reference.path_backward,
            reference.PATHS,
            hints=(
                "c' goes two ways: on to the next step, as dc' says, and through (6) into h'. Add both, then (5).",
                "All of c' gets dc' + dh' o (1 - tanh_c^2); and by (5), c' changes f times as much as c.",
            ),
            mistakes={
                "this is what was remembered alone: c' is shown, too, through (6)": lambda new, cache: (
                    new[1] * cache[0]
                ),
                "this is what was shown alone: c' goes on to the next step, too": lambda new, cache: (
                    reference.path_backward((new[0], 0 * new[1]), cache)
                ),
                "this is the gradient of c'; (5) is still to come": lambda new, cache: (
                    reference.path_backward(new, cache) / cache[0]
                ),
                "both ways end at c', and c' at c: f multiplies the whole sum": reference.PATHS_WITHOUT_F,
                "(6) has a tanh: its slope is 1 - tanh_c^2": reference.PATHS_WITHOUT_SLOPE,
                "f multiplies the whole sum; and (6) has a tanh, whose slope is missing": lambda new, cache: (
                    new[1] * cache[0] + new[0] * cache[1]
                ),
                "the slope of the tanh is 1 - tanh_c^2: the square is missing": reference.path_without_square,
                "tanh_c is the tanh of c' already: its slope is 1 - tanh_c^2": lambda new, cache: (
                    (new[1] + new[0] * cache[1] * (1 - np.tanh(cache[2]) ** 2)) * cache[0]
                ),
                "(6) has an output gate: h' is o times the tanh": lambda new, cache: (
                    (new[1] + new[0] * (1 - cache[2] ** 2)) * cache[0]
                ),
                "a fork is a sum: what was shown and what goes on are added": reference.path_with(
                    lambda dh, dc, f, o, tanh_c, slope: (dc - dh * o * slope) * f
                ),
                "dh' and dc' are in each other's places: which of them comes through (6)?": reference.path_with(
                    lambda dh, dc, f, o, tanh_c, slope: (dh + dc * o * slope) * f
                ),
                "f and o are given as they are, after their sigmoids: no s (1 - s) here": [
                    reference.path_with(make)
                    for make in (
                        lambda dh, dc, f, o, tanh_c, slope: (dc + dh * o * (1 - o) * slope) * f,
                        lambda dh, dc, f, o, tanh_c, slope: (dc + dh * o * slope) * f * (1 - f),
                    )
                ],
            },
            wrt=("c",),
            praise="Along c there is only a factor f a step: the LSTM's road, as z is the GRU's.",
        ),
        prediction_exercise(
            "learns",
            'Which cells remember the capital after ten epochs, for each of three seeds? "A", "B" or "C".',
            {"A": "the RNN and the LSTM", "B": "the GRU and the LSTM", "C": "the LSTM alone"},
            right="B",
            why_not={
                "A": "a gradient that arrives is one thing; must the RNN not also keep the capital from 29 other "
                "letters, each of which rewrites the whole state?",
                "C": "the curves above are of first weights; may training not move the GRU's gates?",
            },
            praise="The gates learn. What a gradient looks like at first is not what it looks like later.",
        ),
        prediction_exercise(
            "agree",
            'For which r is reset-before equal to reset-after, whatever h and W_h are? "A", "B", "C" or "D".',
            {
                "A": "r = 1 in every unit, only",
                "B": "r the same in every unit",
                "C": "every r: products may be exchanged",
                "D": "none",
            },
            right="B",
            why_not={
                "A": "that is one of them; try r = 0.5 in both units of the example",
                "C": "in the example above r = (1, 0) gave two different results",
                "D": "try r = (1, 1) in the example",
            },
            praise="A plain number can move through the product; a gate of different entries cannot.",
        ),
    ],
)
