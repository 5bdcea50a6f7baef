"""A failover that shows as latency, not as errors.

While there is no primary, or no router on this machine that leads there, its pgBouncer holds
queries, and passes them on afterwards. `pooler-guard.py` guards; `pooler-guard.py hold` is for
operators: it holds queries while something planned happens to the primary. `settings.json` lies
beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import enum
import fcntl
import http.client
import io
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROUND_SECONDS = 0.15
CONSOLE_SECONDS = 1.0
# Each pause closes idle server connections, so a primary that is merely slow gets more chances in a
# row after each false alarm, for this long: 2 s in all, where HAProxy takes 2.9 s by its settings.
# What makes it slow comes again within minutes: with a minute here, one update after the other on
# machines that were busy caused 11 to 15 false alarms on each in 14 minutes.
MOST_CHANCES = 4
CALM_SECONDS = 300.0
# How long `hold` waits for its turn, and for a primary once it is to end.
TURN_SECONDS = 5.0
SETTLE_SECONDS = 15.0
BUSY = 3


@dataclass(frozen=True)
class Member:
    name: str
    address: str
    port: int


@dataclass(frozen=True)
class Settings:
    """What `pooler-guard-files.ts` renders."""

    database: str
    members: tuple[Member, ...]
    router_port: int
    pooler_port: int
    user: str
    password: str
    deadline_seconds: float
    # For Patroni and HAProxy. A healthy one takes a few milliseconds.
    answer_seconds: float
    # Where the sign of life and the lock are, inside the container.
    folder: Path

    @property
    def reads(self) -> str:
        """The database of the pooler that leads to standbys."""
        return f"{self.database}_read"

    @property
    def held(self) -> Path:
        """Is there while `hold` has not passed on what it held."""
        return self.folder / "held"

    @classmethod
    def read(cls, path: Path) -> Settings:
        given = json.loads(path.read_text("utf-8"))
        members = tuple(Member(**member) for member in given.pop("members"))
        return cls(members=members, folder=Path(given.pop("folder")), **given)


def say(text: str) -> None:
    print(text, flush=True)


class Answer(enum.Enum):
    PRIMARY = enum.auto()
    # An answer: refused, or Patroni says so.
    NO = enum.auto()
    # None in time, which is also what a loaded machine looks like.
    SILENCE = enum.auto()


def ask(member: Member, seconds: float) -> Answer:
    """Patroni answers OPTIONS with a status line and closes: there is nothing to keep alive."""
    connection = http.client.HTTPConnection(member.address, member.port, timeout=seconds)
    try:
        connection.request("OPTIONS", "/primary")
        return Answer.PRIMARY if connection.getresponse().status == 200 else Answer.NO
    except TimeoutError:
        return Answer.SILENCE
    except (OSError, http.client.HTTPException):
        return Answer.NO
    finally:
        connection.close()


def takes_writes(member: Member, seconds: float) -> bool:
    """Whether Postgres has left recovery: who holds the lease answers as the primary before that."""
    connection = http.client.HTTPConnection(member.address, member.port, timeout=seconds)
    try:
        connection.request("GET", "/primary")
        response = connection.getresponse()
        return response.status == 200 and json.loads(response.read()).get("role") != "replica"
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def routed(port: int, seconds: float) -> list[str]:
    """Names of the members that this machine's router has up as the primary."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", "/;csv")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return []
    finally:
        connection.close()
    rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
    is_server = "2"
    return [
        row["svname"]
        for row in rows
        if row["pxname"] == "primary"
        and row["type"] == is_server
        and row["status"].startswith("UP")
    ]


def is_open(port: int, seconds: float) -> bool:
    """Whether something on this machine takes connections there; one that is slow to does."""
    try:
        socket.create_connection(("127.0.0.1", port), seconds).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return True


def find_primary(settings: Settings) -> Member | None:
    """The primary, once it takes writes and the router leads there and nowhere else.

    With two members up, the router would send half of the queries to the one that is going down.
    """
    seconds = settings.answer_seconds
    up = routed(settings.router_port, seconds)
    for member in settings.members:
        if [member.name] == up and takes_writes(member, seconds):
            return member
    return None


