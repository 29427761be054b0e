#include "tests/unit/hub/receipts_kit.h"

#include "tests/support/sim_random.h"

#define BENS_INBOX "fp/1/user/ben/inbox"

static void say_many(struct kit *k, uint64_t count) /* events 2 to count + 1 */
{
    for (uint64_t n = 2; n <= count + 1; n++) {
        rk_say(k, "anna-phone", n);
    }
    kit_run(k);
}

static void a_receipt_is_shown_at_once_and_then_twice_a_second(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    say_many(&k, 20);
    kit_pass(&k, 5000);
    kit_clear(&k);
    rk_report(&k, "ben-pad", 2, 1);
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 1);
    assert_int_equal(rk_shown(&k, "ben").delivered, 2);
    assert_int_equal(rk_shown(&k, "ben").read, 1);
    for (uint64_t seq = 3; seq <= 12; seq++) {
        kit_pass(&k, 40);
        rk_report(&k, seq % 2 ? "ben-pad" : "carl-pad", seq, 0);
        kit_run(&k);
    }
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 1);
    assert_int_equal(hub_wait_us(k.hub, k.mono), 100000);
    kit_pass(&k, 99);
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 1);
    kit_pass(&k, 1);
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 2);
    assert_int_equal(rk_shown(&k, "ben").delivered, 11);
    assert_int_equal(rk_shown(&k, "carl").delivered, 12);
    assert_int_equal(rk_vector(&k).count, 2);
    kit_pass(&k, 500);
    kit_idle(&k);
    kit_pass(&k, 5000);
    kit_idle(&k);
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 2); /* nothing changed */
    kit_close(&k);
}

static void what_changes_nothing_tells_nobody(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    say_many(&k, 5);
    rk_report(&k, "ben-pad", 5, 4);
    kit_run(&k);
    kit_pass(&k, 5000);
    kit_idle(&k);
    kit_clear(&k);
    rk_report(&k, "ben-pad", 5, 4);
    rk_report(&k, "ben-phone", 3, 2);
    kit_run(&k);
    kit_pass(&k, 5000);
    kit_idle(&k);
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 0);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/kitchen/head"), 0);
    kit_close(&k);
}

static void send_two(struct kit *k, const char *first, uint64_t a, const char *second, uint64_t b)
{
    struct kit_body body;
    struct fp_id one = kit_id(first);
    struct fp_id two = kit_id(second);
    fp_enc_init(&body.e, body.buf, sizeof(body.buf));
    fp_body_receipt_begin(&body.e, 2);
    fp_body_receipt(&body.e, &one, a, a, false);
    fp_body_receipt(&body.e, &two, b, b, false);
    struct fp_command c = rk_command(&body, FP_K_RECEIPT);
    kit_send(k, "ben-pad", &c);
    kit_run(k);
}

static void one_bad_row_and_none_counts(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    static const char *const members[] = {"ben"};
    static const uint64_t roles[] = {FP_ROLE_OBSERVER};
    rk_open(&k);
    struct fp_command c = kit_conv_new(&b, 2, "zzz-other", "house", members, roles, 1);
    kit_send(&k, "anna-phone", &c);
    c = kit_conv_new(&b, 3, "zzz-secret", "house", NULL, NULL, 0);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_clear(&k);

    send_two(&k, "kitchen", 1, "zzz-other", 2); /* its head is 1 */
    assert_true(kit_nacked(&k, "ben-pad", FP_ECONFLICT));
    send_two(&k, "kitchen", 1, "zzz-secret", 1);
    assert_true(kit_nacked(&k, "ben-pad", FP_EUNKNOWN));
    send_two(&k, "kitchen", 1, "zzz-nowhere", 1);
    assert_true(kit_nacked(&k, "ben-pad", FP_EUNKNOWN));
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 0);
    assert_int_equal(rk_head(&k, "ben-pad", "kitchen").read, 0);

    kit_clear(&k);
    send_two(&k, "kitchen", 1, "zzz-other", 1);
    assert_int_equal(kit_replies(&k, "ben-pad"), 0);
    assert_int_equal(rk_shown(&k, "ben").read, 1);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/zzz-other/receipts"), 1);
    kit_close(&k);
}

static void a_service_that_is_no_member_has_no_receipts(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    struct fp_id robot = kit_id("robot");
    k.config.services[0] = robot;
    k.config.service_count = 1;
    hub_reconfigure(k.hub, &k.config);
    kit_clear(&k);
    rk_report(&k, "robot-1", 1, 1);
    kit_run(&k);
    assert_true(kit_nacked(&k, "robot-1", FP_EUNKNOWN));
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 0);
    kit_close(&k);
}

