#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fp/reply.h"
#include "plugin/mosq/acl.h"

static struct fp_id id(const char *text)
{
    struct fp_id out;
    assert_true(fp_id_parse(text, strlen(text), &out));
    return out;
}

static struct acl_client anna(void)
{
    return (struct acl_client){.user = id("anna"), .device = id("tablet")};
}

static struct acl_client robot(void)
{
    return (struct acl_client){.user = id("robot"), .device = id("rack"), .service = true};
}

static struct acl_client olga(void)
{
    return (struct acl_client){.user = id("olga"), .device = id("desk"), .operator= true };
}

static struct fp_topic topic_of(const char *text)
{
    struct fp_topic t;
    assert_int_equal(fp_topic_parse(text, strlen(text), &t), FP_OK);
    return t;
}

static const struct acl_known no, yes = {.yes = true}, unowned = {.owner_known = true};

/* ------------------------------------------------------------------ write */

struct write_case {
    const char *topic;
    const char *payload;
    int qos;
    bool retain;
    enum acl_verdict want;
};

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct write_case WRITES[] = {
    {"fp/1/device/tablet/up", "x", 1, false, ACL_ALLOW},
    {"fp/1/device/tablet/up", "x", 0, false, ACL_ALLOW},
    {"fp/1/device/tablet/now", "x", 0, false, ACL_ALLOW},
    {"fp/1/device/tablet/blob/" SHA, "x", 1, false, ACL_ALLOW},
    {"fp/1/device/tablet/up", "x", 1, true, ACL_REFUSE},
    {"fp/1/device/tablet/now", "", 0, true, ACL_REFUSE},
    {"fp/1/device/tablet/blob/" SHA, "x", 1, true, ACL_REFUSE},
    {"fp/1/device/other/up", "x", 1, false, ACL_DENY},
    {"fp/1/device/other/up", "x", 1, true, ACL_DENY},
    {"fp/1/device/other/now", "x", 1, false, ACL_DENY},
    {"fp/1/device/tablet/status", "online", 1, true, ACL_ALLOW},
    {"fp/1/device/tablet/status", "offline", 0, true, ACL_ALLOW},
    {"fp/1/device/tablet/status", "", 1, true, ACL_ALLOW},
    {"fp/1/device/tablet/status", "online", 2, true, ACL_DENY},
    {"fp/1/device/tablet/status", "online", 1, false, ACL_DENY},
    {"fp/1/device/tablet/status", "onlin", 1, true, ACL_DENY},
    {"fp/1/device/tablet/status", "online ", 1, true, ACL_DENY},
    {"fp/1/device/other/status", "online", 1, true, ACL_DENY},
    {"fp/1/device/tablet/down", "x", 1, false, ACL_DENY},
    {"fp/1/user/anna/inbox", "x", 1, false, ACL_DENY},
    {"fp/1/user/anna/presence", "x", 1, false, ACL_DENY},
    {"fp/1/scope/s/conv/c/event", "x", 1, false, ACL_DENY},
    {"fp/1/scope/s/conv/c/head", "x", 1, true, ACL_DENY},
    {"fp/1/scope/s/conv/c/about", "x", 1, true, ACL_DENY},
    {"fp/1/scope/s/conv/c/receipts", "x", 1, true, ACL_DENY},
    {"fp/1/scope/s/conv/c/typing", "x", 1, false, ACL_DENY},
    {"fp/1/scope/s/presence", "x", 1, false, ACL_DENY},
    {"fp/1/scope/s/state/k", "x", 1, false, ACL_DENY},
    {"fp/1/relay/r/up", "x", 0, false, ACL_DENY},
    {"fp/1/relay/r/down", "x", 0, false, ACL_DENY},
    {"fp/1/ops/hub", "x", 0, true, ACL_DENY},
    {"weather/today", "x", 2, true, ACL_FOREIGN},
};

static void a_client_writes_only_its_own_four_topics(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof WRITES / sizeof WRITES[0]; i++) {
        const struct write_case *w = &WRITES[i];
        struct acl_client who[] = {anna(), anna(), anna()};
        who[1].service = true;
        who[2].operator= true; /* neither makes a difference here */
        struct fp_topic topic = topic_of(w->topic);
        struct acl_publish p = {.topic = &topic, .payload = fp_bytes_of(w->payload, strlen(w->payload)), .qos = w->qos, .retain = w->retain};
        for (size_t k = 0; k < 3; k++) {
            const char *why = NULL;
            if (acl_write(&who[k], &p, &unowned, &why) != w->want) {
                fail_msg("row %zu: %s", i, w->topic);
            }
            assert_int_equal(why != NULL, w->want == ACL_REFUSE);
        }
    }
}

