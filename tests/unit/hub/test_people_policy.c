#include "tests/unit/hub/people_kit.h"

#define BEN "fp/1/user/ben/presence"

static const char *const anna[] = {"anna"};

static void a_text_is_shown_with_its_end_though_he_is_offline(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    uint64_t until = k.wall.ms + 60000;
    pk_status(&k, "anna-phone", "lunch", until);
    struct pk_seen s = pk_seen(&k, HOUSE);
    pk_assert_person(&s, "anna", FP_PERSON_OFFLINE, 0);
    assert_memory_equal(pk_person(&s, "anna")->text.p, "lunch", 5);
    assert_int_equal(pk_person(&s, "anna")->until.ms, until);
    assert_int_equal(kit_replies(&k, "anna-phone"), 0);
    kit_close(&k);
}

static void a_text_goes_when_its_time_is_over(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_status(&k, "anna-phone", "lunch", k.wall.ms + 60000);
    pk_pass(&k, 59000);
    kit_clear(&k);
    pk_pass(&k, 2000);
    assert_true(pk_seen(&k, HOUSE).any);
    assert_int_equal(pk_seen(&k, HOUSE).count, 0);
    kit_close(&k);
}

static void the_end_of_an_older_text_does_not_take_the_newer_one(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_status(&k, "anna-phone", "lunch", k.wall.ms + 60000);
    pk_status(&k, "anna-phone", "on leave", 0);
    pk_pass(&k, 120000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_memory_equal(pk_person(&s, "anna")->text.p, "on leave", 8);
    assert_false(pk_person(&s, "anna")->has_until);
    pk_status(&k, "anna-phone", "", 0);
    pk_pass(&k, 20000);
    assert_int_equal(pk_seen(&k, HOUSE).count, 0);
    kit_close(&k);
}

static void a_bad_status_changes_nothing(void **state)
{
    (void)state;
    struct kit k;
    char longer[FP_STATUS_BYTES_MAX + 2];
    memset(longer, 'x', sizeof(longer));
    longer[FP_STATUS_BYTES_MAX + 1] = '\0';
    pk_open(&k);
    pk_status(&k, "anna-phone", "lunch", k.wall.ms);
    assert_true(kit_nacked(&k, "anna-phone", FP_EMALFORMED));
    pk_status(&k, "anna-phone", longer, 0);
    assert_true(kit_nacked(&k, "anna-phone", FP_ETOOLARGE));
    assert_false(pk_seen(&k, HOUSE).any);
    longer[FP_STATUS_BYTES_MAX] = '\0';
    pk_status(&k, "anna-phone", longer, k.wall.ms + 1);
    assert_int_equal(pk_seen(&k, HOUSE).count, 1);
    kit_close(&k);
}

static void a_status_keeps_the_policy_and_the_other_way_round(void **state)
{
    (void)state;
    struct kit k;
    struct store_person row;
    struct fp_id id = kit_id("anna");
    bool found = false;
    pk_open(&k);
    pk_policy(&k, "anna-phone", "ben", 0, FP_LEVEL_HIDDEN);
    pk_status(&k, "anna-phone", "lunch", 0);
    pk_hello(&k, "anna-phone");
    pk_bye(&k, "anna-phone");
    pk_pass(&k, 5000);
    pk_policy(&k, "anna-phone", "ben", 0, FP_LEVEL_DAY);
    struct store_port port = mem_store_port(k.mem);
    assert_int_equal(port.load_person(port.ctx, &id, &row, &found), FP_OK);
    assert_true(found && row.open);
    assert_int_equal(row.status.len, 5);
    assert_true(row.policy.len > 0 && row.last_seen.ms > 0);
    kit_close(&k);
}

static void levels_round_the_times_for_each_viewer(void **state)
{
    (void)state;
    static const struct {
        uint64_t level, step_ms;
    } cases[] = {{FP_LEVEL_DAY, 86400000}, {FP_LEVEL_QUARTER, 900000}, {FP_LEVEL_EXACT, 1}};
    for (size_t i = 0; i < 3; i++) {
        struct kit k;
        pk_open(&k);
        pk_policy(&k, "anna-phone", NULL, FP_VIEWER_SCOPE, cases[i].level);
        pk_hello(&k, "anna-phone");
        uint64_t since = k.wall.ms - k.wall.ms % cases[i].step_ms;
        pk_hello(&k, "ben-pad");
        pk_watch(&k, "ben-pad", anna, 1, 600);
        pk_pass(&k, 5000);
        struct pk_seen s = pk_seen(&k, BEN);
        pk_assert_person(&s, "anna", FP_PERSON_ACTIVE, since);
        s = pk_seen(&k, HOUSE);
        pk_assert_person(&s, "anna", FP_PERSON_ACTIVE, since);
        uint64_t gone = k.wall.ms - k.wall.ms % cases[i].step_ms;
        pk_bye(&k, "anna-phone");
        s = pk_seen(&k, BEN);
        pk_assert_person(&s, "anna", FP_PERSON_OFFLINE, gone);
        kit_close(&k);
    }
}

static void who_hides_from_one_is_in_no_digest_of_his(void **state)
{
    (void)state;
    struct kit k;
    static const char *const carl[] = {"carl"};
    pk_open(&k);
    pk_conv(&k, "anna-phone", 2, "roof", "site", carl, 1);
    pk_policy(&k, "anna-phone", "ben", 0, FP_LEVEL_HIDDEN);
    pk_hello(&k, "anna-phone");
    pk_hello(&k, "carl-pad");
    pk_hello(&k, "ben-pad");
    pk_watch(&k, "carl-pad", anna, 1, 600);
    pk_watch(&k, "ben-pad", anna, 1, 600);
    pk_pass(&k, 5000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_non_null(pk_person(&s, "carl"));
    assert_null(pk_person(&s, "anna"));
    s = pk_seen(&k, "fp/1/scope/site/presence"); /* without Ben */
    assert_non_null(pk_person(&s, "anna"));
    s = pk_seen(&k, "fp/1/user/carl/presence");
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_ACTIVE);
    s = pk_seen(&k, BEN);
    pk_assert_nothing(&s, "anna");
    kit_close(&k);
}

static void a_digest_follows_those_who_are_hidden_from(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    pk_open(&k);
    pk_policy(&k, "anna-phone", "ben", 0, FP_LEVEL_HIDDEN);
    pk_hello(&k, "anna-phone");
    pk_hello(&k, "carl-pad");
    pk_pass(&k, 5000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_null(pk_person(&s, "anna"));
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_REMOVE, "kitchen", "ben", -1, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    pk_pass(&k, 5000);
    s = pk_seen(&k, HOUSE);
    assert_non_null(pk_person(&s, "anna"));
    kit_close(&k);
}

static void a_policy_opens_and_closes_the_status_of_his_devices(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_NOBODY, 0);
    size_t at = fake_bus_find_grant(&k.bus, TELL_OPEN, "anna", "anna", 0);
    assert_true(at != SIZE_MAX);
    assert_false(fake_bus_at(&k.bus, at)->tell.allowed);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_EVERYONE, FP_LEVEL_DAY);
    at = fake_bus_find_grant(&k.bus, TELL_OPEN, "anna", "anna", at + 1);
    assert_true(at != SIZE_MAX);
    assert_true(fake_bus_at(&k.bus, at)->tell.allowed);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_RESERVED, FP_LEVEL_DAY);
    assert_true(kit_nacked(&k, "anna-phone", FP_EMALFORMED));
    kit_close(&k);
}

