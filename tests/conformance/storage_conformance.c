#include "tests/conformance/storage_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct storage_maker *maker;
static struct fp_storage s;

static int setup(void **state)
{
    (void)state;
    s = maker->make(maker->ctx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    maker->drop(maker->ctx);
    return 0;
}

static void its_sizes_fit_each_other(void **state)
{
    (void)state;
    assert_true(s.program_bytes >= 1 && s.program_bytes <= 32 && (s.program_bytes & (s.program_bytes - 1)) == 0);
    assert_true(s.sector_bytes >= 256 && s.sector_bytes % s.program_bytes == 0);
    assert_true(s.size % s.sector_bytes == 0 && s.size / s.sector_bytes >= 3);
}

static void erased_bytes_are_ff_in_that_sector_only(void **state)
{
    (void)state;
    uint8_t mark[32], back[32];
    memset(mark, 0x5a, sizeof(mark));
    for (uint32_t at = 0; at < 3 * s.sector_bytes; at += s.sector_bytes) {
        assert_int_equal(s.erase(s.ctx, at), FP_OK);
        assert_int_equal(s.program(s.ctx, at, mark, sizeof(mark)), FP_OK);
        assert_int_equal(s.program(s.ctx, at + s.sector_bytes - (uint32_t)sizeof(mark), mark, sizeof(mark)), FP_OK);
    }
    assert_int_equal(s.erase(s.ctx, s.sector_bytes), FP_OK);
    for (uint32_t i = 0; i < s.sector_bytes; i += sizeof(back)) {
        assert_int_equal(s.read(s.ctx, s.sector_bytes + i, back, sizeof(back)), FP_OK);
        for (size_t j = 0; j < sizeof(back); j++) {
            assert_int_equal(back[j], 0xff);
        }
    }
    assert_int_equal(s.read(s.ctx, s.sector_bytes - (uint32_t)sizeof(mark), back, sizeof(back)), FP_OK);
    assert_memory_equal(back, mark, sizeof(mark));
    assert_int_equal(s.read(s.ctx, 2 * s.sector_bytes, back, sizeof(back)), FP_OK);
    assert_memory_equal(back, mark, sizeof(mark));
}

static void what_was_synced_is_there_after_a_restart(void **state)
{
    (void)state;
    uint8_t text[96], back[96];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t)(i * 7);
    }
    assert_int_equal(s.erase(s.ctx, 0), FP_OK);
    assert_int_equal(s.program(s.ctx, 32, text, 64), FP_OK);
    assert_int_equal(s.program(s.ctx, 96, text + 64, 32), FP_OK);
    assert_int_equal(s.sync(s.ctx), FP_OK);
    s = maker->reopen(maker->ctx);
    assert_int_equal(s.read(s.ctx, 32, back, sizeof(back)), FP_OK);
    assert_memory_equal(back, text, sizeof(text));
}

static void the_last_byte_is_there_and_none_behind_it(void **state)
{
    (void)state;
    uint8_t unit[32] = {1, 2, 3}, back[32];
    uint32_t last = s.size - s.sector_bytes;
    assert_int_equal(s.erase(s.ctx, last), FP_OK);
    assert_int_equal(s.program(s.ctx, s.size - (uint32_t)sizeof(unit), unit, sizeof(unit)), FP_OK);
    assert_int_equal(s.read(s.ctx, s.size - (uint32_t)sizeof(unit), back, sizeof(back)), FP_OK);
    assert_memory_equal(back, unit, sizeof(unit));
    assert_int_not_equal(s.program(s.ctx, s.size, unit, sizeof(unit)), FP_OK);
    assert_int_not_equal(s.read(s.ctx, s.size, back, sizeof(back)), FP_OK);
    assert_int_not_equal(s.erase(s.ctx, s.size), FP_OK);
    assert_int_not_equal(s.erase(s.ctx, s.sector_bytes / 2), FP_OK);
}

int storage_conformance(const char *name, const struct storage_maker *m)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_sizes_fit_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(erased_bytes_are_ff_in_that_sector_only, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_synced_is_there_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_byte_is_there_and_none_behind_it, setup, teardown),
    };
    maker = m;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
