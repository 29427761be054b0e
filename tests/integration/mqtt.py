"""A plain MQTT client on paho, served by the reactor. It knows nothing of the contract."""
import contextlib
import socket
from collections import namedtuple

import paho.mqtt.client as paho

from reactor import WORLD, shared, wait_for

Message = namedtuple("Message", "topic payload qos retain")


class Mqtt:
    stays = False  # True: the reactor keeps calling tick() while there is no connection

    def __init__(self, port, client_id="", user=None, password=None, clean=True, will=None, keepalive=60):
        self.port = port
        self.client_id = client_id
        self.user = user
        self.password = password
        self.clean = clean
        self.will = will
        self.keepalive = keepalive
        self.paho = None
        self.connected = False
        self.refused = None      # CONNACK code, if not 0
        self.session_present = False
        self.ended = 0           # how many connections ended without our asking
        self.messages = []
        self.granted = {}        # mid -> SUBACK codes
        self.acked = set()       # mids of publishes that are complete
        self.asked = 0           # connections begun

    # -------------------------------------------------------- served by the reactor
    def sock(self):
        return self.paho.socket() if self.paho is not None else None

    def wants_write(self):
        return self.paho.want_write()

    def on_readable(self):
        self.paho.loop_read(200)

    def on_writable(self):
        self.paho.loop_write()

    def tick(self, now):
        if self.paho is not None and self.sock() is not None:
            self.paho.loop_misc()

    # -------------------------------------------------------- connection
    def begin(self):
        """Opens a connection; False if the broker is not there."""
        with WORLD:
            c = paho.Client(self.client_id, clean_session=self.clean, protocol=paho.MQTTv311)
            c.max_inflight_messages_set(0)  # no limit: order and pace are the caller's
            if self.user is not None:
                c.username_pw_set(self.user, self.password)
            if self.will is not None:
                topic, payload, qos, retain = self.will
                c.will_set(topic, payload, qos, retain)
            c.on_connect, c.on_disconnect, c.on_message = self._on_connect, self._on_disconnect, self._on_message
            c.on_subscribe, c.on_publish = self._on_subscribe, self._on_publish
            c.on_socket_open = lambda _c, _u, s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.paho, self.connected, self.refused = c, False, None
            self.asked += 1
            try:
                c.connect("127.0.0.1", self.port, self.keepalive)
            except OSError:
                self.paho = None
                return False
            shared().add(self)
            return True

    def connect(self, timeout=10.0):
        assert self.begin(), "the broker is not there"
        wait_for(lambda: self.connected or self.refused is not None or self.paho is None, timeout, f"{self.client_id}: CONNACK")
        assert self.connected, f"{self.client_id}: connection refused with {self.refused}"
        return self

    def disconnect(self):
        """With a DISCONNECT, so without the will."""
        with WORLD:
            old = self.paho
            if old is None:
                return
            old.on_disconnect = None
            while old.socket() is not None and old.want_write():
                old.loop_write()
            old.disconnect()
            self._forget()

    def drop(self):
        """As a lost link: the socket just ends, the broker sends the will."""
        with WORLD:
            if self.paho is not None and self.sock() is not None:
                with contextlib.suppress(OSError):  # the other side was faster
                    self.sock().shutdown(socket.SHUT_RDWR)
            self._forget()

    def _forget(self):
        old, self.paho, self.connected = self.paho, None, False
        shared().remove(self)
        self.on_down()
        if old is not None:
            old.on_disconnect = None
            if old.socket() is not None:
                old._sock_close()  # paho closes it by itself only when its loop runs on

    def _on_connect(self, client, _userdata, flags, rc):
        if client is not self.paho:
            return
        if rc != 0:
            self.refused = rc
            return
        self.session_present = bool(flags.get("session present"))
        self.connected = True
        self.on_up()

    def _on_disconnect(self, client, _userdata, _rc):
        if client is self.paho:
            self.paho, self.connected = None, False
            self.ended += 1
            if not self.stays:
                shared().remove(self)
            self.on_down()

    def _on_message(self, client, _userdata, m):
        if client is self.paho:
            message = Message(m.topic, bytes(m.payload), m.qos, bool(m.retain))
            self.messages.append(message)
            self.on_message(message)

    def _on_subscribe(self, _client, _userdata, mid, granted):
        self.granted[mid] = list(granted)

    def _on_publish(self, _client, _userdata, mid):
        self.acked.add(mid)

    def on_up(self):
        pass

    def on_down(self):
        pass

    def on_message(self, message):
        pass

    # -------------------------------------------------------- publish and subscribe
    def publish(self, topic, payload=b"", qos=1, retain=False):
        with WORLD:
            if self.paho is None:
                return None
            info = self.paho.publish(topic, payload, qos, retain)
            shared().wake()
            return info.mid

    def publish_wait(self, topic, payload=b"", qos=1, retain=False, timeout=10.0):
        """Returns when the broker has completed it (QoS 1 and 2) - or refused it silently, as 3.1.1 does."""
        mid = self.publish(topic, payload, qos, retain)
        wait_for(lambda: mid in self.acked or not self.connected, timeout, f"{self.client_id}: PUBACK on {topic}")

    def subscribe_begin(self, *filters, qos=1):
        with WORLD:
            _, mid = self.paho.subscribe([(f, qos) for f in filters])
            shared().wake()
            return mid

    def subscribe(self, *filters, qos=1, timeout=10.0):
        """The SUBACK codes, one a filter; 128 = refused."""
        mid = self.subscribe_begin(*filters, qos=qos)
        wait_for(lambda: mid in self.granted or not self.connected, timeout, f"{self.client_id}: SUBACK for {filters}")
        assert mid in self.granted, f"{self.client_id}: disconnected by a SUBSCRIBE for {filters}"
        return self.granted[mid]

    def unsubscribe(self, *filters):
        with WORLD:
            self.paho.unsubscribe(list(filters))
            shared().wake()

    def on_topic(self, topic):
        with WORLD:
            return [m for m in self.messages if m.topic == topic]

    def wait_message(self, match, timeout=10.0, what="a message"):
        def found():
            for m in self.messages:
                if match(m):
                    return m
            return None
        return wait_for(found, timeout, f"{self.client_id}: {what}")