/* ------------------------------------------------------------------ P10 */

/* What Ben, Carl and the conversation's members get to see; Anna's own topics are hers. */
static bool others_see(const struct fake_tell *t)
{
    return t->tell.kind == TELL_PUBLISH && !strstr(t->text, "/anna");
}

static void assert_same_for_others(const struct kit *a, const struct kit *b)
{
    size_t j = 0;
    size_t compared = 0;
    for (size_t i = 0; i < a->bus.count; i++) {
        const struct fake_tell *x = fake_bus_at(&a->bus, i);
        if (!others_see(x)) {
            continue;
        }
        while (j < b->bus.count && !others_see(fake_bus_at(&b->bus, j))) {
            j++;
        }
        const struct fake_tell *y = fake_bus_at(&b->bus, j++);
        assert_non_null(y);
        assert_string_equal(x->text, y->text);
        assert_int_equal(x->tell.payload.len, y->tell.payload.len);
        assert_memory_equal(x->tell.payload.p, y->tell.payload.p, x->tell.payload.len);
        assert_int_equal(x->tell.retain, y->tell.retain);
        compared++;
    }
    for (; j < b->bus.count; j++) {
        assert_false(others_see(fake_bus_at(&b->bus, j)));
    }
    assert_true(compared > 10);
}

