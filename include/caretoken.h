/*
 * caretoken: bearer tokens for electronic health record systems.
 *
 * One blocking call returns a bearer token that is valid now: cached, or fetched over HTTPS.
 *
 * A vendor is a profile: a token endpoint as data. Compiled in are those of parchment, ehealth, edvak and
 * pattern, whose endpoints follow no standard, and those of the standard grants of OAuth 2.0, such as
 * oauth2-client-credentials. Any other vendor is a JSON file of yours: see caretoken_profile_load.
 *
 * A complete program:
 *
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *     #include <string.h>
 *     #include "caretoken.h"
 *
 *     static int set(caretoken_config *config, const char *name, const char *value,
 *                    const caretoken_error **error) {
 *         return caretoken_config_set(config, name, value, value ? strlen(value) : 0, error)
 *                == CARETOKEN_OK;
 *     }
 *
 *     int main(void) {
 *         const caretoken_error *error = NULL;
 *         caretoken_config *config = NULL;
 *         caretoken_client *client = NULL;
 *         const caretoken_token *token = NULL;
 *
 *         // Once per program and set of credentials: make a client.
 *         int ok = caretoken_config_new("pattern", &config, &error) == CARETOKEN_OK
 *               && set(config, "base_url", "https://pattern.example", &error)
 *               && set(config, "client_id", "my-client", &error)
 *               && set(config, "client_secret", getenv("PATTERN_CLIENT_SECRET"), &error)
 *               && caretoken_client_new(config, &client, &error) == CARETOKEN_OK;
 *         caretoken_config_free(config);
 *
 *         // Before each request to the vendor's API: ask for a token.
 *         if (ok && caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error)
 *                       == CARETOKEN_OK) {
 *             printf("good for %lld s\n", (long long)caretoken_token_time_left_ms(token) / 1000);
 *             // ... send the header token->header.data (Authorization mostly) with the value
 *             // token->authorization.data. If the API answers 401:
 *             // caretoken_client_reject(client, token, NULL, NULL), and ask for another.
 *         }
 *         if (error != NULL) {
 *             fprintf(stderr, "%s\n", error->line.data);
 *         }
 *
 *         int status = token != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
 *         caretoken_token_free(token);
 *         caretoken_error_free(error);
 *         caretoken_client_free(client);
 *         return status;
 *     }
 *
 * It links with -lcaretoken, or with libcaretoken.a and -lpthread -ldl -lm.
 *
 * ERRORS. Each function that can fail returns a caretoken_status: CARETOKEN_OK, which is 0, or another
 * of the numbers below. Its last argument takes the address of a const caretoken_error pointer, or NULL
 * if you do not care: on failure it is set to an error, never to NULL, that you read like any struct and
 * free; on success it is set to NULL. So free one error before you pass the same pointer again. There is
 * no errno-like last error.
 *
 * TOKENS, ERRORS, REPORTS AND PROFILES are structs that the library makes and you read. Later versions
 * add fields at the end only: a program may run with a later library than it was compiled for, not with
 * an earlier one.
 *
 * OUT-PARAMETERS come last, before the error. They are set to NULL, 0 or false as soon as the function
 * begins, whatever they held before, and to their result if it succeeds (caretoken_client_authorization
 * sets its length in one other case).
 *
 * OWNERSHIP. What a function gave you through a pointer to a pointer is yours: free it with the
 * function of its type that ends in _free. Profiles, configs, clients, tokens, reports and errors may be
 * freed in any order. A caretoken_str belongs to what you read it from. What you pass in is copied where
 * it is needed after the call; only user_data is kept as it is.
 *
 * NULL. Every _free takes NULL and does nothing. Any other NULL that is not allowed is
 * CARETOKEN_NULL_ARGUMENT, with an error that names the argument, or the setting whose value it is.
 * (NULL, 0) is an empty text. Functions that read from a token take NULL, too, and find nothing in it.
 *
 * THREADS. A const pointer may be used from many threads at once: clients (all functions but
 * caretoken_client_free), tokens, reports, errors and profiles. A pointer without const, as that to a
 * config, belongs to one thread at a time.
 *
 * Work happens inside the calls, and nothing in the background, with one exception: the system's DNS
 * lookup cannot be interrupted, so each runs in a short-lived thread, caretoken-dns. It blocks all
 * signals, calls nothing of yours, and outlives a call that timed out, until the system's resolver
 * gives up.
 *
 * At the end of this header: what a host must know of stacks, memory, cancellation, signals, fork and
 * unloading.
 *
 * TEXTS are UTF-8, and texts that this library gives have a NUL behind them. Texts that are not UTF-8,
 * or that hold NUL, CR or LF where the vendor's protocol cannot carry them, are refused with an error
 * that names the field and never shows its value.
 *
 * TIMES are int64_t milliseconds; points in time count from 1970-01-01 UTC.
 *
 * SECRETS. Errors, events, reports and profiles never hold one. The library wipes its own copies; wipe yours with
 * caretoken_wipe.
 *
 * PANICS, that is defects of this library, end at its boundary: the call fails with CARETOKEN_INTERNAL,
 * nothing is printed, and the client, if it was one's call, can only be freed.
 *
 * This file is generated from src/capi. C99 and later; C++ programs may prefer caretoken.hpp.
 */

#ifndef CARETOKEN_H
#define CARETOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header. The library's own is caretoken_version(). */
#define CARETOKEN_VERSION "0.1.0"
#define CARETOKEN_VERSION_MAJOR 0
#define CARETOKEN_VERSION_MINOR 1
#define CARETOKEN_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

