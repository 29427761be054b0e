/*
 * test_kit.h: a client on a scripted broker: what it wrote is taken apart, what it shall read is put in. Storage is RAM, time is a number.
 */
#ifndef TESTS_UNIT_CLIENT_TEST_KIT_H
#define TESTS_UNIT_CLIENT_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "firmware-client/core/client_impl.h"
#include "fp/body.h"

#define KIT_FLASH 65536U
#define KIT_NOTICES 400
#define KIT_EPOCH 77U

struct kit_notice {
    enum fp_notice_kind kind;
    enum fp_link link;
    enum fp_send_state state;
    enum fp_err err;
    uint64_t ticket, seq, upto;
    bool fetched;
    struct fp_id conv;
};

struct kit {
    struct fp_client_config config;
    struct fp_client *c;
    uint64_t now_us;
    uint8_t in[200000], out[200000];
    size_t in_len, out_len;
    uint8_t flash[KIT_FLASH];
    bool open_fails, ended, blocked;
    struct kit_notice notices[KIT_NOTICES];
    size_t notice_count;
    uint16_t next_id;
    struct fp_id conv, scope;
    uint64_t alive_s; /* in the welcome */
};

/* ------------------------------------------------------------------ ports */

static enum fp_err kit_open_link(void *ctx)
{
    struct kit *k = ctx;
    k->ended = false;
    return k->open_fails ? FP_EIO : FP_OK;
}

static enum fp_err kit_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    struct kit *k = ctx;
    if (k->in_len == 0) {
        return k->ended ? FP_EIO : FP_EAGAIN;
    }
    *out_len = k->in_len < cap ? k->in_len : cap;
    memcpy(buf, k->in, *out_len);
    k->in_len -= *out_len;
    memmove(k->in, k->in + *out_len, k->in_len);
    return FP_OK;
}

static enum fp_err kit_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    struct kit *k = ctx;
    if (k->blocked) {
        return FP_EAGAIN;
    }
    assert_true(k->out_len + len <= sizeof(k->out));
    memcpy(k->out + k->out_len, p, len);
    k->out_len += len;
    *out_len = len;
    return FP_OK;
}

static void kit_close_link(void *ctx)
{
    struct kit *k = ctx;
    k->in_len = 0;
}

static enum fp_err kit_flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    memcpy(buf, ((struct kit *)ctx)->flash + at, len);
    return FP_OK;
}

static enum fp_err kit_flash_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    memcpy(((struct kit *)ctx)->flash + at, p, len);
    return FP_OK;
}

static enum fp_err kit_flash_erase(void *ctx, uint32_t at)
{
    memset(((struct kit *)ctx)->flash + at, 0xff, 4096);
    return FP_OK;
}

static enum fp_err kit_flash_sync(void *ctx)
{
    (void)ctx;
    return FP_OK;
}

static uint32_t kit_random(void *ctx)
{
    (void)ctx;
    return UINT32_MAX; /* the jitter is the same each time */
}

static void kit_notify(void *ctx, const struct fp_notice *n)
{
    struct kit *k = ctx;
    assert_true(k->notice_count < KIT_NOTICES);
    k->notices[k->notice_count++] = (struct kit_notice){.kind = n->kind, .link = n->link, .state = n->state, .err = n->err,
                                                        .ticket = n->ticket, .seq = n->seq, .upto = n->upto, .fetched = n->fetched,
                                                        .conv = n->conv};
}

/* ------------------------------------------------------------------ life */

static struct fp_mono kit_now(const struct kit *k)
{
    return (struct fp_mono){k->now_us};
}

static void kit_poll(struct kit *k)
{
    for (int i = 0; i < 8; i++) {
        (void)fp_client_poll(k->c, kit_now(k));
    }
}

static void kit_after(struct kit *k, uint64_t us)
{
    k->now_us += us;
    kit_poll(k);
}

static void kit_boot(struct kit *k)
{
    const char *why = NULL;
    memset(k->config.memory, 0xa5, k->config.memory_bytes);
    assert_int_equal(fp_client_open(&k->config, kit_now(k), &k->c, &why), FP_OK);
}

static struct kit *kit_new(uint32_t rx_bytes, uint32_t tx_bytes)
{
    struct kit *k = calloc(1, sizeof(*k));
    assert_non_null(k);
    memset(k->flash, 0xff, sizeof(k->flash));
    k->now_us = 5000000;
    k->config = (struct fp_client_config){
        .user = "ann", .device = "ann-1", .want = FP_WANT_ALL, .rx_bytes = rx_bytes, .tx_bytes = tx_bytes, .reorder_bytes = 2048,
        .convs = 3, .tracked = 4, .entries = 64,
        .transport = {k, kit_open_link, kit_read, kit_write, kit_close_link},
        .storage = {k, KIT_FLASH, 4096, 4, kit_flash_read, kit_flash_program, kit_flash_erase, kit_flash_sync},
        .random = {k, kit_random}, .notify = kit_notify, .notify_ctx = k,
    };
    k->config.memory_bytes = fp_client_memory(&k->config);
    k->config.memory = malloc(k->config.memory_bytes);
    assert_non_null(k->config.memory);
    assert_true(fp_id_parse("c1", 2, &k->conv));
    assert_true(fp_id_parse("s1", 2, &k->scope));
    kit_boot(k);
    return k;
}

