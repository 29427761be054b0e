"""Lives of a client_driver (the client library as a process), what each of them said, and what may be concluded from that."""
import os
import signal
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import broker as brokers

RANK = {"queued": 0, "relayed": 1, "sent": 2, "delivered": 3, "read": 4, "failed": 9}
EXIT_CUT = 9


def driver_path():
    """FIELDPOST_CLIENT_DRIVER, or the one that was built beside the plugin."""
    path = os.environ.get("FIELDPOST_CLIENT_DRIVER") or Path(brokers.plugin_path()).parents[2] / "tests/integration/client_driver"
    if not Path(path).is_file():
        raise RuntimeError(f"the client is not built: {path}")
    return str(Path(path).resolve())


class Life:
    """One process. Its output goes to a file, so that nothing of it is lost when it is killed."""

    def __init__(self, driven, number, args):
        self.driven, self.number = driven, number
        self.out = driven.folder / f"{driven.device}.{number}.out"
        argv = [driver_path(), "--port", str(driven.link.port), "--user", driven.user, "--device", driven.device, "--state", str(driven.state),
                "--life", str(number)]
        for conv in driven.convs:
            argv += ["--conv", conv]
        argv += [str(a) for a in args]
        self.argv = argv
        with open(self.out, "wb") as out, open(driven.folder / "stderr", "ab") as err:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=brokers._die_with_parent)

    def lines(self):
        text = self.out.read_bytes().decode(errors="replace")
        return [line.split(" ") for line in text.split("\n")[:-1]]

    def said(self, word):
        return [line for line in self.lines() if line[0] == word]

    def kill(self):
        self.process.kill()
        return self.process.wait()

    def wait(self, timeout=30):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"not done after {timeout} s: {' '.join(self.argv)}\n{self.tail()}") from None

    def stop(self, timeout=10):
        """A clean end."""
        self.wait_line(lambda line: line[0] == "ready")
        self.process.send_signal(signal.SIGTERM)
        code = self.wait(timeout)
        assert code == 0, f"exit code {code}: {' '.join(self.argv)}\n{self.tail()}"
        return self

    def wait_line(self, match, timeout=15):
        end = time.monotonic() + timeout
        while True:
            for line in self.lines():
                if match(line):
                    return line
            assert time.monotonic() < end, f"after {timeout} s not said: {' '.join(self.argv)}\n{self.tail()}"
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {' '.join(self.argv)}\n{self.tail()}"
            time.sleep(0.01)

    def tail(self, count=25):
        err = (self.driven.folder / "stderr").read_text(errors="replace").splitlines()[-5:]
        return "\n".join([" ".join(line) for line in self.lines()[-count:]] + err)