static void a_private_read_is_his_own_until_he_writes(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    say_many(&k, 5);
    rk_report_on(&k, "ben-pad", "kitchen", 4, 6, true);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").delivered, 4);
    assert_int_equal(rk_shown(&k, "ben").read, 0);
    struct fp_conv_head h = rk_head(&k, "ben-pad", "kitchen");
    assert_int_equal(h.read, 6);
    assert_int_equal(h.unread, 0);
    kit_pass(&k, 500);
    rk_say(&k, "carl-pad", 1); /* what another one says shows nothing of Ben */
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").read, 0);
    rk_say(&k, "ben-pad", 1);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").delivered, 6);
    assert_int_equal(rk_shown(&k, "ben").read, 6);
    assert_int_equal(rk_head(&k, "ben-pad", "kitchen").read, 6); /* sending does not move it */
    kit_close(&k);
}

static void who_hides_is_not_shown_until_he_writes(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    rk_open(&k);
    say_many(&k, 5);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_array(&b.e, 1); /* policy-body: from everyone, all */
    fp_enc_array(&b.e, 2);
    fp_enc_uint(&b.e, FP_VIEWER_EVERYONE);
    fp_enc_uint(&b.e, FP_LEVEL_HIDDEN);
    struct fp_command c = rk_command(&b, FP_K_POLICY);
    kit_send(&k, "ben-pad", &c);
    rk_report(&k, "ben-pad", 6, 5);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").delivered, 0);
    assert_int_equal(rk_head(&k, "ben-pad", "kitchen").read, 5);
    rk_say(&k, "ben-pad", 1);
    kit_run(&k);
    kit_pass(&k, 500);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").delivered, 6);
    assert_int_equal(rk_shown(&k, "ben").read, 5);
    rk_report(&k, "ben-pad", 7, 7);
    kit_run(&k);
    kit_pass(&k, 500);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").delivered, 6); /* and hides again */
    kit_close(&k);
}

static size_t horizons_told(const struct kit *k, struct fp_horizon *out_last)
{
    size_t count = 0;
    for (size_t at = fake_bus_find(&k->bus, BENS_INBOX, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, BENS_INBOX, at + 1)) {
        struct fp_inbox in;
        assert_int_equal(fp_inbox_decode(fake_bus_at(&k->bus, at)->tell.payload, &in), FP_OK);
        while (fp_inbox_horizon(&in, out_last)) {
            count++;
        }
    }
    return count;
}

static void the_own_horizons_reach_the_other_devices(void **state)
{
    (void)state;
    struct kit k;
    struct fp_horizon h = {0};
    struct fp_id kitchen = kit_id("kitchen");
    rk_open(&k);
    say_many(&k, 9);
    rk_hello(&k, "ben-pad");
    kit_clear(&k);
    rk_report(&k, "ben-pad", 2, 2);
    kit_run(&k);
    assert_int_equal(horizons_told(&k, &h), 0); /* there is no other */
    rk_hello(&k, "ben-phone");
    kit_clear(&k);
    rk_report_on(&k, "ben-pad", "kitchen", 3, 7, true);
    kit_run(&k);
    assert_int_equal(horizons_told(&k, &h), 1);
    assert_true(fp_id_eq(&h.id, &kitchen));
    assert_int_equal(h.delivered, 7);
    assert_int_equal(h.read, 7);
    kit_clear(&k);
    for (uint64_t seq = 8; seq <= 10; seq++) {
        rk_report(&k, "ben-phone", seq, seq);
        kit_run(&k);
        kit_pass(&k, 100);
    }
    assert_int_equal(horizons_told(&k, &h), 0);
    kit_pass(&k, 200);
    kit_run(&k);
    assert_int_equal(horizons_told(&k, &h), 1);
    assert_int_equal(h.read, 10);
    kit_close(&k);
}

