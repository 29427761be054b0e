#include "firmware-client/cli/json.h"

#include <inttypes.h>

#include "firmware-client/cli/text.h"

static void value_begins(struct json *j)
{
    if (j->comma) {
        str_char(j->out, ',');
    }
    j->comma = true;
}

void json_open(struct json *j, char bracket)
{
    value_begins(j);
    str_char(j->out, bracket);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    str_char(j->out, bracket);
    j->comma = true;
}

static void add_escaped(struct str *out, uint32_t c)
{
    if (c == '\n') {
        str_text(out, "\\n");
    } else if (c == '\r') {
        str_text(out, "\\r");
    } else if (c == '\t') {
        str_text(out, "\\t");
    } else if (c == '"' || c == '\\') {
        str_char(out, '\\');
        str_char(out, (char)c);
    } else if (c > 0xffff) {
        c -= 0x10000;
        str_format(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (c >> 10)), (unsigned)(0xdc00 + (c & 0x3ff)));
    } else {
        str_format(out, "\\u%04x", (unsigned)c);
    }
}

static void add_string(struct str *out, struct fp_bytes text)
{
    const char *p = (const char *)text.p;
    str_char(out, '"');
    for (size_t at = 0; at < text.len;) {
        uint32_t c;
        size_t len = text_next(p + at, text.len - at, &c);
        if (c == UINT32_MAX) {
            str_text(out, "\xef\xbf\xbd");
        } else if (c == '"' || c == '\\' || text_is_control(c)) {
            add_escaped(out, c);
        } else {
            str_add(out, p + at, len);
        }
        at += len;
    }
    str_char(out, '"');
}

void json_name(struct json *j, const char *name)
{
    value_begins(j);
    add_string(j->out, fp_bytes_of(name, strlen(name)));
    str_char(j->out, ':');
    j->comma = false;
}

void json_string(struct json *j, struct fp_bytes text)
{
    value_begins(j);
    add_string(j->out, text);
}

void json_uint(struct json *j, uint64_t v)
{
    value_begins(j);
    str_format(j->out, "%" PRIu64, v);
}

void json_bool(struct json *j, bool v)
{
    value_begins(j);
    str_text(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
    value_begins(j);
    str_text(j->out, "null");
}

void json_put_text(struct json *j, const char *name, const char *text)
{
    json_name(j, name);
    if (text) {
        json_string(j, fp_bytes_of(text, strlen(text)));
    } else {
        json_null(j);
    }
}

void json_put_bytes(struct json *j, const char *name, struct fp_bytes text)
{
    json_name(j, name);
    json_string(j, text);
}

void json_put_id(struct json *j, const char *name, const struct fp_id *id)
{
    json_name(j, name);
    if (fp_id_is_none(id)) {
        json_null(j);
    } else {
        json_string(j, fp_bytes_of(id->text, id->len));
    }
}

void json_put_uint(struct json *j, const char *name, uint64_t v)
{
    json_name(j, name);
    json_uint(j, v);
}

void json_put_bool(struct json *j, const char *name, bool v)
{
    json_name(j, name);
    json_bool(j, v);
}
