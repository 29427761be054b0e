#include "firmware-client/cli/show.h"

#include <inttypes.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/json.h"
#include "firmware-client/cli/names.h"
#include "firmware-client/cli/text.h"

/* What a body says, whichever kind it is of; what a kind does not have stays empty. */
struct told {
    struct fp_bytes text, title, with, reason;
    struct fp_id user, scope;
    uint64_t role;
    size_t attachments;
    bool must_confirm, take_back, has_title;
};

static void read_react(struct fp_bytes body, struct told *t)
{
    struct fp_dec d;
    fp_dec_init(&d, body);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        switch (fp_dec_key(&d)) {
        case FP_REACT_WITH:
            t->with = fp_dec_text(&d);
            break;
        case FP_REACT_BACK:
            t->take_back = fp_dec_bool(&d);
            break;
        default:
            fp_dec_skip(&d);
        }
    }
}

/* A body that is not as it should be tells nothing; the event is shown all the same. */
static void read_body(const struct fp_event *ev, struct told *t)
{
    const char *why;
    struct fp_msg msg;
    struct fp_conv_body conv;
    struct fp_member_body member;
    *t = (struct told){.role = FP_ROLE_NONE};
    switch (ev->kind) {
    case FP_K_MSG:
    case FP_K_EDIT:
        if (fp_msg_decode(ev->body, &msg, &why) == FP_OK) {
            t->text = msg.text;
            t->attachments = msg.attachment_count;
            t->must_confirm = msg.must_confirm;
        }
        break;
    case FP_K_REACT:
        read_react(ev->body, t);
        break;
    case FP_K_REDACT:
        if (fp_redact_decode(ev->body, &t->reason, &why) != FP_OK) {
            t->reason = (struct fp_bytes){0};
        }
        break;
    case FP_K_CONV_NEW:
    case FP_K_CONV_SET:
        if (fp_conv_body_decode(ev->body, FP_COMMAND_BYTES_MAX, &conv, &why) == FP_OK) {
            t->title = conv.title;
            t->has_title = conv.has_title;
            t->scope = conv.scope;
        }
        break;
    case FP_K_MEMBER_ADD:
    case FP_K_MEMBER_REMOVE:
    case FP_K_MEMBER_ROLE:
        if (fp_member_body_decode(ev->body, &member, &why) == FP_OK) {
            t->user = member.user;
            t->role = member.role;
        }
        break;
    default:
        break;
    }
}

static void quoted(struct str *out, struct fp_bytes text)
{
    str_char(out, '"');
    text_inert(out, text, TEXT_ONE_LINE);
    str_char(out, '"');
}

static void say_member(struct str *out, const struct fp_event *ev, const struct told *t)
{
    const char *role = name_role(t->role);
    const char *verb = ev->kind == FP_K_MEMBER_ADD ? "lets in" : ev->kind == FP_K_MEMBER_REMOVE ? "takes out" : "gives a role to";
    bool self = ev->kind == FP_K_MEMBER_REMOVE && fp_id_eq(&t->user, &ev->user);
    if (self) {
        str_text(out, " leaves");
        return;
    }
    str_format(out, " %s %.*s", verb, (int)t->user.len, t->user.text);
    if (role && ev->kind != FP_K_MEMBER_REMOVE) {
        str_format(out, " (%s)", role);
    }
}

/* What the hub has found out about it; a lost edit is named where it is told. */
static void say_flags(struct str *out, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *text;
    } all[] = {{FP_FLAG_OFFLINE, " [written offline]"}, {FP_FLAG_STALE, " [had not seen the latest]"}, {FP_FLAG_HUB, " [by the hub]"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        str_text(out, (flags & all[i].flag) != 0 ? all[i].text : "");
    }
}

static void say_gone(struct str *out, const struct fp_event *ev)
{
    bool redacted = (ev->flags & FP_FLAG_REDACTED) != 0;
    if (ev->kind == FP_K_EDIT) {
        str_format(out, " changes #%" PRIu64, ev->ref);
    }
    str_text(out, redacted ? ": (redacted)" : ev->body_hash.len > 0 ? ": (deleted, or changed since)" : ": (deleted)");
}

static void say_message(struct str *out, const struct fp_event *ev, const struct told *t)
{
    if (ev->kind == FP_K_EDIT) {
        bool lost = (ev->flags & FP_FLAG_CONFLICT) != 0;
        str_format(out, lost ? " would have changed #%" PRIu64 ", but lost" : " changes #%" PRIu64, ev->ref);
    } else if (ev->ref > 0) {
        str_format(out, " to #%" PRIu64, ev->ref);
    }
    if (ev->priority != FP_PRIORITY_NORMAL) {
        const char *priority = name_priority(ev->priority);
        str_format(out, " [%s]", priority ? priority : "?");
    }
    say_flags(out, ev->flags);
    str_text(out, t->must_confirm ? " [to be confirmed]: " : ": ");
    text_inert(out, t->text, TEXT_LINES);
    if (t->attachments > 0) {
        str_format(out, "%s[%zu attachment%s]", t->text.len > 0 ? " " : "", t->attachments, t->attachments > 1 ? "s" : "");
    }
}

