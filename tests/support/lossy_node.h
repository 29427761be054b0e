/*
 * lossy_node.h: what lossy_vfs knows of one file: how its content differs from what was last synced.
 */
#ifndef TESTS_SUPPORT_LOSSY_NODE_H
#define TESTS_SUPPORT_LOSSY_NODE_H

#include <stdbool.h>
#include <stdint.h>

#define LOSSY_SECTOR 512

struct lossy_node;

struct lossy_node *lossy_node_opened(const char *path, bool existed);
/* Before bytes from..to (to = UINT64_MAX: all that follow) change: keeps what was synced there. */
void lossy_node_before_change(struct lossy_node *n, uint64_t from, uint64_t to);
void lossy_node_synced(struct lossy_node *n);
void lossy_node_before_delete(const char *path, bool durable);
/* Takes back a random part of what was not synced, in all files, and forgets them. */
void lossy_nodes_cut(uint64_t seed);
void lossy_nodes_forget(void);

#endif
