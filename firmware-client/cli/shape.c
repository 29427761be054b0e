#include "firmware-client/cli/shape.h"

#include "fp/keys.h"

/* clang-format off */
#define SHAPE(id, text, ...)                                                                                               \
    static const struct field id##_fields[] = {__VA_ARGS__};                                                               \
    static const struct shape id = {.name = (text), .fields = id##_fields, .count = sizeof id##_fields / sizeof id##_fields[0]}
#define EACH(id, text, element) static const struct shape id = {.name = (text), .each = &(element)}
#define PLAIN(k, n) {(k), (n), LEAF_NONE, NULL}
#define LEAF(k, n, l) {(k), (n), (l), NULL}
#define DEEP(k, n, s) {(k), (n), LEAF_NONE, &(s)}

/* ------------------------------------------------------------------ bodies */
SHAPE(attachment, NULL, PLAIN(FP_ATTACHMENT_SHA256, "sha256"), PLAIN(FP_ATTACHMENT_SIZE, "size"), PLAIN(FP_ATTACHMENT_MEDIA, "media"),
      PLAIN(FP_ATTACHMENT_NAME, "name"));
EACH(attachments, NULL, attachment);
SHAPE(place, NULL, PLAIN(FP_PLACE_LATITUDE, "latitude"), PLAIN(FP_PLACE_LONGITUDE, "longitude"), PLAIN(FP_PLACE_ACCURACY, "accuracy"));
SHAPE(context, NULL, PLAIN(FP_CONTEXT_CLASS, "class"), PLAIN(FP_CONTEXT_ID, "id"), PLAIN(FP_CONTEXT_DETAILS, "details"));
SHAPE(hello_body, NULL, PLAIN(FP_HELLO_PROTOCOL, "protocol"), PLAIN(FP_HELLO_APP, "app"), PLAIN(FP_HELLO_FRESH, "fresh"),
      PLAIN(FP_HELLO_CURSORS, "cursors"), PLAIN(FP_HELLO_ZLIB, "zlib"));
SHAPE(watch_body, NULL, PLAIN(FP_WATCH_USERS, "users"), PLAIN(FP_WATCH_TTL, "ttl"));
SHAPE(get_body, NULL, PLAIN(FP_GET_AFTER, "after"), PLAIN(FP_GET_UPTO, "upto"), PLAIN(FP_GET_BYTES, "bytes"), PLAIN(FP_GET_ZLIB, "zlib"));
SHAPE(digest_body, NULL, PLAIN(FP_DIGEST_SEQ, "seq"));
SHAPE(msg_body, NULL, PLAIN(FP_MSG_TEXT, "text"), PLAIN(FP_MSG_MEDIA, "media"), DEEP(FP_MSG_ATTACHMENTS, "attachments", attachments),
      DEEP(FP_MSG_PLACE, "place", place), PLAIN(FP_MSG_ZONE, "zone"), PLAIN(FP_MSG_CONFIRM, "must-confirm"));
SHAPE(redact_body, NULL, PLAIN(FP_REDACT_REASON, "reason"));
SHAPE(react_body, NULL, PLAIN(FP_REACT_WITH, "with"), PLAIN(FP_REACT_BACK, "take-back"));
SHAPE(receipt_row, NULL, PLAIN(0, "delivered"), PLAIN(1, "read"), PLAIN(2, "private"));
EACH(receipt_body, NULL, receipt_row);
SHAPE(conv_body, NULL, PLAIN(FP_CONV_SCOPE, "scope"), PLAIN(FP_CONV_TITLE, "title"), PLAIN(FP_CONV_MEMBERS, "members"),
      DEEP(FP_CONV_CONTEXT, "context", context), PLAIN(FP_CONV_RETENTION, "retention-days"));
SHAPE(member_body, NULL, PLAIN(FP_MEMBER_USER, "user"), LEAF(FP_MEMBER_ROLE, "role", LEAF_ROLE), PLAIN(FP_MEMBER_FROM, "from"));
SHAPE(status_body, NULL, PLAIN(FP_STATUS_TEXT, "text"), LEAF(FP_STATUS_UNTIL, "until", LEAF_AT));
SHAPE(policy_rule, NULL, LEAF(0, "who", LEAF_VIEWER), LEAF(1, "level", LEAF_LEVEL));
EACH(policy_body, NULL, policy_rule);
SHAPE(blob_body, NULL, PLAIN(FP_BLOB_SHA256, "sha256"), PLAIN(FP_BLOB_SIZE, "size"), PLAIN(FP_BLOB_MEDIA, "media"),
      PLAIN(FP_BLOB_NAME, "name"), PLAIN(FP_BLOB_CHUNK, "chunk"));
SHAPE(blob_get_body, NULL, PLAIN(FP_BLOB_GET_SHA256, "sha256"), PLAIN(FP_BLOB_GET_FROM, "from"), PLAIN(FP_BLOB_GET_TO, "to"));
SHAPE(state_body, NULL, PLAIN(FP_STATE_SCOPE, "scope"), PLAIN(FP_STATE_KEY, "key"), PLAIN(FP_STATE_VALUE, "value"));
SHAPE(step_body, NULL, PLAIN(FP_STEP_SCOPE, "scope"), PLAIN(FP_STEP_KEY, "key"), PLAIN(FP_STEP_ACTION, "action"),
      PLAIN(FP_STEP_DETAILS, "details"));
SHAPE(trace_body, NULL, PLAIN(FP_TRACE_DEVICE, "device"), PLAIN(FP_TRACE_N, "n"));

/* ------------------------------------------------------------------ commands and events */
#define COMMON                                                                                                             \
    LEAF(FP_KEY_KIND, "kind", LEAF_KIND), PLAIN(FP_KEY_N, "n"), PLAIN(FP_KEY_CONV, "conv"), PLAIN(FP_KEY_SEEN, "seen"),     \
        LEAF(FP_KEY_PRIORITY, "priority", LEAF_PRIORITY), PLAIN(FP_KEY_REF, "ref"), PLAIN(FP_KEY_BODY, "body"), PLAIN(FP_KEY_TRACE, "trace")
static const struct field command_fields[] = {COMMON, PLAIN(FP_KEY_AGE, "age-ms"), PLAIN(FP_KEY_TTL, "ttl-s"), PLAIN(FP_KEY_BASE, "base")};
static const struct shape command = {.name = "command", .fields = command_fields, .count = sizeof command_fields / sizeof command_fields[0],
                                     .body_by_kind = true};
SHAPE(composed, NULL, LEAF(0, "at", LEAF_AT), PLAIN(1, "error-ms"));
SHAPE(branch, NULL, PLAIN(0, "relay"), PLAIN(1, "base"), PLAIN(2, "k"));
static const struct field event_fields[] = {COMMON, PLAIN(FP_KEY_VERSION, "version"), PLAIN(FP_KEY_SEQ, "seq"), LEAF(FP_KEY_AT, "at", LEAF_AT),
                                            PLAIN(FP_KEY_USER, "user"), PLAIN(FP_KEY_DEVICE, "device"), PLAIN(FP_KEY_FLAGS, "flags"),
                                            DEEP(FP_KEY_COMPOSED, "composed", composed), DEEP(FP_KEY_BRANCH, "branch", branch),
                                            PLAIN(FP_KEY_BODY_HASH, "body-hash")};
static const struct shape event = {.name = "event", .fields = event_fields, .count = sizeof event_fields / sizeof event_fields[0],
                                   .body_by_kind = true};
EACH(events, NULL, event);

/* ------------------------------------------------------------------ replies */
SHAPE(answer, NULL, PLAIN(0, "n"), PLAIN(1, "conv"), PLAIN(2, "seq"), LEAF(3, "at", LEAF_AT));
EACH(answers, NULL, answer);
SHAPE(ack, "ack", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), DEEP(FP_ACK_ROWS, "rows", answers), PLAIN(FP_ACK_RELAY, "relay"));
SHAPE(nack, "nack", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), PLAIN(FP_NACK_N, "n"), LEAF(FP_NACK_ERROR, "error", LEAF_ERROR),
      PLAIN(FP_NACK_REASON, "reason"), PLAIN(FP_NACK_RETRY, "retry"), PLAIN(FP_NACK_CURRENT, "current"), PLAIN(FP_NACK_NEXT, "next-n"));
