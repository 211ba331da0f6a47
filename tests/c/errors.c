/* What errors tell. The sandbox limits parchment's rate and has let ehealth's refresh token expire. */
#include "check.h"

static caretoken_error *error_of(const caretoken_client *client, caretoken_status expected) {
    const caretoken_token *token = NULL;
    caretoken_error *error = NULL;
    caretoken_status status = caretoken_client_token(client, 20000, &token, &error);
    if (status != expected) {
        fprintf(stderr, "%s\n", caretoken_error_line(error).data);
    }
    CHECK(status == expected && token == NULL && error != NULL);
    CHECK(caretoken_error_status(error) == expected);
    CHECK(is_text(caretoken_error_kind(error), caretoken_status_name(expected).data));
    CHECK(caretoken_error_message(error).len > 0 && caretoken_error_remedy(error).len > 0);
    CHECK(has_text(caretoken_error_line(error), caretoken_error_message(error).data));
    CHECK(has_text(caretoken_error_line(error), caretoken_error_remedy(error).data));
    return error;
}

static void wrong_secret(void) {
    caretoken_config *config = sandbox_config("pattern");
    caretoken_client *client;
    caretoken_error *error;
    set(config, "client_secret", "hush-hush");
    client = client_of(config);
    error = error_of(client, CARETOKEN_CREDENTIALS_REJECTED);
    CHECK(is_text(caretoken_error_vendor(error), "pattern"));
    CHECK(caretoken_error_http_status(error) >= 400);
    CHECK(is_text(caretoken_error_actor(error), "operator"));
    CHECK(caretoken_error_vendor_code(error).len > 0);
    CHECK(!caretoken_error_retryable(error));
    CHECK(!has_text(caretoken_error_line(error), "hush"));
    /* An error outlives its client. From memory now: no second request. */
    caretoken_error_free(error);
    error = error_of(client, CARETOKEN_CREDENTIALS_REJECTED);
    caretoken_client_free(client);
    CHECK(is_text(caretoken_error_kind(error), "credentials_rejected"));
    caretoken_error_free(error);
}

static void rate_limited(void) {
    caretoken_client *client = client_of(sandbox_config("parchment"));
    caretoken_error *error = error_of(client, CARETOKEN_RATE_LIMITED);
    CHECK(caretoken_error_http_status(error) == 429);
    CHECK(caretoken_error_retry_after_ms(error) > 7000000);
    CHECK(caretoken_error_retry_after_ms(error) <= 7200000);
    CHECK(caretoken_error_retryable(error));
    CHECK(is_text(caretoken_error_actor(error), "caller"));
    CHECK(caretoken_error_request_id(error).len > 0);
    caretoken_error_free(error);
    caretoken_client_free(client);
}

static void sign_in_required(void) {
    caretoken_client *client = client_of(sandbox_config("ehealth"));
    caretoken_error *error = error_of(client, CARETOKEN_SIGN_IN_REQUIRED);
    CHECK(caretoken_error_http_status(error) == 401);
    CHECK(is_text(caretoken_error_vendor_code(error), "token_expired"));
    CHECK(caretoken_error_retry_after_ms(error) == -1 || caretoken_error_retry_after_ms(error) > 0);
    CHECK(caretoken_error_request_id(error).len > 0);
    caretoken_error_free(error);
    caretoken_client_free(client);
}

static void untrusted_certificate(void) {
    caretoken_config *config = NULL;
    caretoken_client *client;
    caretoken_error *error;
    WORKS(caretoken_config_new("pattern", &config, &error));
    set(config, "base_url", environment("pattern", "base_url"));
    set(config, "client_id", "fake");
    set(config, "client_secret", "fake");
    client = client_of(config);
    error = error_of(client, CARETOKEN_TLS);
    CHECK(caretoken_error_http_status(error) == 0);
    CHECK(is_text(caretoken_error_phase(error), "tls"));
    CHECK(is_text(caretoken_error_vendor_code(error), "") && is_text(caretoken_error_field(error), ""));
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
