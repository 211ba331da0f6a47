/* Preloaded into the plug-in host: lookups of names that end in .invalid hang, and each thread of a
 * library with caretoken in its name begins late, as on a busy machine. Both outlive the calls that
 * they belong to, and the plug-in. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How many lookups have hung, and how many of caretoken's threads have not ended. */
int slow_lookups(void);
int threads_under_way(void);

static int hung, under_way;

int slow_lookups(void) { return __atomic_load_n(&hung, __ATOMIC_SEQ_CST); }
int threads_under_way(void) { return __atomic_load_n(&under_way, __ATOMIC_SEQ_CST); }

static void take_ms(long ms) {
    struct timespec span = {0, ms * 1000000};
    nanosleep(&span, NULL);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    const char *end = name == NULL ? NULL : strstr(name, ".invalid");
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (end != NULL && end[strlen(".invalid")] == '\0') {
        take_ms(10);
        __atomic_add_fetch(&hung, 1, __ATOMIC_SEQ_CST);
        return EAI_AGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, found);
}

struct late {
    void *(*run)(void *);
    void *argument;
};

static void ended(void *unused) {
    (void)unused;
    __atomic_sub_fetch(&under_way, 1, __ATOMIC_SEQ_CST);
}

static void *begin_late(void *argument) {
    struct late late = *(struct late *)argument;
    void *result = NULL;
    free(argument);
    take_ms(5);
    pthread_cleanup_push(ended, NULL);
    result = late.run(late.argument);
    pthread_cleanup_pop(1);
    return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    struct late *late;
    Dl_info place;
    int failed;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (dladdr(*(void **)&run, &place) == 0 || strstr(place.dli_fname, "caretoken") == NULL) {
        return real(thread, attributes, run, argument);
    }
    late = malloc(sizeof *late);
    if (late == NULL) {
        return 1;
    }
    late->run = run;
    late->argument = argument;
    __atomic_add_fetch(&under_way, 1, __ATOMIC_SEQ_CST);
    failed = real(thread, attributes, begin_late, late);
    if (failed) {
        ended(NULL);
        free(late);
    }
    return failed;
}
