#include "tests/support/sim_random.h"
#include "tests/unit/hub/people_kit.h"

static const uint8_t nobody[] = {0xa2, 0x01, 0xa0, 0x02, 0xf5};

static void who_says_hello_is_in_the_digest_at_once(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "anna-phone");
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_true(s.any && s.full);
    assert_int_equal(s.count, 1);
    pk_assert_person(&s, "anna", FP_PERSON_ACTIVE, k.wall.ms);
    assert_true(fake_bus_at(&k.bus, fake_bus_find(&k.bus, HOUSE, 0))->tell.retain);
    kit_close(&k);
}

static void the_highest_of_his_sessions_counts(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "anna-phone");
    pk_hello(&k, "anna-pad");
    pk_pass(&k, 2000);
    uint64_t busy = k.wall.ms;
    pk_activity(&k, "anna-pad", FP_ACTIVITY_BUSY);
    pk_activity(&k, "anna-phone", FP_ACTIVITY_AWAY);
    pk_pass(&k, 2000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    pk_assert_person(&s, "anna", FP_PERSON_BUSY, busy);
    uint64_t away = k.wall.ms;
    pk_bye(&k, "anna-pad");
    pk_pass(&k, 2000);
    s = pk_seen(&k, HOUSE);
    pk_assert_person(&s, "anna", FP_PERSON_AWAY, away);
    kit_close(&k);
}

static void activity_needs_a_session(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_activity(&k, "anna-phone", FP_ACTIVITY_BUSY);
    assert_true(kit_nacked(&k, "anna-phone", FP_ECONFLICT));
    pk_hello(&k, "anna-phone");
    pk_activity(&k, "anna-phone", 3);
    assert_true(kit_nacked(&k, "anna-phone", FP_EMALFORMED));
    kit_close(&k);
}

static void a_lost_connection_that_comes_back_shows_nothing_at_all(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "anna-phone");
    pk_activity(&k, "anna-phone", FP_ACTIVITY_BUSY);
    pk_pass(&k, 5000);
    kit_clear(&k);
    pk_end(&k, "anna-phone", SOURCE_END_LOST);
    pk_pass(&k, GRACE_MS - 1);
    pk_hello_on(&k, "anna-phone", 2);
    kit_run(&k);
    pk_pass(&k, 60000);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 0);
    kit_close(&k);
}

static void a_lost_connection_that_stays_away_is_offline_after_the_grace(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "anna-phone");
    pk_pass(&k, 5000);
    kit_clear(&k);
    pk_end(&k, "anna-phone", SOURCE_END_LOST);
    pk_pass(&k, GRACE_MS - 1);
    assert_false(pk_seen(&k, HOUSE).any);
    pk_pass(&k, 1);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_true(s.any);
    assert_int_equal(s.count, 0);
    kit_close(&k);
}

static void silence_and_bye_end_at_once(void **state)
{
    (void)state;
    struct kit k;
    for (int bye = 0; bye < 2; bye++) {
        pk_open(&k);
        pk_hello(&k, "anna-phone");
        pk_pass(&k, 5000);
        kit_clear(&k);
        if (bye) {
            pk_bye(&k, "anna-phone");
        } else {
            pk_end(&k, "anna-phone", SOURCE_END_SILENT);
        }
        assert_true(pk_seen(&k, HOUSE).any);
        assert_int_equal(pk_seen(&k, HOUSE).count, 0);
        kit_close(&k);
    }
}

static void the_late_end_of_an_older_connection_ends_nothing(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "anna-phone");
    pk_pass(&k, 5000);
    kit_clear(&k);
    pk_hello_on(&k, "anna-phone", 2); /* a takeover: the old end comes afterwards */
    kit_run(&k);
    pk_end(&k, "anna-phone", SOURCE_END_SILENT);
    pk_pass(&k, 30000);
    assert_false(pk_seen(&k, HOUSE).any);
    kit_close(&k);
}

static void the_last_time_he_was_seen_survives_a_restart(void **state)
{
    (void)state;
    struct kit k;
    static const char *const anna[] = {"anna"};
    pk_open(&k);
    pk_hello(&k, "anna-phone");
    pk_pass(&k, 60000);
    uint64_t gone = k.wall.ms;
    pk_bye(&k, "anna-phone");
    pk_pass(&k, 2000);
    kit_restart(&k);
    kit_idle(&k);
    pk_hello(&k, "ben-pad");
    pk_watch(&k, "ben-pad", anna, 1, 60);
    struct pk_seen s = pk_seen(&k, "fp/1/user/ben/presence");
    pk_assert_person(&s, "anna", FP_PERSON_OFFLINE, gone);
    kit_close(&k);
}

