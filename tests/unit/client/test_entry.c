#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware-client/core/entry.h"

static const uint8_t body[] = {0xa1, 0x01, 0x62, 'h', 'i'};
static const uint8_t trace[16] = {1, 2, 3};

/* Everything set, or as little as may be. */
static struct fp_command command(bool full)
{
    struct fp_command c = {.kind = FP_K_EDIT, .priority = FP_PRIORITY_NORMAL};
    if (full) {
        c.priority = FP_PRIORITY_SAFETY;
        c.has_ttl = c.has_base = true;
        c.ttl_s = UINT64_MAX;
        c.base = UINT64_MAX - 1;
        c.ref = UINT64_MAX - 2;
        c.body = fp_bytes_of(body, sizeof(body));
        c.trace = fp_bytes_of(trace, sizeof(trace));
        (void)fp_id_parse("abcdefghijklmnopqrstuvwxyz0123456789", 36, &c.conv);
    }
    return c;
}

static size_t store(const struct fp_command *c, uint64_t seen, uint8_t *buf)
{
    uint8_t head[FP_ENTRY_HEAD_MAX];
    size_t len = fp_entry_head(c, seen, head);
    assert_true(len > 0);
    memcpy(buf + FP_ENTRY_SLACK, head, len);
    if (c->body.len > 0) {
        memcpy(buf + FP_ENTRY_SLACK + len, c->body.p, c->body.len);
    }
    return len + c->body.len;
}

static void a_full_command_comes_back_as_it_was(void **state)
{
    (void)state;
    uint8_t buf[512];
    struct fp_command out, in = command(true);
    const char *why = NULL;
    size_t stored = store(&in, UINT64_MAX - 3, buf);
    struct fp_attempt at = {.n = UINT64_MAX - 4, .age_ms = UINT64_MAX - 5, .has_age = true};
    size_t len = fp_entry_build(buf, stored, &at);
    assert_true(len > 0 && len <= stored + FP_ENTRY_SLACK);
    assert_int_equal(fp_command_decode(fp_bytes_of(buf, len), sizeof(buf), &out, &why), FP_OK);
    assert_true(out.kind == FP_K_EDIT && out.n == at.n && out.age_ms == at.age_ms && out.has_age && out.seen == UINT64_MAX - 3);
    assert_true(out.priority == 0 && out.ttl_s == in.ttl_s && out.base == in.base && out.ref == in.ref && fp_id_eq(&out.conv, &in.conv));
    assert_true(fp_bytes_eq(out.body, in.body) && fp_bytes_eq(out.trace, in.trace));
}

static void the_least_command_comes_back_as_it_was(void **state)
{
    (void)state;
    uint8_t buf[512];
    struct fp_command out, in = command(false);
    const char *why = NULL;
    struct fp_attempt at = {.n = 1};
    size_t len = fp_entry_build(buf, store(&in, 0, buf), &at);
    assert_int_equal(fp_command_decode(fp_bytes_of(buf, len), sizeof(buf), &out, &why), FP_OK);
    assert_true(out.kind == FP_K_EDIT && out.n == 1 && !out.has_age && out.seen == 0 && out.priority == 2 && !out.has_ttl && out.body.len == 0);
}

static void another_age_is_the_same_command_for_the_hub(void **state)
{
    (void)state;
    uint8_t buf[512];
    struct fp_command a, b, in = command(true);
    const char *why = NULL;
    struct fp_attempt first = {.n = 9, .age_ms = 3, .has_age = true};
    struct fp_attempt later = {.n = 9};
    size_t len = fp_entry_build(buf, store(&in, 4, buf), &first);
    assert_int_equal(fp_command_decode(fp_bytes_of(buf, len), sizeof(buf), &a, &why), FP_OK);
    len = fp_entry_build(buf, store(&in, 4, buf), &later);
    assert_int_equal(fp_command_decode(fp_bytes_of(buf, len), sizeof(buf), &b, &why), FP_OK);
    assert_true(a.hash == b.hash);
}

static void what_is_no_entry_is_refused(void **state)
{
    (void)state;
    uint8_t buf[512];
    struct fp_command in = command(true);
    struct fp_attempt at = {.n = 1};
    size_t stored = store(&in, 4, buf);
    assert_int_equal(fp_entry_build(buf, 6, &at), 0);
    assert_int_equal(fp_entry_build(buf, stored - sizeof(body) - 1, &at), 0);
    memset(buf, 0xff, sizeof(buf));
    assert_int_equal(fp_entry_build(buf, 400, &at), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_command_comes_back_as_it_was),
        cmocka_unit_test(the_least_command_comes_back_as_it_was),
        cmocka_unit_test(another_age_is_the_same_command_for_the_hub),
        cmocka_unit_test(what_is_no_entry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
