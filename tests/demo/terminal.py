"""A device with our own client on it: ./fieldpost chat --json as a process, which can be killed and started again."""
import json
import os
import subprocess
import threading


class Terminal:
    """What is written to the process and what it prints. Its outbox and cursors are in its own state directory, on disk."""

    def __init__(self, client, folder, user, name, port, conv):
        self.client, self.user, self.name, self.conv = client, user, name, conv
        self._environment = {**os.environ, "XDG_CONFIG_HOME": os.path.join(folder, user)}
        self._options = ["--json", "--device", name, "--port", str(port), "--state", os.path.join(folder, "state-" + name)]
        self.changed = threading.Condition()
        self.process = None
        self._reader = None
        self.written = []    # in the order of writing
        self._unnamed = 0    # written to this process, and not yet accepted
        self.accepted = {}   # ticket -> text: on this device's disk
        self.relayed = set() # tickets that a site has on its disk
        self.provisional = {} # (device, n) -> what a site has and the hub has not ordered yet
        self.sent = {}       # ticket -> seq: on the hub's disk
        self.events = {}     # seq -> event
        self.faults = []     # whatever must not happen

    def run(self, *words, json_lines=True, code=0):
        """One command to its end, such as create; returns what it said."""
        command = [self.client, *self._options[0 if json_lines else 1:], *words]
        done = subprocess.run(command, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != code:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout + done.stderr

    def start(self):
        command = [self.client, *self._options, "chat", self.conv, "--last", "10000"]
        self.process = subprocess.Popen(command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._unnamed = len(self.written)
        self._reader.start()

    def kill(self):
        """kill -9, in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()
        self._reader.join()  # what it had printed still counts

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def say(self, text):
        self.written.append(text)
        self.process.stdin.write(text + "\n")

    def wait(self, condition, seconds, what):
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise TimeoutError(f"{self.name} waited {seconds} s for {what}")

    def head(self):
        return max(self.events, default=0)

    def log(self):
        return [self.events[seq] for seq in sorted(self.events)]

    def _read(self, process):
        for line in process.stdout:
            try:
                what = json.loads(line)
            except ValueError:
                continue  # cut in the middle by kill -9
            with self.changed:
                self._take(what)
                self.changed.notify_all()

    def _take(self, what):
        if what["type"] == "event":
            self.provisional.pop((what["device"], what["n"]), None)
            known = self.events.setdefault(what["seq"], what)
            if known != what:
                self.faults.append(f"{self.name}: #{what['seq']} was told twice with different contents")
        elif what["type"] == "state" and what["state"] == "queued":
            self.accepted[what["ticket"]] = self.written[self._unnamed]
            self._unnamed += 1
        elif what["type"] == "provisional":
            self.provisional[what["device"], what["n"]] = what
        elif what["type"] == "state" and what["state"] == "relayed":
            self.relayed.add(what["ticket"])
        elif what["type"] == "state" and what["state"] == "sent":
            if self.sent.setdefault(what["ticket"], what["seq"]) != what["seq"]:
                self.faults.append(f"{self.name}: ticket {what['ticket']} was told two places")
        elif what["type"] in ("error", "skipped") or (what["type"] == "state" and what["state"] == "failed"):
            self.faults.append(f"{self.name}: {json.dumps(what)}")
