/* The way to the vendor, examined: healthy, broken, and with arguments that cannot be used. */
#include "check.h"

static void a_healthy_way(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_report *report = (const caretoken_report *)&rubbish;
    caretoken_str text;
    WORKS(caretoken_client_doctor(client, CARETOKEN_DEFAULT_TIMEOUT, &report, &error));
    caretoken_client_free(client);

    CHECK(report->is_healthy);
    text = report->text;
    CHECK(has_text(text, "vendor   pattern\n") && has_text(text, environment("pattern", "base_url")));
    CHECK(has_text(text, is_plain_http("pattern") ? "tls      skipped" : "tls      ok"));
    CHECK(has_text(text, "request  ok") && has_text(text, "result   healthy"));
    CHECK(!has_text(text, environment("pattern", "client_secret")));
    CHECK(!has_text(text, environment("pattern", "client_id")));
    caretoken_report_free(report);
}

static void a_broken_way(void) {
    caretoken_config *config = sandbox_config("pattern");
    caretoken_client *client;
    const caretoken_report *report = NULL;
    set(config, "base_url", "https://localhost:1");
    client = client_of(config);
    WORKS(caretoken_client_doctor(client, 10000, &report, &error));
    CHECK(!report->is_healthy);
    CHECK(has_text(report->text, "connect  failed"));
    CHECK(has_text(report->text, "connection refused"));
    CHECK(has_text(report->text, "request  skipped"));
    CHECK(has_text(report->text, "to do    operator: "));
    caretoken_report_free(report);
    caretoken_client_free(client);

    /* No time is a finding, not a failure. An address, since a lookup would run on after the end. */
    config = sandbox_config("pattern");
    set(config, "base_url", "https://127.0.0.1:1");
    client = client_of(config);
    WORKS(caretoken_client_doctor(client, 0, &report, &error));
    CHECK(!report->is_healthy);
    CHECK(has_text(report->text, "timeout"));
    caretoken_report_free(report);
    caretoken_client_free(client);
}

static void wrong_arguments(void) {
    caretoken_client *client = client_of(sandbox_config("pattern"));
    const caretoken_report *report = (const caretoken_report *)&rubbish;
    FAILS(caretoken_client_doctor(NULL, 1000, &report, &error), CARETOKEN_NULL_ARGUMENT, "client");
    CHECK(report == NULL);
    FAILS(caretoken_client_doctor(client, 1000, NULL, &error), CARETOKEN_NULL_ARGUMENT, "report");
    report = (const caretoken_report *)&rubbish;
    FAILS(caretoken_client_doctor(client, -2, &report, &error), CARETOKEN_INVALID_SETTING,
          "timeout_ms");
    CHECK(report == NULL);
    CHECK(caretoken_client_doctor(NULL, 1000, NULL, NULL) == CARETOKEN_NULL_ARGUMENT);
    caretoken_report_free(NULL);
    caretoken_client_free(client);
}

int main(void) {
    a_healthy_way();
    a_broken_way();
    wrong_arguments();
    return 0;
}
