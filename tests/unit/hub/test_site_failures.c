/* What a site makes of a hub that was restored, of links that die and of clocks that jump; and what its log says of it. */
#include "plugin/hub/site.h"
#include "tests/unit/hub/site_kit.h"

#define TEN_YEARS_MS (10ULL * 365 * 86400000)

static bool logs(const struct fixture *x, const char *line)
{
    return fake_bus_find_line(&x->k.bus, line, 0) != SIZE_MAX;
}

static void do_say(struct fixture *x, uint64_t n)
{
    struct fp_command c = kit_msg(&x->b, n, "kitchen", "hello");
    kit_send(&x->k, "ben-pad", &c);
    run(x);
}

static void lose(struct fixture *x)
{
    far_clear(&x->f);
    kit_disconnect(&x->k, RELAY);
    run(x);
    assert_true(logs(x, "trunk ship: down (the relay's connection has ended)"));
    kit_raw(&x->k, RELAY, FP_TOPIC_RELAY_DOWN, fp_bytes_of("", 0));
    run(x);
}

static void welcome(struct fixture *x, uint64_t start)
{
    struct fp_enc e = far_begin(&x->f);
    struct fp_trunk_welcome w = {.epoch = x->f.epoch, .credit = 64, .bytes = 65536, .at = x->k.wall, .start = start};
    memcpy(w.have, x->f.have, sizeof(w.have));
    fp_enc_trunk_welcome(&e, &w, NULL, 0);
    far_say(&x->f, &e);
    run(x);
}

static void a_hub_that_has_started_anew_is_told_what_is_held(void **state)
{
    struct fixture *x = *state;
    lose(x);
    size_t hellos = x->f.hellos;
    assert_int_equal(x->f.held_count, 0);
    welcome(x, 77);
    assert_int_equal(x->f.hellos, hellos + 1);
    assert_int_equal(x->f.held_count, 1);
    assert_int_equal(x->f.held_seq[0], 1);
    assert_false(x->k.hub->site->open);
    welcome(x, 77);
    assert_true(x->k.hub->site->open);
    assert_true(logs(x, "trunk ship: up"));
    lose(x); /* a link that broke, and the same hub */
    hellos = x->f.hellos;
    assert_int_equal(x->f.held_count, 0);
    welcome(x, 77);
    assert_int_equal(x->f.hellos, hellos);
    assert_true(x->k.hub->site->open);
}

static void a_hub_that_has_less_than_it_acked_gets_nothing(void **state)
{
    struct fixture *x = *state;
    for (uint64_t n = 1; n <= 3; n++) {
        do_say(x, n);
    }
    far_ack(&x->f);
    run(x);
    lose(x);
    x->f.have[FP_LANE_MESSAGES] = 1; /* as of yesterday */
    welcome(x, 0);
    welcome(x, 0); /* it may have been a late copy: asked again */
    assert_true(x->k.hub->site->stopped);
    assert_true(logs(x, "trunk ship: stopped: the hub is older than what it has acknowledged"));
    far_clear(&x->f);
    do_say(x, 4);
    assert_true(relayed(&x->k, "ben-pad", 4)); /* those at the site go on */
    assert_int_equal(x->f.count, 3);
    kit_pass(&x->k, 60000);
    run(x);
    welcome(x, 0);
    assert_false(logs(x, "trunk ship: stopped")); /* once is enough */
    x->f.have[FP_LANE_MESSAGES] = 3;              /* somebody has found the newer backup */
    kit_pass(&x->k, 60000);
    run(x);
    welcome(x, 0);
    assert_true(x->k.hub->site->open);
    assert_int_equal(x->f.count, 4);
}

static void another_hub_gets_nothing(void **state)
{
    struct fixture *x = *state;
    lose(x);
    x->f.epoch = HUB_EPOCH + 1;
    welcome(x, 0);
    assert_true(logs(x, "trunk ship: stopped: this is not the hub that the site has met"));
    assert_true(x->k.hub->site->stopped);
    assert_int_equal(x->k.hub->site->was.peer.epoch, HUB_EPOCH);
}

static void a_link_on_which_nothing_is_heard_is_down(void **state)
{
    struct fixture *x = *state;
    far_clear(&x->f);
    for (size_t i = 0; i < 26; i++) {
        assert_false(logs(x, "down"));
        kit_pass(&x->k, 1000);
        run(x);
    }
    assert_true(logs(x, "trunk ship: down (nothing was heard for 25 s)"));
    assert_true(x->f.hellos > 1);
}

static void a_clock_that_jumps_makes_nothing_old(void **state)
{
    struct fixture *x = *state;
    lose(x);
    do_say(x, 1);
    x->k.wall.ms += TEN_YEARS_MS;
    kit_pass(&x->k, 7000);
    run(x);
    assert_true(logs(x, "the clock was set forward by 315360000 s"));
    x->k.wall.ms -= 2 * TEN_YEARS_MS;
    kit_pass(&x->k, 1000);
    run(x);
    assert_true(logs(x, "the clock was set back by 630720000 s"));
    welcome(x, 0);
    assert_int_equal(x->f.count, 1);
    assert_int_equal(x->f.records[0].up.custody_ms, 8000);
    assert_int_equal(hub_stats(x->k.hub)->clock_jumps, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hub_that_has_started_anew_is_told_what_is_held, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_hub_that_has_less_than_it_acked_gets_nothing, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(another_hub_gets_nothing, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_link_on_which_nothing_is_heard_is_down, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_jumps_makes_nothing_old, site_setup, site_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