class Driven:
    """One device: its storage and all its lives."""

    def __init__(self, folder, link, user, device, convs, first=0, storage=""):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.link, self.user, self.device, self.convs = link, user, device, convs  # link: has a port
        self.state = self.folder / f"{device}{storage}.state"
        self.first, self.lives = first, []  # first: the number of the first life; it is in the texts

    def start(self, *args):
        life = Life(self, self.first + len(self.lives), args)
        self.lives.append(life)
        return life

    def drain(self, *args, timeout=60):
        """A last life that sends what is left and ends by itself."""
        life = self.start("--until-idle", *args)
        code = life.wait(timeout)
        assert code == 0, f"exit code {code}: {' '.join(life.argv)}\n{life.tail()}"
        return life

    # -------------------------------------------------------- conclusions
    def check_sent(self, logs):
        """logs: conversation -> all its events. Yields what is wrong with what this device had said."""
        arrived = sorted((ev[2], conv, ev[16], ev[10][1].strip()) for conv, log in logs.items() for ev in log if ev[19] == self.device)
        texts = [text for *_, text in arrived]
        yield from self._check_order(texts)
        where = {text: (conv, seq) for _, conv, seq, text in arrived}
        if len(where) != len(texts):
            yield f"{self.device}: arrived twice: {sorted(t for t in set(texts) if texts.count(t) > 1)[:5]}"
        yield from self._check_states(where)

    def _check_order(self, texts):
        """What was accepted, in its order; after the last of each life one more may have got in before its acceptance was told."""
        at = 0
        for life in self.lives:
            accepted = [line[2] for line in life.said("accepted")]
            for text in accepted:
                if at >= len(texts) or texts[at] != text:
                    yield f"{self.device}: {text} should be the {at}th that arrived, there is {texts[at:at + 3]}; life {life.number}"
                    return
                at += 1
            if at < len(texts) and texts[at] == f"{self.device}-{life.number}-{len(accepted)}":
                at += 1
        if at != len(texts):
            yield f"{self.device}: arrived, but nobody sent it: {texts[at:at + 3]}"

    def _check_states(self, where):
        rank, seqs, text_of, last_ticket = {}, {}, {}, 0
        for before, life in zip([None, *self.lives], self.lives):
            if before and before.process.returncode != 0:
                rank = {ticket: min(known, RANK["sent"]) for ticket, known in rank.items()}  # L2: after a crash "sent" may come again
            for line in life.lines():
                if line[0] == "accepted":
                    ticket = int(line[1])
                    if ticket <= last_ticket:
                        yield f"{self.device}: ticket {ticket} was given after {last_ticket}, life {life.number}"
                    last_ticket = max(last_ticket, ticket)
                    text_of[ticket] = line[2]
                elif line[0] == "state":
                    yield from self._check_state(life, line, rank, seqs)
        for ticket, text in text_of.items():
            if ticket in seqs and where.get(text) != seqs[ticket]:
                yield f"{self.device}: {text} (ticket {ticket}) was told to be {seqs[ticket]}, it is {where.get(text)}"

    def _check_state(self, life, line, rank, seqs):
        ticket, name, conv, seq = int(line[1]), line[2], line[3], int(line[4])
        if RANK[name] < rank.get(ticket, 0):
            yield f"{self.device}: ticket {ticket} went back to {name} from rank {rank[ticket]}, life {life.number}"
        rank[ticket] = max(rank.get(ticket, 0), RANK[name])
        if name in ("sent", "delivered", "read") and seqs.setdefault(ticket, (conv, seq)) != (conv, seq):
            yield f"{self.device}: ticket {ticket} is {conv} {seq}, was {seqs[ticket]}, life {life.number}"

    def check_heard(self, logs):
        """L3 and L4: in order, no hole within a life, none between two of them, nothing again after a clean end, and each what the log holds."""
        last = defaultdict(int)   # conversation -> highest seq heard so far
        saved = defaultdict(int)  # likewise when a life ended cleanly
        for life in self.lives:
            cursor = {}
            for line in life.lines():
                if line[0] in ("snapshot", "skipped"):
                    cursor[line[1]] = int(line[2] if line[0] == "snapshot" else line[3])
                elif line[0] == "epoch":
                    cursor.clear()
                    last.clear()
                    saved.clear()
                elif line[0] == "event":
                    if int(line[2]) <= saved[line[1]]:
                        yield f"{self.device}: {line[1]} {line[2]} came again, {saved[line[1]]} was stored, life {life.number}"
                    yield from self._check_event(life, line, cursor, last, logs)
            if life.process.returncode == 0:
                saved.update(cursor)

    def _check_event(self, life, line, cursor, last, logs):
        conv, seq, user, device, n = line[1], int(line[2]), line[3], line[4], int(line[5])
        before = cursor.get(conv)
        if before is not None and seq != before + 1:
            yield f"{self.device}: {conv} {seq} came after {before}, life {life.number}"
        if before is None and seq > last[conv] + 1:
            yield f"{self.device}: life {life.number} begins {conv} at {seq}, {last[conv]} was the last"
        cursor[conv] = seq
        last[conv] = max(last[conv], seq)
        log = logs.get(conv, [])
        held = log[seq - 1] if seq <= len(log) else None
        if held is None or (held[18], held[19], held[2]) != (user, device, n):
            yield f"{self.device}: heard {conv} {seq} as {user} {device} {n}, the hub holds {held}"


def verdict(devices, logs, listening=True):
    wrong = [w for d in devices for w in d.check_sent(logs)]
    if listening:
        wrong += [w for d in devices for w in d.check_heard(logs)]
    assert not wrong, f"{len(wrong)} things wrong:\n" + "\n".join(wrong[:12])