typedef struct caretoken_str caretoken_str;
typedef struct caretoken_parameter caretoken_parameter;
typedef struct caretoken_profile caretoken_profile;
typedef struct caretoken_config caretoken_config;
typedef struct caretoken_client caretoken_client;
typedef struct caretoken_credential caretoken_credential;
typedef struct caretoken_stats caretoken_stats;
typedef struct caretoken_extra caretoken_extra;
typedef struct caretoken_token caretoken_token;
typedef struct caretoken_error caretoken_error;
typedef struct caretoken_event caretoken_event;
typedef struct caretoken_report caretoken_report;

/* ---- What all functions use -------------------------------------------------------------------- */

/**
 * A text: UTF-8, len bytes long, and with a NUL behind the last of them, so that data can be passed
 * wherever C wants a string.
 *
 * data is never NULL: what is absent is the empty text with a len of 0. The text belongs to the
 * object that it was read from (a token, an error, a profile) and lives exactly as long; those in the
 * arguments of a callback live until the callback returns. Never free it, never write to it.
 */
struct caretoken_str {
    /**
     * The bytes, NUL-terminated. Never NULL.
     */
    const char *data;
    /**
     * How many bytes, without the NUL.
     */
    size_t len;
};

/**
 * What became of a call: CARETOKEN_OK, or one of the other numbers below.
 *
 * The numbers never change and are never used again for something else; new ones may be added, so a
 * switch over them needs a default.
 */
typedef int32_t caretoken_status;

/* ---- Profile ----------------------------------------------------------------------------------- */

/**
 * For a profile's scopes: none can be requested; the vendor decides.
 */
#define CARETOKEN_SCOPES_NONE 0

/**
 * For a profile's scopes: some can be requested, by the setting scopes.
 */
#define CARETOKEN_SCOPES_OPTIONAL 1

/**
 * For a profile's scopes: at least one must be requested, by the setting scopes.
 */
#define CARETOKEN_SCOPES_REQUIRED 2

/**
 * A value that a profile asks for: a setting of each config made from it.
 *
 * It belongs to its profile and lives exactly as long. C reads its fields as those of the profile, and
 * later versions add fields at the end only.
 */
struct caretoken_parameter {
    /**
     * Its name, for caretoken_config_set and caretoken_client_set_credential.
     */
    caretoken_str name;
    /**
     * What it is, in one line for people; empty where the profile does not say.
     */
    caretoken_str about;
    /**
     * What kind of value it has: text, integer (digits), choice (one of choices), url (an absolute URL
     * without query), host (a name or address, with a port or without), host_label (one label of a
     * host's name), path_segment (one segment of a URL's path), private_key or certificate (both PEM,
     * of several lines). Later versions may add kinds: take one that you do not know for text.
     */
    caretoken_str kind;
    /**
     * Its value where it is not set; empty if it has none.
     */
    caretoken_str default_value;
    /**
     * The values that it can have, where it is a choice: choices_len of them; NULL for other kinds.
     */
    const caretoken_str *choices;
    /**
     * How many choices there are.
     */
    size_t choices_len;
    /**
     * Whether its value must not be shown.
     */
    bool is_secret;
    /**
     * Whether no client can be made without it.
     */
    bool is_required;
    /**
     * Whether it says whose token it will be: a client that gets another value drops its token.
     */
    bool is_holder;
};

/**
 * A token endpoint as data: a vendor. The format of its file is described in profiles/README.md of the
 * sources.
 *
 * The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
 * Later versions add fields at the end only. Made by caretoken_profile_named, caretoken_profile_load
 * or caretoken_profile_parse; free it with caretoken_profile_free. Configs and clients that were made
 * from it live on.
 *
 * It holds what stands in the profile, which is no secret. It never changes, so any thread may read
 * it, and it needs nothing that may be freed before it.
 *
 * A profile decides to which hosts the credentials go, always over HTTPS: read it from a place where
 * nobody can write who must not know them.
 */
struct caretoken_profile {
    /**
     * The vendor's name in errors, events and tokens, such as pattern.
     */
    caretoken_str name;
    /**
     * Its name for people; the same as name where the profile has no other.
     */
    caretoken_str title;
    /**
     * The name of the header that carries its tokens, in lower case: authorization, unless the profile
     * says otherwise. It is the header of each caretoken_token.
     */
    caretoken_str header;
    /**
     * The URLs of the vendor's pages about it: documentation_len of them; NULL if none.
     */
    const caretoken_str *documentation;
    /**
     * How many pages there are.
     */
    size_t documentation_len;
    /**
     * What it asks for, in the order of its file: parameters_len pointers; NULL if nothing. Together
     * with scopes and needs_client_certificate, all that a page of settings needs to know.
     */
    const caretoken_parameter *const *parameters;
    /**
     * How many parameters there are.
     */
    size_t parameters_len;
    /**
     * Whether scopes can be requested: CARETOKEN_SCOPES_NONE, CARETOKEN_SCOPES_OPTIONAL or
     * CARETOKEN_SCOPES_REQUIRED.
     */
    int32_t scopes;
    /**
     * Whether no client can be made without a certificate of its own (mutual TLS): the settings
     * client_cert_pem and client_key_pem.
     */
    bool needs_client_certificate;
};

/**
 * The names of the profiles that are compiled in: *count of them, and behind the last an empty text,
 * so that count may be NULL. They live for ever.
 */
const caretoken_str *caretoken_profile_names(size_t *count);

/**
 * Gives a profile that is compiled in, by its name: see caretoken_profile_names. To make a client of
 * it, caretoken_config_new takes the name.
 *
 * On failure *profile is NULL; the error's remedy lists the names that exist.
 */
caretoken_status caretoken_profile_named(const char *vendor,
                                         const caretoken_profile **profile,
                                         const caretoken_error **error);

/**
 * Reads a profile from the file at this path, once: later changes of the file change nothing.
 *
 * path is NUL-terminated and UTF-8, also on Windows, where a program may have paths in another code
 * page: convert those first. A relative one begins at the working directory of the process. A file
 * whose name is not UTF-8 you can read yourself, for caretoken_profile_parse.
 *
 * On failure *profile is NULL, and the status is CARETOKEN_INVALID_SETTING: the file cannot be read,
 * or the error says what is the first thing wrong in it, with line, column and path, and what would
 * be right.
 */
