#include "tests/unit/schemas/hex.h"

#include "plugin/core/chain.h"

/* The events and digests were made by a program of a few lines on Python's hashlib and the words of event.cddl, not by this code. */
#define FIRST "a80114020103676b69746368656e0aa1016568656c6c6f1001111b0000018bcfe568001264616e6e61136a616e6e612d70686f6e65"
#define SECOND_HEAD "0114020203676b69746368656e0401060008010a"
#define SECOND_TAIL "0f50000102030405060708090a0b0c0d0e0f1002111b0000018bcfe569f4126362656e136962656e2d70686f6e6514"
#define COMPOSED "15821b0000018bcfe540f01903f2"
#define BODY "a2016673656372657406f5"
#define HASH "175820260593af69b76e221e9bcd6ad549b219048a336b1ac23b088b84e287f92868cd"
#define SECOND "ae" SECOND_HEAD BODY SECOND_TAIL "10" COMPOSED
#define SECOND_ELIDED "af" SECOND_HEAD "f6" SECOND_TAIL "10" COMPOSED HASH
#define SECOND_REDACTED "af" SECOND_HEAD "f6" SECOND_TAIL "1830" COMPOSED HASH
#define THIRD "a90116020303676b69746368656e080209031003111b0000018bcfe56be8126362656e136962656e2d70686f6e65"
#define AFTER_1 "e8f8dbd843b90a65d022d97106613ba7a7f6a56ac7c44757fe7fa233a2262ef2"
#define AFTER_2 "757981cf42deefb06d8c7bd07673842ce4de08eaa79dc079e651214e606d2822"
#define AFTER_3 "18aaeb6e6c372fe030301fd13f9167286f553bc18c898b57af675a21d71a2b2f"

static enum fp_err extend(struct chain *c, const char *run_hex, uint64_t upto)
{
    struct fp_bytes run = hex(run_hex);
    enum fp_err err = chain_extend_run(c, run, upto);
    hex_free(run);
    return err;
}

static void assert_chain(const char *run_hex, uint64_t upto, const char *want)
{
    struct chain c = {0};
    assert_int_equal(extend(&c, run_hex, upto), FP_OK);
    assert_bytes(fp_bytes_of(c.digest, sizeof(c.digest)), want);
}

static void it_is_what_the_contract_says(void **state)
{
    (void)state;
    assert_chain(FIRST, 1, AFTER_1);
    assert_chain(FIRST SECOND, UINT64_MAX, AFTER_2);
    assert_chain(FIRST SECOND THIRD, UINT64_MAX, AFTER_3);
}

static void it_goes_on_from_where_a_run_ended(void **state)
{
    (void)state;
    struct chain c = {0};
    assert_int_equal(extend(&c, FIRST, 1), FP_OK);
    assert_int_equal(extend(&c, SECOND THIRD, 3), FP_OK);
    assert_bytes(fp_bytes_of(c.digest, sizeof(c.digest)), AFTER_3);
}

static void it_stops_at_the_seq_asked_for(void **state)
{
    (void)state;
    assert_chain(FIRST SECOND THIRD, 2, AFTER_2);
    assert_chain(FIRST SECOND THIRD, 1, AFTER_1);
    assert_chain(FIRST SECOND THIRD, 0, "0000000000000000000000000000000000000000000000000000000000000000");
}

static void a_body_that_has_left_does_not_change_it(void **state) /* K1 */
{
    (void)state;
    assert_chain(FIRST SECOND_ELIDED THIRD, 3, AFTER_3);
    assert_chain(FIRST SECOND_REDACTED THIRD, 3, AFTER_3);
}

static void another_body_or_header_does(void **state)
{
    (void)state;
    struct chain c = {0};
    assert_int_equal(extend(&c, FIRST "ae" SECOND_HEAD "a2016673656372657506f5" SECOND_TAIL "10" COMPOSED, 2), FP_OK);
    uint8_t other_body[CHAIN_BYTES];
    memcpy(other_body, c.digest, sizeof(other_body));
    c = (struct chain){0};
    assert_int_equal(extend(&c, FIRST "ae" SECOND_HEAD BODY SECOND_TAIL "11" COMPOSED, 2), FP_OK);
    assert_memory_not_equal(c.digest, other_body, sizeof(other_body));
    struct chain right = {0};
    assert_int_equal(extend(&right, FIRST SECOND, 2), FP_OK);
    assert_memory_not_equal(c.digest, right.digest, sizeof(right.digest));
    assert_memory_not_equal(other_body, right.digest, sizeof(right.digest));
}

static void what_is_half_gone_is_refused_and_changes_nothing(void **state) /* K2 */
{
    (void)state;
    static const char *const bad[] = {
        FIRST "ae" SECOND_HEAD "f6" SECOND_TAIL "10" COMPOSED,      /* null, and no hash */
        FIRST "af" SECOND_HEAD BODY SECOND_TAIL "10" COMPOSED HASH, /* a hash beside a body: which one counts? */
        FIRST "a10114",                                             /* no event */
        FIRST "ff",                                                 /* no item */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct chain c = {.digest = {7}};
        struct chain before = c;
        assert_int_equal(extend(&c, bad[i], 9), FP_EMALFORMED);
        assert_memory_equal(&c, &before, sizeof(c));
    }
}

static void the_longest_header_fits(void **state)
{
    (void)state;
    static const uint8_t trace[16] = {1};
    struct fp_id id = {.len = FP_ID_MAX};
    memset(id.text, 'x', FP_ID_MAX);
    struct fp_event ev = {.kind = 91, .n = UINT64_MAX, .conv = id, .seen = UINT64_MAX, .priority = 3, .ref = UINT64_MAX, .version = UINT64_MAX,
                          .trace = fp_bytes_of(trace, 16), .seq = UINT64_MAX, .at = {.ms = UINT64_MAX}, .user = id, .device = id, .flags = UINT32_MAX,
                          .has_composed = true, .composed = {.ms = UINT64_MAX}, .composed_error_ms = UINT64_MAX, .branch_relay = id,
                          .branch_base = UINT64_MAX, .branch_k = UINT64_MAX};
    struct chain c = {0};
    assert_int_equal(chain_extend(&c, &ev), FP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_the_contract_says),
        cmocka_unit_test(it_goes_on_from_where_a_run_ended),
        cmocka_unit_test(it_stops_at_the_seq_asked_for),
        cmocka_unit_test(a_body_that_has_left_does_not_change_it),
        cmocka_unit_test(another_body_or_header_does),
        cmocka_unit_test(what_is_half_gone_is_refused_and_changes_nothing),
        cmocka_unit_test(the_longest_header_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
