/*
 * Topics and filters. A topic that parses is built as the same text; a filter takes in a topic of ours exactly if it names the topic's
 * kind (and its ids); no filter below fp/ that is allowed reaches across scopes or users.
 */
#include "fuzz.h"

#include "fp/topic.h"

static bool is_below_fp(const char *text, size_t len)
{
    return len >= 2 && memcmp(text, "fp", 2) == 0 && (len == 2 || text[2] == '/');
}

static void try_topic(const char *text, size_t len)
{
    char buf[FP_TOPIC_MAX];
    struct fp_topic t;
    enum fp_err err = fp_topic_parse(text, len, &t);
    FUZZ_NEED(err == FP_OK || (err == FP_EDENIED && is_below_fp(text, len)));
    FUZZ_NEED((t.kind == FP_TOPIC_FOREIGN) == (err || !is_below_fp(text, len)));
    if (t.kind != FP_TOPIC_FOREIGN) {
        FUZZ_NEED(fp_topic_build(&t, buf, sizeof buf) == len);
        FUZZ_NEED(memcmp(buf, text, len) == 0 && buf[len] == '\0');
        FUZZ_NEED(fp_topic_build(&t, buf, len) == 0);
    }
}

/* One topic of each kind, with the ids of the filter, or some where it has none. */
static void check_against_topics(const char *filter, const struct fp_filter *f)
{
    struct fp_id some;
    FUZZ_NEED(fp_id_parse("some", 4, &some));
    for (size_t kind = 1; kind < FP_TOPIC_KINDS; kind++) {
        struct fp_topic t = {.kind = (enum fp_topic_kind)kind};
        char topic[FP_TOPIC_MAX];
        t.a = fp_id_is_none(&f->a) ? some : f->a;
        t.b = fp_id_is_none(&f->b) ? some : f->b;
        if (kind == FP_TOPIC_DEVICE_BLOB) {
            continue; /* the filter names the hash, but does not hand it out */
        }
        FUZZ_NEED(fp_topic_build(&t, topic, sizeof topic) > 0);
        FUZZ_NEED(fp_filter_matches(filter, topic) == ((f->kinds >> kind & 1) != 0));
        t.a.text[0] = t.a.text[0] == 'x' ? 'y' : 'x'; /* somebody else's */
        FUZZ_NEED(fp_topic_build(&t, topic, sizeof topic) > 0);
        FUZZ_NEED(kind == FP_TOPIC_OPS || !fp_filter_matches(filter, topic));
    }
}

static void try_filter(const char *text, size_t len)
{
    struct fp_filter f;
    enum fp_err err = fp_filter_parse(text, len, &f);
    FUZZ_NEED(err == FP_OK || err == FP_EDENIED);
    FUZZ_NEED(err == FP_OK || f.kinds == 0);
    if (!err && f.kinds) {
        FUZZ_NEED(is_below_fp(text, len) && memchr(text, '\0', len) == NULL && len < FP_TOPIC_MAX);
        char filter[FP_TOPIC_MAX];
        memcpy(filter, text, len);
        filter[len] = '\0';
        check_against_topics(filter, &f);
    }
    FUZZ_NEED(err || f.kinds || !is_below_fp(text, len));
}

/* The part before the first newline as the filter, the rest as the topic; both end at a NUL. */
static void try_match(const char *text, size_t len)
{
    char *both = malloc(len + 1);
    FUZZ_NEED(both != NULL);
    memcpy(both, text, len);
    both[len] = '\0';
    char *topic = strchr(both, '\n');
    if (topic) {
        *topic++ = '\0';
        (void)fp_filter_matches(both, topic);
        if (strcspn(topic, "+#") == strlen(topic)) {
            FUZZ_NEED(fp_filter_matches(topic, topic)); /* without wildcards it is its own filter */
        }
    }
    free(both);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    try_topic(text, size);
    try_filter(text, size);
    try_match(text, size);
    return 0;
}
