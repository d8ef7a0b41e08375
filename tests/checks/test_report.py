"""What a reader sees: findings in words, said once where they are said of several arrays, and whole after a journey."""

import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case, merge
from minis2s.checks.diagnosis.finding import Cause, Finding
from minis2s.checks.report import WORDS, ArrayCheck, GradientReport, cause_in_words, in_lines, in_words, names_of
from minis2s.checks.user_layers.plain import from_plain, to_plain
from minis2s.layers import Linear
from minis2s.museum import planted
from tests.checks.diagnosis import test_diagnose, test_from_numbers, test_one_step, test_parts
from tests.checks.diagnosis.subjects import made_up


def test_every_cause_has_words_and_takes_its_detail():
    assert list(WORDS) == list(Cause)
    said = [cause_in_words(Finding(cause, "what it is", "here")) for cause in Cause]
    assert len(set(said)) == len(Cause) - 2  # of three causes all words are in the detail
    assert all(one.startswith("here: consistent with ") for one in said)


def test_every_cause_is_reached_by_a_planted_mistake():
    rooms = (test_diagnose, test_from_numbers, test_one_step, test_parts)
    text = "".join(Path(room.__file__).read_text(encoding="utf-8") for room in rooms)
    elsewhere = {"SINGLE_PRECISION", "STEP_TOO_SMALL", "OTHER_FUNCTION"}  # test_weak_setups, test_user_layers
    assert set(re.findall(r"Cause\.([A-Z_]+)", text)) | elsewhere == {cause.name for cause in Cause}


ALONE = Finding(Cause.SLOPE, "n missing", "in gate n", "found 1 at [0], expected 2")
TRACE = Finding(Cause.PART, "encoder.layers.0.cells.0", numbers="found 3 at [1], expected 4", of=ALONE)


def test_a_trace_quotes_what_is_said_of_the_part_that_is_wrong():
    assert in_words(TRACE) == (
        "consistent with a trace of what is wrong in encoder.layers.0.cells.0 alone (in gate n: consistent with n "
        "missing; found 1 at [0], expected 2); found 3 at [1], expected 4"
    )


def test_what_is_said_alike_of_several_arrays_is_one_line_and_what_differs_is_another():
    sign = Finding(Cause.FACTOR, "-1", numbers="found 1 at [0], expected -1")
    found = {
        ("l", "a"): (sign,),
        ("l", "b"): (sign, TRACE),
        ("l", "c"): (sign._replace(numbers="found 2 at [0], expected -2"),),
        ("m", "a"): (sign._replace(where="in gate n"),),
    }
    assert in_lines(found) == [
        "l, a, c: consistent with a factor of -1; found 1 at [0], expected -1 (in a)",
        "l, b: consistent with a factor of -1; found 1 at [0], expected -1",
        f"l, b: {in_words(TRACE)}",
        "m, a: in gate n: consistent with a factor of -1; found 1 at [0], expected -1",
    ]


def test_a_dozen_names_are_written_out():
    names = [f"W{i}" for i in range(13)]
    assert names_of(names[:12]) == ", ".join(names[:12]) and names_of(names) == "W0, W1, W2 and 10 more"


def test_findings_come_back_whole_from_json():
    rows = (ArrayCheck("l", "a", (2,), 0.5, False),)
    report = GradientReport("complex", 1e-12, rows, {("l", "a"): (TRACE, ALONE)}, ("warned",), ("noted",))
    back = from_plain(GradientReport, json.loads(json.dumps(to_plain(report))))
    assert back == report and back.diagnoses["l", "a"][0].of.cause is Cause.SLOPE and str(back) == str(report)
    for plain in ("NONE", 3, ["SLOPE"]):
        with pytest.raises(ValueError, match="is no"):
            from_plain(Cause, plain)


@pytest.fixture
def reports():
    right, inputs = make_case("linear")
    with planted(made_up("layers.linear:Linear.backward", "x.T @ dy, b=sum", "-x.T @ dy, b=-sum")):
        wrong = gradcheck(right, *inputs, name="wrong", cotangent=np.ones((5, 4)))
    return [gradcheck(right, *inputs, name="linear"), wrong]


def test_the_report_for_people_and_for_programs(reports):
    report = merge(reports)
    head, *rows, last, said, warning = str(report).splitlines()
    assert head.split() == ["layer", "array", "shape", "max", "relative", "error", "verdict"]
    assert [row.split()[:2] for row in rows] == [[name, array] for name in ("linear", "wrong") for array in "Wbx"]
    assert last.startswith("6 arrays by complex step: 2 WRONG; largest relative error 2.0e+00, tolerance 1e-12")
    assert said.startswith("wrong, W, b: consistent with a factor of -1 (a wrong sign)") and said.endswith(" (in W)")
    assert warning.startswith("warning: wrong: the cotangent is constant")
    machine = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert set(machine) == {"max_relative_error", "method", "arrays", "warnings"} and machine["method"] == "complex"
    assert set(machine["arrays"][0]) == {"layer", "array", "shape", "max_relative_error", "ok"}
    assert machine["arrays"][0]["ok"] is True and machine["arrays"][0]["shape"] == [3, 4]
    (sentence,) = machine["arrays"][4]["diagnosis"]
    assert sentence == f"b: {in_words(report.diagnoses['wrong', 'b'][0])}"


def test_merged_reports_keep_what_was_said(reports):
    noted = GradientReport("central", 1e-7, reports[0].rows, notes=("why",))
    report = merge([reports[0], noted, reports[1]])
    assert report.diagnoses == reports[1].diagnoses and report.warnings == reports[1].warnings != ()
    assert report.notes == ("why",) and "note: why" in str(report) and report.method == "complex"
    assert "3 arrays by" in str(reports[0]) and "1 array by" in str(GradientReport("complex", 1, reports[0].rows[:1]))


def test_not_a_number_is_one_line(monkeypatch):
    right = Linear.backward
    monkeypatch.setattr(Linear, "backward", lambda self, dy, x: right(self, np.nan * dy, x))
    line = str(gradcheck(*(case := make_case("linear"))[:1], *case[1])).splitlines()[-1]
    assert line.startswith("Linear, W, b, x: backward's gradient is not finite: consistent with a division by 0")


@pytest.mark.parametrize("room", ["", ".diagnosis", ".invariances", ".user_layers"])
def test_the_room_names_all_its_modules(room):
    room = import_module(f"minis2s.checks{room}")
    modules = {path.stem for path in Path(room.__file__).parent.glob("[a-z]*.py")}
    named = set(re.findall(r"``(\w+)``|^(\w+)  ", room.__doc__, re.MULTILINE))
    assert modules <= {one or other for one, other in named}
