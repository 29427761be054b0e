#include "tests/unit/hub/change_kit.h"

static size_t scrubs;
static enum fp_err scrub_says;

static enum fp_err counted_scrub(void *ctx)
{
    (void)ctx;
    scrubs++;
    return scrub_says;
}

static void open_counted(struct kit *k)
{
    struct mem_store *mem = mem_store_new();
    struct store_info info = mem_store_info(mem);
    struct store_port port = mem_store_port(mem);
    port.scrub = counted_scrub;
    scrubs = 0;
    scrub_says = FP_OK;
    kit_open_on(k, port, &info);
    k->mem = mem;
    begin_kitchen(k);
}

static void redact(struct kit *k, const char *device, uint64_t n, uint64_t ref)
{
    do_say(k, device, FP_K_REDACT, n, ref, "a phone number");
}

/* A message, two edits of it, one that lost, and another message between them. */
static void say_secret(struct kit *k)
{
    struct kit_body b;
    say(k, "carl-phone", FP_K_MSG, 1, 0, "secret");   /* 2 */
    say(k, "carl-phone", FP_K_MSG, 2, 0, "harmless"); /* 3 */
    kit_run(k);
    do_say(k, "carl-phone", FP_K_EDIT, 3, 2, "secret again");                 /* 4 */
    struct fp_command c = about_msg(&b, FP_K_EDIT, 4, 2, "secret that lost"); /* 5 */
    c.has_base = true;
    c.base = 2;
    kit_send(k, "carl-phone", &c);
    say(k, "carl-phone", FP_K_EDIT, 5, 3, "harmless still"); /* 6 */
    kit_run(k);
}

static void assert_redacted(const struct kit *k)
{
    struct stored s;
    static const struct {
        uint64_t seq, flags;
        const char *text;
    } gone[] = {{2, FP_FLAG_REDACTED, "secret"}, {4, FP_FLAG_REDACTED, "secret again"}, {5, FP_FLAG_REDACTED | FP_FLAG_CONFLICT, "secret that lost"}};
    for (size_t i = 0; i < 3; i++) {
        struct fp_event ev = stored_event(k, gone[i].seq, &s);
        assert_gone(&ev, gone[i].text);
        assert_int_equal(ev.flags, gone[i].flags);
    }
    struct fp_event ev = stored_event(k, 3, &s);
    assert_stands(&ev, "harmless");
    ev = stored_event(k, 6, &s);
    assert_stands(&ev, "harmless still");
}

static void the_bodies_leave_and_the_chain_does_not_change(void **state)
{
    (void)state;
    struct kit k;
    open_counted(&k);
    say_secret(&k);
    struct chain before = stored_chain(&k, 6);
    redact(&k, "ben-phone", 1, 2);
    assert_true(kit_acked(&k, "ben-phone", 1, 7));
    assert_redacted(&k);
    struct chain after = stored_chain(&k, 6);
    assert_memory_equal(&before, &after, sizeof(before));
    (void)stored_chain(&k, 7);
    assert_row(&k, 2, TARGET_REDACTED, 7, 0);
    struct fp_event ev = told_event(&k);
    assert_int_equal(ev.kind, FP_K_REDACT);
    assert_int_equal(ev.ref, 2);
    assert_int_equal(ev.version, 7);
    assert_stands(&ev, "a phone number");
    kit_close(&k);
}

static void what_was_never_edited_is_redacted_too(void **state)
{
    (void)state;
    struct kit k;
    struct stored s;
    open_counted(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "secret");
    do_say(&k, "anna-phone", FP_K_REDACT, 2, 2, NULL); /* without a reason */
    assert_true(kit_acked(&k, "anna-phone", 2, 3));
    struct fp_event ev = stored_event(&k, 2, &s);
    assert_gone(&ev, "secret");
    (void)stored_chain(&k, 3);
    kit_close(&k);
}

