"""The exercises of lesson 07: additive attention."""

import numpy as np

from minis2s.classroom.exercises import lesson_07_reference as reference
from minis2s.classroom.exercises.kinds import backward_exercise, function_exercise, prediction_exercise
from minis2s.classroom.grading import Lesson
from minis2s.layers.activations import softmax

grade = Lesson(
    "07",
    [
        prediction_exercise(
            "one_unit",
            'Which query gives the first place the largest share, with one tanh unit? "A", "B" or "C".',
            {"A": "a negative one", "B": "one far below -1", "C": "none"},
            right="C",
            why_not={
                "A": "work it out for the query -1: tanh of -2, -1 and 0. Which score is the largest?",
                "B": "far below -1 all three tanh are nearly -1; which is still the largest, by a little?",
            },
            praise="tanh rises everywhere: the query shifts all three places and never changes their order.",
        ),
        function_exercise(
            "masked_alpha",
            "Return the shares of the real tokens, (B, S), 0 on the padding.",
            reference.masked_alpha,
            reference.SCORES,
            hints=(
                "Shares that are taken away afterwards have already cost the others. Change the scores, then share.",
                "Which score has the share e^score = 0, exactly? np.where(mask, score, that one), then softmax.",
            ),
            outputs=("alpha",),
            mistakes={
                "a number in the place of infinity: "
                "it holds until real scores lie below that number": reference.NOT_INFINITE,
                "the padding gets its share as if it were text: the mask is not used": lambda s, m: softmax(s),
                "0 on the padding, but the rest no longer adds up to 1: "
                "the padding took its share first": reference.small_after,
                "a score of 0 is not a share of 0: what is e^0?": lambda score, mask: softmax(score * mask),
                "right until the padding's score is far above the rest: then every real share underflows to 0, and "
                "0/0 is left. Take the padding out before the softmax": lambda score, mask: (
                    reference.small_after(score, mask) / reference.small_after(score, mask).sum(-1, keepdims=True)
                ),
                "the mask is turned round: True is a real token": lambda score, mask: softmax(
                    np.where(mask, -np.inf, score)
                ),
                "the mask is turned round: True is a real token, and here the real ones lose": reference.TURNED_ROUND,
                "the mask came after the softmax: -inf is a score, not a share": lambda score, mask: np.where(
                    mask, softmax(score), -np.inf
                ),
                "the softmax runs over the wrong axis: each sentence, a row, is one whole": lambda score, mask: (
                    softmax(np.where(mask, score, -np.inf).T).T
                ),
            },
            praise="e^-inf is 0, exactly, so what stands on the padding can do nothing.",
        ),
        backward_exercise(
            "look_backward",
            "Derive dscore and dmemory of alpha = softmax(score), context = sum_j alpha_j memory_j; code it.",
            reference.look_forward,
            reference.look_backward,
            reference.cases("score", "memory", "mask"),
            hints=(
                "First (4), which gives dalpha_j, one number a place, and dmemory_j. Then (3), as in lesson 01.",
                "dalpha_j = memory_j . dcontext; dmemory_j = alpha_j dcontext; "
                "dscore_j = alpha_j (dalpha_j - the mean of dalpha by alpha).",
            ),
            mistakes={
                "this is dalpha: it still has to pass the softmax": reference.look_with(lambda alpha, dalpha: dalpha),
                "the sum is missing: more of one share is less of the others": reference.look_with(
                    lambda alpha, dalpha: alpha * dalpha
                ),
                "this is the diagonal of the Jacobian alone: "
                "does alpha_j depend on no score but score_j?": reference.look_with(
                    lambda alpha, dalpha: alpha * (1 - alpha) * dalpha
                ),
                "the sum of dalpha is to be weighed: each place is in the mean with its own share": reference.look_with(
                    lambda alpha, dalpha: alpha * (dalpha - dalpha.sum(-1, keepdims=True))
                ),
                "the sum runs over the sentences, axis 0; each sentence, a row, "
                "has a softmax of its own": reference.look_with(
                    lambda alpha, dalpha: alpha * (dalpha - (alpha * dalpha).sum(0))
                ),
                "alpha is missing outside: a place with a small share hears little": reference.look_with(
                    lambda alpha, dalpha: dalpha - (alpha * dalpha).sum(-1, keepdims=True)
                ),
                "that is alpha itself; its gradient has to pass the softmax": reference.look_with(
                    lambda alpha, dalpha: alpha
                ),
                "the context took alpha_j of memory_j, not dscore_j": reference.dmemory_with(
                    lambda alpha, dscore: dscore
                ),
                "the sum runs over all sentences: each has a softmax of its own": reference.look_with(
                    lambda alpha, dalpha: alpha * (dalpha - (alpha * dalpha).sum())
                ),
                "a place is compared with the plain mean; it should be the mean that the context is, "
                "by alpha": reference.look_with(
                    lambda alpha, dalpha: alpha * (dalpha - dalpha.mean(-1, keepdims=True))
                ),
                "dcontext arrives at every place alike; "
                "how much of memory_j is in the context?": lambda dcontext, cache: (
                    reference.look_backward(dcontext, cache)[0],
                    np.broadcast_to(dcontext[:, None], cache[1].shape),
                ),
            },
            sizes=lambda score, memory, mask: dict(zip("BSM", memory.shape)),
            praise="Each score hears how much better its place is than what was read, times its own share.",
        ),
        backward_exercise(
            "score_backward",
            "Derive dquery, dmemory, dW_q, dW_k and dv of score_j = tanh(query W_q + memory_j W_k) . v; code it.",
            reference.score_forward,
            reference.score_backward,
            reference.cases("query", "memory", "W_q", "W_k", "v"),
            hints=(
                "Go backwards from score to hidden (B, S, A), then through the tanh, to what stands inside it.",
                "dinside = dscore[..., None] * v * (1 - hidden**2), (B, S, A). The query gets its sum over S.",
            ),
            mistakes={
                "tanh' is missing: hidden is a tanh": reference.score_with(lambda d, v, hidden: d * v + 0 * hidden),
                "the slope is 1 - tanh(...)^2, and hidden is that tanh already: no second one": reference.score_with(
                    lambda d, v, hidden: d * v * (1 - np.tanh(hidden) ** 2)
                ),
                "h (1 - h) is the slope of a sigmoid; here is a tanh": reference.score_with(
                    lambda d, v, hidden: d * v * hidden * (1 - hidden)
                ),
                "the slope of the tanh is 1 - hidden^2: the square is missing": reference.score_with(
                    lambda d, v, hidden: d * v * (1 - hidden)
                ),
                "v stands behind the tanh, in (2): "
                "its gradient does not go through the slope": reference.through_the_slope,
                "one sentence of the batch is counted; all of them used this": [
                    lambda dscore, cache, b=b: reference.score_backward(
                        np.where(np.arange(len(dscore))[:, None] == b % len(dscore), dscore, 0), cache
                    )
                    for b in (0, -1)
                ],
                "v is missing: (2) multiplies every hidden unit by its own v": reference.score_with(
                    lambda d, v, hidden: d * (1 - hidden * hidden)
                ),
                "the query was used at every place of the memory: a mean is not a sum": lambda dscore, cache: tuple(
                    part / dscore.shape[1] if i in (0, 2) else part
                    for i, part in enumerate(reference.score_backward(dscore, cache))
                ),
                "the sum over the places is one of products, memory_j times dinside_j; "
                "this is a product of sums": reference.product_of_sums,
                "one place of the memory is counted; forward used this at every place": lambda dscore, cache: (
                    reference.score_backward(np.where(np.arange(dscore.shape[1]) == 0, dscore, 0), cache)
                ),
            },
            sizes=lambda query, memory, *weights: dict(zip("BSM", memory.shape)),
            praise="Five gradients, each summed over what forward broadcast.",
        ),
        backward_exercise(
            "attention_backward",
            "Put look_backward and score_backward together, for dquery, dmemory, dW_q, dW_k, dv.",
            reference.attention_forward,
            reference.attention_backward,
            reference.cases("query", "memory", "mask", "W_q", "W_k", "v"),
            hints=(
                "First look_backward(dcontext, look_cache). Which of its two results does score_backward want?",
                "Both of them return a gradient of the memory: it was scored, and it was read.",
            ),
            mistakes={
                "only what came through the context, (4): the memory was scored as well, (1)": reference.with_dmemory(
                    lambda dvalues, dkeys: dvalues
                ),
                "only what came through the scores, (1): the memory was read as well, (4)": reference.with_dmemory(
                    lambda dvalues, dkeys: dkeys
                ),
                "both parts are there, but a fork forward is a sum backward, not a mean": reference.with_dmemory(
                    lambda dvalues, dkeys: (dvalues + dkeys) / 2
                ),
                "both parts are there, but a fork forward is a sum backward": [
                    reference.with_dmemory(make)
                    for make in (np.subtract, lambda dvalues, dkeys: dkeys - dvalues, np.multiply)
                ],
                "score_backward wants dscore, the first result of look_backward; "
                "this handed it alpha": reference.handed_on(lambda alpha, dalpha: alpha),
                "score_backward wants dscore, the first result of look_backward; "
                "this handed it dalpha": reference.handed_on(lambda alpha, dalpha: dalpha),
            },
            sizes=lambda query, memory, *rest: dict(zip("BSM", memory.shape)),
            praise="Additive attention, backward: equal to the complex step.",
        ),
        prediction_exercise(
            "offset",
            'Where is the weight that is not at j, when the letter at j is written? "A", "B", "C" or "D".',
            {"A": "hardly any", "B": "mostly at j - 1", "C": "mostly at j + 1", "D": "on both sides alike"},
            right="C",
            why_not={
                "A": "look at the last maps: is all that is dark on the diagonal? And why would it have to be?",
                "B": "memory_j is the encoder's state after letters 1 to j. What does that at j - 1 know of letter j?",
                "D": "memory_j is the encoder's state after letters 1 to j. Who knows letter j, and who cannot?",
            },
            praise="The state to the right has read the letter and still knows it; the state to the left has not.",
        ),
        prediction_exercise(
            "broken",
            'Which mistake does the most harm? "A", "B", "C" or "D".',
            {"A": "no keys' path", "B": "no query's path", "C": "no sum in the softmax", "D": "each about as much"},
            right="C",
            why_not={
                "A": "the memory still hears through the context what it should hold, and W_k still learns",
                "B": "the state still hears through the cell what it should hold, and W_q still learns to ask with it",
                "D": "two of them cut one road where another stays open. Which one turns the direction?",
            },
            praise="A missing path is a poorer teacher; a missing comparison is a wrong one.",
        ),
    ],
)