caretoken_status caretoken_profile_load(const char *path,
                                        const caretoken_profile **profile,
                                        const caretoken_error **error);

/**
 * Reads a profile from its text, the len bytes at data: JSON in UTF-8, at most 64 KiB, with a byte
 * order mark or without. It is not kept.
 *
 * On failure *profile is NULL, and the error is as that of caretoken_profile_load.
 */
caretoken_status caretoken_profile_parse(const char *data,
                                         size_t len,
                                         const caretoken_profile **profile,
                                         const caretoken_error **error);

/**
 * Frees the profile, its parameters and its texts. Configs and clients made from it live on. Does
 * nothing when profile is NULL.
 */
void caretoken_profile_free(const caretoken_profile *profile);

/* ---- Configuration ----------------------------------------------------------------------------- */

/**
 * What a client is made of: a vendor, credentials, settings, and callbacks (see
 * caretoken_config_set_on_rotation and caretoken_config_set_on_event).
 *
 * Made by caretoken_config_new, caretoken_config_from_profile or caretoken_client_sibling, freed by
 * caretoken_config_free. One thread at a time may use it. A client copies what it needs, so that a
 * config may make several clients, be changed in between, and be freed at any time.
 */
struct caretoken_config;

/**
 * Starts the configuration of a client for a vendor whose profile is compiled in.
 *
 * vendor is the profile's name, such as parchment: see caretoken_profile_names. On failure *config is
 * NULL; the error's remedy lists the names that exist.
 */
caretoken_status caretoken_config_new(const char *vendor,
                                      caretoken_config **config,
                                      const caretoken_error **error);

/**
 * Starts the configuration of a client for any vendor, by its profile: one that was read from a file,
 * mostly. The profile stays the caller's, and may be freed at any time.
 *
 * On failure *config is NULL. A profile with a parameter that has the name of a setting gives a config
 * that caretoken_client_new refuses.
 */
caretoken_status caretoken_config_from_profile(const caretoken_profile *profile,
                                               caretoken_config **config,
                                               const caretoken_error **error);

/**
 * Sets one credential or setting by its name. When that fails, what was set before stays.
 *
 * The value is the len bytes at data, in UTF-8, without NUL; (NULL, 0) is the empty text, NULL with
 * any other len is CARETOKEN_NULL_ARGUMENT. It is copied, and the copy is wiped in the end.
 *
 * The credentials of a profile are its parameters: see caretoken_profile. Those of the profiles that
 * are compiled in, [those in brackets may be left out]:
 *
 *   parchment          base_url, partner_id, partner_secret, organization_id,
 *                      organization_secret, user_id, [authorization_bearer]
 *   ehealth            base_url, client_id, client_secret, refresh_token, [custom_psk],
 *                      [api_key]
 *   edvak              base_url, client_id, client_secret, username, password
 *   pattern            base_url, client_id, client_secret
 *   oauth2-client-credentials
 *                      token_url, client_id, client_secret, [client_authentication]
 *   oauth2-password    token_url, client_id, [client_secret], [client_authentication], username,
 *                      password
 *   oauth2-refresh-token
 *                      token_url, client_id, [client_secret], [client_authentication],
 *                      refresh_token
 *   oauth2-jwt-bearer  token_url, issuer, [subject], [audience], private_key, [key_id],
 *                      [algorithm], [client_id]
 *
 * The settings:
 *
 *   scopes             The scopes to request, separated by spaces, where the profile takes any;
 *                      parchment requires at least one. Default: none.
 *   timeout_ms         How many milliseconds a call may block at most, in all. Default: 30000.
 *   ca_pem             CA certificates (PEM) to trust besides those of roots: a private CA, or a
 *                      network that inspects TLS. May be set repeatedly. Default: none.
 *   ca_file            As ca_pem, from the file at this path, which is read at once. Default:
 *                      none.
 *   roots              Whose CAs are trusted: bundled, those of the Mozilla root programme;
 *                      system, those of the operating system's store (on Linux SSL_CERT_FILE and
 *                      SSL_CERT_DIR name another place); none, those in ca_pem alone. Default:
 *                      bundled.
 *   crl_pem            Certificate revocation lists (PEM), one for each issuer. A list counts
 *                      however old it is; a certificate whose issuer has no list is accepted.
 *                      May be set repeatedly. Default: none.
 *   crl_file           As crl_pem, from the file at this path, which is read at once. Default:
 *                      none.
 *   tls                rustls, or system: OpenSSL, SChannel or Secure Transport, in a build with
 *                      the feature native-tls. With system, roots is system unless it is set to
 *                      none, pins are compared with the server's own key alone, and client keys
 *                      must be PKCS#8. Default: rustls.
 *   client_cert_pem    The certificate chain (PEM), its own certificate first, that identifies
 *                      this client (mutual TLS). Default: none.
 *   client_cert_file   As client_cert_pem, from the file at this path, which is read at once.
 *                      Default: none.
 *   client_key_pem     The key (PEM: PKCS#8, PKCS#1 or SEC1, not encrypted) of client_cert_pem.
 *                      Default: none.
 *   client_key_file    As client_key_pem, from the file at this path, which is read at once.
 *                      Default: none.
 *   pins               SHA-256 of public keys (base64, RFC 7469), separated by spaces: the
 *                      server's key, or that of a CA that vouches for it, must be among them.
 *                      Default: none.
 *   proxy              environment: what HTTPS_PROXY, ALL_PROXY and NO_PROXY say when the client
 *                      is made; off; or a URL: http://, socks5:// or socks5h://, with
 *                      user:password@ where the proxy asks for it, special characters as %XX. A
 *                      login that the proxy refused is not sent again for 15 minutes by this
 *                      client and its siblings, and one whose outcome is unknown at most five
 *                      times in 15 minutes; a new client begins anew. Default: environment.
 *   resolve            host=address: connects to this address without asking DNS, for
 *                      split-horizon DNS and tests. May be set repeatedly. Default: none.
 *   max_idle_ms        How many milliseconds a connection is kept for the next request; 0 keeps
 *                      none. Default: 20000.
 *   user_agent         The User-Agent header. Default: caretoken/ and the version.
 *   rejection_memory_ms
 *                      How many milliseconds rejected credentials are not sent again, so that no
 *                      account gets locked; 0 turns it off, also where that can lock an account.
 *                      Default: 900000.
 *   refresh_token_expires_at_ms
 *                      When the configured refresh token ends, in Unix milliseconds; for
 *                      profiles that take a refresh token, such as ehealth. The token is used
 *                      once more before its end, and the event sign_in_due tells days ahead that
 *                      a person must sign in again. Default: not known.
 *   percent_encode_credentials
 *                      true percent-encodes client id and secret before they are joined for HTTP
 *                      Basic (RFC 6749 section 2.3.1), and false joins them as they are; for
 *                      profiles with HTTP Basic. Default: as the profile says; false for
 *                      pattern.
 *   plain_http_to_loopback
 *                      true allows http:// to this machine itself, for tests; all addresses of
 *                      the host must be loopback. Default: false.
 *   require_locked_memory
 *                      true refuses to work where the system does not let all credentials and
 *                      tokens be locked into RAM. Default: false.
 *
 * A value that cannot be used is CARETOKEN_INVALID_SETTING; the error names the field, never the
 * value. For an unknown name the error's remedy lists the names that exist.
 */
