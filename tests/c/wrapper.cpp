// The C++ wrapper, with exceptions. The sandbox rotates ehealth's refresh token at each refresh.
#include "caretoken.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>

#define CHECK(claim)                                                                   \
    do {                                                                               \
        if (!(claim)) {                                                                \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);   \
            std::exit(1);                                                              \
        }                                                                              \
    } while (0)

// In the second translation unit.
std::string vendor_of(const caretoken::token &token);
caretoken::config sandbox_config(const std::string &vendor);

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<caretoken::config>);
static_assert(!std::is_copy_constructible_v<caretoken::client>);
static_assert(!std::is_copy_constructible_v<caretoken::token>);
static_assert(!std::is_copy_constructible_v<caretoken::profile>);
static_assert(std::is_nothrow_move_constructible_v<caretoken::profile>);
static_assert(std::is_nothrow_copy_constructible_v<caretoken::error>);
static_assert(std::is_nothrow_copy_constructible_v<caretoken::exception>);
static_assert(std::is_nothrow_move_constructible_v<caretoken::token>);
static_assert(sizeof(caretoken::token) == sizeof(void *));

/// What a call failed with; aborts if it did not.
template <class T>
static caretoken::error error_of(caretoken::result<T> failed) {
    return std::move(failed).error();
}

template <class T>
static std::string field_of(caretoken::result<T> failed) {
    return std::string(failed.error().field());
}

static void errors_are_thrown() {
    try {
        caretoken::config::create("epic").value();
        CHECK(false);
    } catch (const caretoken::exception &thrown) {
        const caretoken::exception copy = thrown;
        CHECK(copy.error().status() == CARETOKEN_INVALID_SETTING);
        CHECK(copy.error().field() == "vendor");
        CHECK(copy.error().actor() == "caller");
        CHECK(std::strstr(copy.what(), "vendor is unknown") != nullptr);
    }
    auto config = sandbox_config("pattern");
    auto refused = config.set("client_secret", "hush\nhush");
    CHECK(!refused && refused.error().kind() == "invalid_setting");
    CHECK(refused.error().line().find("hush") == std::string_view::npos);
    CHECK(!config.set("client_id", {}));
    CHECK(config.on_event(nullptr) && config.on_rotation(nullptr));
    auto client = caretoken::client::create(config).value();
    CHECK(field_of(client.token(-1ms)) == "timeout_ms");
    CHECK(client.token(0ms).error().status() == CARETOKEN_TIMEOUT);
    CHECK(!client.clock_skew().value());
}

// As std::expected: nobody loses a value by looking at it.
static void a_result_keeps_what_it_holds() {
    auto config = sandbox_config("edvak");
    auto client = caretoken::client::create(config);
    static_assert(std::is_same_v<decltype(client.value()), caretoken::client &>);
    static_assert(std::is_same_v<decltype(std::as_const(client).value()), const caretoken::client &>);
    static_assert(std::is_same_v<decltype(std::move(client).value()), caretoken::client &&>);
    static_assert(std::is_same_v<decltype(*std::move(client)), caretoken::client &&>);
    auto token = client.value().token(20s);
    const auto *first = token.value().get();
    CHECK(token.value().get() == first && std::as_const(token).value().get() == first);
    CHECK(token->get() == first && (*token).get() == first);
    const caretoken::token taken = std::move(token).value();
    CHECK(taken.get() == first);

    auto refused = client.value().token(-1ms);
    for (int i = 0; i < 2; ++i) {
        try {
            refused.value();
            CHECK(false);
        } catch (const std::runtime_error &thrown) {
            CHECK(thrown.what() == refused.error().line());
        }
    }
    const auto nothing = config.set("timeout_ms", "never");
    for (int i = 0; i < 2; ++i) {
        try {
            nothing.value();
            CHECK(false);
        } catch (const caretoken::exception &thrown) {
            CHECK(thrown.error().field() == "timeout_ms");
        }
    }
}

// Each of a text's kinds, and NULL, as getenv gives it.
static void texts_of_all_kinds_are_taken() {
    const char *unset = std::getenv("CARETOKEN_NO_SUCH_VARIABLE");
    const std::string string = "timeout_ms";
    const std::string_view view = "timeout_ms behind it";
    auto config = sandbox_config("pattern");
    config.set("timeout_ms", std::string("20000")).value();
    config.set(string, std::string_view("20000 ms").substr(0, 5)).value();
    config.set(view.substr(0, 10), "20000").value();

    const caretoken::error null = error_of(config.set("client_secret", unset));
    CHECK(null.status() == CARETOKEN_NULL_ARGUMENT && null.field() == "client_secret");
    CHECK(null.line().find("environment variable") != std::string_view::npos);
    CHECK(field_of(config.set(unset, "value")) == "name");
    CHECK(field_of(caretoken::config::create(unset)) == "vendor");
    auto client = caretoken::client::create(config).value();
    CHECK(field_of(client.set_credential("client_id", unset)) == "client_id");
    CHECK(field_of(client.set_credential(unset, "value")) == "name");
    auto token = client.token(20s).value();
    CHECK(token.extra(unset).empty() && token.extra(std::string("nothing")).empty());
}

