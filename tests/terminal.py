"""Runs a program on a terminal of its own, types, and tells what came.

    terminal.py '{"columns": 80, "rows": 24, "environment": {}, "command": ["idtrail", "top"],
                  "steps": [["until", "uploader"], ["type", "q"]]}'

Steps: `until` TEXT came, after what the step before waited for; `type` TEXT; `signal` NAME; `touch`
FILE, to tell others how far it is. After them the program must end by itself.
Prints one object: `code`, `output`, and whether the terminal's modes are `restored`.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

# After so long nobody believes any more that it will come.
WAIT_MAX_SECS = 120


def start(asked, slave):
    child = os.fork()
    if child:
        return child
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(slave, stream)
    os.closerange(3, 256)
    environment = dict(os.environ)
    for name in ("CI", "NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    environment |= {"TERM": "xterm-256color"} | asked["environment"]
    os.execvpe(asked["command"][0], asked["command"], environment)


class Seen:
    """What came out of the terminal."""

    def __init__(self, master):
        self.master = master
        self.output = b""
        self.read_upto = 0
        self.end = time.monotonic() + WAIT_MAX_SECS

    def find(self, text):
        at = self.output.find(text.encode(), self.read_upto)
        if at >= 0:
            self.read_upto = at + len(text.encode())
        return at >= 0

    def more(self):
        """False once nobody writes any more."""
        if time.monotonic() > self.end:
            sys.exit(f"it does not come: {self.output.decode(errors='replace')}")
        if not select.select([self.master], [], [], 0.1)[0]:
            return True
        try:
            got = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += got
        return bool(got)


def main():
    asked = json.loads(sys.argv[1])
    master, slave = pty.openpty()
    size = struct.pack("HHHH", asked["rows"], asked["columns"], 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    before = termios.tcgetattr(slave)
    child = start(asked, slave)
    seen = Seen(master)
    for kind, what in asked["steps"]:
        if kind == "until":
            while not seen.find(what):
                if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    sys.exit(f"it ended: {seen.output.decode(errors='replace')}")
                seen.more()
        elif kind == "type":
            os.write(master, what.encode())
        elif kind == "touch":
            open(what, "w").close()
        elif kind == "signal":
            os.kill(child, getattr(signal, what))
    # Its end must be seen while our side of the terminal is still open: its modes go with it.
    status = None
    while status is None:
        seen.more()
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
    restored = termios.tcgetattr(slave) == before
    os.close(slave)
    while seen.more():
        pass
    output = seen.output.decode(errors="replace")
    print(json.dumps({"code": status, "output": output, "restored": restored}))


main()
