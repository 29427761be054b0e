"""A TCP proxy with bad manners: delay, jitter, limited rate, stalls, cuts, half-closes, and connections that live on at the broker."""
import asyncio
import random
import socket
import struct
import threading

CHUNK = 16384


class Manners:
    """How a link behaves; times in s. A span is (least, most). Any of them can be changed while the proxy runs."""

    def __init__(self, delay=0.0, jitter=0.0, rate=0, life=None, faults=("cut",), stall=None, split=False):
        self.delay, self.jitter = delay, jitter  # added to each piece, one way; order is kept
        self.rate = rate                         # bytes a second each way; 0: no limit
        self.life = life                         # span: how long a connection lives before one of `faults`; None: for ever
        self.faults = faults                     # of "cut", "half_up", "half_down", "ghost", "stall"
        self.stall = stall or (0.05, 0.4)        # span: how long nothing moves before it is cut
        self.split = split                       # pieces of random length, down to one byte


class ChaosProxy:
    """Between clients and 127.0.0.1:port. Runs in a thread of its own."""

    def __init__(self, port, seed, manners=None):
        self.target = port
        self.manners = manners or Manners()
        self.chance = random.Random(seed)
        self.port = None
        self.connections = 0
        self.faults = {}
        self._open = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10), "the proxy did not start"
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def cut_all(self):
        self._loop.call_soon_threadsafe(lambda: [link.end("cut") for link in list(self._open)])

    def black_hole(self):
        """From now on nothing gets through the links there are, and no side is told."""
        self._loop.call_soon_threadsafe(lambda: [link.moves.clear() for link in list(self._open)])

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for link in list(self._open):
            link.end("cut")
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _accept(self, reader, writer):
        self.connections += 1
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            reset(writer)
            return
        link = Link(self, (reader, writer), (up_reader, up_writer))
        self._open.add(link)
        try:
            await link.run()
        finally:
            self._open.discard(link)


def reset(writer):
    """Ends it with RST, as a dead link does."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Link:
    def __init__(self, proxy, client, broker):
        self.proxy, self.client, self.broker = proxy, client, broker
        self.over = asyncio.Event()
        self.moves = asyncio.Event()  # clear: nothing moves
        self.moves.set()
        for _, writer in (client, broker):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self):
        tasks = [asyncio.ensure_future(self._pump(self.client[0], self.broker[1])),
                 asyncio.ensure_future(self._pump(self.broker[0], self.client[1]))]
        if self.proxy.manners.life:
            tasks.append(asyncio.ensure_future(self._misbehave()))
        await self.over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _misbehave(self):
        manners, chance = self.proxy.manners, self.proxy.chance
        await asyncio.sleep(chance.uniform(*manners.life))
        fault = chance.choice(manners.faults)
        self.proxy.faults[fault] = self.proxy.faults.get(fault, 0) + 1
        if fault in ("half_up", "half_down"):
            writer = self.broker[1] if fault == "half_up" else self.client[1]
            if writer.can_write_eof():
                writer.write_eof()
            await asyncio.sleep(chance.uniform(*manners.stall))
        elif fault == "stall":
            self.moves.clear()
            await asyncio.sleep(chance.uniform(*manners.stall))
        elif fault == "ghost":
            # The client is cut off; the broker believes in the connection until another one takes its place.
            reset(self.client[1])
            await asyncio.sleep(1.0)
        self.end(fault)

    def end(self, _why):
        for _, writer in (self.client, self.broker):
            reset(writer)
        self.over.set()

    async def _pump(self, reader, writer):
        """Two halves, so that delay does not limit the rate."""
        queue = asyncio.Queue(256)
        sender = asyncio.ensure_future(self._deliver(queue, writer))
        loop, last = asyncio.get_running_loop(), 0.0
        try:
            while True:
                manners, chance = self.proxy.manners, self.proxy.chance
                piece = await reader.read(chance.choice((1, 7, 100, CHUNK)) if manners.split else CHUNK)
                last = max(last, loop.time() + manners.delay + chance.uniform(0, manners.jitter))
                await queue.put((last, piece))
                if not piece:
                    await sender
                    return
        except OSError:
            self.end("reset")
        finally:
            sender.cancel()

    async def _deliver(self, queue, writer):
        loop = asyncio.get_running_loop()
        try:
            while True:
                due, piece = await queue.get()
                if due > loop.time() + 0.0005:
                    await asyncio.sleep(due - loop.time())
                await self.moves.wait()
                if not piece:
                    # One side has said all it had to say; the contract of TCP lets the other go on, MQTT has no use for that.
                    self.end("eof")
                    return
                writer.write(piece)
                await writer.drain()
                if self.proxy.manners.rate:
                    await asyncio.sleep(len(piece) / self.proxy.manners.rate)
        except OSError:
            self.end("reset")