SHAPE(conv_head, NULL, PLAIN(0, "conv"), PLAIN(1, "scope"), PLAIN(2, "head"), PLAIN(3, "floor"), PLAIN(4, "read"), PLAIN(5, "unread"));
EACH(conv_heads, NULL, conv_head);
SHAPE(limits, NULL, PLAIN(FP_LIMIT_COMMAND_BYTES, "command-bytes"), PLAIN(FP_LIMIT_BATCH, "batch"), PLAIN(FP_LIMIT_RATE, "commands-per-s"),
      PLAIN(FP_LIMIT_PAGE_BYTES, "page-bytes"));
SHAPE(welcome, "welcome", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), PLAIN(FP_WELCOME_EPOCH, "epoch"), PLAIN(FP_WELCOME_SESSION, "session"),
      LEAF(FP_WELCOME_AT, "at", LEAF_AT), PLAIN(FP_WELCOME_NEXT, "next-n"), DEEP(FP_WELCOME_HEADS, "heads", conv_heads),
      DEEP(FP_WELCOME_LIMITS, "limits", limits), PLAIN(FP_WELCOME_RELAY, "relay"));
SHAPE(page, "page", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), PLAIN(FP_PAGE_CONV, "conv"), PLAIN(FP_PAGE_FROM, "from"), PLAIN(FP_PAGE_TO, "to"),
      PLAIN(FP_PAGE_MORE, "more"), PLAIN(FP_PAGE_CODEC, "codec"), DEEP(FP_PAGE_CONTENT, "content", events));
