/*
 * target.h: what becomes of a message when later events edit, delete or redact it.
 *
 * Shape       one small machine a message: plain > edited > deleted > redacted, never back
 * Invariants  G1 the version is the seq of the event that last changed it; at first its own seq.
 *             G2 a change whose base is not the current version changes nothing: it is kept as an event with the flag conflict.
 *             G3 deleted and redacted are final for edits: such an edit is a conflict, whatever its base.
 * Memory      no state
 * Source      schemas/CONTRACT.md, "Changing what was said"
 */
#ifndef PLUGIN_CORE_TARGET_H
#define PLUGIN_CORE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

enum target_state {
    TARGET_PLAIN = 0,
    TARGET_EDITED = 1,
    TARGET_DELETED = 2,
    TARGET_REDACTED = 3,
};

struct target {
    uint64_t version; /* G1 */
    uint64_t body_at; /* seq of the event whose body stands now; 0: none */
    enum target_state state;
};

enum target_act {
    TARGET_EDIT,
    TARGET_DELETE,
    TARGET_REDACT,
};

/* The message as it was sent. */
struct target target_of(uint64_t seq);
/*
 * Applies the act of event seq; false: a conflict (G2, G3), and nothing has changed. base (where has_base) counts for an edit alone: a delete
 * wins over whatever it has not seen, and conflicts with a deleted or redacted message only; a redact with a redacted one only.
 */
bool target_apply(struct target *t, enum target_act act, uint64_t seq, bool has_base, uint64_t base);

#endif