caretoken_status caretoken_config_set(caretoken_config *config,
                                      const char *name,
                                      const char *data,
                                      size_t len,
                                      const caretoken_error **error);

/**
 * Wipes and frees the config. Clients made from it live on. Does nothing when config is NULL.
 */
void caretoken_config_free(caretoken_config *config);

/* ---- Client ------------------------------------------------------------------------------------ */

/**
 * For timeout_ms: the config's timeout.
 */
#define CARETOKEN_DEFAULT_TIMEOUT -1

/**
 * Turns one set of credentials into a token that is valid now, and keeps it valid.
 *
 * Made by caretoken_client_new, freed by caretoken_client_free. Make one per set of credentials and
 * share it: any number of threads may use it at once, and they share one token and one fetch. Work
 * happens inside the calls. After a fork the child may go on using it.
 *
 * Where a function takes timeout_ms: it blocks at most that many milliseconds, waiting, connecting
 * and retrying included, and then fails with CARETOKEN_TIMEOUT. 0 never blocks: the result is the
 * cached token if it is good; else the error for which nothing is sent at present, if there is one (a
 * remembered rejection, a cool-down); else CARETOKEN_TIMEOUT. CARETOKEN_DEFAULT_TIMEOUT is the
 * config's. Any other negative number is CARETOKEN_INVALID_SETTING; there is no upper limit.
 */
struct caretoken_client;

/**
 * A credential for caretoken_client_set_credentials. It is the caller's and copied from.
 */
struct caretoken_credential {
    /**
     * Its name, such as username; NUL-terminated.
     */
    const char *name;
    /**
     * Its value, in UTF-8.
     */
    const char *value;
    /**
     * How many bytes the value has, without a NUL.
     */
    size_t value_len;
};

/**
 * What a client has done since it was made.
 */
struct caretoken_stats {
    /**
     * Calls answered with a cached token.
     */
    uint64_t hits;
    /**
     * Requests sent to the vendor.
     */
    uint64_t fetches;
    /**
     * Requests that brought no token.
     */
    uint64_t failures;
    /**
     * Calls that waited for another thread's fetch.
     */
    uint64_t waits;
    /**
     * When a person must sign in again, as things stand, in Unix milliseconds: when both the refresh
     * token and the token got with it will have ended. 0 where the refresh token's end is not known;
     * see refresh_token_expires_at_ms.
     */
    int64_t sign_in_due_at_ms;
};

/**
 * Makes a client of what the config holds. It touches no network. The config stays the caller's.
 *
 * On failure *client is NULL, and the error names the first setting that is missing or cannot be
 * used.
 */
caretoken_status caretoken_client_new(const caretoken_config *config,
                                      caretoken_client **client,
                                      const caretoken_error **error);

/**
 * Starts a config that has all settings, credentials and callbacks of this client, and makes clients
 * that share its transport: connections, TLS configuration and sessions, resolver. Set what differs,
 * such as the acting user or scopes, then call caretoken_client_new. Settings of the transport itself
 * (ca_pem, proxy and their like) cannot be changed: caretoken_client_new refuses them.
 *
 * Such clients are cheap: make one for each acting user. Each has a token of its own. They and this
 * one may be freed in any order. Free the config with caretoken_config_free. On failure *config is
 * NULL.
 */
caretoken_status caretoken_client_sibling(const caretoken_client *client,
                                          caretoken_config **config,
                                          const caretoken_error **error);

/**
 * Gives a token that is valid now: the cached one, or a new one from the vendor. Free it with
 * caretoken_token_free.
 *
 * A cached token costs some nanoseconds and allocates nothing (see MEMORY at the end of this header), so call this before
 * each request instead of keeping tokens. While the cached token is still good, a vendor that fails is
 * no error.
 * On failure *token is NULL.
 */
caretoken_status caretoken_client_token(const caretoken_client *client,
                                        int64_t timeout_ms,
                                        const caretoken_token **token,
                                        const caretoken_error **error);

