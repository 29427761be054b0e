#include <stdio.h>

#include "tests/sim/storm.h"

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
            const struct storm_cmd *cmd = e->cmd == STORM_BY_HUB ? NULL : &st->cmds[e->cmd];
            if (!cmd || cmd->device != device) {
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
