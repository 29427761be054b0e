#include "tests/bench/wire.h"

#include <stdio.h>

#include "tests/bench/measure.h"

#define SENDER_DIGITS 5
#define INDEX_DIGITS 10
#define INDEX_AT (SENDER_DIGITS + 1)
#define WORDS_AT (INDEX_AT + INDEX_DIGITS + 1)
#define WORDS_BYTES (TEXT_BYTES - WORDS_AT)

/* Words in no order: texts that differ from each other, so that a page deflates as texts do and not as copies of one would. */
static char pool[1 << 17];

static void put_digits(char *at, size_t count, uint64_t value)
{
    for (size_t i = count; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

static bool take_digits(const uint8_t *at, size_t count, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(at[i] - '0');
    }
    *out = value;
    return true;
}

void text_pool_init(void)
{
    static const char *const words[] = {"crane",  "gate",  "the",    "is",      "north", "concrete", "delivery", "at",      "four",    "not",
                                        "before", "wind",  "until",  "we",      "floor", "drawing",  "checked",  "missing", "pallets", "and",
                                        "to",     "again", "please", "foreman", "rebar", "on",       "tomorrow", "twelve",  "metres",  "scaffold",
                                        "signed", "still", "photo",  "of",      "a",     "in",       "stairs",   "welding", "permit",  "waits"};
    uint64_t state = UINT64_C(88172645463325252); /* the same texts in every run */
    size_t at = 0;
    while (at < sizeof pool) {
        state ^= state << 13; /* xorshift */
        state ^= state >> 7;
        state ^= state << 17;
        const char *word = words[(state >> 32) % (sizeof words / sizeof words[0])];
        for (size_t i = 0; word[i] != '\0' && at < sizeof pool; i++) {
            pool[at++] = word[i];
        }
        if (at < sizeof pool) {
            pool[at++] = ' ';
        }
    }
}

/* Where the words of a sender's index-th text begin in the pool. */
static const char *words_of(uint64_t sender, uint64_t index)
{
    uint64_t mixed = (sender * UINT64_C(0x9e3779b97f4a7c15) + index + 1) * UINT64_C(0xbf58476d1ce4e5b9);
    return pool + (mixed >> 32) % (sizeof pool - WORDS_BYTES);
}

void text_write(char text[TEXT_BYTES], unsigned sender, uint64_t index)
{
    put_digits(text, SENDER_DIGITS, sender);
    text[SENDER_DIGITS] = '.';
    put_digits(text + INDEX_AT, INDEX_DIGITS, index);
    text[WORDS_AT - 1] = ' ';
    memcpy(text + WORDS_AT, words_of(sender, index), WORDS_BYTES);
}

bool text_parse(struct fp_bytes text, unsigned *out_sender, uint64_t *out_index)
{
    uint64_t sender = 0;
    if (text.len != TEXT_BYTES || !take_digits(text.p, SENDER_DIGITS, &sender) || text.p[SENDER_DIGITS] != '.' ||
        !take_digits(text.p + INDEX_AT, INDEX_DIGITS, out_index) || memcmp(text.p + WORDS_AT, words_of(sender, *out_index), WORDS_BYTES) != 0) {
        return false;
    }
    *out_sender = (unsigned)sender;
    return true;
}

struct fp_id id_of(const char *word, unsigned number)
{
    char text[FP_ID_MAX + 1];
    struct fp_id id;
    int len = snprintf(text, sizeof text, "%s-%05u", word, number);
    if (len < 0 || !fp_id_parse(text, (size_t)len, &id)) {
        bench_die("%s-%05u is no id", word, number);
    }
    return id;
}

void id_text(const struct fp_id *id, char out[FP_ID_MAX + 1])
{
    memcpy(out, id->text, id->len);
    out[id->len] = '\0';
}

static void done(const struct fp_enc *e)
{
    if (e->failed) {
        bench_die("a message does not fit %zu bytes", e->cap);
    }
}

void msg_template_init(struct msg_template *t, const struct fp_id *conv, unsigned sender)
{
    char text[TEXT_BYTES];
    struct fp_enc e;
    text_write(text, sender, 0);
    fp_enc_init(&e, t->tail, sizeof t->tail);
    fp_enc_uint(&e, FP_KEY_CONV);
    fp_enc_id(&e, conv);
    fp_enc_uint(&e, FP_KEY_BODY);
    fp_enc_map(&e, 1);
    fp_enc_uint(&e, FP_MSG_TEXT);
    fp_enc_text(&e, text, sizeof text);
    done(&e);
    t->len = e.len;
    t->sender = sender;
}

void enc_msg(struct fp_enc *e, struct msg_template *t, uint64_t n, uint64_t index)
{
    text_write((char *)t->tail + t->len - TEXT_BYTES, t->sender, index);
    fp_enc_map(e, 4);
    fp_enc_uint(e, FP_KEY_KIND);
    fp_enc_uint(e, FP_K_MSG);
    fp_enc_uint(e, FP_KEY_N);
    fp_enc_uint(e, n);
    fp_enc_raw(e, fp_bytes_of(t->tail, t->len));
    done(e);
}

static void enc_command_begin(struct fp_enc *e, size_t pairs, uint64_t kind)
{
    fp_enc_map(e, pairs);
    fp_enc_uint(e, FP_KEY_KIND);
    fp_enc_uint(e, kind);
}

void enc_conv_new(struct fp_enc *e, uint64_t n, const struct fp_id *conv, const struct fp_id *scope, size_t members)
{
    enc_command_begin(e, 4, FP_K_CONV_NEW);
    fp_enc_uint(e, FP_KEY_N);
    fp_enc_uint(e, n);
    fp_enc_uint(e, FP_KEY_CONV);
    fp_enc_id(e, conv);
    fp_enc_uint(e, FP_KEY_BODY);
    fp_enc_map(e, members > 0 ? 2 : 1);
    fp_enc_uint(e, FP_CONV_SCOPE);
    fp_enc_id(e, scope);
    if (members > 0) {
        fp_enc_uint(e, FP_CONV_MEMBERS);
        fp_enc_map(e, members);
    }
    done(e);
}

void enc_hello(struct fp_enc *e)
{
    enc_command_begin(e, 2, FP_K_HELLO);
    fp_enc_uint(e, FP_KEY_BODY);
    fp_enc_map(e, 1);
    fp_enc_uint(e, FP_HELLO_PROTOCOL);
    fp_enc_uint(e, FP_PROTOCOL);
    done(e);
}

void enc_hello_all(struct fp_enc *e, unsigned convs, bool zlib)
{
    enc_command_begin(e, 2, FP_K_HELLO);
    fp_enc_uint(e, FP_KEY_BODY);
    fp_enc_map(e, zlib ? 3 : 2);
    fp_enc_uint(e, FP_HELLO_PROTOCOL);
    fp_enc_uint(e, FP_PROTOCOL);
    fp_enc_uint(e, FP_HELLO_CURSORS);
    fp_enc_map(e, convs);
    for (unsigned i = 0; i < convs; i++) {
        struct fp_id conv = id_of("conv", i);
        fp_enc_id(e, &conv);
        fp_enc_uint(e, 0);
    }
    if (zlib) {
        fp_enc_uint(e, FP_HELLO_ZLIB);
        fp_enc_bool(e, true);
    }
    done(e);
}

void enc_get(struct fp_enc *e, const struct fp_id *conv, uint64_t after, bool zlib)
{
    enc_command_begin(e, 3, FP_K_GET);
    fp_enc_uint(e, FP_KEY_CONV);
    fp_enc_id(e, conv);
    fp_enc_uint(e, FP_KEY_BODY);
    fp_enc_map(e, zlib ? 2 : 1);
    fp_enc_uint(e, FP_GET_AFTER);
    fp_enc_uint(e, after);
    if (zlib) {
        fp_enc_uint(e, FP_GET_ZLIB);
        fp_enc_bool(e, true);
    }
    done(e);
}

void topic_of(enum fp_topic_kind kind, const struct fp_id *a, const struct fp_id *b, char out[FP_TOPIC_MAX])
{
    struct fp_topic topic = {.kind = kind, .a = *a};
    if (b != NULL) {
        topic.b = *b;
    }
    if (fp_topic_build(&topic, out, FP_TOPIC_MAX) == 0) {
        bench_die("a topic does not fit");
    }
}

size_t events_open(struct fp_bytes payload, struct fp_bytes *out_run)
{
    struct fp_dec d;
    fp_dec_init(&d, payload);
    if (fp_dec_peek(&d) != FP_CBOR_ARRAY) {
        *out_run = payload;
        return 1;
    }
    size_t count = fp_dec_array(&d);
    *out_run = fp_bytes_of(payload.p + d.at, payload.len - d.at);
    return d.failed ? 0 : count;
}
