/*
 * keys.h: every number on the wire.
 *
 * Made by schemas/gen/keys.py from the files in schemas/cddl; change those and run it again.
 */
#ifndef FP_KEYS_H
#define FP_KEYS_H

/* clang-format off */

/* ------------------------------------------------------------------ common.cddl */

enum {
    FP_WIRE_VERSION = 1, /* of this contract, in hello and in the trunk's hello */
};

enum {
    FP_ROLE_OBSERVER = 0,
    FP_ROLE_MEMBER   = 1,
    FP_ROLE_MANAGER  = 2,
    FP_ROLE_OWNER    = 3,
    FP_ROLE_SERVICE  = 9, /* named by the hub's option, never granted */
};

enum {
    FP_PRIORITY_SAFETY = 0,
    FP_PRIORITY_HIGH   = 1,
    FP_PRIORITY_NORMAL = 2, /* where none is given */
    FP_PRIORITY_BULK   = 3,
};

enum {
    FP_CONTEXT_CLASS   = 1,
    FP_CONTEXT_ID      = 2,
    FP_CONTEXT_DETAILS = 3,
};

enum {
    FP_KEY_WHAT = 1, /* which reply, inbox message or trunk frame it is */
};

/* ------------------------------------------------------------------ command.cddl */

enum {
    FP_KEY_KIND     = 1,
    FP_KEY_N        = 2,
    FP_KEY_CONV     = 3,
    FP_KEY_SEEN     = 4,
    FP_KEY_AGE      = 5,
    FP_KEY_PRIORITY = 6,
    FP_KEY_TTL      = 7,
    FP_KEY_REF      = 8,
    FP_KEY_BASE     = 9,
    FP_KEY_BODY     = 10,
    FP_KEY_TRACE    = 15,
};

enum {
    FP_K_HELLO         = 1,
    FP_K_BYE           = 2,
    FP_K_IDLE          = 3,
    FP_K_WATCH         = 4,
    FP_K_TIME          = 5,
    FP_K_GET           = 10,
    FP_K_HEADS         = 11,
    FP_K_DIGEST        = 12,
    FP_K_MSG           = 20,
    FP_K_EDIT          = 21,
    FP_K_DELETE        = 22,
    FP_K_REDACT        = 23,
    FP_K_REACT         = 24,
    FP_K_CONFIRM       = 25,
    FP_K_RECEIPT       = 30,
    FP_K_READERS       = 31,
    FP_K_CONV_NEW      = 40,
    FP_K_CONV_SET      = 41,
    FP_K_MEMBER_ADD    = 42,
    FP_K_MEMBER_REMOVE = 43,
    FP_K_MEMBER_ROLE   = 44,
    FP_K_ACTIVITY      = 50,
    FP_K_STATUS        = 51,
    FP_K_POLICY        = 52,
    FP_K_TYPING        = 60,
    FP_K_BLOB_NEW      = 70,
    FP_K_BLOB_STATUS   = 71,
    FP_K_BLOB_GET      = 72,
    FP_K_STATE_SET     = 80,
    FP_K_STEP          = 81,
    FP_K_TRACE_GET     = 90,
    FP_K_EXPLAIN       = 91,
};

enum {
    FP_HELLO_PROTOCOL = 1,
    FP_HELLO_APP      = 2,
    FP_HELLO_FRESH    = 3,
    FP_HELLO_CURSORS  = 4,
    FP_HELLO_ZLIB     = 5,
    FP_HELLO_NEXT     = 6,
    FP_HELLO_ALIVE    = 7,
};

enum {
    FP_WATCH_USERS = 1,
    FP_WATCH_TTL   = 2,
};

enum {
    FP_GET_AFTER = 1,
    FP_GET_UPTO  = 2,
    FP_GET_BYTES = 3,
    FP_GET_ZLIB  = 4,
};

enum {
    FP_DIGEST_SEQ = 1,
};

