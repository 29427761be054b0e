#include "plugin/hub/trunk.h"
#include "tests/unit/hub/people_kit.h"

#define BEN_SEES "fp/1/user/ben/presence"

static void relay(struct kit *k, size_t i, const char *name, const char *scope)
{
    struct hub_relay *r = &k->config.relays[i];
    *r = (struct hub_relay){.relay = kit_id(name), .scope_count = 1};
    r->scopes[0] = kit_id(scope);
    k->config.relay_count = i + 1;
    hub_reconfigure(k->hub, &k->config);
}

/* Anna's kitchen in the house, with Ben and Carl; site-a and site-b serve it. */
static void open_hub(struct kit *k)
{
    pk_open(k);
    relay(k, 0, "site-b", "house");
    relay(k, 1, "site-a", "house");
}

static void says_at(struct kit *k, const char *via, const char *user, uint64_t state, uint64_t since_ms)
{
    struct fp_id relay_id = kit_id(via);
    struct fp_person p = {.user = kit_id(user), .state = state, .has_since = since_ms > 0, .since = {.ms = since_ms}};
    kit_run(k); /* it is said now */
    assert_int_equal(people_remote(k->hub, &relay_id, &p), FP_OK);
}

static void says(struct kit *k, const char *via, const char *user, uint64_t state)
{
    says_at(k, via, user, state, 0);
}

static void lost(struct kit *k, const char *via)
{
    struct fp_id id = kit_id(via);
    kit_run(k);
    people_remote_lost(k->hub, &id);
}

/* A full list in which at most one is. */
static void says_all(struct kit *k, const char *via, const char *user, uint64_t state)
{
    struct fp_id id = kit_id(via);
    people_remote_all(k->hub, &id);
    if (user) {
        says(k, via, user, state);
    }
    people_remote_done(k->hub, &id);
}

static struct pk_seen house(struct kit *k)
{
    pk_pass(k, 2000);
    return pk_seen(k, HOUSE);
}

static void assert_relay(const struct pk_seen *s, const char *user, const char *via)
{
    struct fp_id id = via ? kit_id(via) : (struct fp_id){0};
    assert_non_null(pk_person(s, user));
    assert_true(fp_id_eq(&pk_person(s, user)->relay, &id));
}

/* ------------------------------------------------------------------ what is shown */

static void who_is_at_a_site_is_shown_as_who_is_here(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    uint64_t since = k.wall.ms - 60000;
    says_at(&k, "site-b", "anna", FP_PERSON_BUSY, since);
    struct pk_seen s = house(&k);
    assert_int_equal(s.count, 1);
    pk_assert_person(&s, "anna", FP_PERSON_BUSY, since);
    assert_relay(&s, "anna", NULL); /* only where he is out of reach */
    kit_clear(&k);
    says_at(&k, "site-b", "anna", FP_PERSON_BUSY, since);
    pk_pass(&k, 20000);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 0); /* said again: nothing new */
    says(&k, "site-b", "anna", FP_PERSON_OFFLINE);
    assert_int_equal(house(&k).count, 0);
    kit_close(&k);
}

static void a_lost_link_makes_them_unreachable_in_one_digest(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    says(&k, "site-b", "anna", FP_PERSON_ACTIVE);
    says(&k, "site-b", "ben", FP_PERSON_AWAY);
    pk_pass(&k, 5000);
    kit_clear(&k);
    uint64_t when = k.wall.ms;
    lost(&k, "site-b");
    lost(&k, "site-b"); /* the silence and the end of the connection */
    kit_idle(&k);
    pk_pass(&k, 20000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 1);
    pk_assert_person(&s, "anna", FP_PERSON_UNREACHABLE, when);
    pk_assert_person(&s, "ben", FP_PERSON_UNREACHABLE, when);
    assert_relay(&s, "anna", "site-b");
    kit_close(&k);
}

static void a_full_list_after_that_says_who_is_offline(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    says(&k, "site-b", "anna", FP_PERSON_ACTIVE);
    says(&k, "site-b", "ben", FP_PERSON_ACTIVE);
    pk_pass(&k, 5000);
    lost(&k, "site-b");
    pk_pass(&k, 5000);
    kit_clear(&k);
    says_all(&k, "site-b", "anna", FP_PERSON_BUSY);
    struct pk_seen s = house(&k);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 1);
    assert_int_equal(s.count, 1);
    pk_assert_person(&s, "anna", FP_PERSON_BUSY, pk_person(&s, "anna")->since.ms);
    assert_relay(&s, "anna", NULL);
    says_all(&k, "site-b", NULL, 0);
    assert_int_equal(house(&k).count, 0);
    kit_close(&k);
}

