#include "firmware-client/cli/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *keep_memory(void *p)
{
    if (!p) {
        fputs("fieldpost: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void str_room(struct str *s, size_t more)
{
    if (s->cap - s->len > more) {
        return;
    }
    size_t cap = s->cap ? s->cap : 64;
    while (cap - s->len <= more) {
        cap *= 2;
    }
    s->p = keep_memory(realloc(s->p, cap));
    s->cap = cap;
}

void str_add(struct str *s, const void *p, size_t len)
{
    str_room(s, len);
    if (len > 0) {
        memcpy(s->p + s->len, p, len);
    }
    s->len += len;
    s->p[s->len] = '\0';
}

void str_text(struct str *s, const char *text)
{
    str_add(s, text, strlen(text));
}

void str_char(struct str *s, char c)
{
    str_add(s, &c, 1);
}

void str_format(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len <= 0) {
        return;
    }
    str_room(s, (size_t)len + 1);
    va_start(args, format);
    (void)vsnprintf(s->p + s->len, (size_t)len + 1, format, args);
    va_end(args);
    s->len += (size_t)len;
}

void str_clear(struct str *s)
{
    s->len = 0;
    if (s->p) {
        s->p[0] = '\0';
    }
}

void str_fini(struct str *s)
{
    free(s->p);
    *s = (struct str){0};
}

const char *str_get(const struct str *s)
{
    return s->p ? s->p : "";
}

struct fp_bytes str_bytes(const struct str *s)
{
    return fp_bytes_of(s->p, s->len);
}

char *str_keep(const char *text)
{
    size_t len = strlen(text) + 1;
    return memcpy(keep_memory(malloc(len)), text, len);
}
