/*
 * access.h: who may do what in a conversation.
 *
 * Shape       a table of role by act, and the rules about members, which depend on two roles
 * Invariants  A1 a conversation with members keeps an owner, unless a service takes the last one out.
 * Errors      FP_EDENIED and a sentence
 * Memory      no state
 * Source      schemas/CONTRACT.md, "Who may do what"
 */
#ifndef PLUGIN_CORE_ACCESS_H
#define PLUGIN_CORE_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include "fp/err.h"

enum access_act {
    ACCESS_READ,
    ACCESS_MSG,
    ACCESS_TITLE,     /* title and context */
    ACCESS_RETENTION, /* the rest of conv-set */
    ACCESS_ADD,
    ACCESS_REMOVE,
    ACCESS_ROLE,
    ACCESS_MODERATE, /* delete what others wrote; redact */
    ACCESS_ACTS
};

bool access_may(uint8_t role, enum access_act act);

struct access_change {
    uint8_t actor;       /* role of the one who asks */
    bool self;           /* he asks it for himself */
    uint8_t target;      /* present role of the member; FP_ROLE_NONE: no member yet */
    uint8_t wanted;      /* role asked for; FP_ROLE_NONE: none (remove) */
    size_t other_owners; /* owners beside the target */
    size_t others;       /* members beside the target */
};

/* May this membership change be made? The target's being (or not being) a member is the caller's to check. */
enum fp_err access_change(const struct access_change *c, const char **out_why);

/* May a user with this highest role in the scope begin a conversation there? FP_ROLE_NONE: in none. */
enum fp_err access_begin(uint8_t scope_role, bool scope_exists, bool open_scopes, bool anyone, const char **out_why);

#endif
