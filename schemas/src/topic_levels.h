/*
 * topic_levels.h: the templates of the contract as a table, and a topic cut into its levels.
 *
 * Shape       a template is what follows "fp/1/"; a level is a word, or one of the placeholders below
 */
#ifndef SCHEMAS_SRC_TOPIC_LEVELS_H
#define SCHEMAS_SRC_TOPIC_LEVELS_H

#include "fp/topic.h"

#define FP_TEMPLATE_LEVELS_MAX 5
#define FP_LEVELS_MAX (2 + FP_TEMPLATE_LEVELS_MAX)

#define FP_LEVEL_A "\1"      /* an id, into fp_topic.a */
#define FP_LEVEL_B "\2"      /* an id, into fp_topic.b */
#define FP_LEVEL_SHA256 "\3" /* 64 hex digits */

struct fp_template {
    const char *level[FP_TEMPLATE_LEVELS_MAX];
    uint8_t count;
    uint8_t plus; /* bit 1 << level: a filter may have a `+` there */
};

extern const struct fp_template FP_TEMPLATES[FP_TOPIC_KINDS];

struct fp_levels {
    size_t count; /* FP_LEVELS_MAX + 1: more than any template has */
    struct fp_bytes level[FP_LEVELS_MAX];
};

void fp_levels_split(const char *text, size_t len, struct fp_levels *out);
bool fp_level_is(const struct fp_levels *levels, size_t i, const char *word);
/* Does the level fit the placeholder or word? Fills in what it stands for. */
bool fp_level_fits(struct fp_bytes level, const char *pattern, struct fp_topic *out);

#endif
