#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/mosq/fake_reader.h"

#include "plugin/mosq/guard.h"

struct fixture {
    struct fake_reader reader;
    struct rights rights;
    struct config config;
    struct guard guard;
};

static char client_a, client_b;

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.reader = {.settled = true}};
    *state = &f;
    guard_init(&f.guard, &f.rights, &f.config);
    return rights_init(&f.rights, 1024, fake_reader_port(&f.reader), 0);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    rights_fini(&f->rights);
    return 0;
}

static struct guard_who anna(void)
{
    return (struct guard_who){.client = &client_a, .username = "anna", .client_id = "tablet"};
}

static enum acl_verdict write_to(struct fixture *f, struct guard_who who, const char *topic, const char **out_why)
{
    return guard_write(&f->guard, &who, &(struct guard_publish){.topic = topic, .payload = fp_bytes_of("x", 1), .qos = 1}, out_why);
}

static enum acl_verdict read_from(struct fixture *f, struct guard_who who, const char *topic)
{
    const char *why = NULL;
    return guard_read(&f->guard, &who, &(struct guard_publish){.topic = topic, .payload = fp_bytes_of("x", 1), .qos = 1}, &why);
}

static void names_that_are_no_ids_are_denied_with_a_reason(void **state)
{
    struct fixture *f = *state;
    const char *why = NULL;
    const struct {
        const char *user, *device, *word;
    } cases[] = {
        {NULL, "tablet", "no username"},
        {"", "tablet", "username is no id"},
        {"a b", "tablet", "username is no id"},
        {"anna", NULL, "client id"},
        {"anna", "", "client id"},
        {"anna", "tab/let", "client id"},
        {"anna", "0123456789012345678901234567890123456", "client id"},
        {"~hub", "tablet", "hub's own"},
        {"anna", "~hub", "hub's own"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct guard_who who = {.client = &client_a, .username = cases[i].user, .client_id = cases[i].device};
        assert_int_equal(write_to(f, who, "fp/1/device/tablet/up", &why), ACL_DENY);
        assert_non_null(why);
        assert_non_null(strstr(why, cases[i].word));
        assert_int_equal(guard_subscribe(&f->guard, &who, "fp/1/device/tablet/down", &why), ACL_DENY);
        assert_non_null(why);
        assert_int_equal(read_from(f, who, "fp/1/device/tablet/down"), ACL_DENY);
        assert_int_equal(write_to(f, who, "weather/today", &why), ACL_FOREIGN);
        assert_int_equal(guard_subscribe(&f->guard, &who, "#", &why), ACL_FOREIGN);
    }
}

static void what_no_template_covers_is_denied_without_a_reason(void **state)
{
    struct fixture *f = *state;
    const char *why = NULL;
    static const char *const topics[] = {"fp", "fp/", "fp/1", "fp/2/device/tablet/up", "fp/1/device/tablet/up/x", "fp/1/device//up"};

    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        assert_int_equal(write_to(f, anna(), topics[i], &why), ACL_DENY);
        assert_null(why);
        assert_int_equal(read_from(f, anna(), topics[i]), ACL_DENY);
        struct guard_who who = anna();
        assert_int_equal(guard_subscribe(&f->guard, &who, topics[i], &why), ACL_DENY);
    }
    struct guard_who who = anna();
    assert_int_equal(guard_subscribe(&f->guard, &who, "fp/#", &why), ACL_DENY);
    assert_int_equal(guard_subscribe(&f->guard, &who, "fp/1/scope/+/conv/c/event", &why), ACL_DENY);
    assert_int_equal(guard_subscribe(&f->guard, &who, "$share/g/fp/1/device/tablet/down", &why), ACL_DENY);
}

static void a_topic_that_is_too_long_is_denied(void **state)
{
    struct fixture *f = *state;
    const char *why = NULL;
    char topic[70000];

    memset(topic, 'a', sizeof topic);
    memcpy(topic, "fp/1/device/", 12);
    topic[sizeof topic - 1] = '\0';
    assert_int_equal(write_to(f, anna(), topic, &why), ACL_DENY);
    assert_int_equal(read_from(f, anna(), topic), ACL_DENY);
    assert_int_equal(write_to(f, anna(), "fp/1/device/tablet/up", &why), ACL_ALLOW); /* nothing of it stays */
}

