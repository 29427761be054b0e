#include "hex.h"

#include "fp/command.h"

#define SHA "5820 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SHA_31 "581f 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"

static void a_message_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a6 01 626869 02 63612f62 03 81 a4 01 " SHA " 02 0a 03 63612f62 04 6166 04 a3 01 1832 02 fb401c000000000000 03 05"
                             " 05 617a 06 f5");
    struct fp_msg m;
    const char *why;
    assert_int_equal(fp_msg_decode(in, &m, &why), FP_OK);
    assert_true(m.has_text && m.must_confirm);
    assert_text(m.text, "hi");
    assert_int_equal(m.attachment_count, 1);
    hex_free(in);
}

static void a_text_an_attachment_or_a_place_is_enough_and_less_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *why; /* NULL = taken */
    } rows[] = {
        {"a1 01 6161", NULL},
        {"a1 03 81 a2 01 " SHA " 02 00", NULL},
        {"a1 04 a2 01 00 02 00", NULL},
        {"a2 01 6161 181e 820102", NULL},
        {"a2 01 6161 6178 00", NULL},
        {"a0", "message: needs a text, an attachment or a place"},
        {"a1 01 60", "message: needs a text, an attachment or a place"},
        {"a1 03 80", "message: needs a text, an attachment or a place"},
        {"a1 06 f5", "message: needs a text, an attachment or a place"},
        {"", "message: its body is missing or no map"},
        {"f6", "message: its body is missing or no map"},
        {"a1 01 4161", "text: not a text"},
        {"a2 01 6161 02 05", "media type: not a text"},
        {"a2 01 6161 03 a0", "attachments: not an array"},
        {"a2 01 6161 03 81 00", "attachments: one is not a map"},
        {"a2 01 6161 03 81 a0", "attachments: one lacks its hash or its size"},
        {"a2 01 6161 03 81 a1 01 " SHA, "attachments: one lacks its hash or its size"},
        {"a2 01 6161 03 81 a1 02 05", "attachments: one lacks its hash or its size"},
        {"a2 01 6161 03 81 a2 01 " SHA_31 " 02 05", "attachments: a hash is not 32 bytes"},
        {"a2 01 6161 03 81 a2 01 6161 02 05", "attachments: a hash is not 32 bytes"},
        {"a2 01 6161 03 81 a2 01 " SHA " 02 20", "attachments: a size is not a number"},
        {"a2 01 6161 03 81 a3 01 " SHA " 02 05 03 00", "attachments: a media type is not a text"},
        {"a2 01 6161 03 81 a3 01 " SHA " 02 05 04 00", "attachments: a name is not a text"},
        {"a2 01 6161 04 80", "place: not a map"},
        {"a2 01 6161 04 a1 01 00", "place: needs a latitude and a longitude"},
        {"a2 01 6161 04 a1 02 00", "place: needs a latitude and a longitude"},
        {"a1 04 a2 01 185a 02 18b4", NULL},
        {"a1 04 a2 01 3859 02 38b3", NULL},
        {"a1 04 a2 01 185b 02 00", "place: its latitude is not a number from -90 to 90"},
        {"a1 04 a2 01 385a 02 00", "place: its latitude is not a number from -90 to 90"},
        {"a1 04 a2 01 00 02 18b5", "place: its longitude is not a number from -180 to 180"},
        {"a1 04 a2 01 00 02 38b4", "place: its longitude is not a number from -180 to 180"},
        {"a1 04 a2 01 f97e00 02 00", "place: its latitude is not a number from -90 to 90"},
        {"a1 04 a2 01 00 02 f97c00", "place: its longitude is not a number from -180 to 180"},
        {"a1 04 a2 01 6130 02 00", "place: its latitude is not a number from -90 to 90"},
        {"a1 04 a3 01 00 02 00 03 20", "place: its accuracy is not a number"},
        {"a2 01 6161 05 00", "zone: not a text"},
        {"a2 01 6161 06 01", "must be confirmed: neither true nor false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_msg m;
        const char *why = NULL;
        enum fp_err err = fp_msg_decode(in, &m, &why);
        if (err != (rows[i].why ? FP_EMALFORMED : FP_OK) || (err && strcmp(why, rows[i].why) != 0)) {
            fail_msg("%s: %s (%s)", rows[i].hex, fp_err_name(err), why ? why : "-");
        }
        hex_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read),
        cmocka_unit_test(a_text_an_attachment_or_a_place_is_enough_and_less_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
