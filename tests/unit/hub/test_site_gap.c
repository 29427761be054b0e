/* The hub lacks what came before: a device whose numbers are out of step with the hub's gets in step by itself. */
#include "plugin/hub/site.h"
#include "tests/unit/hub/site_kit.h"

static void say(struct fixture *x, uint64_t n, const char *text)
{
    struct fp_command c = kit_msg(&x->b, n, "kitchen", text);
    far_clear(&x->f);
    kit_send(&x->k, "ben-pad", &c);
    run(x);
}

/* Everything since `from` is refused, until the site gives up; false: it does not within minutes. */
static bool refuse_all(struct fixture *x, size_t from, uint64_t next_n)
{
    struct fp_reply r;
    for (size_t second = 0; second < 150; second++) {
        size_t upto = x->f.count;
        far_ack(&x->f);
        for (; from < upto; from++) {
            if (x->f.records[from].cmd.n >= next_n && !x->f.records[from].up.refused) {
                far_gap(&x->f, &x->f.records[from], next_n);
            }
        }
        run(x);
        if (kit_replies(&x->k, "ben-pad") > 0 && kit_reply(&x->k, "ben-pad", 0, &r)) {
            return r.what == FP_REPLY_NACK && r.as.nack.code == FP_EGAP && r.as.nack.retry && r.as.nack.next_n == next_n;
        }
        far_clear(&x->f);
        kit_pass(&x->k, 1000);
        run(x);
        struct fp_enc e = far_begin(&x->f); /* the link lives */
        fp_enc_trunk_live(&e, false, false, 0, (struct fp_bytes){0}, 0, (struct fp_bytes){0});
        far_say(&x->f, &e);
        run(x);
    }
    return false;
}

static void what_nothing_here_can_fill_is_given_back_to_the_device(void **state)
{
    struct fixture *x = *state;
    bool found = false;
    for (uint64_t n = 7; n <= 9; n++) { /* the site takes his word for the six before; the hub knows of four */
        say(x, n, "hello");
        assert_true(relayed(&x->k, "ben-pad", n));
    }
    far_clear(&x->f);
    size_t from = 0;
    assert_true(refuse_all(x, from, 5));
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 3);
    struct told_events t = told_on(&x->k, EVENTS);
    assert_int_equal(t.count, 3);
    assert_int_equal(t.last.flags, FP_FLAG_PROVISIONAL | FP_FLAG_REFUSED);
    assert_true(branch_row(&x->k, "ben-pad", 9, &found).settled);
    assert_int_not_equal(fake_bus_find_line(&x->k.bus, "device ben-pad: the hub lacks a command", 0), SIZE_MAX);

    /* It numbers them anew. */
    size_t count = x->f.count;
    static const char *const texts[] = {"first", "second", "third"};
    for (uint64_t n = 5; n <= 7; n++) {
        say(x, n, texts[n - 5]);
        assert_true(relayed(&x->k, "ben-pad", n));
    }
    say(x, 7, "third"); /* once more */
    assert_true(relayed(&x->k, "ben-pad", 7));
    assert_int_equal(x->f.count, count + 3);
    far_clear(&x->f);
    for (uint64_t i = 0; i < 3; i++) {
        far_order(&x->f, &x->f.records[count + i], 2 + i);
    }
    run(x);
    assert_true(kit_acked(&x->k, "ben-pad", 7, 4));
    say(x, 7, "third"); /* the ack was lost */
    assert_true(kit_acked(&x->k, "ben-pad", 7, 4));
    say(x, 8, "fourth");
    assert_true(relayed(&x->k, "ben-pad", 8));
    assert_int_equal(x->f.records[x->f.count - 1].cmd.n, 8);
}

static void what_is_on_its_way_is_waited_for(void **state)
{
    struct fixture *x = *state;
    say(x, 1, "one");
    say(x, 2, "two");
    far_clear(&x->f);
    for (size_t second = 0; second < 20; second++) { /* the hub has not acked the first one */
        far_gap(&x->f, &x->f.records[1], 1);
        struct fp_enc e = far_begin(&x->f);
        fp_enc_trunk_ack(&e, x->f.hello.epoch, FP_LANE_MESSAGES, 0, 64);
        far_say(&x->f, &e);
        run(x);
        kit_pass(&x->k, 1000);
    }
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 0);
    far_order(&x->f, &x->f.records[0], 2);
    far_order(&x->f, &x->f.records[1], 3);
    run(x);
    assert_true(kit_acked(&x->k, "ben-pad", 2, 3));
}

/* Of a database from before: it was refused here, and the hub may have missed it. */
static void what_was_refused_is_said_again_first(void **state)
{
    struct fixture *x = *state;
    struct fp_command c = kit_msg(&x->b, 1, "nowhere", "hello");
    kit_send(&x->k, "ben-pad", &c);
    run(x);
    far_refuse(&x->f, &x->f.records[0], FP_EUNKNOWN);
    run(x);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EUNKNOWN));
    say(x, 2, "two");
    far_clear(&x->f);
    size_t before = x->f.count;
    far_ack(&x->f);
    far_gap(&x->f, &x->f.records[1], 1);
    run(x);
    assert_int_equal(x->f.count, before + 2);
    assert_int_equal(x->f.records[before].up.refused, FP_EUNKNOWN);
    assert_int_equal(x->f.records[before].cmd.n, 1);
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 0);
    assert_true(refuse_all(x, before, 1)); /* the hub does not take the site's word for him */
    say(x, 1, "two");
    assert_true(relayed(&x->k, "ben-pad", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_nothing_here_can_fill_is_given_back_to_the_device, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_is_on_its_way_is_waited_for, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_was_refused_is_said_again_first, site_setup, site_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
