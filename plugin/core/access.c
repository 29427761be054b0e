#include "plugin/core/access.h"

#include <assert.h>

#include "fp/command.h"
#include "fp/keys.h"

#define BIT(role) (1U << (role))
#define MEMBERS_UP (BIT(FP_ROLE_MEMBER) | MANAGERS_UP)
#define MANAGERS_UP (BIT(FP_ROLE_MANAGER) | OWNERS_UP)
#define OWNERS_UP (BIT(FP_ROLE_OWNER) | BIT(FP_ROLE_SERVICE))

static const uint32_t roles_that_may[ACCESS_ACTS] = {
    [ACCESS_READ] = BIT(FP_ROLE_OBSERVER) | MEMBERS_UP,
    [ACCESS_MSG] = MEMBERS_UP,
    [ACCESS_TITLE] = MANAGERS_UP,
    [ACCESS_RETENTION] = OWNERS_UP,
    [ACCESS_ADD] = MANAGERS_UP,
    [ACCESS_REMOVE] = MANAGERS_UP,
    [ACCESS_ROLE] = OWNERS_UP,
    [ACCESS_MODERATE] = MANAGERS_UP,
};

bool access_may(uint8_t role, enum access_act act)
{
    assert(act < ACCESS_ACTS);
    return role <= FP_ROLE_SERVICE && (roles_that_may[act] & BIT(role)) != 0;
}

static bool leaves_no_owner(const struct access_change *c)
{
    return c->target == FP_ROLE_OWNER && c->wanted != FP_ROLE_OWNER && c->other_owners == 0 && c->others > 0;
}

enum fp_err access_change(const struct access_change *c, const char **out_why)
{
    bool removes = c->wanted == FP_ROLE_NONE;
    bool adds = c->target == FP_ROLE_NONE;

    if (leaves_no_owner(c) && c->actor != FP_ROLE_SERVICE) { /* A1 */
        *out_why = "the last owner cannot go while others remain";
        return FP_EDENIED;
    }
    if (removes && c->self) {
        return FP_OK;
    }
    if (!access_may(c->actor, removes ? ACCESS_REMOVE : adds ? ACCESS_ADD : ACCESS_ROLE)) {
        *out_why = "your role does not allow to change members";
        return FP_EDENIED;
    }
    uint8_t highest = adds ? c->wanted : c->target;
    if (c->actor == FP_ROLE_MANAGER && highest >= FP_ROLE_MANAGER) {
        *out_why = "a manager changes members below his own role only";
        return FP_EDENIED;
    }
    return FP_OK;
}

enum fp_err access_begin(uint8_t scope_role, bool scope_exists, bool open_scopes, bool anyone, const char **out_why)
{
    if (anyone || scope_role == FP_ROLE_SERVICE) {
        return FP_OK;
    }
    if (!scope_exists) {
        *out_why = "this hub does not let users open a new scope";
        return open_scopes ? FP_OK : FP_EDENIED;
    }
    *out_why = "only a manager or owner in this scope begins conversations here";
    return scope_role == FP_ROLE_MANAGER || scope_role == FP_ROLE_OWNER ? FP_OK : FP_EDENIED;
}
