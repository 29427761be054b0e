"""A device that talks to the hub: paho-mqtt and cbor2, and nothing from this project but the contract (schemas/CONTRACT.md).

What a real app keeps on its own disk (outbox, cursors, events) lives here in members that outlast a connection.
"""
import socket
import threading
import time

import cbor2
import paho.mqtt.client as mqtt

HELLO, GET, MSG, CONV_NEW = 1, 10, 20, 40
ACK, NACK, WELCOME, PAGE = 1, 2, 3, 4
INBOX_HEADS, INBOX_JOINED = 1, 2
CODE_GAP = 5
HOLE_S = 0.5  # a hole that stays open for so long is asked for


class Device:
    def __init__(self, user, password, name, port):
        self.user, self.name, self.port = user, name, port
        self._password = password
        self._client = None
        self._ready = False
        self._asked = 0.0
        self.changed = threading.Condition()
        self.epoch = None
        self.next_n = 1
        self.hub_next_n = 1     # what the hub expected of us at the last welcome
        self.outbox = {}        # n -> command; stays until the hub has answered
        self.answers = {}       # n -> (conversation, seq): confirmed
        self.events = {}        # conversation -> {seq: event}
        self.heads = {}         # conversation -> the highest seq that the hub has told of
        self.scopes = set()
        self.faults = []        # whatever must not happen

    # ---------------------------------------------------------------- what the app calls

    def connect(self):
        client = mqtt.Client(self.name, clean_session=True)
        client.username_pw_set(self.user, self._password)
        client.will_set(f"fp/1/device/{self.name}/status", "offline", qos=1, retain=True)
        # Without this the kernel holds back a small packet while an earlier one is unacknowledged: 40 ms a message.
        client.on_socket_open = lambda _client, _userdata, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._ready = False
        self._client = client
        client.connect("127.0.0.1", self.port)
        client.loop_start()

    def drop(self):
        """The connection is gone, or is given up; what is on the device's disk stays."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
        self._client = None
        self._ready = False

    def create(self, conv, scope, title, members):
        self.scopes.add(scope)
        self._subscribe_scope(scope)
        return self._command({1: CONV_NEW, 3: conv, 10: {1: scope, 2: title, 3: members}})

    def say(self, conv, text):
        return self._command({1: MSG, 3: conv, 4: self.cursor(conv), 10: {1: text}})

    def cursor(self, conv):
        """The highest contiguous seq held."""
        held = self.events.get(conv, {})
        seq = 0
        while seq + 1 in held:
            seq += 1
        return seq

    def log(self, conv):
        held = self.events.get(conv, {})
        return [held[seq] for seq in sorted(held)]

    def is_ready(self):
        return self._ready

    def wait(self, condition, seconds, what):
        """Waits for the condition, asks for holes meanwhile; an error that says what was waited for."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not condition():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.name}: waited {seconds} s for {what}, in vain")
                self.changed.wait(0.1)
                self._mend()

    # ---------------------------------------------------------------- to the hub

    def _send(self, command):
        self._client.publish(f"fp/1/device/{self.name}/up", cbor2.dumps(command, canonical=True), qos=1)

    def _command(self, command):
        with self.changed:
            n = self.next_n
            self.next_n += 1
            self.outbox[n] = command | {2: n}
            if self._ready:
                self._send(self.outbox[n])
            return n

    def _mend(self):
        """Asks for what is missing, at most once in HOLE_S."""
        if not self._ready or time.monotonic() - self._asked < HOLE_S:
            return
        self._asked = time.monotonic()
        for conv, head in self.heads.items():
            if self.cursor(conv) < head:
                self._send({1: GET, 3: conv, 10: {1: self.cursor(conv)}})

    def _subscribe_scope(self, scope):
        if self._client is not None:
            self._client.subscribe(f"fp/1/scope/{scope}/conv/+/event", qos=1)

    def _on_connect(self, client, _userdata, _flags, code):
        if code != 0:
            self._fault(f"the broker refused the connection: {mqtt.connack_string(code)}")
            return
        filters = [f"fp/1/device/{self.name}/down", f"fp/1/user/{self.user}/+"]
        filters += [f"fp/1/scope/{s}/conv/+/event" for s in sorted(self.scopes)]
        self._hello_mid = client.subscribe([(f, 1) for f in filters])[1]

    def _on_subscribe(self, client, _userdata, mid, granted):
        if mid != self._hello_mid:
            return
        if any(code > 2 for code in granted):
            self._fault(f"a subscription was refused: {granted}")
        client.publish(f"fp/1/device/{self.name}/status", "online", qos=1, retain=True)
        self._send({1: HELLO, 10: {1: 1, 2: "fieldpost-demo", 4: {conv: self.cursor(conv) for conv in self.events}}})

    # ---------------------------------------------------------------- from the hub

    def _on_message(self, _client, _userdata, message):
        body = cbor2.loads(message.payload) if not message.topic.endswith("/presence") else None
        with self.changed:
            if message.topic.endswith("/event"):
                for event in body if isinstance(body, list) else [body]:
                    self._on_event(event)
            elif message.topic.endswith("/inbox"):
                self._on_inbox(body)
            elif message.topic.endswith("/down"):
                self._on_reply(body)
            self.changed.notify_all()

    def _on_event(self, event):
        held = self.events.setdefault(event[3], {})
        if held.setdefault(event[16], event) != event:
            self._fault(f"event {event[16]} was told twice, with different contents")
        self.heads[event[3]] = max(self.heads.get(event[3], 0), event[16])

    def _on_inbox(self, body):
        if body[1] == INBOX_JOINED:
            self.scopes.add(body[3])
            self._subscribe_scope(body[3])
            self.events.setdefault(body[2], {})
            self._send({1: GET, 3: body[2], 10: {1: self.cursor(body[2])}})
        elif body[1] == INBOX_HEADS:
            for conv, _scope, head, _unread in body[2]:
                self.heads[conv] = max(self.heads.get(conv, 0), head)

    def _on_reply(self, body):
        if body[1] == WELCOME:
            self._on_welcome(body)
        elif body[1] == ACK:
            for n, conv, seq, _at in body[2]:
                if self.answers.setdefault(n, (conv, seq)) != (conv, seq):
                    self._fault(f"command {n} was confirmed as {self.answers[n]} and later as {(conv, seq)}")
                self.outbox.pop(n, None)
        elif body[1] == PAGE:
            for event in body[7]:
                self._on_event(event)
            self._asked = 0.0 # more may follow at once
        elif body[1] == NACK:
            self._on_nack(body)

    def _on_welcome(self, body):
        if self.epoch not in (None, body[2]):
            self._fault("the hub has begun a new epoch: it has lost its log")
        self.epoch = body[2]
        self.hub_next_n = body[5]
        self.next_n = max(self.next_n, body[5])
        for conv, scope, head, _floor, _read, _unread in body[6]:
            self.heads[conv] = max(self.heads.get(conv, 0), head)
            if scope not in self.scopes:
                self.scopes.add(scope)
                self._subscribe_scope(scope)
        self._ready = True
        for n in sorted(self.outbox): # under the same n as before: the hub knows a repeated command by it
            self._send(self.outbox[n])

    def _on_nack(self, body):
        code, n = body[3], body.get(2)
        if code == CODE_GAP or body.get(5):
            for again in sorted(m for m in self.outbox if m >= body.get(7, n or 0)):
                self._send(self.outbox[again])
            return
        self.outbox.pop(n, None)
        self._fault(f"the hub refused command {n}: code {code}, {body.get(4, 'no reason given')}")

    def _fault(self, text):
        self.faults.append(f"{self.name}: {text}")
