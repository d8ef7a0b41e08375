"""The game: the same seed hides the same bug, every bug is hidden equally often, and nothing tells its name early."""

import io
import sys

import numpy as np
import pytest

from minis2s.cli import main
from minis2s.errors import InputError
from minis2s.museum import BUGS, Hunt
from minis2s.museum.hunt import HELP, chosen, play


def seed_of(name):
    return next(seed for seed in range(len(BUGS)) if chosen(seed).name == name)


def played(hunt, *lines):
    said = []
    play(hunt, lines, said.append)
    return said


def test_a_seed_hides_one_bug_and_every_bug_is_hidden_equally_often():
    assert all(chosen(seed) is chosen(seed) for seed in range(20))
    for start in (0, len(BUGS), 5 * len(BUGS)):
        assert {chosen(seed).name for seed in range(start, start + len(BUGS))} == set(BUGS)
    orders = [[chosen(seed).name for seed in range(k * len(BUGS), (k + 1) * len(BUGS))] for k in range(3)]
    assert len({tuple(order) for order in orders}) == 3 and orders[0] != sorted(orders[0])
    with pytest.raises(InputError, match="seed -1 is negative"):
        Hunt(-1)
    with pytest.raises(InputError, match="seed 'x' is no whole number"):
        Hunt("x")
    assert Hunt(np.int64(3)).seed == 3


def test_the_points():
    hunt = Hunt(seed_of("clip_lost"))
    assert hunt.score == 100 and repr(hunt).endswith(": open; 0 checks, 0 wrong accusations; 100 points")
    assert hunt.check("S").startswith("S: WRONG, ") and hunt.score == 95
    assert hunt.check(" s ") == hunt.check("S") and hunt.score == 95  # paid once
    assert hunt.check("R").startswith("R: right, ") and hunt.score == 90
    assert hunt.accuse("clip_always") == "No, it is not clip_always. 70 points left."
    assert hunt.accuse("clip_always") and hunt.score == 70
    assert not hunt.over
    assert hunt.accuse("clip_lost") == "Yes, it is clip_lost. 70 points." and hunt.score == 70
    assert repr(hunt) == f"Hunt(seed={hunt.seed}): solved; 2 checks, 1 wrong accusation; 70 points"
    assert hunt.over and hunt.found and "-        gradient *= limit / norm" in hunt.answer
    for said in (hunt.check("S"), hunt.words("S"), hunt.accuse("clip_always")):
        assert said == "The hunt is over; begin another with another seed."
    assert hunt.score == 70


@pytest.mark.slow
def test_the_words_of_a_check_cost_more_than_its_verdict():
    hunt = Hunt(seed_of("gates_swapped_in_backward"))
    assert hunt.check("W").startswith("W: WRONG, ") and "gru" not in hunt.check("W") and hunt.score == 95
    said = hunt.words(" w ")
    assert said.startswith(hunt.check("W")) and "arrays wrong" in said and "gates r and z swapped" in said
    assert hunt.words("W") == said and hunt.score == 75  # paid once
    assert hunt.words("S").startswith("S: right, ") and hunt.score == 50
    assert hunt.words("MODEL").endswith("(there are no further words, and nothing to pay)") and hunt.score == 45
    assert repr(hunt).endswith(": open; 3 checks (2 in words), 0 wrong accusations; 45 points")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sigmoid_slope_missing", "lstm_new_c_for_old"])
def test_the_words_tell_the_cause_and_not_its_trace_in_another_array(name):
    said = Hunt(seed_of(name)).words("F")
    assert "a trace of" not in said and ("missing" in said or "in place of" in said)


def test_points_end_at_0_and_giving_up_is_0():
    hunt = Hunt(seed_of("clip_lost"))
    for name in [name for name in hunt.suspects if name != "clip_lost"][:6]:
        hunt.accuse(name)
    assert hunt.score == 0
    hunt = Hunt(seed_of("clip_lost"))
    assert "clip_lost: Clipping has no effect." in hunt.give_up() and hunt.score == 0 and not hunt.found
    assert ": given up; " in repr(hunt)


@pytest.mark.parametrize("name", ["no_attention_mask", "gates_swapped_in_backward", "beam_of_copies"])
def test_nothing_tells_the_name_before_the_end(name):
    hunt = Hunt(seed_of(name))
    for letter in "PRSMODEL", "W", "P", "T", "B", "MODEL":
        for said in (hunt.check(letter), hunt.words(letter)):
            assert name not in said and BUGS[name].title not in said
    assert name not in repr(hunt) and f"Hunt(seed={hunt.seed})" in repr(hunt)
    assert not any(name in str(value) for key, value in vars(hunt).items() if "bug" not in key)
    assert hunt.answer == "The hunt is not over: accuse a bug, or give up."


@pytest.mark.parametrize("name", ["X", "FR", "", 3, None, ["F"]])
def test_what_is_no_check_is_told_so_and_is_free(name):
    hunt = Hunt(0)
    for ask in (hunt.check, hunt.words):
        assert ask(name).startswith(f"There is no check {name!r}; choose one of W, M, F")
    assert hunt.score == 100 and not hunt.over and not hunt.called