static void who_leaves_leaves_the_vector_and_comes_back_with_his_own(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    rk_open(&k);
    say_many(&k, 3);
    rk_report(&k, "ben-pad", 4, 3);
    rk_report(&k, "carl-pad", 4, 4);
    kit_run(&k);
    assert_int_equal(rk_vector(&k).count, 2);
    kit_pass(&k, 1000);
    kit_idle(&k);
    struct fp_command c = kit_member(&b, 5, FP_K_MEMBER_REMOVE, "kitchen", "ben", -1, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_int_equal(rk_vector(&k).count, 1);
    assert_int_equal(rk_shown(&k, "carl").read, 4);
    kit_pass(&k, 1000);
    kit_idle(&k);
    c = kit_member(&b, 6, FP_K_MEMBER_ADD, "kitchen", "ben", FP_ROLE_MEMBER, 0);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").read, 3);
    assert_int_equal(rk_head(&k, "ben-pad", "kitchen").unread, 1);
    kit_close(&k);
}

static void the_vector_is_told_again_after_a_start(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    say_many(&k, 3);
    rk_report(&k, "ben-pad", 4, 3);
    kit_run(&k);
    kit_restart(&k);
    kit_idle(&k);
    assert_int_equal(fake_bus_count(&k.bus, RECEIPTS), 1);
    assert_int_equal(rk_shown(&k, "ben").delivered, 4);
    assert_int_equal(rk_shown(&k, "ben").read, 3);
    kit_close(&k);
}

static void what_waits_outlives_the_caches(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    kit_open(&k);
    hub_close(k.hub);
    k.config.cache_convs = 1;
    struct store_info info = mem_store_info(k.mem);
    assert_int_equal(hub_open(&k.hub, &k.config, fault_store_port(&k.fault), fake_bus_port(&k.bus), &info), FP_OK);
    static const char *const names[] = {"kitchen", "garden", "cellar"};
    for (uint64_t i = 0; i < 3; i++) {
        struct fp_command c = kit_conv_new(&b, i + 1, names[i], "house", NULL, NULL, 0);
        kit_send(&k, "anna-phone", &c);
    }
    rk_report(&k, "anna-phone", 1, 0);
    kit_run(&k);
    rk_report(&k, "anna-phone", 1, 1);
    rk_report_on(&k, "anna-phone", "garden", 1, 1, false);
    rk_report_on(&k, "anna-phone", "cellar", 1, 1, false);
    kit_run(&k);
    kit_pass(&k, 500);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "anna").read, 1);
    kit_close(&k);
}

static void what_could_not_be_read_is_told_the_next_time(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    say_many(&k, 3);
    rk_report(&k, "ben-pad", 2, 0);
    kit_run(&k);
    rk_report(&k, "ben-pad", 4, 0);
    kit_run(&k);
    kit_pass(&k, 500);
    fault_store_arm(&k.fault, 1, FP_EIO, false);
    kit_run(&k);
    assert_int_equal(k.fault.failed, 1);
    assert_int_equal(rk_shown(&k, "ben").delivered, 2);
    kit_pass(&k, 500);
    kit_run(&k);
    assert_int_equal(rk_shown(&k, "ben").delivered, 4);
    kit_close(&k);
}

/* ------------------------------------------------------------------ late and twice */

static void a_thousand_late_and_double_receipts_end_at_their_maximum(void **state)
{
    (void)state;
    const uint64_t seed = 4711;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sim_random rnd = {.state = seed};
    static const char *const devices[] = {"ben-pad", "ben-phone", "carl-pad", "dora-pad"};
    static const char *const users[] = {"ben", "ben", "carl", "dora"};
    uint64_t delivered[4] = {0};
    uint64_t read[4] = {0};
    struct kit k;
    rk_open(&k);
    say_many(&k, 199);
    for (int i = 0; i < 1000; i++) {
        size_t who = sim_below(&rnd, 4);
        size_t slot = who == 1 ? 0 : who;
        uint64_t d = sim_below(&rnd, 201);
        uint64_t r = sim_below(&rnd, 180);
        delivered[slot] = d > delivered[slot] ? d : delivered[slot];
        read[slot] = r > read[slot] ? r : read[slot];
        rk_report(&k, devices[who], d, r);
        if (sim_chance(&rnd, 100)) {
            rk_report(&k, devices[who], d, r);
        }
        if (k.count > 200 || sim_chance(&rnd, 50)) {
            kit_run(&k);
            kit_pass(&k, sim_below(&rnd, 300));
        }
    }
    kit_run(&k);
    kit_pass(&k, 1000);
    kit_idle(&k);
    for (size_t i = 0; i < 4; i++) {
        if (i != 1) {
            assert_int_equal(rk_shown(&k, users[i]).delivered, delivered[i] > read[i] ? delivered[i] : read[i]);
            assert_int_equal(rk_shown(&k, users[i]).read, read[i]);
        }
    }
    kit_close(&k);
}

/* ------------------------------------------------------------------ unread is a recount */

