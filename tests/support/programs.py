"""Programs that tests run in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import Any


def run_program(text: str, *, timeout: float = 60, **environment: Any) -> Any:
    """Run a Python program, and return the completed process with its output as text.

    Parameters
    ----------
    text
        The program; it may be indented.
    timeout
        Seconds after which it counts as hung.
    **environment
        Variables beside those of this process.
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | environment,
    )
