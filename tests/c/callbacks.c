/* The callbacks. The sandbox rotates ehealth's refresh token at each refresh. */
#include "check.h"

struct host {
    const caretoken_client *client;
    int fails;      /* how many more times storing fails */
    int called;     /* how often it was asked to store */
    char stored[256];
    char events[512];
    int bad_events;
};

static int32_t store(void *user_data, caretoken_str refresh_token) {
    struct host *host = user_data;
    const caretoken_token *token = NULL;
    const caretoken_error *error = NULL;
    host->called += 1;

    /* It may use the client, but gets no token out of the fetch it is part of. */
    WORKS(caretoken_client_peek(host->client, &token, &error));
    CHECK(token == NULL);
    CHECK(caretoken_client_token(host->client, 1000, &token, &error) == CARETOKEN_INVALID_SETTING);
    CHECK(is_text(error->field, "callback"));
    caretoken_error_free(error);

    if (host->fails > 0) {
        host->fails -= 1;
        return 1;
    }
    CHECK(refresh_token.len < sizeof host->stored && refresh_token.data[refresh_token.len] == '\0');
    memcpy(host->stored, refresh_token.data, refresh_token.len + 1);
    return 0;
}

static void observe(void *user_data, const caretoken_event *event) {
    struct host *host = user_data;
    strncat(host->events, event->name.data, sizeof host->events - strlen(host->events) - 1);
    strncat(host->events, " ", sizeof host->events - strlen(host->events) - 1);
    if (!is_text(event->vendor, "ehealth") || !has_text(event->message, event->name.data)) {
        host->bad_events += 1;
    }
    if (is_text(event->name, "fetched") && (event->took_ms < 0 || event->span_ms <= 0)) {
        host->bad_events += 1;
    }
    if (is_text(event->name, "fetch_started") && (event->took_ms != -1 || event->span_ms != -1)) {
        host->bad_events += 1;
    }
    if ((event->status != CARETOKEN_OK) != is_text(event->name, "fetch_failed")) {
        host->bad_events += 1;
    }
}

/* NULL takes away what a sibling has from its client. */
static void taken_away(const caretoken_client *client, const struct host *host) {
    const int called = host->called;
    const size_t told = strlen(host->events);
    const caretoken_token *token = NULL;
    caretoken_config *config = NULL;
    caretoken_client *sibling;
    WORKS(caretoken_client_sibling(client, &config, &error));
    WORKS(caretoken_config_set_on_rotation(config, NULL, NULL, &error));
    WORKS(caretoken_config_set_on_event(config, NULL, NULL, &error));
    sibling = client_of(config);
    WORKS(caretoken_client_token(sibling, 20000, &token, &error));
    CHECK(token->refresh_token.len > 0 && !is_text(token->refresh_token, host->stored));
    CHECK(host->called == called && strlen(host->events) == told);
    caretoken_token_free(token);
    caretoken_client_free(sibling);
}

int main(void) {
    struct host host;
    caretoken_config *config = sandbox_config("ehealth");
    caretoken_client *client;
    const caretoken_token *token = NULL;

    memset(&host, 0, sizeof host);
    host.fails = 1;
    WORKS(caretoken_config_set_on_rotation(config, store, &host, &error));
    WORKS(caretoken_config_set_on_event(config, observe, &host, &error));
    client = client_of(config);
    host.client = client;

    /* It cannot be stored: nobody gets the token, and nothing is lost. */
    FAILS(caretoken_client_token(client, 20000, &token, &error), CARETOKEN_ROTATION_NOT_STORED, "");
    CHECK(token == NULL && host.called == 1 && host.stored[0] == '\0');
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    CHECK(host.called == 2);
    CHECK(is_text(token->refresh_token, host.stored));
    CHECK(strcmp(host.stored, environment("ehealth", "refresh_token")) != 0);

    /* The new one is good for the next fetch. */
    WORKS(caretoken_client_reject(client, token, NULL, &error));
    caretoken_token_free(token);
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    CHECK(host.called == 3 && is_text(token->refresh_token, host.stored));
    caretoken_token_free(token);
    taken_away(client, &host);
    caretoken_client_free(client);

    CHECK(host.bad_events == 0);
    CHECK(strstr(host.events, "fetch_started rotated fetched ") == host.events);
    CHECK(strstr(host.events, "token_rejected fetch_started rotated fetched ") != NULL);
    return 0;
}
