// Views of what is gone by the end of the line, and results that nobody looks at. Each line that ends
// in a comment must not compile, for the reason that the comment gives; all others must.
#include "caretoken.hpp"

using std::string_view;

struct right {
    static string_view all(const caretoken::client &client, caretoken::config &config) {
        const auto token = client.token();
        const auto error = config.set("timeout_ms", "never");
        const caretoken::token kept = client.token().value();
        const std::size_t length = kept.authorization().size() + token->vendor().size();
        client.reject(kept).value();
        const bool was_cut = client.token().value().lifetime_was_cut();
        config = caretoken::config::create(caretoken::profile::named("pattern").value()).value();
        return length > 0 && was_cut ? error.error().kind() : caretoken::version();
    }
};

struct wrong {
    static string_view view_0(const caretoken::client &client) {
        return client.token().value().authorization();  // deleted
    }
    static string_view view_1(const caretoken::client &client) {
        return client.token().value().access_token();  // deleted
    }
    static string_view view_2(const caretoken::client &client) {
        return client.token()->authorization();  // deleted
    }
    static string_view view_3(const caretoken::client &client) {
        return (*client.token()).refresh_token();  // deleted
    }
    static string_view view_4(const caretoken::client &client) {
        return client.token().value().extra("patient");  // deleted
    }
    static string_view view_5(const caretoken::client &client) {
        return client.token().value().scopes().front();  // deleted
    }
    static string_view view_6(const caretoken::client &client) {
        return client.token().value().missing_scopes().front();  // deleted
    }
    static string_view view_7(const caretoken::client &client) {
        return client.token().value().extras().front().value;  // deleted
    }
    static string_view view_8(const caretoken::client &client) {
        return client.token().error().line();  // deleted
    }
    static string_view view_9(caretoken::config &config) {
        return config.set("timeout_ms", "never").error().field();  // deleted
    }
    static string_view view_10(const caretoken::client &client) {
        return client.doctor().value().text();  // deleted
    }
    static const caretoken_token *view_11(const caretoken::client &client) {
        return client.token().value().get();  // deleted
    }
    static string_view view_12(const caretoken::error &error) {
        return caretoken::exception(error).error().line();  // deleted
    }
    static string_view view_13(const caretoken::client &client) {
        return client.token().value().header();  // deleted
    }
    static string_view view_14() {
        return caretoken::profile::named("pattern").value().title();  // deleted
    }
    static string_view view_15() {
        return caretoken::profile::named("pattern")->header();  // deleted
    }
    static string_view view_16() {
        return caretoken::profile::named("pattern").value().documentation().front();  // deleted
    }
    static string_view view_17() {
        return caretoken::profile::named("pattern").value().parameters().front().name;  // deleted
    }
    static const caretoken_profile *view_18() {
        return caretoken::profile::named("pattern").value().get();  // deleted
    }
    static void ignored(const caretoken::client &client, caretoken::config &config) {
        client.token();                     // nodiscard
        config.set("timeout_ms", "never");  // nodiscard
        client.token().error();             // nodiscard
        client.token().value().clone();     // nodiscard
        caretoken::profile::load("path");   // nodiscard
        caretoken::profile::names();        // nodiscard
    }
#if defined(__clang__)
    static string_view of_a_local(const caretoken::client &client) {
        const caretoken::token local = client.token().value();
        return local.authorization();  // -Wreturn-stack-address
    }
    static string_view of_a_local_profile() {
        const caretoken::profile local = caretoken::profile::named("pattern").value();
        return local.name();  // -Wreturn-stack-address
    }
    static bool of_a_moved_one(const caretoken::client &client) {
        const caretoken::token &gone = client.token().value();  // -Wdangling
        return gone.lifetime_was_cut();
    }
#endif
};
