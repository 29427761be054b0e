/* What a user says about himself: a text, and who may see him. */
#include "plugin/hub/people.h"
#include "plugin/hub/trunk.h"

bool people_is_dm(const struct fp_id *scope)
{
    return scope->len == 2 && memcmp(scope->text, "dm", 2) == 0;
}

/* ------------------------------------------------------------------ status */

static enum fp_err save(struct hub *h, const struct store_person *row)
{
    struct person *p = person_get(h, &row->user);
    if (!p) {
        return FP_ENOMEM;
    }
    person_touch(h, p, true); /* read again once the batch is over, whichever way it ends */
    relays_person(h, &row->user);
    enum fp_err err = stage_begin(h);
    return err ? err : h->store.save_person(h->store.ctx, row);
}

enum fp_err people_status(struct hub *h, struct command_ctx *x)
{
    struct fp_status status;
    struct store_person row;
    enum fp_err err = fp_status_decode(x->cmd->body, &status, &x->why);
    if (err) {
        return err;
    }
    if (status.until.ms > 0 && status.until.ms <= h->wall.ms) {
        x->why = "until: is in the past";
        return FP_EMALFORMED;
    }
    err = person_row(h, &x->item->user, &row);
    if (err) {
        return err;
    }
    row.status = status.text;
    row.status_until.ms = status.text.len > 0 ? status.until.ms : 0;
    row.version++;
    err = save(h, &row);
    if (err) {
        return err;
    }
    if (row.status_until.ms == 0) {
        return timers_drop(h, STORE_TIMER_STATUS, &row.user, 0);
    }
    struct store_timer t = {.kind = STORE_TIMER_STATUS, .owner = row.user, .version = row.version, .due = row.status_until};
    return timers_set(h, &t);
}

enum fp_err people_timer(struct hub *h, const struct store_timer *t)
{
    struct store_person row;
    enum fp_err err = person_row(h, &t->owner, &row);
    if (err || row.version != t->version || row.status.len == 0) {
        return err; /* he has said something else since */
    }
    row.status = (struct fp_bytes){0};
    row.status_until.ms = 0;
    row.version++;
    return save(h, &row);
}

/* ------------------------------------------------------------------ policy */

enum fp_err people_policy(struct hub *h, struct command_ctx *x)
{
    struct fp_policy rules;
    struct store_person row;
    enum fp_err err = fp_policy_decode(x->cmd->body, &rules, &x->why);
    if (!err) {
        err = person_row(h, &x->item->user, &row);
    }
    if (err) {
        return err;
    }
    typing_hide(h, &row.user);
    row.policy = x->cmd->body;
    row.open = policy_is_open(row.policy);
    row.version++; /* a relay goes by it */
    err = save(h, &row);
    if (!err && row.status_until.ms > 0 && row.status.len > 0) {
        struct store_timer t = {.kind = STORE_TIMER_STATUS, .owner = row.user, .version = row.version, .due = row.status_until};
        err = timers_set(h, &t);
    }
    return err ? err : tells_grant(h, TELL_OPEN, &row.user, &row.user, row.open, 0);
}

/* ------------------------------------------------------------------ as the hub has it */

enum fp_err people_facts(struct hub *h, const struct fp_person_facts *f)
{
    struct store_person row;
    enum fp_err err = person_row(h, &f->user, &row);
    if (err || f->version < row.version) {
        return err; /* what was said here is on its way up */
    }
    typing_hide(h, &row.user);
    row.version = f->version;
    row.status = f->text;
    row.status_until.ms = f->text.len > 0 ? f->until.ms : 0;
    row.policy = f->policy;
    row.open = policy_is_open(row.policy);
    err = save(h, &row);
    if (!err && row.status_until.ms == 0) {
        err = timers_drop(h, STORE_TIMER_STATUS, &row.user, 0);
    } else if (!err) {
        struct store_timer t = {.kind = STORE_TIMER_STATUS, .owner = row.user, .version = row.version, .due = row.status_until};
        err = timers_set(h, &t);
    }
    return err ? err : tells_grant(h, TELL_OPEN, &row.user, &row.user, row.open, 0);
}

struct asking {
    struct hub *h;
    const struct fp_id *scope;
    enum fp_err err;
};

static bool in_scope(void *arg, const struct fp_id *viewer)
{
    struct asking *a = arg;
    uint8_t role = FP_ROLE_NONE;
    bool exists = false;
    enum fp_err err = a->h->store.load_scope(a->h->store.ctx, a->scope, viewer, &role, &exists);
    a->err = a->err ? a->err : err;
    return err || role != FP_ROLE_NONE || context_is_service(a->h, viewer);
}

enum fp_err people_scope_level(struct hub *h, struct fp_bytes policy, const struct fp_id *scope, uint8_t *out_level)
{
    struct asking a = {.h = h, .scope = scope};
    *out_level = policy_scope_level(policy, in_scope, &a);
    return a.err;
}

enum fp_err people_hides(struct hub *h, const struct fp_id *user, const struct fp_id *scope, bool *out_hides)
{
    const struct person *p = person_find(h, user);
    struct store_person row;
    struct fp_bytes policy;
    uint8_t level = FP_LEVEL_HIDDEN;
    enum fp_err err = FP_OK;

    if (p && !p->stale) {
        policy = p->policy;
    } else {
        err = person_row(h, user, &row);
        policy = row.policy;
    }
    if (!err) {
        err = people_scope_level(h, policy, scope, &level);
    }
    *out_hides = level == FP_LEVEL_HIDDEN;
    return err;
}
