#include "tests/unit/hub/change_kit.h"

struct walk {
    struct fp_event evs[256]; /* by seq */
    size_t pages;
    size_t longest; /* bytes of a page's content */
    uint64_t last;
};

/* All that is told to cleo as pages: every seq behind `after` once, in order. */
static void fetch(struct kit *k, uint64_t after, struct walk *w)
{
    struct kit_body b;
    struct fp_reply r;
    kit_clear(k);
    struct fp_command c = kit_get(&b, "kitchen", after, 0, 0, false);
    kit_send(k, "cleo-phone", &c);
    kit_run(k);
    kit_idle(k);
    memset(w, 0, sizeof(*w));
    w->last = after;
    for (size_t i = 0; kit_reply(k, "cleo-phone", i, &r); i++) {
        assert_int_equal(r.what, FP_REPLY_PAGE);
        assert_int_equal(r.as.page.from, w->last + 1);
        struct fp_dec d;
        fp_dec_init(&d, r.as.page.content);
        for (size_t left = fp_dec_array(&d); left > 0; left--) {
            struct fp_event ev;
            assert_int_equal(fp_event_decode(fp_dec_raw(&d), &ev), FP_OK);
            assert_int_equal(ev.seq, w->last + 1);
            assert_true(ev.seq < 256);
            w->evs[ev.seq] = ev;
            w->last = ev.seq;
        }
        assert_true(fp_dec_done(&d));
        assert_int_equal(r.as.page.to, w->last);
        w->longest = r.as.page.content.len > w->longest ? r.as.page.content.len : w->longest;
        w->pages++;
        assert_int_equal(r.as.page.more, w->last < head_of(k));
    }
    assert_int_equal(w->last, head_of(k));
}

static void a_superseded_body_leaves_and_the_one_that_stands_stays(void **state)
{
    (void)state;
    struct kit k;
    struct walk w;
    open_kitchen(&k);
    say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    say(&k, "carl-phone", FP_K_MSG, 2, 0, "plans");
    say(&k, "carl-phone", FP_K_EDIT, 3, 2, "one");
    say(&k, "carl-phone", FP_K_EDIT, 4, 2, "two");
    say(&k, "cleo-phone", FP_K_REACT, 1, 2, "+1");
    kit_run(&k);
    fetch(&k, 0, &w);
    assert_gone(&w.evs[2], "noon");
    assert_gone(&w.evs[4], "one");
    assert_stands(&w.evs[3], "plans");
    assert_stands(&w.evs[5], "two");
    assert_stands(&w.evs[6], "+1");
    assert_int_equal(w.evs[2].flags, 0);
    kit_close(&k);
}

static void a_deleted_message_and_its_edits_leave(void **state)
{
    (void)state;
    struct kit k;
    struct walk w;
    struct stored s;
    open_kitchen(&k);
    say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    say(&k, "carl-phone", FP_K_EDIT, 2, 2, "one");
    say(&k, "carl-phone", FP_K_DELETE, 3, 2, NULL);
    say(&k, "carl-phone", FP_K_EDIT, 4, 2, "two");
    kit_run(&k);
    fetch(&k, 0, &w);
    assert_gone(&w.evs[2], "noon");
    assert_gone(&w.evs[3], "one");
    assert_int_equal(w.evs[4].body.len, 0);
    assert_int_equal(w.evs[4].body_hash.len, 0);
    assert_gone(&w.evs[5], "two"); /* too late, lost, and of something that is gone */
    assert_int_equal(w.evs[5].flags, FP_FLAG_CONFLICT);
    struct fp_event ev = stored_event(&k, 2, &s); /* on disk it stays until it is redacted */
    assert_stands(&ev, "noon");
    kit_close(&k);
}

static void a_lost_edit_of_what_stands_plain_stays(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct walk w;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    struct fp_command c = about_msg(&b, FP_K_EDIT, 2, 2, "one");
    c.has_base = true;
    c.base = 1;
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    fetch(&k, 0, &w);
    assert_stands(&w.evs[2], "noon");
    assert_stands(&w.evs[3], "one");
    kit_close(&k);
}

static void the_edited_message_may_be_in_front_of_the_page(void **state)
{
    (void)state;
    struct kit k;
    struct walk w;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "carl-phone", FP_K_MSG, 2, 0, "plans");
    do_say(&k, "carl-phone", FP_K_EDIT, 3, 2, "one");
    do_say(&k, "carl-phone", FP_K_EDIT, 4, 3, "other plans");
    do_say(&k, "carl-phone", FP_K_EDIT, 5, 2, "two");
    fetch(&k, 3, &w);
    assert_gone(&w.evs[4], "one");
    assert_stands(&w.evs[5], "other plans");
    assert_stands(&w.evs[6], "two");
    kit_close(&k);
}

