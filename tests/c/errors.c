/* What errors tell. The sandbox limits parchment's rate and has let ehealth's refresh token expire. */
#include "check.h"

static const caretoken_error *error_of(const caretoken_client *client, caretoken_status expected) {
    const caretoken_token *token = NULL;
    const caretoken_error *error = NULL;
    caretoken_status status = caretoken_client_token(client, 20000, &token, &error);
    if (status != expected) {
        fprintf(stderr, "%s\n", line_of(error));
    }
    CHECK(status == expected && token == NULL && error != NULL);
    CHECK(error->status == expected);
    CHECK(is_text(error->kind, caretoken_status_name(expected).data));
    CHECK(error->message.len > 0 && error->remedy.len > 0);
    CHECK(has_text(error->line, error->message.data));
    CHECK(has_text(error->line, error->remedy.data));
    return error;
}

static void wrong_secret(void) {
    caretoken_config *config = sandbox_config("pattern");
    caretoken_client *client;
    const caretoken_error *error;
    set(config, "client_secret", "hush-hush");
    client = client_of(config);
    error = error_of(client, CARETOKEN_CREDENTIALS_REJECTED);
    CHECK(is_text(error->vendor, "pattern"));
    CHECK(error->http_status >= 400);
    CHECK(is_text(error->actor, "operator"));
    CHECK(error->vendor_code.len > 0);
    CHECK(!error->retryable);
    CHECK(!has_text(error->line, "hush"));
    /* An error outlives its client. From memory now: no second request. */
    caretoken_error_free(error);
    error = error_of(client, CARETOKEN_CREDENTIALS_REJECTED);
    caretoken_client_free(client);
    CHECK(is_text(error->kind, "credentials_rejected"));
    caretoken_error_free(error);
}

static void rate_limited(void) {
    caretoken_client *client = client_of(sandbox_config("parchment"));
    const caretoken_error *error = error_of(client, CARETOKEN_RATE_LIMITED);
    CHECK(error->http_status == 429);
    CHECK(error->retry_after_ms > 7000000);
    CHECK(error->retry_after_ms <= 7200000);
    CHECK(error->retryable);
    CHECK(is_text(error->actor, "caller"));
    CHECK(error->request_id.len > 0);
    caretoken_error_free(error);
    caretoken_client_free(client);
}

static void sign_in_required(void) {
    caretoken_client *client = client_of(sandbox_config("ehealth"));
    const caretoken_error *error = error_of(client, CARETOKEN_SIGN_IN_REQUIRED);
    CHECK(error->http_status == 401);
    CHECK(is_text(error->vendor_code, "token_expired"));
    CHECK(error->retry_after_ms == -1 || error->retry_after_ms > 0);
    CHECK(error->request_id.len > 0);
    caretoken_error_free(error);
    caretoken_client_free(client);
}

static void untrusted_certificate(void) {
    caretoken_config *config = NULL;
    caretoken_client *client;
    const caretoken_error *error;
    WORKS(caretoken_config_new("pattern", &config, &error));
    set(config, "base_url", environment("pattern", "base_url"));
    set(config, "client_id", "fake");
    set(config, "client_secret", "fake");
    client = client_of(config);
    error = error_of(client, CARETOKEN_TLS);
    CHECK(error->http_status == 0);
    CHECK(is_text(error->phase, "tls"));
    CHECK(is_text(error->vendor_code, "") && is_text(error->field, ""));
    caretoken_error_free(error);
    caretoken_client_free(client);
}

int main(void) {
    wrong_secret();
    rate_limited();
    sign_in_required();
    if (!is_plain_http("pattern")) {
        untrusted_certificate();
    }
    return 0;
}
