#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/export.h"

/* Three events and their chain, as in tests/unit/core/test_chain.c; the second also as it is told once its body is gone. */
#define FIRST "a80114020103676b69746368656e0aa1016568656c6c6f1001111b0000018bcfe568001264616e6e61136a616e6e612d70686f6e65"
#define SECOND_HEAD "0114020203676b69746368656e0401060008010a"
#define SECOND_TAIL "0f50000102030405060708090a0b0c0d0e0f1002111b0000018bcfe569f4126362656e136962656e2d70686f6e6514"
#define COMPOSED "15821b0000018bcfe540f01903f2"
#define HASH "175820260593af69b76e221e9bcd6ad549b219048a336b1ac23b088b84e287f92868cd"
#define SECOND "ae" SECOND_HEAD "a2016673656372657406f5" SECOND_TAIL "10" COMPOSED
#define SECOND_CHANGED "ae" SECOND_HEAD "a2016673656372657506f5" SECOND_TAIL "10" COMPOSED
#define SECOND_REDACTED "af" SECOND_HEAD "f6" SECOND_TAIL "1830" COMPOSED HASH
#define THIRD "a90116020303676b69746368656e080209031003111b0000018bcfe56be8126362656e136962656e2d70686f6e65"
#define THIRD_WITH_MORE "aa0116020303676b69746368656e080209031003111b0000018bcfe56be8126362656e136962656e2d70686f6e65182000"
#define NONE "0000000000000000000000000000000000000000000000000000000000000000"
#define AFTER_1 "e8f8dbd843b90a65d022d97106613ba7a7f6a56ac7c44757fe7fa233a2262ef2"
#define AFTER_2 "757981cf42deefb06d8c7bd07673842ce4de08eaa79dc079e651214e606d2822"
#define AFTER_3 "18aaeb6e6c372fe030301fd13f9167286f553bc18c898b57af675a21d71a2b2f"

static struct export_file file, other;
static struct str why;

static struct fp_bytes made(uint64_t from, const char *before, uint64_t to, const char *after, const char *events)
{
    struct export_head h = {.conv = id_of("kitchen"), .epoch = 7, .from = from, .to = to};
    struct fp_bytes chains[] = {hex(before), hex(after), hex(events)};
    uint8_t head[EXPORT_HEAD_MAX];
    struct fp_enc e;
    memcpy(h.before.digest, chains[0].p, CHAIN_BYTES);
    memcpy(h.after.digest, chains[1].p, CHAIN_BYTES);
    fp_enc_init(&e, head, sizeof head);
    export_put_head(&e, &h);
    assert_false(e.failed);
    uint8_t *all = malloc(e.len + chains[2].len);
    assert_non_null(all);
    memcpy(all, head, e.len);
    memcpy(all + e.len, chains[2].p, chains[2].len);
    for (size_t i = 0; i < 3; i++) {
        hex_free(chains[i]);
    }
    return fp_bytes_of(all, e.len + chains[2].len);
}

static void fine(struct fp_bytes in, uint64_t count)
{
    assert_true(export_open(&file, in, &why));
    assert_str(why, "");
    assert_int_equal(file.count, count);
    export_close(&file);
    hex_free(in);
}

static void wrong(struct fp_bytes in, uint64_t seq, const char *want)
{
    assert_false(export_open(&file, in, &why));
    assert_str(why, want);
    assert_int_equal(file.bad_seq, seq);
    export_close(&file);
    hex_free(in);
}

static void what_was_exported_verifies(void **state)
{
    (void)state;
    fine(made(1, NONE, 3, AFTER_3, FIRST SECOND THIRD), 3);
    fine(made(2, AFTER_1, 2, AFTER_2, SECOND), 1);
    fine(made(3, AFTER_2, 3, AFTER_3, THIRD), 1);
}

static void the_head_reads_back(void **state)
{
    (void)state;
    struct fp_bytes in = made(2, AFTER_1, 2, AFTER_2, SECOND);
    struct str line = {0};
    assert_true(export_open(&file, in, &why));
    assert_id(file.head.conv, "kitchen");
    assert_int_equal(file.head.epoch, 7);
    assert_bytes(fp_bytes_of(file.head.before.digest, CHAIN_BYTES), AFTER_1);
    export_show(&line, false, true, "f", &file.head);
    assert_str(line, "verified: 1 event, kitchen #2 to #2, chain " AFTER_2 "\n");
    str_clear(&line);
    export_show(&line, true, false, "f", &file.head);
    assert_str(line, "{\"type\":\"export\",\"file\":\"f\",\"conv\":\"kitchen\",\"from\":2,\"to\":2,\"events\":1,\"chain\":\"" AFTER_2 "\"}\n");
    export_close(&file);
    str_fini(&line);
    hex_free(in);
}

static void a_body_that_is_gone_verifies_by_its_hash(void **state)
{
    (void)state;
    fine(made(1, NONE, 3, AFTER_3, FIRST SECOND_REDACTED THIRD), 3);
}

#define CHANGED "the chain over #1 to #3 is another than the file says: at least one event was changed"

static void a_changed_byte_is_found(void **state)
{
    (void)state;
    wrong(made(1, NONE, 3, AFTER_3, FIRST SECOND_CHANGED THIRD), 0, CHANGED);
    wrong(made(1, NONE, 3, AFTER_2, FIRST SECOND THIRD), 0, CHANGED);
    wrong(made(1, AFTER_1, 3, AFTER_3, FIRST SECOND THIRD), 0, CHANGED);
}

