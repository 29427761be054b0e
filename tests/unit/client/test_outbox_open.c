#include "firmware-client/core/outbox_log.h"
#include "outbox_kit.h"

static void garbage_is_no_log_and_is_formatted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct outbox_kit k;
        struct sim_random r = {.state = seed};
        sim_flash_init(&k.flash, seed, 4, 256, 1);
        for (uint32_t i = 0; i < k.flash.size; i++) {
            k.flash.now[i] = (uint8_t)sim_next(&r);
        }
        assert_int_equal(kit_reopen(&k), FP_OK);
        assert_int_equal(k.o.next, 1);
        assert_int_equal(kit_put(&k, "works"), 1);
        assert_int_equal(kit_reopen(&k), FP_OK);
        kit_has(&k, 1, "works");
        sim_flash_fini(&k.flash);
    }
}

static void any_bits_flipped_invent_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 400; seed++) {
        struct outbox_kit k;
        struct sim_random r = {.state = seed};
        char buf[64];
        size_t len = 0;
        struct fp_composed when;
        kit_begin(&k, 3, 512, 1);
        for (int i = 0; i < 12; i++) {
            kit_put(&k, "the only text there is");
            (void)fp_outbox_done(&k.o, (uint64_t)i / 2);
        }
        for (uint64_t i = 0; i <= seed % 20; i++) {
            k.flash.now[sim_below(&r, k.flash.size)] ^= (uint8_t)(1 + sim_below(&r, 255));
        }
        assert_int_equal(kit_reopen(&k), FP_OK);
        for (uint64_t t = k.o.first; t < k.o.next; t++) {
            enum fp_err err = fp_outbox_read(&k.o, t, buf, sizeof(buf), &len, &when);
            assert_true(err == FP_EUNKNOWN || err == FP_OK);
            assert_true(err || (len == 22 && memcmp(buf, "the only text there is", 22) == 0));
        }
        uint64_t ticket = 0;
        enum fp_err err = kit_append(&k, "more", &ticket);
        assert_true(err == FP_OK || err == FP_EFULL);
        sim_flash_fini(&k.flash);
    }
}

static void a_newer_layout_is_left_alone(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 3, 256, 1);
    outbox_put32(k.flash.now + 4, FP_OUTBOX_VERSION + 1);
    outbox_put32(k.flash.now + 12, outbox_crc(0, k.flash.now, 12));
    uint8_t before[768];
    memcpy(before, k.flash.now, sizeof(before));
    assert_int_equal(kit_reopen(&k), FP_EVERSION);
    assert_memory_equal(before, k.flash.now, sizeof(before));
    sim_flash_fini(&k.flash);
}

static void fewer_slots_than_pending_commands_is_a_bad_configuration(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 3, 512, 1);
    kit_put(&k, "a");
    kit_put(&k, "b");
    assert_int_equal(fp_outbox_open(&k.o, sim_flash_port(&k.flash), k.slots, 1, k.cursors, KIT_CURSORS), FP_ECONFIG);
    assert_int_equal(fp_outbox_open(&k.o, sim_flash_port(&k.flash), k.slots, 2, k.cursors, KIT_CURSORS), FP_OK);
    sim_flash_fini(&k.flash);
}

static void a_region_of_another_shape_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 4, 512, 4);
    kit_put(&k, "kept");
    struct fp_storage good = sim_flash_port(&k.flash);
    struct fp_storage bad[3] = {good, good, good};
    bad[0].program_bytes = 8;
    bad[1].size = 3 * 512;
    bad[2].sector_bytes = 256;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fp_outbox_open(&k.o, bad[i], k.slots, KIT_SLOTS, k.cursors, KIT_CURSORS), FP_ECONFIG);
    }
    assert_int_equal(kit_reopen(&k), FP_OK);
    kit_has(&k, 1, "kept");
    sim_flash_fini(&k.flash);
}

static void a_region_without_sense_is_refused(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 3, 256, 1);
    const struct fp_storage good = sim_flash_port(&k.flash);
    struct fp_storage bad[4] = {good, good, good, good};
    bad[0].program_bytes = 3;
    bad[1].sector_bytes = 128;
    bad[2].size = 2 * 256;
    bad[3].size = 3 * 256 + 1;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fp_outbox_open(&k.o, bad[i], k.slots, KIT_SLOTS, k.cursors, KIT_CURSORS), FP_ECONFIG);
    }
    sim_flash_fini(&k.flash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_no_log_and_is_formatted),
        cmocka_unit_test(any_bits_flipped_invent_nothing),
        cmocka_unit_test(a_newer_layout_is_left_alone),
        cmocka_unit_test(fewer_slots_than_pending_commands_is_a_bad_configuration),
        cmocka_unit_test(a_region_of_another_shape_is_refused_and_left_alone),
        cmocka_unit_test(a_region_without_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
