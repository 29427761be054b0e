#include "fp/command.h"
#include "tests/conformance/store_cases.h"

static struct store_member member_of(uint64_t cid, uint64_t scope, uint64_t user)
{
    return (struct store_member){.cid = cid, .scope = store_script_id("s", scope), .user = store_script_id("u", user), .role = 1, .active = true};
}

static void put(struct store_port p, const struct store_member *m)
{
    assert_int_equal(p.save_member(p.ctx, m), FP_OK);
}

static bool get(struct store_port p, uint64_t cid, uint64_t user, struct store_member *out)
{
    struct fp_id id = store_script_id("u", user);
    bool found = false;

    assert_int_equal(p.load_member(p.ctx, cid, &id, out, &found), FP_OK);
    return found;
}

static void a_member_comes_back_as_saved_and_can_be_replaced(void **state)
{
    struct store_port p = port_of(state);
    struct store_member read = {0};

    begin(p);
    uint64_t cid = add_conv(p, 1, 4);
    struct store_member m = member_of(cid, 4, 1);
    m.joined = 10;
    m.from = 5;
    m.read_msgs = 6;
    m.change = 7;
    put(p, &m);
    commit(p);
    p = restarted(state);
    assert_true(get(p, cid, 1, &read));
    assert_memory_equal(&read.user, &m.user, sizeof m.user);
    assert_memory_equal(&read.scope, &m.scope, sizeof m.scope);
    assert_int_equal(read.joined, 10);
    assert_int_equal(read.from, 5);
    assert_int_equal(read.read_msgs, 6);
    assert_int_equal(read.change, 7);
    assert_false(get(p, cid, 2, &read));
    assert_false(get(p, cid + 1, 1, &read));

    begin(p);
    m.active = false;
    m.role = 3;
    m.change = 8;
    put(p, &m);
    commit(p);
    assert_true(get(p, cid, 1, &read));
    assert_false(read.active);
    assert_int_equal(read.role, 3);
    assert_int_equal(read.change, 8);
}

static void a_rollback_takes_members_back(void **state)
{
    struct store_port p = port_of(state);
    struct fp_id user = store_script_id("u", 1);
    struct store_member read = {0};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    struct store_member m = member_of(cid, 1, 1);
    put(p, &m);
    commit(p);
    begin(p);
    assert_int_equal(p.save_read_msgs(p.ctx, cid, &user, 9), FP_OK);
    m.role = 3;
    put(p, &m);
    m = member_of(cid, 1, 2);
    put(p, &m);
    assert_true(get(p, cid, 2, &read));
    p.rollback(p.ctx);
    assert_false(get(p, cid, 2, &read));
    assert_true(get(p, cid, 1, &read));
    assert_int_equal(read.role, 1);
    assert_int_equal(read.read_msgs, 0);
}

static void a_member_needs_its_conversation_and_a_count_its_member(void **state)
{
    struct store_port p = port_of(state);
    struct store_member m = member_of(5, 1, 1);

    begin(p);
    assert_int_equal(p.save_member(p.ctx, &m), FP_ECORRUPT);
    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    assert_int_equal(p.save_read_msgs(p.ctx, cid, &m.user, 1), FP_ECORRUPT);
    assert_int_equal(p.commit(p.ctx), FP_ECORRUPT); /* T2 */
    assert_false(has_conv(p, 1));
}

static void saving_the_count_changes_nothing_else(void **state)
{
    struct store_port p = port_of(state);
    struct store_member read = {0};

    begin(p);
    struct store_member m = member_of(add_conv(p, 1, 1), 1, 1);
    m.change = 3;
    put(p, &m);
    assert_int_equal(p.save_read_msgs(p.ctx, m.cid, &m.user, 42), FP_OK);
    commit(p);
    assert_true(get(p, m.cid, 1, &read));
    assert_int_equal(read.read_msgs, 42);
    assert_int_equal(read.change, 3);
    assert_true(read.active);
}

struct walk {
    struct store_member last;
    uint64_t cid[16];
    uint64_t head[16];
    size_t count;
    size_t stop_after;
    bool ordered;
};

static bool see_member(void *arg, const struct store_member *m)
{
    struct walk *w = arg;
    bool after = m->user.len > w->last.user.len || (m->user.len == w->last.user.len && memcmp(m->user.text, w->last.user.text, m->user.len) > 0);

    w->ordered = w->ordered && after && m->active;
    w->last = *m;
    return ++w->count != w->stop_after;
}

