#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/storm.h"

/* ------------------------------------------------------------------ the mirror */

static void note_cmd(struct storm *st, size_t conv, const struct fp_event *ev, struct storm_event *kept)
{
    struct storm_conv *c = &st->convs[conv];
    size_t at = storm_cmd_of_body(st, ev->body);
    if (at == SIZE_MAX) {
        storm_fail(st, "P3: event %llu of %.*s is nobody's command", (unsigned long long)ev->seq, c->id.len, c->id.text);
    }
    struct storm_cmd *cmd = &st->cmds[at];
    const char *name = st->devices[cmd->device].name;
    if (cmd->store_seq != 0) {
        storm_fail(st, "P3: command %zu (ticket %llu) is in the store twice: %llu and %llu", at, (unsigned long long)cmd->ticket,
                   (unsigned long long)cmd->store_seq, (unsigned long long)ev->seq);
    }
    if (cmd->fate == CMD_VOID || cmd->failed || cmd->cancelled) {
        storm_fail(st, "P3: command %zu of %s (ticket %llu) is in the store at %llu, but it was %s", at, name, (unsigned long long)cmd->ticket,
                   (unsigned long long)ev->seq,
                   cmd->fate == CMD_VOID ? "never accepted"
                   : cmd->cancelled      ? "cancelled"
                                         : "told failed");
    }
    bool same = cmd->kind == ev->kind && cmd->conv == conv && fp_bytes_eq(ev->body, fp_bytes_of(cmd->body, cmd->body_len)) &&
                ev->device.len == strlen(name) && memcmp(ev->device.text, name, ev->device.len) == 0;
    if (!same) {
        storm_fail(st, "P3: command %zu of %s is in the store as something else", at, name);
    }
    if (ev->seq <= cmd->seen || ev->seen > cmd->seen || ev->seen >= ev->seq) {
        storm_fail(st, "P4: command %zu, composed after seeing %llu (told: %llu), got seq %llu", at, (unsigned long long)cmd->seen,
                   (unsigned long long)ev->seen, (unsigned long long)ev->seq);
    }
    cmd->store_seq = ev->seq;
    kept->cmd = at;
    kept->n = ev->n;
}

struct mirror_ctx {
    struct storm *st;
    size_t conv;
};

static bool mirror_run(void *arg, const struct store_run *run)
{
    struct mirror_ctx *m = arg;
    struct storm_conv *c = &m->st->convs[m->conv];
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        struct fp_event ev;
        if (fp_event_decode(one, &ev) || ev.seq != c->head + 1 || ev.seq > STORM_EVENTS) {
            storm_fail(m->st, "P4: the store's events of %.*s are not contiguous behind %llu", c->id.len, c->id.text, (unsigned long long)c->head);
        }
        struct storm_event *kept = &c->events[ev.seq];
        kept->bytes = malloc(one.len);
        memcpy(kept->bytes, one.p, one.len);
        kept->len = one.len;
        note_cmd(m->st, m->conv, &ev, kept);
        c->head = ev.seq;
    }
    return true;
}

static void note_spell(struct storm *st, size_t conv, size_t user, const struct store_member *row)
{
    struct storm_conv *c = &st->convs[conv];
    size_t *count = &c->spell_count[user];
    struct storm_spell *last = *count > 0 ? &c->spells[user][*count - 1] : NULL;
    if (last && last->to == UINT64_MAX && last->change != row->change) {
        last->to = c->head;
        if (!row->active) {
            last->change = row->change;
            return;
        }
    }
    if (last && last->change == row->change) {
        return;
    }
    if (*count == STORM_SPELLS) {
        storm_fail(st, "the simulation holds no more changes of membership");
    }
    /* one that is over already: in and out within one turn */
    c->spells[user][(*count)++] = (struct storm_spell){.change = row->change, .from = row->from, .to = row->active ? UINT64_MAX : c->head};
}

void storm_mirror(void *ctx)
{
    struct storm *st = ctx;
    struct store_port store = mem_store_port(st->broker.kit.mem);
    for (size_t i = 0; i < st->conv_count; i++) {
        struct storm_conv *c = &st->convs[i];
        struct store_conv row;
        bool found = false;
        if (store.load_conv(store.ctx, &c->id, &row, &found) || !found) {
            continue;
        }
        struct mirror_ctx m = {.st = st, .conv = i};
        if (row.head > c->head && store.each_run(store.ctx, row.cid, c->head + 1, row.head, mirror_run, &m)) {
            storm_fail(st, "the store does not answer");
        }
        for (size_t u = 0; u < st->user_count; u++) {
            struct store_member member;
            const char *name = storm_user_name(u);
            struct fp_id id;
            (void)fp_id_parse(name, strlen(name), &id);
            if (store.load_member(store.ctx, row.cid, &id, &member, &found) == FP_OK && found) {
                note_spell(st, i, u, &member);
            }
        }
    }
}