static void tokens_are_read() {
    auto config = sandbox_config("edvak");
    auto client = caretoken::client::create(config).value();
    auto moved = std::move(client);
    CHECK(!moved.peek().value());
    auto token = moved.token(std::chrono::seconds(20)).value();
    CHECK(vendor_of(token) == "edvak");
    CHECK(token.token_type() == "Bearer" && token.header() == "authorization");
    CHECK(token.authorization() == "Bearer " + std::string(token.access_token()));
    CHECK(token.time_left() > 1s && token.time_left() <= token.lifetime());
    CHECK(token.expires_at() > std::chrono::system_clock::now());
    CHECK(!token.lifetime_was_cut() && !token.lifetime_implausible() && token.request_id().empty());
    CHECK(!token.extra("patient").empty() && token.extra("nothing").empty());
    CHECK(token.extras().size() == 5 && !token.scopes().empty() && token.missing_scopes().empty());

    char buffer[8192];
    const std::size_t length = moved.authorization(buffer, sizeof buffer).value();
    CHECK(std::string_view(buffer, length) == token.authorization());
    std::size_t needed = 0;
    CHECK(moved.authorization(nullptr, 0, 0ms, &needed).error().status() == CARETOKEN_BUFFER_TOO_SMALL);
    CHECK(needed == length);

    CHECK(!moved.refresh_if_due().value());
    auto clone = token.clone();
    CHECK(moved.peek().value()->get() == token.get());
    CHECK(moved.reject(token).value() && !moved.reject(clone).value());
    CHECK(moved.stats().value().fetches == 1);
    CHECK(moved.clock_skew().value());
    moved.cancel().value();
    moved.set_credential("password", "another").value();
    const std::string user = std::getenv("EDVAK_USERNAME");
    CHECK(field_of(moved.set_credentials({{"username", user}, {"password", nullptr}})) == "password");
    CHECK(field_of(moved.set_credentials({{"username", user}, {"pass", "word"}})) == "pass");
    moved.set_credentials({{"username", user}, {"password", std::getenv("EDVAK_PASSWORD")}}).value();
    CHECK(moved.token(20s));
    const std::map<std::string, std::string_view> map = {{"username", user}, {"password", "fake"}};
    moved.set_credentials(map).value();
    CHECK(!moved.peek().value());
    const std::vector<std::pair<const char *, const char *>> pairs = {{"username", nullptr}};
    CHECK(field_of(moved.set_credentials(pairs)) == "username");
    moved.set_credentials({}).value();
    { auto gone = std::move(moved); }
    CHECK(vendor_of(clone) == "edvak");
}

static void profiles_are_read_and_make_clients() {
    const char *unset = std::getenv("CARETOKEN_NO_SUCH_VARIABLE");
    const auto names = caretoken::profile::names();
    CHECK(names.size() >= 8 && names.front() == "parchment");
    for (const auto name : names) {
        CHECK(caretoken::profile::named(name).value().scopes() <= caretoken::profile_scopes::required);
    }
    CHECK(field_of(caretoken::profile::named("epic")) == "vendor");
    CHECK(field_of(caretoken::profile::named(unset)) == "vendor");
    CHECK(field_of(caretoken::profile::load(unset)) == "path");
    CHECK(field_of(caretoken::profile::load("no such file")) == "profile");
    CHECK(field_of(caretoken::profile::parse(unset)) == "data");
    CHECK(field_of(caretoken::profile::parse({})) == "profile");
    const caretoken::error wrong = error_of(caretoken::profile::parse(std::string("{\"name\": 1}")));
    CHECK(wrong.message().find("line 1, column") != std::string_view::npos);
    CHECK(caretoken::profile::named("parchment").value().scopes() ==
          caretoken::profile_scopes::required);

    auto profile = caretoken::profile::load(std::getenv("ACME_PROFILE")).value();
    CHECK(profile.name() == "acme" && profile.title() == "Acme Health");
    CHECK(profile.header() == "x-acme-session" && profile.documentation().size() == 1);
    CHECK(profile.scopes() == caretoken::profile_scopes::none && !profile.needs_client_certificate());
    const auto parameters = profile.parameters();
    CHECK(parameters.size() == 4 && parameters[0].name == "base_url" && parameters[0].kind == "url");
    CHECK(!parameters[0].default_value && parameters[1].default_value == "eu");
    CHECK(parameters[0].choices.empty() && parameters[1].choices.size() == 2);
    CHECK(parameters[1].choices[1] == "us" && parameters[2].about.front() == 'T');
    CHECK(parameters[3].is_secret && parameters[3].is_required && !parameters[3].is_holder);
    CHECK(!parameters[2].is_secret && !parameters[1].is_required && parameters[0].is_holder);

    auto config = caretoken::config::create(profile).value();
    { auto gone = std::move(profile); }
    const std::string url = std::getenv("PATTERN_BASE_URL");
    config.set("base_url", url).value();
    config.set("plain_http_to_loopback", url.find("http://") == 0 ? "true" : "false").value();
    config.set("ca_file", std::getenv("CARETOKEN_CA_FILE")).value();
    config.set("client_id", std::getenv("PATTERN_CLIENT_ID")).value();
    config.set("client_secret", std::getenv("PATTERN_CLIENT_SECRET")).value();
    const auto token = caretoken::client::create(config).value().token(20s).value();
    CHECK(vendor_of(token) == "acme" && token.header() == "x-acme-session");
    CHECK(token.authorization() == token.access_token());
}

