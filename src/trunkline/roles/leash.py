"""Runs a module that must not outlive its supervisor.

    python -m trunkline.roles.leash <name> <niceness> <module> [arguments…]

The supervisor holds the other end of standard input and never writes: when it closes, the supervisor is gone,
however it died, and this process gets the SIGTERM that it would have sent.
"""

import os
import runpy
import signal
import sys
import threading

from trunkline.platform.telemetry import logging


def _wait_for_the_end() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Put on the leash, then become the module."""
    name, niceness, module, *arguments = sys.argv[1:]
    os.nice(int(niceness))
    logging.configure(name)
    threading.Thread(target=_wait_for_the_end, name="leash", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
