/* Profiles: what is read of them, clients made of them, and what is refused. The working directory has
 * the profile of the example under a name that is not ASCII. */
#include "check.h"

static const char *const path = "pr\xc3\xb6""fil.json";

static const caretoken_profile *parse(const char *text) {
    const caretoken_profile *profile = (const caretoken_profile *)&rubbish;
    WORKS(caretoken_profile_parse(text, strlen(text), &profile, &error));
    return profile;
}

/* FAILS, and the profile is NULL. */
#define GIVES_NONE(call, expected, field)                                               \
    do {                                                                                \
        const caretoken_profile *profile = (const caretoken_profile *)&rubbish;         \
        FAILS(call, expected, field);                                                   \
        CHECK(profile == NULL);                                                         \
    } while (0)

static void bad_arguments(void) {
    caretoken_config *config = (caretoken_config *)&rubbish;
    const caretoken_profile *profile = NULL;
    GIVES_NONE(caretoken_profile_named(NULL, &profile, &error), CARETOKEN_NULL_ARGUMENT, "vendor");
    GIVES_NONE(caretoken_profile_named("\xff", &profile, &error), CARETOKEN_INVALID_SETTING, "vendor");
    GIVES_NONE(caretoken_profile_load(NULL, &profile, &error), CARETOKEN_NULL_ARGUMENT, "path");
    GIVES_NONE(caretoken_profile_load("\xff", &profile, &error), CARETOKEN_INVALID_SETTING, "path");
    GIVES_NONE(caretoken_profile_parse(NULL, 1, &profile, &error), CARETOKEN_NULL_ARGUMENT, "data");
    GIVES_NONE(caretoken_profile_parse("{}", (size_t)-1, &profile, &error),
               CARETOKEN_INVALID_SETTING, "len");
    FAILS(caretoken_profile_named("pattern", NULL, &error), CARETOKEN_NULL_ARGUMENT, "profile");
    FAILS(caretoken_profile_load(path, NULL, &error), CARETOKEN_NULL_ARGUMENT, "profile");
    FAILS(caretoken_profile_parse("{}", 2, NULL, &error), CARETOKEN_NULL_ARGUMENT, "profile");
    CHECK(caretoken_profile_named(NULL, NULL, NULL) == CARETOKEN_NULL_ARGUMENT);

    FAILS(caretoken_config_from_profile(NULL, &config, &error), CARETOKEN_NULL_ARGUMENT, "profile");
    CHECK(config == NULL);
    WORKS(caretoken_profile_named("pattern", &profile, &error));
    FAILS(caretoken_config_from_profile(profile, NULL, &error), CARETOKEN_NULL_ARGUMENT, "config");
    caretoken_profile_free(profile);
    caretoken_profile_free(NULL);
}

/* Checks status, message and field of a failure that is about a profile, and frees the error. */
static void check_wrong(caretoken_status status, const caretoken_profile *profile,
                        const caretoken_error *error, const char *part) {
    CHECK(status == CARETOKEN_INVALID_SETTING && profile == NULL && error != NULL);
    if (!has_text(error->message, part)) {
        fprintf(stderr, "no '%s' in: %s\n", part, error->line.data);
        exit(1);
    }
    CHECK(is_text(error->field, "profile") && is_text(error->actor, "caller"));
    CHECK(error->remedy.len > 0);
    caretoken_error_free(error);
}

/* WRONG(call(..., &profile, &error), part of the message) */
#define WRONG(call, part)                                                               \
    do {                                                                                \
        const caretoken_profile *profile = (const caretoken_profile *)&rubbish;         \
        const caretoken_error *error = (const caretoken_error *)&rubbish;               \
        caretoken_status status_of_call = (call);                                       \
        check_wrong(status_of_call, profile, error, (part));                            \
    } while (0)

static void bad_texts_are_told_by_their_place(void) {
    static const char *const wrong[][2] = {
        {"", "line 1, column 1: the text ends in the middle"},
        {"{\"caretoken\": 1,\n \"name\" 1}", "line 2, column 9"},
        {"{\"caretoken\": 1,\n \"nam\": \"acme\"}", "line 2, column 2 (/nam)"},
        {"{\"caretoken\": 2}", "(/caretoken)"},
        {"\xff", "is not UTF-8"},
    };
    char *large = calloc(1, 65537);
    size_t i;
    for (i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        WRONG(caretoken_profile_parse(wrong[i][0], strlen(wrong[i][0]), &profile, &error),
              wrong[i][1]);
    }
    WRONG(caretoken_profile_parse(NULL, 0, &profile, &error), "the text ends in the middle");
    CHECK(large != NULL);
    WRONG(caretoken_profile_parse(large, 65537, &profile, &error), "is larger than 64 KiB");
    free(large);
}