static void the_way_is_examined() {
    auto config = sandbox_config("pattern");
    auto client = caretoken::client::create(config).value();
    CHECK(field_of(client.doctor(-1ms)) == "timeout_ms");
    auto report = client.doctor().value();
    auto moved = std::move(report);
    { auto gone = std::move(client); }
    CHECK(moved.is_healthy());
    CHECK(moved.text().find("vendor   pattern") != std::string_view::npos);
}

static void callbacks_live_as_long_as_the_client() {
    std::string stored;
    int events = 0;
    int calls = 0;
    auto client = [&] {
        auto config = sandbox_config("ehealth");
        config
            .on_rotation([&](std::string_view refresh_token) {
                if (++calls == 1) {
                    throw std::runtime_error("no room");
                }
                stored = refresh_token;
                return true;
            })
            .value();
        config
            .on_event([&](const caretoken::event &event) {
                ++events;
                CHECK(event.vendor == "ehealth");
                throw std::runtime_error("ends here");
            })
            .value();
        return caretoken::client::create(config).value();
    }();
    CHECK(client.token().error().status() == CARETOKEN_ROTATION_NOT_STORED);
    auto token = client.token().value();
    CHECK(calls == 2 && events > 0 && token.refresh_token() == stored);
}

// MinGW with the system's own threads has no std::thread.
#if !defined(__MINGW32__) || defined(_GLIBCXX_HAS_GTHREADS)
/// As `client` goes, by destruction or by assignment, a call in another thread is between two events.
static void callbacks_outlive_the_call_that_needs_them(bool is_assigned) {
    std::atomic<bool> is_calling{false};
    std::atomic<bool> is_gone{false};
    std::atomic<int> events{0};
    auto config = sandbox_config("pattern");
    config
        .on_event([&, kept = std::string(4096, 'x')](const caretoken::event &event) {
            CHECK(kept[0] == 'x' && kept[4095] == 'x');
            ++events;
            if (event.name == "fetch_started") {
                is_calling = true;
                while (!is_gone) {
                    std::this_thread::yield();
                }
            }
        })
        .value();
    std::optional<caretoken::client> client = caretoken::client::create(config).value();
    auto next = caretoken::client::create(sandbox_config("pattern")).value();
    config = sandbox_config("pattern");
    std::thread caller([&] {
        CHECK(client->token().error().status() == CARETOKEN_CANCELLED);
    });
    while (!is_calling) {
        std::this_thread::yield();
    }
    if (is_assigned) {
        *client = std::move(next);
    } else {
        client.reset();
    }
    is_gone = true;
    caller.join();
    CHECK(events > 1);
}
#else
static void callbacks_outlive_the_call_that_needs_them(bool) {}
#endif

int main() {
    errors_are_thrown();
    a_result_keeps_what_it_holds();
    texts_of_all_kinds_are_taken();
    tokens_are_read();
    profiles_are_read_and_make_clients();
    the_way_is_examined();
    callbacks_live_as_long_as_the_client();
    callbacks_outlive_the_call_that_needs_them(false);
    callbacks_outlive_the_call_that_needs_them(true);
    CHECK(caretoken::version() == CARETOKEN_VERSION);
    return 0;
}
