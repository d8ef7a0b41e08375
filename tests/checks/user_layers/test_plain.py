"""Records as plain values and back: nothing is lost, and nothing else is taken for one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest

from minis2s import checks
from minis2s.checks.invariances import Invariance
from minis2s.checks.invariances.result import DifferenceMap
from minis2s.checks.user_layers.plain import from_plain, to_plain
from tests.conftest import random_model


class Row(NamedTuple):
    name: str
    shape: tuple[int, ...]
    error: float
    ok: bool | None


@dataclass(frozen=True)
class Record:
    rows: tuple[Row, ...]
    said: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    values: np.ndarray | None = None
    note: str = ""


def there_and_back(value, kind):
    return from_plain(kind, json.loads(json.dumps(to_plain(value))))


def test_a_record_comes_back_whole():
    rows = (Row("a", (np.int64(2), 3), np.float64(1e-17), np.bool_(True)), Row("é\ud800", (), np.inf, None))
    back = there_and_back(Record(rows, {("a", "b"): ("x", "y"), ("c", "d"): ()}, np.eye(2), "n"), Record)
    assert back.rows == rows and type(back.rows[0].ok) is bool and type(back.rows[0].shape) is tuple
    assert back.said == {("a", "b"): ("x", "y"), ("c", "d"): ()} and back.note == "n"
    np.testing.assert_array_equal(back.values, np.eye(2))
    assert there_and_back([1], list[int]) == [1] and there_and_back((1, "a"), tuple[int, str]) == (1, "a")


def test_what_must_not_change_comes_back_with_its_map():
    model = random_model(np.random.default_rng(0), "additive")
    found = checks.invariances(model)
    for one, back in zip(found, there_and_back(found, list[Invariance]), strict=True):
        assert str(back) == str(one) and (back.map is None) == (one.map is None)
        if one.map:
            np.testing.assert_array_equal(back.map.values, one.map.values)
            assert back.map[1:] == one.map[1:] and isinstance(back.map, DifferenceMap)


@pytest.mark.parametrize(
    "kind, plain",
    [
        (str, 1),
        (int, True),
        (bool, 1),
        (float, "1"),
        (float, True),
        (int | None, "x"),
        (tuple[int, ...], [1, "a"]),
        (tuple[int, str], [1]),
        (list[int], "abc"),
        (list[int], {"0": 1}),
        (Mapping[str, int], [["a", "b"]]),
        (Mapping[str, int], [["a"]]),
        (Mapping[str, int], {"a": 1}),
        (np.ndarray, [["a"]]),
        (np.ndarray, [[1], [1, 2]]),
        (np.ndarray, 3),
        (Row, ["a", [], 1.0, True]),
        (Row, {"name": "a", "shape": [], "error": 1.0}),
        (Row, {"name": "a", "shape": [], "error": 1.0, "ok": True, "more": 1}),
        (Record, None),
    ],
)
def test_what_is_no_such_value_is_refused(kind, plain):
    with pytest.raises(ValueError):
        from_plain(kind, plain)
