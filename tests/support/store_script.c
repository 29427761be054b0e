#include "tests/support/store_script.h"

#include <stdio.h>

#define BLOB_MAX 48000

uint64_t store_script_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

struct fp_id store_script_id(const char *prefix, uint64_t number)
{
    struct fp_id id = {0};
    char text[FP_ID_MAX + 1] = {0};

    int len = snprintf(text, sizeof text, "%s%llu", prefix, (unsigned long long)number);
    id.len = (uint8_t)len;
    memcpy(id.text, text, (size_t)len);
    return id;
}

static struct fp_bytes random_blob(uint64_t *r, uint8_t *buf)
{
    uint64_t kind = store_script_random(r) % 16;
    size_t len = kind == 0 ? store_script_random(r) % BLOB_MAX : store_script_random(r) % (kind < 5 ? 3000 : 400);

    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = store_script_random(r);
        memcpy(buf + i, &v, 8);
    }
    return fp_bytes_of(buf, len);
}

static enum fp_err touch_conv(struct store_port p, uint64_t *r, uint8_t *buf)
{
    struct fp_id id = store_script_id("c", store_script_random(r) % STORE_SCRIPT_CONVS);
    struct store_conv c = {0};
    bool found = false;
    enum fp_err err = p.load_conv(p.ctx, &id, &c, &found);

    if (err) {
        return err;
    }
    if (!found) {
        c = (struct store_conv){.id = id, .scope = store_script_id("s", store_script_random(r) % 3)};
        return p.save_conv(p.ctx, &c, fp_bytes_of("title", 5), fp_bytes_of("", 0));
    }
    if (store_script_random(r) % 4 == 0) {
        c.about_seq = c.head;
        c.floor = c.head / 2;
        memset(c.floor_chain, (int)(c.floor % 256), sizeof c.floor_chain);
        return p.save_conv(p.ctx, &c, random_blob(r, buf), (struct fp_bytes){0});
    }
    uint64_t count = 1 + store_script_random(r) % 5;
    struct store_run run = {.cid = c.cid, .first = c.head + 1, .last = c.head + count, .msgs = c.msgs + count, .at = {c.at.ms + 7}};
    run.events = random_blob(r, buf);
    memset(run.chain, (int)(1 + store_script_random(r) % 255), sizeof run.chain);
    return p.append(p.ctx, &run);
}

static enum fp_err touch_member(struct store_port p, uint64_t *r)
{
    struct fp_id id = store_script_id("c", store_script_random(r) % STORE_SCRIPT_CONVS);
    struct fp_id user = store_script_id("user", 7 + store_script_random(r) % STORE_SCRIPT_USERS); /* lengths 5 and 6 */
    struct store_member m = {0};
    struct store_conv c = {0};
    bool found = false;
    bool is_member = false;
    enum fp_err err = p.load_conv(p.ctx, &id, &c, &found);

    if (!err && found) {
        err = p.load_member(p.ctx, c.cid, &user, &m, &is_member);
    }
    if (err || !found) {
        return err;
    }
    if (is_member && store_script_random(r) % 2 == 0) {
        return p.save_read_msgs(p.ctx, c.cid, &user, m.read_msgs + 1);
    }
    m = (struct store_member){.cid = c.cid, .scope = c.scope, .user = user, .joined = c.head};
    m.role = (uint8_t)(store_script_random(r) % 4);
    m.active = store_script_random(r) % 4 != 0;
    m.change = store_script_random(r) % 100000;
    return p.save_member(p.ctx, &m);
}

/* A conversation that is there, or cid 0. */
static enum fp_err pick_conv(struct store_port p, uint64_t *r, struct store_conv *out)
{
    struct fp_id id = store_script_id("c", store_script_random(r) % STORE_SCRIPT_CONVS);
    bool found = false;
    enum fp_err err = p.load_conv(p.ctx, &id, out, &found);

    if (!found) {
        out->cid = 0;
    }
    return err;
}

static enum fp_err touch_receipt(struct store_port p, uint64_t *r)
{
    struct store_conv c = {0};
    struct store_receipt old = {0};
    struct fp_id user = store_script_id("user", 7 + store_script_random(r) % STORE_SCRIPT_USERS);
    enum fp_err err = pick_conv(p, r, &c);

