"""How commands end that are stopped, or whose output goes nowhere: in one line, with nothing lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from minis2s import cli
from minis2s.data.pairs import format_pairs
from minis2s.data.tasks import make_pairs
from minis2s.training.checkpoint import load_model
from minis2s.training.lock import NAME as LOCK
from tests.commands.test_cli import ENVIRONMENT, TINY
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and a shell")
full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # which is only opened
PYTHON = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
UNBUFFERED = {**PYTHON, "PYTHONUNBUFFERED": "1"}
COMMAND = [sys.executable, "-m", "minis2s"]


@pytest.fixture(scope="module", autouse=True)
def heard():
    """Hear signals, or what is started here would ignore them where this very process does, as under nohup."""
    heard = {name: signal.signal(name, signal.default_int_handler) for name in (signal.SIGINT, signal.SIGHUP)}
    yield
    for name, before in heard.items():
        signal.signal(name, before)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A working folder with pairs and a run."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "pairs.tsv").write_text(format_pairs(make_pairs("reversal", 40, 0)), encoding="utf-8")
    assert cli.main(["train", str(folder / "pairs.tsv"), *TINY, "--out", str(folder / "run")]) == 0
    return folder


def shell(command, folder, env=PYTHON):
    """Run a line of shell, with M for the command; return its end."""
    line = f"M() {{ '{sys.executable}' -m minis2s \"$@\"; }}\n{command}"
    return subprocess.run(["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, timeout=120)


# Signals


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_training_that_is_told_to_end_keeps_its_state(here, tmp_path, name):
    train = [*COMMAND, "train", here / "pairs.tsv", "--out", "run", "--epochs", "100000"]
    with subprocess.Popen(train, cwd=tmp_path, env=PYTHON, stderr=subprocess.PIPE, text=True) as process:
        while "updates" not in process.stderr.readline():
            pass
        process.send_signal(getattr(signal, name))
        said = process.stderr.read()
    assert process.returncode == 130
    assert said.count("\n") == 1 and said.startswith("stopped; run holds the model as it was")
    assert set(os.listdir(tmp_path / "run")) == {"last.npz", "model.npz", "test.tsv"}
    load_model(tmp_path / "run")


@pytest.mark.slow
def test_what_ignores_a_signal_goes_on_ignoring_it(here, tmp_path):
    ended = shell(
        f"trap '' HUP; M train '{here}/pairs.tsv' --epochs 1 --hidden 8 --out run & kill -HUP $!; wait $!", tmp_path
    )
    assert ended.returncode == 0 and ended.stdout.startswith("test: ")


@pytest.mark.parametrize("module", ["numpy", "minis2s.cli", "minis2s.layers.gru", "minis2s.training.run"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ended_while_it_imports(tmp_path, module, name):
    code = f"""
import os, runpy, signal, sys
class Press:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Press())
sys.argv = ["minis2s", "data", "reversal", "--size", "1", "--seed", "0"]
runpy.run_module("minis2s", run_name="__main__", alter_sys=True)
"""
    ended = subprocess.run([sys.executable, "-c", code], env=PYTHON, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "stopped\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_matrix_of_bugs_is_stopped_with_its_workers(tmp_path, name):
    """A terminal's Ctrl-C reaches the workers, too, here while they begin; SIGTERM the command alone."""
    matrix, env = [*COMMAND, "bugs", "matrix", "--out", "m"], {**PYTHON, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        matrix, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while len(children := listed.read_text().split()) < 3:  # two, and what keeps account of them
            pass
        if name == "SIGINT":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.terminate()
        said = process.stderr.read()
    assert process.returncode == 130
    assert said == "stopped; m holds what was measured; go on with the same command\n"
    running = [path.read_bytes() for child in children if (path := Path(f"/proc/{child}/cmdline")).exists()]
    assert not any(b"spawn_main" in line for line in running)
    assert LOCK not in os.listdir(tmp_path / "m")


# Streams


@pytest.mark.slow
@full
@pytest.mark.parametrize("env", [PYTHON, UNBUFFERED])
def test_progress_that_cannot_be_written_changes_nothing(here, tmp_path, env):
    train = f"M train '{here}/pairs.tsv' {' '.join(TINY)}"
    ended = shell(f"{train} --out a 2>/dev/full", tmp_path, env)
    assert ended.returncode == 0 and ended.stdout.startswith("test: ") and load_model(tmp_path / "a")
    ended = shell(f"set -o pipefail; {train} --out b 2>&1 | true", tmp_path, env)
    assert ended.returncode == 0 and load_model(tmp_path / "b")
    for wrong in ("translate nosuch x", "train --nosuch", "train nosuch"):
        assert shell(f"M {wrong} 2>/dev/full", tmp_path, env).returncode == 2


@pytest.mark.slow
@full
@pytest.mark.parametrize("env", [PYTHON, UNBUFFERED])
@pytest.mark.parametrize("help", ["--help", "train --help"])
def test_help_that_cannot_be_written_is_told(tmp_path, env, help):
    ended = shell(f"M {help} >/dev/full", tmp_path, env)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1 and "No space left on device" in ended.stderr
    assert shell(f"set -o pipefail; M {help} | true", tmp_path, env).stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["evaluate run pairs.tsv --by-length", "translate run abc --attention", "gradcheck linear --v-curve"]
)
def test_files_are_written_though_nobody_reads_the_results(here, tmp_path, command):
    ended = shell(f"cd '{here}'; (sleep 0.1; M {command} '{tmp_path}/out.png') | true", tmp_path, UNBUFFERED)
    assert "error" not in ended.stderr and (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_a_working_folder_that_is_gone_is_called_so(here, tmp_path):
    for command in (f"evaluate '{here}/run' '{here}/pairs.tsv' --page page.html", f"train '{here}/pairs.tsv'"):
        ended = shell(f"mkdir gone; cd gone; rmdir ../gone; M {command}", tmp_path)
        assert ended.returncode == 2 and ended.stdout == ""
        last = ended.stderr.splitlines()[-1]
        assert last.startswith("minis2s: error: ") and "standard output" not in last and "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "error, says",
    [
        (OSError(5, "Input/output error", "a/file"), "a/file: Input/output error; choose another file or folder"),
        (FileNotFoundError(2, "No such file or directory"), "the working folder is gone; change to another"),
    ],
)
def test_an_error_of_the_system_is_told_by_its_cause(capsys, monkeypatch, error, says):
    def fail(*_):
        raise error

    monkeypatch.setattr("minis2s.commands.data.make_pairs", fail)
    assert cli.main(["data", "reversal", "--size", "1", "--seed", "0"]) == 2
    assert capsys.readouterr() == ("", f"minis2s: error: {says}\n")
