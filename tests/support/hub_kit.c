#include "tests/support/hub_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fp_id kit_id(const char *text)
{
    struct fp_id id;
    assert_true(fp_id_parse(text, strlen(text), &id));
    return id;
}

static void open_hub(struct kit *k, const struct store_info *info)
{
    assert_int_equal(hub_open(&k->hub, &k->config, fault_store_port(&k->fault), fake_bus_port(&k->bus), info), FP_OK);
}

void kit_open(struct kit *k)
{
    struct mem_store *mem = mem_store_new();
    struct store_info info = mem_store_info(mem);
    kit_open_on(k, mem_store_port(mem), &info);
    k->mem = mem;
}

void kit_open_on(struct kit *k, struct store_port store, const struct store_info *info)
{
    kit_open_as(k, store, info, NULL);
}

void kit_open_as(struct kit *k, struct store_port store, const struct store_info *info, const char *site)
{
    memset(k, 0, sizeof(*k));
    fault_store_init(&k->fault, store);
    fake_bus_init(&k->bus);
    hub_config_init(&k->config);
    k->config.commands_per_s = 0;
    k->config.asks_per_s = 0;
    k->config.now_per_s = 0;
    if (site) {
        k->config.role = HUB_ROLE_SITE;
        k->config.relay = kit_id(site);
    }
    k->mono.us = 1000000;
    k->wall.ms = 1700000000000;
    open_hub(k, info);
}

static void drop_items(struct kit *k)
{
    for (size_t i = 0; i < k->count; i++) {
        free((void *)(uintptr_t)k->items[i].payload.p);
    }
    k->count = 0;
}

void kit_close(struct kit *k)
{
    drop_items(k);
    hub_close(k->hub);
    fake_bus_fini(&k->bus);
    mem_store_free(k->mem);
}

void kit_restart(struct kit *k)
{
    drop_items(k);
    hub_close(k->hub);
    mem_store_restart(k->mem);
    fake_bus_clear(&k->bus);
    struct store_info info = mem_store_info(k->mem);
    open_hub(k, &info);
}

void kit_pass(struct kit *k, uint64_t ms)
{
    k->mono.us += ms * 1000;
    k->wall.ms += ms;
}

static struct source_item *add_item(struct kit *k, const char *user, const char *device, enum source_kind kind)
{
    assert_true(k->count < KIT_ITEMS_MAX);
    struct source_item *item = &k->items[k->count++];
    *item = (struct source_item){
        .kind = kind, .topic = FP_TOPIC_DEVICE_UP, .user = kit_id(user), .device = kit_id(device), .conn = 1, .mono = k->mono, .wall = k->wall};
    return item;
}

static const char *user_of(const char *device, char *buf, size_t cap)
{
    assert_true((size_t)snprintf(buf, cap, "%s", device) < cap);
    char *dash = strchr(buf, '-');
    if (dash) {
        *dash = '\0';
    }
    return buf;
}

static void add_message(struct kit *k, const char *user, const char *device, enum fp_topic_kind topic, struct fp_bytes payload)
{
    struct source_item *item = add_item(k, user, device, SOURCE_MESSAGE);
    uint8_t *copy = malloc(payload.len + 1);
    assert_non_null(copy);
    memcpy(copy, payload.p, payload.len);
    item->topic = topic;
    item->payload = fp_bytes_of(copy, payload.len);
}

void kit_raw(struct kit *k, const char *device, enum fp_topic_kind topic, struct fp_bytes payload)
{
    char user[64];
    add_message(k, user_of(device, user, sizeof(user)), device, topic, payload);
}

void kit_as(struct kit *k, const char *user, const char *device, const struct fp_command *c)
{
    uint8_t buf[FP_COMMAND_BYTES_MAX * 2];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_command_encode(&e, c));
    add_message(k, user, device, fp_kind_is_now(c->kind) ? FP_TOPIC_DEVICE_NOW : FP_TOPIC_DEVICE_UP, fp_enc_bytes_of(&e));
}

void kit_send(struct kit *k, const char *device, const struct fp_command *c)
{
    char user[64];
    kit_as(k, user_of(device, user, sizeof(user)), device, c);
}

void kit_disconnect(struct kit *k, const char *device)
{
    char user[64];
    (void)add_item(k, user_of(device, user, sizeof(user)), device, SOURCE_DISCONNECT);
}

void kit_relay_frame(struct kit *k, const char *relay, struct fp_bytes frame)
{
    add_message(k, relay, relay, FP_TOPIC_RELAY_UP, frame);
    k->items[k->count - 1].conn = KIT_RELAY_CONN;
}

void kit_relay_gone(struct kit *k, const char *relay)
{
    add_item(k, relay, relay, SOURCE_DISCONNECT)->conn = KIT_RELAY_CONN;
}

void kit_run(struct kit *k)
{
    k->last = hub_turn(k->hub, k->items, k->count, k->mono, k->wall);
    drop_items(k);
}

void kit_idle(struct kit *k)
{
    for (int i = 0; i < 10000 && hub_wait_us(k->hub, k->mono) == 0; i++) {
        k->last = hub_turn(k->hub, NULL, 0, k->mono, k->wall);
    }
    assert_int_not_equal(hub_wait_us(k->hub, k->mono), 0);
}

/* ------------------------------------------------------------------ commands */

static struct fp_enc *body_begin(struct kit_body *b)
{
    fp_enc_init(&b->e, b->buf, sizeof(b->buf));
    return &b->e;
}

static struct fp_command with_body(struct kit_body *b, struct fp_command c)
{
    assert_false(b->e.failed);
    c.body = fp_enc_bytes_of(&b->e);
    c.priority = FP_PRIORITY_NORMAL;
    return c;
}