/**
 * Writes the value of the header that carries a token that is valid now, as the token's field
 * authorization has it ("Bearer " and the access token, unless the profile says otherwise), into the
 * caller's buffer, with a NUL behind it. As caretoken_client_token, for the case that the header is all
 * that is wanted: it counts no reference.
 *
 * The name of the header is that of the profile and the same for all its tokens: authorization, unless
 * the profile says otherwise. Read it once, from the field header of a caretoken_profile or of a token.
 *
 * *length is the length without the NUL; capacity must be larger than that. If it is not, the call
 * is CARETOKEN_BUFFER_TOO_SMALL, *length says what is needed, and nothing is written to the buffer.
 * (NULL, 0) as buffer and capacity asks for the length alone. A later token may be longer, so be
 * ready to ask again.
 *
 * The buffer holds a secret then: wipe it after use, with caretoken_wipe.
 */
caretoken_status caretoken_client_authorization(const caretoken_client *client,
                                                int64_t timeout_ms,
                                                char *buffer,
                                                size_t capacity,
                                                size_t *length,
                                                const caretoken_error **error);

/**
 * Gives the cached token if it is still good, without ever blocking or touching the network. Free it
 * with caretoken_token_free.
 *
 * *token is NULL when there is none; that is no failure, and the status is CARETOKEN_OK.
 */
caretoken_status caretoken_client_peek(const caretoken_client *client,
                                       const caretoken_token **token,
                                       const caretoken_error **error);

/**
 * Fetches a token if there is none, or if the cached one is about to end, unless another thread is
 * fetching. For the host's own idle timer: a call every 30 seconds spares most other calls the
 * wait. It blocks at most the config's timeout.
 *
 * *refreshed says whether it fetched one; refreshed may be NULL. After a failure a cached token that
 * is still good stays.
 */
caretoken_status caretoken_client_refresh_if_due(const caretoken_client *client,
                                                 bool *refreshed,
                                                 const caretoken_error **error);

/**
 * Reports that the vendor's API refused this token (HTTP status 401). If it is the cached one, it is
 * dropped, and the next call fetches another; any other token of whatever client changes nothing.
 * The token still needs its caretoken_token_free.
 *
 * *dropped says whether it was dropped: of many threads that report the same token, one gets true.
 * dropped may be NULL. When fresh tokens keep being refused, calls end in CARETOKEN_TOKENS_REFUSED
 * for a while instead of fetching ever more.
 */
caretoken_status caretoken_client_reject(const caretoken_client *client,
                                         const caretoken_token *token,
                                         bool *dropped,
                                         const caretoken_error **error);

/**
 * Ends every call on this client, in any thread, that is under way or waiting, within 100 ms: with the
 * cached token where there is a good one, else with CARETOKEN_CANCELLED. Later calls are not affected.
 * Never blocks.
 */
caretoken_status caretoken_client_cancel(const caretoken_client *client,
                                         const caretoken_error **error);

/**
 * Replaces one credential by its name; the value is given as in caretoken_config_set. Calls from now
 * on use it, and a remembered rejection is forgotten. When that fails, the old one stays.
 *
 * The cached token stays if the credential is only proof (a secret, a password); it is dropped if it
 * says whose token it is (a client id, a user, a refresh token). Credentials that belong together are
 * replaced together: see caretoken_client_set_credentials.
 */
caretoken_status caretoken_client_set_credential(const caretoken_client *client,
                                                 const char *name,
                                                 const char *data,
                                                 size_t len,
                                                 const caretoken_error **error);

/**
 * Replaces count credentials at once, such as a user name and its password: no request ever goes out
 * with some of them old and some new. For each the same holds as in caretoken_client_set_credential;
 * of a name that comes twice the last value counts.
 *
 * When one cannot be used, the error names it, and all old ones stay. credentials may be NULL if count
 * is 0.
 */
caretoken_status caretoken_client_set_credentials(const caretoken_client *client,
                                                  const caretoken_credential *credentials,
                                                  size_t count,
                                                  const caretoken_error **error);

/**
 * Counts what the client has done since it was made. stats_size is sizeof(caretoken_stats), so that
 * programs and libraries of different versions understand each other: what the library does not know
 * is set to 0.
 */
caretoken_status caretoken_client_stats(const caretoken_client *client,
                                        size_t stats_size,
                                        caretoken_stats *stats,
                                        const caretoken_error **error);

/**
 * Says how many milliseconds the vendor's clock is ahead of this machine's, as of the last answer
 * with a Date header; good to about a second.
 *
 * *is_known is false, and *skew_ms is 0, before the first such answer; is_known may be NULL.
 */
caretoken_status caretoken_client_clock_skew_ms(const caretoken_client *client,
                                                bool *is_known,
                                                int64_t *skew_ms,
                                                const caretoken_error **error);

/**
 * Frees the client. Tokens that it gave live on. Does nothing when client is NULL.
 *
 * From here on nobody may use it: let the other threads know, call caretoken_client_cancel if they
 * should not finish their calls, and free it when they are done. Should a thread still be blocked in
 * a call on it, that call is cancelled, and the client's memory stays until it has returned; but a
 * thread that only just enters a call, or leaves it, is too late for that.
 */
void caretoken_client_free(caretoken_client *client);

/* ---- Token ------------------------------------------------------------------------------------- */

/**
 * A further field of a vendor's answer.
 */
struct caretoken_extra {
    /**
     * Its name, such as patient.
     */
    caretoken_str name;
    /**
     * Its value; numbers as decimal text. May be personal data: do not log it.
     */
    caretoken_str value;
};

