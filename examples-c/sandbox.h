/* Where the vendors are, and the credentials for them: from environment variables, as
 * `cargo run -p caretoken-sandbox -- --env-file PATH` writes them. Shared by the C and the C++ example;
 * in a program of your own, this is your configuration. */
#ifndef SANDBOX_H
#define SANDBOX_H

/* One setting of caretoken, and the environment variable that holds its value. */
struct setting {
    const char *name;
    const char *variable;
};

struct vendor {
    const char *name;
    const char *resource_variable; /* the address of something that only a good token opens */
    struct setting settings[8];    /* ends with a NULL name */
};

static const struct vendor vendors[] = {
    {"parchment",
     "PARCHMENT_RESOURCE_URL",
     {{"base_url", "PARCHMENT_BASE_URL"},
      {"partner_id", "PARCHMENT_PARTNER_ID"},
      {"partner_secret", "PARCHMENT_PARTNER_SECRET"},
      {"organization_id", "PARCHMENT_ORGANIZATION_ID"},
      {"organization_secret", "PARCHMENT_ORGANIZATION_SECRET"},
      {"user_id", "PARCHMENT_USER_ID"},
      {0, 0}}},
    {"ehealth",
     "EHEALTH_RESOURCE_URL",
     {{"base_url", "EHEALTH_BASE_URL"},
      {"client_id", "EHEALTH_CLIENT_ID"},
      {"client_secret", "EHEALTH_CLIENT_SECRET"},
      {"refresh_token", "EHEALTH_REFRESH_TOKEN"},
      {"custom_psk", "EHEALTH_CUSTOM_PSK"},
      {"api_key", "EHEALTH_API_KEY"},
      {0, 0}}},
    {"edvak",
     "EDVAK_RESOURCE_URL",
     {{"base_url", "EDVAK_BASE_URL"},
      {"client_id", "EDVAK_CLIENT_ID"},
      {"client_secret", "EDVAK_CLIENT_SECRET"},
      {"username", "EDVAK_USERNAME"},
      {"password", "EDVAK_PASSWORD"},
      {0, 0}}},
    {"pattern",
     "PATTERN_RESOURCE_URL",
     {{"base_url", "PATTERN_BASE_URL"},
      {"client_id", "PATTERN_CLIENT_ID"},
      {"client_secret", "PATTERN_CLIENT_SECRET"},
      {0, 0}}},
};

/* Parchment alone wants to be told the scopes. */
#define PARCHMENT_SCOPES "create:patient read:patient"

#endif
