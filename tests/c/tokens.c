/* Tokens of all four vendors: their fields, their references, the caller's buffer. */
#include "check.h"

static const caretoken_token *token_of(const caretoken_client *client) {
    const caretoken_token *token = NULL;
    WORKS(caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error));
    return token;
}

/* What holds for every vendor's token. */
static void check_token(const caretoken_token *token, const char *vendor) {
    int64_t left = caretoken_token_time_left_ms(token);
    size_t i;
    CHECK(is_text(token->vendor, vendor));
    CHECK(is_text(token->token_type, "Bearer") && is_text(token->header, "authorization"));
    CHECK(token->access_token.len > 20 && strlen(token->access_token.data) == token->access_token.len);
    CHECK(token->authorization.len == token->access_token.len + strlen("Bearer "));
    CHECK(strncmp(token->authorization.data, "Bearer ", 7) == 0);
    CHECK(strcmp(token->authorization.data + 7, token->access_token.data) == 0);
    CHECK(token->lifetime_ms > 0 && left > 0 && left <= token->lifetime_ms);
    CHECK(token->expires_at_ms > INT64_C(1700000000000));
    CHECK(!token->lifetime_was_cut);
    CHECK(!token->lifetime_implausible);
    for (i = 0; i < token->extras_len; ++i) {
        caretoken_str found = caretoken_token_extra(token, token->extras[i].name.data);
        CHECK(found.data == token->extras[i].value.data && found.len == token->extras[i].value.len);
    }
    CHECK(is_text(caretoken_token_extra(token, "no such field"), ""));
    CHECK(is_text(caretoken_token_extra(token, "\xff"), ""));
    CHECK(is_text(caretoken_token_extra(token, NULL), ""));
}

static void parchment(void) {
    caretoken_client *client = client_of(sandbox_config("parchment"));
    const caretoken_token *token = token_of(client);
    check_token(token, "parchment");
    CHECK(token->scopes_len == 1 && is_text(token->scopes[0], "create:patient"));
    CHECK(token->missing_scopes_len == 1);
    CHECK(is_text(token->missing_scopes[0], "read:patient"));
    CHECK(token->request_id.len > 0 && token->refresh_token.len == 0);
    caretoken_token_free(token);
    caretoken_client_free(client);
}

static void ehealth(void) {
    caretoken_client *client = client_of(sandbox_config("ehealth"));
    const caretoken_token *token = token_of(client);
    check_token(token, "ehealth");
    CHECK(token->scopes_len > 0 && token->missing_scopes_len == 0 && token->missing_scopes == NULL);
    CHECK(token->request_id.len > 0);
    CHECK(caretoken_token_extra(token, "user_id").len > 0);
    caretoken_token_free(token);
    caretoken_client_free(client);
}

static void edvak(void) {
    caretoken_client *client = client_of(sandbox_config("edvak"));
    const caretoken_token *token = token_of(client);
    check_token(token, "edvak");
    CHECK(caretoken_token_extra(token, "patient").len > 0);
    CHECK(token->request_id.len == 0 && token->request_id.data != NULL);
    CHECK(token->extras_len == 5);
    caretoken_token_free(token);
    token = token_of(client);
    caretoken_token_free(token);
    caretoken_client_free(client);
}

static void references(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_token *first = token_of(client), *second = token_of(client), *peeked = NULL;
    const caretoken_token *clone = caretoken_token_clone(first);
    check_token(first, "pattern");
    CHECK(first == second && clone == first);
    WORKS(caretoken_client_peek(client, &peeked, &error));
    CHECK(peeked == first);
    caretoken_token_free(first);
    caretoken_token_free(second);
    caretoken_token_free(peeked);
    /* The client's own reference goes; the clone's stays. */
    caretoken_client_free(client);
    check_token(clone, "pattern");
    caretoken_token_free(clone);
}

