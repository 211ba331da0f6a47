/* Each function with NULL and with values that cannot be used. */

/* As a program's own header may: without caretoken.h. */
struct caretoken_config;
struct caretoken_token;
struct caretoken_credential;
struct caretoken_stats;
struct caretoken_event;
#include "check.h"

static void bad_configs(void) {
    caretoken_config *config = (caretoken_config *)&rubbish;
    char value[] = "fake\xff-value";

    FAILS(caretoken_config_new(NULL, &config, &error), CARETOKEN_NULL_ARGUMENT, "vendor");
    CHECK(config == NULL);
    config = (caretoken_config *)&rubbish;
    FAILS(caretoken_config_new("epic", &config, &error), CARETOKEN_INVALID_SETTING, "vendor");
    CHECK(config == NULL);
    FAILS(caretoken_config_new("\xc3\x28", &config, &error), CARETOKEN_INVALID_SETTING, "vendor");
    FAILS(caretoken_config_new("", &config, &error), CARETOKEN_INVALID_SETTING, "vendor");
    FAILS(caretoken_config_new("pattern", NULL, &error), CARETOKEN_NULL_ARGUMENT, "config");
    CHECK(caretoken_config_new("epic", &config, NULL) == CARETOKEN_INVALID_SETTING);
    CHECK(caretoken_config_new(NULL, NULL, NULL) == CARETOKEN_NULL_ARGUMENT);

    WORKS(caretoken_config_new("pattern", &config, &error));
    FAILS(caretoken_config_set(NULL, "client_id", "a", 1, &error), CARETOKEN_NULL_ARGUMENT, "config");
    FAILS(caretoken_config_set(config, NULL, "a", 1, &error), CARETOKEN_NULL_ARGUMENT, "name");
    FAILS(caretoken_config_set(config, "client_id", NULL, 1, &error), CARETOKEN_NULL_ARGUMENT,
          "client_id");
    FAILS(caretoken_config_set(config, "hush-hush", NULL, 1, &error), CARETOKEN_NULL_ARGUMENT,
          "value");
    FAILS(caretoken_config_set(config, "client_id", NULL, 0, &error), CARETOKEN_INVALID_SETTING,
          "client_id");
    FAILS(caretoken_config_set(config, "client_id", "a", (size_t)-1, &error),
          CARETOKEN_INVALID_SETTING, "len");
    FAILS(caretoken_config_set(config, "client_secret", value, sizeof value - 1, &error),
          CARETOKEN_INVALID_SETTING, "client_secret");
    FAILS(caretoken_config_set(config, "\xff", "a", 1, &error), CARETOKEN_INVALID_SETTING, "name");
    FAILS(caretoken_config_set(config, "client_secret", "a\0b", 3, &error),
          CARETOKEN_INVALID_SETTING, "client_secret");
    FAILS(caretoken_config_set(config, "client_secret", "a\rb", 3, &error),
          CARETOKEN_INVALID_SETTING, "client_secret");
    FAILS(caretoken_config_set(config, "client_secret", "a\nb", 3, &error),
          CARETOKEN_INVALID_SETTING, "client_secret");
    FAILS(caretoken_config_set(config, "client_id", "a:b", 3, &error), CARETOKEN_INVALID_SETTING,
          "client_id");
    FAILS(caretoken_config_set(config, "base_url", "http://pattern.example", 22, &error),
          CARETOKEN_INVALID_SETTING, "base_url");
    FAILS(caretoken_config_set(config, "timeout_ms", "0", 1, &error), CARETOKEN_INVALID_SETTING,
          "timeout_ms");
    FAILS(caretoken_config_set(config, "timeout_ms", "-5", 2, &error), CARETOKEN_INVALID_SETTING,
          "timeout_ms");
    FAILS(caretoken_config_set(config, "ca_file", "/nowhere/ca.pem", 15, &error),
          CARETOKEN_INVALID_SETTING, "ca_file");
    FAILS(caretoken_config_set_on_rotation(NULL, NULL, NULL, &error), CARETOKEN_NULL_ARGUMENT,
          "config");
    FAILS(caretoken_config_set_on_event(NULL, NULL, NULL, &error), CARETOKEN_NULL_ARGUMENT, "config");
    caretoken_config_free(config);
}