    if (err || c.cid == 0 || c.head == 0) {
        return err;
    }
    uint64_t read = 1 + store_script_random(r) % c.head;
    err = p.load_receipt(p.ctx, c.cid, &user, &old);
    if (err || read <= old.read) {
        return err;
    }
    const struct store_receipt next = {.cid = c.cid, .user = user, .delivered = c.head, .read = read, .shown_read = read};
    const struct store_advance a = {.cid = c.cid, .user = user, .kind = STORE_ADVANCE_READ, .seq = read, .at = {c.at.ms + read}};
    err = p.save_receipt(p.ctx, &next);
    return err ? err : p.add_advance(p.ctx, &a);
}

static enum fp_err touch_target(struct store_port p, uint64_t *r)
{
    struct store_conv c = {0};
    enum fp_err err = pick_conv(p, r, &c);

    if (err || c.cid == 0 || c.head == 0) {
        return err;
    }
    uint64_t seq = 1 + store_script_random(r) % c.head;
    if (store_script_random(r) % 2 == 0) {
        const struct store_target t = {.cid = c.cid, .seq = seq, .version = c.head, .body_at = seq, .state = (uint8_t)(store_script_random(r) % 4)};
        return p.save_target(p.ctx, &t);
    }
    const struct store_confirm f = {
        .cid = c.cid, .seq = seq, .user = store_script_id("user", 7 + store_script_random(r) % STORE_SCRIPT_USERS), .at = {c.at.ms}};
    return p.save_confirm(p.ctx, &f);
}

static bool note_first(void *arg, const struct store_run *run)
{
    *(uint64_t *)arg = run->first;
    return false;
}

/* Old runs are rewritten or go, and with them the advances up to the floor. */
static enum fp_err touch_old(struct store_port p, uint64_t *r, uint8_t *buf)
{
    struct store_conv c = {0};
    uint64_t first = 0;
    uint64_t last = 0;
    bool more = false;
    enum fp_err err = pick_conv(p, r, &c);

    if (err || c.cid == 0 || c.head == 0) {
        return err;
    }
    uint64_t seq = 1 + store_script_random(r) % c.head;
    if (store_script_random(r) % 4 == 0) {
        err = p.drop_runs(p.ctx, c.cid, c.floor, 3, &last);
        return err ? err : p.trim_advances(p.ctx, c.cid, c.floor, 5, &more);
    }
    err = p.each_run(p.ctx, c.cid, seq, seq, note_first, &first);
    return err || first == 0 ? err : p.rewrite_run(p.ctx, c.cid, first, random_blob(r, buf));
}

static enum fp_err touch_person(struct store_port p, uint64_t *r, uint8_t *buf)
{
    struct fp_id user = store_script_id("user", 7 + store_script_random(r) % STORE_SCRIPT_USERS);
    struct fp_bytes blob = random_blob(r, buf);
    const struct store_person person = {
        .user = user, .last_seen = {blob.len}, .version = store_script_random(r) % 1000, .open = blob.len % 2 == 0, .status = blob};
    enum store_timer_kind kind = (enum store_timer_kind)(STORE_TIMER_STATUS + store_script_random(r) % 3);
    /* Due at a time of its own: the order of timers that are due together is the store's. */
    const struct store_timer t = {.kind = kind, .owner = user, .seq = person.version % 4, .due = {store_script_random(r) >> 16}};

    switch (store_script_random(r) % 4) {
    case 0:
        return p.drop_timer(p.ctx, t.kind, &t.owner, t.seq);
    case 1:
        return p.save_timer(p.ctx, &t);
    default:
        return p.save_person(p.ctx, &person);
    }
}

static enum fp_err touch_device(struct store_port p, uint64_t *r, uint8_t *buf)
{
    struct fp_id id = store_script_id("d", store_script_random(r) % STORE_SCRIPT_DEVICES);
    struct store_device d = {0};
    bool found = false;
    enum fp_err err = p.load_device(p.ctx, &id, &d, &found);

