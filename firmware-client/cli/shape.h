/*
 * shape.h: what the maps and rows of the contract look like, for people.
 *
 * Shape       one table an object: key (in a row: position) => name and what the value is. `each` is what the values are that it does not name.
 * Source      schemas/cddl
 */
#ifndef FIRMWARE_CLIENT_CLI_SHAPE_H
#define FIRMWARE_CLIENT_CLI_SHAPE_H

#include "fp/bytes.h"

enum shape_leaf {
    LEAF_NONE,
    LEAF_KIND, /* a number that has a word */
    LEAF_ROLE,
    LEAF_PRIORITY,
    LEAF_PERSON,
    LEAF_VIEWER,
    LEAF_LEVEL,
    LEAF_ERROR,
    LEAF_REPLY,
    LEAF_INBOX,
    LEAF_AT, /* ms since 1970 */
};

struct shape;
struct field {
    uint64_t key;
    const char *name;
    enum shape_leaf leaf;
    const struct shape *shape;
};
struct shape {
    const char *name;
    const struct field *fields;
    size_t count;
    const struct shape *each;
    bool body_by_kind; /* the shape of key 10 hangs on key 1 */
};

/* By the words of --as; NULL for an unknown one. */
const struct shape *shape_named(const char *name);
/* By what is in it: `in` begins with one well-formed item. NULL: nothing that we know. */
const struct shape *shape_guess(struct fp_bytes in);
const struct shape *shape_of_reply(uint64_t what);
const struct shape *shape_of_inbox(uint64_t what);
const struct shape *shape_of_body(uint64_t kind);
const struct field *shape_field(const struct shape *shape, uint64_t key);
/* The words of --as, one after the other with blanks. */
#define SHAPE_NAMES "command event reply inbox head about receipts typing presence"

#endif
