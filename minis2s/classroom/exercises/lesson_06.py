"""Exercises of lesson 06, encoder and decoder."""

from functools import partial

import numpy as np

from minis2s.classroom.exercises.kinds import (
    backward_exercise,
    function_exercise,
    number_exercise,
    prediction_exercise,
)
from minis2s.classroom.grading import Lesson
from minis2s.data.batches import make_batch
from minis2s.data.vocabulary import BOS, EOS, PAD

TARGETS = {
    "three tokens and the end sign": (np.array([7, 4, 9, EOS]),),
    "a token twice": (np.array([5, 5, 8, 5, 6, EOS]),),
    "an empty target: the end sign alone": (np.array([EOS]),),
}


def previous_tokens(target):
    """Return what the library's batches feed to the decoder, (T,)."""
    return make_batch([[4]], [target[:-1].tolist()]).previous


def decoder_forward(c, y, W_y, W_c, W_h):
    """Return the states (T, H) of a decoder with a tanh cell that starts from c and reads it at every step."""
    s, states = c, []
    for y_t in y:
        s = np.tanh(y_t @ W_y + c @ W_c + s @ W_h)
        states.append(s)
    return np.array(states), (np.array(states), W_c, W_h)


def bridge_backward(
    dstates, cache, slope=lambda s: 1 - s * s, carried=1, late=False, by_context=slice(None), by_state=1, every_state=0
):
    """Return dc (H,); the choices are for the known mistakes.

    slope : of all the states (T, H)
    carried, by_state, every_state : factors of what goes on to the step before, of s_0's share, of every ds
    late : what is carried comes in behind the slope
    by_context : the steps whose context counts
    """
    states, W_c, W_h = cache
    dcs, ds, slopes = np.zeros_like(states), np.zeros(states.shape[1]), slope(states) * np.ones_like(states)
    for t in reversed(range(len(states))):
        da = (dstates[t] + (not late) * carried * ds) * slopes[t] + late * ds
        ds = da @ W_h.T
        dcs[t] = da @ W_c.T + every_state * ds
    return dcs[by_context].sum(0) + by_state * ds


BRIDGE_MISTAKES = {
    "the way through s_0 is there, the way through the context is missing: c is read at every step": partial(
        bridge_backward, by_context=slice(0)
    ),
    "the way through the context is there, but c is also s_0: what arrives there is lost": partial(
        bridge_backward, by_state=0
    ),
    "only the first step's context is counted (= where += belongs?): c is read at every step": partial(
        bridge_backward, by_context=slice(0, 1)
    ),
    "only the last step's context is counted: c is read at every step": partial(
        bridge_backward, by_context=slice(-1, None)
    ),
    "the first step's context is left out: does your loop reach t = 0?": partial(
        bridge_backward, by_context=slice(1, None)
    ),
    "the first step is left out altogether: does your loop reach t = 0?": (
        lambda dstates, cache: bridge_backward(dstates[1:], (cache[0][1:], *cache[1:]))
    ),
    "the last step is left out: does your loop begin at t = T - 1?": (
        lambda dstates, cache: bridge_backward(dstates[:-1], (cache[0][:-1], *cache[1:]))
    ),
    "the slope of step t is that of its own state s_t; this has the state of the step before": partial(
        bridge_backward, slope=lambda states: 1 - np.roll(states, 1, axis=0) ** 2
    ),
    "states are tanhs already: the slope is 1 - s^2, not 1 - tanh(s)^2": partial(
        bridge_backward, slope=lambda states: 1 - np.tanh(states) ** 2
    ),
    "that is the slope of a sigmoid, s (1 - s); here is a tanh": partial(
        bridge_backward, slope=lambda states: states * (1 - states)
    ),
    "tanh' is missing: each da is to be multiplied by 1 - s^2": partial(bridge_backward, slope=lambda s: 1),
    "tanh' is 1 - s^2; this has (1 - s)^2": partial(bridge_backward, slope=lambda s: (1 - s) ** 2),
    "what comes from step t + 1 has to go through the tanh of step t, too: add it before you multiply by 1 - s^2": (
        partial(bridge_backward, late=True)
    ),
    "nothing is carried back from step t + 1 to step t: a state is an output and the next step's input": partial(
        bridge_backward, carried=0
    ),
    "nothing is carried back from step t + 1 to step t, and what arrives at s_0 is lost": partial(
        bridge_backward, carried=0, by_state=0
    ),
    "the loop runs from the first step to the last: what is carried back comes from step t + 1": (
        lambda dstates, cache: bridge_backward(dstates[::-1], (cache[0][::-1], *cache[1:]))
    ),
    "every step's ds is added to dc; only s_0 is c, the other states are not": partial(
        bridge_backward, by_state=0, every_state=1
    ),
    "W_c and W_h go back transposed: forward is c @ W_c": lambda dstates, cache: bridge_backward(
        dstates, (cache[0], cache[1].T, cache[2].T)
    ),
    "W_c is not transposed, W_h is: forward is c @ W_c": lambda dstates, cache: bridge_backward(
        dstates, (cache[0], cache[1].T, cache[2])
    ),
    "W_h is not transposed, W_c is: forward is s @ W_h": lambda dstates, cache: bridge_backward(
        dstates, (cache[0], cache[1], cache[2].T)
    ),
    "W_c and W_h are in each other's places": lambda dstates, cache: bridge_backward(
        dstates, (cache[0], cache[2], cache[1])
    ),
}

