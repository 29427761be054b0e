#include "tests/support/fake_bus.h"

#include <stdlib.h>

static void must(bool ok)
{
    if (!ok) {
        abort(); /* a test cannot go on with half a record */
    }
}

void fake_bus_init(struct fake_bus *b)
{
    *b = (struct fake_bus){.down_after = SIZE_MAX};
}

void fake_bus_clear(struct fake_bus *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free((void *)(uintptr_t)b->tells[i]->tell.payload.p);
        free(b->tells[i]);
    }
    b->count = 0;
}

void fake_bus_fini(struct fake_bus *b)
{
    fake_bus_clear(b);
    free(b->tells);
    *b = (struct fake_bus){0};
}

const struct fake_tell *fake_bus_at(const struct fake_bus *b, size_t index)
{
    return index < b->count ? b->tells[index] : NULL;
}

size_t fake_bus_find(const struct fake_bus *b, const char *topic, size_t from)
{
    for (size_t i = from; i < b->count; i++) {
        if (b->tells[i]->tell.kind == TELL_PUBLISH && strcmp(b->tells[i]->text, topic) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t fake_bus_count(const struct fake_bus *b, const char *topic)
{
    size_t n = 0;

    for (size_t i = fake_bus_find(b, topic, 0); i != SIZE_MAX; i = fake_bus_find(b, topic, i + 1)) {
        n++;
    }
    return n;
}

size_t fake_bus_find_line(const struct fake_bus *b, const char *text, size_t from)
{
    size_t len = strlen(text);

    for (size_t i = from; i < b->count; i++) {
        const struct tell *t = &b->tells[i]->tell;
        for (size_t at = 0; t->kind == TELL_LOG && at + len <= t->payload.len; at++) {
            if (memcmp(t->payload.p + at, text, len) == 0) {
                return i;
            }
        }
    }
    return SIZE_MAX;
}

size_t fake_bus_find_grant(const struct fake_bus *b, enum tell_kind kind, const char *id, const char *user, size_t from)
{
    struct fp_id want_id, want_user;

    must(fp_id_parse(id, strlen(id), &want_id) && fp_id_parse(user, strlen(user), &want_user));
    for (size_t i = from; i < b->count; i++) {
        const struct tell *t = &b->tells[i]->tell;
        if (t->kind == kind && fp_id_eq(&t->id, &want_id) && fp_id_eq(&t->user, &want_user)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static enum fp_err fake_tell(void *ctx, const struct tell *t)
{
    struct fake_bus *b = ctx;

    if (b->down_after == 0) {
        b->down = true;
    }
    if (b->down) {
        return FP_ESHUTDOWN;
    }
    if (b->down_after != SIZE_MAX) {
        b->down_after--;
    }
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 64;
        b->tells = realloc(b->tells, b->cap * sizeof(struct fake_tell *));
        must(b->tells != NULL);
    }
    struct fake_tell *kept = calloc(1, sizeof *kept);
    uint8_t *payload = malloc(t->payload.len ? t->payload.len : 1);
    must(kept != NULL && payload != NULL);
    if (t->payload.len > 0) {
        memcpy(payload, t->payload.p, t->payload.len);
    }
    kept->tell = *t;
    kept->tell.payload = fp_bytes_of(payload, t->payload.len);
    if (t->kind == TELL_PUBLISH) {
        must(fp_topic_build(&t->topic, kept->text, sizeof kept->text) > 0);
    }
    b->tells[b->count++] = kept;
    return FP_OK;
}

static void fake_flush(void *ctx)
{
    struct fake_bus *b = ctx;
    b->flushes++;
}

static bool fake_has_room(void *ctx)
{
    const struct fake_bus *b = ctx;
    return !b->no_room;
}

struct bus_port fake_bus_port(struct fake_bus *b)
{
    return (struct bus_port){.ctx = b, .tell = fake_tell, .flush = fake_flush, .has_room = fake_has_room};
}
