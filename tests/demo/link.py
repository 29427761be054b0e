"""A link that can be cut: forwards TCP connections to the hub, or refuses them."""
import socket
import threading


class Link:
    def __init__(self, port):
        self._target = port
        self._up = True
        self._sockets = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self._lock:
            self._up = False
            for sock in self._sockets:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it had ended by itself

    def mend(self):
        with self._lock:
            self._up = True

    def lead_to(self, port):
        """Another network: what stands is cut, and from now on it leads elsewhere."""
        self.cut()
        self._target = port
        self.mend()

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            near.close()
            return
        with self._lock:
            up = self._up
            if up:
                self._sockets |= {near, far}
        if up:
            for sock in (near, far):
                sock.settimeout(None)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()
        with self._lock:
            self._sockets -= {near, far}
        near.close()
        far.close()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass  # one of the two is gone; the other one follows
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # already down
