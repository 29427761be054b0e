#include "tests/unit/hub/receipts_kit.h"

static void ask_for(struct kit *k, const char *device, uint64_t ref)
{
    struct fp_command c = {.kind = FP_K_READERS, .conv = kit_id("kitchen"), .ref = ref, .priority = FP_PRIORITY_NORMAL};
    kit_send(k, device, &c);
}

struct report {
    size_t count;
    struct fp_reader rows[8];
};

static struct report last_report(const struct kit *k, const char *device, uint64_t seq)
{
    struct fp_reply r;
    struct fp_readers readers;
    struct report out = {0};
    struct fp_id kitchen = kit_id("kitchen");
    size_t count = kit_replies(k, device);
    assert_true(count > 0 && kit_reply(k, device, count - 1, &r));
    assert_int_equal(r.what, FP_REPLY_REPORT);
    assert_int_equal(r.as.report.kind, FP_K_READERS);
    assert_int_equal(r.as.report.seq, seq);
    assert_true(fp_id_eq(&r.as.report.conv, &kitchen));
    assert_int_equal(fp_readers_decode(r.as.report.value, &readers), FP_OK);
    assert_true(readers.count <= 8);
    while (fp_readers_next(&readers, &out.rows[out.count])) {
        out.count++;
    }
    return out;
}

static void assert_row(const struct report *r, size_t i, const char *user, uint64_t delivered, uint64_t read)
{
    struct fp_id id = kit_id(user);
    assert_true(i < r->count);
    assert_true(fp_id_eq(&r->rows[i].user, &id));
    assert_int_equal(r->rows[i].delivered.ms, delivered);
    assert_int_equal(r->rows[i].read.ms, read);
    assert_int_equal(r->rows[i].confirmed.ms, 0);
}

static void each_member_but_the_author_is_named_with_his_times(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    rk_say(&k, "anna-phone", 2);
    rk_say(&k, "anna-phone", 3);
    kit_run(&k);
    kit_pass(&k, 1000);
    uint64_t first = k.wall.ms;
    rk_report(&k, "ben-pad", 2, 0);
    kit_run(&k);
    kit_pass(&k, 1000);
    uint64_t second = k.wall.ms;
    rk_report(&k, "ben-pad", 3, 3);
    rk_report(&k, "dora-pad", 2, 1);
    kit_run(&k);

    ask_for(&k, "anna-phone", 2);
    kit_run(&k);
    struct report r = last_report(&k, "anna-phone", 2);
    assert_int_equal(r.count, 3);
    assert_row(&r, 0, "ben", first, second);
    assert_row(&r, 1, "carl", 0, 0);
    assert_row(&r, 2, "dora", second, 0);
    ask_for(&k, "anna-phone", 3);
    kit_run(&k);
    r = last_report(&k, "anna-phone", 3);
    assert_row(&r, 0, "ben", second, second);
    assert_row(&r, 2, "dora", 0, 0);
    kit_close(&k);
}

static void a_receipt_of_the_same_batch_is_seen(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    rk_say(&k, "anna-phone", 2);
    rk_report(&k, "ben-pad", 2, 1);
    ask_for(&k, "anna-phone", 2);
    rk_report(&k, "ben-pad", 2, 2);
    ask_for(&k, "anna-phone", 2);
    kit_run(&k);
    struct report r = last_report(&k, "anna-phone", 2);
    assert_row(&r, 0, "ben", k.wall.ms, k.wall.ms);
    struct fp_reply before;
    assert_true(kit_reply(&k, "anna-phone", kit_replies(&k, "anna-phone") - 2, &before));
    struct fp_readers rows;
    struct fp_reader ben;
    assert_int_equal(fp_readers_decode(before.as.report.value, &rows), FP_OK);
    assert_true(fp_readers_next(&rows, &ben));
    assert_int_equal(ben.read.ms, 0);
    kit_close(&k);
}

static void a_private_read_is_not_reported(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    rk_say(&k, "anna-phone", 2);
    rk_report_on(&k, "ben-pad", "kitchen", 2, 2, true);
    ask_for(&k, "anna-phone", 2);
    kit_run(&k);
    struct report r = last_report(&k, "anna-phone", 2);
    assert_row(&r, 0, "ben", k.wall.ms, 0);
    kit_close(&k);
}

