/*
 * origin.h: which web pages may open a connection: the Origin that a browser names against the list of the configuration.
 *
 * Shape       words separated by blanks or commas: `same` (the page came from the host that it now connects to), `*` (all),
 *             `scheme://host[:port]`, and with `*.` before the host for every name below it, though not for the host itself
 * Errors      a list that does not parse is refused as a whole, with the word that is wrong
 * Memory      a list is borrowed text: it must stay as long as it is asked
 */
#ifndef EDGE_RELAY_CORE_ORIGIN_H
#define EDGE_RELAY_CORE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#define ORIGIN_MAX 255 /* longest origin or host that is compared */

/* True if each word of `list` is one of the above; otherwise the bad word is list[*out_at], *out_len long. An empty list is fine. */
bool origin_list_ok(const char *list, size_t *out_at, size_t *out_len);

/* Whether a page of `origin` may connect. `host` is the request's Host header. Both are bytes of a peer. */
bool origin_allowed(const char *list, const char *origin, const char *host);

#endif