enum {
    FP_MSG_TEXT        = 1,
    FP_MSG_MEDIA       = 2,
    FP_MSG_ATTACHMENTS = 3,
    FP_MSG_PLACE       = 4,
    FP_MSG_ZONE        = 5,
    FP_MSG_CONFIRM     = 6,
};

enum {
    FP_ATTACHMENT_SHA256 = 1,
    FP_ATTACHMENT_SIZE   = 2,
    FP_ATTACHMENT_MEDIA  = 3,
    FP_ATTACHMENT_NAME   = 4,
};

enum {
    FP_PLACE_LATITUDE  = 1,
    FP_PLACE_LONGITUDE = 2,
    FP_PLACE_ACCURACY  = 3,
};

enum {
    FP_REDACT_REASON = 1,
};

enum {
    FP_REACT_WITH = 1,
    FP_REACT_BACK = 2,
};

enum {
    FP_CONV_SCOPE     = 1,
    FP_CONV_TITLE     = 2,
    FP_CONV_MEMBERS   = 3,
    FP_CONV_CONTEXT   = 4,
    FP_CONV_RETENTION = 5,
};

enum {
    FP_MEMBER_USER = 1,
    FP_MEMBER_ROLE = 2,
    FP_MEMBER_FROM = 3,
};

enum {
    FP_ACTIVITY_AWAY   = 0,
    FP_ACTIVITY_ACTIVE = 1,
    FP_ACTIVITY_BUSY   = 2,
};

enum {
    FP_STATUS_TEXT  = 1,
    FP_STATUS_UNTIL = 2,
};

enum {
    FP_VIEWER_EVERYONE = 0,
    FP_VIEWER_SCOPE    = 1, /* members of the scope */
    FP_VIEWER_NOBODY   = 2,
    FP_VIEWER_RESERVED = 3,
};

enum {
    FP_LEVEL_HIDDEN  = 0,
    FP_LEVEL_DAY     = 1,
    FP_LEVEL_QUARTER = 2, /* a quarter of an hour */
    FP_LEVEL_EXACT   = 3,
};

enum {
    FP_BLOB_SHA256 = 1,
    FP_BLOB_SIZE   = 2,
    FP_BLOB_MEDIA  = 3,
    FP_BLOB_NAME   = 4,
    FP_BLOB_CHUNK  = 5,
};

enum {
    FP_BLOB_GET_SHA256 = 1,
    FP_BLOB_GET_FROM   = 2,
    FP_BLOB_GET_TO     = 3,
};

enum {
    FP_STATE_SCOPE = 1,
    FP_STATE_KEY   = 2,
    FP_STATE_VALUE = 3,
};

enum {
    FP_STEP_SCOPE   = 1,
    FP_STEP_KEY     = 2,
    FP_STEP_ACTION  = 3,
    FP_STEP_DETAILS = 4,
};

enum {
    FP_TRACE_DEVICE = 1,
    FP_TRACE_N      = 2,
};

enum {
    FP_EXPLAIN_USER   = 1,
    FP_EXPLAIN_CONV   = 2,
    FP_EXPLAIN_SEQ    = 3,
    FP_EXPLAIN_DEVICE = 1,
};

/* ------------------------------------------------------------------ event.cddl */

enum {
    FP_KEY_VERSION   = 9,
    FP_KEY_SEQ       = 16,
    FP_KEY_AT        = 17,
    FP_KEY_USER      = 18,
    FP_KEY_DEVICE    = 19,
    FP_KEY_FLAGS     = 20,
    FP_KEY_COMPOSED  = 21,
    FP_KEY_BRANCH    = 22,
    FP_KEY_BODY_HASH = 23,
};

