#include "firmware-client/cli/show.h"

#include <inttypes.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/json.h"
#include "firmware-client/cli/names.h"
#include "firmware-client/cli/text.h"

static struct json begin(struct str *out, const char *type)
{
    struct json j = {.out = out};
    json_open(&j, '{');
    json_put_text(&j, "type", type);
    return j;
}

static void end(struct json *j)
{
    json_close(j, '}');
    str_char(j->out, '\n');
}

void show_conv(struct str *out, bool json, const struct fp_conv *c, struct fp_bytes title)
{
    if (json) {
        struct json j = begin(out, "conversation");
        json_put_id(&j, "conv", &c->id);
        json_put_id(&j, "scope", &c->scope);
        json_put_bytes(&j, "title", title);
        json_put_uint(&j, "head", c->head);
        json_put_uint(&j, "floor", c->floor);
        json_put_uint(&j, "read", c->read);
        json_put_uint(&j, "unread", c->unread);
        end(&j);
        return;
    }
    str_format(out, "%-20.*s %-12.*s %6" PRIu64 " %6" PRIu64 "  ", (int)c->id.len, c->id.text, (int)c->scope.len, c->scope.text, c->head, c->unread);
    text_inert(out, title, TEXT_ONE_LINE);
    str_char(out, '\n');
}

void show_members(struct str *out, bool json, const struct fp_id *conv, struct fp_about about)
{
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    while (fp_about_member(&about, &user, &role, &joined)) {
        const char *name = name_role(role);
        if (json) {
            struct json j = begin(out, "member");
            json_put_id(&j, "conv", conv);
            json_put_id(&j, "user", &user);
            json_put_text(&j, "role", name);
            json_put_uint(&j, "joined", joined);
            end(&j);
        } else {
            str_format(out, "%-20.*s %-9s since #%" PRIu64 "\n", (int)user.len, user.text, name ? name : "?", joined);
        }
    }
}

static void show_person(struct str *out, bool json, const struct fp_person *p)
{
    const char *state = name_person(p->state);
    struct str since = {0};
    if (json) {
        struct json j = begin(out, "presence");
        json_put_id(&j, "user", &p->user);
        json_put_text(&j, "state", state);
        clock_utc(&since, p->since);
        json_put_text(&j, "since", p->has_since ? str_get(&since) : NULL);
        json_put_bytes(&j, "text", p->text);
        end(&j);
    } else {
        str_format(out, "%-20.*s %-11s", (int)p->user.len, p->user.text, state ? state : "?");
        if (p->has_since) {
            str_text(out, " since ");
            clock_local(out, p->since);
        }
        str_text(out, p->text.len > 0 ? "  " : "");
        text_inert(out, p->text, TEXT_ONE_LINE);
        str_char(out, '\n');
    }
    str_fini(&since);
}

void show_presence(struct str *out, bool json, struct fp_bytes presence)
{
    struct fp_presence all;
    struct fp_person p;
    if (fp_presence_decode(presence, &all) != FP_OK) {
        return;
    }
    while (fp_presence_next(&all, &p)) {
        show_person(out, json, &p);
    }
}

void show_receipts(struct str *out, bool json, const struct fp_id *conv, struct fp_bytes receipts)
{
    struct fp_receipts all;
    struct fp_horizon h;
    if (fp_receipts_decode(receipts, &all) != FP_OK) {
        return;
    }
    while (fp_receipts_next(&all, &h)) {
        if (json) {
            struct json j = begin(out, "receipt");
            json_put_id(&j, "conv", conv);
            json_put_id(&j, "user", &h.id);
            json_put_uint(&j, "delivered", h.delivered);
            json_put_uint(&j, "read", h.read);
            end(&j);
        } else {
            str_format(out, "(%.*s: %.*s has #%" PRIu64 ", has read #%" PRIu64 ")\n", (int)conv->len, conv->text, (int)h.id.len, h.id.text,
                       h.delivered, h.read);
        }
    }
}

static void time_json(struct json *j, const char *name, struct fp_wall at)
{
    struct str text = {0};
    clock_utc(&text, at);
    json_put_text(j, name, at.ms > 0 ? str_get(&text) : NULL);
    str_fini(&text);
}

static void time_line(struct str *out, const char *name, struct fp_wall at)
{
    struct str text = {0};
    if (at.ms > 0) {
        clock_local(&text, at);
    } else {
        str_char(&text, '-');
    }
    str_format(out, "  %s %-16s", name, text.p);
    str_fini(&text);
}

bool show_readers(struct str *out, bool json, const struct fp_id *conv, uint64_t seq, struct fp_bytes value)
{
    struct fp_readers all;
    struct fp_reader r;
    if (fp_readers_decode(value, &all) != FP_OK) {
        return false;
    }
    while (fp_readers_next(&all, &r)) {
        if (json) {
            struct json j = begin(out, "reader");
            json_put_id(&j, "conv", conv);
            json_put_uint(&j, "seq", seq);
            json_put_id(&j, "user", &r.user);
            time_json(&j, "delivered", r.delivered);
            time_json(&j, "read", r.read);
            time_json(&j, "confirmed", r.confirmed);
            end(&j);
        } else {
            str_format(out, "%-20.*s", (int)r.user.len, r.user.text);
            time_line(out, "delivered", r.delivered);
            time_line(out, "read", r.read);
            time_line(out, "confirmed", r.confirmed);
            while (out->p[out->len - 1] == ' ') {
                out->len--;
            }
            str_char(out, '\n');
        }
    }
    return true;
}