/**
 * A bearer token, with what the vendor said about it.
 *
 * The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
 * Later versions add fields at the end only. A pointer to it counts as one reference: release it with
 * caretoken_token_free, and make another with caretoken_token_clone. When the last reference is gone
 * (the client holds one while the token is in its cache), everything here is wiped and freed.
 * Different threads may get different pointers to the same token, so do not compare pointers;
 * caretoken_client_reject knows the token by any of them.
 *
 * It never changes, so any thread may read it, and it outlives its client if it is freed later.
 *
 * access_token, authorization, refresh_token and the values of extras are secret: do not log them,
 * and wipe your copies with caretoken_wipe.
 */
struct caretoken_token {
    /**
     * The access token itself. Secret.
     */
    caretoken_str access_token;
    /**
     * The whole value of the header that carries it (see header): "Bearer " and the access token,
     * unless the profile says otherwise. Secret.
     */
    caretoken_str authorization;
    /**
     * The type of the token, which is the scheme of its header: Bearer, unless the profile says
     * otherwise; empty where the header's value is the token alone.
     */
    caretoken_str token_type;
    /**
     * The vendor that issued it, such as pattern.
     */
    caretoken_str vendor;
    /**
     * The refresh token that came with it; empty if none. Secret. The client uses it by itself where
     * the vendor has a refresh grant.
     */
    caretoken_str refresh_token;
    /**
     * The vendor's id of the request, for its support; empty if none.
     */
    caretoken_str request_id;
    /**
     * The scopes it was granted: scopes_len of them; NULL if none. Those requested
     * where the vendor does not say.
     */
    const caretoken_str *scopes;
    /**
     * How many scopes there are.
     */
    size_t scopes_len;
    /**
     * The scopes that were requested and not granted: missing_scopes_len of them; NULL if none.
     */
    const caretoken_str *missing_scopes;
    /**
     * How many missing_scopes there are.
     */
    size_t missing_scopes_len;
    /**
     * The further fields of the vendor's answer: extras_len of them; NULL if none. See
     * caretoken_token_extra.
     */
    const caretoken_extra *extras;
    /**
     * How many extras there are.
     */
    size_t extras_len;
    /**
     * When it ends, in Unix milliseconds, by this machine's clock. To decide whether it is still
     * good, use caretoken_token_time_left_ms: it survives steps of that clock.
     */
    int64_t expires_at_ms;
    /**
     * How long it lives in all, counted from the moment its request was sent.
     */
    int64_t lifetime_ms;
    /**
     * Whether the vendor gave it a longer life than is plausible, so that it was cut.
     */
    bool lifetime_was_cut;
    /**
     * Whether the vendor gave it a life too short to be plausible: mostly another unit than its
     * documents say. It is good until its end, but a new one is fetched once a second at most.
     */
    bool lifetime_implausible;
    /**
     * The name of the header that carries it, in lower case: authorization, unless the profile says
     * otherwise.
     */
    caretoken_str header;
};

/**
 * How many milliseconds the token is still good: by the monotonic or the wall clock, whichever
 * leaves less. 0 when it has ended, and for NULL.
 */
int64_t caretoken_token_time_left_ms(const caretoken_token *token);

/**
 * The value of one of the token's extras by its name, such as patient; it lives as long as the token.
 * Empty if there is none of that name, and when an argument is NULL.
 */
caretoken_str caretoken_token_extra(const caretoken_token *token,
                                    const char *name);

/**
 * Counts one more reference to the token and returns the same pointer, to be freed as well. From any
 * thread; it allocates nothing. NULL for NULL.
 */
const caretoken_token *caretoken_token_clone(const caretoken_token *token);

/**
 * Releases one reference to the token; the last one wipes and frees it. From any thread. Does nothing
 * when token is NULL.
 */
void caretoken_token_free(const caretoken_token *token);

/* ---- Error ------------------------------------------------------------------------------------- */

/**
 * Why a call failed, and who must do what about it.
 *
 * The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
 * Later versions add fields at the end only. Every fallible function makes one when it fails, if its
 * last argument is not NULL; free it with caretoken_error_free.
 *
 * It holds statuses, codes, names and shapes, never a credential, a token or a part of an answer's
 * body: it is safe to log. It never changes, so any thread may read it, and it needs nothing that may
 * be freed before it.
 */
struct caretoken_error {
    /**
     * What the failed call returned.
     */
    caretoken_status status;
    /**
     * The stable name of the status, such as credentials_rejected: for monitoring to match on.
     */
    caretoken_str kind;
    /**
     * Everything about the error in one line of text, for logs: what and where, the facts, who must
     * act, what to do.
     */
    caretoken_str line;
    /**
     * What went wrong, in words, without the facts that have fields of their own.
     */
    caretoken_str message;
    /**
     * What to do about it, in words.
     */
    caretoken_str remedy;
    /**
     * Who must do it: caller (the program that calls caretoken), operator (who runs the system:
     * credentials, network, sign-in) or vendor (of the token endpoint).
     */
    caretoken_str actor;
    /**
     * The setting, credential or argument that it is about, such as client_secret; empty if none.
     */
    caretoken_str field;
    /**
     * Where in the call it went wrong: configure, wait, resolve, proxy, connect, tls, send, receive,
     * read or store. From send on the vendor may have acted on the request.
     */
    caretoken_str phase;
    /**
     * The vendor's name, such as pattern; empty where none is involved.
     */
    caretoken_str vendor;
    /**
     * The vendor's own code for the error, such as invalid_client; empty if its answer has none.
     */
    caretoken_str vendor_code;
    /**
     * The vendor's id of the request, for its support; empty if its answer has none.
     */
    caretoken_str request_id;
    /**
     * How many milliseconds to wait before the next call: what the vendor said, or, of a call that was
     * answered during a pause of the client's, what is left of that. The client's own pauses after a
     * failure, seconds mostly, are not in the first error; a vendor cannot make one longer than an
     * hour. -1 if neither.
     */
    int64_t retry_after_ms;
    /**
     * The HTTP status of the answer; 0 if there was no answer.
     */
    int32_t http_status;
    /**
     * Whether the same call may succeed later without anybody changing anything.
     */
    bool retryable;
};