/* An error shows names, never values. */
static void errors_show_no_value(void) {
    static const char *const names[] = {"client_secret", "user_agent", "base_url", "timeout_ms",
                                        "scopes", "no_such_name", NULL};
    static const char value[] = "hush-hush\n\xff";
    caretoken_config *config = NULL;
    size_t i, cut;
    WORKS(caretoken_config_new("pattern", &config, &error));
    for (i = 0; names[i] != NULL; ++i) {
        for (cut = 0; cut < 2; ++cut) { /* with and without the byte that is not UTF-8 */
            const caretoken_error *error = NULL;
            caretoken_config_set(config, names[i], value, sizeof value - 1 - cut, &error);
            CHECK(error == NULL || !has_text(error->line, "hush"));
            caretoken_error_free(error);
        }
    }
    caretoken_config_free(config);
}

static void unknown_names_list_the_known_ones(void) {
    caretoken_config *config = NULL;
    const caretoken_error *error = NULL;
    CHECK(caretoken_config_new("epic", &config, &error) == CARETOKEN_INVALID_SETTING);
    CHECK(has_text(error->remedy, "parchment, ehealth, edvak, pattern"));
    caretoken_error_free(error);
    WORKS(caretoken_config_new("pattern", &config, &error));
    CHECK(caretoken_config_set(config, "password", "a", 1, &error) == CARETOKEN_INVALID_SETTING);
    CHECK(is_text(error->field, "password"));
    CHECK(has_text(error->remedy, "client_id, client_secret"));
    CHECK(has_text(error->remedy, "timeout_ms"));
    caretoken_error_free(error);
    caretoken_config_free(config);
}

static void bad_clients(void) {
    caretoken_config *config = NULL;
    caretoken_client *client = (caretoken_client *)&rubbish;
    WORKS(caretoken_config_new("pattern", &config, &error));
    FAILS(caretoken_client_new(NULL, &client, &error), CARETOKEN_NULL_ARGUMENT, "config");
    CHECK(client == NULL);
    FAILS(caretoken_client_new(config, NULL, &error), CARETOKEN_NULL_ARGUMENT, "client");
    client = (caretoken_client *)&rubbish;
    FAILS(caretoken_client_new(config, &client, &error), CARETOKEN_INVALID_SETTING, "base_url");
    CHECK(client == NULL);
    set(config, "base_url", "https://pattern.example");
    FAILS(caretoken_client_new(config, &client, &error), CARETOKEN_INVALID_SETTING, "client_id");
    set(config, "client_id", "fake");
    FAILS(caretoken_client_new(config, &client, &error), CARETOKEN_INVALID_SETTING, "client_secret");
    caretoken_config_free(config);
}

