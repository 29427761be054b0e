#include "firmware-client/cli/screen.h"

#include "firmware-client/cli/text.h"

#define PROMPT "> "
#define PROMPT_COLUMNS 2

/* The bytes of p that fit into a row; *out_skip: how many more to leave out before the next row (its line feed). */
static size_t row_len(const char *p, size_t len, int columns, size_t *out_skip)
{
    int used = 0;
    size_t at = 0;
    *out_skip = 0;
    while (at < len) {
        uint32_t c;
        size_t step = text_next(p + at, len - at, &c);
        int width = text_width(c);
        if (c == '\n') {
            *out_skip = 1;
            return at;
        }
        if (used + width > columns) {
            return at > 0 ? at : step;
        }
        used += width;
        at += step;
    }
    return at;
}

struct rows {
    struct str *out;
    size_t skip; /* rows at the beginning that have no room */
    size_t count;
};

static void each_row(struct rows *r, const char *p, size_t len, int columns)
{
    size_t at = 0;
    do {
        size_t skip;
        size_t row = row_len(p + at, len - at, columns, &skip);
        if (r->out && r->count >= r->skip) {
            str_add(r->out, p + at, row);
            str_text(r->out, "\x1b[K\r\n");
        }
        r->count++;
        at += row + skip;
    } while (at < len);
}

static size_t item_rows(struct str *out, const struct screen_item *item, int columns, size_t skip)
{
    struct str text = {0};
    struct rows r = {.out = out, .skip = skip};
    str_format(&text, "%s%s", item->text, item->mark);
    each_row(&r, str_get(&text), text.len, columns);
    str_fini(&text);
    return r.count;
}

static void draw_items(struct str *out, const struct screen *s, size_t room)
{
    size_t first = s->item_count;
    size_t rows = 0;
    while (first > 0 && rows < room) {
        rows += item_rows(NULL, &s->items[--first], s->columns, 0);
    }
    for (size_t i = rows; i < room; i++) {
        str_text(out, "\x1b[K\r\n"); /* what there is stands at the bottom */
    }
    size_t skip = rows > room ? rows - room : 0;
    for (size_t i = first; i < s->item_count; i++) {
        (void)item_rows(out, &s->items[i], s->columns, skip);
        skip = 0;
    }
}

static void add_clipped(struct str *out, const char *text, int columns)
{
    size_t skip;
    str_add(out, text, row_len(text, strlen(text), columns, &skip));
}

/* The part of the line around the cursor. */
static void draw_line(struct str *out, const struct screen *s)
{
    const char *p = str_get(&s->line->text);
    int room = s->columns - PROMPT_COLUMNS - 1;
    size_t from = 0;
    size_t skip;
    while (from < s->line->cursor && text_columns(p + from, s->line->cursor - from) > room) {
        uint32_t c;
        from += text_next(p + from, s->line->cursor - from, &c);
    }
    str_text(out, PROMPT);
    str_add(out, p + from, row_len(p + from, s->line->text.len - from, room, &skip));
    str_format(out, "\x1b[K\r\x1b[%dC", PROMPT_COLUMNS + text_columns(p + from, s->line->cursor - from));
}

void screen_draw(struct str *out, const struct screen *s)
{
    str_text(out, "\x1b[?25l\x1b[H");
    if (s->rows > 2) {
        draw_items(out, s, (size_t)s->rows - 2);
    }
    str_text(out, "\x1b[7m");
    add_clipped(out, s->status, s->columns);
    str_text(out, "\x1b[K\x1b[m\r\n");
    draw_line(out, s);
    str_text(out, "\x1b[?25h");
}