/* ------------------------------------------------------------------ trunks */

static struct acl_client pipe_at(enum acl_trunk end)
{
    /* all that makes others mighty must not help it, nor a client id that is a device's */
    return (struct acl_client){.user = id("site-b"), .device = id("tablet"), .service = true, .operator= true, .trunk = end};
}

static enum acl_verdict write_as(const struct acl_client *c, const char *topic, size_t len, int qos, bool retain)
{
    static const uint8_t frame[ACL_FRAME_BYTES_MAX + 1];
    const struct acl_known owner = {.owner_known = true, .owner = c->user};
    struct fp_topic t = topic_of(topic);
    struct acl_publish p = {.topic = &t, .payload = fp_bytes_of(frame, len), .qos = qos, .retain = retain};
    const char *why = NULL;
    enum acl_verdict verdict = acl_write(c, &p, &owner, &why);

    assert_int_equal(why != NULL, verdict == ACL_REFUSE);
    return verdict;
}

static bool subscribes_as(const struct acl_client *c, const char *filter)
{
    struct fp_filter f;
    return fp_filter_parse(filter, strlen(filter), &f) == FP_OK && acl_subscribe(c, &f, &yes) == ACL_ALLOW;
}

static bool reads_as(const struct acl_client *c, const char *topic)
{
    const struct acl_known all = {.yes = true, .owner_known = true, .owner = c->user};
    struct fp_topic t = topic_of(topic);
    return acl_read(c, &t, fp_bytes_of("x", 1), &all) == ACL_ALLOW;
}

static void a_relay_writes_one_way_and_reads_the_other(void **state)
{
    (void)state;
    struct acl_client at_hub = pipe_at(ACL_TRUNK_AT_HUB), at_site = pipe_at(ACL_TRUNK_AT_SITE);

    assert_int_equal(write_as(&at_hub, "fp/1/relay/site-b/up", 5, 0, false), ACL_ALLOW);
    assert_int_equal(write_as(&at_hub, "fp/1/relay/site-b/down", 5, 0, false), ACL_DENY);
    assert_int_equal(write_as(&at_site, "fp/1/relay/site-b/down", 5, 0, false), ACL_ALLOW);
    assert_int_equal(write_as(&at_site, "fp/1/relay/site-b/up", 5, 0, false), ACL_DENY);
    assert_true(subscribes_as(&at_hub, "fp/1/relay/site-b/down"));
    assert_false(subscribes_as(&at_hub, "fp/1/relay/site-b/up"));
    assert_true(subscribes_as(&at_site, "fp/1/relay/site-b/up"));
    assert_false(subscribes_as(&at_site, "fp/1/relay/site-b/down"));
    assert_true(reads_as(&at_hub, "fp/1/relay/site-b/down"));
    assert_false(reads_as(&at_hub, "fp/1/relay/site-b/up"));
    assert_true(reads_as(&at_site, "fp/1/relay/site-b/up"));
    assert_false(reads_as(&at_site, "fp/1/relay/site-b/down"));
}

static void a_relays_user_may_do_nothing_else(void **state)
{
    (void)state;
    const char *const others[] = {
        "fp/1/relay/site-a/up",       "fp/1/relay/site-a/down",   "fp/1/device/tablet/up",     "fp/1/device/tablet/now",
        "fp/1/device/tablet/status",  "fp/1/device/tablet/down",  "fp/1/user/site-b/inbox",    "fp/1/user/site-b/presence",
        "fp/1/scope/s/conv/c/event",  "fp/1/scope/s/conv/c/head", "fp/1/scope/s/conv/c/about", "fp/1/scope/s/conv/c/receipts",
        "fp/1/scope/s/conv/c/typing", "fp/1/scope/s/presence",    "fp/1/scope/s/state/k",      "fp/1/ops/hub",
    };

    for (enum acl_trunk end = ACL_TRUNK_AT_HUB; end <= ACL_TRUNK_AT_SITE; end++) {
        struct acl_client c = pipe_at(end);
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            struct fp_topic t = topic_of(others[i]);
            assert_int_equal(write_as(&c, others[i], 5, 1, false), ACL_DENY);
            assert_int_equal(write_as(&c, others[i], 5, 1, true), ACL_DENY); /* no nack either */
            assert_int_equal(acl_read_needs(&c, &t).fact, ACL_FACT_NONE);
            assert_false(reads_as(&c, others[i]));
            assert_false(subscribes_as(&c, others[i]));
        }
        assert_false(subscribes_as(&c, "fp/1/scope/s/conv/+/+"));
        assert_false(subscribes_as(&c, "fp/1/user/site-b/+"));
        assert_false(subscribes_as(&c, "fp/1/ops/#"));
        assert_int_equal(write_as(&c, "weather/today", 5, 2, true), ACL_FOREIGN);
    }
}

