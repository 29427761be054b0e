"""What goes wrong, and when, drawn beforehand: the same script can be played to a hub with sites, and to a stock bridge."""
import time
from dataclasses import dataclass

PLACES = ("site-b", "site-c")
# What is killed, cut or silent, and how often of 20.
FAULTS = ["site"] * 4 + ["hub"] * 3 + ["pipe"] * 3 + ["cut"] * 2 + ["hole"] * 2 + ["part"] * 2 + ["both"] + ["all"] + ["flap"] * 2


@dataclass
class Step:
    fault: str
    place: str
    before: float  # s of load
    down: float    # s that it lasts
    clients: int   # how many clients lose their links meanwhile
    roam: bool     # the one who goes from place to place does


def draw(chance, rounds):
    """A round takes about 0.8 s, and what it takes to start again."""
    return [Step(chance.choice(FAULTS), chance.choice(PLACES), chance.uniform(0.1, 0.5), chance.choice((0.0, chance.uniform(0, 0.5))),
                 chance.choice((0, 0, 1, 2)), chance.random() < 0.4) for _ in range(rounds)]


def play(stage, steps):
    """stage: until(time), lose_clients(n), roam(), down(what, place), up(what, place); what is "hub", "site", "pipe", "cut", "hole" or "part"."""
    for s in steps:
        stage.until(time.monotonic() + s.before)
        if s.roam:
            stage.roam()
        stage.lose_clients(s.clients)
        if s.fault == "flap":
            for _ in range(4):
                stage.down("cut", s.place)
                stage.until(time.monotonic() + s.down / 4)
            continue
        # "both": the site and the pipe; "all": every process there is.
        what = {"both": ["site", "pipe"], "all": ["hub", "site", "pipe"]}.get(s.fault, [s.fault])
        for w in what:
            stage.down(w, s.place)
        stage.until(time.monotonic() + s.down)
        for w in what:
            stage.up(w, s.place)
