"""A real fieldpost-relay in front of a broker, and raw WebSocket clients; never left behind."""
import atexit
import base64
import ctypes
import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import broker as brokers

_alive = set()


def relay_path():
    """FIELDPOST_RELAY, or the one that was built beside the plugin; never skipped."""
    so = os.environ.get("FIELDPOST_SO")
    path = os.environ.get("FIELDPOST_RELAY") or (Path(so).parents[2] / "edge-relay/fieldpost-relay" if so else "")
    if not path or not Path(path).is_file():
        raise RuntimeError(f"FIELDPOST_RELAY must name the daemon, fieldpost-relay; it is {str(path)!r}")
    return str(Path(path).resolve())


@atexit.register
def _kill_all():
    for relay in list(_alive):
        relay.kill()


def _die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Relay:
    """Options as keywords; listens on free ports that the system chooses and the log tells."""

    def __init__(self, folder, broker="127.0.0.1:1", **options):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.options = {"listen": "127.0.0.1:0", "broker": broker, "max_per_address": 0, "connects_per_s": 0, **options}
        self.log = self.folder / "relay.log"
        self.process = None
        self.ports = {}

    def configure(self):
        text = "".join(f"{k} {v}\n" for k, v in self.options.items())
        (self.folder / "relay.conf").write_text(text)
        return self.folder / "relay.conf"

    def start(self):
        with open(self.log, "wb") as err:
            self.process = subprocess.Popen([relay_path(), "-c", str(self.configure())], stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                            preexec_fn=_die_with_parent)
        _alive.add(self)
        self.wait_log("info started")
        self.ports = {k: int(p) for k, p in re.findall(r"listening listener=(\w+) address=\S+:(\d+)", self.log_text())}
        return self

    def log_text(self):
        return self.log.read_text(errors="replace")

    def wait_log(self, text, count=1, timeout=10.0):
        self.wait(lambda: self.log_text().count(text) >= count, f"{count} x {text!r} in the log", timeout)

    def wait(self, true, what, timeout=10.0):
        end = time.monotonic() + timeout
        while not true():
            assert self.process.poll() is None, f"the relay ended with {self.process.returncode}:\n{self.log_text()}"
            assert time.monotonic() < end, f"not within {timeout} s: {what}\n{self.log_text()[-3000:]}"
            time.sleep(0.005)

    def http(self, request, kind="ws", **kw):
        with Raw(self.ports[kind], **kw) as raw:
            return raw.request(request)

    def get(self, path, kind="ws", headers="", **kw):
        return self.http(f"GET {path} HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode(), kind, **kw)

    def metrics(self):
        _, _, body = self.get("/metrics")
        return {k: int(v) for k, v in re.findall(r'^fieldpost_relay_(\w+(?:{reason="\w+"})?) (\d+)$', body.decode(), re.M)}

    def refused(self, reason):
        return self.metrics()[f'refused_total{{reason="{reason}"}}']

    def rss_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        _alive.discard(self)
        self.process = None
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.log_text()}"

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        _alive.discard(self)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None and self.process is not None:
            self.stop()
        else:
            self.kill()


HANDSHAKE = {"Host": "h", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(), "Sec-WebSocket-Protocol": "mqtt"}


class Raw:
    """A socket that speaks HTTP and WebSocket byte by byte, so that it can also speak them wrongly."""

    def __init__(self, port, tls=None, receive_buffer=None, timeout=10.0, host="127.0.0.1"):
        self.s = socket.socket()
        if receive_buffer:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.s.settimeout(timeout)
        self.s.connect((host, port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.s = tls.wrap_socket(self.s, server_hostname="hub.example")
        self.rest = b""

    def send(self, data):
        self.s.sendall(data)

    def more(self):
        data = self.s.recv(65536)
        self.rest += data
        return bool(data)

    def response(self, head=False):
        """(status, headers, body) of one response; (None, {}, b"") if the peer hung up without one."""
        while b"\r\n\r\n" not in self.rest:
            try:
                if not self.more():
                    return None, {}, self.rest
            except ConnectionError:
                return None, {}, self.rest
        top, _, self.rest = self.rest.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if head else int(headers.get("content-length", 0))
        while len(self.rest) < length and self.more():
            pass
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(first.split(" ")[1]), headers, body

    def request(self, data, head=False):
        self.send(data)
        return self.response(head)

    def handshake(self, path="/mqtt", method="GET", **changes):
        """Header names with underscores; None leaves one out. The response."""
        headers = dict(HANDSHAKE)
        for name, value in changes.items():
            headers[name.replace("_", "-")] = value
        lines = [f"{k}: {v}" for k, v in headers.items() if v is not None]
        return self.request("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())

    def open(self, **changes):
        status, headers, body = self.handshake(**changes)
        assert status == 101, (status, headers, body)
        accept = base64.b64encode(hashlib.sha1(HANDSHAKE["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        assert headers["sec-websocket-accept"] == accept.decode()
        assert "sec-websocket-extensions" not in headers
        return self

    def frame(self, payload, opcode=2, fin=True, mask=b"\x11\x22\x33\x44"):
        n = len(payload)
        size = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else b"\xff" + struct.pack(">Q", n)
        whole = mask * (n // 4 + 1)
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(whole[:n], "big")).to_bytes(n, "big")
        self.send(bytes([(0x80 if fin else 0) | opcode]) + size + mask + masked)

    def need(self, n):
        while len(self.rest) < n:
            if not self.more():
                raise EOFError
        data, self.rest = self.rest[:n], self.rest[n:]
        return data

    def read_frame(self):
        first, size = self.need(2)
        assert size < 128, "a server does not mask"
        if size == 126:
            size = struct.unpack(">H", self.need(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.need(8))[0]
        return first & 0xf, self.need(size)

    def closed(self):
        """Reads up to the close frame: (code, reason). It is answered, so that the peer need not wait."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == 8:
                self.frame(payload[:2], 8)
                return struct.unpack(">H", payload[:2])[0], payload[2:].decode()

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def free_broker(folder, **kw):
    return brokers.Broker(folder, plugin=False, **kw)
