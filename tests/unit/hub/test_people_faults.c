/* The store fails at each of its calls in turn; afterwards everything is as it would have been. */
#include "tests/unit/hub/people_kit.h"

#define BEN "fp/1/user/ben/presence"

static const char *const two[] = {"anna", "carl"};

static void send_all(struct kit *k)
{
    struct kit_body b;
    struct fp_policy_rule rule = {.viewer = kit_id("carl"), .level = FP_LEVEL_DAY};

    pk_hello_on(k, "ben-pad", 1);
    pk_hello_on(k, "carl-pad", 1);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_body_status(&b.e, "lunch", 5, k->wall.ms + 100000);
    pk_send(k, "anna-phone", FP_K_STATUS, &b);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_body_policy_begin(&b.e, 1);
    fp_body_policy_rule(&b.e, &rule);
    pk_send(k, "anna-phone", FP_K_POLICY, &b);
    pk_hello_on(k, "anna-phone", 1);
    kit_run(k);
}

static void run_for(struct kit *k, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        kit_pass(k, 1000);
        kit_run(k);
        kit_run(k);
    }
}

static void assert_all_is_well(struct kit *k)
{
    pk_watch(k, "ben-pad", two, 2, 600);
    run_for(k, 3);
    struct pk_seen s = pk_seen(k, BEN);
    assert_int_equal(s.count, 2);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_ACTIVE);
    assert_int_equal(pk_person(&s, "anna")->text.len, 5);
    assert_int_equal(pk_person(&s, "carl")->state, FP_PERSON_ACTIVE);
    s = pk_seen(k, HOUSE);
    assert_int_equal(s.count, 3);
    assert_int_equal(pk_person(&s, "anna")->since.ms % 86400000, 0);
    pk_bye(k, "carl-pad");
    run_for(k, 120);
    s = pk_seen(k, HOUSE);
    assert_int_equal(s.count, 2);
    assert_int_equal(pk_person(&s, "anna")->text.len, 0);
}

/* Returns how many calls the store was asked for from the k-th on; 0: there was no k-th. */
static uint64_t fail_at(uint64_t at, enum fp_err error)
{
    static const char *const members[] = {"ben", "carl"};
    struct kit k;
    kit_open(&k);
    pk_conv(&k, "anna-phone", 1, "kitchen", "house", members, 2);
    kit_restart(&k);
    kit_run(&k);
    kit_run(&k);
    fault_store_arm(&k.fault, at, error, false);
    send_all(&k);
    run_for(&k, 15); /* the start, the first digest, last_seen */
    uint64_t failed = k.fault.failed;
    fault_store_disarm(&k.fault);
    send_all(&k); /* as devices do that were told to try again */
    run_for(&k, 3);
    assert_all_is_well(&k);
    kit_close(&k);
    return failed;
}

static void a_store_that_fails_once_anywhere_leaves_nothing_wrong(void **state)
{
    (void)state;
    static const enum fp_err errors[] = {FP_EIO, FP_EFULL};
    for (size_t i = 0; i < 2; i++) {
        uint64_t at = 1;
        while (fail_at(at, errors[i]) > 0) {
            at++;
        }
        print_message("%llu calls\n", (unsigned long long)at - 1);
        assert_true(at > 30);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_fails_once_anywhere_leaves_nothing_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
