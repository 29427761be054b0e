/* Who is there and who types, over a trunk: of those whom the relay speaks for, in its scopes, and of nobody else. */
#include "tests/unit/hub/people_kit.h"
#include "tests/unit/hub/relay_kit.h"

#define FARM "fp/1/scope/farm/presence"
#define TYPING "fp/1/scope/house/conv/kitchen/typing"
#define FIELD_TYPING "fp/1/scope/farm/conv/field/typing"

static void say(struct kit *k, bool people, size_t person_count, const struct fp_enc *persons, size_t typing_count, const struct fp_enc *typing)
{
    uint8_t buf[512];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_live(&e, people, people, person_count, persons ? fp_enc_bytes_of(persons) : (struct fp_bytes){0}, typing_count,
                      typing ? fp_enc_bytes_of(typing) : (struct fp_bytes){0});
    rk_frame(k, &e);
    kit_run(k);
    kit_idle(k);
}

/* A full list: those two at most, in the order of their ids. */
static void say_people(struct kit *k, const char *one, const char *two)
{
    uint8_t buf[256];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    struct fp_person p = {.state = FP_PERSON_ACTIVE, .user = kit_id(one)};
    fp_enc_person(&e, &p);
    if (two) {
        p.user = kit_id(two);
        fp_enc_person(&e, &p);
    }
    say(k, true, two ? 2 : 1, &e, 0, NULL);
}

static void say_typing(struct kit *k, const char *conv, const char *one, const char *two)
{
    uint8_t buf[256];
    struct fp_enc e;
    struct fp_id id = kit_id(conv);
    struct fp_id users[] = {kit_id(one), kit_id(two)};
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_typing_row(&e, &id, users, 2);
    say(k, false, 0, NULL, 1, &e);
}

/* The link is kept by a sign of life. */
static void pass(struct kit *k, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 500) {
        kit_pass(k, 500);
        rk_ack(k, 2, 0, TRUNK_CREDIT);
        kit_run(k);
        kit_idle(k);
    }
}

static void people_at_the_site_are_shown_and_others_are_not(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    pass(&k, 20000);
    kit_clear(&k);
    say_people(&k, "ben", "zoe"); /* zoe is of the farm */
    pass(&k, 3000);
    struct pk_seen s = pk_seen(&k, HOUSE);
    assert_int_equal(s.count, 1);
    assert_non_null(pk_person(&s, "ben"));
    assert_int_equal(pk_seen(&k, FARM).count, 0);
    kit_close(&k);
}

static void is_unreachable(struct kit *k)
{
    struct fp_id ridge = kit_id("ridge");
    struct pk_seen s = pk_seen(k, HOUSE);
    assert_int_equal(s.count, 1);
    assert_int_equal(pk_person(&s, "ben")->state, FP_PERSON_UNREACHABLE);
    assert_true(fp_id_eq(&pk_person(&s, "ben")->relay, &ridge));
}

static void a_lost_pipe_or_silence_makes_them_unreachable(void **state)
{
    (void)state;
    for (int silence = 0; silence <= 1; silence++) {
        struct kit k;
        rk_open(&k);
        rk_hello(&k);
        say_people(&k, "ben", NULL);
        pass(&k, 20000);
        kit_clear(&k);
        if (silence) {
            pk_pass(&k, TRUNK_SILENT_US / 1000);
        } else {
            kit_relay_gone(&k, "ridge");
            kit_run(&k);
        }
        pk_pass(&k, 3000);
        is_unreachable(&k);
        kit_close(&k);
    }
}

static void the_site_hears_who_is_here_of_its_scopes(void **state)
{
    struct kit k;
    struct fp_trunk f;
    struct fp_person p;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    pk_hello(&k, "anna-phone");
    pk_hello(&k, "zoe-phone");
    kit_clear(&k);
    pass(&k, 1500);
    size_t count = rk_count(&k, FP_TRUNK_LIVE);
    assert_in_range(count, 1, 2);
    assert_true(rk_told(&k, FP_TRUNK_LIVE, count - 1, &f));
    assert_true(f.as.live.has_people && f.as.live.full);
    assert_int_equal(f.as.live.people_count, 1);
    assert_true(fp_trunk_person(&f.as.live, &p));
    struct fp_id anna = kit_id("anna");
    assert_true(fp_id_eq(&p.user, &anna));
    kit_close(&k);
}

static size_t typists(const struct kit *k, const char *topic)
{
    struct fp_typing t = {0};
    for (size_t i = fake_bus_find(&k->bus, topic, 0); i != SIZE_MAX; i = fake_bus_find(&k->bus, topic, i + 1)) {
        assert_int_equal(fp_typing_decode(fake_bus_at(&k->bus, i)->tell.payload, &t), FP_OK);
    }
    return (size_t)t.count;
}

static void members_who_type_at_the_site_are_shown_and_others_are_not(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    say_typing(&k, "kitchen", "ben", "zoe");
    say_typing(&k, "field", "ben", "zoe");
    say_typing(&k, "attic", "ben", "zoe"); /* there is none */
    assert_int_equal(typists(&k, TYPING), 1);
    assert_int_equal(fake_bus_count(&k.bus, FIELD_TYPING), 0);
    kit_close(&k);
}

static void type_in(struct kit *k, const char *device, const char *conv)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_bool(&b.e, true);
    struct fp_command c = {.kind = FP_K_TYPING, .conv = kit_id(conv), .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(k, device, &c);
    kit_run(k);
    kit_idle(k);
}

static void the_site_hears_who_types_here_in_its_scopes(void **state)
{
    struct kit k;
    struct fp_trunk f;
    struct fp_trunk_typing t;
    struct fp_id kitchen = kit_id("kitchen");
    size_t rows = 0;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    pk_hello(&k, "anna-phone");
    pk_hello(&k, "zoe-phone");
    pass(&k, 2000);
    kit_clear(&k);
    type_in(&k, "anna-phone", "kitchen");
    type_in(&k, "zoe-phone", "field");
    pass(&k, 1000);
    for (size_t i = 0; rk_told(&k, FP_TRUNK_LIVE, i, &f); i++) {
        while (fp_trunk_typing(&f.as.live, &t)) {
            assert_true(fp_id_eq(&t.conv, &kitchen));
            assert_int_equal(t.count, 1);
            rows++;
        }
    }
    assert_int_equal(rows, 1);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_at_the_site_are_shown_and_others_are_not),
        cmocka_unit_test(a_lost_pipe_or_silence_makes_them_unreachable),
        cmocka_unit_test(the_site_hears_who_is_here_of_its_scopes),
        cmocka_unit_test(members_who_type_at_the_site_are_shown_and_others_are_not),
        cmocka_unit_test(the_site_hears_who_types_here_in_its_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