enum {
    FP_FLAG_OFFLINE     = 1, /* composed offline */
    FP_FLAG_STALE       = 2, /* stale context */
    FP_FLAG_CONFLICT    = 4, /* conflict */
    FP_FLAG_HUB         = 8, /* made by the hub */
    FP_FLAG_CONFIRM     = 16, /* must be confirmed */
    FP_FLAG_REDACTED    = 32, /* redacted */
    FP_FLAG_PROVISIONAL = 64, /* provisional */
    FP_FLAG_REFUSED     = 128, /* refused */
};

/* ------------------------------------------------------------------ reply.cddl */

enum {
    FP_REPLY_ACK      = 1,
    FP_REPLY_NACK     = 2,
    FP_REPLY_WELCOME  = 3,
    FP_REPLY_PAGE     = 4,
    FP_REPLY_SNAPSHOT = 5,
    FP_REPLY_TIME     = 6,
    FP_REPLY_NUDGE    = 7,
    FP_REPLY_REPORT   = 8,
};

enum {
    FP_ACK_ROWS  = 2,
    FP_ACK_RELAY = 3,
};

enum {
    FP_NACK_N       = 2,
    FP_NACK_ERROR   = 3,
    FP_NACK_REASON  = 4,
    FP_NACK_RETRY   = 5,
    FP_NACK_CURRENT = 6,
    FP_NACK_NEXT    = 7,
};

enum {
    FP_C_MALFORMED   = 1,
    FP_C_TOO_LARGE   = 2,
    FP_C_DENIED      = 3,
    FP_C_UNKNOWN     = 4, /* no such conversation, event or key, or none that this user may know of */
    FP_C_GAP         = 5, /* n is not the next one; key 7 says which is */
    FP_C_CONFLICT    = 6, /* the same (device, n) came with another content */
    FP_C_STALE       = 7, /* base is not the current version; key 6 holds the current value */
    FP_C_TOO_LATE    = 8,
    FP_C_RATE        = 9,
    FP_C_FULL        = 10, /* storage: nothing was lost, keep it and retry */
    FP_C_UNSUPPORTED = 11,
    FP_C_EXPIRED     = 12,
    FP_C_BUSY        = 13,
    FP_C_IDENTITY    = 14, /* this device belongs to another user */
};

enum {
    FP_WELCOME_EPOCH   = 2,
    FP_WELCOME_SESSION = 3,
    FP_WELCOME_AT      = 4,
    FP_WELCOME_NEXT    = 5,
    FP_WELCOME_HEADS   = 6,
    FP_WELCOME_LIMITS  = 7,
    FP_WELCOME_RELAY   = 8,
};

enum {
    FP_LIMIT_COMMAND_BYTES = 1,
    FP_LIMIT_BATCH         = 2,
    FP_LIMIT_RATE          = 3,
    FP_LIMIT_PAGE_BYTES    = 4,
    FP_LIMIT_ALIVE         = 5,
};

enum {
    FP_PAGE_CONV    = 2,
    FP_PAGE_FROM    = 3,
    FP_PAGE_TO      = 4,
    FP_PAGE_MORE    = 5,
    FP_PAGE_CODEC   = 6,
    FP_PAGE_CONTENT = 7,
    FP_CODEC_PLAIN  = 0,
    FP_CODEC_ZLIB   = 1,
};

enum {
    FP_SNAPSHOT_CONV  = 2,
    FP_SNAPSHOT_FLOOR = 3,
    FP_SNAPSHOT_STATE = 4,
};

enum {
    FP_TIME_ECHO     = 2,
    FP_TIME_RECEIVED = 3,
    FP_TIME_SENT     = 4,
};

enum {
    FP_NUDGE_ROWS = 2,
};

enum {
    FP_REPORT_KIND  = 2,
    FP_REPORT_VALUE = 3,
    FP_REPORT_CONV  = 4,
    FP_REPORT_SEQ   = 5,
};

/* ------------------------------------------------------------------ live.cddl */

enum {
    FP_HEAD_EPOCH = 1,
    FP_HEAD_SEQ   = 2,
    FP_HEAD_FLOOR = 3,
    FP_HEAD_AT    = 4,
    FP_HEAD_CHAIN = 5,
};