static void a_client_that_changes_its_names_is_seen_anew(void **state)
{
    struct fixture *f = *state;
    const char *why = NULL;
    struct guard_who who = anna();

    assert_int_equal(write_to(f, who, "fp/1/device/tablet/up", &why), ACL_ALLOW);
    who.client_id = "table"; /* the same address, another connection */
    assert_int_equal(write_to(f, who, "fp/1/device/tablet/up", &why), ACL_DENY);
    who.client_id = "tablet2";
    assert_int_equal(write_to(f, who, "fp/1/device/tablet/up", &why), ACL_DENY);
    who.client_id = "tablet";
    who.username = NULL;
    assert_int_equal(write_to(f, who, "fp/1/device/tablet/up", &why), ACL_DENY);
    assert_non_null(why);
    assert_int_equal(write_to(f, anna(), "fp/1/device/tablet/up", &why), ACL_ALLOW);
}

static void services_and_operators_come_from_the_lists(void **state)
{
    struct fixture *f = *state;
    const char *why = NULL;
    struct guard_who who = anna();

    assert_int_equal(read_from(f, who, "fp/1/scope/s/conv/c/event"), ACL_DENY);
    assert_int_equal(guard_subscribe(&f->guard, &who, "fp/1/ops/#", &why), ACL_DENY);
    assert_true(fp_id_parse("anna", 4, &f->config.services.ids[0]));
    f->config.services.count = 1;
    f->config.operators = f->config.services;
    guard_forget(&f->guard);
    assert_int_equal(read_from(f, who, "fp/1/scope/s/conv/c/event"), ACL_ALLOW);
    assert_int_equal(guard_subscribe(&f->guard, &who, "fp/1/ops/#", &why), ACL_ALLOW);
}

static bool writes(struct fixture *f, struct guard_who who, const char *topic)
{
    const char *why = NULL;
    return guard_write(&f->guard, &who, &(struct guard_publish){.topic = topic, .payload = fp_bytes_of("x", 1)}, &why) == ACL_ALLOW;
}

static void relays_come_from_the_configuration(void **state)
{
    struct fixture *f = *state;
    struct guard_who who = anna();

    assert_false(writes(f, who, "fp/1/relay/anna/up"));
    assert_true(fp_id_parse("anna", 4, &f->config.relays.rows[0].relay));
    f->config.relays.count = 1;
    guard_forget(&f->guard);
    assert_true(writes(f, who, "fp/1/relay/anna/up"));
    assert_int_equal(read_from(f, who, "fp/1/relay/anna/down"), ACL_ALLOW);
    assert_false(writes(f, who, "fp/1/device/tablet/up"));
    f->config.role = HUB_ROLE_SITE; /* where the list means nothing */
    guard_forget(&f->guard);
    assert_false(writes(f, who, "fp/1/relay/anna/up"));
    assert_false(writes(f, who, "fp/1/relay/anna/down"));
    f->config.relay = f->config.relays.rows[0].relay;
    guard_forget(&f->guard);
    assert_true(writes(f, who, "fp/1/relay/anna/down"));
    assert_int_equal(read_from(f, who, "fp/1/relay/anna/up"), ACL_ALLOW);
}

static void the_last_topic_is_not_taken_for_a_longer_or_shorter_one(void **state)
{
    struct fixture *f = *state;
    struct guard_who ben = {.client = &client_b, .username = "ben", .client_id = "phone"};

    f->reader.allowed = true;
    assert_int_equal(read_from(f, anna(), "fp/1/scope/s/conv/c1/event"), ACL_ALLOW);
    f->reader.allowed = false;
    assert_int_equal(read_from(f, anna(), "fp/1/scope/s/conv/c1/event"), ACL_ALLOW); /* remembered */
    assert_int_equal(read_from(f, ben, "fp/1/scope/s/conv/c1/event"), ACL_DENY);
    assert_int_equal(read_from(f, anna(), "fp/1/scope/s/conv/c12/event"), ACL_DENY);
    assert_int_equal(read_from(f, anna(), "fp/1/scope/s/conv/c/event"), ACL_DENY);
}

