#include "plugin/core/target.h"

struct target target_of(uint64_t seq)
{
    return (struct target){.version = seq, .body_at = seq, .state = TARGET_PLAIN}; /* G1 */
}

bool target_apply(struct target *t, enum target_act act, uint64_t seq, bool has_base, uint64_t base)
{
    bool gone = t->state == TARGET_DELETED || t->state == TARGET_REDACTED;

    switch (act) {
    case TARGET_EDIT:
        if (gone || (has_base && base != t->version)) { /* G2, G3 */
            return false;
        }
        *t = (struct target){.version = seq, .body_at = seq, .state = TARGET_EDITED};
        return true;
    case TARGET_DELETE:
        if (gone) {
            return false;
        }
        *t = (struct target){.version = seq, .state = TARGET_DELETED};
        return true;
    case TARGET_REDACT:
        if (t->state == TARGET_REDACTED) {
            return false;
        }
        *t = (struct target){.version = seq, .state = TARGET_REDACTED};
        return true;
    }
    return false;
}
