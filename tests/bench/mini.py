"""MQTT 3.1.1 on a blocking socket, also as WebSocket frames: only what the benchmark says and hears. Commands are encoded by hand."""

import socket
import struct
import time

from broker import BenchError

CONNECT_S = 10
WORDS = ("crane gate the is north concrete delivery at four not before wind until we floor drawing checked missing pallets and to again please "
         "foreman rebar on tomorrow twelve metres scaffold signed still photo of a in stairs welding permit waits").split()


class Texts:
    """The words of tests/bench/wire.c, in texts of one length; the same ones for the same seed."""

    def __init__(self, seed, length=100):
        self.state, self.length = seed * 2654435761 + 88172645463325252, length

    def next(self):
        out = []
        left = self.length
        while left > 0:
            s = self.state
            s ^= (s << 13) & 0xffffffffffffffff
            s ^= s >> 7
            s ^= (s << 17) & 0xffffffffffffffff
            self.state = s
            for _ in range(5):
                word = WORDS[s % len(WORDS)]
                s //= len(WORDS)
                out.append(word)
                left -= len(word) + 1
        return " ".join(out)[:self.length].encode()


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError(value)


def cbor(value):
    """Deterministic for what commands are made of: small keys, ascending as given."""
    if value is True:
        return b"\xf5"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, (str, bytes)):
        text = value.encode() if isinstance(value, str) else value
        return head(3, len(text)) + text
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    return head(4, len(value)) + b"".join(map(cbor, value))


def message(n, conv, words):
    return b"\xa4\x01\x14\x02" + head(0, n) + b"\x03" + cbor(conv) + b"\x0a\xa1\x01" + cbor(words)


def packet(kind, body):
    size, out = len(body), bytearray([kind])
    while True:
        size, digit = size >> 7, size & 127
        out.append(digit | (128 if size else 0))
        if not size:
            return bytes(out) + body


def text(s):
    s = s.encode()
    return len(s).to_bytes(2, "big") + s


class Client:
    def __init__(self, port, name, user=None, ws=False, receive_buffer=None, timeout=CONNECT_S, path="/mqtt", address="127.0.0.1"):
        self.name, self.ws, self.rest, self.frames, self.mid, self.messages = name, ws, b"", b"", 0, []
        self.s = socket.socket()
        if receive_buffer:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.s.settimeout(timeout)
        self.s.connect((address, port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ws:
            self.s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n".encode())
            while b"\r\n\r\n" not in self.frames:
                self._receive()
            top, _, self.frames = self.frames.partition(b"\r\n\r\n")
            if b" 101 " not in top.split(b"\r\n")[0]:
                raise BenchError(f"no WebSocket: {top[:80]!r}")
        flags = 0x82 if user else 2
        self.send(packet(0x10, text("MQTT") + bytes([4, flags, 0, 0]) + text(name) + (text(user) if user else b"")))
        kind, body = self.read()
        if kind != 0x20 or body[1] != 0:
            raise BenchError(f"{name}: the broker does not take it: {body!r}")

    def framed(self, data):
        if not self.ws:
            return data
        n = len(data)
        size = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else b"\xff" + struct.pack(">Q", n)
        return b"\x82" + size + b"\0\0\0\0" + data  # a mask of zeros is a mask

    def send(self, data):
        self.s.sendall(self.framed(data))

    def _receive(self):
        data = self.s.recv(262144)
        if not data:
            raise BenchError(f"{self.name}: the broker has hung up")
        self.frames += data

    def _more(self):
        """Some more of MQTT's bytes."""
        if not self.ws:
            self._receive()
            self.rest, self.frames = self.rest + self.frames, b""
            return
        got = []
        self._receive()
        data, at = self.frames, 0
        while len(data) >= at + 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2:at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2:at + 10], "big"), at + 10
            if len(data) < start + size or len(data) < start:
                break
            got.append(data[start:start + size])
            at = start + size
        self.frames = data[at:]
        self.rest += b"".join(got)

    def read(self):
        """One packet: first byte, body."""
        while True:
            size = shift = 0
            for at in range(1, min(5, len(self.rest))):
                size |= (self.rest[at] & 127) << shift
                shift += 7
                if not self.rest[at] & 128:
                    if len(self.rest) > at + size:
                        kind, body, self.rest = self.rest[0], self.rest[at + 1:at + 1 + size], self.rest[at + 1 + size:]
                        return kind, body
                    break
            self._more()

    def message(self):
        """The next publish, topic and payload; it is acknowledged."""
        while not self.messages:
            self.take(*self.read())
        return self.messages.pop(0)

    def take(self, kind, body):
        if kind >> 4 != 3:
            return kind, body
        at = 2 + int.from_bytes(body[:2], "big")
        topic = body[2:at].decode()
        if kind & 6:
            self.send(b"\x40\x02" + body[at:at + 2])
            at += 2
        self.messages.append((topic, body[at:]))
        return None

    def until(self, kind):
        while True:
            first, body = self.read()
            if first & 0xf0 == kind:
                return body
            self.take(first, body)

    def subscribe(self, *filters, qos=0):
        self.mid += 1
        self.send(packet(0x82, self.mid.to_bytes(2, "big") + b"".join(text(f) + bytes([qos]) for f in filters)))
        self.until(0x90)

    def publish_packet(self, topic, payload, qos=1):
        if not qos:
            return packet(0x30, text(topic) + payload)
        self.mid = self.mid % 65535 + 1
        return packet(0x32, text(topic) + self.mid.to_bytes(2, "big") + payload)

    def publish(self, topic, payload, qos=1):
        self.send(self.publish_packet(topic, payload, qos))

    def close(self):
        self.s.close()


