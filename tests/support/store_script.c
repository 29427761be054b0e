#include "tests/support/store_script.h"

#include <stdio.h>

#define CONVS 9
#define USERS 7
#define DEVICES 6
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
    struct fp_id id = store_script_id("c", store_script_random(r) % CONVS);
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
        return p.save_conv(p.ctx, &c, random_blob(r, buf), (struct fp_bytes){0});
    }
    uint64_t count = 1 + store_script_random(r) % 5;
    struct store_run run = {.cid = c.cid, .first = c.head + 1, .last = c.head + count, .msgs = c.msgs + count, .at = {c.at.ms + 7}};
    run.events = random_blob(r, buf);
    return p.append(p.ctx, &run);
}

static enum fp_err touch_member(struct store_port p, uint64_t *r)
{
    struct fp_id id = store_script_id("c", store_script_random(r) % CONVS);
    struct fp_id user = store_script_id("user", 7 + store_script_random(r) % USERS); /* lengths 5 and 6 */
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

static enum fp_err touch_device(struct store_port p, uint64_t *r, uint8_t *buf)
{
    struct fp_id id = store_script_id("d", store_script_random(r) % DEVICES);
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
    struct store_answers a = {.did = d.did, .first = d.next_n, .last = d.next_n + store_script_random(r) % 4, .at = {d.next_n}};
    a.rows = random_blob(r, buf);
    return p.save_answers(p.ctx, &a);
}

enum fp_err store_script_tx(struct store_port p, uint64_t seed)
{
    static uint8_t buf[BLOB_MAX + 8];
    uint64_t r = seed;
    enum fp_err err = p.begin(p.ctx);

    for (uint64_t left = 1 + store_script_random(&r) % 8; left > 0 && !err; left--) {
        switch (store_script_random(&r) % 4) {
        case 0:
            err = touch_member(p, &r);
            break;
        case 1:
            err = touch_device(p, &r, buf);
            break;
        default: /* half of it is messages */
            err = touch_conv(p, &r, buf);
            break;
        }
    }
    return err;
}

static void mix(uint64_t *h, uint64_t v)
{
    *h = fp_hash(*h, &v, sizeof v);
}

static bool mix_run(void *arg, const struct store_run *run)
{
    uint64_t *h = arg;

    mix(h, run->first);
    mix(h, run->last);
    mix(h, run->msgs);
    mix(h, run->at.ms);
    *h = fp_hash(*h, run->events.p, run->events.len);
    return true;
}

static void mix_member(uint64_t *h, const struct store_member *m)
{
    const uint64_t numbers[] = {m->cid, m->role, m->active, m->joined, m->from, m->read_msgs, m->change};

    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, &m->user, sizeof m->user);
    *h = fp_hash(*h, &m->scope, sizeof m->scope);
}

static enum fp_err hash_conv(struct store_port p, const struct fp_id *id, uint64_t *h)
{
    struct store_conv c = {0};
    struct fp_bytes title = {0};
    struct fp_bytes context = {0};
    bool found = false;
    enum fp_err err = p.load_conv(p.ctx, id, &c, &found);

    mix(h, found);
    if (err || !found) {
        return err;
    }
    const uint64_t numbers[] = {c.cid, c.floor, c.about_seq, c.retention_days, c.head, c.msgs, c.at.ms};
    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, &c.scope, sizeof c.scope);
    err = p.load_about(p.ctx, c.cid, &title, &context);
    if (!err) {
        *h = fp_hash(*h, title.p, title.len);
        err = p.each_run(p.ctx, c.cid, 1, c.head, mix_run, h);
    }
    for (uint64_t i = 0; i < USERS && !err; i++) {
        struct fp_id user = store_script_id("user", 7 + i);
        struct store_member m = {0};
        err = p.load_member(p.ctx, c.cid, &user, &m, &found);
        mix_member(h, &m);
    }
    return err;
}

static enum fp_err hash_device(struct store_port p, const struct fp_id *id, uint64_t *h)
{
    struct store_device d = {0};
    struct store_answers a = {0};
    bool found = false;
    enum fp_err err = p.load_device(p.ctx, id, &d, &found);

    mix(h, found);
    mix(h, d.did);
    mix(h, d.next_n);
    for (uint64_t n = 1; found && n < d.next_n && !err; n = a.last + 1) {
        bool kept = false;
        a.last = n;
        err = p.load_answers(p.ctx, d.did, n, &a, &kept);
        mix(h, kept);
        if (kept) {
            mix(h, a.first);
            *h = fp_hash(*h, a.rows.p, a.rows.len);
        }
    }
    return err;
}

enum fp_err store_script_hash(struct store_port p, uint64_t *out)
{
    uint64_t h = FP_HASH_START;
    enum fp_err err = FP_OK;

    for (uint64_t i = 0; i < CONVS && !err; i++) {
        struct fp_id id = store_script_id("c", i);
        err = hash_conv(p, &id, &h);
    }
    for (uint64_t i = 0; i < DEVICES && !err; i++) {
        struct fp_id id = store_script_id("d", i);
        err = hash_device(p, &id, &h);
    }
    if (!err) {
        *out = h;
    }
    return err;
}
