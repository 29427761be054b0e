#include "firmware-client/cli/names.h"

struct word {
    uint64_t number;
    const char *text;
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct word kinds[] = {
    {FP_K_HELLO, "hello"},
    {FP_K_BYE, "bye"},
    {FP_K_IDLE, "idle"},
    {FP_K_WATCH, "watch"},
    {FP_K_TIME, "time"},
    {FP_K_GET, "get"},
    {FP_K_HEADS, "heads"},
    {FP_K_DIGEST, "digest"},
    {FP_K_MSG, "msg"},
    {FP_K_EDIT, "edit"},
    {FP_K_DELETE, "delete"},
    {FP_K_REDACT, "redact"},
    {FP_K_REACT, "react"},
    {FP_K_CONFIRM, "confirm"},
    {FP_K_RECEIPT, "receipt"},
    {FP_K_READERS, "readers"},
    {FP_K_CONV_NEW, "conv-new"},
    {FP_K_CONV_SET, "conv-set"},
    {FP_K_MEMBER_ADD, "member-add"},
    {FP_K_MEMBER_REMOVE, "member-remove"},
    {FP_K_MEMBER_ROLE, "member-role"},
    {FP_K_ACTIVITY, "activity"},
    {FP_K_STATUS, "status"},
    {FP_K_POLICY, "policy"},
    {FP_K_TYPING, "typing"},
    {FP_K_BLOB_NEW, "blob-new"},
    {FP_K_BLOB_STATUS, "blob-status"},
    {FP_K_BLOB_GET, "blob-get"},
    {FP_K_STATE_SET, "state-set"},
    {FP_K_STEP, "step"},
    {FP_K_TRACE_GET, "trace-get"},
    {FP_K_EXPLAIN, "explain"},
};
static const struct word roles[] = {
    {FP_ROLE_OBSERVER, "observer"}, {FP_ROLE_MEMBER, "member"}, {FP_ROLE_MANAGER, "manager"}, {FP_ROLE_OWNER, "owner"}, {FP_ROLE_SERVICE, "service"},
};
static const struct word priorities[] = {
    {FP_PRIORITY_SAFETY, "safety"},
    {FP_PRIORITY_HIGH, "high"},
    {FP_PRIORITY_NORMAL, "normal"},
    {FP_PRIORITY_BULK, "bulk"},
};
static const struct word persons[] = {
    {FP_PERSON_OFFLINE, "offline"}, {FP_PERSON_UNREACHABLE, "unreachable"}, {FP_PERSON_AWAY, "away"}, {FP_PERSON_ACTIVE, "active"},
    {FP_PERSON_BUSY, "busy"},
};

static const struct word viewers[] = {
    {FP_VIEWER_EVERYONE, "everyone"},
    {FP_VIEWER_SCOPE, "scope"},
    {FP_VIEWER_NOBODY, "nobody"},
};
static const struct word levels[] = {
    {FP_LEVEL_HIDDEN, "hidden"},
    {FP_LEVEL_DAY, "day"},
    {FP_LEVEL_QUARTER, "quarter"},
    {FP_LEVEL_EXACT, "exact"},
};

static const char *text_of(const struct word *words, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].number == number) {
            return words[i].text;
        }
    }
    return NULL;
}

static bool number_of(const struct word *words, size_t count, const char *text, uint64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].text, text) == 0) {
            *out = words[i].number;
            return true;
        }
    }
    return false;
}

const char *name_kind(uint64_t kind)
{
    return text_of(kinds, COUNT(kinds), kind);
}

const char *name_role(uint64_t role)
{
    return text_of(roles, COUNT(roles), role);
}

const char *name_priority(uint64_t priority)
{
    return text_of(priorities, COUNT(priorities), priority);
}

const char *name_person(uint64_t state)
{
    return text_of(persons, COUNT(persons), state);
}

const char *name_viewer(uint64_t viewer)
{
    return text_of(viewers, COUNT(viewers), viewer);
}

const char *name_level(uint64_t level)
{
    return text_of(levels, COUNT(levels), level);
}

bool name_to_viewer(const char *word, uint64_t *out)
{
    return number_of(viewers, COUNT(viewers), word, out);
}

bool name_to_level(const char *word, uint64_t *out)
{
    return number_of(levels, COUNT(levels), word, out);
}

bool name_to_role(const char *word, uint64_t *out)
{
    return number_of(roles, COUNT(roles) - 1, word, out); /* all but service, which nobody can grant */
}

bool name_to_priority(const char *word, uint8_t *out)
{
    uint64_t number = 0;
    bool found = number_of(priorities, COUNT(priorities), word, &number);
    *out = found ? (uint8_t)number : FP_PRIORITY_NORMAL;
    return found;
}