    if (err) {
        return err;
    }
    if (!found) {
        d = (struct store_device){.id = id, .user = store_script_id("user", 7)};
        return p.save_device(p.ctx, &d);
    }
    if (store_script_random(r) % 8 == 0) {
        return p.skip_answers(p.ctx, d.did, d.next_n + store_script_random(r) % 3);
    }
    struct store_answers a = {.did = d.did, .first = d.next_n, .last = d.next_n + store_script_random(r) % 4, .at = {d.next_n}};
    a.rows = random_blob(r, buf);
    return p.save_answers(p.ctx, &a);
}

/* A command is taken into custody, or its branch is settled. */
static enum fp_err touch_branch(struct store_port p, uint64_t *r, uint8_t *buf)
{
    struct fp_bytes blob = random_blob(r, buf);
    struct store_record record = {.lane = (uint8_t)(blob.len % STORE_SCRIPT_LANES), .at = {blob.len}, .boot = 1, .mono_ms = 2, .record = blob};
    struct store_branch b = {.device = store_script_id("d", store_script_random(r) % STORE_SCRIPT_DEVICES)};
    struct store_conv c = {0};
    bool found = false;
    enum fp_err err = pick_conv(p, r, &c);

    b.n = 1 + store_script_random(r) % STORE_SCRIPT_BRANCHES;
    if (!err) {
        err = p.load_branch(p.ctx, &b.device, b.n, &b, &found);
    }
    if (err) {
        return err;
    }
    if (found) {
        b.settled = true;
        b.seq = store_script_random(r) % 100;
        b.event = fp_bytes_of("", 0);
        return p.save_branch(p.ctx, &b);
    }
    err = p.add_record(p.ctx, &record);
    b.cid = c.cid;
    b.lane = record.lane;
    b.number = record.number;
    b.event = blob;
    return err ? err : p.save_branch(p.ctx, &b);
}

static enum fp_err touch_trunk(struct store_port p, uint64_t *r, uint8_t *buf)
{
    const struct fp_id relay = store_script_id("r", store_script_random(r) % STORE_SCRIPT_RELAYS);
    uint8_t lane = (uint8_t)(store_script_random(r) % STORE_SCRIPT_LANES);
    struct store_peer peer = {.relay = relay, .epoch = store_script_random(r) % 3};
    struct store_conv c = {0};
    uint64_t oldest = 0;
    uint64_t next = 0;
    bool more = false;
    enum fp_err err = pick_conv(p, r, &c);

    if (err) {
        return err;
    }
    const struct store_held held = {.relay = relay, .cid = c.cid, .seq = c.head, .receipts = store_script_random(r) % 1000};
    switch (store_script_random(r) % 8) {
    case 0:
        err = p.lane_range(p.ctx, lane, &oldest, &next);
        return err ? err : p.drop_records(p.ctx, lane, oldest + store_script_random(r) % 4, 3, &more);
    case 1:
        peer.have[lane] = store_script_random(r);
        peer.acked[lane] = store_script_random(r) % 99;
        return p.save_peer(p.ctx, &peer);
    case 2:
        return store_script_random(r) % 8 == 0 ? p.forget_held(p.ctx, &relay) : FP_OK;
    case 3:
        return c.cid != 0 ? p.save_held(p.ctx, &held) : FP_OK;
    default:
        return touch_branch(p, r, buf);
    }
}

enum fp_err store_script_tx(struct store_port p, uint64_t seed)
{
    static uint8_t buf[BLOB_MAX + 8];
    uint64_t r = seed;
    enum fp_err err = p.begin(p.ctx);

    for (uint64_t left = 1 + store_script_random(&r) % 8; left > 0 && !err; left--) {
        switch (store_script_random(&r) % 14) {
        case 0:
        case 1:
            err = touch_member(p, &r);
            break;
        case 2:
            err = touch_device(p, &r, buf);
            break;
        case 3:
            err = touch_receipt(p, &r);
            break;
        case 4:
            err = touch_target(p, &r);
            break;
        case 5:
            err = touch_old(p, &r, buf);
            break;
        case 6:
            err = touch_person(p, &r, buf);
            break;
        case 7:
        case 8:
            err = touch_trunk(p, &r, buf);
            break;
        default: /* almost half of it is messages */
            err = touch_conv(p, &r, buf);
            break;
        }
    }
    return err;
}
