#include "tests/unit/schemas/hex.h"

#include "firmware-client/core/cbor_utf8.h"

static bool is_valid(const char *text)
{
    struct fp_bytes in = hex(text);
    bool valid = fp_utf8_is_valid(in);
    hex_free(in);
    return valid;
}

static void every_length_of_a_character_is_taken_at_both_ends(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "", "00", "7f", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf",
        "61 c3a9 e282ac f09f9880 62",
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        if (!is_valid(fine[i])) {
            fail_msg("refused: %s", fine[i]);
        }
    }
}

static void what_is_no_character_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "80", "bf", "c0af", "c1bf", "c2", "c27f", "c2c2", "dfc0", "e09fbf", "e0a0", "e0a07f", "eda080", "edbfbf", "f08fbfbf",
        "f09080", "f48fc0", "f4908080", "f5808080", "ff", "61c2", "e28261", "fe",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (is_valid(bad[i])) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_a_character_is_taken_at_both_ends),
        cmocka_unit_test(what_is_no_character_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