static void kit_free(struct kit *k)
{
    fp_client_close(k->c);
    free(k->config.memory);
    free(k);
}

static size_t kit_count(const struct kit *k, enum fp_notice_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < k->notice_count; i++) {
        count += k->notices[i].kind == kind;
    }
    return count;
}

static const struct kit_notice *kit_last(const struct kit *k, enum fp_notice_kind kind)
{
    for (size_t i = k->notice_count; i > 0; i--) {
        if (k->notices[i - 1].kind == kind) {
            return &k->notices[i - 1];
        }
    }
    fail_msg("there is no such notice: %d", (int)kind);
    return NULL;
}

/* ------------------------------------------------------------------ what the broker says */

static void kit_raw(struct kit *k, const void *p, size_t len)
{
    assert_true(k->in_len + len <= sizeof(k->in));
    memcpy(k->in + k->in_len, p, len);
    k->in_len += len;
}

static void kit_publish(struct kit *k, const char *topic, struct fp_bytes payload, uint8_t qos)
{
    struct fp_mqtt_out o = {k->in, sizeof(k->in), k->in_len};
    struct fp_mqtt_publish p = {.topic = topic, .qos = qos, .id = qos > 0 ? ++k->next_id : 0};
    size_t cap = 0;
    uint8_t *at = fp_mqtt_publish_begin(&o, &p, &cap);
    assert_true(at && cap >= payload.len);
    memcpy(at, payload.p, payload.len);
    fp_mqtt_publish_end(&o, &p, payload.len);
    k->in_len = o.len;
}

static void kit_down(struct kit *k, const struct fp_enc *e)
{
    assert_false(e->failed);
    kit_publish(k, "fp/1/device/ann-1/down", fp_enc_bytes_of(e), 1);
}

static void kit_welcome(struct kit *k, uint64_t epoch, uint64_t next_n, uint64_t head)
{
    uint8_t buf[512];
    struct fp_enc e;
    struct fp_welcome w = {.epoch = epoch, .session = 1, .at = {1700000000000}, .next_n = next_n, .head_count = head > 0,
                           .limits = {FP_COMMAND_BYTES_MAX, 64, 200, FP_PAGE_BYTES_MAX, k->alive_s}};
    struct fp_conv_head h = {.conv = k->conv, .scope = k->scope, .head = head};
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_welcome_begin(&e, &w);
    if (head > 0) {
        fp_enc_conv_head(&e, &h);
    }
    fp_enc_welcome_end(&e, &w);
    kit_down(k, &e);
}

static void kit_connack(struct kit *k, uint8_t code)
{
    const uint8_t bytes[] = {0x20, 2, 0, code};
    kit_raw(k, bytes, sizeof(bytes));
}

/* Up to the welcome's end; what was written on the way is forgotten. */
static void kit_online(struct kit *k, uint64_t next_n, uint64_t head)
{
    fp_client_connect(k->c);
    kit_poll(k);
    kit_connack(k, 0);
    kit_poll(k);
    kit_welcome(k, KIT_EPOCH, next_n, head);
    k->out_len = 0;
    kit_poll(k);
    assert_int_equal(fp_client_link(k->c), FP_LINK_ONLINE);
}

static struct fp_bytes kit_event(struct kit *k, uint8_t *buf, size_t cap, uint64_t seq, uint64_t n, const char *device)
{
    uint8_t body[64];
    struct fp_enc b, e;
    struct fp_event ev = {.kind = FP_K_MSG, .n = n, .conv = k->conv, .priority = 2, .seq = seq, .at = {1700000000001}};
    fp_enc_init(&b, body, sizeof(body));
    fp_body_text(&b, "hello", 5);
    ev.body = fp_enc_bytes_of(&b);
    assert_true(fp_id_parse(device, strlen(device), &ev.device));
    assert_true(fp_id_parse(device, 3, &ev.user));
    fp_enc_init(&e, buf, cap);
    assert_true(fp_event_encode(&e, &ev));
    return fp_enc_bytes_of(&e);
}

static void kit_live(struct kit *k, uint64_t seq, uint64_t n, const char *device)
{
    uint8_t buf[400];
    kit_publish(k, "fp/1/scope/s1/conv/c1/event", kit_event(k, buf, sizeof(buf), seq, n, device), 1);
}

