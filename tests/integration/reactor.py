"""One thread that serves every client's socket, and one lock: whoever holds it sees all clients at rest."""
import os
import select
import threading
import time

# Guards every client of the process. Tests wait on it for what the clients have seen.
WORLD = threading.Condition(threading.RLock())

IDLE_S = 0.02  # how late a timer of a client may be


class Reactor:
    def __init__(self):
        self.clients = set()
        self.failures = []
        self.woken_r, self.woken_w = os.pipe()
        os.set_blocking(self.woken_r, False)
        os.set_blocking(self.woken_w, False)
        self.running = True
        self.thread = threading.Thread(target=self._run, name="reactor", daemon=True)
        self.thread.start()

    def add(self, client):
        self.clients.add(client)
        self.wake()

    def remove(self, client):
        self.clients.discard(client)
        self.wake()

    def wake(self):
        try:
            os.write(self.woken_w, b"w")
        except BlockingIOError:
            pass  # it is being woken anyway

    def close(self):
        self.running = False
        self.wake()
        self.thread.join()
        os.close(self.woken_r)
        os.close(self.woken_w)

    def _run(self):
        while self.running:
            try:
                self._turn()
            except Exception as why:  # a broken client must fail the test, not end the thread in silence
                with WORLD:
                    self.failures.append(why)
                    WORLD.notify_all()
                time.sleep(IDLE_S)

    def _turn(self):
        with WORLD:
            readers = {c.sock(): c for c in self.clients if c.sock() is not None}
            writers = [s for s, c in readers.items() if c.wants_write()]
        try:
            r, w, _ = select.select([self.woken_r, *readers], writers, [], IDLE_S)
        except (OSError, ValueError):
            return  # a socket was closed while we looked
        with WORLD:
            if self.woken_r in r:
                try:
                    os.read(self.woken_r, 4096)
                except BlockingIOError:
                    pass
            for s in w:
                if readers[s].sock() is s:
                    readers[s].on_writable()
            for s in r:
                if s in readers and readers[s].sock() is s:
                    readers[s].on_readable()
            now = time.monotonic()
            for c in list(self.clients):
                c.tick(now)
            WORLD.notify_all()


_shared = None


def shared():
    global _shared
    if _shared is None:
        _shared = Reactor()
    return _shared


def wait_for(ready, timeout=10.0, what="what was awaited"):
    """Waits until ready() is true (it runs under the lock) and returns what it returned."""
    end = time.monotonic() + timeout
    with WORLD:
        while True:
            if shared().failures:
                raise shared().failures.pop(0)
            got = ready()
            if got:
                return got
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"after {timeout} s still not there: {what() if callable(what) else what}")
            WORLD.wait(min(left, 0.25))