SHAPE(snapshot, "snapshot", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), PLAIN(FP_SNAPSHOT_CONV, "conv"), PLAIN(FP_SNAPSHOT_FLOOR, "floor"),
      PLAIN(FP_SNAPSHOT_STATE, "state"));
SHAPE(time_reply, "time", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), PLAIN(FP_TIME_ECHO, "echo"), LEAF(FP_TIME_RECEIVED, "received", LEAF_AT),
      LEAF(FP_TIME_SENT, "sent", LEAF_AT));
SHAPE(nudge_row, NULL, PLAIN(0, "conv"), PLAIN(1, "head"));
EACH(nudge_rows, NULL, nudge_row);
SHAPE(nudge, "nudge", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), DEEP(FP_NUDGE_ROWS, "rows", nudge_rows));
SHAPE(reader, NULL, LEAF(0, "delivered", LEAF_AT), LEAF(1, "read", LEAF_AT), LEAF(2, "confirmed", LEAF_AT));
EACH(readers, NULL, reader);
SHAPE(report, "report", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY), LEAF(FP_REPORT_KIND, "kind", LEAF_KIND),
      DEEP(FP_REPORT_VALUE, "value", readers), PLAIN(FP_REPORT_CONV, "conv"), PLAIN(FP_REPORT_SEQ, "seq")); /* a digest's value is no map */
SHAPE(reply, "reply", LEAF(FP_KEY_WHAT, "what", LEAF_REPLY)); /* its number says which of those above it is */

/* ------------------------------------------------------------------ the retained plane and the inbox */
SHAPE(head, "head", PLAIN(FP_HEAD_EPOCH, "epoch"), PLAIN(FP_HEAD_SEQ, "seq"), PLAIN(FP_HEAD_FLOOR, "floor"), LEAF(FP_HEAD_AT, "at", LEAF_AT),
      PLAIN(FP_HEAD_CHAIN, "chain"));
SHAPE(about_member, NULL, LEAF(0, "role", LEAF_ROLE), PLAIN(1, "joined"));
EACH(about_members, NULL, about_member);
SHAPE(about, "about", PLAIN(FP_ABOUT_VERSION, "version"), PLAIN(FP_ABOUT_TITLE, "title"), PLAIN(FP_ABOUT_SCOPE, "scope"),
      DEEP(FP_ABOUT_MEMBERS, "members", about_members), DEEP(FP_ABOUT_CONTEXT, "context", context));