static void nobody_else_touches_a_trunk(void **state)
{
    (void)state;
    struct acl_client who[] = {anna(), robot(), olga(), anna()};
    who[3].user = id("site-b"); /* of that name, but no relay of ours */

    for (size_t i = 0; i < sizeof who / sizeof who[0]; i++) {
        const char *const topics[] = {"fp/1/relay/site-b/up", "fp/1/relay/site-b/down"};
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(write_as(&who[i], topics[k], 5, 0, false), ACL_DENY);
            assert_false(reads_as(&who[i], topics[k]));
            assert_false(subscribes_as(&who[i], topics[k]));
        }
    }
}

static void a_frame_is_not_kept_not_qos_2_and_not_too_long(void **state)
{
    (void)state;
    struct acl_client c = pipe_at(ACL_TRUNK_AT_HUB);
    const char *up = "fp/1/relay/site-b/up";

    assert_int_equal(write_as(&c, up, 5, 0, true), ACL_REFUSE);
    assert_int_equal(write_as(&c, up, 5, 2, false), ACL_REFUSE);
    assert_int_equal(write_as(&c, up, 5, 1, false), ACL_ALLOW);
    assert_int_equal(write_as(&c, up, ACL_FRAME_BYTES_MAX, 0, false), ACL_ALLOW);
    assert_int_equal(write_as(&c, up, ACL_FRAME_BYTES_MAX + 1, 0, false), ACL_REFUSE);
}

/* ------------------------------------------------------------------ status */

static void the_status_of_a_device_is_its_owners(void **state)
{
    (void)state;
    struct acl_client me = anna();
    struct fp_topic status = topic_of("fp/1/device/tablet/status"), up = topic_of("fp/1/device/tablet/up");
    struct acl_publish p = {.topic = &status, .payload = fp_bytes_of("online", 6), .qos = 1, .retain = true};
    struct acl_known mine = {.owner_known = true, .owner = id("anna")}, bens = {.owner_known = true, .owner = id("ben")};
    const char *why = NULL;

    assert_int_equal(acl_write_needs(&me, &p).fact, ACL_FACT_OWNER);
    assert_int_equal(acl_write(&me, &p, &mine, &why), ACL_ALLOW);
    assert_int_equal(acl_write(&me, &p, &bens, &why), ACL_DENY);
    assert_int_equal(acl_write(&me, &p, &no, &why), ACL_DENY); /* could not be found out */
    p = (struct acl_publish){.topic = &up, .qos = 1};
    assert_int_equal(acl_write_needs(&me, &p).fact, ACL_FACT_NONE); /* the engine tells him with a nack */
}

/* ------------------------------------------------------------------ subscribe */

struct subscribe_case {
    const char *filter;
    enum acl_fact need; /* of anna, who is neither service nor operator */
    bool yes;
    enum acl_verdict want;
    enum acl_verdict want_service;
    enum acl_verdict want_operator;
};