void show_typing_names(struct str *out, struct fp_bytes typing, const struct fp_id *self)
{
    struct fp_typing all;
    struct fp_id id;
    size_t shown = 0;
    if (fp_typing_decode(typing, &all) != FP_OK) {
        return;
    }
    uint64_t more = all.count > all.name_count ? all.count - all.name_count : 0;
    while (fp_typing_next(&all, &id)) {
        if (!self || !fp_id_eq(&id, self)) {
            str_format(out, "%s%.*s", shown++ > 0 ? ", " : "", (int)id.len, id.text);
        }
    }
    if (more > 0 && shown > 0) {
        str_format(out, " and %" PRIu64 " more", more);
        shown = 2;
    }
    str_text(out, shown == 0 ? "" : shown == 1 ? " is typing" : " are typing");
}

void show_typing(struct str *out, bool json, const struct fp_id *conv, struct fp_bytes typing)
{
    struct str names = {0};
    show_typing_names(&names, typing, NULL);
    if (json) {
        struct json j = begin(out, "typing");
        json_put_id(&j, "conv", conv);
        json_put_bytes(&j, "text", str_bytes(&names));
        end(&j);
    } else if (names.len > 0) {
        str_format(out, "(%.*s: %s)\n", (int)conv->len, conv->text, names.p);
    }
    str_fini(&names);
}

void show_state(struct str *out, bool json, const struct fp_notice *n, const char *verb)
{
    if (json) {
        struct json j = begin(out, "state");
        json_put_uint(&j, "ticket", n->ticket);
        json_put_text(&j, "state", fp_send_state_name(n->state));
        json_put_id(&j, "conv", &n->conv);
        json_put_uint(&j, "seq", n->seq);
        json_put_text(&j, "code", n->err ? fp_err_name(n->err) : NULL);
        json_put_bytes(&j, "reason", n->text);
        end(&j);
        return;
    }
    str_format(out, "%s: %.*s", verb, (int)n->conv.len, n->conv.text);
    if (n->seq > 0) {
        str_format(out, " #%" PRIu64, n->seq);
    }
    str_char(out, '\n');
}

void show_pending(struct str *out, bool json, uint64_t ticket, enum fp_send_state state, const struct fp_command *cmd)
{
    const struct fp_event ev = {.kind = cmd->kind, .body = cmd->body};
    struct fp_msg msg = {0};
    const char *why;
    const char *kind = name_kind(cmd->kind);
    if ((ev.kind == FP_K_MSG || ev.kind == FP_K_EDIT) && fp_msg_decode(ev.body, &msg, &why) != FP_OK) {
        msg = (struct fp_msg){0};
    }
    if (json) {
        struct json j = begin(out, "pending");
        json_put_uint(&j, "ticket", ticket);
        json_put_text(&j, "state", fp_send_state_name(state));
        json_put_text(&j, "kind", kind);
        json_put_id(&j, "conv", &cmd->conv);
        json_put_bytes(&j, "text", msg.text);
        end(&j);
        return;
    }
    str_format(out, "%6" PRIu64 "  %-8s %-13s %-20.*s  ", ticket, fp_send_state_name(state), kind ? kind : "?", (int)cmd->conv.len, cmd->conv.text);
    text_inert(out, msg.text, TEXT_ONE_LINE);
    str_char(out, '\n');
}

void show_skipped(struct str *out, bool json, const struct fp_notice *n)
{
    if (json) {
        struct json j = begin(out, n->kind == FP_NOTICE_SNAPSHOT ? "snapshot" : "skipped");
        json_put_id(&j, "conv", &n->conv);
        json_put_uint(&j, "from", n->kind == FP_NOTICE_SNAPSHOT ? 1 : n->seq);
        json_put_uint(&j, "to", n->kind == FP_NOTICE_SNAPSHOT ? n->seq : n->upto);
        end(&j);
    } else if (n->kind == FP_NOTICE_SNAPSHOT) {
        str_format(out, "(%.*s: what is before #%" PRIu64 " is not kept any more, or not yours to see)\n", (int)n->conv.len, n->conv.text,
                   n->seq + 1);
    } else {
        str_format(out, "(%.*s: #%" PRIu64 " to #%" PRIu64 " do not fit into memory and are left out)\n", (int)n->conv.len, n->conv.text, n->seq,
                   n->upto);
    }
}

void show_error(struct str *out, const char *code, const char *reason)
{
    struct json j = begin(out, "error");
    json_put_text(&j, "code", code);
    json_put_text(&j, "reason", reason);
    end(&j);
}
