#include "hex.h"

#include "fp/err.h"
#include "fp/keys.h"

static void every_nack_code_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = FP_C_MALFORMED; i <= FP_C_IDENTITY; i++) {
        assert_true(fp_err_is_peer((enum fp_err)i));
        assert_string_not_equal(fp_err_name((enum fp_err)i), "unnamed error");
        for (int k = FP_C_MALFORMED; k < i; k++) {
            assert_string_not_equal(fp_err_name((enum fp_err)i), fp_err_name((enum fp_err)k));
        }
    }
    assert_string_equal(fp_err_name(FP_EMALFORMED), "malformed");
    assert_string_equal(fp_err_name(FP_EIDENTITY), "identity");
}

static void a_number_that_nobody_named_still_has_a_word(void **state)
{
    (void)state;
    assert_string_equal(fp_err_name((enum fp_err)57), "unnamed error");
}

static void each_error_is_in_one_family(void **state)
{
    (void)state;
    const enum fp_err later[] = {FP_EAGAIN, FP_ESHUTDOWN};
    const enum fp_err fatal[] = {FP_ENOMEM, FP_EIO, FP_ECORRUPT, FP_ECONFIG, FP_EVERSION};

    assert_false(fp_err_is_peer(FP_OK) || fp_err_is_later(FP_OK) || fp_err_is_fatal(FP_OK));
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        assert_true(fp_err_is_later(later[i]) && !fp_err_is_peer(later[i]) && !fp_err_is_fatal(later[i]));
        assert_string_not_equal(fp_err_name(later[i]), "unnamed error");
    }
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        assert_true(fp_err_is_fatal(fatal[i]) && !fp_err_is_peer(fatal[i]) && !fp_err_is_later(fatal[i]));
        assert_string_not_equal(fp_err_name(fatal[i]), "unnamed error");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_nack_code_has_a_word_of_its_own),
        cmocka_unit_test(a_number_that_nobody_named_still_has_a_word),
        cmocka_unit_test(each_error_is_in_one_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
