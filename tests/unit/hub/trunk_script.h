/*
 * trunk_script.h: random commands of every kind, as devices would send them, and whether two stores tell the same story in the end.
 *
 * Shape       ten devices of five users, six conversations in two scopes; a command may be refused, that is part of the story
 */
#ifndef TESTS_UNIT_HUB_TRUNK_SCRIPT_H
#define TESTS_UNIT_HUB_TRUNK_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"
#include "tests/support/sim_random.h"

#define SCRIPT_DEVICES 10
#define SCRIPT_CONVS 6
#define SCRIPT_USERS 5

static const char *const script_devices[SCRIPT_DEVICES] = {"anna-a", "anna-b", "ben-a",  "ben-b", "carl-a",
                                                           "carl-b", "dora-a", "dora-b", "eve-a", "eve-b"};
static const char *const script_users[SCRIPT_USERS] = {"anna", "ben", "carl", "dora", "eve"};
static const char *const script_convs[SCRIPT_CONVS] = {"kitchen", "pantry", "cellar", "attic", "garden", "roof"};

static inline const char *script_scope(const char *conv)
{
    return strcmp(conv, "garden") == 0 || strcmp(conv, "roof") == 0 ? "yard" : "house";
}

struct script {
    struct sim_random random;
    uint64_t n[SCRIPT_DEVICES]; /* the next one of each */
    bool private_reads;
};

static inline void script_init(struct script *s, uint64_t seed)
{
    *s = (struct script){.random = {.state = seed}};
    for (size_t i = 0; i < SCRIPT_DEVICES; i++) {
        s->n[i] = 1;
    }
}

static inline struct store_conv script_conv(const struct kit *k, const char *name)
{
    struct store_conv c = {0};
    bool found = false;
    struct fp_id id = kit_id(name);
    assert_int_equal(k->fault.inner.load_conv(k->fault.inner.ctx, &id, &c, &found), FP_OK);
    return found ? c : (struct store_conv){0};
}

static inline struct fp_command script_conv_new(struct script *s, struct kit_body *b, uint64_t n, const char *conv)
{
    const char *users[SCRIPT_USERS];
    uint64_t roles[SCRIPT_USERS];
    size_t count = 0;
    static const size_t by_key[SCRIPT_USERS] = {1, 4, 0, 2, 3}; /* ben, eve, anna, carl, dora: by length, then bytes */
    for (size_t i = 0; i < SCRIPT_USERS; i++) {
        if (sim_chance(&s->random, 700)) {
            users[count] = script_users[by_key[i]];
            roles[count++] = sim_below(&s->random, FP_ROLE_OWNER + 1);
        }
    }
    return kit_conv_new(b, n, conv, script_scope(conv), users, roles, count);
}

static inline struct fp_command script_title(struct kit_body *b, uint64_t n, const char *conv, uint64_t title)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "title %u", (unsigned)title);
    fp_enc_init(&b->e, b->buf, sizeof(b->buf));
    fp_enc_map(&b->e, 1);
    fp_enc_uint(&b->e, FP_CONV_TITLE);
    fp_enc_text(&b->e, text, strlen(text));
    return (struct fp_command){.kind = FP_K_CONV_SET, .n = n, .conv = kit_id(conv), .body = fp_enc_bytes_of(&b->e), .priority = FP_PRIORITY_NORMAL};
}

static inline struct fp_command script_msg(struct script *s, struct kit_body *b, uint64_t n, const char *conv)
{
    static const uint8_t priorities[] = {FP_PRIORITY_SAFETY, FP_PRIORITY_NORMAL, FP_PRIORITY_NORMAL, FP_PRIORITY_NORMAL, FP_PRIORITY_BULK};
    char text[48];
    (void)snprintf(text, sizeof(text), "what number %u has to say", (unsigned)sim_below(&s->random, 1000));
    struct fp_command c = kit_msg(b, n, conv, text);
    if (sim_chance(&s->random, 200)) {
        fp_enc_init(&b->e, b->buf, sizeof(b->buf));
        fp_enc_map(&b->e, 2);
        fp_enc_uint(&b->e, FP_MSG_TEXT);
        fp_enc_text(&b->e, text, strlen(text));
        fp_enc_uint(&b->e, FP_MSG_CONFIRM);
        fp_enc_bool(&b->e, true);
        c.body = fp_enc_bytes_of(&b->e);
    }
    c.priority = priorities[sim_below(&s->random, 5)];
    return c;
}

