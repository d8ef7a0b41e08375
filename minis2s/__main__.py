"""``python -m minis2s``."""

import os
import signal
import sys
from typing import Any

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def leave(*_: Any) -> None:
    """End at once: in the middle of an import an exception may come out as another one."""
    os.write(2, b"stopped\n")
    os._exit(130)


def handle(handler: Any) -> None:
    """Let a handler have the signals that end a process, but for those that are ignored, as under nohup."""
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def main() -> int:
    """Run one command; return its exit status."""
    handle(leave)
    from minis2s import cli

    try:
        handle(signal.default_int_handler)  # whatever ends it, it ends as by Ctrl-C: tidily
        return cli.main()
    except KeyboardInterrupt:  # outside of the command itself
        cli.note("stopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