static void it_may_have_been_said_in_the_same_batch(void **state)
{
    (void)state;
    struct kit k;
    struct stored s;
    open_counted(&k);
    say(&k, "carl-phone", FP_K_MSG, 1, 0, "secret");
    say(&k, "carl-phone", FP_K_EDIT, 2, 2, "secret again");
    say(&k, "ben-phone", FP_K_REDACT, 1, 2, NULL);
    say(&k, "carl-phone", FP_K_MSG, 3, 0, "why?");
    kit_run(&k);
    assert_true(kit_acked(&k, "carl-phone", 3, 5));
    struct fp_event ev = stored_event(&k, 2, &s);
    assert_gone(&ev, "secret");
    ev = stored_event(&k, 3, &s);
    assert_gone(&ev, "secret again");
    ev = stored_event(&k, 5, &s);
    assert_stands(&ev, "why?");
    (void)stored_chain(&k, 5);
    kit_close(&k);
}

static void only_managers_and_owners_redact(void **state)
{
    (void)state;
    struct kit k;
    open_counted(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "secret");
    redact(&k, "carl-phone", 2, 2); /* not even his own */
    assert_refused(&k, "carl-phone", FP_EDENIED, 2);
    redact(&k, "dora-phone", 1, 2);
    assert_refused(&k, "dora-phone", FP_EDENIED, 2);
    redact(&k, "eve-phone", 1, 2);
    assert_refused(&k, "eve-phone", FP_EUNKNOWN, 2);
    kit_close(&k);
}

static void a_service_redacts_and_so_do_managers_what_an_owner_wrote(void **state)
{
    (void)state;
    struct kit k;
    open_counted(&k);
    k.config.services[0] = kit_id("platform");
    k.config.service_count = 1;
    hub_reconfigure(k.hub, &k.config);
    do_say(&k, "anna-phone", FP_K_MSG, 2, 0, "secret");
    do_say(&k, "anna-phone", FP_K_MSG, 3, 0, "secret two");
    redact(&k, "platform", 1, 2);
    assert_true(kit_acked(&k, "platform", 1, 4));
    redact(&k, "ben-phone", 1, 3);
    assert_true(kit_acked(&k, "ben-phone", 1, 5));
    kit_close(&k);
}

static void what_is_deleted_is_redacted_but_what_is_redacted_is_not(void **state)
{
    (void)state;
    struct kit k;
    struct stored s;
    open_counted(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "secret");
    do_say(&k, "carl-phone", FP_K_DELETE, 2, 2, NULL);
    redact(&k, "ben-phone", 1, 2);
    assert_true(kit_acked(&k, "ben-phone", 1, 4));
    struct fp_event ev = stored_event(&k, 2, &s);
    assert_gone(&ev, "secret");
    redact(&k, "ben-phone", 2, 2);
    assert_refused(&k, "ben-phone", FP_ECONFLICT, 4);
    do_say(&k, "carl-phone", FP_K_DELETE, 3, 2, NULL);
    assert_refused(&k, "carl-phone", FP_ECONFLICT, 4);
    kit_close(&k);
}

/* It was written before its author knew: kept as a lost edit, it would hold what had to go, and nothing could take it away. */
static void an_edit_that_comes_after_the_redaction_is_refused(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    say_secret(&k);
    redact(&k, "ben-phone", 1, 2);
    assert_redacted(&k);
    do_say(&k, "carl-phone", FP_K_EDIT, 6, 2, "secret, late");
    assert_refused(&k, "carl-phone", FP_ECONFLICT, 7);
    assert_redacted(&k);
    kit_close(&k);
}

static void a_bad_body_redacts_nothing(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct stored s;
    static const uint8_t null_item = 0xf6;
    open_counted(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "secret");
    struct fp_command c = about_msg(&b, FP_K_REDACT, 1, 2, NULL);
    c.body = fp_bytes_of(&null_item, 1);
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    assert_refused(&k, "ben-phone", FP_EMALFORMED, 2);
    struct fp_event ev = stored_event(&k, 2, &s);
    assert_stands(&ev, "secret");
    kit_close(&k);
}

/* ------------------------------------------------------------------ the files */