static void bad_files_are_told_by_what_is_wrong(void) {
    WRONG(caretoken_profile_load("", &profile, &error), "cannot be read");
    WRONG(caretoken_profile_load(".", &profile, &error), "cannot be read");
    WRONG(caretoken_profile_load("no such file", &profile, &error), "cannot be read");
    WRONG(caretoken_profile_load("large.json", &profile, &error), "is larger than 64 KiB");
    WRONG(caretoken_profile_load("wrong.json", &profile, &error), "line 1, column 26 (/name)");
}

static void names_are_those_of_what_is_compiled_in(void) {
    size_t count = 77, i;
    const caretoken_str *names = caretoken_profile_names(&count);
    const caretoken_profile *profile = NULL;
    const caretoken_error *error = NULL;
    CHECK(count >= 8 && names[count].len == 0 && names[count].data[0] == '\0');
    CHECK(caretoken_profile_names(NULL) == names);
    CHECK(caretoken_profile_named("acme", &profile, &error) == CARETOKEN_INVALID_SETTING);
    for (i = 0; i < count; ++i) {
        const caretoken_profile *named = NULL;
        CHECK(names[i].len > 0 && has_text(error->remedy, names[i].data));
        WORKS(caretoken_profile_named(names[i].data, &named, &error));
        CHECK(is_text(named->name, names[i].data));
        caretoken_profile_free(named);
    }
    CHECK(profile == NULL && is_text(error->field, "vendor"));
    caretoken_error_free(error);
}

static void check_parameter(const caretoken_parameter *parameter, const char *name,
                            const char *kind, const char *default_value, bool is_secret,
                            bool is_required, bool is_holder) {
    CHECK(is_text(parameter->name, name) && is_text(parameter->kind, kind));
    CHECK(is_text(parameter->default_value, default_value) && parameter->about.len > 0);
    CHECK(parameter->is_secret == is_secret && parameter->is_required == is_required);
    CHECK(parameter->is_holder == is_holder);
}

static void check_acme(const caretoken_profile *profile) {
    const caretoken_parameter *const *parameters = profile->parameters;
    CHECK(is_text(profile->name, "acme") && is_text(profile->title, "Acme Health"));
    CHECK(is_text(profile->header, "x-acme-session"));
    CHECK(profile->documentation_len == 1);
    CHECK(is_text(profile->documentation[0], "https://developer.acme.example/tokens"));
    CHECK(profile->scopes == CARETOKEN_SCOPES_NONE && !profile->needs_client_certificate);
    CHECK(profile->parameters_len == 4);
    check_parameter(parameters[0], "base_url", "url", "", false, true, true);
    check_parameter(parameters[1], "region", "choice", "eu", false, false, false);
    check_parameter(parameters[2], "client_id", "text", "", false, true, true);
    check_parameter(parameters[3], "client_secret", "text", "", true, true, false);
    CHECK(is_text(parameters[0]->about, "Where Acme's API lives."));
    CHECK(parameters[0]->choices == NULL && parameters[0]->choices_len == 0);
    CHECK(parameters[1]->choices_len == 2 && is_text(parameters[1]->choices[0], "eu"));
    CHECK(is_text(parameters[1]->choices[1], "us"));
}

static void every_field_is_what_the_text_says(void) {
    static const char least[] =
        "\xef\xbb\xbf{\"caretoken\": 1, \"name\": \"least\","
        "\"request\": {\"url\": \"https://least.example/t\"},"
        "\"answer\": {\"access_token\": \"/t\", \"expires\": {\"life\": \"1h\"}}}";
    static const char most[] =
        "{\"caretoken\": 1, \"name\": \"most\", \"title\": \"Most\", \"documentation\":"
        "[\"https://most.example/1\", \"https://most.example/2\"],"
        "\"scopes\": {\"required\": true}, \"client_certificate\": \"required\","
        "\"parameters\": {\"note\": {\"optional\": true, \"secret\": false}},"
        "\"request\": {\"url\": \"https://most.example/t\","
        "\"form\": {\"scope\": \"{scopes}\", \"note\": \"{note}\"}},"
        "\"answer\": {\"access_token\": \"/t\", \"expires\": {\"life\": \"1h\"}}}";
    const caretoken_profile *profile = NULL;
    WORKS(caretoken_profile_load(path, &profile, &error));
    check_acme(profile);
    caretoken_profile_free(profile);

    profile = parse(least);
    CHECK(is_text(profile->name, "least") && is_text(profile->title, "least"));
    CHECK(is_text(profile->header, "authorization"));
    CHECK(profile->documentation == NULL && profile->documentation_len == 0);
    CHECK(profile->parameters == NULL && profile->parameters_len == 0);
    caretoken_profile_free(profile);

    profile = parse(most);
    CHECK(profile->documentation_len == 2);
    CHECK(is_text(profile->documentation[1], "https://most.example/2"));
    CHECK(profile->scopes == CARETOKEN_SCOPES_REQUIRED && profile->needs_client_certificate);
    CHECK(profile->parameters_len == 1 && is_text(profile->parameters[0]->about, ""));
    CHECK(!profile->parameters[0]->is_required && !profile->parameters[0]->is_secret);
    caretoken_profile_free(profile);

    WORKS(caretoken_profile_named("oauth2-client-credentials", &profile, &error));
    CHECK(profile->scopes == CARETOKEN_SCOPES_OPTIONAL);
    caretoken_profile_free(profile);
}