static void last_seen_is_saved_once_the_store_works_again(void **state)
{
    (void)state;
    struct kit k;
    struct store_person row;
    struct fp_id anna = kit_id("anna");
    bool found = false;
    pk_open(&k);
    pk_status(&k, "anna-phone", "here", 0); /* to be kept */
    pk_hello(&k, "anna-phone");
    pk_pass(&k, 2000);
    uint64_t gone = k.wall.ms;
    pk_bye(&k, "anna-phone");
    fault_store_arm(&k.fault, 1, FP_EFULL, true);
    pk_pass(&k, 5000);
    assert_true(k.fault.failed > 0);
    fault_store_disarm(&k.fault);
    pk_pass(&k, 5000);
    struct store_port port = mem_store_port(k.mem);
    assert_int_equal(port.load_person(port.ctx, &anna, &row, &found), FP_OK);
    assert_true(found);
    assert_int_equal(row.last_seen.ms, gone);
    assert_int_equal(row.status.len, 4);
    assert_true(row.open);
    kit_close(&k);
}

static void after_a_start_every_scope_is_told_once_and_not_before_the_grace(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_conv(&k, "anna-phone", 2, "roof", "site", NULL, 0);
    pk_conv(&k, "anna-phone", 3, "gate", "site", NULL, 0);
    pk_conv(&k, "anna-phone", 4, "chat", "dm", NULL, 0);
    pk_status(&k, "anna-phone", "on leave", 0);
    kit_restart(&k);
    kit_idle(&k);
    pk_hello(&k, "carl-pad"); /* in the house, which has him and Anna's text */
    pk_pass(&k, GRACE_MS - 1);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 0);
    pk_pass(&k, 30000);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 1);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/site/presence"), 1);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/dm/presence"), 0);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_int_equal(s.count, 2);
    assert_memory_equal(pk_person(&s, "anna")->text.p, "on leave", 8);

    pk_status(&k, "anna-phone", "", 0);
    kit_restart(&k);
    pk_pass(&k, 30000);
    size_t at = fake_bus_find(&k.bus, HOUSE, 0);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 1);
    assert_int_equal(fake_bus_at(&k.bus, at)->tell.payload.len, sizeof(nobody));
    assert_memory_equal(fake_bus_at(&k.bus, at)->tell.payload.p, nobody, sizeof(nobody));
    kit_close(&k);
}