bool storm_may_see(const struct storm *st, size_t conv, size_t user, uint64_t seq)
{
    const struct storm_conv *c = &st->convs[conv];
    for (size_t i = 0; i < c->spell_count[user]; i++) {
        if (c->spells[user][i].from <= seq && seq <= c->spells[user][i].to) {
            return true;
        }
    }
    return false;
}

bool storm_is_floor(const struct storm *st, size_t conv, size_t user, uint64_t floor)
{
    const struct storm_conv *c = &st->convs[conv];
    for (size_t i = 0; i < c->spell_count[user]; i++) {
        uint64_t from = c->spells[user][i].from;
        if (floor == (from > 0 ? from - 1 : 0)) {
            return true;
        }
    }
    return false;
}

const struct storm_spell *storm_member_now(const struct storm *st, size_t conv, size_t user)
{
    const struct storm_conv *c = &st->convs[conv];
    size_t count = c->spell_count[user];
    return count > 0 && c->spells[user][count - 1].to == UINT64_MAX ? &c->spells[user][count - 1] : NULL;
}

/* ------------------------------------------------------------------ L5 */

static void check_receipt(struct storm *st, struct storm_device *d, struct fp_bytes body)
{
    struct fp_dec dec;
    fp_dec_init(&dec, body);
    for (size_t pairs = fp_dec_map(&dec); pairs > 0 && !dec.failed; pairs--) {
        struct fp_id conv = fp_dec_id(&dec);
        size_t items = fp_dec_array(&dec);
        uint64_t delivered = fp_dec_uint(&dec);
        for (size_t i = 1; i < items; i++) {
            fp_dec_skip(&dec);
        }
        size_t at = 0;
        bool known = storm_conv_find(st, &conv, &at);
        const struct storm_shelf *s = &d->shelves[at];
        bool waived = d->config.from_head && delivered <= (s->known ? s->base : st->convs[at].head); /* it wants nothing of what was before */
        if (!known || (delivered > s->disk && !waived)) {
            storm_fail(st, "L5: %s tells \"delivered %llu\" of %.*s, but has stored %llu", d->name, (unsigned long long)delivered, conv.len,
                       conv.text, (unsigned long long)d->shelves[at].disk);
        }
    }
    if (!fp_dec_done(&dec)) {
        storm_fail(st, "%s sends a receipt that is malformed", d->name);
    }
}

void storm_uplink(void *ctx, const struct fp_id *device, enum fp_topic_kind topic, struct fp_bytes payload)
{
    struct storm *st = ctx;
    struct storm_device *d = NULL;
    for (size_t i = 0; i < st->device_count; i++) {
        if (strlen(st->devices[i].name) == device->len && memcmp(st->devices[i].name, device->text, device->len) == 0) {
            d = &st->devices[i];
        }
    }
    struct fp_uplink u;
    struct fp_bytes one;
    const char *why = "";
    if (!d || fp_uplink_open(&u, payload, FP_BATCH_COMMANDS_MAX, &why)) {
        storm_fail(st, "%.*s sends what is no uplink: %s", device->len, device->text, why);
    }
    while (fp_uplink_next(&u, &one)) {
        struct fp_command cmd;
        if (fp_command_decode(one, FP_COMMAND_BYTES_MAX, &cmd, &why)) {
            storm_fail(st, "%s sends what is no command: %s", d->name, why);
        }
        if (fp_kind_is_now(cmd.kind) != (topic == FP_TOPIC_DEVICE_NOW)) {
            storm_fail(st, "%s sends kind %llu to the wrong topic", d->name, (unsigned long long)cmd.kind);
        }
        if (cmd.kind == FP_K_RECEIPT) {
            check_receipt(st, d, cmd.body);
        }
    }
}

/* ------------------------------------------------------------------ the outbox */

struct pending_ctx {
    struct storm_device *d;
    uint64_t last;
    bool after_open;
    size_t count;
};