static inline struct fp_command script_about(struct script *s, struct kit_body *b, uint64_t n, const char *conv, uint64_t head)
{
    static const uint64_t kinds[] = {FP_K_EDIT, FP_K_EDIT, FP_K_DELETE, FP_K_REACT, FP_K_CONFIRM, FP_K_CONFIRM, FP_K_REDACT};
    struct fp_command c = kit_msg(b, n, conv, "x");
    c.kind = kinds[sim_below(&s->random, 7)];
    c.ref = 1 + sim_below(&s->random, head + 1);
    if (c.kind == FP_K_DELETE || c.kind == FP_K_CONFIRM) {
        c.body = (struct fp_bytes){0};
    }
    if (c.kind == FP_K_EDIT && sim_chance(&s->random, 400)) {
        c.has_base = true;
        c.base = c.ref;
    }
    return c;
}

/* near: what the device knows of the conversation is what that broker has. */
static inline struct fp_command script_command(struct script *s, struct kit_body *b, size_t device, const struct kit *near)
{
    uint64_t n = s->n[device]++;
    uint64_t dice = sim_below(&s->random, 100);
    const char *conv = script_convs[sim_below(&s->random, SCRIPT_CONVS)];
    const char *user = script_users[sim_below(&s->random, SCRIPT_USERS)];
    uint64_t head = script_conv(near, conv).head;
    struct fp_command c;
    if (head == 0 && dice < 60) {
        return script_conv_new(s, b, n, conv);
    }
    if (dice < 55) {
        c = script_msg(s, b, n, conv);
        c.ref = sim_chance(&s->random, 200) ? 1 + sim_below(&s->random, head + 1) : 0;
    } else if (dice < 80) {
        c = script_about(s, b, n, conv, head);
    } else if (dice < 86) {
        c = kit_member(b, n, FP_K_MEMBER_ADD, conv, user, (int)sim_below(&s->random, FP_ROLE_OWNER + 1),
                       sim_chance(&s->random, 500) ? (int)sim_below(&s->random, head + 1) : -1);
    } else if (dice < 90) {
        c = kit_member(b, n, FP_K_MEMBER_REMOVE, conv, user, -1, -1);
    } else if (dice < 93) {
        c = kit_member(b, n, FP_K_MEMBER_ROLE, conv, user, (int)sim_below(&s->random, FP_ROLE_OWNER + 1), -1);
    } else if (dice < 97) {
        c = script_title(b, n, conv, sim_below(&s->random, 1000));
        c.has_base = sim_chance(&s->random, 300);
        c.base = c.has_base ? head : 0;
    } else {
        return script_conv_new(s, b, n, conv);
    }
    c.seen = sim_chance(&s->random, 700) ? head : sim_below(&s->random, head + 1);
    return c;
}

/* He has all that there is, or some of it. */
static inline void script_receipt(struct script *s, struct kit *at, size_t device)
{
    struct kit_body b;
    const char *conv = script_convs[sim_below(&s->random, SCRIPT_CONVS)];
    uint64_t head = script_conv(at, conv).head;
    uint64_t read = sim_below(&s->random, head + 1);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_text(&b.e, conv, strlen(conv));
    fp_enc_array(&b.e, 2);
    fp_enc_uint(&b.e, read + sim_below(&s->random, head + 1 - read));
    fp_enc_uint(&b.e, read);
    struct fp_command c = {.kind = FP_K_RECEIPT, .body = fp_enc_bytes_of(&b.e), .priority = FP_PRIORITY_NORMAL};
    kit_send(at, script_devices[device], &c);
}

/* ------------------------------------------------------------------ the same story? */

struct story { /* of one conversation */
    uint8_t events[400000];
    size_t len;
    struct store_target targets[512];
    size_t target_count;
    uint64_t upto;
};

static inline bool story_run(void *arg, const struct store_run *run)
{
    struct story *s = arg;
    assert_true(s->len + run->events.len <= sizeof(s->events));
    if (run->events.len > 0) {
        memcpy(s->events + s->len, run->events.p, run->events.len);
    }
    s->len += run->events.len;
    return true;
}