static void the_best_of_here_and_there_counts(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    pk_hello(&k, "anna-phone");
    pk_activity(&k, "anna-phone", FP_ACTIVITY_AWAY);
    says(&k, "site-b", "anna", FP_PERSON_BUSY);
    struct pk_seen s = house(&k);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_BUSY);
    uint64_t when = k.wall.ms;
    lost(&k, "site-b"); /* he is here: nobody needs the site to reach him */
    s = house(&k);
    pk_assert_person(&s, "anna", FP_PERSON_AWAY, when);
    assert_relay(&s, "anna", NULL);
    when = k.wall.ms;
    pk_bye(&k, "anna-phone");
    s = house(&k);
    pk_assert_person(&s, "anna", FP_PERSON_UNREACHABLE, when);
    assert_relay(&s, "anna", "site-b");
    kit_close(&k);
}

static void of_two_sites_the_one_that_stands_counts(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    says(&k, "site-b", "anna", FP_PERSON_BUSY);
    says(&k, "site-a", "anna", FP_PERSON_ACTIVE);
    struct pk_seen s = house(&k);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_BUSY);
    lost(&k, "site-b");
    s = house(&k);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_ACTIVE);
    lost(&k, "site-a");
    s = house(&k);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_UNREACHABLE);
    assert_relay(&s, "anna", "site-a"); /* the first by name, whichever came first */
    says_all(&k, "site-a", NULL, 0);
    s = house(&k);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_UNREACHABLE);
    assert_relay(&s, "anna", "site-b");
    kit_close(&k);
}

static void last_seen_is_when_he_was_known_to_be_there(void **state)
{
    (void)state;
    struct kit k;
    static const char *const anna[] = {"anna"};
    open_hub(&k);
    pk_hello(&k, "ben-phone");
    says(&k, "site-b", "anna", FP_PERSON_ACTIVE);
    pk_pass(&k, 5000);
    uint64_t when = k.wall.ms;
    lost(&k, "site-b");
    pk_pass(&k, 60000);
    says_all(&k, "site-b", NULL, 0);
    pk_pass(&k, 5000);
    pk_watch(&k, "ben-phone", anna, 1, 60);
    struct pk_seen s = pk_seen(&k, BEN_SEES);
    pk_assert_person(&s, "anna", FP_PERSON_OFFLINE, when);
    kit_restart(&k);
    pk_hello(&k, "ben-phone");
    pk_watch(&k, "ben-phone", anna, 1, 60);
    s = pk_seen(&k, BEN_SEES);
    pk_assert_person(&s, "anna", FP_PERSON_OFFLINE, when); /* it was saved */
    kit_close(&k);
}

static void a_time_to_come_is_none(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    uint64_t now = k.wall.ms;
    says_at(&k, "site-b", "anna", FP_PERSON_ACTIVE, UINT64_MAX);
    struct pk_seen s = house(&k);
    pk_assert_person(&s, "anna", FP_PERSON_ACTIVE, now);
    kit_close(&k);
}

static void a_watcher_sees_it_too(void **state)
{
    (void)state;
    struct kit k;
    static const char *const anna[] = {"anna"};
    open_hub(&k);
    pk_hello(&k, "ben-phone");
    pk_watch(&k, "ben-phone", anna, 1, 60);
    says(&k, "site-b", "anna", FP_PERSON_ACTIVE);
    pk_pass(&k, 2000);
    struct pk_seen s = pk_seen(&k, BEN_SEES);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_ACTIVE);
    lost(&k, "site-b");
    pk_pass(&k, 2000);
    s = pk_seen(&k, BEN_SEES);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_UNREACHABLE);
    assert_relay(&s, "anna", "site-b");
    kit_close(&k);
}

/* ------------------------------------------------------------------ who hides, and who may not be spoken for */

static void who_hides_is_offline_byte_for_byte_whatever_his_relay_does(void **state)
{
    (void)state;
    struct kit k;
    static const char *const both[] = {"anna", "carl"};
    open_hub(&k);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_EVERYONE, FP_LEVEL_HIDDEN);
    pk_hello(&k, "ben-phone");
    pk_bye(&k, "anna-phone");
    pk_pass(&k, 30000);
    pk_watch(&k, "ben-phone", both, 2, 600);
    pk_pass(&k, 2000);
    struct pk_seen s = pk_seen(&k, BEN_SEES);
    pk_assert_nothing(&s, "anna");
    kit_clear(&k);
    says(&k, "site-b", "anna", FP_PERSON_BUSY);
    pk_pass(&k, 20000);
    lost(&k, "site-b");
    pk_pass(&k, 20000);
    says_all(&k, "site-b", "anna", FP_PERSON_ACTIVE);
    pk_pass(&k, 20000);
    says_all(&k, "site-b", NULL, 0);
    pk_pass(&k, 20000);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 0);
    assert_int_equal(fake_bus_count(&k.bus, BEN_SEES), 0);
    lost(&k, "site-b");
    says(&k, "site-b", "carl", FP_PERSON_ACTIVE); /* when something is told, he is in it as ever */
    lost(&k, "site-b");
    pk_watch(&k, "ben-phone", both, 2, 600);
    pk_pass(&k, 2000);
    s = pk_seen(&k, BEN_SEES);
    pk_assert_nothing(&s, "anna");
    assert_relay(&s, "anna", NULL);
    assert_relay(&s, "carl", "site-b");
    s = pk_seen(&k, HOUSE);
    assert_null(pk_person(&s, "anna"));
    kit_close(&k);
}

