"""Fuzzing: mutated files in forked children, watched from outside, so that a crash is seen and its seed named.

A case is a function of a seed. It may end well or in `InputError`; everything else is a fault: another exception, a
signal, ten seconds without an end, memory that is refused at two gigabytes, a file written outside the child's folder,
a program started, something unpickled. `mutations` makes the input of a case.
"""

import faulthandler
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hybrid.errors import InputError

MEMORY = 2 * 2**30
SECONDS = 10

Case = Callable[[int], str]

_WORDS = {1: "refused", 2: "read"}  # "long", an error that nobody reads to its end, is a fault
_CODES = {word: code for code, word in _WORDS.items()}
_NOT_RUN, _FAULT = 0, 255
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {f"os.{name}" for name in ("mkdir", "rename", "remove", "rmdir", "symlink", "link", "truncate", "chmod")}
_NEVER = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "pickle.find_class"}


class Trespass(BaseException):
    """What no case may do; no `except Exception` keeps it back."""


def run(case: Case, seeds: range, folder: Path) -> Counter[str]:
    """Run a case for each seed; return how often it ended in what.

    Parameters
    ----------
    case : callable
        Given a seed, returns "read" or "refused"; `InputError` is "refused", too.
    seeds : range
    folder : Path
        The only one that may be written to.

    Raises
    ------
    AssertionError
        Listing every fault with its seed.
    """
    outcomes = mmap.mmap(-1, max(1, len(seeds)))
    told = mmap.mmap(-1, 2**16)
    now = mmap.mmap(-1, 8)
    faults: list[str] = []
    allowed = max(_peak(), _pages(1) + MEMORY)  # children that others had, and what a fork begins with, do not count
    done = 0
    while done < len(seeds):
        status = _watch(_fork(case, seeds, done, folder, outcomes, told, now), now)
        if status == 0:
            break
        at = struct.unpack("q", now[:8])[0]
        text = told[:].rstrip(b"\0").decode(errors="replace")
        faults.append(f"seed {seeds[at]}: {_ending(status)} {text}".strip())
        outcomes[at], told[:] = _FAULT, bytes(len(told))
        done = at + 1
        if len(faults) >= 20:
            faults.append(f"and perhaps more: stopped after {done} of {len(seeds)} cases")
            break
    assert not faults, "\n".join(faults)
    assert _NOT_RUN not in outcomes[: len(seeds)]
    assert _peak() <= allowed, f"{_peak():,} bytes were held"
    counts = Counter(outcomes[: len(seeds)])
    return Counter({_WORDS[code]: count for code, count in counts.items()})


def _fork(case, seeds, first, folder, outcomes, told, now) -> int:
    child = os.fork()
    if child:
        return child
    try:
        os.chdir(folder)
        _end_at_signals()
        _limit()
        sys.addaudithook(_guard(folder))
        warnings.simplefilter("ignore")
        for at in range(first, len(seeds)):
            now[:8] = struct.pack("q", at)
            try:
                outcomes[at] = _CODES[case(seeds[at])]
            except InputError as error:
                outcomes[at] = _CODES["refused" if len(str(error)) < 5000 else "long"]
        os._exit(0)
    except BaseException:
        text = traceback.format_exc().encode(errors="backslashreplace")[-(len(told) - 1) :]
        told[: len(text)] = text
        os._exit(1)


def _end_at_signals() -> None:
    """Leave signals to the system: a handler that looks at the parent's threads may die of another one."""
    faulthandler.disable()
    for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
        signal.signal(number, signal.SIG_DFL)


def _limit() -> None:
    held = _pages(0)
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _pages(column: int) -> int:
    """Return the bytes that this process holds: 0 for its address space, 1 for what is in memory."""
    return int(Path("/proc/self/statm").read_text().split()[column]) * resource.getpagesize()


def _peak() -> int:
    """Return the most bytes that a child which has ended held in memory."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _guard(folder: Path) -> Callable[[str, tuple], None]:
    """Return an audit hook that lets a child write to one folder only, and start nothing."""
    inside = f"{os.path.realpath(folder)}/"

    def hook(event: str, args: tuple) -> None:
        if event in _NEVER:
            raise Trespass(event, repr(args)[:200])
        if event == "open":
            path, mode, flags = args
            if not isinstance(path, int) and (set(mode or "") & set("wax+") or (flags or 0) & _WRITES):
                check(event, path)
        elif event in _CHANGES:
            for path in args[:2]:
                if isinstance(path, str | bytes | os.PathLike):
                    check(event, path)

    def check(event: str, path: object) -> None:
        real = os.path.realpath(os.fsdecode(path))
        if not f"{real}/".startswith(inside) and real != os.devnull:
            raise Trespass(event, real)

    return hook


def _watch(child: int, now: mmap.mmap) -> int:
    """Wait for a child's end, or for a case to take too long; return the status as `waitpid` does.

    What counts is the processor's time, or a sixth of the clock's: on a busy machine a case may wait for its turn.
    """
    seen, since, used = b"", time.monotonic(), 0.0
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if now[:8] != seen:
            seen, since, used = now[:8], time.monotonic(), _used(child)
        elif max(_used(child) - used, (time.monotonic() - since) / 6) > SECONDS:
            os.kill(child, signal.SIGALRM)
        time.sleep(0.02)


def _used(child: int) -> float:
    """Return the seconds of processor time that a child has had."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ending(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return "an exception:"
    number = os.WTERMSIG(status)
    return f"more than {SECONDS} s" if number == signal.SIGALRM else f"signal {signal.Signals(number).name}"
