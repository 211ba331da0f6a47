/* Calls that block: pattern answers only after 20 seconds. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <time.h>

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms) {
    struct timespec span;
    span.tv_sec = ms / 1000;
    span.tv_nsec = ms % 1000 * 1000000;
    nanosleep(&span, NULL);
}

/* valgrind slows everything down; what is measured here is that nobody waits for the answer. */
#define SOON 5000

struct call {
    const caretoken_client *client;
    caretoken_status status;
};

static void *block(void *argument) {
    struct call *call = argument;
    const caretoken_token *token = (const caretoken_token *)&rubbish;
    const caretoken_error *error = NULL;
    call->status = caretoken_client_token(call->client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error);
    CHECK(token == NULL && error != NULL);
    CHECK(error->status == call->status);
    caretoken_error_free(error);
    return NULL;
}

static void timeout(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_token *token = NULL;
    int64_t start = now_ms();
    FAILS(caretoken_client_token(client, 300, &token, &error), CARETOKEN_TIMEOUT, "");
    CHECK(now_ms() - start < SOON);
    caretoken_client_free(client);
}

static void by_cancel(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    struct call calls[3];
    pthread_t threads[3];
    int64_t start = now_ms();
    size_t i;
    for (i = 0; i < 3; ++i) {
        calls[i].client = client;
        CHECK(pthread_create(&threads[i], NULL, block, &calls[i]) == 0);
    }
    pause_ms(1500);
    WORKS(caretoken_client_cancel(client, &error));
    for (i = 0; i < 3; ++i) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(calls[i].status == CARETOKEN_CANCELLED);
    }
    CHECK(now_ms() - start < 1500 + SOON);
    caretoken_client_free(client);
}

static void by_free(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    struct call call;
    pthread_t thread;
    int64_t start = now_ms();
    call.client = client;
    CHECK(pthread_create(&thread, NULL, block, &call) == 0);
    pause_ms(1500);
    caretoken_client_free(client);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(call.status == CARETOKEN_CANCELLED);
    CHECK(now_ms() - start < 1500 + SOON);
}

int main(void) {
    timeout();
    by_cancel();
    by_free();
    return 0;
}