static void a_time_is_rounded_as_he_wants_it(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_EVERYONE, FP_LEVEL_DAY);
    says_at(&k, "site-b", "anna", FP_PERSON_BUSY, k.wall.ms - 1234);
    struct pk_seen s = house(&k);
    pk_assert_person(&s, "anna", FP_PERSON_BUSY, (k.wall.ms - 3234) / 86400000 * 86400000);
    kit_close(&k);
}

static void a_relay_speaks_for_members_of_its_scopes_only(void **state)
{
    (void)state;
    struct kit k;
    static const char *const nobody[] = {"x"};
    open_hub(&k);
    pk_conv(&k, "dora-phone", 1, "shed", "garden", nobody, 1);
    pk_pass(&k, 30000);
    kit_clear(&k);
    says(&k, "site-b", "dora", FP_PERSON_BUSY); /* of another scope */
    says(&k, "site-b", "zoe", FP_PERSON_BUSY);  /* of none */
    says(&k, "site-z", "anna", FP_PERSON_BUSY); /* no relay of ours */
    lost(&k, "site-z");
    says_all(&k, "site-z", "anna", FP_PERSON_BUSY);
    k.config.relays[0].users[0] = kit_id("ben");
    k.config.relays[0].user_count = 1;
    hub_reconfigure(k.hub, &k.config);
    says(&k, "site-b", "anna", FP_PERSON_BUSY); /* not one of its users */
    k.config.services[0] = kit_id("carl");
    k.config.service_count = 1;
    hub_reconfigure(k.hub, &k.config);
    says(&k, "site-a", "carl", FP_PERSON_BUSY); /* a service */
    pk_pass(&k, 20000);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 0);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/garden/presence"), 0);
    kit_close(&k);
}

static void who_is_no_member_any_more_is_not_spoken_for_any_more(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    says(&k, "site-b", "ben", FP_PERSON_BUSY);
    assert_int_equal(house(&k).count, 1);
    k.config.relays[0].scopes[0] = kit_id("garden");
    hub_reconfigure(k.hub, &k.config);
    says(&k, "site-b", "ben", FP_PERSON_BUSY);
    assert_int_equal(house(&k).count, 0);
    kit_close(&k);
}

static void a_relay_that_is_served_no_more_leaves_nobody_behind(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    says(&k, "site-a", "ben", FP_PERSON_BUSY);
    says(&k, "site-a", "anna", FP_PERSON_BUSY);
    says(&k, "site-b", "anna", FP_PERSON_AWAY);
    lost(&k, "site-a");
    struct pk_seen s = house(&k);
    assert_int_equal(s.count, 2);
    k.config.relay_count = 1;
    hub_reconfigure(k.hub, &k.config);
    s = house(&k);
    assert_int_equal(s.count, 1);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_AWAY);
    kit_close(&k);
}

static void a_site_hears_its_hub_out(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    k.config.role = HUB_ROLE_SITE;
    k.config.relay = kit_id("site-b");
    hub_reconfigure(k.hub, &k.config);
    says(&k, "site-b", "anna", FP_PERSON_BUSY);
    struct pk_seen s = house(&k);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_BUSY);
    lost(&k, "site-b");
    s = house(&k);
    assert_relay(&s, "anna", "site-b");
    kit_close(&k);
}

/* ------------------------------------------------------------------ who is here */

static struct pk_seen local(struct kit *k, const char *scope)
{
    static uint8_t buf[4096];
    struct fp_id id = scope ? kit_id(scope) : (struct fp_id){0};
    struct fp_bytes rows;
    size_t count = 0;
    struct fp_enc e;
    struct fp_presence p;

    assert_int_equal(people_local(k->hub, &id, scope ? 1 : 0, &rows, &count), FP_OK);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_presence_begin(&e, count, true);
    fp_enc_raw(&e, rows);
    fp_enc_presence_end(&e, true);
    assert_int_equal(fp_presence_decode(fp_enc_bytes_of(&e), &p), FP_OK);
    struct pk_seen s = {.any = true, .count = p.count};
    for (size_t i = 0; i < 16 && fp_presence_next(&p, &s.people[i]); i++) {
    }
    return s;
}

