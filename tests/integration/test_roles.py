"""The role table of the contract, row by row."""
import pytest

import wire

ROLES = {"observer": wire.OBSERVER, "member": wire.MEMBER, "manager": wire.MANAGER, "owner": wire.OWNER, "service": None}

# What each role may do, row by row of the contract's table. Numbers: the role of the one it is done to.
COMMANDS = {
    "msg": lambda t: (wire.MSG, t.conv, {1: "x"}),
    "add observer": lambda t: (wire.MEMBER_ADD, t.conv, {1: t.new, 2: wire.OBSERVER}),
    "add member": lambda t: (wire.MEMBER_ADD, t.conv, {1: t.new, 2: wire.MEMBER}),
    "add manager": lambda t: (wire.MEMBER_ADD, t.conv, {1: t.new, 2: wire.MANAGER}),
    "add owner": lambda t: (wire.MEMBER_ADD, t.conv, {1: t.new, 2: wire.OWNER}),
    "remove observer": lambda t: (wire.MEMBER_REMOVE, t.conv, {1: t.by_role["observer"]}),
    "remove member": lambda t: (wire.MEMBER_REMOVE, t.conv, {1: t.by_role["member"]}),
    "remove manager": lambda t: (wire.MEMBER_REMOVE, t.conv, {1: t.by_role["manager"]}),
    "remove owner": lambda t: (wire.MEMBER_REMOVE, t.conv, {1: t.founder}),
    "set title": lambda t: (wire.CONV_SET, t.conv, {2: "Another"}),
    "set context": lambda t: (wire.CONV_SET, t.conv, {4: {1: "bid", 2: "b-1"}}),
    "set retention": lambda t: (wire.CONV_SET, t.conv, {5: 30}),
    "change a role": lambda t: (wire.MEMBER_ROLE, t.conv, {1: t.by_role["observer"], 2: wire.MEMBER}),
    "new conversation": lambda t: (wire.CONV_NEW, t.fresh_conv, {1: t.scope, 2: "t"}),
    "leave": lambda t: (wire.MEMBER_REMOVE, t.conv, {1: t.me}),
}
ALL = set(COMMANDS)
MAY = {
    "observer": {"leave"},
    "member": {"leave", "msg"},
    "manager": {"leave", "msg", "add observer", "add member", "remove observer", "remove member", "set title", "set context", "new conversation"},
    "owner": ALL,
    "service": ALL - {"leave"},
}


class Table:
    """A conversation with one of each role, and somebody who acts."""

    def __init__(self, world, role):
        self.boss = world.on(world.name("boss"), auto=False)
        self.founder = self.boss.user
        self.by_role = {r: world.name(r) for r in ("observer", "member", "manager")}
        self.new, self.fresh_conv = world.name("new"), world.name("conv")
        members = {u: ROLES[r] for r, u in self.by_role.items()}
        self.me = "svc"
        if role != "service":
            self.me = world.name("actor")
            members[self.me] = ROLES[role]
        self.scope, self.conv = world.open(self.boss, members)
        self.actor = world.on(self.me, auto=False)


# A service that is no member has nothing to leave.
@pytest.mark.parametrize("role, what", [(r, w) for r in ROLES for w in COMMANDS if (r, w) != ("service", "leave")])
def test_the_role_table(world, role, what):
    t = Table(world, role)
    kind, conv, body = COMMANDS[what](t)
    if what in MAY[role]:
        t.actor.ok(kind, conv, body)
    else:
        before = t.boss.history(t.conv)
        t.actor.no(wire.DENIED, kind, conv, body)
        assert t.boss.history(t.conv) == before, "a refused command changed something"


@pytest.mark.parametrize("what", sorted(ALL - {"new conversation", "leave"}))
def test_who_is_no_member_does_not_even_learn_that_it_exists(world, what):
    t = Table(world, "member")
    stranger = world.on(world.name("stranger"), auto=False)
    kind, conv, body = COMMANDS[what](t)
    there = stranger.no(wire.UNKNOWN, kind, conv, body)
    nowhere = stranger.no(wire.UNKNOWN, kind, world.name("nowhere"), body)
    assert there[4] == nowhere[4], "the sentence gives it away"
    assert stranger.get(t.conv, 0)[3] == wire.UNKNOWN


def test_a_stranger_can_not_create_a_conversation_in_a_standing_scope(world):
    t = Table(world, "member")
    stranger = world.on(world.name("stranger"), auto=False)
    stranger.no(wire.DENIED, wire.CONV_NEW, world.name("conv"), {1: t.scope, 2: "t"})


def test_nobody_is_made_a_service_over_the_wire(world):
    t = Table(world, "owner")
    t.actor.no((wire.DENIED, wire.MALFORMED), wire.MEMBER_ADD, t.conv, {1: t.new, 2: wire.SERVICE})
    t.actor.no((wire.DENIED, wire.MALFORMED), wire.MEMBER_ROLE, t.conv, {1: t.by_role["member"], 2: wire.SERVICE})
    t.actor.no((wire.DENIED, wire.MALFORMED), wire.CONV_NEW, world.name("conv"), {1: world.name("scope"), 2: "t", 3: {t.new: wire.SERVICE}})


def test_a_service_reads_everywhere(make_hub):
    world = make_hub(options={"services": "svc"})
    t = Table(world, "service")
    world.watch(t.actor, t.scope)
    seq = t.boss.msg(t.conv, "x")[2]
    t.actor.wait_message(lambda m: m.topic.endswith(f"{t.conv}/event"), what="an event")
    assert [ev[16] for ev in t.actor.history(t.conv)] == list(range(1, seq + 1))


def test_open_scopes_false_leaves_new_scopes_to_services(make_hub):
    w = make_hub(options={"open_scopes": "false", "services": "svc"})
    ann, svc = w.on("ann", auto=False), w.on("svc", auto=False)
    ann.no(wire.DENIED, wire.CONV_NEW, "c1", {1: "s1", 2: "t"})
    svc.ok(wire.CONV_NEW, "c1", {1: "s1", 2: "t", 3: {"ann": wire.MANAGER}})
    ann.ok(wire.CONV_NEW, "c2", {1: "s1", 2: "t"})
    ann.ok(wire.CONV_NEW, "c3", {1: "dm", 2: "t"})