static void what_was_redacted_is_told_as_such(void **state)
{
    (void)state;
    struct kit k;
    struct walk w;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "ben-phone", FP_K_REDACT, 1, 2, NULL);
    fetch(&k, 0, &w);
    assert_gone(&w.evs[2], "noon");
    assert_int_equal(w.evs[2].flags, FP_FLAG_REDACTED);
    kit_close(&k);
}

static void who_has_all_pages_gets_the_chain(void **state) /* K1, end to end */
{
    (void)state;
    struct kit k;
    struct walk w;
    struct chain c = {0};
    open_kitchen(&k);
    for (uint64_t i = 0; i < 10; i++) {
        do_say(&k, "carl-phone", FP_K_MSG, 3 * i + 1, 0, "noon");
        do_say(&k, "carl-phone", FP_K_EDIT, 3 * i + 2, 3 * i + 2, "one");
        do_say(&k, "carl-phone", FP_K_DELETE, 3 * i + 3, 3 * (i / 2) + 2, NULL); /* every other one is refused */
        if (head_of(&k) < 3 * i + 4) {
            do_say(&k, "ben-phone", FP_K_MSG, i + 1, 0, "it is gone");
        }
    }
    fetch(&k, 0, &w);
    for (uint64_t seq = 1; seq <= w.last; seq++) {
        assert_int_equal(chain_extend(&c, &w.evs[seq]), FP_OK);
    }
    struct chain want = stored_chain(&k, w.last);
    assert_memory_equal(&c, &want, sizeof(c));
    kit_close(&k);
}

/* A hash is longer than a short body: what was cut off comes in the next page. */
static void pages_keep_their_size(void **state)
{
    (void)state;
    struct kit k;
    struct walk w;
    open_kitchen(&k);
    for (uint64_t n = 1; n <= 80; n++) {
        say(&k, "carl-phone", FP_K_MSG, n, 0, "x");
    }
    kit_run(&k);
    for (uint64_t n = 81; n <= 160; n++) {
        say(&k, "carl-phone", FP_K_DELETE, n, n - 79, NULL);
    }
    kit_run(&k);
    k.config.page_bytes = 2048;
    hub_reconfigure(k.hub, &k.config);
    fetch(&k, 0, &w);
    assert_true(w.pages > 5);
    assert_true(w.longest <= 2048 + 3); /* the array's head */
    for (uint64_t seq = 2; seq <= 81; seq++) {
        assert_gone(&w.evs[seq], "x");
    }
    kit_close(&k);
}

static void an_event_that_outgrows_the_page_comes_alone(void **state)
{
    (void)state;
    struct kit k;
    struct walk w;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "x");
    do_say(&k, "carl-phone", FP_K_MSG, 2, 0, "y");
    do_say(&k, "carl-phone", FP_K_DELETE, 3, 2, NULL);
    do_say(&k, "carl-phone", FP_K_DELETE, 4, 3, NULL);
    k.config.page_bytes = 60; /* no event is so short */
    hub_reconfigure(k.hub, &k.config);
    fetch(&k, 0, &w);
    assert_int_equal(w.pages, 5);
    assert_gone(&w.evs[2], "x");
    assert_gone(&w.evs[3], "y");
    kit_close(&k);
}

static void a_store_that_fails_once_tells_no_body_that_is_gone(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t at = 1; failed; at++) {
        struct kit k;
        struct walk w;
        struct kit_body b;
        open_kitchen(&k);
        do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
        do_say(&k, "carl-phone", FP_K_EDIT, 2, 2, "zzz");
        do_say(&k, "carl-phone", FP_K_EDIT, 3, 2, "two");
        kit_idle(&k);
        kit_clear(&k);
        fault_store_arm(&k.fault, at, FP_EIO, false);
        struct fp_command c = kit_get(&b, "kitchen", 2, 0, 0, false);
        kit_send(&k, "cleo-phone", &c);
        kit_run(&k);
        kit_idle(&k);
        failed = k.fault.failed > 0;
        fault_store_disarm(&k.fault);
        for (size_t i = 0; i < k.bus.count; i++) {
            struct fp_bytes p = fake_bus_at(&k.bus, i)->tell.payload;
            for (size_t j = 0; j + 3 <= p.len; j++) {
                assert_true(memcmp(p.p + j, "zzz", 3) != 0);
            }
        }
        fetch(&k, 2, &w);
        assert_gone(&w.evs[3], "zzz");
        kit_close(&k);
        assert_true(at < 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superseded_body_leaves_and_the_one_that_stands_stays),
        cmocka_unit_test(a_deleted_message_and_its_edits_leave),
        cmocka_unit_test(a_lost_edit_of_what_stands_plain_stays),
        cmocka_unit_test(the_edited_message_may_be_in_front_of_the_page),
        cmocka_unit_test(what_was_redacted_is_told_as_such),
        cmocka_unit_test(who_has_all_pages_gets_the_chain),
        cmocka_unit_test(pages_keep_their_size),
        cmocka_unit_test(an_event_that_outgrows_the_page_comes_alone),
        cmocka_unit_test(a_store_that_fails_once_tells_no_body_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
