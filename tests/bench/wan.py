"""A narrow and long link in user space: delay, rate and a short queue, each way for itself, shared by all connections; and what went over it.

Bytes are those of TCP's payload. TLS and the headers of TCP and IP would come on top, for everyone alike.
"""

import asyncio
import socket
import threading
import time

PIECE = 1460  # a packet of Ethernet
QUEUE_S = 0.1  # what the router before the link holds, in seconds of its rate
RECEIVE_BUFFER = 16384  # of the kernel, so that a sender feels the link


class Flow:
    """One direction."""

    def __init__(self):
        self.bytes = 0
        self.free = 0.0  # when the link has sent what it took
        self.frames = []  # (when it entered the link, type of the MQTT packet, bytes, payload)


class Splitter:
    """MQTT packets out of a stream."""

    def __init__(self, flow):
        self.flow, self.rest = flow, b""

    def feed(self, piece, now):
        self.rest += piece
        while len(self.rest) >= 2:
            size = shift = 0
            at = 1
            while at < len(self.rest):
                size |= (self.rest[at] & 127) << shift
                shift, at = shift + 7, at + 1
                if not self.rest[at - 1] & 128:
                    break
            else:
                return
            if len(self.rest) < at + size:
                return
            first, body = self.rest[0], self.rest[at:at + size]
            payload = b""
            if first >> 4 == 3:
                topic = int.from_bytes(body[:2], "big")
                payload = body[2 + topic + (2 if first & 6 else 0):]
            self.flow.frames.append((now, first >> 4, at + size, payload))
            self.rest = self.rest[at + size:]


class Wan:
    """Before 127.0.0.1:port; up is towards that. While it is down nobody can connect. Runs in a thread of its own."""

    def __init__(self, port, rtt, rate, down=False):
        self.target, self.delay, self.rate = port, rtt / 2, rate
        self.flows = {"up": Flow(), "down": Flow()}
        self.is_down = down
        self.connected = None  # when the first connection came while it was up
        self.port = None
        self._open = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wan", daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def clear(self):
        for flow in self.flows.values():
            flow.bytes, flow.frames = 0, []
        self.connected = None

    def cut(self):
        self.is_down = True
        self._loop.call_soon_threadsafe(lambda: [w.transport.abort() for w in list(self._open)])

    def up(self):
        self.clear()
        self.is_down = False

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        server = await asyncio.start_server(self._accept, sock=listening, limit=PIECE)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _accept(self, reader, writer):
        if self.is_down:
            writer.transport.abort()
            return
        self.connected = self.connected or time.monotonic()
        ways = []
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=PIECE)
            self._open |= {writer, far_writer}
            for w in (writer, far_writer):
                w.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ways = [asyncio.ensure_future(self._carry(reader, far_writer, self.flows["up"])),
                    asyncio.ensure_future(self._carry(far_reader, writer, self.flows["down"]))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for w in (writer, far_writer):
                w.transport.abort()
                self._open.discard(w)
        except OSError:
            writer.transport.abort()
        finally:
            for way in ways:
                way.cancel()

    async def _carry(self, reader, writer, flow):
        splitter = Splitter(flow)
        loop = asyncio.get_running_loop()
        while True:
            try:
                piece = await reader.read(PIECE)
            except OSError:
                return
            if not piece:
                return
            now = time.monotonic()
            flow.bytes += len(piece)
            splitter.feed(piece, now)
            flow.free = max(flow.free, now) + len(piece) / self.rate
            loop.call_at(flow.free + self.delay, writer.write, piece)  # the loop's clock is time.monotonic()
            if flow.free - now > QUEUE_S:
                await asyncio.sleep(flow.free - now - QUEUE_S)
