#include "plugin/core/policy.h"

#include "fp/command.h"

#define QUARTER_MS 900000U
#define DAY_MS 86400000U
#define UNSAID 255U /* above every level */

struct said { /* by the rules that name nobody */
    uint8_t everyone, scope;
    bool nobody;
};

static uint8_t lower(uint8_t a, uint64_t b)
{
    return b < a ? (uint8_t)b : a;
}

/* False: it cannot be read. */
static bool open_rules(struct fp_bytes policy, struct fp_policy *out)
{
    const char *why;
    *out = (struct fp_policy){0};
    return policy.len == 0 || fp_policy_decode(policy, out, &why) == FP_OK;
}

static struct said general(struct fp_policy rules)
{
    struct said said = {.everyone = UNSAID, .scope = UNSAID};
    struct fp_policy_rule rule;
    while (fp_policy_next(&rules, &rule)) {
        if (!fp_id_is_none(&rule.viewer)) {
            continue;
        }
        said.nobody = said.nobody || rule.viewer_kind == FP_VIEWER_NOBODY;
        if (rule.viewer_kind == FP_VIEWER_SCOPE) {
            said.scope = lower(said.scope, rule.level); /* L2 */
        } else {
            said.everyone = lower(said.everyone, rule.level);
        }
    }
    return said;
}

/* Of those who share a scope and whom no rule names. */
static uint8_t peers_level(const struct said *said)
{
    if (said->nobody) {
        return FP_LEVEL_HIDDEN;
    }
    uint8_t level = said->scope != UNSAID ? said->scope : said->everyone;
    return level != UNSAID ? level : FP_LEVEL_EXACT;
}

uint8_t policy_level(struct fp_bytes policy, const struct fp_id *viewer, bool shares_scope)
{
    struct fp_policy rules;
    struct fp_policy_rule rule;
    uint8_t named = UNSAID;

    if (!shares_scope || !open_rules(policy, &rules)) { /* L1, L3 */
        return FP_LEVEL_HIDDEN;
    }
    struct said said = general(rules);
    while (fp_policy_next(&rules, &rule)) {
        named = fp_id_eq(&rule.viewer, viewer) ? lower(named, rule.level) : named;
    }
    return said.nobody || named == UNSAID ? peers_level(&said) : named;
}

static bool anybody(void *arg, const struct fp_id *viewer)
{
    (void)arg;
    (void)viewer;
    return true;
}

bool policy_is_open(struct fp_bytes policy)
{
    return policy_scope_level(policy, anybody, NULL) != FP_LEVEL_HIDDEN;
}

uint8_t policy_scope_level(struct fp_bytes policy, policy_in_scope_fn in_scope, void *arg)
{
    struct fp_policy rules;
    struct fp_policy_rule rule;

    if (!open_rules(policy, &rules)) { /* L3 */
        return FP_LEVEL_HIDDEN;
    }
    struct said said = general(rules);
    uint8_t level = peers_level(&said);
    while (level != FP_LEVEL_HIDDEN && fp_policy_next(&rules, &rule)) {
        if (!fp_id_is_none(&rule.viewer) && rule.level < level && in_scope(arg, &rule.viewer)) {
            level = (uint8_t)rule.level;
        }
    }
    return level;
}

struct fp_wall policy_round(uint8_t level, struct fp_wall at)
{
    uint64_t step = level == FP_LEVEL_DAY ? DAY_MS : level == FP_LEVEL_QUARTER ? QUARTER_MS : 1;
    return (struct fp_wall){.ms = at.ms - at.ms % step};
}