TOKEN_MISTAKES = {
    "this is the target itself: the decoder would read the very token that it has to write": lambda target: target,
    "it begins with the end sign, which came round from the end; the decoder begins with BOS": lambda target: np.roll(
        target, 1
    ),
    "BOS stands where the first token was, and nothing was shifted: the decoder still reads the token that it has to "
    "write": lambda target: np.array([BOS, *target[1:]]),
    "it is one too long: after the end sign nothing is written, so who reads it?": lambda target: np.array(
        [BOS, *target]
    ),
    "it is one too short: before the first token the decoder has to read something, too": lambda target: target[:-1],
    "this is shifted the other way: the decoder would read the token *after* the one it has to write": lambda target: (
        np.roll(target, -1)
    ),
    "this is shifted the other way, with BOS at the end": lambda target: np.array([*target[1:], BOS]),
    "this is shifted the other way, with EOS at the end": lambda target: np.array([*target[1:], EOS]),
    "this is shifted the other way, and one too short": lambda target: target[1:],
    "0 is PAD, which stands behind the end of sentences; they begin with BOS": lambda target: np.array(
        [PAD, *target[:-1]]
    ),
    "a list + an array adds BOS to every number: put it in front with np.array([BOS, *...])": lambda target: (
        target + BOS
    ),
}

rng = np.random.default_rng(6)


def case(T, E, H):
    """Return the inputs of ``decoder_forward``, random."""
    shapes = (H,), (T, E), (E, H), (H, H), (H, H)
    return tuple(0.7 * rng.normal(size=shape) for shape in shapes)


DECODERS = {
    "four steps, three units": case(4, 2, 3),
    "one step": case(1, 3, 4),
    "two steps, five units": case(2, 3, 5),
}

grade = Lesson(
    "06",
    [
        prediction_exercise(
            "comes_out",
            'What does 0.3671875 write? "A", "B" or "C".',
            {"A": "4, 7, 2", "B": "2, 7, 4", "C": "2, 2, 2: the others are lost"},
            right="B",
            why_not={
                "A": "0.3671875 times 8 is 2.9375: which digit stands before the point?",
                "C": "after the first digit 0.9375 is kept. Where have you seen that number?",
            },
            praise="Last in, first out: each step of writing undoes one of reading.",
        ),
        number_exercise(
            "bits",
            "How many bits does a word of twelve letters need, each one of eight?",
            36.0,
            hints=(
                "One bit tells two letters apart, two bits four. How many bits tell eight apart?",
                "Three bits a letter, as in the figure; twelve letters.",
            ),
            unit="bits",
            mistakes={
                "that is one letter; the word has twelve": 3.0,
                "that is one bit a letter, which tells two letters apart; here are eight": 12.0,
                "that is a byte a letter; a byte tells 256 of them apart, and there are eight": 96.0,
                "that is in nats, natural logarithms; bits are logarithms to the base 2": float(12 * np.log(8)),
                "so many words there are; to tell so many apart takes the logarithm to the base 2 in bits": 8.0**12,
            },
            praise="Twelve times three: one float64 would do.",
        ),
        function_exercise(
            "previous_tokens",
            "Return what the decoder reads before it writes each token of target (T,), which ends in EOS.",
            previous_tokens,
            TARGETS,
            hints=(
                "In the picture the decoder reads <bos>, c, b, a and writes c, b, a, <eos>. Compare the two rows.",
                "BOS first, then every target token but the last, which nobody has to read.",
            ),
            outputs=("previous",),
            mistakes=TOKEN_MISTAKES,
            praise="As the library's batches have it, in `batch.previous`.",
        ),
        prediction_exercise(
            "unshifted",
            'What does training show if the shift is forgotten? "A", "B" or "C".',
            {
                "A": "an error, since the lengths do not fit",
                "B": "the loss stays high and nothing is learned",
                "C": "the loss falls to nearly 0, and no translation is right",
            },
            right="C",
            why_not={
                "A": "target and target are equally long",
                "B": "how hard is it to write a token that you are reading at that very step?",
            },
            praise="The easiest task there is, and not the one that you wanted.",
        ),
        backward_exercise(
            "bridge_backward",
            "Return dc of the tanh decoder that starts from c and reads it at every step.",
            decoder_forward,
            bridge_backward,
            DECODERS,
            hints=(
                "From the last step to the first: da_t = (dstates[t] + what came from step t + 1) (1 - s_t^2).",
                "Every da_t hands da_t W_c^T to c and da_t W_h^T to s_{t-1}; what arrives at s_0 belongs to c, too.",
            ),
            mistakes=BRIDGE_MISTAKES,
            wrt=("c",),
            sizes=lambda c, y, W_y, W_c, W_h: {"T": len(y), "H": len(c)},
            praise="Both ways over the bridge, and every step's share.",
        ),
        prediction_exercise(
            "wall",
            'How does exact match depend on length and on the size of the vector? "A", "B" or "C".',
            {
                "A": "all lengths come out about equally well",
                "B": "short words come out right, long ones do not; more numbers move the wall outwards",
                "C": "with 64 numbers there is room, so nearly all come out right",
            },
            right="B",
            why_not={
                "A": "does a word of twelve letters ask no more of the vector than one of three?",
                "C": "there is room. Does the network get the rule that uses it, or must it find one?",
            },
            praise="Room is one thing, and learning to use it another.",
        ),
        prediction_exercise(
            "easier",
            'Which is easier to learn through one vector? "A", "B" or "C".',
            {"A": "to copy a word", "B": "to reverse it", "C": "both are alike"},
            right="B",
            why_not={
                "A": "how many steps lie between reading the first letter that is written and writing it?",
                "C": "the same letters, but what lies on top when the writing begins?",
            },
            praise="The first letter to be written is the last one that was read.",
        ),
    ],
)