static void a_redaction_scrubs_the_files_once(void **state)
{
    (void)state;
    struct kit k;
    open_counted(&k);
    kit_idle(&k);
    assert_int_equal(scrubs, 1); /* after the start: a redaction may have come before it */
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "secret");
    kit_idle(&k);
    assert_int_equal(scrubs, 1);
    redact(&k, "ben-phone", 1, 2);
    kit_idle(&k);
    assert_int_equal(scrubs, 2);
    redact(&k, "ben-phone", 2, 2); /* refused */
    kit_idle(&k);
    assert_int_equal(scrubs, 2);
    kit_close(&k);
}

static void files_that_are_held_are_scrubbed_later(void **state)
{
    (void)state;
    struct kit k;
    open_counted(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "secret");
    kit_idle(&k);
    scrubs = 0;
    scrub_says = FP_EBUSY;
    redact(&k, "ben-phone", 1, 2);
    assert_int_equal(k.last, FP_OK);
    assert_true(kit_acked(&k, "ben-phone", 1, 3));
    kit_idle(&k);
    assert_int_equal(scrubs, 1);
    assert_true(hub_wait_us(k.hub, k.mono) <= 1000000);
    kit_pass(&k, 1001);
    scrub_says = FP_OK;
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(scrubs, 2);
    kit_pass(&k, 5000);
    kit_run(&k);
    assert_int_equal(scrubs, 2);
    kit_close(&k);
}

/* ------------------------------------------------------------------ faults */

static void a_store_that_fails_once_redacts_all_or_nothing(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t at = 1; failed; at++) {
        struct kit k;
        open_counted(&k);
        say_secret(&k);
        struct chain before = stored_chain(&k, 6);
        kit_idle(&k);
        scrubs = 0;
        fault_store_arm(&k.fault, at, FP_EIO, false);
        say(&k, "carl-phone", FP_K_MSG, 6, 0, "and more");
        redact(&k, "ben-phone", 1, 2);
        failed = k.fault.failed > 0;
        fault_store_disarm(&k.fault);
        assert_int_equal(head_of(&k), 8); /* the replay has taken both */
        assert_redacted(&k);
        struct chain after = stored_chain(&k, 6);
        assert_memory_equal(&before, &after, sizeof(before));
        (void)stored_chain(&k, 8);
        kit_pass(&k, 1001);
        kit_run(&k);
        assert_true(scrubs > 0);
        kit_close(&k);
        assert_true(at < 500);
    }
}

static void a_store_that_is_dead_keeps_the_bodies_and_says_so(void **state)
{
    (void)state;
    struct kit k;
    struct stored s;
    open_counted(&k);
    say_secret(&k);
    kit_idle(&k);
    fault_store_arm(&k.fault, 1, FP_EFULL, true);
    redact(&k, "ben-phone", 1, 2);
    assert_true(kit_nacked(&k, "ben-phone", FP_EFULL));
    fault_store_disarm(&k.fault);
    struct fp_event ev = stored_event(&k, 2, &s);
    assert_stands(&ev, "secret");
    assert_row(&k, 2, TARGET_EDITED, 4, 4);
    redact(&k, "ben-phone", 1, 2);
    assert_true(kit_acked(&k, "ben-phone", 1, 7));
    assert_redacted(&k);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bodies_leave_and_the_chain_does_not_change),
        cmocka_unit_test(what_was_never_edited_is_redacted_too),
        cmocka_unit_test(it_may_have_been_said_in_the_same_batch),
        cmocka_unit_test(only_managers_and_owners_redact),
        cmocka_unit_test(a_service_redacts_and_so_do_managers_what_an_owner_wrote),
        cmocka_unit_test(what_is_deleted_is_redacted_but_what_is_redacted_is_not),
        cmocka_unit_test(an_edit_that_comes_after_the_redaction_is_refused),
        cmocka_unit_test(a_bad_body_redacts_nothing),
        cmocka_unit_test(a_redaction_scrubs_the_files_once),
        cmocka_unit_test(files_that_are_held_are_scrubbed_later),
        cmocka_unit_test(a_store_that_fails_once_redacts_all_or_nothing),
        cmocka_unit_test(a_store_that_is_dead_keeps_the_bodies_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
