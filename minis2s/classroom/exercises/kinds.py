"""The kinds of exercises: a function, a backward pass, a prediction, a number.

Each returns an ``Exercise``. Arrays are compared one by one; a mistake that the lesson's author knows is recognised by
the very numbers it gives, and what nobody foresaw is diagnosed as ``gradcheck`` does it
(checks/diagnosis/from_numbers.py).
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minis2s.checks.derivatives import as_tuple, is_float, numerical_gradient
from minis2s.checks.diagnosis.context import size_factors
from minis2s.classroom.calling import NoAnswer, call, line_of, said_of
from minis2s.classroom.exercises.comparing import answer_arrays, as_wanted, differences
from minis2s.classroom.grading import Exercise, say

ANSWER_TOLERANCE = 1e-10  # largest error over the largest entry: float64, computed in another order
Cases = Mapping[str, tuple]  # the arguments of forward, or of the function, by what the case is: "with ties"


# Mistakes that students make: what to say, and one function or several that make it, called as the student's is.
Mistakes = Mapping[str, Callable | Iterable[Callable]]


def one_by_one(mistakes: Mistakes | None) -> list[tuple[str, Callable]]:
    """Return the sentence and the function of each mistake."""
    every = ((said, [made] if callable(made) else made) for said, made in (mistakes or {}).items())
    return [(said, make) for said, makes in every for make in makes]


def function_exercise(
    name: str,
    asks: str,
    ours: Callable,
    cases: Cases,
    hints: tuple[str, str],
    outputs: Sequence[str] = ("the result",),
    mistakes: Mistakes | None = None,
    praise: str = "",
    tolerance: float = ANSWER_TOLERANCE,
) -> Exercise:
    """Return an exercise that wants a function with the same outputs as ``ours`` on every case.

    Parameters
    ----------
    ours : the reference, which may be the library's own function
    cases : the arguments to call it with, by a description that is shown: ``{"scores near 1000": (score,)}``
    outputs : what the outputs are called
    mistakes : to recognise; each function takes what ``ours`` takes
    """

    known = one_by_one(mistakes)

    def judge(answer: Callable) -> list[str]:
        for case, arguments in cases.items():
            expected = dict(zip(outputs, as_tuple(ours(*arguments))))
            found = answer_arrays(call(answer, *arguments), expected)
            wrong = [(said, dict(zip(outputs, as_tuple(make(*arguments))))) for said, make in known]
            if sentences := differences(found, expected, wrong, tolerance, forward=True):
                return [f"{sentence} (case: {case})" for sentence in sentences]
        return []

    def like() -> dict[str, Any]:
        return dict(zip(outputs, as_tuple(ours(*next(iter(cases.values()))))))

    return Exercise(name, asks, judge, hints, praise, ours, lambda answer: converted(answer, ours, like()), known)


def backward_exercise(
    name: str,
    asks: str,
    forward: Callable,
    ours: Callable,
    cases: Cases,
    hints: tuple[str, str],
    mistakes: Mistakes | None = None,
    wrt: Sequence[str] = (),
    gates: Mapping[str, tuple[str, ...]] | None = None,
    sizes: Callable[..., Mapping[str, int]] | None = None,
    praise: str = "",
    tolerance: float = ANSWER_TOLERANCE,
) -> Exercise:
    """Return an exercise that wants the backward of ``forward``: its gradients must equal the complex step's.

    Parameters
    ----------
    forward : ``forward(*inputs) -> output, cache``, able to take complex inputs; the output is an array, a number or a
        tuple of them
    ours : ``backward(doutput, cache) -> gradients`` in the order of forward's float inputs; the student's is called
        in the same way. A tuple cache is handed over whole.
    cases : forward's inputs, by a description: ragged, repeated, with states that are not zero
    mistakes : to recognise; each function is called like ``ours``
    wrt : forward's inputs to differentiate by; all float arrays if it is empty
    gates : of a gate-major gradient, the names along its first axis: ``{"dW_x": ("r", "z", "n")}``
    sizes : takes forward's inputs, returns sizes by letter, ``{"N": 4}``, to name a wrong factor such as 1/N
    """
    names, known = list(inspect.signature(forward).parameters), one_by_one(mistakes)

    def judge(answer: Callable) -> list[str]:
        rng = np.random.default_rng(0)
        for case, inputs in cases.items():
            given = dict(zip(names, inputs))
            moved = [key for key in wrt or given if is_float(given[key])]
            output, cache = forward(*inputs)
            doutput = random_cotangent(rng, output)
            expected = {f"d{key}": array for key, array in true_gradients(forward, given, moved, doutput).items()}
            found = answer_arrays(call(answer, doutput, cache), expected)
            wrong = [(said, dict(zip(expected, as_tuple(make(doutput, cache))))) for said, make in known]
            factors = size_factors(sizes(*inputs)) if sizes else {}
            if sentences := differences(found, expected, wrong, tolerance, gates or {}, factors):
                return [f"{sentence} (case: {case})" for sentence in sentences]
        return []

    def like() -> dict[str, Any]:
        inputs = next(iter(cases.values()))
        given = dict(zip(names, inputs))
        return {f"d{key}": given[key] for key in wrt or given if is_float(given[key])}

    return Exercise(name, asks, judge, hints, praise, ours, lambda answer: converted(answer, ours, like()), known)


def converted(answer: Callable, ours: Callable, like: Mapping[str, Any]) -> Callable:
    """Return a right answer as the next cells use it: its results are those of ours in kind, whatever they came as.

    Where it fails on what a cell gives it, it says so once, and ours goes on.

    like : results of ours, by name
    """
    failed: list[str] = []

    @functools.wraps(answer)
    def handed_on(*arguments: Any) -> Any:
        try:
            found = answer_arrays(answer(*arguments), like)
            results = tuple(as_wanted(found[name], wanted) for name, wanted in like.items())
        except Exception as error:
            if not failed:
                failed.append(said_of(error))
                say(f"Here yours raises {failed[0]}{line_of(error, answer)}; this goes on with ours.")
            return ours(*arguments)
        return results if len(results) > 1 else results[0]

    return handed_on


def prediction_exercise(
    name: str,
    asks: str,
    choices: Mapping[str, str],
    right: str,
    why_not: Mapping[str, str],
    praise: str,
    hint: str = "The answer is in the next cells: run them, then choose again.",
) -> Exercise:
    """Return an exercise that wants one of the choices, to be made before the cell that shows the answer.

    Parameters
    ----------
    choices : what each letter stands for, as the lesson prints it
    why_not : for every wrong letter, a sentence that makes the student think again without telling the answer
    praise : why the right one is right
    hint : the first one; another if the next cells do not tell
    """
    if set(why_not) != set(choices) - {right}:
        raise ValueError(f"{name}: why_not has {sorted(why_not)}, the wrong choices are {set(choices) - {right}}")

    def judge(answer: Any) -> list[str]:
        if not (letter := letter_of(answer, choices)):
            raise NoAnswer(f"choose one of {', '.join(choices)}, as a letter in quotes; you gave {answer!r:.40}")
        return [] if letter == right else [f"not {letter} ({choices[letter]}): {why_not[letter]}"]

    return Exercise(name, asks, judge, (hint, f"What is left, if you think it through: {right}."), praise)


def letter_of(answer: Any, choices: Mapping[str, str]) -> str:
    """Return the choice that is meant, by its letter (also "b)", "B: that one") or in its own words; or nothing."""
    if not isinstance(answer, str):
        return ""
    text = " ".join(answer.upper().split())
    by_words = [letter for letter, said in choices.items() if text == said.upper()]
    by_letter = re.fullmatch(r"\W*([A-Z])(\W*|[.):] .*)", text)
    letters = by_words or ([by_letter.group(1)] if by_letter else [])
    return letters[0] if len(letters) == 1 and letters[0] in choices else ""


def number_exercise(
    name: str,
    asks: str,
    value: float,
    hints: tuple[str, str],
    tolerance: float = 1e-3,
    unit: str = "",
    mistakes: Mapping[str, float] | None = None,
    praise: str = "",
) -> Exercise:
    """Return an exercise that wants a number.

    Parameters
    ----------
    tolerance : relative to the value (absolute if that is 0)
    mistakes : by a sentence, the number that a mistake gives: ``{"that is in bits, not nats": 1.44}``
    """

    def judge(answer: Any) -> list[str]:
        number = number_of(answer)
        near = tolerance * (abs(value) or 1.0)
        if abs(number - value) <= near:
            return []
        for sentence, mistake in (mistakes or {}).items():
            if abs(number - mistake) <= tolerance * (abs(mistake) or 1.0):
                return [f"{number:.6g}: {sentence}"]
        if abs(number + value) <= near:
            return [f"{number:.6g} has the wrong sign"]
        return [f"{number:.6g}{f' {unit}' * bool(unit)} is too {'large' if number > value else 'small'}"]

    return Exercise(name, asks, judge, hints, praise, value)


def number_of(answer: Any) -> float:
    """Return a number, also one in quotes, in an array of its own, or complex without an imaginary part.

    Raises
    ------
    NoAnswer
        If it is none.
    """
    try:
        number = np.asarray(answer, None if isinstance(answer, (complex, np.ndarray, list)) else float)
        if number.size == 1 and not np.imag(number).any() and np.isfinite(number.real).all():
            return float(number.real.item())
    except (TypeError, ValueError):
        pass
    raise NoAnswer(f"it should be a number; you gave {answer!r:.40}")


def random_cotangent(rng: np.random.Generator, output: Any) -> Any:
    """Return random numbers shaped like an output: an array, a number, or a tuple of them."""
    if isinstance(output, tuple):
        return tuple(random_cotangent(rng, part) for part in output)
    return rng.standard_normal(np.shape(output)) if np.ndim(output) else float(rng.uniform(0.5, 2))


def true_gradients(
    forward: Callable, inputs: Mapping[str, Any], moved: Sequence[str], doutput: Any
) -> dict[str, np.ndarray]:
    """Return the complex-step gradients of sum(doutput * output) with respect to the named inputs."""
    given = {key: part.astype(complex) if key in moved else part for key, part in inputs.items()}

    def weighed() -> Any:
        outputs = as_tuple(forward(*given.values())[0])
        return sum(np.sum(c * part) for c, part in zip(as_tuple(doutput), outputs))

    return {key: numerical_gradient(weighed, given[key], "complex") for key in moved}