enum { ANNA, BEN, CARL, DORA, EMIL, PEOPLE };
static const char *const phones[PEOPLE] = {"anna-phone", "ben-pad", "carl-pad", "dora-pad", "emil-pad"};
static const char *const people[PEOPLE] = {"anna", "ben", "carl", "dora", "emil"};

#define EVENTS_MAX 1000

struct model {
    int author[EVENTS_MAX]; /* of a message; -1: no message */
    uint64_t head;
    struct {
        bool active;
        uint64_t from, read, n;
    } of[PEOPLE];
};

static uint64_t recount(const struct model *m, int who)
{
    uint64_t unread = 0;
    for (uint64_t seq = 1; seq <= m->head; seq++) {
        unread += m->author[seq] >= 0 && m->author[seq] != who && seq >= m->of[who].from && seq > m->of[who].read;
    }
    return unread;
}

static void check_all(struct kit *k, const struct model *m)
{
    for (int who = 0; who < PEOPLE; who++) {
        if (m->of[who].active) {
            struct fp_conv_head h = rk_head(k, phones[who], "kitchen");
            assert_int_equal(h.head, m->head);
            assert_int_equal(h.read, m->of[who].read);
            assert_int_equal(h.unread, recount(m, who));
        }
    }
    kit_clear(k);
}

static void model_say(struct kit *k, struct model *m, int who)
{
    if (m->of[who].active && who != DORA) { /* an observer does not write */
        rk_say(k, phones[who], m->of[who].n++);
        m->author[++m->head] = who;
    }
}

static void model_read(struct kit *k, struct model *m, struct sim_random *rnd, int who)
{
    if (m->of[who].active) {
        uint64_t read = sim_chance(rnd, 300) ? m->head : sim_below(rnd, m->head + 1);
        rk_report_on(k, phones[who], "kitchen", sim_below(rnd, m->head + 1), read, sim_chance(rnd, 300));
        m->of[who].read = read > m->of[who].read ? read : m->of[who].read;
    }
}

static void model_member(struct kit *k, struct model *m, struct sim_random *rnd, int who)
{
    struct kit_body b;
    int from = sim_chance(rnd, 400) ? -1 : (int)sim_below(rnd, m->head + 2);
    bool in = m->of[who].active;
    struct fp_command c = in ? kit_member(&b, m->of[ANNA].n++, FP_K_MEMBER_REMOVE, "kitchen", people[who], -1, -1)
                             : kit_member(&b, m->of[ANNA].n++, FP_K_MEMBER_ADD, "kitchen", people[who], FP_ROLE_MEMBER, from);
    kit_send(k, phones[ANNA], &c);
    if (!in) {
        m->of[who].from = from < 0 ? m->head + 1 : (uint64_t)from;
    }
    m->of[who].active = !in;
    m->author[++m->head] = -1;
}

static void step(struct kit *k, struct model *m, struct sim_random *rnd)
{
    int who = (int)sim_below(rnd, PEOPLE);
    uint64_t dice = sim_below(rnd, 100);
    if (dice < 50) {
        model_say(k, m, who);
    } else if (dice < 75) {
        model_read(k, m, rnd, who);
    } else if (dice < 82) {
        model_member(k, m, rnd, dice % 2 ? CARL : EMIL);
    } else if (dice < 92) {
        kit_run(k);
        kit_pass(k, sim_below(rnd, 700));
    } else if (dice < 98) {
        check_all(k, m);
    } else {
        kit_run(k);
        kit_restart(k);
    }
}

static void unread_is_what_a_recount_finds(void **state)
{
    (void)state;
    static struct model m;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        struct sim_random rnd = {.state = seed};
        struct kit k;
        rk_open(&k);
        m = (struct model){.head = 1, .author = {-1, -1}};
        for (int who = 0; who < PEOPLE; who++) {
            m.of[who].active = who != EMIL;
            m.of[who].from = 1;
            m.of[who].n = who == ANNA ? 2 : 1;
        }
        for (int i = 0; i < 400 && m.head + 1 < EVENTS_MAX; i++) {
            step(&k, &m, &rnd);
        }
        check_all(&k, &m);
        kit_restart(&k);
        check_all(&k, &m);
        kit_close(&k);
    }
}