static void buffer(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_token *token = NULL;
    char buffer[8192];
    size_t needed = 0, length = 0;

    FAILS(caretoken_client_authorization(client, 10000, NULL, 0, &needed, &error),
          CARETOKEN_BUFFER_TOO_SMALL, "buffer");
    CHECK(needed > 20 && needed < sizeof buffer - 1);
    token = token_of(client);
    CHECK(needed == token->authorization.len);
    memset(buffer, '#', sizeof buffer);
    FAILS(caretoken_client_authorization(client, 0, buffer, needed, &length, &error),
          CARETOKEN_BUFFER_TOO_SMALL, "buffer");
    CHECK(length == needed && buffer[0] == '#' && buffer[needed - 1] == '#');
    WORKS(caretoken_client_authorization(client, 0, buffer, needed + 1, &length, &error));
    CHECK(length == needed && buffer[needed] == '\0' && buffer[needed + 1] == '#');
    CHECK(strcmp(buffer, token->authorization.data) == 0);
    caretoken_wipe(buffer, sizeof buffer);
    CHECK(buffer[0] == '\0' && buffer[needed - 1] == '\0');
    caretoken_token_free(token);
    caretoken_client_free(client);
}

static void rejection_and_refresh(void) {
    caretoken_config *config = sandbox_config("pattern");
    caretoken_client *client = NULL, *other = NULL;
    const caretoken_token *token, *foreign, *next = NULL;
    caretoken_stats stats;
    int64_t skew = 0;
    bool flag = false;

    /* One config, two clients. */
    WORKS(caretoken_client_new(config, &client, &error));
    WORKS(caretoken_client_new(config, &other, &error));
    caretoken_config_free(config);
    WORKS(caretoken_client_refresh_if_due(client, &flag, &error));
    CHECK(flag);
    WORKS(caretoken_client_refresh_if_due(client, &flag, &error));
    CHECK(!flag);
    WORKS(caretoken_client_refresh_if_due(client, NULL, &error));
    token = token_of(client);
    foreign = token_of(other);
    CHECK(token != foreign);

    WORKS(caretoken_client_reject(client, foreign, &flag, &error));
    CHECK(!flag);
    WORKS(caretoken_client_reject(client, token, &flag, &error));
    CHECK(flag);
    WORKS(caretoken_client_reject(client, token, &flag, &error));
    CHECK(!flag);
    WORKS(caretoken_client_reject(client, token, NULL, &error));
    WORKS(caretoken_client_peek(client, &next, &error));
    CHECK(next == NULL);
    check_token(token, "pattern"); /* still readable */
    next = token_of(client);
    CHECK(next != token);

    WORKS(caretoken_client_stats(client, sizeof stats, &stats, &error));
    CHECK(stats.fetches == 2 && stats.failures == 0 && stats.hits >= 1 && stats.waits == 0);
    WORKS(caretoken_client_clock_skew_ms(client, &flag, &skew, &error));
    CHECK(flag && skew > -5000 && skew < 5000);
    WORKS(caretoken_client_clock_skew_ms(client, NULL, &skew, &error));

    /* A secret is only proof: the token stays. An id says whose token it is: it goes. */
    WORKS(caretoken_client_set_credential(client, "client_secret", "another", 7, &error));
    caretoken_token_free(token);
    WORKS(caretoken_client_peek(client, &token, &error));
    CHECK(token == next);
    caretoken_token_free(token);
    WORKS(caretoken_client_set_credential(client, "client_id", "another", 7, &error));
    WORKS(caretoken_client_peek(client, &token, &error));
    CHECK(token == NULL);

    caretoken_token_free(next);
    caretoken_token_free(foreign);
    caretoken_client_free(client);
    caretoken_client_free(other);
}

/* The user's name and password, given wrongly first and then rightly, together each time. */
static void credentials_together(void) {
    caretoken_config *config = sandbox_config("edvak");
    caretoken_client *client;
    const caretoken_token *token = NULL;
    const char *username = environment("edvak", "username");
    const char *password = environment("edvak", "password");
    const caretoken_credential right[] = {{"username", username, strlen(username)},
                                          {"password", password, strlen(password)}};
    set(config, "username", "fake-other");
    set(config, "password", "fake-other");
    client = client_of(config);
    WORKS(caretoken_client_set_credentials(client, right, 2, &error));
    token = token_of(client);
    check_token(token, "edvak");
    caretoken_token_free(token);
    caretoken_client_free(client);
}

int main(void) {
    parchment();
    ehealth();
    edvak();
    references();
    buffer();
    rejection_and_refresh();
    credentials_together();
    return 0;
}