static void people_here_are_those_with_sessions_of_this_broker(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    assert_int_equal(local(&k, NULL).count, 0);
    uint64_t since = k.wall.ms;
    pk_hello(&k, "carl-phone");
    pk_hello(&k, "anna-phone");
    pk_status(&k, "anna-phone", "in the kitchen", 0);
    says(&k, "site-b", "ben", FP_PERSON_BUSY);
    says(&k, "site-b", "carl", FP_PERSON_BUSY);
    pk_pass(&k, 5000);
    struct pk_seen s = local(&k, "house");
    assert_int_equal(s.count, 2);
    pk_assert_person(&s, "anna", FP_PERSON_ACTIVE, since);
    pk_assert_person(&s, "carl", FP_PERSON_ACTIVE, 0); /* busy is what the site says of him; since when he is active, nobody asks */
    assert_int_equal(pk_person(&s, "anna")->text.len, 0);
    assert_int_equal(local(&k, NULL).count, 2);
    assert_int_equal(local(&k, "garden").count, 0);
    pk_bye(&k, "anna-phone");
    pk_bye(&k, "carl-phone");
    assert_int_equal(local(&k, "house").count, 0);
    kit_close(&k);
}

static void who_hides_from_one_of_a_scope_is_not_passed_on(void **state)
{
    (void)state;
    struct kit k;
    static const char *const ben[] = {"ben"}, *const carl[] = {"carl"};
    open_hub(&k);
    pk_conv(&k, "anna-phone", 2, "shed", "garden", ben, 1);
    pk_hello(&k, "anna-phone");
    pk_policy(&k, "anna-phone", "carl", 0, FP_LEVEL_HIDDEN);
    assert_int_equal(local(&k, "house").count, 0);
    assert_int_equal(local(&k, "garden").count, 1); /* Carl is not there */
    assert_int_equal(local(&k, NULL).count, 0);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_EVERYONE, FP_LEVEL_DAY);
    struct pk_seen s = local(&k, NULL);
    assert_int_equal(pk_person(&s, "anna")->since.ms % 86400000, 0);
    pk_conv(&k, "anna-phone", 3, "talk", "dm", carl, 1);
    assert_int_equal(local(&k, NULL).count, 1);
    assert_int_equal(local(&k, "dm").count, 1);
    kit_close(&k);
}

static void the_version_moves_with_what_is_here(void **state)
{
    (void)state;
    struct kit k;
    open_hub(&k);
    says(&k, "site-b", "ben", FP_PERSON_ACTIVE);
    pk_pass(&k, 5000);
    uint64_t v = people_local_version(k.hub);
    says(&k, "site-b", "ben", FP_PERSON_BUSY);
    lost(&k, "site-b");
    pk_pass(&k, 5000);
    assert_int_equal(people_local_version(k.hub), v); /* or two ends would answer each other for ever */
    pk_hello(&k, "anna-phone");
    assert_true(people_local_version(k.hub) != v);
    v = people_local_version(k.hub);
    pk_activity(&k, "anna-phone", FP_ACTIVITY_AWAY);
    assert_true(people_local_version(k.hub) != v);
    v = people_local_version(k.hub);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_EVERYONE, FP_LEVEL_HIDDEN);
    assert_true(people_local_version(k.hub) != v);
    v = people_local_version(k.hub);
    pk_bye(&k, "anna-phone");
    assert_true(people_local_version(k.hub) != v);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_at_a_site_is_shown_as_who_is_here),
        cmocka_unit_test(a_lost_link_makes_them_unreachable_in_one_digest),
        cmocka_unit_test(a_full_list_after_that_says_who_is_offline),
        cmocka_unit_test(the_best_of_here_and_there_counts),
        cmocka_unit_test(of_two_sites_the_one_that_stands_counts),
        cmocka_unit_test(last_seen_is_when_he_was_known_to_be_there),
        cmocka_unit_test(a_time_to_come_is_none),
        cmocka_unit_test(a_watcher_sees_it_too),
        cmocka_unit_test(who_hides_is_offline_byte_for_byte_whatever_his_relay_does),
        cmocka_unit_test(a_time_is_rounded_as_he_wants_it),
        cmocka_unit_test(a_relay_speaks_for_members_of_its_scopes_only),
        cmocka_unit_test(who_is_no_member_any_more_is_not_spoken_for_any_more),
        cmocka_unit_test(a_relay_that_is_served_no_more_leaves_nobody_behind),
        cmocka_unit_test(a_site_hears_its_hub_out),
        cmocka_unit_test(people_here_are_those_with_sessions_of_this_broker),
        cmocka_unit_test(who_hides_from_one_of_a_scope_is_not_passed_on),
        cmocka_unit_test(the_version_moves_with_what_is_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