/**
 * It worked.
 */
#define CARETOKEN_OK 0

/**
 * A pointer that must not be NULL was NULL. The error's field names the argument, or the setting or
 * credential whose value it is.
 */
#define CARETOKEN_NULL_ARGUMENT 1

/**
 * The caller's buffer cannot hold the result. The call says how long the result is.
 */
#define CARETOKEN_BUFFER_TOO_SMALL 2

/**
 * A setting, credential name or argument cannot be used. The error's field names it; its value is
 * never shown.
 */
#define CARETOKEN_INVALID_SETTING 3

/**
 * The host name did not resolve.
 */
#define CARETOKEN_RESOLVE 20

/**
 * A proxy refused or failed.
 */
#define CARETOKEN_PROXY 21

/**
 * No address of the host accepted a connection.
 */
#define CARETOKEN_CONNECT 22

/**
 * TLS failed: certificate, host name or protocol version.
 */
#define CARETOKEN_TLS 23

/**
 * The connection broke while the request or the answer was under way.
 */
#define CARETOKEN_CONNECTION_LOST 24

/**
 * A proxy wants a user name and password, or refused those in its URL. They are not sent again for a
 * while, so that no account gets locked: make a new client with the right ones.
 */
#define CARETOKEN_PROXY_LOGIN_REJECTED 25

/**
 * The deadline passed. The error's phase says where the time went.
 */
#define CARETOKEN_TIMEOUT 30

/**
 * The call was cancelled. caretoken_client_cancel was called, or the client was freed.
 */
#define CARETOKEN_CANCELLED 31

/**
 * The client id, secret, user name or password is wrong or has expired.
 */
#define CARETOKEN_CREDENTIALS_REJECTED 40

/**
 * The refresh token is dead: a person must sign in again.
 */
#define CARETOKEN_SIGN_IN_REQUIRED 41

/**
 * The owner took the access back: a person must grant it again.
 */
#define CARETOKEN_ACCESS_REVOKED 42

/**
 * A requested scope is unknown, or not allowed for this client.
 */
#define CARETOKEN_SCOPE_REFUSED 43

/**
 * The vendor knows who asks and says no.
 */
#define CARETOKEN_ACCESS_DENIED 44

/**
 * The vendor finds the request itself wrong.
 */
#define CARETOKEN_REQUEST_REFUSED 45

/**
 * There is no token endpoint at this address.
 */
#define CARETOKEN_ENDPOINT_NOT_FOUND 46

/**
 * Too many requests. See the error's retry_after_ms.
 */
#define CARETOKEN_RATE_LIMITED 47

/**
 * The vendor's service is down or overloaded.
 */
#define CARETOKEN_UNAVAILABLE 48

/**
 * The answer redirects elsewhere. Redirects are never followed.
 */
#define CARETOKEN_REDIRECTED 60

/**
 * The answer has a status that this vendor's token endpoint never gives.
 */
#define CARETOKEN_UNEXPECTED_STATUS 61

/**
 * The answer is larger than 64 KiB. Reading stopped there.
 */
#define CARETOKEN_ANSWER_TOO_LARGE 62

/**
 * The answer is not JSON: HTML, plain text, cut off, or nothing at all.
 */
#define CARETOKEN_ANSWER_NOT_JSON 63

/**
 * The answer is JSON of another shape: a field is missing, doubled or of the wrong type.
 */
#define CARETOKEN_ANSWER_MALFORMED 64

/**
 * The token's lifetime makes no sense: negative, zero, fractional, out of range or absent.
 */
#define CARETOKEN_INVALID_LIFETIME 65

/**
 * Fresh tokens were refused again and again. See caretoken_client_reject.
 */
#define CARETOKEN_TOKENS_REFUSED 80

/**
 * The rotation callback could not store the new refresh token.
 */
#define CARETOKEN_ROTATION_NOT_STORED 81

/**
 * A defect in caretoken. After a panic, whose place in the source the error's line tells, the client it
 * happened in cannot be used any more, only freed.
 */
#define CARETOKEN_INTERNAL 99

/**
 * Frees the error and its texts. Does nothing when error is NULL.
 */
void caretoken_error_free(const caretoken_error *error);

/**
 * The stable name of a status, such as credentials_rejected for CARETOKEN_CREDENTIALS_REJECTED;
 * unknown for a number that this version does not know. Lives for ever.
 */
caretoken_str caretoken_status_name(caretoken_status status);

/* ---- Callbacks --------------------------------------------------------------------------------- */

/**
 * Stores a new refresh token that the vendor handed out in place of the old one, durably: the old
 * one is dead. Returns 0 when it is stored, anything else when it could not be.
 *
 * Called on the thread whose call fetched, before anybody gets the access token that came with it,
 * and under no lock. When it fails, that call ends in CARETOKEN_ROTATION_NOT_STORED and nothing is
 * lost: the client keeps both tokens and offers the refresh token again at the next call. It may use
 * the client, but asking that for a token fails there; caretoken_client_peek works.
 *
 * refresh_token lives until it returns. It must not leave by a C++ exception or longjmp.
 */
typedef int32_t (*caretoken_on_rotation)(void *user_data, caretoken_str refresh_token);

/**
 * Something that happened in a client, for logs and monitoring. It never holds a secret.
 *
 * The struct and its texts live until the callback that got it returns. Later versions may add
 * fields at the end.
 */