EACH(receipts, "receipts", receipt_row);
SHAPE(typing, "typing", PLAIN(FP_TYPING_NAMES, "names"), PLAIN(FP_TYPING_COUNT, "count"));
SHAPE(person, NULL, LEAF(0, "state", LEAF_PERSON), LEAF(1, "since", LEAF_AT), PLAIN(2, "text"), LEAF(3, "until", LEAF_AT), PLAIN(4, "relay"));
EACH(people, NULL, person);
SHAPE(presence, "presence", DEEP(FP_PRESENCE_PEOPLE, "people", people), PLAIN(FP_PRESENCE_FULL, "full"));
SHAPE(inbox_head, NULL, PLAIN(0, "conv"), PLAIN(1, "scope"), PLAIN(2, "head"), PLAIN(3, "unread"));
EACH(inbox_heads, NULL, inbox_head);
SHAPE(heads, "inbox heads", LEAF(FP_KEY_WHAT, "what", LEAF_INBOX), DEEP(FP_HEADS_ROWS, "rows", inbox_heads));
SHAPE(joined, "inbox joined", LEAF(FP_KEY_WHAT, "what", LEAF_INBOX), PLAIN(FP_JOINED_CONV, "conv"), PLAIN(FP_JOINED_SCOPE, "scope"),
      LEAF(FP_JOINED_ROLE, "role", LEAF_ROLE));
SHAPE(removed, "inbox removed", LEAF(FP_KEY_WHAT, "what", LEAF_INBOX), PLAIN(FP_REMOVED_CONV, "conv"), PLAIN(FP_REMOVED_SCOPE, "scope"));
SHAPE(horizons, "inbox horizons", LEAF(FP_KEY_WHAT, "what", LEAF_INBOX), DEEP(FP_HORIZONS_OWN, "own", receipts));
SHAPE(alert, "inbox alert", LEAF(FP_KEY_WHAT, "what", LEAF_INBOX), PLAIN(FP_ALERT_CONV, "conv"), PLAIN(FP_ALERT_SEQ, "seq"),
      LEAF(FP_ALERT_PRIORITY, "priority", LEAF_PRIORITY), PLAIN(FP_ALERT_DETAILS, "details"));
SHAPE(inbox, "inbox", LEAF(FP_KEY_WHAT, "what", LEAF_INBOX));
/* clang-format on */

const struct shape *shape_named(const char *name)
{
    static const struct shape *const all[] = {&command, &event, &reply, &inbox, &head, &about, &receipts, &typing, &presence};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}

const struct shape *shape_of_reply(uint64_t what)
{
    static const struct shape *const all[] = {&ack, &nack, &welcome, &page, &snapshot, &time_reply, &nudge, &report};
    return what >= FP_REPLY_ACK && what <= FP_REPLY_REPORT ? all[what - FP_REPLY_ACK] : &reply;
}

const struct shape *shape_of_inbox(uint64_t what)
{
    static const struct shape *const all[] = {&heads, &joined, &removed, &horizons, &alert};
    return what >= FP_INBOX_HEADS && what <= FP_INBOX_ALERT ? all[what - FP_INBOX_HEADS] : &inbox;
}

const struct shape *shape_of_body(uint64_t kind)
{
    static const struct {
        uint64_t kind;
        const struct shape *shape;
    } all[] = {
        {FP_K_HELLO, &hello_body},
        {FP_K_WATCH, &watch_body},
        {FP_K_GET, &get_body},
        {FP_K_DIGEST, &digest_body},
        {FP_K_MSG, &msg_body},
        {FP_K_EDIT, &msg_body},
        {FP_K_REDACT, &redact_body},
        {FP_K_REACT, &react_body},
        {FP_K_RECEIPT, &receipt_body},
        {FP_K_CONV_NEW, &conv_body},
        {FP_K_CONV_SET, &conv_body},
        {FP_K_MEMBER_ADD, &member_body},
        {FP_K_MEMBER_ROLE, &member_body},
        {FP_K_MEMBER_REMOVE, &member_body},
        {FP_K_STATUS, &status_body},
        {FP_K_POLICY, &policy_body},
        {FP_K_BLOB_NEW, &blob_body},
        {FP_K_BLOB_STATUS, &blob_body},
        {FP_K_BLOB_GET, &blob_get_body},
        {FP_K_STATE_SET, &state_body},
        {FP_K_STEP, &step_body},
        {FP_K_TRACE_GET, &trace_body},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].kind == kind) {
            return all[i].shape;
        }
    }
    return NULL;
}

const struct field *shape_field(const struct shape *shape, uint64_t key)
{
    for (size_t i = 0; shape && i < shape->count; i++) {
        if (shape->fields[i].key == key) {
            return &shape->fields[i];
        }
    }
    return NULL;
}
