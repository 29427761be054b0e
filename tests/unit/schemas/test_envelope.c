/*
 * What a message costs beside its text, and what the same message costs elsewhere: same sender, conversation, time and text, ids of 8 characters.
 * Only the message itself is counted, not what each protocol puts around it (topic, HTTP, stream, WebSocket frame).
 */
#include "hex.h"

#include "fp/event.h"

#define ENVELOPE_MAX 64
#define BUF_BYTES 512

static const char short_text[] = "The cabinets come on Tuesday.";
static const struct fp_wall at = {.ms = 1767225600123};

/* Of a room in version 3 and later: an event's id is a hash of 43 characters, and rooms and users carry their server's name. */
static const char matrix[] = "{\"type\":\"m.room.message\",\"event_id\":\"$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg\","
                             "\"room_id\":\"!kitchen1:example.org\",\"sender\":\"@anna-123:example.org\",\"origin_server_ts\":1767225600123,"
                             "\"content\":{\"msgtype\":\"m.text\",\"body\":\"The cabinets come on Tuesday.\"}}";

/* Of a room (XEP-0045), with the id that the room gives (XEP-0359) and its time (XEP-0203). */
static const char xmpp[] = "<message from='kitchen1@muc.example.org/anna-123' to='ben-1234@example.org/tablet-1' type='groupchat' id='00000407'>"
                           "<body>The cabinets come on Tuesday.</body>"
                           "<stanza-id xmlns='urn:xmpp:sid:0' id='00000411' by='kitchen1@muc.example.org'/>"
                           "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00.123Z'/></message>";

static const char tinode[] = "{\"data\":{\"topic\":\"kitchen1\",\"from\":\"anna-123\",\"ts\":\"2026-01-01T00:00:00.123Z\",\"seq\":1041,"
                             "\"content\":\"The cabinets come on Tuesday.\"}}";

/* A message event as the hub tells it; 0: it does not fit. */
static size_t event_bytes(uint64_t n, uint64_t seq, uint64_t seen, const char *text, size_t text_len)
{
    uint8_t body[BUF_BYTES];
    uint8_t buf[BUF_BYTES];
    struct fp_enc b;
    struct fp_enc e;
    fp_enc_init(&b, body, sizeof(body));
    fp_enc_map(&b, 1);
    fp_enc_uint(&b, 1);
    fp_enc_text(&b, text, text_len);
    struct fp_event ev = {
        .kind = FP_K_MSG,
        .n = n,
        .conv = id_of("kitchen1"),
        .seen = seen,
        .priority = FP_PRIORITY_NORMAL,
        .body = fp_enc_bytes_of(&b),
        .seq = seq,
        .at = at,
        .user = id_of("anna-123"),
        .device = id_of("tablet-1"),
    };
    struct fp_event back;
    fp_enc_init(&e, buf, sizeof(buf));
    if (b.failed || !fp_event_encode(&e, &ev)) {
        return 0;
    }
    assert_int_equal(fp_event_decode(fp_enc_bytes_of(&e), &back), FP_OK);
    assert_true(fp_bytes_eq(back.body, ev.body));
    return fp_enc_bytes_of(&e).len;
}

static void an_envelope_is_at_most_64_bytes(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 23, 24, 255, 256, 65535};
    char text[256];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        for (size_t len = 1; len < sizeof(text); len++) {
            size_t bytes = event_bytes(numbers[i], numbers[i], numbers[i] - 1, text, len);
            assert_in_range(bytes, len + 1, len + ENVELOPE_MAX);
        }
    }
}

static void the_same_message_elsewhere_is_longer(void **state)
{
    (void)state;
    const struct {
        const char *name;
        size_t bytes;
    } rows[] = {
        {"Fieldpost, CBOR", event_bytes(1031, 1041, 1040, short_text, strlen(short_text))},
        {"Tinode, JSON", strlen(tinode)},
        {"Matrix, JSON", strlen(matrix)},
        {"XMPP, stanza", strlen(xmpp)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        print_message("%-16s %3zu bytes, %3zu without the text\n", rows[i].name, rows[i].bytes, rows[i].bytes - strlen(short_text));
        assert_true(i == 0 || rows[i].bytes > rows[0].bytes);
    }
    assert_in_range(rows[0].bytes, strlen(short_text) + 1, strlen(short_text) + ENVELOPE_MAX);
    assert_non_null(strstr(matrix, short_text));
    assert_non_null(strstr(xmpp, short_text));
    assert_non_null(strstr(tinode, short_text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_is_at_most_64_bytes),
        cmocka_unit_test(the_same_message_elsewhere_is_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
