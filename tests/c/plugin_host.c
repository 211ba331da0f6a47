/* Loads the plug-in, lets it work, unloads it, 200 times. What lookups are left over must find their
 * code, and nothing may grow. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CYCLES = 200, WARM = 40 };

static void check(int holds, const char *claim) {
    if (!holds) {
        const char *why = dlerror();
        fprintf(stderr, "not so: %s %s\n", claim, why == NULL ? "" : why);
        exit(1);
    }
}

static void *found(void *library, const char *symbol) {
    void *address = dlsym(library, symbol);
    check(address != NULL, symbol);
    return address;
}

/* KiB, as /proc/self/status says. */
static long status(const char *name) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    check(file != NULL, "/proc/self/status can be read");
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            kib = strtol(line + strlen(name) + 1, NULL, 10);
        }
    }
    fclose(file);
    check(kib >= 0, name);
    return kib;
}

struct usage {
    long locked, resident;
};

/* Once the lookups that were left over have ended. */
static struct usage usage(void) {
    int (*under_way)(void);
    struct timespec moment = {0, 1000000};
    struct usage now;
    int tries;
    *(void **)&under_way = found(RTLD_DEFAULT, "threads_under_way");
    for (tries = 0; under_way() > 0 && tries < 10000; ++tries) {
        nanosleep(&moment, NULL);
    }
    check(under_way() == 0, "all lookups end");
    now.locked = status("VmLck");
    now.resident = status("VmRSS");
    return now;
}

int main(int count, char **arguments) {
    struct usage warm = {0, 0}, end;
    int (*slow_lookups)(void);
    int i;
    check(count == 2, "the plug-in is named");
    *(void **)&slow_lookups = found(RTLD_DEFAULT, "slow_lookups");
    for (i = 0; i < CYCLES; ++i) {
        int (*work)(void);
        void *plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        check(plugin != NULL, "the plug-in is loaded");
        *(void **)&work = found(plugin, "plugin_work");
        check(work() == 1, "the plug-in works");
        check(dlclose(plugin) == 0, "the plug-in is unloaded");
        if (i == WARM) {
            warm = usage();
        }
    }
    end = usage();
    printf("locked %ld, then %ld KiB; resident %ld, then %ld KiB; %d slow lookups\n", warm.locked,
           end.locked, warm.resident, end.resident, slow_lookups());
    check(slow_lookups() >= CYCLES, "lookups hung");
    check(end.locked <= warm.locked, "no locked page is left behind");
    check(end.resident <= warm.resident + 2048, "memory does not grow");
    return 0;
}
