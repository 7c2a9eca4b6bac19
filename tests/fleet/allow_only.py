#!/usr/bin/python3
"""allow_only.py SET -- COMMAND: runs it with no system call beyond those of systemd's SET. Another one ends it: systemd
would only let it fail, which a program may not notice before it matters."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

_ALLOW, _KILL_PROCESS = 0x7FFF0000, 0x80000000


def calls(group: str) -> set[str]:
    lines = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", group], check=True, capture_output=True,
                           text=True).stdout.split("\n")[1:]
    names = {line.strip() for line in lines} - {""}
    nested = {name for name in names if name.startswith("@")}
    return {name for name in names - nested if not name.startswith("#")}.union(*map(calls, nested))


def allow_only(names: set[str]) -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(_KILL_PROCESS)
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # else this machine has none of that name
            assert library.seccomp_rule_add(context, _ALLOW, number, 0) == 0, name
    assert library.seccomp_load(context) == 0


if __name__ == "__main__":
    allow_only(calls(sys.argv[1]))
    os.execvp(sys.argv[3], sys.argv[3:])