/* Whichever byte of the events it is: nothing is outside of the chain, and nothing falls over. */
static void every_bit_counts(void **state)
{
    (void)state;
    struct fp_bytes in = made(1, NONE, 3, AFTER_3, FIRST SECOND THIRD);
    size_t events = strlen(FIRST SECOND THIRD) / 2;
    for (size_t bit = 0; bit < 8 * events; bit++) {
        uint8_t *byte = (uint8_t *)(uintptr_t)in.p + in.len - events + bit / 8;
        *byte ^= (uint8_t)(1U << bit % 8);
        assert_false(export_open(&file, in, &why));
        assert_int_not_equal(why.len, 0);
        export_close(&file);
        *byte ^= (uint8_t)(1U << bit % 8);
    }
    fine(in, 3);
}

static void a_missing_event_is_named(void **state)
{
    (void)state;
    wrong(made(1, NONE, 3, AFTER_3, FIRST THIRD), 2, "#2 is missing");
    wrong(made(1, NONE, 3, AFTER_3, SECOND THIRD), 1, "#1 is missing");
    wrong(made(1, NONE, 3, AFTER_3, FIRST SECOND), 3, "#3 is missing at the end");
    wrong(made(1, NONE, 3, AFTER_3, FIRST), 2, "#2 to #3 are missing at the end");
    wrong(made(1, NONE, 3, AFTER_3, THIRD), 1, "#1 to #2 are missing");
}

static void another_order_is_named(void **state)
{
    (void)state;
    wrong(made(1, NONE, 3, AFTER_3, FIRST THIRD SECOND), 3, "#3 stands where #2 should be: out of order");
    wrong(made(1, NONE, 3, AFTER_3, FIRST FIRST SECOND), 1, "#1 stands where #2 should be: out of order");
    wrong(made(1, NONE, 2, AFTER_2, FIRST THIRD), 3, "#3 stands where #2 should be: out of order");
    wrong(made(1, NONE, 2, AFTER_2, FIRST SECOND THIRD), 0, "there is something behind the last event, #2");
}

static void what_the_chain_does_not_cover_is_not_let_through(void **state)
{
    (void)state;
    wrong(made(1, NONE, 3, AFTER_3, FIRST SECOND THIRD_WITH_MORE), 3, "#3 is no event of this conversation in a form that the chain covers");
    wrong(made(1, NONE, 3, AFTER_3, FIRST "01" THIRD), 2, "#2 is no event of this conversation in a form that the chain covers");
}

/* Wherever it ends. */
static void a_file_that_was_cut_off_is_found(void **state)
{
    (void)state;
    struct fp_bytes in = made(1, NONE, 3, AFTER_3, FIRST SECOND THIRD);
    for (size_t len = 0; len < in.len; len++) {
        uint8_t *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, in.p, len);
        assert_false(export_open(&file, fp_bytes_of(exact, len), &why));
        export_close(&file);
        free(exact);
    }
    hex_free(in);
    wrong(hex(""), 0, "this is no exported conversation");
    wrong(hex("a101 01"), 0, "this is no exported conversation");
}

static void another_version_is_named(void **state)
{
    (void)state;
    wrong(hex("a2 01 70 6669656c64706f73742d6578706f7274 02 09"), 0, "it is of version 9, which this release cannot read");
}

static void compared(struct fp_bytes a, struct fp_bytes b, bool common, struct export_diff want)
{
    struct export_diff diff;
    (void)export_open(&file, a, &why); /* one that is not fine is compared as far as it goes */
    (void)export_open(&other, b, &why);
    assert_int_equal(export_compare(&file, &other, &diff), common);
    if (common) {
        assert_int_equal(diff.from, want.from);
        assert_int_equal(diff.to, want.to);
        assert_int_equal(diff.differs, want.differs);
        assert_int_equal(diff.earlier, want.earlier);
    }
    export_close(&file);
    export_close(&other);
    hex_free(a);
    hex_free(b);
}

static void two_files_agree_or_the_first_difference_is_found(void **state)
{
    (void)state;
    compared(made(1, NONE, 3, AFTER_3, FIRST SECOND THIRD), made(1, NONE, 3, AFTER_3, FIRST SECOND_REDACTED THIRD), true,
             (struct export_diff){.from = 1, .to = 3});
    compared(made(1, NONE, 3, AFTER_3, FIRST SECOND THIRD), made(2, AFTER_1, 2, AFTER_2, SECOND), true, (struct export_diff){.from = 2, .to = 2});
    compared(made(1, NONE, 3, AFTER_3, FIRST SECOND_CHANGED THIRD), made(1, NONE, 3, AFTER_3, FIRST SECOND THIRD), true,
             (struct export_diff){.from = 1, .to = 3, .differs = 2});
    compared(made(1, NONE, 3, AFTER_3, FIRST SECOND_CHANGED THIRD), made(3, AFTER_2, 3, AFTER_3, THIRD), true,
             (struct export_diff){.from = 3, .to = 3, .earlier = true});
    compared(made(1, NONE, 1, AFTER_1, FIRST), made(2, AFTER_1, 2, AFTER_2, SECOND), false, (struct export_diff){0});
}

static int done(void **state)
{
    (void)state;
    str_fini(&why);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_exported_verifies),
        cmocka_unit_test(the_head_reads_back),
        cmocka_unit_test(a_body_that_is_gone_verifies_by_its_hash),
        cmocka_unit_test(a_changed_byte_is_found),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(a_missing_event_is_named),
        cmocka_unit_test(another_order_is_named),
        cmocka_unit_test(what_the_chain_does_not_cover_is_not_let_through),
        cmocka_unit_test(a_file_that_was_cut_off_is_found),
        cmocka_unit_test(another_version_is_named),
        cmocka_unit_test(two_files_agree_or_the_first_difference_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
