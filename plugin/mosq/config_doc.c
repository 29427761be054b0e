#include <inttypes.h>

#include "plugin/mosq/config_table.h"

static const char *shape_of(const struct option *o)
{
    switch (o->kind) {
    case OPTION_PATH:
        return "path";
    case OPTION_COUNT:
        return NULL; /* its range says it */
    case OPTION_IDS:
        return "names";
    case OPTION_BOOL:
        return "`true` or `false`";
    case OPTION_OTHER:
        return "`allow` or `defer`";
    case OPTION_ROLE:
        return "`hub` or `site`";
    case OPTION_ID:
        return "name";
    }
    return NULL;
}

void config_print_markdown(FILE *out)
{
    (void)fputs("| option | values | default | SIGHUP | what it is for |\n|---|---|---|---|---|\n", out);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &option_table[i];
        const char *shape = shape_of(o);

        (void)fprintf(out, "| `%s` | ", o->name);
        if (shape != NULL) {
            (void)fprintf(out, "%s", shape);
        } else {
            (void)fprintf(out, "%" PRIu64 " to %" PRIu64, o->min, o->max);
        }
        if (o->preset_text != NULL) {
            (void)fprintf(out, " | %s", o->preset_text);
        } else if (o->kind == OPTION_BOOL) {
            (void)fprintf(out, " | `%s`", o->preset ? "true" : "false");
        } else {
            (void)fprintf(out, " | %" PRIu64, o->preset);
        }
        (void)fprintf(out, " | %s | %s |\n", o->live ? "yes" : "no", o->about);
    }
}