static void who_could_not_see_it_is_not_named(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    rk_open(&k);
    rk_say(&k, "anna-phone", 2); /* event 2 */
    struct fp_command c = kit_member(&b, 3, FP_K_MEMBER_ADD, "kitchen", "emil", FP_ROLE_MEMBER, -1);
    kit_send(&k, "anna-phone", &c);
    c = kit_member(&b, 4, FP_K_MEMBER_REMOVE, "kitchen", "carl", -1, -1);
    kit_send(&k, "anna-phone", &c);
    rk_say(&k, "anna-phone", 5); /* event 5 */
    ask_for(&k, "anna-phone", 2);
    kit_run(&k);
    struct report r = last_report(&k, "anna-phone", 2);
    assert_int_equal(r.count, 2);
    assert_row(&r, 0, "ben", 0, 0);
    assert_row(&r, 1, "dora", 0, 0);
    ask_for(&k, "anna-phone", 5);
    kit_run(&k);
    r = last_report(&k, "anna-phone", 5);
    assert_int_equal(r.count, 3);
    assert_row(&r, 2, "emil", 0, 0);

    ask_for(&k, "emil-pad", 2); /* from before he joined */
    kit_run(&k);
    assert_true(kit_nacked(&k, "emil-pad", FP_EUNKNOWN));
    ask_for(&k, "carl-pad", 2); /* is out */
    kit_run(&k);
    assert_true(kit_nacked(&k, "carl-pad", FP_EUNKNOWN));
    kit_close(&k);
}

static void what_is_no_message_is_unknown(void **state)
{
    (void)state;
    struct kit k;
    rk_open(&k);
    static const struct {
        uint64_t ref;
        enum fp_err want;
    } cases[] = {{0, FP_EMALFORMED}, {1, FP_EUNKNOWN}, {2, FP_EUNKNOWN}, {UINT64_MAX, FP_EUNKNOWN}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_for(&k, "anna-phone", cases[i].ref);
        kit_run(&k);
        assert_true(kit_nacked(&k, "anna-phone", cases[i].want));
    }
    ask_for(&k, "zoe-pad", 1);
    kit_run(&k);
    assert_true(kit_nacked(&k, "zoe-pad", FP_EUNKNOWN));
    kit_close(&k);
}

static void confirmations_are_joined_to_their_members(void **state)
{
    (void)state;
    struct kit k;
    bool found = false;
    struct store_conv conv;
    struct fp_id kitchen = kit_id("kitchen");
    rk_open(&k);
    rk_say(&k, "anna-phone", 2);
    kit_run(&k);
    struct store_port p = mem_store_port(k.mem);
    assert_int_equal(p.load_conv(p.ctx, &kitchen, &conv, &found), FP_OK);
    assert_int_equal(p.begin(p.ctx), FP_OK);
    static const char *const who[] = {"al", "carl", "emil"}; /* one who sorts before and one behind all members, who have left */
    for (size_t i = 0; i < 3; i++) {
        struct store_confirm c = {.cid = conv.cid, .seq = 2, .user = kit_id(who[i]), .at = {.ms = 77 + i}};
        assert_int_equal(p.save_confirm(p.ctx, &c), FP_OK);
    }
    assert_int_equal(p.commit(p.ctx), FP_OK);
    ask_for(&k, "anna-phone", 2);
    kit_run(&k);
    struct report r = last_report(&k, "anna-phone", 2);
    assert_int_equal(r.count, 3);
    assert_row(&r, 0, "ben", 0, 0);
    assert_int_equal(r.rows[1].confirmed.ms, 78);
    assert_row(&r, 2, "dora", 0, 0);
    kit_close(&k);
}

#define CROWD 200

static void many_with_the_longest_names_fit(void **state)
{
    (void)state;
    static char names[CROWD][FP_ID_MAX + 1];
    static const char *members[CROWD];
    static uint64_t roles[CROWD];
    struct kit k;
    struct kit_body b;
    for (int i = 0; i < CROWD; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "u%03u%032d", (unsigned)i % 1000U, 0);
        members[i] = names[i];
        roles[i] = FP_ROLE_MEMBER;
    }
    kit_open(&k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, CROWD);
    kit_send(&k, "anna-phone", &c);
    rk_say(&k, "anna-phone", 2);
    for (int i = 0; i < CROWD; i++) {
        rk_report(&k, names[i], 2, 2);
    }
    ask_for(&k, "anna-phone", 2);
    kit_run(&k);

    struct fp_reply r;
    struct fp_readers readers;
    struct fp_reader row;
    assert_true(kit_reply(&k, "anna-phone", kit_replies(&k, "anna-phone") - 1, &r));
    assert_int_equal(r.what, FP_REPLY_REPORT);
    assert_int_equal(fp_readers_decode(r.as.report.value, &readers), FP_OK);
    assert_int_equal(readers.count, CROWD);
    while (fp_readers_next(&readers, &row)) {
        assert_int_equal(row.read.ms, k.wall.ms);
    }
    struct fp_receipts shown;
    size_t at = fake_bus_find(&k.bus, RECEIPTS, 0);
    assert_true(at != SIZE_MAX);
    assert_int_equal(fp_receipts_decode(fake_bus_at(&k.bus, at)->tell.payload, &shown), FP_OK);
    assert_int_equal(shown.count, CROWD);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_but_the_author_is_named_with_his_times),
        cmocka_unit_test(a_receipt_of_the_same_batch_is_seen),
        cmocka_unit_test(a_private_read_is_not_reported),
        cmocka_unit_test(who_could_not_see_it_is_not_named),
        cmocka_unit_test(what_is_no_message_is_unknown),
        cmocka_unit_test(confirmations_are_joined_to_their_members),
        cmocka_unit_test(many_with_the_longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
