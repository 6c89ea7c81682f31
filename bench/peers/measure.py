"""Runs one command and says what it took."""

import os
import subprocess
import time


class Failed(Exception):
    pass


def measure(command, environment, limit_s=3600):
    """Wall and CPU seconds and peak memory in KiB, of the command and all that it started. Raises Failed with what it said last."""
    argv = ["bash", "-c", command] if isinstance(command, str) else [str(word) for word in command]
    os.sync()  # what was written before is not paid for here
    begin = time.monotonic()
    process = subprocess.Popen(argv, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = b""
    while chunk := os.read(process.stdout.fileno(), 65536):
        said = (said + chunk)[-2000:]
        if time.monotonic() - begin > limit_s:
            process.kill()
            raise Failed(f"{command}: no end within {limit_s} s")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{command}: exit {process.returncode}: {said.decode(errors='replace')}")
    return {"wall_s": time.monotonic() - begin, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_kib": usage.ru_maxrss}
