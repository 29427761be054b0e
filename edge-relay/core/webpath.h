/*
 * webpath.h: from the path of a request to a file below the web console's folder, and its media type.
 *
 * Invariants  W1 what comes out has no segment that is empty or starts with a dot, and no byte outside of A-Z a-z 0-9 . _ - /:
 *             it cannot leave the folder. (Symbolic links in the folder are the operator's own.)
 *             W2 it does not begin with a slash.
 */
#ifndef EDGE_RELAY_CORE_WEBPATH_H
#define EDGE_RELAY_CORE_WEBPATH_H

#include <stdbool.h>
#include <stddef.h>

#define WEBPATH_MAX 256

/* `path` is decoded and starts with a slash. A path that ends in a slash is its index.html. False: there is no such file. */
bool webpath_file(const char *path, size_t len, char out[WEBPATH_MAX]);
/* By the name's end; never NULL. What is not known is application/octet-stream. */
const char *webpath_media_type(const char *file);
/* Whether the name carries a hash of the content (name-HASH.ext, 8 or more characters), so that it may be kept for ever. */
bool webpath_is_hashed(const char *file);

#endif