static bool note_pending(void *arg, uint64_t ticket, enum fp_send_state state, const struct fp_command *command)
{
    struct pending_ctx *p = arg;
    struct storm *st = p->d->st;
    size_t at = storm_cmd_of_body(st, command->body);
    p->count++;
    if (at == SIZE_MAX || ticket <= p->last || st->cmds[at].device != p->d->index) {
        storm_fail(st, "O1: the outbox of %s shows a command that was never given to it, or the wrong order (ticket %llu)", p->d->name,
                   (unsigned long long)ticket);
    }
    p->last = ticket;
    struct storm_cmd *cmd = &st->cmds[at];
    if (p->after_open && cmd->fate == CMD_MAYBE) {
        cmd->fate = CMD_ACCEPTED;
        cmd->ticket = ticket;
    }
    if (cmd->fate != CMD_ACCEPTED || cmd->ticket != ticket || cmd->cancelled) {
        storm_fail(st, "O1: the outbox of %s shows ticket %llu as pending (command %zu, ticket %llu, %s)", p->d->name, (unsigned long long)ticket, at,
                   (unsigned long long)cmd->ticket,
                   cmd->cancelled          ? "cancelled"
                   : cmd->fate == CMD_VOID ? "never accepted"
                                           : "accepted");
    }
    if (p->after_open) {
        cmd->answered = false;
        cmd->state = FP_SEND_QUEUED;
    }
    if (!cmd->answered && state != cmd->state) {
        storm_fail(st, "P6: ticket %llu of %s is pending as %s, but was last told as %s", (unsigned long long)ticket, p->d->name,
                   fp_send_state_name(state), fp_send_state_name(cmd->state));
    }
    cmd->listed = true;
    return true;
}

void storm_check_pending(struct storm_device *d, bool after_open)
{
    struct storm *st = d->st;
    struct pending_ctx p = {.d = d, .after_open = after_open};
    if (d->flash.off) {
        return;
    }
    uint64_t fail_in = d->flash.fail_in;
    d->flash.fail_in = 0; /* not while we look */
    enum fp_err err = fp_client_each_pending(d->c, note_pending, &p);
    d->flash.fail_in = fail_in;
    if (err && err != FP_EAGAIN && !d->flash.off) {
        storm_fail(st, "each_pending of %s: %s", d->name, fp_err_name(err));
    }
    for (size_t i = 0; i < st->cmd_count; i++) {
        struct storm_cmd *cmd = &st->cmds[i];
        if (err || cmd->device != d->index) {
            cmd->listed = false; /* FP_EAGAIN: its buffer is full, the next time */
            continue;
        }
        bool seen = cmd->listed;
        cmd->listed = false;
        if (after_open && cmd->fate == CMD_MAYBE) {
            cmd->fate = CMD_VOID;
        }
        bool open = cmd->fate == CMD_ACCEPTED && !cmd->cancelled && !cmd->sent && !cmd->failed;
        if (open && !seen && after_open && (cmd->has_ttl || cmd->doubtful) && cmd->store_seq == 0) {
            cmd->fate = CMD_VOID; /* it expired, or is cancelled, and we were not told */
        } else if (open && !seen) {
            storm_fail(st, "L1: ticket %llu of %s (command %zu) is unanswered and no longer in the outbox", (unsigned long long)cmd->ticket, d->name,
                       i);
        }
    }
}

/* ------------------------------------------------------------------ all along, and at the end */

void storm_check_step(struct storm *st)
{
    for (size_t i = 0; i < st->device_count; i++) {
        struct storm_device *d = &st->devices[i];
        if (d->c) {
            storm_check_pending(d, false);
        }
        for (size_t k = 0; d->c && k < st->conv_count; k++) {
            const struct fp_conv *v = fp_client_conv(d->c, &st->convs[k].id);
            const struct storm_shelf *s = &d->shelves[k];
            if (v && s->known && v->cursor != s->cursor) {
                storm_fail(st, "L3: %s says cursor %llu of %.*s, but has handed out up to %llu", d->name, (unsigned long long)v->cursor, v->id.len,
                           v->id.text, (unsigned long long)s->cursor);
            }
            if (v && (v->stored > v->cursor || v->head > st->convs[k].head)) {
                storm_fail(st, "P1: %s says stored %llu, cursor %llu, head %llu of %.*s; the store has %llu", d->name, (unsigned long long)v->stored,
                           (unsigned long long)v->cursor, (unsigned long long)v->head, v->id.len, v->id.text, (unsigned long long)st->convs[k].head);
            }
        }
    }
}