class ConsoleError(Exception):
    """pgBouncer is away, does not answer in time, or refuses."""


class Console:
    """pgBouncer's administration console. No command is waited for without a limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # What waits for the answer to a PAUSE, by the database.
        self._pausing: dict[str, Any] = {}

    def paused(self) -> set[str]:
        """Databases of the application's that are paused."""
        ours = (self._settings.database, self._settings.reads)
        rows = self._run("SHOW DATABASES")
        return {row["name"] for row in rows if row["name"] in ours and int(row["paused"]) == 1}

    def waiting_clients(self) -> int:
        return self._sum_of_pools("cl_waiting", self._settings.database)

    def _sum_of_pools(self, column: str, database: str) -> int:
        rows = self._run("SHOW POOLS")
        return sum(int(row[column]) for row in rows if row["database"] == database)

    def hold(self, databases: Container[str]) -> None:
        """Holds new transactions of these databases of the application's, and of no other."""
        paused = self.paused()
        for database in (self._settings.database, self._settings.reads):
            if database in databases and database not in paused:
                self._pause(database, 0)
            elif database in paused and database not in databases:
                self._resume(database)

    def pause(self, seconds: float) -> bool:
        """Holds new transactions from now on. True if the open ones have ended within `seconds`."""
        return self._pause(self._settings.database, seconds)

    def _pause(self, database: str, seconds: float) -> bool:
        """The answer may come much later, up to a third of a second after the last transaction; the
        pause is in force without it.
        """
        self._forget_pause(database)
        with self._errors() as psycopg2:
            connection = self._connect(psycopg2)
            # psycopg2 itself does not keep the cursor that an answer is for.
            cursor = self._pausing[database] = connection.cursor()
            cursor.execute(f'PAUSE "{database}"')
            until = time.monotonic() + seconds
            while not self._finished(psycopg2, connection, min(seconds, 0.02)):
                if time.monotonic() >= until:
                    return False
                if self._sum_of_pools("sv_active", database) == 0:
                    return True
            return True

    def resume(self) -> None:
        """Passes on what is held, if anything is; ends a pause that waits for transactions, too."""
        self.hold(())
        for database in list(self._pausing):
            self._forget_pause(database)

    def _resume(self, database: str) -> None:
        self._run(f'RESUME "{database}"')
        self._forget_pause(database)

    def _forget_pause(self, database: str) -> None:
        # pgBouncer never answers a PAUSE that was overtaken by a RESUME.
        cursor = self._pausing.pop(database, None)
        if cursor is not None:
            cursor.connection.close()

    def _run(self, command: str) -> list[dict[str, Any]]:
        with self._errors() as psycopg2:
            connection = self._connect(psycopg2)
            try:
                cursor = connection.cursor()
                cursor.execute(command)
                self._finish(psycopg2, connection)
                if cursor.description is None:
                    return []
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row)) for row in cursor.fetchall()]
            finally:
                connection.close()

    def _connect(self, psycopg2: Any) -> Any:
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=self._settings.pooler_port,
            dbname="pgbouncer",
            user=self._settings.user,
            password=self._settings.password,
            async_=1,
        )
        self._finish(psycopg2, connection)
        return connection

    def _finish(self, psycopg2: Any, connection: Any) -> None:
        if not self._finished(psycopg2, connection, CONSOLE_SECONDS):
            raise ConsoleError(f"pgBouncer does not answer within {CONSOLE_SECONDS:.0f} s")

    @staticmethod
    def _finished(psycopg2: Any, connection: Any, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
            left = until - time.monotonic()
            if left <= 0:
                return False
            reads = state == psycopg2.extensions.POLL_READ
            select.select([connection] if reads else [], [] if reads else [connection], [], left)
        return True

    @staticmethod
    @contextlib.contextmanager
    def _errors() -> Iterator[Any]:
        # Imported here, so that what asks Patroni and HAProxy alone does without.
        import psycopg2

        try:
            yield psycopg2
        except (psycopg2.Error, OSError) as error:
            raise ConsoleError(" ".join(str(error).split())) from error


def wait_until(condition: Callable[[], bool], seconds: float, pause: float) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= until:
            return False
        time.sleep(pause)
    return True


@contextlib.contextmanager
def turn(settings: Settings, seconds: float = 0) -> Iterator[bool]:
    """Guard and operators change the pause in turns. False if it is another's for so long.

    The lock goes with its process, however that ends.
    """

    def locked() -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    with open(settings.folder / "pooler-guard.lock", "w", encoding="utf-8") as file:
        yield wait_until(locked, seconds, 0.02)


class Guard:
    """Looks at the primary, round after round; holds queries while there is none."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._primary: Member | None = None
        self._misses = 0
        self._chances = 1
        self._last_false_alarm = 0.0
        self._search()

    def _search(self) -> None:
        """Looks for a primary from now on: at the start, too, since a pause may have been left."""
        self._since = time.monotonic()
        self._doubtful = False
        self._told = False
        self._gave_up = False
        self._complained = False
        self._lenient = False
        self._searching = True

    def round(self) -> None:
        with turn(self._settings) as mine:
            if not mine:
                self._search()
                # `hold` passes on by itself: one answer missed after that holds nothing again.
                self._lenient = True
                return
            if self._settings.held.exists():
                # `hold` was killed; nobody else passes on what it held.
                self._settings.held.unlink()
                self._search()
            if self._searching:
                self._look_for_primary()
            else:
                self._watch_primary()

    def _watch_primary(self) -> None:
        assert self._primary is not None
        if self._has_no_router():
            # It stops, or has crashed. One that stops waits for what goes through it.
            self._search()
            self._hold("the router takes no connections")
            return
        answer = ask(self._primary, self._settings.answer_seconds)
        if answer is Answer.PRIMARY:
            self._misses = 0
            return
        self._misses += 1
        if answer is Answer.NO or self._misses >= self._allowed_misses():
            self._search()
            self._doubtful = answer is Answer.SILENCE
            self._hold(f"primary {self._primary.name} does not answer")

    def _has_no_router(self) -> bool:
        return not is_open(self._settings.router_port, self._settings.answer_seconds)

    def _allowed_misses(self) -> int:
        if time.monotonic() - self._last_false_alarm > CALM_SECONDS:
            self._chances = 1
        return self._chances

    def _look_for_primary(self) -> None:
        found = find_primary(self._settings)
        if found is not None:
            self._pass_on(found)
        elif self._gave_up:
            return
        elif self._elapsed() > self._settings.deadline_seconds:
            self._give_up()
        elif self._lenient:
            self._lenient = False
        else:
            self._hold("there is no primary")

    def _hold(self, reason: str) -> None:
        """Once more in each round: a pgBouncer that was started again is not paused any more."""
        if not self._told:
            say(f"{reason}: holding queries")
            self._told = True
        both = (self._settings.database, self._settings.reads)
        with self._patiently():
            self._console.hold(both if self._has_no_router() else both[:1])

    def _pass_on(self, found: Member) -> None:
        with self._patiently():
            waiting = self._console.waiting_clients()
            self._console.resume()
            self._note_false_alarm(found)
            held = self._told and not self._gave_up
            what = f"passing on after {self._elapsed():.1f} s, {waiting} clients waited"
            say(f"{found.name} is primary: {what if held else 'watching it'}")
            self._primary = found
            self._searching = False
            self._misses = 0

    def _note_false_alarm(self, found: Member) -> None:
        if self._doubtful and found == self._primary:
            self._chances = min(2 * self._chances, MOST_CHANCES)
            self._last_false_alarm = time.monotonic()

    def _give_up(self) -> None:
        with self._patiently():
            self._console.resume()
            self._gave_up = True
            say(f"no primary for {self._elapsed():.1f} s: holding no longer, queries fail")

    @contextlib.contextmanager
    def _patiently(self) -> Iterator[None]:
        """What the console refuses is tried again in the next round, and said once."""
        try:
            yield
        except ConsoleError as error:
            if not self._complained:
                say(f"pgBouncer's console: {error}")
            self._complained = True

    def _elapsed(self) -> float:
        return time.monotonic() - self._since


def resume_patiently(console: Console) -> bool:
    for _ in range(3):
        try:
            console.resume()
            return True
        except ConsoleError as error:
            say(f"pgBouncer's console: {error}")
            time.sleep(ROUND_SECONDS)
    return False


def watch(settings: Settings, keeper: int) -> None:
    """Rounds for as long as the keeper lives."""
    console = Console(settings)
    guard = Guard(settings, console)
    while os.getppid() == keeper:
        next_round = time.monotonic() + ROUND_SECONDS
        (settings.folder / "alive").touch()
        guard.round()
        time.sleep(max(0.0, next_round - time.monotonic()))
    resume_patiently(console)


def keep(settings: Settings) -> int:
    """Guards in a child, and passes on what is held whatever ends the child.

    The keeper is the parent, not the child: in a container, everything ends with the first process.
    """
    keeper = os.getpid()
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    worker = os.fork()
    if worker == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        watch(settings, keeper)
        return 1
    while signal.sigwait(signals) == signal.SIGCHLD:
        if has_ended(worker):
            say("the guard has died")
            resume_patiently(Console(settings))
            return 1
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    resume_patiently(Console(settings))
    return 0


def has_ended(worker: int) -> bool:
    """Also clears away what the first process of a container inherits."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            if ended == worker:
                return True
    return False


def told(seconds: float) -> str | None:
    """What comes on standard input within `seconds`: a line, or nothing at its end. None if neither."""
    if not select.select([sys.stdin], [], [], seconds)[0]:
        return None
    return os.read(sys.stdin.fileno(), 4096).decode()


def hold(settings: Settings, given: argparse.Namespace) -> int:
    """Holds queries until there is the primary that is waited for, or standard input ends."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    with turn(settings, TURN_SECONDS) as mine:
        if not mine:
            say("busy")
            return BUSY
        console = Console(settings)
        passed_on = False
        try:
            if given.ready:
                # All that takes time is done by then: every pooler pauses at the same moment.
                console.paused()
                say("ready")
                if not told(given.seconds):
                    return 0
            settings.held.touch()
            if not console.pause(given.drain_seconds):
                say("busy")
                return BUSY
            say("paused")
            until = time.monotonic() + given.seconds
            while told(0) is None:
                found = given.after and find_primary(settings)
                if found and found.name != given.after:
                    break
                if time.monotonic() > until:
                    say("late")
                    break
                time.sleep(ROUND_SECONDS)
            wait_until(lambda: find_primary(settings) is not None, SETTLE_SECONDS, ROUND_SECONDS)
        except ConsoleError as error:
            say(f"pgBouncer's console: {error}")
            return 1
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            passed_on = resume_patiently(console)
            if passed_on:
                settings.held.unlink(missing_ok=True)
        if passed_on:
            say("resumed")
        return 0 if passed_on else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command")
    holding = commands.add_parser("hold", help="hold queries until standard input ends")
    holding.add_argument("--seconds", type=float, default=20.0, help="at most this long")
    holding.add_argument(
        "--drain-seconds",
        type=float,
        default=5.0,
        help="for transactions that are open; if they do not end: `busy`, exit code 3",
    )
    holding.add_argument(
        "--after", help="end once another member than this is the primary, for the router too"
    )
    holding.add_argument(
        "--ready", action="store_true", help="say `ready`, and begin at a line on standard input"
    )
    given = parser.parse_args()
    settings = Settings.read(Path(__file__).with_name("settings.json"))
    if given.command == "hold":
        return hold(settings, given)
    return keep(settings)


if __name__ == "__main__":
    sys.exit(main())