class Device(Client):
    """One that speaks the contract, as far as it goes here: what it sends is counted and answered, nothing more."""

    def __init__(self, port, name, user, custody=False, **kw):
        """custody: at a site, where a command's first answer says that it is relayed, and another comes when it is settled."""
        super().__init__(port, name, user, **kw)
        self.first = 0xa3 if custody else 0xa2
        self.user, self.n, self.answered = user, 1, 0
        self.up, self.down = f"fp/1/device/{name}/up", f"fp/1/device/{name}/down"
        self.subscribe(self.down, qos=1)

    def hello(self, next_n=None):
        """Asks until it is welcome: a site that has not met its hub is busy."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            self.publish(self.up, cbor({1: 1, 10: {1: 1, 6: next_n} if next_n else {1: 1, 3: True}}))
            while True:
                topic, payload = self.message()
                if topic == self.down and payload[1:3] == b"\x01\x03":
                    return self
                if topic == self.down and payload[1:3] == b"\x01\x02":
                    break
            time.sleep(0.05)
        raise BenchError(f"{self.name}: not welcome in 30 s")

    def open(self, conv, scope, members):
        self.publish(self.up, cbor({1: 40, 2: self.n, 3: conv, 10: {1: scope, 2: conv, 3: members}}))
        self.n += 1
        self.answers(1)

    def command(self, conv, words, priority=None):
        n, self.n = self.n, self.n + 1
        if priority is None:
            return message(n, conv, words)
        return cbor({1: 20, 2: n, 3: conv, 6: priority, 10: {1: words}})

    def answers(self, count):
        """Until so many more commands have their first answer; each must be an ack."""
        goal = self.answered + count
        while self.answered < goal:
            topic, payload = self.message()
            if topic != self.down:
                continue
            if payload[1:3] == b"\x01\x02":
                raise BenchError(f"{self.name}: refused: {payload[:120]!r}")
            if payload[0] == self.first and payload[1:3] == b"\x01\x01":  # an ack: how many rows its array has
                n = payload[4] & 31
                self.answered += n if n < 24 else int.from_bytes(payload[5:5 + (1 << n - 24)], "big")

    def send_many(self, convs, count, texts, array=64, window=24):
        """Arrays of one conversation after the other, some of them on the way."""
        sizes, sent = [], 0
        while sent < count or sizes:
            while sent < count and len(sizes) < window:
                n = min(array, count - sent)
                conv = convs[sent // array % len(convs)]
                rows = [self.command(conv, texts.next()) for _ in range(n)]
                self.publish(self.up, rows[0] if n == 1 else head(4, n) + b"".join(rows))
                sizes.append(n)
                sent += n
            self.answers(sizes.pop(0))
