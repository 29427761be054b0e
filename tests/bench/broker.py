"""Brokers for the benchmark: the same Mosquitto twice, with the hub in it and without, and what one of them costs."""

import os
import pwd
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time
from pathlib import Path

START_S = 30
STOP_S = 30


class BenchError(Exception):
    """A reason why there is no result, for a reader."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find_mosquitto(named):
    for candidate in [named] if named else ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]:
        found = shutil.which(candidate)
        if found:
            return found
    raise BenchError(f"no mosquitto program found{' at ' + named if named else '; apt-get install mosquitto'}")


class Broker:
    """One instance in a folder of its own. All but the plugin is the same for `hub`, `bare` and `probed` (bare but for tick_probe)."""

    def __init__(self, kind, folder, mosquitto, so, options=None):
        self.kind = kind
        self.folder = Path(folder)
        self.mosquitto = mosquitto
        self.port = free_port()
        self.process = None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "broker.log"
        self.conf = self.folder / "mosquitto.conf"
        self.conf.write_text("\n".join(self._lines(so, options or {})) + "\n")

    def _lines(self, so, options):
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "set_tcp_nodelay true",
            "persistence false",
            "max_inflight_messages 0",
            "max_queued_messages 0",
            "max_queued_bytes 0",
            "connection_messages false",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            f"user {pwd.getpwuid(os.geteuid()).pw_name}",
        ]
        if self.kind != "bare":
            lines.append(f"plugin {so}")
        if self.kind == "hub":
            given = {"db_file": str(self.folder / "hub.db"), "commands_per_s": "0", "asks_per_s": "0", "now_per_s": "0", "operators": "ops"} | options
            lines += [f"plugin_opt_{name} {value}" for name, value in given.items() if value != ""]
        return lines

    def exec(self):
        """Starts the program and returns at once, with the moment of the start in ns."""
        with open(self.log, "ab") as log:
            start_ns = time.monotonic_ns()
            self.process = subprocess.Popen([self.mosquitto, "-c", str(self.conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return start_ns

    def start(self):
        self.exec()
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            self.must_live()
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.005)
        raise BenchError(f"the {self.kind} broker does not listen after {START_S} s:\n{self.last_words()}")

    def must_live(self):
        code = self.process.poll()
        if code is not None:
            raise BenchError(f"the {self.kind} broker ended with {code}:\n{self.last_words()}")

    def last_words(self):
        try:
            return "\n".join("    " + line for line in self.log.read_text(errors="replace").splitlines()[-8:])
        except OSError:
            return "    (no log)"

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self):
        if not self.process or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BenchError(f"the {self.kind} broker did not stop within {STOP_S} s of SIGTERM") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def io_calls(pid):
    """System calls that read or wrote, from /proc: what is left where neither perf nor strace may be used."""
    text = Path(f"/proc/{pid}/io").read_text()
    return sum(int(n) for n in re.findall(r"^sysc[rw]: (\d+)", text, re.M))


def perf_works():
    if not shutil.which("perf"):
        return False
    probe = subprocess.run(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True, text=True)
    return probe.returncode == 0 and re.match(r"\d+,", probe.stderr.strip()) is not None


def count_syscalls(pid, run):
    """Runs run() and returns (its result, system calls that the process made meanwhile, how they were counted).

    perf comes first because it hardly slows the broker: under strace its batches grow tenfold and the count is another's.
    """
    if perf_works():
        argv, name, stop = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(pid)], "perf", signal.SIGINT
    elif shutil.which("strace"):
        argv, name, stop = ["strace", "-c", "-f", "-p", str(pid)], "strace", signal.SIGINT
    else:
        before = io_calls(pid)
        return run(), io_calls(pid) - before, "/proc/pid/io (reads and writes only)"
    tool = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)  # until it has attached; what it misses is the load's connecting
    try:
        result = run()
    finally:
        tool.send_signal(stop)
        _, text = tool.communicate(timeout=30)
    pattern = r"^(\d+),.*sys_enter" if name == "perf" else r"^100\.00\s+\S+\s+\S*\s+(\d+).*total$"
    match = re.search(pattern, text, re.M)
    if not match:
        raise BenchError(f"{name} did not count: {text.strip()[-300:]}")
    return result, int(match.group(1)), name


def fsync_cost_us(folder, count):
    """Sorted times of one 4 KiB write and fdatasync at the end of a file in the folder."""
    path = Path(folder) / "fsync.probe"
    block = b"\x5a" * 4096
    times = []
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        for i in range(count):
            start = time.monotonic_ns()
            os.pwrite(fd, block, i * len(block))
            os.fdatasync(fd)
            times.append((time.monotonic_ns() - start) / 1000)
    finally:
        os.close(fd)
        path.unlink()
    return sorted(times)


def busy_share(seconds=0.5):
    """How much of all cores others are using right now, 0 to 1."""
    def read():
        fields = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # idle and waiting for a disk

    total, idle = read()
    time.sleep(seconds)
    total_now, idle_now = read()
    return 1 - (idle_now - idle) / max(total_now - total, 1)


def machine(folder, mosquitto):
    """One line about where the numbers come from."""
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    text = subprocess.run([mosquitto, "-h"], capture_output=True, text=True).stdout
    version = re.search(r"version (\S+)", text)
    disk = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True).stdout.strip()
    return f"{len(os.sched_getaffinity(0))} cores of {cpu}, Linux {os.uname().release}, Mosquitto {version.group(1) if version else '?'}, {disk}"


def median_span(values, digits=0):
    """'median (min to max)', or the one value."""
    def show(v):
        return f"{v:,.{digits}f}"

    if not values:
        return "-"
    if len(values) == 1:
        return show(values[0])
    return f"{show(statistics.median(values))} ({show(min(values))} to {show(max(values))})"