static void kit_page(struct kit *k, uint64_t from, uint64_t to, bool more)
{
    static uint8_t buf[60000];
    uint8_t one[400];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_page_begin(&e, &k->conv, from, to, more, false);
    fp_enc_array(&e, (size_t)(to + 1 - from));
    for (uint64_t seq = from; seq <= to; seq++) {
        fp_enc_raw(&e, kit_event(k, one, sizeof(one), seq, seq, "bob-1"));
    }
    kit_down(k, &e);
}

static void kit_ack(struct kit *k, uint64_t n, uint64_t seq)
{
    uint8_t buf[200];
    struct fp_enc e;
    struct fp_answer a = {.n = n, .conv = k->conv, .seq = seq, .at = {1700000000002}};
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_ack_begin(&e, 1);
    fp_enc_answer(&e, &a);
    kit_down(k, &e);
}

/* A site has n = first to last in custody. */
static inline void kit_relayed(struct kit *k, uint64_t first, uint64_t last)
{
    uint8_t buf[2000];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 3);
    fp_enc_uint(&e, FP_KEY_WHAT);
    fp_enc_uint(&e, FP_REPLY_ACK);
    fp_enc_uint(&e, FP_ACK_ROWS);
    fp_enc_array(&e, (size_t)(last + 1 - first));
    for (uint64_t n = first; n <= last; n++) {
        fp_enc_answer(&e, &(struct fp_answer){.n = n, .conv = k->conv, .at = {1700000000002}});
    }
    fp_enc_uint(&e, FP_ACK_RELAY);
    fp_enc_text(&e, "site-b", 6);
    kit_down(k, &e);
}

static void kit_nack(struct kit *k, uint64_t n, enum fp_err code, bool retry, uint64_t next_n)
{
    uint8_t buf[200];
    struct fp_enc e;
    struct fp_nack nack = {.n = n, .code = code, .retry = retry, .next_n = next_n};
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_nack(&e, &nack);
    kit_down(k, &e);
}

/* ------------------------------------------------------------------ what the client has said since the last call */

struct kit_said {
    size_t packets[16]; /* by type */
    struct fp_command commands[100];
    size_t command_count;
    char filters[20][FP_TOPIC_MAX];
    size_t filter_count;
    char status[16];
    uint8_t bytes[200000];
};

static struct kit_said kit_said_now;

static void kit_take(struct kit_said *s, const struct fp_mqtt_packet *p)
{
    s->packets[p->type]++;
    if (p->type == FP_MQTT_SUBSCRIBE) {
        size_t len = (size_t)p->payload.p[0] << 8 | p->payload.p[1];
        memcpy(s->filters[s->filter_count++], p->payload.p + 2, len);
    }
    if (p->type != FP_MQTT_PUBLISH) {
        return;
    }
    struct fp_topic t;
    assert_int_equal(fp_topic_parse((const char *)p->topic.p, p->topic.len, &t), FP_OK);
    if (t.kind == FP_TOPIC_DEVICE_STATUS) {
        memcpy(s->status, p->payload.p, p->payload.len);
        s->status[p->payload.len] = 0;
        return;
    }
    struct fp_uplink u;
    struct fp_bytes one;
    const char *why = NULL;
    assert_int_equal(fp_uplink_open(&u, p->payload, FP_BATCH_COMMANDS_MAX, &why), FP_OK);
    while (fp_uplink_next(&u, &one)) {
        assert_int_equal(fp_command_decode(one, FP_COMMAND_BYTES_MAX, &s->commands[s->command_count++], &why), FP_OK);
    }
}

static const struct kit_said *kit_heard(struct kit *k)
{
    struct kit_said *s = &kit_said_now;
    struct fp_mqtt_reader r = {0};
    size_t at = 0;
    memset(s, 0, sizeof(*s));
    memcpy(s->bytes, k->out, k->out_len);
    while (at < k->out_len) {
        struct fp_mqtt_packet p;
        size_t used = 0;
        assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(s->bytes + at, k->out_len - at), sizeof(s->bytes), true, &p, &used), FP_OK);
        kit_take(s, &p);
        at += used;
    }
    k->out_len = 0;
    return s;
}

/* How many commands of this kind; *out is the last of them. */
static size_t kit_commands(const struct kit_said *s, uint64_t kind, struct fp_command *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->command_count; i++) {
        if (s->commands[i].kind == kind) {
            *out = s->commands[i];
            count++;
        }
    }
    return count;
}

static uint64_t kit_say(struct kit *k, const char *text)
{
    uint64_t ticket = 0;
    assert_int_equal(fp_client_say(k->c, &k->conv, text, strlen(text), kit_now(k), &ticket), FP_OK);
    return ticket;
}

/* Not every test needs all of it. */
static inline void kit_all_used(void)
{
    (void)kit_new, (void)kit_free, (void)kit_count, (void)kit_last, (void)kit_online, (void)kit_live, (void)kit_page, (void)kit_ack, (void)kit_nack;
    (void)kit_commands, (void)kit_say, (void)kit_heard, (void)kit_after;
}

#endif
