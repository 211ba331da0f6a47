/* For programs whose threads share tokens, under valgrind's helgrind or drd: preloaded, it tells them
 * that tokens never change. They do not see the atomic operations that hand a token from the thread that
 * fetched it to the others, and so take reading it for a race.
 *
 *     cc -shared -fPIC -Iinclude suppressions/valgrind.c -o caretoken_valgrind.so
 *     LD_PRELOAD=./caretoken_valgrind.so valgrind --tool=helgrind \
 *         --suppressions=suppressions/valgrind.supp ./program
 */
#include <caretoken.h>
#include <valgrind/drd.h>
#include <valgrind/helgrind.h>

static void never_changes(const void *start, size_t size) {
    if (size > 0) {
        VALGRIND_HG_DISABLE_CHECKING(start, size);
        VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_START_SUPPRESSION, start, size, 0, 0, 0);
    }
}

static void text_never_changes(caretoken_str text) { never_changes(text.data, text.len + 1); }

static void token_never_changes(const caretoken_token *token) {
    size_t i;
    if (token == NULL) {
        return;
    }
    never_changes(token, sizeof *token);
    text_never_changes(token->access_token);
    text_never_changes(token->authorization);
    text_never_changes(token->token_type);
    text_never_changes(token->vendor);
    text_never_changes(token->refresh_token);
    text_never_changes(token->request_id);
    never_changes(token->scopes, token->scopes_len * sizeof *token->scopes);
    for (i = 0; i < token->scopes_len; ++i) {
        text_never_changes(token->scopes[i]);
    }
    never_changes(token->missing_scopes, token->missing_scopes_len * sizeof *token->missing_scopes);
    for (i = 0; i < token->missing_scopes_len; ++i) {
        text_never_changes(token->missing_scopes[i]);
    }
    never_changes(token->extras, token->extras_len * sizeof *token->extras);
    for (i = 0; i < token->extras_len; ++i) {
        text_never_changes(token->extras[i].name);
        text_never_changes(token->extras[i].value);
    }
}

/* Stand for the functions of that name in any library ("Za" is valgrind's way to write "*"). */
caretoken_status I_WRAP_SONAME_FNNAME_ZU(Za, caretoken_client_token)(
    const caretoken_client *client, int64_t timeout_ms, const caretoken_token **token,
    const caretoken_error **error);
caretoken_status I_WRAP_SONAME_FNNAME_ZU(Za, caretoken_client_token)(
    const caretoken_client *client, int64_t timeout_ms, const caretoken_token **token,
    const caretoken_error **error) {
    caretoken_status status;
    OrigFn original;
    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_WWWW(status, original, client, timeout_ms, token, error);
    token_never_changes(token == NULL ? NULL : *token);
    return status;
}

caretoken_status I_WRAP_SONAME_FNNAME_ZU(Za, caretoken_client_peek)(const caretoken_client *client,
                                                                    const caretoken_token **token,
                                                                    const caretoken_error **error);
caretoken_status I_WRAP_SONAME_FNNAME_ZU(Za, caretoken_client_peek)(const caretoken_client *client,
                                                                    const caretoken_token **token,
                                                                    const caretoken_error **error) {
    caretoken_status status;
    OrigFn original;
    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_WWW(status, original, client, token, error);
    token_never_changes(token == NULL ? NULL : *token);
    return status;
}
