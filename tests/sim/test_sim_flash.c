/*
 * The storage of the simulations: what it must keep, and what it may lose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/sim_flash.h"

#define CUTS 200

static void what_was_synced_survives_every_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CUTS; seed++) {
        struct sim_flash f;
        uint8_t back[16];
        sim_flash_init(&f, seed, 3, 256, 8);
        struct fp_storage s = sim_flash_port(&f);
        assert_int_equal(s.program(s.ctx, 64, "synced, 16 bytes", 16), FP_OK);
        assert_int_equal(s.sync(s.ctx), FP_OK);
        assert_int_equal(s.program(s.ctx, 80, "not synced, here", 16), FP_OK);
        assert_int_equal(s.erase(s.ctx, 256), FP_OK);
        sim_flash_cut(&f);
        assert_int_equal(s.read(s.ctx, 64, back, 16), FP_OK);
        assert_memory_equal(back, "synced, 16 bytes", 16);
        sim_flash_fini(&f);
    }
}

static void what_was_not_synced_is_lost_whole_or_in_part_or_not_at_all(void **state)
{
    (void)state;
    unsigned whole = 0, none = 0, part = 0;
    uint8_t erased[32];
    memset(erased, 0xff, sizeof(erased));
    for (uint64_t seed = 1; seed <= CUTS; seed++) {
        struct sim_flash f;
        uint8_t back[32];
        sim_flash_init(&f, seed, 3, 256, 4);
        struct fp_storage s = sim_flash_port(&f);
        assert_int_equal(s.program(s.ctx, 0, "thirty-two bytes that may be lost", 32), FP_OK);
        sim_flash_cut(&f);
        assert_int_equal(s.read(s.ctx, 0, back, 32), FP_OK);
        whole += memcmp(back, "thirty-two bytes that may be lost", 32) == 0;
        none += memcmp(back, erased, 32) == 0;
        part += memcmp(back, "thirty-two bytes that may be lost", 32) != 0 && memcmp(back, erased, 32) != 0;
        sim_flash_fini(&f);
    }
    assert_true(whole > 0 && none > 0 && part > 0);
}

static void without_power_nothing_is_done(void **state)
{
    (void)state;
    struct sim_flash f;
    uint8_t back[4];
    sim_flash_init(&f, 1, 3, 256, 4);
    struct fp_storage s = sim_flash_port(&f);
    f.power_in = 2;
    assert_int_equal(s.program(s.ctx, 0, "here", 4), FP_OK);
    assert_int_equal(s.sync(s.ctx), FP_EIO);
    assert_int_equal(s.read(s.ctx, 0, back, 4), FP_EIO);
    assert_true(f.off);
    sim_flash_cut(&f);
    assert_int_equal(s.read(s.ctx, 0, back, 4), FP_OK);
    sim_flash_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_synced_survives_every_cut),
        cmocka_unit_test(what_was_not_synced_is_lost_whole_or_in_part_or_not_at_all),
        cmocka_unit_test(without_power_nothing_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