static void say_rest(struct str *out, const struct fp_event *ev, const struct told *t)
{
    const char *kind = name_kind(ev->kind);
    switch (ev->kind) {
    case FP_K_CONV_NEW:
        str_text(out, " opens the conversation ");
        quoted(out, t->title);
        break;
    case FP_K_CONV_SET:
        str_text(out, t->has_title ? " calls the conversation " : " changes the conversation");
        if (t->has_title) {
            quoted(out, t->title);
        }
        break;
    case FP_K_REACT:
        str_text(out, t->take_back ? " takes back " : " reacts with ");
        text_inert(out, t->with, TEXT_ONE_LINE);
        str_format(out, " to #%" PRIu64, ev->ref);
        break;
    case FP_K_DELETE:
        str_format(out, " deletes #%" PRIu64, ev->ref);
        break;
    case FP_K_REDACT:
        str_format(out, " redacts #%" PRIu64, ev->ref);
        if (t->reason.len > 0) {
            str_text(out, ": ");
            text_inert(out, t->reason, TEXT_ONE_LINE);
        }
        break;
    case FP_K_CONFIRM:
        str_format(out, " confirms #%" PRIu64, ev->ref);
        break;
    default:
        if (kind) {
            str_format(out, " (%s)", kind);
        } else {
            str_format(out, " (kind %" PRIu64 ")", ev->kind);
        }
    }
}

/* What a site has and the hub has not ordered yet stands where others have their number. */
static void say_provisional(struct str *out, const struct fp_event *ev)
{
    bool refused = (ev->flags & FP_FLAG_REFUSED) != 0;
    str_format(out, refused ? "(refused by the hub; was at %.*s) " : "(at %.*s, not yet with the hub) ", (int)ev->branch_relay.len,
               ev->branch_relay.text);
}

static void event_line(struct str *out, bool with_conv, const struct fp_event *ev, const struct told *t)
{
    bool gone = ev->body.len == 0 || ev->body.p[0] == 0xf6; /* null: the body was deleted */
    str_char(out, '[');
    clock_local(out, ev->at);
    str_text(out, "] ");
    if (with_conv) {
        str_format(out, "%.*s ", (int)ev->conv.len, ev->conv.text);
    }
    if (ev->seq > 0) {
        str_format(out, "#%" PRIu64 " ", ev->seq);
    } else {
        say_provisional(out, ev);
    }
    str_format(out, "%.*s", (int)ev->user.len, ev->user.text);
    if ((ev->kind == FP_K_MSG || ev->kind == FP_K_EDIT) && gone) {
        say_gone(out, ev);
    } else if (ev->kind == FP_K_MSG || ev->kind == FP_K_EDIT) {
        say_message(out, ev, t);
    } else if (ev->kind == FP_K_MEMBER_ADD || ev->kind == FP_K_MEMBER_REMOVE || ev->kind == FP_K_MEMBER_ROLE) {
        say_member(out, ev, t);
    } else {
        say_rest(out, ev, t);
        say_flags(out, ev->flags);
    }
    str_char(out, '\n');
}

static void event_body_json(struct json *j, const struct fp_event *ev, const struct told *t)
{
    if (ev->kind == FP_K_MSG || ev->kind == FP_K_EDIT) {
        json_put_bytes(j, "text", t->text);
        json_put_bool(j, "must_confirm", t->must_confirm);
        json_put_uint(j, "attachments", t->attachments);
    }
    if (t->has_title) {
        json_put_bytes(j, "title", t->title);
    }
    if (!fp_id_is_none(&t->scope)) {
        json_put_id(j, "scope", &t->scope);
    }
    if (!fp_id_is_none(&t->user)) {
        json_put_id(j, "member", &t->user);
        json_put_text(j, "role", name_role(t->role));
    }
    if (ev->kind == FP_K_REACT) {
        json_put_bytes(j, "with", t->with);
        json_put_bool(j, "take_back", t->take_back);
    }
    if (ev->kind == FP_K_REDACT) {
        json_put_bytes(j, "reason", t->reason);
    }
}

static void event_json(struct str *out, const struct fp_event *ev, const struct told *t)
{
    struct json j = {.out = out};
    struct str at = {0};
    clock_utc(&at, ev->at);
    json_open(&j, '{');
    json_put_text(&j, "type", ev->seq > 0 ? "event" : "provisional");
    json_put_id(&j, "conv", &ev->conv);
    if (ev->seq > 0) {
        json_put_uint(&j, "seq", ev->seq);
    }
    if (!fp_id_is_none(&ev->branch_relay)) {
        json_put_id(&j, "site", &ev->branch_relay);
    }
    json_put_text(&j, "at", str_get(&at));
    json_put_text(&j, "kind", name_kind(ev->kind));
    json_put_id(&j, "user", &ev->user);
    json_put_id(&j, "device", &ev->device);
    json_put_uint(&j, "n", ev->n);
    json_put_uint(&j, "ref", ev->ref);
    json_put_text(&j, "priority", name_priority(ev->priority));
    json_put_uint(&j, "flags", ev->flags);
    if (ev->version > 0) {
        json_put_uint(&j, "version", ev->version);
    }
    event_body_json(&j, ev, t);
    json_close(&j, '}');
    str_char(out, '\n');
    str_fini(&at);
}

void show_event(struct str *out, bool json, bool with_conv, const struct fp_event *ev)
{
    struct told t;
    read_body(ev, &t);
    if (json) {
        event_json(out, ev, &t);
    } else {
        event_line(out, with_conv, ev, &t);
    }
}