static void bad_calls(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_token *token = (const caretoken_token *)&rubbish;
    const caretoken_token *untouched = NULL;
    caretoken_stats stats;
    char buffer[8] = "before";
    size_t length = 77;
    int64_t skew = 77;
    bool flag = true;

    FAILS(caretoken_client_token(NULL, 0, &token, &error), CARETOKEN_NULL_ARGUMENT, "client");
    CHECK(token == NULL);
    FAILS(caretoken_client_token(client, 0, NULL, &error), CARETOKEN_NULL_ARGUMENT, "token");
    token = (const caretoken_token *)&rubbish;
    FAILS(caretoken_client_token(client, -2, &token, &error), CARETOKEN_INVALID_SETTING, "timeout_ms");
    CHECK(token == NULL);
    FAILS(caretoken_client_token(client, INT64_MIN, &token, &error), CARETOKEN_INVALID_SETTING,
          "timeout_ms");
    FAILS(caretoken_client_token(client, 0, &token, &error), CARETOKEN_TIMEOUT, "");

    FAILS(caretoken_client_authorization(NULL, 0, buffer, 8, &length, &error),
          CARETOKEN_NULL_ARGUMENT, "client");
    CHECK(length == 0);
    FAILS(caretoken_client_authorization(client, 0, NULL, 8, &length, &error),
          CARETOKEN_NULL_ARGUMENT, "buffer");
    FAILS(caretoken_client_authorization(client, 0, buffer, 8, NULL, &error),
          CARETOKEN_NULL_ARGUMENT, "length");
    FAILS(caretoken_client_authorization(client, -3, buffer, 8, &length, &error),
          CARETOKEN_INVALID_SETTING, "timeout_ms");
    FAILS(caretoken_client_authorization(client, 0, buffer, 8, &length, &error), CARETOKEN_TIMEOUT,
          "");
    CHECK(strcmp(buffer, "before") == 0);

    token = (const caretoken_token *)&rubbish;
    FAILS(caretoken_client_peek(NULL, &token, &error), CARETOKEN_NULL_ARGUMENT, "client");
    CHECK(token == NULL);
    FAILS(caretoken_client_peek(client, NULL, &error), CARETOKEN_NULL_ARGUMENT, "token");
    token = (const caretoken_token *)&rubbish;
    WORKS(caretoken_client_peek(client, &token, &error));
    CHECK(token == NULL);

    FAILS(caretoken_client_refresh_if_due(NULL, &flag, &error), CARETOKEN_NULL_ARGUMENT, "client");
    CHECK(!flag);
    flag = true;
    FAILS(caretoken_client_reject(NULL, untouched, &flag, &error), CARETOKEN_NULL_ARGUMENT, "client");
    CHECK(!flag);
    FAILS(caretoken_client_reject(client, NULL, &flag, &error), CARETOKEN_NULL_ARGUMENT, "token");
    FAILS(caretoken_client_cancel(NULL, &error), CARETOKEN_NULL_ARGUMENT, "client");
    WORKS(caretoken_client_cancel(client, &error));

    FAILS(caretoken_client_set_credential(NULL, "client_id", "a", 1, &error), CARETOKEN_NULL_ARGUMENT,
          "client");
    FAILS(caretoken_client_set_credential(client, NULL, "a", 1, &error), CARETOKEN_NULL_ARGUMENT,
          "name");
    FAILS(caretoken_client_set_credential(client, "client_id", NULL, 1, &error),
          CARETOKEN_NULL_ARGUMENT, "client_id");
    FAILS(caretoken_client_set_credential(client, "password", "a", 1, &error),
          CARETOKEN_INVALID_SETTING, "password");
    FAILS(caretoken_client_set_credential(client, "client_secret", "\xff", 1, &error),
          CARETOKEN_INVALID_SETTING, "client_secret");
    FAILS(caretoken_client_set_credential(client, "client_secret", "a\nb", 3, &error),
          CARETOKEN_INVALID_SETTING, "client_secret");
    FAILS(caretoken_client_set_credential(client, "client_secret", NULL, 0, &error),
          CARETOKEN_INVALID_SETTING, "client_secret");

    memset(&stats, 1, sizeof stats);
    FAILS(caretoken_client_stats(NULL, sizeof stats, &stats, &error), CARETOKEN_NULL_ARGUMENT,
          "client");
    CHECK(stats.hits == 0 && stats.waits == 0);
    FAILS(caretoken_client_stats(client, sizeof stats, NULL, &error), CARETOKEN_NULL_ARGUMENT,
          "stats");
    FAILS(caretoken_client_clock_skew_ms(NULL, &flag, &skew, &error), CARETOKEN_NULL_ARGUMENT,
          "client");
    CHECK(skew == 0);
    FAILS(caretoken_client_clock_skew_ms(client, &flag, NULL, &error), CARETOKEN_NULL_ARGUMENT,
          "skew_ms");
    flag = true;
    skew = 77;
    WORKS(caretoken_client_clock_skew_ms(client, &flag, &skew, &error));
    CHECK(!flag && skew == 0);

    /* No bad call has spoilt the old credentials. */
    WORKS(caretoken_client_token(client, INT64_MAX, &token, &error));
    caretoken_token_free(token);
    caretoken_client_free(client);
}

/* All or none: what is wrong with one leaves the others, too, as they were. */
static void bad_lists_of_credentials(void) {
    caretoken_client *client = client_of(sandbox_config("edvak"));
    const caretoken_token *token = NULL;
    const caretoken_credential wrong[][2] = {
        {{"username", "another", 7}, {"password", "a\nb", 3}},
        {{"username", "another", 7}, {"password", NULL, 1}},
        {{"username", "another", 7}, {"password", "\xff", 1}},
        {{"username", "another", 7}, {"base_url", "edvak.example", 13}},
        {{"username", "another", 7}, {NULL, "a", 1}},
        {{"username", "another", 7}, {"\xff", "a", 1}},
    };
    const caretoken_status statuses[] = {CARETOKEN_INVALID_SETTING, CARETOKEN_NULL_ARGUMENT,
                                         CARETOKEN_INVALID_SETTING, CARETOKEN_INVALID_SETTING,
                                         CARETOKEN_NULL_ARGUMENT,   CARETOKEN_INVALID_SETTING};
    const char *const fields[] = {"password", "password", "password", "base_url", "name", "name"};
    size_t i;
    for (i = 0; i < sizeof fields / sizeof *fields; ++i) {
        FAILS(caretoken_client_set_credentials(client, wrong[i], 2, &error), statuses[i], fields[i]);
    }
    FAILS(caretoken_client_set_credentials(NULL, wrong[0], 2, &error), CARETOKEN_NULL_ARGUMENT,
          "client");
    FAILS(caretoken_client_set_credentials(client, NULL, 2, &error), CARETOKEN_NULL_ARGUMENT,
          "credentials");
    FAILS(caretoken_client_set_credentials(client, wrong[0], (size_t)-1, &error),
          CARETOKEN_INVALID_SETTING, "count");
    WORKS(caretoken_client_set_credentials(client, NULL, 0, &error));
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    caretoken_token_free(token);
    caretoken_client_free(client);
}