static void a_status_is_read_by_those_who_share_a_scope(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_from(f, anna(), "fp/1/device/phone/status"), ACL_DENY); /* nobody's device */
    assert_true(fp_id_parse("anna", 4, &f->reader.owner));
    f->reader.found = true;
    assert_int_equal(read_from(f, anna(), "fp/1/device/phone/status"), ACL_ALLOW); /* another one of her own */
    assert_true(fp_id_parse("ben", 3, &f->reader.owner));
    assert_int_equal(read_from(f, anna(), "fp/1/device/bens/status"), ACL_DENY);
    f->reader.allowed = true;
    rights_grant(&f->rights, &(struct rights_grant){.kind = TELL_GRANT_SCOPE, .allowed = true, .change = 1});
    assert_int_equal(read_from(f, anna(), "fp/1/device/bens/status"), ACL_DENY); /* he hides from somebody */
    struct fp_id ben = f->reader.owner;
    rights_grant(&f->rights, &(struct rights_grant){.kind = TELL_OPEN, .user = ben, .allowed = true});
    assert_int_equal(read_from(f, anna(), "fp/1/device/bens/status"), ACL_ALLOW);
    rights_grant(&f->rights, &(struct rights_grant){.kind = TELL_OPEN, .user = ben, .allowed = false});
    assert_int_equal(read_from(f, anna(), "fp/1/device/bens/status"), ACL_DENY);
    struct guard_who himself = {.client = &client_b, .username = "ben", .client_id = "laptop"};
    assert_int_equal(read_from(f, himself, "fp/1/device/bens/status"), ACL_ALLOW);
    f->config.services.ids[0] = ben;
    f->config.services.count = 1;
    guard_forget(&f->guard);
    assert_int_equal(read_from(f, himself, "fp/1/device/phone/status"), ACL_ALLOW);
}

static void who_is_open_but_a_stranger_is_not_seen(void **state)
{
    struct fixture *f = *state;

    f->reader.found = true;
    f->reader.open = true;
    assert_true(fp_id_parse("ben", 3, &f->reader.owner));
    assert_int_equal(read_from(f, anna(), "fp/1/device/bens/status"), ACL_DENY);
}

static void a_device_in_the_background_is_sent_little_and_nothing_is_looked_up_for_it(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *topic;
        enum acl_verdict idle;
    } cases[] = {
        {"fp/1/device/tablet/down", ACL_ALLOW},   {"fp/1/user/anna/inbox", ACL_ALLOW},
        {"fp/1/scope/s/conv/c/head", ACL_ALLOW},  {"fp/1/ops/hub", ACL_ALLOW},
        {"fp/1/user/anna/presence", ACL_DENY},    {"fp/1/scope/s/conv/c/event", ACL_DENY},
        {"fp/1/scope/s/conv/c/about", ACL_DENY},  {"fp/1/scope/s/conv/c/receipts", ACL_DENY},
        {"fp/1/scope/s/conv/c/typing", ACL_DENY}, {"fp/1/scope/s/presence", ACL_DENY},
        {"fp/1/scope/s/state/bids", ACL_DENY},    {"fp/1/device/tablet/status", ACL_DENY},
        {"fp/1/user/ben/inbox", ACL_DENY},        {"weather/today", ACL_FOREIGN},
    };
    struct guard_who other = {.client = &client_b, .username = "anna", .client_id = "phone"};
    struct fp_id tablet = {.len = 6, .text = "tablet"};

    f->reader.allowed = true;
    assert_true(fp_id_parse("anna", 4, &f->config.operators.ids[0]));
    f->config.operators.count = 1;
    assert_int_equal(read_from(f, anna(), "fp/1/scope/s/conv/c/event"), ACL_ALLOW);
    rights_grant(&f->rights, &(struct rights_grant){.kind = TELL_IDLE, .id = tablet, .allowed = true});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t calls = f->reader.calls;
        assert_int_equal(read_from(f, anna(), cases[i].topic), cases[i].idle);
        assert_true(cases[i].idle == ACL_ALLOW || f->reader.calls == calls);
    }
    assert_int_equal(read_from(f, other, "fp/1/scope/s/conv/c/event"), ACL_ALLOW); /* another device of hers */
    rights_gone(&f->rights, &tablet);
    assert_int_equal(read_from(f, anna(), "fp/1/scope/s/conv/c/event"), ACL_ALLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_that_are_no_ids_are_denied_with_a_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_no_template_covers_is_denied_without_a_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_topic_that_is_too_long_is_denied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_changes_its_names_is_seen_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(services_and_operators_come_from_the_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(relays_come_from_the_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_topic_is_not_taken_for_a_longer_or_shorter_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_status_is_read_by_those_who_share_a_scope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_open_but_a_stranger_is_not_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_in_the_background_is_sent_little_and_nothing_is_looked_up_for_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
