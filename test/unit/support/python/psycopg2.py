"""Stands in for psycopg2 and for pgBouncer's console behind it, for the tests of pooler-guard.py.

The console's state is files in $CONSOLE: `paused` and `reads-paused`; `stuck` while transactions stay open; `slow` while a pause
is in force and not answered; `away`; and
`commands`, what has changed it.
"""

import os
import types
from pathlib import Path

CONSOLE = Path(os.environ["CONSOLE"])
PAUSED, STUCK, SLOW, AWAY = (CONSOLE / name for name in ("paused", "stuck", "slow", "away"))

READS_PAUSED = CONSOLE / "reads-paused"

extensions = types.SimpleNamespace(POLL_OK=0, POLL_READ=1, POLL_WRITE=2)


class Error(Exception):
    pass


class Cursor:
    def __init__(self, connection):
        self.connection = connection
        self.description = None
        self._rows = []

    def execute(self, command):
        verb, what = command.split(" ", 1)
        if verb == "SHOW":
            self._show(what)
            return
        with open(CONSOLE / "commands", "a", encoding="utf-8") as file:
            file.write(f"{command}\n")
        mark = {'"shop"': PAUSED, '"shop_read"': READS_PAUSED}[what]
        if verb == "PAUSE":
            self.connection.waits = True
            mark.touch()
        else:
            mark.unlink()

    def _show(self, what):
        if what == "DATABASES":
            columns = ("name", "paused")
            self._rows = [("shop", int(PAUSED.exists())), ("shop_read", int(READS_PAUSED.exists()))]
        else:
            columns = ("database", "cl_waiting", "sv_active")
            self._rows = [("shop", 2, 0), ("shop", 1, int(STUCK.exists())), ("shop_read", 9, 3)]
        self.description = [(column,) for column in columns]

    def fetchall(self):
        return self._rows


class Connection:
    def __init__(self):
        self.waits = False
        self._pipe = os.pipe()

    def fileno(self):
        return self._pipe[0]

    def poll(self):
        stuck = self.waits and (STUCK.exists() or SLOW.exists())
        return extensions.POLL_READ if stuck else extensions.POLL_OK

    def cursor(self):
        return Cursor(self)

    def close(self):
        for end in self._pipe:
            os.close(end)


def connect(**_given):
    if AWAY.exists():
        raise Error("connection refused\nis the server running?")
    return Connection()
