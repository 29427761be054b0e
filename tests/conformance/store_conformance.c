#include "tests/conformance/store_conformance.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/conformance/store_cases.h"

#define CASES_MAX 128

static int set_up(void **state)
{
    const struct store_maker *maker = *state;
    struct store_case *c = calloc(1, sizeof *c);

    if (!c) {
        return -1;
    }
    c->maker = maker;
    *state = c;
    return maker->make(maker->ctx, &c->p) == FP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct store_case *c = *state;

    c->maker->end(c->maker->ctx);
    free(c);
    return 0;
}

int store_conformance_run(const struct store_maker *maker)
{
    const struct CMUnitTest *const lists[] = {store_cases_conv,   store_cases_member, store_cases_device,  store_cases_receipts,
                                              store_cases_change, store_cases_runs,   store_cases_archive, store_cases_people,
                                              store_cases_trunk,  store_cases_branch, store_cases_site};
    struct store_maker copy = *maker;
    struct CMUnitTest all[CASES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const struct CMUnitTest *one = lists[i]; one->name; one++) {
            assert(count < CASES_MAX);
            all[count] = *one;
            all[count].setup_func = set_up;
            all[count].teardown_func = tear_down;
            all[count++].initial_state = &copy;
        }
    }
    return _cmocka_run_group_tests("store", all, count, NULL, NULL);
}
