/*
 * store_cases.h: the suite's cases, by what they are about, and the few steps that all of them take.
 */
#ifndef TESTS_CONFORMANCE_STORE_CASES_H
#define TESTS_CONFORMANCE_STORE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/conformance/store_conformance.h"
#include "tests/support/store_script.h"

struct store_case {
    const struct store_maker *maker;
    struct store_port p;
};

/* Each ends with an entry without a name. */
extern const struct CMUnitTest store_cases_conv[];
extern const struct CMUnitTest store_cases_member[];
extern const struct CMUnitTest store_cases_device[];
extern const struct CMUnitTest store_cases_receipts[];
extern const struct CMUnitTest store_cases_change[];
extern const struct CMUnitTest store_cases_runs[];
extern const struct CMUnitTest store_cases_archive[];
extern const struct CMUnitTest store_cases_people[];
extern const struct CMUnitTest store_cases_trunk[];
extern const struct CMUnitTest store_cases_branch[];
extern const struct CMUnitTest store_cases_site[];

static inline struct store_port port_of(void **state)
{
    struct store_case *c = *state;

    return c->p;
}

static inline struct store_port restarted(void **state)
{
    struct store_case *c = *state;

    assert_int_equal(c->maker->restart(c->maker->ctx, &c->p), FP_OK);
    return c->p;
}

static inline struct fp_bytes bytes_of(const char *text)
{
    return fp_bytes_of(text, strlen(text));
}

static inline void begin(struct store_port p)
{
    assert_int_equal(p.begin(p.ctx), FP_OK);
}

static inline void commit(struct store_port p)
{
    assert_int_equal(p.commit(p.ctx), FP_OK);
}

/* Within a transaction: a conversation c<number> in scope s<scope>; returns its cid. */
static inline uint64_t add_conv(struct store_port p, uint64_t number, uint64_t scope)
{
    struct store_conv c = {.id = store_script_id("c", number), .scope = store_script_id("s", scope)};

    assert_int_equal(p.save_conv(p.ctx, &c, bytes_of("title"), bytes_of("context")), FP_OK);
    assert_true(c.cid > 0);
    return c.cid;
}

static inline struct store_conv get_conv(struct store_port p, uint64_t number)
{
    struct fp_id id = store_script_id("c", number);
    struct store_conv c = {0};
    bool found = false;

    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    assert_true(found);
    return c;
}

static inline bool has_conv(struct store_port p, uint64_t number)
{
    struct fp_id id = store_script_id("c", number);
    struct store_conv c = {0};
    bool found = true;

    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    return found;
}

static inline enum fp_err add_run(struct store_port p, uint64_t cid, uint64_t first, uint64_t last)
{
    const struct store_run run = {.cid = cid, .first = first, .last = last, .msgs = last, .at = {1000 + last}, .events = bytes_of("events")};

    return p.append(p.ctx, &run);
}

/* The last seq of what went. */
static inline uint64_t drop_runs_of(struct store_port p, uint64_t cid, uint64_t upto, size_t limit)
{
    uint64_t last = 77;

    assert_int_equal(p.drop_runs(p.ctx, cid, upto, limit, &last), FP_OK);
    return last;
}

#endif
