"""The command that asks the server for a process, and lives as long as it.

Run with the path of the server's socket and the arguments. It passes on its descriptors, its
folder and its environment.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys


def ask(
    path: str, arguments: list[str], files: list[int], environment: dict[str, str]
) -> socket.socket:
    """A connection on which the server answers with a process id, then with its end."""
    folder = os.getcwd()  # noqa: PTH109  # pathlib takes as long to import as all else here
    request = {"arguments": arguments, "folder": folder, "environment": environment}
    body = json.dumps(request).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    socket.send_fds(connection, [struct.pack("!Q", len(body))], files)
    connection.sendall(body)
    return connection


def open_files() -> list[int]:
    """Descriptors 0 to 4, as far as they are open without a gap."""
    found = []
    for number in range(5):
        try:
            os.fstat(number)
        except OSError:
            break
        found.append(number)
    return found


def main() -> None:
    path, *arguments = sys.argv[1:]
    files = open_files()
    with (
        ask(path, arguments, files, dict(os.environ)) as connection,
        connection.makefile() as answers,
    ):
        for number in files:
            os.close(number)  # a reader of its output waits for the process and not for this
        answers.readline()
        status = int(answers.readline() or -signal.SIGKILL)
    if status < 0:
        if -status in (signal.SIGINT, signal.SIGPIPE):  # Python does not die of these
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()
