#include "fp/topic.h"

#include "schemas/src/topic_levels.h"

static bool is_plus(struct fp_bytes level)
{
    return level.len == 1 && level.p[0] == '+';
}

static bool covers(const struct fp_levels *levels, const struct fp_template *t, struct fp_topic *out)
{
    if (levels->count != 2U + t->count) {
        return false;
    }
    for (size_t i = 0; i < t->count; i++) {
        struct fp_bytes level = levels->level[2 + i];
        bool plus = is_plus(level) && (t->plus & 1U << i) != 0;
        if (!plus && !fp_level_fits(level, t->level[i], out)) {
            return false;
        }
    }
    return true;
}

/* What a shared subscription is really for: $share/{group}/{filter}. Left as it is if it is none, or is cut short. */
static bool strip_share(const char **filter, size_t *len)
{
    static const char prefix[] = "$share/";
    size_t prefix_len = sizeof prefix - 1;
    if (*len < prefix_len || memcmp(*filter, prefix, prefix_len) != 0) {
        return false;
    }
    const char *group = *filter + prefix_len;
    const char *slash = memchr(group, '/', *len - prefix_len);
    if (!slash) {
        return false;
    }
    *len -= (size_t)(slash + 1 - *filter);
    *filter = slash + 1;
    return true;
}

static bool is_all_ops(const struct fp_levels *levels)
{
    return levels->count == 4 && fp_level_is(levels, 1, "1") && fp_level_is(levels, 2, "ops") && fp_level_is(levels, 3, "#");
}

enum fp_err fp_filter_parse(const char *filter, size_t len, struct fp_filter *out)
{
    *out = (struct fp_filter){0};
    bool shared = strip_share(&filter, &len);
    struct fp_levels levels = {0};
    fp_levels_split(filter, len, &levels);
    if (!fp_level_is(&levels, 0, "fp")) {
        return FP_OK;
    }
    if (shared || !fp_level_is(&levels, 1, "1")) {
        return FP_EDENIED;
    }
    if (is_all_ops(&levels)) {
        out->kinds = 1U << FP_TOPIC_OPS;
        return FP_OK;
    }
    for (size_t kind = 1; kind < FP_TOPIC_KINDS; kind++) {
        struct fp_topic found = {0};
        if (covers(&levels, &FP_TEMPLATES[kind], &found)) {
            out->kinds |= 1U << kind;
            out->a = found.a;
            out->b = found.b;
        }
    }
    return out->kinds ? FP_OK : FP_EDENIED;
}

static size_t level_len(const char *p)
{
    size_t len = 0;
    while (p[len] != '\0' && p[len] != '/') {
        len++;
    }
    return len;
}

bool fp_filter_matches(const char *filter, const char *topic)
{
    if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) {
        return false;
    }
    for (;;) {
        size_t want = level_len(filter);
        size_t have = level_len(topic);
        if (want == 1 && filter[0] == '#') {
            return filter[1] == '\0';
        }
        bool plus = want == 1 && filter[0] == '+';
        if (!plus && (want != have || memcmp(filter, topic, want) != 0)) {
            return false;
        }
        filter += want;
        topic += have;
        if (topic[0] == '\0') { /* a/# takes a in as well */
            return filter[0] == '\0' || strcmp(filter, "/#") == 0;
        }
        if (filter[0] == '\0') {
            return false;
        }
        filter++;
        topic++;
    }
}
