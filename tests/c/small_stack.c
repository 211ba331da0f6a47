/* Calls that fetch over the network, on threads with the smallest stack that the header allows, and how
 * much of a stack they take. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>

enum { SMALLEST = 64 * 1024, MOST_OF_A_CALL = 56 * 1024, LARGE = 256 * 1024, PAINT = 0xA5 };

static unsigned char large[LARGE];
/* Where the stack was when the library was called. */
static unsigned char *at_the_call;

static void use(const char *vendor) {
    caretoken_client *client = client_of(sandbox_config(vendor));
    const caretoken_token *token = NULL;
    const caretoken_report *report = NULL;
    caretoken_config *config;
    char buffer[1024];
    size_t length = 0;

    at_the_call = (unsigned char *)buffer;
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    WORKS(caretoken_client_reject(client, token, NULL, &error));
    caretoken_token_free(token);
    WORKS(caretoken_client_refresh_if_due(client, NULL, &error));
    WORKS(caretoken_client_authorization(client, 20000, buffer, sizeof buffer, &length, &error));
    WORKS(caretoken_client_doctor(client, 20000, &report, &error));
    caretoken_report_free(report);
    caretoken_client_free(client);

    if (!is_plain_http(vendor)) {
        config = sandbox_config(vendor);
        set(config, "pins", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        client = client_of(config);
        FAILS(caretoken_client_token(client, 20000, &token, &error), CARETOKEN_TLS, "");
        caretoken_client_free(client);
    }
}

static void *use_all(void *unused) {
    static const char *const vendors[] = {"parchment", "ehealth", "edvak", "pattern"};
    size_t i;
    for (i = 0; i < 4; ++i) {
        use(vendors[i]);
    }
    return unused;
}

static void run(pthread_attr_t *attributes) {
    pthread_t thread;
    CHECK(pthread_create(&thread, attributes, use_all, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_attr_destroy(attributes) == 0);
}

int main(void) {
    pthread_attr_t attributes;
    size_t untouched = 0;
    long depth;

    /* A guard page, which is part of the 64 KiB, ends who goes deeper. */
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, SMALLEST) == 0);
    run(&attributes);

    memset(large, PAINT, sizeof large);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstack(&attributes, large, sizeof large) == 0);
    run(&attributes);
    while (large[untouched] == PAINT) {
        ++untouched;
    }
    depth = (long)(at_the_call - (large + untouched));
    printf("a call takes %ld bytes of stack\n", depth);
    CHECK(depth > 16 * 1024 && depth <= MOST_OF_A_CALL);
    return 0;
}