enum {
    FP_ABOUT_VERSION = 1,
    FP_ABOUT_TITLE   = 2,
    FP_ABOUT_SCOPE   = 3,
    FP_ABOUT_MEMBERS = 4,
    FP_ABOUT_CONTEXT = 5,
};

enum {
    FP_TYPING_NAMES = 1,
    FP_TYPING_COUNT = 2,
};

enum {
    FP_PRESENCE_PEOPLE = 1,
    FP_PRESENCE_FULL   = 2,
};

enum {
    FP_PERSON_OFFLINE     = 0,
    FP_PERSON_UNREACHABLE = 1,
    FP_PERSON_AWAY        = 2,
    FP_PERSON_ACTIVE      = 3,
    FP_PERSON_BUSY        = 4,
};

enum {
    FP_INBOX_HEADS    = 1,
    FP_INBOX_JOINED   = 2,
    FP_INBOX_REMOVED  = 3,
    FP_INBOX_HORIZONS = 4,
    FP_INBOX_ALERT    = 5,
};

enum {
    FP_HEADS_ROWS = 2,
};

enum {
    FP_JOINED_CONV  = 2,
    FP_JOINED_SCOPE = 3,
    FP_JOINED_ROLE  = 4,
};

enum {
    FP_REMOVED_CONV  = 2,
    FP_REMOVED_SCOPE = 3,
};

enum {
    FP_HORIZONS_OWN = 2,
};

enum {
    FP_ALERT_CONV     = 2,
    FP_ALERT_SEQ      = 3,
    FP_ALERT_PRIORITY = 4,
    FP_ALERT_DETAILS  = 5,
};

/* ------------------------------------------------------------------ trunk.cddl */

enum {
    FP_TRUNK_HELLO   = 1,
    FP_TRUNK_WELCOME = 2,
    FP_TRUNK_BATCH   = 3,
    FP_TRUNK_ACK     = 4,
    FP_TRUNK_NACK    = 5,
    FP_TRUNK_REFUSE  = 6,
    FP_TRUNK_GAP     = 7,
    FP_TRUNK_RESET   = 8,
    FP_TRUNK_LIVE    = 9,
    FP_TRUNK_KNOWN   = 10,
};

enum {
    FP_LANE_URGENT   = 0,
    FP_LANE_RECEIPTS = 1, /* receipts and state */
    FP_LANE_MESSAGES = 2,
    FP_LANE_BULK     = 3,
};

enum {
    FP_T_HELLO_PROTOCOL = 2,
    FP_T_HELLO_EPOCH    = 3,
    FP_T_HELLO_LANES    = 4,
    FP_T_HELLO_HELD     = 5,
    FP_T_HELLO_HAVE     = 6,
};

enum {
    FP_T_WELCOME_EPOCH  = 2,
    FP_T_WELCOME_HAVE   = 3,
    FP_T_WELCOME_CREDIT = 4,
    FP_T_WELCOME_BYTES  = 5,
    FP_T_WELCOME_AT     = 6,
    FP_T_WELCOME_SCOPES = 7,
    FP_T_WELCOME_START  = 8,
};

enum {
    FP_T_BATCH_EPOCH   = 2,
    FP_T_BATCH_LANE    = 3,
    FP_T_BATCH_FIRST   = 4,
    FP_T_BATCH_COUNT   = 5,
    FP_T_BATCH_CODEC   = 6,
    FP_T_BATCH_CRC     = 7,
    FP_T_BATCH_RECORDS = 8,
};

enum {
    FP_T_ACK_EPOCH  = 2,
    FP_T_ACK_LANE   = 3,
    FP_T_ACK_HAVE   = 4,
    FP_T_ACK_CREDIT = 5,
};

enum {
    FP_T_NACK_LANE     = 2,
    FP_T_NACK_EXPECTED = 3,
};