static const struct subscribe_case SUBSCRIBES[] = {
    {"fp/1/device/tablet/down", ACL_FACT_NONE, false, ACL_ALLOW, ACL_DENY, ACL_DENY},
    {"fp/1/device/other/down", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/device/tablet/up", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/device/other/status", ACL_FACT_NONE, false, ACL_ALLOW, ACL_ALLOW, ACL_ALLOW},
    {"fp/1/user/anna/inbox", ACL_FACT_NONE, false, ACL_ALLOW, ACL_DENY, ACL_DENY},
    {"fp/1/user/anna/presence", ACL_FACT_NONE, false, ACL_ALLOW, ACL_DENY, ACL_DENY},
    {"fp/1/user/anna/+", ACL_FACT_NONE, false, ACL_ALLOW, ACL_DENY, ACL_DENY},
    {"fp/1/user/ben/+", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/scope/s/conv/c/event", ACL_FACT_SCOPE, true, ACL_ALLOW, ACL_ALLOW, ACL_ALLOW},
    {"fp/1/scope/s/conv/c/event", ACL_FACT_SCOPE, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/conv/+/event", ACL_FACT_SCOPE, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/conv/+/+", ACL_FACT_SCOPE, true, ACL_ALLOW, ACL_ALLOW, ACL_ALLOW},
    {"fp/1/scope/s/presence", ACL_FACT_SCOPE, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/state/k", ACL_FACT_SCOPE, true, ACL_ALLOW, ACL_ALLOW, ACL_ALLOW},
    {"fp/1/ops/#", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_ALLOW},
    {"fp/1/ops/hub", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_ALLOW},
    {"fp/1/relay/r/down", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"weather/#", ACL_FACT_NONE, false, ACL_FOREIGN, ACL_FOREIGN, ACL_FOREIGN},
    {"#", ACL_FACT_NONE, false, ACL_FOREIGN, ACL_FOREIGN, ACL_FOREIGN},
};

static void filters_are_answered_by_the_table(void **state)
{
    (void)state;
    struct acl_client a = anna(), r = robot(), o = olga();

    for (size_t i = 0; i < sizeof SUBSCRIBES / sizeof SUBSCRIBES[0]; i++) {
        const struct subscribe_case *s = &SUBSCRIBES[i];
        const struct acl_known *known = s->yes ? &yes : &no;
        struct fp_filter f;
        enum fp_err err = fp_filter_parse(s->filter, strlen(s->filter), &f);
        if (err == FP_EDENIED && s->want == ACL_DENY && s->want_service == ACL_DENY) {
            continue; /* the grammar has refused it already */
        }
        assert_int_equal(err, FP_OK);
        if (acl_subscribe_needs(&a, &f).fact != s->need || acl_subscribe(&a, &f, known) != s->want || acl_subscribe(&r, &f, &no) != s->want_service ||
            acl_subscribe(&o, &f, known) != s->want_operator) {
            fail_msg("row %zu: %s", i, s->filter);
        }
        assert_int_equal(acl_subscribe_needs(&r, &f).fact, ACL_FACT_NONE);
    }
}

/* ------------------------------------------------------------------ read */

struct read_case {
    const char *topic;
    enum acl_fact need;
    bool yes;
    enum acl_verdict want;
    enum acl_verdict want_service;
    enum acl_verdict want_operator;
};

static const struct read_case READS[] = {
    {"fp/1/scope/s/conv/c/event", ACL_FACT_CONV, true, ACL_ALLOW, ACL_ALLOW, ACL_ALLOW},
    {"fp/1/scope/s/conv/c/event", ACL_FACT_CONV, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/conv/c/head", ACL_FACT_CONV, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/conv/c/about", ACL_FACT_CONV, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/conv/c/receipts", ACL_FACT_CONV, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/conv/c/typing", ACL_FACT_CONV, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/presence", ACL_FACT_SCOPE, true, ACL_ALLOW, ACL_ALLOW, ACL_ALLOW},
    {"fp/1/scope/s/presence", ACL_FACT_SCOPE, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/scope/s/state/k", ACL_FACT_SCOPE, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/device/tablet/status", ACL_FACT_NONE, false, ACL_ALLOW, ACL_ALLOW, ACL_DENY},
    {"fp/1/device/other/status", ACL_FACT_PEERS, true, ACL_ALLOW, ACL_ALLOW, ACL_ALLOW},
    {"fp/1/device/other/status", ACL_FACT_PEERS, false, ACL_DENY, ACL_ALLOW, ACL_DENY},
    {"fp/1/user/anna/inbox", ACL_FACT_NONE, false, ACL_ALLOW, ACL_DENY, ACL_DENY},
    {"fp/1/user/ben/presence", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/device/other/down", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/device/tablet/up", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/device/tablet/now", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/device/tablet/blob/" SHA, ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/relay/r/up", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/relay/r/down", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_DENY},
    {"fp/1/ops/hub", ACL_FACT_NONE, true, ACL_DENY, ACL_DENY, ACL_ALLOW},
    {"weather/today", ACL_FACT_NONE, false, ACL_FOREIGN, ACL_FOREIGN, ACL_FOREIGN},
};

static void deliveries_are_answered_by_the_table(void **state)
{
    (void)state;
    struct acl_client a = anna(), r = robot(), o = olga();
    struct fp_bytes payload = fp_bytes_of("x", 1);

    for (size_t i = 0; i < sizeof READS / sizeof READS[0]; i++) {
        const struct read_case *c = &READS[i];
        const struct acl_known *known = c->yes ? &yes : &no;
        struct fp_topic t = topic_of(c->topic);
        if (acl_read_needs(&a, &t).fact != c->need || acl_read(&a, &t, payload, known) != c->want ||
            acl_read(&r, &t, payload, &no) != c->want_service || acl_read(&o, &t, payload, known) != c->want_operator) {
            fail_msg("row %zu: %s", i, c->topic);
        }
    }
    struct fp_topic event = topic_of("fp/1/scope/s/conv/c/event"), presence = topic_of("fp/1/scope/s/presence");
    struct fp_id want = id("c");
    struct acl_need need = acl_read_needs(&a, &event);
    assert_true(fp_id_eq(&need.id, &want));
    want = id("s");
    need = acl_read_needs(&a, &presence);
    assert_true(fp_id_eq(&need.id, &want));
}

static void what_is_said_to_a_device_is_for_its_owner(void **state)
{
    (void)state;
    struct acl_client a = anna();
    struct fp_topic down = topic_of("fp/1/device/tablet/down");
    struct acl_known bens = {.owner_known = true, .owner = id("ben")}, mine = {.owner_known = true, .owner = id("anna")};
    uint8_t buf[64];
    struct fp_enc e;

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_nack(&e, &(struct fp_nack){.n = 3, .code = FP_EDENIED});
    struct fp_bytes denied = fp_enc_bytes_of(&e);
    assert_int_equal(acl_read_needs(&a, &down).fact, ACL_FACT_OWNER);
    assert_int_equal(acl_read(&a, &down, denied, &unowned), ACL_ALLOW);
    assert_int_equal(acl_read(&a, &down, denied, &mine), ACL_ALLOW);
    assert_int_equal(acl_read(&a, &down, denied, &bens), ACL_DENY);
    assert_int_equal(acl_read(&a, &down, denied, &no), ACL_DENY); /* could not be found out */
    assert_int_equal(acl_read(&a, &down, fp_bytes_of(NULL, 0), &bens), ACL_DENY);

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_nack(&e, &(struct fp_nack){.n = 3, .code = FP_EIDENTITY});
    assert_int_equal(acl_read(&a, &down, fp_enc_bytes_of(&e), &bens), ACL_ALLOW);
    down = topic_of("fp/1/device/other/down");
    assert_int_equal(acl_read(&a, &down, fp_enc_bytes_of(&e), &bens), ACL_DENY);
}

static void the_background_is_left_heads_inbox_answers_metrics_and_frames(void **state)
{
    (void)state;
    for (int kind = 0; kind < FP_TOPIC_KINDS; kind++) {
        bool left = kind == FP_TOPIC_DEVICE_DOWN || kind == FP_TOPIC_USER_INBOX || kind == FP_TOPIC_CONV_HEAD || kind == FP_TOPIC_OPS ||
                    kind == FP_TOPIC_FOREIGN || kind == FP_TOPIC_RELAY_UP || kind == FP_TOPIC_RELAY_DOWN;
        assert_int_equal(acl_in_background(&(struct fp_topic){.kind = (enum fp_topic_kind)kind}), left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_writes_one_way_and_reads_the_other),
        cmocka_unit_test(a_relays_user_may_do_nothing_else),
        cmocka_unit_test(nobody_else_touches_a_trunk),
        cmocka_unit_test(a_frame_is_not_kept_not_qos_2_and_not_too_long),
        cmocka_unit_test(a_client_writes_only_its_own_four_topics),
        cmocka_unit_test(the_status_of_a_device_is_its_owners),
        cmocka_unit_test(filters_are_answered_by_the_table),
        cmocka_unit_test(deliveries_are_answered_by_the_table),
        cmocka_unit_test(what_is_said_to_a_device_is_for_its_owner),
        cmocka_unit_test(the_background_is_left_heads_inbox_answers_metrics_and_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
