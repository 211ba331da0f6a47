/* Siblings: other credentials, the same connections. */
#include "check.h"

int main(void) {
    caretoken_client *first = client_of(sandbox_config("pattern"));
    caretoken_client *twin = NULL;
    caretoken_config *config = (caretoken_config *)&rubbish;
    const caretoken_token *token = NULL;

    FAILS(caretoken_client_sibling(NULL, &config, &error), CARETOKEN_NULL_ARGUMENT, "client");
    CHECK(config == NULL);
    FAILS(caretoken_client_sibling(first, NULL, &error), CARETOKEN_NULL_ARGUMENT, "config");

    WORKS(caretoken_client_token(first, 10000, &token, &error));
    caretoken_token_free(token);

    /* The same credentials: a token of its own. */
    WORKS(caretoken_client_sibling(first, &config, &error));
    twin = client_of(config);
    WORKS(caretoken_client_peek(twin, &token, &error));
    CHECK(token == NULL);
    WORKS(caretoken_client_token(twin, 10000, &token, &error));
    caretoken_token_free(token);
    caretoken_client_free(twin);

    /* Others: the vendor's answer is about them. */
    WORKS(caretoken_client_sibling(first, &config, &error));
    set(config, "client_secret", "fake-secret-of-nobody");
    twin = client_of(config);
    FAILS(caretoken_client_token(twin, 10000, &token, &error), CARETOKEN_CREDENTIALS_REJECTED, "");

    /* The transport is shared as it is. */
    WORKS(caretoken_client_sibling(first, &config, &error));
    set(config, "roots", "none");
    caretoken_client_free(first);
    FAILS(caretoken_client_new(config, &first, &error), CARETOKEN_INVALID_SETTING, "transport");
    caretoken_config_free(config);
    caretoken_client_free(twin);
    return 0;
}