enum {
    FP_T_REFUSE_LANE   = 2,
    FP_T_REFUSE_NUMBER = 3,
    FP_T_REFUSE_ERROR  = 4,
    FP_T_REFUSE_REASON = 5,
    FP_T_REFUSE_NEXT   = 6,
};

enum {
    FP_T_GAP_LANE   = 2,
    FP_T_GAP_FROM   = 3,
    FP_T_GAP_TO     = 4,
    FP_T_GAP_REASON = 5,
};

enum {
    FP_T_RESET_OLD    = 2,
    FP_T_RESET_NEW    = 3,
    FP_T_RESET_REASON = 4,
};

enum {
    FP_T_LIVE_PEOPLE = 2,
    FP_T_LIVE_FULL   = 3,
    FP_T_LIVE_TYPING = 4,
};

enum {
    FP_T_KNOWN_LANE   = 2,
    FP_T_KNOWN_NUMBER = 3,
    FP_T_KNOWN_CONV   = 4,
    FP_T_KNOWN_SEQ    = 5,
    FP_T_KNOWN_AT     = 6,
};

enum {
    FP_TOLD_RECEIPTS_WHAT = 1,
    FP_TOLD_CONV_WHAT     = 2,
    FP_TOLD_PERSON_WHAT   = 3,
};

enum {
    FP_STATE_CONV        = 1,
    FP_STATE_OF_SCOPE    = 2,
    FP_STATE_FLOOR       = 3,
    FP_STATE_FLOOR_CHAIN = 4,
    FP_STATE_ABOUT       = 5,
    FP_STATE_TITLE       = 6,
    FP_STATE_RETENTION   = 7,
    FP_STATE_MEMBERS     = 8,
    FP_STATE_CONTEXT     = 9,
};

enum {
    FP_FACTS_VERSION = 1,
    FP_FACTS_TEXT    = 2,
    FP_FACTS_UNTIL   = 3,
    FP_FACTS_POLICY  = 4,
};

/* X(kind, durable, now) for every kind */
#define FP_KINDS(X) \
    X(FP_K_HELLO,         0, 0) \
    X(FP_K_BYE,           0, 0) \
    X(FP_K_IDLE,          0, 0) \
    X(FP_K_WATCH,         0, 1) \
    X(FP_K_TIME,          0, 1) \
    X(FP_K_GET,           0, 0) \
    X(FP_K_HEADS,         0, 0) \
    X(FP_K_DIGEST,        0, 0) \
    X(FP_K_MSG,           1, 0) \
    X(FP_K_EDIT,          1, 0) \
    X(FP_K_DELETE,        1, 0) \
    X(FP_K_REDACT,        1, 0) \
    X(FP_K_REACT,         1, 0) \
    X(FP_K_CONFIRM,       1, 0) \
    X(FP_K_RECEIPT,       0, 0) \
    X(FP_K_READERS,       0, 0) \
    X(FP_K_CONV_NEW,      1, 0) \
    X(FP_K_CONV_SET,      1, 0) \
    X(FP_K_MEMBER_ADD,    1, 0) \
    X(FP_K_MEMBER_REMOVE, 1, 0) \
    X(FP_K_MEMBER_ROLE,   1, 0) \
    X(FP_K_ACTIVITY,      0, 1) \
    X(FP_K_STATUS,        0, 0) \
    X(FP_K_POLICY,        0, 0) \
    X(FP_K_TYPING,        0, 1) \
    X(FP_K_BLOB_NEW,      1, 0) \
    X(FP_K_BLOB_STATUS,   0, 0) \
    X(FP_K_BLOB_GET,      0, 0) \
    X(FP_K_STATE_SET,     1, 0) \
    X(FP_K_STEP,          1, 0) \
    X(FP_K_TRACE_GET,     0, 0) \
    X(FP_K_EXPLAIN,       0, 0)
#define FP_KIND_MAX 91

/* clang-format on */

#endif
