"""A real mosquitto, with or without the plugin, in a directory of its own; never left behind."""
import atexit
import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

MOSQUITTO = "/usr/sbin/mosquitto"
_alive = set()


def plugin_path():
    """FIELDPOST_SO, or a clear error: a run without the plugin proves nothing, so it is never skipped."""
    so = os.environ.get("FIELDPOST_SO", "")
    if not so or not Path(so).is_file():
        raise RuntimeError(f"FIELDPOST_SO must name the plugin, fieldpost.so; it is {so!r}")
    return str(Path(so).resolve())


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


@atexit.register
def _kill_all():
    for broker in list(_alive):
        broker.kill()


class BrokerFailed(Exception):
    pass


class Broker:
    """`options` are the plugin's (db is filled in), `lines` further lines of mosquitto.conf."""

    def __init__(self, folder, plugin=True, options=None, lines=(), persistence=False, anonymous=True, prefix=(), db=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.plugin = plugin
        self.options = dict(options or {})
        self.lines = list(lines)
        self.persistence = persistence
        self.anonymous = anonymous
        self.prefix = list(prefix)
        self.db = Path(db) if db else self.folder / "fieldpost.db"
        self.log = self.folder / "mosquitto.log"
        self.port = free_port()
        self.process = None

    def config(self):
        out = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'true' if self.anonymous else 'false'}",
            "set_tcp_nodelay true",
            f"log_dest file {self.log}",
            *(f"log_type {t}" for t in ("error", "warning", "notice", "information")),
            "connection_messages true",
            f"persistence {'true' if self.persistence else 'false'}",
        ]
        if self.persistence:
            out += [f"persistence_location {self.folder}/", "autosave_interval 1"]
        if os.geteuid() == 0:
            out.append("user root")
        out += self.lines
        if self.plugin:
            out.append(f"plugin {plugin_path()}")
            options = {"db_file": self.db, **self.options}
            out += [f"plugin_opt_{k} {v}" for k, v in options.items() if v is not None]
        return "\n".join(out) + "\n"

    def launch(self):
        """Starts it without waiting."""
        assert self.process is None, "runs already"
        conf = self.folder / "mosquitto.conf"
        conf.write_text(self.config())
        with open(self.folder / "stderr.log", "ab") as err:
            self.process = subprocess.Popen([*self.prefix, MOSQUITTO, "-c", str(conf)], stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                            cwd=self.folder, preexec_fn=_die_with_parent)
        _alive.add(self)

    def start(self, timeout=10.0):
        for attempt in range(5):
            self.launch()
            try:
                self.wait_ready(timeout)
                return self
            except BrokerFailed:
                # Another process may have taken the free port in the meantime.
                if attempt == 4 or "Address already in use" not in self.log_text():
                    raise
                self.port = free_port()
                self.log.unlink()
        raise AssertionError("unreachable")

    def wait_ready(self, timeout=10.0):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                code = self.process.returncode
                self._gone()
                raise BrokerFailed(f"the broker ended with {code} at start:\n{self.tail()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.005)
        tail = self.tail()
        self.kill()
        raise BrokerFailed(f"the broker was not ready after {timeout} s:\n{tail}")

    def start_expecting_failure(self, timeout=10.0):
        """It must end by itself with an error; returns (exit code, log)."""
        self.launch()
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the broker started, but should have refused to:\n{self.tail()}") from None
        self._gone()
        assert code != 0, f"the broker ended with 0, as if all was well:\n{self.tail()}"
        return code, self.log_text()

    def stop(self, timeout=20.0):
        """A clean stop, which must succeed."""
        process = self.process
        assert process is not None and process.poll() is None, f"the broker has died by itself: {process and process.returncode}\n{self.tail()}"
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no clean stop within {timeout} s:\n{self.tail()}") from None
        self._gone()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.tail()}"

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._gone()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def _gone(self):
        self.process = None
        _alive.discard(self)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        err = self.folder / "stderr.log"
        return text + (err.read_text(errors="replace") if err.exists() else "")

    def tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None and self.process is not None:
            self.stop()
        else:
            self.kill()