static void stats_of_other_sizes(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_token *token = NULL;
    struct {
        caretoken_stats known;
        uint64_t of_the_future;
        uint64_t beyond;
    } stats;
    WORKS(caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error));
    caretoken_token_free(token);
    memset(&stats, 1, sizeof stats);
    WORKS(caretoken_client_stats(client, sizeof stats.known + 8, &stats.known, &error));
    CHECK(stats.known.fetches == 1 && stats.of_the_future == 0 && stats.beyond != 0);
    memset(&stats, 1, sizeof stats);
    WORKS(caretoken_client_stats(client, 8, &stats.known, &error));
    CHECK(stats.known.hits == 0 && stats.known.fetches != 1);
    caretoken_client_free(client);
}

static void the_end_of_a_refresh_token_is_known_once_it_is_said(void) {
    caretoken_config *config = sandbox_config("ehealth");
    caretoken_client *client = client_of(config);
    const int64_t end = INT64_C(4102444800000); /* 2100 */
    caretoken_stats stats;
    WORKS(caretoken_client_stats(client, sizeof stats, &stats, &error));
    CHECK(stats.sign_in_due_at_ms == 0);
    caretoken_client_free(client);

    config = sandbox_config("ehealth");
    FAILS(caretoken_config_set(config, "refresh_token_expires_at_ms", "soon", 4, &error),
          CARETOKEN_INVALID_SETTING, "refresh_token_expires_at_ms");
    WORKS(caretoken_config_set(config, "refresh_token_expires_at_ms", "4102444800000", 13, &error));
    client = client_of(config);
    WORKS(caretoken_client_stats(client, sizeof stats, &stats, &error));
    CHECK(stats.sign_in_due_at_ms == end);
    /* Nobody knows the end of another one. */
    WORKS(caretoken_client_set_credential(client, "refresh_token", "fake-other", 10, &error));
    WORKS(caretoken_client_stats(client, sizeof stats, &stats, &error));
    CHECK(stats.sign_in_due_at_ms == 0);
    caretoken_client_free(client);

    config = sandbox_config("pattern");
    FAILS(caretoken_config_set(config, "refresh_token_expires_at_ms", "4102444800000", 13, &error),
          CARETOKEN_INVALID_SETTING, "refresh_token_expires_at_ms");
    caretoken_config_free(config);
}

static void null_is_freed_and_read(void) {
    caretoken_config_free(NULL);
    caretoken_client_free(NULL);
    caretoken_token_free(NULL);
    caretoken_error_free(NULL);
    caretoken_report_free(NULL);
    caretoken_profile_free(NULL);
    caretoken_wipe(NULL, 5);
    CHECK(caretoken_token_clone(NULL) == NULL);
    CHECK(caretoken_token_time_left_ms(NULL) == 0);
    CHECK(is_text(caretoken_token_extra(NULL, "patient"), ""));
}

int main(void) {
    char wiped[] = "fake-secret";
    bad_configs();
    errors_show_no_value();
    unknown_names_list_the_known_ones();
    bad_clients();
    bad_calls();
    bad_lists_of_credentials();
    stats_of_other_sizes();
    the_end_of_a_refresh_token_is_known_once_it_is_said();
    null_is_freed_and_read();
    CHECK(strcmp(caretoken_version(), CARETOKEN_VERSION) == 0);
    CHECK(is_text(caretoken_status_name(CARETOKEN_OK), "ok"));
    CHECK(is_text(caretoken_status_name(-1), "unknown"));
    CHECK(is_text(caretoken_status_name(INT32_MAX), "unknown"));
    caretoken_wipe(wiped, 4);
    CHECK(memcmp(wiped, "\0\0\0\0-secret", sizeof wiped) == 0);
    return 0;
}
