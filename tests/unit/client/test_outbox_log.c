#include "firmware-client/core/outbox_log.h"
#include "outbox_kit.h"

static void the_crc_is_the_usual_one(void **state)
{
    (void)state;
    assert_int_equal(outbox_crc(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(outbox_crc(outbox_crc(0, "1234", 4), "56789", 5), 0xcbf43926);
}

static void numbers_are_little_endian_and_come_back(void **state)
{
    (void)state;
    uint8_t p[8];
    outbox_put64(p, 0x0123456789abcdefULL);
    assert_int_equal(p[0], 0xef);
    assert_true(outbox_get64(p) == 0x0123456789abcdefULL);
}

static void a_record_of_the_sectors_earlier_life_is_none(void **state)
{
    (void)state;
    struct outbox_kit k;
    struct outbox_record r;
    bool good = false;
    kit_begin(&k, 3, 256, 1);
    kit_put(&k, "text");
    uint32_t at = k.slots[0].at;
    assert_int_equal(outbox_read_record(&k.o, at, k.o.number, &r, &good), FP_OK);
    assert_true(good && r.type == OUTBOX_COMMAND && r.len == OUTBOX_COMMAND_BYTES + 4);
    assert_int_equal(outbox_read_record(&k.o, at, k.o.number + 1, &r, &good), FP_OK);
    assert_false(good);
    sim_flash_fini(&k.flash);
}

static void a_flipped_bit_ends_the_records_of_its_sector(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 3, 512, 1);
    kit_put(&k, "one");
    kit_put(&k, "two");
    k.flash.now[k.slots[1].at + OUTBOX_RECORD_BYTES + OUTBOX_COMMAND_BYTES] ^= 0x10;
    uint8_t buf[8];
    size_t len = 0;
    struct fp_composed when;
    assert_int_equal(fp_outbox_read(&k.o, 2, buf, sizeof(buf), &len, &when), FP_ECORRUPT);
    assert_int_equal(kit_reopen(&k), FP_OK);
    kit_has(&k, 1, "one");
    assert_null(fp_outbox_slot(&k.o, 2));
    assert_int_equal(kit_put(&k, "three"), 2); /* in a new sector: what stands there cannot be programmed over */
    assert_int_equal(k.o.chain, 2);
    sim_flash_fini(&k.flash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crc_is_the_usual_one),
        cmocka_unit_test(numbers_are_little_endian_and_come_back),
        cmocka_unit_test(a_record_of_the_sectors_earlier_life_is_none),
        cmocka_unit_test(a_flipped_bit_ends_the_records_of_its_sector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