static void who_joins_is_shown_and_who_leaves_is_not(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    pk_open(&k);
    pk_hello(&k, "dora-pad");
    assert_false(pk_seen(&k, HOUSE).any);
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "dora", FP_ROLE_MEMBER, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    pk_pass(&k, 2000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_non_null(pk_person(&s, "dora"));
    c = kit_member(&b, 3, FP_K_MEMBER_REMOVE, "kitchen", "dora", -1, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    pk_pass(&k, 2000);
    s = pk_seen(&k, HOUSE);
    assert_true(s.any);
    assert_null(pk_person(&s, "dora"));
    kit_close(&k);
}

static void a_batch_that_fails_leaves_nothing_wrong(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    pk_open(&k);
    pk_hello(&k, "dora-pad");
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "dora", FP_ROLE_MEMBER, -1);
    kit_send(&k, "anna-phone", &c);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_body_status(&b.e, "here", 4, 0);
    pk_send(&k, "dora-pad", FP_K_STATUS, &b);
    fault_store_arm(&k.fault, 1, FP_EFULL, true); /* the batch, and then both commands on their own */
    kit_run(&k);
    fault_store_disarm(&k.fault);
    pk_pass(&k, 5000);
    assert_false(pk_seen(&k, HOUSE).any);
    assert_true(kit_nacked(&k, "dora-pad", FP_EFULL));
    kit_send(&k, "anna-phone", (c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "dora", FP_ROLE_MEMBER, -1), &c));
    kit_run(&k);
    pk_pass(&k, 5000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_non_null(pk_person(&s, "dora"));
    assert_int_equal(pk_person(&s, "dora")->text.len, 0);
    kit_close(&k);
}

/* ------------------------------------------------------------------ crowds */

#define CROWD 200

static void crowd_name(char *buf, size_t cap, size_t i, const char *device)
{
    assert_true((size_t)snprintf(buf, cap, "u%03zu%s", i, device) < cap);
}

static void open_crowd(struct kit *k)
{
    struct kit_body b;
    char name[16];
    kit_open(k);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    struct fp_id scope = kit_id("house");
    fp_body_conv_begin(&b.e, &scope, "Kitchen", CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        crowd_name(name, sizeof(name), i, "");
        struct fp_id id = kit_id(name);
        fp_body_conv_member(&b.e, &id, FP_ROLE_MEMBER);
    }
    struct fp_command c = {.kind = FP_K_CONV_NEW, .n = 1, .conv = kit_id("kitchen"), .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    assert_true(kit_acked(k, "anna-phone", 1, 1));
    pk_pass(k, GRACE_MS + 20000);
    kit_clear(k);
}

/* Each of the crowd comes, and goes `stay` later; one every `every` ms. How many digests were there? */
static size_t come_and_go(struct kit *k, uint64_t every_ms, size_t stay)
{
    char name[16];
    for (size_t i = 0; i < CROWD + stay; i++) {
        if (i < CROWD) {
            crowd_name(name, sizeof(name), i, "-pad");
            pk_hello_on(k, name, 1);
        }
        if (i >= stay) {
            struct fp_command c = {.kind = FP_K_BYE, .priority = FP_PRIORITY_NORMAL};
            crowd_name(name, sizeof(name), i - stay, "-pad");
            kit_send(k, name, &c);
        }
        kit_run(k);
        kit_idle(k);
        if (every_ms > 0) {
            pk_pass(k, every_ms);
        }
    }
    pk_pass(k, 30000);
    return fake_bus_count(&k->bus, HOUSE);
}

static void a_crowd_costs_few_digests(void **state)
{
    (void)state;
    static const struct {
        uint64_t every_ms;
        size_t stay;
    } cases[] = {{0, CROWD}, {0, 10}, {100, CROWD}, {100, 1}, {50, 20}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kit k;
        open_crowd(&k);
        size_t digests = come_and_go(&k, cases[i].every_ms, cases[i].stay);
        print_message("every %llu ms: %zu digests\n", (unsigned long long)cases[i].every_ms, digests);
        assert_true(digests > 0 && digests * CROWD <= 2000);
        assert_int_equal(pk_seen(&k, HOUSE).count, 0); /* and the last one is right */
        kit_close(&k);
    }
}

/* ------------------------------------------------------------------ any order */

#define DEVICES 6

static const char *const devices[DEVICES] = {"anna-phone", "anna-pad", "anna-pc", "ben-phone", "ben-pad", "carl-pad"};

static void random_step(struct kit *k, struct sim_random *rnd, uint64_t *conns)
{
    size_t d = sim_below(rnd, DEVICES);
    struct fp_command bye = {.kind = FP_K_BYE, .priority = FP_PRIORITY_NORMAL};
    switch (sim_below(rnd, 5)) {
    case 0:
    case 1: /* on a new connection, and the old one's end comes late or never */
        pk_hello_on(k, devices[d], ++conns[d]);
        break;
    case 2:
        kit_disconnect(k, devices[d]);
        pk_conn(k, conns[d] - sim_below(rnd, 2));
        k->items[k->count - 1].end = sim_below(rnd, 2) ? SOURCE_END_LOST : SOURCE_END_SILENT;
        break;
    case 3:
        kit_send(k, devices[d], &bye);
        pk_conn(k, conns[d]);
        break;
    default:
        kit_run(k);
        kit_pass(k, sim_below(rnd, 12000));
    }
}

static void no_order_of_takeovers_and_ends_leaves_a_ghost(void **state)
{
    (void)state;
    const uint64_t seed = 20240802;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sim_random rnd = {.state = seed};
    uint64_t conns[DEVICES];
    struct kit k;
    pk_open(&k);
    for (size_t d = 0; d < DEVICES; d++) {
        conns[d] = 10;
    }
    for (int round = 0; round < 10000; round++) {
        for (int step = 0; step < 6; step++) {
            random_step(&k, &rnd, conns);
        }
        for (size_t d = 0; d < DEVICES; d++) { /* each connection ends at last */
            kit_disconnect(&k, devices[d]);
            pk_conn(&k, conns[d]);
        }
        kit_run(&k);
        kit_pass(&k, GRACE_MS);
        kit_run(&k);
        kit_pass(&k, 2000);
        kit_run(&k);
        kit_run(&k);
        struct pk_seen s = pk_seen(&k, HOUSE);
        if (s.any) {
            assert_int_equal(s.count, 0);
        }
        kit_clear(&k);
    }
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_says_hello_is_in_the_digest_at_once),
        cmocka_unit_test(the_highest_of_his_sessions_counts),
        cmocka_unit_test(activity_needs_a_session),
        cmocka_unit_test(a_lost_connection_that_comes_back_shows_nothing_at_all),
        cmocka_unit_test(a_lost_connection_that_stays_away_is_offline_after_the_grace),
        cmocka_unit_test(silence_and_bye_end_at_once),
        cmocka_unit_test(the_late_end_of_an_older_connection_ends_nothing),
        cmocka_unit_test(the_last_time_he_was_seen_survives_a_restart),
        cmocka_unit_test(last_seen_is_saved_once_the_store_works_again),
        cmocka_unit_test(after_a_start_every_scope_is_told_once_and_not_before_the_grace),
        cmocka_unit_test(who_joins_is_shown_and_who_leaves_is_not),
        cmocka_unit_test(a_batch_that_fails_leaves_nothing_wrong),
        cmocka_unit_test(a_crowd_costs_few_digests),
        cmocka_unit_test(no_order_of_takeovers_and_ends_leaves_a_ghost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