bool storm_is_quiet(struct storm *st)
{
    for (size_t i = 0; i < st->device_count; i++) {
        struct storm_device *d = &st->devices[i];
        if (!d->c || fp_client_link(d->c) != FP_LINK_ONLINE || fp_client_pending(d->c) > 0) {
            return false;
        }
        for (size_t k = 0; k < st->conv_count; k++) {
            const struct storm_shelf *s = &d->shelves[k];
            const struct fp_conv *v = fp_client_conv(d->c, &st->convs[k].id);
            bool member = storm_member_now(st, k, d->user) != NULL;
            uint64_t cursor = s->known ? s->cursor : v && d->config.from_head ? v->cursor : 0;
            if (member != (v != NULL) || (member && cursor < st->convs[k].head)) {
                return false;
            }
        }
    }
    return true;
}

/* Ends the program: it did not become quiet. */
void storm_say_why(struct storm *st)
{
    for (size_t i = 0; i < st->device_count; i++) {
        struct storm_device *d = &st->devices[i];
        printf("%s: link %d, %u pending\n", d->name, d->c ? (int)fp_client_link(d->c) : -1, d->c ? fp_client_pending(d->c) : 0);
        for (size_t k = 0; d->c && k < st->conv_count; k++) {
            const struct fp_conv *v = fp_client_conv(d->c, &st->convs[k].id);
            printf("  %s: member %d, %s, head %llu of %llu, floor %llu, cursor %llu, told %llu\n", st->convs[k].id.text,
                   storm_member_now(st, k, d->user) != NULL, v ? "followed" : "not followed", v ? (unsigned long long)v->head : 0ULL,
                   (unsigned long long)st->convs[k].head, v ? (unsigned long long)v->floor : 0ULL, v ? (unsigned long long)v->cursor : 0ULL,
                   (unsigned long long)d->shelves[k].cursor);
        }
    }
    storm_fail(st, "P5: it is calm, and not all has arrived");
}

static void check_order(struct storm *st, size_t device)
{
    for (size_t k = 0; k < st->conv_count; k++) {
        uint64_t ticket = 0;
        uint64_t n = 0;
        for (uint64_t seq = 1; seq <= st->convs[k].head; seq++) {
            const struct storm_event *e = &st->convs[k].events[seq];
            const struct storm_cmd *cmd = &st->cmds[e->cmd];
            if (cmd->device != device) {
                continue;
            }
            if (cmd->ticket <= ticket || e->n <= n) {
                storm_fail(st, "P4: %s: ticket %llu (n %llu) comes behind ticket %llu (n %llu)", st->devices[device].name,
                           (unsigned long long)cmd->ticket, (unsigned long long)e->n, (unsigned long long)ticket, (unsigned long long)n);
            }
            ticket = cmd->ticket;
            n = e->n;
        }
    }
}

static void check_holdings(struct storm *st, const struct storm_device *d)
{
    for (size_t k = 0; k < st->conv_count; k++) {
        const struct storm_spell *spell = storm_member_now(st, k, d->user);
        const struct storm_shelf *s = &d->shelves[k];
        if (!spell || !s->known) { /* not known: it begins at the head, and nothing has come since */
            continue;
        }
        uint64_t floor = spell->from > 0 ? spell->from - 1 : 0;
        for (uint64_t seq = (s->base > floor ? s->base : floor) + 1; seq <= st->convs[k].head; seq++) {
            if (s->have[seq] == 0) {
                storm_fail(st, "P5: %s has not received %llu of %.*s (member from %llu, begun at %llu, cursor %llu)", d->name,
                           (unsigned long long)seq, st->convs[k].id.len, st->convs[k].id.text, (unsigned long long)spell->from,
                           (unsigned long long)s->base, (unsigned long long)s->cursor);
            }
        }
    }
}

void storm_check_end(struct storm *st)
{
    for (size_t i = 0; i < st->cmd_count; i++) {
        const struct storm_cmd *cmd = &st->cmds[i];
        bool open = cmd->fate == CMD_ACCEPTED && !cmd->failed && !cmd->cancelled;
        if (open && (!cmd->sent || cmd->store_seq == 0)) {
            storm_fail(st, "P3: ticket %llu of %s (command %zu) was accepted; sent: %d, seq in the store: %llu", (unsigned long long)cmd->ticket,
                       st->devices[cmd->device].name, i, cmd->sent, (unsigned long long)cmd->store_seq);
        }
    }
    for (size_t i = 0; i < st->device_count; i++) {
        check_order(st, i);
        check_holdings(st, &st->devices[i]);
    }
}
