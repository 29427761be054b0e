/*
 * fuzz_replay.c: main() for a fuzz target without libFuzzer: every file of the folders (or the files) named is one input.
 *
 * An empty corpus fails: a replay that saw nothing shows nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_CAP 4096
#define INPUT_CAP (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return -1;
    }
    uint8_t *whole = malloc(INPUT_CAP);
    size_t len = whole == NULL ? 0 : fread(whole, 1, INPUT_CAP, f);
    int bad = whole == NULL || ferror(f) != 0 || fgetc(f) != EOF;
    (void)fclose(f);
    uint8_t *exact = bad ? NULL : malloc(len == 0 ? 1 : len); /* its own block, so that a sanitizer sees a read past the end */
    if (exact != NULL) {
        memcpy(exact, whole, len);
        (void)LLVMFuzzerTestOneInput(exact, len);
    }
    bad = exact == NULL;
    free(exact);
    free(whole);
    if (bad) {
        fprintf(stderr, "%s: cannot be read whole, or has more than %d bytes\n", path, INPUT_CAP);
    }
    return bad ? -1 : 1;
}

static int replay_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        return -1;
    }
    int count = 0;
    const struct dirent *entry = readdir(dir);
    while (entry != NULL && count >= 0) {
        char name[PATH_CAP];
        int len = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.') {
            int one = len > 0 && (size_t)len < sizeof(name) ? replay_file(name) : -1;
            count = one < 0 ? -1 : count + one;
        }
        entry = readdir(dir);
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        int count = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
        if (count < 0) {
            return 1;
        }
        total += count;
    }
    printf("%d inputs replayed\n", total);
    return total > 0 ? 0 : 1;
}