/* For the sandbox's Pattern, which Acme is like. The profile is gone before the config is set. */
static caretoken_config *acme_config(const char *file) {
    const caretoken_profile *profile = NULL;
    caretoken_config *config = NULL;
    WORKS(caretoken_profile_load(file, &profile, &error));
    WORKS(caretoken_config_from_profile(profile, &config, &error));
    caretoken_profile_free(profile);
    set(config, "base_url", environment("pattern", "base_url"));
    set(config, "plain_http_to_loopback", is_plain_http("pattern") ? "true" : "false");
    set(config, "ca_file", getenv("CARETOKEN_CA_FILE"));
    set(config, "client_id", environment("pattern", "client_id"));
    return config;
}

static void a_client_of_a_file_gets_a_token_for_its_header(void) {
    caretoken_config *config = acme_config(path);
    caretoken_client *client = (caretoken_client *)&rubbish;
    const caretoken_token *token = NULL;
    char buffer[8192];
    size_t length = 0;
    FAILS(caretoken_client_new(config, &client, &error), CARETOKEN_INVALID_SETTING, "client_secret");
    CHECK(client == NULL);
    FAILS(caretoken_config_set(config, "region", "asia", 4, &error), CARETOKEN_INVALID_SETTING,
          "region");
    FAILS(caretoken_config_set(config, "api_key", "x", 1, &error), CARETOKEN_INVALID_SETTING,
          "api_key");
    set(config, "region", "us");
    set(config, "client_secret", environment("pattern", "client_secret"));
    client = client_of(config);
    WORKS(caretoken_client_token(client, CARETOKEN_DEFAULT_TIMEOUT, &token, &error));
    CHECK(is_text(token->vendor, "acme") && is_text(token->header, "x-acme-session"));
    CHECK(is_text(token->token_type, "") && token->access_token.len > 20);
    CHECK(is_text(token->authorization, token->access_token.data));
    WORKS(caretoken_client_authorization(client, 0, buffer, sizeof buffer, &length, &error));
    CHECK(length == token->authorization.len && is_text(token->authorization, buffer));
    caretoken_wipe(buffer, sizeof buffer);
    caretoken_token_free(token);
    caretoken_client_free(client);
}

static void errors_name_the_vendor_of_the_file(void) {
    caretoken_config *config = acme_config(getenv("ACME_PROFILE"));
    const caretoken_token *token = NULL;
    const caretoken_error *error = NULL;
    caretoken_client *client;
    set(config, "client_secret", "hush-hush");
    client = client_of(config);
    CHECK(caretoken_client_token(client, 20000, &token, &error) == CARETOKEN_CREDENTIALS_REJECTED);
    CHECK(is_text(error->vendor, "acme") && !has_text(error->line, "hush"));
    caretoken_error_free(error);
    caretoken_client_free(client);
}

static void a_parameter_cannot_have_the_name_of_a_setting(void) {
    const caretoken_profile *profile =
        parse("{\"caretoken\": 1, \"name\": \"taken\", \"parameters\": {\"timeout_ms\": {}},"
              "\"request\": {\"url\": \"https://taken.example/t\", \"form\": {\"t\": \"{timeout_ms}\"}},"
              "\"answer\": {\"access_token\": \"/t\", \"expires\": {\"life\": \"1h\"}}}");
    caretoken_config *config = NULL;
    caretoken_client *client = NULL;
    WORKS(caretoken_config_from_profile(profile, &config, &error));
    caretoken_profile_free(profile);
    FAILS(caretoken_client_new(config, &client, &error), CARETOKEN_INVALID_SETTING, "profile");
    caretoken_config_free(config);
}

int main(void) {
    bad_arguments();
    bad_texts_are_told_by_their_place();
    bad_files_are_told_by_what_is_wrong();
    names_are_those_of_what_is_compiled_in();
    every_field_is_what_the_text_says();
    a_client_of_a_file_gets_a_token_for_its_header();
    errors_name_the_vendor_of_the_file();
    a_parameter_cannot_have_the_name_of_a_setting();
    return 0;
}