@pytest.mark.parametrize("name", ["nobody", "F", 3, None, ["dz_sign"]])
def test_who_is_no_bug_is_told_so_and_is_free(name):
    hunt = Hunt(0)
    assert hunt.accuse(name).startswith(f"There is no bug {name!r}; `suspects` are {len(BUGS)} names")
    assert hunt.score == 100 and not hunt.over and not hunt.wrong


def test_a_game_by_lines():
    seed = seed_of("clip_lost")
    said = played(
        Hunt(seed), "", "checks", "check S", "hm", "check 9", "score", "suspects", "accuse clip_lost", "score"
    )
    assert said[0].startswith(f"One of {len(BUGS)} bugs is planted") and "100 points" in said[1]
    assert said[2].startswith("W     weak gradient check") and "MODEL" in said[2]
    assert said[3].startswith("S: WRONG") and "'hm' is not understood" in said[4] and "no check '9'" in said[5]
    assert said[6] == "95 points; checks: S; wrong: none" and len(said[7].splitlines()) == len(BUGS)
    assert said[8] == "Yes, it is clip_lost. 95 points." and said[9].startswith("clip_lost: ") and len(said) == 10
    assert played(Hunt(seed), "help")[2] == f"You can say: {HELP}."
    assert played(Hunt(seed), "give up", "check S")[-1].startswith("clip_lost: ")
    assert played(Hunt(seed), "check S")[-1] == f"The hunt is not over: 95 points. Begin again with --seed {seed}."


def test_a_letter_alone_is_a_check_and_a_name_alone_costs_nothing():
    seed = seed_of("clip_lost")
    said = played(Hunt(seed), "S", "model", "MODEL", "Words s", "clip_always", "accuse clip_always", "score")[2:]
    assert said[0].startswith("S: WRONG") and said[1] == said[2] and said[1].startswith("MODEL: cell gru")
    assert said[3].startswith(f"{said[0]}; ")
    assert said[4] == "To accuse costs 20 if it is wrong; say: accuse clip_always"
    assert said[6] == "50 points; checks: S, MODEL, S in words; wrong: clip_always"


@pytest.mark.parametrize("line", ["quit", "exit", "Quit"])
def test_a_game_that_is_left(line):
    seed = seed_of("clip_lost")
    said = played(Hunt(seed), "P", line, "accuse clip_lost")
    assert said[-1] == f"The hunt is not over: 95 points. Begin again with --seed {seed}." and len(said) == 4


def test_a_game_on_the_command_line(monkeypatch, capsys):
    seed = seed_of("clip_lost")
    monkeypatch.setattr(sys, "stdin", io.StringIO("check S\naccuse clip_lost\n"))
    assert main(["bugs", "hunt", "--seed", str(seed)]) == 0
    out, err = capsys.readouterr()
    assert "Yes, it is clip_lost. 95 points." in out and err == ""


@pytest.mark.parametrize("encoding", ["ascii", "utf-16", "utf-8"])
def test_a_line_that_is_no_text_is_free_and_ends_nothing(monkeypatch, capsys, encoding):
    typed = "\ufeffhelp\né\n".encode() + b"\xff\xfe\x00\nscore\n" + b"check " * 9000 + b"\naccuse \x1b[2J\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed), encoding=encoding))
    assert main(["bugs", "hunt"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()[2:]
    assert lines[0].startswith("You can say: ") and "'é' is not understood" in lines[1] and "not unders" in lines[2]
    assert "100 points; checks: none" in lines[3] and "not understood" in lines[4] and len(lines[4]) < 1100
    assert "\x1b" not in out and "100 points. Begin again" in lines[-1] and len(lines) == 7 and err == ""


def refused(capsys, *arguments):
    assert main(["bugs", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    return err


def test_what_the_command_line_refuses(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there is no bug 'nobody'" in refused(capsys, "run", "nobody")
    assert "bugs run needs a name" in refused(capsys, "run")
    assert "bugs hunt writes no files; --out goes with bugs matrix" in refused(capsys, "hunt", "--out", "x")
    assert "bugs list takes no seed; --seed goes with" in refused(capsys, "list", "--seed", "3")
    assert "bugs list takes no name" in refused(capsys, "list", "dz_sign")
    (tmp_path / "file").write_text("")
    assert "this is a file" in refused(capsys, "matrix", "--out", "file")
    (tmp_path / "matrix.json").write_text("[]")
    assert "not a matrix of bugs" in refused(capsys, "matrix", "--out", ".")
    for arguments in (["hide"], ["hunt", "--seed", "-3"], ["run", "dz_sign", "--seed", "9" * 30]):
        with pytest.raises(SystemExit) as end:
            main(["bugs", *arguments])
        assert end.value.code == 2 and len(capsys.readouterr().err.splitlines()) == 1


def test_the_list_names_every_bug(capsys):
    assert main(["bugs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(BUGS)
    assert all(name in line for name, line in zip(BUGS, lines))
