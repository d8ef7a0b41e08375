"""Run a notebook in a fresh kernel without a network, and keep of its outputs what every run gives alike."""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from minis2s.errors import InputError

SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore", "MINIS2S_BUILD": "1"}
OFFLINE = """
import socket


def refuse(*arguments, **options):
    raise OSError("a lesson runs without a network")


socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse
del socket, refuse
"""
VOLATILE = "(What this cell prints depends on your machine. Run it to see.)\n"
OF_THIS_MACHINE = re.compile(r"0x[0-9a-f]{6,}|ipykernel_\d+|/tmp/|/home/|/Users/|[A-Z]:\\\\")


def execute(notebook: nbformat.NotebookNode, folder: Path, name: str, timeout: int = 600) -> None:
    """Run every cell in order and put the outputs in.

    Parameters
    ----------
    notebook : changed in place
    folder : where the kernel runs
    name : of the notebook, for what goes wrong
    timeout : of one cell, in seconds

    Raises
    ------
    InputError
        If a cell fails, writes to standard error, or shows something of this machine.
    """
    with tempfile.TemporaryDirectory() as temporary:
        kernels, startup = Path(temporary, "kernels"), Path(temporary, "profile_default", "startup")
        startup.mkdir(parents=True)
        (startup / "offline.py").write_text(OFFLINE, encoding="utf-8")
        (kernels / "python3").mkdir(parents=True)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": command, "display_name": "Python 3", "language": "python"}
        (kernels / "python3" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False),
            connection_file=str(Path(temporary, "connection.json")),
            **({} if os.name == "nt" else {"transport": "ipc", "ip": str(Path(temporary, "kernel"))}),
        )
        client = NotebookClient(notebook, timeout=timeout, km=manager, resources={"metadata": {"path": str(folder)}})
        client.record_timing = client.store_widget_state = False
        try:
            client.execute(env={**os.environ, **SETTINGS, "IPYTHONDIR": temporary}, cleanup_kc=True)
        except CellExecutionError as error:
            raise InputError(f"{name}: a cell fails: {error.ename}: {error.evalue}\n{error.traceback}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["outputs"] = settled(cell, f"{name}, cell {cell.id}")


def settled(cell: nbformat.NotebookNode, where: str) -> list[nbformat.NotebookNode]:
    """Return a cell's outputs, pieces of one stream put together, those of a cell tagged ``volatile`` replaced."""
    if "volatile" in cell.metadata.get("tags", []):
        return [nbformat.v4.new_output("stream", name="stdout", text=VOLATILE)]
    outputs: list[nbformat.NotebookNode] = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise InputError(f"{where} writes to standard error: {output.text.strip()!r}; print it, or keep it quiet")
        texts = [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
        if found := next(filter(None, map(OF_THIS_MACHINE.search, texts)), None):
            raise InputError(f"{where} shows {found.group()!r}, which other machines and runs do not")
        if output.output_type == "stream" and outputs and outputs[-1].output_type == "stream":
            outputs[-1]["text"] += output.text
        else:
            outputs.append(output)
    return outputs