static void a_thousand_members_come_by_length_then_bytes_without_those_who_left(void **state)
{
    struct store_port p = port_of(state);
    struct walk w = {.ordered = true};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    uint64_t other = add_conv(p, 2, 1);
    for (uint64_t i = 1000; i > 0; i--) {
        struct store_member m = member_of(cid, 1, i * 7919 % 100003);
        m.active = i % 10 != 0;
        put(p, &m);
    }
    struct store_member stranger = member_of(other, 1, 5);
    put(p, &stranger);
    commit(p);
    assert_int_equal(p.each_member(p.ctx, cid, see_member, &w), FP_OK);
    assert_int_equal(w.count, 900);
    assert_true(w.ordered);
    w = (struct walk){.ordered = true, .stop_after = 3};
    assert_int_equal(p.each_member(p.ctx, cid, see_member, &w), FP_OK);
    assert_int_equal(w.count, 3);
    w = (struct walk){0};
    assert_int_equal(p.each_member(p.ctx, 99, see_member, &w), FP_OK);
    assert_int_equal(w.count, 0);
}

static bool see_conv_of(void *arg, const struct store_conv *c, const struct store_member *m)
{
    struct walk *w = arg;

    assert_int_equal(c->cid, m->cid);
    w->cid[w->count] = c->cid;
    w->head[w->count] = c->head;
    return ++w->count != w->stop_after;
}

static void what_a_user_is_in_comes_by_number(void **state)
{
    struct store_port p = port_of(state);
    struct fp_id user = store_script_id("u", 1);
    struct fp_id nobody = store_script_id("u", 9);
    struct walk w = {0};
    uint64_t cid[6];

    begin(p);
    for (uint64_t i = 0; i < 6; i++) {
        cid[i] = add_conv(p, i, 5 - i); /* the scopes the other way round */
        struct store_member m = member_of(cid[i], 5 - i, i == 2 ? 2 : 1);
        m.active = i != 4;
        put(p, &m);
    }
    assert_int_equal(add_run(p, cid[3], 1, 8), FP_OK);
    commit(p);
    assert_int_equal(p.each_conv_of(p.ctx, &user, see_conv_of, &w), FP_OK);
    assert_int_equal(w.count, 4);
    assert_int_equal(w.cid[0], cid[0]);
    assert_int_equal(w.cid[1], cid[1]);
    assert_int_equal(w.cid[2], cid[3]);
    assert_int_equal(w.cid[3], cid[5]);
    assert_int_equal(w.head[2], 8);
    w = (struct walk){.stop_after = 1};
    assert_int_equal(p.each_conv_of(p.ctx, &user, see_conv_of, &w), FP_OK);
    assert_int_equal(w.count, 1);
    w = (struct walk){0};
    assert_int_equal(p.each_conv_of(p.ctx, &nobody, see_conv_of, &w), FP_OK);
    assert_int_equal(w.count, 0);
}

static void check_scope(struct store_port p, const uint64_t scope_user[2], uint8_t role, bool exists)
{
    struct fp_id scope = store_script_id("s", scope_user[0]);
    struct fp_id user = store_script_id("u", scope_user[1]);
    uint8_t got_role = 77;
    bool got_exists = !exists;

    assert_int_equal(p.load_scope(p.ctx, &scope, &user, &got_role, &got_exists), FP_OK);
    assert_int_equal(got_role, role);
    assert_int_equal(got_exists, exists);
}

static void a_scope_knows_the_highest_role_of_who_is_still_in_it(void **state)
{
    struct store_port p = port_of(state);
    static const struct {
        uint64_t scope, user;
        uint8_t role;
        bool active;
    } rows[] = {{1, 1, 0, true}, {1, 1, 2, true}, {1, 1, 3, false}, {2, 1, 3, true}, {1, 2, 1, false}, {1, 3, 0, true}};

    begin(p);
    for (uint64_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_member m = member_of(add_conv(p, i, rows[i].scope), rows[i].scope, rows[i].user);
        m.role = rows[i].role;
        m.active = rows[i].active;
        put(p, &m);
    }
    commit(p);
    check_scope(p, (uint64_t[]){1, 1}, 2, true);
    check_scope(p, (uint64_t[]){2, 1}, 3, true);
    check_scope(p, (uint64_t[]){1, 2}, FP_ROLE_NONE, true);
    check_scope(p, (uint64_t[]){1, 3}, 0, true);
    check_scope(p, (uint64_t[]){3, 1}, FP_ROLE_NONE, false);
}

const struct CMUnitTest store_cases_member[] = {
    cmocka_unit_test(a_member_comes_back_as_saved_and_can_be_replaced),
    cmocka_unit_test(a_rollback_takes_members_back),
    cmocka_unit_test(a_member_needs_its_conversation_and_a_count_its_member),
    cmocka_unit_test(saving_the_count_changes_nothing_else),
    cmocka_unit_test(a_thousand_members_come_by_length_then_bytes_without_those_who_left),
    cmocka_unit_test(what_a_user_is_in_comes_by_number),
    cmocka_unit_test(a_scope_knows_the_highest_role_of_who_is_still_in_it),
    {.name = NULL},
};