static void enc_str(struct fp_enc *e, const char *s)
{
    fp_enc_text(e, s, strlen(s));
}

struct fp_command kit_msg(struct kit_body *b, uint64_t n, const char *conv, const char *text)
{
    struct fp_enc *e = body_begin(b);
    fp_enc_map(e, 1);
    fp_enc_uint(e, FP_MSG_TEXT);
    enc_str(e, text);
    return with_body(b, (struct fp_command){.kind = FP_K_MSG, .n = n, .conv = kit_id(conv)});
}

struct fp_command kit_conv_new(struct kit_body *b, uint64_t n, const char *conv, const char *scope, const char *const *members, const uint64_t *roles,
                               size_t count)
{
    struct fp_enc *e = body_begin(b);
    fp_enc_map(e, count > 0 ? 3 : 2);
    fp_enc_uint(e, FP_CONV_SCOPE);
    enc_str(e, scope);
    fp_enc_uint(e, FP_CONV_TITLE);
    enc_str(e, "Kitchen");
    if (count > 0) {
        fp_enc_uint(e, FP_CONV_MEMBERS);
        fp_enc_map(e, count);
    }
    for (size_t i = 0; i < count; i++) {
        enc_str(e, members[i]);
        fp_enc_uint(e, roles[i]);
    }
    struct fp_command c = {.kind = FP_K_CONV_NEW, .n = n};
    if (conv) {
        c.conv = kit_id(conv);
    }
    return with_body(b, c);
}

struct fp_command kit_member(struct kit_body *b, uint64_t n, uint64_t kind, const char *conv, const char *user, int role, int from)
{
    struct fp_enc *e = body_begin(b);
    fp_enc_map(e, 1U + (role >= 0) + (from >= 0));
    fp_enc_uint(e, FP_MEMBER_USER);
    enc_str(e, user);
    if (role >= 0) {
        fp_enc_uint(e, FP_MEMBER_ROLE);
        fp_enc_uint(e, (uint64_t)role);
    }
    if (from >= 0) {
        fp_enc_uint(e, FP_MEMBER_FROM);
        fp_enc_uint(e, (uint64_t)from);
    }
    return with_body(b, (struct fp_command){.kind = kind, .n = n, .conv = kit_id(conv)});
}

struct fp_command kit_hello(struct kit_body *b, const char *cursor_conv, uint64_t cursor)
{
    struct fp_enc *e = body_begin(b);
    fp_enc_map(e, cursor_conv ? 2 : 1);
    fp_enc_uint(e, FP_HELLO_PROTOCOL);
    fp_enc_uint(e, 1);
    if (cursor_conv) {
        fp_enc_uint(e, FP_HELLO_CURSORS);
        fp_enc_map(e, 1);
        enc_str(e, cursor_conv);
        fp_enc_uint(e, cursor);
    }
    return with_body(b, (struct fp_command){.kind = FP_K_HELLO});
}

struct fp_command kit_get(struct kit_body *b, const char *conv, uint64_t after, uint64_t upto, uint64_t bytes, bool zlib)
{
    struct fp_enc *e = body_begin(b);
    fp_enc_map(e, 1U + (upto > 0) + (bytes > 0) + zlib);
    fp_enc_uint(e, FP_GET_AFTER);
    fp_enc_uint(e, after);
    if (upto > 0) {
        fp_enc_uint(e, FP_GET_UPTO);
        fp_enc_uint(e, upto);
    }
    if (bytes > 0) {
        fp_enc_uint(e, FP_GET_BYTES);
        fp_enc_uint(e, bytes);
    }
    if (zlib) {
        fp_enc_uint(e, FP_GET_ZLIB);
        fp_enc_bool(e, true);
    }
    return with_body(b, (struct fp_command){.kind = FP_K_GET, .conv = kit_id(conv)});
}

/* ------------------------------------------------------------------ what was told */

static void down_topic(const char *device, char *buf, size_t cap)
{
    struct fp_topic t = {.kind = FP_TOPIC_DEVICE_DOWN, .a = kit_id(device)};
    assert_true(fp_topic_build(&t, buf, cap) > 0);
}

size_t kit_replies(const struct kit *k, const char *device)
{
    char topic[FP_TOPIC_MAX];
    down_topic(device, topic, sizeof(topic));
    return fake_bus_count(&k->bus, topic);
}

bool kit_reply(const struct kit *k, const char *device, size_t index, struct fp_reply *out)
{
    char topic[FP_TOPIC_MAX];
    down_topic(device, topic, sizeof(topic));
    size_t at = fake_bus_find(&k->bus, topic, 0);
    for (; index > 0 && at != SIZE_MAX; index--) {
        at = fake_bus_find(&k->bus, topic, at + 1);
    }
    if (at == SIZE_MAX) {
        return false;
    }
    assert_int_equal(fp_reply_decode(fake_bus_at(&k->bus, at)->tell.payload, out), FP_OK);
    return true;
}

static bool last_reply(const struct kit *k, const char *device, struct fp_reply *out)
{
    size_t count = kit_replies(k, device);
    return count > 0 && kit_reply(k, device, count - 1, out);
}

bool kit_nacked(const struct kit *k, const char *device, enum fp_err code)
{
    struct fp_reply r;
    return last_reply(k, device, &r) && r.what == FP_REPLY_NACK && r.as.nack.code == code;
}

bool kit_acked(const struct kit *k, const char *device, uint64_t n, uint64_t seq)
{
    struct fp_reply r;
    struct fp_answer a = {0};
    if (!last_reply(k, device, &r) || r.what != FP_REPLY_ACK) {
        return false;
    }
    while (fp_reply_answer(&r, &a)) {
    }
    return a.n == n && a.seq == seq;
}

void kit_clear(struct kit *k)
{
    fake_bus_clear(&k->bus);
}
