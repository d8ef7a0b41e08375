"""What is handed to a diagnosis, without measuring: the right backward's gradients stand for the measured ones."""

from minis2s.checks import make_case
from minis2s.checks.comparison import gradients_of
from minis2s.checks.derivatives import Trial, draw_cotangent, relative_error
from minis2s.checks.diagnosis.diagnose import Subject, explain
from minis2s.museum import Bug, planted


def made_up(where, old, new):
    """A piece of text of a function of the library, ``layers.gru:GRU.gradient``, and what it becomes."""
    return Bug("made_up", None, "backward", f"minis2s.{where}", old, new, "title", "symptom", "idea", "seen")


def subject_of(case, bug):
    """What ``check_record`` finds wrong in a case, or in (layer, inputs), while a bug is planted."""
    layer, inputs = make_case(case) if isinstance(case, str) else case
    if hasattr(layer, "loss"):
        cotangent = [1.0]
    else:
        cotangent = draw_cotangent(layer.forward(*inputs)[0])
    right = gradients_of("", layer, inputs, cotangent)
    with planted(bug):
        given = gradients_of("", layer, inputs, cotangent)
    wrong = {key: (given[key], right[key]) for key in right if relative_error(given[key], right[key]) > 1e-12}
    return Subject(layer, inputs, Trial(layer, inputs, cotangent, "complex"), wrong)


def explained(case, bug):
    """The findings on the arrays of a case that a bug spoils."""
    subject = subject_of(case, bug)
    with planted(bug):
        return explain(subject)
