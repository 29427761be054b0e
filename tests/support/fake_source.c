#include "tests/support/fake_source.h"

#include <assert.h>
#include <stdlib.h>

enum fake_step_kind {
    STEP_ITEM,
    STEP_CUT,
    STEP_WAIT,
};

struct fake_step {
    enum fake_step_kind kind;
    struct source_item item;
    uint8_t *own_payload;
    uint64_t wait_us;
};

static void must(bool ok)
{
    if (!ok) {
        abort(); /* a test cannot go on with half a script */
    }
}

void fake_source_init(struct fake_source *s)
{
    *s = (struct fake_source){0};
}

void fake_source_fini(struct fake_source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->steps[i].own_payload);
    }
    free(s->steps);
    *s = (struct fake_source){0};
}

static struct fake_step *add(struct fake_source *s, enum fake_step_kind kind)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->steps = realloc(s->steps, s->cap * sizeof *s->steps);
        must(s->steps != NULL);
    }
    struct fake_step *step = &s->steps[s->count++];
    *step = (struct fake_step){.kind = kind};
    return step;
}

static struct source_item *add_item(struct fake_source *s, enum source_kind kind, struct fake_client from)
{
    struct source_item *item = &add(s, STEP_ITEM)->item;
    item->kind = kind;
    item->conn = from.conn;
    must(fp_id_parse(from.user, strlen(from.user), &item->user));
    must(fp_id_parse(from.device, strlen(from.device), &item->device));
    return item;
}

void fake_source_message(struct fake_source *s, struct fake_client from, enum fp_topic_kind topic, struct fp_bytes payload)
{
    struct source_item *item = add_item(s, SOURCE_MESSAGE, from);
    struct fake_step *step = &s->steps[s->count - 1];

    item->topic = topic;
    step->own_payload = malloc(payload.len ? payload.len : 1);
    must(step->own_payload != NULL);
    if (payload.len > 0) {
        memcpy(step->own_payload, payload.p, payload.len);
    }
    item->payload = fp_bytes_of(step->own_payload, payload.len);
}

void fake_source_refused(struct fake_source *s, struct fake_client from, enum fp_topic_kind topic, enum fp_err err, const char *reason)
{
    struct source_item *item = add_item(s, SOURCE_REFUSED, from);
    item->topic = topic;
    item->refused = err;
    item->reason = reason;
}

void fake_source_disconnect(struct fake_source *s, struct fake_client from)
{
    fake_source_end(s, from, SOURCE_END_LOST);
}

void fake_source_end(struct fake_source *s, struct fake_client from, enum source_end why)
{
    add_item(s, SOURCE_DISCONNECT, from)->end = why;
}

void fake_source_cut(struct fake_source *s)
{
    (void)add(s, STEP_CUT);
}

void fake_source_wait(struct fake_source *s, uint64_t us)
{
    add(s, STEP_WAIT)->wait_us = us;
}

static struct fp_mono mono_now(const struct fake_source *s)
{
    return (struct fp_mono){.us = FAKE_SOURCE_MONO_US + s->us};
}

static struct fp_wall wall_now(const struct fake_source *s)
{
    return (struct fp_wall){.ms = FAKE_SOURCE_WALL_MS + s->us / 1000};
}

static size_t take_items(struct fake_source *s, struct source_item *items, size_t cap)
{
    size_t n = 0;

    while (n < cap && s->at < s->count && s->steps[s->at].kind == STEP_ITEM) {
        s->us++;
        items[n] = s->steps[s->at++].item;
        items[n].mono = mono_now(s);
        items[n].wall = wall_now(s);
        n++;
    }
    return n;
}

static void pass_time(struct fake_source *s, struct fake_step *wait, uint64_t wait_us)
{
    uint64_t passed = wait_us < wait->wait_us ? wait_us : wait->wait_us;

    s->us += passed;
    wait->wait_us -= passed;
    if (wait->wait_us == 0) {
        s->at++;
    }
}

static enum fp_err fake_take(void *ctx, uint64_t wait_us, struct source_item *items, size_t cap, size_t *out_count, struct fp_mono *out_mono,
                             struct fp_wall *out_wall)
{
    struct fake_source *s = ctx;

    assert(s->open_items == 0); /* done() comes before the next take() */
    *out_count = 0;
    s->takes++;
    while (s->at < s->count && s->steps[s->at].kind == STEP_CUT) {
        s->at++;
    }
    bool ended = s->at == s->count;
    if (!ended && s->steps[s->at].kind == STEP_WAIT) {
        pass_time(s, &s->steps[s->at], wait_us);
    } else if (!ended) {
        *out_count = take_items(s, items, cap);
    }
    s->open_items = *out_count;
    *out_mono = mono_now(s);
    *out_wall = wall_now(s);
    return ended ? FP_ESHUTDOWN : FP_OK;
}

static void fake_done(void *ctx)
{
    struct fake_source *s = ctx;
    s->open_items = 0;
}

struct source_port fake_source_port(struct fake_source *s)
{
    return (struct source_port){.ctx = s, .take = fake_take, .done = fake_done};
}
