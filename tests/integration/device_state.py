"""What a device keeps: its outbox's entries and where it is in each conversation."""
from dataclasses import dataclass, field

ABSENT = object()


@dataclass
class Entry:
    command: dict
    born: float


@dataclass
class Conv:
    scope: str = None
    cursor: int = 0
    head: int = 0
    pending: dict = field(default_factory=dict)
    log: list = field(default_factory=list)     # events in the order applied
    behind_since: float = None
    asked_at: float = 0.0
    member: bool = True
    about: dict = None
    provisional: dict = field(default_factory=dict)  # (device, n) -> event that a site has and the hub has not ordered yet
    settled: set = field(default_factory=set)


def make(kind, n, conv, body, more):
    command = {1: kind}
    if n is not None:
        command[2] = n
    if conv is not None:
        command[3] = conv
    if body is not ABSENT:
        command[10] = body
    command.update({int(k[1:]): v for k, v in more.items()})
    return command