struct caretoken_event {
    /**
     * What happened: fetch_started, fetched, fetch_failed, served_old_token, cooling_down, rotated,
     * token_rejected, lifetime_cut, lifetime_implausible (the life is too short to be plausible: the
     * message says what to ask the vendor) or sign_in_due (a person must sign in again before long).
     * Later versions may add names.
     */
    caretoken_str name;
    /**
     * The client's vendor, such as pattern.
     */
    caretoken_str vendor;
    /**
     * How long it took, for fetched and fetch_failed; -1 otherwise.
     */
    int64_t took_ms;
    /**
     * For fetched, lifetime_cut and lifetime_implausible the token's life, for served_old_token what
     * is left of it, for cooling_down how long nothing is sent, for fetch_failed the
     * pause before the next attempt, for sign_in_due the time until then; -1 otherwise.
     */
    int64_t span_ms;
    /**
     * Why, for fetch_failed, served_old_token, cooling_down and lifetime_implausible; CARETOKEN_OK
     * otherwise.
     */
    caretoken_status status;
    /**
     * The whole event as one line of text, the error included where there is one.
     */
    caretoken_str message;
};

/**
 * Takes note of an event.
 *
 * Called on the thread where it happens, under no lock, possibly on several threads at once; keep it
 * short. event lives until it returns. It must not leave by a C++ exception or longjmp.
 */
typedef void (*caretoken_on_event)(void *user_data, const caretoken_event *event);

/**
 * Sets the callback that stores rotated refresh tokens; a later one replaces it, and NULL takes it
 * away, also where a sibling has got it from another client. Without one the client goes on with the
 * new refresh token, and a restart of the program loses it.
 *
 * user_data is passed to each call. What it points to must be fit for any thread, and must live until
 * every client made from this config is freed and its last call has returned.
 */
caretoken_status caretoken_config_set_on_rotation(caretoken_config *config,
                                                  caretoken_on_rotation callback,
                                                  void *user_data,
                                                  const caretoken_error **error);

/**
 * Sets the callback that takes note of events; a later one replaces it, and NULL takes it away. For
 * user_data the same holds as in caretoken_config_set_on_rotation.
 */
caretoken_status caretoken_config_set_on_event(caretoken_config *config,
                                               caretoken_on_event callback,
                                               void *user_data,
                                               const caretoken_error **error);

/* ---- Doctor ------------------------------------------------------------------------------------ */

/**
 * What caretoken_client_doctor found on the way to the vendor.
 *
 * The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
 * Later versions add fields at the end only. Free it with caretoken_report_free.
 *
 * It holds addresses and names of hosts and certificates, statuses and times, never a credential, a
 * token or a part of an answer's body. It never changes, so any thread may read it, and it needs
 * nothing that may be freed before it.
 */
struct caretoken_report {
    /**
     * The report as a block of text, one line for each step: to be pasted into a ticket.
     */
    caretoken_str text;
    /**
     * Whether a request came through and was answered, by whatever HTTP status.
     */
    bool is_healthy;
};

/**
 * Probes the way to the vendor (resolve, connect, proxy, TLS, one request, clock) and reports what it
 * found at each step: what a network's people need when no token comes. Free the report with
 * caretoken_report_free.
 *
 * It goes over a connection of its own, touches no token, and sends no credential of the vendor's: the
 * request is a GET of the token endpoint's address, and any answer proves that the way is open. A
 * proxy gets the login that is set for it, and a server that asks for it the client's certificate.
 *
 * What the network does wrong stands in the report, and the status is CARETOKEN_OK, also when the time
 * is up or the call is cancelled. With any other status nothing was probed, and *report is NULL.
 */
caretoken_status caretoken_client_doctor(const caretoken_client *client,
                                         int64_t timeout_ms,
                                         const caretoken_report **report,
                                         const caretoken_error **error);

/**
 * Frees the report, and with it its text. Does nothing when report is NULL.
 */
void caretoken_report_free(const caretoken_report *report);

/* ---- Helpers ----------------------------------------------------------------------------------- */

/**
 * Overwrites size bytes at data with zeros, in a way that no optimiser removes: for buffers of yours
 * that held a secret, such as the one given to caretoken_client_authorization. Does nothing when data
 * is NULL.
 */
void caretoken_wipe(void *data,
                    size_t size);

/**
 * The version of the library in use, such as "0.1.0", NUL-terminated; lives for ever. The version
 * that a program was compiled with is CARETOKEN_VERSION.
 */
const char *caretoken_version(void);

/* ---- What a host must know ---------------------------------------------------------------------- */

/*
 * STACK. A call takes up to 56 KiB of the stack of its thread. The smallest thread stack that can be
 * used is 64 KiB, guard page included, for a thread that needs little for itself. (With tls=system it
 * is the system's library that says.)
 *
 * MEMORY. A cached token is handed out without allocating anything, but for what a thread's first call
 * and a token's first caretoken_client_token keep. Everything else allocates, and running out of memory
 * ends the process: abort(), as in all Rust code. No call returns an error for it.
 *
 * CANCELLATION. A thread that is cancelled by pthread_cancel ends before or after a call, never inside:
 * calls that may block hold the request up until they return, also while your callbacks run. That holds
 * for deferred cancellation, which threads have unless they choose otherwise; never call with
 * PTHREAD_CANCEL_ASYNCHRONOUS.
 *
 * SIGNALS. The library installs no handler, changes no mask of your threads and causes no SIGPIPE. A
 * signal that is handled in the middle of a call does not end it: caretoken_client_cancel does, from
 * another thread. No function may be called from a signal handler.
 *
 * FORK. A child may use the clients and tokens it has from its parent, whatever other threads of the
 * parent were doing. Calls that were under way in other threads exist in the parent alone.
 *
 * UNLOADING. On Linux the shared library stays loaded after dlclose, since a lookup may still be
 * running; elsewhere do not unload it. Free what you have all the same. A plug-in that has the static
 * library inside must be linked with -Wl,-z,nodelete for the same reason, and with
 * -Wl,--exclude-libs,ALL, so that it does not export what belongs to another copy.
 */

#ifdef __cplusplus
}  /* extern "C" */
#endif

#endif  /* CARETOKEN_H */
