"""What a check answers: verdicts, the numbers behind them, and the words and the exit status that they come to."""

from minis2s.checks.report import names_of


def test_of_more_than_a_dozen_arrays_the_first_ones_are_named():
    names = [chr(97 + i) for i in range(13)]
    assert names_of(names[:12]) == "a, b, c, d, e, f, g, h, i, j, k, l"
    assert names_of(names) == "a, b, c and 10 more"
