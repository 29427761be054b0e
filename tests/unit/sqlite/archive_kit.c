#include "tests/unit/sqlite/archive_kit.h"

#include <dirent.h>
#include <stdio.h>

static const struct fp_wall far = {UINT64_MAX};

enum fp_err open_with(struct fixture *f)
{
    f->config.archive_dir = f->dir.path;
    return fixture_open(f);
}

static void run_text(uint64_t first, char *buf, size_t cap)
{
    (void)snprintf(buf, cap, "what was said in the run of %u: TopSecret-0451", (unsigned)first);
}

/* A conversation of RUNS runs of one event; returns its cid. */
uint64_t fill(struct fixture *f)
{
    struct store_conv c = {.id = store_script_id("c", 1), .scope = store_script_id("s", 1)};
    char buf[80];

    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
    for (uint64_t i = 1; i <= RUNS; i++) {
        run_text(i, buf, sizeof buf);
        struct store_run run = {.cid = c.cid, .first = i, .last = i, .msgs = i, .at = {1000 + i}, .events = fp_bytes_of(buf, strlen(buf))};
        memset(run.chain, (int)i, sizeof run.chain);
        assert_int_equal(f->p.append(f->p.ctx, &run), FP_OK);
    }
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    return c.cid;
}

enum fp_err archive_upto(struct fixture *f, struct fp_wall before)
{
    bool more = true;
    enum fp_err err = FP_OK;

    for (size_t i = 0; more && !err; i++) {
        assert_true(i < 100);
        err = f->p.archive(f->p.ctx, before, far, &more);
    }
    return err;
}

static bool see(void *arg, const struct store_run *run)
{
    struct seen *s = arg;
    char buf[80];

    run_text(run->first, buf, sizeof buf);
    bool secret = fp_bytes_eq(run->events, fp_bytes_of(buf, strlen(buf)));
    s->good = s->good && run->first == s->next && run->last == run->first && run->at.ms == 1000 + run->last && run->chain[7] == run->last;
    s->good = s->good && (secret || run->events.len == 1);
    s->secrets += secret;
    s->next = run->last + 1;
    s->count++;
    return true;
}

enum fp_err read_from(struct fixture *f, uint64_t cid, uint64_t from, struct seen *s)
{
    *s = (struct seen){.next = from, .good = true};
    return f->p.each_run(f->p.ctx, cid, from, UINT64_MAX, see, s);
}

void check_all(struct fixture *f, uint64_t cid, size_t secrets)
{
    struct seen s;

    assert_int_equal(read_from(f, cid, 1, &s), FP_OK);
    assert_true(s.good);
    assert_int_equal(s.count, RUNS);
    assert_int_equal(s.secrets, secrets);
}

/* The name of the index-th file of the archive, in no order. */
void file_name(const struct fixture *f, size_t index, char out[TEMP_PATH_MAX])
{
    DIR *dir = opendir(f->dir.path);
    size_t at = 0;

    assert_non_null(dir);
    out[0] = '\0';
    for (const struct dirent *e = readdir(dir); e && out[0] == '\0'; e = readdir(dir)) {
        if (strncmp(e->d_name, "fp-", 3) == 0 && at++ == index) {
            (void)snprintf(out, TEMP_PATH_MAX, "%s", e->d_name);
        }
    }
    (void)closedir(dir);
    assert_true(out[0] != '\0');
}

void move(const struct fixture *f, const char *from, const char *to)
{
    char a[TEMP_PATH_MAX];
    char b[TEMP_PATH_MAX];

    temp_dir_path(&f->dir, from, a);
    temp_dir_path(&f->dir, to, b);
    assert_int_equal(rename(a, b), 0);
}

bool says(struct fixture *f, const char *what)
{
    const char *line = f->p.line(f->p.ctx);

    if (line && strstr(line, what)) {
        return true;
    }
    print_error("said: %s\n", line ? line : "nothing");
    return false;
}

enum fp_err scrub(struct fixture *f)
{
    enum fp_err err = FP_EBUSY;

    for (size_t i = 0; err == FP_EBUSY && i < 100; i++) {
        err = f->p.scrub(f->p.ctx);
    }
    return err;
}

void redact(struct fixture *f, uint64_t cid, uint64_t seq, enum fp_err want)
{
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.rewrite_run(f->p.ctx, cid, seq, fp_bytes_of("*", 1)), want);
    assert_int_equal(f->p.commit(f->p.ctx), want ? FP_ECORRUPT : FP_OK);
}