static inline bool story_target(void *arg, const struct store_target *t)
{
    struct story *s = arg;
    assert_true(s->target_count < 512);
    s->targets[s->target_count] = *t;
    s->targets[s->target_count++].cid = 0;
    return true;
}

static inline void story_read(const struct kit *k, const struct store_conv *c, struct story *s)
{
    s->len = 0;
    s->target_count = 0;
    assert_int_equal(k->fault.inner.each_run(k->fault.inner.ctx, c->cid, 1, c->head, story_run, s), FP_OK);
    assert_int_equal(k->fault.inner.each_target(k->fault.inner.ctx, c->cid, 1, c->head, story_target, s), FP_OK);
}

static inline void same_member(const struct kit *hub, const struct kit *site, const struct store_conv *h, const struct store_conv *t,
                               const char *user)
{
    struct store_member a = {0};
    struct store_member b = {0};
    struct store_receipt ra = {0};
    struct store_receipt rb = {0};
    bool at_hub = false;
    bool at_site = false;
    struct fp_id id = kit_id(user);
    assert_int_equal(hub->fault.inner.load_member(hub->fault.inner.ctx, h->cid, &id, &a, &at_hub), FP_OK);
    assert_int_equal(site->fault.inner.load_member(site->fault.inner.ctx, t->cid, &id, &b, &at_site), FP_OK);
    assert_int_equal(at_hub && a.active, at_site && b.active);
    if (!at_hub || !a.active) {
        return;
    }
    assert_int_equal(a.role, b.role);
    assert_int_equal(a.joined, b.joined);
    assert_int_equal(a.from, b.from);
    assert_int_equal(hub->fault.inner.load_receipt(hub->fault.inner.ctx, h->cid, &id, &ra), FP_OK);
    assert_int_equal(site->fault.inner.load_receipt(site->fault.inner.ctx, t->cid, &id, &rb), FP_OK);
    assert_true(ra.shown_delivered <= rb.shown_delivered && ra.shown_read <= rb.shown_read);
    if (ra.shown_delivered != rb.shown_delivered || ra.shown_read != rb.shown_read) {
        return; /* the hub refused his receipt, for there he was put out; he has been let in again since */
    }
    assert_int_equal(a.read_msgs, b.read_msgs);
}

static inline void same_story(const struct kit *hub, const struct kit *site, const char *name)
{
    static struct story at_hub;
    static struct story at_site;
    struct store_conv h = script_conv(hub, name);
    struct store_conv t = script_conv(site, name);
    struct fp_bytes title;
    struct fp_bytes context;
    char text[256] = "";
    assert_int_equal(h.head, t.head);
    if (h.head == 0) {
        return;
    }
    assert_memory_equal(h.chain, t.chain, 32);
    assert_int_equal(h.about_seq, t.about_seq);
    assert_int_equal(h.msgs, t.msgs);
    story_read(hub, &h, &at_hub);
    story_read(site, &t, &at_site);
    assert_int_equal(at_hub.len, at_site.len);
    assert_memory_equal(at_hub.events, at_site.events, at_hub.len);
    assert_int_equal(at_hub.target_count, at_site.target_count);
    for (size_t i = 0; i < at_hub.target_count; i++) {
        assert_int_equal(at_hub.targets[i].seq, at_site.targets[i].seq);
        assert_int_equal(at_hub.targets[i].version, at_site.targets[i].version);
        assert_int_equal(at_hub.targets[i].body_at, at_site.targets[i].body_at);
        assert_int_equal(at_hub.targets[i].state, at_site.targets[i].state);
    }
    assert_int_equal(hub->fault.inner.load_about(hub->fault.inner.ctx, h.cid, &title, &context), FP_OK);
    memcpy(text, title.p, title.len);
    size_t len = title.len;
    assert_int_equal(site->fault.inner.load_about(site->fault.inner.ctx, t.cid, &title, &context), FP_OK);
    assert_int_equal(title.len, len);
    assert_memory_equal(title.p, text, len);
    for (size_t i = 0; i < SCRIPT_USERS; i++) {
        same_member(hub, site, &h, &t, script_users[i]);
    }
}

#endif