/* One step of a day; only where anna_is_there does she do anything. watched: the others look for her all the time. */
static void step_of_a_day(struct kit *k, int step, bool anna_is_there, bool watched)
{
    static const char *const others[] = {"ben", "carl"};
    struct fp_command bye = {.kind = FP_K_BYE, .priority = FP_PRIORITY_NORMAL};
    char text[16];
    if (anna_is_there && step % 7 == 0) {
        pk_hello_on(k, "anna-phone", 1);
    }
    if (anna_is_there && step % 7 == 3) {
        (void)snprintf(text, sizeof(text), "text %d", step);
        pk_status(k, "anna-phone", text, step % 2 ? k->wall.ms + 3000 : 0);
        pk_activity(k, "anna-phone", (uint64_t)step % 3);
    }
    if (anna_is_there && step % 7 == 6) {
        kit_send(k, "anna-phone", &bye);
    }
    if (step % 5 == 1) {
        pk_watch(k, "ben-pad", watched ? anna : others, 1, 3);
    }
    if (step % 5 == 2) {
        pk_activity(k, "carl-pad", (uint64_t)step % 3);
    }
    if (step % 11 == 10) {
        pk_watch(k, "carl-pad", watched ? (const char *const[]){"ben", "anna"} : others, 2, 20);
    }
    kit_run(k);
    pk_pass(k, 370);
}

static void a_day(struct kit *k, const char *viewer, uint64_t kind, bool anna_is_there, bool watched)
{
    static const char *const strangers[] = {"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"};
    pk_open(k);
    pk_conv(k, "anna-phone", 2, "cellar", "house", strangers, 8); /* of the same scope, with none of those who are there */
    pk_policy(k, "anna-phone", viewer, kind, FP_LEVEL_HIDDEN);
    pk_hello(k, "ben-pad");
    pk_hello(k, "carl-pad");
    for (int step = 0; step < 200; step++) {
        step_of_a_day(k, step, anna_is_there, watched);
    }
}

static void who_hides_is_for_the_others_byte_for_byte_offline(void **state)
{
    (void)state;
    static const uint64_t kinds[] = {FP_VIEWER_NOBODY, FP_VIEWER_SCOPE, FP_VIEWER_EVERYONE};
    for (size_t i = 0; i < 6; i++) {
        struct kit there;
        struct kit away;
        a_day(&there, NULL, kinds[i / 2], true, i % 2);
        a_day(&away, NULL, kinds[i / 2], false, i % 2);
        assert_same_for_others(&there, &away);
        kit_close(&there);
        kit_close(&away);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_shown_with_its_end_though_he_is_offline),
        cmocka_unit_test(a_text_goes_when_its_time_is_over),
        cmocka_unit_test(the_end_of_an_older_text_does_not_take_the_newer_one),
        cmocka_unit_test(a_bad_status_changes_nothing),
        cmocka_unit_test(a_status_keeps_the_policy_and_the_other_way_round),
        cmocka_unit_test(levels_round_the_times_for_each_viewer),
        cmocka_unit_test(who_hides_from_one_is_in_no_digest_of_his),
        cmocka_unit_test(a_digest_follows_those_who_are_hidden_from),
        cmocka_unit_test(a_policy_opens_and_closes_the_status_of_his_devices),
        cmocka_unit_test(who_hides_is_for_the_others_byte_for_byte_offline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
