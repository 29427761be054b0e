#include "edge-relay/core/webpath.h"

#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool webpath_file(const char *path, size_t len, char out[WEBPATH_MAX])
{
    static const char index_name[] = "index.html";

    if (len == 0 || path[0] != '/' || len + sizeof index_name > WEBPATH_MAX) {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        bool starts_segment = path[i - 1] == '/';

        if (!is_alnum(path[i]) && path[i] != '_' && path[i] != '-' && path[i] != '.' && path[i] != '/') {
            return false;
        }
        if (starts_segment && (path[i] == '/' || path[i] == '.')) { /* W1 */
            return false;
        }
        out[i - 1] = path[i]; /* W2 */
    }
    out[len - 1] = '\0';
    if (path[len - 1] == '/') {
        memcpy(out + len - 1, index_name, sizeof index_name);
    }
    return true;
}

const char *webpath_media_type(const char *file)
{
    static const struct {
        const char *end, *type;
    } table[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/plain; charset=utf-8"},
    };
    size_t len = strlen(file);

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = strlen(table[i].end);

        if (len > n && memcmp(file + len - n, table[i].end, n) == 0) {
            return table[i].type;
        }
    }
    return "application/octet-stream";
}

bool webpath_is_hashed(const char *file)
{
    size_t len = strlen(file);
    size_t dot = len;
    bool digit = false;

    while (dot > 0 && file[dot - 1] != '.' && file[dot - 1] != '/') {
        dot--;
    }
    if (dot == 0 || file[dot - 1] != '.') {
        return false;
    }
    size_t start = dot - 1;
    while (start > 0 && is_alnum(file[start - 1])) {
        start--;
        digit = digit || (file[start] >= '0' && file[start] <= '9');
    }
    return digit && dot - 1 - start >= 8 && start > 0 && (file[start - 1] == '-' || file[start - 1] == '.');
}