static void what_retention_took_is_unread_to_nobody_who_is_past_it(void **state)
{
    (void)state;
    struct kit k;
    uint64_t last = 0;
    bool found = false;
    struct store_conv c;
    struct fp_id kitchen = kit_id("kitchen");
    rk_open(&k);
    uint64_t annas = 2;
    uint64_t bens = 1;
    for (uint64_t seq = 2; seq <= 11; seq++) { /* a run each */
        bool ben = seq % 3 == 0;
        rk_say(&k, ben ? "ben-pad" : "anna-phone", ben ? bens++ : annas++);
        kit_run(&k);
    }
    struct store_port p = mem_store_port(k.mem);
    assert_int_equal(p.load_conv(p.ctx, &kitchen, &c, &found), FP_OK);
    assert_int_equal(c.head, 11);
    assert_int_equal(p.begin(p.ctx), FP_OK);
    assert_int_equal(p.drop_runs(p.ctx, c.cid, 6, 100, &last), FP_OK);
    c.floor = 6;
    assert_int_equal(p.save_conv(p.ctx, &c, (struct fp_bytes){0}, (struct fp_bytes){0}), FP_OK);
    assert_int_equal(p.commit(p.ctx), FP_OK);
    kit_restart(&k);
    rk_report(&k, "carl-pad", 11, 8);
    rk_report(&k, "ben-pad", 11, 7);
    kit_run(&k);
    assert_int_equal(rk_head(&k, "carl-pad", "kitchen").unread, 3);
    assert_int_equal(rk_head(&k, "ben-pad", "kitchen").unread, 3); /* of 8 to 11 he wrote 9 */
    kit_close(&k);
}

/* ------------------------------------------------------------------ a store that fails */

static void scenario(struct kit *k)
{
    rk_say(k, "anna-phone", 2);
    rk_report(k, "ben-pad", 2, 1);
    rk_say(k, "anna-phone", 3);
    rk_report(k, "ben-pad", 3, 2);
    rk_report_on(k, "carl-pad", "kitchen", 2, 3, true);
    kit_run(k);
    rk_say(k, "carl-pad", 1);
    rk_report(k, "ben-pad", 3, 3);
    kit_run(k);
}

static void a_failing_store_leaves_each_step_done_once_or_not_at_all(void **state)
{
    (void)state;
    uint64_t failed = 1;
    uint64_t fail_at = 0;
    while (failed > 0) { /* until there is no such call any more */
        fail_at++;
        struct kit k;
        rk_open(&k);
        fault_store_arm(&k.fault, fail_at, FP_EIO, false);
        scenario(&k);
        failed = k.fault.failed;
        fault_store_disarm(&k.fault);
        scenario(&k); /* what was not answered is sent again */
        scenario(&k);
        kit_clear(&k);
        scenario(&k);
        struct fp_reply r;
        for (size_t i = 0; kit_reply(&k, "ben-pad", i, &r); i++) {
            fail_msg("fail_at %llu: a receipt is refused", (unsigned long long)fail_at);
        }
        kit_restart(&k);
        kit_idle(&k);
        assert_int_equal(rk_shown(&k, "ben").delivered, 3);
        assert_int_equal(rk_shown(&k, "ben").read, 3);
        assert_int_equal(rk_shown(&k, "carl").read, 3);
        assert_int_equal(rk_head(&k, "ben-pad", "kitchen").unread, 1);
        assert_int_equal(rk_head(&k, "carl-pad", "kitchen").unread, 0);
        assert_int_equal(rk_head(&k, "anna-phone", "kitchen").unread, 1);
        kit_close(&k);
    }
    assert_true(fail_at > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_is_shown_at_once_and_then_twice_a_second),
        cmocka_unit_test(what_changes_nothing_tells_nobody),
        cmocka_unit_test(one_bad_row_and_none_counts),
        cmocka_unit_test(a_service_that_is_no_member_has_no_receipts),
        cmocka_unit_test(a_private_read_is_his_own_until_he_writes),
        cmocka_unit_test(who_hides_is_not_shown_until_he_writes),
        cmocka_unit_test(the_own_horizons_reach_the_other_devices),
        cmocka_unit_test(who_leaves_leaves_the_vector_and_comes_back_with_his_own),
        cmocka_unit_test(the_vector_is_told_again_after_a_start),
        cmocka_unit_test(what_waits_outlives_the_caches),
        cmocka_unit_test(what_could_not_be_read_is_told_the_next_time),
        cmocka_unit_test(a_thousand_late_and_double_receipts_end_at_their_maximum),
        cmocka_unit_test(unread_is_what_a_recount_finds),
        cmocka_unit_test(what_retention_took_is_unread_to_nobody_who_is_past_it),
        cmocka_unit_test(a_failing_store_leaves_each_step_done_once_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
