/*
 * fake_reader.h: an access_reader that says what the test wants, and counts.
 */
#ifndef TESTS_UNIT_MOSQ_FAKE_READER_H
#define TESTS_UNIT_MOSQ_FAKE_READER_H

#include "plugin/mosq/rights.h"

struct fake_reader {
    enum fp_err err;
    bool allowed, settled; /* conv, scope, peers */
    struct fp_id owner;
    bool found;
    bool open;
    size_t calls;
    uint64_t applied; /* as asked last */
};

static inline enum fp_err fake_reader_member(void *ctx, const struct fp_id *what, const struct fp_id *user, uint64_t applied, bool *out_allowed,
                                             bool *out_settled)
{
    struct fake_reader *f = ctx;
    (void)what;
    (void)user;
    f->calls++;
    f->applied = applied;
    *out_allowed = f->allowed;
    *out_settled = f->settled;
    return f->err;
}

static inline enum fp_err fake_reader_peers(void *ctx, const struct fp_id *user, const struct fp_id *other, bool *out_allowed)
{
    struct fake_reader *f = ctx;
    (void)user;
    (void)other;
    f->calls++;
    *out_allowed = f->allowed;
    return f->err;
}

static inline enum fp_err fake_reader_device(void *ctx, const struct fp_id *device, struct fp_id *out_owner, bool *out_found)
{
    struct fake_reader *f = ctx;
    (void)device;
    f->calls++;
    *out_owner = f->owner;
    *out_found = f->found;
    return f->err;
}

static inline enum fp_err fake_reader_open(void *ctx, const struct fp_id *user, bool *out_open)
{
    struct fake_reader *f = ctx;
    (void)user;
    f->calls++;
    *out_open = f->open;
    return f->err;
}

static inline struct access_reader fake_reader_port(struct fake_reader *f)
{
    return (struct access_reader){.ctx = f,
                                  .conv = fake_reader_member,
                                  .scope = fake_reader_member,
                                  .peers = fake_reader_peers,
                                  .device = fake_reader_device,
                                  .open = fake_reader_open};
}

#endif
