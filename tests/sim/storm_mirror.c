#include <stdlib.h>

#include "plugin/core/chain.h"
#include "tests/sim/storm.h"

#define TTL_SLACK_US 1000000U /* a client tells an age in whole milliseconds, as it believes the time */

static bool is_hub(const struct fp_id *id)
{
    return id->len == 4 && memcmp(id->text, "~hub", 4) == 0;
}

/* The hub says one thing by itself: that a message is deleted which has lasted as long as its ttl says. */
static void note_deletion(struct storm *st, size_t conv, const struct fp_event *ev, struct storm_event *kept)
{
    struct storm_conv *c = &st->convs[conv];
    bool good = ev->kind == FP_K_DELETE && is_hub(&ev->user) && is_hub(&ev->device) && (ev->flags & FP_FLAG_HUB) && ev->ref > 0 && ev->ref < ev->seq;
    struct storm_event *target = good ? &c->events[ev->ref] : NULL;
    if (!target || target->cmd == STORM_BY_HUB || target->deleted_at != 0 || !st->cmds[target->cmd].has_ttl) {
        storm_fail(st, "P3: event %llu of %.*s is nobody's command", (unsigned long long)ev->seq, c->id.len, c->id.text);
    }
    if (sim_net_now(st->net).us + TTL_SLACK_US < st->cmds[target->cmd].lasts_us) {
        storm_fail(st, "P3: event %llu of %.*s deletes %llu before its time", (unsigned long long)ev->seq, c->id.len, c->id.text,
                   (unsigned long long)ev->ref);
    }
    target->deleted_at = ev->seq;
    kept->cmd = STORM_BY_HUB;
    st->stats.deleted++;
}

/* An event that is deleted is told without its body, and with the body's hash, to whoever asks for it later. */
static bool is_without_body(const struct storm_event *kept, struct fp_bytes bytes)
{
    static const uint8_t null_item = 0xf6;
    uint8_t hash[CHAIN_BYTES];
    uint8_t buf[STORM_BODY + 256];
    struct fp_event ev;
    struct fp_enc e;

    if (fp_event_decode(fp_bytes_of(kept->bytes, kept->len), &ev)) {
        return false;
    }
    chain_body_hash(ev.body, hash);
    ev.body = fp_bytes_of(&null_item, 1);
    ev.body_hash = fp_bytes_of(hash, sizeof(hash));
    fp_enc_init(&e, buf, sizeof(buf));
    return fp_event_encode(&e, &ev) && fp_bytes_eq(bytes, fp_enc_bytes_of(&e));
}

bool storm_is_event(const struct storm *st, size_t conv, uint64_t seq, struct fp_bytes bytes)
{
    const struct storm_conv *c = &st->convs[conv];
    if (seq == 0 || seq > c->head) {
        return false;
    }
    const struct storm_event *kept = &c->events[seq];
    return fp_bytes_eq(bytes, fp_bytes_of(kept->bytes, kept->len)) || (kept->deleted_at != 0 && is_without_body(kept, bytes));
}

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
        if (is_hub(&ev.device)) {
            note_deletion(m->st, m->conv, &ev, kept);
        } else {
            note_cmd(m->st, m->conv, &ev, kept);
        }
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
