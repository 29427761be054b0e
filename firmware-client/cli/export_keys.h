/* export_keys.h: the numbers in the head of an exported file; see export.h. */
#ifndef FIRMWARE_CLIENT_CLI_EXPORT_KEYS_H
#define FIRMWARE_CLIENT_CLI_EXPORT_KEYS_H

enum {
    EXPORT_NAME = 1,
    EXPORT_VERSION = 2,
    EXPORT_CONV = 3,
    EXPORT_EPOCH = 4,
    EXPORT_FROM = 5,
    EXPORT_BEFORE = 6,
    EXPORT_TO = 7,
    EXPORT_AFTER = 8,
    EXPORT_KEYS = 8, /* how many */
};
#define EXPORT_NAMED "fieldpost-export"
#define EXPORT_VERSION_1 1

#endif
