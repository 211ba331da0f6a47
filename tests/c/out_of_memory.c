/* What happens when there is no memory left: hits in the cache need none; what fetches ends the
 * process. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc's own, behind the ones below that take their places for the whole process. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static volatile int is_used_up;
static volatile int refused, freed, served;

static int refuse(void) {
    if (is_used_up) {
        __atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
        errno = ENOMEM;
    } else {
        __atomic_add_fetch(&served, 1, __ATOMIC_SEQ_CST);
    }
    return is_used_up;
}

void *malloc(size_t size) { return refuse() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return refuse() ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return refuse() ? NULL : __libc_realloc(block, size); }
void *memalign(size_t alignment, size_t size) {
    return refuse() ? NULL : __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = memalign(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}
void free(void *block) {
    if (is_used_up && block != NULL) {
        __atomic_add_fetch(&freed, 1, __ATOMIC_SEQ_CST);
    }
    __libc_free(block);
}

/* Neither the heap nor the system gives anything any more. */
static void use_up(int choice) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = choice ? 0 : limit.rlim_max;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    is_used_up = choice;
}

static pthread_barrier_t barrier;

/* Until both threads are here. */
static void meet(void) { pthread_barrier_wait(&barrier); }

static void hits(const caretoken_client *client) {
    const caretoken_token *token = NULL, *clone, *peeked = NULL;
    caretoken_stats stats;
    char buffer[4096];
    size_t length = 0;
    int i;
    for (i = 0; i < 100; ++i) {
        WORKS(caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error));
        clone = caretoken_token_clone(token);
        WORKS(caretoken_client_authorization(client, 0, buffer, sizeof buffer, &length, &error));
        CHECK(length == token->authorization.len);
        WORKS(caretoken_client_peek(client, &peeked, &error));
        CHECK(caretoken_token_time_left_ms(peeked) > 0);
        WORKS(caretoken_client_stats(client, sizeof stats, &stats, &error));
        caretoken_token_free(peeked);
        caretoken_token_free(clone);
        caretoken_token_free(token);
        caretoken_wipe(buffer, sizeof buffer);
    }
}

/* The first call of a thread may allocate what it keeps for the thread. */
static void *hits_of_another(void *client) {
    hits(client);
    meet();
    meet(); /* from here on nothing is left */
    hits(client);
    meet();
    meet(); /* until here */
    return NULL;
}

static void hits_allocate_nothing(const caretoken_client *client) {
    const caretoken_token *token = NULL;
    pthread_t thread;
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    caretoken_token_free(token);
    CHECK(served > 0); /* the library does ask these functions */

    CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, hits_of_another, (void *)client) == 0);
    meet();
    use_up(1);
    meet();
    hits(client);
    meet();
    use_up(0);
    meet();
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(refused == 0 && freed == 0);
}

/* A fetch without memory ends the process, and does so at once. */
static void a_fetch_ends_the_process(const caretoken_client *client) {
    const struct rlimit none = {0, 0};
    const caretoken_token *token = NULL;
    int status = 0;
    pid_t child;
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    WORKS(caretoken_client_reject(client, token, NULL, &error));
    caretoken_token_free(token);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
        use_up(1);
        caretoken_client_token(client, 20000, &token, NULL);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    hits_allocate_nothing(client);
    a_fetch_ends_the_process(client);
    caretoken_client_free(client);
    return 0;
}
