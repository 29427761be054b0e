#include "tests/support/cut_storage.h"

#include <stdlib.h>

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

void cut_storage_init(struct cut_storage *c, uint32_t sectors, uint32_t sector_bytes, uint16_t program_bytes)
{
    must(sectors * sector_bytes <= CUT_BYTES_MAX);
    memset(c, 0, sizeof(*c));
    c->size = sectors * sector_bytes;
    c->sector_bytes = sector_bytes;
    c->program_bytes = program_bytes;
    c->cut_in = c->fail_in = CUT_NEVER;
    memset(c->now, 0xff, sizeof(c->now));
    memset(c->safe, 0xff, sizeof(c->safe));
}

/* Pays for a call. FP_EIO: only *out_done of it happens. */
static enum fp_err spend(struct cut_storage *c, uint32_t cost, uint32_t *out_done)
{
    *out_done = cost;
    if (c->cut_in < cost || c->fail_in < cost) {
        c->off = c->cut_in <= c->fail_in;
        *out_done = (uint32_t)(c->off ? c->cut_in : c->fail_in);
        c->fail_in = CUT_NEVER;
        return FP_EIO;
    }
    c->spent += cost;
    c->cut_in -= c->cut_in == CUT_NEVER ? 0 : cost;
    c->fail_in -= c->fail_in == CUT_NEVER ? 0 : cost;
    return FP_OK;
}

static void note(struct cut_storage *c, uint32_t at, uint32_t len)
{
    must(c->ops < CUT_OPS_MAX && len <= CUT_JOURNAL_BYTES - c->journal_len);
    c->op[c->ops++] = (struct cut_op){.at = at, .len = len, .data = c->journal_len};
    memcpy(c->journal + c->journal_len, c->now + at, len);
    c->journal_len += len;
}

static enum fp_err cut_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    struct cut_storage *c = ctx;
    must(at <= c->size && len <= c->size - at);
    if (c->off) {
        return FP_EIO;
    }
    if (len > 0) {
        memcpy(buf, c->now + at, len);
    }
    return FP_OK;
}

static enum fp_err cut_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    struct cut_storage *c = ctx;
    uint32_t done = 0;
    must(len > 0 && at % c->program_bytes == 0 && len % c->program_bytes == 0 && at <= c->size && len <= c->size - at);
    if (c->off) {
        return FP_EIO;
    }
    enum fp_err err = spend(c, (uint32_t)len, &done);
    for (uint32_t i = 0; i < done; i++) {
        uint32_t piece = (at + i) / c->program_bytes;
        must(c->now[at + i] == 0xff && (i % c->program_bytes != 0 || !c->written[piece]));
        c->written[piece] = 1;
        c->now[at + i] = ((const uint8_t *)p)[i];
    }
    note(c, at, done);
    return err;
}

static enum fp_err cut_erase(void *ctx, uint32_t at)
{
    struct cut_storage *c = ctx;
    uint32_t done = 0;
    must(at % c->sector_bytes == 0 && at < c->size);
    if (c->off) {
        return FP_EIO;
    }
    enum fp_err err = spend(c, c->sector_bytes, &done);
    memset(c->now + at, 0xff, done);
    memset(c->written + at / c->program_bytes, 0, done / c->program_bytes);
    note(c, at, done);
    return err;
}

static enum fp_err cut_sync(void *ctx)
{
    struct cut_storage *c = ctx;
    uint32_t done = 0;
    enum fp_err err = c->off ? FP_EIO : spend(c, 1, &done);
    if (!err) {
        memcpy(c->safe, c->now, c->size);
        c->ops = c->journal_len = 0;
    }
    return err;
}

struct fp_storage cut_storage_port(struct cut_storage *c)
{
    return (struct fp_storage){.ctx = c,
                               .size = c->size,
                               .sector_bytes = c->sector_bytes,
                               .program_bytes = c->program_bytes,
                               .read = cut_read,
                               .program = cut_program,
                               .erase = cut_erase,
                               .sync = cut_sync};
}

enum survival { SURVIVES_NOTHING, SURVIVES_ALL, SURVIVES_BEGIN, SURVIVE_CALLS, SURVIVE_BYTES, SURVIVALS };

void cut_storage_reboot(struct cut_storage *c, struct sim_random *random)
{
    enum survival how = (enum survival)sim_below(random, SURVIVALS);
    uint64_t begin = sim_below(random, (uint64_t)c->journal_len + 1);
    for (uint32_t i = 0; i < c->ops && how != SURVIVES_NOTHING; i++) {
        const struct cut_op *o = &c->op[i];
        uint32_t keep = sim_chance(random, 500) ? o->len : (uint32_t)sim_below(random, (uint64_t)o->len + 1);
        for (uint32_t b = 0; b < o->len; b++) {
            if (how == SURVIVES_ALL || (how == SURVIVES_BEGIN && o->data + b < begin) || (how == SURVIVE_CALLS && b < keep) ||
                (how == SURVIVE_BYTES && sim_chance(random, 500))) {
                c->safe[o->at + b] = c->journal[o->data + b];
            }
        }
    }
    memcpy(c->now, c->safe, c->size);
    memset(c->written, 0, sizeof(c->written));
    for (uint32_t i = 0; i < c->size; i++) {
        c->written[i / c->program_bytes] |= c->now[i] != 0xff; /* the port says that a piece of 0xff is none */
    }
    c->ops = c->journal_len = 0;
    c->cut_in = c->fail_in = CUT_NEVER;
    c->off = false;
}
