#include "hex.h"

#include "fp/trunk.h"

static void the_known_sums_come_out(void **state)
{
    (void)state;
    uint8_t bytes[32];
    assert_int_equal(fp_crc32c(fp_bytes_of("123456789", 9)), 0xe3069283);
    assert_int_equal(fp_crc32c((struct fp_bytes){0}), 0);
    /* RFC 3720, B.4 */
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(fp_crc32c(fp_bytes_of(bytes, sizeof bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(fp_crc32c(fp_bytes_of(bytes, sizeof bytes)), 0x62a8ab43);
    for (uint8_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = i;
    }
    assert_int_equal(fp_crc32c(fp_bytes_of(bytes, sizeof bytes)), 0x46dd794e);
}

static void every_single_bit_counts(void **state)
{
    (void)state;
    uint8_t bytes[16] = {1, 2, 3};
    uint32_t sum = fp_crc32c(fp_bytes_of(bytes, sizeof bytes));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(fp_crc32c(fp_bytes_of(bytes, sizeof bytes)), sum);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_known_sums_come_out),
        cmocka_unit_test(every_single_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
